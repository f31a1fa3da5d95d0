"""The desk through the API and through the forms of an alert's page: deeds, incidents, photos, rights, the audit."""

from __future__ import annotations

import io
import re

import pytest
from PIL import Image
from starlette.testclient import TestClient

from firesense.domain.alert import AlertClass, Case, Condition, Finding
from firesense.domain.deed import Actor, Rights
from firesense.domain.escalation import Purpose, StepKind
from firesense.domain.instant import MINUTE
from firesense.domain.outcome import Clear, Outcome
from firesense.photos import MOST_BYTES
from firesense.ports import User
from firesense.web.desk_shown import deeds_of
from tests.console import HASH, PASSWORD, Township

HE = Actor("he")


@pytest.fixture
def township(tmp_path):
    township = Township(tmp_path)
    township.book.put_user(User("li", HASH, rights=Rights.VIEWER))
    township.book.put_user(User("village", HASH, "he", place="v"))
    township.book.put_user(User("other", HASH, place="elsewhere"))
    township.book.put_user(User("chief", HASH, rights=Rights.ADMIN))
    yield township
    township.close()


@pytest.fixture
def console(township):
    with TestClient(township.console(), headers={"accept-language": "en"}) as client:
        yield client


def as_user(console, name):
    client = TestClient(console.app, headers={"accept-language": "en"})
    session = client.post("/api/v1/session", json={"name": name, "password": PASSWORD}).json()
    client.headers["x-csrf-token"] = session["csrf"]
    return client


@pytest.fixture
def officer(console):
    return as_user(console, "station")


def do(client, alert, deed, **said):
    return client.post(f"/api/v1/alerts/{alert.id}/{deed}", json=said)


def picture(size=(800, 600), kind="JPEG", colour="red"):
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "Secret Telephone"
    Image.new("RGB", size, colour).save(out, kind, exif=exif)
    return out.getvalue()


# -- deeds ------------------------------------------------------------------------------------------------------------


def test_a_fire_goes_from_hand_to_hand_until_it_is_closed(officer, console, township):
    alert = township.alarm()
    village = as_user(console, "village")
    assert do(officer, alert, "acknowledge").json()["acknowledged_by"] == "station"
    refused = do(village, alert, "acknowledge")
    assert refused.status_code == 409
    assert refused.json()["detail"] == "Not done: 值班员甲 has had it since 01-01 12:00:00"
    assert do(officer, alert, "hand-on", to="sun", reason="nearest").json()["acknowledged_by"] == "sun"
    assert do(village, alert, "take-over", reason="sun is on leave").json()["acknowledged_by"] == "he"
    sent = do(officer, alert, "dispatch", role="grid-member", note="key is with the neighbour").json()
    assert (sent["case"], sent["acknowledged_by"]) == ("dispatched", "he")
    where = {"latitude": 39.9, "longitude": 116.4, "accuracy": 9}
    assert do(village, alert, "arrive", position=where).json()["case"] == "on-site"
    found = do(village, alert, "verify", finding="false-alarm", cause="cooking", note="a wok", position=where).json()
    assert (found["case"], found["cause"]) == ("verified", "cooking")
    closed = do(officer, alert, "close", though_firing=True).json()
    assert (closed["finding"], closed["cause"], closed["note"]) == ("false-alarm", "cooking", "a wok")
    called = {(c.purpose, c.person) for c in township.book.calls(alert.id)} - {(Purpose.ALERT, "sun")}
    assert called == {(Purpose.HANDED_ON, "sun"), (Purpose.DISPATCH, "sun")}


