"""Alerts: what the alarm is, and apart from it what was done about it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from firesense.domain.instant import MINUTE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from firesense.domain.instant import Instant


UNREGISTERED = "?"  # before the external id of a device nobody registered
# Own default: a detector that chatters while people are on their way is one alarm; one that speaks up again after this
# long is a new one, and people are called anew, whatever became of the old case.
QUIET = 30 * MINUTE


class AlertClass(StrEnum):
    """火警 / 隐患 / 故障 / 测试: alarm, supervisory, trouble, and tests, which are none of these."""

    FIRE = "fire"
    HAZARD = "hazard"
    FAULT = "fault"
    TEST = "test"


class Grade(StrEnum):
    """轻微 / 一般 / 重大隐患."""

    MINOR = "minor"
    GENERAL = "general"
    MAJOR = "major"


class Condition(StrEnum):
    """What the alarm is."""

    FIRING = "firing"
    LATCHED = "latched"  # the device says it is over; a person has not
    RESOLVED = "resolved"


class Case(StrEnum):
    """What was done about it."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    DISPATCHED = "dispatched"
    ON_SITE = "on-site"
    VERIFIED = "verified"
    CLOSED = "closed"


class Finding(StrEnum):
    """What was found on site (GB/T 45839-2025 5.12.2, and tests)."""

    FIRE = "fire"
    FALSE_ALARM = "false-alarm"
    FAULT = "fault"
    TEST = "test"
    CLEARED_ITSELF = "cleared-itself"
    PUT_RIGHT = "put-right"  # a hazard that was rectified and written off


@dataclass(frozen=True, slots=True)
class Alert:
    """One alarm of one device (or gateway, or of firesense itself) by one rule, from its first trip to its closing.

    ``place`` is where it belongs when it was raised; moving the device later does not move the alert. ``trips``
    counts how often the rule tripped while the alert was open. ``value`` is in the metric's canonical unit. ``quiet``
    is the window (quiet.py) that keeps it from calling people, or whose walk test made it a test.

    ``dispatched_at``, ``arrived_at`` and ``verified_at`` are when somebody was first sent, when somebody was first on
    site, and when the finding was last said; ``cause`` is why it was a false alarm. ``silenced_at`` is set while it is
    silenced. Alerts of one event have one ``incident``: the id of the alert it was made of first.
    """

    id: str
    rule: str
    rule_version: str
    alert_class: AlertClass
    grade: Grade
    device: str
    device_class: str
    place: str
    raised_at: Instant
    event_at: Instant
    offset: int
    condition: Condition = Condition.FIRING
    case: Case = Case.OPEN
    metric: str = ""
    value: float | None = None
    channel: int = 0
    late: bool = False
    trips: int = 1
    text: Mapping[str, str] = field(default_factory=dict)
    cleared_at: Instant | None = None
    acknowledged_at: Instant | None = None
    acknowledged_by: str = ""
    closed_at: Instant | None = None
    closed_by: str = ""
    finding: Finding | None = None
    note: str = ""
    quiet: str = ""
    dispatched_at: Instant | None = None
    arrived_at: Instant | None = None
    verified_at: Instant | None = None
    verified_by: str = ""
    cause: str = ""
    silenced_at: Instant | None = None
    incident: str = ""

    @property
    def open(self) -> bool:
        """Whether it is on the list: not closed by a person, and not resolved by itself."""
        return self.case is not Case.CLOSED

    @property
    def of_stranger(self) -> bool:
        """Whether a device raised it that nobody registered: anybody who may publish can be one."""
        return self.device.startswith(UNREGISTERED)


_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford base 32: no I, L, O, U to mishear on the telephone


def alert_id(rule: str, device: str, event_at: Instant) -> str:
    """Name an alert after what made it, so that raising it twice is raising it once: ten letters, 50 bits."""
    digest = hashlib.blake2b(f"{rule}\0{device}\0{event_at}".encode(), digest_size=8).digest()
    number = int.from_bytes(digest, "big") >> 14
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(45, -1, -5))
