"""A console with a real book and a real history behind it, for a small made-up township."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from firesense.book import SqlBook
from firesense.desk import Desk
from firesense.domain.alert import Alert, AlertClass, Grade, alert_id
from firesense.domain.device import Device, Registry
from firesense.domain.escalation import Call, CallState, Climb, Ladder, Purpose, Rung, Step, StepKind
from firesense.domain.frame import Reason, Refusal
from firesense.domain.instant import MINUTE, SECOND
from firesense.domain.outcome import Outcome, Raise
from firesense.domain.place import Org, Person, Place, Post
from firesense.domain.plan import Plan
from firesense.domain.readings import UNSAID, Readings
from firesense.hazarddesk import HazardDesk
from firesense.hazardfile import standard_hazards
from firesense.history.sqlite import SqliteHistory
from firesense.passwords import hash_password
from firesense.photos import Photos
from firesense.ports import User
from firesense.quietdesk import QuietDesk
from firesense.web import create_console
from firesense.web.parts import TEMPLATES
from tests.templates import given_all

if TYPE_CHECKING:
    from pathlib import Path

# Three pages in one: each has the branch of its view.
OF_ONE_VIEW = {
    "hazards.html": frozenset(
        ("after", "closed", "following", "found", "groups", "kind", "kinds", "overdue", "places", "weights")
    )
}
given_all(TEMPLATES.env, OF_ONE_VIEW)
NOW = 1_767_240_000_000_000  # 2026-01-01 12:00 in China
PASSWORD = "correct horse battery"
ONE_TIME = "use me once only"
STATUS = {
    "positions": {"alerting": 120, "record": 118},
    "lags": {"alerting": 0, "record": 2},
    "ledger": {"received": 120, "recorded": 115, "duplicate": 3, "quarantined": 2, "balanced": True},
    "connected": {"broker": True},
}
LADDER = Ladder(
    "township-fire",
    (
        Rung(("grid-member",), ("mqtt", "dingtalk"), timedelta(minutes=2)),
        Rung(("grid-leader", "village-head"), ("mqtt",), timedelta(minutes=3)),
        Rung(("station-duty",), ("mqtt", "dingtalk"), timedelta(minutes=5)),
        Rung(("committee-office",), ("mqtt",), timedelta(minutes=5)),
        Rung(("brigade-duty",), ("mqtt",), timedelta(minutes=5)),
    ),
    repeat=None,
)
ORG = Org(
    [
        Place("d", "青河县", "district"),
        Place("t", "柳林镇", "township", "d"),
        Place("v", "大槐树村", "village", "t"),
        Place("g", "第三网格", "grid", "v"),
    ],
    [Post("grid-member", "g", ("sun",)), Post("grid-leader", "v", ("he",)), Post("station-duty", "t", ("station",))],
    [
        Person("sun", "孙小梅", {"mqtt": "people/sun", "dingtalk": "13800001234"}, "13800001234"),
        Person("he", "何大勇", {"mqtt": "people/he"}),
        Person("station", "值班员甲", {"dingtalk": "https://robot.example/send?access_token=secret-token"}),
    ],
)
HASH = hash_password(PASSWORD)  # once: hashing is slow on purpose
ONE_TIME_HASH = hash_password(ONE_TIME)


class WoundClock:
    """A clock that stands still until it is wound."""

    def __init__(self, now: int = NOW) -> None:
        self.at = now

    def now(self) -> int:
        return self.at


class Township:
    """The book, the history and the plan behind a console, and what may happen there."""

    def __init__(self, folder: Path, clock: object | None = None, book: str = "") -> None:
        self.clock = clock or WoundClock()
        self.book = SqlBook(book or f"sqlite:///{folder / 'book.db'}")
        self.history = SqliteHistory(folder / "history.db", timedelta(days=3650))
        self.book.put_user(User("station", HASH, "station"))
        self.book.put_user(User("first", ONE_TIME_HASH, one_time=True))
        devices = [
            Device("smoke-1", "smoke", "house-smoke", "eui-1", "g", 0, name="李奶奶家 客厅"),
            Device("smoke-2", "smoke", "house-smoke", "eui-2", "g", 1, name="<script>alert(1)</script>"),
            Device("water-1", "water", "gauge", "eui-3", "v", 0, name="村口消火栓", kind="hydrant"),
            Device("heater-1", "heater", "warm", "eui-4", "t", 0, name="水库取水口"),
        ]
        self.plan = Plan(registry=Registry(devices), org=ORG, ladders={LADDER.id: LADDER}, hazards=standard_hazards())
        self.photos = Photos(folder / "photos")
        self.changes = 0
        self.desk = Desk(
            self.book,
            self.clock,
            self._changed,
            plan_source=lambda: self.plan,
            kinds={"mqtt": "mqtt", "dingtalk": "dingtalk"},
        )
        self.hazards = HazardDesk(
            self.book, self.clock, lambda: self.plan, {"mqtt": "mqtt", "dingtalk": "dingtalk"}, self._changed
        )
        self.quiet = QuietDesk(self.book, self.clock, lambda: self.plan, on_change=self._changed)
        self.offset = 0

    def _changed(self) -> None:
        self.changes += 1

    def console(self, **changes: object) -> object:
        given = {"status": lambda: STATUS, "secure_cookies": False, "hazards": self.hazards, "photos": self.photos}
        given["quiet"] = self.quiet
        given |= changes
        return create_console(self.book, self.history, self.desk, self.clock, lambda: self.plan, **given)

    def close(self) -> None:
        self.book.close()
        self.history.close()

    def alarm(self, number: int = 1, alert_class: AlertClass = AlertClass.FIRE, **changes: object) -> Alert:
        """Raise an alert with its climb waiting for the first rung, and one call sent, one failing."""
        device = changes.pop("device", "smoke-1")
        at = self.clock.now() + number
        alert = Alert(
            id=alert_id("smoke-flag", str(device), at),
            rule="smoke-flag" if number == 1 else f"smoke-flag-{number}",  # one open alert of a rule and a device
            rule_version="v1",
            alert_class=alert_class,
            grade=Grade.GENERAL,
            device=str(device),
            device_class=str(device).partition("-")[0],
            place="g",
            raised_at=at,
            event_at=at - 4 * SECOND,
            offset=self.offset,
            metric="smoke_density",
            value=0.3125,
            text={"zh": "烟感火警信号", "en": "Smoke detector fire flag"},
        )
        alert = replace(alert, **changes)  # type: ignore[arg-type] # a test names the fields it means
        self.offset += 1
        calls = [self.call(alert, "mqtt", "people/sun"), self.call(alert, "dingtalk", "13800001234")]
        climb = Climb(alert.id, LADDER, rung=1, due_at=at + 2 * MINUTE)
        detail = {"role": "grid-member", "place": "g", "channels": "mqtt,dingtalk", "rung": "0", "round": "0"}
        steps = (
            Step(alert.id, at, StepKind.RAISED, alert.device, {"rule": alert.rule, "ladder": LADDER.id}),
            Step(alert.id, at, StepKind.CALLED, "sun", detail),
        )
        self.book.commit(Outcome("alerting", self.offset, at, (Raise(alert, climb, tuple(calls), steps),)))
        for (call, _), state in zip(
            self.book.lease_calls(at, at + MINUTE, 2), (CallState.DELIVERED, CallState.FAILED_FOR_NOW), strict=True
        ):
            told = state is CallState.DELIVERED
            settled = replace(
                call,
                state=state,
                attempts=1,
                receipt="mid 17" if told else "errcode 130101",
                sent_at=at + SECOND if told else None,
                due_at=call.due_at if told else at + 30 * SECOND,
            )
            self.book.settle(settled, at + SECOND)
        return alert

    def call(self, alert: Alert, channel: str, address: str) -> Call:
        return Call(
            key=f"{alert.id}/alert/0/0/sun/{channel}",
            alert=alert.id,
            purpose=Purpose.ALERT,
            person="sun",
            role="grid-member",
            place="g",
            channel=channel,
            address=address,
            language="zh",
            rung=0,
            round=0,
            created_at=alert.raised_at,
            due_at=alert.raised_at,
            urgent=True,
        )

    def smoke(self, minutes: int = 20, every: int = 10) -> None:
        """Write readings of smoke-1 up to now: clear air, then smoke that grows."""
        n = minutes * 60 // every
        at = self.clock.now() - np.arange(n, 0, -1, dtype=np.int64) * every * SECOND
        rising = np.clip((np.arange(n) - n * 0.7) / n, 0, None)
        density = 0.03 + 0.01 * np.sin(np.arange(n) / 5) + rising
        table = Readings(
            "smoke",
            "house-smoke",
            np.zeros(n, dtype=np.int32),
            at,
            at,
            np.arange(n, dtype=np.int64),
            np.zeros(n, dtype=np.uint16),
            {"smoke_density": density, "temperature": 21 + rising * 40},
            {"fire": np.full(n, UNSAID, dtype=np.int8)},
        )
        self.history.write([table], self.plan.registry)

    def refuse(self, payload: bytes) -> None:
        """Quarantine a frame of a device nobody registered."""
        refusal = Refusal(
            self.offset, "broker", "smoke/eui-9/up", payload, self.clock.now(), Reason.UNKNOWN_DEVICE, "", "p", "eui-9"
        )
        self.offset += 1
        self.book.commit(Outcome("alerting", self.offset, self.clock.now(), refusals=(refusal,)))
