"""The book on SQLite: its file, its schema, its locks, and that looking for work stays cheap."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from firesense.book import SqlBook, outbox, sql, tables
from firesense.book.schema import MIGRATIONS, prepare
from firesense.book.sql import Database
from firesense.domain.alert import AlertClass, Condition, Finding
from firesense.domain.deed import Acknowledge, Actor, Rights
from firesense.domain.errors import BookError
from firesense.domain.escalation import CallState, Climb, Ladder, Step, StepKind
from firesense.domain.instant import MINUTE
from firesense.domain.outcome import Clear, TripAgain
from firesense.ports import User
from tests.book_examples import (
    LADDER,
    LATER,
    NOON,
    ORG,
    SELECTORS,
    alarm,
    call,
    climb,
    device,
    lease,
    outcome,
    raised,
    refusal,
    sent,
)
from tests.waiting import wait_until


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/book.db"


@pytest.fixture
def book(url):
    opened = SqlBook(url)
    yield opened
    opened.close()


@pytest.fixture
def raw(book, tmp_path):  # noqa: ARG001 # the file is the book's
    connection = sqlite3.connect(tmp_path / "book.db", isolation_level=None)
    yield connection
    connection.close()


def test_only_its_owner_reads_the_file(book, tmp_path):
    book.put_user(User("duty", "hash"))
    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_opening_it_once_more_in_a_process_takes_no_locks_away(book, url, tmp_path):
    book.put_user(User("li-na", "hash"))
    SqlBook(url).close()
    looks = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('SELECT * FROM user').fetchall()"
    subprocess.run([sys.executable, "-c", looks, tmp_path / "book.db"], check=True)
    assert (tmp_path / "book.db-wal").exists()  # or what is written from now on is lost


def test_every_connection_waits_for_the_disk_and_checks_references(book):
    with book._database.reading() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000}


@pytest.mark.parametrize("url", ["", "nonsense", "sqlite:////no/such/folder/book.db", "sqlite:////proc"])
def test_what_cannot_be_opened_is_a_book_error(url):
    with pytest.raises(BookError):
        SqlBook(url)


def test_a_file_that_is_no_database_is_refused(url, tmp_path):
    (tmp_path / "book.db").write_text("these are not the tables you are looking for" * 40)
    with pytest.raises(BookError, match="not a database"):
        SqlBook(url)


def test_somebody_elses_database_is_refused_and_left_alone(url, tmp_path):
    other = sqlite3.connect(tmp_path / "book.db")
    other.execute("CREATE TABLE recipes (name TEXT)")
    with pytest.raises(BookError, match="not a firesense book"):
        SqlBook(url)
    assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("recipes",)]
    other.close()


def test_a_book_of_a_newer_firesense_is_refused(raw, url):
    raw.execute("UPDATE meta SET value = 99 WHERE key = 'schema'")
    with pytest.raises(BookError, match="99"):
        SqlBook(url)


def test_an_older_book_is_migrated_once_and_whole(book, url, raw):
    book.commit(outcome(1, raised(alarm())))
    now = len(MIGRATIONS) + 1
    steps = (
        *MIGRATIONS,
        ("ALTER TABLE person ADD COLUMN badge TEXT",),
        ("UPDATE alert SET note = note || 'migrated'",),
    )
    database = Database(url)
    with pytest.raises(BookError, match="no such table"):
        prepare(database, (*steps, ("DELETE FROM no_such_table",)))
    assert raw.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone() == (now,)
    prepare(database, steps)
    prepare(database, steps)
    database.close()
    assert raw.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone() == (now + 2,)
    assert book.alert(alarm().id).note == "migrated"


def test_alerts_of_an_older_book_are_listed_as_new_ones(book, raw):
    stranger = replace(alarm(3), device="?eui-3")
    alerts = [alarm(1), stranger, alarm(9, AlertClass.HAZARD), alarm(2, AlertClass.FAULT), alarm(4, AlertClass.TEST)]
    book.commit(outcome(1, *map(raised, alerts)))
    raw.execute("UPDATE alert SET rank = alert_class <> 'fire'")
    for statement in MIGRATIONS[2]:
        raw.execute(statement)
    assert book.alerts() == alerts


def test_rosters_in_an_older_book_get_the_tables_of_a_new_one(book, raw):
    book.install(ORG, [LADDER], SELECTORS)
    names = ("place", "post", "roster", "roster_change", "feed")
    new = {name: raw.execute(f"PRAGMA table_info({name})").fetchall() for name in names}
    for name in ("roster", "roster_change", "feed"):
        raw.execute(f"DROP TABLE {name}")
    raw.execute("ALTER TABLE place DROP COLUMN scheme")
    raw.execute("ALTER TABLE post DROP COLUMN rosters")
    for statement in MIGRATIONS[3]:
        raw.execute(statement)
    for name in names:
        assert [column[1:4] for column in raw.execute(f"PRAGMA table_info({name})")] == [
            column[1:4] for column in new[name]
        ]
    assert book.org().posts == ORG.posts
    assert book.org().places == ORG.places


def test_an_older_book_gets_the_tables_of_quiet_windows(book, raw):
    book.commit(outcome(1, raised(alarm())))
    names = ("quiet", "suppressed")
    new = {name: raw.execute(f"PRAGMA table_info({name})").fetchall() for name in names}
    for name in names:
        raw.execute(f"DROP TABLE {name}")
    raw.execute("ALTER TABLE alert DROP COLUMN quiet")
    for migration in MIGRATIONS:
        if "alert ADD COLUMN quiet" in migration[0] or "TABLE suppressed" in migration[0]:
            for statement in migration:
                raw.execute(statement)
    for name in names:
        assert [column[1:4] for column in raw.execute(f"PRAGMA table_info({name})")] == [
            column[1:4] for column in new[name]
        ]
    assert book.alert(alarm().id) == alarm()


_FORMER_CLIMB = """
    ALTER TABLE ladder DROP COLUMN timers; ALTER TABLE call DROP COLUMN strand; ALTER TABLE call DROP COLUMN detail;
    ALTER TABLE selector DROP COLUMN seasons; ALTER TABLE selector DROP COLUMN hours;
    ALTER TABLE selector DROP COLUMN confirmed; ALTER TABLE selector DROP COLUMN start;
    DROP TABLE climb;
    CREATE TABLE climb (
        alert TEXT NOT NULL PRIMARY KEY REFERENCES alert (id) DEFERRABLE INITIALLY DEFERRED, ladder TEXT NOT NULL,
        rungs TEXT NOT NULL, repeat INTEGER, state TEXT NOT NULL, rung INTEGER NOT NULL, round INTEGER NOT NULL,
        due_at BIGINT, version INTEGER NOT NULL, rank INTEGER NOT NULL
    );
    CREATE INDEX climb_due ON climb (rank, due_at);
    INSERT INTO climb VALUES ('{alert}', 'township', '[[["grid-member"],["robot","mail"],120000000]]', NULL,
        'climbing', 1, 0, {due_at}, 3, 0);
