"""Just enough of MQTT 3.1.1 and 5 to publish fast: a connection that counts its acknowledgements."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable

V311, V5 = 4, 5
CONNACK, PUBLISH, PUBACK, DISCONNECT = 0x20, 0x30, 0x40, 0xE0
REFUSED = 0x80  # reason codes of version 5 from here on
RECEIVE_MAXIMUM = 0x21
MOST_IN_FLIGHT = 10_000
USER_PROPERTY = 0x26  # two strings; every property that is not of a fixed size is one
PROPERTY_SIZES = {0x11: 4, 0x13: 2, 0x22: 2, 0x24: 1, 0x25: 1, 0x27: 4, 0x28: 1, 0x29: 1, 0x2A: 1}
CONTINUES = 0x80  # the bit that says that a length goes on
KEEP_ALIVE = 60  # s
READ_BYTES = 65536


@dataclass(frozen=True, slots=True)
class Broker:
    """Where to publish, as whom, and how; ``protocol`` is 4 (MQTT 3.1.1) or 5."""

    host: str
    port: int
    protocol: int = V311
    user: str = ""
    password: str = ""
    tls: ssl.SSLContext | None = None


class BrokerRefusedError(Exception):
    """The broker did not accept the connection, or a frame; its code is in the message."""


def length(n: int) -> bytes:
    """Encode a remaining length (MQTT 2.2.3)."""
    coded = bytearray()
    while True:
        n, digit = n >> 7, n & 0x7F
        coded.append(digit | (0x80 if n else 0))
        if not n:
            return bytes(coded)


def text(value: str) -> bytes:
    """Encode a string with its length in front."""
    raw = value.encode()
    return len(raw).to_bytes(2, "big") + raw


def connect(broker: Broker, client_id: str) -> bytes:
    """Give a CONNECT packet that begins a clean session."""
    flags = 0x02 | (0x80 if broker.user else 0) | (0x40 if broker.password else 0)
    body = text("MQTT") + bytes([broker.protocol, flags]) + KEEP_ALIVE.to_bytes(2, "big")
    body += (b"\x00" if broker.protocol == V5 else b"") + text(client_id)
    body += text(broker.user) if broker.user else b""
    body += text(broker.password) if broker.password else b""
    return b"\x10" + length(len(body)) + body


class Publisher:
    """One connection. Frames go out in batches; with QoS 1 no more are under way than the broker takes.

    ``sent`` and ``acknowledged`` count frames; with QoS 0 nothing is acknowledged.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, broker: Broker, window: int) -> None:
        self.sent = self.acknowledged = 0
        self._reader, self._writer, self._broker = reader, writer, broker
        self._window = window
        self._room = asyncio.Event()
        self._acknowledging = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, broker: Broker, client_id: str) -> Self:
        """Connect; raises OSError, or BrokerRefusedError when the broker answers with a refusal."""
        reader, writer = await asyncio.open_connection(broker.host, broker.port, ssl=broker.tls)
        try:
            writer.write(connect(broker, client_id))
            buffer = bytearray()
            while not (packets := take(buffer)):
                buffer += await _some(reader)
            kind, body = packets[0]
            window = _accepted(kind, body, broker.protocol)
        except BaseException:
            writer.close()
            raise
        return cls(reader, writer, broker, min(window, MOST_IN_FLIGHT))

    async def publish(self, frames: Iterable[tuple[bytes, bytes]], qos: int) -> None:
        """Send frames of (topic with its length in front, payload); waits while too many are under way.

        Raises OSError when the connection is gone, BrokerRefusedError when the broker refused a frame.
        """
        head = bytes([PUBLISH | qos << 1])
        properties = b"\x00" if self._broker.protocol == V5 else b""
        parts: list[bytes] = []
        for topic, payload in frames:
            number = b""
            if qos:
                if self.sent - self.acknowledged >= self._window:
                    self._writer.write(b"".join(parts))
                    parts.clear()
                    await self._until_under_way(self._window - 1)
                number = (self.sent % 0xFFFF + 1).to_bytes(2, "big")
            size = len(topic) + len(number) + len(properties) + len(payload)
            parts += (head, length(size), topic, number, properties, payload)
            self.sent += 1
        self._writer.write(b"".join(parts))
        await self._writer.drain()
        self._check()

    async def settle(self, within: float) -> None:
        """Wait until everything sent with QoS 1 is acknowledged; raises TimeoutError after ``within`` seconds."""
        async with asyncio.timeout(within):
            await self._until_under_way(0)

    async def close(self) -> None:
        """Disconnect, after what was written has left."""
        if not self._acknowledging.done():
            self._writer.write(bytes([DISCONNECT, 0]))
            self._acknowledging.cancel()
        await asyncio.gather(self._acknowledging, return_exceptions=True)
        self._writer.close()
        await asyncio.gather(self._writer.wait_closed(), return_exceptions=True)

    def _check(self) -> None:
        if self._acknowledging.done():
            self._acknowledging.result()

    async def _until_under_way(self, most: int) -> None:
        while self.sent - self.acknowledged > most:
            self._check()
            self._room.clear()
            waiting = asyncio.create_task(self._room.wait())
            await asyncio.wait([waiting, self._acknowledging], return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()

    async def _read(self) -> None:
        buffer = bytearray()
        while True:
            buffer += await _some(self._reader)
            for kind, body in take(buffer):
                if kind == PUBACK:
                    if len(body) > 2 and body[2] >= REFUSED:  # noqa: PLR2004 - packet id, then the reason if any
                        raise BrokerRefusedError(f"the broker refused a frame with code {body[2]}")
                    self.acknowledged += 1
                elif kind == DISCONNECT:
                    raise BrokerRefusedError(f"the broker closed the connection with code {body[0] if body else 0}")
            self._room.set()


def _accepted(kind: int, body: bytes, protocol: int) -> int:
    """Read a CONNACK: how many frames may be under way. Raises BrokerRefusedError when it says no."""
    if kind != CONNACK or body[1]:
        raise BrokerRefusedError(f"the broker refused the connection with code {body[1]}")
    return receive_maximum(body[2:]) if protocol == V5 else MOST_IN_FLIGHT


async def _some(reader: asyncio.StreamReader) -> bytes:
    data = await reader.read(READ_BYTES)
    if not data:
        raise ConnectionResetError("the broker closed the connection")
    return data


def take(buffer: bytearray) -> list[tuple[int, bytes]]:
    """Take the whole packets out of a buffer: type byte, and what follows the length."""
    packets, start = [], 0
    while True:
        size, shift, at = 0, 0, start + 1
        while at < len(buffer):
            size |= (buffer[at] & 0x7F) << shift
            shift += 7
            at += 1
            if buffer[at - 1] < CONTINUES:
                break
        else:
            break
        if at + size > len(buffer):
            break
        packets.append((buffer[start], bytes(buffer[at : at + size])))
        start = at + size
    del buffer[:start]
    return packets


def receive_maximum(properties: bytes) -> int:
    """Find how many unacknowledged frames a broker takes in the properties of its CONNACK (MQTT 5 3.2.2.3)."""
    at, end = 1, 1 + properties[0]  # the properties of a CONNACK that matter here are far below 128 bytes
    while at < end:
        name, at = properties[at], at + 1
        if name == RECEIVE_MAXIMUM:
            return int.from_bytes(properties[at : at + 2], "big")
        if name in PROPERTY_SIZES:
            at += PROPERTY_SIZES[name]
            continue
        for _ in range(2 if name == USER_PROPERTY else 1):
            at += 2 + int.from_bytes(properties[at : at + 2], "big")
    return 0xFFFF
