"""Which devices of its class a rule is asked of: its ``where``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from firesense.domain.columns import Mask
    from firesense.domain.device import Device, Registry
    from firesense.domain.rule import Rule

KEYS = ("kind", "profile", "tag")
SEPARATOR = "|"
EXCEPT = "!"


def scope(rule: Rule, registry: Registry) -> Mask | None:
    """Mark the slots of the rule's class that it is asked of; None is all of them."""
    if not rule.where:
        return None
    mask = np.zeros(registry.size(rule.device_class), np.bool_)
    for device in registry.of_class(rule.device_class):
        mask[device.slot] = fits(device, rule.where)
    return mask


def fits(device: Device, where: Mapping[str, str]) -> bool:
    """Tell whether a device has, for every key, one of the plain values (if there are any) and none of the excepted."""
    has = {"kind": {device.kind}, "profile": {device.profile}, "tag": set(device.tags)}
    for key, written in where.items():
        values = written.split(SEPARATOR)
        plain = {value for value in values if not value.startswith(EXCEPT)}
        excepted = {value.removeprefix(EXCEPT) for value in values} - plain
        if excepted & has[key] or (plain and not plain & has[key]):
            return False
    return True
