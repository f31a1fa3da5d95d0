"""The coverage check: when and where an alert would reach nobody. Exact: by points of change, never by samples.

Walks, for every place and class of alert, the ladder that would be chosen there, every rung of it, every post its
roles find going up, and everybody on duty there with a channel of the rung. A time at which no rung reaches anybody is
a hole. A rung that is empty while another is not is no hole: a climb goes past it at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time, timedelta
from itertools import pairwise, product
from typing import TYPE_CHECKING

import numpy as np

from firesense import route
from firesense.domain.alert import Alert, AlertClass, Grade
from firesense.domain.calendar import within
from firesense.rosters.stations import Lonely, alone, stations

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from firesense.domain.escalation import Ladder
    from firesense.domain.instant import Instant
    from firesense.domain.place import Person, Post
    from firesense.domain.plan import Plan
    from firesense.domain.roster import Span

_ONE_DAY = timedelta(days=1)
Times = tuple[tuple["Instant", "Instant"], ...]  # from, until; in order, apart from each other


@dataclass(frozen=True, slots=True)
class Hole:
    """A time at which alerts of these classes reach nobody at a place; ``below``: nor at any place below it."""

    begins_at: Instant
    ends_at: Instant
    place: str
    alert_classes: tuple[AlertClass, ...]
    below: bool = False


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the check found from ``start`` until ``end``.

    ``vacant`` posts have nobody all the time, ``unreachable`` people have duties and no channel, ``idle`` ones no
    duty. ``alone``: when a station's post has one person, whoever is off duty counted; ``empty``: when nobody is on
    duty at one. Both by place and post, in order of time.
    """

    start: Instant
    end: Instant
    holes: tuple[Hole, ...]
    vacant: tuple[Post, ...]
    unreachable: tuple[Person, ...]
    idle: tuple[Person, ...]
    alone: tuple[Lonely, ...]
    empty: tuple[Lonely, ...]


def check(plan: Plan, channels: Collection[str], start: Instant, end: Instant) -> Coverage:
    """Look for everything that is missing; ``channels`` are the names of those that work."""
    look = _Look(plan, frozenset(channels), start, end)
    org = plan.org
    busy = set(look.busy())
    return Coverage(
        start,
        end,
        tuple(look.holes()),
        tuple(post for post in org.posts.values() if not look.people_of(post)),
        tuple(person for person in org.people.values() if person.id in busy and not look.reachable(person)),
        tuple(person for person in org.people.values() if person.id not in busy),
        tuple(look.alone()),
        tuple(look.empty()),
    )


def uncovered(spans: Iterable[Span], wanted: Collection[str]) -> Times:
    """The times of spans in which none of the wanted people is on duty."""
    found: list[tuple[Instant, Instant]] = []
    for span in spans:
        if any(person in wanted for person in span.people):
            continue
        if found and found[-1][1] == span.begins_at:
            found[-1] = found[-1][0], span.ends_at
        else:
            found.append((span.begins_at, span.ends_at))
    return tuple(found)


def _both(one: Times, other: Times) -> Times:
    """The times that are in both."""
    found: list[tuple[Instant, Instant]] = []
    i = j = 0
    while i < len(one) and j < len(other):
        begins_at, ends_at = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if begins_at < ends_at:
            found.append((begins_at, ends_at))
        if one[i][1] < other[j][1]:
            i += 1
        else:
            j += 1
    return tuple(found)


def _either(times: Sequence[Times]) -> Times:
    """The times that are in any."""
    found: list[tuple[Instant, Instant]] = []
    for begins_at, ends_at in sorted(piece for one in times for piece in one):
        if found and begins_at <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], ends_at)
        else:
            found.append((begins_at, ends_at))
    return tuple(found)


