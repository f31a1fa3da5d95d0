"""How the registered devices are, by what is open about them (GB/T 45839-2025 5.8.2). Columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from firesense.domain.alert import AlertClass
from firesense.domain.rule import RuleKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from firesense.domain.columns import Mask, Slots
    from firesense.domain.figures import OpenAlert
    from firesense.domain.plan import Plan


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """One row a device; ``kind`` is the number of its class and profile in ``kinds``.

    ``silent``: an alert of a rule of absence is open, of the device or of its gateway. ``in_alarm``: a fire is open.
    ``in_fault``: another fault is.
    """

    devices: Sequence[str]
    places: Sequence[str]
    kind: Slots
    kinds: tuple[tuple[str, str], ...]
    silent: Mask
    in_alarm: Mask
    in_fault: Mask


def conditions(plan: Plan, open_alerts: Sequence[OpenAlert]) -> Condition:
    """Say of every registered device how it is."""
    registry = plan.registry
    absences = {rule.id for rule in plan.rules if rule.kind is RuleKind.ABSENCE}
    gone = {alert.device for alert in open_alerts if alert.rule in absences}
    burning = {alert.device for alert in open_alerts if alert.alert_class is AlertClass.FIRE}
    faulty = {
        alert.device for alert in open_alerts if alert.alert_class is AlertClass.FAULT and alert.rule not in absences
    }
    devices: list[str] = []
    places: list[str] = []
    kind: list[int] = []
    silent: list[bool] = []
    kinds: dict[tuple[str, str], int] = {}
    for device_class in registry.classes:
        ids = registry.column(device_class, "id")
        devices += ids
        places += registry.column(device_class, "place")
        profiles = registry.column(device_class, "profile")
        kind += [kinds.setdefault((device_class, profile), len(kinds)) for profile in profiles]
        gateways = registry.column(device_class, "gateway")
        silent += [
            one in gone or (gateway != "" and gateway in gone) for one, gateway in zip(ids, gateways, strict=True)
        ]
    return Condition(
        devices,
        places,
        np.array(kind, dtype=np.int32),
        tuple(kinds),
        np.array(silent, dtype=bool),
        np.array([device in burning for device in devices], dtype=bool),
        np.array([device in faulty for device in devices], dtype=bool),
    )
