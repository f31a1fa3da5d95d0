from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import ClassVar

import pytest
import structlog

from firesense.book import SqlBook
from firesense.domain.alert import AlertClass
from firesense.domain.errors import BookError, BookRefused, ChannelBusy, ChannelDown, ChannelRefused
from firesense.domain.escalation import CallState, Climb, Ladder, Purpose, StepKind
from firesense.domain.instant import HOUR, SECOND
from firesense.domain.limits import Limit
from firesense.domain.message import Message, Receipt
from firesense.domain.outcome import Outcome, Raise
from firesense.notify.manners import Manners
from firesense.notify.outbox import Delivery
from tests.calls import NOW, alert, call
from tests.providers import HandClock
from tests.waiting import until


class Scripted:
    """A channel that does what it is told: raises what is listed, one a call, or waits until it may go on."""

    def __init__(self, name: str, *answers: BaseException | None) -> None:
        self.name = name
        self.kind = name
        self.answers = list(answers)
        self.sent: list[str] = []
        self.at_once = 0
        self.most_at_once = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.closed = False

    async def send(self, message: Message) -> Receipt:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.gate.wait()
        finally:
            self.at_once -= 1
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise answer
        self.sent.append(message.call.key)
        return Receipt(reference=f"ref-{len(self.sent)}")

    async def close(self) -> None:
        self.closed = True


class ForgetfulBook(SqlBook):
    """A book that cannot write receipts for a while."""

    away = False

    def settle_all(self, outcomes):
        if self.away:
            raise BookError("disk is full")
        return super().settle_all(outcomes)


@pytest.fixture
def clock():
    return HandClock(NOW)


@pytest.fixture
def book(tmp_path):
    opened = ForgetfulBook(f"sqlite:///{tmp_path}/book.db")
    yield opened
    opened.close()


def words(told, about):
    return Message(told, about, "title", "body")


def delivery(book, clock, *channels, **options):
    return Delivery(book, {channel.name: channel for channel in channels}, words, clock, **options)


def write(book, *calls, about=None):
    about = about or alert()
    climb = Climb(about.id, Ladder("none", ()))
    book.commit(Outcome("alerting", book.position("alerting") + 1, NOW, (Raise(about, climb, calls, ()),)))


def many(channel, count, **changes):
    return [call(channel, key=f"{channel}-{n:03}", person=f"p{n}", **changes) for n in range(count)]


async def due(post, clock):
    taken = await post.deliver(clock.now())
    await post.idle()
    return taken


def test_a_call_is_sent_once_and_the_story_says_so(book, clock):
    async def story():
        app = Scripted("app")
        post = delivery(book, clock, app)
        write(book, call())
        assert await due(post, clock) == 1
        assert await due(post, clock) == 0
        [told] = book.calls("AB12CD34EF")
        assert (told.state, told.attempts, told.receipt, told.sent_at) == (CallState.SENT, 1, "ref-1", NOW)
        assert [step.kind for step in book.story("AB12CD34EF")] == [StepKind.SENT]
        assert post.kinds == {"app": "app"}
        assert post.status.sent == 1

    asyncio.run(story())


