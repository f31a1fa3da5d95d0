"""The auditor of climbs: damaged rows are found and put right, and what is in order is left alone."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace
from datetime import timedelta

import pytest
import structlog

from firesense import auditor, escalate
from firesense.auditor import TOLERANCE
from firesense.book import SqlBook
from firesense.domain.alert import AlertClass, Finding
from firesense.domain.escalation import ClimbState, Ladder, Purpose, Rung, Selector, StepKind, Timers
from firesense.domain.instant import HOUR, MINUTE, SECOND
from firesense.domain.message import Message, Receipt
from firesense.domain.outcome import Outcome, Raise
from firesense.duty import Duty
from firesense.notify.outbox import Delivery
from tests.calls import NOW, PLAN, alert
from tests.providers import HandClock

LADDER = Ladder(
    "fire",
    (
        Rung(("grid-member",), ("app", "mail"), timedelta(seconds=90)),
        Rung(("village-head",), ("app", "mail"), timedelta(minutes=3)),
    ),
    repeat=None,
    timers=Timers(arrive=timedelta(minutes=10)),
)
ID = "AB12CD34EF"


class Told:
    """A channel that remembers whom it told what."""

    def __init__(self, name: str) -> None:
        self.name = self.kind = name
        self.calls: list[tuple[str, str]] = []

    async def send(self, message: Message) -> Receipt:
        self.calls.append((message.call.person, message.call.purpose.value))
        return Receipt()

    async def close(self) -> None:
        pass


class House:
    """A duty on a hand-wound clock, and a way to its rows that is not the book's."""

    def __init__(self, folder) -> None:
        self.book = SqlBook(f"sqlite:///{folder}/book.db")
        self.plan = replace(PLAN, ladders={"fire": LADDER}, selectors=(Selector("fire"),))
        self.book.install(PLAN.org, [LADDER], [Selector("fire")])
        self.clock = HandClock(NOW)
        self.channels = {name: Told(name) for name in ("app", "mail")}
        self.raw = sqlite3.connect(f"{folder}/book.db", isolation_level=None)
        self.start()

    def start(self) -> None:
        self.delivery = Delivery(self.book, self.channels, lambda c, a: Message(c, a, "title", ""), self.clock)
        self.duty = Duty(self.book, lambda: self.plan, self.delivery, self.clock)

    def burn(self, alert_class=AlertClass.FIRE, name=ID) -> None:
        about = replace(alert(id=name, device=f"smoke-{name}"), alert_class=alert_class)
        begun = escalate.begin(about, LADDER, PLAN.org, self.delivery.kinds, self.clock.now())
        position = self.book.position("alerting") + 1
        deed = Raise(about, begun.climb, begun.calls, begun.steps)
        self.book.commit(Outcome("alerting", position, self.clock.now(), (deed,)))

    def pass_time(self, seconds: float = 0) -> None:
        async def step() -> None:
            while await self.duty.step(self.clock.now()) or self.delivery.under_way:
                await self.delivery.idle()

        self.clock.wind(seconds)
        asyncio.run(step())

    @property
    def told(self) -> list[tuple[str, str]]:
        calls = [call for channel in self.channels.values() for call in channel.calls]
        for channel in self.channels.values():
            channel.calls = []
        return list(dict.fromkeys(calls))


@pytest.fixture
def house(tmp_path):
    opened = House(tmp_path)
    yield opened
    opened.raw.close()
    opened.book.close()


DAMAGE = (
    ("no-climb", "DELETE FROM climb"),
    ("no-due-time", "UPDATE climb SET due_at = NULL"),
    ("stopped", "UPDATE climb SET state = 'stopped', due_at = NULL"),
    ("exhausted", "UPDATE climb SET state = 'exhausted', due_at = NULL"),
    ("nobody-has-it", "UPDATE climb SET state = 'acknowledged', due_at = NULL"),
    ("never-due", "UPDATE climb SET rank = 7"),
    ("no-such-rung", "UPDATE climb SET rung = -3, due_at = due_at + 1000000000"),
    ("no-such-rung", "UPDATE climb SET rung = 99, due_at = 1"),
    ("no-such-rung", "UPDATE climb SET rung = 17"),
    ("no-such-rung", "UPDATE climb SET rung = 17, due_at = due_at + 1000000000"),
)


