"""Rules and the changes they see."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from firesense.domain.alert import AlertClass, Grade
    from firesense.domain.instant import Instant
    from firesense.domain.readings import Quality


class RuleKind(StrEnum):
    """The shapes a question can have."""

    SIGNAL = "signal"  # an expression over signals (and metrics) is true
    THRESHOLD = "threshold"  # a metric beyond its trip limit, until it is back beyond its clear limit
    RATE = "rate"  # a metric changes faster than a limit over a window
    ABSENCE = "absence"  # a device has been silent for k times its period
    COINCIDENCE = "coincidence"  # several rules, or several devices, at one place within a time


@dataclass(frozen=True, slots=True)
class Rule:
    """One question asked of every device of a class; see ``config/rules.yaml`` for how it is written.

    ``when`` trips it and ``clears`` (by default the opposite of ``when``) clears it: two expressions, so a threshold
    has two limits. A rule over a numbered family (``residual_current[*]``) is expanded before it gets here: one rule
    a circuit, ``channel`` says which. ``latches`` is for what only a person may reset.
    """

    id: str
    kind: RuleKind
    device_class: str
    alert_class: AlertClass
    grade: Grade
    when: str = ""
    clears: str = ""
    hold: timedelta = timedelta()
    clear_hold: timedelta = timedelta()
    metric: str = ""  # what the alert shows, and what rate looks at
    per: timedelta = timedelta(minutes=1)  # rate: the limits in ``when`` are per this long
    window: timedelta = timedelta(minutes=10)  # rate: how far back it looks
    periods: float = 3.0  # absence: silent for this many periods of the device
    at_most: timedelta = timedelta(hours=24)  # absence: and never later than this (GB/T 45839-2025 5.5.2)
    # Which devices it is asked of: "kind", "profile" or "tag" -> values joined by "|", "!" before an excepted one.
    where: Mapping[str, str] = field(default_factory=dict)
    latches: bool = False
    of: tuple[tuple[str, ...], ...] = ()  # coincidence: its sides, each the rules of which one must have tripped
    devices: int = 2  # coincidence: of at least so many devices
    within: timedelta = timedelta(minutes=10)  # coincidence: from the first trip to the last
    share: str = ""  # coincidence: the kind of place the devices have in common; "" is their own place
    chatters: int = 0  # so many trips within ten minutes are one alarm until it has been quiet for ten; 0 never are
    hides: tuple[str, ...] = ()  # rules that are not told of a device while this one is firing there
    channel: int = 0
    text: Mapping[str, str] = field(default_factory=dict)  # language -> what to tell people
    source: str = ""  # file and path it was read from
    version: str = ""  # digest of its text: an alert keeps the version that raised it


class Change(StrEnum):
    """What changed in a rule's answer for one device."""

    PENDING = "pending"
    TRIPPED = "tripped"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True)
class Transition:
    """A changed answer of one rule for one device; the only objects that come out of the columns.

    ``offset`` is the journal offset of the frame that made it, or the street's position for one that time made.
    ``value`` is the rule's metric in its canonical unit, NaN when it has none.
    """

    rule: str
    device_class: str
    slot: int
    change: Change
    event_at: Instant
    offset: int
    value: float
    quality: Quality
    gateway: str = ""  # absence of a whole gateway: its name; the slot is then one of its devices
    place: str = ""  # coincidence: the place in common; the slot is then the device that completed it
    members: tuple[tuple[str, str, int, Instant], ...] = ()  # coincidence: rule, class, slot and trip of each


class Firing(NamedTuple):
    """Where a rule is firing: at a device, at a gateway for all devices behind it, or (coincidence) at a place."""

    rule: str
    device_class: str
    slot: int
    gateway: str = ""
    place: str = ""
