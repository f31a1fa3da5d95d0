"""Recorded frames instead of a broker: for tests and for going over the past."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from firesense.ports import Delivery

if TYPE_CHECKING:
    from collections.abc import Iterable

    from firesense.domain.frame import FrameBatch


class ReplayTransport:
    """Gives batches in order, then nothing more until it is given more; remembers what was acknowledged.

    ``reconnect`` gives every frame that was not acknowledged once more, as a broker does.
    """

    def __init__(self, name: str, batches: Iterable[FrameBatch] = ()) -> None:
        self._name = name
        self._coming = deque(batches)
        self._given: list[FrameBatch] = []
        self._more = asyncio.Event()
        self._epoch = 1
        self._started = False
        self.acknowledged: list[FrameBatch] = []
        self.stale = 0

    @property
    def name(self) -> str:
        """The source written on its frames."""
        return self._name

    @property
    def connected(self) -> bool:
        """Whether it was started and not stopped."""
        return self._started

    @property
    def trouble(self) -> str:
        """Never any."""
        return ""

    async def start(self) -> None:
        """Begin to give batches."""
        self._started = True
        self._more.set()

    async def receive(self) -> Delivery:
        """Give the next batch; waits when there is none, or before the start."""
        while not (self._started and self._coming):
            self._more.clear()
            await self._more.wait()
        batch = self._coming.popleft()
        self._given.append(batch)
        return Delivery(batch, self._epoch)

    def acknowledge(self, delivery: Delivery) -> None:
        """Remember the batch as done, unless it came before the last ``reconnect``."""
        if delivery.epoch != self._epoch:
            self.stale += len(delivery.batch)
            return
        self._given = [batch for batch in self._given if batch is not delivery.batch]
        self.acknowledged.append(delivery.batch)

    async def stop(self) -> None:
        """Give no more."""
        self._started = False

    def add(self, batch: FrameBatch) -> None:
        """Let one more batch arrive."""
        self._coming.append(batch)
        self._more.set()

    def reconnect(self, redelivered: Iterable[FrameBatch] | None = None) -> None:
        """Begin a new connection: what was not acknowledged (or what is given here) comes again, first."""
        again = list(self._given if redelivered is None else redelivered)
        self._coming.extendleft(reversed(again))
        self._given = []
        self._epoch += 1
        self._more.set()