def test_fire_is_tried_again_soon_and_never_given_up_while_it_is_open(book, clock):
    async def story():
        app = Scripted("app", *(ChannelDown("away") for _ in range(100)))
        post = delivery(book, clock, app)
        write(book, call())
        waits = []
        for _ in range(8):
            assert await due(post, clock) == 1
            [told] = book.calls("AB12CD34EF")
            assert told.state is CallState.FAILED_FOR_NOW
            waits.append((told.due_at - clock.now()) // SECOND)
            clock.at = told.due_at
        assert waits == [2, 5, 10, 20, 30, 30, 30, 30]
        clock.wind(48 * 3600)
        await due(post, clock)
        assert book.calls("AB12CD34EF")[0].state is CallState.FAILED_FOR_NOW
        book.acknowledge("AB12CD34EF", "lin", clock.now())
        clock.wind(60)
        assert await due(post, clock) == 0
        assert book.calls("AB12CD34EF")[0].state is CallState.MOOT

    asyncio.run(story())


def test_anything_else_is_given_up_in_the_end(book, clock):
    async def story():
        app = Scripted("app", *(ChannelDown("away") for _ in range(200)))
        post = delivery(book, clock, app, give_up=timedelta(hours=6))
        write(book, call(urgent=False), about=alert(AlertClass.HAZARD))
        state = CallState.QUEUED
        while state is not CallState.FAILED:
            await due(post, clock)
            [told] = book.calls("AB12CD34EF")
            state, clock.at = told.state, max(clock.at, told.due_at)
        assert NOW + 5 * HOUR < clock.at <= NOW + 6 * HOUR
        assert told.receipt == "away"

    asyncio.run(story())


def test_a_notice_about_a_fire_is_given_up_too(book, clock):
    async def story():
        post = delivery(book, clock, Scripted("app", ChannelDown("away")))
        write(book, call(purpose=Purpose.NOTICE, tried_at=NOW - 7 * HOUR))
        await due(post, clock)
        assert book.calls("AB12CD34EF")[0].state is CallState.FAILED

    asyncio.run(story())


@pytest.mark.parametrize("failing", [0, 1])
def test_what_quiet_hours_held_back_is_not_given_up_for_the_time_it_was_held(book, clock, failing):
    async def story():
        app = Scripted("app", *(ChannelDown("away") for _ in range(failing + 1)))
        quiet = {"until": None}
        manners = Manners(quiet_until=lambda _call, now: quiet["until"] if now < (quiet["until"] or 0) else None)
        post = delivery(book, clock, app, manners=manners)
        write(book, call(alert="FAULT00001", urgent=False), about=fault(1))
        for _ in range(failing):  # it failed before the quiet hours, too
            await due(post, clock)
            clock.wind(10)
        quiet["until"] = NOW + 9 * HOUR
        await due(post, clock)
        assert app.sent == []
        clock.at = NOW + 9 * HOUR
        await due(post, clock)
        assert book.calls("FAULT00001")[0].state is CallState.FAILED_FOR_NOW
        clock.wind(60)
        await due(post, clock)
        assert len(app.sent) == 1

    asyncio.run(story())


def test_a_call_that_nobody_could_try_for_long_is_not_given_up_at_its_first_failure(book, clock):
    async def story():
        app = Scripted("app", ChannelDown("away"))
        write(book, call(alert="FAULT00001", urgent=False, created_at=NOW - 7 * HOUR), about=fault(1))
        post = delivery(book, clock, app)
        await due(post, clock)
        clock.wind(60)
        await due(post, clock)
        assert len(app.sent) == 1

    asyncio.run(story())


def test_a_channel_that_says_when_to_come_again_is_left_alone_until_then(book, clock):
    async def story():
        post = delivery(book, clock, Scripted("app", ChannelDown("limit", timedelta(seconds=90))))
        write(book, call())
        await due(post, clock)
        clock.wind(89)
        assert await due(post, clock) == 0
        clock.wind(1)
        assert await due(post, clock) == 1
        assert book.calls("AB12CD34EF")[0].state is CallState.SENT

    asyncio.run(story())


def test_what_is_refused_is_given_up_at_once_and_said(book, clock):
    async def story():
        post = delivery(book, clock, Scripted("app", ChannelRefused("no such robot")))
        write(book, call(), call("gone", key="gone"))
        await due(post, clock)
        assert [(told.state, told.receipt) for told in book.calls("AB12CD34EF")] == [
            (CallState.FAILED, "no such robot"),
            (CallState.FAILED, "there is no channel gone"),
        ]
        steps = book.story("AB12CD34EF")
        assert {(step.kind, step.detail["reason"]) for step in steps} == {
            (StepKind.FAILED, "no such robot"),
            (StepKind.FAILED, "there is no channel gone"),
        }
        assert post.status.given_up == 2

    asyncio.run(story())


@pytest.mark.parametrize("error", [ChannelRefused, ChannelDown])
def test_a_number_in_what_a_gateway_says_is_masked_in_the_log_and_in_the_story(book, clock, error):
    async def story():
        with structlog.testing.capture_logs() as lines:
            post = delivery(book, clock, Scripted("app", error("号码13900000011在黑名单")))
            write(book, call())
            await due(post, clock)
        written = [str(lines), *(told.receipt for told in book.calls("AB12CD34EF"))]
        written += [step.detail["reason"] for step in book.story("AB12CD34EF") if "reason" in step.detail]
        assert all("139**11在黑名单" in text for text in written)
        assert not any("13900000011" in text for text in written)

    asyncio.run(story())


def test_a_channel_that_breaks_its_promise_takes_nobody_along(book, clock):
    async def story():
        broken, app = Scripted("broken", ZeroDivisionError("bug")), Scripted("app")
        post = delivery(book, clock, broken, app)
        write(book, call("broken", key="b"), call())
        with structlog.testing.capture_logs() as lines:
            await due(post, clock)
        assert [told.state for told in book.calls("AB12CD34EF")] == [CallState.FAILED_FOR_NOW, CallState.SENT]
        assert any(line["log_level"] == "error" and line["channel"] == "broken" for line in lines)

    asyncio.run(story())


def test_a_slow_channel_holds_up_nobody_else(book, clock):
    async def story():
        slow, app = Scripted("slow"), Scripted("app")
        slow.gate.clear()
        post = delivery(book, clock, slow, app, concurrency=2)
        write(book, *many("slow", 50), *many("app", 3))
        await post.deliver(clock.now())
        await asyncio.wait(post._lanes["app"].tasks)
        assert len(app.sent) == 3
        assert slow.most_at_once == 2
        assert len(post._lanes["slow"].tasks) == 6, "the rest of the slow channel's calls waits in the book"
        slow.gate.set()
        await post.idle()
        while await due(post, clock):
            pass
        assert slow.sent == [f"slow-{n:03}" for n in range(50)]

    asyncio.run(story())


def test_room_in_a_channel_that_was_full_is_announced(book, clock):
    async def story():
        app = Scripted("app")
        post = delivery(book, clock, app, concurrency=1)
        announced = asyncio.Event()
        post.on_room = announced.set
        write(book, *many("app", 5))
        await post.deliver(clock.now())
        await asyncio.wait_for(announced.wait(), 5)
        await post.idle()

    asyncio.run(story())


def test_fire_goes_first(book, clock):
    async def story():
        app = Scripted("app")
        post = delivery(book, clock, app, concurrency=1)
        write(
            book,
            call(key="calm", alert="HAZARD0001", urgent=False),
            about=alert(AlertClass.HAZARD, id="HAZARD0001", rule="smoke-early"),
        )
        write(book, call(key="fire"))
        await due(post, clock)
        assert app.sent == ["fire", "calm"]

    asyncio.run(story())


def test_a_send_that_never_ends_is_put_off(book, clock):
    async def story():
        app = Scripted("app")
        app.gate.clear()
        post = delivery(book, clock, app, timeout=timedelta(milliseconds=20))
        write(book, call())
        await due(post, clock)
        [told] = book.calls("AB12CD34EF")
        assert (told.state, told.receipt) == (CallState.FAILED_FOR_NOW, "no answer within 0.02 s")

    asyncio.run(story())


def test_a_call_whose_lease_ran_out_while_it_waited_is_left_to_whoever_has_it(book, clock):
    async def story():
        app = Scripted("app")
        app.gate.clear()
        post = delivery(book, clock, app, concurrency=1)
        write(book, *many("app", 2))
        await post.deliver(clock.now())
        clock.wind(3600)
        app.gate.set()
        await post.idle()
        assert app.sent == ["app-000"]
        await due(post, clock)
        assert app.sent == ["app-000", "app-001"]

    asyncio.run(story())


def test_a_receipt_waits_for_the_book_and_the_call_is_not_made_again(book, clock):
    async def story():
        app = Scripted("app")
        post = delivery(book, clock, app)
        write(book, call())
        book.away = True
        await due(post, clock)
        clock.wind(3600)
        with pytest.raises(BookError):
            await post.deliver(clock.now())
        book.away = False
        assert await due(post, clock) == 0
        assert len(app.sent) == 1
        assert book.calls("AB12CD34EF")[0].sent_at == NOW

    asyncio.run(story())


class PickyBook(SqlBook):
    """A book that can never keep what came of some calls: ``picky`` says why not."""

    def picky(self, _one):
        return None

    def settle_all(self, outcomes):
        for one in outcomes:
            if (refused := self.picky(one)) is not None:
                raise refused
        return super().settle_all(outcomes)


@pytest.fixture
def picky(tmp_path):
    opened = PickyBook(f"sqlite:///{tmp_path}/picky.db")
    yield opened
    opened.close()


@pytest.mark.parametrize("error", [BookRefused("no"), ZeroDivisionError("bug")])
def test_an_outcome_that_cannot_be_written_keeps_nobody_elses_from_the_book(picky, clock, error):
    async def story():
        app = Scripted("app")
        post = delivery(picky, clock, app)
        write(picky, *many("app", 3))
        picky.picky = lambda one: error if one.call.key == "app-001" else None
        with structlog.testing.capture_logs() as lines:
            await due(post, clock)
        states = [told.state for told in picky.calls("AB12CD34EF")]
        assert states == [CallState.SENT, CallState.QUEUED, CallState.SENT]
        assert post.under_way == 0
        assert post.status.unwritten == 1
        assert any("is lost" in line["event"] and line["alert"] == "AB12CD34EF" for line in lines)

    asyncio.run(story())


def test_of_an_outcome_whose_words_cannot_be_written_the_rest_is(picky, clock):
    async def story():
        app, sms = Scripted("app", ChannelDown("strange words")), Scripted("sms")
        post = delivery(picky, clock, app, sms, manners=Manners(instead=instead_by("sms")))
        write(picky, call())
        picky.picky = lambda one: BookRefused("no") if one.call.receipt == "strange words" else None
        await due(post, clock)
        await due(post, clock)
        assert [(told.state, told.attempts) for told in picky.calls("AB12CD34EF")] == [
            (CallState.FAILED_FOR_NOW, 1),
            (CallState.SENT, 1),
        ]
        assert post.status.unwritten == 0

    asyncio.run(story())


def test_a_book_that_goes_away_between_two_outcomes_gets_both_in_the_end(picky, clock):
    async def story():
        post = delivery(picky, clock, Scripted("app"))
        write(picky, *many("app", 3))
        refusals = [BookRefused("no"), BookError("disk is full")]
        picky.picky = lambda _one: refusals.pop(0) if refusals else None
        await due(post, clock)
        assert post.under_way == 3
        assert await due(post, clock) == 0
        assert {told.state for told in picky.calls("AB12CD34EF")} == {CallState.SENT}

    asyncio.run(story())


@pytest.mark.parametrize("answer", [ChannelDown("\udcb3\udcc9"), ChannelRefused("\udcb3\udcc9"), None])
def test_an_answer_in_another_encoding_is_written_as_far_as_it_can_be(book, clock, answer):
    class Foreign(Scripted):
        async def send(self, message):
            await super().send(message)
            return Receipt(reference="\udcb3\udcc9")

    async def story():
        post = delivery(book, clock, Foreign("app", answer))
        write(book, call())
        await due(post, clock)
        [told] = book.calls("AB12CD34EF")
        assert (told.attempts, told.receipt) == (1, "??")

    asyncio.run(story())


def test_two_deliveries_share_the_work(book, clock):
    async def story():
        app = Scripted("app")
        one, other = delivery(book, clock, app), delivery(book, clock, app)
        write(book, *many("app", 40))
        await asyncio.gather(one.deliver(clock.now()), other.deliver(clock.now()))
        await one.idle()
        await other.idle()
        while await due(one, clock) + await due(other, clock):
            pass
        assert sorted(app.sent) == [f"app-{n:03}" for n in range(40)]

    asyncio.run(story())


def test_closing_ends_what_hangs_and_its_call_comes_again_later(book, clock):
    async def story():
        app = Scripted("app")
        app.gate.clear()
        post = delivery(book, clock, app)
        write(book, call())
        await post.deliver(clock.now())
        await post.close(grace=timedelta(0))
        assert app.closed
        assert post.under_way == 0
        clock.wind(3600)
        again = Scripted("app")
        await due(delivery(book, clock, again), clock)
        assert len(again.sent) == 1

    asyncio.run(story())


def test_logs_do_not_show_where_people_are_reached(book, clock):
    async def story():
        post = delivery(book, clock, Scripted("app", ChannelDown("away"), ChannelRefused("gone")))
        write(book, *(replace(told, address="13800001234") for told in many("app", 2)))
        with structlog.testing.capture_logs() as lines:
            await due(post, clock)
        assert len(lines) == 2
        assert "13800001234" not in str(lines)
        assert all(line["address"] == "138**34" for line in lines)

    asyncio.run(story())


def test_what_ends_together_is_written_together(book, clock):
    class CountingBook:
        written: ClassVar[list[int]] = []

        def __getattr__(self, name):
            return getattr(book, name)

        def settle_all(self, outcomes):
            self.written.append(len(outcomes))
            return book.settle_all(outcomes)

    async def story():
        post = delivery(CountingBook(), clock, Scripted("app"))
        write(book, *(call(key=f"k{n}", person=f"p{n}") for n in range(8)))
        await due(post, clock)
        assert CountingBook.written == [8]
        assert {each.state for each in book.calls("AB12CD34EF")} == {CallState.SENT}

    asyncio.run(story())


# -- manners: manners.py -----------------------------------------------------------------------------------------------
class Limited(Scripted):
    """A channel that may be used once a minute, and says what came of it when it is asked."""

    limits = (Limit(1, timedelta(minutes=1)),)
    receipt_within = timedelta(minutes=2)
    ask_every = timedelta(seconds=30)

    def __init__(self, name, *answers, told=()):
        super().__init__(name, *answers)
        self.told = list(told)
        self.asked = 0

    def line(self, call):
        return call.address

    async def ask(self, _call):
        self.asked += 1
        answer = self.told.pop(0) if self.told else None
        if isinstance(answer, Exception):
            raise answer
        return answer


def instead_by(name):
    """Whoever could not be reached is called over this channel, once."""
    return lambda failed: (
        None
        if failed.instead_of
        else replace(
            failed,
            key=f"{failed.key}>{name}",
            channel=name,
            state=CallState.QUEUED,
            attempts=0,
            instead_of=failed.channel,
        )
    )


def fault(number):
    return alert(AlertClass.FAULT, id=f"FAULT{number:05}", rule=f"trouble-{number}")


def bundled(pairs):
    return Message(pairs[0][0], pairs[0][1], f"{len(pairs)} calls", "", bundled=len(pairs))


def test_a_channel_that_is_down_is_stood_in_for_at_once_and_whoever_was_told_is_not_told_twice(book, clock):
    async def story():
        app, sms = Scripted("app", ChannelDown("away")), Scripted("sms")
        post = delivery(book, clock, app, sms, manners=Manners(instead=instead_by("sms")))
        write(book, call(alert="FAULT00001", urgent=False), about=fault(1))
        await due(post, clock)
        await due(post, clock)
        clock.wind(3600)
        assert await due(post, clock) == 0
        assert (len(app.sent), len(sms.sent)) == (0, 1)
        assert [told.state for told in book.calls("FAULT00001")] == [CallState.MOOT, CallState.SENT]

    asyncio.run(story())


def test_of_a_fire_both_channels_tell(book, clock):
    async def story():
        app, sms = Scripted("app", ChannelDown("away")), Scripted("sms")
        post = delivery(book, clock, app, sms, manners=Manners(instead=instead_by("sms")))
        write(book, call())
        await due(post, clock)
        await due(post, clock)
        clock.wind(3600)
        await due(post, clock)
        assert (len(app.sent), len(sms.sent)) == (1, 1)

    asyncio.run(story())


def test_a_busy_channel_is_stood_in_for_only_when_it_burns(book, clock):
    async def story():
        app, sms = Scripted("app", ChannelBusy("limit"), ChannelBusy("limit")), Scripted("sms")
        post = delivery(book, clock, app, sms, concurrency=1, manners=Manners(instead=instead_by("sms")))
        write(book, call())
        write(book, call(alert="FAULT00001", key="calm", urgent=False), about=fault(1))
        await due(post, clock)
        await due(post, clock)
        assert len(sms.sent) == 1
        assert [told.channel for told in book.calls("FAULT00001")] == ["app"]

    asyncio.run(story())


class BusyBook(SqlBook):
    """A book that is asked in vain a few times."""

    vain: ClassVar[dict[str, int]] = {}

    def _asked(self, what):
        if self.vain.get(what, 0) > 0:
            self.vain[what] -= 1
            raise BookError("busy")

    def spent(self, *asked):
        self._asked("spent")
        return super().spent(*asked)

    def load(self, *asked):
        self._asked("load")
        return super().load(*asked)

    def lease_like(self, *asked, **options):
        self._asked("lease_like")
        return super().lease_like(*asked, **options)

    def floods(self):
        self._asked("floods")
        return super().floods()


@pytest.fixture
def busy(tmp_path):
    opened = BusyBook(f"sqlite:///{tmp_path}/busy.db")
    yield opened
    opened.close()


def test_a_fire_does_not_wait_for_a_book_that_cannot_say_how_often_the_telephone_rang(busy, clock):
    class Generous(Limited):
        limits = (Limit(9, timedelta(days=1)),)

    async def story():
        voice = Generous("voice")
        post = delivery(busy, clock, voice)
        write(busy, *many("voice", 3))
        busy.vain = {"spent": 1, "floods": 1}
        await due(post, clock)
        assert len(voice.sent) == 3

    asyncio.run(story())


@pytest.mark.parametrize("what", ["spent", "load", "lease_like"])
def test_a_fault_that_the_book_kept_from_going_goes_a_moment_later_and_keeps_nobody_else(busy, clock, what):
    async def story():
        app = Scripted("app")
        post = delivery(busy, clock, app, manners=Manners(bundle=bundled))
        for number in range(3):
            mine = call(
                "app", f"a{number}", key=f"k{number}", alert=fault(number).id, person=f"p{number}", urgent=False
            )
            write(busy, mine, about=fault(number))
        busy.vain = {what: 1}
        await due(post, clock)
        assert app.sent == ["k1", "k2"]
        clock.wind(1)
        await due(post, clock)
        assert app.sent == ["k1", "k2", "k0"]

    asyncio.run(story())


def test_a_fire_over_its_budget_goes_another_way_whenever_the_process_dies(book, clock, tmp_path):
    class Killed(BaseException):
        pass

    class DyingBook(SqlBook):
        def postpone(self, *asked):
            super().postpone(*asked)
            raise Killed

    async def story():
        voice, sms = Limited("voice"), Scripted("sms")
        manners = Manners(instead=instead_by("sms"))
        write(book, *many("voice", 1))
        await due(delivery(book, clock, voice, sms, manners=manners), clock)
        write(book, call("voice", alert="FIRE000002", key="second"), about=alert(id="FIRE000002", rule="heat-fire"))
        dying = DyingBook(f"sqlite:///{tmp_path}/book.db")
        with pytest.raises(Killed):
            await delivery(dying, clock, voice, sms, manners=manners).deliver(clock.now())
        dying.close()
        await due(delivery(book, clock, voice, sms, manners=manners), clock)
        assert sms.sent == ["second>sms"]
        [waits] = [step for step in book.story("FIRE000002") if step.kind is StepKind.WAITS]
        assert waits.detail["next"] == "sms"

    asyncio.run(story())


def test_a_spent_budget_is_waited_for_and_counts_what_is_under_way(book, clock):
    async def story():
        voice = Limited("voice")
        post = delivery(book, clock, voice)
        write(book, *many("voice", 3))
        for minute in range(3):
            await due(post, clock)
            assert len(voice.sent) == minute + 1
            clock.wind(60)
        assert post.status.held == 3

    asyncio.run(story())


@pytest.mark.parametrize(
    ("told", "state", "steps"),
    [
        ([None, Receipt(CallState.DELIVERED)], CallState.DELIVERED, []),
        ([ChannelDown("away"), Receipt(CallState.READ)], CallState.READ, []),
        ([Receipt(CallState.FAILED, reason="switched off")], CallState.FAILED, [StepKind.FAILED]),
        ([None, None, ValueError("bug"), None], CallState.SENT, [StepKind.SILENT]),
    ],
)
def test_what_came_of_a_call_is_asked_until_it_is_known_or_too_late(book, clock, told, state, steps):
    async def story():
        voice, sms = Limited("voice", told=told), Scripted("sms")
        post = delivery(book, clock, voice, sms, manners=Manners(instead=instead_by("sms")))
        write(book, call("voice"))
        for _ in range(20):
            await due(post, clock)
            clock.wind(15)
        assert voice.asked == len(told)
        assert book.calls("AB12CD34EF")[0].state is state
        kinds = [step.kind for step in book.story("AB12CD34EF")]
        assert [kind for kind in kinds if kind is not StepKind.SENT] == steps
        assert len(sms.sent) == len(steps), "who may not have heard it is told another way"

    asyncio.run(story())


def test_a_key_that_was_pressed_is_passed_on(book, clock):
    async def story():
        pressed = []
        voice = Limited("voice", told=[Receipt(CallState.DELIVERED, pressed="1")])
        manners = Manners(on_press=lambda told, key: pressed.append((told.person, key)))
        post = delivery(book, clock, voice, manners=manners)
        write(book, call("voice"))
        await due(post, clock)
        clock.wind(30)
        await due(post, clock)
        assert pressed == [("lin", "1")]

    asyncio.run(story())


def test_a_channel_that_is_gone_will_never_say_what_came_of_a_call(book, clock):
    async def story():
        write(book, call("voice"))
        await due(delivery(book, clock, Limited("voice")), clock)
        clock.wind(30)
        sms = Scripted("sms")
        without = delivery(book, clock, sms, manners=Manners(instead=instead_by("sms")))
        await due(without, clock)
        await due(without, clock)
        assert len(sms.sent) == 1

    asyncio.run(story())


def test_a_thousand_calls_for_one_person_are_two_messages_and_a_fire_is_one_of_its_own(book, clock):
    async def story():
        app = Scripted("app")
        post = delivery(book, clock, app, manners=Manners(bundle=bundled))
        for number in range(100):
            calls = [call(key=f"{number}-{n}", alert=fault(number).id, urgent=False) for n in range(10)]
            write(book, *calls, about=fault(number))
        await due(post, clock)
        write(book, call())
        await due(post, clock)
        clock.wind(301)
        while await due(post, clock):
            clock.wind(301)
        assert len(app.sent) == 3
        assert app.sent[1] == "AB12CD34EF:alert:0:0:lin:app"
        assert all(told.state is CallState.SENT for number in range(100) for told in book.calls(fault(number).id))
        assert post.status.bundled == 1000

    asyncio.run(story())


@pytest.mark.parametrize(
    "purpose", [Purpose.WHISTLE, Purpose.HANDED_ON, Purpose.DISPATCH, Purpose.PLAN, Purpose.TESTED]
)
def test_what_a_person_ordered_goes_at_once_and_alone(book, clock, purpose):
    async def story():
        app = Scripted("app")
        asleep = {"now": False}
        manners = Manners(bundle=bundled, quiet_until=lambda *_: NOW + 9 * HOUR if asleep["now"] else None)
        post = delivery(book, clock, app, manners=manners)
        write(book, call(key="a fault", alert="FAULT00001", urgent=False), about=fault(1))
        await due(post, clock)
        write(book, call(key="another", alert="FAULT00002", urgent=False), about=fault(2))
        write(book, call(key="ordered", alert="FAULT00003", purpose=purpose, urgent=False), about=fault(3))
        await due(post, clock)
        assert app.sent == ["a fault", "ordered"], "it does not wait to be bundled"
        asleep["now"] = True
        clock.wind(60)
        write(book, call(key="at night", alert="FAULT00004", purpose=purpose, urgent=False), about=fault(4))
        await due(post, clock)
        assert app.sent == ["a fault", "ordered", "at night"]
        assert book.calls("FAULT00002")[0].state is CallState.QUEUED

    asyncio.run(story())


def test_what_a_person_ordered_goes_another_way_when_the_budget_is_spent(book, clock):
    async def story():
        voice, sms = Limited("voice"), Scripted("sms")
        post = delivery(book, clock, voice, sms, manners=Manners(instead=instead_by("sms")))
        write(book, call("voice"))
        await due(post, clock)
        sent = call("voice", key="go there", alert="FAULT00001", purpose=Purpose.DISPATCH, urgent=False)
        write(book, sent, about=fault(1))
        await due(post, clock)
        await due(post, clock)
        assert sms.sent == ["go there>sms"]

    asyncio.run(story())


def test_a_late_yes_is_a_yes(book, clock):
    async def story():
        app, sms = Scripted("app"), Scripted("sms")
        app.gate.clear()
        manners = Manners(instead=instead_by("sms"))
        post = delivery(book, clock, app, sms, manners=manners, timeout=timedelta(milliseconds=20))
        write(book, call())
        await due(post, clock)
        await due(post, clock)
        assert [told.state for told in book.calls("AB12CD34EF")] == [CallState.FAILED_FOR_NOW, CallState.SENT]
        app.gate.set()
        await until(lambda: book.calls("AB12CD34EF")[0].state is CallState.SENT)
        clock.wind(3600)
        assert await due(post, clock) == 0
        assert len(app.sent) == 1
        assert post.status.late == 1

    asyncio.run(story())
