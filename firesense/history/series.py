"""Rows of any store -> the shapes of the History port."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from firesense.ports import Series, Windows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from firesense.domain.columns import Floats, Instants
    from firesense.domain.instant import Instant


def raw_of(rows: Sequence[Sequence[Any]]) -> Series:
    """Make a series of rows (at, value)."""
    return Series(_instants(rows, 0), _floats(rows, 1))


def windows_of(rows: Sequence[Sequence[Any]]) -> Windows:
    """Make windows of rows (at, mean, low, high, count)."""
    return Windows(_instants(rows, 0), _floats(rows, 1), _floats(rows, 2), _floats(rows, 3), _instants(rows, 4))


def averaged(series: Series, every: Instant) -> Windows:
    """Average a series over windows that start at multiples of ``every`` microseconds since the epoch."""
    if len(series.at) == 0:
        return windows_of([])
    starts = series.at // every * every
    first = np.flatnonzero(np.diff(starts, prepend=starts[0] - 1))
    count = np.diff(first, append=len(starts)).astype(np.int64)
    values = series.values
    return Windows(
        starts[first],
        np.add.reduceat(values, first) / count,
        np.minimum.reduceat(values, first),
        np.maximum.reduceat(values, first),
        count,
    )


def _instants(rows: Sequence[Sequence[Any]], column: int) -> Instants:
    return np.array([int(row[column]) for row in rows], dtype=np.int64)


def _floats(rows: Sequence[Sequence[Any]], column: int) -> Floats:
    return np.array([row[column] for row in rows], dtype=np.float64)
