from __future__ import annotations

from dataclasses import replace

from firesense.alerts.first_out import APART, FirstOut
from firesense.alerts.wording import with_first
from firesense.domain.alert import AlertClass
from firesense.domain.instant import MINUTE, SECOND
from firesense.domain.place import Org, Place
from tests.book_examples import NOON, alarm

ORG = Org(
    [
        Place("v", "village", "village"),
        Place("g1", "one", "grid", "v"),
        Place("a", "house a", "site", "g1"),
        Place("b", "house b", "site", "g1"),
        Place("g2", "two", "grid", "v"),
        Place("c", "house c", "site", "g2"),
    ]
)


def at(minutes, place="a", number=None, alert_class=AlertClass.FIRE):
    return replace(
        alarm(int(minutes * 60) + 1 if number is None else number, alert_class),
        place=place,
        event_at=NOON + int(minutes * MINUTE),
    )


def test_the_first_of_one_place_is_named_by_those_that_follow():
    events = FirstOut(ORG)
    first = at(0)
    assert events.before(first) is None
    assert events.before(at(3, alert_class=AlertClass.HAZARD)) == first
    assert events.before(at(12)) == first, "ten minutes after the one before"


def test_what_comes_later_begins_an_event_of_its_own():
    events = FirstOut(ORG)
    events.before(at(0))
    late = replace(at(0, number=7), event_at=NOON + APART + SECOND)
    assert events.before(late) is None
    assert events.before(at(12)) == late


def test_a_fire_reaches_the_neighbours_and_no_further():
    events = FirstOut(ORG)
    first = at(0)
    events.before(first)
    assert events.before(at(1, "b")) == first
    assert events.before(at(1, "c")) is None


def test_a_hazard_next_door_is_another_event():
    events = FirstOut(ORG)
    events.before(at(0))
    assert events.before(at(1, "b", alert_class=AlertClass.HAZARD)) is None


def test_faults_tests_and_strangers_are_no_events():
    events = FirstOut(ORG)
    for alert_class in (AlertClass.FAULT, AlertClass.TEST):
        assert events.before(at(0, alert_class=alert_class)) is None
    assert events.before(replace(at(0), device="?S9")) is None
    assert events.before(at(1)) is None


def test_after_a_start_the_open_alerts_say_what_came_first():
    first, second = at(0), at(2)
    events = FirstOut(ORG)
    events.follow([second, first])
    assert events.before(at(4)) == first


def test_after_a_start_the_first_of_one_instant_is_the_one_that_the_others_name():
    events = FirstOut(ORG)
    first, *others = sorted((at(0, number=number) for number in range(1, 5)), key=lambda alert: alert.id, reverse=True)
    assert events.before(first) is None
    named = [replace(other, text=with_first(other, events.before(other))) for other in others]
    events.follow([*named, first])
    assert events.before(at(4)) == first, "and not the one whose id comes first"


def test_what_a_person_reported_is_not_the_alarm_that_came_first():
    events = FirstOut(ORG)
    reported = replace(at(0, alert_class=AlertClass.HAZARD), device="", rule="reported")
    assert events.before(reported) is None
    first = at(2)
    assert events.before(first) is None, "a report has no detector to name"
    assert events.before(at(3, "b")) == first


def test_a_fire_names_a_fire_and_no_hazard_before_it():
    events = FirstOut(ORG)
    pressure = at(0, alert_class=AlertClass.HAZARD)
    assert events.before(pressure) is None
    fire = at(1)
    assert events.before(fire) is None, "low pressure in the main is not where the fire began"
    assert events.before(at(2)) == fire
    assert events.before(at(3, "b")) == fire
    assert events.before(at(4, alert_class=AlertClass.HAZARD)) == pressure


def test_the_grid_itself_is_a_place_where_a_gauge_and_a_detector_may_be():
    events = FirstOut(ORG)
    events.before(at(0, "g1", alert_class=AlertClass.HAZARD))
    assert events.before(at(1, "g1")) is None


def test_the_first_of_an_event_names_no_other_one():
    events = FirstOut(ORG)
    first = at(0)
    events.before(first)
    assert [events.before(at(minute, "b")) for minute in (1, 2, 3)] == [first] * 3
