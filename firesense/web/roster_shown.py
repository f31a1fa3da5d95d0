"""Who is on duty as people see it: stations with their posts, day by day, and what is missing in the coming week."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import time, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from firesense.domain.instant import DAY, HOUR
from firesense.rosters import check

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from firesense.domain.instant import Instant
    from firesense.domain.place import Org, Person, Place, Post
    from firesense.domain.plan import Plan
    from firesense.domain.roster import Change, Span
    from firesense.rosters import Coverage, Hole, Lonely

DAYS = 7
SHOWN = 20
_POSTS = 200  # of those that people hold always: a county has thousands, whoever looks for one names a place
_CHOICES = 2000
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Turn:
    """A stretch of a day: from when (None: since before that day), and the names of who is on; none is a hole."""

    begins_at: Instant | None
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PostShown:
    """A post: who is there now and until when (None: for longer than a week), and its turns day by day."""

    post: Post
    now: tuple[str, ...]
    until: Instant | None
    days: tuple[tuple[Turn, ...], ...]


@dataclass(frozen=True, slots=True)
class StationShown:
    """A place with its posts that have rosters."""

    place: Place
    posts: tuple[PostShown, ...]


@dataclass(frozen=True, slots=True)
class FixedShown:
    """A post that people hold always: who is there now, until when (None: for longer than a week), and then who."""

    post: Post
    place: Place
    now: tuple[str, ...]
    until: Instant | None
    then: tuple[str, ...]


_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Some(Generic[_T]):
    """The first of a list, and how many ``more`` there are."""

    first: tuple[_T, ...]
    more: int

    @classmethod
    def of(cls, found: Sequence[_T]) -> Self:
        """Cut a list."""
        return cls(tuple(found[:SHOWN]), max(0, len(found) - SHOWN))

    @property
    def count(self) -> int:
        """How many there are in all."""
        return len(self.first) + self.more


@dataclass(frozen=True, slots=True)
class Missing:
    """What the coverage check found, each cut to what a page can hold."""

    holes: Some[Hole]
    empty: Some[Lonely]
    vacant: Some[Post]
    unreachable: Some[Person]
    idle: Some[Person]
    alone: Some[Lonely]

    @property
    def anything(self) -> bool:
        """Whether anything but a hole is missing."""
        return any(some.count for some in (self.empty, self.vacant, self.unreachable, self.idle, self.alone))


@dataclass(frozen=True, slots=True)
class RostersShown:
    """Everything on the page: the midnights of its days, stations, other posts, what is missing, and what was changed.

    ``people`` and ``places`` are there to choose from.
    """

    days: tuple[Instant, ...]
    stations: tuple[StationShown, ...]
    fixed: Some[FixedShown]
    missing: Missing
    changes: tuple[Change, ...]
    people: tuple[Person, ...]
    places: tuple[Place, ...]


class Lookout:
    """The coverage of the next week, looked for again when plan or rosters are others or an hour has passed."""

    def __init__(self) -> None:
        self._known: tuple[tuple[int, Instant, Sequence[Change]], Coverage] | None = None

    def of(self, plan: Plan, channels: Collection[str], now: Instant) -> Coverage:
        """Give it, without what is over; ``channels`` are the names of those there are."""
        key = plan.version, now // HOUR, plan.org.rosters.changes
        if self._known is None or self._known[0] != key:
            self._known = key, check(plan, channels, now, now + DAYS * DAY)
        found = self._known[1]
        return replace(
            found,
            holes=tuple(one for one in found.holes if one.ends_at > now),
            empty=tuple(one for one in found.empty if one.ends_at > now),
            alone=tuple(one for one in found.alone if one.ends_at > now),
        )


def show_rosters(org: Org, latest: Org, found: Coverage, now: Instant, within: str = "") -> RostersShown:
    """Put together what the page says; ``latest`` knows of every change to the rosters of ``org``.

    With a place ``within``, posts there and below alone are shown.
    """
    days = tuple(_midnights(org, now))
    stations: dict[str, list[PostShown]] = {}
    fixed: list[Post] = []
    for post in org.posts.values():
        if within and all(place.code != within for place in org.path(post.place)):
            continue
        if post.rosters:
            spans = latest.changes(post, now, days[-1])
            stations.setdefault(post.place, []).append(_post(org, spans, post, days))
        else:
            fixed.append(post)
    changes = [change for change in latest.rosters.changes if change.ends_at > now]
    return RostersShown(
        days[:-1],
        tuple(StationShown(org.places[code], tuple(posts)) for code, posts in stations.items()),
        Some(tuple(_fixed(org, latest, post, now, days[-1]) for post in fixed[:_POSTS]), max(0, len(fixed) - _POSTS)),
        Missing(
            Some.of(found.holes),
            Some.of(found.empty),
            Some.of(found.vacant),
            Some.of(found.unreachable),
            Some.of(found.idle),
            Some.of(found.alone),
        ),
        tuple(sorted(changes, key=lambda change: change.begins_at)),
        tuple(org.people.values())[:_CHOICES],
        tuple({post.place: org.places[post.place] for post in org.posts.values()}.values())[:_CHOICES],
    )


def _midnights(org: Org, now: Instant) -> Iterator[Instant]:
    """The beginnings of today and the days after, and the end of the last one."""
    days = org.rosters.days
    today = days.day_of(now)
    for number in range(DAYS + 1):
        yield days.at(today + number * _ONE_DAY, time())


def _post(org: Org, spans: Sequence[Span], post: Post, days: tuple[Instant, ...]) -> PostShown:
    """Show a post by its spans from now on: a hole that is over is nobody's worry."""
    present = spans[0]
    return PostShown(
        post,
        _names(org, present),
        present.ends_at if present.ends_at < days[-1] else None,
        tuple(
            tuple(
                Turn(span.begins_at if span.begins_at > max(begins_at, present.begins_at) else None, _names(org, span))
                for span in spans
                if span.begins_at < ends_at and begins_at < span.ends_at
            )
            for begins_at, ends_at in pairwise(days)
        ),
    )


def _fixed(org: Org, latest: Org, post: Post, now: Instant, end: Instant) -> FixedShown:
    present, *later = latest.changes(post, now, end)
    until, then = (present.ends_at, _names(org, later[0])) if later else (None, ())
    return FixedShown(post, org.places[post.place], _names(org, present), until, then)


def _names(org: Org, span: Span) -> tuple[str, ...]:
    return tuple(org.people[one].name for one in span.people if one in org.people)
