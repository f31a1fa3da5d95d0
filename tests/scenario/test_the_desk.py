"""What officers do about alerts, from the first call to the closed case, told in the words of the domain."""

from __future__ import annotations

import json
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from io import BytesIO

import pytest
from PIL import Image

from firesense.app.retention import Retention
from firesense.domain.alert import AlertClass, Case, Condition, Finding
from firesense.domain.deed import Actor, Ground, Rights
from firesense.domain.errors import Conflict, NotAllowed, NotFound
from firesense.domain.escalation import CallState, ClimbState, Purpose, StepKind
from firesense.domain.instant import DAY, HOUR, MINUTE
from firesense.domain.outcome import Outcome, TripAgain
from firesense.photos import Photos
from tests.house import GRID, STREET_GRID, SmallHouse, smoke, smoke_device

ZHANG, WANG, YANG = Actor("zhang-wei"), Actor("wang-fang"), Actor("yang-min", "console 192.0.2.7")
BURNS = {"alarm": 1, "smoke": 0.6}


@pytest.fixture
def house(tmp_path):
    house = SmallHouse(tmp_path, [smoke_device(), smoke_device(2), smoke_device(3, STREET_GRID)])
    yield house
    house.close()


def fire(house, number=1):
    """A detector reports fire: its alert, with the first calls made."""
    house.hear(smoke(house.clock, number, **BURNS))
    return next(a for a in house.open_alerts() if a.device == f"smoke-{number}" and a.alert_class is AlertClass.FIRE)


def called(house, purpose):
    return {told.person for told in house.told if told.purpose == purpose}


def kinds(house, alert):
    return [step.kind for step in house.book.story(alert.id)]


def test_a_confirmed_fire_calls_everybody_of_the_plan_at_once(house):
    alert = fire(house)
    house.wind(seconds=30)
    house.desk.acknowledge(alert.id, ZHANG)
    house.desk.arrive(alert.id, ZHANG)
    house.desk.verify(alert.id, ZHANG, Finding.FIRE, note="灶台起火")
    before = house.clock.at
    house.settle()
    told = [each for each in house.told if each.purpose == "plan"]
    # grid leader, village head, both of the station, committee office, brigade: over both channels, in the same moment
    assert {each.person for each in told} == {"wang-fang", "chen-jie", "yang-min", "zhao-lei", "zhou-qiang", "wu-xia"}
    assert len(told) == 12
    assert {each.after for each in told} == {30.0}
    assert house.clock.at == before
    assert all("火警属实·启动预案" in each.title and "张伟" in each.body and "灶台起火" in each.body for each in told)
    (ran,) = [step for step in house.book.story(alert.id) if step.kind is StepKind.PLAN]
    assert ran.detail["plan"] == "fire"
    house.desk.verify(alert.id, ZHANG, Finding.FIRE)
    house.settle()
    assert len([each for each in house.told if each.purpose == "plan"]) == 12, "a plan is run once"


def test_who_closes_a_fire_that_its_device_still_alarms_with_is_warned_that_it_will_call_people_anew(house):
    alert = fire(house)
    house.desk.acknowledge(alert.id, ZHANG)
    with pytest.raises(Conflict) as warned:
        house.desk.close(alert.id, ZHANG, Finding.FALSE_ALARM, cause="cooking")
    assert (warned.value.key, warned.value.values) == ("conflict.close-firing", {"alerts": alert.id})
    assert house.book.alert(alert.id).case is Case.ACKNOWLEDGED
    house.desk.close(alert.id, ZHANG, Finding.FALSE_ALARM, cause="cooking", though_firing=True)
    house.wind(seconds=4)
    again = fire(house)
    assert again.id != alert.id, "a real fire is never hidden by a case that was closed"
    assert (again.case, again.condition) == (Case.OPEN, Condition.FIRING)
    house.hear(smoke(house.clock))
    house.desk.close(again.id, ZHANG, Finding.FALSE_ALARM, cause="cooking")
    assert house.open_alerts() == [], "what the device says is over is closed without a question"


