"""What a configuration says, as digests: enough to tell what changed since it was last read, and no value of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


@dataclass(frozen=True, slots=True)
class Configured:
    """One thing of a configuration (a rule, a section of the settings): field -> digest of what it says."""

    kind: str
    name: str
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Differs:
    """One thing that was added, changed (in these fields) or removed."""

    did: str
    kind: str
    name: str
    fields: tuple[str, ...] = ()


def differing(before: Iterable[Configured], after: Iterable[Configured]) -> Iterator[Differs]:
    """What differs, in the order of ``after``; what is gone comes last."""
    known = {(one.kind, one.name): one.fields for one in before}
    for one in after:
        was = known.pop((one.kind, one.name), None)
        if was is None:
            yield Differs("added", one.kind, one.name)
        elif was != one.fields:
            fields = [name for name in {**was, **one.fields} if was.get(name) != one.fields.get(name)]
            yield Differs("changed", one.kind, one.name, tuple(fields))
    for kind, name in known:
        yield Differs("removed", kind, name)
