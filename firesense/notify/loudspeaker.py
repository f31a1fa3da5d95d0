"""Village loudspeakers: a text to be spoken, over MQTT or HTTP.

At night they speak of fires alone. A loudspeaker is told by what it plays, so the same text is not repeated by us: it
repeats it itself, as often as it is told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import quote, urlsplit

import msgspec

from firesense.domain.alert import AlertClass
from firesense.domain.errors import ConfigError, Fault
from firesense.domain.escalation import Purpose
from firesense.domain.limits import Limit
from firesense.domain.message import Receipt
from firesense.notify.exchange import PATIENCE, Exchange
from firesense.notify.mqtt import MqttChannel, MqttOptions
from firesense.notify.room import pattern_faults, spoken_text
from firesense.text import say

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from firesense.domain.escalation import Call
    from firesense.domain.message import Message
    from firesense.ports import Clock

_LOUDEST = 100  # per cent


@dataclass(frozen=True, slots=True)
class LoudspeakerOptions:
    """Loudspeakers behind a broker (``host``, ``topic``) or behind an HTTP address (``url``); one of the two.

    ``{address}`` in topic and url is the loudspeaker. ``volume`` in per cent, ``fire_volume`` for fires; ``repeats``
    how often it says it. ``quiet``: the hours in which it speaks of fires alone. ``text`` is a text of your own.
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


class LoudspeakerChannel:
    """Has a text spoken: SENT once the broker, or the loudspeaker's 2xx, has taken it. Nobody says who heard it."""

    kind: ClassVar[str] = "loudspeaker"
    limits: ClassVar[tuple[Limit, ...]] = (Limit(6, timedelta(minutes=10), 4),)

    def __init__(self, options: LoudspeakerOptions, clock: Clock) -> None:
        """Raises ConfigError unless there is one of host and url, and for values out of their ranges."""
        faults = []
        parts = urlsplit(options.url)
        if bool(options.host) == bool(options.url):
            faults.append(Fault("", "host", "say either host (MQTT) or url (HTTP)"))
        if options.url and (parts.scheme not in {"http", "https"} or not parts.hostname):
            faults.append(Fault("", "url", "is not an http(s) address"))
        faults += [
            Fault("", name, f"is a number of per cent, 1 to {_LOUDEST}")
            for name in ("volume", "fire_volume")
            if not 0 < getattr(options, name) <= _LOUDEST
        ]
        if options.text and (reason := pattern_faults(options.text)):
            faults.append(Fault("", "text", reason))
        if faults:
            raise ConfigError(faults)
        self.name = options.name
        self.quiet = options.quiet
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
        await self._exchange.post(url, self._order(message), headers)
        return Receipt()

    async def close(self) -> None:
        """Release the connections."""
        if self._broker is not None:
            await self._broker.close()
        if self._exchange is not None:
            await self._exchange.close()

    def _order(self, message: Message) -> bytes:
        options = self._options
        fire = message.alert.alert_class is AlertClass.FIRE
        key = "speaker.other"
        if fire:
            key = "speaker.over" if message.call.purpose is Purpose.CLEARED else "speaker.fire"
        language = message.call.language
        pattern = options.text or say(key, language, mark="{mark}", place="{place}", what="{what}")
        return msgspec.json.encode(
            {
                "key": message.call.key,
                "text": spoken_text(message, pattern, options.most),
                "language": language,
                "volume": options.fire_volume if fire else options.volume,
                "repeats": options.repeats,
                "urgent": message.call.urgent,
            }
        )


class _Saying(MqttChannel):
    """Publishes what is to be spoken instead of the whole document."""

    def __init__(self, options: MqttOptions, clock: Clock, order: Callable[[Message], bytes]) -> None:
        super().__init__(options, clock)
        self._order = order

    def payload(self, message: Message) -> bytes:
        """What is to be spoken."""
        return self._order(message)
