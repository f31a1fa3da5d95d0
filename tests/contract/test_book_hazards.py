"""Hazards in the book: what is reported once, dealt with alone, listed and due."""

from __future__ import annotations

from dataclasses import replace

import pytest

from firesense.domain.alert import Alert, AlertClass, Case, Condition, Finding, Grade, alert_id
from firesense.domain.deed import Actor
from firesense.domain.errors import Conflict, NotFound
from firesense.domain.escalation import CallState, Climb, ClimbState, Ladder, Step, StepKind
from firesense.domain.hazard import Dealt, Hazard, HazardColumns, HazardState, Source
from firesense.domain.instant import DAY
from firesense.domain.outcome import Clear
from tests.book_examples import LATER, NOON, alarm, outcome, raised

WEN = Actor("wen", "console 192.0.2.7")


def report(number=1, **changes):
    """The alert of a reported hazard with its climb, and the hazard."""
    at = NOON + number
    alert = Alert(
        alert_id("reported", str(number), 0), "reported", "", AlertClass.HAZARD, Grade.GENERAL, "", "", "g1", at, at, -1
    )
    hazard = Hazard(
        alert.id, Source.ANONYMOUS, Grade.GENERAL, "g1", at, wrong="楼道堆放杂物", until_at=LATER, due_at=LATER
    )
    return raised(alert), replace(hazard, **changes)


def accepted(alert, hazard):
    """A deed: wen takes the hazard on."""
    taken = replace(alert, case=Case.ACKNOWLEDGED, acknowledged_at=LATER, acknowledged_by="wen")
    on = replace(hazard, state=HazardState.ACCEPTED, accepted_at=LATER, accepted_by="wen", until_at=LATER * 2)
    return Dealt(taken, on, (Step(alert.id, LATER, StepKind.ACCEPTED, "wen"),))


def written_off(alert, hazard):
    closed = replace(alert, case=Case.CLOSED, closed_at=LATER, closed_by="zhou", finding=Finding.PUT_RIGHT)
    return Dealt(closed, replace(hazard, state=HazardState.WRITTEN_OFF, closed_at=LATER, closed_by="zhou"))


def test_a_report_is_an_alert_with_its_climb_and_a_hazard(book):
    deed, hazard = report()
    assert book.report_hazard(deed, hazard, WEN) == hazard
    assert book.hazard(hazard.alert) == hazard
    assert book.alert(hazard.alert) == deed.alert
    assert book.climb(hazard.alert).state is ClimbState.CLIMBING
    assert len(book.calls(hazard.alert)) == len(deed.calls)


def test_the_same_report_twice_is_one(book):
    deed, hazard = report()
    book.report_hazard(deed, hazard, WEN)
    again = book.report_hazard(deed, replace(hazard, wrong="another text"), WEN)
    assert again == hazard
    assert len(book.story(hazard.alert)) == len(deed.steps)


def test_what_was_never_reported_is_not_found(book, alert):
    for missing in (alert.id, "NOSUCHONE0"):
        with pytest.raises(NotFound):
            book.hazard(missing)
    with pytest.raises(NotFound):
        book.deal_with_hazard("NOSUCHONE0", accepted)
    with pytest.raises(NotFound):
        book.hazards(after="NOSUCHONE0")


def test_who_accepts_a_hazard_has_its_alert_and_the_climb_is_over(book):
    deed, hazard = report()
    book.report_hazard(deed, hazard, WEN)
    dealt = book.deal_with_hazard(hazard.alert, accepted)
    assert book.hazard(hazard.alert) == dealt.hazard
    assert book.alert(hazard.alert).acknowledged_by == "wen"
    assert book.climb(hazard.alert).state is ClimbState.ACKNOWLEDGED
    assert {call.state for call in book.calls(hazard.alert)} == {CallState.MOOT}
    assert book.story(hazard.alert)[-1].kind is StepKind.ACCEPTED


def test_what_is_moved_climbs_another_ladder_from_its_first_rung_in_a_round_of_its_own(book):
    deed, hazard = report()
    book.report_hazard(deed, hazard, WEN)
    before = book.climb(hazard.alert)
    ladder = Ladder("elsewhere", before.ladder.rungs)

    def moved(alert, hazard):
        step = Step(alert.id, LATER, StepKind.MOVED, "wen", {"from_place": "g1", "place": "g2"})
        climb = Climb(alert.id, ladder, due_at=LATER)
        return Dealt(replace(alert, place="g2"), replace(hazard, place="g2"), (step,), climb=climb)

    book.deal_with_hazard(hazard.alert, moved, WEN)
    assert (book.alert(hazard.alert).place, book.hazard(hazard.alert).place) == ("g2", "g2")
    after = book.climb(hazard.alert)
    assert (after.ladder, after.state, after.rung, after.due_at) == (ladder, ClimbState.CLIMBING, 0, LATER)
    assert after.round == after.first_round > before.round, "whoever was called before may be called again"
    assert after.version > before.version
    assert {call.state for call in book.calls(hazard.alert)} == {CallState.MOOT}
    assert [climb.alert for _, climb in book.due_climbs(LATER, 10)] == [hazard.alert]


def test_an_alert_of_a_rule_becomes_a_hazard_when_somebody_accepts_it(book):
    warning = alarm(3, AlertClass.HAZARD)
    book.commit(outcome(1, raised(warning)))
    assert [alert.id for alert in book.waiting_hazards()] == [warning.id]

    def deed(alert, hazard):
        assert hazard is None
        return accepted(alert, Hazard(alert.id, Source.RULE, alert.grade, alert.place, alert.raised_at))

    book.deal_with_hazard(warning.id, deed)
    assert book.waiting_hazards() == []
    assert book.hazard(warning.id).source is Source.RULE


