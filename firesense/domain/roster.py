"""Rosters: who is on duty when. Pure: rotations, changes and local days go in, exact spans come out.

A roster has one team on at a time: its rotations do not overlap. A post has any number of rosters (duty, leader on
duty), and people who hold it always. What people change for a while (someone stands in, two swap, someone is on
leave) lies over that, in the order in which it was written; leave lies over everything.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import TYPE_CHECKING

from firesense.domain.instant import instant, moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from firesense.domain.instant import Instant

EVERY_WEEKDAY = frozenset(range(7))
_WEEK = frozenset(range(5))
_DAYS_OF_WEEK = 7
_ONE_DAY = timedelta(days=1)
_REMEMBERED = 10_000


class Days(StrEnum):
    """Which days of those a rotation names by weekday it is for."""

    EVERY = "every-day"
    WORKDAYS = "workdays"  # Monday to Friday but for days off, and the weekend days that are worked in exchange
    DAYS_OFF = "days-off"  # all others
    HOLIDAYS = "holidays"  # statutory days off only
    NO_HOLIDAYS = "no-holidays"  # all but those


@dataclass(frozen=True, slots=True)
class Rotation:
    """Teams in order, each for a turn; one team is a fixed shift.

    On each of its days the team whose turn it is comes on at ``begins`` and goes at ``ends`` by the local clock, on
    the day after when that is not later. A turn counts the rotation's own days from ``start`` on, so that nobody's
    turn falls on a day without duty; with ``in_weeks`` it counts weeks from ``start`` on. ``until`` is its last day.
    """

    teams: tuple[tuple[str, ...], ...]
    start: date
    begins: time = time(8)
    ends: time = time(8)
    turn: int = 1
    in_weeks: bool = False
    weekdays: frozenset[int] = EVERY_WEEKDAY  # 0 is Monday
    days: Days = Days.EVERY
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Roster:
    """Rotations that follow or complement each other."""

    id: str
    rotations: tuple[Rotation, ...] = ()
    name: str = ""


class ChangeKind(StrEnum):
    """What people change for a while."""

    OVERRIDE = "override"  # the stand-in is on instead of the person, or, without a person, besides the others
    LEAVE = "leave"  # the person is away from every post


@dataclass(frozen=True, slots=True)
class Change:
    """Something other than the roster says, from ``begins_at`` until ``ends_at``; ``who`` wrote it at ``at``.

    An override without ``roster`` holds wherever the person is on duty. Two overrides with one ``swap`` belong
    together.
    """

    id: str
    kind: ChangeKind
    begins_at: Instant
    ends_at: Instant
    person: str = ""
    stand_in: str = ""
    roster: str = ""
    swap: str = ""
    who: str = ""
    at: Instant = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """Who is on duty from ``begins_at`` until just before ``ends_at``, by id; nobody is a span, too."""

    begins_at: Instant
    ends_at: Instant
    people: tuple[str, ...] = ()


class LocalDays:
    """The local clock and calendar: when a day's hour is, and what kind of day it is."""

    def __init__(
        self, zone: tzinfo = UTC, *, days_off: Iterable[date] = (), worked_weekends: Iterable[date] = ()
    ) -> None:
        """``days_off`` are statutory days off; ``worked_weekends`` weekend days worked in exchange for some of them."""
        self.zone = zone
        self._off = frozenset(days_off)
        self._worked = frozenset(worked_weekends)
        self._instants: dict[tuple[date, time], Instant] = {}  # ten thousand rosters share a few hand-overs
        self._counts: dict[tuple[frozenset[int], Days], tuple[frozenset[int], list[date], list[date]]] = {}

    def at(self, day: date, clock: time) -> Instant:
        """When it is that time on that day; a time the clock skips is as long after midnight as it would be."""
        found = self._instants.get((day, clock))
        if found is None:
            if len(self._instants) > _REMEMBERED:
                self._instants = {}
            found = self._instants[day, clock] = instant(datetime.combine(day, clock, self.zone))
        return found

    def day_of(self, at: Instant) -> date:
        """Which local day an instant falls on."""
        return moment(at).astimezone(self.zone).date()

    def fits(self, day: date, weekdays: frozenset[int], days: Days) -> bool:
        """Whether a day is one of those weekdays and of that kind."""
        if day.weekday() not in weekdays:
            return False
        match days:
            case Days.EVERY:
                return True
            case Days.HOLIDAYS:
                return day in self._off
            case Days.NO_HOLIDAYS:
                return day not in self._off
            case Days.WORKDAYS | Days.DAYS_OFF:
                works = day in self._worked or (day.weekday() in _WEEK and day not in self._off)
                return works is (days is Days.WORKDAYS)

    def count(self, first: date, day: date, weekdays: frozenset[int], days: Days) -> int:
        """How many days from ``first`` until before ``day`` fit."""
        usual, more, less = self._exceptions(weekdays, days)
        number = _weekdays_before(day, usual) - _weekdays_before(first, usual)
        number += bisect_left(more, day) - bisect_left(more, first)
        return number - (bisect_left(less, day) - bisect_left(less, first))

    def _exceptions(self, weekdays: frozenset[int], days: Days) -> tuple[frozenset[int], list[date], list[date]]:
        """The weekdays that usually fit, the days that fit besides, and the days that do not."""
        found = self._counts.get((weekdays, days))
        if found is None:
            usual = {
                Days.WORKDAYS: weekdays & _WEEK,
                Days.DAYS_OFF: weekdays - _WEEK,
                Days.HOLIDAYS: frozenset[int](),
            }.get(days, weekdays)
            special = sorted(self._off | self._worked)
            fitting = [day for day in special if self.fits(day, weekdays, days)]
            more = [day for day in fitting if day.weekday() not in usual]
            less = [day for day in special if day.weekday() in usual and day not in set(fitting)]
            found = self._counts[weekdays, days] = usual, more, less
        return found


