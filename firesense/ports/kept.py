"""What the book tells of that is no type of the domain."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from firesense.domain.deed import Rights

if TYPE_CHECKING:
    from collections.abc import Mapping

    from firesense.domain.alert import Alert, AlertClass
    from firesense.domain.escalation import CallState, Climb
    from firesense.domain.instant import Instant


@dataclass(frozen=True, slots=True)
class Stranger:
    """An unregistered device that was heard: what an integrator needs to claim it."""

    external_id: str
    profile: str
    topic: str
    first_at: Instant
    last_at: Instant
    frames: int


@dataclass(frozen=True, slots=True)
class User:
    """Someone who may log in to the console. A one-time password is used up by the first log-in.

    ``place`` is the code of the place this user may act at, with everything below it; empty is everywhere.
    """

    name: str
    password_hash: str
    person: str = ""
    one_time: bool = False
    rights: Rights = Rights.OFFICER
    place: str = ""


@dataclass(frozen=True, slots=True)
class Feed:
    """Whose duties a calendar on a telephone may fetch: a person's, or those of a post; ``who`` allowed it at ``at``.

    Kept by the hash of its token: whoever reads the book cannot fetch it.
    """

    token_hash: str
    person: str = ""
    place: str = ""
    role: str = ""
    who: str = ""
    at: Instant = 0


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there is in the book of what somebody still has to do something about.

    ``alerts`` are open ones by class, ``calls`` those not sent yet by channel, ``quarantine`` frames by reason that
    were not replayed; ``quarantine_bytes`` are their payloads and topics. ``floods``: person -> how many calls were
    told in bundles since it began. ``quiet`` are windows that are not over, by kind.
    """

    alerts: Mapping[str, int]
    climbs: int
    calls: Mapping[str, int]
    quarantine: Mapping[str, int]
    quarantine_bytes: int
    strangers: int
    floods: Mapping[str, int] = field(default_factory=dict)
    quiet: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Flood:
    """A person has more alerts than anybody can read one by one: all but fires come in bundles until it is over.

    ``alert`` is the one it began with, ``bundled`` counts the calls told in bundles since.
    """

    person: str
    alert: str
    begun_at: Instant
    bundled: int


@dataclass(frozen=True, slots=True)
class CallLine:
    """As much of a call as a list says: who is told by what, and what came of it."""

    person: str
    role: str
    channel: str
    state: CallState
    attempts: int
    created_at: Instant
    due_at: Instant
    sent_at: Instant | None


@dataclass(frozen=True, slots=True)
class CallsListed:
    """The newest calls of an alert in the order they were written, and how many there are in all.

    ``rungs`` are those its climb has called, each as (round, rung) with the first round in which it was.
    ``told`` are those it passed over because their people were told in that round already, each as (round, rung).
    """

    newest: tuple[CallLine, ...]
    count: int
    rungs: frozenset[tuple[int, int]]
    told: frozenset[tuple[int, int]] = frozenset()


@dataclass(frozen=True, slots=True)
class Listing:
    """A part of the list of alerts as it was after the story's step ``step``.

    ``climbs`` and ``calls`` are by alert, where there are any, and so is how many ``whistles`` nobody has answered;
    ``counts`` are all open alerts by class.
    """

    step: int
    alerts: list[Alert]
    climbs: Mapping[str, Climb]
    calls: Mapping[str, CallsListed]
    counts: Mapping[AlertClass, int]
    whistles: Mapping[str, int] = field(default_factory=dict)
