from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from firesense.domain.alert import Alert, AlertClass, Grade
from firesense.domain.calendar import Calendars, Period
from firesense.domain.escalation import Hours, Ladder, Rung, Selector
from firesense.domain.instant import instant
from firesense.domain.place import Org, Place
from firesense.domain.plan import Plan
from firesense.route import choose

ORG = Org(
    [
        Place("D", "区", "district"),
        Place("T", "镇", "township", "D"),
        Place("G", "网格", "grid", "T", tags=("vulnerable",)),
        Place("S", "街道", "street", "D"),
    ]
)
LADDERS = {name: Ladder(name, (Rung(("r",), ("log",), timedelta(minutes=1)),)) for name in ("a", "b", "c")}


def alert(place, alert_class=AlertClass.FIRE, grade=Grade.MAJOR):
    return Alert("X", "rule", "1", alert_class, grade, "d", "smoke", place, 0, 0, 0)


ZONE = ZoneInfo("Asia/Shanghai")


def at(*moment):
    return instant(datetime(*moment, tzinfo=ZONE))


NOW = at(2026, 1, 15, 12)


def chosen(a, *selectors, now=NOW, calendars=None, confirmed=False):
    plan = Plan(org=ORG, ladders=LADDERS, selectors=selectors, calendars=calendars or Calendars(zone=ZONE))
    ladder, _ = choose(a, plan, now, confirmed=confirmed)
    return ladder and ladder.id


def test_the_first_selector_that_fits_wins():
    assert chosen(alert("G"), Selector("a"), Selector("b")) == "a"


def test_a_place_means_everything_below_it():
    township = Selector("a", places=frozenset({"T"}))
    assert chosen(alert("G"), township, Selector("b")) == "a"
    assert chosen(alert("S"), township, Selector("b")) == "b"


def test_tags_of_the_place_and_above_count():
    vulnerable = Selector("c", tags=frozenset({"vulnerable"}))
    assert chosen(alert("G"), vulnerable, Selector("b")) == "c"
    assert chosen(alert("T"), vulnerable, Selector("b")) == "b"


def test_class_and_grade_must_both_fit():
    selector = Selector("a", alert_classes=frozenset({"hazard"}), grades=frozenset({"minor"}))
    assert chosen(alert("G", AlertClass.HAZARD, Grade.MINOR), selector) == "a"
    assert chosen(alert("G", AlertClass.HAZARD, Grade.MAJOR), selector) is None
    assert chosen(alert("G", AlertClass.FIRE, Grade.MINOR), selector) is None


def test_a_place_nobody_knows_still_finds_a_ladder():
    assert chosen(alert("gone"), Selector("a", places=frozenset({"T"})), Selector("b")) == "b"


def test_ladders_differ_by_season_and_the_nearest_place_decides_when_it_is():
    winter = np.array([at(2025, 11, 15), at(2026, 3, 16)])
    short = np.array([at(2025, 12, 1), at(2026, 1, 10)])
    calendars = Calendars([Period("heating", winter), Period("heating", short, frozenset({"S"}))], ZONE)
    selectors = (Selector("a", seasons=frozenset({"heating", "harvest"})), Selector("b"))
    assert chosen(alert("G"), *selectors, calendars=calendars) == "a"
    assert chosen(alert("S"), *selectors, calendars=calendars) == "b", "its own heating season is over"
    assert chosen(alert("gone"), *selectors, calendars=calendars) == "a", "what is in force everywhere"
    assert chosen(alert("G"), *selectors, calendars=calendars, now=at(2026, 3, 16)) == "b"
    assert chosen(alert("G"), *selectors) == "b", "nobody has written when it is"


@pytest.mark.parametrize(
    ("clock", "ladder"),
    [((22, 0), "a"), ((23, 59), "a"), ((0, 0), "a"), ((5, 59), "a"), ((6, 0), "b"), ((21, 59), "b")],
)
def test_hours_are_local_and_may_pass_midnight(clock, ladder):
    night = Hours(timedelta(hours=22), timedelta(hours=6))
    assert chosen(alert("G"), Selector("a", hours=night), Selector("b"), now=at(2026, 7, 1, *clock)) == ladder
    day = Hours(night.last, night.first)
    other = "ab"[ladder == "a"]
    assert chosen(alert("G"), Selector("a", hours=day), Selector("b"), now=at(2026, 7, 1, *clock)) == other


def test_a_fire_that_is_not_alone_may_start_higher():
    selectors = (Selector("a", confirmed=True, start=2), Selector("a", start=1))
    plan = Plan(org=ORG, ladders=LADDERS, selectors=selectors)
    assert choose(alert("G"), plan, NOW) == (LADDERS["a"], 1)
    assert choose(alert("G"), plan, NOW, confirmed=True) == (LADDERS["a"], 2)
