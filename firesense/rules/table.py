"""What a table of readings is for the rules: its columns by name, and which rows may move their state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from firesense.domain.readings import Quality, rounds

if TYPE_CHECKING:
    from collections.abc import Callable

    from firesense.domain.columns import Flags, Floats, Instants, Mask, Offsets, Rows, Slots
    from firesense.domain.readings import Readings

STALE = Quality.LATE | Quality.REPLAYED  # what happened long ago says nothing about now


@dataclass(slots=True, eq=False)
class Table:
    """The readings as the rules see them.

    ``current`` marks the rows that are neither stale nor older than a row of the same device that came before them;
    ``distinct`` says that no device appears twice.
    """

    slots: Slots
    event_at: Instants
    received_at: Instants
    offsets: Offsets
    quality: Flags
    columns: dict[str, np.ndarray[Any, Any]]
    current: Mask
    distinct: bool
    _scratch: Mask  # by slot, all false between two questions
    _turns: list[Rows] | None = None

    @property
    def turns(self) -> list[Rows]:
        """The rows that are points of a series, in rounds in which no device appears twice.

        A retained message is none: without a time of its own it seems to be of now.
        """
        if self._turns is None:
            rows = np.flatnonzero(self.current & ((self.quality & int(Quality.RETAINED)) == 0))
            # In order of arrival, not of time: rows that are older than one before them are not current.
            self._turns = [rows] if self.distinct else [rows[turn] for turn in rounds(self.slots[rows], rows)]
        return self._turns

    def of_the_devices_of(self, rows: Mask) -> Mask:
        """Mark every row of the devices that have one of these rows."""
        some = self.slots[rows]
        self._scratch[some] = True
        found: Mask = self._scratch[self.slots]
        self._scratch[some] = False
        return found

    def values(self, metric: str) -> Floats | None:
        """The column of a metric, or None when no row says it."""
        return self.columns.get(metric)

    def in_turns(self, metric: str, step: Callable[[Slots, Instants, Floats], Floats]) -> Floats | None:
        """Ask ``step`` of every point that says a metric, each device's in their order; None when no row says it."""
        values = self.values(metric)
        if values is None:
            return None
        column = np.full(len(values), np.nan)
        said = ~np.isnan(values)
        for turn in self.turns:
            rows = turn[said[turn]]
            if len(rows):
                column[rows] = step(self.slots[rows], self.event_at[rows], values[rows])
        return column


class Order:
    """The newest current reading of every device of a class: what tells news from what is out of order.

    Rows are taken in the order they arrived, so that cutting the same rows into other batches changes nothing.
    """

    def __init__(self, size: int) -> None:
        """Know nothing of ``size`` devices."""
        self.newest = np.zeros(size, np.int64)
        self._last_row = np.zeros(size, np.int32)
        self._scratch = np.zeros(size, np.bool_)

    def table(self, readings: Readings) -> Table:
        """Sort out a table, and remember its newest rows."""
        slots, event_at = readings.slots, readings.event_at
        row = np.arange(len(slots), dtype=np.int32)
        self._last_row[slots] = row
        distinct = bool((self._last_row[slots] == row).all())
        current = ((readings.quality & int(STALE)) == 0) & (event_at >= self.newest[slots])
        if not distinct:
            current[current] = _rising(slots[current], event_at[current])
        self.newest[slots[current]] = event_at[current]  # they rise, so the last one assigned is the newest
        return Table(
            slots,
            event_at,
            readings.received_at,
            readings.offsets,
            readings.quality,
            {**readings.metrics, **readings.signals},
            current,
            distinct,
            self._scratch,
        )


def _rising(slots: Slots, event_at: Instants) -> Mask:
    """Find the rows that are not older than any earlier row of the same device."""
    rows = len(slots)
    if rows == 0:
        return np.zeros(0, np.bool_)
    order = np.argsort(slots, kind="stable")
    by_device = slots[order]
    group = np.zeros(rows, np.int64)
    np.cumsum(by_device[1:] != by_device[:-1], out=group[1:])
    _, rank = np.unique(event_at, return_inverse=True)
    key = group * rows + rank[order]  # ranks instead of instants, so that the groups fit into one int64
    rising = np.empty(rows, np.bool_)
    rising[order] = key >= np.maximum.accumulate(key)
    return rising
