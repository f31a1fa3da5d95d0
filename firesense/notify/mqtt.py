"""Calls as MQTT messages: to tablets, loudspeakers, sirens, and whatever else subscribes."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import aiomqtt

from firesense.domain.errors import ChannelDown, ChannelRefused, ConfigError, Fault, Forged
from firesense.domain.message import Receipt
from firesense.notify.document import document
from firesense.notify.mqtt_answers import kept, listen, new_reference, understood

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from firesense.domain.callback import Callback, Heard
    from firesense.domain.instant import Instant
    from firesense.domain.message import Message
    from firesense.ports import Clock

_NO_SUBSCRIBERS = 0x10  # MQTT 5.0 3.4.2.1: taken, and nobody is there to get it
_REFUSED_FOR_GOOD = frozenset({0x87, 0x90, 0x99})  # not authorised, topic name invalid, payload format invalid
_PROTOCOLS = {"5": aiomqtt.ProtocolVersion.V5, "3.1.1": aiomqtt.ProtocolVersion.V311}
_NOT_A_LEVEL = frozenset("+#/\0")


@dataclass(frozen=True, slots=True)
class MqttOptions:
    """A broker, and the topic where ``{address}`` (one level), ``{place}`` and ``{class}`` are filled in.

    With protocol 5 the broker says when it refuses a message or nobody subscribes to it; with 3.1.1 it cannot.
    ``require_subscriber`` makes a call that nobody subscribes to fail for now (protocol 5 only). ``answers`` is a topic
    filter to hear answers on; without it none are heard. ``receipt_within`` is how long one that says it arrived is
    waited for.
    """

    name: str
    host: str
    port: int = 1883
    topic: str = "firesense/calls/{address}"
    username: str = ""
    password: str = field(default="", repr=False)
    client_id: str = ""
    tls: ssl.SSLContext | None = None
    protocol: str = "5"
    require_subscriber: bool = False
    answers: str = ""
    timeout: timedelta = timedelta(seconds=8)
    receipt_within: timedelta | None = None


class MqttChannel:
    """Keeps one connection and publishes at QoS 1, one call after the other: SENT once the broker acknowledged."""

    kind: ClassVar[str] = "mqtt"

    def __init__(self, options: MqttOptions, clock: Clock) -> None:  # noqa: ARG002 - made like every other channel
        """Raises ConfigError for an unknown protocol, a topic that cannot be filled in, or receipts nobody hears."""
        faults = []
        if options.protocol not in _PROTOCOLS:
            faults.append(Fault("", "protocol", f'is "{options.protocol}", not one of {", ".join(_PROTOCOLS)}'))
        try:
            topic = options.topic.format_map({"address": "a", "place": "p", "class": "c"})
        except (KeyError, ValueError, IndexError, AttributeError):
            topic = "#"
        if not topic or "+" in topic or "#" in topic:
            faults.append(Fault("", "topic", "may hold {address}, {place} and {class}, and no wildcard"))
        if options.receipt_within is not None and not options.answers:
            faults.append(Fault("", "answers", "is needed with receipt_within"))
        if faults:
            raise ConfigError(faults)
        self.name = options.name
        self.receipt_within = options.receipt_within
        self._options = options
        self._turn = asyncio.Lock()
        self._client: _Publisher | None = None
        self._opening: asyncio.Task[_Publisher] | None = None
        self._leaving: set[asyncio.Task[None]] = set()

    async def send(self, message: Message) -> Receipt:
        """Publish it and wait for the broker's acknowledgement."""
        topic = self._topic(message)
        reference = new_reference() if self._options.answers else ""
        payload = self.payload(message, reference)
        async with self._turn:
            try:
                reason = await self._publish(topic, payload)
            except aiomqtt.MqttError as error:
                raise ChannelDown(f"the broker did not take it: {error}") from error
        if reason in _REFUSED_FOR_GOOD:
            raise ChannelRefused(f"the broker refused it (reason {reason:#04x})")
        if reason == _NO_SUBSCRIBERS and self._options.require_subscriber:
            raise ChannelDown("nobody subscribes to it")
        if reason >= 0x80:  # noqa: PLR2004 - MQTT 5.0 2.4: every reason from here on is a failure
            raise ChannelDown(f"the broker did not take it (reason {reason:#04x})")
        if reason == _NO_SUBSCRIBERS:
            return Receipt(reference="no subscriber")  # nobody was sent the reference, so nobody can report by it
        return Receipt(reference=kept(reference) if reference else "")

    def hear(self, callback: Callback, now: Instant) -> Heard:  # noqa: ARG002 - what is in it has a time of its own
        """Understand an answer. Raises Unreadable, and Forged for one that did not come over the broker."""
        self.prove(callback)
        return understood(callback)

    def prove(self, callback: Callback) -> None:
        """Look whether it came over the broker, where answers are wanted. Raises Forged."""
        if not self._options.answers:
            raise Forged("this channel hears no answers")
        if not callback.by_broker:
            raise Forged("this channel hears answers over its broker alone")

    async def listen(self, hear: Callable[[Callback], object]) -> None:
        """Hear answers until cancelled; returns at once when none are wanted."""
        if self._options.answers:
            await listen(self.name, self._options, _PROTOCOLS[self._options.protocol], hear)

    def payload(self, message: Message, reference: str) -> bytes:
        """What is published; with a reference where answers are heard."""
        return document(message, reference)

    async def close(self) -> None:
        """Disconnect."""
        async with self._turn:
            if self._opening is not None:
                with contextlib.suppress(aiomqtt.MqttError):
                    self._client = await self._opening
                self._opening = None
            self._forget()
            await asyncio.gather(*self._leaving)

    def _topic(self, message: Message) -> str:
        call = message.call
        if not call.address or _NOT_A_LEVEL & set(call.address):
            raise ChannelRefused("the address is not one level of a topic")
        return self._options.topic.format_map(
            {"address": call.address, "place": message.alert.place, "class": message.alert.alert_class.value}
        )

    async def _publish(self, topic: str, payload: bytes) -> int:
        kept = self._client is not None
        try:
            return await (await self._connected()).say(topic, payload)
        except BaseException as error:
            # Cancelled too: the acknowledgement under way must not be taken for that of the next call.
            self._forget()
            if not (kept and isinstance(error, aiomqtt.MqttError)):
                raise
        try:
            return await (await self._connected()).say(topic, payload)  # the kept connection was dead: over a new one
        except BaseException:
            self._forget()
            raise

    async def _connected(self) -> _Publisher:
        if self._client is None:
            # A task of its own: a send that is cancelled leaves no half-open connection behind.
            self._opening = self._opening or asyncio.create_task(self._open())
            try:
                self._client = await asyncio.shield(self._opening)
            finally:
                if self._opening.done():
                    self._opening = None
        return self._client

    async def _open(self) -> _Publisher:
        options = self._options
        client = _Publisher(
            options.host,
            options.port,
            username=options.username or None,
            password=options.password or None,
            identifier=options.client_id or None,
            protocol=_PROTOCOLS[options.protocol],
            tls_context=options.tls,
            timeout=options.timeout.total_seconds(),
        )
        await client.__aenter__()
        return client

    def _forget(self) -> None:
        """Leave the connection, if there is one, without waiting for a broker that may be gone."""
        if self._client is not None:
            leaving = asyncio.create_task(_leave(self._client))
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)
            self._client = None


class _Publisher(aiomqtt.Client):
    """A client that remembers the reason code of the last acknowledgement, which aiomqtt drops.

    It looks into aiomqtt for that: pyproject.toml keeps to the versions this was tried with.
    """

    reason = 0

    async def say(self, topic: str, payload: bytes) -> int:
        """Publish and give the reason code; one at a time, or codes get mixed up.

        A connection that breaks meanwhile is noticed at once: aiomqtt would wait for the acknowledgement all the same.
        """
        self.reason = 0
        publishing = asyncio.create_task(self.publish(topic, payload, qos=1))
        try:
            await asyncio.wait({publishing, self._disconnected}, return_when=asyncio.FIRST_COMPLETED)
            if not publishing.done():
                raise aiomqtt.MqttError("the connection broke")
            publishing.result()
        finally:
            publishing.cancel()
        return self.reason

    def _on_publish(self, client: Any, userdata: Any, mid: int, reason_code: Any, properties: Any) -> None:
        self.reason = getattr(reason_code, "value", 0)
        super()._on_publish(client, userdata, mid, reason_code, properties)


async def _leave(client: _Publisher) -> None:
    with contextlib.suppress(aiomqtt.MqttError):
        await client.__aexit__(None, None, None)
