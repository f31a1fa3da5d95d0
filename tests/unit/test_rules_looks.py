"""What conditions ask beyond the reading in hand, against the same worked out from a plain list of readings."""

from __future__ import annotations

import math
import os
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firesense.domain.calendar import NIGHT, Calendars, Period
from firesense.domain.catalogue import CLASSES
from firesense.domain.device import Device, Registry
from firesense.domain.instant import SECOND
from firesense.domain.place import Org, Place
from firesense.domain.readings import Quality
from firesense.rules import ExpressionError, Limit, RuleEngine, compile_expression
from firesense.rules.past import Past
from firesense.rules.table import Order
from tests.rule_tables import PROFILE, SIGNALS, T0, engine, rule, table, told

EXAMPLES = int(os.environ.get("FIRESENSE_EXAMPLES", "150"))
SMOKE = CLASSES["smoke"]
WINDOW = 16  # seconds: an eighth is two
ASKED = {
    "rise": "rise(temperature, 16s) > 0 K",
    "fall": "fall(temperature, 16s) > 0 K",
    "mean": "mean(temperature, 16s) > 0 degC",
    "lowest": "lowest(temperature, 16s) > 0 degC",
    "highest": "highest(temperature, 16s) > 0 degC",
    "usual": "usual(temperature, 16s) > 0 degC",
    "last": "last(temperature, 16s) > 0 degC",
    "unchanged": "unchanged(temperature) > 0s",
    "since": "since(heat) > 0s",
    "count": "count(heat or temperature > 50 degC, 16s) > 0",
    "times": "times(heat or temperature > 50 degC, 16s) > 0",
    "rate": "rate(temperature, 16s, 1s) > 0 K",
    "until": "until(temperature, 60 degC, 16s) > 0s",
}
LOOKS = {name: next(iter(compile_expression(text, SMOKE).looks)) for name, text in ASKED.items()}


