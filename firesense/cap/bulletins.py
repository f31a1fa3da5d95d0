"""The story of an alert -> which CAP messages there are, how each is called, and what was known when it was sent."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta, timezone
from enum import StrEnum
from typing import TYPE_CHECKING

from firesense.domain.alert import AlertClass, Finding
from firesense.domain.escalation import StepKind
from firesense.domain.instant import moment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from firesense.domain.alert import Alert
    from firesense.domain.escalation import Step
    from firesense.domain.instant import Instant

_BEIJING = timezone(timedelta(hours=8))  # the time of GB/T 35965.1 identifiers; China has no summer time
_UNNAMABLE = re.compile(r"[^0-9A-Za-z.-]")  # CAP 1.2, 3.2.1: neither spaces nor commas nor restricted characters
_NAME_MOST = 40


class Kind(StrEnum):
    """What a CAP message does (msgType, CAP 1.2 3.2.1), and of updates which one it is."""

    ALERT = "Alert"
    UPDATE = "Update"  # the next rung was called
    VERIFIED = "Verified"  # an Update, too: somebody has looked on site
    ALL_CLEAR = "AllClear"  # an Update, too: the case is closed
    CANCEL = "Cancel"  # there was nothing

    @property
    def message_type(self) -> str:
        """The word of the schema."""
        return "Update" if self in {Kind.ALL_CLEAR, Kind.VERIFIED} else self.value


@dataclass(frozen=True, slots=True)
class Bulletin:
    """One CAP message of an alert: what it is called, and what was known when it was sent.

    ``number`` counts the messages of the alert from 0, ``rung`` and ``round`` those of the climb from 0. ``value`` is
    in the canonical unit of the alert's metric; ``roles`` are the posts that were called at this rung.
    """

    number: int
    kind: Kind
    identifier: str
    sent_at: Instant
    references: tuple[str, ...] = ()
    rung: int = 0
    round: int = 0
    roles: tuple[str, ...] = ()
    value: float | None = None
    finding: Finding | None = None


@dataclass(slots=True)
class _Telling:
    """The story so far."""

    alert: Alert
    sender: str
    roles: dict[tuple[int, int], list[str]]
    seconds: Counter[str] = field(default_factory=Counter)
    told: list[Bulletin] = field(default_factory=list)

    def tell(self, kind: Kind, now: Bulletin, at: Instant) -> None:
        """Say what is known now in a message of this kind, which refers to the first one and to the one before."""
        sent = beijing(at)
        earlier = dict.fromkeys((*self.told[:1], *self.told[-1:]))
        self.told.append(
            replace(
                now,
                number=len(self.told),
                kind=kind,
                identifier=identifier(self.sender, sent, self.seconds[sent], self.alert.id),
                sent_at=at,
                references=tuple(f"{self.sender},{one.identifier},{beijing(one.sent_at)}" for one in earlier),
                roles=tuple(self.roles.get((now.rung, now.round), ())),
            )
        )
        self.seconds[sent] += 1


def bulletins(alert: Alert, story: Iterable[Step], sender: str) -> list[Bulletin]:
    """Say which CAP messages an alert has sent so far, oldest first; there is always the first.

    It was raised: Alert. The next rung was called, or somebody said what was found on site: Update. It was closed:
    AllClear, or Cancel when there was nothing.
    ``story`` is in order, as the book keeps it; ``sender`` is the code of who sends.
    """
    steps = list(story)
    telling = _Telling(alert, sender, _roles(steps))
    now = Bulletin(0, Kind.ALERT, "", alert.raised_at, value=_first_value(alert, steps))
    telling.tell(Kind.ALERT, now, alert.raised_at)
    over = False
    for step in steps:
        match step.kind:
            case StepKind.CLIMBED if "strand" not in step.detail:  # a whistle calls somebody in, besides the climb
                # It climbs again after it was closed when the device says so again: what was found is found no more.
                now = replace(now, rung=_count(step, "rung"), round=_count(step, "round"))
                now, over = (replace(now, finding=None), False) if over else (now, False)
                telling.tell(Kind.UPDATE, now, step.at)
            case StepKind.VERIFIED:
                now, over = replace(now, finding=_finding(step)), False
                telling.tell(Kind.VERIFIED, now, step.at)
            case StepKind.TRIPPED_AGAIN:
                now = replace(now, value=_value(step))
            case StepKind.CLOSED:
                now, over = replace(now, finding=_finding(step)), True
                nothing = denies(now.finding, alert.alert_class)
                telling.tell(Kind.CANCEL if nothing else Kind.ALL_CLEAR, now, step.at)
    return telling.told


def identifier(sender: str, sent: str, number: int, alert_id: str) -> str:
    """Call a message as GB/T 35965.1 does (``ZZZZZZDDDUUUXX_YYYYMMDDhhmmss_N``), then by its alert.

    ``N`` counts the messages of the alert within its second. The standard's 31 characters leave a sender ten messages
    a second, and CAP wants each called differently: hence the alert behind them.
    """
    stamp = re.sub(r"\D", "", sent[:19])
    return f"{sender}_{stamp}_{number}-{named(alert_id)}"


def named(text: str) -> str:
    """Write a text so that CAP lets it be a name."""
    return _UNNAMABLE.sub("-", text)[:_NAME_MOST]


def beijing(at: Instant) -> str:
    """Write an instant as CAP wants it, to the second, with the offset of China and never Z."""
    return moment(at).astimezone(_BEIJING).replace(microsecond=0).isoformat()


def _roles(steps: Iterable[Step]) -> dict[tuple[int, int], list[str]]:
    """Which posts were called by each rung of each round."""
    roles: dict[tuple[int, int], list[str]] = {}
    for step in steps:
        if step.kind is StepKind.CALLED and (role := step.detail.get("role")):
            called = roles.setdefault((_count(step, "rung"), _count(step, "round")), [])
            if role not in called:
                called.append(role)
    return roles


def _first_value(alert: Alert, steps: Iterable[Step]) -> float | None:
    """What the device said when the alert was raised; the alert itself shows the newest value."""
    for step in steps:
        if step.kind is StepKind.RAISED and "value" in step.detail:
            return _value(step)
        if step.kind is StepKind.TRIPPED_AGAIN:
            return None  # it was not written down, and is written over
    return alert.value


def _value(step: Step) -> float | None:
    try:
        value = float(step.detail["value"])
    except (KeyError, ValueError):
        return None
    return value if math.isfinite(value) else None


def _count(step: Step, name: str) -> int:
    text = step.detail.get(name, "")
    return int(text) if text.isdecimal() else 0


def _finding(step: Step) -> Finding | None:
    text = step.detail.get("finding")
    return Finding(text) if text in {finding.value for finding in Finding} else None


def denies(finding: Finding | None, alert_class: AlertClass) -> bool:
    """Whether what was found says that there was no such thing as the alert told of."""
    match finding:
        case Finding.FALSE_ALARM:
            return True
        case Finding.TEST:
            return alert_class is not AlertClass.TEST
        case Finding.FAULT:  # of the detector that cried fire; a hazard is closed so when something was broken
            return alert_class is AlertClass.FIRE
        case _:
            return False
