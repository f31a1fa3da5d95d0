"""What the book gives to count figures from, and how it keeps roll calls."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from firesense.domain.alert import Alert, AlertClass, Case, Finding, Grade
from firesense.domain.audit import Entry
from firesense.domain.deed import Actor, Arrive, Close, HandOn, TakeOver, Verify
from firesense.domain.errors import NotFound
from firesense.domain.escalation import Purpose, Step, StepKind
from firesense.domain.figures import NEVER, OpenAlert
from firesense.domain.hazard import Dealt, Hazard, HazardState, Source
from firesense.domain.instant import DAY, MINUTE, SECOND
from firesense.domain.outcome import Raise, TripAgain
from firesense.domain.rollcall import ROLL_CALL, RollCall, RollCallState
from tests.book_examples import LATER, NOON, alarm, call, lease, outcome, raised, sent


def columns(book, start=NOON, end=NOON + DAY):
    return book.alert_columns(start, end)


def test_an_alert_is_one_row_from_its_call_to_its_closing(book):
    alert = alarm(1)
    book.commit(outcome(1, raised(alert, call(alert, "wen"), call(alert, "zhou"))))
    for number, leased in enumerate(lease(book)):
        sent(book, leased, LATER + number * SECOND)
    for minutes, who, deed in (
        (2, "wen", HandOn("zhou")),
        (3, "wen", TakeOver("nearer")),
        (5, "wen", Arrive()),
        (8, "wen", Verify(Finding.FALSE_ALARM, "cooking")),
        (9, "wen", Close(though_firing=True)),
    ):
        book.act(alert.id, deed, Actor(who), NOON + minutes * MINUTE)
    got = columns(book)
    assert (len(got), got.alert_class[0], got.place[0], got.device[0]) == (1, "fire", "g1", "smoke-1")
    assert (got.raised_at[0], got.called_at[0]) == (alert.raised_at, LATER)
    assert got.taken_at[0] == NOON + 2 * MINUTE, "it was somebody's then, whoever took it over later"
    assert (got.arrived_at[0], got.closed_at[0]) == (NOON + 5 * MINUTE, NOON + 9 * MINUTE)
    assert (got.finding[0], got.cause[0], got.closed_by[0], got.taken_by[0]) == ("false-alarm", "cooking", "wen", "wen")
    assert not np.any(got.open | got.held | got.undone)
    assert got.cleared_at[0] == NEVER


def test_only_calls_to_the_alert_count_and_only_those_a_channel_took(book):
    alert = alarm(1)
    notice = replace(call(alert, "zhou"), purpose=Purpose.NOTICE, key="notice")
    book.commit(outcome(1, raised(alert, notice, call(alert, "wen"))))
    told = next(each for each in lease(book) if each.purpose is Purpose.NOTICE)
    sent(book, told, LATER)
    assert columns(book).called_at[0] == NEVER


def test_what_stood_still_and_what_a_window_held_is_marked(book):
    stood, held = alarm(1), alarm(2, AlertClass.FAULT)
    lines = ((stood, Step(stood.id, NOON + MINUTE, StepKind.UNDONE)), (held, Step(held.id, NOON, StepKind.HELD)))
    deeds = [replace(raised(alert), steps=(*raised(alert).steps, line)) for alert, line in lines]
    book.commit(outcome(2, *deeds))
    got = columns(book)
    assert (got.undone.tolist(), got.held.tolist()) == ([True, False], [False, True])


def test_what_is_summed_up_at_the_closing_is_what_was_counted_before_it(book):
    alert = alarm(1)
    line = Step(alert.id, NOON + MINUTE, StepKind.HELD), Step(alert.id, NOON + 2 * MINUTE, StepKind.UNDONE)
    book.commit(outcome(1, replace(raised(alert), steps=line)))
    sent(book, lease(book)[1], LATER)
    book.act(alert.id, HandOn("zhou"), Actor("wen"), LATER + 2)
    before = columns(book)
    book.act(alert.id, Close(Finding.TEST, though_firing=True), Actor("zhou"), LATER + 3)
    after = columns(book)
    for got in (before, after):
        assert (got.called_at[0], got.taken_at[0]) == (LATER, LATER + 2)
        assert (got.held[0], got.undone[0]) == (True, True)
    book.commit(outcome(2, TripAgain(alert.id, LATER + 5, 1)))
    again = columns(book)
    assert (again.open[0], again.called_at[0], again.taken_at[0]) == (True, LATER, LATER + 2)
    assert book.alert(alert.id).acknowledged_at is None


def test_what_a_channel_says_it_took_after_the_case_was_closed_counts(book):
    alert = alarm(1)
    book.commit(outcome(1, raised(alert, call(alert, "wen"))))
    [leased] = lease(book)
    book.act(alert.id, Close(Finding.TEST, though_firing=True), Actor("wen"), LATER)
    assert columns(book).called_at[0] == NEVER
    sent(book, leased, LATER + 1)
    assert columns(book).called_at[0] == LATER + 1


def test_a_hazard_that_is_accepted_and_over_in_one_deed_was_somebodys(book):
    alert = alarm(1, AlertClass.HAZARD)
    book.commit(outcome(1, raised(alert)))

    def put_right(before, _):
        over = replace(before, case=Case.CLOSED, closed_at=LATER + 1, closed_by="wen", finding=Finding.PUT_RIGHT)
        hazard = Hazard(alert.id, Source.PERSON, Grade.MINOR, "g1", NOON, HazardState.WRITTEN_OFF, closed_at=LATER + 1)
        return Dealt(over, hazard, (Step(alert.id, LATER, StepKind.ACKNOWLEDGED, "wen"),))

    book.deal_with_hazard(alert.id, put_right)
    assert columns(book).taken_at[0] == LATER


def test_alerts_are_those_raised_in_the_time_asked_for(book):
    book.commit(outcome(2, raised(alarm(1)), raised(alarm(5))))
    assert columns(book, NOON, NOON + 5).device == ["smoke-1"]
    assert columns(book, NOON + 5, NOON + 6).device == ["smoke-5"]
    assert len(columns(book, NOON + 6)) == 0


def test_open_alerts_say_how_devices_are(book):
    book.commit(outcome(2, raised(alarm(1)), raised(alarm(2, AlertClass.FAULT))))
    book.act(alarm(1).id, Close(Finding.FIRE, though_firing=True), Actor("wen"), LATER)
    assert book.open_alerts() == [OpenAlert(AlertClass.FAULT, "fire-flag", "smoke-2")]


def planned(**changes):
    fields = {
        "id": "R0LLCA11AA",
        "role": "station-duty",
        "place": "t1",
        "planned_at": NOON,
        "within": timedelta(minutes=3),
        "above": "committee-office",
        "due_at": NOON,
    }
    return RollCall(**(fields | changes))


def asked(roll, at):
    alert = Alert(roll.id, ROLL_CALL, "", AlertClass.TEST, Grade.MINOR, "", "", roll.place, at, at, 0)
    return replace(roll, state=RollCallState.ASKED, people=("wen",), asked_at=at, due_at=at + 3 * MINUTE), raised(alert)


def test_a_roll_call_is_due_when_it_is_planned_answered_or_over(book):
    roll = planned()
    assert (book.plan_roll_calls([roll, planned(id="OTHER00000", planned_at=LATER, due_at=LATER)])) == 2
    assert book.plan_roll_calls([roll]) == 0, "it is there"
    assert book.due_roll_calls(NOON - 1) == []
    assert book.due_roll_calls(NOON) == [(roll, None)]
    assert book.next_due_at() == NOON
    after, deed = asked(roll, NOON)
    assert book.move_roll_call(roll, after, deed)
    assert not book.move_roll_call(roll, after, deed), "somebody else did it"
    assert book.due_roll_calls(NOON) == []
    book.acknowledge(roll.id, "wen", NOON + MINUTE)
    [(due, alert)] = book.due_roll_calls(NOON + MINUTE - 1)
    assert (due, alert.acknowledged_by) == (after, "wen")
    done = replace(after, state=RollCallState.ANSWERED, answered_at=NOON + MINUTE, answered_by="wen", due_at=None)
    assert book.move_roll_call(after, done, close_at=NOON + MINUTE)
    assert book.roll_call(roll.id) == done
    closed = book.alert(roll.id)
    assert (closed.case, closed.finding, closed.closed_at) == (Case.CLOSED, Finding.TEST, NOON + MINUTE)
    assert [each.id for each in book.roll_calls(NOON, NOON + 1)] == [roll.id]
    with pytest.raises(NotFound):
        book.roll_call("NOBODY")


def test_one_roll_call_is_under_way_at_a_post(book):
    entry = Entry(NOON, "wen", "api 192.0.2.7", "started", "roll-call", "STARTED000")
    started = planned(id="STARTED000", started_by="wen", planned_at=NOON + 5, due_at=NOON + 5)
    book.plan_roll_calls([planned(id="T0C0ME0000", planned_at=LATER, due_at=LATER)])
    assert book.start_roll_call(started, entry) is None, "one that is still to come is not under way"
    again = replace(started, id="AGA1N00000", planned_at=NOON + 4, due_at=NOON + 4)
    assert book.start_roll_call(again, entry) == started, "even when the clock was read before"
    assert book.start_roll_call(replace(again, id="E1SEWHERE0", place="g1"), entry) is None
    assert len(book.audit(kind="roll-call")) == 2
    assert book.move_roll_call(started, replace(started, state=RollCallState.UNASKED, due_at=None))
    assert book.start_roll_call(again, entry) is None, "that one is over"


def test_roll_calls_are_forgotten_with_the_cases_of_their_time(book):
    never_asked = planned(id="UNASKED000", state=RollCallState.UNASKED, due_at=None)
    waiting = planned(id="WA1T1NG000", planned_at=NOON + 1)
    last = planned(id="LAST000000", planned_at=NOON + MINUTE, state=RollCallState.MISSED, due_at=None)
    roll = planned()
    book.plan_roll_calls([roll, never_asked, waiting, last])
    after, deed = asked(roll, NOON)
    assert book.move_roll_call(roll, after, deed)
    over = replace(after, state=RollCallState.MISSED, due_at=None)
    assert book.move_roll_call(after, over, close_at=NOON + 30 * SECOND)
    assert book.forget_cases(NOON + MINUTE, NOON + DAY) == (1, []), "the alert that one of them was"
    assert book.roll_calls(0, NOON + DAY) == [waiting, last], "duty has to see to one yet"


def test_what_roll_calls_and_windows_are_is_no_alert_of_the_figures(book):
    roll = planned()
    book.plan_roll_calls([roll])
    assert book.move_roll_call(roll, *asked(roll, NOON))
    assert len(columns(book)) == 0
    assert isinstance(raised(alarm(1)), Raise)


def test_the_times_are_drawn_from_a_number_the_book_keeps(book):
    assert book.roll_call_seed() == book.roll_call_seed() > 0
