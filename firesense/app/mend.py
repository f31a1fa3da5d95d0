"""Before anything is opened for good: damaged files are mended, so that the daemon starts whatever the disk did to it.

The process with ingest minds the journal, the one with alerting the book and the rules' state; every other process ends
when a file is replaced under it, and its supervisor starts it on the new one.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from firesense import book as books
from firesense import journal as journals
from firesense.alerting import STREET as ALERTING
from firesense.app.plugs import open_book
from firesense.domain.errors import BookError
from firesense.domain.instant import iso, micros
from firesense.domain.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from firesense.book import SqlBook
    from firesense.domain.instant import Instant
    from firesense.journal import SqliteJournal
    from firesense.settings import Settings

_JUDGED_AGAIN = timedelta(minutes=10)
_log = structlog.get_logger(__name__)


def mend_files(settings: Settings, streets: Collection[str], now: Instant) -> list[str]:
    """Mend what this process minds; says what was mended, as kinds of events. Raises JournalError, BookError."""
    stamp = iso(now).replace(":", "").replace("-", "").partition(".")[0].rstrip("Z") + "Z"
    events: list[str] = []
    if "alerting" in streets and books.mend(settings.book, stamp) is not None:
        events.append("book-mended")
    if "ingest" in streets and journals.mend(settings.journal.file, stamp, _needed(settings)) is not None:
        events.append("journal-mended")
    return events


def _needed(settings: Settings) -> int:
    """The first offset somebody still has to read; 0 when nobody can say."""
    try:
        with open_book(settings) as book:
            return min(book.positions().values(), default=0)
    except BookError:
        return 0


def fit_together(
    journal: SqliteJournal, book: SqlBook, streets: Collection[str], now: Instant, events: list[str]
) -> list[str]:
    """Make journal and book agree after one of them was mended or came back from a backup; gives all events."""
    positions: Mapping[str, int] = book.positions()
    if "ingest" in streets and (missing := journal.go_on_from(max(positions.values(), default=0), now)):
        _log.error("journal.shorter_than_the_book", missing=missing, goes_on_from=journal.head)
        events = [*events, "journal-shorter"]
    if "book-mended" in events and ALERTING not in positions:
        # From the journal's beginning every old alarm would be raised again. What came last is judged again: better
        # told twice than not at all.
        offset = bisect_left(
            range(journal.tail, journal.head), now - micros(_JUDGED_AGAIN), key=lambda at: journal.received_at(at) or 0
        )
        book.commit(Outcome(ALERTING, journal.tail + offset, now))
    return events
