"""The auditor of climbs: once a minute it looks whether anybody would ever hear of an alert again, and sees to it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import structlog

from firesense import escalate, hazards
from firesense.domain.errors import BookError, BookRefused, Conflict, NotFound
from firesense.domain.instant import MINUTE
from firesense.route import choose

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from firesense.domain.alert import Alert
    from firesense.domain.escalation import Climb
    from firesense.domain.instant import Instant
    from firesense.domain.plan import Plan
    from firesense.ports import Book

TOLERANCE = 2 * MINUTE  # a climb that is due so long was missed by whoever should have moved it
_EVERY = MINUTE
_MOST = 500  # alerts repaired at a time
_log = structlog.get_logger(__name__)


class Auditor:
    """See the module. ``repaired`` counts what was put right since the start."""

    def __init__(self, book: Book, plan_source: Callable[[], Plan], kinds: Mapping[str, str]) -> None:
        """``kinds`` maps channel names to technologies."""
        self._book = book
        self._plan_source = plan_source
        self._kinds = kinds
        self._looked_at: Instant | None = None
        self.repaired = 0

    def look(self, now: Instant) -> int:
        """Look if it is time to, and repair what nobody would hear of again; counts it. Raises BookError."""
        if self._looked_at is not None and abs(now - self._looked_at) < _EVERY:
            return 0
        self._looked_at = now
        return self.audit(now)

    def hurry(self) -> None:
        """Look at the next occasion, however short ago the last look was: somebody came upon a damaged climb."""
        self._looked_at = None

    def audit(self, now: Instant) -> int:
        """Look, and repair; counts what was repaired. Raises BookError."""
        plan, count = self._plan_source(), self._date_hazards(now)
        for alert, climb in self._book.adrift(now - TOLERANCE, _MOST):
            try:
                count += self._repair(alert, climb, plan, now)
            except BookError as error:
                if not isinstance(error, BookRefused):
                    raise  # the book is away
                _log.error("a climb could not be repaired", alert=alert.id, reason=str(error))
            except Exception:  # noqa: BLE001 - one climb that cannot be repaired must not hold up the others
                _log.exception("a climb could not be repaired", alert=alert.id)
        self.repaired += count
        return count

    def _date_hazards(self, now: Instant) -> int:
        """Give hazards that have lost their dates new ones, or nobody would be reminded of them, or hear of delay."""
        lost, count = self._book.undated_hazards(_MOST), 0
        if not lost:
            return 0
        plan = self._plan_source()
        around = hazards.Around(plan.hazards, plan.org, self._kinds, now)
        for alert in lost:
            try:
                self._book.deal_with_hazard(alert, partial(hazards.found_undated, around))
                _log.error("a hazard was dated anew", alert=alert)
                count += 1
            except BookError as error:
                if not isinstance(error, (BookRefused, Conflict, NotFound)):
                    raise  # the book is away
                _log.error("a hazard could not be dated anew", alert=alert, reason=str(error))
            except Exception:  # noqa: BLE001 - one hazard that cannot be dated must not hold up the others
                _log.exception("a hazard could not be dated anew", alert=alert)
        return count

    def _repair(self, alert: Alert, climb: Climb | None, plan: Plan, now: Instant) -> bool:
        why = escalate.adrift(alert, climb, now - TOLERANCE) or "never-due"
        ladder, start = (climb.ladder, climb.start) if climb is not None else choose(alert, plan, now)
        if ladder is None:
            return False  # none was chosen when it was raised, and none would be now
        done = escalate.mended(alert, climb, ladder, why, plan.org, self._kinds, now, start)
        repaired = self._book.repair(alert, climb, done.climb, done.calls, done.steps)
        if repaired:
            _log.error("a climb was repaired", alert=alert.id, why=why, strand=done.climb.strand)
        return repaired
