from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firesense.domain.alert import AlertClass
from firesense.domain.device import Device, Registry
from firesense.domain.instant import MINUTE, SECOND
from firesense.domain.readings import Quality
from firesense.domain.rule import Firing
from firesense.rules.waiting import NEVER, Waiting
from tests.rule_tables import FIRE, PROFILE, T0, devices, engine, rule, table, told

HOT = rule(
    "hot",
    "threshold",
    metric="temperature",
    when="temperature >= 60 degC",
    clears="temperature < 50 degC",
    hold=timedelta(seconds=10),
    clear_hold=timedelta(seconds=5),
)


def test_a_fire_flag_trips_at_once_and_clears_when_it_is_gone():
    fires = engine(FIRE)
    assert told(fires.apply(table({"at": 1, "slot": 2, "fire": 1}))) == [("fire", 2, "tripped", 1.0)]
    assert told(fires.apply(table({"at": 2, "slot": 2, "fire": 1}))) == []
    assert told(fires.apply(table({"at": 3, "slot": 2, "temperature": 20}))) == []
    assert told(fires.apply(table({"at": 4, "slot": 2, "fire": 0}))) == [("fire", 2, "cleared", 4.0)]


def test_a_test_is_not_a_fire_until_it_is_over():
    fires = engine(FIRE)
    assert told(fires.apply(table({"at": 1, "fire": 1, "test": 1}))) == []
    assert told(fires.apply(table({"at": 2, "fire": 1, "test": 0}))) == [("fire", 0, "tripped", 2.0)]


def test_a_transition_says_what_made_it():
    found = engine(HOT, FIRE).apply(table({"at": 1, "slot": 1, "fire": 1, "offset": 77, "quality": Quality.RETAINED}))
    assert (found[0].offset, found[0].device_class, found[0].quality) == (77, "smoke", Quality.RETAINED)
    assert np.isnan(found[0].value)


def test_a_hold_runs_out_by_event_time_when_readings_come():
    hot = engine(HOT)
    rows = [{"at": at, "temperature": 60 + at} for at in (0, 6, 12)]
    found = hot.apply(table(*rows))
    assert told(found) == [("hot", 0, "tripped", 10.0)]
    assert found[0].value == 66.0  # of the newest reading that kept it going before the hold was over
    assert found[0].offset == 2


def test_a_hold_runs_out_by_the_clock_when_none_come():
    hot = engine(HOT)
    hot.apply(table({"at": 0, "received": 3, "temperature": 70}))
    assert hot.pending == 1
    assert hot.tick(T0 + 12 * SECOND, listening=True) == []
    found = hot.tick(T0 + 13 * SECOND, listening=True, position=9)
    assert told(found) == [("hot", 0, "tripped", 10.0)]
    assert (found[0].offset, found[0].value, hot.pending) == (9, 70.0, 0)


def test_a_drop_during_the_hold_is_no_alarm():
    hot = engine(HOT)
    hot.apply(table({"at": 0, "temperature": 70}, {"at": 9, "temperature": 59}))
    assert (hot.pending, hot.tick(T0 + MINUTE, listening=True)) == (0, [])


def test_what_a_reading_does_not_say_ends_no_hold():
    hot = engine(HOT)
    hot.apply(table({"at": 0, "temperature": 70}, {"at": 9, "fire": 0}))
    assert hot.pending == 1


def test_between_its_limits_nothing_changes_and_clearing_holds_too():
    hot = engine(HOT)
    rows = [(0, 70), (11, 55), (12, 45), (14, 55), (20, 45), (26, 44)]
    found = hot.apply(table(*({"at": at, "temperature": value} for at, value in rows)))
    assert told(found) == [("hot", 0, "tripped", 10.0), ("hot", 0, "cleared", 25.0)]


def test_a_rate_needs_half_its_window_and_three_readings():
    rise = rule(
        "rise", "rate", metric="temperature", when="rate >= 2 K", window=timedelta(minutes=10), per=timedelta(minutes=1)
    )
    rising = engine(rise)
    rows = [{"at": minute * 60, "temperature": 20 + 3 * minute} for minute in range(8)]
    assert told(rising.apply(table(*rows))) == [("rise", 0, "tripped", 300.0)]
    assert told(rising.apply(table({"at": 600, "temperature": 20}))) == [("rise", 0, "cleared", 600.0)]


