"""Fire-water gauges on mains, hydrants and intakes: the day's demand, a burst main, a slow leak.

Pressures in MPa, flows in L/s. Head loss grows with the square of the demand (Darcy-Weisbach); a healthy net stays
above 0.14 MPa, as GB 55036-2022 3.0.3 asks of mains with hydrants.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulators.physics import Floats, Held, Population, Rows, bump, relax

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator

BURST_PRESSURE = 0.05
BURST_LAG = 4.0  # s at the break itself
LEAK_FALL = 0.18  # MPa in the end
LEAK_LAG = 3600.0  # s
PUMP_LIFT, PUMP_LASTS = 0.12, 600.0  # MPa, s: a weekly test of a fire pump
HYDRANT_FALL, HYDRANT_FLOW, HYDRANT_LASTS = 0.06, 15.0, 900.0  # MPa, L/s, s: a street sweeper fills its tank
LOW, LOW_CLEARS, HIGH = 0.10, 0.12, 0.60  # the gauge's own limits
KEPT = 4  # earlier pressures kept, for gauges that send in batches
KEPT_EVERY = 60.0  # s


def demand(hour: float) -> float:
    """Share of the highest demand at that hour: a morning and an evening peak over a night's low."""
    return min(0.2 + 0.7 * bump(hour, 7.5, 1.6) + 0.8 * bump(hour, 19, 2.2) + 0.4 * bump(hour, 12.5, 2.5), 1.0)


class Gauges(Population):
    """Gauges; ``area`` says which hang on one main: a burst reaches its neighbours, the less the farther they are."""

    events = ("burst", "leak", "pump_test", "hydrant_use")

    def __init__(self, kinds: Sequence[str], areas: Sequence[int], rng: Generator, hour: float) -> None:
        n = len(kinds)
        super().__init__(n, rng, hour)
        self.area = np.asarray(areas, np.int64)
        self.static = rng.uniform(0.30, 0.42, n)
        self.loss = rng.uniform(0.04, 0.09, n)  # MPa at the highest demand
        self.share = np.asarray([{"main": 14.0, "hydrant": 0.0}.get(kind, 0.6) for kind in kinds])
        self.share *= rng.uniform(0.7, 1.3, n)
        self.nearness = rng.uniform(0.55, 0.9, n)  # how much of a neighbour's burst arrives
        self.cell = rng.uniform(3.5, 3.65, n)  # V, lithium
        self.pressure = self.static - self.loss * demand(hour) ** 2
        self.flow = self.share * demand(hour)
        self.kept: Floats = np.repeat(self.pressure[:, None], KEPT, axis=1)  # oldest first
        self._kept_at = 0.0
        self._low, self._high = Held(n, 5, 30), Held(n, 5, 30)
        self.low, self.high = self._low.up, self._high.up

    def neighbours(self, row: int) -> Rows:
        """The other gauges on the same main."""
        same = self.area == self.area[row]
        same[row] = False
        return np.flatnonzero(same)

    def step(self, at: float, dt: float) -> None:
        """See Population.step."""
        now = demand(self.hour(at))
        target = self.static - self.loss * now**2
        flow = self.share * now
        lag = np.full(self.n, 8.0)
        leaking, age = self.struck("leak", at)
        if len(leaking):
            lost = 1 - np.exp(-age / LEAK_LAG)
            target[leaking] -= LEAK_FALL * lost
            flow[leaking] += 2.5 * lost
        tested, age = self.struck("pump_test", at)
        target[tested] += PUMP_LIFT * (age < PUMP_LASTS)
        used, age = self.struck("hydrant_use", at)
        target[used] -= HYDRANT_FALL * (age < HYDRANT_LASTS)
        flow[used] += HYDRANT_FLOW * (age < HYDRANT_LASTS)
        for row in self.struck("burst", at)[0].tolist():
            near = self.neighbours(row)
            target[near] += (BURST_PRESSURE - target[near]) * self.nearness[near]
            lag[near] = 20.0
            target[row], lag[row] = BURST_PRESSURE, BURST_LAG
            flow[row] = 60.0
        self.pressure = target + (self.pressure - target) * np.exp(-dt / lag)
        self.flow = relax(self.flow, flow, dt, 6.0)
        self.pressure = np.maximum(self.pressure + self.rng.normal(0, 0.0006, self.n), 0)
        self.pressure = self.stick("pressure", self.pressure, at)
        self.befall(at, dt)
        while self._kept_at + KEPT_EVERY <= at:
            self._kept_at += KEPT_EVERY
            self.kept = np.column_stack([self.kept[:, 1:], self.pressure])
        self.low = self._low.step(self.pressure < LOW, self.pressure > LOW_CLEARS, dt)
        self.high = self._high.step(self.pressure > HIGH, self.pressure < HIGH, dt)
        self.flagged = self.low | self.high
