from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from firesense.domain.device import Device, Registry
from firesense.domain.instant import DAY, HOUR, MINUTE, SECOND
from firesense.domain.readings import Quality
from firesense.domain.rule import Change, Firing
from firesense.rules.wheel import Wheel
from tests.rule_tables import PROFILE, T0, devices, engine, rule, table, told

SILENT = rule("silent", "absence", periods=3.0, at_most=timedelta(hours=24))


def ticks(one, *minutes, listening=True):
    return [found for minute in minutes for found in one.tick(T0 + round(minute * MINUTE), listening=listening)]


def heard(one, minute, *slots, **row):
    return one.apply(table(*({"at": minute * 60, "slot": slot, "temperature": 20} | row for slot in slots)))


def test_a_device_is_absent_after_three_periods_and_back_when_it_speaks():
    one = engine(SILENT, registry=devices(2))
    heard(one, 1, 0)
    assert told(ticks(one, 2.9)) == []
    assert told(ticks(one, 3)) == [("silent", 1, "tripped", 180.0)]  # never heard: counted from the start
    assert told(ticks(one, 3.9, 4, 5)) == [("silent", 0, "tripped", 240.0)]
    found = heard(one, 6, 0)
    assert told(found) == [("silent", 0, "cleared", 360.0)]
    assert found[0].offset == 0
    assert told(ticks(one, 8.9, 9)) == [("silent", 0, "tripped", 540.0)]


@pytest.mark.parametrize(
    ("own", "profile", "limit"),
    [
        (timedelta(minutes=5), timedelta(minutes=1), 15 * MINUTE),
        (None, timedelta(minutes=1), 3 * MINUTE),
        (timedelta(hours=12), timedelta(minutes=1), DAY),
        (None, None, DAY),
    ],
)
def test_the_limit_is_the_devices_own(own, profile, limit):
    one = engine(SILENT, registry=devices(1, period=own), period=profile)
    assert one.tick(T0 + limit - 1, listening=True) == []
    assert told(one.tick(T0 + limit, listening=True)) == [("silent", 0, "tripped", limit / SECOND)]


def test_nobody_is_absent_while_we_do_not_listen():
    one = engine(SILENT, registry=devices(1))
    assert ticks(one, 10, listening=False) == []
    one.heard_again_from(T0 + 10 * MINUTE)
    assert ticks(one, 10, 12.9) == []
    assert told(ticks(one, 13)) == [("silent", 0, "tripped", 780.0)]


@pytest.mark.parametrize("quality", [Quality.RETAINED, Quality.REPLAYED])
def test_what_was_kept_for_us_is_no_sign_of_life(quality):
    one = engine(SILENT, registry=devices(1))
    heard(one, 1, 0, quality=quality)
    assert one.last_seen("smoke").tolist() == [0]
    assert told(ticks(one, 3)) == [("silent", 0, "tripped", 180.0)]
    assert heard(one, 4, 0, quality=quality) == []


def test_late_readings_are_a_sign_of_life():
    one = engine(SILENT, registry=devices(1))
    one.apply(table({"at": -9000, "received": 60, "temperature": 20, "quality": Quality.LATE}))
    assert one.last_seen("smoke").tolist() == [T0 + MINUTE]
    assert told(ticks(one, 3, 4)) == [("silent", 0, "tripped", 240.0)]


def behind(count, gateway="gw-1", first=0, period=None):
    return [
        Device(f"d{slot}", "smoke", PROFILE, f"x{slot}", "riverside", slot, gateway=gateway, period=period)
        for slot in range(first, first + count)
    ]


def test_a_dead_gateway_is_one_transition():
    one = engine(SILENT, registry=Registry(behind(20) + behind(1, "", first=20)))
    for slot in range(20):
        heard(one, slot / 20, slot)
    found = ticks(one, *(minute / 4 for minute in range(4, 40)))
    assert told(found) == [("silent", 0, "tripped", 180.0), ("silent", 20, "tripped", 180.0)]
    assert [one.gateway for one in found] == ["gw-1", ""]


def test_when_a_gateway_is_back_those_still_silent_get_a_deadline_of_their_own():
    one = engine(SILENT, registry=Registry(behind(3)))
    ticks(one, 3, 4)
    found = heard(one, 10, 1)
    assert [(f.slot, f.change.value, f.gateway) for f in found] == [(0, "cleared", "gw-1")]
    assert ticks(one, 10, 12.9) == []
    heard(one, 12.9, 1)
    found = ticks(one, 13)
    assert [(f.slot, f.gateway) for f in found] == [(0, ""), (2, "")]
    assert told(heard(one, 14, 0)) == [("silent", 0, "cleared", 840.0)]


def test_a_dead_device_behind_a_living_gateway_is_its_own_matter():
    one = engine(SILENT, registry=Registry(behind(3)))
    for minute in range(1, 6):
        heard(one, minute, 1, 2)
    assert [(f.slot, f.gateway) for f in ticks(one, 5)] == [(0, "")]


@pytest.mark.parametrize("others", [[], behind(5, first=1, period=timedelta(hours=20))])
def test_a_gateway_is_not_blamed_without_a_witness(others):
    one = engine(SILENT, registry=Registry(behind(1) + others))
    assert [(f.slot, f.gateway) for f in ticks(one, 3)] == [(0, "")]


