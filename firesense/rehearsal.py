"""A rehearsal: the whole way from readings to calls on a hand-wound clock, in memory and with nobody really called.

The rooms are those of the daemon (rules, alerts, route, escalate), so what is raised here is what would be raised. Used
to try rules on cases people write, on frames of the past, and on staged events. Pure: no I/O and no clock of its own.
"""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np

from firesense.alerts import Alarms, heard_at
from firesense.domain.alert import Alert, Case, Condition
from firesense.domain.escalation import ClimbState, Purpose
from firesense.domain.instant import micros
from firesense.domain.outcome import Hide, TripAgain
from firesense.domain.quiet import NO_WINDOWS
from firesense.escalate import act, begin
from firesense.quieting import held, held_step, told_to_tester
from firesense.route import choose
from firesense.rules import RuleEngine

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import timedelta

    from firesense.alerts import Deed
    from firesense.domain.escalation import Call, Climb, Step
    from firesense.domain.instant import Instant
    from firesense.domain.outcome import Clear
    from firesense.domain.plan import Plan
    from firesense.domain.quiet import Quiets
    from firesense.domain.readings import Readings
    from firesense.domain.rule import Transition


@dataclass(slots=True)
class Course:
    """What became of one alert; instants are of the rehearsal's clock, when people would have seen it."""

    alert: Alert
    ladder: str = ""
    climb: Climb | None = None
    calls: list[Call] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    tripped_again: list[Instant] = field(default_factory=list)
    over_at: Instant | None = None  # the rule cleared, the last time it did
    taken_at: Instant | None = None

    @property
    def told(self) -> Counter[str]:
        """How many calls each person would have had, over all channels."""
        return Counter(call.person for call in self.calls)


