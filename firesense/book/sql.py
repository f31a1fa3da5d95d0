"""The database behind the book: connections, transactions, and its errors as BookErrors.

SQLite is used by several threads and several processes at once: write-ahead log, every commit on the disk before it
returns, and a write takes the lock when it begins (BEGIN IMMEDIATE), because a transaction that reads first and asks
for the lock later is refused at once when somebody wrote in between. On PostgreSQL one writes at a time, too: what a
transaction has looked at is still so when it writes, whatever the two did.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from firesense.book.address import read_address, shown_address
from firesense.book.columns import Unreadable
from firesense.book.turns import Turns
from firesense.domain.errors import BookError, BookRefused
from firesense.domain.message import printable
from firesense.salvage import is_damage, suspect, suspicion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sqlalchemy import Insert, Update
    from sqlalchemy.engine import Connection, Dialect
    from sqlalchemy.engine.interfaces import DBAPIConnection

_BUSY_MS = 10_000  # how long a connection waits for another process's write
_SILENT_MS = 60_000  # how long a transaction on a server may stand still
_ONE_WRITES = 0x66697265  # a lock of PostgreSQL: any number, but the same for all who write a book
_AGAIN = 0.01  # seconds; with nothing in the file the others are soon done
# A value that cannot be kept, whatever state the database is in: text that is none, a number too large, a key twice.
_OF_THE_VALUE = (DataError, IntegrityError, UnicodeError, OverflowError)


class Database:
    """Transactions on one database, for any number of threads.

    Within a process one thread writes at a time, people first (turns.py): those who wait for a lock of ours wake at
    once, where SQLite would have them poll.
    """

    def __init__(self, url: str) -> None:
        """Make an engine; nothing is opened yet. Raises BookError for a URL that cannot be used."""
        try:
            address = read_address(url)
            self.name = shown_address(address)
            # A server may have been away since a connection was used last; a file is never.
            away = address.get_backend_name() != "sqlite"
            # Asked for, else a database in SQL_ASCII answers in bytes before anybody can ask what it is in.
            said = {"client_encoding": "utf8"} if away else {}
            self._engine = sa.create_engine(
                address, pool_size=8, max_overflow=24, pool_pre_ping=away, connect_args=said
            )
        except (SQLAlchemyError, ImportError, TypeError) as error:
            raise BookError(f"the book's URL cannot be used: {error}") from error
        self._reader = self._engine
        self.file: Path | None = None
        self._inode: int | None = None
        if self._engine.dialect.name == "sqlite":
            self.file = _keep_private(address.database)
            sa.event.listen(self._engine, "connect", _set_up_sqlite)
            sa.event.listen(self._engine, "begin", _begin_sqlite)
        else:
            sa.event.listen(self._engine, "begin", _begin_postgresql)
            self._reader = self._engine.execution_options(isolation_level="REPEATABLE READ")
        # PostgreSQL answers an INSERT with rows, and SQLAlchemy then forgets how many there were.
        self._writer = self._engine.execution_options(writes=True, preserve_rowcount=True)
        self._turns = Turns()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One snapshot for as many questions as are asked. Raises BookError."""
        with self._as_book_errors(), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def writing(self, *, person: bool = False) -> Iterator[Connection]:
        """One transaction: written whole at the end, or not at all when anything is raised. Raises BookError.

        That of a ``person``, who waits for the answer, goes before those the streets have yet to begin.
        """
        with self._turns.turn(person=person), self._as_book_errors(), self._writer.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    @property
    def to_be_mended(self) -> str:
        """Why this database must not be gone on with: damage was met in it, or its file was replaced."""
        if self.file is None:
            return ""
        if suspicion(self.file).exists():
            return "damage was met that cannot be read past"
        if self._inode is None:
            self._inode = _inode(self.file)
        return "" if _inode(self.file) == self._inode else "the file was replaced by another one"

    @contextmanager
    def _as_book_errors(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error, Unreadable, UnicodeError, OverflowError) as error:
            # without SQLAlchemy's copy of the parameters: they hold secrets
            reason = getattr(error, "orig", None) or error
            if self.file is not None and (is_damage(reason) or isinstance(reason, Unreadable)):
                suspect(self.file)  # the next start mends it
            kind = BookRefused if isinstance(error, _OF_THE_VALUE) else BookError
            raise kind(f"{self.name}: {printable(str(reason))}") from error


