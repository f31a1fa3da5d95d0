"""Electrical-fire monitors: residual currents, cable temperatures, arcs, three phases.

Natural leakage is some tens of milliamperes up to 200 and the device's limits are the usual settings: residual
current 300 mA for 5 s (GB 50116-2013 9.2.3 asks for 300 to 500), cable 85 degC, arc 14 half-cycles in a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulators.physics import Floats, Held, Mask, Population, bump, relax

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator

CHANNELS = 4
NO_PROBE = -200.0  # degC, what the device says where no probe is connected
RESIDUAL_LIMIT, TEMPERATURE_LIMIT, ARC_LIMIT = 300.0, 85.0, 14
OVER_VOLTAGE, UNDER_VOLTAGE = 264.0, 187.0  # V: 120 % and 85 % of 220
CABLE_LAG = 1200.0  # s
CABLE_RISE = 38.0  # K at the rated current
INRUSH = 5.0  # times the running current
LONGEST_START = 4.0  # s
MOTOR_STARTS = 2 / 3600  # a second
MOTOR_EVERY, MOTOR_LASTS = 120.0, 4.0  # s: a compressor that starts every other minute
ARCS = 40.0  # half-cycles in a second at a loose terminal
LEAK_START, LEAK_DOUBLES, LEAK_MOST = 20.0, 150.0, 800.0  # mA, s, mA: wet insulation gets worse by itself


def household_load(hour: float) -> float:
    """Share of the rated current drawn at home at that hour."""
    return 0.15 + 0.25 * bump(hour, 7.5, 1.5) + 0.2 * bump(hour, 12, 1.5) + 0.5 * bump(hour, 19.5, 2.5)


def workshop_load(hour: float) -> float:
    """Share of the rated current drawn in a workshop at that hour."""
    return 0.08 + 0.6 * bump(hour, 10, 2.5) + 0.6 * bump(hour, 15.5, 2.5)


class Panels(Population):
    """Monitored panels; a leak is the insulation of their first circuit failing."""

    events = ("leak", "arcing", "motor", "unplugged")

    def __init__(self, kinds: Sequence[str], rng: Generator, hour: float) -> None:
        n = len(kinds)
        super().__init__(n, rng, hour)
        self.workshop = np.asarray([kind == "workshop" for kind in kinds], np.bool_)
        self.rated = rng.uniform(25, 63, n)  # A
        self.imbalance = rng.uniform(0.8, 1.2, (n, 3))
        self.leakage = np.clip(rng.lognormal(np.log(40), 0.5, (n, CHANNELS)), 8, 140)  # mA
        self.probe = rng.integers(4, size=(n, CHANNELS)) > 0  # a quarter is not connected
        self.ambient = rng.uniform(16, 26, n)  # degC
        self.mains = rng.uniform(224, 233, (n, 3))  # V without load
        self.motor_until = np.zeros(n)
        self._rise = CABLE_RISE * self._load(0.0) ** 2  # K
        self._residual, self._hot, self._surge = Held(n, 5, 30), Held(n, 5, 60), Held(n, 10, 30)
        self._over, self._under = Held(n, 5, 30), Held(n, 5, 30)
        self.arcs = np.zeros(n, np.int64)
        self.step(0.0, 0.0)

    def _load(self, at: float) -> Floats:
        hour = self.hour(at)
        return np.where(self.workshop, workshop_load(hour), household_load(hour))

    def step(self, at: float, dt: float) -> None:
        """See Population.step."""
        n, rng = self.n, self.rng
        load = self._load(at) * rng.normal(1, 0.03, n)
        starts = self.workshop & (rng.random(n) < MOTOR_STARTS * dt)
        self.motor_until = np.where(starts, at + rng.uniform(1, LONGEST_START, n), self.motor_until)
        motors, age = self.struck("motor", at)
        self.motor_until[motors] = np.where(age % MOTOR_EVERY < MOTOR_LASTS, at + dt, self.motor_until[motors])
        self._rise = relax(self._rise, CABLE_RISE * load**2, dt, CABLE_LAG)  # heat follows the square of the current
        starting = (self.motor_until > at) & (dt <= LONGEST_START)  # within a longer step it is over
        drawn = load * np.where(starting, INRUSH, 1.0)
        self.current = self.rated[:, None] * drawn[:, None] * self.imbalance
        self.voltage = self.mains - 4.0 * drawn[:, None] + rng.normal(0, 0.4, (n, 3))
        self.residual = self.leakage * (0.7 + 0.5 * load[:, None]) + rng.normal(0, 1, (n, CHANNELS))
        failing, age = self.struck("leak", at)
        if len(failing):
            doublings = np.minimum(age / LEAK_DOUBLES, 10)
            self.residual[failing, 0] += np.minimum(LEAK_START * (2**doublings - 1), LEAK_MOST)
        self.residual = np.maximum(self.residual, 0)
        measured = self.ambient[:, None] + self._rise[:, None] + rng.normal(0, 0.1, (n, CHANNELS))
        self.temperature = np.where(self.probe, measured, NO_PROBE)
        self.temperature[self.since["unplugged"] < at] = NO_PROBE
        loose, age = self.struck("arcing", at)
        self.arcs = rng.poisson(0.02, n)  # switches and plugs
        self.arcs[loose] += rng.poisson(ARCS, len(loose))
        self.residual[:, 0] = self.stick("residual", self.residual[:, 0], at)
        self.befall(at, dt)
        self._flag(dt)

    def _flag(self, dt: float) -> None:
        """Decide as the device does; the bits are the frame's."""
        leaks, hot = _any(self.residual > RESIDUAL_LIMIT), _any(self.temperature > TEMPERATURE_LIMIT)
        high, low = _any(self.voltage > OVER_VOLTAGE), _any(self.voltage < UNDER_VOLTAGE)
        surge = _any(self.current > 1.3 * self.rated[:, None])
        flags = (
            self._residual.step(leaks, ~leaks, dt),
            self._hot.step(hot, ~hot, dt),
            self.arcs >= ARC_LIMIT,
            self._over.step(high, ~high, dt),
            self._under.step(low, ~low, dt),
            self._surge.step(surge, ~surge, dt),  # longer than any motor takes to start
        )
        self.alarm = sum((flag.astype(np.int64) << bit for bit, flag in enumerate(flags)), np.zeros(self.n, np.int64))
        self.flagged = self.alarm != 0


def _any(beyond: Mask) -> Mask:
    """Whether any circuit, probe or phase of a device is."""
    rows: Mask = np.logical_or.reduce(beyond, axis=1)
    return rows
