"""What is done once a second beside the streets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

from firesense.app.watchdog import Turns
from firesense.domain.errors import BookError, JournalError
from firesense.hearing import LISTENING, NOTE_EVERY, noted_connections

if TYPE_CHECKING:
    import threading
    from collections.abc import Collection, Mapping, Sequence

    from firesense.app.plan import PlanKeeper
    from firesense.app.watch import Watch
    from firesense.book import SqlBook
    from firesense.domain.instant import Instant
    from firesense.journal import SqliteJournal
    from firesense.ports import Clock, Transport
    from firesense.rosters import HandOvers

_HEARTBEAT = 1.0  # seconds
_log = structlog.get_logger(__name__)


class Keeping:
    """Takes over what changed in the book, notes that ingest listens, sees how the streets do.

    And tells those who come on duty what is open, in the process with ``hand_overs``. ``status`` is what it saw last,
    for the console, ``book_away`` whether it was in vain that it asked the book; ``turns`` grow while it moves.
    """

    def __init__(
        self,
        journal: SqliteJournal,
        book: SqlBook,
        keeper: PlanKeeper,
        watch: Watch,
        clock: Clock,
        transports: Sequence[Transport],
        brokers: Collection[str],
        hand_overs: HandOvers | None,
    ) -> None:
        """``brokers`` are those that ingest has; a process without ingest knows of them by its notes."""
        self._journal = journal
        self._book = book
        self._keeper = keeper
        self._watch = watch
        self._clock = clock
        self._transports = transports
        self._brokers = brokers
        self._hand_overs = hand_overs
        self.status: Mapping[str, Any] = {}
        self.book_away = False
        self.turns = Turns()

    def run(self, stop: threading.Event) -> None:
        """Go round until it is to stop. Raises JournalError when a file was replaced and all has to start anew."""
        noted_at: dict[str, Instant] = {}
        while not stop.is_set():
            try:
                self._once(self._clock.now(), noted_at)
                self.book_away = False
            except (BookError, JournalError) as error:
                self.book_away = isinstance(error, BookError)
                _log.warning("house.blind", reason=str(error))
            if reason := self._journal.to_be_mended or self._book.to_be_mended:
                raise JournalError(f"start anew: {reason}")
            self.turns.add()
            stop.wait(_HEARTBEAT)

    def _once(self, now: Instant, noted_at: dict[str, Instant]) -> None:
        self._keeper.refresh()
        if self._hand_overs is not None:
            self._hand_overs.step(now)
        for transport in self._transports:
            if transport.connected and abs(now - noted_at.get(transport.name, 0)) >= NOTE_EVERY:
                self._journal.note(LISTENING + transport.name, now)
                noted_at[transport.name] = now
        connected: dict[str, bool | None] = {transport.name: transport.connected for transport in self._transports}
        if not self._transports:
            connected = noted_connections(self._journal.noted(), self._brokers, now)
        self.status = self._watch.look().shown() | {"connected": connected}