def test_a_rate_is_unknown_over_a_gap():
    rise = rule("rise", "rate", metric="temperature", when="rate >= 2 K", window=timedelta(minutes=10))
    rising = engine(rise)
    assert rising.apply(table(*({"at": hours * 3600, "temperature": 500 * hours} for hours in range(5)))) == []


def test_a_rate_rule_may_clear_by_a_reading_without_its_metric():
    rise = rule("rise", "rate", metric="temperature", when="rate >= 2 K", clears="test or rate < 0 K")
    rising = engine(rise)
    rising.apply(table(*({"at": minute * 60, "temperature": 20 + 3 * minute} for minute in range(8))))
    assert told(rising.apply(table({"at": 500, "test": 1}))) == [("rise", 0, "cleared", 500.0)]


def test_what_chatters_is_one_alarm_that_counts():
    loose = rule("loose", when="tamper", chatters=3)
    contact = engine(loose)
    rows = [{"at": at * 10, "tamper": at % 2} for at in range(1, 12)]
    found = told(contact.apply(table(*rows)))
    assert [(change, at) for _, _, change, at in found] == [
        ("tripped", 10.0), ("cleared", 20.0), ("tripped", 30.0), ("cleared", 40.0), ("tripped", 50.0),
        ("tripped", 70.0), ("tripped", 90.0), ("tripped", 110.0),
    ]  # fmt: skip
    assert told(contact.apply(table({"at": 120, "tamper": 0}))) == []
    assert contact.tick(T0 + 719 * SECOND, listening=True) == []
    assert told(contact.tick(T0 + 720 * SECOND, listening=True)) == [("loose", 0, "cleared", 720.0)]
    assert told(contact.apply(table({"at": 800, "tamper": 1}, {"at": 810, "tamper": 0}))) == [
        ("loose", 0, "tripped", 800.0),
        ("loose", 0, "cleared", 810.0),
    ]


LATE = {"at": 5, "received": 5000, "quality": Quality.LATE}


def test_late_readings_page_nobody():
    assert engine(HOT, rule(when="heat")).apply(table(LATE | {"temperature": 99, "heat": 1})) == []


def test_a_late_fire_flag_pages_marked_late_and_never_clears():
    fires = engine(FIRE)
    found = fires.apply(table(LATE | {"fire": 1}))
    assert told(found) == [("fire", 0, "tripped", 5.0)]
    assert found[0].quality & Quality.LATE
    assert fires.apply(table(LATE | {"at": 6, "fire": 0})) == []
    assert told(fires.apply(table({"at": 5000, "fire": 0}))) == [("fire", 0, "cleared", 5000.0)]


def test_a_replayed_fire_flag_is_late_whatever_its_time_seems_to_be():
    found = engine(FIRE).apply(table({"at": 5, "fire": 1, "quality": Quality.REPLAYED | Quality.OWN_TIME_MISSING}))
    assert found[0].quality & Quality.LATE


def test_a_clock_that_was_put_back_does_not_silence_a_fire():
    both = engine(FIRE, rule("heat", when="heat"))
    both.apply(table({"at": 300, "fire": 0, "heat": 0}))
    assert told(both.apply(table({"at": 10, "fire": 1, "heat": 1}))) == [("fire", 0, "tripped", 10.0)]
    assert both.apply(table({"at": 20, "fire": 0, "heat": 0})) == []


def test_only_the_fire_class_is_believed_late():
    early = rule("early", when="fire", alert_class=AlertClass.HAZARD)
    assert engine(early).apply(table(LATE | {"fire": 1})) == []


def test_a_detector_in_alarm_when_we_subscribe_is_an_alarm():
    assert told(engine(FIRE).apply(table({"at": 5, "fire": 1, "quality": Quality.RETAINED}))) == [
        ("fire", 0, "tripped", 5.0)
    ]


