"""Stations of one person, and stations that are empty: exact spans of both.

A post is a station's when its role is one of the plan's ``stations``, or when it has a roster. Departments that are
whistled for are none, so the maintenance company does not count as a station's second person.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from firesense.domain.instant import DAY
from firesense.domain.roster import ChangeKind, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from firesense.domain.instant import Instant
    from firesense.domain.place import Org, Post
    from firesense.domain.plan import Plan


@dataclass(frozen=True, slots=True)
class Lonely:
    """A station's post and when one ``person`` is all there is, or, when that is empty, nobody is on duty."""

    begins_at: Instant
    ends_at: Instant
    post: Post
    person: str = ""


def stations(plan: Plan) -> Iterator[Post]:
    """The posts of stations."""
    for post in plan.org.posts.values():
        if post.role in plan.stations or (post.rosters and post.role not in plan.whistling.departments):
            yield post


def crew(org: Org, post: Post, start: Instant, end: Instant) -> list[Span]:
    """Everybody who takes turns at a post or stands in there, and is not on leave: from ``start`` until ``end``.

    Whoever is off until the next turn is of the crew all the same.
    """
    stays = list(_stays(org, post, start, end))
    away = [change for change in org.rosters.changes if change.kind is ChangeKind.LEAVE]
    edges = {start, end}
    for begins_at, ends_at, _ in (*stays, *((one.begins_at, one.ends_at, one.person) for one in away)):
        edges |= {at for at in (begins_at, ends_at) if start < at < end}
    spans: list[Span] = []
    for at, until in pairwise(sorted(edges)):
        gone = {one.person for one in away if one.begins_at <= at < one.ends_at}
        here = (person for begins_at, ends_at, person in stays if begins_at <= at < ends_at and person not in gone)
        people = tuple(sorted(set(here)))
        if spans and spans[-1].people == people:
            spans[-1] = Span(spans[-1].begins_at, until, people)
        else:
            spans.append(Span(at, until, people))
    return spans


def _stays(org: Org, post: Post, start: Instant, end: Instant) -> Iterator[tuple[Instant, Instant, str]]:
    """From when until when somebody is of the crew, leave aside."""
    rosters = org.rosters
    known: set[str] = set()

    def stay(begins_at: Instant, ends_at: Instant, people: Iterable[str]) -> Iterator[tuple[Instant, Instant, str]]:
        for person in people:
            if person in org.people and begins_at < end and start < ends_at:
                known.add(person)
                yield begins_at, ends_at, person

    yield from stay(start, end, post.holders)
    for name in post.rosters:
        for rotation in rosters.by_id[name].rotations if name in rosters.by_id else ():
            begins_at = rosters.days.at(rotation.start, rotation.begins)
            ends_at = end if rotation.until is None else rosters.days.at(rotation.until, rotation.ends) + DAY
            yield from stay(begins_at, ends_at, {person for team in rotation.teams for person in team})
    for change in rosters.changes:
        if change.kind is ChangeKind.OVERRIDE:
            here = change.roster in post.rosters if change.roster else change.person in known
            yield from stay(change.begins_at, change.ends_at, (change.stand_in,) if here else ())


def alone(org: Org, post: Post, start: Instant, end: Instant) -> Iterator[Lonely]:
    """When one person is all a post has."""
    for span in crew(org, post, start, end):
        if len(span.people) == 1:
            yield Lonely(span.begins_at, span.ends_at, post, *span.people)
