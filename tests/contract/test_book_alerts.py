"""The Book port: alerts, climbs and calls, from the first trip to the closing."""

from __future__ import annotations

from dataclasses import replace
from threading import Barrier, Thread

import pytest
import sqlalchemy as sa

from firesense.book import tables
from firesense.domain.alert import QUIET, AlertClass, Case, Condition, Finding
from firesense.domain.because import Because, Witness
from firesense.domain.deed import Actor, Verify
from firesense.domain.errors import Conflict, NotFound
from firesense.domain.escalation import CallState, ClimbState, Purpose, Step, StepKind
from firesense.domain.instant import MINUTE
from firesense.domain.outcome import Clear, Raise, TripAgain
from tests.book_examples import LATER, NOON, TIMED, alarm, call, climb, kinds, lease, outcome, raised, sent, states

# -- raising ----------------------------------------------------------------------------------------------------------


def test_what_is_raised_is_read_back_as_it_was(book):
    full = alarm(
        1,
        AlertClass.HAZARD,
        channel=3,
        late=True,
        value=None,
        event_at=NOON - 1,
    )
    deed = raised(full)
    book.commit(outcome(1, deed))
    assert book.alert(full.id) == full
    assert book.climb(full.id) == deed.climb
    assert book.calls(full.id) == list(deed.calls)
    assert book.story(full.id) == list(deed.steps)


def test_what_was_raised_is_not_raised_again(book, alert):
    book.acknowledge(alert.id, "wen", LATER)
    known = (book.alert(alert.id), book.climb(alert.id), book.calls(alert.id), book.story(alert.id))
    late = raised(replace(alert, value=9.0), call(alert, "somebody-else"))
    book.commit(outcome(2, late))
    assert (book.alert(alert.id), book.climb(alert.id), book.calls(alert.id), book.story(alert.id)) == known


def test_what_runs_ahead_raises_nothing_of_what_was_done_meanwhile_even_if_that_is_over(book, alert):
    book.commit(outcome(9, Clear(alert.id, LATER, Condition.RESOLVED)))
    of_frames = [raised(alarm(offset, device=f"smoke-{offset}")) for offset in (8, 9)]
    ahead = outcome(12, *of_frames, street="scout", ahead_of="alerting")
    assert book.commit(ahead) == {}
    assert [a.offset for a in book.alerts()] == [9]


def test_what_runs_ahead_of_a_street_that_never_ran_raises_all(book):
    book.commit(outcome(12, raised(alarm(0)), street="scout", ahead_of="alerting"))
    assert [a.offset for a in book.alerts()] == [0]


@pytest.mark.parametrize(
    ("after", "open_alerts"), [(-MINUTE, 1), (0, 1), (QUIET - 1, 1), (QUIET, 2)], ids=["before", "at", "soon", "late"]
)
def test_a_fire_that_is_over_and_open_is_gone_on_with_by_another_street_until_it_was_quiet(
    book, alert, after, open_alerts
):
    book.commit(outcome(2, Clear(alert.id, LATER, Condition.LATCHED)))
    again = alarm(20, device=alert.device, rule=alert.rule, event_at=LATER + after)
    standing = book.commit(outcome(30, raised(again), street="scout"))
    assert len(book.alerts()) == open_alerts
    assert standing == ({again.id: alert.id} if open_alerts == 1 else {})
    assert book.alert(alert.id).condition is (Condition.FIRING if open_alerts == 1 else Condition.LATCHED)


def test_what_runs_ahead_says_once_that_an_alarm_goes_off_again(book, alert):
    book.commit(outcome(4, Clear(alert.id, LATER, Condition.LATCHED)))

    def trips(offset):
        book.commit(outcome(12, TripAgain(alert.id, LATER + 1, 1.0, offset), street="scout", ahead_of="alerting"))
        return book.alert(alert.id).condition, book.alert(alert.id).trips

    assert trips(3) == (Condition.LATCHED, 1), "alerting has done that frame"
    assert trips(4) == (Condition.FIRING, 2)
    assert trips(5) == (Condition.FIRING, 2), "it fires already"


