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

_BEFORE_ALL = -(2**63)
_SIDE_FILES = ("-wal", "-shm")  # they belong to the database file and go where it goes
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_damage(error: sqlite3.Error) -> bool:
    """Whether an error says that the file is broken, and not that it is busy, full or out of reach."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE


def damage_of(path: Path, check_up_to: int) -> str:
    """What is wrong with a database file, in SQLite's words; empty when nothing is, or when there is no file.

    Files of up to ``check_up_to`` bytes are looked through; of larger ones only the list of tables is read. Raises
    sqlite3.Error for what is no damage.
    """
    if not path.exists():
        return ""
    try:
        with closing(sqlite3.connect(path, timeout=10, isolation_level=None)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            if path.stat().st_size > check_up_to:
                return ""
            found = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.DatabaseError as error:
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
        except sqlite3.DatabaseError as error:
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
        except sqlite3.DatabaseError as error:
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
    return aside
