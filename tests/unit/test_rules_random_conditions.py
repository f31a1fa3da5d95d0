"""Random conditions over random series: compiled to columns, and worked out reading by reading (plain_conditions.py).

Everything of the grammar is in here: each metric and signal with its units, sums, chains, and, or, not, and every
function. Series have gaps, readings that say little, NaN, repeated and late and retained ones, several devices to a
table, and tables cut anywhere. ``FIRESENSE_EXAMPLES=10000`` makes it a long run.
"""

from __future__ import annotations

import math
import os
import re
from functools import cache

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from firesense.domain.calendar import HOLIDAY, NIGHT, Calendars, Period
from firesense.domain.catalogue import CLASSES
from firesense.domain.device import Device, Registry
from firesense.domain.instant import SECOND
from firesense.domain.place import Org, Place
from firesense.domain.readings import Quality
from firesense.rules import ExpressionError, compile_expression
from firesense.rules.looks import SHAPES
from firesense.rules.past import Past
from firesense.rules.surroundings import Surroundings
from firesense.rules.table import Order
from tests.plain_conditions import HOLDS, Close, PlainDevice, Term, compare, either, every, known, opposite
from tests.rule_tables import PROFILE, T0, table

EXAMPLES = int(os.environ.get("FIRESENSE_EXAMPLES", "300"))
WINDOWS = (16, 80)
METRICS = {
    "temperature": [("degC", lambda x: x, True), ("degF", lambda x: (x - 32) * 5 / 9, False)],
    "smoke_density": [("dB/m", lambda x: x, True), ("1/m", lambda x: x * 10, False)],
    "battery": [("%", lambda x: x, True), ("ratio", lambda x: x * 100, False)],
}
SIGNALS = ("fire", "heat", "test")
SAID = {
    "temperature": [10.0, 20.0, 45.5, 60.0, 60.0, math.nan],
    "smoke_density": [0.02, 0.1, 0.1, 0.4],
    "battery": [5.0, 50.0, 90.0],
}
PERIODS = {
    "heating": [(150, 400), (900, 90000)],
    "harvest": [(0, 120)],
    NIGHT: [(110, 130), (300, 50000)],
    HOLIDAY: [(125, 200)],
}
TAGS = (("vulnerable", "old"), ("vulnerable",), ())  # of device 0, of the place of device 1, of nobody


INSTALLED = (-5000, 90, None)  # the second one before it spoke, but not long


# -- terms ------------------------------------------------------------------------------------------------------------
@st.composite
def combined(draw, inner, number, *, adds):
    """Terms put together: without a difference two temperatures cannot be added."""
    first, second = draw(inner), draw(inner | number)
    exact = first.exact and second.exact
    how = draw(st.sampled_from(["min", "max", *(["+", "-", "abs", "neg"] if adds else [])]))
    if how in {"min", "max"}:
        function = {"min": min, "max": max}[how]
        return Term(f"{how}({first.text}, {second.text})", lambda d: known(function, (first, second), d), exact)
    if how == "abs":
        return Term(f"abs({first.text})", lambda d: known(abs, (first,), d), exact)
    if how == "neg":
        return Term(f"-({first.text})", lambda d: known(lambda x: -x, (first,), d), exact)
    sign = 1 if how == "+" else -1
    return Term(
        f"({first.text} {how} {second.text})", lambda d: known(lambda a, b: a + sign * b, (first, second), d), exact
    )


@cache
def about(name, *, difference=False):
    """Numbers that measure what a metric does: its looks, plain numbers, and what is made of them."""

    @st.composite
    def number(draw):
        value = draw(st.sampled_from([one for one in SAID[name] if not math.isnan(one)]))
        if difference:
            unit, read, exact = ("K", lambda x: x, True)
        else:
            unit, read, exact = draw(st.sampled_from(METRICS[name]))
        return Term(f"{value:g} {unit}", lambda _: read(value), exact, number=True)

    @st.composite
    def looked_up(draw):
        apart = ["rise", "fall", "rate"]
        same = ["mean", "lowest", "highest", "usual", "last", "hourly"]
        offsets = name == "temperature"  # for other metrics a difference is measured as a value is
        function = draw(st.sampled_from(apart if difference else same if offsets else [*same, *apart]))
        window = draw(st.sampled_from(WINDOWS))
        if function == "rate":
            per = draw(st.sampled_from([(1, "1s"), (60, "1m")]))
            return Term(f"rate({name}, {window}s, {per[1]})", lambda d: d.rate(name, window, per[0]), exact=False)
        if function == "hourly":
            days = draw(st.sampled_from([1, 2]))
            return Term(f"hourly({name}, {days}d)", lambda d: d.hourly(name, days), exact=False)
        exact = function in {"last", "lowest", "highest"}
        return Term(f"{function}({name}, {window}s)", lambda d: getattr(d, function)(name, window), exact=exact)

    said = Term(name, lambda d: d.said(name))
    leaf = looked_up() if difference else st.just(said) | looked_up()

    adds = difference or name != "temperature"
    return st.recursive(leaf, lambda inner: combined(inner, number(), adds=adds), max_leaves=3), number()


