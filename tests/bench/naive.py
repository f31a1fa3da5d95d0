"""How one would write it at first: an object for each frame. Kept so that the ratio is there for all to see.

aiomqtt receives (its own share is measured apart, against the hose), pydantic validates each payload, a dict of rules
is asked one by one, and influxdb-client's ``Point`` writes the line. Nothing is journalled.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import aiomqtt
from fleet import Fleet
from influxdb_client import Point, WritePrecision
from measure import Row, environment
from pydantic import BaseModel


class Frame(BaseModel):
    """What a detector says."""

    ts: int
    alarm: int
    smoke: float
    temp: float
    bat: float
    rssi: float
    test: int
    tamper: int
    fault: int


RULES = {
    "fire": lambda frame, _: frame.alarm and not frame.test,
    "test": lambda frame, _: frame.test,
    "tamper": lambda frame, _: frame.tamper,
    "trouble": lambda frame, _: frame.fault,
    "battery": lambda frame, _: frame.bat < 20,
    "density": lambda frame, _: frame.smoke > 0.5,
    "rising": lambda frame, before: before is not None and frame.temp - before.temp > 2 and frame.temp > 30,
    "silent": lambda frame, before: before is not None and frame.ts - before.ts > 900_000,
}


class House:
    """Takes one frame at a time."""

    def __init__(self) -> None:
        self.last: dict[str, Frame] = {}
        self.firing: set[tuple[str, str]] = set()

    def take(self, topic: str, payload: bytes) -> str:
        """Validate, ask the rules, write the line."""
        device = topic.split("/")[2]
        frame = Frame.model_validate_json(payload)
        before = self.last.get(device)
        self.last[device] = frame
        for name, rule in RULES.items():
            key = (name, device)
            if rule(frame, before):
                self.firing.add(key)
            else:
                self.firing.discard(key)
        point = Point("smoke").tag("device", device).tag("place", "990100")
        for name in ("smoke", "temp", "bat", "rssi"):
            point.field(name, getattr(frame, name))
        for name in ("alarm", "test", "tamper", "fault"):
            point.field(name, int(getattr(frame, name)))
        return point.time(frame.ts, WritePrecision.MS).to_line_protocol()


async def receive(port: int, count: int) -> float:
    """Processor seconds aiomqtt takes to receive so many frames at QoS 1."""
    async with aiomqtt.Client("127.0.0.1", port, protocol=aiomqtt.ProtocolVersion.V5) as client:
        await client.subscribe("firesense/#", qos=1)
        left, began = count, 0.0
        async for _ in client.messages:
            began = began or time.process_time()
            left -= 1
            if not left:
                return time.process_time() - began
    return 0.0


def naive_rows(devices: int, count: int, start_ms: int) -> list[Row]:
    """Measure both parts and their sum."""
    house = House()
    frames = list(Fleet(devices).frames(count, start_ms))
    began = time.process_time()
    for topic, payload in frames:
        house.take(topic, payload)
    take = (time.process_time() - began) / count * 1e6
    hose = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("hose.py")), str(devices)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    try:
        port = int(hose.stdout.readline().split()[1])
        hose.stdin.write(f"random {count}\n")
        hose.stdin.flush()
        got = asyncio.run(receive(port, count)) / count * 1e6
    finally:
        hose.kill()
        hose.communicate()
    return [
        Row("naive: aiomqtt receives", devices, "random", count, got),
        Row("naive: pydantic, dict of rules, Point", devices, "random", count, take),
        Row("naive: all streets", devices, "random", count, got + take, note="no journal, no sink"),
    ]
