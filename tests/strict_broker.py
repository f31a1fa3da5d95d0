"""A broker of MQTT 5 for tests that does exactly what it is told, and fails on what a client must not send."""

from __future__ import annotations

import asyncio
from typing import Self

import mqtt5

from tests.waiting import SECONDS


class Peer:
    """One client's connection, seen from the broker."""

    def __init__(self, reader, writer):
        self._reader = reader
        self._writer = writer
        self._buffer = b""

    async def next(self):
        """The next packet; None when the client has hung up."""
        async with asyncio.timeout(SECONDS):
            while True:
                try:
                    packet, size = mqtt5.read(memoryview(self._buffer))
                except IndexError:
                    more = await self._reader.read(65_536)
                    if not more:
                        return None
                    self._buffer += more
                else:
                    self._buffer = self._buffer[size:]
                    return packet

    async def expect(self, kind):
        """The next packet but pings, which has to be of that kind."""
        packet = await self.next()
        while isinstance(packet, mqtt5.PingReqPacket):
            self.send(mqtt5.PingRespPacket())
            packet = await self.next()
        assert isinstance(packet, kind), packet
        return packet

    async def hang_up_seen(self):
        """Wait until the client has hung up; what it said before does not matter."""
        while await self.next() is not None:
            pass

    async def welcome(self, *, codes=(1,), **connack):
        """Accept the connection and answer the subscriptions; gives what was asked."""
        connect = await self.expect(mqtt5.ConnectPacket)
        self.send(mqtt5.ConnAckPacket(**connack))
        subscribe = await self.expect(mqtt5.SubscribePacket)
        reasons = [mqtt5.SubAckReasonCode(code) for code in codes]
        self.send(mqtt5.SubAckPacket(subscribe.packet_id, reasons))
        return connect, subscribe

    def send(self, *packets):
        """Send packets, or bytes as they are, in one write."""
        self._writer.write(b"".join(each if isinstance(each, bytes) else each.write() for each in packets))

    def hang_up(self):
        self._writer.close()


class StrictBroker:
    """``async with`` listens on a free port; ``client()`` waits for the next connection."""

    def __init__(self):
        self._waiting = asyncio.Queue()
        self._writers = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._met, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for writer in self._writers:
            writer.close()
        await self._server.wait_closed()

    def _met(self, reader, writer):
        self._writers.append(writer)
        self._waiting.put_nowait(Peer(reader, writer))

    async def client(self):
        async with asyncio.timeout(SECONDS):
            return await self._waiting.get()


def frame(topic="up/a", payload=b"1", *, qos=1, packet_id=1, **more):
    """A PUBLISH."""
    return mqtt5.PublishPacket(topic, payload, qos=mqtt5.QoS(qos), packet_id=packet_id if qos else None, **more)
