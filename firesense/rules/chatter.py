"""Chatter: a rule that trips again and again at one device is one alarm, over when it has been quiet for a while.

The third trip within ten minutes makes it chatter: from then on it goes on firing until nothing has tripped it for ten
minutes. Every further trip is told all the same, so that the alert counts them. Both numbers are own defaults (ISA 18.2
and EEMUA 191 call three a minute a chattering alarm; detectors are slower than process instruments).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from firesense.domain.instant import MINUTE

if TYPE_CHECKING:
    from firesense.domain.columns import Instants, Slots
    from firesense.domain.instant import Instant

WITHIN = 10 * MINUTE
QUIET = 10 * MINUTE


class Chatter:
    """When one rule tripped lately, by slot: kept of the devices it tripped at, at most ``trips`` instants each."""

    def __init__(self, trips: int) -> None:
        """``trips`` within ten minutes are chatter; 0 never are."""
        self.trips = trips
        self._at: dict[int, list[Instant]] = {}

    def count(self, slots: Slots, at: Instants) -> None:
        """Remember these trips."""
        if self.trips:
            for slot, tripped_at in zip(slots.tolist(), at.tolist(), strict=True):
                self._at[slot] = [*self._at.get(slot, ()), tripped_at][-self.trips :]

    def holds(self, slots: Slots, at: Instants, plain: Instant) -> Instants:
        """How long a clearing of each of these devices has to last: ``plain`` unless it chatters."""
        holds = np.full(len(slots), plain, np.int64)
        if self._at:
            for row, (slot, now) in enumerate(zip(slots.tolist(), at.tolist(), strict=True)):
                tripped = self._at.get(slot, [])
                if len(tripped) == self.trips and now - tripped[0] <= WITHIN:
                    holds[row] = max(plain, QUIET)
        return holds

    # -- what is kept -----------------------------------------------------------------------------------------------
    def snapshot(self) -> np.ndarray[Any, Any]:
        """Rows of slot and instant."""
        rows = [(slot, at) for slot, tripped in self._at.items() for at in tripped]
        return np.array(rows, np.int64).reshape(-1, 2)

    def restore(self, kept: np.ndarray[Any, Any] | None, size: int) -> None:
        """Take a snapshot over; what does not fit is left aside."""
        if kept is None or kept.ndim != 2 or kept.dtype != np.int64:  # noqa: PLR2004 -- rows and columns
            return
        self._at = {}
        for slot, at in kept.tolist():
            if 0 <= slot < size:
                self.count(np.array([slot]), np.array([at]))
