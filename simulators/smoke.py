"""Smoke detectors: optical density at the detector, its own alarm decision, room temperature, dust in the chamber.

Sources: t-squared growth NFPA 92 (medium fire); mass extinction of flaming soot 8.7 m2/g (Mulholland and Croarkin
2000); ceiling-jet temperature Alpert 1972; lag of smoke entering a detector Heskestad 1977; the pace of smouldering
wood after test fire TF2 of EN 54-7, about 2 dB/m after twelve minutes.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from simulators.physics import Floats, Held, Population, relax

if TYPE_CHECKING:
    from numpy.random import Generator

FULL_SCALE = 20.0  # dB/m, as far as the chamber can tell
SMOULDERS_FOR = 720.0  # s until flames
SMOULDER_END = 2.0  # dB/m at that time
SMOULDER_HEAT = 3.0  # kW at that time
GROWTH = 0.01172  # kW/s2
SOOT_PER_KJ = 0.1 / 20  # g: soot yield 0.1 g/g, 20 kJ/g
EXTINCTION = 8.7  # m2/g
ROOM = 40.0  # m3
CEILING = 2.6  # m
ENTRY_LAG = 12.0  # s
ALARM_DELAY = 10.0  # s over the threshold
COOKING_PEAKS = (60.0, 150.0, 240.0)  # s
COOKING_WIDTH = 20.0  # s
# Own estimates of what passes a detector in daily life: peak (dB/m), half width (s), warmth at the peak (K).
PASSING = {
    "steam": (0.10, 150.0, 4.0),  # a bathroom door that is opened
    "cigarette": (0.05, 120.0, 0.0),
    "harvest": (0.09, 2400.0, 0.0),  # straw dust over a yard, for hours
}
WELD_PEAK, WELD_EVERY, WELD_WIDTH, WELD_LASTS = 0.08, 90.0, 12.0, 1800.0  # dB/m, s, s, s
HUMID, HUMID_LAG = 0.05, 6 * 3600.0  # dB/m that fog and damp add in the end, s
DRIFT = 3.0 / 86400  # K a second: a thermistor that ages in days
DUST_NORMAL = 0.02 / (365 * 86400)  # dB/m a second
DUST_FAST = 0.10 / 7200  # the scenario: years of dust in two hours
DUST_FAULT = 0.08  # dB/m of drift at which the chamber is called dirty
DUST_MOST = 0.10  # dB/m: drift compensation has an end, and stays below every threshold


def fire_density(age: Floats) -> Floats:
    """Optical density in the room (dB/m) of a fire that began ``age`` seconds ago: smouldering, then flaming."""
    smoulder = SMOULDER_END * (np.minimum(age, SMOULDERS_FOR) / SMOULDERS_FOR) ** 2
    flaming = np.maximum(age - SMOULDERS_FOR, 0)
    soot = GROWTH * flaming**3 / 3 * SOOT_PER_KJ / ROOM  # g/m3
    return np.minimum(smoulder + 10 / math.log(10) * EXTINCTION * soot, FULL_SCALE)


def fire_heat(age: Floats) -> Floats:
    """Rise of the temperature under the ceiling (K) over a fire that began ``age`` seconds ago."""
    smoulder = SMOULDER_HEAT * (np.minimum(age, SMOULDERS_FOR) / SMOULDERS_FOR) ** 2
    power = smoulder + GROWTH * np.maximum(age - SMOULDERS_FOR, 0) ** 2
    rise: Floats = 16.9 * np.cbrt(power) ** 2 / CEILING ** (5 / 3)
    return np.minimum(rise, 110.0)


def cooking(age: Floats) -> Floats:
    """Smoke of a meal that began ``age`` seconds ago: three short peaks of height 1."""
    return sum((np.exp(-(((age - peak) / COOKING_WIDTH) ** 2)) for peak in COOKING_PEAKS), np.zeros_like(age))


def passing(age: Floats, peak: float, width: float) -> Floats:
    """Something that passes once and is at its peak two widths after it began."""
    bell: Floats = peak * np.exp(-(((age - 2 * width) / width) ** 2))
    return bell


def welding(age: Floats) -> Floats:
    """Fumes of welding that began ``age`` seconds ago: a puff a seam, for half an hour."""
    phase = (age % WELD_EVERY) - WELD_EVERY / 2
    return np.where(age < WELD_LASTS, WELD_PEAK * np.exp(-((phase / WELD_WIDTH) ** 2)), 0.0)


class Detectors(Population):
    """Detectors, each in a room of its own."""

    events = ("fire", "cooking", "dust", "steam", "cigarette", "harvest", "welding", "humid", "drift")

    def __init__(self, n: int, rng: Generator, hour: float) -> None:
        super().__init__(n, rng, hour)
        self.clear_air = rng.uniform(0.006, 0.02, n)  # dB/m
        self.threshold = rng.uniform(0.17, 0.23, n)  # dB/m
        self.room = rng.normal(20, 2, n)  # degC
        self.dust = rng.uniform(0, 0.02, n)  # dB/m
        self.cooking_peak = np.full(n, 0.09)  # dB/m; beyond the threshold the detector is fooled for a moment
        self.smoke = np.zeros(n)  # in the chamber, without dust
        self.density = self.clear_air + self.dust  # dB/m, as measured
        self.temperature = self.room.copy()  # degC
        self._alarm = Held(n, ALARM_DELAY, 60)
        self.alarm = self._alarm.up
        self.dirty = np.zeros(n, np.bool_)

    def step(self, at: float, dt: float) -> None:
        """See Population.step."""
        outside = np.zeros(self.n)
        room = self.room + 1.5 * math.cos((self.hour(at) - 15) / 24 * 2 * math.pi)
        burning, age = self.struck("fire", at)
        if len(burning):
            outside[burning] += fire_density(age)
            room[burning] += fire_heat(age)
        at_the_stove, age = self.struck("cooking", at)
        if len(at_the_stove):
            peaks = cooking(age)
            outside[at_the_stove] += self.cooking_peak[at_the_stove] * peaks
            room[at_the_stove] += 1.0 * peaks
        for name, (peak, width, warmth) in PASSING.items():
            rows, age = self.struck(name, at)
            if len(rows):
                bell = passing(age, 1.0, width)
                outside[rows] += peak * bell
                room[rows] += warmth * bell
        welds, age = self.struck("welding", at)
        outside[welds] += welding(age)
        damp, age = self.struck("humid", at)
        outside[damp] += HUMID * (1 - np.exp(-age / HUMID_LAG))
        aging, age = self.struck("drift", at)
        room[aging] += DRIFT * age
        self.smoke = relax(self.smoke, outside, dt, ENTRY_LAG)
        self.temperature = relax(self.temperature, room, dt, 30.0)
        self.dust = np.minimum(self.dust + dt * np.where(self.since["dust"] < at, DUST_FAST, DUST_NORMAL), DUST_MOST)
        self.dirty = self.dust > DUST_FAULT
        noise = self.rng.normal(0, 0.002, self.n)
        self.density = np.clip(self.clear_air + self.dust + self.smoke + noise, 0, FULL_SCALE)
        self.density = self.stick("density", self.density, at)
        self.temperature = self.stick("temperature", self.temperature, at)
        self.befall(at, dt)
        self.alarm = self._alarm.step(self.density > self.threshold, self.density < 0.7 * self.threshold, dt)
        self.flagged = self.alarm
