"""A copy of a book's table definitions, kept beside it: damage to the few pages that hold them costs no rows.

SQLite finds a table by its definition in ``sqlite_schema``, a small table at the file's beginning. When its row cannot
be read, nothing of the table can, however sound its own pages are.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import msgspec

from firesense.salvage import is_damage, open_damaged

if TYPE_CHECKING:
    from pathlib import Path

    from firesense.book.sql import Database

_Row = tuple[str, str, str, int, str | None]  # type, name, table, root page, SQL
_READ = "SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema ORDER BY rowid"
_decode = msgspec.json.Decoder(tuple[int, list[_Row]]).decode  # with the version of the tables
_HEADER = 100  # bytes of the file's own header at the beginning of its first page
_PAGE_SIZE = slice(16, 18)
_EMPTY_LEAF = b"\x0d\x00\x00\x00\x00"  # kind, no free block, no cells; where the cells would begin follows


def kept_beside(path: Path) -> Path:
    """Where the copy is."""
    return path.with_name(path.name + ".tables")


def keep(database: Database, version: int) -> None:
    """Write the copy of a book in a file, once for each version: later the definitions may be damaged already."""
    if database.file is None or (_kept(database.file) or (None,))[0] == version:
        return
    with database.reading() as connection:
        rows = [tuple(row) for row in connection.exec_driver_sql(_READ)]
    beside = kept_beside(database.file)
    new = beside.with_name(beside.name + ".new")
    with suppress(OSError):  # without it the book is no worse than any other file
        new.touch(mode=0o600)
        new.write_bytes(msgspec.json.encode((version, rows)))
        new.replace(beside)


def restored(path: Path, to: Path) -> bool:
    """When definitions are damaged and a copy of them is there, make ``to`` a file whose tables can be found again.

    ``path`` is only read; says whether ``to`` was made.
    """
    kept, found = _kept(path), _found(path)
    if kept is None or found == kept[1]:
        return False
    if found is not None and len(set(found) & set(kept[1])) < len(kept[1]) / 2:
        return False  # the copy is of another file: a book that came back from a backup
    for side in ("", "-wal"):
        with suppress(FileNotFoundError):
            shutil.copy(path.with_name(path.name + side), to.with_name(to.name + side))
    try:
        with closing(open_damaged(to)) as book:
            book.execute(
                "PRAGMA journal_mode = DELETE"
            ).fetchone()  # the log's pages would go over what is written next
        _empty_first_page(to)
        with closing(open_damaged(to)) as book:
            book.executemany("INSERT INTO sqlite_schema VALUES (?, ?, ?, ?, ?)", kept[1])
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        return False
    return True


def _kept(path: Path) -> tuple[int, list[_Row]] | None:
    try:
        return _decode(kept_beside(path).read_bytes())
    except (OSError, msgspec.DecodeError):
        return None


def _found(path: Path) -> list[_Row] | None:
    try:
        with closing(open_damaged(path)) as book:
            return book.execute(_READ).fetchall()
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        if not is_damage(error):
            raise
        return None


def _empty_first_page(path: Path) -> None:
    with path.open("r+b") as file:
        size = int.from_bytes(file.read(_HEADER)[_PAGE_SIZE]) or 65_536
        size = 65_536 if size == 1 else size
        page = _EMPTY_LEAF + (size % 65_536).to_bytes(2) + b"\x00"
        file.seek(_HEADER)
        file.write(page.ljust(size - _HEADER, b"\x00"))