def test_a_fire_in_another_frame_of_the_same_instant_is_raised_under_a_name_of_its_own(book, alert):
    """The clock of its device stands still."""
    book.commit(outcome(2, Clear(alert.id, alert.event_at, Condition.LATCHED)))
    book.close_alert(alert.id, "wen", LATER, Finding.FALSE_ALARM, "")
    again = raised(replace(alert, offset=2, raised_at=LATER))
    [(asked_for, name)] = book.commit(outcome(3, again)).items()
    assert asked_for == alert.id
    anew = book.alert(name)
    assert (anew.case, anew.condition, anew.offset) == (Case.OPEN, Condition.FIRING, 2)
    assert book.climb(name).due_at == again.climb.due_at
    assert {c.person for c in book.calls(name)} == {"wen", "zhou"}
    assert kinds(book, anew) == [StepKind.RAISED, StepKind.CALLED]
    assert book.alert(alert.id).finding is Finding.FALSE_ALARM

    book.commit(outcome(3, again))  # the answer to it was lost
    assert [a.id for a in book.alerts()] == [name]


def test_a_frame_that_comes_twice_raises_nothing_twice(book, alert):
    book.close_alert(alert.id, "wen", LATER, Finding.FALSE_ALARM, "")
    book.commit(outcome(3, raised(replace(alert, offset=2))))
    assert book.alerts() == []


def test_a_stranger_that_says_fire_after_a_quiet_while_is_another_fire(book):
    first = alarm(1, device="?S99", rule="stranger-fire")
    soon, late = (
        replace(first, id=name, offset=at, event_at=first.event_at + at)
        for name, at in (("SOON", QUIET - 1), ("LATE", QUIET))
    )
    book.commit(outcome(1, raised(first)))
    assert book.commit(outcome(2, raised(soon))) == {soon.id: first.id}
    assert book.commit(outcome(3, raised(late))) == {late.id: first.id}, "nobody has it, and people are being called"
    book.acknowledge(first.id, "wen", LATER)
    assert book.commit(outcome(4, raised(late))) == {}
    assert {a.id for a in book.alerts()} == {first.id, late.id}


def test_an_alert_may_have_no_climb_and_no_value(book):
    quiet = alarm(1, AlertClass.TEST, value=float("nan"))
    book.commit(outcome(1, replace(raised(quiet), climb=None, calls=(), steps=())))
    assert book.alert(quiet.id).value is None
    assert book.climb(quiet.id) is None
    assert book.calls(quiet.id) == []
    assert book.next_due_at() is None


def test_nobody_knows_an_alert_that_was_not_raised(book):
    for ask in (
        lambda: book.alert("NONE"),
        lambda: book.acknowledge("NONE", "wen", NOON),
        lambda: book.close_alert("NONE", "wen", NOON, Finding.FIRE, ""),
    ):
        with pytest.raises(NotFound):
            ask()
    assert book.climb("NONE") is None
    assert book.story("NONE") == []


def test_a_deed_on_an_alert_nobody_raised_does_not_hold_up_the_others(book):
    book.commit(outcome(4, TripAgain("NONE", NOON, None), Clear("NONE", NOON, Condition.RESOLVED), raised(alarm())))
    assert [a.id for a in book.alerts()] == [alarm().id]
    assert book.position("alerting") == 4


def test_alerts_are_listed_fire_first_then_the_newest(book):
    hazards = [alarm(n, AlertClass.HAZARD) for n in (1, 5, 9)]
    fires = [alarm(n) for n in (2, 3)]
    book.commit(outcome(9, *map(raised, hazards + fires)))
    book.close_alert(hazards[1].id, "wen", LATER, Finding.FAULT, "")
    assert [a.offset for a in book.alerts()] == [3, 2, 9, 1]
    assert [a.offset for a in book.alerts(open_only=False)] == [3, 2, 9, 5, 1]
    assert [a.offset for a in book.alerts(most=3)] == [3, 2, 9]


