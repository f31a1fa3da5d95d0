"""It may be quiet for a while where somebody said so and why: maintenance, shelving, and walk tests. Fire is not."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from firesense.domain.alert import AlertClass, Case, Condition, Finding
from firesense.domain.deed import Actor, Rights
from firesense.domain.device import Device
from firesense.domain.errors import Conflict, NotAllowed, NotFound
from firesense.domain.escalation import Selector
from firesense.domain.instant import HOUR, MINUTE, SECOND, micros
from firesense.domain.place import Org
from tests.frames import T0
from tests.house import GRID, STREET_GRID, SmallHouse, smoke, smoke_device

SUN_BO, LI_NA = Actor("sun-bo"), Actor("li-na")
VILLAGE = "990100101201"
SELDOM = timedelta(days=1)
HOUR_LONG = timedelta(hours=1)


@pytest.fixture
def house(tmp_path):
    built = SmallHouse(
        tmp_path,
        [
            smoke_device(1, gateway="gw-1", period=SELDOM),
            smoke_device(2, period=SELDOM),
            smoke_device(3, place=STREET_GRID, period=SELDOM),
            Device("main-1", "water", "firesense-water", "W1", GRID, -1, kind="main", period=SELDOM),
        ],
    )
    yield built
    built.close()


def test_a_window_that_was_ended_by_a_clock_put_back_since_holds_up_no_fire(house):
    window = house.quiet.maintain(SUN_BO, "new battery", HOUR_LONG, device="smoke-2")
    house.wind(seconds=5)
    house.book.close_alert(window.id, "sun-bo", house.clock.at, Finding.TEST, "")
    house.quiet.end(window.id, SUN_BO)
    house.clock.at -= 3 * SECOND
    house.hear(smoke(house.clock, alarm=1))
    assert {told.person for told in house.told_of("fire")} == {"zhang-wei"}


def test_a_window_that_was_set_by_a_clock_put_back_since_lasts_as_long_as_was_meant(house):
    house.clock.at += 365 * 24 * HOUR
    house.quiet.maintain(SUN_BO, "new battery", HOUR_LONG, device="smoke-1")
    trouble(house)
    [fault] = [alert for alert in house.open_alerts() if alert.alert_class is AlertClass.FAULT]
    assert fault.quiet
    house.clock.at = T0 + MINUTE
    house.settle()
    [window] = house.quiet.windows()
    assert (window.starts_at, window.ends_at) == (T0 + MINUTE, T0 + MINUTE + HOUR)
    assert house.book.calls(fault.id) == []
    house.wind(hours=1, minutes=1, step=5 * MINUTE)
    assert house.book.alert(fault.id).quiet == ""
    assert {call.person for call in house.book.calls(fault.id)} == {"sun-bo"}, "it still stands, and somebody is called"


def test_what_waited_for_the_end_of_a_window_begins_as_high_as_its_selector_says(house):
    ladders, selectors = house.book.ladders()
    higher = Selector("fault", frozenset({"fault"}), start=1)
    house.book.install(house.book.org(), list(ladders.values()), [higher, *selectors])
    house.quiet.maintain(SUN_BO, "new battery", HOUR_LONG, device="smoke-1")
    trouble(house)
    [fault] = [alert for alert in house.open_alerts() if alert.alert_class is AlertClass.FAULT]
    assert house.book.calls(fault.id) == []
    house.wind(hours=1, minutes=1, step=5 * MINUTE)
    assert {call.role for call in house.book.calls(fault.id)} == {"maintenance", "station-duty"}


def trouble(house, number=1, **says):
    """A detector reports a fault of its own for long enough to be told."""
    house.hear(smoke(house.clock, number, fault=1, **says))
    house.wind(seconds=12, step=6 * SECOND)


def well(house, number=1):
    house.hear(smoke(house.clock, number))


def alert_of(house, rule, *, device=None):
    found = [
        alert for alert in house.book.alerts(open_only=False) if alert.rule == rule and device in {None, alert.device}
    ]
    [alert] = found
    return alert


def called(house, alert_class, purpose="alert"):
    """(seconds, person) of the calls that were made, each person once an instant; some went out in one bundle."""
    return sorted(
        {
            ((call.sent_at - T0) // SECOND, call.person)
            for alert in house.book.alerts(open_only=False)
            if alert.alert_class == alert_class
            for call in house.book.calls(alert.id)
            if call.purpose == purpose and call.sent_at is not None
        }
    )


def told_to(house, purpose="alert"):
    return {(who, kind) for kind in ("fire", "hazard", "fault", "test") for _, who in called(house, kind, purpose)}


# -- maintenance ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("where", [{"place": VILLAGE}, {"place": GRID}, {"device": "smoke-1"}, {"gateway": "gw-1"}])
def test_a_fault_under_maintenance_is_recorded_and_calls_nobody(house, where):
    house.quiet.maintain(SUN_BO, "new batteries", HOUR_LONG, **where)
    trouble(house)
    house.wind(minutes=30, step=10 * MINUTE)
    fault = alert_of(house, "smoke-trouble")
    assert fault.condition is Condition.FIRING
    assert fault.quiet
    assert called(house, "fault") == []


def test_what_is_next_door_calls_as_ever(house):
    house.quiet.maintain(SUN_BO, "new batteries", HOUR_LONG, device="smoke-1")
    trouble(house, 2)
    assert {person for person, _ in told_to(house)} == {"sun-bo"}


def test_fire_calls_under_maintenance_as_ever(house):
    house.quiet.maintain(SUN_BO, "new batteries", HOUR_LONG, place=VILLAGE)
    house.hear(smoke(house.clock, alarm=1))
    assert [person for _, person in house.people_told()] == ["zhang-wei"]


def test_what_still_stands_when_maintenance_is_over_is_called_then(house):
    house.quiet.maintain(SUN_BO, "new batteries", HOUR_LONG, place=GRID)
    trouble(house)
    trouble(house, 2)
    well(house, 2)
    house.wind(minutes=70, step=2 * MINUTE)
    [(after, person)] = called(house, "fault")
    assert 3600 <= after <= 3720
    assert person == "sun-bo"
    assert alert_of(house, "smoke-trouble", device="smoke-1").quiet == ""
    assert [step.kind for step in house.book.story(alert_of(house, "smoke-trouble", device="smoke-1").id)][:3] == [
        "raised",
        "held",
        "released",
    ]


def test_maintenance_that_is_ended_early_calls_at_once(house):
    window = house.quiet.maintain(SUN_BO, "new batteries", HOUR_LONG, place=GRID)
    trouble(house)
    house.wind(minutes=5, step=MINUTE)
    house.quiet.end(window.id, SUN_BO)
    house.settle()
    assert told_to(house) == {("sun-bo", "fault")}
    assert house.quiet.windows() == []
    with pytest.raises(Conflict):
        house.quiet.end(window.id, SUN_BO)


def test_a_fault_that_nobody_has_taken_waits_from_when_maintenance_begins(house):
    trouble(house)
    assert told_to(house) == {("sun-bo", "fault")}
    house.quiet.maintain(SUN_BO, "new batteries", timedelta(hours=8), place=GRID)
    house.settle()
    fault = alert_of(house, "smoke-trouble")
    assert fault.quiet
    assert house.book.climb(fault.id).due_at == house.clock.at + 8 * HOUR


def test_maintenance_of_tomorrow_begins_tomorrow(house):
    starts_at = house.clock.at + 2 * HOUR
    house.quiet.maintain(SUN_BO, "new batteries", HOUR_LONG, place=GRID, starts_at=starts_at)
    trouble(house)
    assert told_to(house) == {("sun-bo", "fault")}
    house.clock.at = starts_at
    trouble(house, 2)
    assert alert_of(house, "smoke-trouble", device="smoke-2").quiet


def test_a_window_is_on_the_list_with_who_and_why_until_it_is_over(house):
    window = house.quiet.maintain(SUN_BO, "new batteries", HOUR_LONG, place=GRID)
    house.settle()
    shown = house.book.alert(window.id)
    assert shown.open
    assert shown.alert_class is AlertClass.TEST
    assert "new batteries" in shown.text["en"]
    first, *_ = house.book.story(window.id)
    assert (first.kind, first.who) == ("raised", "sun-bo")
    house.wind(minutes=61, step=10 * MINUTE)
    over = house.book.alert(window.id)
    assert (over.case, over.finding) == (Case.CLOSED, Finding.TEST)


def test_whoever_set_it_is_reminded_before_it_ends(house):
    house.quiet.maintain(SUN_BO, "new batteries", HOUR_LONG, place=GRID)
    house.settle()
    house.wind(minutes=60, step=15 * MINUTE)
    reminders = [
        (told.after, told.person) for told in house.told if told.purpose == "window" and told.channel == "mqtt"
    ]
    assert reminders == [(0, "operator"), (2700, "sun-bo"), (3600, "sun-bo")]


def test_it_can_be_extended_within_its_limit(house):
    window = house.quiet.maintain(SUN_BO, "new batteries", HOUR_LONG, place=GRID)
    trouble(house)
    house.wind(minutes=50, step=10 * MINUTE)
    house.quiet.extend(window.id, SUN_BO, timedelta(hours=2))
    house.wind(minutes=60, step=10 * MINUTE)
    assert called(house, "fault") == []
    house.wind(minutes=61, step=10 * MINUTE)
    assert told_to(house) == {("sun-bo", "fault")}


def test_it_cannot_be_extended_again_and_again(house):
    window = house.quiet.walk(GRID, "sun-bo", SUN_BO, "quarterly test", HOUR_LONG)
    house.wind(minutes=50, step=10 * MINUTE)
    assert house.quiet.extend(window.id, SUN_BO, timedelta(minutes=70)).ends_at == window.starts_at + 120 * MINUTE
    house.wind(minutes=50, step=10 * MINUTE)
    with pytest.raises(Conflict, match="in all"):
        house.quiet.extend(window.id, SUN_BO, HOUR_LONG)
    house.wind(minutes=25, step=MINUTE)
    house.hear(smoke(house.clock, alarm=1))
    assert [alert.alert_class for alert in house.open_alerts()] == [AlertClass.FIRE], "the test is over"


def test_closing_its_alert_ends_a_window(house):
    window = house.quiet.maintain(SUN_BO, "new batteries", HOUR_LONG, place=GRID)
    trouble(house)
    house.desk.close(window.id, Actor("li-na"), Finding.TEST, "done")
    house.wind(seconds=2)
    assert told_to(house) == {("sun-bo", "fault")}
    assert house.quiet.windows() == []


def test_two_windows_over_one_device_are_over_when_both_are(house):
    house.quiet.maintain(SUN_BO, "new batteries", HOUR_LONG, device="smoke-1")
    house.quiet.maintain(LI_NA, "painting", timedelta(hours=2), place=GRID)
    trouble(house)
    house.wind(minutes=100, step=10 * MINUTE)
    assert called(house, "fault") == []
    house.wind(minutes=25, step=5 * MINUTE)
    assert told_to(house) == {("sun-bo", "fault")}


def test_a_daemon_that_starts_anew_keeps_it_quiet(house):
    house.quiet.maintain(SUN_BO, "new batteries", timedelta(hours=8), place=GRID)
    trouble(house)
    house.alerting.settle()
    house.start()
    trouble(house, 2)
    house.wind(minutes=30, step=10 * MINUTE)
    assert called(house, "fault") == []


@pytest.mark.parametrize(
    ("asked", "fault"),
    [
        ({"place": GRID, "lasts": timedelta(hours=9)}, Conflict),
        ({"place": GRID, "lasts": timedelta()}, Conflict),
        ({"place": "nowhere"}, NotFound),
        ({"device": "nobody"}, NotFound),
        ({"gateway": "gw-9"}, NotFound),
        ({}, Conflict),
        ({"place": GRID, "device": "smoke-1"}, Conflict),
        ({"place": GRID, "why": " "}, Conflict),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_quiet(house, asked, fault):
    asked = {"why": "new batteries", "lasts": HOUR_LONG} | asked
    with pytest.raises(fault):
        house.quiet.maintain(SUN_BO, asked.pop("why"), asked.pop("lasts"), **asked)
    assert house.quiet.windows() == []


# -- shelving ---------------------------------------------------------------------------------------------------------
def test_a_shelved_alert_calls_nobody_however_often_it_comes_back(house):
    trouble(house)
    house.quiet.shelve_alert(alert_of(house, "smoke-trouble").id, LI_NA, "known, parts ordered", timedelta(hours=24))
    house.settle()
    told = called(house, "fault")
    for _ in range(3):
        house.wind(hours=1, step=15 * MINUTE)
        well(house)
        house.wind(hours=1, step=15 * MINUTE)
        trouble(house)
    assert called(house, "fault") == told
    assert {alert.quiet != "" for alert in house.open_alerts() if alert.rule == "smoke-trouble"} == {True}


def test_another_rule_of_that_device_is_not_shelved(house):
    trouble(house)
    house.quiet.shelve_alert(alert_of(house, "smoke-trouble").id, LI_NA, "known", HOUR_LONG)
    house.settle()
    house.hear(smoke(house.clock, tamper=1, fault=1))
    house.wind(seconds=12, step=6 * SECOND)
    assert alert_of(house, "smoke-tamper").quiet == ""


def test_a_rule_is_shelved_at_a_place(house):
    house.quiet.shelve_rule("smoke-trouble", LI_NA, "a bad batch", HOUR_LONG, place=VILLAGE)
    trouble(house)
    trouble(house, 3)
    assert alert_of(house, "smoke-trouble", device="smoke-1").quiet
    assert alert_of(house, "smoke-trouble", device="smoke-3").quiet == ""


def test_what_was_shelved_too_long_is_called(house):
    house.quiet.shelve_rule("smoke-trouble", LI_NA, "a bad batch", HOUR_LONG, device="smoke-1")
    trouble(house)
    house.wind(minutes=61, step=10 * MINUTE)
    assert told_to(house) == {("sun-bo", "fault")}


def test_fire_cannot_be_shelved(house):
    with pytest.raises(Conflict):
        house.quiet.shelve_rule("smoke-fire", LI_NA, "toast", HOUR_LONG, device="smoke-1")
    house.hear(smoke(house.clock, alarm=1))
    with pytest.raises(Conflict):
        house.quiet.shelve_alert(alert_of(house, "smoke-fire").id, LI_NA, "toast", HOUR_LONG)
    with pytest.raises(NotFound):
        house.quiet.shelve_rule("smoke-magic", LI_NA, "toast", HOUR_LONG, device="smoke-1")


# -- walk tests -------------------------------------------------------------------------------------------------------
def walk(house, place=GRID, lasts=HOUR_LONG):
    window = house.quiet.walk(place, "sun-bo", LI_NA, "quarterly test", lasts)
    house.settle()
    return window


def test_a_fire_flag_in_a_walk_test_is_a_test_told_to_the_tester_alone(house):
    walk(house)
    house.hear(smoke(house.clock, alarm=1))
    house.wind(minutes=10, step=MINUTE)
    test = alert_of(house, "smoke-fire")
    assert test.alert_class is AlertClass.TEST
    assert told_to(house) == set()
    assert told_to(house, "tested") == {("sun-bo", "test")}
    well(house)
    assert alert_of(house, "smoke-fire").condition is Condition.RESOLVED, "nobody has to reset it"


def test_a_fire_elsewhere_is_a_fire(house):
    walk(house)
    house.hear(smoke(house.clock, 3, alarm=1))
    assert alert_of(house, "smoke-fire").alert_class is AlertClass.FIRE
    assert house.people_told()


def test_what_was_a_fire_before_stays_one(house):
    house.hear(smoke(house.clock, alarm=1))
    walk(house)
    house.wind(minutes=3, step=MINUTE)
    assert alert_of(house, "smoke-fire").alert_class is AlertClass.FIRE
    assert {person for _, person in house.people_told()} >= {"zhang-wei", "wang-fang"}


def test_the_operator_and_the_tester_hear_that_it_begins_ends_soon_and_is_over(house):
    walk(house)
    house.wind(minutes=60, step=15 * MINUTE)
    assert called(house, "test", "window") == [
        (0, "operator"),
        (0, "sun-bo"),
        (2700, "li-na"),
        (2700, "operator"),
        (2700, "sun-bo"),
        (3600, "li-na"),
        (3600, "operator"),
        (3600, "sun-bo"),
    ]


def test_after_its_end_a_fire_is_a_fire_again(house):
    walk(house)
    house.wind(minutes=61, step=10 * MINUTE)
    house.hear(smoke(house.clock, alarm=1))
    assert alert_of(house, "smoke-fire").alert_class is AlertClass.FIRE


def test_a_test_that_goes_on_saying_fire_long_after_the_end_is_a_fire(house):
    window = walk(house)
    house.hear(smoke(house.clock, alarm=1))
    house.wind(minutes=64, step=8 * MINUTE)
    assert called(house, "fire") == []
    house.wind(minutes=2, step=30 * SECOND)
    [fire] = [alert for alert in house.open_alerts() if alert.alert_class is AlertClass.FIRE]
    assert (fire.rule, fire.device) == ("smoke-fire", "smoke-1")
    assert fire.event_at == window.ends_at + 5 * MINUTE
    assert house.people_told()[0][1] == "zhang-wei"
    well(house)
    assert house.book.alert(fire.id).condition is Condition.LATCHED


def test_nobody_is_told_twice_when_a_house_starts_anew_while_it_turns_real(house):
    walk(house)
    house.hear(smoke(house.clock, alarm=1))
    house.wind(minutes=64, step=8 * MINUTE)
    house.alerting.settle()
    house.start()
    house.wind(minutes=2, step=30 * SECOND)
    house.start()
    house.wind(minutes=1, step=30 * SECOND)
    assert [alert.device for alert in house.open_alerts() if alert.alert_class is AlertClass.FIRE] == ["smoke-1"]


def test_hazards_and_faults_of_a_walk_test_wait_for_its_end(house):
    walk(house)
    trouble(house)
    assert called(house, "fault") == []
    house.wind(minutes=61, step=10 * MINUTE)
    assert told_to(house) >= {("sun-bo", "fault")}


def test_a_fire_that_happened_before_and_arrives_late_is_a_fire(house):
    happened_at = house.clock.at
    house.wind(hours=1, step=15 * MINUTE)
    walk(house)
    house.hear(smoke(house.clock, alarm=1, ts=happened_at // 1000))
    fire = alert_of(house, "smoke-fire")
    assert fire.late
    assert fire.alert_class is AlertClass.FIRE


def test_the_report_says_who_was_heard_and_who_was_not(house):
    window = walk(house)
    house.hear(smoke(house.clock, alarm=1))
    house.wind(seconds=5, step=5 * SECOND)
    well(house)
    house.wind(seconds=5, step=5 * SECOND)
    house.hear(smoke(house.clock, alarm=1))
    report = house.quiet.report(window.id)
    assert [(one.device, one.rule, one.times) for one in report.heard.values()] == [("smoke-1", "smoke-fire", 2)]
    assert [device.id for device in report.missing] == ["smoke-2"]
    house.hear(smoke(house.clock, 2, test=1))
    assert house.quiet.report(window.id).missing == ()
    house.wind(minutes=2, step=30 * SECOND)
    assert told_to(house) == set()
    told = {
        alert.device
        for alert in house.book.alerts(open_only=False)
        for call in house.book.calls(alert.id)
        if call.sent_at
    }
    assert {"smoke-1", "smoke-2"} <= told


def test_a_tester_hears_of_every_device_at_once_however_many_and_in_quiet_hours(tmp_path):
    devices = [smoke_device(number, period=SELDOM) for number in range(1, 16)]
    house = SmallHouse(tmp_path, devices, settings='telling: {quiet: {tester: "00:00-23:59"}}\n')
    walk(house)
    heard = {}
    for number in range(1, 16):
        house.hear(smoke(house.clock, number, alarm=1))
        heard[f"smoke-{number}"] = (house.clock.at - T0) / SECOND
        house.wind(seconds=10, step=5 * SECOND)
        well(house, number)
    told = [one for one in house.told if (one.person, one.purpose, one.channel) == ("sun-bo", "tested", "log")]
    assert {one.title.rpartition(" ")[2]: one.after for one in told} == heard
    assert house.book.floods() == []
    house.close()


@pytest.mark.parametrize("gone", ["from the org", "without an address", "only known to a channel that is no more"])
def test_where_no_tester_can_be_reached_a_fire_is_a_fire_and_the_operator_is_told_why(house, gone):
    walk(house)
    org, (ladders, selectors) = house.book.org(), house.book.ladders()
    tester = org.people["sun-bo"]
    rest = [person for person in org.people.values() if person is not tester]
    if gone != "from the org":
        addresses = {"pager": "7"} if gone.startswith("only") else {}
        rest.append(replace(tester, addresses=addresses))
    posts = [
        replace(post, holders=tuple(who for who in post.holders if who != "sun-bo")) for post in org.posts.values()
    ]
    house.book.install(Org(org.places.values(), posts, rest), ladders.values(), selectors)
    house.hear(smoke(house.clock, alarm=1))
    house.wind(seconds=2)
    assert alert_of(house, "smoke-fire").alert_class is AlertClass.FIRE
    assert {person for _, person in house.people_told()} == {"zhang-wei"}
    [notice, *_] = [one for one in house.told_of("fire") if one.purpose == "notice"]
    assert notice.person == "operator"
    assert "测试人员" in notice.body


def test_a_walk_test_needs_a_tester_who_can_be_told(house):
    with pytest.raises(NotFound):
        house.quiet.walk(GRID, "nobody", LI_NA, "quarterly test", HOUR_LONG)
    with pytest.raises(Conflict):
        house.quiet.walk(GRID, "sun-bo", LI_NA, "quarterly test", timedelta(hours=3))
    with pytest.raises(NotFound):
        house.quiet.walk("nowhere", "sun-bo", LI_NA, "quarterly test", HOUR_LONG)


# -- judged late ------------------------------------------------------------------------------------------------------
def test_frames_judged_long_after_a_window_fall_into_it_all_the_same(house):
    walk(house, lasts=timedelta(minutes=10))
    house.alerting.settle()
    behind = house.alerting
    house.alerting = _Asleep()
    house.hear(smoke(house.clock, 1, alarm=1))
    house.wind(seconds=30, step=10 * SECOND)
    house.hear(smoke(house.clock, 1))
    house.wind(minutes=20, step=5 * MINUTE)
    house.hear(smoke(house.clock, 2, alarm=1))
    house.alerting = behind
    house.settle()
    assert alert_of(house, "smoke-fire", device="smoke-1").alert_class is AlertClass.TEST
    assert alert_of(house, "smoke-fire", device="smoke-2").alert_class is AlertClass.FIRE


def test_a_fault_judged_after_its_window_is_over_is_called_and_marked_no_more(house):
    house.quiet.maintain(SUN_BO, "new batteries", timedelta(minutes=10), place=GRID)
    behind, house.alerting = house.alerting, _Asleep()
    house.hear(smoke(house.clock, 1, fault=1))
    house.wind(minutes=20, step=5 * MINUTE)
    house.alerting = behind
    house.settle()
    house.wind(minutes=2, step=MINUTE)
    fault = alert_of(house, "smoke-trouble")
    assert fault.quiet == ""
    assert [step.kind for step in house.book.story(fault.id)][:3] == ["raised", "held", "called"]
    assert told_to(house) == {("sun-bo", "fault")}


def test_a_fault_judged_while_its_window_is_ended_is_called_at_once(house, monkeypatch):
    window = house.quiet.maintain(SUN_BO, "new batteries", HOUR_LONG, place=GRID)
    house.settle()
    commit = house.book.commit

    def ended_before(outcome):
        if outcome.deeds:
            monkeypatch.undo()
            house.quiet.end(window.id, SUN_BO)
            asyncio.run(house._duty())
        return commit(outcome)

    house.hear(smoke(house.clock, 1, fault=1))
    monkeypatch.setattr(house.book, "commit", ended_before)
    house.wind(seconds=12, step=6 * SECOND)
    fault = alert_of(house, "smoke-trouble")
    assert fault.quiet == ""
    assert {call.person for call in house.book.calls(fault.id)} == {"sun-bo"}


def test_a_window_that_one_duty_has_released_holds_nothing_for_another_that_saw_it_last(house):
    window = house.quiet.maintain(SUN_BO, "new batteries", HOUR_LONG, place=GRID)
    trouble(house)
    fault = alert_of(house, "smoke-trouble")
    seen = house.book.quiet(window.id)
    house.quiet.end(window.id, SUN_BO)
    house.settle()
    climb = house.book.climb(fault.id)
    house.book.hold([(fault.id, seen)], house.clock.at)
    assert (house.book.alert(fault.id).quiet, house.book.climb(fault.id)) == ("", climb)


class _Asleep:
    def step(self):
        return False


def test_lengths_are_what_was_asked_for(house):
    window = walk(house)
    assert window.ends_at - window.starts_at == micros(HOUR_LONG)


def test_whoever_may_only_look_or_act_elsewhere_is_refused(house):
    for actor in (Actor("sun-bo", rights=Rights.VIEWER), Actor("sun-bo", place=STREET_GRID)):
        with pytest.raises(NotAllowed):
            house.quiet.maintain(actor, "new batteries", HOUR_LONG, place=GRID)
    window = house.quiet.maintain(SUN_BO, "new batteries", HOUR_LONG, place=GRID)
    with pytest.raises(NotAllowed):
        house.quiet.end(window.id, Actor("li-na", place=STREET_GRID))


def test_who_set_extended_and_ended_a_window_is_in_the_audit(house):
    window = house.quiet.maintain(SUN_BO, "new batteries", HOUR_LONG, place=GRID)
    house.quiet.extend(window.id, SUN_BO, HOUR_LONG)
    house.quiet.end(window.id, LI_NA)
    rows = house.book.audit(kind="quiet", target=window.id)
    assert [(row.entry.who, row.entry.did) for row in rows] == [
        ("sun-bo", "maintenance"),
        ("sun-bo", "extended"),
        ("li-na", "ended"),
    ]
