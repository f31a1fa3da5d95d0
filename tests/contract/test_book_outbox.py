"""The Book port: climbs that are due, and the outbox."""

from __future__ import annotations

from dataclasses import replace

import pytest

from firesense.domain.alert import AlertClass, Finding
from firesense.domain.deed import Actor, Arrive
from firesense.domain.errors import BookRefused, NotFound
from firesense.domain.escalation import CallState, ClimbState, Move, Purpose, Settled, Step, StepKind
from firesense.domain.instant import MINUTE, SECOND
from firesense.domain.outcome import TripAgain
from tests.book_examples import LATER, NOON, TIMED, alarm, call, climb, kinds, lease, outcome, raised, sent, states

# -- climbs -----------------------------------------------------------------------------------------------------------


def test_due_climbs_come_fire_first_then_the_longest_due(book):
    alerts = [alarm(3, AlertClass.HAZARD), alarm(9), alarm(2, AlertClass.FAULT), alarm(5)]
    book.commit(outcome(9, *map(raised, alerts)))
    due = NOON + 2 * MINUTE
    assert book.due_climbs(due + 1, 9) == []
    assert book.due_climbs(due + 5, 9) == [(a, climb(a)) for a in (alerts[3], alerts[2], alerts[0])]
    assert [a.offset for a, _ in book.due_climbs(due + 9, 3)] == [5, 9, 2]


def test_a_climb_moves_with_its_calls_and_steps(book, alert):
    before = climb(alert)
    after = replace(before, rung=2, round=1, due_at=LATER, version=1)
    new = call(alert, "liu", round_=1)
    step = Step(alert.id, LATER, StepKind.CLIMBED, detail={"rung": "2"})
    assert book.advance(before, after, [new, call(alert, "wen")], [step])
    assert book.climb(alert.id) == after
    assert [c.person for c in book.calls(alert.id)] == ["wen", "zhou", "liu"], "a call that is there is there once"
    assert book.story(alert.id)[-1] == step


def test_a_climb_that_somebody_moved_meanwhile_stays(book, alert):
    before = climb(alert)
    assert book.advance(before, replace(before, rung=2, version=1), (), ())
    known = (book.climb(alert.id), book.calls(alert.id), book.last_step())
    step = Step(alert.id, LATER, StepKind.CLIMBED)
    assert not book.advance(before, replace(before, rung=5, version=1), [call(alert, "liu")], [step])
    assert (book.climb(alert.id), book.calls(alert.id), book.last_step()) == known


def test_a_climb_that_was_taken_meanwhile_does_not_move(book, alert):
    before = climb(alert)
    book.acknowledge(alert.id, "wen", LATER)
    assert not book.advance(before, replace(before, rung=2, version=1), [call(alert, "liu")], ())
    assert book.climb(alert.id).state is ClimbState.ACKNOWLEDGED


def test_climbs_that_are_due_later_are_found_but_those_that_a_window_holds(book):
    soon, later, held = alarm(3), alarm(9, AlertClass.HAZARD), replace(alarm(8), quiet="W1")
    book.commit(outcome(9, *map(raised, (soon, later, held))))
    due = NOON + 2 * MINUTE
    assert book.climbs_after(due + 3) == [climb(later)]
    assert {one.alert for one in book.climbs_after(due + 2)} == {soon.id, later.id}


def test_the_next_due_is_the_soonest_of_climbs_and_calls(book):
    assert book.next_due_at() is None
    hazard = alarm(7, AlertClass.HAZARD)
    book.commit(outcome(1, raised(alarm(3)), raised(hazard)))
    assert book.next_due_at() == NOON + 3
    lease(book)
    assert book.next_due_at() == LATER + MINUTE, "a lease ends"
    for each in (alarm(3), hazard):
        book.acknowledge(each.id, "wen", LATER)
    assert book.next_due_at() is None


# -- calls ------------------------------------------------------------------------------------------------------------