def test_a_listing_says_of_each_alert_what_is_asked_of_it_one_by_one(book):
    fire, hazard, bare = alarm(1), alarm(2, AlertClass.HAZARD), alarm(3)
    book.commit(outcome(9, raised(fire), raised(hazard), Raise(bare, None, (), ())))
    book.blow(replace(climb(fire), strand="w1"), [call(fire, "zhou", strand="w1", key="w")], [], Actor("wen"), LATER)
    later = [call(fire, "wen", "mail", round_=1, rung=1), call(fire, "wen", round_=1, purpose=Purpose.NOTICE, rung=3)]
    book.advance(book.climb(fire.id), replace(book.climb(fire.id), round=1), later, [])
    listing = book.listing(calls=2)
    assert listing.alerts == book.alerts()
    assert listing.step == book.last_step()
    assert listing.climbs == {each.id: book.climb(each.id) for each in (fire, hazard)}
    assert listing.counts == {AlertClass.FIRE: 2, AlertClass.HAZARD: 1, AlertClass.FAULT: 0, AlertClass.TEST: 0}
    assert listing.whistles == {fire.id: 1}
    assert set(listing.calls) == {fire.id, hazard.id}
    for alert in (fire, hazard):
        calls, listed = book.calls(alert.id), listing.calls[alert.id]
        assert listed.count == len(calls)
        assert [(line.person, line.channel, line.state, line.due_at) for line in listed.newest] == [
            (each.person, each.channel, each.state, each.due_at) for each in calls[-2:]
        ]
    assert listing.calls[fire.id].rungs == {(0, 0), (1, 1)}
    assert [alert.id for alert in book.listing(most=1, after=fire.id).alerts] == [hazard.id]
    with pytest.raises(NotFound):
        book.listing(after="nobody")


def test_a_listing_says_since_which_round_each_rung_was_called_however_many_rounds_ago(book, alert):
    climbing = book.climb(alert.id)
    for number in range(1, 5):
        moved = replace(climbing, round=number, version=climbing.version + 1)
        book.advance(climbing, moved, [call(alert, round_=number, rung=min(number, 3))], [])
        climbing = book.climb(alert.id)
    assert book.listing().calls[alert.id].rungs == {(0, 0), (1, 1), (2, 2), (3, 3)}


def test_a_listing_says_which_rungs_were_passed_over_because_their_people_were_told_already(book, alert):
    begun = book.climb(alert.id)
    at = {"rung": "1", "round": "0"}
    passed = [
        Step(alert.id, LATER, StepKind.EMPTY, detail=at | {"role": "grid-leader", "reason": "called-already"}),
        Step(alert.id, LATER, StepKind.EMPTY, detail=at | {"rung": "2", "role": "village-head", "reason": "nobody"}),
        Step(alert.id, LATER, StepKind.EMPTY, detail=at | {"rung": "2", "reason": "called-already", "strand": "w1"}),
    ]
    moved = replace(begun, rung=2, version=begun.version + 1)
    assert book.advance(begun, moved, [], passed)
    assert book.listing().calls[alert.id].told == {(0, 1)}


def test_no_number_of_strangers_pushes_a_known_device_off_the_list(book):
    strangers = [replace(alarm(n), id=f"S{n}", device=f"?eui-{n}") for n in range(20, 30)]
    known = [alarm(1), alarm(2, AlertClass.HAZARD), alarm(3, AlertClass.FAULT), alarm(4, AlertClass.TEST)]
    hazard = replace(alarm(40, AlertClass.HAZARD), id="SH", device="?eui-40")
    book.commit(outcome(9, *map(raised, [*strangers, *known, hazard])))
    listed = [a.offset for a in book.alerts()]
    assert listed == [1, *range(29, 19, -1), 2, 40, 3, 4]
    assert [a.offset for a in book.alerts(most=1)] == [1]


@pytest.mark.parametrize("size", [1, 2, 3, 50])
def test_alerts_come_in_pages_none_twice_and_none_left_out(book, size):
    at_once = [alarm(n, kind, raised_at=NOON) for n, kind in enumerate([AlertClass.FIRE, AlertClass.FAULT] * 4)]
    book.commit(outcome(9, *map(raised, [*at_once, alarm(20), alarm(21, AlertClass.HAZARD)])))
    book.close_alert(at_once[0].id, "wen", LATER, Finding.TEST, "")
    for open_only in (True, False):
        whole, paged, after = book.alerts(open_only=open_only), [], ""
        while page := book.alerts(open_only=open_only, most=size, after=after):
            assert len(page) <= size
            paged += page
            after = page[-1].id
        assert paged == whole
        assert len(whole) == 10 - open_only
    assert book.alerts(after=at_once[0].id) != [], "a page may follow an alert that was closed meanwhile"
    with pytest.raises(NotFound):
        book.alerts(after="NONE")


