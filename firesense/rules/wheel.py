"""Slots to look at again later, at the cost of those whose time has come."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

import numpy as np

from firesense.domain.instant import SECOND

if TYPE_CHECKING:
    from firesense.domain.columns import Instants, Slots
    from firesense.domain.instant import Instant


class Wheel:
    """Slots in buckets of a second by the time to look at them again."""

    def __init__(self) -> None:
        """Hold nothing."""
        self._buckets: dict[int, list[Slots]] = {}
        self._order: list[int] = []

    def add(self, slots: Slots, at: Instants) -> None:
        """Look at these slots at or after these instants."""
        buckets = -(-at // SECOND)
        for bucket in np.unique(buckets).tolist():
            if bucket not in self._buckets:
                heapq.heappush(self._order, bucket)
            self._buckets.setdefault(bucket, []).append(slots[buckets == bucket])

    def due(self, now: Instant) -> Slots:
        """Take out the slots whose time has come, each once, in order."""
        taken: list[Slots] = []
        while self._order and self._order[0] * SECOND <= now:
            taken += self._buckets.pop(heapq.heappop(self._order))
        return np.unique(np.concatenate(taken)) if taken else np.zeros(0, np.int32)
