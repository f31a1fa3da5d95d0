"""What the bench sends: a fleet of smoke detectors and their frames, the same for the same seed.

A frame is the house format of a detector: four metrics, four signals and its own time, 111 bytes or so.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PROFILE = "firesense-smoke"
DEVICE_CLASS = "smoke"
BURST = 500  # frames one device sends in a row where devices send in bursts
ORDERS = ("random", "bursts", "1% bad")
_BAD = (
    b'{"ts":1767322985000,"alarm":0,"smo',  # cut short
    b'{"ts":1767322985000,"alarm":0,"temp":"warm"}',  # a word where a number belongs
    b'{"ts":1767322985000,"alarm":0,"smoke":NaN}',
    b'{"uptime":86400}',  # nothing we know
)


def external_id(number: int) -> str:
    """What the frames of a device call it."""
    return f"S{number:07d}"


def topic(number: int) -> str:
    """Where a device publishes."""
    return f"firesense/smoke/{external_id(number)}/up"


def payload(dice: random.Random, at_ms: int, *, fire: bool = False) -> bytes:
    """Write one frame in which nothing is wrong, unless it says fire."""
    smoke, temp, rssi = dice.random() * 0.2, 18 + dice.random() * 4, -100 + dice.random() * 40
    return b'{"ts":%d,"alarm":%d,"smoke":%.4f,"temp":%.2f,"bat":95,"rssi":%.1f,"test":0,"tamper":0,"fault":0}' % (
        at_ms,
        fire,
        smoke,
        temp,
        rssi,
    )


@dataclass(frozen=True)
class Fleet:
    """``devices`` detectors that send in one of ORDERS."""

    devices: int
    order: str = "random"
    seed: int = 7

    def frames(self, count: int, start_ms: int) -> Iterator[tuple[str, bytes]]:
        """Give (topic, payload) of so many frames, five of them in each millisecond from ``start_ms`` on."""
        dice = random.Random(self.seed + start_ms)
        bad = self.order == "1% bad"
        number = 0
        for k in range(count):
            if self.order != "bursts" or k % BURST == 0:
                number = dice.randrange(self.devices)
            if bad and k % 100 == 99:
                yield topic(number), _BAD[k // 100 % len(_BAD)]
            else:
                yield topic(number), payload(dice, start_ms + k // 5)