def _alike(plan: Plan, start: Instant, end: Instant) -> Iterator[tuple[Instant, Times]]:
    """Cut the time where a selector's hours or seasons begin or end; pieces in which the same ones hold are one lot.

    Gives an instant of each lot, and its pieces.
    """
    hours = [selector.hours for selector in plan.selectors if selector.hours is not None]
    names = {name for selector in plan.selectors for name in selector.seasons}
    paths = [[place.code for place in plan.org.path(code)] for code in plan.org.places] if names else []
    found = {id(period): period for name in names for path in paths if (period := plan.calendars.at(name, path))}
    seasons = list(found.values())
    cuts = {start, end}
    for period in seasons:
        cuts.update(int(edge) for edge in period.edges if start < edge < end)
    days = plan.org.rosters.days
    day = days.day_of(start) - _ONE_DAY
    while hours and day <= days.day_of(end):
        for clock in {clock for one in hours for clock in (one.first, one.last)}:
            minutes, seconds = divmod(clock.seconds, 60)
            at = days.at(day + timedelta(days=clock.days), time(minutes // 60, minutes % 60, seconds))
            if start < at < end:
                cuts.add(at)
        day += _ONE_DAY
    lots: dict[tuple[bool, ...], list[tuple[Instant, Instant]]] = {}
    for begins_at, ends_at in pairwise(sorted(cuts)):
        clock = plan.calendars.clock(begins_at)
        in_force = (bool(within(period.edges, np.array([begins_at]))[0]) for period in seasons)
        lots.setdefault((*(one.hold(clock) for one in hours), *in_force), []).append((begins_at, ends_at))
    for pieces in lots.values():
        yield pieces[0][0], tuple(pieces)


class _Look:
    """One check under way, with what it found out so far."""

    def __init__(self, plan: Plan, channels: frozenset[str], start: Instant, end: Instant) -> None:
        self._plan = plan
        self._org = plan.org
        self._channels = channels
        self._start, self._end = start, end
        self._known = {
            person.id: frozenset(name for name, address in person.addresses.items() if address and name in channels)
            for person in self._org.people.values()
        }
        self._spans: dict[Post, list[Span]] = {}
        self._misses: dict[tuple[Post, tuple[str, ...]], Times] = {}
        self._told_by: dict[tuple[str, ...], frozenset[str]] = {}
        grades = {grade for selector in plan.selectors for grade in selector.grades}
        self._grades = [*Grade] if grades else [Grade.GENERAL]
        self._confirmed = [False, True] if any(selector.confirmed for selector in plan.selectors) else [False]
        self._alike = list(_alike(plan, start, end))

    # -- people -----------------------------------------------------------------------------------------------------
    def reachable(self, person: Person) -> bool:
        """Whether any channel reaches somebody."""
        return bool(self._known[person.id])

    def spans_of(self, post: Post) -> list[Span]:
        """Who is on duty when."""
        if (found := self._spans.get(post)) is None:
            found = self._spans[post] = self._org.changes(post, self._start, self._end)
        return found

    def people_of(self, post: Post) -> set[str]:
        """Everybody who is ever on duty there."""
        return {person for span in self.spans_of(post) for person in span.people if person in self._known}

    def busy(self) -> Iterator[str]:
        """Everybody who has a duty at any time, now or later; more than once."""
        for post in self._org.posts.values():
            yield from post.holders
        for roster in self._org.rosters.by_id.values():
            for rotation in roster.rotations:
                for team in rotation.teams:
                    yield from team
        for change in self._org.rosters.changes:
            yield change.stand_in

    def alone(self) -> Iterator[Lonely]:
        """When one person is all a station's post has."""
        for post in stations(self._plan):
            yield from alone(self._org, post, self._start, self._end)

    def empty(self) -> Iterator[Lonely]:
        """When nobody is on duty at a station's post that is held at other times."""
        for post in stations(self._plan):
            if self.people_of(post):
                for begins_at, ends_at in uncovered(self.spans_of(post), self._known):
                    yield Lonely(begins_at, ends_at, post)

    # -- holes ------------------------------------------------------------------------------------------------------
    def holes(self) -> Iterator[Hole]:
        """Every hole, once for the highest place that has it with all below it, in the order in which they begin."""
        found = {code: self._at(code) for code in self._org.places}
        children: dict[str, list[str]] = {}
        for place in self._org.places.values():
            children.setdefault(place.parent, []).append(place.code)
        alike: dict[str, bool] = {}  # whether everything below a place has its holes
        for code in reversed(list(self._downwards(children))):
            alike[code] = all(alike[child] and found[child] == found[code] for child in children.get(code, ()))
        holes: list[Hole] = []
        for code, place in self._org.places.items():
            if alike[code] and alike.get(place.parent) and found.get(place.parent) == found[code]:
                continue  # told with the place above
            by_time: dict[tuple[Instant, Instant], list[AlertClass]] = {}
            for alert_class, times in found[code].items():
                for piece in times:
                    by_time.setdefault(piece, []).append(alert_class)
            below = alike[code] and code in children
            holes += (Hole(*piece, code, tuple(classes), below) for piece, classes in by_time.items())
        yield from sorted(holes, key=lambda hole: (hole.begins_at, hole.ends_at))

    def _downwards(self, children: Mapping[str, list[str]]) -> Iterator[str]:
        waiting = list(children.get("", ()))
        while waiting:
            code = waiting.pop()
            yield code
            waiting += children.get(code, ())

    def _at(self, code: str) -> dict[AlertClass, Times]:
        """The holes at a place by class, where there are any."""
        posts: dict[tuple[str, str], Post | None] = {}
        misses: dict[str, Times] = {}
        found: dict[AlertClass, Times] = {}
        for alert_class in AlertClass:
            missed: list[Times] = []
            for grade, confirmed, (now, times) in product(self._grades, self._confirmed, self._alike):
                probe = Alert("", "", "", alert_class, grade, "", "", code, now, now, 0)
                ladder, _ = route.choose(probe, self._plan, now, confirmed=confirmed)
                name = ladder.id if ladder else ""
                if name not in misses:
                    misses[name] = self._missed(code, ladder, posts)
                missed.append(_both(times, misses[name]))
            if holes := _either(missed):
                found[alert_class] = holes
        return found

    def _missed(self, code: str, ladder: Ladder | None, posts: dict[tuple[str, str], Post | None]) -> Times:
        """When no rung of a ladder reaches anybody at a place."""
        times: Times = ((self._start, self._end),)
        for rung in ladder.rungs if ladder else ():
            at = rung.place or code
            for role in rung.roles:
                if (at, role) not in posts:
                    posts[at, role] = self._org.nearest_post(at, role)
                if (post := posts[at, role]) is not None:
                    times = _both(times, self._missing(post, rung.channels))
                if not times:
                    return ()
        return times

    def _missing(self, post: Post, channels: tuple[str, ...]) -> Times:
        """When nobody on duty at a post is told by any of these channels."""
        found = self._misses.get((post, channels))
        if found is None:
            told = self._told_by.get(channels)
            if told is None:
                wanted = frozenset(channels)
                told = frozenset(one for one, known in self._known.items() if not known.isdisjoint(wanted))
                self._told_by[channels] = told
            found = self._misses[post, channels] = uncovered(self.spans_of(post), told)
        return found