def test_a_fire_is_not_closed_with_its_incident_while_another_detector_still_alarms(house):
    over, burning = fire(house), fire(house, 2)
    house.desk.merge([over.id, burning.id], YANG)
    house.hear(smoke(house.clock))
    with pytest.raises(Conflict) as warned:
        house.desk.close(over.id, YANG, Finding.FALSE_ALARM)
    assert warned.value.values == {"alerts": burning.id}
    assert {house.book.alert(each.id).open for each in (over, burning)} == {True}


def test_a_fire_that_flares_up_after_it_was_closed_runs_the_plan_again(house):
    alert = fire(house)
    house.desk.verify(alert.id, ZHANG, Finding.FIRE)
    house.settle()
    house.desk.close(alert.id, ZHANG, though_firing=True)
    house.clock.at += MINUTE
    again = TripAgain(alert.id, house.clock.at, None)
    house.book.commit(Outcome("alerting", house.book.positions()["alerting"], house.clock.at, (again,)))
    assert house.book.alert(alert.id).case is Case.OPEN
    house.desk.verify(alert.id, YANG, Finding.FIRE)
    house.settle()
    told = [each.after for each in house.told if each.purpose == "plan"]
    assert (told.count(0.0), told.count(60.0)) == (12, 12)


def test_a_button_pressed_twice_sends_somebody_once(house):
    alert = fire(house)
    for _ in range(2):
        house.desk.dispatch(alert.id, YANG, person="wang-fang", note="带灭火器")
        house.wind(seconds=2)
    sent = [each for each in house.told if each.purpose == "dispatch"]
    assert [each.person for each in sent if each.channel == "mqtt"] == ["wang-fang"]
    assert kinds(house, alert).count(StepKind.DISPATCHED) == 1
    house.desk.dispatch(alert.id, YANG, person="wang-fang", note="从后门进")
    house.desk.dispatch(alert.id, YANG, person="li-na", note="带灭火器")
    house.wind(seconds=10)
    house.desk.dispatch(alert.id, YANG, person="wang-fang", note="从后门进")
    assert kinds(house, alert).count(StepKind.DISPATCHED) == 4, "other words, another person, later: each is meant"


def test_nobody_is_sent_to_a_case_that_was_closed_before_they_could_be_told(house):
    alert = fire(house)
    house.hear(smoke(house.clock))
    house.log.down = house.mqtt.down = True
    house.desk.dispatch(alert.id, YANG, person="wang-fang", note="带灭火器")
    house.desk.hand_on(alert.id, YANG, "li-na")
    house.wind(seconds=2)
    house.desk.close(alert.id, YANG, Finding.FALSE_ALARM)
    house.log.down = house.mqtt.down = False
    house.wind(minutes=2)
    assert called(house, "dispatch") == called(house, "handed-on") == set()
    waited = [call for call in house.book.calls(alert.id) if call.purpose in {Purpose.DISPATCH, Purpose.HANDED_ON}]
    assert {call.state for call in waited} == {CallState.MOOT}


def test_where_people_live_who_cannot_get_out_the_whole_village_comes(house):
    house.book.register([smoke_device(4, "990100101201-02")])  # a grid of people living alone
    alert = fire(house, 4)
    house.desk.verify(alert.id, WANG, Finding.FIRE)
    house.settle()
    assert "li-na" in called(house, "plan"), "its grid member, too"


def test_a_false_alarm_calls_nobody_and_keeps_its_cause(house):
    alert = fire(house)
    house.desk.verify(alert.id, ZHANG, Finding.FALSE_ALARM, cause="cooking", note="炒菜油烟")
    house.desk.close(alert.id, ZHANG, though_firing=True)
    house.settle()
    closed = house.book.alert(alert.id)
    assert (closed.case, closed.finding, closed.cause) == (Case.CLOSED, Finding.FALSE_ALARM, "cooking")
    assert called(house, "plan") == set()


def test_a_detector_found_faulty_goes_to_its_maintainer_by_itself_and_climbs_when_it_is_overdue(house):
    alert = fire(house)
    house.desk.verify(alert.id, ZHANG, Finding.FAULT, note="无烟，探测器故障")
    house.settle()
    (case,) = [a for a in house.open_alerts() if a.alert_class is AlertClass.FAULT]
    assert (case.device, case.place, case.rule) == ("smoke-1", GRID, "found-faulty")
    assert [(told.person, told.alert_class) for told in house.told_of("fault")] == [("sun-bo", "fault")]
    house.desk.close(alert.id, ZHANG, though_firing=True)
    assert house.book.alert(case.id).open, "the fire alert is over; the detector is faulty all the same"
    house.wind(hours=25, step=HOUR)
    assert {told.person for told in house.told_of("fault")} >= {"sun-bo", "yang-min", "zhao-lei"}
    maintainer = Actor("sun-bo")
    house.desk.verify(case.id, maintainer, Finding.FAULT, note="已更换")
    house.desk.close(case.id, maintainer)
    assert [a for a in house.open_alerts() if a.alert_class is AlertClass.FAULT] == []


