"""What the figures are made of; docs/figures.md defines each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from firesense.domain.figures import Stage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from firesense.domain.instant import Instant
    from firesense.figures.periods import Period

ENOUGH = 10  # cases for a 90th percentile; of fewer the longest is told instead


@dataclass(frozen=True, slots=True)
class Times:
    """How long a step took in ``count`` cases, and in how many it was ``late`` for ``target``.

    ``median``, ``ninetieth`` (of at least ENOUGH cases) and ``longest`` are durations. ``late`` counts those that took
    longer, and those that wait, or waited in vain, for longer; ``due`` is the number of cases it is a share of.
    """

    count: int = 0
    median: timedelta | None = None
    ninetieth: timedelta | None = None
    longest: timedelta | None = None
    target: timedelta | None = None
    late: int = 0
    due: int = 0

    @property
    def late_share(self) -> float | None:
        """Which part was late, 0 to 1; None without a target or a case."""
        return self.late / self.due if self.target is not None and self.due else None


NO_TIMES: Mapping[Stage, Times] = {stage: Times() for stage in Stage}


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """Alerts of one class: how many were raised, what was found, and how long each step took.

    ``open`` are those still open, ``cleared_itself`` those that nobody had before they were over, ``chattering`` those
    that tripped again and again, ``stood_still`` those that somebody had for longer than the ladder grants.
    ``findings`` and ``causes`` (of false alarms) count what people said.
    """

    raised: int = 0
    open: int = 0
    cleared_itself: int = 0
    chattering: int = 0
    stood_still: int = 0
    findings: Mapping[str, int] = field(default_factory=dict)
    causes: Mapping[str, int] = field(default_factory=dict)
    times: Mapping[Stage, Times] = field(default_factory=lambda: NO_TIMES)

    @property
    def false_alarms(self) -> int:
        """How many were false alarms."""
        return self.findings.get("false-alarm", 0)

    @property
    def false_share(self) -> float | None:
        """Which part of those with a finding were false alarms, 0 to 1; None where nothing was found."""
        found = sum(count for finding, count in self.findings.items() if finding != "cleared-itself")
        return self.false_alarms / found if found else None


@dataclass(frozen=True, slots=True)
class DeviceFigures:
    """How the registered devices are at the instant of the report (GB/T 45839-2025 5.8.2)."""

    total: int = 0
    silent: int = 0
    in_alarm: int = 0
    in_fault: int = 0

    @property
    def online(self) -> int:
        """Those that are heard."""
        return self.total - self.silent


@dataclass(frozen=True, slots=True)
class HazardFigures:
    """Hazards at the end: by grade (minor, general, major), overdue, their index; in the period: reported, closed."""

    by_grade: tuple[int, int, int] = (0, 0, 0)
    overdue: int = 0
    index: float = 0.0
    reported: int = 0
    closed: int = 0

    @property
    def open(self) -> int:
        """How many are open."""
        return sum(self.by_grade)


@dataclass(frozen=True, slots=True)
class RollCallFigures:
    """Roll calls (查岗): asked, and answered in time by whoever was on duty; ``unasked`` ones nobody could be asked."""

    asked: int = 0
    answered: int = 0
    unasked: int = 0
    median: timedelta | None = None

    @property
    def missed(self) -> int:
        """How many were not answered in time."""
        return self.asked - self.answered


@dataclass(frozen=True, slots=True)
class PlaceFigures:
    """One place with all below it; ``children`` says whether there is anything below."""

    place: str
    by_class: Mapping[str, ClassFigures]
    devices: DeviceFigures = DeviceFigures()
    hazards: HazardFigures = HazardFigures()
    roll_calls: RollCallFigures = RollCallFigures()
    depth: int = 0
    children: bool = False


@dataclass(frozen=True, slots=True)
class TypeFigures:
    """One kind of device: its class and, by the profile it has now, the vendor and model."""

    device_class: str
    profile: str
    vendor: str
    model: str
    by_class: Mapping[str, ClassFigures]
    devices: DeviceFigures = DeviceFigures()


@dataclass(frozen=True, slots=True)
class PersonFigures:
    """One person: the alerts they had last, how long it took until somebody had each, and those they closed."""

    person: str
    taken: Times
    closed: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything about a period at a place, as it is known at ``as_of``.

    ``places`` are the place itself, then those below it (directly below, or all of them in the order of the tree).
    ``parts`` counts alerts of each class by day or month.
    """

    period: Period
    as_of: Instant
    place: str
    places: tuple[PlaceFigures, ...]
    types: tuple[TypeFigures, ...]
    parts: tuple[tuple[str, Mapping[str, int]], ...]
    people: tuple[PersonFigures, ...] = ()

    @property
    def whole(self) -> PlaceFigures:
        """The place itself with all below it."""
        return self.places[0]
