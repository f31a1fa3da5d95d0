"""The columnar engine against a plain one, over random series with gaps, late and repeated rows."""

from __future__ import annotations

import os
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firesense.domain.instant import SECOND
from firesense.domain.readings import Quality
from tests.rule_tables import FIRE, T0, PlainEngine, comparable, devices, engine, ordered, rule, table

HEAT = rule("heat", when="heat")
HOT = rule("hot", "threshold", metric="temperature", when="temperature >= 60 degC", clears="temperature < 50 degC")
HELD = rule(
    "held",
    "threshold",
    metric="temperature",
    when="temperature >= 60 degC",
    clears="temperature < 50 degC",
    hold=timedelta(seconds=5),
    clear_hold=timedelta(seconds=3),
)
HELD_TOO = rule("held-too", when="heat or fire", clears="not heat", hold=timedelta(seconds=2))
RISE = rule(
    "rise",
    "rate",
    metric="temperature",
    when="rate >= 5 K",
    clears="rate < 0 K",
    per=timedelta(seconds=1),
    window=timedelta(seconds=10),
)
CHATTERING = rule("chattering", when="heat", chatters=3, clear_hold=timedelta(seconds=2))
CHATTERING_TOO = rule("chattering-too", when="heat or fire", clears="not heat", hold=timedelta(seconds=2), chatters=2)
RULES = (FIRE, HEAT, HOT, HELD, HELD_TOO, RISE, CHATTERING, CHATTERING_TOO)


def said(row, name):
    return None if name not in row else bool(row[name])


def above(limit):
    return lambda row, _: None if "temperature" not in row else row["temperature"] >= limit


def below(limit):
    return lambda row, _: None if "temperature" not in row else row["temperature"] < limit


def opposite(ask):
    return lambda row, rate: None if ask(row, rate) is None else not ask(row, rate)


def either(row, _):
    sides = [said(row, "heat"), said(row, "fire")]
    return True if True in sides else None if None in sides else False


def flag(name):
    return lambda row, _: said(row, name)


ASKS = {
    "fire": (
        lambda row, _: False if row.get("test") == 1 else said(row, "fire"),
        opposite(flag("fire")),
    ),
    "heat": (flag("heat"), opposite(flag("heat"))),
    "hot": (above(60), below(50)),
    "held": (above(60), below(50)),
    "held-too": (either, opposite(flag("heat"))),
    "chattering": (flag("heat"), opposite(flag("heat"))),
    "chattering-too": (either, opposite(flag("heat"))),
    "rise": (lambda _, rate: None if rate is None else rate >= 5, lambda _, rate: None if rate is None else rate < 0),
}
EXAMPLES = int(os.environ.get("FIRESENSE_EXAMPLES", "400"))  # a long run: FIRESENSE_EXAMPLES=10000
QUALITIES = [Quality(0)] * 6 + [Quality.LATE, Quality.RETAINED, Quality.REPLAYED, Quality.OWN_TIME_MISSING]

readings = st.fixed_dictionaries(
    {
        "slot": st.integers(0, 2),
        "step": st.sampled_from([-4, 0, 1, 1, 1, 2, 2, 7, 30, 650]),
        "lag": st.sampled_from([0, 0, 0, 2]),
        "quality": st.sampled_from(QUALITIES),
    },
    optional={
        "temperature": st.sampled_from([20.0, 45.0, 50.0, 55.0, 60.0, 99.0]),
        "fire": st.sampled_from([0, 1]),
        "heat": st.sampled_from([0, 1]),
        "test": st.sampled_from([0, 0, 1]),
    },
)
series = st.lists(readings, min_size=1, max_size=40)


def timed(rows):
    """Turn steps into times: each row comes some seconds after (or before) the row before it."""
    at, out = 100, []
    for number, row in enumerate(rows):
        at = max(1, at + row["step"])
        rest = {key: value for key, value in row.items() if key not in {"step", "lag"}}
        out.append(rest | {"at": at, "received": at + row["lag"], "offset": number})
    return out


def cut(rows, sizes):
    """Cut rows into tables of these sizes, again and again."""
    parts, start, number = [], 0, 0
    while start < len(rows):
        size = sizes[number % len(sizes)]
        parts.append(rows[start : start + size])
        start, number = start + size, number + 1
    return parts


def near_the_limit(rows):
    """A slope of exactly 5 K/s or 0 may fall on either side, depending on the order of sums."""
    plain = PlainEngine((RISE,), {"rise": (lambda _, rate: seen.append(rate), lambda *_: None)})
    seen = []
    plain.apply(rows)
    return any(rate is not None and (abs(rate - 5) < 1e-9 or abs(rate) < 1e-9) for rate in seen)