class PlainPast:
    """The looks at one device, worked out from the list of all its points, oldest first."""

    def __init__(self):
        self.points = []
        self.on_line = []
        self.began = self.settled = self.newest = None

    def take(self, row):
        """All looks at one more reading: None where one is not known."""
        self.points.append(row)
        at, value = row["at"], row.get("temperature")
        warm = [one for one in self.points if "temperature" in one]
        first = next(n for n, one in enumerate(self.points) if self.eighth(at) - self.eighth(one["at"]) < 8)
        window = self.points[first:]
        answers = self.since_and_last(at, warm) | self.counts(row, first)
        if value is None:
            return answers
        mine = [one for one in window if "temperature" in one]
        values = [one["temperature"] for one in mine]
        if len(mine) > 1:
            answers["rise"] = max(value - min(values[:-1]), 0)
            answers["fall"] = max(max(values[:-1]) - value, 0)
        if self.eighth(at) - self.eighth(mine[0]["at"]) >= 4:
            eighths = {}
            for one in mine:
                eighths.setdefault(self.eighth(one["at"]), []).append(one["temperature"])
            means = [sum(cell) / len(cell) for cell in eighths.values()]
            answers |= {"lowest": min(values), "highest": max(values), "mean": sum(means) / len(means)}
        same = at
        for one in reversed(warm):
            if one["temperature"] != value:
                break
            same = one["at"]
        return answers | {"unchanged": at - same, "usual": self.usual(at, value)} | self.line(at, value)

    def eighth(self, at):
        return (T0 // SECOND + at) // (WINDOW // 8)

    def since_and_last(self, at, warm):
        hot = [one["at"] for one in self.points if one.get("heat") == 1]
        return {
            "since": at - hot[-1] if hot else None,
            "last": warm[-1]["temperature"] if warm and at - warm[-1]["at"] <= WINDOW else None,
        }

    def answer(self, row):
        sides = [row["heat"] == 1 if "heat" in row else None]
        sides.append(row["temperature"] > 50 if "temperature" in row else None)
        return True if True in sides else None if None in sides else False

    def counts(self, row, first):
        if self.answer(row) is None:
            return {}
        became, was = [], False
        for number, one in enumerate(self.points):
            answer = self.answer(one)
            if answer and not was:
                became.append(number)
            was = was if answer is None else answer
        return {
            "count": sum(self.answer(one) is True for one in self.points[first:]),
            "times": sum(number >= first for number in became),
        }

    def usual(self, at, value):
        if self.began is None:
            self.began, self.settled = at, value
        elif at > self.began:
            self.settled += min(at - self.newest, WINDOW / 8) / min(at - self.began, WINDOW) * (value - self.settled)
        self.newest = at
        return self.settled if (at - self.began) * 2 >= WINDOW else None

    def line(self, at, value):
        points = [(then, kept) for then, kept in self.on_line[-8:] if at - WINDOW <= then < at] + [(at, value)]
        if not self.on_line or at - self.on_line[-1][0] >= WINDOW // 8:
            self.on_line.append((at, value))
        if len(points) < 3 or (at - points[0][0]) * 2 < WINDOW:
            return {}
        slope = np.polyfit([then - at for then, _ in points], [kept for _, kept in points], 1)[0]
        if abs(slope) < 1e-9:  # rounding decides which way it leads
            return {"rate": 0.0, "until": ...}
        way = 60 - value
        return {"rate": slope, "until": way / slope if way * slope > 0 else 0 if way == 0 else math.inf}


rows = st.fixed_dictionaries(
    {
        "slot": st.integers(0, 2),
        "step": st.sampled_from([-3, 0, 1, 1, 1, 2, 2, 3, 5, 40]),
        "quality": st.sampled_from([Quality(0)] * 8 + [Quality.LATE, Quality.RETAINED]),
    },
    optional={
        "temperature": st.sampled_from([10.0, 20.0, 20.0, 45.5, 60.0, 99.0]),
        "heat": st.sampled_from([0, 0, 1]),
    },
)


def timed(steps):
    at, out = 100, []
    for row in steps:
        at = max(1, at + row["step"])
        out.append({key: value for key, value in row.items() if key != "step"} | {"at": at})
    return out


def parts(rows, sizes):
    start, number = 0, 0
    while start < len(rows):
        size = sizes[number % len(sizes)]
        yield rows[start : start + size]
        start, number = start + size, number + 1


def is_near(found, expected):
    if expected is ...:
        return True
    if expected is None:
        return math.isnan(found)
    return found == pytest.approx(expected, rel=1e-6, abs=1e-6)


@given(st.lists(rows, min_size=1, max_size=40), st.lists(st.integers(1, 9), min_size=1, max_size=4), st.integers(0, 20))
@settings(max_examples=EXAMPLES, deadline=None)
def test_every_look_is_what_a_plain_list_of_readings_says(steps, sizes, restart_at):
    past, order, plain, newest = Past(LOOKS.values(), 3), Order(3), {}, {}
    for number, part in enumerate(parts(timed(steps), sizes)):
        if number == restart_at:
            kept, past = past.kept(), Past(LOOKS.values(), 5)
            past.restore(kept)
        seen = order.table(table(*part))
        past.add(seen)
        for n, row in enumerate(part):
            slot = row["slot"]
            point = row["quality"] == Quality(0) and row["at"] >= newest.get(slot, 0)
            if row["quality"] != Quality.LATE:
                newest[slot] = max(newest.get(slot, 0), row["at"])
            expected = plain.setdefault(slot, PlainPast()).take(row) if point else {}
            for name, look in LOOKS.items():
                column = seen.columns.get(look.name)
                found = math.nan if column is None else column[n]
                assert is_near(found, expected.get(name)), (name, row, found, expected.get(name))


# -- hour of the day by hour of the day -------------------------------------------------------------------------------
HOURLY = next(iter(compile_expression("hourly(temperature, 10d) > 0 degC", SMOKE).looks))


def plain_hourly(points, at):
    """The baseline of the hour of ``at``, from the points of a device up to it: (seconds after T0, value)."""
    hours = {}
    for then, value in points:
        hours.setdefault((T0 // SECOND + then) // 3600, []).append(value)
    now, began = (T0 // SECOND + at) // 3600, min(hours)
    usual = None
    for hour, values in sorted(hours.items()):
        if hour < now and hour % 24 == now % 24:
            mean = sum(values) / len(values)
            before = mean if usual is None else usual
            usual = float(np.float16(before + (mean - before) / min((hour - began) // 24 + 1, 10)))
    return usual if (now - began) * 2 >= 240 else None


hours = st.fixed_dictionaries(
    {
        "slot": st.integers(0, 2),
        "step": st.sampled_from([-1, 0, 0.2, 0.4, 1, 2, 11, 23, 24, 24, 25, 120, 480]),
        "quality": st.sampled_from([Quality(0)] * 8 + [Quality.LATE, Quality.RETAINED]),
    },
    optional={"temperature": st.floats(-50, 300, width=32)},
)


@given(
    st.lists(hours, min_size=1, max_size=40), st.lists(st.integers(1, 9), min_size=1, max_size=4), st.integers(0, 20)
)
@settings(max_examples=EXAMPLES, deadline=None)
def test_an_hour_is_put_to_the_same_hour_of_other_days(steps, sizes, restart_at):
    rows = [row | {"at": row["at"] * 3600} for row in timed(steps)]
    past, order, points, newest = Past([HOURLY], 3), Order(3), {}, {}
    for number, part in enumerate(parts(rows, sizes)):
        if number == restart_at:
            kept, past = past.kept(), Past([HOURLY], 5)
            past.restore(kept)
        seen = order.table(table(*part))
        past.add(seen)
        for n, row in enumerate(part):
            slot, expected = row["slot"], None
            point = row["quality"] == Quality(0) and row["at"] >= newest.get(slot, 0)
            if row["quality"] != Quality.LATE:
                newest[slot] = max(newest.get(slot, 0), row["at"])
            if point and "temperature" in row:
                points.setdefault(slot, []).append((row["at"], row["temperature"]))
                expected = plain_hourly(points[slot], row["at"])
            column = seen.columns.get(HOURLY.name)
            found = math.nan if column is None else column[n]
            assert math.isnan(found) if expected is None else found == pytest.approx(expected, rel=2e-3, abs=2e-3)


def test_no_hour_is_touched_that_nobody_speaks_of():
    past = Past([HOURLY], 10)
    past.add(Order(10).table(table({"at": 0, "slot": 3, "temperature": 20.0})))
    assert {name for name, column in past.kept().items() if column[[0, 1, 2, 4, 9]].any()} == set()


def test_state_is_small():
    past = Past([*LOOKS.values(), HOURLY], 1000)
    bytes_a_look = {}
    for name, column in past.kept().items():
        look = name.split("(")[0]
        bytes_a_look[look] = bytes_a_look.get(look, 0) + column.nbytes // 1000
    assert max(bytes_a_look.values()) <= 136
    assert bytes_a_look["usual"] == 24
    assert bytes_a_look["hourly"] == 72


# -- rules that use them --------------------------------------------------------------------------------------------
def test_a_rule_asks_of_the_past_and_shares_its_column():
    jump = rule(
        "jump", "threshold", metric="temperature", when="rise(temperature, 10m) >= 15 K and temperature > 30 degC"
    )
    slow = rule("slow", "threshold", metric="temperature", when="rise(temperature,10m) >= 5 K")
    both = engine(jump, slow)
    series = [{"at": minute * 60, "temperature": value} for minute, value in enumerate([20, 21, 27, 37])]
    assert told(both.apply(table(*series))) == [("slow", 0, "tripped", 120.0), ("jump", 0, "tripped", 180.0)]
    assert [name for name in both.snapshot() if name.startswith("past/")] == [
        "past/smoke/rise(temperature,600s)/newest",
        "past/smoke/rise(temperature,600s)/cells0",
    ]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 50)), min_size=30, max_size=60), st.integers(1, 9))
@settings(max_examples=30, deadline=None)
def test_a_line_through_days_is_drawn_once_an_hour(steps, size):
    look = next(iter(compile_expression("rate(battery, 1d, 1d) > 0 %", SMOKE).looks))
    past, order, plain, rows, at = Past([look], 3), Order(3), {}, [], 0
    for slot, minutes in steps:
        at += minutes * 60
        rows.append({"slot": slot, "at": at, "battery": 90 - (at / 3600) ** 1.5 / 4})
    for part in parts(rows, [size]):
        seen = order.table(table(*part))
        past.add(seen)
        for n, row in enumerate(part):
            mine = plain.setdefault(row["slot"], {"kept": [], "drawn_at": -86400, "drawn": None})
            if row["at"] - mine["drawn_at"] >= 3600:
                kept = mine["kept"]
                line = [(then, value) for then, value in kept[-8:] if then >= row["at"] - 86400]
                line.append((row["at"], row["battery"]))
                long = len(line) > 2 and row["at"] - line[0][0] >= 43200
                mine["drawn"] = np.polyfit(*zip(*line, strict=True), 1)[0] * 86400 if long else None
                mine["drawn_at"] = row["at"]
                if not kept or row["at"] - kept[-1][0] >= 10800:
                    kept.append((row["at"], row["battery"]))
            found = seen.columns[look.name][n]
            assert math.isnan(found) if mine["drawn"] is None else found == pytest.approx(mine["drawn"], rel=1e-6)


def test_n_of_m_readings_are_counted_over_a_restart():
    dusty = rule("dusty", when="count(smoke_density > 0.2 dB/m, 1h) >= 3")
    first = engine(dusty)
    assert first.apply(table(*({"at": at, "smoke_density": 0.3} for at in (0, 60)))) == []
    second = engine(dusty)
    second.restore(first.snapshot())
    assert told(second.apply(table({"at": 120, "smoke_density": 0.3}))) == [("dusty", 0, "tripped", 120.0)]


def test_a_signal_long_ago_is_remembered_where_the_reading_does_not_speak_of_it():
    after = rule("after", "threshold", metric="temperature", when="since(heat) < 5m and temperature > 40 degC")
    found = engine(after).apply(
        table({"at": 0, "heat": 1}, {"at": 60, "temperature": 50.0}, {"at": 400, "temperature": 50.0})
    )
    assert told(found) == [("after", 0, "tripped", 60.0), ("after", 0, "cleared", 400.0)]


def test_a_sensor_that_never_moves_is_stuck():
    stuck = rule("stuck", "threshold", metric="temperature", when="unchanged(temperature) >= 1h")
    series = [{"at": minute * 60, "temperature": 20.25} for minute in range(0, 70, 10)]
    assert told(engine(stuck).apply(table(*series))) == [("stuck", 0, "tripped", 3600.0)]
    series[3]["temperature"] = 20.26
    assert engine(stuck).apply(table(*series)) == []


def test_creep_is_seen_against_what_is_usual_for_the_device():
    creep = rule("creep", "threshold", metric="smoke_density",
                 when="mean(smoke_density, 1d) - usual(smoke_density, 30d) > 0.05 dB/m")  # fmt: skip
    hours = range(0, 24 * 60, 6)
    clean = [{"at": hour * 3600, "smoke_density": 0.02} for hour in hours]
    dusty = [{"at": hour * 3600, "smoke_density": 0.02 + 0.3 * hour / 1440} for hour in hours]
    assert engine(creep).apply(table(*clean)) == []
    assert [one.change for one in engine(creep).apply(table(*dusty))] == ["tripped"]


def test_dropped_values_are_a_sign_of_the_sensor():
    broken = rule("broken", when="count(implausible(), 1h) >= 3", clears="count(implausible(), 1h) == 0")
    series = [{"at": at, "fire": 0, "quality": Quality.OUT_OF_RANGE} for at in (0, 60, 120)]
    assert told(engine(broken).apply(table(*series))) == [("broken", 0, "tripped", 120.0)]


TOWN = Org([
    Place("town", "town", "township"),
    Place("east", "east", "village", "town", tags=("vulnerable",)),
    Place("east-1", "east 1", "grid", "east"),
    Place("west", "west", "village", "town"),
])  # fmt: skip


def town_engine(*rules, calendars=None):
    registry = Registry([
        Device("a", "smoke", PROFILE, "a", "east-1", 0),
        Device("b", "smoke", PROFILE, "b", "west", 1, tags=("vulnerable", "重点单位")),
        Device("c", "smoke", PROFILE, "c", "west", 2),
        Device("d", "smoke", PROFILE, "d", "nowhere", 3),
    ])  # fmt: skip
    periods = {PROFILE: timedelta(minutes=1)}
    return RuleEngine(rules, registry, periods=periods, started_at=T0, org=TOWN, calendars=calendars)


def test_a_tag_is_the_device_s_or_of_any_place_above_it():
    warm = [{"at": 1, "slot": slot, "temperature": 40.0} for slot in range(4)]
    early = rule("early", when="temperature > 35 degC and tag(vulnerable)")
    key = rule("key", when="temperature > 35 degC and tag(重点单位)")
    late = rule("late", when="temperature > 35 degC and not tag(vulnerable)")
    found = town_engine(early, key, late).apply(table(*warm))
    assert sorted((one.rule, one.slot) for one in found) == [
        ("early", 0), ("early", 1), ("key", 1), ("late", 2), ("late", 3),
    ]  # fmt: skip


def test_seasons_differ_by_place_and_the_nearest_one_decides():
    def edges(*seconds):
        return np.array([T0 + at * SECOND for at in seconds], np.int64)

    calendars = Calendars([
        Period("heating", edges(100, 200)),
        Period("heating", edges(300, 400), frozenset({"east"})),
        Period(NIGHT, edges(0, 50, 150, 250)),
    ])  # fmt: skip
    cold = rule("cold", when="season(heating) and temperature < 5 degC")
    dark = rule("dark", when="night() and temperature < 5 degC")
    series = [{"at": at, "slot": slot, "temperature": 1.0} for at in (60, 120, 199, 200, 350) for slot in (0, 2)]
    found = told(town_engine(cold, dark, calendars=calendars).apply(table(*series)))
    assert [one for one in found if one[0] == "cold"] == [
        ("cold", 2, "tripped", 120.0), ("cold", 2, "cleared", 200.0), ("cold", 0, "tripped", 350.0),
    ]  # fmt: skip
    assert {(at, change) for _, _, change, at in found if _ != "cold"} >= {(199.0, "tripped"), (350.0, "cleared")}


@pytest.mark.parametrize(
    ("text", "column", "reason"),
    [
        ("rise(temperature) > 5 K", 1, "takes a metric and a window"),
        ("rise(temperature, 10 K) > 5 K", 19, "no length of time"),
        ("rise(temperature, 0s) > 5 K", 19, "between 1s and 366d"),
        ("rise(temperature, 400d) > 5 K", 19, "between 1s and 366d"),
        ("rise(heat, 10m) > 5 K", 6, "heat is a signal"),
        ("rise(teperature, 10m) > 5 K", 6, "smoke has no teperature"),
        ("rise(temperature, 10m) > 5 degC and heat or mean(humidity, 1h) > 3 K", 66, "does not measure"),
        ("mean(temperature, 10m) > 5 MPa", 26, "does not measure"),
        ("temperature - rise(temperature, 10m) < temperature - mean(temperature, 1h)", 40, "cannot be compared"),
        ("since(temperature) > 5m", 7, "takes a signal"),
        ("since(heat) > 5 MPa", 15, "MPa is no length of time"),
        ("since(heat) > 5", 15, "needs a unit, such as s"),
        ("count(temperature, 1h) > 3", 7, "is a number: compare it"),
        ("count(heat, 1h) > 3 K", 19, "does not measure"),
        ("count(mean(temperature, 1h) > 5 degC, 1h) > 3", 7, "cannot stand inside"),
        ("until(temperature, 60 degC) < 5m", 1, "takes a metric, a value of it"),
        ("until(temperature, 3 A, 1h) < 5m", 20, "does not measure"),
        ("heat and tag()", 10, "takes a tag"),
        ("heat and season(harvest)", 17, "have no period harvest; there is heating"),
        ("heat and night(1)", 10, "takes nothing"),
        ("night()", 1, "looks at nothing a device says"),
        ("night() or not tag(x) or heat", 1, "true of a reading that says nothing"),
        ("not implausible()", 1, "true of a reading that says nothing"),
        ("heat and rise(temperature, 10m)", 10, "is a number"),
        ("rise(temperature, 10m) > tag(x)", 26, "a condition stands where a number belongs"),
        ("heat and soon(5m)", 10, "this is a number"),
    ],
)  # fmt: skip
def test_a_fault_points_at_its_column(text, column, reason):
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text, SMOKE, seasons={"heating"})
    assert any(at == column and reason in why for at, why in caught.value.faults), caught.value.faults


def test_lengths_of_time_and_metres_are_told_apart():
    water = CLASSES["water"]
    assert compile_expression("level < 2m", water).limit == Limit("level", "<", 2.0, "2 m")
    assert compile_expression("since(leak) < 1h30m", water).limit == Limit("since(leak)", "<", 5400.0, "1h30m")
    assert compile_expression("since(leak) < 2m", water).limit.value == 120.0


def test_the_signals_of_these_tables_are_known():
    assert set(SIGNALS) <= set(SMOKE.signals)


def test_a_device_is_as_old_as_the_register_says():
    worn = rule("worn", when="age() >= 3650d")
    registry = Registry(
        Device(name, "smoke", PROFILE, name, "riverside", slot, installed_at=installed)
        for slot, (name, installed) in enumerate([("a", T0 - 3650 * 86400 * SECOND), ("b", T0), ("c", 0)])
    )
    rows = [{"at": at, "slot": slot, "fire": 0} for at in (-1, 0) for slot in range(3)]
    assert told(engine(worn, registry=registry).apply(table(*rows))) == [("worn", 0, "tripped", 0.0)]
    with pytest.raises(ExpressionError, match="true of a reading that says nothing"):
        compile_expression("age() < 10d or fire", SMOKE)
