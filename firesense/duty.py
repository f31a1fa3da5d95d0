"""The duty street: the clock of the house. Climbs and hazards that are due move, calls that are due are made.

Waiting work is a row of the book with a due time, never a sleeping task, so it survives everything the book does.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import structlog

from firesense import escalate, hazards
from firesense.auditor import Auditor
from firesense.domain.errors import BookError, BookRefused, Conflict, NotFound
from firesense.domain.escalation import Move
from firesense.domain.instant import DAY, SECOND, micros
from firesense.rolltaking import RollTaking
from firesense.windows import Hush

if TYPE_CHECKING:
    from collections.abc import Callable

    from firesense.domain.instant import Instant
    from firesense.domain.plan import Plan
    from firesense.domain.quiet import Quiet
    from firesense.notify.outbox import Delivery
    from firesense.ports import Book, Clock

_log = structlog.get_logger(__name__)

_LONGEST_NAP = timedelta(milliseconds=500)  # other processes write the book, too, and cannot poke us
_SHORTEST_NAP = timedelta(milliseconds=20)  # what is due and cannot be done now must not be asked for in a spin
_AFTER_FAILURE = timedelta(seconds=1)
_LATEST_CALL = timedelta(
    minutes=15
)  # no channel asks for longer, nor do we wait longer; a clock that was put back does
_BREATH = timedelta(milliseconds=20)  # for calls to end by the dozen: writing down each by itself costs more
_CHUNK = timedelta(milliseconds=100)  # climbs move for so long, then calls are made
_LEAST = 20  # climbs, however slow the book is
_EVER = 36_500 * DAY
_FAR = 2 * DAY  # few ladders wait for so long
_FAR_EVERY = 60 * SECOND
_EVERY_HAZARD = 1_000_000


class Duty:
    """Acts on what is due. Several may run on one book: a climb moves once, a call is leased to one of them."""

    def __init__(
        self, book: Book, plan_source: Callable[[], Plan], delivery: Delivery, clock: Clock, *, most: int = 500
    ) -> None:
        """At most ``most`` climbs move before calls are made again, fewer when that takes longer than a moment.

        A hundred thousand climbs must not hold up the first call of a fire.
        """
        self._book = book
        self._plan_source = plan_source
        self._delivery = delivery
        self._clock = clock
        self._most = most
        self._roll = RollTaking(book, plan_source, delivery.kinds)
        self._chunk = min(most, _LEAST)
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._broken = False
        self._seen_at: Instant | None = None
        self._dated_at: Instant = 0
        self._hush = Hush(book, plan_source, delivery.kinds)
        self._stuck: dict[tuple[str, str], int] = {}  # climbs that could not be moved in this minute, at which version
        self.auditor = Auditor(book, plan_source, delivery.kinds)
        self.turns = 0  # grows while the street moves, even when there is nothing to do

    async def step(self, now: Instant) -> int:
        """Move the climbs and hazards that are due and start the calls that are; counts them all. Raises BookError.

        First, at the start and whenever the clock was put back: the leases of the one before us end, not those of other
        duties, and no climb or call waits for a time that nobody meant.
        """
        if self._seen_at is None or now < self._seen_at - SECOND:
            self._date_anew(now)
            self._dated_at = now
        elif abs(now - self._dated_at) >= _FAR_EVERY:
            # Somebody else's clock was ahead, or ours was while we did not look.
            self._date_climbs(now, now + _FAR)
            self._dated_at = now
            self._stuck.clear()
        self._seen_at = now
        moved = self._hush.keep(now) + self._roll.step(now) + self._move_climbs(now) + self._move_hazards(now)
        moved += self.auditor.look(now) if not moved else 0  # whatever is due is moved first
        return moved + await self._delivery.deliver(now)

    async def run(self, stop: asyncio.Event) -> None:
        """Act on what is due until told to stop; calls under way are left to the delivery, which is closed apart.

        A book that is away is tried again; nothing is lost meanwhile, everything is only later.
        """
        self._loop = asyncio.get_running_loop()
        self._delivery.on_room = self._wake.set
        stopping = asyncio.create_task(self._wake_when(stop))
        try:
            while not stop.is_set():
                self._wake.clear()
                self.turns += 1
                nap = await self._turn()
                if nap:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._wake.wait(), nap.total_seconds())
        finally:
            self._loop = None
            stopping.cancel()

    def poke(self) -> None:
        """Say, from any thread, that something may be due now."""
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop closed a moment ago: nobody needs waking
                loop.call_soon_threadsafe(self._wake.set)

    async def _turn(self) -> timedelta | None:
        """Do what is due, and say how long there is nothing to do; None when there may be more."""
        try:
            acted = await self.step(self._clock.now())
            due_at = None if acted else self._book.next_due_at()
        except BookError as error:
            if not self._broken:
                _log.error("duty cannot use the book", reason=str(error))
            self._broken = True
            return _AFTER_FAILURE
        if self._broken:
            _log.info("duty can use the book again")
            self._broken = False
        if acted:
            await self._delivery.breathe(_BREATH)
            return None
        if due_at is None:
            return _LONGEST_NAP
        return min(max(timedelta(microseconds=due_at - self._clock.now()), _SHORTEST_NAP), _LONGEST_NAP)

    def _date_anew(self, now: Instant) -> None:
        released = self._book.release_calls(now, now + micros(_LATEST_CALL), owner=self._delivery.owner)
        redated = self._date_climbs(now, now)
        hazards_dated, windows = self._date_hazards(now), self._hush.date_anew(now)
        if released or redated or hazards_dated or windows:
            _log.info("duty dated anew", calls=released, climbs=redated, hazards=hazards_dated, windows=windows)

    def _date_climbs(self, now: Instant, beyond: Instant) -> int:
        """Let no climb that is due after ``beyond`` wait longer than its ladder says; counts those that did."""
        moves: list[Move] = []
        for climb in self._book.climbs_after(beyond):
            try:
                if (after := escalate.redated(climb, now)) is not None:
                    moves.append(Move(climb, after))
            except Exception:  # noqa: BLE001 - one damaged climb must not keep the house from starting
                _log.exception("a climb could not be dated anew", alert=climb.alert)
        return self._book.advance_all(moves) if moves else 0

    def _date_hazards(self, now: Instant) -> int:
        plan = self._plan_source()
        around = hazards.Around(plan.hazards, plan.org, self._delivery.kinds, now)
        dated = 0
        for alert, hazard in self._book.due_hazards(_EVER, _EVERY_HAZARD):
            try:
                if hazards.redated(around, hazard) is not None:
                    self._book.deal_with_hazard(alert.id, partial(hazards.date_anew, around))
                    dated += 1
            except Exception:  # noqa: BLE001 - one damaged hazard must not keep the house from starting
                _log.exception("a hazard could not be dated anew", alert=alert.id)
        return dated

    def _move_climbs(self, now: Instant) -> int:
        """Do the climbs that are due, fire first; not many at once, nor for long: calls are waiting to be made.

        Counts those that another process has moved meanwhile, too: there may be more, and none is overdue by mistake.
        One that cannot be moved stays due, is told of once a minute and holds up no other, however many they are.
        """
        found = self._book.due_climbs(now, self._chunk + len(self._stuck))
        due = [
            (alert, climb) for alert, climb in found if self._stuck.get((climb.alert, climb.strand)) != climb.version
        ]
        if not due:
            return 0
        began_at = self._clock.now()
        org = self._plan_source().org
        self._hush.look(now)
        earlier = self._book.earlier_calls([climb for _, climb in due])
        moves: list[Move] = []
        held: list[tuple[str, Quiet]] = []
        for alert, climb in due:
            try:
                if (window := self._hush.over(alert, climb, now)) is not None:
                    held.append((alert.id, window))
                    continue
                if climb.astray:  # a damaged row: the auditor puts it right, and tells of it
                    self._stuck[climb.alert, climb.strand] = climb.version
                    self.auditor.hurry()
                    continue
                calls = earlier.get((climb.alert, climb.strand), ())
                acted = escalate.act(alert, climb, org, self._delivery.kinds, now, calls)
                moves.append(Move(climb, acted.climb, acted.calls, acted.steps))
            except Exception:  # noqa: BLE001 - one climb that cannot be moved must not hold up the others
                self._stuck[climb.alert, climb.strand] = climb.version
                _log.exception("a climb could not be moved", alert=alert.id)
        if held:
            self._book.hold(held, now)
        self._book.advance_all(moves)
        took = max(self._clock.now() - began_at, 1)
        self._chunk = min(max(self._chunk * micros(_CHUNK) // took, _LEAST), self._most)
        return len(moves) + len(held)

    def _move_hazards(self, now: Instant) -> int:
        due = self._book.due_hazards(now, self._most)
        if not due:
            return 0
        plan = self._plan_source()
        around = hazards.Around(plan.hazards, plan.org, self._delivery.kinds, now)
        moved = 0
        for alert, _ in due:
            try:
                self._book.deal_with_hazard(alert.id, partial(hazards.due, around))
                moved += 1
            except BookError as error:
                if not isinstance(error, (BookRefused, Conflict, NotFound)):
                    raise  # the book is away
                _log.error("a hazard could not be moved", alert=alert.id, reason=str(error))
            except Exception:  # noqa: BLE001 - one hazard that cannot be moved must not hold up the others
                _log.exception("a hazard could not be moved", alert=alert.id)
        return moved

    async def _wake_when(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._wake.set()