def test_a_deed_that_is_refused_writes_nothing(book):
    deed, hazard = report()
    book.report_hazard(deed, hazard, WEN)

    def refused(_alert, _hazard):
        raise Conflict("not now")

    with pytest.raises(Conflict, match="not now"):
        book.deal_with_hazard(hazard.alert, refused)
    assert book.hazard(hazard.alert) == hazard


def test_an_alert_is_not_closed_under_an_open_hazard(book):
    deed, hazard = report()
    book.report_hazard(deed, hazard, WEN)
    with pytest.raises(Conflict, match="writing it off"):
        book.close_alert(hazard.alert, "zhou", LATER, Finding.FALSE_ALARM, "")
    book.deal_with_hazard(hazard.alert, written_off)
    assert not book.alert(hazard.alert).open
    assert book.climb(hazard.alert).state is ClimbState.STOPPED


def test_hazards_are_listed_newest_first_a_page_at_a_time(book):
    reports = [report(number) for number in range(1, 6)]
    for deed, hazard in reports:
        book.report_hazard(deed, hazard, WEN)
    newest = [hazard.alert for _, hazard in reversed(reports)]
    book.deal_with_hazard(newest[0], written_off)
    assert [each.alert for each in book.hazards()] == newest[1:]
    assert [each.alert for each in book.hazards(open_only=False)] == newest
    assert [each.alert for each in book.hazards(open_only=False, most=2, after=newest[1])] == newest[2:4]


def test_hazards_are_listed_by_place_and_by_being_overdue(book):
    for number, place, until in ((1, "g1", LATER), (2, "g2", LATER), (3, "g1", LATER * 2)):
        deed, hazard = report(number, place=place, until_at=until)
        book.report_hazard(deed, hazard, WEN)
    assert len(book.hazards(places=["g1"])) == 2
    assert book.hazards(places=[]) == []
    assert len(book.hazards(overdue_at=LATER + 1)) == 2
    assert book.hazards(overdue_at=LATER) == []


def test_what_is_due_is_found_until_it_is_over(book):
    deed, hazard = report()
    book.report_hazard(deed, hazard, WEN)
    assert book.due_hazards(LATER - 1, 9) == []
    assert book.due_hazards(LATER, 9) == [(deed.alert, hazard)]
    assert book.next_due_at() <= LATER
    book.deal_with_hazard(hazard.alert, written_off)
    assert book.due_hazards(LATER, 9) == []
    assert book.next_due_at() is None


@pytest.mark.parametrize("lost", ["due_at", "until_at"])
def test_an_open_hazard_without_a_date_is_found(book, lost):
    deed, hazard = report()
    book.report_hazard(deed, hazard, WEN)
    assert book.undated_hazards(9) == []
    book.deal_with_hazard(hazard.alert, lambda alert, found: Dealt(alert, replace(found, **{lost: None})))
    assert book.undated_hazards(9) == [hazard.alert]
    assert book.undated_hazards(0) == []
    book.deal_with_hazard(hazard.alert, written_off)
    assert book.undated_hazards(9) == []


def test_columns_hold_every_hazard_and_the_alerts_nobody_accepted(book):
    assert book.hazard_columns().places == ()
    for number in (1, 2, 3):
        book.report_hazard(*report(number), WEN)
    book.deal_with_hazard(report(1)[1].alert, written_off)

    def rejected(alert, hazard):
        dealt = written_off(alert, hazard)
        return replace(dealt, hazard=replace(dealt.hazard, state=HazardState.REJECTED))

    book.deal_with_hazard(report(2)[1].alert, rejected)
    warning, over = alarm(7, AlertClass.HAZARD), alarm(8, AlertClass.HAZARD)
    book.commit(outcome(1, raised(warning), raised(over), raised(alarm(9))))
    book.commit(outcome(2, Clear(over.id, LATER, Condition.RESOLVED)))
    columns = book.hazard_columns()
    never = HazardColumns.NEVER
    rows = zip(columns.reported_at.tolist(), columns.until_at.tolist(), columns.closed_at.tolist(), strict=True)
    assert sorted(rows) == sorted(
        [(NOON + 1, LATER, LATER), (NOON + 3, LATER, never), (warning.raised_at, never, never)]
    )
    assert columns.places == ("g1",) * 3


def test_hazards_are_forgotten_by_a_term_of_their_own(book):
    (deed, hazard), still = report(1), report(2)
    for each in ((deed, hazard), still):
        book.report_hazard(*each, WEN)
    book.deal_with_hazard(hazard.alert, accepted, WEN)
    book.deal_with_hazard(hazard.alert, written_off, WEN)
    later = LATER + 9 * DAY
    assert book.forget_cases(later, later, hazards_before=LATER) == (0, []), "other cases would be forgotten by now"
    assert book.hazard(hazard.alert).state is HazardState.WRITTEN_OFF
    assert book.forget_cases(LATER, later, hazards_before=LATER + 1) == (1, [])
    with pytest.raises(NotFound):
        book.hazard(hazard.alert)
    assert book.hazard(still[1].alert).open
    assert book.audit()[-1].entry.did == "forgot"
    assert book.prove_audit().broken == 0