def test_the_first_calls_of_a_fire_go_before_those_for_fires_people_were_called_to_before(book):
    hazard, old, new = alarm(1, AlertClass.HAZARD), alarm(2), alarm(3)
    book.commit(outcome(1, raised(old)))
    assert book.advance(climb(old), replace(climb(old), rung=2), [call(old, "liu", round_=1)], ())
    lease(book)
    again = [call(old, "liu", round_=2, due_at=NOON + number) for number in range(5)]
    again = [replace(one, key=f"{one.key}:{number}") for number, one in enumerate(again)]
    assert book.advance(replace(climb(old), version=1), replace(climb(old), rung=3), again, ())
    book.commit(outcome(2, raised(hazard, call(hazard, "wen")), raised(new, call(new, "wen", due_at=LATER - 1))))
    first = book.lease_calls(LATER, LATER + SECOND, 9)
    assert [a.id for _, a in first] == [new.id, *[old.id] * 5, hazard.id]


def test_what_failed_goes_before_the_others_no_more_and_what_stands_for_it_does(book):
    old, new = alarm(2), alarm(3)
    book.commit(outcome(1, raised(old, call(old, "zhou", due_at=LATER))))
    book.commit(outcome(2, raised(new, call(new, "wen"))))
    ((first, _),) = book.lease_calls(NOON + MINUTE, LATER, 1)
    assert first.alert == new.id
    later = replace(call(old, "liu"), key="again", due_at=LATER)
    assert book.advance(climb(old), replace(climb(old), rung=2), [later], ())
    other = replace(first, key="other", channel="sms", instead_of=first.channel, due_at=LATER + 1)
    book.settle(replace(first, state=CallState.FAILED_FOR_NOW, attempts=1, due_at=LATER + 2), LATER, [other])
    assert [one.key for one in lease(book, LATER + 2)] == [call(old, "zhou").key, "other", "again", first.key]


def test_to_ask_after_a_first_call_is_no_news(book):
    old, new = alarm(2), alarm(3)
    book.commit(outcome(1, raised(old, call(old, "zhou"))))
    book.lease_calls(NOON + MINUTE, LATER + MINUTE, 1)
    book.commit(outcome(2, raised(new, call(new, "wen"))))
    ((first, _),) = book.lease_calls(NOON + MINUTE, LATER, 1)
    book.settle(replace(first, state=CallState.SENT, attempts=1, sent_at=NOON, ask_at=LATER), NOON)
    assert book.advance(climb(old), replace(climb(old), rung=2), [call(old, "liu")], ())
    assert [one.person for one in lease(book)] == ["liu", "wen"]


def test_new_fires_leave_a_quarter_to_those_that_burn_already(book):
    old, new = alarm(2), [alarm(number) for number in range(10, 30)]
    book.commit(outcome(1, raised(old, call(old, "zhou"))))
    lease(book)
    later = [replace(call(old, "liu"), key=f"again:{number}") for number in range(5)]
    assert book.advance(climb(old), replace(climb(old), rung=2), later, ())
    book.commit(outcome(2, *(raised(each, call(each, "wen")) for each in new)))
    taken = book.lease_calls(LATER, LATER + SECOND, 8)
    assert [one.person for one, _ in taken] == ["wen"] * 6 + ["liu"] * 2
    rest = book.lease_calls(LATER, LATER + SECOND, 24)
    assert [one.person for one, _ in rest].count("wen") == 14
    assert len(rest) == 17


def test_what_stands_for_a_first_call_that_waits_or_failed_goes_before_the_others(book):
    old, new = alarm(2), alarm(3)
    book.commit(outcome(1, raised(old, call(old, "zhou"))))
    lease(book)
    book.commit(outcome(2, raised(new, call(new, "wen"))))
    again = replace(call(old, "liu"), key="again")
    assert book.advance(climb(old), replace(climb(old), rung=2), [again], ())
    other = replace(call(new, "wen"), key="other", channel="sms", due_at=LATER - 1)
    book.postpone([call(new, "wen")], LATER + MINUTE, "budget", NOON, [other])
    assert [one.key for one in lease(book)][:2] == ["other", "again"]


def test_people_who_are_called_anew_to_a_fire_that_comes_back_go_before_the_others(book):
    old, back = alarm(2), alarm(3)
    book.commit(outcome(1, raised(old, call(old, "zhou")), raised(back, call(back, "zhou"))))
    lease(book)
    again = replace(call(old, "liu"), key="again")
    assert book.advance(climb(old), replace(climb(old), rung=2), [again], ())
    book.close_alert(back.id, "wen", LATER, Finding.FALSE_ALARM, "")
    book.commit(outcome(2, TripAgain(back.id, LATER + 1, 1.0)))
    anew = replace(call(back, "wen", round_=1), due_at=LATER + 1)
    before = book.climb(back.id)
    assert book.advance(before, replace(before, rung=1, version=before.version + 1), [anew], ())
    assert lease(book, LATER + 1)[0].alert == back.id


