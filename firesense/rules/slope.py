"""How fast a metric changes: a line through the last readings of each device, however irregular they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from firesense.domain.instant import DAY, HOUR, SECOND
from firesense.domain.readings import Quality

if TYPE_CHECKING:
    from firesense.domain.columns import Floats, Instants, Mask, Rows, Slots
    from firesense.rules.table import Table

KEPT = 8  # readings kept of each device, at least an eighth of the window apart: 128 bytes a device and rule
FEWEST = 3  # two points are always on a line


class Slope:
    """The rate of change of one metric, by least squares over the kept readings of a window and the new one.

    Unknown (NaN) until at least three readings span half of the window: a single jump is not a trend, and a device
    that reports more rarely than that has none. A line through a day or more is drawn once an hour: the readings in
    between have the last one.
    """

    def __init__(self, metric: str, window: int, per: int, size: int) -> None:
        """Remember ``size`` devices; ``window`` and ``per`` in microseconds."""
        self.metric = metric
        self._window = window
        self._per = per
        self.at = np.zeros((size, KEPT), np.int64)
        self.values = np.zeros((size, KEPT), np.float64)
        self._again = HOUR if window >= DAY else 0
        self.drawn_at = np.zeros(size if self._again else 0, np.int64)
        self.drawn = np.zeros(size if self._again else 0, np.float64)

    @property
    def kept(self) -> dict[str, np.ndarray[Any, Any]]:
        """The state, to be written down."""
        return {"at": self.at, "values": self.values, "drawn_at": self.drawn_at, "drawn": self.drawn}

    def rates(self, table: Table) -> Floats | None:
        """The rate at each row, in the metric's unit per ``per``; None when no row says the metric."""
        values = table.values(self.metric)
        if values is None:
            return None
        # A retained message without a time of its own seems to be of now, and would bend the line.
        usable = table.current & ~np.isnan(values) & ((table.quality & int(Quality.RETAINED)) == 0)
        rates = np.full(len(values), np.nan)
        rows = np.flatnonzero(usable)
        if not table.distinct:
            rows = rows[np.argsort(table.slots[rows], kind="stable")]
        while self._again and len(rows):
            slots, at = table.slots[rows], table.event_at[rows]
            due = at - self.drawn_at[slots] >= self._again
            turn = _to_the_first(due, slots)
            rates[rows[turn & ~due]] = self.drawn[slots[turn & ~due]]
            due &= turn
            rates[rows[due]] = self._draw(slots[due], at[due], values[rows[due]])
            rows = rows[~turn]
        while len(rows):
            slots, at = table.slots[rows], table.event_at[rows]
            keep = at - self.at[slots].max(axis=1) >= self._window // KEPT
            # What is known of a device changes only where a reading is kept: a burst of hundreds takes a turn or two.
            turn = _to_the_first(keep, slots)
            rates[rows[turn]] = self._slopes(slots[turn], at[turn], values[rows[turn]])
            keep &= turn
            self._keep(slots[keep], at[keep], values[rows[keep]])
            rows = rows[~turn]
        return rates

    def _draw(self, slots: Slots, at: Instants, values: Floats) -> Floats:
        """Draw the lines of these devices anew, each named once."""
        slopes = self._slopes(slots, at, values)
        self.drawn[slots], self.drawn_at[slots] = slopes, at
        keep = at - self.at[slots].max(axis=1) >= self._window // KEPT
        self._keep(slots[keep], at[keep], values[keep])
        return slopes

    def _slopes(self, slots: Slots, at: Instants, values: Floats) -> Floats:
        kept_at, kept = self.at[slots], self.values[slots]
        usable = (kept_at >= (at - self._window)[:, None]) & (kept_at < at[:, None])
        # Seconds and values relative to the new reading, so that it is the origin and adds nothing to the sums.
        x = np.where(usable, kept_at - at[:, None], 0) / SECOND
        y = np.where(usable, kept - values[:, None], 0.0)
        count = usable.sum(axis=1) + 1
        sum_x, sum_y = x.sum(axis=1), y.sum(axis=1)
        sum_xx, sum_xy = np.einsum("ij,ij->i", x, x), np.einsum("ij,ij->i", x, y)
        enough = (count >= FEWEST) & (-x.min(axis=1) * SECOND * 2 >= self._window)
        below = np.where(enough, count * sum_xx - sum_x * sum_x, 1.0)
        slope = np.where(enough, (count * sum_xy - sum_x * sum_y) / below, np.nan)
        return np.asarray(slope * (self._per / SECOND), np.float64)

    def _keep(self, slots: Slots, at: Instants, values: Floats) -> None:
        """Put a reading of each of these devices in the place of its oldest one."""
        oldest = self.at[slots].argmin(axis=1)
        self.at[slots, oldest] = at
        self.values[slots, oldest] = values


def _to_the_first(marked: Mask, slots: Slots) -> Mask:
    """Give the rows of each device up to its first marked one; rows of one device stand together."""
    before: Rows = np.cumsum(marked) - marked
    starts = np.flatnonzero(np.append(True, slots[1:] != slots[:-1]))
    return np.asarray(before == np.repeat(before[starts], np.diff(np.append(starts, len(slots)))), np.bool_)
