"""What one run does: drawn from its seed, so that the same seed does the same again."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

SECONDS = 12.0
KILLS = ("kill_daemon", "kill_broker", "kill_store")
# How often each fault is drawn. Every run gets kills besides what is drawn here.
WEIGHTS = {
    "kill_daemon": 5,
    "kill_broker": 2,
    "kill_store": 3,
    "kill_all": 1,
    "term_daemon": 1,
    "stop_daemon": 2,
    "lose_session": 1,
    "full_disk": 2,
    "read_only_disk": 1,
    "cut": 1,
    "half_open": 1,
    "reset": 1,
    "drop": 1,
    "throttle": 1,
    "delay": 1,
    "truncate": 2,
    "slow_store": 1,
    "store_status": 3,
    "half_answer": 1,
    "calls_fail": 1,
}
STATUSES = ("400", "401", "413", "429", "500", "503")


@dataclass(frozen=True)
class Fault:
    """Something to do ``at`` seconds after the start, for ``seconds`` where it lasts."""

    at: float
    kind: str
    seconds: float
    pick: float  # in [0, 1): which of several: street, status, direction

    def __str__(self) -> str:
        return f"{self.at:6.2f} s  {self.kind} ({self.seconds:.1f} s, {self.pick:.3f})"

    def choice(self, options: tuple[str, ...]) -> str:
        return options[int(self.pick * len(options))]


@dataclass(frozen=True)
class Plan:
    """One run."""

    seed: int
    seconds: float
    rate: int  # frames a second
    devices: int
    fires: int
    apart: bool  # a process for each street
    protocol: str
    store: str  # influxdb, forgetful (InfluxDB behind a front that forgets), victoriametrics
    stepped: bool  # runs with a clock that is stepped
    bad_every: int
    poison: tuple[int, ...]  # numbers of frames that the store refuses
    faults: tuple[Fault, ...] = field(default_factory=tuple)
    book: str = "sqlite"  # or postgresql

    @property
    def title(self) -> str:
        parts = [f"seed {self.seed}", "street by street" if self.apart else "all in one", self.protocol, self.store]
        parts += [self.book] * (self.book != "sqlite")
        return ", ".join([*parts, "stepped clock"] if self.stepped else parts)


def draw(seed: int, *, seconds: float = SECONDS, faults: int = 6, full: bool = False, book: str = "sqlite") -> Plan:
    """Draw a run. ``full`` lets a stopped daemon stay stopped for 20 s instead of 2."""
    dice = random.Random(seed)
    stepped = dice.random() < 0.15
    weights = WEIGHTS | ({"step_clock": 8} if stepped else {})
    kills = KILLS if book == "sqlite" else (*KILLS, "kill_book", "kill_book")
    drawn = [dice.choice(kills) for _ in range(max(faults // 2, 1))]
    drawn += dice.choices(list(weights), list(weights.values()), k=faults - len(drawn))
    dice.shuffle(drawn)
    instants = sorted(dice.uniform(0.5, seconds) for _ in drawn)
    return Plan(
        seed=seed,
        seconds=seconds,
        rate=150,
        devices=30,
        fires=6,
        apart=dice.random() < 0.4,
        protocol="mqtt311" if dice.random() < 0.25 else "mqtt5",
        store=dice.choice(["influxdb", "influxdb", "forgetful", "victoriametrics"]),
        stepped=stepped,
        bad_every=dice.choice([0, 37]),
        poison=tuple(dice.sample(range(2, 60), 2)) if dice.random() < 0.3 else (),
        faults=tuple(
            Fault(at, kind, _length(dice, kind, full=full), dice.random())
            for at, kind in zip(instants, drawn, strict=True)
        ),
        book=book,
    )


def _length(dice: random.Random, kind: str, *, full: bool) -> float:
    if kind == "stop_daemon":
        return 20.0 if full else 2.0
    return dice.uniform(0.1, 1.5)