def test_of_two_officers_who_take_it_in_the_same_second_one_has_it_and_the_other_is_told_who(house):
    alert = fire(house)

    def take(actor):
        try:
            return house.desk.acknowledge(alert.id, actor).acknowledged_by
        except Conflict as refused:
            return refused

    with ThreadPoolExecutor(2) as officers:
        first, second = officers.map(take, (ZHANG, WANG))
    refused, winner = (first, second) if isinstance(first, Conflict) else (second, first)
    assert isinstance(refused, Conflict)
    assert winner in {"zhang-wei", "wang-fang"}
    assert refused.values == {"who": winner, "taken_at": house.clock.at}
    assert kinds(house, alert).count(StepKind.ACKNOWLEDGED) == 1
    assert [line.entry.who for line in house.book.audit(kind="alert")] == [winner]


def test_a_case_is_handed_on_to_somebody_who_is_called_and_taken_over_from_somebody_who_is_silent(house):
    alert = fire(house)
    house.desk.acknowledge(alert.id, YANG)
    house.desk.hand_on(alert.id, YANG, "wang-fang", "离得近")
    house.settle()
    assert {told.person for told in house.told if told.purpose == "handed-on"} == {"wang-fang"}
    assert any("杨敏 已将此警情移交给您负责" in told.body for told in house.told)
    with pytest.raises(Conflict):
        house.desk.hand_on(alert.id, YANG, "chen-jie")
    house.desk.take_over(alert.id, YANG, "王芳电话不通")
    assert house.book.alert(alert.id).acknowledged_by == "yang-min"


def test_a_post_is_sent_there_and_its_arrival_is_written_down(house):
    alert = fire(house)
    house.desk.dispatch(alert.id, YANG, role="grid-leader", note="带钥匙")
    house.settle()
    assert called(house, "dispatch") == {"wang-fang"}
    assert house.book.alert(alert.id).case is Case.DISPATCHED
    house.wind(minutes=4)
    house.desk.arrive(alert.id, YANG, who="wang-fang")
    there = house.book.alert(alert.id)
    assert (there.case, there.arrived_at - there.dispatched_at) == (Case.ON_SITE, 4 * MINUTE)
    assert house.book.story(alert.id)[-1].who == "wang-fang"
    with pytest.raises(Conflict, match="nobody"):
        house.desk.dispatch(fire(house, 3).id, YANG, role="grid-member")  # the post is vacant


def test_a_fire_is_silenced_only_when_its_device_says_it_is_over_or_somebody_saw_that_it_is(house):
    alert = fire(house)
    with pytest.raises(Conflict) as refused:
        house.desk.silence(alert.id, YANG, Ground.BELOW_LIMIT)
    assert refused.value.key == "conflict.still-firing"
    with pytest.raises(Conflict):
        house.desk.silence(alert.id, YANG, Ground.VIDEO)
    house.wind(seconds=30)
    house.hear(smoke(house.clock))
    assert house.book.alert(alert.id).condition is Condition.LATCHED
    house.desk.silence(alert.id, YANG, Ground.BELOW_LIMIT, reason="烟已散")
    told = len(house.told_of("fire"))
    house.wind(minutes=5)
    assert {each.purpose for each in house.told_of("fire")[told:]} <= {"cleared", "undone"}
    line = house.book.audit(kind="alert", target=alert.id)[-1].entry
    assert (line.who, line.did, line.origin) == ("yang-min", "silenced", "console 192.0.2.7")
    house.hear(smoke(house.clock, **BURNS))
    assert house.book.alert(alert.id).silenced_at is None, "what burns again sounds again"


