"""Ladders, climbs and calls: who is told, by what, until someone takes it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from firesense.domain.instant import Instant


@dataclass(frozen=True, slots=True)
class Rung:
    """A step: these roles, looked up from the alert's place upwards, by these channels, then wait this long.

    Each person is told over every channel of ``channels`` they have an address for.
    """

    roles: tuple[str, ...]
    channels: tuple[str, ...]
    wait: timedelta


@dataclass(frozen=True, slots=True)
class Ladder:
    """An escalation policy. ``repeat`` is how often it starts again after its last rung; None is for ever."""

    id: str
    rungs: tuple[Rung, ...]
    repeat: int | None = 0


@dataclass(frozen=True, slots=True)
class Selector:
    """Which ladder an alert gets: the first selector that fits wins. Empty sets fit everything.

    ``places`` fits the alert's place and everything below each code.
    """

    ladder: str
    alert_classes: frozenset[str] = frozenset()
    grades: frozenset[str] = frozenset()
    places: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()


class ClimbState(StrEnum):
    """Where one alert's way up stands."""

    CLIMBING = "climbing"
    ACKNOWLEDGED = "acknowledged"
    STOPPED = "stopped"  # the alert resolved or was closed
    EXHAUSTED = "exhausted"  # past the last rung of the last repeat, nobody took it


@dataclass(frozen=True, slots=True)
class Climb:
    """One alert's way up its own copy of a ladder: editing the ladder later does not move it.

    ``rung`` is the one that acts at ``due_at``; ``round`` counts the repeats.
    """

    alert: str
    ladder: Ladder
    state: ClimbState = ClimbState.CLIMBING
    rung: int = 0
    round: int = 0
    due_at: Instant | None = None
    version: int = 0

    def ended(self, state: ClimbState) -> Climb:
        """The same climb, over."""
        return replace(self, state=state, due_at=None, version=self.version + 1)


class CallState(StrEnum):
    """What came of a call so far."""

    QUEUED = "queued"
    SENT = "sent"  # the channel took it
    DELIVERED = "delivered"  # the channel says it arrived
    FAILED_FOR_NOW = "failed-for-now"  # will be tried again at due_at
    FAILED = "failed"  # given up, with the reason
    MOOT = "moot"  # taken or over before it was sent


class Purpose(StrEnum):
    """Why someone is called."""

    ALERT = "alert"
    CLEARED = "cleared"  # fire cleared, fault recovered (GB/T 45839-2025 5.10.4)
    NOTICE = "notice"  # the operator: an empty post, an exhausted ladder
    ASSIGNED = "assigned"  # a hazard is theirs to put right
    REMINDER = "reminder"  # a hazard has to be put right soon
    OVERDUE = "overdue"  # a hazard was not seen to in its time
    WINDOW = "window"  # a quiet window began, ends soon, or is over


@dataclass(frozen=True, slots=True)
class Call:
    """Someone to be told, by one channel, of one alert: a row of the outbox.

    ``key`` says what makes it the same call (alert, purpose, round, rung, person, channel), so that writing it twice
    is writing it once, and a receiver can drop what it has seen.
    """

    key: str
    alert: str
    purpose: Purpose
    person: str
    role: str
    place: str
    channel: str
    address: str
    language: str
    rung: int
    round: int
    created_at: Instant
    due_at: Instant
    urgent: bool = False  # fire class: goes before everything else
    state: CallState = CallState.QUEUED
    attempts: int = 0
    receipt: str = ""
    sent_at: Instant | None = None


class StepKind(StrEnum):
    """What a climb did, for the alert's story."""

    RAISED = "raised"
    CALLED = "called"
    EMPTY = "empty"  # nobody holds the post, or nobody there can be reached
    CLIMBED = "climbed"
    EXHAUSTED = "exhausted"
    TRIPPED_AGAIN = "tripped-again"
    CLEARED = "cleared"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"
    SENT = "sent"
    FAILED = "failed"
    # what became of a hazard; each the past of a HazardAct, but for what time does
    REPORTED = "reported"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    ASSIGNED = "assigned"
    REGRADED = "regraded"
    STARTED = "started"
    RECTIFIED = "rectified"
    REINSPECTED = "reinspected"
    WRITTEN_OFF = "written-off"
    EXTENDED = "extended"
    LISTED = "listed"
    REMINDED = "reminded"
    OVERDUE = "overdue"
    # what quiet windows did
    HELD = "held"  # a window keeps it from calling people
    RELEASED = "released"  # the window is over and it still stands


@dataclass(frozen=True, slots=True)
class Step:
    """A line of an alert's story: append-only."""

    alert: str
    at: Instant
    kind: StepKind
    who: str = ""
    detail: Mapping[str, str] = field(default_factory=dict)
