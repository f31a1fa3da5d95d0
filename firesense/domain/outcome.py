"""What a street hands to the book, to be written in one transaction with its position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from firesense.domain.frame import NOT_JOURNALED

if TYPE_CHECKING:
    from firesense.domain.alert import Alert, Condition
    from firesense.domain.because import Because
    from firesense.domain.escalation import Call, Climb, Step
    from firesense.domain.frame import Refusal
    from firesense.domain.instant import Instant


@dataclass(frozen=True, slots=True)
class Raise:
    """A new alert with its climb, the calls of its first rung, and why it was raised."""

    alert: Alert
    climb: Climb | None
    calls: tuple[Call, ...]
    steps: tuple[Step, ...]
    because: Because | None = None


@dataclass(frozen=True, slots=True)
class TripAgain:
    """An open alert whose rule tripped once more (a latched one fires again), by the frame at ``offset``."""

    alert: str
    at: Instant
    value: float | None
    offset: int = NOT_JOURNALED


@dataclass(frozen=True, slots=True)
class Clear:
    """An alert whose rule cleared: LATCHED keeps it with its climb, RESOLVED ends the climb and closes the case.

    Whoever was told of it is told that it is over.
    """

    alert: str
    at: Instant
    condition: Condition


@dataclass(frozen=True, slots=True)
class Hide:
    """An answer of a rule that is not told because an open alert of the same device says more."""

    alert: str
    rule: str
    device: str
    at: Instant


@dataclass(frozen=True, slots=True)
class Tally:
    """How many frames ended how; received = recorded + duplicate + quarantined."""

    recorded: int = 0
    duplicate: int = 0
    quarantined: int = 0

    @property
    def total(self) -> int:
        """All frames that have ended."""
        return self.recorded + self.duplicate + self.quarantined

    def __add__(self, other: Tally) -> Tally:
        """Add count by count."""
        return Tally(
            self.recorded + other.recorded, self.duplicate + other.duplicate, self.quarantined + other.quarantined
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that came of a stretch of the journal: written whole, with the position after it, or not at all.

    ``ahead_of`` is the street this one only runs ahead of: of frames that one has done meanwhile, nothing is raised and
    nothing trips again; nor does what fires already.
    """

    street: str
    position: int
    at: Instant
    deeds: tuple[Raise | TripAgain | Clear | Hide, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    tally: Tally = Tally()
    ahead_of: str = ""
