"""What an answer, or none, comes to: a call is sent, tried again later, or given up; and who is called instead."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from firesense.domain.errors import ChannelBusy, ChannelDown, ChannelRefused
from firesense.domain.escalation import CallState, Purpose, Settled
from firesense.domain.instant import micros
from firesense.domain.message import printable
from firesense.domain.phone import without_phones
from firesense.notify.asking import MOST_REASON, ask_at, warn
from firesense.notify.manners import line_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from firesense.domain.escalation import Call
    from firesense.domain.instant import Instant
    from firesense.domain.message import Receipt
    from firesense.notify.asking import DeliveryStatus
    from firesense.notify.manners import Manners
    from firesense.ports import Channel, Clock

# Waits after the first, second, ... failure, in seconds; the last one stays. Fire has to be pushed within 15 s
# (GB/T 45839-2025 5.10.4): three more tries fit into that.
_URGENT_WAITS = (2, 5, 10, 20, 30)
_CALM_WAITS = (10, 30, 60, 120, 300)


class Verdicts:
    """Says what came of messages, and since when a channel takes none."""

    def __init__(
        self, channels: Iterable[str], manners: Manners, clock: Clock, status: DeliveryStatus, give_up: timedelta
    ) -> None:
        # None while a channel takes calls.
        self.down_since: dict[str, Instant | None] = dict.fromkeys(channels)
        self._manners = manners
        self._clock = clock
        self._status = status
        self._give_up = give_up

    def taken(self, channel: Channel, calls: Sequence[Call], receipt: Receipt) -> list[Settled]:
        """Say that a channel took the message of these calls."""
        self._status.sent += len(calls)
        if len(calls) > 1:
            self._status.bundled += len(calls)
        self.down_since[channel.name] = None
        now = self._clock.now()
        asked_at = ask_at(channel, now, now) if receipt.state is CallState.SENT else None
        return [
            Settled(
                replace(
                    call,
                    state=receipt.state,
                    receipt=receipt.reference,
                    sent_at=now,
                    ask_at=asked_at,
                    line=line_of(channel, call),
                ),
                now,
                bundled=len(calls),
            )
            for call in calls
        ]

    def failed(self, call: Call, failure: Exception, late: timedelta | None) -> Settled:
        """Say what a channel's failure means for a call; it may still say yes for ``late``."""
        now, reason = self._clock.now(), without_phones(printable(str(failure)))
        if isinstance(failure, ChannelRefused):
            return Settled(self.given_up(call, reason), now, self._manners.others(call))
        # Once is enough: the next channel looks after itself. What only limits its rate will take it soon.
        first = call.attempts == 1 and (call.urgent or not isinstance(failure, ChannelBusy))
        instead = self._manners.others(call) if first else ()
        retry_after = failure.retry_after if isinstance(failure, ChannelDown) else None
        if instead and late is not None:
            retry_after = max(late, retry_after or timedelta())  # until then the late answer may still be a yes
        return Settled(self._put_off(call, reason, retry_after, now), now, instead)

    def _put_off(self, call: Call, reason: str, retry_after: timedelta | None, now: Instant) -> Call:
        waits = _URGENT_WAITS if call.urgent else _CALM_WAITS
        wait = max(timedelta(seconds=waits[min(call.attempts, len(waits)) - 1]), retry_after or timedelta())
        self.down_since[call.channel] = self.down_since.get(call.channel) or now
        since = now if call.tried_at is None else call.tried_at
        if not _must_arrive(call) and now + micros(wait) >= since + micros(self._give_up):
            return self.given_up(call, reason)
        self._status.put_off += 1
        warn("call put off", call, reason, again_in=wait.total_seconds())
        return replace(call, state=CallState.FAILED_FOR_NOW, receipt=reason[:MOST_REASON], due_at=now + micros(wait))

    def given_up(self, call: Call, reason: str) -> Call:
        """Give the call that will not be tried again."""
        self._status.given_up += 1
        warn("call given up", call, reason)
        return replace(call, state=CallState.FAILED, receipt=reason[:MOST_REASON])


def _must_arrive(call: Call) -> bool:
    return call.urgent and call.purpose is Purpose.ALERT
