"""The books the contract suite runs over: another implementation is another entry of BOOKS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from firesense.book import SqlBook
from tests.book_examples import alarm, outcome, raised

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from firesense.domain.alert import Alert
    from firesense.ports import Book

BOOKS = ("sqlite", pytest.param("postgresql", marks=pytest.mark.server))


@pytest.fixture(params=BOOKS)
def book_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/book.db"
        return
    server = request.getfixturevalue("postgresql")
    name = server.new_database()
    yield server.url(name)
    server.ask(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def book(book_url: str) -> Iterator[Book]:
    opened = SqlBook(book_url)
    yield opened
    opened.close()


@pytest.fixture
def alert(book: Book) -> Alert:
    """A fire that wen and zhou are to be told of."""
    book.commit(outcome(1, raised(alarm())))
    return alarm()