@pytest.mark.parametrize(
    ("deed", "said", "status", "words"),
    [
        ("silence", {"ground": "below-limit"}, 409, "still reports"),
        ("silence", {"ground": "video"}, 409, "which camera"),
        ("silence", {"ground": "because"}, 422, "Something"),
        ("reset", {}, 409, "still reports"),
        ("close", {}, 409, "what was found"),
        ("close", {"finding": "fire"}, 409, "its next alarm is a new alert"),
        ("close", {"finding": "cleared-itself", "though_firing": True}, 409, "still reports"),
        ("close", {"finding": "put-right", "though_firing": True}, 409, "only a hazard"),
        ("verify", {"finding": "put-right"}, 409, "only a hazard"),
        ("dispatch", {"person": "nosuch"}, 409, "no person nosuch"),
        ("dispatch", {}, 422, "Something"),
        ("dispatch", {"role": "x", "person": "sun"}, 422, "Something"),
        ("dispatch", {"role": "firemen"}, 409, "no post firemen"),
        ("hand-on", {"to": "nobody"}, 409, "nobody"),
        ("take-over", {"reason": "  "}, 422, "Something"),
        ("verify", {"finding": "fire", "cause": "cooking"}, 409, "Only a false alarm"),
        ("verify", {"finding": "false-alarm", "cause": "ghosts"}, 409, "ghosts"),
        ("verify", {"finding": "fire", "position": {"latitude": 91, "longitude": 0}}, 422, "Something"),
        ("verify", {"finding": "fire", "note": "x" * 2001}, 422, "Something"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(officer, township, deed, said, status, words):
    alert = township.alarm()
    answer = do(officer, alert, deed, **said)
    assert answer.status_code == status
    assert words.lower() in answer.json()["detail"].lower()
    assert township.book.alert(alert.id) == alert
    assert township.book.audit(kind="alert") == []


def test_a_latched_fire_is_silenced_under_a_condition_and_reset(officer, township):
    alert = township.alarm()
    township.book.commit(Outcome("alerting", 9, 0, (Clear(alert.id, township.clock.at, Condition.LATCHED),)))
    silenced = do(officer, alert, "silence", ground="on-site", shown_by="he", reason="steam").json()
    assert silenced["silenced_at"]
    assert do(officer, alert, "reset").json()["condition"] == "resolved"
    line = township.book.audit(kind="alert", target=alert.id)[0].entry
    assert line.did == "silenced"
    assert line.detail == {"ground": "on-site", "shown_by": "he", "reason": "steam"}
    assert line.origin == "api testclient"


def test_rights_and_place_are_asked_for_everywhere(console, township):
    alert, gone = township.alarm(), township.alarm(2, place="nowhere")
    for name in ("li", "other"):
        client = as_user(console, name)
        assert client.get(f"/api/v1/alerts/{alert.id}").status_code == 200
        for path in ("acknowledge", "photos"):
            answer = client.post(f"/api/v1/alerts/{alert.id}/{path}")
            assert (answer.status_code, "no right" in answer.json()["detail"]) == (403, True)
        assert client.post("/api/v1/incidents", json={"alerts": [alert.id, gone.id]}).status_code == 403
        assert "You may look" in client.get(f"/alerts/{alert.id}").text
    village = as_user(console, "village")
    assert do(village, gone, "acknowledge").status_code == 403
    assert do(village, alert, "acknowledge").status_code == 200
    assert village.get("/api/v1/session").json()["place"] == "v"


def test_the_causes_are_listed(officer, township):
    causes = officer.get("/api/v1/causes").json()["causes"]
    assert [cause["id"] for cause in causes] == list(township.plan.practice.causes)
    assert {"id": "steam", "zh": "水汽", "en": "steam"} in causes


# -- incidents --------------------------------------------------------------------------------------------------------


def test_alerts_of_one_event_are_proposed_merged_taken_together_and_split(officer, township):
    one, two = township.alarm(1), township.alarm(2)
    township.clock.at += 20 * MINUTE
    late = township.alarm(3)
    near = officer.get(f"/api/v1/alerts/{one.id}/companions").json()["alerts"]
    assert [alert["id"] for alert in near] == [two.id]
    merged = officer.post("/api/v1/incidents", json={"alerts": [one.id, two.id]}).json()
    assert merged["incident"] == one.id
    assert officer.get(f"/api/v1/alerts/{one.id}/companions").json()["alerts"] == []
    do(officer, two, "acknowledge")
    members = officer.get(f"/api/v1/incidents/{one.id}").json()["alerts"]
    assert [alert["acknowledged_by"] for alert in members] == ["station", "station"]
    assert do(officer, one, "split").json()["incident"] == ""
    assert officer.get(f"/api/v1/incidents/{one.id}").status_code == 404
    assert do(officer, late, "split").status_code == 409


def test_neither_faults_nor_reports_are_proposed_and_of_the_others_fires_are_ticked(officer, township):
    one, fire = township.alarm(1), township.alarm(2)
    hazard = township.alarm(3, AlertClass.HAZARD)
    fault, report = township.alarm(4, AlertClass.FAULT), township.alarm(5, AlertClass.HAZARD, rule="reported")
    page = officer.get(f"/alerts/{one.id}").text
    offered = dict(re.findall(r'name="others" value="(\w+)"( checked)?', page))
    assert offered == {fire.id: " checked", hazard.id: ""}
    for alone in (fault, report):
        assert officer.get(f"/api/v1/alerts/{alone.id}/companions").json()["alerts"] == []


def test_who_acts_on_an_incident_is_told_what_of_it_is_not_theirs(console, officer, township):
    ours, theirs = township.alarm(1), township.alarm(2, place="nowhere")
    officer.post("/api/v1/incidents", json={"alerts": [ours.id, theirs.id]})
    village = as_user(console, "village")
    assert do(village, ours, "acknowledge").json()["left"] == [theirs.id]
    assert township.book.alert(theirs.id).acknowledged_by == ""
    assert f"not alerts {theirs.id}" in village.get(f"/alerts/{ours.id}").text
    assert do(officer, theirs, "acknowledge").json()["left"] == []


# -- photos -----------------------------------------------------------------------------------------------------------


def send(client, alert, content, **more):
    return client.post(f"/api/v1/alerts/{alert.id}/photos", content=content, **more)


def test_a_photo_is_kept_without_what_was_hidden_in_it_and_shown_to_those_inside(officer, console, township):
    alert = township.alarm()
    kept = send(officer, alert, picture((4000, 3000)), params={"note": "the stove"})
    assert kept.status_code == 201
    photo = kept.json()
    assert (photo["who"], photo["note"], photo["width"]) == ("station", "the stove", 1920)
    address = f"/api/v1/alerts/{alert.id}/photos/{photo['id']}"
    answer = officer.get(address)
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["cache-control"].startswith("private")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert b"Secret" not in answer.content
    assert TestClient(console.app).get(address).status_code == 401
    assert officer.get(address.replace("/photos/", "/photos/0")).status_code == 422
    other = township.alarm(2)
    assert officer.get(address.replace(alert.id, other.id)).status_code == 404
    assert officer.get(f"/api/v1/alerts/{alert.id}/photos").json()["photos"] == [photo]
    assert photo["id"] in officer.get(f"/alerts/{alert.id}").text


class Counted:
    """A body of so many megabytes that counts what was taken of it."""

    def __init__(self, megabytes):
        self.left = megabytes
        self.taken = 0

    def __iter__(self):
        return self

    def __next__(self):
        if not self.left:
            raise StopIteration
        self.left -= 1
        self.taken += 1
        return b"\xff" * 2**20


def test_a_photo_of_200_megabytes_is_refused_before_it_is_read(officer, township):
    alert = township.alarm()
    said = send(officer, alert, b"x", headers={"content-length": str(200 * 2**20)})
    assert said.status_code == 413
    endless = Counted(200)
    assert send(officer, alert, endless).status_code == 413
    assert township.book.photos(alert.id) == []


@pytest.mark.parametrize("content", [b"", b"MZ not a photo", b"<svg onload=alert(1)>", picture()[:500]])
def test_what_is_no_photo_is_refused(officer, township, content):
    alert = township.alarm()
    answer = send(officer, alert, content)
    assert answer.status_code == 422
    assert township.book.photos(alert.id) == []


def test_an_alert_has_twenty_photos_at_most(officer, township):
    alert = township.alarm()
    for number in range(20):
        assert send(officer, alert, picture((40, 40), "PNG", (number * 12, 0, 0))).status_code == 201
    assert send(officer, alert, picture((40, 40), "PNG", "white")).status_code == 409
    assert len(township.book.photos(alert.id)) == 20


# -- the page ---------------------------------------------------------------------------------------------------------


def form(client, alert, deed, **said):
    token = re.search(r'name="csrf" value="(\w+)"', client.get("/").text)[1]
    return client.post(f"/alerts/{alert.id}/{deed}", data={"csrf": token} | said)


def test_every_deed_has_a_form_that_works_without_script(officer, township):
    alert = township.alarm()
    for deed, said in (
        ("acknowledge", {}),
        ("dispatch", {"post": "grid-member@g", "note": "go"}),
        ("arrive", {"latitude": "39.9", "longitude": "116.4", "accuracy": "8.5"}),
        ("verify", {"finding": "false-alarm", "cause": "steam", "note": "kettle", "latitude": "", "longitude": ""}),
        ("hand-on", {"to": "he", "reason": "end of shift"}),
        ("take-over", {"reason": "he is away"}),
        ("silence", {"ground": "video", "shown_by": "camera 4"}),
        ("close", {"finding": "false-alarm", "cause": "steam", "note": "kettle", "though_firing": "1"}),
    ):
        answer = form(officer, alert, deed, **said)
        assert (answer.status_code, answer.url.path) == (200, f"/alerts/{alert.id}"), deed
    closed = township.book.alert(alert.id)
    assert (closed.case, closed.finding, closed.cause) == (Case.CLOSED, Finding.FALSE_ALARM, "steam")
    text = officer.get(f"/alerts/{alert.id}").text
    for words in ("39.900000", "camera 4", "from 何大勇", "steam"):
        assert words in text


def test_who_closes_what_still_alarms_ticks_that_it_will_alarm_anew(officer, township):
    alert = township.alarm()
    do(officer, alert, "acknowledge")
    said = {"finding": "fire", "note": "put out"}
    answer = form(officer, alert, "close", **said)
    assert (answer.status_code, "its next alarm is a new alert" in answer.text) == (409, True)
    assert 'name="though_firing"' in answer.text
    assert form(officer, alert, "close", **said, though_firing="1").status_code == 200
    over = township.alarm(2)
    township.book.commit(Outcome("alerting", 9, 0, (Clear(over.id, township.clock.at, Condition.LATCHED),)))
    assert 'name="though_firing"' not in officer.get(f"/alerts/{over.id}").text
    assert form(officer, over, "close", **said).status_code == 200


def test_a_false_alarm_is_asked_for_its_cause_and_unknown_is_a_choice(officer, township):
    alert = township.alarm()
    for deed in ("verify", "close"):
        answer = form(officer, alert, deed, finding="false-alarm", cause="", note="a wok", though_firing="1")
        assert (answer.status_code, "choose why it was a false alarm" in answer.text) == (409, True)
        assert ">a wok</textarea>" in answer.text
    assert township.book.alert(alert.id).case is Case.OPEN
    assert form(officer, alert, "verify", finding="false-alarm", cause="unknown").status_code == 200
    assert township.book.alert(alert.id).cause == "unknown"


def test_who_is_on_site_is_chosen_among_those_who_were_sent_or_called(officer, township):
    alert = township.alarm()
    form(officer, alert, "dispatch", post="grid-leader@v")
    offered = officer.get(f"/alerts/{alert.id}").text.partition('id="arrive-who"')[2].partition("</select>")[0]
    assert re.findall(r'value="(\w*)"', offered) == ["", "he", "sun"], "I, who was sent, who was called"
    where = {"latitude": "39.9", "longitude": "116.4", "accuracy": "8.5"}
    form(officer, alert, "arrive", who="he", **where)
    arrived = township.book.story(alert.id)[-1]
    assert (arrived.kind, arrived.who) == (StepKind.ARRIVED, "he")
    assert arrived.detail == {"said_by": "station"}, "where the officer sits is not where he is"


def test_the_page_says_what_was_found_and_what_the_case_waits_for(officer, township):
    alert = township.alarm()
    waits = []
    for deed, said in (
        ("acknowledge", {}),
        ("dispatch", {"role": "grid-leader"}),
        ("arrive", {}),
        ("verify", {"finding": "false-alarm", "cause": "cooking", "note": "a wok"}),
    ):
        do(officer, alert, deed, **said)
        page = officer.get(f"/alerts/{alert.id}").text
        waits.append(re.search(r'<p class="climb-head"><b>(.*?)</b>', page)[1])
    assert waits == [
        "taken, waiting for what is done",
        "sent, waiting for their arrival",
        "on site, waiting for what is found",
        "verified, waiting to be closed",
    ]
    assert "verified · false alarm</span>" in page
    assert re.search(r"Verified by 值班员甲 <time.*?</time> · false alarm · cooking · a wok</p>", page)
    other = township.alarm(2)
    do(officer, other, "silence", ground="video", shown_by="camera 4")
    assert "silenced, waiting to be closed" in officer.get(f"/alerts/{other.id}").text


def test_a_form_that_met_a_conflict_says_why_and_keeps_what_was_typed(officer, township):
    alert = township.alarm()
    township.desk.acknowledge(alert.id, HE)
    answer = form(officer, alert, "hand-on", to="sun", reason="she is nearer")
    assert answer.status_code == 409
    assert "何大勇 has had it since" in answer.text
    assert 'value="she is nearer"' in answer.text


def test_a_form_of_somebody_without_rights_is_refused_with_the_page(console, township):
    alert = township.alarm()
    assert form(as_user(console, "li"), alert, "acknowledge").status_code == 403
    assert form(as_user(console, "li"), alert, "whatever").status_code == 422
    assert as_user(console, "station").post(f"/alerts/{alert.id}/acknowledge", data={}).status_code == 403
    assert township.book.alert(alert.id).case is Case.OPEN


def test_a_photo_comes_by_form_too(officer, township):
    alert = township.alarm()
    token = re.search(r'name="csrf" value="(\w+)"', officer.get("/").text)[1]
    address = f"/alerts/{alert.id}/photos"
    answer = officer.post(address, data={"csrf": token, "note": "soot"}, files={"photo": ("a.jpg", picture())})
    assert answer.url.path == f"/alerts/{alert.id}"
    assert [photo.note for photo in township.book.photos(alert.id)] == ["soot"]
    assert StepKind.PHOTO in [step.kind for step in township.book.story(alert.id)]
    refused = officer.post(address, data={"csrf": token}, files={"photo": ("a.jpg", b"no photo")})
    assert (refused.status_code, 'class="refused"' in refused.text) == (422, True)
    assert officer.post(address, data={"csrf": "0"}, files={"photo": ("a.jpg", picture())}).status_code == 403
    large = officer.post(address, data={"csrf": token}, files={"photo": ("a.jpg", b"x" * (MOST_BYTES + 2**20))})
    assert large.status_code == 413
    assert f'href="/alerts/{alert.id}">Back to the page' in large.text


def test_the_next_deed_comes_first(township):
    alert = township.alarm()
    deeds = (
        lambda: township.desk.acknowledge(alert.id, Actor("sun")),
        lambda: township.desk.dispatch(alert.id, Actor("sun"), person="he"),
        lambda: township.desk.arrive(alert.id, HE),
        lambda: township.desk.verify(alert.id, HE, Finding.FIRE),
    )
    seen = [deeds_of(alert, "sun")[0], *(deeds_of(deed(), "sun")[0] for deed in deeds)]
    assert seen == ["dispatch", "dispatch", "arrive", "verify", "close"]
    now = township.book.alert(alert.id)
    assert "take-over" in deeds_of(now, "station")
    assert "take-over" not in deeds_of(now, "sun")
    assert deeds_of(township.desk.close(alert.id, HE, though_firing=True), "he") == ("photo",)


# -- the audit --------------------------------------------------------------------------------------------------------


def test_the_audit_is_for_administrators_and_knows_who_came_in(console, township):
    TestClient(console.app).post("/api/v1/session", json={"name": "chief", "password": "wrong"})
    chief = as_user(console, "chief")
    lines = chief.get("/api/v1/audit", params={"kind": "user", "target": "chief"}).json()["lines"]
    assert [(line["did"], line["origin"]) for line in lines] == [
        ("refused", "console testclient"),
        ("logged-in", "console testclient"),
    ]
    assert as_user(console, "station").get("/api/v1/audit").status_code == 403
    first = chief.get("/api/v1/audit?limit=1").json()
    assert chief.get("/api/v1/audit", params={"after": first["next"]}).json()["lines"][0]["number"] == 2
    assert chief.delete("/api/v1/session").status_code == 204
    assert township.book.audit()[-1].entry.did == "logged-out"


def test_a_thousand_guesses_are_a_hundred_lines(console, township):
    door = console.app.state.parts.door
    for n in range(150):
        door._write_refused(f"nobody-{n}", "192.0.2.9")
    assert len(township.book.audit()) == 100
    township.clock.at += 5 * MINUTE
    door._write_refused("nobody", "192.0.2.9")
    assert township.book.audit(after=100)[0].entry.detail == {"count": "51"}


def test_a_fault_found_on_site_is_a_case_of_its_own(officer, township):
    alert = township.alarm()
    do(officer, alert, "verify", finding="fault")
    (case,) = [each for each in township.book.alerts() if each.alert_class is AlertClass.FAULT]
    assert (case.device, case.rule, case.text["en"]) == (
        "smoke-1",
        "found-faulty",
        f"Found faulty on site (alert {alert.id})",
    )
