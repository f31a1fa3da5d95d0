"""Real fires: readings of instruments at stations where real alarms hung, put to the numeric rules alone."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import numpy as np

from firesense.domain.device import Device, Registry
from firesense.domain.instant import MINUTE, SECOND
from firesense.domain.readings import Readings
from firesense.rehearsal import Rehearsal
from tests.quality.towns import PLACES, START

DATA = Path(__file__).parents[3] / "shared/data"
BEFORE = 20 * MINUTE  # of the first readings, so that windows are filled: rooms are at rest before a fire
DB_PER_OD = 10.0  # optical density per metre -> dB/m
CABLE_LIMIT = 85.0  # degC
STEP = 5 * SECOND  # how finely holds run out between two reports


@dataclass(frozen=True)
class Station:
    """A place of a test: what its instruments at the ceiling said, and when its alarms sounded (s; None: never)."""

    test: str
    name: str
    at: np.ndarray
    density: np.ndarray
    temperature: np.ndarray
    photoelectric: float | None
    ionisation: float | None


def _lines(file):
    return file.read_text(encoding="utf-8-sig").splitlines()


def stations(folder=DATA / "nist_smoke_alarms"):
    """The stations of the NIST tests that have a smoke meter and a thermocouple at the ceiling."""
    if not folder.exists():
        return []
    names, times = list(csv.reader(_lines(folder / "Activation_Times.csv")))
    alarms = {}
    for name, time in zip(names[1:], times[1:], strict=True):
        test, kind, station = re.fullmatch(r"(SDC\d+)-(Ion|Pho)\d([A-G])", name).groups()
        alarms.setdefault((test, station, kind), []).append(float(time))
    found = []
    for file in sorted(folder.glob("NIST_Smoke_Alarms_SDC*.csv")):
        test = file.stem.rpartition("_")[2]
        rows = list(csv.DictReader(_lines(file)))
        at = np.asarray([float(row["TIME"]) for row in rows])
        for name in "ABCDEF":
            if f"SM{name}_1" in rows[0] and f"TC{name}_1" in rows[0]:
                density = DB_PER_OD * np.asarray([float(row[f"SM{name}_1"]) for row in rows])
                temperature = np.asarray([float(row[f"TC{name}_1"]) for row in rows])
                pho, ion = (min(alarms.get((test, name, kind), []), default=None) for kind in ("Pho", "Ion"))
                found.append(Station(test, name, at, density, temperature, pho, ion))
    return found


def detected(station: Station, plan, kinds, every):
    """When the rules first raise a fire or hazard at a station, in seconds after ignition; None when they do not.

    The detector reports every ``every`` seconds and has no flag of its own.
    """
    device = Device("station", "smoke", "case", "x", PLACES[0], 0, kind="flat", period=timedelta(seconds=every))
    ticks = np.arange(-BEFORE / SECOND, station.at[-1] + every, every)
    said = {
        "smoke_density": np.maximum(np.interp(ticks, station.at, station.density), 0),
        "temperature": np.interp(ticks, station.at, station.temperature),
    }
    courses = run(plan, kinds, device, ticks, said)
    return min((seconds for _, grade, seconds in courses if grade in {"fire", "hazard"}), default=None)


def cables(file=DATA / "carolfire/CAROLFIRE_PT_1.csv", limit=CABLE_LIMIT):
    """(cable, second it was at the limit, its readings) of the penlight test: cables heated to hundreds of degrees."""
    if not file.exists():
        return []
    rows = list(csv.DictReader(_lines(file)))
    at = np.asarray([float(row["Time"]) for row in rows])
    found = []
    for name in (name for name in rows[0] if name.startswith("Cable")):
        values = np.asarray([float(row[name]) for row in rows])
        found.append((name, float(at[np.argmax(values >= limit)]), at, values))
    return found


def cable_detected(at, values, plan, kinds, every):
    device = Device("panel", "electrical", "case", "x", PLACES[0], 0, kind="workshop", period=timedelta(seconds=every))
    ticks = np.arange(-BEFORE / SECOND, at[-1] + every, every)
    courses = run(plan, kinds, device, ticks, {"cable_temperature_1": np.interp(ticks, at, values)})
    return min((seconds for _, grade, seconds in courses if grade == "hazard"), default=None)


def run(plan, kinds, device, ticks, said):
    """(rule, class, second after ignition) of what is raised when a device says these columns at these ticks."""
    rehearsal = Rehearsal(replace(plan, registry=Registry([device])), kinds, START)
    zero = START + BEFORE
    for offset, tick in enumerate(ticks.tolist()):
        at = zero + int(tick * SECOND)
        one = np.array([at], np.int64)
        columns = {name: column[offset : offset + 1] for name, column in said.items()}
        row = Readings(
            device.device_class,
            device.profile,
            np.zeros(1, np.int32),
            one,
            one,
            np.array([offset], np.int64),
            np.zeros(1, np.uint16),
            columns,
            {},
        )
        rehearsal.hear([row], at)
        for now in range(at, at + int((ticks[1] - ticks[0]) * SECOND), STEP):
            rehearsal.wind(now, offset=offset + 1)
    return [
        (course.alert.rule, str(course.alert.alert_class), (course.alert.raised_at - zero) / SECOND)
        for course in rehearsal.courses
    ]
