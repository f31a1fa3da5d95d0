"""Places, posts and people: who answers where. An ``Org`` is one immutable picture of them."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from firesense.domain.instant import DAY
from firesense.domain.roster import Rosters

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from firesense.domain.instant import Instant
    from firesense.domain.roster import Change, LocalDays, Roster, Span


OPERATOR = "operator"  # the role, at the root, that is told when a ladder reaches nobody
# The roles at stations, of two people at least, unless the settings name others.
STATIONS = frozenset({"station-duty", "street-office", "guidance-centre"})


SITE = "site"  # the kind of a place that is one building or flat


@dataclass(frozen=True, slots=True)
class Place:
    """A node of the org tree. ``kind`` (district, township, street, village, grid, site) is the region's own word.

    ``scheme`` says how its code is made, and that it was checked: ``administrative``, or empty for the region's own.
    """

    code: str
    name: str
    kind: str
    parent: str = ""
    tags: tuple[str, ...] = ()
    address: str = ""
    scheme: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who can be told. ``addresses`` maps a channel's name to where it reaches this person.

    ``quiet`` are the hours of the local day (``22:00-07:00``, may pass midnight; empty: none) in which this person is
    told of fires alone; the rest waits.
    """

    id: str
    name: str
    addresses: Mapping[str, str] = field(default_factory=dict)
    phone: str = ""
    language: str = "zh"
    quiet: str = ""


@dataclass(frozen=True, slots=True)
class Post:
    """A duty at a place (``grid-member``, ``station-duty``): who holds it always, and the rosters that say who when."""

    role: str
    place: str
    holders: tuple[str, ...] = ()
    rosters: tuple[str, ...] = ()


_AHEAD = 7 * DAY  # so far a post's spans are worked out at a time
_BEHIND = DAY  # calls of a climb that was held up ask for a time that is over


@dataclass(frozen=True, slots=True)
class _Watch:
    """Who is on duty at a post from ``start`` until ``end``: ``people[n]`` from ``begins[n]`` on."""

    post: Post
    start: Instant
    end: Instant
    begins: list[Instant]
    people: list[tuple[Person, ...]]


class Org:
    """The org tree with its posts, people and rosters, checked: one root, no cycles, every reference resolves.

    Immutable to look at; it remembers who is on duty when, post by post, once that was asked.
    """

    def __init__(
        self,
        places: Iterable[Place] = (),
        posts: Iterable[Post] = (),
        people: Iterable[Person] = (),
        rosters: Iterable[Roster] = (),
        changes: Iterable[Change] = (),
        days: LocalDays | None = None,
    ) -> None:
        """Index them; what is wrong with them is found by whoever read them, not here."""
        self.places = {place.code: place for place in places}
        self.people = {person.id: person for person in people}
        self.posts = {(post.place, post.role): post for post in posts}
        by_id = {roster.id: roster for roster in rosters}
        self.rosters = Rosters(by_id, tuple(changes), days) if days else Rosters(by_id, tuple(changes))
        self._on_duty: dict[tuple[str, str], _Watch] = {}

    def with_changes(self, changes: Iterable[Change]) -> Org:
        """The same org with other changes to its rosters."""
        rosters = self.rosters
        return Org(
            self.places.values(),
            self.posts.values(),
            self.people.values(),
            rosters.by_id.values(),
            changes,
            rosters.days,
        )

    def by_the_days(self, days: LocalDays) -> Org:
        """The same org by another local clock and calendar."""
        return Org(
            self.places.values(),
            self.posts.values(),
            self.people.values(),
            self.rosters.by_id.values(),
            self.rosters.changes,
            days,
        )

    @property
    def root(self) -> Place | None:
        """The place that has no parent: unknown devices belong to it."""
        return next((place for place in self.places.values() if not place.parent), None)

    def path(self, code: str) -> Iterator[Place]:
        """The place itself, then its parents up to the root; nothing for an unknown place."""
        place = self.places.get(code)
        while place is not None:
            yield place
            place = self.places.get(place.parent)

    def nearest_post(self, code: str, role: str) -> Post | None:
        """The post of that role at the place or, going up, at the nearest parent that has one."""
        for place in self.path(code):
            if (post := self.posts.get((place.code, role))) is not None:
                return post
        return None

    def on_duty(self, post: Post, now: Instant) -> tuple[Person, ...]:
        """The people to be told at that instant: those who hold the post always, then those of its rosters.

        Costs a look into a sorted list; the list is made anew once a week, and with every new org.
        """
        watch = self._on_duty.get((post.place, post.role))
        if watch is None or watch.post is not post or not watch.start <= now < watch.end:
            watch = self._work_out(post, now)
        return watch.people[bisect_right(watch.begins, now) - 1]

    def changes(self, post: Post, start: Instant, end: Instant) -> list[Span]:
        """Who is on duty from ``start`` until ``end``: spans without a gap between them, exact to the microsecond."""
        return self.rosters.spans(post.holders, post.rosters, start, end)

    def _work_out(self, post: Post, now: Instant) -> _Watch:
        start, end = now - _BEHIND, now + _AHEAD
        spans = self.changes(post, start, end)
        people = [tuple(self.people[one] for one in span.people if one in self.people) for span in spans]
        watch = _Watch(post, start, end, [span.begins_at for span in spans], people)
        self._on_duty[post.place, post.role] = watch  # at once: other threads find the old one or this
        return watch
