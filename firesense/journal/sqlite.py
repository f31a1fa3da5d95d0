"""The journal in one SQLite file: WAL, synchronous=FULL, one row = one batch, keyed by its first offset.

A commit is one fsync of the write-ahead log, whatever the size of the batch: a thousand frames cost what one does.
"""

from __future__ import annotations

import sqlite3
import threading
import zlib
from contextlib import contextmanager
from dataclasses import dataclass, replace
from time import monotonic
from typing import TYPE_CHECKING

from firesense.domain.errors import JournalError
from firesense.journal.pack import cut, join, pack, unpack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta
    from pathlib import Path

    from firesense.domain.frame import FrameBatch
    from firesense.domain.instant import Instant

SCHEMA = 1
_CREATE = """
CREATE TABLE IF NOT EXISTS batch (
    first INTEGER PRIMARY KEY, count INTEGER NOT NULL, source TEXT NOT NULL, received_at INTEGER NOT NULL,
    crc INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS mark (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT OR IGNORE INTO mark VALUES ('tail', 0);
CREATE TABLE IF NOT EXISTS note (name TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
"""
_POLL = 0.05  # seconds between looks at a journal that another process writes


@dataclass(frozen=True, slots=True)
class JournalSize:
    """What the journal holds: offsets, batches, bytes of frames, and when the oldest and newest were received."""

    tail: int
    head: int
    batches: int
    bytes: int
    oldest_at: Instant | None
    newest_at: Instant | None


