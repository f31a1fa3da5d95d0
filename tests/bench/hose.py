"""A broker that only pours: frames at QoS 1 to one MQTT 5 client, as fast as it acknowledges them.

    hose.py DEVICES      prints "port N", then obeys its standard input: a line "ORDER COUNT" (or "each COUNT": one
                         frame of each device in turn), answered by "done SECONDS" when all are acknowledged.

It stands in for Mosquitto where the daemon alone is to be measured, and runs on the other core.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from itertools import islice

import mqtt5
from fleet import ORDERS, Fleet, payload, topic
from measure import OTHER_CORE, pin

_WINDOW = 2000  # frames ahead of their acknowledgements: the daemon's receive_maximum
_WRITE = 500
_PUBACK = 0x40
_PUBACK_BYTES = 4


class Hose(asyncio.Protocol):
    """One connection; the client's packets are only looked at as far as pouring needs it."""

    def __init__(self, clients: asyncio.Queue[Hose]) -> None:
        self._clients = clients
        self.room = asyncio.Event()
        self.outstanding = 0
        self.subscribed = asyncio.Event()
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self._clients.put_nowait(self)

    def data_received(self, data: bytes) -> None:
        data, at = self._buffer + data, 0
        while at < len(data):
            if data[at] == _PUBACK and len(data) - at >= _PUBACK_BYTES:  # thousands of these, so not by the codec
                self.outstanding -= 1
                at += _PUBACK_BYTES
                continue
            try:
                packet, size = mqtt5.read(memoryview(data)[at:])
            except IndexError:
                break
            at += size
            match packet:
                case mqtt5.ConnectPacket():
                    self.transport.write(mqtt5.ConnAckPacket().write())
                case mqtt5.SubscribePacket():
                    codes = [mqtt5.SubAckReasonCode(1)] * len(packet.topic_filters)
                    self.transport.write(mqtt5.SubAckPacket(packet.packet_id, codes).write())
                    self.subscribed.set()
                case mqtt5.PingReqPacket():
                    self.transport.write(mqtt5.PingRespPacket().write())
        self._buffer = data[at:]
        if self.outstanding <= _WINDOW - _WRITE:
            self.room.set()


def publish(at: int, name: str, body: bytes, qos: int = 1) -> bytes:
    """Write a PUBLISH of MQTT 5 by hand; the codec would be the hose's bottleneck."""
    encoded = name.encode()
    packet_id = (at % 65_535 + 1).to_bytes(2, "big") if qos else b""
    length = 2 + len(encoded) + len(packet_id) + 1 + len(body)
    size = bytes((length & 127 | 128, length >> 7)) if length > 127 else bytes((length,))
    head = b"\x32" if qos else b"\x30"
    return b"".join((head, size, len(encoded).to_bytes(2, "big"), encoded, packet_id, b"\0", body))


def frames(devices: int, order: str, count: int, start_ms: int):
    """What one line of standard input asks for."""
    if order != "each":
        return Fleet(devices, order).frames(count, start_ms)
    dice = random.Random(1)
    return ((topic(n % devices), payload(dice, start_ms + n // 100)) for n in range(count))


async def pour(hose: Hose, devices: int, order: str, count: int) -> float:
    """Send so many frames and wait until all are acknowledged; gives the seconds from the first to the last."""
    # Own times rise by a millisecond in five frames: all of it has to lie between ten minutes ago and five ahead.
    poured = enumerate(frames(devices, order, count, int(time.time() * 1000) - min(count // 10, 120_000)))
    began = time.monotonic()
    while part := list(islice(poured, _WRITE)):
        data = b"".join([publish(at, name, body) for at, (name, body) in part])
        while hose.outstanding > _WINDOW - _WRITE:
            hose.room.clear()
            await hose.room.wait()
        hose.outstanding += len(part)
        hose.transport.write(data)
    while hose.outstanding:
        hose.room.clear()
        await hose.room.wait()
    return time.monotonic() - began


async def main(devices: int) -> None:
    """Serve one client after another until standard input ends."""
    clients: asyncio.Queue[Hose] = asyncio.Queue()
    server = await asyncio.get_running_loop().create_server(lambda: Hose(clients), "127.0.0.1", 0)
    print("port", server.sockets[0].getsockname()[1], flush=True)
    hose = None
    while line := await asyncio.to_thread(sys.stdin.readline):
        order, count = line.rsplit(" ", 1)
        while hose is None or hose.transport.is_closing() or not clients.empty():
            hose = await clients.get()
        await hose.subscribed.wait()
        assert order in (*ORDERS, "each"), order
        print("pouring", flush=True)
        seconds = await pour(hose, devices, order, int(count))
        print("done", seconds, flush=True)


if __name__ == "__main__":
    pin(OTHER_CORE)
    asyncio.run(main(int(sys.argv[1])))
