"""Village loudspeakers: a text to be spoken, over MQTT or HTTP.

At night they speak of fires alone. A loudspeaker is told by what it plays, so the same text is not repeated by us: it
repeats it itself, as often as it is told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import quote

import msgspec

from firesense.domain.alert import AlertClass
from firesense.domain.errors import ConfigError, Fault
from firesense.domain.escalation import Purpose
from firesense.domain.limits import Limit
from firesense.domain.message import Receipt
from firesense.notify.exchange import PATIENCE, Exchange
from firesense.notify.mqtt import MqttChannel, MqttOptions
from firesense.notify.mqtt_answers import kept, new_reference, understood
from firesense.notify.provider import options_faults, secret_path
from firesense.notify.room import pattern_faults, spoken_text
from firesense.text import say

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from firesense.domain.callback import Callback, Heard
    from firesense.domain.escalation import Call
    from firesense.domain.instant import Instant
    from firesense.domain.message import Message
    from firesense.ports import Clock

_LOUDEST = 100  # per cent


@dataclass(frozen=True, slots=True)
class LoudspeakerOptions:
    """Loudspeakers behind a broker (``host``, ``topic``) or behind an HTTP address (``url``); one of the two.

    ``{address}`` in topic and url is the loudspeaker. ``volume`` in per cent, ``fire_volume`` for fires; ``repeats``
    how often it says it. ``quiet``: the hours in which it speaks of fires alone. ``text`` is a text of your own.
    ``answers`` is a topic filter on which loudspeakers say that they have spoken; behind a ``url`` they say so by a
    callback, with ``callback_secret`` in its path. ``receipt_within`` is how long to wait for that.
    """

    name: str
    host: str = ""
    port: int = 1883
    topic: str = "loudspeaker/{address}/say"
    username: str = ""
    password: str = field(default="", repr=False)
    client_id: str = ""
    tls: ssl.SSLContext | None = None
    url: str = ""
    token: str = field(default="", repr=False)
    volume: int = 60
    fire_volume: int = 100
    repeats: int = 3
    quiet: str = "21:00-07:00"
    text: str = ""
    most: int = 120
    timeout: timedelta = PATIENCE
    ca_file: str = ""
    answers: str = ""
    callback_secret: str = field(default="", repr=False)
    receipt_within: timedelta | None = None


class LoudspeakerChannel:
    """Has a text spoken: SENT once the broker, or the loudspeaker's 2xx, has taken it.

    DELIVERED once it says that it has spoken, over MQTT or by a callback. Nobody says who heard it.
    """

    kind: ClassVar[str] = "loudspeaker"
    limits: ClassVar[tuple[Limit, ...]] = (Limit(6, timedelta(minutes=10), 4),)

    def __init__(self, options: LoudspeakerOptions, clock: Clock) -> None:
        """Raises ConfigError unless there is one of host and url, and for values out of their ranges."""
        faults = options_faults(options, ())
        if bool(options.host) == bool(options.url):
            faults.append(Fault("", "host", "say either host (MQTT) or url (HTTP)"))
        faults += [
            Fault("", name, f"is a number of per cent, 1 to {_LOUDEST}")
            for name in ("volume", "fire_volume")
            if not 0 < getattr(options, name) <= _LOUDEST
        ]
        if options.answers and not options.host:
            faults.append(Fault("", "answers", "is a topic, and needs a host: by HTTP it is told by callback"))
        if options.receipt_within is not None and options.host and not options.answers:
            faults.append(Fault("", "answers", "is needed with receipt_within"))
        if options.receipt_within is not None and options.url and not options.callback_secret:
            faults.append(Fault("", "callback_secret", "is needed with receipt_within"))
        if options.text and (reason := pattern_faults(options.text)):
            faults.append(Fault("", "text", reason))
        if faults:
            raise ConfigError(faults)
        self.name = options.name
        self.quiet = options.quiet
        self.receipt_within = options.receipt_within
        self._options = options
        self._exchange = Exchange(clock, options.timeout, options.ca_file) if options.url else None
        self._broker: _Saying | None = None
        if options.host:
            wanted = MqttOptions(
                options.name,
                options.host,
                options.port,
                options.topic,
                options.username,
                options.password,
                options.client_id,
                options.tls,
                answers=options.answers,
                timeout=min(options.timeout, timedelta(seconds=8)),
            )
            self._broker = _Saying(wanted, clock, self._order)

    def line(self, call: Call) -> str:
        """Each loudspeaker has a budget: who lives under one must not be worn down."""
        return call.address

    async def send(self, message: Message) -> Receipt:
        """Have it said."""
        if self._broker is not None:
            return await self._broker.send(message)
        assert self._exchange is not None  # noqa: S101 - the constructor made one of the two
        token = self._options.token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = self._options.url.replace("{address}", quote(message.call.address, safe=""))
        reference = new_reference()
        await self._exchange.post(url, self._order(message, reference), headers)
        return Receipt(reference=kept(reference))

    def hear(self, callback: Callback, now: Instant) -> Heard:  # noqa: ARG002 - a reference is known for as long as its call
        """Understand what became of a text, by the reference that came with it. Raises Unreadable, and Forged."""
        if self._broker is not None:
            self._broker.prove(callback)
        else:
            secret_path(callback, self._options.callback_secret)
        return understood(callback, may_take=False)

    async def listen(self, hear: Callable[[Callback], object]) -> None:
        """Hear over MQTT what became of texts, until cancelled; returns at once where that is not wanted."""
        if self._broker is not None:
            await self._broker.listen(hear)

    async def close(self) -> None:
        """Release the connections."""
        if self._broker is not None:
            await self._broker.close()
        if self._exchange is not None:
            await self._exchange.close()

    def _order(self, message: Message, reference: str) -> bytes:
        options = self._options
        fire = message.alert.alert_class is AlertClass.FIRE
        key = "speaker.other"
        if fire:
            key = "speaker.over" if message.call.purpose is Purpose.CLEARED else "speaker.fire"
        language = message.call.language
        pattern = options.text or say(key, language, mark="{mark}", place="{place}", what="{what}")
        order = {
            "key": message.call.key,
            "text": spoken_text(message, pattern, options.most),
            "language": language,
            "volume": options.fire_volume if fire else options.volume,
            "repeats": options.repeats,
            "urgent": message.call.urgent,
        }
        return msgspec.json.encode(order | {"reference": reference} if reference else order)


class _Saying(MqttChannel):
    """Publishes what is to be spoken instead of the whole document."""

    def __init__(self, options: MqttOptions, clock: Clock, order: Callable[[Message, str], bytes]) -> None:
        super().__init__(options, clock)
        self._order = order

    def payload(self, message: Message, reference: str) -> bytes:
        """What is to be spoken."""
        return self._order(message, reference)
