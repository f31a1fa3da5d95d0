"""Two independent hands wrote the wire formats: what the simulators say, the device profiles understand."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from firesense.domain.device import Device, Registry
from firesense.domain.frame import FrameBatch
from firesense.profiles import load_profiles
from firesense.reader import Reader
from simulators.fleet import make_fleet
from simulators.scenarios import stage
from simulators.town import Town

STAMP = 1_767_225_600_123_000  # 2026-01-01T00:00:00.123Z
FLEET = make_fleet(200, 7, ["village"])
SCENARIOS = ("smouldering_fire+1", "burst_main+1", "growing_leakage+1", "freezing_night_failed_heater+1")


def registry():
    counts = Counter()
    devices = []
    for made in FLEET:
        slot = counts[made.device_class]
        counts[made.device_class] += 1
        period = timedelta(seconds=made.period)
        devices.append(
            Device(
                made.id,
                made.device_class,
                made.profile,
                made.external_id,
                made.place,
                slot,
                made.name,
                made.kind,
                made.gateway,
                tuple(filter(None, made.tags.split(";"))),
                period,
            )
        )
    return Registry(devices)


@pytest.fixture(scope="module")
def read():
    """The town after an hour of trouble, and what the reader makes of one frame of every device."""
    staged = [stage(spec, FLEET) for spec in SCENARIOS]
    town = Town(FLEET, 7, hour=20.0, staged=staged)
    town.advance(3600)
    frames = town.frames(np.arange(len(FLEET)), STAMP)
    n = len(frames)
    batch = FrameBatch(
        "main",
        [town.topics[row] for row, _ in frames],
        [payload for _, payload in frames],
        STAMP + 50_000 + np.arange(n),
        np.zeros(n, np.uint8),
        np.zeros(n, np.uint16),
        first_offset=0,
    )
    reader = Reader(load_profiles(Path(__file__).parents[2] / "device_profiles"), registry())
    return town, reader.read(batch)


def columns(read, device_class, profile):
    """The newest row of each device of a profile, and the positions of those devices in the physics' columns."""
    _, result = read
    (table,) = [t for t in result.tables if t.device_class == device_class and t.profile == profile]
    newest = {slot: row for row, slot in enumerate(table.slots.tolist())}
    positions = np.asarray(list(newest))
    return table.take(np.asarray(list(newest.values()))), positions


def test_every_frame_is_read(read):
    _, result = read
    assert [(refusal.topic, refusal.reason, refusal.detail) for refusal in result.refusals] == []
    assert result.recorded == len(FLEET)
    assert not any(table.quality.any() for table in result.tables if table.profile.startswith("firesense-smoke"))


def test_smoke(read):
    table, at = columns(read, "smoke", "firesense-smoke")
    physics = read[0].populations["smoke"]
    assert table.metrics["smoke_density"] == pytest.approx(physics.density[at], abs=1e-4)
    assert table.metrics["temperature"] == pytest.approx(physics.temperature[at], abs=0.06)
    assert table.signals["fire"].tolist() == physics.alarm[at].astype(int).tolist()
    assert 1 in table.signals["fire"]
    assert set(table.event_at.tolist()) == {STAMP}


@pytest.mark.parametrize("profile", ["zigbee2mqtt-smoke", "sept-tg563a"])
def test_smoke_of_other_makers(read, profile):
    table, at = columns(read, "smoke", profile)
    physics = read[0].populations["smoke"]
    assert table.metrics["temperature"] == pytest.approx(physics.temperature[at], abs=0.51)
    assert not table.signals["fire"].any()


def test_water(read):
    for profile in ("firesense-water", "meokon-pressure"):
        table, at = columns(read, "water", profile)
        physics = read[0].populations["water"]
        assert table.metrics["pressure"] == pytest.approx(physics.pressure[at], abs=6e-4)
        assert table.signals["pressure_low"].tolist() == physics.low[at].astype(int).tolist()
    assert physics.low.any()


def test_the_binary_gauge_gives_its_history(read):
    _, result = read
    (table,) = [t for t in result.tables if t.profile == "meokon-pressure"]
    gauges = [device for device in FLEET if device.profile == "meokon-pressure"]
    assert len(table) == 5 * len(gauges)
    mine = table.take(table.slots == table.slots[0])
    assert np.diff(mine.event_at).tolist() == [60_000_000] * 4
    assert mine.event_at[-1] == STAMP // 1_000_000 * 1_000_000


def test_electrical(read):
    table, at = columns(read, "electrical", "firesense-electrical")
    physics = read[0].populations["electrical"]
    for circuit in range(4):
        expected = physics.residual[at, circuit]
        assert table.metrics[f"residual_current_{circuit + 1}"] == pytest.approx(expected, abs=0.06)
        temperature = table.metrics[f"cable_temperature_{circuit + 1}"]
        assert (np.isnan(temperature) == ~physics.probe[at, circuit]).all()
    assert table.signals["residual_current_alarm"].tolist() == (physics.alarm[at] & 1).tolist()
    assert 1 in table.signals["residual_current_alarm"]


def test_heater(read):
    table, at = columns(read, "heater", "firesense-heater")
    physics = read[0].populations["heater"]
    assert table.metrics["water_temperature"] == pytest.approx(physics.water[at], abs=0.006)
    assert table.metrics["heater_current"] == pytest.approx(physics.current[at], abs=0.006)
    failed = (table.signals["heater_on"] == 1) & (table.metrics["heater_current"] == 0)
    assert failed.sum() == 1