class SqliteJournal:
    """See ``ports.Journal``. One process appends; threads and other processes read beside it."""

    def __init__(self, path: Path) -> None:
        """Open or create the file; raises JournalError when it is not a journal or of a newer schema."""
        self._path = path
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._write_lock = threading.Lock()
        self._grown = threading.Condition()
        try:
            connection = self._connection
            with connection:
                connection.executescript(_CREATE)
                found = connection.execute("PRAGMA user_version").fetchone()[0]
                if found == 0:
                    connection.execute(f"PRAGMA user_version = {SCHEMA}")
        except sqlite3.Error as error:
            raise JournalError(f"{path}: {error}") from error
        if found > SCHEMA:
            raise JournalError(f"{path}: written by a newer firesense (schema {found}, this one reads {SCHEMA})")

    @property
    def _connection(self) -> sqlite3.Connection:
        """This thread's own connection."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            # Closed by whichever thread closes the journal, hence check_same_thread.
            connection = sqlite3.connect(self._path, timeout=10, isolation_level=None, check_same_thread=False)
            connection.execute("PRAGMA page_size = 16384")  # batches are blobs of some 100 KiB
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            self._local.connection = connection
            self._open.append(connection)
        return connection

    @property
    def head(self) -> int:
        """The offset the next frame will get."""
        try:
            row = self._connection.execute("SELECT first + count FROM batch ORDER BY first DESC LIMIT 1").fetchone()
            return int(row[0]) if row else self._tail_mark()
        except sqlite3.Error as error:
            raise JournalError(f"{self._path}: {error}") from error

    @property
    def tail(self) -> int:
        """The first offset still kept."""
        try:
            row = self._connection.execute("SELECT first FROM batch ORDER BY first LIMIT 1").fetchone()
            return int(row[0]) if row else self._tail_mark()
        except sqlite3.Error as error:
            raise JournalError(f"{self._path}: {error}") from error

    def _tail_mark(self) -> int:
        """Where an emptied journal goes on: offsets are never given twice."""
        return int(self._connection.execute("SELECT value FROM mark WHERE name = 'tail'").fetchone()[0])

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All of it, durably, or nothing."""
        connection = self._connection
        with self._write_lock:
            try:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                    connection.execute("COMMIT")
                except BaseException:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise JournalError(f"{self._path}: {error}") from error

    def append(self, batch: FrameBatch) -> FrameBatch:
        """Write a batch durably and give it its offsets; see the port."""
        body = pack(batch)
        row = (len(batch), batch.source, int(batch.received_at[-1]), zlib.crc32(body), body)
        with self._transaction() as connection:
            first = self.head
            connection.execute("INSERT INTO batch VALUES (?, ?, ?, ?, ?, ?)", (first, *row))
        with self._grown:
            self._grown.notify_all()
        return replace(batch, first_offset=first)

    def read(self, offset: int, most: int) -> FrameBatch | None:
        """Read on from an offset; see the port. Raises JournalError naming the offset of a damaged batch."""
        parts: list[FrameBatch] = []
        room = most
        for batch in self._batches(offset):
            if parts and batch.source != parts[0].source:
                break
            start = max(0, offset - batch.first_offset)
            part = cut(batch, start, start + room) if start or len(batch) > room else batch
            parts.append(part)
            room -= len(part)
            if room <= 0:
                break
        return join(parts) if parts else None

    def _batches(self, offset: int) -> Iterator[FrameBatch]:
        """Go through whole batches from the one that holds the offset on, one row at a time."""
        connection = self._connection
        try:
            holder = connection.execute("SELECT max(first) FROM batch WHERE first <= ?", (offset,)).fetchone()[0]
            rows = connection.execute(
                "SELECT first, count, source, crc, body FROM batch WHERE first >= ? AND first + count > ?"
                " ORDER BY first",
                (offset if holder is None else holder, offset),
            )
            for first, count, source, crc, body in rows:
                if zlib.crc32(body) != crc:
                    raise JournalError(f"{self._path}: the batch at offset {first} is damaged: its checksum differs")
                batch = unpack(body, source, first)
                if len(batch) != count:
                    raise JournalError(f"{self._path}: the batch at offset {first} does not hold its {count} frames")
                yield batch
        except (sqlite3.Error, ValueError) as error:
            raise JournalError(f"{self._path}: from offset {offset}: {error}") from error

    def wait(self, offset: int, timeout: timedelta) -> bool:
        """Block until the head is beyond the offset; see the port."""
        until = monotonic() + timeout.total_seconds()
        while self.head <= offset:
            left = until - monotonic()
            if left <= 0:
                return False
            with self._grown:
                self._grown.wait(min(left, _POLL))
        return True

    def note(self, name: str, at: Instant) -> None:
        """Remember an instant under a name; see the port."""
        with self._transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO note VALUES (?, ?)", (name, at))

    def noted(self) -> dict[str, Instant]:
        """All noted instants by name."""
        try:
            return dict(self._connection.execute("SELECT name, at FROM note").fetchall())
        except sqlite3.Error as error:
            raise JournalError(f"{self._path}: {error}") from error

    def trim(self, before: int, older_than: Instant, most_bytes: int) -> int:
        """Drop old batches below a position; see the port. A batch goes whole or stays whole."""
        with self._transaction() as connection:
            dropped = self._trim(connection, before, older_than, most_bytes)
        if dropped:
            connection.execute("PRAGMA incremental_vacuum(1000)").fetchall()
        return dropped

    @staticmethod
    def _trim(connection: sqlite3.Connection, before: int, older_than: Instant, most_bytes: int) -> int:
        excess = connection.execute("SELECT coalesce(sum(length(body)), 0) FROM batch").fetchone()[0] - most_bytes
        dropped, last = 0, None
        for first, count, received_at, size in connection.execute(
            "SELECT first, count, received_at, length(body) FROM batch WHERE first + count <= ? ORDER BY first",
            (before,),
        ):
            if excess <= 0 and received_at >= older_than:
                break
            excess -= size
            dropped += count
            last = first + count
        if last is not None:
            connection.execute("DELETE FROM batch WHERE first < ?", (last,))
            connection.execute("UPDATE mark SET value = ? WHERE name = 'tail'", (last,))
        return dropped

    def size(self) -> JournalSize:
        """Measure the journal: offsets, batches, bytes, times."""
        try:
            batches, size, oldest, newest = self._connection.execute(
                "SELECT count(*), coalesce(sum(length(body)), 0), min(received_at), max(received_at) FROM batch"
            ).fetchone()
        except sqlite3.Error as error:
            raise JournalError(f"{self._path}: {error}") from error
        return JournalSize(self.tail, self.head, batches, size, oldest, newest)

    def close(self) -> None:
        """Close every thread's connection."""
        connections, self._open = self._open, []
        for connection in connections:
            connection.close()
        self._local = threading.local()
