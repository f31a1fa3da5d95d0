"""How people are told things: the settings and the plan as the delivery's manners."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from firesense import escalate
from firesense.answering import Answering
from firesense.domain.quiet_hours import quiet_until
from firesense.notify.links import Links
from firesense.notify.manners import FloodLimits, Manners
from firesense.notify.message import compose, compose_bundle
from firesense.web import callbacks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fastapi import APIRouter

    from firesense.answering import Taking
    from firesense.desk import Desk
    from firesense.domain.alert import Alert
    from firesense.domain.escalation import Call
    from firesense.domain.instant import Instant
    from firesense.domain.message import Message
    from firesense.domain.plan import Plan
    from firesense.ports import Book, Channel, Clock
    from firesense.settings import Settings


_SECRET_BYTES = 32


def make_links(settings: Settings) -> Links:
    """Make the links of a house. Their secret is made at the first start and kept in the data folder."""
    file = settings.data / "links.secret"
    if not file.exists():
        # Several processes may start at once: the first one's is linked into its place whole, or not at all.
        with NamedTemporaryFile("w", dir=settings.data, prefix=".links-") as new:
            new.write(secrets.token_hex(_SECRET_BYTES))
            new.flush()
            with suppress(FileExistsError):
                os.link(new.name, file)
    return Links(file.read_text().strip().encode(), settings.web.url, settings.telling.links)


def make_answering(
    settings: Settings,
    plan_source: Callable[[], Plan],
    book: Book,
    desk: Desk,
    channels: Mapping[str, Channel],
    clock: Clock,
    links: Links,
) -> Answering:
    """Make what takes callbacks and links."""
    manners = make_manners(settings, plan_source, book, channels, clock)
    return Answering(book, desk, clock, channels, links, lambda: plan_source().org, manners.instead)


def make_callbacks(answering: Answering, settings: Settings, plan_source: Callable[[], Plan]) -> APIRouter:
    """Make the routes of callbacks and links."""
    zone = ZoneInfo(settings.zone)

    def words(taking: Taking) -> Message:
        assert taking.call is not None  # noqa: S101 - asked only for links that lead somewhere
        assert taking.alert is not None  # noqa: S101 - the same
        return compose(taking.call, taking.alert, plan_source(), zone=zone)

    return callbacks(answering, plan_source, words)


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
