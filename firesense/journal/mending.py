"""Looks at a journal before it is opened for good, and mends one that is damaged.

Looking is quick whatever the size: files of up to ``LOOKED_THROUGH`` are checked page by page; of larger ones the list
of tables, both ends, and the newest batches, which is where a crash of the machine leaves its marks. What is damaged
in between is met, and passed over, by whoever reads it (journal/rows.py).

Mending copies what can be read into a new file, every batch at its own offset, and sets the damaged file aside.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from firesense.domain.errors import JournalError
from firesense.journal.rows import NO_BODY, NO_CRC
from firesense.journal.sqlite import SqliteJournal
from firesense.salvage import damage_of, is_damage, open_damaged, readable_rows, set_aside

if TYPE_CHECKING:
    from pathlib import Path

LOOKED_THROUGH = 256 * 2**20  # bytes; about a second
COPIED_WHOLE = 2 * 2**30  # bytes; of a larger journal only what is still to be done is copied
_NEWEST = 64  # batches
_TOGETHER = 64  # batches copied in one transaction
_COLUMNS = ("first", "count", "source", "received_at", "crc", "body")
_INSERT = "INSERT OR IGNORE INTO batch VALUES (?, ?, ?, ?, ?, ?)"
_NOTHING = 2**62
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Mended:
    """What was done: why, where the damaged file is now, and how many frames the new one holds and lacks."""

    reason: str
    aside: Path
    kept: int
    lost: int


def find_damage(path: Path) -> str:
    """What is wrong with a journal file; empty when nothing is known to be. Raises JournalError when it is busy."""
    try:
        if found := damage_of(path, quick_up_to=LOOKED_THROUGH):
            return found
        return _look_at_ends(path) if path.exists() else ""
    except sqlite3.Error as error:
        raise JournalError(f"{path}: {error}") from error


def mend(path: Path, stamp: str, needed: int) -> Mended | None:
    """Finish a mending that was cut short, and mend the file if it is damaged; None when there was nothing to do.

    ``needed`` is the first offset that somebody still has to read. Nobody else may have the file open.
    """
    new = path.with_name(path.name + ".mending")
    if new.exists() and not path.exists():  # killed between the two renames: the copy is whole
        new.rename(path)
    reason = find_damage(path)
    if not reason:
        return None
    size = path.stat().st_size if path.exists() else 0
    kept = lost = 0
    for start in (0 if size <= COPIED_WHOLE else needed, needed, _NOTHING):
        _remove(new)
        try:
            kept, lost = _copy(path, new, start)
            break
        except (sqlite3.Error, JournalError) as error:  # no room for the copy, as a rule: less may fit
            _log.warning("journal.copy_failed", start=start, reason=str(error))
    aside = set_aside(path, stamp)
    new.rename(path)
    _log.error("journal.mended", reason=reason, aside=str(aside), kept=kept, lost=lost)
    return Mended(reason, aside, kept, lost)


def _look_at_ends(path: Path) -> str:
    """Read what a start needs, and the newest batches; a wrong byte inside a batch is its readers' business."""
    try:
        with closing(sqlite3.connect(path, timeout=10, isolation_level=None)) as connection:
            if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'batch'").fetchone():
                return ""
            connection.execute("SELECT first, count FROM batch ORDER BY first LIMIT 1").fetchone()
            for _ in connection.execute("SELECT * FROM batch ORDER BY first DESC LIMIT ?", (_NEWEST,)):
                pass
            for table in ("mark", "note"):
                connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608 -- two names
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        if not is_damage(error):
            raise
        return str(error)
    return ""


def _copy(path: Path, new: Path, start: int) -> tuple[int, int]:
    """Copy what can be read from an offset on; counts frames that were kept, and gaps between them."""
    kept = lost = 0
    journal = SqliteJournal(new)
    journal.close()
    with closing(open_damaged(path)) as old, closing(sqlite3.connect(new)) as fresh:
        for table in ("mark", "note"):
            with suppress(sqlite3.DatabaseError, UnicodeDecodeError):
                rows = old.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608 -- two names
                fresh.executemany(f"INSERT OR REPLACE INTO {table} VALUES (?, ?)", rows)  # noqa: S608 -- the same
        at: int | None = None
        since = -1 if start == 0 else _holder(old, start) - 1
        try:
            for copied, (first, count, *rest) in enumerate(readable_rows(old, "batch", _COLUMNS, "first", since)):
                if at is not None and first > at:
                    fresh.execute(_INSERT, (at, first - at, "", rest[1], NO_CRC, NO_BODY))
                    lost += first - at
                fresh.execute(_INSERT, (first, count, *rest))
                at = first + count
                kept += count
                if copied % _TOGETHER == 0:
                    fresh.commit()
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # not even the table can be found
            if "no such table" not in str(error) and not is_damage(error):
                raise
        fresh.commit()
    return kept, lost


def _holder(old: sqlite3.Connection, offset: int) -> int:
    """The first offset of the batch that holds this one, as far as it can be seen."""
    with suppress(sqlite3.DatabaseError, UnicodeDecodeError):
        found = old.execute("SELECT max(first) FROM batch WHERE first <= ?", (offset,)).fetchone()[0]
        return offset if found is None else int(found)
    return offset


def _remove(path: Path) -> None:
    for name in (path.name, path.name + "-wal", path.name + "-shm"):
        path.with_name(name).unlink(missing_ok=True)
