"""Heaters that keep fire-water intakes from freezing: Newton's cooling against a thermostat, by day and cold night."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from simulators.physics import Floats, Mask, Population, relax

if TYPE_CHECKING:
    from numpy.random import Generator

COOLING_LAG = 3 * 3600.0  # s, of an insulated pit
LIFT = 34.0  # K above the air that full heating reaches in the end
ON_BELOW, OFF_ABOVE = 7.0, 9.0  # degC
AIR_MEAN, AIR_SWING = 4.0, 4.0  # degC over the day, coldest at five
WEAK = 0.3  # share of the lift that a half burnt-out element still reaches
THAW, THAW_LAG = 9.0, 3600.0  # K, s
COLD_SPELL, COLD_LAG = -18.0, 1800.0  # K, s


class Heaters(Population):
    """Heaters; one fails when its element burns out. A cold spell that begins at one of them is over all of them."""

    events = ("failed", "cold", "weak", "power_cut", "thaw")

    def __init__(self, n: int, rng: Generator, hour: float) -> None:
        super().__init__(n, rng, hour)
        self.site = rng.normal(0, 0.8, n)  # K: some pits are more exposed
        self.rated = rng.uniform(2.0, 4.4, n)  # A
        self.ambient = self.air(0.0)
        self.water = rng.uniform(ON_BELOW + 0.2, OFF_ABOVE - 0.2, n)
        self.on = rng.integers(2, size=n) > 0
        self.current = np.where(self.on, self.rated, 0.0)
        self.mains: Mask = np.ones(n, np.bool_)

    def air(self, at: float) -> Floats:
        """Temperature of the air (degC) at every pit."""
        daily = AIR_MEAN - AIR_SWING * math.cos((self.hour(at) - 5) / 24 * 2 * math.pi)
        age = max(at - float(self.since["cold"].min()), 0.0)
        spell = COLD_SPELL * (1 - math.exp(-age / COLD_LAG))
        warm = max(at - float(self.since["thaw"].min()), 0.0)
        return self.site + daily + spell + THAW * (1 - math.exp(-warm / THAW_LAG))

    def step(self, at: float, dt: float) -> None:
        """See Population.step."""
        self.ambient = self.air(at)
        self.on = np.where(self.on, self.water < OFF_ABOVE, self.water < ON_BELOW)
        failed = self.since["failed"] < at
        self.on |= failed  # the relay is closed; nothing flows
        self.mains = self.since["power_cut"] >= at
        self.on &= self.mains  # the controller lives on its battery and sees that there is nothing to switch
        heating = self.on & ~failed
        lift = LIFT * np.where(self.since["weak"] < at, WEAK, 1.0)
        self.water = relax(self.water, self.ambient + lift * heating, dt, COOLING_LAG)
        self.water = np.maximum(self.water, 0.0)  # as long as there is ice to make
        drawn = self.rated * np.where(self.since["weak"] < at, WEAK, 1.0)
        self.current = np.where(heating, drawn * self.rng.normal(1, 0.01, self.n), 0.0)
        self.befall(at, dt)
