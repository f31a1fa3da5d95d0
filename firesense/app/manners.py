"""How people are told things: the settings and the plan as the delivery's manners."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from firesense import escalate
from firesense.domain.quiet_hours import quiet_until
from firesense.notify.manners import FloodLimits, Manners
from firesense.notify.message import compose_bundle

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from firesense.domain.alert import Alert
    from firesense.domain.escalation import Call
    from firesense.domain.instant import Instant
    from firesense.domain.message import Message
    from firesense.domain.plan import Plan
    from firesense.ports import Book, Channel, Clock
    from firesense.settings import Settings


def make_manners(
    settings: Settings,
    plan_source: Callable[[], Plan],
    book: Book,
    channels: Mapping[str, Channel],
    clock: Clock,
    on_press: Callable[[Call, str], None] | None = None,
) -> Manners:
    """Make the manners of a house; ``on_press`` is told which key somebody pressed on the telephone."""
    zone = ZoneInfo(settings.zone)
    telling = settings.telling
    url = settings.web.url.rstrip("/")
    kinds = {name: channel.kind for name, channel in channels.items()}

    def bundle(pairs: Sequence[tuple[Call, Alert]]) -> Message:
        return compose_bundle(pairs, plan_source(), console_url=url, zone=zone)

    def instead(call: Call) -> Call | None:
        earlier = book.calls(call.alert)
        return escalate.next_channel(call, plan_source().org, kinds, clock.now(), earlier)

    def until(call: Call, now: Instant) -> Instant | None:
        person = plan_source().org.people.get(call.person)
        spans = (
            person.quiet if person is not None else "",
            telling.quiet.get(call.role, ""),
            getattr(channels.get(call.channel), "quiet", ""),
        )
        return max((end for span in spans if (end := quiet_until(span, now, zone)) is not None), default=None)

    flood = telling.flood
    return Manners(
        bundle,
        instead,
        until,
        on_press,
        telling.apart,
        FloodLimits(flood.more_than, flood.within, flood.until, flood.every),
    )