@pytest.mark.parametrize(
    ("where", "asked"),
    [
        ({"kind": "hall"}, {0, 1}),
        ({"kind": "!hall"}, {2, 3}),
        ({"kind": "hall|flat"}, {0, 1, 2}),
        ({"tag": "old"}, {1, 2}),
        ({"tag": "old|!loud"}, {1}),
        ({"kind": "hall", "tag": "!old"}, {0}),
        ({"profile": "another"}, set()),
        ({}, {0, 1, 2, 3}),
    ],
)
def test_where_chooses_the_devices(where, asked):
    told_apart = [("hall", ()), ("hall", ("old",)), ("flat", ("old", "loud")), ("", ())]
    registry = Registry(
        Device(f"d{slot}", "smoke", PROFILE, f"x{slot}", "riverside", slot, kind=kind, tags=tags)
        for slot, (kind, tags) in enumerate(told_apart)
    )
    found = engine(rule(when="heat", where=where), registry=registry).apply(
        table(*({"at": 1, "slot": slot, "heat": 1} for slot in range(4)))
    )
    assert {one.slot for one in found} == asked


def test_settling_makes_firing_exactly_what_the_book_says():
    settled = engine(FIRE, HOT)
    settled.apply(table({"at": 0, "slot": 0, "fire": 1, "temperature": 70}))
    settled.settle([Firing("fire", "smoke", 1)])
    assert settled.pending == 1
    found = settled.apply(table({"at": 1, "slot": 0, "fire": 1}, {"at": 1, "slot": 1, "fire": 0}))
    assert told(found) == [("fire", 0, "tripped", 1.0), ("fire", 1, "cleared", 1.0)]


def test_a_released_rule_trips_again_as_a_panel_does_that_is_reset():
    fires = engine(FIRE)
    fires.apply(table({"at": 0, "slot": 3, "fire": 1}))
    fires.release(Firing("fire", "smoke", 3), T0)
    assert told(fires.apply(table({"at": 1, "slot": 3, "fire": 1}))) == [("fire", 3, "tripped", 1.0)]


def test_of_a_released_rule_the_end_is_told_once_and_never_holds_up_what_trips_next():
    slow = rule("fire", when="fire", clear_hold=timedelta(minutes=5))
    fires = engine(slow)
    fires.apply(table({"at": 0, "slot": 3, "fire": 1}))
    fires.release(Firing("fire", "smoke", 3), T0)
    fires.restore(fires.snapshot())
    assert told(fires.apply(table({"at": 1, "slot": 3}))) == [], "it said nothing of fire"
    assert told(fires.apply(table({"at": 2, "slot": 3, "fire": 0}))) == [("fire", 3, "cleared", 2.0)]
    assert told(fires.apply(table({"at": 3, "slot": 3, "fire": 0}))) == []
    assert told(fires.apply(table({"at": 4, "slot": 3, "fire": 1}))) == [("fire", 3, "tripped", 4.0)]


def test_what_was_left_before_a_start_is_over_when_a_reading_says_so():
    started = engine(FIRE)
    started.settle([Firing("fire", "smoke", 1)])
    started.leave([Firing("fire", "smoke", slot) for slot in (1, 3)])
    assert told(started.apply(table({"at": 1, "slot": 3}, {"at": 1, "slot": 2, "fire": 0}))) == []
    found = started.apply(table({"at": 2, "slot": 1, "fire": 0}, {"at": 2, "slot": 3, "fire": 0}))
    assert told(found) == [("fire", 1, "cleared", 2.0), ("fire", 3, "cleared", 2.0)]
    assert told(started.apply(table({"at": 3, "slot": 3, "fire": 0}))) == []


@pytest.mark.parametrize("anew", [False, True], ids=["while it runs", "after a start"])
def test_what_is_left_and_pending_once_more_is_over_when_it_does_not_trip(anew):
    slow = rule("fire", when="fire", hold=timedelta(minutes=5))
    one = engine(slow)
    one.settle([Firing("fire", "smoke", 3)])
    one.release(Firing("fire", "smoke", 3), T0)
    assert told(one.apply(table({"at": 1, "slot": 3, "fire": 1}))) == []
    assert one.pending == 1
    if anew:
        one.restore(one.snapshot())
        one.settle([])
        one.leave([Firing("fire", "smoke", 3)])
    assert told(one.apply(table({"at": 2, "slot": 3, "fire": 0}))) == [("fire", 3, "cleared", 2.0)]
    assert told(one.apply(table({"at": 3, "slot": 3, "fire": 1}))) == []
    assert told(one.apply(table({"at": 4, "slot": 3, "fire": 0}))) == []


