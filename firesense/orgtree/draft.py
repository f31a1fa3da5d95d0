"""An org as it was written, row by row, whatever it was written in; not checked yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from firesense.domain.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Where:
    """Where a row stands: ``root.places[2]`` of a YAML file, ``line 4`` or ``row 4`` of a sheet with its columns."""

    file: str
    at: str
    columns: Mapping[str, str] | None = None

    def fault(self, name: str, reason: str) -> Fault:
        """What is wrong with one field of the row."""
        if self.columns is None:
            return Fault(self.file, f"{self.at}.{name}" if name else self.at, reason)
        column = self.columns.get(name, name)
        return Fault(self.file, f"{self.at}, column {column}" if name else self.at, reason)


@dataclass(frozen=True, slots=True)
class Row:
    """One place, post, person or rotation. Fields that were not written are missing.

    - place: code, name, kind, parent, address, scheme; tags (names)
    - post: place, role; holders, rosters (names)
    - person: id, name, phone, language, quiet; addresses (channel -> address)
    - rotation: roster, name, start, turn, from, to, days, until; teams (names of each); weekdays (words)
    """

    where: Where
    values: Mapping[str, Any]

    def text(self, name: str) -> str:
        """A field that is one word or sentence; empty when it was not written."""
        return str(self.values.get(name, ""))

    def names(self, name: str) -> tuple[str, ...]:
        """A field that is several words."""
        return tuple(self.values.get(name, ()))


@dataclass(slots=True)
class Draft:
    """All rows, in the order in which they were written, and what could not be read at all."""

    places: list[Row] = field(default_factory=list)
    posts: list[Row] = field(default_factory=list)
    people: list[Row] = field(default_factory=list)
    rotations: list[Row] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def rows(self, sheet: str) -> list[Row]:
        """The rows of a sheet by its name."""
        return {"places": self.places, "posts": self.posts, "people": self.people, "rosters": self.rotations}[sheet]
