"""What a metric has settled at, hour of the day by hour of the day: twenty-four baselines a device.

Leakage follows the machines, pressure follows the taps: against a mean over the whole day a working day looks like
creep, and what creeps at night is lost in it. The mean of an hour is put to the baseline of that hour when the hour is
over, so a reading is always compared with other days. Hours are those of UTC: whose noon it is does not matter here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from firesense.domain.instant import DAY, HOUR

if TYPE_CHECKING:
    from firesense.domain.columns import Floats, Instants, Slots
    from firesense.rules.looks import Look
    from firesense.rules.table import Table

HOURS = 24
GREATEST = float(np.finfo(np.float16).max)


class Hourly:
    """The baselines of one metric for every device: 72 bytes each, none of them touched before the device says it.

    A baseline is the mean over all days since the first reading, then one that forgets at the pace of the window. It
    is kept to three digits (float16): a day moves it by a thirtieth of a difference that may be fifty times smaller
    than what a rule asks for. An hour that was never heard has none; days without readings change nothing.
    """

    def __init__(self, look: Look, size: int) -> None:
        """Know nothing of ``size`` devices."""
        self.look = look
        self._days = max(look.window // DAY, 1)
        self.usual = np.zeros((size, HOURS), np.float16)
        self.heard = np.zeros(size, np.uint32)  # a bit for each hour of the day that has a baseline
        self.began = np.zeros(size, np.int32)  # hours since the epoch, of the first reading
        self.hour = np.zeros(size, np.int32)  # ... of the hour under way
        self.sum = np.zeros(size, np.float64)
        self.count = np.zeros(size, np.int32)

    @property
    def kept(self) -> dict[str, np.ndarray[Any, Any]]:
        """The state, to be written down."""
        names = ("usual", "heard", "began", "hour", "sum", "count")
        return {name: getattr(self, name) for name in names}

    def column(self, table: Table) -> Floats | None:
        """What is usual at the hour of each row; None when no row says the metric."""
        return table.in_turns(self.look.subject, self._step)

    def _step(self, slots: Slots, at: Instants, values: Floats) -> Floats:
        hour = (at // HOUR).astype(np.int32)
        first = slots[self.began[slots] == 0]
        self.began[first] = self.hour[first] = hour[self.began[slots] == 0]
        self._settle(slots[self.hour[slots] != hour])
        self.hour[slots] = hour
        self.sum[slots] += values
        self.count[slots] += 1
        known = (self.heard[slots] >> (hour % HOURS).astype(np.uint32)) & 1 == 1
        known &= (hour - self.began[slots]) * 2 >= self.look.window // HOUR
        return np.where(known, self.usual[slots, hour % HOURS], np.nan)

    def _settle(self, slots: Slots) -> None:
        """Put the hour that is over to its baseline."""
        if len(slots) == 0:
            return
        hour = self.hour[slots]
        place, bit = hour % HOURS, np.uint32(1) << (hour % HOURS).astype(np.uint32)
        mean = self.sum[slots] / self.count[slots]
        days = np.minimum((hour - self.began[slots]) // HOURS + 1, self._days)
        before = np.where(self.heard[slots] & bit, self.usual[slots, place].astype(np.float64), mean)
        self.usual[slots, place] = np.clip(before + (mean - before) / days, -GREATEST, GREATEST)
        self.heard[slots] |= bit
        self.sum[slots] = 0.0
        self.count[slots] = 0
