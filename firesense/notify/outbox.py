"""The outbox: calls that are due, handed to their channels, and what came of them written back.

Delivery is at least once: a call is taken under a lease, and when the process dies, or the book is away when the
receipt should be written, it is made again; its key tells a receiver that it is the same one.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from firesense.domain.errors import BookError, ChannelDown, ChannelRefused, NotFound
from firesense.domain.escalation import CallState, Purpose
from firesense.domain.instant import micros
from firesense.notify.masking import masked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from firesense.domain.alert import Alert
    from firesense.domain.escalation import Call
    from firesense.domain.instant import Instant
    from firesense.domain.message import Message
    from firesense.ports import Book, Channel, Clock

_log = structlog.get_logger(__name__)

# Waits after the first, second, ... failure, in seconds; the last one stays. Fire has to be pushed within 15 s
# (GB/T 45839-2025 5.10.4): three more tries fit into that.
_URGENT_WAITS = (2, 5, 10, 20, 30)
_CALM_WAITS = (10, 30, 60, 120, 300)
_QUEUE = 3  # calls taken per call that may be under way: enough to keep a channel busy, few enough to keep the lease
_MOST_REASON = 200  # characters


@dataclass(slots=True)
class DeliveryStatus:
    """What was done since the start: calls taken by their channel, put off, and given up."""

    sent: int = 0
    put_off: int = 0
    given_up: int = 0


@dataclass(slots=True)
class _Lane:
    """One channel with what it is doing."""

    channel: Channel
    turn: asyncio.Semaphore
    tasks: set[asyncio.Task[None]] = field(default_factory=set)


class Delivery:
    """Hands calls to channels, each channel in a lane of its own: a slow one holds up nobody else's calls.

    A channel that is down, or that raises what it should not, is tried again with growing waits (or when it asked
    to). A call to an open fire alert is never given up, only made moot by the book when somebody takes the alert; any
    other is given up after ``give_up``. What a channel refuses is given up at once, and the story says why.
    """

    def __init__(
        self,
        book: Book,
        channels: Mapping[str, Channel],
        compose: Callable[[Call, Alert], Message],
        clock: Clock,
        *,
        concurrency: int = 8,
        timeout: timedelta = timedelta(seconds=10),
        give_up: timedelta = timedelta(hours=6),
    ) -> None:
        """``concurrency`` calls may be under way on each channel, each for at most ``timeout``."""
        self.status = DeliveryStatus()
        self.kinds: Mapping[str, str] = {name: channel.kind for name, channel in channels.items()}
        # Since when each channel has put off every call; None while it takes them.
        self.down_since: dict[str, Instant | None] = dict.fromkeys(channels)
        self.on_room: Callable[[], None] | None = None  # called when a channel that was full can take calls again
        self._book = book
        self._compose = compose
        self._clock = clock
        self._timeout = timeout
        self._give_up = give_up
        self._most = concurrency * _QUEUE
        self._lease = micros(timeout) * (_QUEUE + 1)  # a call that waits for its turn is still ours when it comes
        self._lanes = {name: _Lane(channel, asyncio.Semaphore(concurrency)) for name, channel in channels.items()}
        self._crowded = False
        self._unwritten: list[tuple[Call, Instant]] = []

    @property
    def under_way(self) -> int:
        """How many calls were taken and have not ended."""
        return sum(len(lane.tasks) for lane in self._lanes.values())

    async def deliver(self, now: Instant) -> int:
        """Take what is due and start to send it; counts what was taken. Raises BookError."""
        self._write_back()
        taken = 0
        while room := self._room():
            full = [name for name, lane in self._lanes.items() if len(lane.tasks) >= self._most]
            leased = self._book.lease_calls(now, now + self._lease, room, without=full)
            for call, alert in leased:
                self._start(call, alert, now + self._lease)
            taken += len(leased)
            if len(leased) < room:
                break
        self._crowded = any(len(lane.tasks) >= self._most for lane in self._lanes.values())
        await asyncio.sleep(0)  # what was started begins before the caller goes on
        return taken

    async def idle(self) -> None:
        """Wait until nothing is under way."""
        while tasks := [task for lane in self._lanes.values() for task in lane.tasks]:
            await asyncio.wait(tasks)

    async def close(self, grace: timedelta = timedelta(seconds=5)) -> None:
        """Let what is under way end, for so long, then cancel it (its lease will run out) and close the channels."""
        tasks = [task for lane in self._lanes.values() for task in lane.tasks]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=grace.total_seconds())
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for lane in self._lanes.values():
            await lane.channel.close()

    def _room(self) -> int:
        """How many calls may be taken whatever their channels are; 0 when every channel is full."""
        free = [self._most - len(lane.tasks) for lane in self._lanes.values()]
        return min((room for room in free if room > 0), default=0 if free else self._most)

    def _start(self, call: Call, alert: Alert, until: Instant) -> None:
        lane = self._lanes.get(call.channel)
        if lane is None:
            self._settle(self._given_up(call, f"there is no channel {call.channel}"))
            return
        task = asyncio.create_task(self._send(lane, call, alert, until))
        lane.tasks.add(task)
        task.add_done_callback(lambda done: self._ended(lane, done))

    def _ended(self, lane: _Lane, task: asyncio.Task[None]) -> None:
        lane.tasks.discard(task)
        if self._crowded and self.on_room is not None:
            self.on_room()

    async def _send(self, lane: _Lane, call: Call, alert: Alert, until: Instant) -> None:
        async with lane.turn:
            if self._clock.now() < until:  # or somebody else has it by now
                self._settle(await self._attempt(lane.channel, call, alert))

    async def _attempt(self, channel: Channel, call: Call, alert: Alert) -> Call:
        untried, call = call, replace(call, attempts=call.attempts + 1)
        try:
            async with asyncio.timeout(self._timeout.total_seconds()):
                receipt = await channel.send(self._compose(untried, alert))
        except ChannelRefused as error:
            return self._given_up(call, str(error))
        except ChannelDown as error:
            return self._put_off(call, str(error), error.retry_after)
        except TimeoutError:
            return self._put_off(call, f"no answer within {self._timeout.total_seconds():g} s", None)
        except Exception as error:  # noqa: BLE001 - a channel that breaks its promise must not take the others along
            _log.exception("a channel failed in an unexpected way", channel=channel.name, alert=call.alert)
            return self._put_off(call, f"unexpected {type(error).__name__}", None)
        self.status.sent += 1
        self.down_since[channel.name] = None
        return replace(call, state=receipt.state, receipt=receipt.reference, sent_at=self._clock.now())

    def _put_off(self, call: Call, reason: str, retry_after: timedelta | None) -> Call:
        waits = _URGENT_WAITS if call.urgent else _CALM_WAITS
        wait = max(timedelta(seconds=waits[min(call.attempts, len(waits)) - 1]), retry_after or timedelta())
        now = self._clock.now()
        self.down_since[call.channel] = self.down_since.get(call.channel) or now
        if not _must_arrive(call) and now + micros(wait) >= call.created_at + micros(self._give_up):
            return self._given_up(call, reason)
        self.status.put_off += 1
        _warn("call put off", call, reason, again_in=wait.total_seconds())
        return replace(call, state=CallState.FAILED_FOR_NOW, receipt=reason[:_MOST_REASON], due_at=now + micros(wait))

    def _given_up(self, call: Call, reason: str) -> Call:
        self.status.given_up += 1
        _warn("call given up", call, reason)
        return replace(call, state=CallState.FAILED, receipt=reason[:_MOST_REASON])

    def _settle(self, call: Call) -> None:
        self._unwritten.append((call, self._clock.now()))
        try:
            self._write_back()
        except BookError as error:
            _log.warning("a call's outcome waits for the book", alert=call.alert, reason=str(error))

    def _write_back(self) -> None:
        while self._unwritten:
            call, at = self._unwritten[0]
            try:
                self._book.settle(call, at)
            except NotFound:
                _log.error("the book lost a call that was made", alert=call.alert, channel=call.channel)
            self._unwritten.pop(0)


def _must_arrive(call: Call) -> bool:
    return call.urgent and call.purpose is Purpose.ALERT


def _warn(event: str, call: Call, reason: str, **more: object) -> None:
    _log.warning(
        event,
        alert=call.alert,
        channel=call.channel,
        person=call.person,
        address=masked(call.address),
        attempts=call.attempts,
        reason=reason[:_MOST_REASON],
        **more,
    )
