"""The first street: from the broker into the journal, acknowledged when it is durable and not before.

One batch is being appended while the next one gathers. The broker's session is the street's position: what was not
acknowledged comes again.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import structlog

from firesense.domain.errors import JournalError, JournalFull
from firesense.domain.frame import Marks
from firesense.pace import Pace

if TYPE_CHECKING:
    from firesense.domain.frame import FrameBatch
    from firesense.domain.instant import Instant
    from firesense.ports import Clock, Delivery, Journal, Transport

log = structlog.get_logger(__name__)

LOOK_BACK = 65_535  # frames: as many as there are packet identifiers; beyond that one cannot tell who is who
_STEP = 8192  # frames read of the journal at once
_FIRST_WAIT = timedelta(milliseconds=100)
_LONGEST_WAIT = timedelta(seconds=5)


@dataclass(slots=True)
class IngestStatus:
    """Frames since the start. ``stalled`` while the journal does not take what came: the broker keeps it meanwhile."""

    received: int = 0
    appended: int = 0
    repeated: int = 0
    last_append_at: Instant | None = None
    stalled: bool = False
    stalled_since: Instant | None = None
    full: bool = False  # whether it is a limit of the settings that the journal does not take more for
    busy: bool = False  # whether frames were received that are not in the journal yet
    turns: int = 0  # grows with every attempt to append
    pace: Pace = field(default_factory=Pace)


class Ingest:
    """Takes frames of one transport into the journal, until cancelled."""

    def __init__(self, transport: Transport, journal: Journal, clock: Clock) -> None:
        self._transport = transport
        self._journal = journal
        self._clock = clock
        self._epoch: int | None = None
        self._held: dict[int, tuple[str, bytes]] | None = None
        self.status = IngestStatus()

    @property
    def transport(self) -> Transport:
        """Where its frames come from."""
        return self._transport

    async def run(self) -> None:
        """Receive, append, acknowledge, again and again.

        Cancelled, it waits for the append that is under way and acknowledges it: stop the transport after it.
        """
        with ThreadPoolExecutor(1, f"journal {self._transport.name}") as writer:
            while True:
                delivery = await self._transport.receive()
                self.status.received += len(delivery.batch)
                self.status.busy = True
                await self._append(writer, delivery)
                self.status.busy = False
                self._transport.acknowledge(delivery)

    async def _append(self, writer: ThreadPoolExecutor, delivery: Delivery) -> None:
        """Append until the journal takes it; frames stay with the broker as long."""
        loop = asyncio.get_running_loop()
        wait = _FIRST_WAIT
        while True:
            self.status.turns += 1
            append = loop.run_in_executor(writer, self._write, delivery)
            try:
                batch = await asyncio.shield(append)
            except asyncio.CancelledError:
                await asyncio.wait((append,))
                if append.exception() is None:
                    self._appended(append.result())
                    self._transport.acknowledge(delivery)
                raise
            except JournalError as error:
                self.status.full = isinstance(error, JournalFull)
                if not self.status.stalled:
                    self.status.stalled, self.status.stalled_since = True, self._clock.now()
                    log.error("journal_refuses", transport=self._transport.name, reason=str(error))  # noqa: TRY400 - the reason says it all
                await asyncio.sleep(wait.total_seconds())
                wait = min(wait * 2, _LONGEST_WAIT)
            else:
                break
        self._appended(batch)

    def _appended(self, batch: FrameBatch) -> None:
        if self.status.stalled:
            self.status.stalled, self.status.stalled_since, self.status.full = False, None, False
            log.info("journal_takes_again", transport=self._transport.name)
        self.status.appended += len(batch)
        self.status.repeated += int(np.count_nonzero(batch.marks & Marks.REPEATED))
        self.status.last_append_at = self._clock.now()

    # -- in the writer's thread -------------------------------------------------------------------------------------
    def _write(self, delivery: Delivery) -> FrameBatch:
        with self.status.pace.stage("append", len(delivery.batch)):
            return self._journal.append(self._mark_repeated(delivery))

    def _mark_repeated(self, delivery: Delivery) -> FrameBatch:
        """Mark redelivered frames that the journal holds already.

        A redelivered frame keeps its packet identifier (MQTT 5.0 clause 4.4), and an identifier is used again only
        after its frame was acknowledged: the last frame under that identifier is the same one, or one done with.
        Nothing is redelivered within a connection, so one look at the journal's end serves for all of it.
        """
        batch = delivery.batch
        redelivered = np.flatnonzero(batch.marks & Marks.REDELIVERED)
        if not len(redelivered):
            return batch
        if self._held is None or self._epoch != delivery.epoch:
            self._held, self._epoch = self._last_frames(), delivery.epoch
        marks = batch.marks.copy()
        for row in redelivered.tolist():
            if self._held.get(int(batch.packet_ids[row])) == (batch.topics[row], batch.payloads[row]):
                marks[row] |= Marks.REPEATED
        return replace(batch, marks=marks)

    def _last_frames(self) -> dict[int, tuple[str, bytes]]:
        """The last frame of this transport under each packet identifier, from the journal's end.

        Nothing when the end cannot be read: a frame counted twice is better than frames that are not taken.
        """
        try:
            return self._read_last_frames()
        except JournalError as error:
            log.warning("journal_end_unreadable", transport=self._transport.name, reason=str(error))
            return {}

    def _read_last_frames(self) -> dict[int, tuple[str, bytes]]:
        found: dict[int, tuple[str, bytes]] = {}
        offset = max(self._journal.tail, self._journal.head - LOOK_BACK)
        while (batch := self._journal.read(offset, _STEP)) is not None:
            offset = batch.next_offset
            if batch.source == self._transport.name:
                found.update(
                    zip(batch.packet_ids.tolist(), zip(batch.topics, batch.payloads, strict=True), strict=True)
                )
        found.pop(0, None)
        return found
