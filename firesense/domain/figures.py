"""What the figures for the assessment (考评) are counted from: alerts as columns, and how long each step may take."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from firesense.domain.alert import AlertClass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from firesense.domain.columns import Instants, Mask

NEVER = 2**62  # in a column of instants: it has not happened


class Stage(StrEnum):
    """What is timed, each from the instant the alert was raised."""

    CALL = "call"  # to the first call that a channel took
    ACKNOWLEDGE = "acknowledge"  # to the first time somebody had it, or closed it without having had it
    ARRIVE = "arrive"  # to the first time somebody was on site
    CLOSE = "close"  # to its closing by a person
    RECOVER = "recover"  # to the instant the device said that it is over


@dataclass(frozen=True, slots=True, eq=False)
class AlertColumns:
    """Alerts, one a row, in no order; instants that have not come are NEVER.

    ``held``: it waited for the end of a quiet window before anybody was called. ``undone``: somebody had it, and the
    case stood still for longer than its ladder grants.
    """

    alert_class: Sequence[str]
    place: Sequence[str]
    device: Sequence[str]
    device_class: Sequence[str]
    finding: Sequence[str]  # empty: not known yet
    cause: Sequence[str]
    taken_by: Sequence[str]
    closed_by: Sequence[str]
    open: Mask
    held: Mask
    undone: Mask
    trips: Instants
    raised_at: Instants
    called_at: Instants
    taken_at: Instants
    arrived_at: Instants
    verified_at: Instants
    cleared_at: Instants
    closed_at: Instants

    def __len__(self) -> int:
        """Count the alerts."""
        return len(self.raised_at)


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """An open alert as far as it says how a device is: ``device`` may be a gateway."""

    alert_class: AlertClass
    rule: str
    device: str


# Own defaults but for the call to a fire: GB/T 45839-2025 5.10.4 has it pushed within 15 s.
_TARGETS: Mapping[AlertClass, Mapping[Stage, timedelta]] = {
    AlertClass.FIRE: {
        Stage.CALL: timedelta(seconds=15),
        Stage.ACKNOWLEDGE: timedelta(minutes=5),
        Stage.ARRIVE: timedelta(minutes=15),
        Stage.CLOSE: timedelta(hours=24),
    },
    AlertClass.HAZARD: {Stage.CALL: timedelta(minutes=5), Stage.ACKNOWLEDGE: timedelta(hours=2)},
    AlertClass.FAULT: {
        Stage.CALL: timedelta(minutes=5),
        Stage.ACKNOWLEDGE: timedelta(hours=24),
        Stage.CLOSE: timedelta(days=7),
    },
}


@dataclass(frozen=True, slots=True)
class Targets:
    """How long each step may take, by class; a step without a target is never late.

    ``chatters``: an alert whose rule tripped so often while it was open is counted as chattering.
    """

    within: Mapping[AlertClass, Mapping[Stage, timedelta]] = field(default_factory=lambda: _TARGETS)
    chatters: int = 3
