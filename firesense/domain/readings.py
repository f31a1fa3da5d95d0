"""Readings: what frames say, in canonical units, one column per metric and signal."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from firesense.domain.columns import Flags, Floats, Instants, Mask, Offsets, Rows, Slots, Tristate

UNSAID = -1  # of a signal: the frame does not speak of it


class Quality(IntFlag):
    """What to keep in mind about a reading, one bit each; 0 is a good reading."""

    OWN_TIME_MISSING = 1  # the device sent no time: event time is receive time
    CLOCK_WRONG = 2  # the device's time is before firesense existed or far ahead: event time is receive time
    LATE = 4  # arrived long after it happened (buffered history): recorded, pages nobody but for a fire flag
    OUT_OF_RANGE = 8  # a value outside the catalogue's plausible range was dropped (NaN)
    SENTINEL = 16  # a value that means "no probe" or "read failed" was dropped (NaN)
    RETAINED = 32  # retained by the broker: state from before we listened
    REPLAYED = 64  # put back from the quarantine
    UNKNOWN_VALUE = 128  # a signal's value that the profile does not list: left unsaid, or asserted if a fire flag
    SALVAGED = 256  # what could be read of a frame in quarantine that says fire: event time is receive time


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """n readings of one device class and one profile.

    ``metrics`` holds a float64 column for each metric that at least one row says (NaN = not said), ``signals`` an int8
    column (1 asserted, 0 clear, UNSAID). A metric nobody said has no column. A frame that carries several records
    gives several rows with one offset, oldest first.
    """

    device_class: str
    profile: str
    slots: Slots
    event_at: Instants
    received_at: Instants
    offsets: Offsets
    quality: Flags
    metrics: dict[str, Floats]
    signals: dict[str, Tristate]

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.slots)

    def take(self, rows: Rows | Mask) -> Readings:
        """Pick rows by index or by mask; columns are copied."""
        return Readings(
            self.device_class,
            self.profile,
            self.slots[rows],
            self.event_at[rows],
            self.received_at[rows],
            self.offsets[rows],
            self.quality[rows],
            {name: column[rows] for name, column in self.metrics.items()},
            {name: column[rows] for name, column in self.signals.items()},
        )


def rounds(slots: Slots, event_at: Instants) -> list[Rows]:
    """Split rows into rounds in which no device appears twice, each device's rows in time order over the rounds.

    The common case, no device twice, costs one sort and gives a single round in the rows' own order.
    """
    n = len(slots)
    if n == 0:
        return []
    order = np.lexsort((np.arange(n), event_at, slots))
    sorted_slots = slots[order]
    first = np.empty(n, dtype=np.bool_)
    first[0] = True
    np.not_equal(sorted_slots[1:], sorted_slots[:-1], out=first[1:])
    if first.all():
        return [np.arange(n)]
    starts = np.flatnonzero(first)
    depth = np.arange(n) - np.repeat(starts, np.diff(np.append(starts, n)))
    by_depth = np.argsort(depth, kind="stable")
    edges = np.flatnonzero(np.diff(depth[by_depth])) + 1
    return [order[part] for part in np.split(by_depth, edges)]
