from __future__ import annotations

import math

from firesense.alerts import Alarms
from firesense.domain.alert import Alert, AlertClass, Case, Condition
from firesense.domain.instant import MINUTE
from firesense.domain.outcome import Clear, Hide
from firesense.domain.place import Org
from firesense.domain.readings import Quality
from firesense.domain.rule import Change, Firing, Transition
from tests.rule_tables import T0, devices, rule

FIRE = rule("fire", when="fire", alert_class=AlertClass.FIRE, latches=True, hides=("trouble", "tamper"))
HEAT = rule("heat", when="heat", alert_class=AlertClass.FIRE, hides=("trouble",))
TROUBLE = rule("trouble", when="trouble", alert_class=AlertClass.FAULT)
TAMPER = rule("tamper", when="tamper", alert_class=AlertClass.FAULT)


def alarms():
    return Alarms([FIRE, HEAT, TROUBLE, TAMPER], devices(), Org())


def change(what, name, at, slot=0, offset=None):
    given = at if offset is None else offset
    return Transition(name, "smoke", slot, Change(what), T0 + at * MINUTE, given, math.nan, Quality(0))


def said(deeds):
    told = [deed for deed in deeds if not isinstance(deed, Hide)]
    return [deed.rule if isinstance(deed, Alert) else type(deed).__name__ for deed in told]


def test_a_fault_waits_while_its_device_is_in_alarm():
    one = alarms()
    assert said(one.deeds([change("tripped", "fire", 1), change("tripped", "trouble", 2)], T0)) == ["fire"]
    assert said(one.deeds([change("tripped", "trouble", 2, slot=1)], T0)) == ["trouble"]
    found = one.deeds([change("cleared", "fire", 9)], T0)
    assert said(found) == ["Clear", "trouble"]
    assert found[1].event_at == T0 + 2 * MINUTE


def test_what_is_hidden_is_counted_for_the_alert_that_hides_it():
    one = alarms()
    fire, hidden = one.deeds([change("tripped", "fire", 1), change("tripped", "trouble", 2)], T0)
    assert hidden == Hide(fire.id, "trouble", fire.device, T0 + 2 * MINUTE)
    _, fault = one.deeds([change("cleared", "fire", 9)], T0)
    assert one.aside(fault.id).hidden_by == fire.id
    assert one.aside(fault.id).hidden_by == "", "it is given once"


def test_what_was_over_in_between_was_hidden_by_nothing():
    one = alarms()
    one.deeds([change("tripped", "fire", 1), change("tripped", "trouble", 2), change("cleared", "trouble", 3)], T0)
    one.deeds([change("cleared", "fire", 4)], T0)
    (fault,) = one.deeds([change("tripped", "trouble", 5)], T0)
    assert one.aside(fault.id).hidden_by == ""


def test_in_one_frame_the_fire_comes_first_whatever_the_order_of_rules():
    frame = [change("tripped", "trouble", 1, offset=5), change("tripped", "fire", 1, offset=5)]
    assert said(alarms().deeds(frame, T0)) == ["fire"]


def test_what_is_over_before_the_fire_is_never_told():
    one = alarms()
    one.deeds([change("tripped", "fire", 1), change("tripped", "trouble", 2), change("cleared", "trouble", 3)], T0)
    assert said(one.deeds([change("cleared", "fire", 9)], T0)) == ["Clear"]


def test_what_two_rules_hide_waits_for_both():
    one = alarms()
    rows = [change("tripped", "fire", 1), change("tripped", "heat", 1), change("tripped", "trouble", 2)]
    one.deeds(rows, T0)
    assert said(one.deeds([change("cleared", "heat", 3)], T0)) == ["Clear"]
    assert said(one.deeds([change("cleared", "fire", 4)], T0)) == ["Clear", "trouble"]


def test_what_was_open_before_goes_on_and_clears():
    one = alarms()
    one.deeds([change("tripped", "trouble", 1), change("tripped", "fire", 2)], T0)
    (over,) = one.deeds([change("cleared", "trouble", 3)], T0)
    assert (type(over), over.condition) == (Clear, Condition.RESOLVED)


def test_a_latched_fire_hides_nothing_any_more():
    one = alarms()
    one.deeds([change("tripped", "fire", 1), change("cleared", "fire", 2)], T0)
    assert said(one.deeds([change("tripped", "tamper", 3)], T0)) == ["tamper"]


def test_when_a_person_closes_the_fire_its_faults_are_asked_anew():
    one = alarms()
    fire, _ = one.deeds([change("tripped", "fire", 1), change("tripped", "trouble", 2)], T0)
    assert fire.case is Case.OPEN
    assert set(one.refresh([])) == {Firing("fire", "smoke", 0), Firing("trouble", "smoke", 0)}
    assert said(one.deeds([change("tripped", "trouble", 5)], T0)) == ["trouble"]
