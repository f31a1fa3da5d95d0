"""Reads ``config/calendars.yaml``: what people write about seasons, nights and days off -> instants.

Days are days of the local calendar. Every period is laid out for the years of ``YEARS``; outside of them it is no
season. Lunar dates are borax's, days off (with the exchanged working days the State Council has announced so far)
those of the package holidays.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
from borax.calendars.lunardate import InvalidLunarDateError, LCalendars, LunarDate
from pydantic import Field

from firesense.domain.calendar import HOLIDAY, NIGHT, Calendars, Period
from firesense.domain.errors import ConfigError, Fault
from firesense.domain.instant import instant
from firesense.domain.roster import LocalDays
from firesense.yamlfile import Written, read_shape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from firesense.domain.place import Org

YEARS = range(2020, 2051)
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_YEARLY = re.compile(r"(\d{2})-(\d{2})")
_LUNAR = re.compile(r"lunar (\d{1,2})-(\d{1,2})")
_ONE_DAY = timedelta(days=1)
_SATURDAY = 5

Span = tuple[date, date]  # the first day, and the day after the last


class _Night(Written):
    begins: str = Field(default="22:00", alias="from")
    ends: str = Field(default="06:00", alias="to")


class _Period(Written):
    name: str = Field(pattern=r"^\w[\w-]*$")
    begins: str | date = Field(alias="from")
    ends: str | date = Field(alias="to")
    places: list[str] = Field(default_factory=list)


class _CalendarFile(Written):
    night: _Night = _Night()
    holidays: str = Field(default="", pattern=r"^([A-Z]{2})?$")
    periods: list[_Period] = Field(default_factory=list)


def load_calendars(path: Path, zone: str, org: Org | None = None) -> Calendars:
    """Read and check the calendars. Raises ConfigError with every fault: file, path (``periods[2].from``) and reason.

    With ``org``, a period at a place there is not is a fault, too.
    """
    return _made(read_shape(path, _CalendarFile), zone, _Check(str(path), org))


def standard_calendars(zone: str) -> Calendars:
    """Give the calendars of those who have written none: nights from 22:00 to 06:00, no seasons, no days off."""
    return _made(_CalendarFile(), zone, _Check("", None))


def local_days(path: Path | None, zone: str) -> LocalDays:
    """Give the local clock and days off for rosters, of a calendar file that was checked or of nobody's.

    A weekend next to a statutory day off belongs to that holiday, as it does in the yearly notices.
    """
    country = read_shape(path, _CalendarFile).holidays if path else ""
    if not country:
        return LocalDays(ZoneInfo(zone))
    off, worked = _days_off(country)
    return LocalDays(ZoneInfo(zone), days_off=off, worked_weekends=worked)


@cache
def _days_off(country: str) -> tuple[frozenset[date], frozenset[date]]:
    """The days of every holiday of a country, weekends next to them among them, and weekend days worked instead."""
    import holidays  # noqa: PLC0415 -- half a second and 15 MB, for those who ask for it

    known = holidays.country_holidays(country, years=YEARS)
    worked = frozenset(getattr(known, "weekend_workdays", ()))
    off = set(known)
    for day in list(off):
        for step in (_ONE_DAY, -_ONE_DAY):
            beside = day + step
            while beside.weekday() >= _SATURDAY and beside not in worked and beside not in off:
                off.add(beside)
                beside += step
    return frozenset(off), worked


def _made(written: _CalendarFile, zone: str, check: _Check) -> Calendars:
    local = ZoneInfo(zone)
    periods = [Period(NIGHT, _edges(check.nights(written.night), local))]
    days = check.days_off(written.holidays)
    periods.append(Period(HOLIDAY, _edges([(_midnight(day), _midnight(day + _ONE_DAY)) for day in days], local)))
    for (name, places), spans in check.seasons(written.periods).items():
        whole = [(_midnight(begins), _midnight(ends)) for begins, ends in spans]
        periods.append(Period(name, _edges(whole, local), places))
    if check.faults:
        raise ConfigError(check.faults)
    return Calendars(periods, local)


class _Check:
    """Turns what was written into spans of days, and gathers what is wrong."""

    def __init__(self, file: str, org: Org | None) -> None:
        self._file = file
        self._org = org
        self.faults: list[Fault] = []

    def _fault(self, path: str, reason: str) -> None:
        self.faults.append(Fault(self._file, path, reason))

    def nights(self, night: _Night) -> list[tuple[datetime, datetime]]:
        """Every night of the years, by the local clock."""
        hours: list[time] = []
        for key, written in (("from", night.begins), ("to", night.ends)):
            if (found := _CLOCK.fullmatch(written)) is None:
                self._fault(f"night.{key}", f"{written!r} is no time of day such as 22:00")
            else:
                hours.append(time(int(found[1]), int(found[2])))
        if len(hours) < 2:  # noqa: PLR2004 -- from and to
            return []
        begins, ends = hours
        if begins == ends:
            self._fault("night", "is over when it begins")
        later = _ONE_DAY if ends <= begins else timedelta()
        days = (
            date(YEARS[0], 1, 1) + n * _ONE_DAY for n in range((date(YEARS[-1], 12, 31) - date(YEARS[0], 1, 1)).days)
        )
        return [(datetime.combine(day, begins), datetime.combine(day + later, ends)) for day in days]

    def days_off(self, country: str) -> list[date]:
        """The statutory days off of a country, by its ISO 3166 code."""
        if not country:
            return []
        import holidays  # noqa: PLC0415 -- half a second and 15 MB, for those who ask for it

        try:
            return sorted(holidays.country_holidays(country, years=YEARS))
        except NotImplementedError:
            self._fault("holidays", f"nothing is known of {country}")
            return []

    def seasons(self, periods: Iterable[_Period]) -> dict[tuple[str, frozenset[str]], list[Span]]:
        """All spans of each name and its places, in order; those that overlap are faults."""
        found: dict[tuple[str, frozenset[str]], list[Span]] = {}
        taken: dict[tuple[str, str], list[tuple[Span, str]]] = {}
        for number, one in enumerate(periods):
            at = f"periods[{number}]"
            if one.name in {NIGHT, HOLIDAY}:
                self._fault(f"{at}.name", f"{one.name} is not for seasons: write {one.name}()")
            for n, place in enumerate(one.places):
                if self._org is not None and place not in self._org.places:
                    self._fault(f"{at}.places[{n}]", f"there is no place {place!r}")
            spans = self._spans(one, at)
            for place in one.places or [""]:
                before = taken.setdefault((one.name, place), [])
                others = {other for old, other in before for new in spans if old[0] < new[1] and new[0] < old[1]}
                for other in sorted(others):
                    self._fault(at, f"{one.name} overlaps {other}" + (f" at {place}" if place else ""))
                before += [(span, at) for span in spans]
            found.setdefault((one.name, frozenset(one.places)), []).extend(spans)
        return {key: sorted(spans) for key, spans in found.items()}

    def _spans(self, one: _Period, at: str) -> list[Span]:
        begins, ends = self._day(one.begins, f"{at}.from"), self._day(one.ends, f"{at}.to")
        if begins is None or ends is None:
            return []
        if isinstance(begins, date) and isinstance(ends, date):
            if ends < begins:
                self._fault(at, "is over before it begins")
            return [(begins, ends + _ONE_DAY)]
        if isinstance(begins, date) or isinstance(ends, date):
            self._fault(at, "one end is of every year and the other of one year")
            return []
        spans = []
        for year in range(YEARS[0] - 1, YEARS[-1] + 1):  # the winter before the first year ends in it
            first = begins(year)
            last = ends(year) if ends(year) >= first else ends(year + 1)
            spans.append((first, last + _ONE_DAY))
        if any(later[0] < sooner[1] for sooner, later in pairwise(spans)):
            self._fault(at, "is not over when it begins again")
        return spans

    def _day(self, written: str | date, at: str) -> date | Callable[[int], date] | None:
        """Read a day: of one year, of every year, or of every lunar year."""
        if isinstance(written, date):
            return written
        if found := _YEARLY.fullmatch(written):
            month, day = int(found[1]), int(found[2])
            if _is_day(month, day):
                return lambda year: _day_of(year, month, day)
        elif found := _LUNAR.fullmatch(written):
            month, day = int(found[1]), int(found[2])
            if 1 <= month <= 12 and 1 <= day <= 30:  # noqa: PLR2004 -- lunar months and days
                return lambda year: _lunar_day(year, month, day)
        else:
            try:
                return date.fromisoformat(written)
            except ValueError:
                pass
        self._fault(at, f"{written!r} is no day such as 11-15, lunar 12-23 or 2026-11-15")
        return None


def _is_day(month: int, day: int) -> bool:
    try:
        date(2024, month, day)  # a leap year
    except ValueError:
        return False
    return True


def _day_of(year: int, month: int, day: int) -> date:
    """Give that day of a year; the last of February where there is no 29th."""
    return date(year, month, 28) if (month, day) == (2, 29) and year % 4 else date(year, month, day)


def _lunar_day(year: int, month: int, day: int) -> date:
    """Give that day of the lunar year that begins in ``year``; the last of its month where that has but 29."""
    try:
        found: Any = LunarDate(year, month, day).to_solar_date()
    except InvalidLunarDateError:
        found = LunarDate(year, month, LCalendars.ndays(year, month)).to_solar_date()
    return date(found.year, found.month, found.day)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())


def _edges(spans: Iterable[tuple[datetime, datetime]], zone: ZoneInfo) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    ends = [instant(moment.replace(tzinfo=zone)) for span in spans for moment in span]
    return np.array(ends, np.int64)
