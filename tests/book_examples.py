"""A small township for tests of the book: its org, its devices, and what may come of a stretch of the journal."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from firesense.domain.alert import Alert, AlertClass, Grade, alert_id
from firesense.domain.device import Device
from firesense.domain.escalation import (
    Call,
    CallState,
    Climb,
    Hours,
    Ladder,
    Purpose,
    Rung,
    Selector,
    Step,
    StepKind,
    Timers,
)
from firesense.domain.frame import Reason, Refusal
from firesense.domain.instant import MINUTE
from firesense.domain.outcome import Outcome, Raise, Tally
from firesense.domain.place import Org, Person, Place, Post

NOON = 1_767_240_000_000_000
LATER = NOON + MINUTE
LADDER = Ladder(
    "township",
    (
        Rung(("grid-member",), ("robot", "mail"), timedelta(minutes=2)),
        Rung(("grid-leader", "station-duty"), ("robot",), timedelta(minutes=5), 2, timedelta(minutes=1)),
    ),
    repeat=None,
)
TIMED = replace(LADDER, timers=Timers(*(timedelta(minutes=10),) * 3))
SELECTORS = (
    Selector(
        "township", frozenset({"fire"}), frozenset({"major"}), frozenset({"t1", "t2"}), frozenset({"lives-alone"})
    ),
    Selector("township", seasons=frozenset({"heating"}), hours=Hours(timedelta(hours=22), timedelta(hours=6)), start=1),
    Selector("township", confirmed=True),
    Selector("township"),
)
ORG = Org(
    [
        Place("t1", "青石镇", "township", tags=("mountain",), address="1 Old Street"),
        Place("g2", "二组", "grid", "t1"),
        Place("g1", "一组", "grid", "t1"),
    ],
    [
        Post("station-duty", "t1", ("zhou", "wen")),
        Post("grid-member", "g1", ("wen",)),
        Post("grid-leader", "g1"),
    ],
    [
        Person("zhou", "周", {"robot": "r-1", "mail": "zhou@example.org"}, "13800000000"),
        Person("wen", "Wen", {"robot": "r-2"}, language="en"),
    ],
)


def device(name: str, **changes: object) -> Device:
    fields: dict[str, object] = {
        "id": name,
        "device_class": "smoke",
        "profile": "house-smoke",
        "external_id": f"eui-{name}",
        "place": "g1",
        "slot": 0,
    }
    return Device(**(fields | changes))  # type: ignore[arg-type] # a test names the fields it means


def alarm(number: int = 1, alert_class: AlertClass = AlertClass.FIRE, **changes: object) -> Alert:
    name = f"smoke-{number}"
    at = NOON + number
    fields: dict[str, object] = {
        "id": alert_id("fire-flag", name, at),
        "rule": "fire-flag",
        "rule_version": "v1",
        "alert_class": alert_class,
        "grade": Grade.MAJOR,
        "device": name,
        "device_class": "smoke",
        "place": "g1",
        "raised_at": at,
        "event_at": at - 1,
        "offset": number,
        "metric": "smoke",
        "value": 0.25,
        "text": {"zh": "烟雾", "en": "smoke"},
    }
    return Alert(**(fields | changes))  # type: ignore[arg-type] # a test names the fields it means


def call(alert: Alert, person: str = "wen", channel: str = "robot", round_: int = 0, **changes: object) -> Call:
    fields: dict[str, object] = {
        "key": f"{alert.id}/alert/{round_}/0/{person}/{channel}",
        "alert": alert.id,
        "purpose": Purpose.ALERT,
        "person": person,
        "role": "grid-member",
        "place": alert.place,
        "channel": channel,
        "address": f"{channel}-of-{person}",
        "language": "zh",
        "rung": 0,
        "round": round_,
        "created_at": alert.raised_at,
        "due_at": alert.raised_at,
        "urgent": alert.alert_class is AlertClass.FIRE,
    }
    return Call(**(fields | changes))  # type: ignore[arg-type] # a test names the fields it means


def climb(alert: Alert) -> Climb:
    return Climb(alert.id, LADDER, rung=1, due_at=alert.raised_at + 2 * MINUTE)


def raised(alert: Alert, *calls: Call) -> Raise:
    """The deed that raises an alert: with its climb, two calls unless others are given, and two steps."""
    told = calls or (call(alert, "wen"), call(alert, "zhou"))
    steps = (
        Step(alert.id, alert.raised_at, StepKind.RAISED, detail={"rule": alert.rule}),
        Step(alert.id, alert.raised_at, StepKind.CALLED),
    )
    return Raise(alert, climb(alert), told, steps)


def outcome(position: int, *deeds: object, street: str = "alerting", at: int = NOON, **parts: object) -> Outcome:
    return Outcome(street, position, at, deeds=deeds, **parts)  # type: ignore[arg-type] # a test names what it means


def refusal(offset: int, external_id: str = "", reason: Reason = Reason.MALFORMED, at: int = NOON) -> Refusal:
    return Refusal(
        offset, "broker", f"smoke/{external_id}/up", b"\x00\xff{", at, reason, "at byte 3", "house-smoke", external_id
    )


def whole(position: int) -> Outcome:
    """What came of one frame that raised an alarm, and of one that could not be used."""
    return outcome(
        position, raised(alarm(position)), refusals=(refusal(position),), tally=Tally(recorded=1, quarantined=1)
    )


# -- what duty does, and what can be seen of it -----------------------------------------------------------------------


def lease(book, now=LATER, most=100):
    return [leased for leased, _ in book.lease_calls(now, now + MINUTE, most)]


def sent(book, leased, at=LATER, **changes):
    changes = {"state": CallState.SENT, "attempts": 1, "receipt": "ref-1", "sent_at": at} | changes
    book.settle(replace(leased, **changes), at)


def kinds(book, alert):
    return [step.kind for step in book.story(alert.id)]


def states(book, alert):
    return {(c.purpose, c.person): c.state for c in book.calls(alert.id)}
