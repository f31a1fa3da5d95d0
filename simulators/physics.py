"""What the four classes share: columns over devices, the hour of the day, first-order lags."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from numpy.random import Generator

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]


def relax(now: Floats, target: Floats, dt: float, lag: float) -> Floats:
    """Go from ``now`` towards ``target`` for ``dt`` seconds with the time constant ``lag``; exact for any step."""
    return target + (now - target) * math.exp(-dt / lag)


def bump(hour: float, centre: float, width: float) -> float:
    """A bell of height 1 over the hours of the day, around midnight too."""
    away = (hour - centre + 12) % 24 - 12
    return math.exp(-((away / width) ** 2))


class Held:
    """A condition that must stay true for some time before a device says so, and false before it takes it back."""

    def __init__(self, n: int, trips_after: float, clears_after: float) -> None:
        self.trips_after, self.clears_after = trips_after, clears_after
        self.up: Mask = np.zeros(n, np.bool_)
        self._against = np.zeros(n)  # seconds for which the condition has been other than what is said

    def step(self, trips: Mask, clears: Mask, dt: float) -> Mask:
        """Let ``dt`` seconds pass with the condition ``trips`` for what is down and ``clears`` for what is up."""
        self._against = np.where(np.where(self.up, clears, trips), self._against + dt, 0.0)
        turn = self._against >= np.where(self.up, self.clears_after, self.trips_after)
        turn &= self._against > 0
        self.up = self.up ^ turn
        self._against[turn] = 0.0
        return self.up


TROUBLES = ("flat_battery", "removed", "stuck")  # what befalls a device of any class
FLAT = 5.0  # per cent
BATTERY_FALLS = 90.0 / 7200  # per cent a second: years in two hours


class Population:
    """n devices of one class, as columns.

    ``flagged`` marks those that have an alarm of their own up; ``since`` holds the instants from which staged events
    act on each device, a column an event.
    """

    events: tuple[str, ...] = ()

    def __init__(self, n: int, rng: Generator, hour: float) -> None:
        self.n, self.rng, self.hour_at_start = n, rng, hour
        self.flagged: Mask = np.zeros(n, np.bool_)
        self.since = {event: np.full(n, math.inf) for event in (*self.events, *TROUBLES)}
        self.battery = rng.uniform(72, 100, n)  # per cent
        self.rssi_mean = rng.uniform(-96, -62, n)  # dBm
        self.removed: Mask = np.zeros(n, np.bool_)
        self._held: dict[str, Floats] = {}  # what a stuck sensor goes on saying, NaN where it is not stuck

    def hour(self, at: float) -> float:
        """Local hour of the day, ``at`` seconds after the start."""
        return (self.hour_at_start + at / 3600) % 24

    @property
    def rssi(self) -> Floats:
        """Signal strength in dBm, with fading."""
        return self.rssi_mean + self.rng.normal(0, 2, self.n)

    def struck(self, event: str, at: float) -> tuple[Rows, Floats]:
        """Give the devices on which an event acts by now, and for how many seconds it has."""
        rows = np.flatnonzero(self.since[event] < at)
        return rows, at - self.since[event][rows]

    def befall(self, at: float, dt: float) -> None:
        """Let ``dt`` seconds of the troubles pass that any device can have; the last thing a step does."""
        self.removed = self.since["removed"] < at
        empties = self.since["flat_battery"] < at
        self.battery = np.where(empties, np.maximum(self.battery - BATTERY_FALLS * dt, FLAT), self.battery)

    def stick(self, name: str, values: Floats, at: float) -> Floats:
        """Give what a sensor says: its value or, where it is stuck, what it said when that began."""
        stuck = self.since["stuck"] < at
        if not stuck.any():
            return values
        held = self._held.setdefault(name, np.full(self.n, math.nan))
        fresh = stuck & np.isnan(held)
        held[fresh] = values[fresh]
        return np.where(stuck, held, values)

    def step(self, at: float, dt: float) -> None:
        """Bring every device from ``at - dt`` to ``at``, in seconds after the start."""
        raise NotImplementedError
