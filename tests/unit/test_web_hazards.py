"""Hazards in the console and in the API: lists, places, deeds, photos; and who may do what."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace

import pytest
from PIL import Image
from starlette.testclient import TestClient

from firesense.domain.alert import AlertClass, Grade
from firesense.domain.deed import Actor, Rights
from firesense.domain.hazard import HazardAct, HazardState, Report
from firesense.domain.instant import DAY, HOUR
from firesense.ports import User
from tests.console import HASH, PASSWORD, Township


@pytest.fixture
def township(tmp_path):
    township = Township(tmp_path)
    township.book.put_user(User("sun", HASH, "sun"))
    township.book.put_user(User("looker", HASH, rights=Rights.VIEWER))
    yield township
    township.close()


@pytest.fixture
def client(township):
    with TestClient(township.console()) as client:
        log_in(client)
        yield client


def log_in(client, name="station"):
    return client.post("/login", data={"name": name, "password": PASSWORD})


def later(township, client, days):
    """Days later; nobody's log-in lasts that long."""
    township.clock.at += days * DAY
    log_in(client)


def report(township, number=1, wrong="楼道堆放杂物", grade=Grade.GENERAL, place="g", **more):
    said = Report(f"key-{number:020}", place, wrong, grade, reporter="sun", **more)
    return township.hazards.report(said, Actor("sun")).alert


def csrf(client):
    return client.get("/api/v1/session").json()["csrf"]


def do(client, alert, act, **said):
    return client.post(f"/api/v1/hazards/{alert}/{act}", json=said, headers={"X-CSRF-Token": csrf(client)})


def fill_in(client, alert, act, files=None, **typed):
    token = re.search(r'name="csrf" value="(\w+)"', client.get(f"/hazards/{alert}").text)[1]
    return client.post(f"/hazards/{alert}/{act}", data=typed | {"csrf": token}, files=files)


def picture():
    out = io.BytesIO()
    Image.new("RGB", (64, 48), "green").save(out, "JPEG")
    return out.getvalue()


def table(answer):
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.reader(io.StringIO(answer.text.lstrip("\ufeff"))))


# -- the API ----------------------------------------------------------------------------------------------------------
def test_the_list_of_problems_has_what_is_open_newest_first(client, township):
    older = report(township, 1)
    later(township, client, 1)
    newer = report(township, 2)
    answer = client.get("/api/v1/hazards").json()
    assert [each["id"] for each in answer["hazards"]] == [newer, older]
    assert answer["hazards"][0]["place_names"] == ["青河县", "柳林镇", "大槐树村", "第三网格"]
    page = client.get("/api/v1/hazards", params={"limit": 1}).json()
    assert page["next"] == newer
    assert [each["id"] for each in client.get(f"/api/v1/hazards?after={newer}").json()["hazards"]] == [older]


def test_what_a_device_found_is_listed_until_somebody_accepts_it(client, township):
    alarm = township.alarm(1, AlertClass.HAZARD)
    (listed,) = client.get("/api/v1/hazards").json()["hazards"]
    assert (listed["id"], listed["source"], listed["state"]) == (alarm.id, "rule", "reported")
    assert do(client, alarm.id, "accept").json()["state"] == "accepted"
    assert len(client.get("/api/v1/hazards").json()["hazards"]) == 1


def test_a_hazard_goes_its_way_through_the_api(client, township):
    alert = report(township)
    accepted = do(client, alert, "accept", text="清空楼道", until="2026-01-10").json()
    assert (accepted["remedy"], accepted["deadline_at"]) == ("清空楼道", "2026-01-10T15:59:59Z"), "all of that day"
    assert do(client, alert, "rectify", text="自己清了").status_code == 403, "the station rectifies nothing here"
    township.hazards.do(HazardAct.RECTIFY, alert, Actor("sun"), text="已清空")
    assert do(client, alert, "reinspect", passed=True, text="合格").json()["passed"] is True
    assert do(client, alert, "write-off").json()["state"] == "written-off"
    assert client.get("/api/v1/hazards").json()["hazards"] == []
    assert len(client.get("/api/v1/hazards?open_only=false").json()["hazards"]) == 1
    assert do(client, alert, "accept").status_code == 409


@pytest.mark.parametrize("act", ["regrade", "extend", "list", "reinspect"])
def test_an_act_that_needs_more_to_be_said_says_so(client, township, act):
    assert do(client, report(township), act).status_code == 422


