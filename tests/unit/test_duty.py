from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest
import structlog

from firesense import duty, escalate
from firesense.book import SqlBook
from firesense.domain.errors import BookError, Conflict, NotFound
from firesense.domain.escalation import CallState, ClimbState, Ladder, Rung, StepKind
from firesense.domain.instant import DAY, MINUTE, SECOND
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
)
DEADLINE = 20.0


class Told:
    """A channel that remembers whom it told."""

    def __init__(self, name: str) -> None:
        self.name = self.kind = name
        self.people: list[str] = []
        self.answered: asyncio.Event | None = None  # it answers only then

    async def send(self, message: Message) -> Receipt:
        self.people.append(message.call.person)
        if self.answered is not None:
            await self.answered.wait()
        return Receipt()

    async def close(self) -> None:
        pass


class WatchedBook(SqlBook):
    """A book that counts who looks, can be away, and lets others in between looking and acting."""

    asked = 0
    away = False
    meanwhile = None

    def due_climbs(self, now, most):
        self.asked += 1
        if self.away:
            raise BookError("disk is full")
        found = super().due_climbs(now, most)
        if self.meanwhile is not None:
            quicker, self.meanwhile = self.meanwhile, None
            quicker()
        return found


class House:
    """A duty with its book on a hand-wound clock."""

    def __init__(self, book: SqlBook) -> None:
        self.book = book
        self.clock = HandClock(NOW)
        self.channels = {name: Told(name) for name in ("app", "mail")}
        self.delivery, self.duty = self.open()

    def open(self, owner: str = "") -> tuple[Delivery, Duty]:
        delivery = Delivery(self.book, self.channels, lambda c, a: Message(c, a, "title", ""), self.clock, owner=owner)
        return delivery, Duty(self.book, lambda: PLAN, delivery, self.clock)

    def raise_alert(self, name: str = "AB12CD34EF", ladder: Ladder = LADDER) -> None:
        raised = alert(id=name, device=f"smoke-{name}")
        begun = escalate.begin(raised, ladder, PLAN.org, self.delivery.kinds, self.clock.now())
        deed = Raise(raised, begun.climb, begun.calls, begun.steps)
        self.book.commit(Outcome("alerting", self.book.position("alerting") + 1, self.clock.now(), (deed,)))

    async def pass_time(self, seconds: float = 0) -> None:
        self.clock.wind(seconds)
        while await self.duty.step(self.clock.now()):
            await self.delivery.idle()

    @property
    def told(self) -> list[str]:
        people, self.channels["app"].people = self.channels["app"].people, []
        return people


@pytest.fixture
def book(tmp_path):
    opened = WatchedBook(f"sqlite:///{tmp_path}/book.db")
    opened.install(PLAN.org, [LADDER], [])
    yield opened
    opened.close()


@pytest.fixture
def house(book):
    return House(book)


def test_an_alert_nobody_takes_climbs_and_starts_again(house):
    async def story():
        house.raise_alert()
        await house.pass_time()
        assert house.told == ["lin"]
        await house.pass_time(89)
        assert house.told == []
        await house.pass_time(1)
        assert house.told == ["wu"]
        await house.pass_time(180)
        assert house.told == ["lin"]
        assert house.channels["mail"].people == ["lin", "wu", "op", "lin"]
        assert house.book.climb("AB12CD34EF").round == 1

    asyncio.run(story())


def test_taking_the_alert_stops_the_climb(house):
    async def story():
        house.raise_alert()
        await house.pass_time()
        house.book.acknowledge("AB12CD34EF", "lin", house.clock.now())
        await house.pass_time(24 * 3600)
        assert house.told == ["lin"]
        assert house.book.climb("AB12CD34EF").state is ClimbState.ACKNOWLEDGED

    asyncio.run(story())


def test_a_climb_goes_on_after_a_restart_and_by_its_own_ladder(house):
    async def story():
        house.raise_alert()
        await house.pass_time()
        house.delivery, house.duty = house.open()
        house.book.install(PLAN.org, [replace(LADDER, rungs=LADDER.rungs[:1])], [])
        await house.pass_time(3600)
        assert house.told == ["lin", "wu"]

    asyncio.run(story())


