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
def book_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/book.db"
    url: str = request.getfixturevalue("database_url")
    return url


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
