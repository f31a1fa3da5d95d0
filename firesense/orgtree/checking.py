"""Draft -> Org, with everything that is wrong with it told at once."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from itertools import combinations
from typing import TYPE_CHECKING, TypeVar

from firesense.domain.errors import ConfigError, Fault
from firesense.domain.overlap import overlap
from firesense.domain.phone import canonical_phone
from firesense.domain.place import OPERATOR, Org, Person, Place, Post
from firesense.domain.roster import EVERY_WEEKDAY, Days, Roster, Rotation
from firesense.orgtree import codes, words

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from datetime import time

    from firesense.orgtree.draft import Draft, Row

# A Monday: where the turns of a rotation that did not say so are counted from.
LONG_AGO = date(2001, 1, 1)
_ID = re.compile(r"[^\s;；,，、+|]+")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff]")
_T = TypeVar("_T")


def org_of(draft: Draft, channels: Collection[str] | None = None) -> Org:
    """Check a draft, and make an org of it. Raises ConfigError with every fault, each with where it stands.

    ``channels`` are those there are, if that is known: an address for another one would reach nobody.
    """
    check = _Check(draft, list(draft.faults), channels)
    people = check.people()
    places = check.places()
    rosters = check.rosters(people)
    posts = check.posts(places, people, rosters)
    if check.faults:
        raise ConfigError(list(dict.fromkeys(check.faults)))
    return Org(places.values(), posts, people.values(), rosters.values())


@dataclass(slots=True)
class _Check:
    draft: Draft
    faults: list[Fault] = field(default_factory=list)
    channels: Collection[str] | None = None

    def _say(self, row: Row, name: str, reason: str) -> None:
        self.faults.append(row.where.fault(name, reason))

    def _read(self, row: Row, name: str, read: Callable[[str], _T], default: _T) -> _T:
        try:
            return read(row.text(name))
        except ValueError as error:
            self._say(row, name, str(error))
            return default

    def _required(self, row: Row, *names: str) -> None:
        for name in names:
            if not row.text(name):
                self._say(row, name, "is missing")

    def _plain(self, row: Row) -> None:
        """Nothing in a row may be what no sheet could hold, or what would trick a terminal."""
        for name, value in row.values.items():
            written = [value] if isinstance(value, str) else value.values() if isinstance(value, dict) else ()
            if any(_CONTROL.search(text) for text in written):
                self._say(row, name, "holds a control character")

    def _id(self, row: Row, name: str, known: Mapping[str, object]) -> str:
        written = row.text(name)
        if not written:
            self._say(row, name, "is missing")
        elif not _ID.fullmatch(written):
            self._say(row, name, f"{written!r} holds a space, a + or a separator")
        elif written in known:
            self._say(row, name, f"{written!r} is given twice")
        return written

    # -- people -----------------------------------------------------------------------------------------------------
    def people(self) -> dict[str, Person]:
        """Everyone, by id."""
        found: dict[str, Person] = {}
        for row in self.draft.people:
            self._plain(row)
            person = self._id(row, "id", found)
            self._required(row, "name")
            phone = self._read(row, "phone", canonical_phone, "")
            language = self._read(row, "language", words.language, "zh")
            quiet = self._read(row, "quiet", words.hours, "")
            addresses = dict(row.values.get("addresses", {}))
            for channel, address in addresses.items():
                if not address.strip():
                    self._say(row, "addresses", f"the one of {channel} is empty")
            self._known_channels(row, addresses)
            found[person] = Person(person, row.text("name"), addresses, phone, language, quiet)
        return found

    def _known_channels(self, row: Row, addresses: Iterable[str]) -> None:
        unknown = [] if self.channels is None else [name for name in addresses if name not in self.channels]
        for channel in unknown:
            reason = f"there is no channel {channel!r}"
            columns = row.where.columns
            if columns is None:
                self._say(row, f"addresses.{channel}", reason)
            else:  # once for all the people below: it is the heading that is wrong
                self.faults.append(Fault(row.where.file, f"column {columns[f'address:{channel}']}", reason))

    # -- places -----------------------------------------------------------------------------------------------------
    def places(self) -> dict[str, Place]:
        """Every place, by code."""
        rows: dict[str, Row] = {}
        found: dict[str, Place] = {}
        for row in self.draft.places:
            self._plain(row)
            code = self._id(row, "code", found)
            self._required(row, "name", "kind")
            scheme = self._read(row, "scheme", words.scheme, "")
            if scheme and code and (wrong := codes.code_fault(code)):
                self._say(row, "code", wrong)
                scheme = ""
            tags = tuple(dict.fromkeys(words.tag(tag) for tag in row.names("tags")))
            rows[code] = row
            found[code] = Place(
                code, row.text("name"), row.text("kind"), row.text("parent"), tags, row.text("address"), scheme
            )
        self._check_tree(found, rows)
        return found

    def _check_tree(self, places: Mapping[str, Place], rows: Mapping[str, Row]) -> None:
        roots = [code for code, place in places.items() if not place.parent]
        for code in roots[1:]:
            self._say(rows[code], "parent", f"is missing: {roots[0]!r} is the root already")
        if not roots and not self.draft.faults:
            where = self.draft.places[0].where.file if self.draft.places else ""
            self.faults.append(Fault(where, "", "no place is the root: one has no parent"))
        for code, place in places.items():
            parent = places.get(place.parent)
            if place.parent and parent is None:
                self._say(rows[code], "parent", f"there is no place {place.parent!r}")
            elif parent and place.scheme and parent.scheme and not codes.below(code, parent.code):
                self._say(rows[code], "code", f"{code!r} is none of the codes below {parent.code!r}")
        safe: set[str] = set()
        for code in places:
            way: dict[str, None] = {}
            at = code
            while at in places and at not in safe and at not in way:
                way[at] = None
                at = places[at].parent
            if at in way:
                circle = list(way)[list(way).index(at) :]
                self._say(rows[at], "parent", f"goes in a circle: {' -> '.join([*circle, at])}")
            safe.update(way)

    # -- rosters ----------------------------------------------------------------------------------------------------
    def rosters(self, people: Mapping[str, Person]) -> dict[str, Roster]:
        """Every roster, by id; its rotations are rows of their own."""
        found: dict[str, list[tuple[Row, Rotation]]] = {}
        names: dict[str, str] = {}
        for row in self.draft.rotations:
            self._plain(row)
            roster = self._id(row, "roster", {})
            names[roster] = names.get(roster) or row.text("name")
            found.setdefault(roster, []).append((row, self._rotation(row, people)))
        for roster, rotations in found.items():
            for (_, one), (row, other) in combinations(rotations, 2):
                if overlap(one, other):
                    self._say(row, "from", f"overlaps another rotation of {roster!r}: write one team, or two rosters")
        return {
            roster: Roster(roster, tuple(rotation for _, rotation in rotations), names[roster])
            for roster, rotations in found.items()
        }

    def _rotation(self, row: Row, people: Mapping[str, Person]) -> Rotation:
        teams: tuple[tuple[str, ...], ...] = tuple(row.values.get("teams", ()))
        if not teams or not all(teams):
            self._say(row, "teams", "is missing, or a team has nobody")
        for person in dict.fromkeys(person for team in teams for person in team):
            if person not in people:
                self._say(row, "teams", f"nobody is called {person!r}")
        if any(len(set(team)) < len(team) for team in teams):
            self._say(row, "teams", "somebody is in one team twice")
        turn, in_weeks = self._read(row, "turn", words.turn, (1, False))
        if len(teams) == 1:
            turn, in_weeks = 1, False  # a fixed shift has no turns
        weekdays = EVERY_WEEKDAY
        try:
            weekdays = words.weekdays(row.names("weekdays"))
        except ValueError as error:
            self._say(row, "weekdays", str(error))
        start = self._read(row, "start", words.day, LONG_AGO) if row.text("start") else LONG_AGO
        if len(teams) > 1 and not row.text("start"):
            self._say(row, "start", "is missing: the day on which the first team's turn begins")
        until = self._read(row, "until", words.day, None) if row.text("until") else None
        if until is not None and until < start:
            self._say(row, "until", "is before the start")
        begins: time = self._read(row, "from", words.clock, words.clock("8:00"))
        ends = self._read(row, "to", words.clock, begins) if row.text("to") else begins
        days = self._read(row, "days", words.days, Days.EVERY)
        return Rotation(teams, start, begins, ends, turn, in_weeks, weekdays, days, until)

    # -- posts ------------------------------------------------------------------------------------------------------
    def posts(
        self, places: Mapping[str, Place], people: Mapping[str, Person], rosters: Mapping[str, Roster]
    ) -> list[Post]:
        """Every post."""
        found: dict[tuple[str, str], Post] = {}
        for row in self.draft.posts:
            self._plain(row)
            role, place = row.text("role"), row.text("place")
            self._required(row, "role", "place")
            if place and place not in places:
                self._say(row, "place", f"there is no place {place!r}")
            if (place, role) in found:
                self._say(row, "role", f"{place!r} has a post {role!r} already")
            for holder in row.names("holders"):
                if holder not in people:
                    self._say(row, "holders", f"nobody is called {holder!r}")
            for roster in row.names("rosters"):
                if roster not in rosters:
                    self._say(row, "rosters", f"there is no roster {roster!r}")
            holders, named = dict.fromkeys(row.names("holders")), dict.fromkeys(row.names("rosters"))
            found[place, role] = Post(role, place, tuple(holders), tuple(named))
        root = next((place for place in places.values() if not place.parent), None)
        if root is not None and (root.code, OPERATOR) not in found:
            where = next(row.where for row in self.draft.places if row.text("code") == root.code)
            reason = f"the root needs the post {OPERATOR!r}: told when a ladder reaches nobody"
            self.faults.append(where.fault("posts", reason))
        return list(found.values())