def test_what_was_closed_while_it_fired_is_found_until_it_is_over(book):
    calm, *fires = (alarm(n, raised_at=NOON + n) for n in range(1, 5))
    other = alarm(5, rule="other", raised_at=NOON + 9)
    book.commit(outcome(9, *map(raised, [calm, *fires, other])))
    book.commit(outcome(10, Clear(calm.id, LATER, Condition.LATCHED)))
    for each in (calm, *fires[:2], other):
        book.close_alert(each.id, "wen", LATER, Finding.TEST, "")
    left = [alert.id for alert in book.left_firing([calm.rule])]
    assert left == [fires[1].id, fires[0].id], "neither what was over, nor what is open, nor what another rule raised"
    assert [alert.id for alert in book.left_firing([calm.rule, "other"], most=1)] == [other.id]
    assert book.left_firing([]) == []
    book.commit(outcome(11, Clear(fires[1].id, LATER, Condition.RESOLVED)))
    assert [alert.id for alert in book.left_firing([calm.rule])] == [fires[0].id]


# -- tripping again and clearing --------------------------------------------------------------------------------------


def test_tripping_again_counts_and_fires(book, alert):
    book.commit(outcome(2, Clear(alert.id, LATER, Condition.LATCHED)))
    book.commit(outcome(3, TripAgain(alert.id, LATER + 1, 0.5)))
    again = book.alert(alert.id)
    assert again == replace(alert, trips=2, value=0.5)
    assert kinds(book, alert)[-2:] == [StepKind.CLEARED, StepKind.TRIPPED_AGAIN]


def test_a_latched_alarm_keeps_climbing_until_a_person_closes_it(book, alert):
    book.commit(outcome(2, Clear(alert.id, LATER, Condition.LATCHED)))
    latched = book.alert(alert.id)
    assert (latched.condition, latched.case, latched.cleared_at) == (Condition.LATCHED, Case.OPEN, LATER)
    assert book.climb(alert.id) == climb(alert)
    assert len(lease(book)) == 2
    closed = book.close_alert(alert.id, "zhou", LATER, Finding.FALSE_ALARM, "steam")
    assert (closed.condition, closed.case) == (Condition.RESOLVED, Case.CLOSED)
    assert book.climb(alert.id).state is ClimbState.STOPPED


def test_what_clears_before_anybody_took_it_closes_itself(book, alert):
    book.commit(outcome(2, Clear(alert.id, NOON + 5, Condition.RESOLVED), at=LATER))
    assert book.alert(alert.id) == replace(
        alert,
        condition=Condition.RESOLVED,
        case=Case.CLOSED,
        cleared_at=NOON + 5,
        closed_at=LATER,
        finding=Finding.CLEARED_ITSELF,
    )
    assert book.climb(alert.id) == climb(alert).ended(ClimbState.STOPPED)
    assert set(states(book, alert).values()) == {CallState.MOOT}
    assert kinds(book, alert)[-2:] == [StepKind.CLEARED, StepKind.CLOSED]
    assert book.next_due_at() is None
    assert book.alerts() == []


def test_what_somebody_took_is_theirs_to_close(book, alert):
    book.acknowledge(alert.id, "wen", LATER)
    book.commit(outcome(2, Clear(alert.id, LATER, Condition.RESOLVED)))
    assert book.alert(alert.id).case is Case.ACKNOWLEDGED
    assert book.alert(alert.id).condition is Condition.RESOLVED
    assert book.climb(alert.id).state is ClimbState.ACKNOWLEDGED
    assert StepKind.CLOSED not in kinds(book, alert)