def _weekdays_before(day: date, weekdays: frozenset[int]) -> int:
    """How many such weekdays there were from the first day of the calendar (a Monday) until before this one."""
    weeks, rest = divmod(day.toordinal() - 1, _DAYS_OF_WEEK)
    return weeks * len(weekdays) + sum(weekday < rest for weekday in weekdays)


def turns(rotation: Rotation, days: LocalDays, start: Instant, end: Instant) -> Iterator[Span]:
    """The turns of a rotation that touch the time from ``start`` until ``end``, day by day."""
    if not rotation.teams:
        return
    later = _ONE_DAY if rotation.ends <= rotation.begins else timedelta()
    day = max(rotation.start, days.day_of(start) - _ONE_DAY)
    last = days.day_of(end)
    if rotation.until is not None:
        last = min(last, rotation.until)
    number = days.count(rotation.start, day, rotation.weekdays, rotation.days)
    while day <= last:
        if days.fits(day, rotation.weekdays, rotation.days):
            count = (day - rotation.start).days // _DAYS_OF_WEEK if rotation.in_weeks else number
            begins_at, ends_at = days.at(day, rotation.begins), days.at(day + later, rotation.ends)
            if begins_at < end and start < ends_at and begins_at < ends_at:
                yield Span(begins_at, ends_at, rotation.teams[count // rotation.turn % len(rotation.teams)])
            number += 1
        day += _ONE_DAY


@dataclass(slots=True)
class _Presence:
    """One person on duty for a stretch; ``roster`` is empty for those who hold the post always."""

    begins_at: Instant
    ends_at: Instant
    person: str
    roster: str


@dataclass(frozen=True, slots=True)
class Rosters:
    """All rosters with what people changed, by the local clock."""

    by_id: Mapping[str, Roster] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    days: LocalDays = field(default_factory=LocalDays)
    # A county's posts are asked about one by one, and of hundreds of leaves few concern one of them.
    _leaves: dict[str, list[Change]] = field(init=False, repr=False, compare=False, default_factory=dict)
    _overrides: list[Change] = field(init=False, repr=False, compare=False, default_factory=list)

    def __post_init__(self) -> None:
        """Sort the changes."""
        for change in self.changes:
            if change.kind is ChangeKind.LEAVE:
                self._leaves.setdefault(change.person, []).append(change)
            else:
                self._overrides.append(change)

    def spans(self, always: Sequence[str], rosters: Sequence[str], start: Instant, end: Instant) -> list[Span]:
        """Who is on duty when, from ``start`` until ``end`` without a gap: exact, found by its points of change."""
        present = [_Presence(start, end, person, "") for person in always]
        for name in rosters:
            roster = self.by_id.get(name)
            for rotation in roster.rotations if roster else ():
                present += (
                    _Presence(max(turn.begins_at, start), min(turn.ends_at, end), person, name)
                    for turn in turns(rotation, self.days, start, end)
                    for person in turn.people
                )
        for change in self._overrides:
            if change.begins_at < end and start < change.ends_at:
                present = _overridden(present, change, rosters, start, end)
        away = [change for person in {one.person for one in present} for change in self._leaves.get(person, ())]
        for change in away:
            if change.begins_at < end and start < change.ends_at:
                present = [
                    piece
                    for one in present
                    for piece in (_without(one, change) if one.person == change.person else (one,))
                ]
        return _swept(present, start, end)


def _overridden(
    present: list[_Presence], change: Change, rosters: Sequence[str], start: Instant, end: Instant
) -> list[_Presence]:
    if not change.person:
        if change.roster in rosters:
            begins_at, ends_at = max(start, change.begins_at), min(end, change.ends_at)
            present.append(_Presence(begins_at, ends_at, change.stand_in, change.roster))
        return present
    after: list[_Presence] = []
    for one in present:
        begins_at, ends_at = max(one.begins_at, change.begins_at), min(one.ends_at, change.ends_at)
        if one.person != change.person or change.roster not in {"", one.roster} or begins_at >= ends_at:
            after.append(one)
        else:
            after.append(_Presence(begins_at, ends_at, change.stand_in, one.roster))
            after += _without(one, change)
    return after


def _without(one: _Presence, change: Change) -> Iterator[_Presence]:
    """What is left of a stretch outside the time of a change."""
    if one.begins_at < change.begins_at:
        yield _Presence(one.begins_at, min(one.ends_at, change.begins_at), one.person, one.roster)
    if change.ends_at < one.ends_at:
        yield _Presence(max(one.begins_at, change.ends_at), one.ends_at, one.person, one.roster)


def _swept(present: Sequence[_Presence], start: Instant, end: Instant) -> list[Span]:
    """Cut the time at every coming and going, and join neighbours with the same people."""
    if start >= end:
        return []
    if all(one.begins_at <= start and end <= one.ends_at for one in present):  # nobody comes or goes
        return [Span(start, end, tuple(dict.fromkeys(one.person for one in present)))]
    cuts = sorted({start, end} | {at for one in present for at in (one.begins_at, one.ends_at) if start < at < end})
    place = {at: number for number, at in enumerate(cuts)}
    on: list[list[str]] = [[] for _ in cuts]
    for one in present:
        first, last = place[max(one.begins_at, start)], place[min(one.ends_at, end)]
        for number in range(first, last):
            on[number].append(one.person)
    spans: list[Span] = []
    for number, at in enumerate(cuts[:-1]):
        people = tuple(dict.fromkeys(on[number]))
        if spans and spans[-1].people == people:
            spans[-1] = Span(spans[-1].begins_at, cuts[number + 1], people)
        else:
            spans.append(Span(at, cuts[number + 1], people))
    return spans
