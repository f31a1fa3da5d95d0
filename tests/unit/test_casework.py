"""A case one deed at a time, without a book: what each deed makes of an alert, and which are refused and why."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firesense.casework import move, reaches_incident
from firesense.domain.alert import AlertClass, Case, Condition, Finding
from firesense.domain.deed import (
    Acknowledge,
    Arrive,
    Close,
    Dispatch,
    Ground,
    HandOn,
    Position,
    Reset,
    Silence,
    TakeOver,
    Verify,
)
from firesense.domain.errors import Conflict
from firesense.domain.escalation import StepKind
from tests.book_examples import LATER, alarm

OPEN = alarm()
TAKEN = replace(OPEN, case=Case.ACKNOWLEDGED, acknowledged_by="wen", acknowledged_at=LATER - 9)
LATCHED = replace(TAKEN, condition=Condition.LATCHED)
SENT = Dispatch(("liu", "zhao"), "micro-station", "t1", "bring the key")

FIRST_DEEDS = {
    "sending somebody": (SENT, Case.DISPATCHED),
    "being there": (Arrive(), Case.ON_SITE),
    "saying what it was": (Verify(Finding.FIRE), Case.VERIFIED),
    "silencing it": (Silence(Ground.VIDEO, "camera 4"), Case.ACKNOWLEDGED),
    "resetting it": (Reset(), Case.ACKNOWLEDGED),
}


@pytest.mark.parametrize("name", FIRST_DEEDS)
def test_whoever_acts_first_has_it(name):
    deed, case = FIRST_DEEDS[name]
    before = replace(OPEN, condition=Condition.LATCHED)
    moved = move(before, deed, "liu", LATER)
    assert (moved.alert.case, moved.alert.acknowledged_by, moved.alert.acknowledged_at) == (case, "liu", LATER)
    assert moved.steps[0].kind is StepKind.ACKNOWLEDGED
    assert len(moved.steps) == 2


def test_the_second_who_acknowledges_is_told_who_has_it_since_when():
    with pytest.raises(Conflict) as refused:
        move(TAKEN, Acknowledge(), "liu", LATER)
    assert (refused.value.key, refused.value.values) == ("conflict.taken", {"who": "wen", "taken_at": LATER - 9})
    assert move(TAKEN, Acknowledge(), "wen", LATER).steps == (), "who has it may say so again"


def test_taking_over_names_from_whom_and_why():
    moved = move(TAKEN, TakeOver("wen is not answering"), "liu", LATER)
    assert moved.alert == replace(TAKEN, acknowledged_by="liu", acknowledged_at=LATER)
    assert moved.steps[0].detail == {"had_by": "wen", "reason": "wen is not answering"}
    assert move(OPEN, TakeOver(""), "liu", LATER).alert.acknowledged_by == "liu"
    assert move(TAKEN, TakeOver("", "wen"), "liu", LATER).alert.acknowledged_by == "liu"
    with pytest.raises(Conflict):
        move(TAKEN, TakeOver("", "somebody-else"), "liu", LATER)


def test_an_alert_is_handed_on_by_who_has_it_only():
    moved = move(TAKEN, HandOn("zhao", "nearer"), "wen", LATER)
    assert (moved.alert.acknowledged_by, moved.alert.acknowledged_at, moved.alert.case) == (
        "zhao",
        LATER,
        Case.ACKNOWLEDGED,
    )
    assert move(OPEN, HandOn("zhao"), "wen", LATER).alert.case is Case.ACKNOWLEDGED
    with pytest.raises(Conflict, match="wen has"):
        move(TAKEN, HandOn("zhao"), "liu", LATER)
    assert move(TAKEN, HandOn("wen"), "wen", LATER).steps == ()


def test_a_case_never_goes_back():
    verified = move(TAKEN, Verify(Finding.FIRE), "wen", LATER).alert
    later = move(move(verified, SENT, "wen", LATER + 1).alert, Arrive(), "liu", LATER + 2).alert
    assert (later.case, later.dispatched_at, later.arrived_at) == (Case.VERIFIED, LATER + 1, LATER + 2)
    again = move(later, Arrive(), "zhao", LATER + 3).alert
    assert again.arrived_at == LATER + 2, "who was there first counts"


def test_arrival_and_finding_say_where():
    here = Position(39.908823, 116.397470, 12.4)
    assert move(TAKEN, Arrive("liu", here), "wen", LATER).steps[-1].detail == {
        "latitude": "39.908823",
        "longitude": "116.397470",
        "accuracy": "12",
        "said_by": "wen",
    }
    detail = move(TAKEN, Verify(Finding.FIRE, note="kitchen", position=here), "wen", LATER).steps[-1].detail
    assert (detail["finding"], detail["note"], detail["accuracy"]) == ("fire", "kitchen", "12")


def test_whoever_says_from_where_they_found_it_has_arrived():
    here = Position(30.2741, 120.1551, 8)
    found = move(TAKEN, Verify(Finding.FALSE_ALARM, "cooking", "", here), "wen", LATER).alert
    assert (found.arrived_at, found.verified_at, found.case) == (LATER, LATER, Case.VERIFIED)
    there = replace(TAKEN, arrived_at=LATER - 3)
    assert move(there, Verify(Finding.FIRE, position=here), "wen", LATER).alert.arrived_at == LATER - 3, "before that"
    assert move(TAKEN, Verify(Finding.FIRE), "wen", LATER).alert.arrived_at is None, "a camera may have shown it"


@pytest.mark.parametrize("where", [(90.1, 0), (0, -180.1), (float("nan"), 0), (0, 0, -1), (0, 0, float("nan"))])
def test_a_position_is_a_place_on_earth(where):
    with pytest.raises(ValueError, match=r"cannot be|no place"):
        Position(*where)


def test_a_false_alarm_has_a_cause_and_nothing_else_has():
    assert move(TAKEN, Verify(Finding.FALSE_ALARM, "cooking"), "wen", LATER).alert.cause == "cooking"
    assert move(TAKEN, Verify(Finding.FALSE_ALARM), "wen", LATER).alert.cause == "unknown"
    with pytest.raises(Conflict) as refused:
        move(TAKEN, Verify(Finding.FIRE, "cooking"), "wen", LATER)
    assert refused.value.key == "conflict.cause"
    with pytest.raises(Conflict):
        move(TAKEN, Verify(Finding.CLEARED_ITSELF), "wen", LATER)


def test_a_case_is_closed_with_what_it_was_verified_with_unless_somebody_knows_better():
    verified = move(TAKEN, Verify(Finding.FALSE_ALARM, "steam", "kettle"), "wen", LATER).alert
    closed = move(verified, Close(though_firing=True), "liu", LATER + 1).alert
    assert (closed.finding, closed.cause, closed.note, closed.closed_by) == (
        Finding.FALSE_ALARM,
        "steam",
        "kettle",
        "liu",
    )
    other = move(verified, Close(Finding.FIRE, note="the wall glowed", though_firing=True), "liu", LATER + 1).alert
    assert (other.finding, other.cause, other.note) == (Finding.FIRE, "", "the wall glowed")
    with pytest.raises(Conflict) as refused:
        move(TAKEN, Close(), "wen", LATER)
    assert refused.value.key == "conflict.no-finding"


@pytest.mark.parametrize("alert_class", [AlertClass.FIRE, AlertClass.HAZARD])
def test_what_its_device_still_alarms_with_is_closed_by_who_knows_that_it_will_alarm_anew(alert_class):
    alarming = replace(TAKEN, alert_class=alert_class)
    with pytest.raises(Conflict) as refused:
        move(alarming, Close(Finding.FIRE), "wen", LATER)
    assert (refused.value.key, refused.value.values) == ("conflict.close-firing", {"alerts": alarming.id})
    closed = move(alarming, Close(Finding.FIRE, though_firing=True), "wen", LATER).alert
    assert (closed.case, closed.condition) == (Case.CLOSED, Condition.FIRING)
    for calm in (
        replace(alarming, condition=Condition.LATCHED),
        replace(alarming, condition=Condition.RESOLVED),
        replace(alarming, alert_class=AlertClass.FAULT),
        replace(alarming, alert_class=AlertClass.HAZARD, rule="reported"),
    ):
        assert move(calm, Close(Finding.FAULT), "wen", LATER).alert.case is Case.CLOSED


REFUSED = {
    "cleared by itself, while it fires": (
        TAKEN,
        Close(Finding.CLEARED_ITSELF, though_firing=True),
        "conflict.still-firing",
    ),
    "a fire put right": (LATCHED, Close(Finding.PUT_RIGHT), "conflict.put-right"),
    "a fire found to be put right": (LATCHED, Verify(Finding.PUT_RIGHT), "conflict.put-right"),
    "still firing, so not below its limit": (TAKEN, Silence(Ground.BELOW_LIMIT), "conflict.still-firing"),
    "no camera named": (TAKEN, Silence(Ground.VIDEO), "conflict.shown-by"),
    "nobody on site named": (LATCHED, Silence(Ground.ON_SITE), "conflict.shown-by"),
    "reset while it fires": (TAKEN, Reset(), "conflict.still-firing"),
    "reset what is not latched": (replace(TAKEN, condition=Condition.RESOLVED), Reset(), "conflict.not-latched"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_deeds_have_their_conditions(name):
    alert, deed, key = REFUSED[name]
    with pytest.raises(Conflict) as refused:
        move(alert, deed, "wen", LATER)
    assert refused.value.key == key


def test_silence_is_once_and_reset_leaves_the_case_alone():
    silenced = move(LATCHED, Silence(Ground.BELOW_LIMIT, reason="cooled down"), "wen", LATER)
    assert silenced.alert.silenced_at == LATER
    assert silenced.steps[-1].detail == {"ground": "below-limit", "reason": "cooled down"}
    assert move(silenced.alert, Silence(Ground.BELOW_LIMIT), "liu", LATER).steps == ()
    assert move(LATCHED, Reset("looked at it"), "wen", LATER).alert == replace(LATCHED, condition=Condition.RESOLVED)


def test_what_reaches_the_whole_incident():
    assert reaches_incident(Acknowledge())
    assert reaches_incident(Verify(Finding.FIRE))
    assert not reaches_incident(Verify(Finding.FAULT)), "a faulty detector says nothing of its neighbours"
    assert not reaches_incident(Silence(Ground.VIDEO, "camera 4"))
    assert not reaches_incident(Reset())


PEOPLE = st.sampled_from(["wen", "liu", "zhao"])
DEEDS = st.one_of(
    st.just(Acknowledge()),
    st.just(TakeOver("because")),
    st.builds(HandOn, PEOPLE),
    st.just(SENT),
    st.just(Arrive()),
    st.builds(Verify, st.sampled_from(Finding)),
    st.builds(Silence, st.sampled_from(Ground), st.sampled_from(["", "camera 4"])),
    st.just(Reset()),
    st.builds(Close, st.sampled_from([None, *Finding]), though_firing=st.booleans()),
)


@given(st.sampled_from(Condition), st.lists(st.tuples(DEEDS, PEOPLE), max_size=12))
def test_whatever_people_do_the_case_goes_forward_and_every_change_is_told(condition, deeds):
    alert = replace(OPEN, condition=condition)
    for number, (deed, who) in enumerate(deeds):
        try:
            moved = move(alert, deed, who, LATER + number)
        except Conflict:
            assert not alert.open or not isinstance(deed, (TakeOver, Arrive, Dispatch))
            continue
        assert moved.alert == alert or moved.steps
        assert list(Case).index(moved.alert.case) >= list(Case).index(alert.case)
        assert moved.alert.acknowledged_by or isinstance(deed, Close)
        assert (moved.alert.case is Case.CLOSED) == isinstance(deed, Close)
        alert = moved.alert
