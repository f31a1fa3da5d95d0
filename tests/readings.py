"""Devices and readings for tests."""

from __future__ import annotations

import numpy as np

from firesense.domain.device import Device, Registry
from firesense.domain.readings import UNSAID, Readings
from tests.frames import T0


def device(slot=0, device_class="smoke", **rest):
    """Make a device whose id tells its class and slot."""
    given = {
        "id": f"{device_class}-{slot}",
        "profile": f"acme-{device_class}",
        "external_id": f"x{slot}",
        "place": "riverside-3",
        "slot": slot,
        "device_class": device_class,
    }
    return Device(**(given | rest))


def registry_of(n=4, **rest):
    return Registry(device(slot, **rest) for slot in range(n))


def readings(*rows, device_class="smoke", signals=("fire", "test"), first_offset=0):
    """Make a table of rows: dicts with ``slot``, ``at`` (microseconds after T0), ``quality`` and columns."""
    extra = ("slot", "at", "quality", "offset")
    names = list(dict.fromkeys(name for row in rows for name in row if name not in extra))
    return Readings(
        device_class,
        f"acme-{device_class}",
        np.array([row.get("slot", 0) for row in rows], dtype=np.int32),
        np.array([T0 + row.get("at", 0) for row in rows], dtype=np.int64),
        np.array([T0 + i for i in range(len(rows))], dtype=np.int64),
        np.array([row.get("offset", first_offset + i) for i, row in enumerate(rows)], dtype=np.int64),
        np.array([row.get("quality", 0) for row in rows], dtype=np.uint16),
        {n: np.array([row.get(n, np.nan) for row in rows], dtype=np.float64) for n in names if n not in signals},
        {n: np.array([row.get(n, UNSAID) for row in rows], dtype=np.int8) for n in names if n in signals},
    )