def test_a_fire_that_somebody_on_site_says_is_none_calls_nobody_until_it_burns_again(house):
    alert = fire(house)
    house.desk.acknowledge(alert.id, YANG)
    house.settle()
    house.wind(minutes=1)
    house.desk.silence(alert.id, YANG, Ground.ON_SITE, shown_by="张伟")
    told = len(house.told_of("fire"))
    house.wind(minutes=40, step=MINUTE)
    assert house.told_of("fire")[told:] == [], "nobody on site, no result: that is known, and not for the whole ladder"
    assert house.book.climb(alert.id).due_at == house.clock.at - 40 * MINUTE + DAY, "it is not forgotten, either"
    house.hear(smoke(house.clock))
    told = len(house.told_of("fire"))
    house.wind(minutes=1)
    house.hear(smoke(house.clock, **BURNS))
    assert {each.person for each in house.told_of("fire")[told:]} >= {"zhang-wei"}, "what burns again is called again"
    assert house.book.climb(alert.id).state is ClimbState.CLIMBING


def test_a_case_that_was_silenced_and_never_closed_is_told_after_a_day(house):
    alert = fire(house)
    house.desk.silence(alert.id, YANG, Ground.VIDEO, shown_by="camera 4")
    house.wind(hours=25, step=HOUR)
    undone = [each for each in house.told if each.purpose == "undone"]
    assert undone
    assert all("已消音，至今没有办结" in each.body for each in undone)


def test_a_latched_fire_is_reset_and_the_next_fire_of_that_detector_is_heard(house):
    alert = fire(house)
    house.wind(seconds=30)
    house.hear(smoke(house.clock))
    house.desk.reset(alert.id, ZHANG, "现场已查看")
    assert house.book.alert(alert.id).condition is Condition.RESOLVED
    house.wind(seconds=30)
    house.hear(smoke(house.clock, **BURNS))
    burning = [a for a in house.open_alerts() if a.alert_class is AlertClass.FIRE and a.condition is Condition.FIRING]
    assert [a.device for a in burning] == ["smoke-1"]


def test_two_detectors_of_one_fire_are_one_incident(house):
    first = fire(house)
    house.wind(seconds=40)
    second = fire(house, 2)
    others = [alert for alert in house.desk.companions(house.book.alert(first.id)) if alert.id != first.id]
    assert second.id in {alert.id for alert in others}
    house.desk.merge([first.id, second.id], YANG)
    house.desk.acknowledge(second.id, YANG)
    house.desk.verify(first.id, YANG, Finding.FIRE)
    house.desk.close(second.id, YANG, though_firing=True)
    assert {house.book.alert(each.id).case for each in (first, second)} == {Case.CLOSED}
    assert {house.book.alert(each.id).finding for each in (first, second)} == {Finding.FIRE}


def test_nobody_acts_where_they_have_no_right_to(house):
    alert = fire(house)
    for actor in (
        Actor("inspector", rights=Rights.VIEWER),
        Actor("huang-ting", place="990100002"),  # of the street, not of the township
    ):
        with pytest.raises(NotAllowed):
            house.desk.acknowledge(alert.id, actor)
        with pytest.raises(NotAllowed):
            house.desk.merge([alert.id, fire(house, 2).id], actor)
    assert house.book.alert(alert.id).case is Case.OPEN
    house.desk.acknowledge(alert.id, Actor("yang-min", place="990100101"))


def test_an_incident_across_a_border_is_acted_on_by_each_in_their_own_place(house):
    ours, theirs = fire(house), fire(house, 3)
    house.desk.merge([ours.id, theirs.id], YANG)
    village = Actor("zhang-wei", place=GRID)
    house.desk.close(ours.id, village, Finding.FALSE_ALARM, though_firing=True)
    left = house.book.alert(theirs.id)
    assert (left.condition, left.case, left.acknowledged_by) == (Condition.FIRING, Case.OPEN, "")
    assert [each.id for each in house.desk.left(house.book.alert(ours.id), village)] == [theirs.id]
    assert house.book.story(ours.id)[-1].detail["left"] == theirs.id
    house.desk.close(theirs.id, Actor("huang-ting", place=STREET_GRID), Finding.FIRE, though_firing=True)
    assert (house.book.alert(theirs.id).finding, house.open_alerts()) == (Finding.FIRE, [])


