"""Looks at a book in a SQLite file before it is opened for good, and mends one that is damaged.

SQLite notices broken pages, not a changed byte inside a value. So, besides SQLite's own check, every row the streets
would read is read the way they would read it: a word that is none of its words is damage, too. Mending copies what can
be read, row by row, into a new book, and sets the damaged file aside. A book on a database server has its own keepers.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy.dialects import sqlite

from firesense.book import definitions, tables
from firesense.book.address import read_address
from firesense.book.schema import MIGRATIONS, prepare
from firesense.book.sql import Database
from firesense.domain.errors import BookError
from firesense.salvage import damage_of, is_damage, open_damaged, readable_rows, set_aside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import sqlalchemy as sa

LOOKED_THROUGH = 512 * 2**20  # bytes; a few seconds
READ_THROUGH = 32 * 2**20  # bytes; of a larger book, what is over and done with is not read at every start
_DIALECT = sqlite.dialect()
# What a start reads, where it is few rows; the rest is looked at by SQLite's own check.
_READ_AT_START = (
    tables.meta,
    tables.place,
    tables.person,
    tables.post,
    tables.holding,
    tables.roster,
    tables.ladder,
    tables.selector,
    tables.slots,
    tables.position,
    tables.user,
)
_OPEN = {
    "alert": '"open" = 1',
    "climb": "due_at IS NOT NULL",
    "call": "ready_at IS NOT NULL",
    "hazard": '"open" = 1',
    "device": "",
}
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Mended:
    """What was done: why, where the damaged file is now, and how many rows of each table could be kept."""

    reason: str
    aside: Path
    kept: Mapping[str, int] = field(default_factory=dict)


def mend(url: str, stamp: str) -> Mended | None:
    """Finish a mending that was cut short, and mend the book if it is damaged; None when there was nothing to do.

    Nobody else may have the book open. Raises BookError when it is busy, or of a newer firesense.
    """
    path = _file(url)
    if path is None:
        return None
    new = path.with_name(path.name + ".mending")
    if new.exists() and not path.exists():  # killed between the two renames: the copy is whole
        new.rename(path)
    try:
        reason = damage_of(path, quick_up_to=LOOKED_THROUGH, full_up_to=READ_THROUGH) or _look(path)
        if not reason:
            return None
        _remove(new)
        with TemporaryDirectory(prefix="mending-", dir=path.parent) as folder:
            readable = Path(folder) / path.name
            kept = _copy(readable if definitions.restored(path, readable) else path, new)
    except sqlite3.Error as error:
        raise BookError(f"{path}: {error}") from error
    aside = set_aside(path, stamp)
    definitions.kept_beside(path).unlink(missing_ok=True)  # the new book has them elsewhere
    new.rename(path)
    _log.error("book.mended", reason=reason, aside=str(aside), **kept)
    return Mended(reason, aside, kept)


def _file(url: str) -> Path | None:
    address = read_address(url)
    name = address.database
    if address.get_backend_name() != "sqlite" or not name or name == ":memory:" or name.startswith("file:"):
        return None
    return Path(name)


def _look(path: Path) -> str:
    """Read what a start would read, of a small book everything; says what cannot be read."""
    if not path.exists():
        return ""
    wanted = dict.fromkeys(_READ_AT_START, "") | {tables.metadata.tables[name]: w for name, w in _OPEN.items()}
    large = path.stat().st_size > READ_THROUGH
    if not large:
        wanted = dict.fromkeys(tables.metadata.sorted_tables, "")
    with closing(sqlite3.connect(path, timeout=10, isolation_level=None)) as book:
        if not book.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone():
            return ""  # new and empty
        newest = _version(book) == len(MIGRATIONS) + 1
        for table, where in wanted.items():
            there = _names(book, table.name)
            columns = [column for column in table.columns if column.name in there]
            if newest and len(columns) < len(table.columns):
                return f"the definition of the table {table.name} is not ours"
            fault = _fault_in(book, table.name, columns, where, large=large and table is tables.device)
            if fault is not None:
                return f"a row of the table {table.name} cannot be understood: {fault}"
    return ""


def _fault_in(
    book: sqlite3.Connection, table: str, columns: list[sa.Column[Any]], where: str, *, large: bool
) -> Exception | None:
    names = ", ".join(f'"{column.name}"' for column in columns)
    query = f'SELECT {names} FROM "{table}" WHERE {where or "1"}'  # noqa: S608 -- our own tables' names
    try:
        if large:
            return _first_fault_of_many(columns, book, table)
        return _first_fault(columns, book.execute(query)) if columns else None
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        if not is_damage(error):
            raise
        return error


def _first_fault(columns: list[sa.Column[Any]], found: Iterable[tuple[Any, ...]]) -> Exception | None:
    readers = [_reader_of(column) for column in columns]
    return next((fault for row in found if (fault := _fault(readers, row)) is not None), None)


def _first_fault_of_many(columns: list[sa.Column[Any]], book: sqlite3.Connection, table: str) -> Exception | None:
    """Look through a table of perhaps a million rows without giving Python every value.

    Plain columns are asked for values of another type, the others for each different value. Letters that are no
    letters are not seen: whoever reads the table next meets them.
    """
    for column in columns:
        question, read = f'SELECT DISTINCT "{column.name}" FROM "{table}"', _reader_of(column)  # noqa: S608 -- ours
        if _processor(column) is None:
            kind = "integer" if column.type.python_type is int else "text"
            question += f" WHERE typeof(\"{column.name}\") <> '{kind}' LIMIT 1"
        for row in book.execute(question):
            if (fault := _fault([read], row)) is not None:
                return fault
    return None


def _processor(column: sa.Column[Any]) -> Callable[[Any], Any] | None:
    return column.type.dialect_impl(_DIALECT).result_processor(_DIALECT, None)


def _reader_of(column: sa.Column[Any] | None) -> Callable[[Any], Any]:
    """How the book reads a column, so that what it could not read is noticed; of a column it does not know, anyhow."""
    if column is None:
        return lambda value: value
    read = _processor(column)
    kind = object if read is not None else column.type.python_type
    return _reader(read, kind, nullable=bool(column.nullable))


def _reader(read: Callable[[Any], Any] | None, kind: type, *, nullable: bool) -> Callable[[Any], Any]:
    allowed = (int, float) if kind is float else kind

    def checked(value: Any) -> Any:
        if value is None:
            if not nullable:
                raise ValueError("a value is missing")
            return None
        if read is not None:
            return read(value)
        if not isinstance(value, allowed):
            raise TypeError(f"{value!r} is no {kind.__name__}")
        return value

    return checked


def _fault(readers: list[Callable[[Any], Any]], row: tuple[Any, ...]) -> Exception | None:
    try:
        for read, value in zip(readers, row, strict=True):
            read(value)
    except Exception as error:  # noqa: BLE001 -- whatever a column's reader says, the row is of no use
        return error
    return None


def _copy(path: Path, new: Path) -> dict[str, int]:
    """Copy every row that can be read and understood into tables of the same version; counts them by table."""
    os.close(os.open(new, os.O_CREAT | os.O_RDWR, 0o600))
    newest = len(MIGRATIONS) + 1
    kept: dict[str, int] = {}
    with closing(open_damaged(path)) as old, closing(sqlite3.connect(new)) as fresh:
        version = _version(old)
        if version is None or version == newest:  # as a rule; what is broken in its definitions does not matter then
            _prepare(new)
            _put_right(fresh, newest)
        elif version > newest:
            raise BookError(f"{path} has schema version {version}, written by a newer firesense; ours is {newest}")
        else:
            for sql in _schema(old):
                fresh.execute(sql)
            _put_right(fresh, version)
        fresh.execute("PRAGMA foreign_keys = OFF")
        for (name,) in fresh.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'meta'"
        ).fetchall():
            if not name.startswith("sqlite_"):
                kept[name] = _copy_table(old, fresh, name)
        _keep_numbers(old, fresh)
        while orphans := fresh.execute("PRAGMA foreign_key_check").fetchall():  # they speak of what could not be kept
            for table, row, *_ in orphans:
                fresh.execute(f'DELETE FROM "{table}" WHERE rowid = ?', (row,))  # noqa: S608 -- our own tables' names
        fresh.commit()
    _prepare(new)
    return kept


def _prepare(new: Path) -> None:
    book = Database(f"sqlite:///{new}")
    try:
        prepare(book)
    finally:
        book.close()


def _version(old: sqlite3.Connection) -> int | None:
    """The version of the damaged book's tables; None when it can no longer be read."""
    with suppress(sqlite3.DatabaseError, UnicodeDecodeError):
        row = old.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
        return row[0] if row and isinstance(row[0], int) else None
    return None