@st.composite
def warmer_by(draw, temperatures, differences):
    """Temperature and difference: what is measured in degC and what in K."""
    value, by = draw(temperatures), draw(differences)
    if draw(st.booleans()):
        other = draw(temperatures)
        return True, Term(
            f"({value.text} - {other.text})", lambda d: known(lambda a, b: a - b, (value, other), d), exact=False
        )
    sign = draw(st.sampled_from([("+", 1), ("-", -1)]))
    return False, Term(
        f"({value.text} {sign[0]} {by.text})",
        lambda d: known(lambda a, b: a + sign[1] * b, (value, by), d),
        exact=False,
    )


@st.composite
def lengths(draw):
    return draw(
        st.sampled_from([("0s", 0), ("7s", 7), ("1m", 60), ("1h30m", 5400), ("500ms", 0.5)]).map(
            lambda one: Term(one[0], lambda _: one[1], number=True)
        )
    )


@st.composite
def times_of(draw):
    function = draw(st.sampled_from(["since", "unchanged", "until", "age"]))
    if function == "age":
        return Term("age()", lambda d: d.age(), exact=False)
    if function == "since":
        name = draw(st.sampled_from(SIGNALS))
        return Term(f"since({name})", lambda d: d.since(name))
    if function == "unchanged":
        name = draw(st.sampled_from([*METRICS, *SIGNALS]))
        return Term(f"unchanged({name})", lambda d: d.unchanged(name))
    name, window = draw(st.sampled_from([*METRICS])), draw(st.sampled_from(WINDOWS))
    value = draw(st.sampled_from([one for one in SAID[name] if not math.isnan(one)]))
    unit = METRICS[name][0][0]
    return Term(f"until({name}, {value:g} {unit}, {window}s)", lambda d: d.until(name, value, window), exact=False)


@st.composite
def counts(draw):
    function, window = draw(st.sampled_from(["count", "times"])), draw(st.sampled_from(WINDOWS))
    condition = draw(conditions(inside=True))
    return Term(f"{function}({condition.text}, {window}s)", lambda d: getattr(d, function)(condition, window))


# -- conditions -------------------------------------------------------------------------------------------------------
@st.composite
def chain(draw, first, others):
    terms = [draw(first)] + [draw(others) for _ in range(draw(st.integers(1, 2)))]
    signs = [draw(st.sampled_from(sorted(HOLDS))) for _ in terms[1:]]
    text = terms[0].text + "".join(f" {sign} {term.text}" for sign, term in zip(signs, terms[1:], strict=True))
    links = list(zip(signs, terms, terms[1:], strict=False))
    return Term(text, lambda d: every([compare(sign, left, right, d) for sign, left, right in links]))


@cache
def comparisons(*, inside):
    if inside:
        said = [
            chain(st.just(Term(name, lambda d, name=name: d.said(name))), about(name)[1]) for name in METRICS
        ]  # what is counted looks at single readings
        return st.one_of(said)
    found = []
    for name in METRICS:
        terms, numbers = about(name)
        found.append(chain(terms, terms | numbers))
    temperatures, degrees = about("temperature")
    differences, kelvins = about("temperature", difference=True)
    mixed = warmer_by(temperatures, differences | kelvins)
    found += [
        chain(differences, differences | kelvins),
        mixed.flatmap(lambda one: chain(st.just(one[1]), kelvins if one[0] else degrees)),
        chain(times_of(), times_of() | lengths()),
        chain(counts(), counts() | st.integers(0, 5).map(lambda n: Term(f"{n}", lambda _: n, number=True))),
    ]
    return st.one_of(found)


@cache
def flags():
    signals = [Term(name, lambda d, n=name: None if d.said(n) is None else d.said(n) == 1) for name in SIGNALS]
    asserted = [Term(f"asserted({name})", lambda d, n=name: d.said(n) == 1) for name in SIGNALS]
    tags = [Term(f"tag({tag})", lambda d, t=tag: t in d.tags) for tag in ("vulnerable", "old", "nowhere")]
    seasons = [Term(f"season({name})", lambda d, n=name: d.within(n)) for name in ("heating", "harvest")]
    quality = [
        Term("implausible()", lambda d: bool(d.row.get("quality", 0) & Quality.OUT_OF_RANGE)),
        Term("unprobed()", lambda d: bool(d.row.get("quality", 0) & Quality.SENTINEL)),
    ]
    hours = [Term("night()", lambda d: d.within(NIGHT)), Term("holiday()", lambda d: d.within(HOLIDAY))]
    return st.one_of(map(st.sampled_from, (signals, asserted, tags, seasons, quality, hours)))