def test_calls_are_leased_once_urgent_first_then_the_longest_due(book):
    hazard, fire = alarm(1, AlertClass.HAZARD), alarm(2)
    book.commit(outcome(1, raised(hazard), raised(fire, call(fire, "wen", due_at=LATER), call(fire, "zhou"))))
    assert book.lease_calls(NOON, LATER, 9) == []
    first = book.lease_calls(LATER, LATER + SECOND, 3)
    assert [(c.person, a) for c, a in first] == [("zhou", fire), ("wen", fire), ("wen", hazard)]
    assert [c.person for c in lease(book)] == ["zhou"]
    assert lease(book, LATER + SECOND - 1) == []
    assert len(lease(book, LATER + SECOND)) == 3, "their leases have run out"


def test_calls_of_busy_channels_stay_where_they_are(book, alert):
    book.commit(outcome(2, raised(alarm(2), call(alarm(2), "wen", "mail"))))
    assert [c.channel for c, _ in book.lease_calls(LATER, LATER + MINUTE, 9, without={"robot"})] == ["mail"]
    assert book.lease_calls(LATER, LATER + MINUTE, 9, without={"robot"}) == []
    assert lease(book) == list(raised(alert).calls)


def test_a_leased_call_is_what_was_written(book, alert):
    assert book.lease_calls(LATER, LATER + 1, 9) == [(c, alert) for c in raised(alert).calls]


def test_a_call_written_after_the_alert_was_taken_is_moot(book, alert):
    book.acknowledge(alert.id, "wen", LATER)
    taken = book.climb(alert.id)
    notice = call(alert, "op", key="notice", purpose=Purpose.NOTICE)
    book.advance(taken, taken, [call(alert, "liu"), notice], ())
    assert lease(book) == [notice]
    assert states(book, alert)[Purpose.ALERT, "liu"] is CallState.MOOT


def test_a_call_that_failed_for_now_is_tried_again_when_it_is_due(book, alert):
    to_wen, _ = lease(book)
    for attempt in (1, 2):
        failed = replace(
            to_wen, state=CallState.FAILED_FOR_NOW, attempts=attempt, receipt="busy", due_at=LATER + attempt * SECOND
        )
        book.settle(failed, LATER)
        assert lease(book, failed.due_at - 1) == []
        (to_wen,) = lease(book, failed.due_at)
        assert to_wen == failed
    sent(book, replace(to_wen, attempts=3), LATER + 9, attempts=3)
    assert kinds(book, alert)[2:] == [StepKind.FAILED, StepKind.SENT], "each kind of news once"


def test_what_was_put_back_is_no_news(book, alert):
    to_wen, _ = lease(book)
    last = book.last_step()
    book.settle(replace(to_wen, due_at=LATER + SECOND), LATER)
    assert book.last_step() == last
    assert lease(book, LATER + SECOND) == [replace(call(alert, "wen"), due_at=LATER + SECOND)]


def test_what_was_sent_is_never_sent_again(book, alert):
    to_wen, to_zhou = lease(book)
    sent(book, to_wen)
    sent(book, to_zhou, state=CallState.DELIVERED, sent_at=None)
    for leased in (to_wen, to_zhou):
        book.settle(replace(leased, state=CallState.FAILED_FOR_NOW, attempts=2, receipt="timeout"), LATER)
    assert lease(book, LATER + 9 * MINUTE) == []
    assert [(c.state, c.receipt, c.sent_at) for c in book.calls(alert.id)] == [
        (CallState.SENT, "ref-1", LATER),
        (CallState.DELIVERED, "ref-1", LATER),
    ]
    assert book.story(alert.id)[-1].detail == {"channel": "robot", "purpose": "alert", "state": "delivered"}


