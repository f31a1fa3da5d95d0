"""The readings that show why an alert was raised, from the journal where those at hand do not reach far enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from firesense.domain.errors import JournalError
from firesense.domain.instant import SECOND, Instant
from firesense.grounds import needs_the_past

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from firesense.domain.alert import Alert
    from firesense.domain.plan import Plan
    from firesense.domain.readings import Readings
    from firesense.ports import Journal
    from firesense.reader import Reader

_FRAMES = 20_000  # looked back at the most
_STRETCH = 5000
_log = structlog.get_logger(__name__)


class LookBack:
    """Looks back once a second at the most, for it costs as much as a few stretches; never for a mere flag."""

    def __init__(self, journal: Journal, make_reader: Callable[[Plan], Reader]) -> None:
        self._journal = journal
        self._make_reader = make_reader
        self._at: Instant = 0

    def tables(
        self, raised: Sequence[Alert], at_hand: Sequence[Readings], plan: Plan, position: int, now: Instant
    ) -> Sequence[Readings]:
        """The readings up to ``position`` that explain these alerts; those at hand when that will do."""
        names = {alert.rule for alert in raised}
        wanted = names and any(rule.id in names and needs_the_past(rule) for rule in plan.rules)
        if not wanted or 0 <= now - self._at < SECOND:
            return at_hand
        self._at = now
        reader = self._make_reader(plan)  # one of its own: reading the past again must not confuse what repeats
        found: list[Readings] = []
        try:
            offset = max(self._journal.tail, position - _FRAMES)
            while offset < position and (batch := self._journal.read(offset, min(_STRETCH, position - offset))):
                found += reader.read(batch).judged
                offset = batch.next_offset
        except JournalError as error:
            _log.warning("alerting.grounds", reason=str(error))
            return at_hand
        return found