"""


def test_a_climb_of_an_older_book_goes_on_where_it_was(book, raw):
    book.install(ORG, [LADDER], SELECTORS)
    book.commit(outcome(1, raised(alarm())))
    raw.executescript(_FORMER_CLIMB.format(alert=alarm().id, due_at=LATER))
    for migration in MIGRATIONS:
        if "DROP INDEX climb_due" in migration or "TABLE climb ADD COLUMN" in migration[0]:
            for statement in migration:
                raw.execute(statement)
    ladder = Ladder("township", LADDER.rungs[:1], None)
    assert book.climb(alarm().id) == Climb(alarm().id, ladder, rung=1, due_at=LATER, version=3)
    assert book.ladders() == (
        {"township": LADDER},
        tuple(replace(each, seasons=frozenset(), hours=None, confirmed=False, start=0) for each in SELECTORS),
    )
    assert {call.strand for call in book.calls(alarm().id)} == {""}
    (found,) = raw.execute("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'climb%'")
    assert found == (2,), "the table and its index"


def test_closed_cases_of_an_older_book_are_summed_up(book, raw):
    line = Step(alarm().id, NOON + 1, StepKind.UNDONE)
    book.commit(outcome(1, replace(raised(alarm()), steps=(line,)), raised(alarm(2))))
    for number, leased in enumerate(lease(book)):
        sent(book, leased, LATER + number)
    book.acknowledge(alarm().id, "wen", LATER + 7)
    book.close_alert(alarm().id, "wen", LATER + 8, Finding.TEST, "")
    said = "SELECT id, called_at, taken_at, stood_still, was_held FROM alert ORDER BY raised_at"
    summed = raw.execute(said).fetchall()
    assert summed == [(alarm(1).id, LATER, LATER + 7, 1, 0), (alarm(2).id, None, None, None, None)]
    raw.execute("UPDATE alert SET called_at = NULL, taken_at = NULL, stood_still = NULL, was_held = NULL")
    migration = next(each for each in MIGRATIONS if "alert ADD COLUMN called_at" in each[0])
    raw.execute(next(statement for statement in migration if statement.startswith("UPDATE alert")))
    assert raw.execute(said).fetchall() == summed


def test_calls_of_an_older_book_have_spent_the_budget_of_their_address(book, raw):
    names = ("person", "call", "flood", "seen")
    new = {name: sorted(column[1:4] for column in raw.execute(f"PRAGMA table_info({name})")) for name in names}
    indexes = set(raw.execute("SELECT name FROM sqlite_master WHERE type = 'index'"))
    book.commit(outcome(1, raised(alarm())))
    for name in ("call_line", "call_person", "call_receipt"):
        raw.execute(f"DROP INDEX {name}")
    for table, column in (("person", "quiet"), ("call", "ask_at"), ("call", "line"), ("call", "instead_of")):
        raw.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    for name in ("flood", "seen"):
        raw.execute(f"DROP TABLE {name}")
    for statement in next(steps for steps in MIGRATIONS if "call_line" in str(steps)):
        raw.execute(statement)
    for name in names:
        assert sorted(column[1:4] for column in raw.execute(f"PRAGMA table_info({name})")) == new[name]
    assert set(raw.execute("SELECT name FROM sqlite_master WHERE type = 'index'")) == indexes
    assert {told.line for told in book.calls(alarm().id)} == {"robot-of-wen", "robot-of-zhou"}


def shape(connection):
    """The columns of each table (name, whether it may be NULL, whether it is of the key) and the indexes."""
    names = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'"
    )
    columns = {
        name: {(row[1], row[3], bool(row[5])) for row in connection.execute(f'PRAGMA table_info("{name}")')}
        for (name,) in names.fetchall()
    }
    indexes = {name: {row[1] for row in connection.execute(f'PRAGMA index_list("{name}")')} for name in columns}
    return columns, indexes


def test_a_migrated_book_has_the_tables_of_a_new_one(raw, tmp_path):
    old = tmp_path / "old.db"
    with closing(sqlite3.connect(old)) as connection:
        connection.executescript((Path(__file__).parents[1] / "book_v4.sql").read_text(encoding="utf-8"))
        connection.execute("INSERT INTO user VALUES ('wang', 'hash', 'wang-fang', 0)")
        connection.commit()
    migrated = SqlBook(f"sqlite:///{old}")
    assert migrated.user("wang") == User("wang", "hash", "wang-fang", rights=Rights.ADMIN)
    migrated.commit(outcome(1, raised(alarm())))
    migrated.act(alarm().id, Acknowledge(), Actor("wen"), LATER)
    assert migrated.prove_audit().rows == 1
    with closing(sqlite3.connect(old)) as connection:
        assert shape(connection) == shape(raw)
    migrated.close()


def test_a_write_that_waits_too_long_for_another_process_is_a_book_error(url, raw, monkeypatch):
    monkeypatch.setattr(sql, "_BUSY_MS", 1)
    impatient = SqlBook(url)
    raw.execute("BEGIN IMMEDIATE")
    with pytest.raises(BookError, match="locked"):
        impatient.commit(outcome(1, raised(alarm())))
    assert impatient.position("alerting") == 0, "reading needs no lock"
    assert impatient.lease_calls(NOON, NOON + 1, 9) == []
    raw.execute("ROLLBACK")
    impatient.commit(outcome(1, raised(alarm())))
    impatient.close()


def test_a_new_book_waits_for_another_process_that_is_just_making_it(url, tmp_path, monkeypatch):
    other = sqlite3.connect(tmp_path / "book.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waited = []

    def until_it_is_made(seconds):
        waited.append(seconds)
        other.execute("ROLLBACK")

    monkeypatch.setattr(sql.time, "sleep", until_it_is_made)
    book = SqlBook(url)
    assert waited, "SQLite itself does not wait for it"
    assert book.alerts() == []
    book.close()
    other.close()


def test_an_error_says_nothing_of_what_was_to_be_written(book):
    with pytest.raises(BookError) as refused:
        book.open_session("secret-token-hash", "nobody", NOON)
    assert "secret" not in str(refused.value)


def test_after_an_error_the_book_goes_on(book):
    lost = raised(replace(alarm(), id="A"), *raised(alarm(2)).calls)
    with pytest.raises(BookError):
        book.commit(outcome(1, lost))
    book.commit(outcome(1, raised(alarm())))
    assert [alert.id for alert in book.alerts()] == [alarm().id]


SHORT = {"slots"}  # a row for each device class
WITHOUT_AN_INDEX = {f"SCAN {name}" for name in tables.metadata.tables.keys() - SHORT}


# -- looking for work costs what is due, however much history there is ------------------------------------------------

HOT = {
    "climbs of later": lambda book: book.climbs_after(NOON),
    "due climbs": lambda book: book.due_climbs(LATER, 9),
    "when something is due": lambda book: book.next_due_at(),
    "calls to lease": lambda book: book.lease_calls(LATER, LATER + 1, 9),
    "a call settled": lambda book: book.settle(call(alarm(), state=CallState.SENT), LATER),
    "the rest of a bundle": lambda book: book.lease_like(call(alarm()), LATER, LATER + 1, 9),
    "a call put back": lambda book: book.postpone([call(alarm())], LATER, "quiet", NOON),
    "a report": lambda book: book.report(call(alarm(), state=CallState.DELIVERED), LATER),
    "whose call it was": lambda book: book.calls_with("robot", "ref-1"),
    "who was called there": lambda book: book.calls_to("robot", "line", NOON),
    "what a line has spent": lambda book: book.spent("robot", "line", NOON),
    "what one person is told": lambda book: book.load("wen", NOON, LATER),
    "floods": lambda book: book.floods(),
    "who was told of an incident": lambda book: book.told_of(alarm().id, "wen"),
    "what comes once": lambda book: book.first_time("callback", NOON),
    "a climb moved": lambda book: book.advance(climb(alarm()), climb(alarm()), [call(alarm(), "liu")], ()),
    "an alert taken": lambda book: book.acknowledge(alarm().id, "wen", LATER),
    "an alert closed": lambda book: book.close_alert(alarm().id, "wen", LATER, Finding.TEST, ""),
    "open alerts": lambda book: book.alerts(),
    "what was closed while it fired": lambda book: book.left_firing(["smoke-fire", "too-hot"]),
    "newest alerts": lambda book: book.alerts(open_only=False),
    "the next page of alerts": lambda book: book.alerts(after=alarm().id),
    "the board": lambda book: book.listing(),
    "the board with what is closed": lambda book: book.listing(open_only=False),
    "the next page of the board": lambda book: book.listing(after=alarm().id),
    "calls of an alert": lambda book: book.calls(alarm().id),
    "story of an alert": lambda book: book.story(alarm().id),
    "the last step": lambda book: book.last_step(),
    "what waits in quarantine": lambda book: book.quarantine(),
    "an alert raised": lambda book: book.commit(outcome(9, raised(alarm(2)))),
    "a department that comes": lambda book: book.answer(alarm().id, Actor("wen"), LATER, "1"),
    "an outcome": lambda book: book.commit(
        outcome(
            9, TripAgain(alarm().id, LATER, 1), Clear(alarm().id, LATER, Condition.RESOLVED), refusals=(refusal(8),)
        )
    ),
    "a session": lambda book: book.session_user("token", NOON),
    "what is waiting": lambda book: book.counts(),
    "the plan's version": lambda book: book.version(),
    "a few devices registered": lambda book: book.register([device("a"), device("b", place="g2")]),
}


@pytest.fixture
def asked(book):
    """Do what HOT calls ``name``; gives the questions that were asked, with a set of values."""
    book.commit(outcome(1, raised(alarm())))
    book.register([device("a"), device("b")])
    book.blow(replace(climb(alarm()), strand="1"), [], [], Actor("wen"), NOON)

    def ask(name):
        said = []

        def listen(_connection, _cursor, statement, parameters, _context, many):
            said.append((statement, parameters[0] if many else parameters))

        sa.event.listen(book._database._engine, "before_cursor_execute", listen)
        HOT[name](book)
        sa.event.remove(book._database._engine, "before_cursor_execute", listen)
        questions = [each for each in said if not each[0].startswith(("BEGIN", "PRAGMA"))]
        assert questions
        return questions

    return ask


def plan_of(connection, statement, values):
    return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)]


@pytest.mark.parametrize("name", HOT)
def test_what_is_done_often_goes_by_an_index(asked, raw, name):
    for statement, values in asked(name):
        plan = plan_of(raw, statement, values)
        assert WITHOUT_AN_INDEX.isdisjoint(plan), (statement, plan)


@pytest.mark.parametrize("name", HOT)
def test_which_index_that_is_does_not_hang_on_the_order_they_were_made_in(asked, raw, name):
    questions = asked(name)
    plans = [plan_of(raw, *question) for question in questions]
    made = raw.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL").fetchall()
    for order in (sorted(made), sorted(made, reverse=True)):
        for index, definition in order:
            raw.execute(f"DROP INDEX {index}")
            raw.execute(definition)
        assert [plan_of(raw, *question) for question in questions] == plans


def test_a_list_takes_as_many_questions_for_many_alerts_as_for_one(book, asked):
    few = len(asked("the board"))
    book.commit(outcome(2, *(raised(alarm(number)) for number in range(2, 60))))
    assert len(asked("the board")) == few


def test_what_a_person_does_is_written_before_what_a_street_has_yet_to_begin(book):
    book.commit(outcome(1, raised(alarm())))
    street = Thread(target=book.commit, args=(outcome(2, raised(alarm(2))),))
    officer = Thread(target=book.acknowledge, args=(alarm().id, "wen", LATER))
    with book._database.writing():
        for number, thread in enumerate((street, officer), start=1):
            thread.start()
            wait_until(lambda number=number: book._database._turns.waiting == number)
    for thread in (street, officer):
        thread.join()
    with book._database.reading() as connection:
        told = connection.execute(sa.select(tables.step.c.kind).order_by(tables.step.c.number)).scalars().all()
    assert told[2:] == [StepKind.ACKNOWLEDGED, StepKind.RAISED, StepKind.CALLED]


def test_a_call_that_is_over_is_not_due(book, raw):
    book.commit(outcome(1, raised(alarm())))
    book.lease_calls(NOON + MINUTE, NOON + 2 * MINUTE, 1)
    book.acknowledge(alarm().id, "wen", NOON)
    assert raw.execute("SELECT count(*) FROM call WHERE ready_at IS NOT NULL").fetchone() == (0,)
    assert raw.execute("SELECT count(*) FROM climb WHERE due_at IS NOT NULL").fetchone() == (0,)


def test_every_table_and_question_can_be_said_to_postgresql():
    for table in tables.metadata.sorted_tables:
        assert str(sa.schema.CreateTable(table).compile(dialect=postgresql.dialect()))
    taking = str(outbox._TAKE.compile(dialect=postgresql.dialect()))
    assert "FOR UPDATE OF call SKIP LOCKED" in taking
