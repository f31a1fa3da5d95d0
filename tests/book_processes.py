"""What other processes do to a book in the tests; each function runs in one of its own."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from firesense.book import SqlBook
from firesense.domain.errors import Conflict
from firesense.domain.instant import MINUTE
from tests.book_examples import NOON, whole

if TYPE_CHECKING:
    from multiprocessing.queues import Queue
    from multiprocessing.synchronize import Barrier


def open_and_say(url: str, start: Barrier, said: Queue[int]) -> None:
    """Open a book that is not there yet, together with others."""
    start.wait()
    book = SqlBook(url)
    said.put(book.version())
    book.close()


def lease_all(url: str, start: Barrier, said: Queue[list[str]]) -> None:
    """Lease calls a few at a time until there are none."""
    book = SqlBook(url)
    start.wait()
    got: list[str] = []
    while leased := book.lease_calls(NOON + MINUTE, NOON + 9 * MINUTE, 3):
        got += [call.key for call, _ in leased]
    said.put(got)
    book.close()


def take(url: str, start: Barrier, said: Queue[tuple[str, list[str]]], who: str, alerts: list[str]) -> None:
    """Acknowledge alerts, and say which of them were to be had."""
    book = SqlBook(url)
    start.wait()
    mine = []
    for alert in alerts:
        try:
            mine.append(book.acknowledge(alert, who, NOON).id)
        except Conflict:
            continue
    said.put((who, mine))
    book.close()


def commit_for_ever(url: str) -> None:
    """Commit one whole outcome after another, from where the street stands, until the process ends."""
    book = SqlBook(url)
    for position in count(book.position("alerting") + 1):
        book.commit(whole(position))
