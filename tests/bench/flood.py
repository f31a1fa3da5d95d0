"""Publishes frames to a broker, as fast as it takes them or at a pace, over one or more connections.

    flood.py '{"port": 1883, "devices": 5000, "frames": 100000, "rate": 0, "fires": 0, "qos": 1, "connections": 4}'

``fires`` of the frames, evenly spread and each of a device of its own, say fire. Prints what was sent as JSON, with the
wall time (seconds since the epoch) at which each fire flag was handed to the socket.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from dataclasses import dataclass

from fleet import external_id, payload, topic
from hose import publish
from measure import OTHER_CORE, pin

_WINDOW = 1000  # unacknowledged frames a connection, as a patient publisher would have
_PART = 100
_TICK = 0.001


@dataclass
class Wanted:
    """What to send; ``rate`` 0 is as fast as it goes."""

    port: int
    devices: int
    frames: int
    rate: float = 0
    fires: int = 0
    qos: int = 1
    connections: int = 1


class Publisher(asyncio.Protocol):
    """One connection; of what the broker says only acknowledgements are counted."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.accepted = asyncio.get_running_loop().create_future()
        self.writable = asyncio.Event()
        self.writable.set()
        self.sent = self.acknowledged = 0
        self._left = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        name = f"flood-{self.number}".encode()
        body = b"\x00\x04MQTT\x05\x02\x00\x00\x00" + len(name).to_bytes(2, "big") + name
        transport.write(b"\x10" + bytes((len(body),)) + body)

    def data_received(self, data: bytes) -> None:
        data, at = self._left + data, 0
        while len(data) - at >= 2 and (size := 2 + data[at + 1]) <= len(data) - at:
            if data[at] == 0x40:
                self.acknowledged += 1
            elif data[at] == 0x20:
                self.accepted.set_result(None)
            at += size
        self._left = data[at:]
        if self.room:
            self.writable.set()

    @property
    def room(self) -> bool:
        return self.sent - self.acknowledged <= _WINDOW - _PART

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()


class Frames:
    """The frames to send, by their number; remembers when each fire flag was made."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._every = wanted.frames // wanted.fires if wanted.fires else 0
        self._dice = random.Random(3)
        self.fires: dict[str, float] = {}

    def packets(self, first: int, count: int) -> bytes:
        """Write so many PUBLISH packets."""
        wanted, every, now = self._wanted, self._every, time.time()
        written = []
        for k in range(first, first + count):
            fire = bool(every) and k % every == every // 2
            device = k // every if fire else self._dice.randrange(wanted.fires, wanted.devices)
            if fire:
                self.fires[external_id(device)] = now
            written.append(publish(k, topic(device), payload(self._dice, int(now * 1000), fire=fire), wanted.qos))
        return b"".join(written)


async def connected(wanted: Wanted) -> list[Publisher]:
    """Log all connections in."""
    publishers = []
    for number in range(wanted.connections):
        _, made = await asyncio.get_running_loop().create_connection(
            lambda n=number: Publisher(n), "127.0.0.1", wanted.port
        )
        await made.accepted
        publishers.append(made)
    return publishers


async def main(wanted: Wanted) -> dict[str, object]:
    """Send all of it; gives what came of it."""
    publishers, frames = await connected(wanted), Frames(wanted)
    began = time.monotonic()
    sent = 0
    while sent < wanted.frames:
        part = min(_PART, wanted.frames - sent)
        if wanted.rate:
            part = min(part, int((time.monotonic() - began) * wanted.rate) + 1 - sent)
        if part <= 0:
            await asyncio.sleep(_TICK)
            continue
        publisher = publishers[sent // _PART % len(publishers)]
        if wanted.qos and not publisher.room:
            publisher.writable.clear()
        await publisher.writable.wait()
        publisher.transport.write(frames.packets(sent, part))
        publisher.sent += part if wanted.qos else 0
        sent += part
        await asyncio.sleep(0)
    for each in publishers:
        while each.acknowledged < each.sent:
            each.writable.clear()
            await each.writable.wait()
    seconds = time.monotonic() - began
    for each in publishers:
        each.transport.write(b"\xe0\x00")
        each.transport.close()
    acknowledged = sum(each.acknowledged for each in publishers)
    return {"sent": sent, "acknowledged": acknowledged, "seconds": seconds, "fires": frames.fires}


if __name__ == "__main__":
    pin(OTHER_CORE)
    print(json.dumps(asyncio.run(main(Wanted(**json.loads(sys.argv[1]))))))
