"""What the book does on PostgreSQL alone: wait for other writers, and for a server that was away."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from firesense.book import SqlBook, sql
from firesense.cli import main
from firesense.domain.errors import BookError
from tests.book_examples import alarm, outcome, raised

pytestmark = pytest.mark.server


@pytest.fixture
def book(database_url):
    opened = SqlBook(database_url)
    yield opened
    opened.close()


@pytest.fixture
def other(database_url):
    """Another process that writes."""
    engine = sa.create_engine(database_url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_a_write_that_waits_too_long_for_another_process_is_a_book_error(book, other, monkeypatch):
    other.exec_driver_sql(f"SELECT pg_advisory_xact_lock({sql._ONE_WRITES})")
    monkeypatch.setattr(sql, "_BUSY_MS", 20)
    with pytest.raises(BookError, match="lock timeout"):
        book.commit(outcome(1, raised(alarm())))
    assert book.position("alerting") == 0, "reading needs no lock"
    other.rollback()
    book.commit(outcome(1, raised(alarm())))
    assert book.position("alerting") == 1


def test_whoever_holds_the_book_and_says_nothing_more_loses_it(book, monkeypatch):
    monkeypatch.setattr(sql, "_SILENT_MS", 20)
    stands_still = SqlBook(book._database._engine.url.render_as_string(hide_password=False))

    def hold_it_while_another_writes():
        with stands_still._database.writing():
            monkeypatch.setattr(sql, "_SILENT_MS", 60_000)
            book.commit(outcome(1, raised(alarm())))

    with pytest.raises(BookError):
        hold_it_while_another_writes()
    assert [alert.id for alert in book.alerts()] == [alarm().id]
    stands_still.close()


def test_a_server_that_was_away_is_not_noticed_by_who_comes_after(book, postgresql):
    assert book.alerts() == []
    postgresql.restart()
    assert book.alerts() == []
    book.commit(outcome(1, raised(alarm())))


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_that_cannot_hold_every_name_is_refused_before_anything_is_written(
    postgresql, tmp_path, capsys, encoding
):
    name = f"book_in_{encoding.lower()}"
    postgresql.ask(f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0")
    settings = tmp_path / "firesense.yaml"
    settings.write_text(f"book: {postgresql.url(name)}\n", encoding="utf-8")
    assert main(["alerts", "--config", str(settings)]) != 0
    assert f"is a database in {encoding}, and a book needs one in UTF-8" in capsys.readouterr().err
    engine = sa.create_engine(postgresql.url(name), connect_args={"client_encoding": "utf8"})
    with engine.connect() as connection:
        assert sa.inspect(connection).get_table_names() == []
    engine.dispose()
    postgresql.ask(f"DROP DATABASE {name} WITH (FORCE)")
