"""When to tell whom how much: quiet hours, budgets, bundles and floods. None of it ever holds up a fire.

Only a budget holds up what a person ordered, and roll calls; they go over another channel then, as fires do.

A call that has to wait is put back into the book with a later due time, never kept in memory.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from firesense.domain.alert import AlertClass
from firesense.domain.escalation import ORDERED
from firesense.domain.instant import micros
from firesense.domain.limits import free_at
from firesense.domain.rollcall import ROLL_CALL
from firesense.notify.abilities import can
from firesense.ports import Metered

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from firesense.domain.alert import Alert
    from firesense.domain.escalation import Call
    from firesense.domain.instant import Instant
    from firesense.domain.limits import Limit
    from firesense.domain.message import Message
    from firesense.ports import Book, Channel

    Pair = tuple[Call, Alert]

_FLOODS_EVERY = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class FloodLimits:
    """A flood begins with more than ``more_than`` alerts for one person within ``within``; it ends below ``until``.

    More than 10 in 10 minutes, and over below 5: EEMUA 191. In a flood a person gets at most one message ``every`` so
    often on each channel, but for fires.
    """

    more_than: int = 10
    within: timedelta = timedelta(minutes=10)
    until: int = 5
    every: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Manners:
    """What the house knows of people, for the delivery.

    ``bundle`` puts several calls for one person into one message; without it each is told alone. Messages for one
    line that are not urgent keep ``apart`` at least: those in between become one. ``instead`` finds the same person's
    next channel when one failed. ``quiet_until`` says when the quiet hours a call falls into end. ``on_press`` is told
    which key a person pressed on the telephone.
    """

    bundle: Callable[[Sequence[Pair]], Message] | None = None
    instead: Callable[[Call], Call | None] | None = None
    quiet_until: Callable[[Call, Instant], Instant | None] | None = None
    on_press: Callable[[Call, str], None] | None = None
    apart: timedelta = timedelta(seconds=30)
    flood: FloodLimits = field(default_factory=FloodLimits)

    def others(self, call: Call) -> tuple[Call, ...]:
        """The same person's next channel, if there is one."""
        other = self.instead(call) if self.instead is not None else None
        return () if other is None else (other,)


@dataclass(frozen=True, slots=True)
class Hold:
    """Until when a message waits, and why: quiet, budget, bundle, flood."""

    until: Instant
    reason: str


def is_calm(call: Call, alert: Alert) -> bool:
    """Whether a call may wait and be told with others.

    Not when it is about a fire, over or not, nor when a person ordered it, nor a roll call, which has to be answered
    at once and has hours of its own.
    """
    return not (_burns(call, alert) or call.purpose in ORDERED or alert.rule == ROLL_CALL)


def _burns(call: Call, alert: Alert) -> bool:
    return call.urgent or alert.alert_class is AlertClass.FIRE


def line_of(channel: Channel, call: Call) -> str:
    """Whose budget a call spends: what the channel says, else the address."""
    return channel.line(call) if can(channel, Metered) else call.address


class Planner:
    """Decides whether a message may go now. What was sent is asked of the book, so it survives a restart."""

    def __init__(self, book: Book, manners: Manners) -> None:
        self._book = book
        self._manners = manners
        self._out: dict[tuple[str, str], list[tuple[Instant, bool]]] = defaultdict(list)  # under way, not written yet
        self._flooded: Mapping[str, Instant] = {}
        self._looked_at: Instant | None = None

    def hold(self, channel: Channel, pairs: Sequence[Pair], now: Instant) -> Hold | None:
        """Say why these calls, for one person on one channel, have to wait; None when they may go. Raises BookError."""
        call, alert = pairs[0]
        calm = is_calm(call, alert)
        manners = self._manners
        if calm and manners.quiet_until is not None and (until := manners.quiet_until(call, now)) is not None:
            return Hold(until, "quiet")
        limits: Sequence[Limit] = channel.limits if can(channel, Metered) else ()
        apart = self._apart(call, alert, now) if calm and manners.bundle is not None else None
        if not limits and apart is None:
            return None
        longest = max([*(limit.per for limit in limits), *((apart[0],) if apart else ())])
        line = line_of(channel, call)
        spent = self._book.spent(channel.name, line, now - micros(longest))
        spent = sorted([*spent, *self._out.get((channel.name, line), ())])
        free = free_at(limits, [at for at, _ in spent], now, urgent=_burns(call, alert))
        if free is not None:
            return Hold(free, "budget")
        if apart is not None:
            length, reason = apart
            last = max((at for at, urgent in spent if not urgent and at <= now), default=None)
            if last is not None and now < last + micros(length):
                return Hold(last + micros(length), reason)
        return None

    def begin(self, channel: Channel, pairs: Sequence[Pair], now: Instant) -> Callable[[], None]:
        """Note that a message is under way; gives what has to be called once the book knows of it."""
        call, _ = pairs[0]
        key, mark = (channel.name, line_of(channel, call)), (now, call.urgent)
        self._out[key].append(mark)

        def over() -> None:
            self._out[key].remove(mark)
            if not self._out[key]:
                del self._out[key]

        if len(pairs) > 1 and call.person in self._flooded:
            self._book.bundle_in_flood(call.person, len(pairs))
        return over

    def look_at_floods(self, now: Instant) -> None:
        """See now and then whether floods are over. Raises BookError."""
        every = micros(_FLOODS_EVERY)
        if self._looked_at is not None and self._looked_at <= now < self._looked_at + every:
            return
        self._looked_at = now
        self._flooded = {flood.person: flood.begun_at for flood in self._book.floods()}
        limits = self._manners.flood
        for person in list(self._flooded):
            if self._book.load(person, now - micros(limits.within), now) < limits.until:
                self._book.end_flood(person, now)
        self._flooded = {flood.person: flood.begun_at for flood in self._book.floods()}

    def _apart(self, call: Call, alert: Alert, now: Instant) -> tuple[timedelta, str]:
        """How far apart messages for this person are kept, and why."""
        limits = self._manners.flood
        if call.person not in self._flooded:
            if self._book.load(call.person, now - micros(limits.within), now) <= limits.more_than:
                return self._manners.apart, "bundle"
            self._book.begin_flood(call.person, alert.id, now)
            self._flooded = {flood.person: flood.begun_at for flood in self._book.floods()}
        return limits.every, "flood"
