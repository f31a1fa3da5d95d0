from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta

import pytest

from firesense.alerts import Alarms, written
from firesense.domain.alert import QUIET, Alert, AlertClass, Case, Condition, Grade
from firesense.domain.device import Device, Registry
from firesense.domain.instant import MINUTE, SECOND, micros
from firesense.domain.outcome import Clear, TripAgain
from firesense.domain.place import Org, Place
from firesense.domain.readings import Quality
from firesense.domain.rule import Change, Firing, Rule, RuleKind, Transition

T0 = 1_790_000_000 * SECOND
ORG = Org([
    Place("town", "青溪镇", "township"),
    Place("east", "东村", "village", "town"),
    Place("east-1", "东村一组", "grid", "east"),
    Place("east-2", "东村二组", "grid", "east"),
])  # fmt: skip
REGISTRY = Registry([
    Device("s-1", "smoke", "example", "x1", "east-1", 0, name="王家堂屋", gateway="gw-1"),
    Device("s-2", "smoke", "example", "x2", "east-2", 1, gateway="gw-1"),
    Device("w-1", "water", "example-water", "x3", "nowhere", 0),
])  # fmt: skip
FIRE = Rule(
    "smoke-fire", RuleKind.SIGNAL, "smoke", AlertClass.FIRE, Grade.MAJOR, latches=True, version="v7",
    text={"zh": "{device}（{place}）报火警", "en": "Fire at {place}"},
)  # fmt: skip
LOW = Rule(
    "water-low", RuleKind.THRESHOLD, "water", AlertClass.HAZARD, Grade.GENERAL, metric="pressure", channel=0,
    text={"zh": "压力 {value} {unit}", "en": "{value} {unit} at {place}"},
)  # fmt: skip
SILENT = Rule(
    "smoke-silent", RuleKind.ABSENCE, "smoke", AlertClass.FAULT, Grade.GENERAL, text={"zh": "失联", "en": "?"}
)


def alarms():
    return Alarms([FIRE, LOW, SILENT], REGISTRY, ORG)


def change(what, rule=FIRE, slot=0, at=0, **rest):
    given = {"offset": 5, "value": math.nan, "quality": Quality(0)} | rest
    return Transition(rule.id, rule.device_class, slot, Change(what), T0 + at, **given)


def test_a_trip_is_a_new_alert_with_all_a_person_needs():
    (alert,) = alarms().deeds([change("tripped", at=1)], T0 + 9)
    assert alert.text == {"zh": "王家堂屋（东村一组）报火警", "en": "Fire at 东村一组"}
    assert (alert.rule, alert.rule_version, alert.alert_class, alert.grade) == (
        "smoke-fire",
        "v7",
        AlertClass.FIRE,
        Grade.MAJOR,
    )
    assert (alert.device, alert.device_class, alert.place) == ("s-1", "smoke", "east-1")
    assert (alert.raised_at, alert.event_at, alert.offset, alert.value, alert.late) == (T0 + 9, T0 + 1, 5, None, False)
    assert (alert.condition, alert.case) == (Condition.FIRING, Case.OPEN)


def test_raising_it_twice_is_raising_it_once():
    first, second = (alarms().deeds([change("tripped", at=1)], T0 + late)[0] for late in (2, 900))
    assert first.id == second.id


def test_values_are_shown_in_the_unit_of_their_metric():
    (alert,) = alarms().deeds([change("tripped", LOW, value=0.1234)], T0)
    assert alert.text == {"zh": "压力 0.123 MPa", "en": "0.123 MPa at nowhere"}
    assert (alert.metric, alert.value) == ("pressure", 0.1234)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.14, "0.14"), (300.0, "300"), (-0.0004, "0"), (-1.25, "-1.25"), (20000.0, "20000"), (21.46, "21.46")],
)
def test_numbers_are_written_plainly(value, text):
    assert written(value) == text


def test_late_alerts_are_marked():
    (alert,) = alarms().deeds([change("tripped", quality=Quality.LATE | Quality.OWN_TIME_MISSING)], T0)
    assert alert.late


def test_fire_latches_and_a_chattering_detector_is_one_alarm():
    one = alarms()
    (alert,) = one.deeds([change("tripped")], T0)
    assert one.deeds([change("cleared", at=MINUTE)], T0) == [Clear(alert.id, T0 + MINUTE, Condition.LATCHED)]
    assert one.deeds([change("tripped", at=2 * MINUTE)], T0) == [TripAgain(alert.id, T0 + 2 * MINUTE, None, 5)]
    assert one.deeds([change("cleared", at=3 * MINUTE)], T0) == [Clear(alert.id, T0 + 3 * MINUTE, Condition.LATCHED)]


def test_a_fire_after_half_an_hour_of_quiet_is_a_new_one():
    one = alarms()
    (morning,) = one.deeds([change("tripped")], T0)
    one.deeds([change("cleared", at=MINUTE)], T0)
    (night,) = one.deeds([change("tripped", at=MINUTE + QUIET)], T0)
    assert isinstance(night, Alert)
    assert night.id != morning.id
    assert one.deeds([change("cleared", at=2 * QUIET)], T0)[0].alert == night.id


