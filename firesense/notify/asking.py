"""What came of calls that were sent: whoever can be asked is asked, and who never says it fails over.

A provider that says yes and delivers nothing is the worst there is; only what arrives counts as told.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import structlog

from firesense.domain.errors import BookError, ChannelError
from firesense.domain.escalation import CallState
from firesense.domain.instant import micros
from firesense.domain.message import printable
from firesense.domain.phone import without_phones
from firesense.notify.abilities import can
from firesense.notify.masking import masked
from firesense.ports import Asked, Receipted

if TYPE_CHECKING:
    from datetime import timedelta

    from firesense.domain.escalation import Call
    from firesense.domain.instant import Instant
    from firesense.domain.message import Receipt
    from firesense.notify.manners import Manners
    from firesense.ports import Book, Channel

_log = structlog.get_logger(__name__)

MOST_REASON = 200  # characters


@dataclass(slots=True)
class DeliveryStatus:
    """What was done since the start, in calls.

    Taken by their channel, put off, given up; taken after we had stopped waiting; held back; told in a bundle; taken
    by a channel that never said they arrived; made, but what came of them could not be written.
    """

    sent: int = 0
    put_off: int = 0
    given_up: int = 0
    late: int = 0
    held: int = 0
    bundled: int = 0
    silent: int = 0
    unwritten: int = 0


class Asking:
    """Asks channels what came of calls."""

    def __init__(self, book: Book, manners: Manners, status: DeliveryStatus, timeout: timedelta) -> None:
        self._book = book
        self._manners = manners
        self._status = status
        self._timeout = timeout

    async def ask(self, channel: Channel, call: Call, now: Instant) -> None:
        """Ask after a call that was sent; one nothing is said of in time goes over the next channel."""
        receipt: Receipt | None = None
        if can(channel, Asked) and channel.ask_every is not None:
            try:
                async with asyncio.timeout(self._timeout.total_seconds()):
                    receipt = await channel.ask(call)
            except (ChannelError, TimeoutError) as error:
                _log.info(
                    "a channel does not say what came of a call",
                    channel=channel.name,
                    reason=without_phones(printable(str(error))),
                )
            except Exception:  # noqa: BLE001 - as above
                _log.exception("a channel failed in an unexpected way", channel=channel.name, alert=call.alert)
        try:
            self._told_later(channel, call, receipt, now)
        except BookError as error:
            _log.warning("what came of a call waits for the book", alert=call.alert, reason=str(error))

    def _told_later(self, channel: Channel, call: Call, receipt: Receipt | None, now: Instant) -> None:
        if receipt is not None and receipt.state is not CallState.SENT:
            failed = receipt.state is CallState.FAILED
            told = replace(call, state=receipt.state, receipt=receipt.reason if failed else call.receipt)
            self._book.report(told, now, self._manners.others(call) if failed else ())
            if receipt.pressed and self._manners.on_press is not None:
                self._manners.on_press(call, receipt.pressed)
            return
        within = channel.receipt_within if can(channel, Receipted) else None
        if within is None or now >= (call.sent_at or now) + micros(within):
            if self._book.report(call, now, self._manners.others(call), silent=True):
                self._status.silent += 1
                warn("no word that a call arrived", call, "")
            return
        self._book.postpone([call], ask_at(channel, call.sent_at or now, now) or now, "", now)


def ask_at(channel: Channel, sent_at: Instant, now: Instant) -> Instant | None:
    """When to ask next what came of a message; None for a channel that never says."""
    within = channel.receipt_within if can(channel, Receipted) else None
    if within is None:
        return None
    every = channel.ask_every if can(channel, Asked) else None
    latest = sent_at + micros(within)
    return latest if every is None else min(now + micros(every), latest)


def warn(event: str, call: Call, reason: str, **more: object) -> None:
    """Log that something came of a call that should not have; no address is shown."""
    _log.warning(
        event,
        alert=call.alert,
        channel=call.channel,
        person=call.person,
        address=masked(call.address),
        attempts=call.attempts,
        reason=reason[:MOST_REASON],
        **more,
    )