def test_a_new_plan_takes_over_what_did_not_change():
    old = engine(FIRE, HOT, rule("gone", when="tamper"))
    old.apply(table({"at": 0, "slot": 1, "fire": 1, "temperature": 70, "tamper": 1}))
    new = engine(
        rule("hot", "threshold", metric="temperature", when="temperature >= 90 degC"), FIRE, registry=devices(9)
    )
    new.take_over(old)
    assert new.pending == 1  # of the same version in these tests; a changed rule has another one
    assert told(new.apply(table({"at": 1, "slot": 1, "fire": 1}, {"at": 1, "slot": 8, "fire": 1}))) == [
        ("fire", 8, "tripped", 1.0)
    ]


def test_tables_of_classes_without_devices_are_no_matter():
    assert engine(FIRE, registry=Registry()).apply(table({"at": 1, "fire": 1})) == []


def test_many_readings_of_one_device_cost_one_pass_when_nothing_happens():
    busy = engine(FIRE, HOT, registry=devices(1))
    rows = table(*({"at": number / 100, "temperature": 20, "fire": 0} for number in range(5000)))
    assert busy.apply(rows) == []
    assert told(busy.apply(table({"at": 60, "fire": 1}))) == [("fire", 0, "tripped", 60.0)]


def test_the_engine_says_which_columns_its_rules_look_at():
    weighed = rule("weighed", when="fire and temperature > 60 degC and not test and season(heating)")
    assert engine(weighed, HOT).asked("smoke") == {"fire", "temperature", "test"}
    assert engine(HOT).asked("water") == frozenset()
    looking_back = rule("looking-back", when="fire and rise(temperature, 10m) > 5 degC")
    assert engine(weighed, looking_back).asked("smoke") is None
    dropped = rule("dropped", when="fire and implausible()")
    assert engine(dropped).asked("smoke") is None


# -- what waits -------------------------------------------------------------------------------------------------------
doings = st.lists(
    st.tuples(st.sampled_from(["begin", "note", "end"]), st.sets(st.integers(0, 299), max_size=200)), max_size=30
)


@given(doings)
def test_what_waits_is_kept_as_a_dictionary_would(doings):
    waiting, plain = Waiting(300), {}
    for number, (does, chosen) in enumerate(doings):
        slots = np.array(sorted(chosen), np.int32)
        if does == "begin":
            waiting.begin(slots, slots + number * 1000, slots + number * 2000)
            waiting.note(slots, slots + 0.5)
            plain |= {slot: (slot + number * 1000, slot + number * 2000, slot + 0.5) for slot in chosen}
        elif does == "note":
            waiting.note(slots, slots - 0.5)
            plain |= {slot: (*plain[slot][:2], slot - 0.5) for slot in chosen & plain.keys()}
        else:
            waiting.end(slots)
            plain = {slot: kept for slot, kept in plain.items() if slot not in chosen}
        waiting.look_ahead()
        slots = waiting.slots
        columns = waiting.over_at(slots), waiting.due(slots), waiting.value(slots)
        assert dict(zip(slots.tolist(), zip(*(c.tolist() for c in columns), strict=True), strict=True)) == plain
        assert len(waiting) == len(plain)
        assert waiting.next_due == min((kept[1] for kept in plain.values()), default=NEVER)


def test_memory_is_that_of_the_most_that_wait_at_once_not_of_all_that_ever_did():
    waiting = Waiting(100_000)
    for first in range(0, 100_000, 50):
        slots = np.arange(first, first + 50, dtype=np.int32)
        waiting.begin(slots, slots.astype(np.int64), slots.astype(np.int64))
        waiting.end(slots)
    assert len(waiting._due) <= 64