@given(series, st.lists(st.integers(1, 9), min_size=1, max_size=5), st.booleans())
@settings(max_examples=EXAMPLES, deadline=None)
def test_columns_and_single_readings_agree(steps, sizes, ticking):
    rows = timed(steps)
    rules = [one for one in RULES if one is not RISE or not near_the_limit(rows)]
    columnar, plain = engine(*rules), PlainEngine(rules, ASKS)
    for part in cut(rows, sizes):
        assert comparable(columnar.apply(table(*part))) == ordered(plain.apply(part))
        if ticking:
            now = T0 + (part[-1]["received"] + 1) * SECOND
            assert comparable(columnar.tick(now, listening=False)) == ordered(plain.tick(now))
    assert columnar.pending == sum(state["is"] == "pending" for state in plain.states.values())


@given(series, st.lists(st.integers(1, 9), min_size=1, max_size=5))
@settings(max_examples=150, deadline=None)
def test_where_rows_are_cut_into_tables_changes_nothing(steps, sizes):
    rows = timed(steps)
    whole, parts = engine(*RULES), engine(*RULES)
    together = comparable(whole.apply(table(*rows)))
    assert comparable([one for part in cut(rows, sizes) for one in parts.apply(table(*part))]) == together


@given(series, st.lists(st.integers(1, 9), min_size=1, max_size=5), st.integers(0, 40))
@settings(max_examples=150, deadline=None)
def test_a_restart_anywhere_changes_nothing(steps, sizes, at):
    parts = cut(timed(steps), sizes)
    steady, restarted = engine(*RULES), engine(*RULES)
    for number, part in enumerate(parts):
        if number == at % len(parts):
            kept = restarted.snapshot()
            assert all(column.dtype != object for column in kept.values())
            restarted = engine(*RULES, registry=devices(9))  # devices were registered meanwhile
            restarted.restore(kept)
        assert comparable(restarted.apply(table(*part))) == comparable(steady.apply(table(*part)))
        now = T0 + (part[-1]["received"] + 1) * SECOND
        assert comparable(restarted.tick(now, listening=True)) == comparable(steady.tick(now, listening=True))
    assert restarted.pending == steady.pending


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), min_size=1, max_size=60))
def test_the_newest_rows_are_told_from_older_ones(rows):
    newest, expected = {}, []
    for slot, at in rows:
        expected.append(at >= newest.get(slot, 0))
        newest[slot] = max(at, newest.get(slot, 0))
    tripped = engine(rule(when="heat", clears="tamper")).apply(
        table(*({"slot": slot, "at": at, "heat": 1} for slot, at in rows))
    )
    first = {slot: number for number, (slot, _) in reversed(list(enumerate(rows)))}
    assert sorted(t.offset for t in tripped) == sorted(first.values())
    moving = engine(rule(when="heat")).apply(
        table(*({"slot": slot, "at": at, "heat": number % 2} for number, (slot, at) in enumerate(rows)))
    )
    state, offsets = {}, []
    for number, ((slot, _), current) in enumerate(zip(rows, expected, strict=True)):
        if current and state.get(slot, 0) != number % 2:
            state[slot] = number % 2
            offsets.append(number)
    assert [t.offset for t in moving] == offsets


def test_a_line_is_fitted_as_polyfit_does():
    rng = np.random.default_rng(4)
    rows, at = [], 0.0
    for number in range(200):
        at += float(rng.uniform(0.3, 3.0))
        warmth = 40 + 60 * np.sin(at / 4) + rng.normal(0, 3)  # swings by up to 15 K/s
        rows.append({"slot": 0, "at": at, "temperature": float(warmth), "offset": number})
    seen = []
    PlainEngine((RISE,), {"rise": (lambda _, rate: seen.append(rate), lambda *_: None)}).apply(rows)
    trips = [number for number, rate in enumerate(seen) if rate is not None and rate >= 5]
    clears = [number for number, rate in enumerate(seen) if rate is not None and rate < 0]
    found = engine(RISE).apply(table(*rows))
    assert {t.offset for t in found if t.change == "tripped"} <= set(trips)
    assert {t.offset for t in found if t.change == "cleared"} <= set(clears)
    assert len(found) > 4
    assert next(t.offset for t in found) == min(trips)


@pytest.mark.parametrize("damage", ["shape", "dtype", "missing", "version"])
def test_a_snapshot_that_does_not_fit_is_left_aside_rule_by_rule(damage):
    before = engine(FIRE, HEAT)
    before.apply(table({"at": 1, "fire": 1, "heat": 1}))
    kept = before.snapshot()
    key = "state/heat@1"
    column = kept.pop(key)
    replacement = {"shape": column[:, :3], "dtype": column.astype(np.float64)}.get(damage)
    if replacement is not None:
        kept[key] = replacement
    if damage == "version":
        kept["state/heat@2"] = column
    after = engine(FIRE, HEAT)
    after.restore(kept)
    assert [t.rule for t in after.apply(table({"at": 2, "fire": 1, "heat": 1}))] == ["heat"]