@pytest.mark.parametrize(("why", "damage"), DAMAGE)
def test_a_damaged_climb_is_put_right_within_a_minute_and_the_operator_is_told(house, why, damage):
    house.burn()
    house.pass_time()
    assert house.told == [("lin", "alert")]
    house.raw.execute(damage)
    with structlog.testing.capture_logs() as lines:
        house.pass_time(61)
    assert [line["why"] for line in lines if line["event"] == "a climb was repaired"] == [why]
    told = house.told
    assert ("op", "notice") in told
    assert {person for person, purpose in told if purpose == "alert"} <= {"lin", "wu"}
    assert {person for person, purpose in told if purpose == "alert"}, "somebody is called at once"
    (step,) = (step for step in house.book.story(ID) if step.kind is StepKind.REPAIRED)
    assert step.detail == {"why": why}
    assert house.duty.auditor.repaired == 1
    climb = house.book.climb(ID)
    assert (climb.state, climb.ladder) == (ClimbState.CLIMBING, LADDER)
    house.pass_time(180)
    assert house.duty.auditor.repaired == 1, "once is enough"
    assert len(house.told) >= 1, "and it climbs on"


def test_a_case_that_somebody_has_gets_its_timer_back(house):
    house.burn()
    house.pass_time()
    house.book.acknowledge(ID, "lin", house.clock.now())
    house.raw.execute("UPDATE climb SET due_at = NULL")
    house.pass_time(61)
    climb = house.book.climb(ID)
    assert (climb.state, climb.due_at) == (ClimbState.ACKNOWLEDGED, house.clock.now() + 10 * MINUTE)
    house.pass_time(600)
    assert {person for person, purpose in house.told if purpose == "undone"} == {"wu"}


def test_a_climb_that_goes_on_though_somebody_has_the_alert_waits_for_them(house):
    house.burn()
    house.pass_time()
    house.book.acknowledge(ID, "lin", house.clock.now())
    house.raw.execute("UPDATE climb SET state = 'climbing', due_at = ?", [house.clock.now() + HOUR])
    house.pass_time(61)
    assert house.book.climb(ID).state is ClimbState.ACKNOWLEDGED


def test_the_auditor_looks_at_the_start_and_finds_nothing_to_do_about_what_was_merely_late(house):
    house.burn()
    house.pass_time()
    house.clock.wind(24 * 3600)
    house.start()
    house.pass_time()
    assert house.duty.auditor.repaired == 0, "what is due is moved first"
    house.raw.execute("DELETE FROM climb")
    house.start()
    house.pass_time()
    assert house.duty.auditor.repaired == 1


def test_a_whistle_that_lost_its_time_is_put_right_too(house):
    house.burn()
    house.pass_time()
    about = house.book.alert(ID)
    ladder = escalate.way_in(escalate.Target("village-head"), about, None, house.plan, house.delivery.kinds)
    blown = escalate.whistle(
        about, ladder, house.plan, house.delivery.kinds, house.clock.now(), strand="w1", by="lin", reason="power"
    )
    assert house.book.repair(about, None, blown.climb, blown.calls, blown.steps)
    house.raw.execute("UPDATE climb SET due_at = NULL WHERE strand = 'w1'")
    house.pass_time(61)
    (whistle,) = house.book.whistles(ID)
    assert whistle.due_at is not None
    (step,) = (step for step in house.book.story(ID) if step.kind is StepKind.REPAIRED)
    assert step.detail == {"why": "no-due-time", "strand": "w1"}


@pytest.mark.parametrize("alert_class", [AlertClass.FAULT, AlertClass.TEST])
def test_only_fires_and_hazards_are_audited(house, alert_class):
    house.burn(alert_class)
    house.raw.execute("DELETE FROM climb")
    assert house.book.adrift(house.clock.now(), 9) == []


def test_what_has_a_stated_reason_is_left_alone(house):
    house.burn(AlertClass.HAZARD)
    house.pass_time()
    house.raw.execute("UPDATE climb SET state = 'exhausted', due_at = NULL, repeat = 1")
    house.pass_time(61)
    house.raw.execute("UPDATE climb SET repeat = NULL, state = 'acknowledged', timers = '[null,1,1]'")
    house.raw.execute("UPDATE alert SET \"case\" = 'acknowledged', acknowledged_by = 'lin'")
    house.pass_time(61)
    house.raw.execute("UPDATE climb SET due_at = NULL, timers = '[null,null,null]'")
    house.pass_time(61)
    assert house.duty.auditor.repaired == 0


def test_a_damaged_rung_does_not_keep_the_house_from_starting_and_is_mended(house):
    house.burn()
    house.pass_time()
    house.raw.execute("UPDATE climb SET rung = 99, due_at = ?", (house.clock.now() + 240 * HOUR,))
    house.start()
    house.pass_time()
    house.pass_time(6 * 60)
    assert house.duty.auditor.repaired == 1
    assert house.book.climb(ID).rung < len(LADDER.rungs)


