"""The Book port: what comes of calls after they were sent, budgets, bundles, floods."""

from __future__ import annotations

from dataclasses import replace

import pytest

from firesense.domain.alert import AlertClass
from firesense.domain.escalation import CallState, Purpose, StepKind
from firesense.domain.instant import DAY, MINUTE, SECOND
from tests.book_examples import LATER, NOON, alarm, call, kinds, lease, outcome, raised, sent


def first(book, alert):
    return book.calls(alert.id)[0]


def test_a_fire_that_is_put_back_is_called_over_another_channel_by_the_same_act(book, alert):
    [leased, *_] = lease(book)
    other = replace(leased, key="over another", channel="other", instead_of=leased.channel)
    book.postpone([leased], LATER + 9 * MINUTE, "budget", LATER, [other])
    assert [told.key for told in book.calls(alert.id) if told.instead_of] == ["over another"]
    assert "over another" in {one.key for one in lease(book, LATER)}
    [waits] = [step for step in book.story(alert.id) if step.kind is StepKind.WAITS]
    assert waits.detail["next"] == "other"


def test_the_time_to_give_a_call_up_begins_anew_when_it_was_put_back(book, alert):
    [leased, *_] = lease(book)
    failed = replace(leased, state=CallState.FAILED_FOR_NOW, attempts=1, tried_at=LATER, due_at=LATER)
    book.settle(failed, LATER)
    assert first(book, alert).tried_at == LATER
    book.postpone([failed], LATER + 9 * MINUTE, "quiet", LATER)
    assert first(book, alert).tried_at is None


def reported(book, alert, state, at=LATER + SECOND, **changes):
    return book.report(replace(first(book, alert), state=state, **changes), at)


@pytest.fixture
def told(book, alert):
    """The fire's first call was sent, and is to be asked after."""
    [leased, *_] = lease(book)
    sent(book, leased, ask_at=LATER + MINUTE, line="line-1")
    return alert


# -- receipts ---------------------------------------------------------------------------------------------------------
def test_a_call_that_is_to_be_asked_after_is_leased_again_when_its_time_comes(book, told):
    assert lease(book, LATER + MINUTE - 1) == []
    [again] = [one for one in lease(book, LATER + MINUTE) if one.state is CallState.SENT]
    assert again.key == first(book, told).key
    book.postpone([again], LATER + 3 * MINUTE, "", LATER + MINUTE)
    assert CallState.SENT not in {one.state for one in lease(book, LATER + 3 * MINUTE - 1)}
    assert StepKind.WAITS not in kinds(book, told)


def test_what_arrived_and_was_read_is_asked_after_no_more(book, told):
    assert reported(book, told, CallState.DELIVERED)
    assert reported(book, told, CallState.READ)
    assert not reported(book, told, CallState.DELIVERED), "it was read already"
    assert not reported(book, told, CallState.FAILED), "what arrived did not fail"
    assert first(book, told).state is CallState.READ
    assert first(book, told).ask_at is None
    assert CallState.SENT not in {one.state for one in lease(book, LATER + DAY)}


def test_what_was_never_sent_has_no_receipt(book, alert):
    assert not reported(book, alert, CallState.DELIVERED)
    assert first(book, alert).state is CallState.QUEUED


def test_a_call_that_failed_after_all_is_followed_by_another_and_has_spent_its_budget(book, told):
    other = call(told, "wen", "sms", instead_of="robot")
    assert book.report(replace(first(book, told), state=CallState.FAILED, receipt="switched off"), LATER, [other])
    assert not book.report(replace(first(book, told), state=CallState.FAILED), LATER, [call(told, "wen", "mail")])
    assert [one.channel for one in book.calls(told.id) if one.person == "wen"] == ["robot", "sms"]
    step = next(step for step in book.story(told.id) if step.kind is StepKind.FAILED)
    assert step.detail["reason"] == "switched off"
    assert step.detail["next"] == "sms"
    assert book.spent("robot", "line-1", NOON) == [(LATER, True)]


def test_a_failure_that_is_said_again_is_of_a_call_that_is_known(book, told):
    assert not book.failed_with("robot", "ref-1")
    assert reported(book, told, CallState.FAILED, receipt="switched off")
    assert book.calls_with("robot", "ref-1") == []
    assert book.failed_with("robot", "ref-1")
    assert not book.failed_with("sms", "ref-1")


def test_silence_is_said_once_and_does_not_undo_that_it_was_sent(book, told):
    other = call(told, "wen", "sms", instead_of="robot")
    assert book.report(first(book, told), LATER + 2 * MINUTE, [other], silent=True)
    assert not book.report(first(book, told), LATER + 2 * MINUTE, [], silent=True)
    assert first(book, told).state is CallState.SENT
    assert kinds(book, told).count(StepKind.SILENT) == 1
    assert reported(book, told, CallState.DELIVERED), "a late receipt is one"


def test_whoever_has_the_alert_ends_the_asking(book, told):
    book.acknowledge(told.id, "zhou", LATER + 1)
    assert lease(book, LATER + MINUTE) == []
    assert first(book, told).state is CallState.SENT


def test_calls_are_found_by_the_providers_reference_and_by_whom_they_went_to(book, told):
    assert [one.key for one, about in book.calls_with("robot", "ref-1") if about.id == told.id] == [
        first(book, told).key
    ]
    assert book.calls_with("robot", "") == book.calls_with("sms", "ref-1") == []
    assert [one.key for one, _ in book.calls_to("robot", "line-1", NOON)] == [first(book, told).key]
    assert book.calls_to("robot", "line-1", LATER) == []


