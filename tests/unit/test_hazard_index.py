"""The hazard index and the counters: as the formula says, never lower for one more, never higher for one less."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firesense.domain.alert import Grade
from firesense.domain.hazard import HazardColumns, IndexWeights
from firesense.domain.instant import DAY
from firesense.domain.place import Org, Place
from firesense.hazards import standings

NOW = 1_767_240_000_000_000
NEVER = HazardColumns.NEVER
ORG = Org(
    [
        Place("d", "青河县", "district"),
        Place("g1", "一组", "grid", "v", tags=("vulnerable",)),  # before its parents: order must not matter
        Place("v", "大槐树村", "village", "t"),
        Place("t", "柳林镇", "township", "d"),
        Place("g2", "二组", "grid", "v"),
        Place("w", "河口村", "village", "t"),
    ]
)
WEIGHTS = IndexWeights({Grade.MINOR: 1.0, Grade.GENERAL: 5.0, Grade.MAJOR: 20.0})


def columns(*rows):
    """(place, grade, reported, until, closed) each, in days before now; None is never."""
    at = [[NEVER if day is None else NOW - int(day * DAY) for day in row[2:]] for row in rows]
    three = np.array(at, dtype=np.int64).reshape(-1, 3)
    return HazardColumns(
        tuple(row[0] for row in rows), tuple(row[1] for row in rows), three[:, 0], three[:, 1], three[:, 2]
    )


def standing(*rows, starts=(), org=ORG, weights=WEIGHTS, now=NOW):
    return {each.place: each for each in standings(columns(*rows), org, weights, now, starts)}


def test_without_hazards_everything_is_zero():
    for each in standing().values():
        assert (each.index, each.open, each.zero, each.since_at) == (0.0, 0, True, None)


def test_a_new_hazard_weighs_what_its_grade_weighs_there_and_above():
    found = standing(("g2", Grade.GENERAL, 0, None, None))
    assert [found[code].points for code in ("g2", "v", "t", "d")] == [5.0] * 4
    assert found["g2"].index == pytest.approx(100 * 5 / 25)
    assert found["g1"].index == found["w"].index == 0.0


def test_age_delay_and_vulnerable_people_count():
    old, late = ("g2", Grade.GENERAL, 30, None, None), ("g2", Grade.GENERAL, 30, 1, None)
    assert standing(old)["g2"].points == pytest.approx(10.0)
    assert standing(late)["g2"].points == pytest.approx(20.0)
    assert standing(("g1", *late[1:]))["g1"].points == pytest.approx(30.0)
    assert standing(("g2", Grade.GENERAL, 3000, None, None))["g2"].points == pytest.approx(20.0), "up to three times"


def test_a_tag_holds_for_all_below_it():
    places = {code: replace(place, tags=()) for code, place in ORG.places.items()}
    places["t"] = replace(places["t"], tags=("vulnerable",))
    found = standing(("g2", Grade.MINOR, 0, None, None), org=Org(places.values()))
    assert found["g2"].points == pytest.approx(1.5)


def test_counts_are_of_the_place_and_all_below_it():
    month, quarter = NOW - 10 * DAY, NOW - 60 * DAY
    found = standing(
        ("g1", Grade.MINOR, 20, 19, None),
        ("g2", Grade.MAJOR, 5, -50, None),
        ("g2", Grade.GENERAL, 50, 35, 4),
        ("w", Grade.GENERAL, 90, 75, 80),
        starts=(month, quarter),
    )
    village, township = found["v"], found["t"]
    assert (village.open, village.by_grade, village.overdue) == (2, (1, 0, 1), 1)
    assert (village.opened, village.closed) == ((1, 3), (1, 1))
    assert (township.opened, township.closed) == ((1, 3), (1, 1))
    assert found["w"].zero


def test_a_place_nobody_knows_is_the_roots():
    found = standing(("gone", Grade.MINOR, 0, None, None))
    assert found["d"].open == 1
    assert found["t"].open == 0


def test_since_when_there_is_a_zero_or_none():
    found = standing(
        ("g1", Grade.MINOR, 40, None, 30),
        ("g1", Grade.MINOR, 35, None, 20),  # together: open from 40 to 20 days ago
        ("g2", Grade.MINOR, 10, None, None),
        ("w", Grade.MINOR, 50, None, 45),
    )
    days = {code: None if each.since_at is None else (NOW - each.since_at) // DAY for code, each in found.items()}
    assert days == {"g1": 20, "g2": 10, "v": 10, "w": 45, "t": 10, "d": 10}
    assert found["g1"].zero
    assert not found["v"].zero


def test_one_that_ends_when_the_next_begins_leaves_a_zero_between():
    found = standing(("g1", Grade.MINOR, 9, None, 4), ("g1", Grade.MINOR, 4, None, None))
    assert NOW - found["g1"].since_at == 4 * DAY


# -- properties -------------------------------------------------------------------------------------------------------
hazard = st.tuples(
    st.sampled_from([*ORG.places, "gone"]),
    st.sampled_from(list(Grade)),
    st.integers(0, 400),
    st.one_of(st.none(), st.integers(-100, 390)),
    st.none(),
)
weights = st.builds(
    IndexWeights,
    st.tuples(*[st.floats(0, 50)] * 3).map(lambda given: dict(zip(Grade, sorted(given), strict=True))),
    st.integers(1, 100).map(lambda days: timedelta(days=days)),
    st.floats(1, 5),
    st.floats(1, 5),
    st.just(frozenset({"vulnerable"})),
    st.floats(0.5, 100),
)


def closed(row, days):
    return (*row[:4], min(days, row[2]))


@given(st.lists(hazard, max_size=12), hazard, weights)
def test_one_more_hazard_never_lowers_an_index(rows, more, weighed):
    before, after = standing(*rows, weights=weighed), standing(*rows, more, weights=weighed)
    for code in ORG.places:
        assert after[code].index >= before[code].index
        assert after[code].open in {before[code].open, before[code].open + 1}


@given(st.lists(hazard, min_size=1, max_size=12), st.integers(0, 400), st.data(), weights)
def test_closing_one_never_raises_an_index(rows, days, data, weighed):
    which = data.draw(st.integers(0, len(rows) - 1))
    fewer = [closed(row, days) if number == which else row for number, row in enumerate(rows)]
    before, after = standing(*rows, weights=weighed), standing(*fewer, weights=weighed)
    for code in ORG.places:
        assert after[code].index <= before[code].index
        assert 0 <= after[code].index < 100
        assert after[code].open <= before[code].open


@given(st.lists(hazard, max_size=12), st.integers(0, 100), weights)
def test_waiting_never_lowers_an_index(rows, days, weighed):
    now, later = standing(*rows, weights=weighed), standing(*rows, weights=weighed, now=NOW + days * DAY)
    assert all(later[code].index >= now[code].index for code in ORG.places)


def plainly(rows, weighed):
    """The same by the formula, hazard by hazard."""
    points = dict.fromkeys(ORG.places, 0.0)
    for place, grade, age, until, over in rows:
        if over is not None:
            continue
        path = list(ORG.path(place)) or [ORG.root]
        of_one = weighed.grades[grade] * (1 + min(age / weighed.full_age.days, 3))
        of_one *= weighed.overdue if until is not None and until > 0 else 1
        of_one *= weighed.vulnerable if any("vulnerable" in each.tags for each in path) else 1
        for each in path:
            points[each.code] += of_one
    return points


def since_plainly(rows, code):
    """The same by going through the events of one place in order."""
    events = []
    for place, _, age, _, over in rows:
        path = [each.code for each in ORG.path(place)] or [ORG.root.code]
        if code in path:
            events.append((-age, 1))
            if over is not None:
                events.append((-over, -1))
    since, count = None, 0
    for at, step in sorted(events):
        count += step
        if count == 0 or (step == 1 and count == 1):
            since = NOW + at * DAY
    return since


@given(st.lists(hazard, max_size=15), st.lists(st.integers(0, 400), max_size=15), weights)
def test_the_columns_say_what_the_formula_says(rows, days, weighed):
    rows = [closed(row, day) if day < row[2] else row for row, day in zip(rows, [*days, *[999] * 15], strict=False)]
    found, points = standing(*rows, weights=weighed), plainly(rows, weighed)
    for code, each in found.items():
        assert each.points == pytest.approx(points[code])
        assert each.index == pytest.approx(100 * points[code] / (points[code] + weighed.middle))
        assert each.since_at == since_plainly(rows, code)
