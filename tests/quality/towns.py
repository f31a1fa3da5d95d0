"""Simulated cases: a small town, one kind of event on many of its devices, and how its frames arrive."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from firesense.domain.device import Device, Registry
from firesense.domain.frame import FrameBatch
from firesense.domain.instant import SECOND, instant
from simulators.fleet import make_fleet
from simulators.scenarios import DEAD_GATEWAY, SCENARIOS, Scenario, Staged, stage
from simulators.town import Town

PLACES = ["990100101201-01", "990100101201-02", "990100101202-01"]
START = instant(datetime(2026, 1, 5, 10, tzinfo=UTC))  # a Monday evening in China
HOUR_OF_DAY = 18.0
WARM_UP = 1200  # s before the event, so that windows are filled
AFTERWARDS = 3600  # s after it, so that what must clear can
EVERY_STEP = 20.0  # of Town: its physics takes a twentieth of its speed a step
SHORT, LONG = 4 * 3600, 86400  # s: cases that unfold longer take longer steps
SPARSE = 300  # s: the period of every device in cases of days
GATEWAY = "gw-0001"
RESTARTS = 50  # frames from one restart to the next: less than what a hold lasts
RESTARTED = ("smouldering_fire", "growing_leakage", "weak_heater", DEAD_GATEWAY)
OUTAGE, BACKFILL = 120, 6 * 3600  # s: a broker that restarts, a gateway that has lost its uplink


@dataclass(frozen=True)
class Case:
    """Devices, what befalls some of them and when, what must be raised, and what must not.

    ``arrives`` says what becomes of a frame of a device sent at a second after the start: when it is received and what
    the device's clock says, both in seconds after the start. ``exactly`` is how many alerts there must be in all.
    """

    name: str
    text: str
    fleet: list
    staged: list
    starts: int
    latest: int
    lasts: int
    step: float
    expected: tuple[str, ...]
    forbidden: tuple[str, ...]
    struck: frozenset[str]
    arrives: object = None
    exactly: int | None = None
    restarts: int = 0  # firesense is started anew after so many frames, again and again

    @property
    def registry(self):
        return registry_of(self.fleet)


def registry_of(fleet):
    slots = Counter()
    devices = []
    for made in fleet:
        tags = tuple(filter(None, made.tags.split(";")))
        devices.append(
            Device(
                made.id,
                made.device_class,
                made.profile,
                made.external_id,
                made.place,
                slots[made.device_class],
                made.name,
                made.kind,
                made.gateway,
                tags,
                timedelta(seconds=made.period),
            )
        )
        slots[made.device_class] += 1
    return Registry(devices)


def cases(devices=60, seed=11):
    """Every scenario of the simulators, what only arrives differently, and some through one restart after the other."""
    fleet = make_fleet(devices, seed, PLACES)
    made = [scenario_case(scenario, fleet) for scenario in SCENARIOS.values()] + arrivals(fleet)
    return made + [
        replace(case, name=f"{case.name}_restarts", restarts=RESTARTS) for case in made if case.name in RESTARTED
    ]


def scenario_case(scenario: Scenario, fleet):
    long = scenario.unfolds > LONG
    step = 1.0 if scenario.unfolds <= SHORT else 30.0 if long else 5.0
    if long:
        fleet = [replace(device, period=SPARSE) for device in fleet]
    offset = WARM_UP / (step * EVERY_STEP)
    if scenario.name == DEAD_GATEWAY:
        staged = [stage(f"{scenario.name}@{GATEWAY}", fleet)]
        struck = frozenset({GATEWAY, *(device.id for device in fleet if device.gateway == GATEWAY)})
        latest = 4 * 600
    else:
        staged = [Staged(scenario, device, offset) for device in fitting(scenario, fleet)]
        struck = frozenset(event.device.id for event in staged)
        latest = scenario.unfolds + scenario.allowed
    staged = [replace(event, offset=offset) for event in staged]
    return Case(
        scenario.name,
        scenario.text,
        fleet,
        staged,
        WARM_UP,
        WARM_UP + int(latest),
        WARM_UP + int(max(scenario.unfolds, latest)) + AFTERWARDS,
        step,
        scenario.expected,
        scenario.forbidden,
        struck,
        exactly=1 if scenario.name == DEAD_GATEWAY else None,
    )


def fitting(scenario, fleet):
    """Up to eight devices, one a gateway where what happens to one reaches its neighbours."""
    found, gateways = [], set()
    for device in fleet:
        fits = scenario.device_class == device.device_class and (
            scenario.kind in ("", device.kind) and scenario.profile in ("", device.profile)
        )
        if fits and (device.device_class == "smoke" or device.gateway not in gateways):
            found.append(device)
            gateways.add(device.gateway)
    return found[:8]


def arrivals(fleet):
    """A healthy town whose frames arrive late, in a heap, or from a device that thinks it is 1970."""
    behind = {row for row, device in enumerate(fleet) if device.gateway == GATEWAY}
    first = next(row for row, device in enumerate(fleet) if device.profile == "firesense-smoke")

    def after_an_outage(_row, at):
        down = WARM_UP <= at < WARM_UP + OUTAGE
        return (WARM_UP + OUTAGE if down else at), at

    def backfilled(row, at):
        held = row in behind and WARM_UP <= at < WARM_UP + BACKFILL
        return (WARM_UP + BACKFILL if held else at), at

    def clock_reset(row, at):
        unset = row == first and at >= WARM_UP
        return at, at - START // SECOND if unset else at

    def case(name, text, arrives, lasts, exactly, expected=()):
        return Case(
            name,
            text,
            fleet,
            [],
            WARM_UP,
            WARM_UP + lasts,
            WARM_UP + lasts + AFTERWARDS,
            5.0,
            expected,
            ("fire", "hazard") if exactly else ("fire", "hazard", "fault"),
            frozenset({GATEWAY, *(fleet[row].id for row in behind)}),
            arrives,
            exactly,
        )

    return [
        case("broker_restart", "Two minutes without a broker; it kept everything.", after_an_outage, OUTAGE, 0),
        case(
            "backfill",
            "A gateway is cut off for six hours and then sends all it has kept.",
            backfilled,
            BACKFILL,
            1,
            ("fault",),
        ),
        case("clock_reset", "A device restarts and thinks it is 1970.", clock_reset, 3600, 0),
    ]


def healthy(devices, days, seed=5):
    """A town in which nothing happens, reporting every five minutes: what it raises is false."""
    fleet = [replace(device, period=SPARSE) for device in make_fleet(devices, seed, PLACES)]
    lasts = int(days * 86400)
    return Case(
        "healthy", "Nothing happens.", fleet, [], 0, 0, lasts, 30.0, (), ("fire", "hazard", "fault"), frozenset()
    )


def frames(case: Case, seed=3, most=20_000):
    """The case's frames in the order they are received."""
    town = Town(
        case.fleet,
        seed,
        hour=HOUR_OF_DAY,
        speed=case.step * EVERY_STEP,
        batches=False,
        staged=case.staged,
    )
    sent, waiting, offset = [], [], 0
    now = 0.0
    while now < case.lasts:
        now += case.step
        town.advance(now)
        rows = town.due()
        if not len(rows):
            continue
        for received, made in _sent(case, town, rows, now):
            (sent if received <= now else waiting).extend((received, town.topics[row], load) for row, load in made)
        due = [frame for frame in waiting if frame[0] <= now]
        waiting = [frame for frame in waiting if frame[0] > now]
        sent += due
        if len(sent) >= most:
            yield _batch(sent, offset)
            offset += len(sent)
            sent = []
    if sent:
        yield _batch(sent, offset)


def _sent(case, town, rows, now):
    """Frames of a moment, by when they arrive."""
    if case.arrives is None:
        yield now, town.frames(rows, START + int(now * SECOND))
        return
    groups = {}
    for row in rows.tolist():
        groups.setdefault(case.arrives(row, now), []).append(row)
    for (received, stamped), members in groups.items():
        yield received, town.frames(np.asarray(members), START + int(stamped * SECOND))


def _batch(sent, offset):
    n = len(sent)
    at = np.asarray([START + int(late * SECOND) for late, _, _ in sent], np.int64)
    at = np.maximum.accumulate(at - np.arange(n)) + np.arange(n) + 200_000  # rising strictly, a fifth of a second later
    return FrameBatch(
        "main",
        [topic for _, topic, _ in sent],
        [payload for _, _, payload in sent],
        at,
        np.zeros(n, np.uint8),
        np.zeros(n, np.uint16),
        offset,
    )