def test_a_late_duty_climbs_one_rung_and_waits_again(house):
    async def story():
        house.raise_alert()
        await house.pass_time(3600)
        assert house.told == ["lin", "wu"]
        assert house.book.climb("AB12CD34EF").due_at == house.clock.now() + 3 * MINUTE

    asyncio.run(story())


def test_two_duties_move_a_climb_once(house):
    async def story():
        house.raise_alert()
        house.clock.wind(90)
        _, quicker = house.open()
        house.book.meanwhile = lambda: quicker._move_climbs(house.clock.now())
        await house.pass_time()
        assert sorted(house.told) == ["lin", "wu"]
        assert [step.kind for step in house.book.story("AB12CD34EF")].count(StepKind.CLIMBED) == 1

    asyncio.run(story())


def test_what_another_duty_has_moved_a_moment_ago_is_not_repaired(house):
    async def story():
        for number in range(40):
            house.raise_alert(f"AB12CD{number:04}")
        await house.pass_time()
        house.clock.wind(3600)
        _, quicker = house.open()
        house.book.meanwhile = lambda: quicker._move_climbs(house.clock.now())
        await house.pass_time()
        assert house.duty.auditor.repaired == 0, "the other one had got to half of them"
        assert house.told.count("wu") == 40

    asyncio.run(story())


@pytest.mark.parametrize("error", [Conflict("written off"), NotFound("forgotten")])
def test_a_hazard_that_cannot_be_dealt_with_holds_up_no_call(house, error, monkeypatch):
    def refuse(*_):
        raise error

    async def story():
        hazard = alert(id="HZ12CD34EF")
        monkeypatch.setattr(house.book, "due_hazards", lambda *_: [(hazard, None)])
        monkeypatch.setattr(house.book, "deal_with_hazard", refuse)
        house.raise_alert()
        with structlog.testing.capture_logs() as lines:
            await house.pass_time()
        assert house.told == ["lin"]
        assert {line.get("alert") for line in lines} == {"HZ12CD34EF"}

    asyncio.run(story())


def test_a_climb_that_cannot_be_moved_holds_up_no_other(house, monkeypatch):
    really = escalate.act

    def act(raised, *others):
        if raised.id == "AB12CD34EF":
            raise ZeroDivisionError
        return really(raised, *others)

    async def story():
        house.raise_alert()
        house.raise_alert("GH56JK78MN")
        await house.pass_time()
        monkeypatch.setattr(duty.escalate, "act", act)
        assert house.told == ["lin", "lin"]
        with structlog.testing.capture_logs() as lines:
            await house.pass_time(90)
            for _ in range(3):
                await house.pass_time(1)
        assert house.told == ["wu"]
        assert [line["alert"] for line in lines] == ["AB12CD34EF"], "told of once, however often it is looked at"

    asyncio.run(story())


def test_many_climbs_do_not_hold_up_the_first_call(house):
    async def story():
        house.duty = Duty(house.book, lambda: PLAN, house.delivery, house.clock, most=3)
        for n in range(10):
            house.raise_alert(f"A{n}")
        await house.pass_time()
        house.clock.wind(90)
        await house.duty.step(house.clock.now())
        await house.delivery.idle()
        assert house.told.count("wu") == 3
        await house.pass_time()
        assert house.told.count("wu") == 7

    asyncio.run(story())


async def until(condition):
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)


def running(house, story):
    async def run():
        stop = asyncio.Event()
        street = asyncio.create_task(house.duty.run(stop))
        try:
            await story()
        finally:
            stop.set()
            await asyncio.wait_for(street, DEADLINE)
            await house.delivery.close()

    asyncio.run(run())


def test_running_acts_when_poked_from_another_thread(house, monkeypatch):
    monkeypatch.setattr(duty, "_LONGEST_NAP", timedelta(hours=1))

    async def story():
        await until(lambda: house.book.asked > 0)
        house.raise_alert()
        poking = threading.Thread(target=house.duty.poke)
        poking.start()
        await until(lambda: house.channels["app"].people == ["lin"])
        poking.join()

    running(house, story)
    house.duty.poke()  # after the end nobody minds