@pytest.mark.parametrize("condition", [Condition.RESOLVED, Condition.LATCHED])
def test_whoever_was_told_is_told_that_it_is_over_once_each_trip(book, alert, condition):
    to_wen, _to_zhou = lease(book)
    sent(book, to_wen)
    over = Clear(alert.id, LATER, condition)
    book.commit(outcome(2, over, at=LATER))
    book.commit(outcome(3, over, at=LATER))
    (notice,) = [c for c in book.calls(alert.id) if c.purpose is Purpose.CLEARED]
    assert (notice.person, notice.channel, notice.address) == ("wen", "robot", "robot-of-wen")
    assert (notice.state, notice.attempts, notice.due_at, notice.receipt) == (CallState.QUEUED, 0, LATER, "")
    assert not notice.urgent
    if condition is Condition.LATCHED:
        book.commit(outcome(4, TripAgain(alert.id, LATER + 1, 1.0), Clear(alert.id, LATER + 2, condition)))
        assert [c.purpose for c in book.calls(alert.id)].count(Purpose.CLEARED) == 2


@pytest.mark.parametrize("condition", [Condition.RESOLVED, Condition.LATCHED])
def test_who_was_being_told_while_it_cleared_is_told_that_too(book, alert, condition):
    to_wen, to_zhou = lease(book)
    book.commit(outcome(2, Clear(alert.id, LATER, condition)))
    sent(book, to_wen)
    book.settle(replace(to_zhou, state=CallState.FAILED, attempts=1, receipt="no such robot"), LATER)
    assert [c.person for c in book.calls(alert.id) if c.purpose is Purpose.CLEARED] == ["wen"]
    sent(book, to_wen, state=CallState.DELIVERED)
    assert [c.person for c in book.calls(alert.id) if c.purpose is Purpose.CLEARED] == ["wen"]


def test_who_is_called_to_a_latched_alarm_is_not_told_at_once_that_it_is_over(book, alert):
    book.commit(outcome(2, Clear(alert.id, LATER, Condition.LATCHED)))
    for leased in lease(book):
        sent(book, leased)
    assert {c.purpose for c in book.calls(alert.id)} == {Purpose.ALERT}


def test_a_notice_goes_out_whatever_became_of_the_alert(book, alert):
    for leased in lease(book):
        sent(book, leased)
    book.commit(outcome(2, Clear(alert.id, LATER, Condition.LATCHED), at=LATER))
    book.acknowledge(alert.id, "wen", LATER)
    book.close_alert(alert.id, "wen", LATER, Finding.FALSE_ALARM, "")
    assert [c.purpose for c in lease(book)] == [Purpose.CLEARED, Purpose.CLEARED]


def test_a_closed_alert_that_clears_is_only_written_down(book, alert):
    for leased in lease(book):
        sent(book, leased)
    closed = book.close_alert(alert.id, "wen", LATER, Finding.FIRE, "kitchen")
    assert closed.condition is Condition.FIRING
    book.commit(outcome(2, Clear(alert.id, LATER + 1, Condition.LATCHED)))
    assert book.alert(alert.id) == replace(closed, condition=Condition.RESOLVED, cleared_at=LATER + 1)
    assert lease(book) == []


def test_what_trips_after_a_person_closed_it_is_open_again_and_climbs_from_the_first_rung(book, alert):
    book.acknowledge(alert.id, "wen", LATER)
    book.close_alert(alert.id, "wen", LATER, Finding.FALSE_ALARM, "steam")
    book.commit(outcome(2, TripAgain(alert.id, LATER - 1, 0.9)))
    assert book.alert(alert.id).case is Case.CLOSED, "it tripped before it was closed: the person knew"
    book.commit(outcome(3, TripAgain(alert.id, LATER + 1, 0.9), at=LATER + 2))
    assert book.alert(alert.id) == replace(alert, trips=3, value=0.9)
    again = book.climb(alert.id)
    assert (again.state, again.rung, again.round, again.due_at) == (ClimbState.CLIMBING, 0, 1, LATER + 2)
    assert [c.alert for _, c in book.due_climbs(LATER + 2, 9)] == [alert.id]


