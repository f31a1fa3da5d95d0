from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firesense.alerts import Alarms
from firesense.domain.alert import AlertClass
from firesense.domain.device import Device, Registry
from firesense.domain.instant import MINUTE, SECOND
from firesense.domain.place import Org, Place
from firesense.domain.rule import Firing
from firesense.rules import RuleEngine
from tests.rule_tables import FIRE, PROFILE, T0, rule, table, told

TOWN = Org([
    Place("town", "镇", "township"),
    Place("hall", "祠堂", "site", "town"),
    Place("hall-1", "东厢", "room", "hall"),
    Place("hall-2", "西厢", "room", "hall"),
    Place("mill", "磨坊", "site", "town"),
])  # fmt: skip
PLACES = ("hall-1", "hall-2", "mill", "mill", "town")
REGISTRY = Registry(Device(f"d{slot}", "smoke", PROFILE, f"x{slot}", place, slot) for slot, place in enumerate(PLACES))
WARM = rule("warm", "threshold", metric="temperature", when="temperature > 40 degC")


def meeting(*of, devices=2, share="site", within=timedelta(minutes=10), **rest):
    keys = {"alert_class": AlertClass.FIRE, "latches": True, "text": {"zh": "{place} 火警", "en": "{place}"}}
    return rule("both", "coincidence", of=of, devices=devices, share=share, within=within, **keys | rest)


TWO = meeting(("fire",))
CONFIRMED = meeting(("fire",), ("warm",), devices=1)


def engine(*rules):
    periods = {PROFILE: timedelta(minutes=1)}
    return RuleEngine(rules, REGISTRY, periods=periods, started_at=T0, org=TOWN)


def both(found):
    return [one for one in told(found) if one[0] == "both"]


def test_two_detectors_of_one_site_within_the_time():
    two = engine(FIRE, TWO)
    assert told(two.apply(table({"at": 0, "slot": 0, "fire": 1}))) == [("fire", 0, "tripped", 0.0)]
    found = two.apply(table({"at": 500, "slot": 1, "fire": 1, "offset": 7}))
    assert told(found) == [("fire", 1, "tripped", 500.0), ("both", 1, "tripped", 500.0)]
    assert (found[1].place, found[1].offset, found[1].device_class) == ("hall", 7, "smoke")
    assert both(two.apply(table({"at": 600, "slot": 0, "fire": 0}))) == []
    assert both(two.apply(table({"at": 700, "slot": 1, "fire": 0}))) == [("both", 1, "cleared", 700.0)]


def test_not_of_two_sites_and_not_of_a_device_outside_any():
    two = engine(FIRE, TWO)
    rows = [{"at": 0, "slot": slot, "fire": 1} for slot in (0, 2, 4)]
    assert both(two.apply(table(*rows))) == []


def test_a_trip_that_is_over_counts_for_a_while():
    two = engine(FIRE, TWO)
    two.apply(table({"at": 0, "slot": 2, "fire": 1}, {"at": 10, "slot": 2, "fire": 0}))
    assert both(two.apply(table({"at": 600, "slot": 3, "fire": 1}))) == [("both", 3, "tripped", 600.0)]
    two = engine(FIRE, TWO)
    two.apply(table({"at": 0, "slot": 2, "fire": 1}, {"at": 10, "slot": 2, "fire": 0}))
    assert both(two.apply(table({"at": 601, "slot": 3, "fire": 1}))) == []


def test_a_device_may_confirm_itself_and_holds_nothing_back():
    one = engine(FIRE, WARM, CONFIRMED)
    found = told(one.apply(table({"at": 0, "slot": 2, "fire": 1}, {"at": 60, "slot": 2, "temperature": 50.0})))
    assert found == [("fire", 2, "tripped", 0.0), ("warm", 2, "tripped", 60.0), ("both", 2, "tripped", 60.0)]


def test_a_hold_that_the_clock_ends_counts_too():
    held = rule("warm", "threshold", metric="temperature", when="temperature > 40 degC", hold=timedelta(minutes=1))
    one = engine(FIRE, held, CONFIRMED)
    one.apply(table({"at": 0, "slot": 2, "fire": 1, "temperature": 50.0}))
    assert both(one.tick(T0 + MINUTE, listening=True, position=5)) == [("both", 2, "tripped", 60.0)]


def test_it_is_one_alert_at_the_place_in_common():
    two, alarms = engine(FIRE, TWO), Alarms([FIRE, TWO], REGISTRY, TOWN)
    rows = [{"at": at, "slot": slot, "fire": 1} for at, slot in ((0, 0), (60, 1))]
    raised = alarms.deeds(two.apply(table(*rows)), T0)
    alert = raised[-1]
    assert (alert.rule, alert.place, alert.device, alert.alert_class) == ("both", "hall", "d1", AlertClass.FIRE)
    assert alert.text == {"zh": "祠堂 火警", "en": "祠堂"}
    assert Firing("both", "smoke", 1, place="hall") in alarms.firing()
    after = Alarms([FIRE, TWO], REGISTRY, TOWN)
    after.refresh(raised)
    assert set(after.firing()) == set(alarms.firing())
    (again,) = after.deeds([one for one in engine_that_fires_at(0, 1) if one.rule == "both"], T0)
    assert again.alert == alert.id  # the same alert trips again, whichever device completes it


