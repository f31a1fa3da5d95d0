"""Reads what people write about who is told in what order, and which devices there are: ladders, device register."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from firesense.domain.alert import AlertClass, Grade
from firesense.domain.catalogue import CLASSES
from firesense.domain.device import Device
from firesense.domain.errors import ConfigError, Fault
from firesense.domain.escalation import Ladder, Rung, Selector
from firesense.yamlfile import Duration, Written, read_shape

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from firesense.domain.place import Org
    from firesense.domain.profile import Profile


class _Rung(Written):
    roles: tuple[str, ...] = Field(min_length=1)
    channels: tuple[str, ...] = Field(min_length=1)
    wait: Duration


class _Ladder(Written):
    rungs: list[_Rung] = Field(min_length=1)
    repeat: int | Literal["forever"] = Field(default=0)


class _Selector(Written):
    ladder: str
    alert_class: tuple[AlertClass, ...] = Field(default=(), alias="class")
    grade: tuple[Grade, ...] = ()
    places: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


class _LadderFile(Written):
    ladders: dict[str, _Ladder] = Field(min_length=1)
    choose: list[_Selector] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Ladders:
    """Ladders by id, and the selectors that choose among them, in order."""

    by_id: Mapping[str, Ladder]
    selectors: tuple[Selector, ...]


def load_ladders(path: Path, org: Org, channels: Collection[str] | None = None) -> Ladders:
    """Read the ladders and check them against the org and (when given) the channels there are.

    Raises ConfigError with every fault: a role no place has, an unknown channel, a class of alert without a ladder.
    """
    written = read_shape(path, _LadderFile)
    file = str(path)
    roles = {role for _, role in org.posts}
    faults: list[Fault] = []
    for name, ladder in written.ladders.items():
        for i, rung in enumerate(ladder.rungs):
            at = f"ladders.{name}.rungs[{i}]"
            faults += [Fault(file, f"{at}.roles", f"no place has a post {r!r}") for r in rung.roles if r not in roles]
            faults += [
                Fault(file, f"{at}.channels", f"there is no channel {channel!r}")
                for channel in rung.channels
                if channels is not None and channel not in channels
            ]
            if rung.wait <= timedelta():
                faults.append(Fault(file, f"{at}.wait", "must be longer than nothing"))
        if isinstance(ladder.repeat, int) and ladder.repeat < 0:
            faults.append(Fault(file, f"ladders.{name}.repeat", "is a count, or the word forever"))
    covered: set[AlertClass] = set()
    for i, selector in enumerate(written.choose):
        at = f"choose[{i}]"
        if selector.ladder not in written.ladders:
            faults.append(Fault(file, f"{at}.ladder", f"there is no ladder {selector.ladder!r}"))
        faults += [
            Fault(file, f"{at}.places", f"there is no place {code!r}")
            for code in selector.places
            if code not in org.places
        ]
        if not (selector.grade or selector.places or selector.tags):
            covered |= set(selector.alert_class or AlertClass)
    faults += [
        Fault(
            file, "choose", f"an alert of class {missing.value!r} may find no ladder: add one without other conditions"
        )
        for missing in AlertClass
        if missing not in covered
    ]
    if faults:
        raise ConfigError(faults)
    return Ladders(
        {
            name: Ladder(
                name,
                tuple(Rung(rung.roles, rung.channels, rung.wait) for rung in ladder.rungs),
                None if ladder.repeat == "forever" else ladder.repeat,
            )
            for name, ladder in written.ladders.items()
        },
        tuple(
            Selector(
                selector.ladder,
                frozenset(selector.alert_class),
                frozenset(selector.grade),
                frozenset(selector.places),
                frozenset(selector.tags),
            )
            for selector in written.choose
        ),
    )


_COLUMNS = ("id", "device_class", "profile", "external_id", "place", "name", "kind", "gateway", "tags", "period")
_REQUIRED = _COLUMNS[:5]


def load_devices(path: Path, profiles: Mapping[str, Profile], org: Org) -> list[Device]:
    """Read a device register (CSV with a header, UTF-8, columns id to place required); slots are left at -1.

    ``tags`` are separated by ``;``, ``period`` is in seconds. Raises ConfigError with every faulty line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError([Fault(str(path), "", error.strerror or str(error))]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([Fault(str(path), "", f"not UTF-8 at byte {error.start}")]) from error
    table = csv.DictReader(text.splitlines())
    header = table.fieldnames or []
    wrong = [f"column {name!r} is missing" for name in _REQUIRED if name not in header]
    wrong += [f"column {name!r} is not known" for name in header if name not in _COLUMNS]
    if wrong:
        raise ConfigError([Fault(str(path), "line 1", reason) for reason in wrong])
    faults: list[Fault] = []
    devices: list[Device] = []
    seen: set[tuple[str, str]] = set()
    for row in table:
        line = f"line {table.line_num}"
        device, reasons = _device({name: (row.get(name) or "").strip() for name in _COLUMNS}, profiles, org)
        for key in (("id", device.id), (device.profile, device.external_id)):
            if key in seen:
                reasons.append(f"{key[1]!r} is given twice")
            seen.add(key)
        faults += [Fault(str(path), line, reason) for reason in reasons]
        devices.append(device)
    if faults:
        raise ConfigError(faults)
    return devices


def _device(row: Mapping[str, str], profiles: Mapping[str, Profile], org: Org) -> tuple[Device, list[str]]:
    """Make a device of one line, with all that is wrong with it."""
    reasons = [f"{name!r} is empty" for name in _REQUIRED if not row[name]]
    profile = profiles.get(row["profile"])
    if row["device_class"] not in CLASSES:
        reasons.append(f"there is no device class {row['device_class']!r}; there are {', '.join(CLASSES)}")
    if profile is None:
        reasons.append(f"there is no profile {row['profile']!r}")
    elif profile.device_class != row["device_class"]:
        reasons.append(f"the profile {profile.id!r} is of class {profile.device_class!r}, not {row['device_class']!r}")
    if row["place"] not in org.places:
        reasons.append(f"there is no place {row['place']!r}")
    period: timedelta | None = None
    if row["period"]:
        try:
            period = timedelta(seconds=float(row["period"]))
        except (ValueError, OverflowError):
            reasons.append(f"the period {row['period']!r} is not a number of seconds")
        else:
            if period <= timedelta():
                reasons.append("the period must be longer than nothing")
    tags = tuple(tag for tag in row["tags"].split(";") if tag)
    return (
        Device(
            row["id"],
            row["device_class"],
            row["profile"],
            row["external_id"],
            row["place"],
            -1,
            row["name"],
            row["kind"],
            row["gateway"],
            tags,
            period,
        ),
        reasons,
    )