@cache
def conditions(*, inside=False):
    def joined(inner):
        @st.composite
        def made(draw):
            how = draw(st.sampled_from(["not", "and", "or"]))
            if how == "not":
                term = draw(inner)
                return Term(f"not ({term.text})", lambda d: opposite(term.value(d)))
            terms = [draw(inner) for _ in range(draw(st.integers(2, 3)))]
            join = every if how == "and" else either
            return Term(
                f" {how} ".join(f"({term.text})" for term in terms), lambda d: join([term.value(d) for term in terms])
            )

        return made()

    return st.recursive(flags() | comparisons(inside=inside), joined, max_leaves=3 if inside else 5)


# -- series -----------------------------------------------------------------------------------------------------------
rows = st.fixed_dictionaries(
    {
        "slot": st.integers(0, 2),
        "step": st.sampled_from([-3, 0, 0, 1, 1, 2, 3, 5, 20, 3000, 86400]),
        "quality": st.sampled_from(
            [Quality(0)] * 9 + [Quality.LATE, Quality.RETAINED, Quality.OUT_OF_RANGE, Quality.SENTINEL]
        ),
    },
    optional={name: st.sampled_from(values) for name, values in SAID.items()}
    | {name: st.sampled_from([0, 0, 1]) for name in SIGNALS},
)


@st.composite
def series(draw):
    """Tables of rows of three devices: in order of arrival, some of them twice."""
    at, out = 100, []
    for row in draw(st.lists(rows, min_size=1, max_size=25)):
        at = max(1, at + row["step"])
        out += [{key: value for key, value in row.items() if key != "step"} | {"at": at}] * draw(
            st.sampled_from([1] * 5 + [2])
        )
    cuts = sorted(draw(st.sets(st.integers(1, len(out)), max_size=6)))
    return [out[first:last] for first, last in zip([0, *cuts], [*cuts, len(out)], strict=True) if first < last]


def surroundings(looks):
    org = Org([Place("town", "town", "township"), Place("east", "east", "village", "town", tags=TAGS[1])])
    registry = Registry([
        Device("a", "smoke", PROFILE, "a", "town", 0, tags=TAGS[0], installed_at=T0 + INSTALLED[0] * SECOND),
        Device("b", "smoke", PROFILE, "b", "east", 1, installed_at=T0 + INSTALLED[1] * SECOND),
        Device("c", "smoke", PROFILE, "c", "town", 2),
    ])  # fmt: skip
    edges = {name: [T0 + at * SECOND for span in spans for at in span] for name, spans in PERIODS.items()}
    calendars = Calendars(Period(name, np.array(found, np.int64)) for name, found in edges.items())
    return Surroundings(looks, "smoke", registry, org, calendars)


def agree(condition, tables):
    """Work a condition out both ways at every reading."""
    try:
        compiled = compile_expression(condition.text, CLASSES["smoke"], seasons=set(PERIODS))
    except ExpressionError as error:
        assume("this is true of a reading that says nothing" not in str(error))
        assume("looks at nothing a device says" not in str(error))
        raise
    past, order = Past([look for look in compiled.looks if not look.still], 3), Order(3)
    around = surroundings([look for look in compiled.looks if look.still])
    plain, newest = [PlainDevice(T0 // SECOND, *of) for of in zip(TAGS, [PERIODS] * 3, INSTALLED, strict=True)], {}
    for part in tables:
        seen = order.table(table(*part))
        around.add(seen)
        past.add(seen)
        true, false = (np.broadcast_to(ask(seen.columns), len(part)) for ask in (compiled.true, compiled.false))
        for n, row in enumerate(part):
            slot, current = row["slot"], row["quality"] != Quality.LATE and row["at"] >= newest.get(row["slot"], 0)
            if current:
                newest[slot] = row["at"]
            device = plain[slot].take(row, current and row["quality"] != Quality.RETAINED)
            try:
                expected = condition.value(device)
            except Close:
                continue
            found = True if true[n] else False if false[n] else None
            assert not (true[n] and false[n])
            assert found is expected, (condition.text, n, row)


def test_a_condition_says_of_columns_what_it_says_of_single_readings():
    functions = set()

    @given(conditions(), series())
    @settings(max_examples=EXAMPLES, deadline=None, derandomize="FIRESENSE_EXAMPLES" not in os.environ)
    def tried(condition, tables):
        agree(condition, tables)
        functions.update(re.findall(r"(\w+)\(", condition.text))

    tried()
    assert {"abs", "min", "max", "asserted", *SHAPES} <= functions, "every function of the grammar is among them"
