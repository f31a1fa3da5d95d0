"""Calls the roll: draws the roll calls of each day, asks those that are due, sees what came of them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from firesense import rollcalls
from firesense.domain.instant import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

    from firesense.domain.instant import Instant
    from firesense.domain.plan import Plan
    from firesense.domain.rollcall import RollCalling
    from firesense.ports import Book

_ONE_DAY = timedelta(days=1)
_log = structlog.get_logger(__name__)


class RollTaking:
    """Part of duty. Several may run on one book: each roll call moves once."""

    def __init__(self, book: Book, plan_source: Callable[[], Plan], kinds: Mapping[str, str]) -> None:
        self._book = book
        self._plan_source = plan_source
        self._kinds = kinds
        self._drawn: tuple[date, RollCalling] | None = None
        self._looked_at: Instant | None = None

    def step(self, now: Instant) -> int:
        """Do what is due; counts it. Looks once a second: nothing here may hold up the calls of a fire."""
        if self._looked_at is not None and 0 <= now - self._looked_at < SECOND:
            return 0
        self._looked_at = now
        plan = self._plan_source()
        self._draw(plan, now)
        moved = 0
        for call, alert in self._book.due_roll_calls(now):
            done = rollcalls.act(call, alert, plan.org, plan.roll_calling, self._kinds, now)
            moved += self._book.move_roll_call(call, done.after, done.deed, close_at=done.close_at)
            _log.info("rollcall.moved", rollcall=call.id, role=call.role, place=call.place, state=done.after.state)
        return moved

    def _draw(self, plan: Plan, now: Instant) -> None:
        """Draw the roll calls of the day, once; those whose time is over before firesense ran are none."""
        calling, days = plan.roll_calling, plan.org.rosters.days
        today = days.day_of(now), calling
        if today == self._drawn:
            return
        if calling.posts:
            seed = self._book.roll_call_seed()
            # the hours of yesterday may reach into today
            drawn = [
                call
                for day in (today[0] - _ONE_DAY, today[0])
                for call in rollcalls.draw(calling, plan.org, day, days, seed)
            ]
            self._book.plan_roll_calls([call for call in drawn if call.planned_at >= now])
        self._drawn = today
