"""Reading the history for pages: few at a time, so that a store that hangs holds up nothing but its own charts."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from anyio import CapacityLimiter, to_thread

from firesense.domain.errors import HistoryDown

if TYPE_CHECKING:
    from collections.abc import Callable

_AT_ONCE = 4
_PATIENCE = timedelta(seconds=2)  # for a turn: reading takes milliseconds unless the store is in trouble
_RETRY_AFTER = timedelta(seconds=5)

T = TypeVar("T")


class Threads:
    """Threads for work that takes long, at most so many at once: log-ins, callbacks and the rest have their own.

    Whoever waits for a turn holds no thread.
    """

    def __init__(self, at_once: int) -> None:
        self._limit = CapacityLimiter(at_once)

    async def run(self, work: Callable[..., T], *arguments: object) -> T:
        """Work in one of these threads, when its turn comes. Raises whatever the work raises."""
        return await to_thread.run_sync(partial(work, *arguments), limiter=self._limit)


class HistoryReads:
    """At most four reads at a time, in threads that nothing else waits for."""

    def __init__(self, at_once: int = _AT_ONCE, patience: timedelta = _PATIENCE) -> None:
        self._turns = asyncio.Semaphore(at_once)
        self._threads = CapacityLimiter(at_once)
        self._patience = patience.total_seconds()

    async def read(self, question: Callable[[], T]) -> T:
        """Ask in a thread. Raises HistoryDown when no turn comes in time, and whatever the question raises."""
        try:
            async with asyncio.timeout(self._patience):
                await self._turns.acquire()
        except TimeoutError:
            raise HistoryDown("all reads wait for the history store", _RETRY_AFTER) from None
        try:
            return await to_thread.run_sync(question, limiter=self._threads)
        finally:
            self._turns.release()