def test_what_became_moot_on_its_way_is_sent_or_left(book, alert):
    to_wen, to_zhou = lease(book)
    book.acknowledge(alert.id, "liu", LATER)
    sent(book, to_wen)
    book.settle(replace(to_zhou, state=CallState.FAILED_FOR_NOW, attempts=1, due_at=LATER), LATER)
    assert lease(book, LATER + 9 * MINUTE) == []
    assert states(book, alert) == {(Purpose.ALERT, "wen"): CallState.SENT, (Purpose.ALERT, "zhou"): CallState.MOOT}


def test_only_calls_that_were_written_are_settled(book, alert):
    with pytest.raises(NotFound):
        book.settle(call(alert, "nobody"), LATER)


@pytest.mark.usefixtures("alert")
def test_a_lease_ends_when_a_duty_starts_anew_and_what_waits_its_turn_waits_on(book):
    [taken, other] = lease(book)[:2]
    book.settle(replace(other, state=CallState.FAILED_FOR_NOW, due_at=LATER + MINUTE), LATER)
    assert book.release_calls(LATER, LATER + 15 * MINUTE) == 1
    assert [c.key for c, _ in book.lease_calls(LATER, LATER + SECOND, 9)] == [taken.key]


@pytest.mark.usefixtures("alert")
def test_a_duty_that_starts_anew_leaves_alone_what_another_duty_has_under_way(book):
    [(theirs, _)] = book.lease_calls(LATER, LATER + MINUTE, 1, owner="there")
    [(ours, _)] = book.lease_calls(LATER, LATER + MINUTE, 1, owner="here")
    assert book.release_calls(LATER, LATER + 15 * MINUTE, owner="here") == 1
    assert [c.key for c, _ in book.lease_calls(LATER, LATER + SECOND, 9, owner="here")] == [ours.key]
    assert theirs.key in {c.key for c in lease(book, LATER + MINUTE)}, "its lease has run out"


def test_a_call_that_waits_for_a_time_nobody_meant_is_due_now(book, alert):
    for taken in lease(book):
        book.settle(replace(taken, state=CallState.FAILED_FOR_NOW, due_at=LATER + 60 * MINUTE), LATER)
    assert book.lease_calls(LATER, LATER + SECOND, 9) == []
    assert book.release_calls(LATER, LATER + 15 * MINUTE) == len(book.calls(alert.id))
    assert len(book.lease_calls(LATER, LATER + SECOND, 9)) == len(book.calls(alert.id))


@pytest.mark.usefixtures("alert")
def test_a_call_that_was_made_is_never_released(book):
    for taken in lease(book):
        sent(book, taken)
    assert book.release_calls(LATER, LATER) == 0


# -- many at once -----------------------------------------------------------------------------------------------------


def test_outcomes_of_many_calls_are_written_at_once_each_by_itself(book, alert):
    to_wen, to_zhou = lease(book)
    never = call(alert, "nobody", key="never written")
    outcomes = [
        Settled(replace(to_wen, state=CallState.SENT, sent_at=LATER), LATER),
        Settled(never, LATER),
        Settled(replace(to_zhou, state=CallState.FAILED_FOR_NOW, receipt="busy", due_at=LATER + MINUTE), LATER),
    ]
    assert book.settle_all(outcomes) == [never]
    assert {(p, s) for (_, p), s in states(book, alert).items()} == {
        ("wen", CallState.SENT),
        ("zhou", CallState.FAILED_FOR_NOW),
    }
    assert book.settle_all(outcomes[:1]) == [], "twice is once"
    assert kinds(book, alert)[2:] == [StepKind.SENT, StepKind.FAILED]


def test_an_outcome_whose_words_no_database_keeps_is_refused_and_the_others_may_be_given_again(book, alert):
    to_wen, to_zhou = lease(book)
    strange = Settled(replace(to_wen, state=CallState.SENT, receipt="\udcb3", sent_at=LATER), LATER)
    fine = Settled(replace(to_zhou, state=CallState.SENT, sent_at=LATER), LATER)
    with pytest.raises(BookRefused):
        book.settle_all([strange, fine])
    assert book.settle_all([fine]) == []
    assert {(p, s) for (_, p), s in states(book, alert).items()} == {
        ("wen", CallState.QUEUED),
        ("zhou", CallState.SENT),
    }


def test_a_call_whose_lease_somebody_took_is_made_again_and_those_that_are_needless_make_room(book):
    for number in range(1, 5):
        book.commit(outcome(number, raised(alarm(number))))
    for number in (1, 2, 3):
        book.acknowledge(alarm(number).id, "wen", LATER)
    assert {each.alert for each in lease(book, most=2)} == {alarm(4).id}


