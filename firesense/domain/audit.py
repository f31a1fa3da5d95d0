"""What is written down of what people do: who did what, when, from where, on what."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from firesense.domain.deed import Actor
    from firesense.domain.instant import Instant


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the audit: who did what, when, from where, on what.

    ``did`` is a word (``acknowledged``, ``logged-in``, ``registered``), ``kind`` what it was done to (``alert``,
    ``device``, ``person``, ``user``, ``setting``, ``roster``, ``roll-call``, ``plan``), ``target`` which one.
    """

    at: Instant
    who: str
    origin: str
    did: str
    kind: str
    target: str
    detail: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, actor: Actor, at: Instant, did: str, kind: str, target: str, **detail: str) -> Entry:
        """Say what an actor did; details that are empty are left out."""
        return cls(at, actor.name, actor.origin, did, kind, target, {key: said for key, said in detail.items() if said})


@dataclass(frozen=True, slots=True)
class Sealed:
    """An entry as it stands in the audit: with its number, from 1 without gaps, and its hash, in hex."""

    number: int
    entry: Entry
    hash: str


@dataclass(frozen=True, slots=True)
class Proof:
    """What a look along the whole chain found: rows that hold, from ``first`` on, and the ``head`` they lead to.

    ``broken`` is the number of the first row that does not hold, 0 when all do; ``reason`` says why.
    """

    rows: int
    first: int
    head: str
    broken: int = 0
    reason: str = ""
