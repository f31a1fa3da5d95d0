from __future__ import annotations

from datetime import timedelta

from firesense.domain.alert import Alert, AlertClass, Grade
from firesense.domain.escalation import Ladder, Rung, Selector
from firesense.domain.place import Org, Place
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


def chosen(a, *selectors):
    ladder = choose(a, ORG, LADDERS, selectors)
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
