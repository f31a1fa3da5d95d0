"""What devices said before, as columns by slot: the looks into the past, worked out for each row of a table in turn.

Points are the current rows (see engine.py) that were not retained by the broker: a retained message without a time of
its own seems to be of now. Where a look is not known it is NaN. Windows are kept in eighths, numbered from the epoch
on, the newest of them under way: a window reaches back between seven and eight eighths of its length, and costs eight
cells a device however many readings fall into it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from firesense.domain.instant import SECOND
from firesense.domain.readings import UNSAID
from firesense.rules.hourly import Hourly
from firesense.rules.slope import Slope

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from firesense.domain.columns import Floats, Instants, Mask, Slots
    from firesense.rules.looks import Look
    from firesense.rules.table import Table

    Array = np.ndarray[Any, Any]

EIGHTHS = 8
_CELLS = np.arange(EIGHTHS)
_OLD = (_CELLS[:, None] - _CELLS) % EIGHTHS >= EIGHTHS // 2  # [newest cell, cell]: from half the window ago


class _Window:
    """Eight cells a device: what was said in each eighth of the window."""

    def __init__(self, look: Look, size: int, *empty: float) -> None:
        """Begin with every cell empty; several values for ``empty`` are several planes of cells."""
        self.look = look
        self._length = max(look.window // EIGHTHS, 1)
        self._empty = empty
        self.newest = np.zeros(size, np.int64)  # the number of the eighth under way
        self.cells = [np.full((size, EIGHTHS), value, np.float64) for value in empty]

    def _move(self, slots: Slots, at: Instants) -> Array:
        """Move the windows of these devices on, and give the place of the cell that is under way in each."""
        number = at // self._length
        place = number % EIGHTHS
        before = self.newest[slots]
        moved = np.flatnonzero(number != before)  # few: most readings fall into the eighth of the one before
        if len(moved):
            age = (place[moved, None] - _CELLS) % EIGHTHS
            over = number[moved, None] - age > before[moved, None]
            slots = slots[moved]
            for empty, cells in zip(self._empty, self.cells, strict=True):
                cells[slots] = np.where(over, empty, cells[slots])
            self.newest[slots] = number[moved]
        return place

    @property
    def kept(self) -> dict[str, Array]:
        """The state, to be written down."""
        return {"newest": self.newest} | {f"cells{number}": cells for number, cells in enumerate(self.cells)}

    def column(self, table: Table) -> Floats | None:
        """The look at each row of a table; None when no row says what it is about."""
        return table.in_turns(self.look.subject, self.step)

    def step(self, slots: Slots, at: Instants, values: Floats) -> Floats:
        """Take in one point of each of these devices, and answer."""
        raise NotImplementedError

    def resume(self) -> None:
        """Work out what follows from the state, after that was put in place."""


class _Extreme(_Window):
    """lowest, highest, rise, fall: the least (or greatest) of each eighth."""

    def __init__(self, look: Look, size: int) -> None:
        self._low = look.function in {"lowest", "rise"}
        super().__init__(look, size, np.inf if self._low else -np.inf)

    def step(self, slots: Slots, at: Instants, values: Floats) -> Floats:
        place = self._move(slots, at)
        cells = self.cells[0][slots]
        taken = np.isfinite(cells)
        before = cells.min(axis=1) if self._low else cells.max(axis=1)
        better = np.minimum if self._low else np.maximum
        self.cells[0][slots, place] = better(self.cells[0][slots, place], values)
        if self.look.function in {"rise", "fall"}:
            away = np.maximum(values - before if self._low else before - values, 0.0)
            return np.where(taken.any(axis=1), away, np.nan)
        return np.where((taken & _OLD[place]).any(axis=1), better(before, values), np.nan)


class _Mean(_Window):
    """Mean: sum and count of each eighth, every eighth counting the same."""

    def __init__(self, look: Look, size: int) -> None:
        super().__init__(look, size, 0.0, 0.0)

    def step(self, slots: Slots, at: Instants, values: Floats) -> Floats:
        place = self._move(slots, at)
        self.cells[0][slots, place] += values
        self.cells[1][slots, place] += 1
        sums, counts = self.cells[0][slots], self.cells[1][slots]
        taken = counts > 0
        means = (sums / np.maximum(counts, 1)).sum(axis=1) / taken.sum(axis=1)
        return np.where((taken & _OLD[place]).any(axis=1), means, np.nan)


class _Count(_Window):
    """count, times: at how many readings of each eighth a condition was true, or how often it became true.

    Most conditions are false most of the time: only devices that have something to count are looked at.
    """

    def __init__(self, look: Look, size: int) -> None:
        super().__init__(look, size, 0.0)
        self.was = np.zeros(size, np.bool_)
        self._counting = np.zeros(size, np.bool_)

    @property
    def kept(self) -> dict[str, Array]:
        return super().kept | {"was": self.was}

    def column(self, table: Table) -> Floats | None:
        assert self.look.true is not None and self.look.false is not None  # noqa: S101, PT018 -- of every count
        shape = table.slots.shape
        true: Mask = np.broadcast_to(self.look.true(table.columns), shape)
        said: Mask = true | np.broadcast_to(self.look.false(table.columns), shape)
        if not said.any():
            return None
        column = np.full(shape, np.nan)
        for turn in table.turns:
            rows = turn[said[turn]]
            column[rows] = 0.0
            rows = rows[true[rows] | self._counting[table.slots[rows]]]
            if len(rows):
                column[rows] = self.step(table.slots[rows], table.event_at[rows], true[rows].astype(np.float64))
        return column

    def step(self, slots: Slots, at: Instants, values: Floats) -> Floats:
        place = self._move(slots, at)
        true = values > 0
        self.cells[0][slots, place] += true & ~self.was[slots] if self.look.function == "times" else true
        counts: Floats = self.cells[0][slots].sum(axis=1)
        self.was[slots] = true
        self._counting[slots] = true | (counts > 0)
        return counts

    def resume(self) -> None:
        self._counting = self.was | self.cells[0].any(axis=1)


class _Usual(_Window):
    """usual: a mean over all time since the first reading, then one that forgets at the pace of the window.

    A reading counts for the time since the one before it, but for no more than an eighth of the window: what comes
    after a gap does not stand for the gap.
    """

    def __init__(self, look: Look, size: int) -> None:
        super().__init__(look, size)
        self.mean = np.zeros(size, np.float64)
        self.began = np.zeros(size, np.int64)

    @property
    def kept(self) -> dict[str, Array]:
        return {"mean": self.mean, "began": self.began, "newest": self.newest}  # here newest is an instant

    def step(self, slots: Slots, at: Instants, values: Floats) -> Floats:
        first = self.began[slots] == 0
        began = np.where(first, at, self.began[slots])
        past = np.minimum(at - np.where(first, at, self.newest[slots]), self._length)
        age = np.minimum(at - began, self.look.window)
        mean = np.where(first, values, self.mean[slots])
        mean += np.where(age > 0, past / np.maximum(age, 1), 0.0) * (values - mean)
        self.mean[slots], self.began[slots], self.newest[slots] = mean, began, at
        return np.where((at - began) * 2 >= self.look.window, mean, np.nan)


class _Memory:
    """last, unchanged, since: one value and one instant a device."""

    def __init__(self, look: Look, size: int) -> None:
        self.look = look
        self.value = np.full(size, np.nan)
        self.at = np.zeros(size, np.int64)

    @property
    def kept(self) -> dict[str, Array]:
        """The state, to be written down."""
        return {"value": self.value, "at": self.at}

    def column(self, table: Table) -> Floats | None:
        """The look at each row of a table."""
        values = self._said(table)
        if values is None and self.look.function == "unchanged":
            return None
        column = np.full(len(table.slots), np.nan)
        for rows in table.turns:
            now = np.full(len(rows), np.nan) if values is None else values[rows]
            column[rows] = self._step(table.slots[rows], table.event_at[rows], now)
        return column

    def _said(self, table: Table) -> Floats | None:
        values = table.values(self.look.subject)
        if values is None or values.dtype == np.float64:
            return values
        return np.where(values == UNSAID, np.nan, values)

    def _step(self, slots: Slots, at: Instants, values: Floats) -> Floats:
        function, said = self.look.function, ~np.isnan(values)
        takes = said
        if function == "since":
            takes = values == 1
        elif function == "unchanged":
            takes = said & (values != self.value[slots])
        self.value[slots[takes]], self.at[slots[takes]] = values[takes], at[takes]
        past = at - self.at[slots]
        if function == "last":
            return np.where(past <= self.look.window, self.value[slots], np.nan)
        known = said if function == "unchanged" else self.at[slots] > 0
        return np.where(known, past / SECOND, np.nan)


_KINDS: Mapping[str, type[_Window | _Memory | Hourly]] = {
    "rise": _Extreme,
    "fall": _Extreme,
    "lowest": _Extreme,
    "highest": _Extreme,
    "mean": _Mean,
    "count": _Count,
    "times": _Count,
    "usual": _Usual,
    "hourly": Hourly,
    "last": _Memory,
    "unchanged": _Memory,
    "since": _Memory,
}


class Past:
    """The looks into the past of one class, with their state for every device."""

    def __init__(self, looks: Iterable[Look], size: int) -> None:
        """Remember nothing yet of ``size`` devices."""
        self._lines: dict[tuple[str, int], Slope] = {}
        self._on_lines: list[Look] = []
        self._others: list[_Window | _Memory | Hourly] = []
        for look in looks:
            if look.function in {"rate", "until"}:
                self._on_lines.append(look)
                self._lines.setdefault((look.subject, look.window), Slope(look.subject, look.window, SECOND, size))
            else:
                self._others.append(_KINDS[look.function](look, size))

    def add(self, table: Table) -> None:
        """Remember the rows of a table, and give it a column for each look that has an answer."""
        for other in self._others:
            if (column := other.column(table)) is not None:
                table.columns[other.look.name] = column
        slopes = {key: line.rates(table) for key, line in self._lines.items()}
        for look in self._on_lines:
            if (slope := slopes[look.subject, look.window]) is not None:
                rate = look.function == "rate"
                table.columns[look.name] = slope * (look.extra / SECOND) if rate else _until(look, table, slope)

    # -- what is kept -----------------------------------------------------------------------------------------------
    def kept(self) -> dict[str, Array]:
        """All state as named columns, by slot: not copies."""
        columns: dict[str, Array] = {}
        for other in self._others:
            columns |= {f"{other.look.name}/{name}": column for name, column in other.kept.items()}
        for (metric, window), line in self._lines.items():
            columns |= {f"line({metric},{window})/{name}": column for name, column in line.kept.items()}
        return columns

    def restore(self, columns: Mapping[str, Array]) -> None:
        """Take over what fits, look by look."""
        for name, mine in self.kept().items():
            kept = columns.get(name)
            if kept is not None and kept.dtype == mine.dtype and kept.shape[1:] == mine.shape[1:]:
                rows = min(len(kept), len(mine))
                mine[:rows] = kept[:rows]
        for other in self._others:
            if isinstance(other, _Window):
                other.resume()


def _until(look: Look, table: Table, slope: Floats) -> Floats:
    """How many seconds until the line meets the value; for ever when it leads away from it."""
    values = table.columns[look.subject]
    way = look.extra - values
    meets = (way == 0) | (way * slope > 0)
    seconds = np.divide(way, slope, out=np.zeros_like(slope), where=slope != 0)
    return np.where(np.isnan(slope), np.nan, np.where(meets, seconds, np.inf))