def refused(book, *calls, at=LATER):
    book.settle_all([Settled(replace(each, state=CallState.FAILED, receipt="no such number"), at) for each in calls])


def test_a_rung_whose_calls_are_all_refused_is_over_at_once(book, alert):
    to_wen, to_zhou = lease(book)
    refused(book, to_wen)
    assert book.climb(alert.id).due_at > LATER, "zhou may still answer"
    refused(book, to_zhou)
    assert book.climb(alert.id).due_at == LATER
    assert book.story(alert.id)[-1].detail == {"reason": "refused"}
    ((_, climb),) = book.due_climbs(LATER, 9)
    assert book.advance(climb, replace(climb, rung=0, round=1, due_at=LATER + MINUTE), [], []), "it moves as ever"


@pytest.mark.parametrize(("rung", "round_"), [(0, 1), (1, 1)])
def test_at_the_end_of_a_ladder_and_in_later_rounds_refusals_hurry_nobody(book, rung, round_):
    deed = raised(alarm())
    book.commit(outcome(1, replace(deed, climb=replace(deed.climb, rung=rung, round=round_))))
    refused(book, *lease(book))
    assert book.climb(alarm().id).due_at > LATER, "or a ladder that reaches nobody would spin"


def test_who_was_told_keeps_a_climb_from_hurrying(book, alert):
    to_wen, to_zhou = lease(book)
    sent(book, to_wen)
    refused(book, to_zhou)
    assert book.climb(alert.id).due_at > LATER


def test_a_call_said_to_have_failed_after_wen_took_the_alert_leaves_wen_the_time_to_arrive(book):
    book.commit(outcome(1, replace(raised(alarm()), climb=replace(climb(alarm()), ladder=TIMED))))
    for leased in lease(book):
        sent(book, leased)
    book.acknowledge(alarm().id, "wen", LATER)
    arrives = book.climb(alarm().id)
    for told in book.calls(alarm().id):
        assert book.report(replace(told, state=CallState.FAILED, receipt="undelivered"), LATER + SECOND)
    assert book.climb(alarm().id) == arrives
    late = call(alarm(), "liu", purpose=Purpose.UNDONE, key="undone", created_at=LATER + MINUTE)
    assert book.advance(arrives, replace(arrives, tries=1), [late], [])
    sent(book, next(one for one in lease(book, LATER + MINUTE) if one.key == "undone"))
    book.act(alarm().id, Arrive(), Actor("wen"), LATER + 2 * MINUTE)
    on_site = book.climb(alarm().id)
    assert book.report(replace(late, state=CallState.FAILED), LATER + 3 * MINUTE)
    assert book.climb(alarm().id) == on_site, "liu was called because nobody was there: now somebody is"


def test_climbs_that_moved_meanwhile_stay_where_they_are_and_the_others_move(book):
    for number in (1, 2):
        book.commit(outcome(number, raised(alarm(number))))
    (one, first), (_, second) = book.due_climbs(LATER + 9 * MINUTE, 9)
    book.acknowledge(one.id, "wen", LATER)
    moves = [
        Move(climb, replace(climb, rung=0, round=1), [call(about, round_=1)], [Step(about.id, LATER, StepKind.CLIMBED)])
        for about, climb in ((alarm(1), first), (alarm(2), second))
    ]
    assert book.advance_all(moves) == 1
    assert book.climb(alarm(1).id).state is ClimbState.ACKNOWLEDGED
    assert book.climb(alarm(2).id).round == 1
    assert (len(book.calls(alarm(1).id)), len(book.calls(alarm(2).id))) == (2, 3)
    assert book.advance_all([]) == 0


def test_earlier_calls_are_those_of_this_round_and_the_one_before(book, alert):
    made = book.calls(alert.id)
    climb = book.climb(alert.id)
    assert book.earlier_calls([climb]) == {(alert.id, ""): made}
    later = replace(climb, round=2, rung=0)
    assert book.advance(climb, later, [call(alert, "wen", round_=1), call(alert, "wen", "mail", strand="w1")], [])
    assert [c.round for c in book.earlier_calls([later])[alert.id, ""]] == [1], "and of its own strand"
