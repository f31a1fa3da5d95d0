"""Reads what can be read of a damaged SQLite file: row by row, past the pages that cannot be used.

SQLite keeps no checksums of its own. What it notices is a page that is no page of a tree, a chain of pages that breaks
off, a file that is too short; a changed byte inside a value it does not.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_PATIENCE = 10.0  # seconds to wait for a lock
_BEFORE_ALL = -(2**63)
_SIDE_FILES = ("-wal", "-shm")  # they belong to the database file and go where it goes
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_damage(error: Exception) -> bool:
    """Whether an error says that the file is broken, and not that it is busy, full or out of reach."""
    if isinstance(error, UnicodeDecodeError):  # SQLite's own message has rubbish of the file in it
        return True
    code = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF in _DAMAGE or "Could not decode to UTF-8" in str(error)


def suspicion(path: Path) -> Path:
    """The mark left beside a file in which damage was met that nobody can read past: the next start mends it."""
    return path.with_name(path.name + ".suspect")


def suspect(path: Path) -> None:
    """Leave that mark."""
    with suppress(OSError):
        suspicion(path).touch()


def damage_of(path: Path, *, quick_up_to: int, full_up_to: int = 0) -> str:
    """What is wrong with a database file, in SQLite's words; empty when nothing is, or when there is no file.

    Files of up to ``full_up_to`` bytes are looked through, indexes and all; of those of up to ``quick_up_to`` all but
    whether the indexes fit; of larger ones only the list of tables is read. Raises sqlite3.Error for what is no damage.
    """
    if suspicion(path).exists():
        return "damage was met in it that cannot be read past"
    if not path.exists():
        return ""
    size = path.stat().st_size
    try:
        with closing(sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            if size > quick_up_to:
                return ""
            check = "integrity_check" if size <= full_up_to else "quick_check"
            found = str(connection.execute(f"PRAGMA {check}(1)").fetchone()[0])
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        if not is_damage(error):
            raise
        return str(error)
    return "" if found == "ok" else found.partition("\n")[2] or found


def readable_rows(
    connection: sqlite3.Connection, table: str, columns: Sequence[str], key: str = "rowid", after: int = _BEFORE_ALL
) -> Iterator[tuple[Any, ...]]:
    """Every row that can be read with a key greater than ``after``, in the order of its (whole-number) key."""
    names = ", ".join(f'"{name}"' for name in columns)
    query = f'SELECT {key}, {names} FROM "{table}" WHERE {key} > ? ORDER BY {key}'  # noqa: S608 -- our own tables' names
    row: tuple[Any, ...] | None
    while True:
        try:
            for row in connection.execute(query, (after,)):
                yield row[1:]
                after = row[0]
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            if not is_damage(error):
                raise
        else:
            return
        # The driver is one row ahead: the last row it was asked for may be sound, and the one behind it damaged.
        found = past_damage(connection, table, key, after)
        if found is None:
            return
        row = connection.execute(query + " LIMIT 1", (found,)).fetchone()
        yield row[1:]
        after = row[0]


def past_damage(connection: sqlite3.Connection, table: str, key: str, after: int) -> int | None:
    """The smallest number at or above ``after`` whose next row by key can be read; None when no later row can.

    Looks ahead in growing steps, so it costs a few dozen look-ups however much is damaged.
    """
    query = f'SELECT * FROM "{table}" WHERE {key} > ? ORDER BY {key} LIMIT 1'  # noqa: S608 -- our own tables' names

    def next_row(number: int) -> bool | None:
        """Whether there is a next row; None when it cannot be read."""
        try:
            return connection.execute(query, (number,)).fetchone() is not None
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            if not is_damage(error):
                raise
            return None

    bad, good = after, after
    step = 1
    while (found := next_row(good)) is None:
        if good >= 2**62:
            return None
        bad, good, step = good, max(good, 0) + step, step * 2
    while good - bad > 1:
        middle = (good + bad) // 2
        seen = next_row(middle)
        if seen is None:
            bad = middle
        else:
            good, found = middle, found or seen
    return good if found else None


def set_aside(path: Path, stamp: str) -> Path:
    """Rename a damaged file, with what belongs to it, to ``NAME.damaged-STAMP``; gives its new path."""
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    for side in _SIDE_FILES:
        with suppress(FileNotFoundError):
            path.with_name(path.name + side).rename(aside.with_name(aside.name + side))
    path.rename(aside)
    suspicion(path).unlink(missing_ok=True)
    return aside


def open_damaged(path: Path) -> sqlite3.Connection:
    """Open a file to copy from: a table whose definition is broken hides no other, and text need not be UTF-8."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.text_factory = lambda text: text.decode("utf-8", "replace")
    with suppress(sqlite3.DatabaseError, UnicodeDecodeError):
        connection.execute("PRAGMA writable_schema = ON")
    return connection