class Chapter:
    """A part of the book: some of its methods, over the one database."""

    def __init__(self, database: Database) -> None:
        """Take the database."""
        self._database = database


def insert_new(connection: Connection, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """Make an INSERT that can say what to do ON CONFLICT, in the words of the connection's database."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def insert_if_new(dialect: str, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """Make an INSERT, in the words of a database, that leaves a row that is there as it is."""
    return (postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)).on_conflict_do_nothing()


class _Said(NamedTuple):
    """A statement in the words of one database."""

    text: str
    takes: list[tuple[int, Callable[[Any], Any] | None]]  # which value of a line, and how its type writes it
    keys: list[str] | None  # what the values are called there; None when they go by their order


class Prepared:
    """A change that is made often, of many rows at once: what SQLAlchemy makes of it is kept.

    Left to itself SQLAlchemy looks at each value of each line anew; for a wide table that takes longer than the
    database does. Here each column goes through its type's function in one piece.
    """

    def __init__(self, make: Callable[[str], Insert | Update], names: Iterable[str]) -> None:
        """``make`` gives the statement for a dialect; ``names`` are all of its parameters, as lines give them."""
        self._make = make
        self._names = list(names)
        self._said: dict[str, _Said] = {}

    def run(self, connection: Connection, lines: Iterable[Iterable[Any]]) -> int:
        """Make the change for each line, which has the values of ``names`` in order; gives how many rows it was."""
        values = list(zip(*lines, strict=True))
        if not values:
            return 0
        said = self._said.get(connection.dialect.name) or self._say(connection.dialect)
        columns = [values[at] if write is None else map(write, values[at]) for at, write in said.takes]
        written: list[Any] = list(zip(*columns, strict=True))
        if said.keys is not None:
            written = [dict(zip(said.keys, line, strict=True)) for line in written]
        return connection.exec_driver_sql(said.text, written).rowcount

    def _say(self, dialect: Dialect) -> _Said:
        statement = self._make(dialect.name)
        columns = self._names if isinstance(statement, sa.Insert) else None
        compiled: Any = statement.compile(dialect=dialect, column_keys=columns, for_executemany=True)
        names = compiled.positiontup if compiled.positional else self._names
        takes = [
            (self._names.index(name), compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect))
            for name in names
        ]
        said = self._said[dialect.name] = _Said(str(compiled), takes, None if compiled.positional else names)
        return said


def _keep_private(path: str | None) -> Path | None:
    """Create the file, if it is one, so that only its owner reads it: it holds phone numbers and password hashes."""
    if not path or path == ":memory:" or path.startswith("file:"):
        return None
    # Only a new file: closing one that is open in this process takes SQLite's locks on it away (POSIX), and the next
    # process that closes the book would then throw away the write-ahead log we still write to.
    with suppress(OSError):  # opening it says better what is wrong
        os.close(os.open(Path(path), os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    return Path(path)


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except OSError:
        return 0


def _set_up_sqlite(connection: DBAPIConnection, _record: Any) -> None:
    connection.isolation_level = None  # the driver begins no transactions by itself: _begin_sqlite does
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
    _log_ahead(cursor)
    for pragma in ("synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _log_ahead(cursor: Any) -> None:
    """Have a write-ahead log. SQLite does not wait when several open a new file at once: it refuses all but one."""
    until = time.monotonic() + _BUSY_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(_AGAIN)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")


def _begin_postgresql(connection: Connection) -> None:
    if connection.get_execution_options().get("writes"):
        # Whoever has the lock and says nothing more loses it; whoever waits for it does so as long as on SQLite.
        for name, most in (("lock_timeout", _BUSY_MS), ("idle_in_transaction_session_timeout", _SILENT_MS)):
            connection.exec_driver_sql(f"SET LOCAL {name} = {most}")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ONE_WRITES})")
