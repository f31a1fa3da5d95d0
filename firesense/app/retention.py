"""Planned work: what is kept for how long, and the limits of what is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from firesense.app.watch import READERS
from firesense.domain.errors import BookError, HistoryError, JournalError
from firesense.domain.instant import DAY, MINUTE, micros, moment
from firesense.history import SqliteHistory
from firesense.photos import Photos

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from firesense.app.watch import Watch
    from firesense.book import SqlBook
    from firesense.journal import SqliteJournal
    from firesense.ports import Clock, History
    from firesense.settings import Settings

_NEARLY_FULL, _ROOM = 0.9, 0.85  # of the journal's limit: where trimming begins, and what it leaves
_SWEPT_AT_ONCE = 500  # names in one question
_SOON = MINUTE  # after the start, when the streets are under way
_log = structlog.get_logger(__name__)


class Retention:
    """Trims journal, quarantine and history, each in the process of the street that fills it."""

    def __init__(
        self, settings: Settings, journal: SqliteJournal, book: SqlBook, history: History, clock: Clock, watch: Watch
    ) -> None:
        self._settings = settings
        self._journal = journal
        self._book = book
        self._history = history
        self._clock = clock
        self._watch = watch

    def plan(self, streets: Collection[str]) -> BackgroundScheduler:
        """Make the timetable. A run that was missed is made up for, once."""
        scheduler = BackgroundScheduler(timezone="UTC", job_defaults={"misfire_grace_time": None, "coalesce": True})

        def add(work: Callable[[], None], **every: int) -> None:
            scheduler.add_job(_tried, "interval", args=[work], id=work.__name__, **every)

        def add_soon(work: Callable[[], None], **every: int) -> None:
            """First soon after the start: the timetable is lost with the process, which may stop every night."""
            first = moment(self._clock.now() + _SOON)
            scheduler.add_job(_tried, "interval", args=[work], id=work.__name__, next_run_time=first, **every)

        if "ingest" in streets:
            add(self.trim_journal, minutes=10)
            add(self.make_room, seconds=5)
        if "duty" in streets:
            add_soon(self.forget, hours=24)
            add_soon(self.sweep_photos, hours=24)
        if "record" in streets:
            add(self.trim_quarantine, seconds=30)
            if isinstance(self._history, SqliteHistory):
                add_soon(self.trim_history, hours=1)
        return scheduler

    def trim_journal(self) -> None:
        """Drop frames that are older than they are kept, and were read by every street."""
        self._trim(self._settings.journal.most)

    def make_room(self) -> None:
        """Drop the oldest frames that every street has read, when the journal is nearly full."""
        most, used = self._settings.journal.most, self._journal.used_bytes
        if used > most * _NEARLY_FULL:  # the file is larger than what is in it: both shrink alike
            self._trim(int(self._journal.size().bytes * most * _ROOM / used))

    def _trim(self, most_bytes: int) -> None:
        positions = self._book.positions()
        done = min(positions.get(street, 0) for street in READERS)
        dropped = self._journal.trim(done, self._clock.now() - micros(self._settings.journal.keep), most_bytes)
        if dropped:
            _log.info("journal.trimmed", frames=dropped)

    def trim_quarantine(self) -> None:
        """Keep the quarantine within its limits."""
        limits = self._settings.quarantine
        thinned = self._book.trim_quarantine(limits.most, limits.most_bytes, limits.strangers)
        if thinned:
            self._watch.thinned_at = self._clock.now()
            _log.warning("quarantine.thinned", frames=thinned)

    def forget(self) -> None:
        """Forget closed cases, their photos, and lines of the audit that were kept long enough."""
        now, keep = self._clock.now(), self._settings.keep
        photos = Photos(self._settings.data / "photos")
        forgot = 0
        cases, hazards = now - micros(keep.cases), now - micros(keep.hazards)
        while (found := self._book.forget_cases(cases, now, hazards_before=hazards))[0]:
            forgot += found[0]
            for photo in found[1]:
                photos.forget(photo)
        trimmed = self._book.trim_audit(now - micros(keep.audit), now)
        if forgot or trimmed:
            _log.info("book.trimmed", cases=forgot, audit=trimmed)

    def sweep_photos(self) -> None:
        """Delete photos that belong to nothing a day after they came: their report was refused."""
        photos = Photos(self._settings.data / "photos")
        lone = list(photos.older(self._clock.now() - DAY))
        swept = 0
        for start in range(0, len(lone), _SWEPT_AT_ONCE):
            some = lone[start : start + _SWEPT_AT_ONCE]
            for photo in set(some) - self._book.photos_shown(some):
                photos.forget(photo)
                swept += 1
        if swept:
            _log.info("photos.swept", photos=swept)

    def trim_history(self) -> None:
        """Drop readings that are older than they are kept."""
        if isinstance(self._history, SqliteHistory):
            self._history.trim(self._clock.now())


def _tried(work: Callable[[], None]) -> None:
    """Do it; what cannot be done now is done the next time."""
    try:
        work()
    except (BookError, JournalError, HistoryError) as error:
        _log.warning("retention.waits", work=work.__name__, reason=str(error))