def test_requests_that_make_no_sense_are_refused(client, township):
    alert = report(township)
    assert do(client, alert, "burn").status_code == 422
    assert do(client, alert, "accept", until="2026-13-40").status_code == 422
    assert do(client, alert, "accept", until="2046-01-01").status_code == 409
    assert do(client, alert, "reject", text="x" * 3000).status_code == 422
    assert do(client, "NOSUCHONE0", "accept").status_code == 404
    assert do(client, township.alarm().id, "accept").status_code == 404, "a fire is no hazard"
    assert client.post(f"/api/v1/hazards/{alert}/accept", json={}).status_code == 403, "without the token"
    assert client.get("/api/v1/hazards/NOSUCHONE0").status_code == 404


def test_who_may_only_look_may_not_act_but_may_read(client, township):
    alert = report(township)
    log_in(client, "looker")
    assert client.get(f"/api/v1/hazards/{alert}").status_code == 200
    assert do(client, alert, "accept").status_code == 403
    assert "details class" not in client.get(f"/hazards/{alert}").text


def test_somebody_logged_in_reports_through_the_api_once(client):
    log_in(client, "sun")
    said = {"key": "a" * 20, "place": "g", "wrong": "灭火器过期", "grade": "minor"}
    answers = [client.post("/api/v1/hazards", json=said, headers={"X-CSRF-Token": csrf(client)}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert answers[0].json()["reporter"] == "sun"
    assert client.post("/api/v1/hazards", json=said | {"wrong": " "}, headers={"X-CSRF-Token": csrf(client)}).is_error


def test_the_list_of_responsibility_is_by_who_has_to_act(client, township):
    for number, whom in ((1, "供电所"), (2, "sun"), (3, "供电所")):
        alert = report(township, number)
        do(client, alert, "accept", responsible=whom, until=f"2026-01-{12 - number:02}")
    report(township, 4)  # nobody has accepted it: it is nobody's yet
    found = client.get("/api/v1/hazards/responsibility").json()["responsibilities"]
    assert [(each["responsible"], len(each["hazards"])) for each in found] == [("供电所", 2), ("孙小梅", 1)]
    rows = table(client.get("/api/v1/hazards/responsibility.csv"))
    assert [row[0] for row in rows[1:]] == ["供电所", "供电所", "孙小梅"]


def test_places_say_how_they_stand(client, township):
    alert = report(township, grade=Grade.MINOR)
    later(township, client, 3)
    report(township, 2, place="v")
    places = {each["place"]: each for each in client.get("/api/v1/hazards/places").json()["places"]}
    assert (places["g"]["open"], places["g"]["overdue"], places["g"]["minor"]) == (1, 1, 1)
    assert (places["v"]["open"], places["v"]["opened_month"]) == (2, 2)
    assert places["v"]["index"] > places["g"]["index"] > 0
    assert places["g"]["since_at"] == "2026-01-01T04:00:00Z"
    township.hazards.do(HazardAct.REJECT, alert, Actor("sun"), reason="不属实")
    assert client.get("/api/v1/hazards/places?kind=grid").json()["places"][0]["zero"] is True
    rows = table(client.get("/api/v1/hazards/places.csv?kind=village"))
    assert [row[0] for row in rows[1:]] == ["v"]


def test_lists_are_of_a_place_and_of_what_is_overdue(client, township):
    here, there = report(township, 1), report(township, 2, place="t")
    of_grid = client.get("/api/v1/hazards?place=g").json()["hazards"]
    assert [each["id"] for each in of_grid] == [here]
    assert client.get("/api/v1/hazards?place=nowhere").json()["hazards"] == []
    assert client.get("/api/v1/hazards?overdue=true").json()["hazards"] == []
    later(township, client, 2)
    overdue = client.get("/api/v1/hazards?overdue=true").json()["hazards"]
    assert {each["id"] for each in overdue} == {here, there}


def test_lists_that_are_passed_on_carry_no_telephone_number(client, township):
    hazard = report(township, wrong="楼道堆电动车，找王五13812345678", spot="3楼 0571-88889999")
    log_in(client)
    do(client, hazard, "accept", responsible="供电所", until="2026-01-11")
    for path in ("hazards.csv", "hazards/responsibility.csv"):
        text = client.get(f"/api/v1/{path}").text
        assert hazard in text
        assert "13812345678" not in text
        assert "88889999" not in text
    assert "找王五138**78" in text


def test_no_cell_of_a_csv_is_a_formula(client, township):
    report(township, wrong='=HYPERLINK("http://evil.example","点我")')
    (_, row) = table(client.get("/api/v1/hazards.csv"))
    assert row[3].startswith("'=")
    assert client.get("/api/v1/hazards.csv").content.startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize(
    "path", ["/api/v1/hazards", "/api/v1/hazards.csv", "/api/v1/hazards/places", "/hazards", "/hazards/places"]
)
def test_nobody_reads_them_without_a_log_in(township, path):
    with TestClient(township.console()) as stranger:
        answer = stranger.get(path, follow_redirects=False)
        assert answer.status_code in {401, 303}


# -- the pages --------------------------------------------------------------------------------------------------------
def test_the_pages_show_the_lists_in_both_languages(client, township):
    alert = report(township)
    do(client, alert, "accept", responsible="供电所")
    assert "楼道堆放杂物" in client.get("/hazards").text
    assert "供电所" in client.get("/hazards/responsibility").text
    assert "未清零" in client.get("/hazards/places").text
    assert "楼道堆放杂物" in client.get("/hazards?closed=true").text
    assert "楼道堆放杂物" not in client.get("/hazards?overdue=true").text
    client.get("/language/en")
    assert "Responsibility" in client.get("/hazards").text


def test_a_hazard_goes_its_way_through_the_pages(client, township):
    alert = report(township)
    page = fill_in(client, alert, "accept", grade="minor", text="清空楼道", until="2026-01-03")
    assert page.url.path == f"/hazards/{alert}"
    assert "已受理" in page.text
    log_in(client, "sun")
    page = fill_in(client, alert, "rectify", {"photos": ("a.jpg", picture(), "image/jpeg")}, text="已清空")
    (photo,) = township.book.hazard(alert).rectified_photos
    shown = client.get(f"/hazards/{alert}/photos/{photo}")
    assert (shown.headers["content-type"], shown.content[:2]) == ("image/jpeg", b"\xff\xd8")
    fill_in(client, alert, "write-off", text="当场整改")
    assert township.book.hazard(alert).state is HazardState.WRITTEN_OFF


def test_the_place_of_a_report_is_set_on_its_page_and_over_the_api(client, township):
    alert = report(township, place="unknown")
    assert township.book.hazard(alert).place == "d"
    assert "更正地点" not in client.get(f"/hazards/{alert}").text, "the station is below the district"
    township.book.put_user(User("admin", HASH))
    log_in(client, "admin")
    assert '<option value="g">第三网格</option>' in client.get(f"/hazards/{alert}").text
    page = fill_in(client, alert, "move", place=" g ", spot="二楼")
    assert "更正地点" in page.text
    assert "原在青河县" in page.text
    moved = township.book.hazard(alert)
    assert (moved.place, moved.spot) == ("g", "二楼")
    assert "没有地点 x" in fill_in(client, alert, "move", place="x").text
    assert do(client, alert, "move", place="v").json()["place"] == "v"
    assert do(client, alert, "move").status_code == 422


def test_the_last_day_is_told_in_hours(client, township):
    report(township, 1)
    assert "剩 1 天" in client.get("/hazards").text
    township.clock.at += DAY // 24
    assert "剩 23 小时" in client.get("/hazards").text
    township.clock.at += 22 * HOUR + HOUR // 2
    log_in(client)
    assert "剩不到 1 小时" in client.get("/hazards").text
    township.clock.at += 3 * HOUR
    assert "逾期 2 小时" in client.get("/hazards").text
    later(township, client, 2)
    assert "逾期 2 天" in client.get("/hazards").text


def test_the_places_as_csv_say_what_they_are_in_words(client, township):
    report(township, 1)
    assert [row[2] for row in table(client.get("/api/v1/hazards/places.csv"))[1:3]] == ["区县", "乡镇"]


def test_only_what_one_may_do_is_offered_and_what_one_may_not_is_refused(client, township):
    alert = report(township)
    assert f'action="/hazards/{alert}/accept"' in client.get(f"/hazards/{alert}").text
    assert f'action="/hazards/{alert}/rectify"' not in client.get(f"/hazards/{alert}").text
    log_in(client, "sun")  # a grid member accepts no general hazard
    assert f'action="/hazards/{alert}/accept"' not in client.get(f"/hazards/{alert}").text
    refused = fill_in(client, alert, "accept")
    assert refused.status_code == 403
    assert "没有权限" in refused.text


def test_what_is_refused_says_why_and_shows_the_hazard(client, township):
    alert = report(township)
    refused = fill_in(client, alert, "reject", text="")
    assert refused.status_code == 409
    assert "请填写原因" in refused.text
    assert fill_in(client, alert, "accept", until="tomorrow").status_code == 422
    fill_in(client, alert, "accept")
    log_in(client, "sun")
    broken = fill_in(client, alert, "rectify", {"photos": ("a.jpg", b"no photo", "image/jpeg")}, text="x")
    assert broken.status_code == 422


def test_a_photo_is_shown_with_its_own_hazard_alone(client, township):
    kept = township.photos.keep(picture())
    mine, other = report(township, 1, photos=(kept.id,)), report(township, 2)
    assert client.get(f"/hazards/{mine}/photos/{kept.id}").status_code == 200
    assert client.get(f"/hazards/{other}/photos/{kept.id}").status_code == 404
    assert client.get(f"/hazards/{mine}/photos/..%2f..%2fbook.db").status_code in {404, 422}
    with TestClient(township.console()) as stranger:
        assert stranger.get(f"/hazards/{mine}/photos/{kept.id}", follow_redirects=False).status_code == 303


def test_nothing_that_was_typed_becomes_part_of_a_page(client, township):
    evil = "<script>alert(1)</script>"
    alert = report(township, wrong=evil, spot=evil)
    do(client, alert, "accept", responsible=evil, text=evil)
    for path in ("/hazards", "/hazards/responsibility", f"/hazards/{alert}", f"/alerts/{alert}", "/"):
        assert evil not in client.get(path).text


def test_an_alert_that_no_device_raised_is_shown_explained_and_exported_like_every_other(client, township):
    alert = report(township)
    page = client.get(f"/alerts/{alert}").text
    assert f'href="/hazards/{alert}"' in page
    assert "设备编号" not in page
    assert client.get(f"/api/v1/alerts/{alert}/explanation").json()["alert"]["rule"] == "reported"
    assert b"<headline>" in client.get(f"/api/v1/alerts/{alert}/cap").content
    assert client.get(f"/live/alerts/{alert}/chart").is_success


def test_a_page_of_what_is_no_hazard_is_not_found(client, township):
    assert client.get("/hazards/NOSUCHONE0").status_code == 404
    assert client.get(f"/hazards/{township.alarm().id}").status_code == 404


def test_an_index_without_a_place_or_hazard_is_a_page_all_the_same(client, township):
    township.plan = replace(township.plan)
    assert "0.0" in client.get("/hazards/places").text
    assert "清零" in client.get("/hazards").text


def shaded(shade):
    out = io.BytesIO()
    Image.new("RGB", (64, 64), (shade, 0, 0)).save(out, "JPEG")
    return out.getvalue()


def kept_photos(township):
    return set(township.photos.older(2**62))


def rectify(client, alert, shade):
    token = csrf(client)
    files = [("photos", ("a.jpg", shaded(shade), "image/jpeg"))]
    return client.post(f"/hazards/{alert}/rectify", data={"csrf": token, "text": "x"}, files=files)


def test_photos_of_whoever_may_not_act_or_of_what_is_no_hazard_are_not_kept(client, township):
    alert = report(township)
    assert rectify(client, alert, 10).status_code == 409, "nobody has accepted it"
    assert rectify(client, "NOSUCHONE0", 20).status_code == 404
    log_in(client, "looker")
    assert rectify(client, alert, 30).status_code == 403
    assert kept_photos(township) == set()


def test_photos_of_what_failed_stay_evidence(township):
    alert = report(township)
    do_it = township.hazards.do
    do_it(HazardAct.ACCEPT, alert, Actor("he"), responsible="sun")
    do_it(HazardAct.RECTIFY, alert, Actor("sun"), text="x", photos=("a" * 64,))
    do_it(HazardAct.REINSPECT, alert, Actor("station"), passed=False, text="no")
    do_it(HazardAct.RECTIFY, alert, Actor("sun"), text="x", photos=("b" * 64,))
    assert township.book.hazard(alert).rectified_photos == ("a" * 64, "b" * 64)


def test_whoever_may_only_look_reports_like_anybody_and_no_faster_than_others(client):
    log_in(client, "looker")
    asked = {"place": "g", "wrong": "x", "grade": "major"}
    token = {"X-CSRF-Token": csrf(client)}
    answers = [
        client.post("/api/v1/hazards", json=asked | {"key": f"looker-{number:020}"}, headers=token)
        for number in range(61)
    ]
    assert answers[0].json()["grade"] == "general"
    assert [answer.status_code for answer in answers] == [201] * 60 + [429]
    assert int(answers[-1].headers["Retry-After"]) > 0


def test_how_a_resident_can_be_reached_is_for_those_who_may_act_there(client, township):
    township.book.put_user(User("elsewhere", HASH, place="nowhere"))
    alert = township.hazards.report(Report("k" * 20, "g", "x", contact="李 13800000000")).alert
    for name, told in (("station", True), ("looker", False), ("elsewhere", False)):
        log_in(client, name)
        for path in (f"/hazards/{alert}", f"/api/v1/hazards/{alert}", "/api/v1/hazards"):
            assert ("13800000000" in client.get(path).text) is told, (name, path)
