"""Who is on duty as people see it: stations with their posts, day by day, and the holes of the coming week."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from firesense.domain.instant import DAY, HOUR
from firesense.rosters import check

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from firesense.domain.instant import Instant
    from firesense.domain.place import Org, Person, Place, Post
    from firesense.domain.plan import Plan
    from firesense.domain.roster import Change, Span
    from firesense.rosters import Hole

DAYS = 7
_CHOICES = 500
_ONE_DAY = timedelta(days=1)
HOLES_SHOWN = 20


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
class RostersShown:
    """Everything on the page: the midnights of its days, stations, holes (and how many more), and what was changed."""

    days: tuple[Instant, ...]
    stations: tuple[StationShown, ...]
    holes: tuple[Hole, ...]
    more: int
    changes: tuple[Change, ...]
    people: tuple[Person, ...]  # those of the rosters, to choose from


class Holes:
    """The holes of the next week, looked for again when the plan is another one or an hour has passed."""

    def __init__(self) -> None:
        self._known: tuple[tuple[int, Instant], tuple[Hole, ...]] | None = None

    def of(self, plan: Plan, now: Instant) -> tuple[Hole, ...]:
        """Give them."""
        key = plan.version, now // HOUR
        if self._known is None or self._known[0] != key:
            channels = {name for ladder in plan.ladders.values() for rung in ladder.rungs for name in rung.channels}
            self._known = key, check(plan, channels, now, now + DAYS * DAY).holes
        return tuple(hole for hole in self._known[1] if hole.ends_at > now)


def show_rosters(org: Org, latest: Org, holes: tuple[Hole, ...], now: Instant) -> RostersShown:
    """Put together what the page says; ``latest`` knows of every change to the rosters of ``org``."""
    days = tuple(_midnights(org, now))
    stations: dict[str, list[PostShown]] = {}
    for post in org.posts.values():
        if post.rosters:
            stations.setdefault(post.place, []).append(_post(org, latest.changes(post, now, days[-1]), post, days))
    changes = [change for change in latest.rosters.changes if change.ends_at > now]
    return RostersShown(
        days[:-1],
        tuple(StationShown(org.places[code], tuple(posts)) for code, posts in stations.items()),
        holes[:HOLES_SHOWN],
        max(0, len(holes) - HOLES_SHOWN),
        tuple(sorted(changes, key=lambda change: change.begins_at)),
        _rostered(org),
    )


def _rostered(org: Org) -> tuple[Person, ...]:
    rotations = (rotation for roster in org.rosters.by_id.values() for rotation in roster.rotations)
    ids = dict.fromkeys(person for rotation in rotations for team in rotation.teams for person in team)
    return tuple(org.people[one] for one in ids if one in org.people)[:_CHOICES]


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


def _names(org: Org, span: Span) -> tuple[str, ...]:
    return tuple(org.people[one].name for one in span.people if one in org.people)
