"""The record street: journal -> readings -> history.

The journal is its only buffer: a store that is away delays history and nothing else. Writing is idempotent, so the
position may lag behind what was written; it is committed about once a second, together with how the frames up to it
ended, so that every frame is counted once however often it is written.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from collections import deque
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from firesense.domain.errors import BookError, HistoryDown, HistoryRefused, JournalError
from firesense.domain.frame import Reason, Refusal
from firesense.domain.instant import SECOND, Instant, micros
from firesense.domain.outcome import Outcome, Tally
from firesense.pace import Pace

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from firesense.domain.device import Registry
    from firesense.domain.frame import FrameBatch
    from firesense.domain.plan import Plan
    from firesense.ports import Book, Clock, History, Journal
    from firesense.reader import Read, Reader

STREET = "record"
_COMMIT_EVERY = SECOND
_GLANCE = timedelta(milliseconds=500)  # the longest wait for frames: how soon a stop is seen
_GATHER = timedelta(milliseconds=200)  # charts can wait this long, and larger writes cost every store less
_FIRST_WAIT = timedelta(seconds=1)
_LONGEST_WAIT = timedelta(seconds=60)
_REFUSED_WAIT = timedelta(seconds=60)  # a person has to change something first
_LONGEST_ASKED = timedelta(minutes=15)  # however long a store asks us to stay away
_TRIMMED = "the journal no longer holds them"
_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class RecordStatus:
    """How the street does, for whoever watches it. ``position`` is the committed one, ``lag`` counts frames to go."""

    position: int = 0
    lag: int = 0
    last_write_at: Instant | None = None
    down_since: Instant | None = None
    last_error: str = ""
    gone_back: int = 0  # frames written again after outages
    errors: int = 0  # writes that failed, and reads of the journal and the book
    sink_down: bool = False  # whether it is the history store that ``down_since`` is about
    turns: int = 0  # grows while the street moves, even when there is nothing to do
    pace: Pace = field(default_factory=Pace)


@dataclass(frozen=True, slots=True, eq=False)
class _Stretch:
    """Frames that were read and are not in the history yet; read once, because a reader remembers repeats."""

    batch: FrameBatch
    read: Read
    registry: Registry


class Record:
    """See the module. ``step`` does one stretch of the journal; ``run`` does so until stopped.

    ``go_back`` is how much is written again after an outage of the store (and at the start, for it may have crashed
    together with us): all that it had accepted in that time before it went away, since some stores lose it.
    """

    def __init__(
        self,
        journal: Journal,
        book: Book,
        history: History,
        clock: Clock,
        plan_source: Callable[[], Plan],
        make_reader: Callable[[Plan], Reader],
        *,
        most: int = 5000,
        go_back: timedelta = timedelta(seconds=60),
    ) -> None:
        self._journal = journal
        self._book = book
        self._history = history
        self._clock = clock
        self._plan_source = plan_source
        self._make_reader = make_reader
        self._most = most
        self._go_back = micros(go_back)
        self._plan: Plan | None = None
        self._reader: Reader | None = None
        self._stretch: _Stretch | None = None
        self._next = -1  # the offset to read next; -1 before the first step
        self._done = 0  # every frame below was written and counted; below it frames are only written again
        self._tally = Tally()  # of the frames between the committed position and _done
        self._refusals: list[Refusal] = []
        self._committed_at: Instant = 0
        self._written: deque[tuple[Instant, int]] = deque()  # (when, first offset) of the writes of the last go_back
        self._reach = self._go_back
        self._broken_at: Instant = 0
        self._returned = -1  # how far it was when it went back last
        self._connections: int | None = None
        self._renewed = False  # whether there is a new connection, and what was written before it was not repeated yet
        self._renewed_at: Instant = 0
        self._failures = 0
        self.pause = timedelta()  # how long to wait before the next step is worth it
        self.status = RecordStatus()

    def run(self, stop: threading.Event) -> None:
        """Record until stopped."""
        while not stop.is_set():
            if not self.step() and not self.pause:
                self._wait()
            self._rest(stop)
        self.settle()

    def _rest(self, stop: threading.Event) -> None:
        """Wait as long as the pause says, and show meanwhile that it is a pause and no standstill."""
        left = self.pause.total_seconds()
        while left > 0 and not stop.wait(min(left, 1.0)):
            left -= 1.0
            self.status.turns += 1

    def step(self) -> bool:
        """Do the next stretch; says whether anything was written. ``pause`` says when to come again."""
        now = self._clock.now()
        self.status.turns += 1
        try:
            if self._next < 0:
                self._begin(now)
            if abs(now - self._committed_at) >= _COMMIT_EVERY:
                self._commit(now)
            head = self._journal.head
            self.status.lag = head - self._done
            self._return_for_connection(now)
            frames = self._write(now)
            self.status.lag = max(head - self._done, 0)
        except (BookError, JournalError) as error:
            self._trouble(now, error)
            return False
        except HistoryRefused as error:
            self.status.sink_down = True
            self._trouble(now, error, _REFUSED_WAIT)
            return False
        except HistoryDown as error:
            self.status.sink_down = True
            self._trouble(now, error, error.retry_after)
            if error.retry_after is None:  # a store that says when to come back is alive: it has lost nothing
                self._return(now)
            return False
        if self.status.down_since is not None:
            _log.info("record.goes_on", after_seconds=(now - self.status.down_since) // SECOND)
        self.status.down_since = None
        self.status.sink_down = False
        self._failures = 0
        self.pause = _GATHER if 0 < frames < self._most else timedelta()
        return frames > 0

    def settle(self) -> None:
        """Commit what is done; for an orderly stop. What cannot be committed now is done again after the start."""
        try:
            self._commit(self._clock.now())
        except BookError as error:
            _log.warning("record.position_not_kept", error=str(error))

    def _wait(self) -> None:
        try:
            self._journal.wait(self._next, _GLANCE)
        except JournalError as error:
            self._trouble(self._clock.now(), error)

    def _begin(self, now: Instant) -> None:
        """Find where to go on: where the book says, and for the store's sake some time before."""
        position, head, tail = self._book.position(STREET), self._journal.head, self._journal.tail
        if position > head:
            raise JournalError(f"the journal ends at {head}, but {position} frames are recorded: it is another journal")
        self._done = self.status.position = position
        self._next = position
        self._committed_at = now
        if self._go_back and tail < position:
            since = self._received_at(position - 1) - self._go_back
            self._next = tail + bisect_left(range(tail, position), since, key=self._received_at)

    def _received_at(self, offset: int) -> Instant:
        batch = self._journal.read(offset, 1)
        return 0 if batch is None else int(batch.received_at[0])

    def _write(self, now: Instant) -> int:
        """Write the stretch at hand or the next one, and count its frames."""
        if self._stretch is None:
            self._stretch = self._read()
        if self._stretch is None:
            return 0
        batch, read = self._stretch.batch, self._stretch.read
        with self.status.pace.stage("write", len(batch)):
            refused = self._history.write(read.tables, self._stretch.registry)
        self._stretch = None
        self._next = batch.next_offset
        self._account(batch, read, refused, now)
        self.status.last_write_at = now
        before, self._connections = self._connections, self._history.connections
        if before not in {None, self._connections} and self._written:
            self._renewed = True
            if self._return_for_connection(now):
                return len(batch)
        while self._written and self._written[0][0] < now - self._go_back:
            self._written.popleft()
        self._written.append((now, batch.first_offset))
        if abs(now - self._broken_at) >= self._go_back:
            self._reach = self._go_back
        return len(batch)

    def _return_for_connection(self, now: Instant) -> bool:
        """Go back when the store took a write on a new connection: since the write before it may have restarted.

        Once in ``go_back``, for a proxy that closes every connection; what is too early is done when it is time.
        """
        if not self._renewed or abs(now - self._renewed_at) < self._go_back:
            return False
        self._renewed, self._renewed_at = False, now
        self._return(now)
        return True

    def _read(self) -> _Stretch | None:
        plan = self._plan_source()
        if plan is not self._plan or self._reader is None:
            self._plan, self._reader = plan, self._make_reader(plan)
        pace = self.status.pace
        with pace.stage("fetch"):
            batch = self._journal.read(self._next, self._most)
        if batch is None:
            return None
        if batch.first_offset > max(self._next, self._done):
            _log.error("record.frames_missing", first=self._next, next=batch.first_offset)
        with pace.stage("read", len(batch)):
            read = self._reader.read(batch)
        return _Stretch(batch, read, plan.registry)

    def _account(self, batch: FrameBatch, read: Read, refused: dict[int, str], now: Instant) -> None:
        """Count the frames that were not counted before: each ended as one of recorded, duplicate, quarantined."""
        first = max(batch.first_offset, self._done)
        self.status.gone_back += min(first, batch.next_offset) - batch.first_offset
        if first >= batch.next_offset:
            return
        refusals = [kept for refusal in read.refusals if (kept := _from(refusal, first)) is not None]
        refusals += [_refusal(batch, offset, reason) for offset, reason in refused.items() if offset >= first]
        duplicates = int((read.duplicate_offsets >= first).sum())
        missing = first - self._done
        if missing > 0:
            refusals.insert(0, Refusal(self._done, batch.source, "", b"", now, Reason.LOST, _TRIMMED, more=missing - 1))
        quarantined = sum(1 + refusal.more for refusal in refusals)
        recorded = batch.next_offset - self._done - duplicates - quarantined
        self._tally += Tally(recorded, duplicates, quarantined)
        self._refusals += refusals
        self._done = batch.next_offset

    def _commit(self, now: Instant) -> None:
        if self._done == self.status.position:
            return
        self._book.commit(Outcome(STREET, self._done, now, refusals=tuple(self._refusals), tally=self._tally))
        self._tally, self._refusals = Tally(), []
        self.status.position = self._done
        self._committed_at = now

    def _return(self, now: Instant) -> None:
        """Go back to what was written within reach of the last write: the store may have lost it.

        The reach is halved when no frame was added since the last time, until nothing has gone wrong for a while: a
        store that is away every few seconds must not keep us at the same frames for ever.
        """
        self._broken_at = now
        if not self._written:
            return
        if self._done == self._returned:
            self._reach //= 2
        self._returned = self._done
        if self._reach < SECOND:
            return
        since = self._written[-1][0] - self._reach
        self._next = next(offset for at, offset in self._written if at >= since)
        self._written.clear()  # all of it is written again from there
        self._stretch = self._reader = None  # what this reader has seen would look like repeats to it

    def _trouble(self, now: Instant, error: Exception, wait: timedelta | None = None) -> None:
        """Note what is wrong, once while it stays the same, and choose how long to wait."""
        self._failures += 1
        self.status.errors += 1
        text = f"{type(error).__name__}: {error}"
        if self.status.down_since is None or text != self.status.last_error:
            _log.warning("record.waits", error=text)
        if self.status.down_since is None:
            self.status.down_since = now
        self.status.last_error = text
        if wait is None:
            wait = min(_FIRST_WAIT * 2 ** min(self._failures - 1, 10), _LONGEST_WAIT) * random.uniform(0.5, 1)
        self.pause = min(max(wait, _FIRST_WAIT / 2), _LONGEST_ASKED)


def _from(refusal: Refusal, first: int) -> Refusal | None:
    """What of a refusal is at an offset or after it."""
    below = first - refusal.offset
    if below <= 0:
        return refusal
    return replace(refusal, offset=first, more=refusal.more - below) if refusal.more >= below else None


def _refusal(batch: FrameBatch, offset: int, reason: str) -> Refusal:
    at = offset - batch.first_offset
    return Refusal(
        offset,
        batch.source,
        batch.topics[at],
        batch.payloads[at],
        int(batch.received_at[at]),
        Reason.SINK_REFUSED,
        reason,
    )