def test_climbs_on_rungs_there_are_not_hold_up_no_other_and_the_log_stays_short(house, monkeypatch):
    def mended(*_):
        raise ZeroDivisionError

    for number in range(30):  # more than move at once
        house.burn(name=f"FR12CD34{number:02}")
    house.pass_time()
    house.raw.execute("UPDATE climb SET rung = 17, due_at = 1")
    house.burn()
    house.pass_time()
    assert house.duty.auditor.repaired == 30, "at once, where somebody comes upon it"
    house.raw.execute("UPDATE climb SET rung = 17, due_at = 1 WHERE alert <> ?", [ID])
    monkeypatch.setattr(auditor.escalate, "mended", mended)
    assert house.told
    with structlog.testing.capture_logs() as lines:
        for _ in range(10):
            house.pass_time(10)
    assert ("wu", "alert") in house.told, "the one that is in order climbs"
    seen = [line["alert"] for line in lines]
    assert set(seen) == {f"FR12CD34{number:02}" for number in range(30)}
    assert max(map(seen.count, seen)) <= 3, "each once a minute, whatever cannot be done about it"


def test_one_that_cannot_be_repaired_holds_up_no_other(house, monkeypatch):
    really = escalate.mended

    def mended(about, *others):
        if about.id == ID:
            raise ZeroDivisionError
        return really(about, *others)

    house.burn()
    house.burn(name="GH56JK78MN")
    house.raw.execute("DELETE FROM climb")
    monkeypatch.setattr(auditor.escalate, "mended", mended)
    house.pass_time()
    assert house.duty.auditor.repaired == 1
    assert house.book.climb("GH56JK78MN") is not None


def test_a_lost_one_is_found_behind_any_number_that_are_fine(house):
    house.burn()
    for number in range(7):
        house.burn(AlertClass.HAZARD, name=f"HZ12CD340{number}")
    house.raw.execute("UPDATE climb SET state = 'acknowledged', due_at = NULL, timers = '[null,1,1]'")
    house.raw.execute("UPDATE alert SET \"case\" = 'acknowledged', acknowledged_by = 'lin'")
    house.raw.execute("DELETE FROM climb WHERE alert = 'HZ12CD3406'")
    assert [(about.id, climb) for about, climb in house.book.adrift(house.clock.now(), 1)] == [("HZ12CD3406", None)]


def test_a_repair_gives_way_to_whoever_moved_the_climb_meanwhile(house):
    house.burn()
    ((about, climb),) = house.book.due_climbs(NOW + HOUR, 9)
    done = escalate.mended(about, climb, LADDER, "overdue", PLAN.org, house.delivery.kinds, NOW)
    assert house.book.advance(climb, replace(climb, due_at=NOW + HOUR), (), ())
    assert not house.book.repair(about, climb, done.climb, done.calls, done.steps)
    assert not house.book.repair(about, None, done.climb, done.calls, done.steps)
    assert house.book.climb(ID).due_at == NOW + HOUR


def test_a_repair_gives_way_to_whoever_closed_the_case_meanwhile(house):
    house.burn()
    house.raw.execute("DELETE FROM climb")
    ((about, climb),) = house.book.adrift(NOW, 9)
    done = escalate.mended(about, climb, LADDER, "no-climb", PLAN.org, house.delivery.kinds, NOW)
    house.book.close_alert(ID, "lin", NOW, Finding.FALSE_ALARM, "")
    assert not house.book.repair(about, climb, done.climb, done.calls, done.steps)
    house.pass_time(600)
    assert house.book.climb(ID) is None
    assert StepKind.REPAIRED not in {step.kind for step in house.book.story(ID)}


def test_the_same_damage_twice_is_told_twice(house):
    house.burn()
    for _ in range(2):
        house.pass_time(61)
        house.raw.execute("UPDATE climb SET due_at = NULL")
    house.pass_time(61)
    notices = [call for call in house.book.calls(ID) if call.purpose is Purpose.NOTICE and "repaired" in call.detail]
    assert len({call.key for call in notices}) == len(notices) == 2 * len(PLAN.org.people["op"].addresses)


def test_an_overdue_climb_is_one_that_was_missed_for_longer_than_a_busy_minute():
    climb = escalate.begin(alert(), LADDER, PLAN.org, {"app": "app"}, NOW).climb
    late = climb.due_at + TOLERANCE
    assert escalate.adrift(alert(), climb, late - TOLERANCE) == ""
    assert escalate.adrift(alert(), climb, late - TOLERANCE + SECOND) == "overdue"
