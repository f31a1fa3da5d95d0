"""What waits for a hold to run out: kept of the devices that wait, not of all there are.

Few answers wait at a time, but over the months every device does: columns by slot would come to cost 24 bytes a device
and rule for good. Here a device costs the four bytes that say where its row is, and rows are used again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from firesense.domain.columns import Floats, Instants, Slots
    from firesense.domain.instant import Instant

NEVER = int(np.iinfo(np.int64).max)
_FEWEST = 64  # rows; row 0 is nobody's


class Waiting:
    """When the waiting of each device is over, in event time and in ours, and the value that is told then."""

    def __init__(self, size: int) -> None:
        """Nobody of ``size`` devices waits."""
        self._row = np.zeros(size, np.int32)
        self.next_due: Instant = NEVER  # nothing is due before; it may be that nothing is due then, either
        self._empty()

    def _empty(self) -> None:
        self._slot = np.full(_FEWEST, -1, np.int32)
        self._over_at = np.zeros(_FEWEST, np.int64)
        self._due = np.zeros(_FEWEST, np.int64)
        self._value = np.zeros(_FEWEST, np.float64)
        self._free = np.arange(_FEWEST - 1, 0, -1, dtype=np.int32)  # a stack; its top is at its end
        self._left = len(self._free)

    def __len__(self) -> int:
        """How many devices wait."""
        return len(self._free) - self._left

    @property
    def slots(self) -> Slots:
        """Who waits, in order."""
        waiting: Slots = np.sort(self._slot[self._slot >= 0])
        return waiting

    def over_at(self, slots: Slots) -> Instants:
        """The event time at which the hold of each is over; 0 for those that do not wait."""
        return self._over_at[self._row[slots]]

    def due(self, slots: Slots) -> Instants:
        """Our time at which it is over when nothing more is heard."""
        return self._due[self._row[slots]]

    def value(self, slots: Slots) -> Floats:
        """The value of the newest reading that kept each going."""
        return self._value[self._row[slots]]

    def begin(self, slots: Slots, over_at: Instants, due: Instants) -> None:
        """These wait from now on, each named once; those that did already wait anew."""
        if len(slots) == 0:
            return
        rows = self._row[slots]
        new = np.flatnonzero(rows == 0)
        rows[new] = self._take(len(new))
        self._row[slots], self._slot[rows] = rows, slots
        self._over_at[rows], self._due[rows] = over_at, due
        self.next_due = min(self.next_due, int(due.min()))

    def note(self, slots: Slots, values: Floats) -> None:
        """Keep the values of those of these that wait."""
        rows = self._row[slots]
        waits = rows > 0
        self._value[rows[waits]] = values[waits]

    def end(self, slots: Slots) -> None:
        """None of these waits any more."""
        rows = self._row[slots]
        rows = rows[rows > 0]
        if len(rows) == 0:
            return
        self._row[self._slot[rows]] = 0
        self._slot[rows] = -1
        self._free[self._left : self._left + len(rows)] = rows
        self._left += len(rows)
        if self._left == len(self._free) and self._left >= _FEWEST:
            self._empty()

    def look_ahead(self) -> None:
        """Look up anew what is due next. Costs by what waits."""
        self.next_due = int(self._due[self._slot >= 0].min(initial=NEVER))

    def _take(self, rows: int) -> Slots:
        """Give rows that are free."""
        while self._left < rows:
            had, more = len(self._slot), len(self._slot) // 2
            self._slot = np.concatenate([self._slot, np.full(more, -1, np.int32)])
            for name in ("_over_at", "_due", "_value"):
                column = getattr(self, name)
                setattr(self, name, np.concatenate([column, np.zeros(more, column.dtype)]))
            free = np.arange(had + more - 1, had - 1, -1, dtype=np.int32)
            self._free = np.concatenate([self._free[: self._left], free, np.zeros(len(self), np.int32)])
            self._left += more
        self._left -= rows
        return self._free[self._left : self._left + rows].copy()
