"""The town: a fleet whose physics is under way, and which of its devices report when."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from simulators.electrical import Panels
from simulators.heater import Heaters
from simulators.scenarios import DEAD_GATEWAY
from simulators.smoke import Detectors
from simulators.water import Gauges
from simulators.wire import ENCODERS, TOPICS, Encoder, meokon_pressure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulators.fleet import Device
    from simulators.physics import Mask, Population, Rows
    from simulators.scenarios import Staged

IN_ALARM_EVERY = 20.0  # s: a device with an alarm of its own up repeats it
STEP = 1.0  # s of the physics' time
STEPS_A_SECOND = 20.0  # at most, in real time: faster physics takes longer steps


class Town:
    """All devices by row, the order of the fleet. Times are seconds after the start, in the physics' own time.

    The same fleet, seed, hour and staged scenarios give the same frames; a device's first report comes at a random
    point of its first period. ``speed`` says how many seconds of physics pass in a real one: frames are stamped with
    real time, and some hold several records (``batches``).
    """

    def __init__(
        self,
        fleet: Sequence[Device],
        seed: int,
        *,
        hour: float = 12.0,
        speed: float = 1.0,
        batches: bool = True,
        staged: Sequence[Staged] = (),
    ) -> None:
        self.fleet = fleet
        self.now = 0.0
        self.topics = [TOPICS[device.profile].format(device=device.external_id) for device in fleet]
        self._step = max(STEP, speed / STEPS_A_SECOND)
        rng = np.random.default_rng([seed, 2])
        by_class: dict[str, list[Device]] = {}
        self._position = np.zeros(len(fleet), np.int64)
        for row, device in enumerate(fleet):
            members = by_class.setdefault(device.device_class, [])
            self._position[row] = len(members)
            members.append(device)
        self.populations = {name: _populate(name, members, rng, hour) for name, members in sorted(by_class.items())}
        self._rows = {
            name: np.flatnonzero([device.device_class == name for device in fleet]) for name in self.populations
        }
        interval = max(1, round(60 / speed)) if batches else 0
        encoders = ENCODERS | {"meokon-pressure": partial(meokon_pressure, interval=interval)}
        profiles = {device.profile: device.device_class for device in fleet}
        self._speakers: list[tuple[Encoder, Population]] = [
            (encoders[profile], self.populations[name]) for profile, name in profiles.items()
        ]
        codes = {profile: code for code, profile in enumerate(profiles)}
        self._code = np.asarray([codes[device.profile] for device in fleet], np.int64)
        self._ids = np.asarray([device.external_id for device in fleet], object)
        self._period = np.asarray([device.period for device in fleet], np.float64)
        self._next = rng.uniform(0, self._period)
        self._silent_from = np.full(len(fleet), np.inf)
        self._flagged: Mask = np.zeros(len(fleet), np.bool_)
        for event in staged:
            self._stage(event, event.offset * speed)

    def _stage(self, event: Staged, at: float) -> None:
        """Put an event into the physics, or a gateway to silence."""
        position = self._position[self.fleet.index(event.device)]
        for name in event.scenario.events:
            self.populations[event.device.device_class].since[name][position] = at
        if event.scenario.name == DEAD_GATEWAY:
            cut = [row for row, device in enumerate(self.fleet) if device.gateway == event.device.gateway]
            self._silent_from[cut] = np.minimum(self._silent_from[cut], at)

    def advance(self, to: float) -> None:
        """Bring the physics to that time, in steps of its own: whole steps only, the rest waits for the next call."""
        while self.now + self._step <= to:
            self.now += self._step
            for name, population in self.populations.items():
                population.step(self.now, self._step)
                rows = self._rows[name]
                changed = population.flagged != self._flagged[rows]
                if changed.any():  # devices report a change of their flags at once
                    self._next[rows[changed]] = self.now
                    self._flagged[rows] = population.flagged

    def due(self) -> Rows:
        """Rows of the devices that report now, each once; their next report is a period later."""
        rows = np.flatnonzero(self._next <= self.now)
        if len(rows):
            every = np.where(self._flagged[rows], np.minimum(IN_ALARM_EVERY, self._period[rows]), self._period[rows])
            behind = np.floor((self.now - self._next[rows]) / every)
            self._next[rows] += every * (1 + behind)
        return self.heard(rows)

    def heard(self, rows: Rows) -> Rows:
        """Those of the rows whose gateway is alive."""
        return rows[self._silent_from[rows] > self.now]

    def frames(self, rows: Rows, stamped_at: int) -> list[tuple[int, bytes]]:
        """Row and payload of one frame for each row, which must differ; stamped with microseconds since the epoch."""
        made: list[tuple[int, bytes]] = []
        codes = self._code[rows]
        for code, (encode, population) in enumerate(self._speakers):
            chosen = rows[codes == code]
            if len(chosen):
                at = self._position[chosen]
                payloads = encode(population, self._ids[chosen].tolist(), at, stamped_at)
                made.extend(zip(chosen.tolist(), payloads, strict=True))
        return made


def _populate(name: str, members: Sequence[Device], rng: np.random.Generator, hour: float) -> Population:
    kinds = [device.kind for device in members]
    if name == "smoke":
        return Detectors(len(members), rng, hour)
    if name == "water":
        gateways = {device.gateway: n for n, device in enumerate(members)}
        return Gauges(kinds, [gateways[device.gateway] for device in members], rng, hour)
    if name == "electrical":
        return Panels(kinds, rng, hour)
    return Heaters(len(members), rng, hour)