def test_a_hazard_resolves_and_comes_back_as_a_new_alert():
    one = alarms()
    (first,) = one.deeds([change("tripped", LOW, value=0.1)], T0)
    assert one.deeds([change("cleared", LOW, at=5)], T0) == [Clear(first.id, T0 + 5, Condition.RESOLVED)]
    (second,) = one.deeds([change("tripped", LOW, at=9)], T0)
    assert second.id != first.id


def test_someone_on_the_way_is_told_that_it_goes_on():
    one = alarms()
    (alert,) = one.deeds([change("tripped", LOW)], T0)
    one.deeds([change("cleared", LOW, at=5)], T0)
    taken = replace(alert, case=Case.ACKNOWLEDGED, condition=Condition.RESOLVED, cleared_at=T0 + 5)
    assert one.refresh([taken]) == []
    assert one.deeds([change("tripped", LOW, at=9, value=0.09)], T0) == [TripAgain(alert.id, T0 + 9, 0.09, 5)]


def test_clearing_what_is_not_open_is_nothing():
    assert alarms().deeds([change("cleared"), change("pending")], T0) == []


def test_what_a_person_closed_while_it_was_firing_is_given_back_for_release():
    one = alarms()
    fire, low = one.deeds([change("tripped"), change("tripped", LOW)], T0)
    assert set(one.firing()) == {Firing("smoke-fire", "smoke", 0), Firing("water-low", "water", 0)}
    closed = replace(fire, case=Case.CLOSED, closed_at=T0 + 1)
    assert one.refresh([closed, low]) == [Firing("smoke-fire", "smoke", 0)]
    assert one.firing() == [Firing("water-low", "water", 0)]
    assert one.forget(low.id) == Firing("water-low", "water", 0)
    assert one.forget(low.id) is None
    assert isinstance(one.deeds([change("tripped", at=2)], T0)[0], Alert)


def test_of_two_open_alerts_of_one_device_the_newer_goes_on():
    one = alarms()
    (old,) = one.deeds([change("tripped")], T0)
    new = replace(old, id="NEWER", raised_at=T0 + 7)
    one.refresh([new, old])
    assert one.deeds([change("cleared", at=9)], T0)[0].alert == "NEWER"


def test_a_gateway_is_told_at_the_place_its_devices_have_in_common():
    one = alarms()
    (alert,) = one.deeds([change("tripped", SILENT, slot=1, gateway="gw-1")], T0)
    assert (alert.device, alert.place, alert.alert_class) == ("gw-1", "east", AlertClass.FAULT)
    assert "gw-1" in alert.text["zh"]
    assert "2 devices" in alert.text["en"]
    (firing,) = one.firing()
    assert (firing.rule, firing.device_class, firing.gateway) == ("smoke-silent", "smoke", "gw-1")
    cleared = change("cleared", SILENT, slot=1, at=5, gateway="gw-1")
    assert one.deeds([cleared], T0) == [Clear(alert.id, T0 + 5, Condition.RESOLVED)]


def stranger(one, at):
    return one.stranger("ff01", "smoke", "zigbee2mqtt/hall", event_at=T0 + at, offset=3, now=T0 + at + 1)


def test_the_fire_flag_of_a_stranger_reaches_the_root():
    one = alarms()
    alert = stranger(one, 0)
    assert (alert.alert_class, alert.grade, alert.place, alert.device) == (
        AlertClass.FIRE,
        Grade.MAJOR,
        "town",
        "?ff01",
    )
    assert "ff01" in alert.text["zh"]
    assert "zigbee2mqtt/hall" in alert.text["en"]
    assert [stranger(one, minutes * MINUTE) for minutes in (1, 25, 50, 75)] == [None] * 4
    assert stranger(one, 105 * MINUTE).id != alert.id


def test_a_restart_does_not_raise_a_stranger_again_that_goes_on():
    one = alarms()
    alert = stranger(one, 0)
    again = alarms()
    again.refresh([alert])
    assert stranger(again, 5 * MINUTE) is None
    again.refresh([])
    assert stranger(again, 6 * MINUTE) is not None


def test_firesense_tells_its_own_faults_once():
    one = alarms()
    text = {"zh": "收不到数据", "en": "Nothing comes in"}
    alert = one.system("ingest-deaf", text, now=T0, offset=9)
    assert (alert.device, alert.alert_class, alert.place, alert.text) == ("firesense", AlertClass.FAULT, "town", text)
    assert one.system("ingest-deaf", text, now=T0 + 1, offset=9) is None
    assert one.system_over("ingest-deaf", T0 + 2) == Clear(alert.id, T0 + 2, Condition.RESOLVED)
    assert one.system_over("ingest-deaf", T0 + 3) is None
    assert one.system("ingest-deaf", text, now=T0 + 4, offset=9).id != alert.id


def test_an_org_that_is_still_empty_has_no_root():
    lost = Alarms([FIRE], REGISTRY, Org())
    assert stranger(lost, 0).place == ""
    assert lost.deeds([change("tripped")], T0)[0].place == "east-1"
    assert micros(timedelta(minutes=30)) == QUIET


def test_when_strangers_said_fire_is_recalled_of_those_whose_alerts_are_open():
    one = alarms()
    assert stranger(one, 0) is not None
    one.flags.recall([("?ff01", T0 + MINUTE), ("?ee02", T0 + MINUTE)])
    assert one.flags.last("?ff01") == T0 + MINUTE
    assert one.flags.last("?ee02") is None
