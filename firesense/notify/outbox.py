"""The outbox: calls that are due, handed to their channels, and what came of them written back.

Delivery is at least once: a call is taken under a lease, and when the process dies, or the book is away when the
receipt should be written, it is made again; its key tells a receiver that it is the same one.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from firesense.domain.errors import BookError, ChannelDown, ChannelError
from firesense.domain.escalation import CallState, Settled
from firesense.domain.instant import SECOND, micros
from firesense.notify.asking import Asking, DeliveryStatus, warn
from firesense.notify.manners import Hold, Manners, Planner, is_calm
from firesense.notify.outcomes import Outcomes
from firesense.notify.verdict import Verdicts

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence

    from firesense.domain.alert import Alert
    from firesense.domain.escalation import Call
    from firesense.domain.instant import Instant
    from firesense.domain.message import Message, Receipt
    from firesense.ports import Book, Channel, Clock

    Pair = tuple[Call, Alert]

_log = structlog.get_logger(__name__)

_MOST_A_TURN = 500  # calls taken before anybody else has a turn; there may be as many again
_MOST_IN_BUNDLE = 500  # calls
_QUEUE = 3  # calls taken per call that may be under way: enough to keep a channel busy, few enough to keep the lease
_QUICK_QUEUE = (
    32  # the same of a channel so quick that all of them are made within _SOON: taking costs more than making
)
_AGAIN = SECOND  # what could not be started because the book was away is started then
_SOON = timedelta(milliseconds=500)  # a fire that comes behind them waits no longer than that


@dataclass(slots=True)
class _Lane:
    """One channel with what it is doing; ``late`` are sends nobody waits for any more, whose answer still counts."""

    channel: Channel
    turn: asyncio.Semaphore
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    late: set[asyncio.Task[None]] = field(default_factory=set)
    takes: float = math.inf  # microseconds a message, about


class Delivery:
    """Hands calls to channels, each channel in a lane of its own: a slow one holds up nobody else's calls.

    A channel that is down, or that raises what it should not, is tried again with growing waits (or when it asked
    to), and the person is called over the next channel at once. A call to an open fire alert is never given up, only
    made moot by the book when somebody takes the alert; any other is given up once it was tried for ``give_up``. What
    a channel refuses is given up at once, and the story says why. Calls that are not about fires may wait and be told
    in one message: manners.py.
    """

    def __init__(
        self,
        book: Book,
        channels: Mapping[str, Channel],
        compose: Callable[[Call, Alert], Message],
        clock: Clock,
        manners: Manners | None = None,
        *,
        owner: str = "",
        concurrency: int = 8,
        timeout: timedelta = timedelta(seconds=10),
        patience: timedelta = timedelta(seconds=75),
        give_up: timedelta = timedelta(hours=6),
    ) -> None:
        """``owner`` is what its leases are known by after a restart, unlike those of other duties on the same book.

        ``concurrency`` calls may be under way on each channel, each for at most ``timeout``.

        An answer that comes later than that, but within ``patience``, is heard all the same.
        """
        self.owner = owner
        self.status = DeliveryStatus()
        self.kinds: Mapping[str, str] = {name: channel.kind for name, channel in channels.items()}
        self.on_room: Callable[[], None] | None = None  # called when a channel that was full can take calls again
        self._book = book
        self._compose = compose
        self._clock = clock
        self._manners = manners or Manners()
        self._planner = Planner(book, self._manners)
        self._verdicts = Verdicts(channels, self._manners, clock, self.status, give_up)
        self._asking = Asking(book, self._manners, self.status, timeout)
        self._timeout = timeout
        self._patience = patience
        self._concurrency = concurrency
        self._lease = micros(timeout) * (_QUEUE + 1)  # a call that waits for its turn is still ours when it comes
        self._lanes = {name: _Lane(channel, asyncio.Semaphore(concurrency)) for name, channel in channels.items()}
        self._crowded = False
        self._outcomes = Outcomes(book, self.status)

    @property
    def down_since(self) -> Mapping[str, Instant | None]:
        """Since when each channel has put off every call; None while it takes them."""
        return self._verdicts.down_since

    @property
    def under_way(self) -> int:
        """How many messages were taken and have not ended, or what came of them is not written."""
        return sum(len(lane.tasks) for lane in self._lanes.values()) + len(self._outcomes)

    async def deliver(self, now: Instant) -> int:
        """Take what is due and start to send it; counts what was taken. Raises BookError."""
        self._outcomes.write()
        try:
            self._planner.look_at_floods(now)
        except BookError as error:  # no reason for a fire to wait
            _log.warning("nobody knows whether floods are over", reason=str(error))
        taken = 0
        while room := self._room():
            full = [name for name, lane in self._lanes.items() if not self._room_of(lane)]
            leased = self._book.lease_calls(now, now + self._lease, room, owner=self.owner, without=full)
            self._start_all(leased, now)
            taken += len(leased)
            if len(leased) < room or taken >= _MOST_A_TURN:
                break
        self._crowded = not all(self._room_of(lane) for lane in self._lanes.values())
        await asyncio.sleep(0)  # what was started begins before the caller goes on
        return taken

    async def idle(self) -> None:
        """Wait until nothing is under way."""
        while tasks := [task for lane in self._lanes.values() for task in lane.tasks]:
            await asyncio.wait(tasks)
        self._outcomes.flush()

    async def breathe(self, most: timedelta) -> None:
        """Give what is under way a moment to end, so that it is written down together."""
        if tasks := [task for lane in self._lanes.values() for task in lane.tasks]:
            await asyncio.wait(tasks, timeout=most.total_seconds())

    async def close(self, grace: timedelta = timedelta(seconds=5)) -> None:
        """Let what is under way end, for so long, then cancel it (its lease will run out) and close the channels."""
        tasks = [task for lane in self._lanes.values() for task in lane.tasks]
        late = [task for lane in self._lanes.values() for task in lane.late]
        if tasks:
            _, pending = await asyncio.wait(tasks, timeout=grace.total_seconds())
            late += pending
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        self._outcomes.flush()
        for lane in self._lanes.values():
            await lane.channel.close()

    # -- starting ---------------------------------------------------------------------------------------------------
    def _room(self) -> int:
        """How many calls may be taken whatever their channels are; 0 when every channel is full."""
        free = [self._room_of(lane) for lane in self._lanes.values()]
        return min((room for room in free if room > 0), default=0 if free else self._concurrency * _QUEUE)

    def _room_of(self, lane: _Lane) -> int:
        """How many calls a channel can take now: none while it has enough to do: they are taken by the dozen."""
        soon = int(micros(_SOON) // max(lane.takes, 1))
        room = self._concurrency * min(max(soon, _QUEUE), _QUICK_QUEUE) - len(lane.tasks)
        return room if room >= self._concurrency else 0

    def _start_all(self, leased: Iterable[Pair], now: Instant) -> None:
        """Start what may go, fires first and each alone; the rest of a person's calls on a channel go as one."""
        bundles: dict[tuple[str, str, str, str], list[Pair]] = {}
        for call, alert in leased:
            if call.state is not CallState.SENT and is_calm(call, alert) and self._manners.bundle is not None:
                bundles.setdefault((call.channel, call.person, call.address, call.language), []).append((call, alert))
            else:
                self._start_or_release([(call, alert)], now)
        for pairs in bundles.values():
            self._start_or_release(pairs, now)

    def _start_or_release(self, pairs: list[Pair], now: Instant) -> None:
        """Start what goes as one message; a book that does not answer costs it a moment, and nobody else anything."""
        try:
            if pairs[0][0].state is CallState.SENT:
                self._ask(pairs[0][0], now)
            else:
                self._start(pairs, now)
        except BookError as error:
            _log.warning("a call waits for the book", alert=pairs[0][0].alert, calls=len(pairs), reason=str(error))
            self._outcomes.keep(Settled(_released(call, now + _AGAIN), now) for call, _ in pairs)

    def _start(self, pairs: list[Pair], now: Instant) -> None:
        call, _ = pairs[0]
        lane = self._lanes.get(call.channel)
        if lane is None:
            reason = f"there is no channel {call.channel}"
            self._outcomes.keep(
                Settled(self._verdicts.given_up(each, reason), now, self._manners.others(each)) for each, _ in pairs
            )
            return
        hold = self._may_wait(lane.channel, pairs, now)
        if is_calm(*pairs[0]) and self._manners.bundle is not None:
            # All that is due for the same person has the same lot.
            room = _MOST_IN_BUNDLE - len(pairs)
            pairs += self._book.lease_like(call, now, now + self._lease, room, owner=self.owner)
        if hold is not None:
            self._hold(pairs, hold, now)
            return
        over = self._planner.begin(lane.channel, pairs, now)
        self._run(call.channel, self._send(lane, pairs, now + self._lease, over))

    def _may_wait(self, channel: Channel, pairs: Sequence[Pair], now: Instant) -> Hold | None:
        try:
            return self._planner.hold(channel, pairs, now)
        except BookError as error:
            if not pairs[0][0].urgent:
                raise
            warn("a budget is unknown, and it burns", pairs[0][0], str(error))
            return None

    def _ask(self, call: Call, now: Instant) -> None:
        """Ask after a call that was sent; where there is no such channel any more, nobody will ever say."""
        if (lane := self._lanes.get(call.channel)) is None:
            self._book.report(call, now, self._manners.others(call), silent=True)
        else:
            self._run(call.channel, self._asking.ask(lane.channel, call, now))

    def _hold(self, pairs: Sequence[Pair], hold: Hold, now: Instant) -> None:
        calls = [call for call, _ in pairs]
        # What is in a hurry does not wait for a budget: it goes over another channel, once.
        hasty = [call for call, alert in pairs if not is_calm(call, alert) and call.receipt != hold.reason]
        instead = [other for call in hasty for other in self._manners.others(call)]
        self._book.postpone(calls, hold.until, hold.reason, now, instead)
        self.status.held += len(calls)

    def _run(self, channel: str, work: Coroutine[None, None, None]) -> None:
        lane = self._lanes[channel]
        task = asyncio.create_task(work)
        lane.tasks.add(task)
        task.add_done_callback(lambda done: self._ended(lane, done))

    def _ended(self, lane: _Lane, task: asyncio.Task[None]) -> None:
        lane.tasks.discard(task)
        if self._crowded and self.on_room is not None and self._room_of(lane):
            self.on_room()

    # -- one message ------------------------------------------------------------------------------------------------
    async def _send(self, lane: _Lane, pairs: Sequence[Pair], until: Instant, over: Callable[[], None]) -> None:
        try:
            async with lane.turn:
                began_at = self._clock.now()
                if began_at < until:  # or somebody else has it by now
                    self._outcomes.keep(await self._attempt(lane, pairs))
                    took = abs(self._clock.now() - began_at)
                    lane.takes = took if lane.takes == math.inf else (7 * lane.takes + took) / 8
        finally:
            over()

    async def _attempt(self, lane: _Lane, pairs: Sequence[Pair]) -> list[Settled]:
        channel = lane.channel
        now = self._clock.now()
        calls = [replace(call, attempts=call.attempts + 1, tried_at=call.tried_at or now) for call, _ in pairs]
        sending: asyncio.Task[Receipt] | None = None
        late: timedelta | None = None
        try:
            sending = asyncio.create_task(channel.send(self._message(pairs)))
            done, _ = await asyncio.wait({sending}, timeout=self._timeout.total_seconds())
            if done:
                return self._verdicts.taken(channel, calls, sending.result())
            self._listen(lane, calls, sending)
            reason, late = f"no answer within {self._timeout.total_seconds():g} s", self._patience - self._timeout
            failure: Exception = ChannelDown(reason)
        except asyncio.CancelledError:
            if sending is not None:
                sending.cancel()
            raise
        except ChannelError as error:
            failure = error
        except Exception as error:  # noqa: BLE001 - a channel that breaks its promise must not take the others along
            _log.exception("a channel failed in an unexpected way", channel=channel.name, alert=calls[0].alert)
            failure = ChannelDown(f"unexpected {type(error).__name__}")
        return [self._verdicts.failed(call, failure, late) for call in calls]

    def _message(self, pairs: Sequence[Pair]) -> Message:
        if len(pairs) > 1 and self._manners.bundle is not None:
            return self._manners.bundle(pairs)
        return self._compose(*pairs[0])

    def _listen(self, lane: _Lane, calls: Sequence[Call], sending: asyncio.Task[Receipt]) -> None:
        """Wait in the background for an answer that comes too late: a late yes is a yes."""

        async def listen() -> None:
            left = (self._patience - self._timeout).total_seconds()
            try:
                receipt = await asyncio.wait_for(sending, max(left, 0))
            except (ChannelError, TimeoutError):
                return  # it was put off already
            except Exception:  # noqa: BLE001 - as above
                _log.exception("a channel failed in an unexpected way", channel=lane.channel.name)
                return
            self.status.late += len(calls)
            self._outcomes.keep(self._verdicts.taken(lane.channel, calls, receipt))

        task = asyncio.create_task(listen())
        lane.late.add(task)
        task.add_done_callback(lane.late.discard)


def _released(call: Call, at: Instant) -> Call:
    """The same call, as if nobody had taken it; due a little later."""
    return replace(call, ask_at=at) if call.state is CallState.SENT else replace(call, due_at=at)
