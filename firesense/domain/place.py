"""Places, posts and people: who answers where. An ``Org`` is one immutable picture of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


OPERATOR = "operator"  # the role, at the root, that is told when a ladder reaches nobody


@dataclass(frozen=True, slots=True)
class Place:
    """A node of the org tree. ``kind`` (district, township, street, village, grid, site) is the region's own word."""

    code: str
    name: str
    kind: str
    parent: str = ""
    tags: tuple[str, ...] = ()
    address: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who can be told. ``addresses`` maps a channel's name to where it reaches this person."""

    id: str
    name: str
    addresses: Mapping[str, str] = field(default_factory=dict)
    phone: str = ""
    language: str = "zh"


@dataclass(frozen=True, slots=True)
class Post:
    """A duty at a place (``grid-member``, ``station-duty``) and the people who hold it now."""

    role: str
    place: str
    holders: tuple[str, ...] = ()


class Org:
    """The org tree with its posts and people, checked: one root, no cycles, every reference resolves."""

    def __init__(self, places: Iterable[Place] = (), posts: Iterable[Post] = (), people: Iterable[Person] = ()) -> None:
        """Index them; what is wrong with them is found by ``org_faults`` before, not here."""
        self.places = {place.code: place for place in places}
        self.people = {person.id: person for person in people}
        self.posts = {(post.place, post.role): post for post in posts}

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

    def holders(self, post: Post) -> list[Person]:
        """The people who hold a post and can be told."""
        return [person for person_id in post.holders if (person := self.people.get(person_id)) is not None]