# -- budgets and bundles ----------------------------------------------------------------------------------------------
def test_several_calls_in_one_message_use_a_line_once(book):
    alerts = [alarm(n, AlertClass.FAULT) for n in (1, 2, 3)]
    book.commit(outcome(3, *(raised(one, call(one, "wen")) for one in alerts)))
    for leased in lease(book):
        sent(book, leased, line="wen", receipt="bundle")
    assert book.spent("robot", "wen", NOON) == [(LATER, False)]
    assert len(book.calls_with("robot", "bundle")) == 3


def test_the_rest_of_a_persons_calls_can_be_taken_with_one_but_none_about_a_fire(book):
    faults = [alarm(n, AlertClass.FAULT) for n in range(1, 6)]
    fire = alarm(9)
    over = call(fire, "wen", purpose=Purpose.CLEARED, urgent=False, key="over")
    book.commit(outcome(9, *(raised(one, call(one, "wen"), call(one, "zhou")) for one in faults), raised(fire, over)))
    [one] = [leased for leased, _ in book.lease_calls(LATER, LATER + MINUTE, 1)]
    rest = [leased for leased, _ in book.lease_like(one, LATER, LATER + MINUTE, 99)]
    assert {leased.person for leased in rest} == {"wen"}
    assert len(rest) == 4
    assert "over" not in {leased.key for leased in rest}
    assert {leased.person for leased in lease(book)} == {"zhou", "wen"}, "what was left is there for others"


def test_what_was_taken_with_one_call_belongs_to_the_same_duty(book):
    faults = [alarm(n, AlertClass.FAULT) for n in range(1, 4)]
    book.commit(outcome(3, *(raised(one, call(one, "wen")) for one in faults)))
    [(one, _)] = book.lease_calls(LATER, LATER + MINUTE, 1, owner="there")
    assert len(book.lease_like(one, LATER, LATER + MINUTE, 99, owner="there")) == 2
    assert book.release_calls(LATER, LATER + 15 * MINUTE, owner="here") == 0
    assert book.release_calls(LATER, LATER + 15 * MINUTE, owner="there") == 3


def test_a_call_that_waits_says_why_once_and_is_due_then(book):
    about = alarm(1, AlertClass.FAULT)
    book.commit(outcome(1, raised(about, call(about, "wen"))))
    for at in (LATER, LATER + MINUTE):
        book.postpone(lease(book, at), at + MINUTE, "quiet", at)
    assert lease(book, LATER + 2 * MINUTE - 1) == []
    [step] = [step for step in book.story(about.id) if step.kind is StepKind.WAITS]
    assert (step.who, step.detail["reason"]) == ("wen", "quiet")
    [leased] = lease(book, LATER + 2 * MINUTE)
    assert leased.state is CallState.QUEUED
    assert leased.attempts == 0


def test_when_one_channel_has_told_it_the_other_need_not(book):
    about = alarm(1, AlertClass.FAULT)
    book.commit(outcome(1, raised(about, call(about, "wen"))))
    [leased] = lease(book)
    other = call(about, "wen", "sms", instead_of="robot")
    book.settle(replace(leased, state=CallState.FAILED_FOR_NOW, attempts=1, due_at=LATER + MINUTE), LATER, [other])
    sent(book, *lease(book))
    assert [(one.channel, one.state) for one in book.calls(about.id)] == [
        ("robot", CallState.MOOT),
        ("sms", CallState.SENT),
    ]


# -- once, and floods -------------------------------------------------------------------------------------------------
def test_a_reference_that_failed_is_forgotten_after_a_week_though_nobody_comes_with_a_name(book):
    first, second = alarm(2), alarm(3)
    book.commit(outcome(1, raised(first), raised(second)))
    for each, at in ((first, NOON), (second, NOON + 8 * DAY)):
        one = book.calls(each.id)[0]
        book.settle(replace(one, state=CallState.SENT, receipt=f"ref-{each.offset}", attempts=1), at)
        assert book.report(replace(one, state=CallState.FAILED, receipt="no line"), at)
    assert not book.failed_with(one.channel, "ref-2")
    assert book.failed_with(one.channel, "ref-3")


def test_a_name_is_new_once_a_week(book):
    assert not book.was_seen("callback:sms:1")
    assert book.first_time("callback:sms:1", NOON)
    assert not book.first_time("callback:sms:1", NOON + 1)
    assert book.was_seen("callback:sms:1")
    book.first_time("another", NOON + 8 * DAY)
    assert not book.was_seen("callback:sms:1")


def test_a_flood_begins_and_ends_once_and_counts_in_between(book):
    alerts = [alarm(n, AlertClass.FAULT) for n in range(1, 13)]
    book.commit(outcome(20, *(raised(one, call(one, "wen"), call(one, "wen", "sms")) for one in alerts)))
    assert book.load("wen", NOON, LATER) == 12, "alerts, not calls"
    assert book.load("wen", NOON + 6, LATER) == 6
    assert book.load("wen", NOON, NOON + 6) == 6, "a clock put back makes no flood that never ends"
    assert book.begin_flood("wen", alerts[-1].id, LATER)
    assert not book.begin_flood("wen", alerts[0].id, LATER)
    book.bundle_in_flood("wen", 7)
    [flood] = book.floods()
    assert (flood.person, flood.begun_at, flood.bundled) == ("wen", LATER, 7)
    assert book.counts().floods == {"wen": 7}
    assert book.end_flood("wen", LATER + MINUTE)
    assert not book.end_flood("wen", LATER + MINUTE)
    assert book.floods() == []
    steps = [step.detail for step in book.story(alerts[-1].id) if step.kind is StepKind.FLOOD]
    assert steps == [{"flood": "begins"}, {"flood": "ends", "bundled": "7"}]