def test_a_fire_that_trips_after_it_was_verified_is_open_again_and_the_same_flag_told_twice_is_not(book, alert):
    book.act(alert.id, Verify(Finding.FALSE_ALARM), Actor("wen"), LATER)
    book.commit(outcome(2, TripAgain(alert.id, LATER - 1, 0.9)))
    assert book.alert(alert.id).case is Case.VERIFIED, "it fired all the time, and wen saw it"
    book.commit(outcome(3, Clear(alert.id, LATER + 1, Condition.LATCHED)))
    book.commit(outcome(4, TripAgain(alert.id, LATER + 2, 0.9), at=LATER + 3))
    assert book.alert(alert.id) == replace(alert, trips=3, value=0.9)
    again = book.climb(alert.id)
    assert (again.state, again.rung, again.due_at) == (ClimbState.CLIMBING, 0, LATER + 3)
    assert again.round > 0
    assert again.first_round == again.round


def test_a_fire_that_clears_by_itself_and_trips_again_stays_with_whoever_has_it(book, alert):
    book.acknowledge(alert.id, "wen", LATER)
    book.commit(outcome(2, Clear(alert.id, LATER + 1, Condition.RESOLVED)))
    book.commit(outcome(3, TripAgain(alert.id, LATER + 2, 0.9)))
    assert (book.alert(alert.id).case, book.climb(alert.id).state) == (Case.ACKNOWLEDGED, ClimbState.ACKNOWLEDGED)


# -- the desk ---------------------------------------------------------------------------------------------------------


def test_an_alert_that_was_taken_is_due_again_when_its_ladder_says_so(book):
    book.commit(outcome(1, replace(raised(alarm()), climb=replace(climb(alarm()), ladder=TIMED))))
    book.acknowledge(alarm().id, "wen", LATER)
    waiting = book.climb(alarm().id)
    assert (waiting.state, waiting.due_at) == (ClimbState.ACKNOWLEDGED, LATER + 10 * MINUTE)
    assert book.next_due_at() == LATER + 10 * MINUTE
    ((about, due),) = book.due_climbs(LATER + 10 * MINUTE, 9)
    assert (about.case, about.acknowledged_by, due) == (Case.ACKNOWLEDGED, "wen", waiting)
    overdue = call(alarm(), "zhou", purpose=Purpose.UNDONE, key="overdue", detail={"why": "nobody-on-site"})
    assert book.advance(due, replace(due, rung=0, round=1, due_at=LATER + 20 * MINUTE), [overdue], [])
    assert lease(book, LATER + 10 * MINUTE) == [overdue], "a call that is overdue is made although somebody has it"
    book.close_alert(alarm().id, "wen", LATER + 11 * MINUTE, Finding.FIRE, "")
    assert (book.climb(alarm().id).state, book.next_due_at()) == (ClimbState.STOPPED, None)


def test_taking_an_alert_ends_the_climb_and_what_was_not_sent(book, alert):
    to_wen, _to_zhou = lease(book)
    sent(book, to_wen)
    taken = book.acknowledge(alert.id, "wen", LATER)
    assert taken == replace(alert, case=Case.ACKNOWLEDGED, acknowledged_at=LATER, acknowledged_by="wen")
    assert book.alert(alert.id) == taken
    assert book.climb(alert.id) == climb(alert).ended(ClimbState.ACKNOWLEDGED)
    assert states(book, alert) == {
        (Purpose.ALERT, "wen"): CallState.SENT,
        (Purpose.ALERT, "zhou"): CallState.MOOT,
    }
    assert book.story(alert.id)[-1] == Step(alert.id, LATER, StepKind.ACKNOWLEDGED, "wen")
    assert book.next_due_at() is None


def test_who_has_it_may_say_so_twice_and_nobody_else(book, alert):
    taken = book.acknowledge(alert.id, "wen", LATER)
    last = book.last_step()
    assert book.acknowledge(alert.id, "wen", LATER + 1) == taken
    assert book.last_step() == last
    with pytest.raises(Conflict, match="wen"):
        book.acknowledge(alert.id, "zhou", LATER)