def test_devices_that_report_rarely_are_hidden_behind_their_dead_gateway():
    one = engine(SILENT, registry=Registry(behind(2) + behind(2, first=2, period=timedelta(hours=2))))
    assert [(f.slot, f.gateway) for f in ticks(one, 3, 400)] == [(0, "gw-1")]
    assert [(f.slot, f.gateway) for f in heard(one, 401, 3)] == [(0, "gw-1")]
    assert {f.slot for f in ticks(one, 404)} == {0, 1}


def test_where_leaves_devices_out():
    left_out = Device("d1", "smoke", PROFILE, "x1", "riverside", 1, tags=("seasonal",))
    one = engine(rule("silent", "absence", where={"tag": "!seasonal"}), registry=Registry([*behind(1), left_out]))
    assert [f.slot for f in ticks(one, 3, 100)] == [0]


@pytest.mark.parametrize("at", range(9))
def test_a_restart_anywhere_changes_nothing(at):
    def registry():
        return Registry(behind(4) + behind(2, "gw-2", first=4))

    speaks = [(1, 0, 4, 5), (2, 4), (3, 0, 1), (7, 2), (8, 2, 3), (9, 4), (10, 5), (14, 0), (20, 1)]
    steady, restarted = engine(SILENT, registry=registry()), engine(SILENT, registry=registry())
    found, again = [], []
    for number, (minute, *slots) in enumerate(speaks):
        if number == at:
            kept = restarted.snapshot()
            restarted = engine(SILENT, registry=registry())
            restarted.restore(kept)
        for out, one in ((found, steady), (again, restarted)):
            out.extend(heard(one, minute, *slots) + ticks(one, minute + 0.5, minute + 0.99))
    assert [(*t, f.gateway) for t, f in zip(told(again), again, strict=True)] == [
        (*t, f.gateway) for t, f in zip(told(found), found, strict=True)
    ]
    assert len(found) >= 8


def test_settling_makes_absent_exactly_what_the_book_says():
    one = engine(SILENT, registry=Registry(behind(2) + behind(2, "gw-2", first=2) + behind(2, "", first=4)))
    ticks(one, 3)  # both gateways and both others
    one.settle([Firing("silent", "smoke", 4), Firing("silent", "smoke", 1, "gw-1")])
    assert [(f.slot, f.gateway) for f in heard(one, 4, 0, 4)] == [(0, "gw-1"), (4, "")]
    assert [(f.slot, f.gateway) for f in ticks(one, 4)] == [(2, "gw-2"), (5, "")]


def test_a_settled_gateway_hides_its_devices_after_a_restart():
    one = engine(SILENT, registry=Registry(behind(3)))
    one.settle([Firing("silent", "smoke", 1, "gw-1")])
    assert ticks(one, 3, 4) == []
    assert [(f.slot, f.gateway) for f in heard(one, 5, 2)] == [(1, "gw-1")]


def test_a_closed_absence_is_told_again_after_another_limit():
    one = engine(SILENT, registry=Registry(behind(2) + behind(1, "", first=2)))
    ticks(one, 3)
    one.release(Firing("silent", "smoke", 2), T0 + 10 * MINUTE)
    one.release(Firing("silent", "smoke", 0, "gw-1"), T0 + 10 * MINUTE)
    assert ticks(one, 10, 12.9) == []
    assert [(f.slot, f.gateway) for f in ticks(one, 13)] == [(0, "gw-1"), (2, "")]


def closed_twice(one):
    """A device and a gateway are silent, their alerts are closed, and again after another limit."""
    gone = [Firing("silent", "smoke", 2), Firing("silent", "smoke", 0, "gw-1")]
    ticks(one, 3)
    for at in (10, 14):
        for each in gone:
            one.release(each, T0 + at * MINUTE)
        ticks(one, at, at + 3)
    return gone


@pytest.mark.parametrize("again", [False, True], ids=["closed", "closed and told again"])
def test_that_what_was_closed_is_back_is_told_once(again):
    one = engine(SILENT, registry=Registry(behind(2) + behind(1, "", first=2)))
    gone = closed_twice(one)
    if not again:
        for each in gone:
            one.release(each, T0 + 18 * MINUTE)
    assert [(f.slot, f.gateway, f.change) for f in heard(one, 19, 2, 0, 1)] == [
        (2, "", Change.CLEARED),
        (0, "gw-1", Change.CLEARED),
    ]
    assert heard(one, 20, 2, 0, 1) == []
    assert ticks(one, 21, 22.9) == []
    assert [(f.slot, f.gateway) for f in ticks(one, 23)] == [(0, "gw-1"), (2, "")], "and each is missed once"


def test_that_what_was_closed_before_a_start_is_back_is_told_too():
    one = engine(SILENT, registry=Registry(behind(2) + behind(1, "", first=2)))
    one.settle([])
    one.leave([Firing("silent", "smoke", 2), Firing("silent", "smoke", 0, "gw-1")])
    assert ticks(one, 1, 2.9) == []
    assert [(f.slot, f.gateway) for f in heard(one, 2.9, 2, 0)] == [(2, ""), (0, "gw-1")]
    assert heard(one, 3, 2, 1) == []


def test_a_tick_looks_only_at_deadlines_that_fell():
    wheel = Wheel()
    wheel.add(np.arange(5, dtype=np.int32), T0 + np.array([5, 1, 3, 1, HOUR // SECOND]) * SECOND)
    assert wheel.due(T0).tolist() == []
    assert wheel.due(T0 + SECOND).tolist() == [1, 3]
    assert wheel.due(T0 + 10 * SECOND).tolist() == [0, 2]
    assert wheel.due(T0 + DAY).tolist() == [4]
    assert wheel.due(T0 + DAY).tolist() == []
