"""Frames that have arrived and wait to be received, kept apart by the connection they came on."""

from __future__ import annotations

import asyncio
from array import array
from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from firesense.domain.frame import FrameBatch, Marks
from firesense.domain.instant import SECOND
from firesense.ports import Delivery

if TYPE_CHECKING:
    from collections.abc import Callable

    from firesense.ports import Clock
    from firesense.transport.health import Health
    from firesense.transport.options import MqttOptions

_JITTER = SECOND  # a clock that is further behind than this was put back


class Run:
    """The frames of one connection, as columns to append to in step; ``received_at`` is the inbox's."""

    __slots__ = ("epoch", "marks", "packet_ids", "payloads", "received_at", "topics")

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch
        self.topics: list[str] = []
        self.payloads: list[bytes] = []
        self.marks = bytearray()
        self.packet_ids = array("H")
        self.received_at = array("q")

    def take(self, most: int, source: str) -> FrameBatch:
        """Remove the oldest frames."""
        batch = FrameBatch(
            source,
            self.topics[:most],
            self.payloads[:most],
            np.frombuffer(self.received_at[:most], np.int64),
            np.frombuffer(self.marks[:most], np.uint8),
            np.frombuffer(self.packet_ids[:most], np.uint16),
        )
        for column in (self.topics, self.payloads, self.marks, self.packet_ids, self.received_at):
            del column[:most]
        return batch


class Inbox:
    """Gathers frames into batches that close at a size or a few milliseconds after their first frame.

    Belongs to one event loop. Whoever fills it appends to the columns of ``run``, calls ``stamp``, and stops filling
    while ``full``; ``on_room`` is called when half of what made it full is gone.
    """

    def __init__(self, options: MqttOptions, clock: Clock, health: Health, on_room: Callable[[], None]) -> None:
        self._options = options
        self._clock = clock
        self._health = health
        self._on_room = on_room
        self._runs: deque[Run] = deque()
        self._ready = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._timer: asyncio.TimerHandle | None = None
        self._failure: BaseException | None = None
        self._last_at = 0
        self.waiting = 0
        self.waiting_bytes = 0
        self.run = Run(0)

    @property
    def full(self) -> bool:
        """Whether as much waits as may; True until half of it is gone."""
        return not self._room.is_set()

    def begin(self, epoch: int) -> None:
        """Start the frames of a new connection; those of older ones are given out first."""
        if self._runs and not self.run.payloads:
            self._runs.pop()
        self.run = Run(epoch)
        self._runs.append(self.run)
        self._close_when_due()

    def stamp(self) -> None:
        """Give the frames appended since the last call their instants: now, rising strictly over all frames.

        Only when the clock was put back they start anew from it: instants that ran ahead of it for an hour would make
        every device with a right clock look late. Cuts and marks payloads that are too long.
        """
        run = self.run
        known = len(run.received_at)
        new = len(run.payloads) - known
        if not new:
            return
        now = self._clock.now()
        at = now if now < self._last_at - _JITTER else max(now, self._last_at + 1)
        self._last_at = at + new - 1
        run.received_at.frombytes(np.arange(at, at + new, dtype=np.int64).tobytes())
        self.waiting += new
        size = sum(map(len, run.payloads[known:]))
        if size > self._options.max_packet:
            size = self._cut(known)
        self.waiting_bytes += size
        if not known or len(run.payloads) >= self._options.batch_size > known:
            self._close_when_due()
        if self.waiting >= self._options.backlog or self.waiting_bytes >= self._options.backlog_bytes:
            self._room.clear()

    def _cut(self, first: int) -> int:
        """Cut the payloads from there on that are too long; counts the bytes of all of them."""
        most, run = self._options.max_packet, self.run
        for row in range(first, len(run.payloads)):
            if len(run.payloads[row]) > most:
                run.payloads[row] = run.payloads[row][:most]
                run.marks[row] |= Marks.CUT
                self._health.cut += 1
        return sum(map(len, run.payloads[first:]))

    def fail(self, error: BaseException) -> None:
        """Make ``receive`` raise this, after what waits has been given out."""
        self._failure = error
        self._ready.set()

    async def room(self) -> None:
        """Wait until it is not full."""
        await self._room.wait()

    async def receive(self) -> Delivery:
        """Wait for the next batch: at most ``batch_size`` frames of one connection, oldest first."""
        await self._ready.wait()
        if self._failure is not None and not self.waiting:
            raise self._failure
        run = self._runs[0]
        batch = run.take(self._options.batch_size, self._options.name)
        if len(self._runs) > 1 and not run.payloads:
            self._runs.popleft()
        self.waiting -= len(batch)
        self.waiting_bytes -= sum(map(len, batch.payloads))
        if self._failure is None:
            self._ready.clear()
            self._close_when_due()
        self._make_room()
        return Delivery(batch, run.epoch)

    def _close_when_due(self) -> None:
        """Let the oldest batch be received: at once when it is complete, else a few milliseconds from now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if len(self._runs) > 1 or len(self.run.payloads) >= self._options.batch_size:
            self._ready.set()
        elif self.waiting:
            self._timer = asyncio.get_running_loop().call_later(self._options.linger.total_seconds(), self._ready.set)

    def _make_room(self) -> None:
        if (
            self.full
            and self.waiting <= self._options.backlog // 2
            and self.waiting_bytes <= self._options.backlog_bytes // 2
        ):
            self._room.set()
            self._on_room()