def _schema(old: sqlite3.Connection) -> list[str]:
    """The definitions of tables, then of indexes."""
    return [
        sql
        for (sql,) in old.execute(
            "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite!_%' ESCAPE '!'"
            " ORDER BY type = 'index'"
        )
    ]


def _copy_table(old: sqlite3.Connection, fresh: sqlite3.Connection, name: str) -> int:
    there, wanted = _names(old, name), _names(fresh, name)
    strange, missing = [n for n in there if n not in wanted], [n for n in wanted if n not in there]
    if len(strange) == len(missing) == 1:  # the name itself is damaged
        there[there.index(strange[0])] = missing[0]
    elif strange or missing:
        return 0
    known = tables.metadata.tables.get(name)
    readers = [_reader_of(None if known is None else known.columns.get(column)) for column in there]
    columns, marks = ", ".join(f'"{column}"' for column in there), ", ".join("?" * len(there))
    insert = f'INSERT OR IGNORE INTO "{name}" ({columns}) VALUES ({marks})'  # noqa: S608 -- our own tables' names
    kept = 0
    try:
        for row in readable_rows(old, name, _names(old, name)):
            if _fault(readers, row) is None:
                kept += fresh.execute(insert, row).rowcount
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # not even the table's first page
        if not is_damage(error):
            raise
    return kept


def _names(connection: sqlite3.Connection, table: str) -> list[str]:
    with suppress(sqlite3.DatabaseError, UnicodeDecodeError):
        return [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]
    return []


def _put_right(fresh: sqlite3.Connection, version: int) -> None:
    """Say which version the tables have, and that the plan is to be read anew."""
    fresh.execute("INSERT OR REPLACE INTO meta VALUES ('schema', ?), ('plan', 1)", (version,))


def _keep_numbers(old: sqlite3.Connection, fresh: sqlite3.Connection) -> None:
    """Numbers that were given are not given again, even if what they were given to could not be kept."""
    fresh.execute(
        "INSERT OR REPLACE INTO slots (device_class, given) SELECT device_class, max(given) FROM"
        " (SELECT device_class, given FROM slots UNION ALL"
        " SELECT device_class, max(slot) + 1 FROM device GROUP BY device_class) GROUP BY device_class"
    )
    with suppress(sqlite3.DatabaseError, UnicodeDecodeError):
        for name, number in old.execute("SELECT name, seq FROM sqlite_sequence").fetchall():
            fresh.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (number, name))


def _remove(path: Path) -> None:
    for name in (path.name, path.name + "-wal", path.name + "-shm"):
        path.with_name(name).unlink(missing_ok=True)
