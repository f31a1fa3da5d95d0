"""What came of calls, kept for a moment and written back together; kept for longer when the book is away."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from firesense.domain.errors import BookError, BookRefused
from firesense.domain.escalation import Settled
from firesense.notify.asking import warn

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from firesense.notify.asking import DeliveryStatus
    from firesense.ports import Book

_log = structlog.get_logger(__name__)

_MOMENT = 0.01  # seconds


class Outcomes:
    """Outcomes that are not written yet. One that cannot be written keeps nobody else's from the book."""

    def __init__(self, book: Book, status: DeliveryStatus) -> None:
        self._book = book
        self._status = status
        self._unwritten: list[Settled] = []

    def __len__(self) -> int:
        """Count them."""
        return len(self._unwritten)

    def keep(self, outcomes: Iterable[Settled]) -> None:
        """Keep what came of calls for a moment: what ends within it is written at once."""
        if not self._unwritten:
            asyncio.get_running_loop().call_later(_MOMENT, self.flush)
        self._unwritten += outcomes

    def flush(self) -> None:
        """Write them, unless the book is away."""
        try:
            self.write()
        except BookError as error:
            _log.warning("the outcome of calls waits for the book", calls=len(self), reason=str(error))

    def write(self) -> None:
        """Write them. Raises BookError when the book is away; they are kept."""
        outcomes = list(self._unwritten)
        if not outcomes:
            return
        try:
            self._settle(outcomes)
        except BookError as error:
            if not isinstance(error, BookRefused):
                raise
        except Exception:  # noqa: BLE001 - a fault in one must not end the street that all calls go through
            _log.exception("the outcomes of calls cannot be written together", calls=len(outcomes))
        else:
            del self._unwritten[: len(outcomes)]
            return
        for outcome in outcomes:
            self._write_alone(outcome)
            del self._unwritten[0]

    def _write_alone(self, outcome: Settled) -> None:
        """Write one, else without its words, else its state alone; what can never be written is let go, and said."""
        wordless = outcome._replace(call=replace(outcome.call, receipt="", line=""))
        for one in (outcome, wordless, Settled(wordless.call, outcome.at)):
            try:
                self._settle([one])
            except BookError as error:
                if not isinstance(error, BookRefused):
                    raise
                warn("what came of a call cannot be written", one.call, str(error))
            except Exception:  # noqa: BLE001 - as above
                _log.exception("what came of a call cannot be written", alert=one.call.alert)
            else:
                return
        self._status.unwritten += 1
        warn("what came of a call is lost: it will be made again when its lease is over", outcome.call, "")

    def _settle(self, outcomes: Sequence[Settled]) -> None:
        for call in self._book.settle_all(outcomes):
            _log.error("the book lost a call that was made", alert=call.alert, channel=call.channel)