class Rehearsal:
    """One plan on its way through time: ``hear`` gives it readings, ``wind`` moves the clock.

    ``kinds`` maps channel names to technologies, as fire goes over two of them. With ``taken_after`` somebody takes
    every alert so long after it was raised; else nobody ever does, and ladders are climbed to their ends. ``windows``
    are those in which it was quiet.
    """

    def __init__(
        self,
        plan: Plan,
        kinds: Mapping[str, str],
        started_at: Instant,
        taken_after: timedelta | None = None,
        windows: Quiets = NO_WINDOWS,
    ) -> None:
        self.plan = plan
        self.now = started_at
        self.courses: list[Course] = []
        self._kinds = kinds
        self._taken_after = None if taken_after is None else micros(taken_after)
        self._engine = self._engine_from(started_at)
        self._windows = windows
        self._alarms = Alarms(plan.rules, plan.registry, plan.org, kinds)
        self._alarms.quieted.windows = windows
        self._by_id: dict[str, Course] = {}
        self._due: list[tuple[Instant, int, str]] = []  # climbs: when, which version, of which alert

    def _engine_from(self, now: Instant) -> RuleEngine:
        plan = self.plan
        periods = {profile.id: profile.period for profile in plan.profiles.values()}
        return RuleEngine(
            plan.rules, plan.registry, periods=periods, started_at=now, org=plan.org, calendars=plan.calendars
        )

    # -- what happens -----------------------------------------------------------------------------------------------
    def hear(self, tables: Iterable[Readings], now: Instant) -> None:
        """Take readings that have arrived by ``now``; what comes of each happens when it was received."""
        changed: list[tuple[Instant, Transition]] = []
        tables = list(tables)
        for table in tables:
            for transition in self._engine.apply(table):
                row = min(int(np.searchsorted(table.offsets, transition.offset)), len(table) - 1)
                changed.append((int(table.received_at[row]), transition))
        changed.sort(key=itemgetter(0))
        for at, together in groupby(changed, key=itemgetter(0)):  # what a frame says is judged as one
            self._climb(at)
            self.now = max(self.now, at)
            changes = [transition for _, transition in together]
            self._do(self._alarms.deeds(changes, self.now, partial(heard_at, tables)))
        self._climb(now)
        self.now = max(self.now, now)

    def hear_stranger(
        self, external_id: str, device_class: str, topic: str, event_at: Instant, offset: int, now: Instant
    ) -> None:
        """Take the fire flag of a device nobody registered."""
        alert = self._alarms.stranger(external_id, device_class, topic, event_at=event_at, offset=offset, now=now)
        if alert is not None:
            self._do([alert])

    def wind(self, now: Instant, *, listening: bool = True, offset: int = -1) -> None:
        """Let the clock be ``now``: climbs that fell due, each at its instant, then holds and silences that ran out.

        A hold is told when ``wind`` is called, so step as finely as the answers should be.
        """
        self._climb(now)
        self.now = now
        self._do(self._alarms.deeds(self._engine.tick(now, listening=listening, position=offset), now))
        self._do(self._alarms.turned_real(now, now, offset))

    def deaf_until(self, now: Instant) -> None:
        """Nobody listened up to ``now``: silences are measured from here."""
        self._engine.heard_again_from(now)

    def restart(self) -> None:
        """Firesense is started anew: rules from their snapshot, alerts and what is firing from what the book holds."""
        state = self._engine.snapshot()
        self._engine = self._engine_from(self.now)
        self._engine.restore(state)
        self._alarms = Alarms(self.plan.rules, self.plan.registry, self.plan.org, self._kinds)
        self._alarms.quieted.windows = self._windows
        self._alarms.refresh(course.alert for course in self.courses if course.alert.open)
        self._engine.settle(self._alarms.firing())

    def take(self, course: Course, now: Instant) -> None:
        """Somebody takes an alert: its climb ends."""
        if course.taken_at is None and course.alert.open:
            course.taken_at = now
            course.alert = replace(course.alert, case=Case.ACKNOWLEDGED)
            if course.climb is not None:
                course.climb = course.climb.ended(ClimbState.ACKNOWLEDGED)

    def close(self, course: Course, now: Instant) -> None:
        """Somebody closes a case: its climb ends, and its rule may trip again."""
        course.alert = replace(course.alert, case=Case.CLOSED)
        if course.climb is not None:
            course.climb = course.climb.ended(ClimbState.STOPPED)
        firing = self._alarms.forget(course.alert.id)
        if firing is not None:
            self._engine.release(firing, now)

    # -- what comes of it -------------------------------------------------------------------------------------------
    def _do(self, deeds: Iterable[Deed]) -> None:
        for deed in deeds:
            if isinstance(deed, Hide):
                continue
            if isinstance(deed, Alert):
                self._raise(deed)
            elif (course := self._by_id.get(deed.alert)) is None:
                continue
            elif isinstance(deed, TripAgain):
                course.tripped_again.append(self.now)
                course.over_at = None
                course.alert = replace(course.alert, condition=Condition.FIRING, trips=course.alert.trips + 1)
            else:
                self._clear(course, deed)

    def _raise(self, alert: Alert) -> None:
        plan, now = self.plan, self.now
        course = self._by_id[alert.id] = Course(alert)
        self.courses.append(course)
        self._alarms.aside(alert.id)  # nobody asks here
        window = self._windows.by_id.get(alert.quiet)
        if window is not None and window.tests(alert.alert_class):
            calls, steps = told_to_tester(alert, window, plan.org, self._kinds, now)
            course.calls += calls
            course.steps += steps
            return
        ladder, start = choose(alert, plan, now, confirmed=bool(self._alarms.confirmed([alert])))
        if ladder is None:
            return
        if window is not None:
            climb, steps = held(alert, ladder, window, now, start)
            course.ladder = ladder.id
            self._follow(course, climb, (), steps)
            return
        acted = begin(alert, ladder, plan.org, self._kinds, now, start)
        course.ladder = ladder.id
        self._follow(course, acted.climb, acted.calls, acted.steps)

    def _follow(self, course: Course, climb: Climb, calls: Iterable[Call], steps: Iterable[Step]) -> None:
        course.climb = climb
        known = {call.key for call in course.calls}
        course.calls += (call for call in calls if call.key not in known)
        course.steps += steps
        if climb.state is ClimbState.CLIMBING and climb.due_at is not None:
            heapq.heappush(self._due, (climb.due_at, climb.version, course.alert.id))

    def _clear(self, course: Course, deed: Clear) -> None:
        if self._taken_after is not None and self.now >= course.alert.raised_at + self._taken_after:
            self.take(course, course.alert.raised_at + self._taken_after)
        course.over_at = self.now
        course.alert = replace(course.alert, condition=deed.condition, cleared_at=deed.at)
        if deed.condition is Condition.RESOLVED:
            if course.climb is not None and course.climb.state is ClimbState.CLIMBING:
                course.climb = course.climb.ended(ClimbState.STOPPED)
            if course.taken_at is None:
                course.alert = replace(course.alert, case=Case.CLOSED)
        told = {(call.person, call.channel): call for call in course.calls if call.purpose is Purpose.ALERT}
        course.calls += (
            replace(
                call,
                key=f"{course.alert.id}/{Purpose.CLEARED.value}/{course.alert.trips}/{call.person}/{call.channel}",
                purpose=Purpose.CLEARED,
                created_at=self.now,
                due_at=self.now,
                urgent=False,
            )
            for call in told.values()
        )

    def _climb(self, now: Instant) -> None:
        """Do every rung that fell due up to ``now``, at the instant it was due."""
        while self._due and self._due[0][0] <= now:
            due_at, version, alert_id = heapq.heappop(self._due)
            course = self._by_id[alert_id]
            climb = course.climb
            if climb is None or climb.state is not ClimbState.CLIMBING or climb.version != version:
                continue
            window = self._windows.over(course.alert, self.plan.registry, self.plan.org, due_at)
            if window is not None and window.holds(course.alert.alert_class):
                waits = replace(climb, due_at=window.ends_at, version=climb.version + 1)
                self._follow(course, waits, (), (held_step(course.alert.id, window, due_at),))
                continue
            if self._taken_after is not None and due_at >= course.alert.raised_at + self._taken_after:
                self.take(course, course.alert.raised_at + self._taken_after)
                continue
            acted = act(course.alert, climb, self.plan.org, self._kinds, due_at, course.calls)
            self._follow(course, acted.climb, acted.calls, acted.steps)
