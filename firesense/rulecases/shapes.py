"""What a case is once it has been read, and what is said when it does not hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from firesense.domain.device import Registry
    from firesense.domain.instant import Instant


@dataclass(frozen=True, slots=True)
class Span:
    """Two instants after the start of a case, in microseconds; equal where one instant is meant."""

    first: int
    last: int

    def holds(self, after: int) -> bool:
        """Whether something that happened so long after the start happened in it, to the second."""
        return self.first <= after <= self.last + 999_999

    def __str__(self) -> str:
        return written(self.first) if self.first == self.last else f"{written(self.first)}..{written(self.last)}"


@dataclass(frozen=True, slots=True)
class Row:
    """One frame: when it was made and when it arrives, both after the start, and what it says."""

    device: str
    made: int
    arrives: int
    says: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class ExpectedAlert:
    """An alert that must be raised; None stands for whatever it is. ``cleared`` is False for never."""

    rule: str
    device: str
    at: Span | None
    cleared: Span | bool | None
    says: Mapping[str, object]  # alert_class, grade, late, trips, value


@dataclass(frozen=True, slots=True)
class ExpectedCall:
    """Someone who must be told at an instant; ``by`` are the channels, all of them, or None for any."""

    at: Span
    who: str
    by: frozenset[str] | None
    purpose: str


@dataclass(frozen=True, slots=True)
class Act:
    """What a person does: ``takes`` or ``closes`` the alerts of a rule that are open then."""

    at: int
    does: str
    rule: str


@dataclass(frozen=True, slots=True)
class RuleCase:
    """One case; durations in microseconds. ``where`` is its path in the file."""

    file: str
    where: str
    name: str
    start: Instant
    lasts: int
    registry: Registry
    rows: tuple[Row, ...]
    deaf: tuple[Span, ...]
    acts: tuple[Act, ...]
    alerts: tuple[ExpectedAlert, ...]
    calls: tuple[ExpectedCall, ...] | None


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing of a case that did not come as expected."""

    case: RuleCase
    expected: str
    got: str

    def __str__(self) -> str:
        return f"{self.case.file}: {self.case.where} ({self.case.name}): expected {self.expected}; got {self.got}"


def written(after: int) -> str:
    """Write microseconds after the start as people do: ``1h05m``, ``90s`` is ``1m30s``, to the second."""
    seconds = after // 1_000_000
    hours, minutes, seconds = seconds // 3600, seconds // 60 % 60, seconds % 60
    parts = [f"{hours}h"] * bool(hours) + [f"{minutes}m"] * bool(minutes) + [f"{seconds}s"] * bool(seconds)
    return "".join(parts) or "0s"
