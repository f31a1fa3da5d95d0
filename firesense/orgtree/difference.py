"""What would change if one org took the place of another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from firesense.domain.place import Org


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is added, changed (in these fields) or removed: ``what`` is place, post, person or roster."""

    sign: str  # + added, ~ changed, - removed
    what: str
    name: str
    fields: tuple[str, ...] = ()

    def __str__(self) -> str:
        """A line of a dry run."""
        return f"{self.sign} {self.what} {self.name}" + (f": {', '.join(self.fields)}" if self.fields else "")


def differences(before: Org, after: Org) -> list[Difference]:
    """Everything that differs, kind by kind."""
    return [
        *compared("place", before.places, after.places),
        *compared("person", before.people, after.people),
        *compared("roster", before.rosters.by_id, after.rosters.by_id),
        *compared("post", _named(before), _named(after)),
    ]


def _named(org: Org) -> dict[str, object]:
    return {f"{role} at {place}": post for (place, role), post in org.posts.items()}


def compared(what: str, before: Mapping[str, object], after: Mapping[str, object]) -> Iterator[Difference]:
    """What differs between things of one kind, by their names."""
    for name, thing in after.items():
        if name not in before:
            yield Difference("+", what, name)
        elif before[name] != thing:
            fields = [field for field in thing.__slots__ if getattr(thing, field) != getattr(before[name], field)]  # type: ignore[attr-defined] # all of them have slots
            yield Difference("~", what, name, tuple(fields))
    for name in before:
        if name not in after:
            yield Difference("-", what, name)