def test_an_answer_takes_of_an_incident_what_its_person_was_called_about(house):
    ours, more, theirs = fire(house), fire(house, 2), fire(house, 3)
    house.desk.merge([ours.id, more.id, theirs.id], YANG)
    call = next(call for call in house.book.calls(ours.id) if call.person == "zhang-wei")
    house.answering.pressed(call, "1")
    taken = {alert.id: house.book.alert(alert.id).acknowledged_by for alert in (ours, more, theirs)}
    assert taken == {ours.id: "zhang-wei", more.id: "zhang-wei", theirs.id: ""}, "the street's own people see to theirs"
    assert next(step for step in house.book.story(ours.id)[::-1] if step.detail).detail["left"] == theirs.id
    climbs = {alert.id: house.book.climb(alert.id).state for alert in (ours, more, theirs)}
    assert climbs == {
        ours.id: ClimbState.ACKNOWLEDGED,
        more.id: ClimbState.ACKNOWLEDGED,
        theirs.id: ClimbState.CLIMBING,
    }


def test_nobody_draws_the_fires_of_another_place_into_an_incident_of_their_own(house):
    ours, more, theirs = fire(house), fire(house, 2), fire(house, 3)
    village = Actor("zhang-wei", place=GRID)
    house.desk.merge([ours.id, theirs.id], YANG)
    for named in ([more.id, theirs.id], [more.id, ours.id]):  # by name, and by what it is in already
        with pytest.raises(NotAllowed):
            house.desk.merge(named, village)
    assert house.book.alert(more.id).incident == ""


def test_what_was_closed_three_years_ago_is_forgotten_with_its_photos_and_what_is_open_is_not(house):
    old, still = fire(house), fire(house, 2)
    photos = Photos(house.settings.data / "photos")
    picture = BytesIO()
    Image.new("RGB", (320, 240), "orange").save(picture, "PNG")
    kept = photos.keep(picture.getvalue())
    house.desk.keep_photo(old.id, ZHANG, kept)
    house.desk.close(old.id, ZHANG, Finding.FALSE_ALARM, though_firing=True)
    retention = Retention(house.settings, house.journal, house.book, house.history, house.clock, None)
    house.clock.at += 1000 * DAY
    retention.forget()
    assert house.book.alert(old.id).case is Case.CLOSED
    assert photos.read(kept.id)
    house.clock.at += 100 * DAY
    retention.forget()
    left = {alert.id for alert in house.book.alerts(open_only=False)}
    assert (old.id in left, still.id in left) == (False, True)
    with pytest.raises(NotFound):
        photos.read(kept.id)
    assert [line.entry.did for line in house.book.audit()] == ["forgot", "trimmed"]
    assert house.book.prove_audit().broken == 0


def test_a_photo_that_belongs_to_nothing_is_swept_after_a_day(house):
    alert = fire(house)
    photos = Photos(house.settings.data / "photos")
    kept = []
    for shade in ("orange", "grey"):
        picture = BytesIO()
        Image.new("RGB", (320, 240), shade).save(picture, "PNG")
        kept.append(photos.keep(picture.getvalue()))
    shown, lone = kept
    house.desk.keep_photo(alert.id, ZHANG, shown)
    for photo in kept:
        came = house.clock.now() / 1_000_000
        os.utime(house.settings.data / "photos" / photo.id[:2] / f"{photo.id}.jpg", (came, came))
    retention = Retention(house.settings, house.journal, house.book, house.history, house.clock, None)
    retention.sweep_photos()
    assert photos.read(lone.id)
    house.clock.at += DAY + 1
    retention.sweep_photos()
    assert photos.read(shown.id)
    with pytest.raises(NotFound):
        photos.read(lone.id)


# -- the command line -------------------------------------------------------------------------------------------------


