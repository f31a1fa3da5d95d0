"""The examples of profiles, run through a real reader: what an integrator wrote down is what comes out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from firesense.domain.device import Device, Registry
from firesense.domain.errors import Fault
from firesense.domain.frame import FrameBatch
from firesense.domain.instant import iso
from firesense.domain.readings import UNSAID, Quality
from firesense.profiles.loading import read_profiles
from firesense.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from firesense.domain.profile import Example, Expected, Profile
    from firesense.domain.readings import Readings

TOLERANCE = 1e-6  # of an expected value, in its canonical unit
FEWEST_GOOD = 2
FEWEST_REFUSED = 2


def check_profiles(folder: Path) -> list[Fault]:
    """Load every profile and run its examples; gives all that is wrong, in the order of files and paths."""
    profiles, faults = read_profiles(folder)
    for profile in profiles.values():
        faults.extend(Fault(profile.file, path, reason) for path, reason in _check(profile))
    return sorted(faults)


def _check(profile: Profile) -> Iterator[tuple[str, str]]:
    good = sum(example.refused is None for example in profile.examples)
    refused = len(profile.examples) - good
    if good < FEWEST_GOOD or refused < FEWEST_REFUSED:
        yield "examples", f"{good} read and {refused} refused; give at least {FEWEST_GOOD} and {FEWEST_REFUSED}"
    for number, example in enumerate(profile.examples):
        for reason in _run(profile, example):
            yield f"examples[{number}]", f"{example.name}: {reason}"


def _run(profile: Profile, example: Example) -> list[str]:
    """Read one example as if its device were registered; gives what is not as expected."""
    device = Device("example", profile.device_class, profile.id, example.device, "example", 0)
    read = Reader({profile.id: profile}, Registry([device])).read(
        FrameBatch(
            "example",
            [example.topic],
            [example.payload],
            np.array([example.received_at]),
            np.zeros(1, dtype=np.uint8),
            np.zeros(1, dtype=np.uint16),
            0,
        )
    )
    if read.refusals:
        refusal = read.refusals[0]
        if refusal.reason is example.refused:
            return []
        wanted = f"refused as {example.refused}" if example.refused else "read"
        return [f"is refused as {refusal.reason} ({refusal.detail}) and should be {wanted}"]
    if example.refused is not None:
        return [f"is read and should be refused as {example.refused}"]
    table = read.tables[0]
    if len(table) != len(example.expected):
        return [f"gives {len(table)} rows, not {len(example.expected)}"]
    return [fault for row, expected in enumerate(example.expected) for fault in _compare(table, row, expected)]


def _compare(table: Readings, row: int, expected: Expected) -> Iterator[str]:
    where = f"row {row + 1}: " if len(table) > 1 else ""
    for name, value in expected.metrics.items():
        said = float(table.metrics[name][row]) if name in table.metrics else math.nan
        wanted = math.nan if value is None else value
        if not (math.isnan(said) and math.isnan(wanted)) and not abs(said - wanted) <= TOLERANCE:
            yield f"{where}{name} is {'not said' if math.isnan(said) else said}, not {value}"
    for name, asserted in expected.signals.items():
        state = int(table.signals[name][row]) if name in table.signals else UNSAID
        answer = None if state == UNSAID else bool(state)
        if answer is not asserted:
            yield f"{where}{name} is {_word(answer)}, not {_word(asserted)}"
    if expected.event_at is not None and int(table.event_at[row]) != expected.event_at:
        yield f"{where}happened at {iso(int(table.event_at[row]))}, not {iso(expected.event_at)}"
    if expected.quality is not None:
        marks = {str(mark.name).lower() for mark in Quality if int(table.quality[row]) & mark.value}
        if marks != set(expected.quality):
            yield f"{where}quality is {sorted(marks)}, not {sorted(expected.quality)}"


def _word(answer: bool | None) -> str:  # noqa: FBT001 - a signal's three answers
    return "not said" if answer is None else str(answer).lower()
