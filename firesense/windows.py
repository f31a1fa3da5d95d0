"""The quiet windows that a street has to know of, read from the book when they change; and what their time brings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from firesense import quieting
from firesense.domain.deed import Actor
from firesense.domain.errors import BookError, BookRefused, Conflict, NotFound
from firesense.domain.escalation import ClimbState
from firesense.domain.instant import DAY
from firesense.domain.quiet import NO_WINDOWS, Quiets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from firesense.domain.alert import Alert
    from firesense.domain.escalation import Climb
    from firesense.domain.instant import Instant
    from firesense.domain.plan import Plan
    from firesense.domain.quiet import Quiet
    from firesense.ports import Book, Journal

_log = structlog.get_logger(__name__)

_EVERY_ALERT = 1_000_000
_KEPT = DAY  # longer than any window's grace


class Windows:
    """Costs one small question whenever something is about to be raised, and nothing for any other frame."""

    def __init__(self, book: Book, journal: Journal) -> None:
        """Know of none until somebody asks."""
        self._book = book
        self._journal = journal
        self._version = -1
        self.quiets = Quiets()

    def at(self, position: int) -> Quiets:
        """Give the windows that frames from this offset on may fall into. Raises BookError, JournalError.

        Those that are over count, too: behind, a street judges frames of the time when they lasted.
        """
        version = self._book.quiet_version()
        if version != self._version:
            received_at = self._journal.received_at(position) or self._journal.received_at(position - 1) or 0
            self.quiets = Quiets(self._book.quiets(received_at - _KEPT))
            self._version = version
        return self.quiets


class Hush:
    """What duty does about windows: begins them, reminds of their end, ends them, and lets climbs wait for it."""

    def __init__(self, book: Book, plan_source: Callable[[], Plan], kinds: Mapping[str, str]) -> None:
        """``kinds`` maps channel names to technologies."""
        self._book = book
        self._plan_source = plan_source
        self._kinds = kinds
        self._quiets = NO_WINDOWS
        self._version = -1

    def keep(self, now: Instant) -> int:
        """Do what is due about windows, and end those whose alert a person has closed; counts them."""
        kept = 0
        for window, alert in self._book.due_quiets(now):
            try:
                kept += self._see_to(window, alert, now)
            except (Conflict, NotFound):
                continue  # it was ended a moment ago, or by a clock that has been put back since: its time comes
            except BookError as error:
                if not isinstance(error, BookRefused):
                    raise  # the book is away
                _log.error("a window could not be kept", window=window.id, reason=str(error))
            except Exception:  # noqa: BLE001 - one window that cannot be kept must not hold up the calls of a fire
                _log.exception("a window could not be kept", window=window.id)
        return kept

    def _see_to(self, window: Quiet, alert: Alert, now: Instant) -> bool:
        if not alert.open and window.ends_at > now:
            self._book.end_quiet(window.id, Actor(alert.closed_by, "alert closed"), now)
            return True
        acted = quieting.act(window, alert, self._plan_source().org, self._kinds, now)
        hold = self._standing(window, now) if acted.quiet.announced_at == now else ()
        return self._book.act_on_quiet(window, acted.quiet, acted.calls, acted.steps, hold)

    def date_anew(self, now: Instant) -> int:
        """Let no window last until a time that nobody meant, after the clock was put back; counts those that did."""
        dated = 0
        for window in self._book.quiets(now):
            after = quieting.redated(window, now) if window.over_at is None else None
            dated += after is not None and self._book.date_quiet(window, after, now)
        return dated

    def look(self, now: Instant) -> None:
        """See which windows there are."""
        version = self._book.quiet_version()
        if version != self._version:
            self._quiets, self._version = Quiets(self._book.quiets(now)), version

    def over(self, alert: Alert, climb: Climb, now: Instant) -> Quiet | None:
        """The window a climb that is due has to wait for. Whoever has a case, or has whistled, does not wait.

        ``look`` comes before: hundreds of climbs are asked about at once.
        """
        if climb.state is not ClimbState.CLIMBING or climb.strand:
            return None
        return self._holding(self._quiets, alert, now)

    def _standing(self, window: Quiet, now: Instant) -> list[str]:
        """The open alerts to which nobody is called any more when a window begins."""
        quiets = Quiets([window])
        found = self._book.alerts(most=_EVERY_ALERT)
        return [alert.id for alert in found if self._holding(quiets, alert, now) is not None]

    def _holding(self, quiets: Quiets, alert: Alert, now: Instant) -> Quiet | None:
        plan = self._plan_source()
        window = quiets.over(replace(alert, late=False), plan.registry, plan.org, now) if quiets else None
        return window if window is not None and window.holds(alert.alert_class) else None