def test_of_many_who_take_it_at_once_one_has_it(book, alert):
    people = [f"person-{n}" for n in range(8)]
    start = Barrier(len(people))
    refused = []

    def take(who: str) -> None:
        start.wait()
        try:
            book.acknowledge(alert.id, who, LATER)
        except Conflict:
            refused.append(who)

    threads = [Thread(target=take, args=(who,)) for who in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {*refused, book.alert(alert.id).acknowledged_by} == set(people)
    assert len(refused) == len(people) - 1
    assert kinds(book, alert).count(StepKind.ACKNOWLEDGED) == 1


def test_an_exhausted_climb_can_still_be_taken(book, alert):
    top = replace(climb(alert), state=ClimbState.EXHAUSTED, rung=2)
    assert book.advance(climb(alert), top, (), ())
    assert book.climb(alert.id).due_at is None
    book.acknowledge(alert.id, "zhou", LATER)
    assert book.climb(alert.id).state is ClimbState.ACKNOWLEDGED


def test_closing_is_final(book, alert):
    closed = book.close_alert(alert.id, "zhou", LATER, Finding.FIRE, "put out")
    assert closed == replace(
        alert, case=Case.CLOSED, closed_at=LATER, closed_by="zhou", finding=Finding.FIRE, note="put out"
    )
    assert book.climb(alert.id).state is ClimbState.STOPPED
    assert set(states(book, alert).values()) == {CallState.MOOT}
    assert book.story(alert.id)[-1].detail == {"finding": "fire", "note": "put out"}
    for again in (
        lambda: book.close_alert(alert.id, "zhou", LATER, Finding.FIRE, ""),
        lambda: book.acknowledge(alert.id, "zhou", LATER),
    ):
        with pytest.raises(Conflict, match="closed"):
            again()


def test_the_last_step_grows_with_everything_a_console_shows(book, alert):
    seen = [0, book.last_step()]
    leased = lease(book)
    for change in (
        lambda: sent(book, leased[0]),
        lambda: book.settle(replace(leased[1], state=CallState.FAILED, receipt="refused"), LATER),
        lambda: book.commit(outcome(2, Clear(alert.id, LATER, Condition.LATCHED))),
        lambda: book.commit(outcome(3, TripAgain(alert.id, LATER, 1.0))),
        lambda: book.acknowledge(alert.id, "wen", LATER),
        lambda: book.close_alert(alert.id, "wen", LATER, Finding.FIRE, ""),
    ):
        change()
        seen.append(book.last_step())
    assert seen == sorted(set(seen))


# -- why --------------------------------------------------------------------------------------------------------------
def test_why_an_alert_was_raised_is_kept_once_and_as_it_was(book):
    heard = Witness(NOON, NOON + 1, 7, 4, {"pressure": 0.1, "releasing": 1.0})
    grounds = Because(alarm().id, {"when": "x"}, {"kind": "main (main)"}, {"ladder": "l"}, (heard,))
    book.commit(outcome(1, replace(raised(alarm()), because=grounds)))
    book.commit(outcome(2, replace(raised(alarm()), because=replace(grounds, rule={"when": "y"}))))
    assert book.because(alarm().id) == grounds


def test_nothing_is_known_of_an_alert_whose_grounds_were_not_kept(book, alert):
    assert book.because(alert.id) is None
    assert book.because("NONE") is None


def test_what_is_read_together_is_of_one_moment(book):
    how_many = sa.select(sa.func.count()).select_from(tables.alert)
    with book._database.reading() as connection:
        assert connection.scalar(how_many) == 0
        book.commit(outcome(1, raised(alarm())))
        assert connection.scalar(how_many) == 0
    assert len(book.alerts()) == 1


def test_a_climb_on_a_rung_there_is_not_is_adrift_long_before_it_is_due(book):
    fires = [alarm(1), alarm(2)]
    book.commit(outcome(9, *map(raised, fires)))
    begun = book.climb(fires[0].id)
    for rung in (-1, len(begun.ladder.rungs), 17):
        damaged = replace(book.climb(fires[0].id), rung=rung, due_at=LATER, version=begun.version + 1)
        assert book.adrift(NOON, 9) == []
        assert book.repair(fires[0], book.climb(fires[0].id), damaged, (), ())
        assert book.adrift(NOON, 9) == [(fires[0], damaged)]
        assert book.repair(fires[0], damaged, begun, (), ())
