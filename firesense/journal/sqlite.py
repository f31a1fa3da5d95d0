"""The journal in one SQLite file: WAL, synchronous=FULL, one row = one batch, keyed by its first offset.

A commit is one fsync of the write-ahead log, whatever the size of the batch: a thousand frames cost what one does.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import zlib
from contextlib import contextmanager
from dataclasses import dataclass, replace
from time import monotonic
from typing import TYPE_CHECKING

from firesense.domain.errors import JournalError, JournalFull
from firesense.journal.pack import join, pack
from firesense.journal.rows import NO_BODY, NO_CRC, Rows
from firesense.salvage import is_damage, suspect, suspicion

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
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
_READ_BYTES = 64 * 2**20  # payloads read at once: one batch more than that at the most
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

    def __init__(self, path: Path, *, most_bytes: int | None = None, least_free: int = 0) -> None:
        """Open or create the file; raises JournalError when it is not a journal or of a newer schema.

        No batch is taken while the file holds ``most_bytes`` or more, or its disk has less than ``least_free`` bytes
        (or a twentieth of it, if that is less).
        """
        self._path = path
        self._most_bytes = most_bytes
        self._least_free = least_free
        self._rows = Rows()
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._write_lock = threading.Lock()
        self._grown = threading.Condition()
        try:
            connection = self._connection
            found = connection.execute("PRAGMA user_version").fetchone()[0]
            if found == 0:  # and only then: on a full disk what is there can still be read
                with self._transaction() as connection:  # several processes may come first: none sees a part of it
                    for statement in (*_CREATE.split(";"), f"PRAGMA user_version = {SCHEMA}"):
                        connection.execute(statement)
        except sqlite3.Error as error:
            self.close()
            raise JournalError(f"{path}: {error}") from error
        self._inode = path.stat().st_ino
        if found > SCHEMA:
            self.close()
            raise JournalError(f"{path}: written by a newer firesense (schema {found}, this one reads {SCHEMA})")

    @property
    def _connection(self) -> sqlite3.Connection:
        """This thread's own connection."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            # Closed by whichever thread closes the journal, hence check_same_thread.
            connection = sqlite3.connect(self._path, timeout=10, isolation_level=None, check_same_thread=False)
            self._open.append(connection)
            connection.execute("PRAGMA page_size = 16384")  # batches are blobs of some 100 KiB
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            self._local.connection = connection
        return connection

    @property
    def used_bytes(self) -> int:
        """How much of the file is in use; what was trimmed is used again before the file grows."""
        try:
            return self._used(self._connection)
        except sqlite3.Error as error:
            raise self._error(error) from error

    @property
    def free_bytes(self) -> int:
        """How much is left of its disk."""
        disk = os.statvfs(self._path.parent)
        return disk.f_bavail * disk.f_frsize

    @property
    def damaged_at(self) -> frozenset[int]:
        """Offsets at which damage was met and passed over since the start, the first thousand."""
        return frozenset(self._rows.damaged)

    @property
    def to_be_mended(self) -> str:
        """Why this file must not be gone on with: somebody met damage that cannot be passed over, or replaced it."""
        if suspicion(self._path).exists():
            return "damage was met that cannot be read past"
        if not self._path.exists() or self._path.stat().st_ino != self._inode:
            return "the file was replaced by another one"
        return ""

    @staticmethod
    def _used(connection: sqlite3.Connection) -> int:
        pages, free, size = (
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    def _refuse_when_full(self, connection: sqlite3.Connection) -> None:
        if self._most_bytes is not None and (used := self._used(connection)) >= self._most_bytes:
            raise JournalFull(f"{self._path} holds {used} bytes; {self._most_bytes} are the most")
        if self._least_free:
            disk = os.statvfs(self._path.parent)
            free, least = disk.f_bavail * disk.f_frsize, min(self._least_free, disk.f_blocks * disk.f_frsize // 20)
            if free < least:
                raise JournalFull(f"{self._path}: {free} bytes are left of its disk; {least} are the least")

    def _error(self, error: sqlite3.Error, where: str = "") -> JournalError:
        """Say it as a JournalError; damage that nobody can read past is left for the next start to mend."""
        if is_damage(error):
            suspect(self._path)
        return JournalError(f"{self._path}: {where}{error}")

    @property
    def head(self) -> int:
        """The offset the next frame will get."""
        try:
            row = self._connection.execute("SELECT first + count FROM batch ORDER BY first DESC LIMIT 1").fetchone()
            return int(row[0]) if row else self._tail_mark()
        except sqlite3.Error as error:
            raise self._error(error) from error

    @property
    def tail(self) -> int:
        """The first offset still kept."""
        try:
            row = self._connection.execute("SELECT first FROM batch ORDER BY first LIMIT 1").fetchone()
            return int(row[0]) if row else self._tail_mark()
        except sqlite3.Error as error:
            raise self._error(error) from error

    def _tail_mark(self) -> int:
        """Where an emptied journal goes on: offsets are never given twice."""
        return int(self._connection.execute("SELECT value FROM mark WHERE name = 'tail'").fetchone()[0])

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All of it, durably, or nothing."""
        with self._write_lock:
            try:
                connection = self._connection
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                    connection.execute("COMMIT")
                except BaseException:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise self._error(error) from error

    def append(self, batch: FrameBatch) -> FrameBatch:
        """Write a batch durably and give it its offsets; see the port."""
        body = pack(batch)
        row = (len(batch), batch.source, int(batch.received_at[-1]), zlib.crc32(body), body)
        with self._transaction() as connection:
            self._refuse_when_full(connection)
            first = self.head
            connection.execute("INSERT INTO batch VALUES (?, ?, ?, ?, ?, ?)", (first, *row))
        with self._grown:
            self._grown.notify_all()
        return replace(batch, first_offset=first)

    def read(self, offset: int, most: int) -> FrameBatch | None:
        """Read on from an offset; see the port. Frames that are damaged are marked so (journal/rows.py)."""
        parts: list[FrameBatch] = []
        size = 0
        try:
            start, head = max(offset, self.tail), self.head
            if start >= head:
                return None
            for part in self._rows.batches(self._connection, start, min(start + most, head)):
                if parts and (part.source != parts[0].source or size >= _READ_BYTES):
                    break
                parts.append(part)
                size += sum(map(len, part.payloads))
        except sqlite3.Error as error:
            raise self._error(error, f"from offset {offset}: ") from error
        return join(parts) if parts else None

    def received_at(self, offset: int) -> Instant | None:
        """About when the frame at this offset was received: when the last of its batch was; None when it is gone."""
        try:
            row = self._connection.execute(
                "SELECT received_at FROM batch WHERE first <= ? AND first + count > ? ORDER BY first DESC LIMIT 1",
                (offset, offset),
            ).fetchone()
        except sqlite3.Error as error:
            raise self._error(error) from error
        return int(row[0]) if row else None

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
            raise self._error(error) from error

    def forget(self, names: Collection[str]) -> None:
        """Drop what is noted under these names; see the port."""
        with self._transaction() as connection:
            connection.executemany("DELETE FROM note WHERE name = ?", [(name,) for name in names])

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

    def go_on_from(self, offset: int, at: Instant) -> int:
        """See to it that no offset below this one is given (again); counts the frames that are thereby missing.

        For a journal that ends before what its readers have done: it was damaged, or restored from an old backup.
        """
        with self._transaction() as connection:
            first = self.head
            if first >= offset:
                return 0
            connection.execute(
                "INSERT INTO batch VALUES (?, ?, '', ?, ?, ?)", (first, offset - first, at, NO_CRC, NO_BODY)
            )
        return offset - first

    def size(self) -> JournalSize:
        """Measure the journal: offsets, batches, bytes, times."""
        try:
            batches, size, oldest, newest = self._connection.execute(
                "SELECT count(*), coalesce(sum(length(body)), 0), min(received_at), max(received_at) FROM batch"
            ).fetchone()
        except sqlite3.Error as error:
            raise self._error(error) from error
        return JournalSize(self.tail, self.head, batches, size, oldest, newest)

    def close(self) -> None:
        """Close every thread's connection."""
        connections, self._open = self._open, []
        for connection in connections:
            connection.close()
        self._local = threading.local()
