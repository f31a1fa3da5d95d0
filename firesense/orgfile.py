"""Reads the device register: which devices there are, and where."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from firesense.domain.catalogue import CLASSES
from firesense.domain.device import Device
from firesense.domain.errors import ConfigError, Fault
from firesense.domain.instant import instant

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from firesense.domain.place import Org
    from firesense.domain.profile import Profile


_COLUMNS = (
    *("id", "device_class", "profile", "external_id", "place"),
    *("name", "kind", "gateway", "tags", "period", "installed"),
)
_REQUIRED = _COLUMNS[:5]


def load_devices(path: Path, profiles: Mapping[str, Profile], org: Org) -> list[Device]:
    """Read a device register (CSV with a header, UTF-8, columns id to place required); slots are left at -1.

    ``tags`` are separated by ``;``, ``period`` is in seconds, ``installed`` a day such as 2026-05-01.
    Raises ConfigError with every faulty line.
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
            _day(row["installed"], reasons),
        ),
        reasons,
    )


def _day(written: str, reasons: list[str]) -> int:
    """Read the day a device was installed, as an instant; 0 for none."""
    if not written:
        return 0
    try:
        return instant(datetime.combine(date.fromisoformat(written), time(), UTC))
    except ValueError:
        reasons.append(f"{written!r} is no day such as 2026-05-01")
        return 0