def test_a_desk_for_the_terminal(house, firesense):
    alert, other = fire(house), fire(house, 2)
    assert firesense("alert", "ack", alert.id, "--as", "yang-min") == f"{alert.id} is acknowledged, with yang-min\n"
    assert "yang-min has alert" in firesense("alert", "ack", alert.id, "--as", "zhao-lei", code=1)
    firesense("alert", "take-over", alert.id, "--as", "zhao-lei", "--reason", "shift change")
    firesense("alert", "hand-on", alert.id, "--as", "zhao-lei", "--to", "wang-fang")
    sending = ("alert", "dispatch", alert.id, "--as", "zhao-lei")
    assert "no post micro-fire-station" in firesense(*sending, "--post", "micro-fire-station", code=1)
    assert "no person nosuch" in firesense(*sending, "--person", "nosuch", code=1)
    firesense(*sending, "--post", "grid-member", "--note", "hurry")
    firesense("alert", "arrive", alert.id, "--as", "zhao-lei", "--who", "zhang-wei", "--position", "30.1,120.2")
    assert "--position" in firesense("alert", "arrive", alert.id, "--as", "zhao-lei", "--position", "here", code=2)
    firesense("alert", "verify", alert.id, "--as", "zhang-wei", "--finding", "false-alarm", "--cause", "dust")
    firesense("alert", "silence", alert.id, "--as", "zhao-lei", "--because", "on-site", "--shown-by", "zhang-wei")
    assert "still fires" in firesense("alert", "reset", alert.id, "--as", "zhao-lei", code=1)
    assert alert.id in firesense("alert", "merge", alert.id, other.id, "--as", "zhao-lei")
    firesense("alert", "split", other.id, "--as", "zhao-lei")
    assert "still fires" in firesense("alert", "close", alert.id, "--as", "zhao-lei", code=1)
    closed = firesense("alert", "close", alert.id, "--as", "zhao-lei", "--though-firing")
    assert ", false-alarm, with wang-fang" in closed
    assert house.book.alert(alert.id).cause == "dust"
    assert house.book.alert(other.id).open
    sent = {call.person for call in house.book.calls(alert.id) if call.purpose is Purpose.DISPATCH}
    assert sent == {"zhang-wei"}
    origins = {line.entry.origin.split("@")[0].split()[0] for line in house.book.audit(kind="alert")}
    assert origins == {"cli"}


def test_the_audit_tells_who_did_what_and_who_changed_it_afterwards(house, firesense):
    alert = fire(house)
    firesense("alert", "ack", alert.id, "--as", "yang-min")
    house.desk.take_over(alert.id, Actor("wang-fang", "console 192.0.2.7"), "杨敏下班了")
    firesense("user", "add", "inspector", "--one-time", "--rights", "viewer", "--place", GRID)
    firesense("device", "claim", "S9", "--id", "smoke-9", "--profile", "firesense-smoke", "--place", GRID)
    assert "there is no place" in firesense("user", "add", "x", "--one-time", "--place", "nowhere", code=1)
    listed = firesense("audit", "list")
    for words in (
        f"acknowledged  alert {alert.id}",
        "added  user inspector",
        "claimed  device smoke-9",
        "rights=viewer",
    ):
        assert words in listed
    assert "inspector" not in firesense("audit", "list", "--kind", "alert")
    assert firesense("user", "list").split("\t")[:4] == ["inspector", "", "viewer", GRID]
    sound = firesense("audit", "verify")
    assert sound.startswith("sound: ")
    head = sound.strip().rpartition(" ")[2]
    assert firesense("audit", "verify", "--head", head).startswith("sound")
    assert "written anew" in firesense("audit", "verify", "--head", "0" * 64, code=1)
    exported = firesense("audit", "export")
    assert len(exported.splitlines()) == 1 + len(house.book.audit())
    masked = firesense("audit", "export", "--mask", "--format", "ndjson", "--kind", "alert")
    assert not any(name in masked for name in ("yang-min", "wang-fang", "192.0.2.7", "杨敏下班了"))
    assert alert.id in masked
    lines = [json.loads(line) for line in masked.splitlines()]
    number = f"p{list(house.book.org().people).index('yang-min') + 1}"
    assert lines[0]["who"] == number, "the same person by the same number in every export"
    assert lines[-1]["detail"] == {"had_by": number, "reason": "**"}, "of what was typed nothing is left"
    everything = firesense("audit", "export", "--mask")
    assert not any(name in everything for name in ("yang-min", "wang-fang", "inspector"))
    with closing(sqlite3.connect(house.settings.data / "book.db")) as raw:
        raw.execute("UPDATE audit SET who = 'zhao-lei' WHERE kind = 'alert'")
        raw.commit()
    number = next(line.number for line in house.book.audit(kind="alert"))
    assert f"broken at line {number}" in firesense("audit", "verify", code=1)
