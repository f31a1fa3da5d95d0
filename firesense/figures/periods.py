"""Periods as people write them: a month, a quarter, a year, or any days, of the local calendar."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from firesense.domain.instant import instant, moment

if TYPE_CHECKING:
    from datetime import tzinfo

    from firesense.domain.instant import Instant

_MONTHS = 12
_MONTHS_OF_A_QUARTER = 3
_DAYS_APART = 62  # a longer stretch of days is shown by months
_LONGEST = timedelta(days=3660)
_YEARS = range(2000, 2101)  # what lies outside is mistyped
_WRITTEN = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d{2})|-[Qq](?P<quarter>[1-4]))?|(?P<first>\d{4}-\d\d-\d\d)\.\.(?P<last>\d{4}-\d\d-\d\d)"
)
_IN_CHINESE = re.compile(r"(\d{4})年(?:度|(\d{1,2})月份?|第?([1-4一二三四])季度)?")
_QUARTERS = "一二三四"


class PeriodKind(StrEnum):
    """How long it is."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    DAYS = "days"


_COUNTS = {PeriodKind.MONTH: 1, PeriodKind.QUARTER: _MONTHS_OF_A_QUARTER, PeriodKind.YEAR: _MONTHS}


@dataclass(frozen=True, slots=True)
class Period:
    """From the first day up to the day before ``after``, by the clock of ``zone``."""

    kind: PeriodKind
    name: str  # as it is written: 2026-10, 2026-Q4, 2026, 2026-10-01..2026-10-15
    first: date
    after: date
    zone: tzinfo

    @property
    def last(self) -> date:
        """Its last day."""
        return self.after - timedelta(days=1)

    @property
    def start_at(self) -> Instant:
        """Midnight before the first day."""
        return self._midnight(self.first)

    @property
    def end_at(self) -> Instant:
        """Midnight after the last day: the first instant that is not of it."""
        return self._midnight(self.after)

    @property
    def parts(self) -> tuple[tuple[str, Instant], ...]:
        """Its days (months, when it is long) with the instant each begins at."""
        if self.after - self.first <= timedelta(days=_DAYS_APART):
            count = (self.after - self.first).days
            days = [self.first + timedelta(days=number) for number in range(count)]
            return tuple((day.isoformat(), self._midnight(day)) for day in days)
        months, month = [], self.first
        while month < self.after:
            months.append((month.isoformat()[:7], self._midnight(month)))
            month = _months_on(month.replace(day=1), 1)
        return tuple(months)

    def before(self) -> Period:
        """The period just before this one, as long."""
        count = _COUNTS.get(self.kind)
        if count is None:
            first = self.first - (self.after - self.first)
            return _days(first, self.first - timedelta(days=1), self.zone)
        return _made(self.kind, _months_on(self.first, -count), count, self.zone)

    def following(self) -> Period:
        """The period just after this one, as long."""
        count = _COUNTS.get(self.kind)
        if count is None:
            return _days(self.after, self.last + (self.after - self.first), self.zone)
        return _made(self.kind, self.after, count, self.zone)

    def _midnight(self, day: date) -> Instant:
        return instant(datetime(day.year, day.month, day.day, tzinfo=self.zone))


def period_of(written: str, zone: tzinfo) -> Period:
    """Read a period: ``2026-10``, ``2026-Q4``, ``2026``, ``2026-10-01..2026-10-15``. Raises ValueError.

    Months, quarters and years may be Chinese, too: ``2026年10月``, ``2026年第四季度``, ``2026年``.
    """
    found = _WRITTEN.fullmatch(_from_chinese(written.strip()))
    if found is None:
        raise ValueError(f"{written!r} is no period such as 2026-10, 2026-Q4, 2026 or 2026-10-01..2026-10-15")
    try:
        for name in ("year", "first", "last"):
            if found[name] and int(found[name][:4]) not in _YEARS:
                raise ValueError(f"years are {_YEARS[0]} to {_YEARS[-1]}")  # noqa: TRY301 -- said like every other fault
        if found["first"]:
            return _days(date.fromisoformat(found["first"]), date.fromisoformat(found["last"]), zone)
        year = date(int(found["year"]), 1, 1)
        if found["quarter"]:
            first = _months_on(year, (int(found["quarter"]) - 1) * _MONTHS_OF_A_QUARTER)
            return _made(PeriodKind.QUARTER, first, _MONTHS_OF_A_QUARTER, zone)
        if found["month"]:
            return _made(PeriodKind.MONTH, year.replace(month=int(found["month"])), 1, zone)
        return _made(PeriodKind.YEAR, year, _MONTHS, zone)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{written!r} is no period: {error}") from error


def _from_chinese(written: str) -> str:
    found = _IN_CHINESE.fullmatch(written)
    if found is None:
        return written
    year, month, quarter = found.groups()
    if month:
        return f"{year}-{int(month):02}"
    return f"{year}-Q{_QUARTERS.find(quarter) + 1 or quarter}" if quarter else year


def month_of(at: Instant, zone: tzinfo) -> Period:
    """The month an instant lies in."""
    return _made(PeriodKind.MONTH, moment(at).astimezone(zone).date().replace(day=1), 1, zone)


def _days(first: date, last: date, zone: tzinfo) -> Period:
    if last < first:
        raise ValueError("it ends before it begins")
    if last - first > _LONGEST:
        raise ValueError("it is longer than ten years")
    return Period(PeriodKind.DAYS, f"{first}..{last}", first, last + timedelta(days=1), zone)


def _made(kind: PeriodKind, first: date, months: int, zone: tzinfo) -> Period:
    name = {
        PeriodKind.MONTH: f"{first:%Y-%m}",
        PeriodKind.QUARTER: f"{first:%Y}-Q{(first.month - 1) // _MONTHS_OF_A_QUARTER + 1}",
    }.get(kind, f"{first:%Y}")
    return Period(kind, name, first, _months_on(first, months), zone)


def _months_on(day: date, count: int) -> date:
    months = day.year * _MONTHS + day.month - 1 + count
    return date(months // _MONTHS, months % _MONTHS + 1, day.day)
