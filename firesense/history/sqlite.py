"""The embedded history: one SQLite file, one table an hour, so that keeping is dropping tables.

A table stays small enough for its index to be in memory while it is written; one big table would get slower with
every day. Write-ahead logging lets other processes read while one writes.
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from firesense.domain.errors import HistoryDown, HistoryRefused
from firesense.domain.instant import HOUR, micros
from firesense.domain.readings import UNSAID
from firesense.history.series import raw_of, windows_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import timedelta
    from pathlib import Path

    from firesense.domain.columns import Floats, Instants, Mask, Slots
    from firesense.domain.device import Device, Registry
    from firesense.domain.instant import Instant
    from firesense.domain.readings import Readings
    from firesense.ports import Series, Windows

_CREATE = """
CREATE TABLE IF NOT EXISTS series (
    id INTEGER PRIMARY KEY, device TEXT NOT NULL, class TEXT NOT NULL, "column" TEXT NOT NULL,
    UNIQUE (device, class, "column"))
"""
_NEW_HOUR = """
CREATE TABLE "readings_{}" (
    series INTEGER NOT NULL, at INTEGER NOT NULL, value REAL NOT NULL, PRIMARY KEY (series, at)) WITHOUT ROWID
"""
_SERIES = 'SELECT id FROM series WHERE device = ? AND class = ? AND "column" = ?'
_BUSY = 10.0  # seconds to wait for a lock of another process


class SqliteHistory:
    """See ports.History. One process writes, any number read, from any thread.

    Hours older than ``keep``, measured from the newest receive time written, are dropped whenever a new hour begins.
    """

    def __init__(self, path: Path, keep: timedelta) -> None:
        """Open or create the file. Raises HistoryRefused when it is something else, HistoryDown when it is locked."""
        self._path = path
        self._keep = micros(keep)
        self._write_lock, self._read_lock = threading.Lock(), threading.Lock()
        self._registry: Registry | None = None
        self._ids: dict[tuple[str, str], Instants] = {}  # (class, column) -> series id by slot, 0 while not looked up
        with self._errors():
            self._writer = self._connect()
            self._writer.execute(_CREATE)
            self._hours = set(_hours(self._writer))
            self._reader = self._connect()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=_BUSY, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # the street's position moves on what is written here
        return connection

    @property
    def connections(self) -> int:
        """Always 0: what a file has taken it keeps."""
        return 0

    def write(self, tables: Sequence[Readings], registry: Registry) -> dict[int, str]:
        """Write readings durably; refuses no point. See the port."""
        if registry is not self._registry:
            self._registry = registry
            self._ids.clear()
        begun = False
        with self._errors(), self._write_lock, self._transaction(self._writer):
            series, at, values = self._points(tables, registry)
            hours = at // HOUR
            for hour in np.unique(hours).tolist():
                if hour not in self._hours:
                    self._writer.execute(_NEW_HOUR.format(hour))
                    self._hours.add(hour)
                    begun = True
                rows = hours == hour
                self._writer.executemany(
                    f'INSERT OR REPLACE INTO "readings_{hour}" VALUES (?, ?, ?)',  # noqa: S608 - an integer
                    zip(series[rows].tolist(), at[rows].tolist(), values[rows].tolist(), strict=True),
                )
        if begun:
            self.trim(max(int(table.received_at.max()) for table in tables if len(table)))
        return {}

    def trim(self, now: Instant) -> int:
        """Drop the hours that ended longer ago than ``keep``, and count them."""
        with self._errors(), self._write_lock, self._transaction(self._writer):
            old = [hour for hour in self._hours if (hour + 1) * HOUR <= now - self._keep]
            for hour in old:
                self._writer.execute(f'DROP TABLE IF EXISTS "readings_{hour}"')
                self._hours.discard(hour)
        return len(old)

    def raw(self, device: Device, column: str, start: Instant, end: Instant, most: int = 10_000) -> Series:
        """Points of a column; see the port."""
        rows: list[tuple[Any, ...]] = []
        with self._errors(), self._read_lock, self._transaction(self._reader):
            for table, series in self._stretch(device, column, start, end):
                if len(rows) >= most:
                    break
                rows += self._reader.execute(
                    f"SELECT at, value FROM {table} WHERE series = ? AND at >= ? AND at < ? ORDER BY at LIMIT ?",  # noqa: S608 - a table of ours
                    (series, start, end, most - len(rows)),
                )
        return raw_of(rows)

    def windows(self, device: Device, column: str, start: Instant, end: Instant, every: timedelta) -> Windows:
        """Windows of a column, averaged hour by hour inside the store; see the port."""
        width = micros(every)
        merged: dict[Instant, tuple[float, float, float, int]] = {}
        with self._errors(), self._read_lock, self._transaction(self._reader):
            for table, series in self._stretch(device, column, start, end):
                for at, total, low, high, count in self._reader.execute(
                    f"SELECT at / :width * :width, sum(value), min(value), max(value), count(*) FROM {table}"  # noqa: S608 - a table of ours
                    " WHERE series = :series AND at >= :start AND at < :end GROUP BY 1 ORDER BY 1",
                    {"width": width, "series": series, "start": start, "end": end},
                ):
                    before = merged.get(at)  # a window may reach over several hours
                    merged[at] = (
                        (total, low, high, count)
                        if before is None
                        else (before[0] + total, min(before[1], low), max(before[2], high), before[3] + count)
                    )
        return windows_of([(at, total / count, low, high, count) for at, (total, low, high, count) in merged.items()])

    def close(self) -> None:
        """Close the file."""
        with self._write_lock, self._read_lock:
            self._writer.close()
            self._reader.close()

    def _points(self, tables: Sequence[Readings], registry: Registry) -> tuple[Instants, Instants, Floats]:
        """All points as (series, at, value) in the order of the tables' keys; what is written later stays later."""
        parts: list[tuple[Instants, Instants, Floats]] = []
        for table in tables:
            for column, values, said in _columns(table):
                slots = table.slots[said]
                if len(slots):
                    series = self._series(table.device_class, column, slots, registry)
                    parts.append((series, table.event_at[said], values[said].astype(np.float64)))
        if not parts:
            return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
        series, at, values = (np.concatenate(part) for part in zip(*parts, strict=True))
        order = np.lexsort((at, series))
        return series[order], at[order], values[order]

    def _series(self, device_class: str, column: str, slots: Slots, registry: Registry) -> Instants:
        ids = self._ids.get((device_class, column))
        if ids is None:
            ids = self._ids[device_class, column] = np.zeros(registry.size(device_class), dtype=np.int64)
        found = ids[slots]
        if not found.all():
            for slot in np.unique(slots[found == 0]).tolist():
                key = (registry.at(device_class, slot).id, device_class, column)
                self._writer.execute('INSERT OR IGNORE INTO series (device, class, "column") VALUES (?, ?, ?)', key)
                ids[slot] = self._writer.execute(_SERIES, key).fetchone()[0]
            found = ids[slots]
        return found

    def _stretch(self, device: Device, column: str, start: Instant, end: Instant) -> Iterator[tuple[str, int]]:
        """Tables that can hold points of a column in [start, end), in order of time, with its series id."""
        series = self._reader.execute(_SERIES, (device.id, device.device_class, column)).fetchone()
        if series is None or start >= end:
            return
        for hour in _hours(self._reader):
            if start // HOUR <= hour <= (end - 1) // HOUR:
                yield f'"readings_{hour}"', series[0]

    @contextmanager
    def _transaction(self, connection: sqlite3.Connection) -> Iterator[None]:
        """One snapshot for a reader, all or nothing for the writer."""
        connection.execute("BEGIN" if connection is self._reader else "BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if connection is self._writer:  # what was just made is unmade
                self._ids.clear()
                self._hours = set(_hours(connection))
            raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:  # locked, disk full, cannot be opened
            raise HistoryDown(f"{self._path}: {error}") from error
        except sqlite3.Error as error:
            raise HistoryRefused(f"{self._path}: {error}") from error


def _columns(table: Readings) -> Iterator[tuple[str, np.ndarray[tuple[int], np.dtype[Any]], Mask]]:
    for metric, floats in table.metrics.items():
        yield metric, floats, np.isfinite(floats)
    for signal, states in table.signals.items():
        yield signal, states, states != UNSAID
    yield "quality", table.quality, np.ones(len(table), dtype=np.bool_)


def _hours(connection: sqlite3.Connection) -> list[int]:
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB 'readings_*'")
    return sorted(int(name.removeprefix("readings_")) for (name,) in names)