def engine_that_fires_at(*slots):
    return engine(FIRE, TWO).apply(table(*({"at": 90 - slot, "slot": slot, "fire": 1} for slot in slots)))


def test_what_a_person_closed_trips_again_and_what_lost_its_members_is_over():
    two = engine(FIRE, TWO)
    two.apply(table({"at": 0, "slot": 0, "fire": 1}, {"at": 1, "slot": 1, "fire": 1}))
    two.release(Firing("both", "smoke", 1, place="hall"), T0)
    two.release(Firing("fire", "smoke", 0), T0)
    assert both(two.apply(table({"at": 60, "slot": 0, "fire": 1}))) == [("both", 0, "tripped", 60.0)]
    two.release(Firing("fire", "smoke", 0), T0)
    two.release(Firing("fire", "smoke", 1), T0)
    assert both(two.tick(T0 + 90 * SECOND, listening=True)) == [("both", 0, "cleared", 90.0)]


@pytest.mark.parametrize("anew", [False, True], ids=["while it runs", "after a start"])
def test_what_a_person_closed_is_over_when_its_members_are(anew):
    two = engine(FIRE, TWO)
    two.apply(table({"at": 0, "slot": 0, "fire": 1}, {"at": 1, "slot": 1, "fire": 1}))
    closed = Firing("both", "smoke", 1, place="hall")
    two.release(closed, T0)
    if anew:
        kept, two = two.snapshot(), engine(FIRE, TWO)
        two.restore(kept)
        two.settle([Firing("fire", "smoke", 0), Firing("fire", "smoke", 1)])
        two.leave([closed])
    assert both(two.tick(T0 + 2 * SECOND, listening=True)) == []
    assert both(two.apply(table({"at": 5, "slot": 0, "fire": 0}))) == []
    assert both(two.apply(table({"at": 9, "slot": 1, "fire": 0}))) == [("both", 1, "cleared", 9.0)]
    assert both(two.tick(T0 + 10 * SECOND, listening=True)) == []


def test_settling_makes_firing_what_the_book_says():
    two = engine(FIRE, TWO)
    two.settle([Firing("fire", "smoke", 0), Firing("fire", "smoke", 1), Firing("both", "smoke", 1, place="hall")])
    assert both(two.apply(table({"at": 5, "slot": 0, "fire": 0}))) == []
    assert both(two.apply(table({"at": 9, "slot": 1, "fire": 0}))) == [("both", 1, "cleared", 9.0)]


rows = st.lists(
    st.tuples(
        st.integers(0, 4), st.sampled_from([0, 60, 240, 700]), st.sampled_from(["fire", "temperature"]), st.booleans()
    ),
    min_size=1,
    max_size=40,
)


class PlainMeeting:
    """The same, from the list of all trips."""

    def __init__(self, one):
        self.rule = one
        self.trips = []  # [site, rule, slot, at, firing]
        self.fired = set()

    def take(self, name, slot, change, at):
        site = ("hall", "hall", "mill", "mill", "")[slot]
        if not any(name in side for side in self.rule.of):
            return None
        if change == "cleared":
            for trip in self.trips:
                if trip[1:3] == [name, slot]:
                    trip[4] = False
            if site in self.fired and not any(trip[4] for trip in self.trips if trip[0] == site):
                self.fired.discard(site)
                return ("cleared", site, at)
            return None
        self.trips = [trip for trip in self.trips if trip[1:3] != [name, slot]] + [[site, name, slot, at, True]]
        counts = [trip for trip in self.trips if trip[0] == site and (trip[4] or at - trip[3] <= 600)]
        whole = all(any(trip[1] in side for trip in counts) for side in self.rule.of)
        if site and site not in self.fired and whole and len({trip[2] for trip in counts}) >= self.rule.devices:
            self.fired.add(site)
            return ("tripped", site, at)
        return None


@given(rows, st.integers(0, 40), st.sampled_from([TWO, CONFIRMED]))
@settings(max_examples=150, deadline=None)
def test_it_is_what_a_list_of_trips_says_over_a_restart_anywhere(steps, restart_at, meets):
    columnar, plain, at = engine(FIRE, WARM, meets), PlainMeeting(meets), 0
    for number, (slot, step, name, on) in enumerate(steps):
        at += step
        if number == restart_at:
            kept = columnar.snapshot()
            assert all(column.dtype != object for column in kept.values())
            columnar = engine(FIRE, WARM, meets)
            columnar.restore(kept)
        value = {"fire": int(on)} if name == "fire" else {"temperature": 50.0 if on else 20.0}
        found = columnar.apply(table({"at": at, "slot": slot, **value}))
        expected = [
            answer
            for one in found
            if one.rule != "both" and (answer := plain.take(one.rule, one.slot, one.change.value, at)) is not None
        ]
        assert [(t.change.value, t.place, (t.event_at - T0) / SECOND) for t in found if t.rule == "both"] == expected