def test_running_finds_by_itself_what_another_process_wrote(house):
    async def story():
        house.raise_alert()
        await until(lambda: house.channels["app"].people == ["lin"])
        house.clock.wind(90)
        await until(lambda: house.channels["app"].people == ["lin", "wu"])

    running(house, story)


def test_running_goes_on_when_the_book_is_back_and_says_so_once(house, monkeypatch):
    monkeypatch.setattr(duty, "_AFTER_FAILURE", timedelta(milliseconds=1))

    async def story():
        house.book.away = True
        house.raise_alert()
        await until(lambda: house.book.asked > 3)
        house.book.away = False
        await until(lambda: house.channels["app"].people == ["lin"])

    with structlog.testing.capture_logs() as lines:
        running(house, story)
    assert [line["event"] for line in lines] == ["duty cannot use the book", "duty can use the book again"]


def test_calls_flow_on_as_soon_as_a_full_channel_has_room(house, monkeypatch):
    monkeypatch.setattr(duty, "_LONGEST_NAP", timedelta(hours=1))

    async def story():
        for n in range(60):
            house.raise_alert(f"A{n}")
        house.duty.poke()
        await until(lambda: len(house.channels["app"].people) == 60)

    running(house, story)


def test_what_a_killed_duty_had_under_way_is_called_at_once_by_the_next(house):
    async def story():
        house.raise_alert()
        house.book.lease_calls(NOW, NOW + 40_000_000, 9)  # and then it was killed
        house.delivery, house.duty = house.open()
        await house.pass_time(1)
        assert house.told == ["lin"]

    asyncio.run(story())


def test_a_duty_that_starts_beside_another_one_does_not_make_its_calls(house):
    async def story():
        house.raise_alert()
        answered = house.channels["app"].answered = asyncio.Event()
        await house.duty.step(NOW)
        await until(lambda: house.channels["app"].people)
        _, beside = house.open("on another machine")
        assert not await beside.step(NOW)
        assert house.told == ["lin"]
        delivery, again = house.open()  # the first one was killed and started again
        await again.step(NOW)
        await until(lambda: house.channels["app"].people)
        assert house.told == ["lin"]
        answered.set()
        await house.delivery.idle()
        await delivery.idle()

    asyncio.run(story())


@pytest.mark.parametrize("killed", [False, True])
def test_a_clock_that_is_put_back_keeps_nobody_waiting(house, killed):
    async def story():
        house.raise_alert()
        await house.pass_time()
        assert house.told == ["lin"]
        house.clock.wind(-3600)
        if killed:
            house.delivery, house.duty = house.open()
        await house.pass_time(1)
        assert house.told == []
        await house.pass_time(90)
        assert house.told == ["wu"], "the wait of the rung, from when the clock was found put back"
        assert house.book.climb("AB12CD34EF").state is ClimbState.CLIMBING

    asyncio.run(story())


def test_what_a_clock_far_ahead_has_dated_waits_no_longer_although_duty_never_saw_that_clock(house):
    async def story():
        house.raise_alert()
        await house.pass_time()
        assert house.told == ["lin"]
        before = house.book.climb("AB12CD34EF")
        far = replace(before, due_at=house.clock.now() + 30 * DAY, version=before.version + 1)
        assert house.book.advance(before, far, (), ())
        await house.pass_time(60)
        assert house.book.climb("AB12CD34EF").due_at == house.clock.now() + 90 * SECOND
        await house.pass_time(90)
        assert house.told == ["wu"]

    asyncio.run(story())


def test_a_call_that_failed_is_tried_again_soon_although_the_clock_was_put_back(house):
    async def story():
        house.raise_alert()
        call, _ = house.book.lease_calls(NOW, NOW + 1, 1)[0]
        later = NOW + 2_000_000
        house.book.settle(replace(call, state=CallState.FAILED_FOR_NOW, due_at=later), NOW)
        house.clock.wind(-3600)
        await house.pass_time()
        assert house.told == ["lin"]

    asyncio.run(story())
