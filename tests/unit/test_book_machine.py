"""Whatever happens in whatever order: nobody is forgotten, nobody who took an alert is called again."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from firesense.book import SqlBook
from firesense.domain.alert import AlertClass, Case, Condition, Finding
from firesense.domain.errors import Conflict
from firesense.domain.escalation import CallState, ClimbState, Purpose
from firesense.domain.instant import MINUTE, SECOND
from firesense.domain.outcome import Clear, TripAgain
from tests.book_examples import NOON, TIMED, alarm, call, outcome, raised

CLASSES = (AlertClass.FIRE, AlertClass.HAZARD)


class Life(RuleBasedStateMachine):
    """Alerting, duty and two people at the desk, each doing what they may at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.book = SqlBook(f"sqlite:///{self.folder.name}/book.db")
        self.now = NOON + MINUTE
        self.position = 0
        self.numbers = count(1)
        self.alerts: list[str] = []
        self.out: list[object] = []

    def teardown(self) -> None:
        self.book.close()
        self.folder.cleanup()

    def commit(self, *deeds) -> None:
        self.position += 1
        self.book.commit(outcome(self.position, *deeds, at=self.now))

    @initialize(alert_class=st.sampled_from(CLASSES))
    def first(self, alert_class):
        self.raise_one(alert_class)

    @rule(alert_class=st.sampled_from(CLASSES))
    def raise_one(self, alert_class):
        alert = alarm(next(self.numbers), alert_class)
        deed = raised(alert)
        self.commit(replace(deed, climb=replace(deed.climb, ladder=TIMED)))
        self.alerts.append(alert.id)

    @rule(data=st.data(), condition=st.sampled_from([Condition.LATCHED, Condition.RESOLVED]))
    def clear(self, data, condition):
        self.commit(Clear(data.draw(st.sampled_from(self.alerts)), self.now, condition))

    @rule(data=st.data())
    def trip_again(self, data):
        self.commit(TripAgain(data.draw(st.sampled_from(self.alerts)), self.now, 1.0))

    @rule(data=st.data(), who=st.sampled_from(["wen", "zhou"]))
    def take(self, data, who):
        alert = self.book.alert(data.draw(st.sampled_from(self.alerts)))
        if not alert.open or alert.acknowledged_by not in {"", who}:
            with pytest.raises(Conflict):
                self.book.acknowledge(alert.id, who, self.now)
        else:
            assert self.book.acknowledge(alert.id, who, self.now).acknowledged_by == who

    @rule(data=st.data(), finding=st.sampled_from(Finding))
    def close(self, data, finding):
        alert = self.book.alert(data.draw(st.sampled_from(self.alerts)))
        if not alert.open:
            return
        fires = finding is Finding.CLEARED_ITSELF and alert.condition is Condition.FIRING
        no_hazard = finding is Finding.PUT_RIGHT and alert.alert_class is not AlertClass.HAZARD
        if fires or no_hazard:
            with pytest.raises(Conflict):
                self.book.close_alert(alert.id, "zhou", self.now, finding, "")
        else:
            self.book.close_alert(alert.id, "zhou", self.now, finding, "")

    @rule(wait=st.integers(0, 4))
    def time_passes(self, wait):
        self.now += wait * MINUTE + SECOND

    @rule(exhausted=st.booleans())
    def climb(self, exhausted):
        for alert, climb in self.book.due_climbs(self.now, 2):
            assert alert.open
            after = replace(climb, round=climb.round + 1, due_at=self.now + 2 * MINUTE, version=climb.version + 1)
            if exhausted:
                after = climb.ended(ClimbState.EXHAUSTED)
            purpose = Purpose.ALERT if climb.state is ClimbState.CLIMBING else Purpose.UNDONE
            new = call(alert, purpose=purpose, round_=after.round, due_at=self.now, created_at=self.now)
            assert self.book.advance(climb, after, [new], ())

    @rule(most=st.integers(1, 3))
    def lease(self, most):
        for leased, alert in self.book.lease_calls(self.now, self.now + MINUTE, most):
            assert alert.case is Case.OPEN or leased.purpose is not Purpose.ALERT
            self.out.append(leased)

    @precondition(lambda self: self.out)
    @rule(data=st.data(), state=st.sampled_from([s for s in CallState if s is not CallState.MOOT]))
    def settle(self, data, state):
        leased = self.out.pop(data.draw(st.integers(0, len(self.out) - 1)))
        self.book.settle(replace(leased, state=state, attempts=leased.attempts + 1, due_at=self.now + SECOND), self.now)

    @invariant()
    def nobody_is_forgotten(self):
        for alert in self.book.alerts(most=1000):
            climb = self.book.climb(alert.id)
            if alert.acknowledged_by:
                assert climb.state in {ClimbState.ACKNOWLEDGED, ClimbState.EXHAUSTED}
            else:
                assert climb.state in {ClimbState.CLIMBING, ClimbState.EXHAUSTED}
            assert (climb.due_at is not None) == climb.live

    @invariant()
    def what_is_closed_is_at_rest(self):
        for alert in self.book.alerts(open_only=False, most=1000):
            if not alert.open:
                assert alert.closed_at is not None
                assert self.book.climb(alert.id).due_at is None

    @invariant()
    def the_told_are_told_that_it_is_over(self):
        for alert in self.book.alerts(open_only=False, most=1000):
            if alert.closed_by or alert.condition is not Condition.RESOLVED:
                continue
            calls = self.book.calls(alert.id)
            told = {c.person for c in calls if c.purpose is Purpose.ALERT and c.sent_at is not None}
            assert told <= {c.person for c in calls if c.purpose is Purpose.CLEARED}

    @invariant()
    def nothing_to_do_is_left_behind(self):
        """Whatever is pending is due some day, and what nobody waits for is pending no more."""
        pending = []
        for alert in self.book.alerts(open_only=False, most=1000):
            for each in self.book.calls(alert.id):
                if each.state in {CallState.QUEUED, CallState.FAILED_FOR_NOW}:
                    assert alert.case is Case.OPEN or each.purpose is not Purpose.ALERT
                    pending.append(each)
        if pending:
            assert self.book.next_due_at() is not None


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
