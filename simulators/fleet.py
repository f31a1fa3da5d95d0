"""A made-up fleet: who is installed where, the same for the same seed and size."""

from __future__ import annotations

import csv
from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING, TextIO

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# What hangs on one gateway, mixed so that a fleet of four has every class: 45 % smoke, 25 % water, 15 % each the rest.
PATTERN = "smoke water electrical heater smoke water smoke smoke electrical water smoke heater smoke water smoke electrical smoke water heater smoke".split()  # noqa: E501, SIM905 - a line shows the pattern
PER_GATEWAY = len(PATTERN)
VULNERABLE = 0.2  # of the flats: people living alone


@dataclass(frozen=True, slots=True)
class Device:
    """One row of the device register; ``period`` in seconds."""

    id: str
    device_class: str
    profile: str
    external_id: str
    place: str
    name: str
    kind: str
    gateway: str
    tags: str
    period: int


@dataclass(frozen=True, slots=True)
class Model:
    """A profile, how often it is met within its class, its period in seconds and how its devices are numbered."""

    profile: str
    weight: int
    period: int
    external_id: str


MODELS: dict[str, tuple[Model, ...]] = {
    "smoke": (
        Model("firesense-smoke", 7, 60, "FS26{n:06}"),
        Model("zigbee2mqtt-smoke", 1, 300, "house-{gateway:03}/smoke-{n}"),
        Model("sept-tg563a", 1, 600, "a8404100{n:08x}"),
    ),
    "water": (
        Model("firesense-water", 4, 300, "FW26{n:06}"),
        Model("meokon-pressure", 1, 300, "SHXX{n:08}"),
    ),
    "electrical": (Model("firesense-electrical", 1, 60, "FE26{n:06}"),),
    "heater": (Model("firesense-heater", 1, 300, "FH26{n:06}"),),
}
KINDS: dict[str, tuple[tuple[str, str], ...]] = {
    "smoke": (("flat", "住户"), ("workshop", "作坊"), ("hall", "村礼堂")),
    "water": (("main", "供水干管"), ("hydrant", "消火栓"), ("intake", "取水口")),
    "electrical": (("flat", "住户配电箱"), ("workshop", "作坊配电箱")),
    "heater": (("intake", "取水口加热器"),),
}


def make_fleet(devices: int, seed: int, places: Sequence[str] = ("",)) -> list[Device]:
    """``devices`` rows; the devices of a gateway share a place, and the places take turns."""
    rng = np.random.default_rng([seed, 1])
    decks = {device_class: _deck(models, rng) for device_class, models in MODELS.items()}
    counts = dict.fromkeys(MODELS, 0)
    by_profile: dict[str, int] = {}
    fleet = []
    for number in range(devices):
        group, device_class = number // PER_GATEWAY, PATTERN[number % PER_GATEWAY]
        index = counts[device_class]
        counts[device_class] += 1
        deck = decks[device_class]
        model = deck[index % len(deck)]
        kinds = KINDS[device_class]
        kind, label = kinds[index] if index < len(kinds) else kinds[int(rng.integers(len(kinds)))]
        tags = "vulnerable" if kind == "flat" and rng.random() < VULNERABLE else ""
        n = by_profile[model.profile] = by_profile.get(model.profile, 0) + 1
        fleet.append(
            Device(
                id=f"{device_class}-{index + 1:05}",
                device_class=device_class,
                profile=model.profile,
                external_id=model.external_id.format(n=n, gateway=group + 1),
                place=places[group % len(places)],
                name=f"{label}{index + 1}号",
                kind=kind,
                gateway=f"gw-{group + 1:04}",
                tags=tags,
                period=model.period,
            )
        )
    return fleet


def _deck(models: Sequence[Model], rng: np.random.Generator) -> list[Model]:
    """Every model as often as its weight, shuffled behind the first one: dealt over and over it keeps the mix."""
    rest = [model for model in models for _ in range(model.weight)][1:]
    return [models[0], *(rest[i] for i in rng.permutation(len(rest)))]


def write_csv(fleet: Iterable[Device], out: TextIO) -> None:
    """Write a device register: one header line, one line a device."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(field.name for field in fields(Device))
    writer.writerows(astuple(device) for device in fleet)
