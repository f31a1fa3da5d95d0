"""Where the past comes from: frames of the journal (an exported file is read by ``journal``), or what history kept."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from firesense.domain.catalogue import CLASSES
from firesense.domain.instant import HOUR
from firesense.domain.readings import UNSAID, Readings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from firesense.domain.columns import Floats, Instants
    from firesense.domain.device import Device
    from firesense.domain.frame import FrameBatch
    from firesense.domain.instant import Instant
    from firesense.domain.plan import Plan
    from firesense.ports import History, Journal, Series

_MOST = 5000  # frames read at once
_STRETCH = 6 * HOUR  # of history read at once: a few hundred readings of each device
_POINTS = 10_000  # asked for at once


def offset_at(journal: Journal, at: Instant) -> int:
    """Find the first frame that was received at or after an instant, by halving; the head when there is none."""
    low, high = journal.tail, journal.head
    while low < high:
        middle = (low + high) // 2
        batch = journal.read(middle, 1)
        if batch is not None and int(batch.received_at[0]) < at:
            low = middle + 1
        else:
            high = middle
    return low


def from_journal(journal: Journal, start: int, end: int) -> Iterator[FrameBatch]:
    """Give the frames of [start, end) by offset."""
    while start < end and (batch := journal.read(start, min(_MOST, end - start))) is not None:
        yield batch
        start = batch.next_offset


def from_history(history: History, plan: Plan, start: Instant, end: Instant) -> Iterator[list[Readings]]:
    """Give what the plan's devices said in [start, end), a stretch of time after the other, as good and in time.

    History keeps values by the time they were made: when they arrived, and what was wrong with them, it does not know.
    Raises HistoryDown when the store does not answer.
    """
    offset = 0
    while start < end:
        until = min(start + _STRETCH, end)
        lanes: dict[tuple[str, str], list[tuple[int, Mapping[str, Series]]]] = defaultdict(list)
        for device in plan.registry:
            if said := _said(history, plan, device, start, until):
                lanes[device.device_class, device.profile].append((device.slot, said))
        tables = [_table(device_class, profile, lane) for (device_class, profile), lane in lanes.items()]
        yield _numbered(tables, offset)
        offset += sum(map(len, tables))
        start = until


def _said(history: History, plan: Plan, device: Device, start: Instant, end: Instant) -> Mapping[str, Series]:
    """All columns of a device that have points: those that its profile names, or its class where that is not known."""
    known = CLASSES[device.device_class]
    profile = plan.profiles.get(device.profile)
    if profile is None:
        names = [*known.metrics, *known.signals]
    else:
        said = [*(spec.metric for spec in profile.metrics), *(spec.signal for spec in profile.signals)]
        names = list(dict.fromkeys(said))
    found: dict[str, Series] = {}
    for name in names:
        series = history.raw(device, name, start, end, _POINTS)
        while len(series.at) % _POINTS == 0 and len(series.at):
            more = history.raw(device, name, int(series.at[-1]) + 1, end, _POINTS)
            if not len(more.at):
                break
            series = type(series)(np.concatenate([series.at, more.at]), np.concatenate([series.values, more.values]))
        if len(series.at):
            found[name] = series
    return found


def _table(device_class: str, profile: str, lane: list[tuple[int, Mapping[str, Series]]]) -> Readings:
    """Put the columns of devices beside each other again: what was said at one instant was one reading."""
    known = CLASSES[device_class]
    at: list[Instants] = [np.unique(np.concatenate([series.at for series in said.values()])) for _, said in lane]
    starts = np.cumsum([0, *map(len, at)])
    columns: dict[str, Floats] = {}
    for (_, said), instants, first in zip(lane, at, starts.tolist(), strict=False):
        for name, series in said.items():
            column = columns.setdefault(name, np.full(int(starts[-1]), np.nan))
            column[first + np.searchsorted(instants, series.at)] = series.values
    event_at = np.concatenate(at)
    rows = len(event_at)
    slots = np.repeat(np.array([slot for slot, _ in lane], np.int32), list(map(len, at)))
    return Readings(
        device_class,
        profile,
        slots,
        event_at,
        event_at,
        np.zeros(rows, np.int64),
        np.zeros(rows, np.uint16),
        {name: column for name, column in columns.items() if name in known.metrics},
        {
            name: np.where(np.isnan(column), UNSAID, column).astype(np.int8)
            for name, column in columns.items()
            if name in known.signals
        },
    )


def _numbered(tables: list[Readings], first: int) -> list[Readings]:
    """Put the rows of each table in the order of time, and number those of all of them in it."""
    tables = [table.take(np.argsort(table.event_at, kind="stable")) for table in tables]
    if not tables:
        return tables
    order = np.argsort(np.concatenate([table.event_at for table in tables]), kind="stable")
    offsets = np.empty(len(order), np.int64)
    offsets[order] = np.arange(first, first + len(order))
    at = 0
    for table in tables:
        table.offsets[:] = offsets[at : at + len(table)]
        at += len(table)
    return tables
