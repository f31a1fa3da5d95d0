"""The two paces: devices reporting in their own rhythm, and a load of so many frames a second."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiomqtt
import numpy as np

from simulators.packets import V5, Publisher, text

if TYPE_CHECKING:
    from simulators.packets import Broker
    from simulators.town import Town

DEMO_TICK = 0.2  # s
LOAD_TICK = 0.01  # s
TOGETHER = 50  # frames the demo pace has under way at once
RETRY = 1.0  # s
SETTLES_WITHIN = 10.0  # s
REPORT_EVERY = 1.0  # s


@dataclass
class Tally:
    """What came of a run; frames are acknowledged with QoS 1 only."""

    sent: int = 0
    acknowledged: int = 0
    behind: int = 0  # frames a load could not send in time

    def report(self, seconds: float, *, done: bool = False, last: int = 0, over: float = 0.0) -> None:
        """Print one line of JSON: frames a second since the last line, or over the whole run at its end."""
        rate = (self.sent - last) / over if over else 0.0
        line = {"seconds": round(seconds, 1), "sent": self.sent, "acknowledged": self.acknowledged}
        line |= {"frames_per_second": round(rate), "behind": self.behind, "done": done}
        print(json.dumps(line), flush=True)


def unix_now() -> int:
    """Microseconds since the epoch: what the devices' clocks say."""
    return time.time_ns() // 1000


async def demo(town: Town, broker: Broker, *, qos: int, speed: float, duration: float, stop: asyncio.Event) -> Tally:
    """Let every device report in its own rhythm until ``stop`` or for ``duration`` seconds of real time.

    When the broker goes away, frames that it has not taken are sent again to the next one that is there.
    """
    tally = Tally()
    began = time.monotonic()
    waiting: list[tuple[int, bytes]] = []
    while not stop.is_set() and time.monotonic() - began < duration:
        try:
            async with aiomqtt.Client(
                broker.host,
                broker.port,
                username=broker.user or None,
                password=broker.password or None,
                protocol=aiomqtt.ProtocolVersion.V5 if broker.protocol == V5 else aiomqtt.ProtocolVersion.V311,
                tls_context=broker.tls,
                max_inflight_messages=TOGETHER,
            ) as client:
                client.pending_calls_threshold = TOGETHER  # it warns of more
                while not stop.is_set() and (elapsed := time.monotonic() - began) < duration:
                    town.advance(elapsed * speed)
                    waiting += town.frames(town.due(), unix_now())
                    while waiting:
                        await _publish(town, client, waiting[:TOGETHER], qos, tally)
                        del waiting[:TOGETHER]
                    await _pause(stop, DEMO_TICK)
        except aiomqtt.MqttError as lost:
            print(json.dumps({"broker": str(lost)}), flush=True)
            await _pause(stop, RETRY)
    tally.report(time.monotonic() - began, done=True, over=time.monotonic() - began)
    return tally


async def _publish(town: Town, client: aiomqtt.Client, frames: list[tuple[int, bytes]], qos: int, tally: Tally) -> None:
    await asyncio.gather(*(client.publish(town.topics[row], payload, qos=qos) for row, payload in frames))
    tally.sent += len(frames)
    tally.acknowledged += len(frames) if qos else 0


async def load(
    town: Town, broker: Broker, *, rate: float, qos: int, speed: float, duration: float, stop: asyncio.Event
) -> Tally:
    """Send ``rate`` frames a second, the devices taking turns, until ``stop`` or for ``duration`` seconds.

    The turns of a dead gateway's devices pass in silence. What could not be sent within a second is not made up for,
    but counted. Raises OSError and BrokerRefusedError.
    """
    publisher = await Publisher.open(broker, f"load-{unix_now()}")
    tally = Tally()
    topics = [text(topic) for topic in town.topics]
    began = reported = time.monotonic()
    reported_sent = turn = offered = 0
    try:
        while not stop.is_set() and (elapsed := time.monotonic() - began) < duration:
            town.advance(elapsed * speed)
            wanted = int(elapsed * rate) - offered
            offered += wanted
            if wanted > rate:
                tally.behind += wanted - int(rate)
                wanted = int(rate)
            stamped_at = unix_now()
            while wanted > 0:  # a round has every device once at most; the next one is a millisecond younger
                rows = np.arange(turn, turn + min(wanted, len(topics))) % len(topics)
                turn = (turn + len(rows)) % len(topics)
                wanted -= len(rows)
                made = town.frames(town.heard(rows), stamped_at)
                await publisher.publish(((topics[row], payload) for row, payload in made), qos)
                stamped_at += 1000
            tally.sent, tally.acknowledged = publisher.sent, publisher.acknowledged
            if (now := time.monotonic()) - reported >= REPORT_EVERY:
                tally.report(now - began, last=reported_sent, over=now - reported)
                reported, reported_sent = now, publisher.sent
            await _pause(stop, LOAD_TICK)
        if qos:
            await publisher.settle(SETTLES_WITHIN)
    finally:
        tally.sent, tally.acknowledged = publisher.sent, publisher.acknowledged
        await publisher.close()
        tally.report(time.monotonic() - began, done=True, over=time.monotonic() - began)
    return tally


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
