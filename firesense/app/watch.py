"""Looks at the streets once a second: how far they are, how they do, and what the operator has to be told.

What is wrong is noted in the journal (troubles.py), where the alerting street of whichever process finds it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from firesense.alerting import STREET as ALERTING
from firesense.domain.instant import HOUR, SECOND, micros
from firesense.record import STREET as RECORD
from firesense.troubles import EVENT, TROUBLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from firesense.alerting import Alerting
    from firesense.answering import Answering
    from firesense.auditor import Auditor
    from firesense.book import SqlBook
    from firesense.domain.instant import Instant
    from firesense.domain.outcome import Tally
    from firesense.ingest import Ingest
    from firesense.journal import SqliteJournal
    from firesense.notify.outbox import Delivery
    from firesense.ports import Clock, Counts, Transport
    from firesense.record import Record
    from firesense.settings import WatchSettings
    from firesense.snapshot import SnapshotFile

READERS = (ALERTING, RECORD)  # the streets whose positions the journal waits for
DUTY = "duty"
_COUNT_EVERY = 5 * SECOND  # the book's counts cost a little
_REFUSES_AFTER = 5 * SECOND  # a journal that is busy for a moment is no news
_BEHIND_FOR = 3 * SECOND
_THINNED_FOR = HOUR  # how long after the quarantine was thinned it counts as full


@dataclass(slots=True)
class Running:
    """What runs in this process; None or empty where it does not."""

    transports: Sequence[Transport] = ()
    ingests: list[Ingest] = field(default_factory=list)
    alerting: Alerting | None = None
    record: Record | None = None
    delivery: Delivery | None = None
    answering: Answering | None = None
    auditor: Auditor | None = None
    snapshots: SnapshotFile | None = None
    turns: dict[str, Any] = field(default_factory=dict)  # street -> the counter of its turns


@dataclass(frozen=True, slots=True)
class Look:
    """How the house was at an instant. Lags are frames, and seconds since the oldest of them was received (or due)."""

    at: Instant
    head: int
    tail: int
    used_bytes: int
    free_bytes: int
    positions: Mapping[str, int]
    tally: Tally
    lags: Mapping[str, int]
    lag_seconds: Mapping[str, float]
    counts: Counts
    troubles: Mapping[str, Instant]

    @property
    def balanced(self) -> bool:
        """Whether every frame up to record's position ended as exactly one of recorded, duplicate, quarantined."""
        return self.tally.total == self.positions.get(RECORD, 0)

    def shown(self) -> dict[str, Any]:
        """What the console shows of it."""
        return {
            "positions": self.positions,
            "floods": self.counts.floods,
            "lags": self.lags,
            "ledger": {
                "received": self.head,
                "recorded": self.tally.recorded,
                "duplicate": self.tally.duplicate,
                "quarantined": self.tally.quarantined,
                "balanced": self.balanced,
            },
        }


class Watch:
    """See the module. One thread looks; ``last`` may be read by any."""

    def __init__(
        self, journal: SqliteJournal, book: SqlBook, clock: Clock, settings: WatchSettings, running: Running
    ) -> None:
        self._journal = journal
        self._book = book
        self._clock = clock
        self._settings = settings
        self._running = running
        self._counts: Counts | None = None
        self._counted_at: Instant = 0
        self._behind: dict[str, Instant] = {}  # since when a street has been behind by more than the limit
        self._damaged: frozenset[int] = frozenset()
        self.thinned_at: Instant = -_THINNED_FOR
        self.last: Look | None = None

    def look(self) -> Look:
        """Look once, and note what has changed. Raises BookError, JournalError."""
        now = self._clock.now()
        head, positions = self._journal.head, self._book.positions()
        lags = {street: max(head - positions.get(street, 0), 0) for street in READERS}
        seconds = {street: self._age(now, positions.get(street, 0)) if lags[street] else 0.0 for street in READERS}
        due_at = self._book.next_due_at()
        seconds[DUTY] = 0.0 if due_at is None else max(now - due_at, 0) / SECOND
        if self._counts is None or abs(now - self._counted_at) >= _COUNT_EVERY:
            self._counts, self._counted_at = self._book.counts(), now
        self._note(now, seconds)
        noted = self._journal.noted()
        self.last = Look(
            now,
            head,
            self._journal.tail,
            self._journal.used_bytes,
            self._journal.free_bytes,
            positions,
            self._book.tally(RECORD),
            lags,
            seconds,
            self._counts,
            {name.removeprefix(TROUBLE): at for name, at in noted.items() if name.startswith(TROUBLE) and at},
        )
        return self.last

    def _age(self, now: Instant, position: int) -> float:
        """How long ago the frame at a position was received, in seconds."""
        received_at = self._journal.received_at(max(position, self._journal.tail))
        return 0.0 if received_at is None else max(now - received_at, 0) / SECOND

    def _note(self, now: Instant, lag_seconds: Mapping[str, float]) -> None:
        """Write down what has begun, what is over, and what happened."""
        noted = self._journal.noted()
        for name, wrong in self._conditions(now, lag_seconds):
            since = noted.get(TROUBLE + name, 0)
            if wrong and not since:
                self._journal.note(TROUBLE + name, now)
            elif since and not wrong:
                self._journal.note(TROUBLE + name, 0)
        if (damaged := self._journal.damaged_at) - self._damaged:
            self._journal.note(EVENT + "journal-damaged", now)
            self._damaged = damaged
        snapshots = self._running.snapshots
        if snapshots is not None and snapshots.damaged:
            self._journal.note(EVENT + "state-damaged", now)
            snapshots.damaged = False

    def _conditions(self, now: Instant, lag_seconds: Mapping[str, float]) -> Iterator[tuple[str, bool]]:
        """What this process answers for, and whether it is wrong now."""
        running, limits = self._running, self._settings
        if running.transports:
            stalled = [one.status for one in running.ingests if one.status.stalled]
            yield "journal-full", any(status.full for status in stalled)
            yield (
                "journal-refuses",
                any(not status.full and now - (status.stalled_since or now) >= _REFUSES_AFTER for status in stalled),
            )
        if running.record is not None:
            status = running.record.status
            down = status.sink_down and now - (status.down_since or now) >= micros(limits.down)
            yield "sink-down", down
            yield "quarantine-full", now - self.thinned_at < _THINNED_FOR
        if running.alerting is not None:
            for street, seconds in lag_seconds.items():
                if seconds <= limits.lag.total_seconds():
                    self._behind.pop(street, None)
                # Not at once: when the clock is put on, every street is an hour behind for a moment.
                behind = seconds > limits.lag.total_seconds() and now - self._behind.setdefault(street, now)
                yield f"street-lags:{street}", behind >= _BEHIND_FOR
        if running.delivery is not None:
            for name, since in running.delivery.down_since.items():
                yield f"channel-down:{name}", since is not None and now - since >= micros(limits.down)
