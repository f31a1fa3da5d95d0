"""An alert, a call and a message for tests of what is told to people."""

from __future__ import annotations

from firesense.domain.alert import Alert, AlertClass, Grade
from firesense.domain.device import Device, Registry
from firesense.domain.escalation import Call, Purpose
from firesense.domain.instant import SECOND
from firesense.domain.message import Message
from firesense.domain.place import Org, Person, Place, Post
from firesense.domain.plan import Plan

NOW = 1_767_323_045 * SECOND  # 2026-01-02 11:04:05 in Shanghai
PLACES = (
    Place("990100", "清河区", "district"),
    Place("990100101", "青溪镇", "township", "990100"),
    Place("990100101201", "上河村", "village", "990100101"),
    Place("990100101201003", "三组", "grid", "990100101201"),
)
GRID = PLACES[-1].code
PEOPLE = (
    Person("lin", "林", {"app": "lin", "mail": "lin@example.com"}),
    Person("wu", "吴", {"app": "wu", "mail": "wu@example.com"}),
    Person("op", "值班员", {"mail": "op@example.com"}),
)
POSTS = (
    Post("grid-member", GRID, ("lin",)),
    Post("village-head", "990100101201", ("wu",)),
    Post("operator", "990100", ("op",)),
)
PLAN = Plan(
    registry=Registry([Device("smoke-0007", "smoke", "firesense-smoke", "0007", GRID, 0, name="厨房")]),
    org=Org(PLACES, POSTS, PEOPLE),
)


def alert(alert_class: AlertClass = AlertClass.FIRE, **changes: object) -> Alert:
    fields: dict[str, object] = {
        "id": "AB12CD34EF",
        "rule": "smoke-fire",
        "rule_version": "v1",
        "alert_class": alert_class,
        "grade": Grade.MAJOR,
        "device": "smoke-0007",
        "device_class": "smoke",
        "place": GRID,
        "raised_at": NOW,
        "event_at": NOW - 2 * SECOND,
        "offset": 4,
        "metric": "smoke_density",
        "value": 0.2512345,
        "text": {"zh": "探测到烟雾", "en": "Smoke detected"},
    }
    return Alert(**(fields | changes))  # type: ignore[arg-type] # a test names the fields it means


def call(channel: str = "app", address: str = "lin", **changes: object) -> Call:
    fields: dict[str, object] = {
        "key": f"AB12CD34EF:alert:0:0:lin:{channel}",
        "alert": "AB12CD34EF",
        "purpose": Purpose.ALERT,
        "person": "lin",
        "role": "grid-member",
        "place": GRID,
        "channel": channel,
        "address": address,
        "language": "zh",
        "rung": 0,
        "round": 0,
        "created_at": NOW,
        "due_at": NOW,
        "urgent": True,
    }
    return Call(**(fields | changes))  # type: ignore[arg-type] # a test names the fields it means


def message(address: str, channel: str = "app", **changes: object) -> Message:
    return Message(
        call(channel, address, **changes),
        alert(),
        "【火警】三组 · smoke-0007",
        "情况：探测到烟雾\n位置：清河区 / 青溪镇 / 上河村 / 三组",
        "https://console.example.com/alerts/AB12CD34EF",
        facts={"mark": "火警", "place": "三组", "what": "探测到烟雾", "clock": "11:04", "device": "smoke-0007 厨房"},
    )
