"""Which devices of its class a rule is asked of: its ``where``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from firesense.domain.columns import Mask
    from firesense.domain.device import Registry
    from firesense.domain.rule import Rule

KEYS = ("kind", "profile", "tag")
SEPARATOR = "|"
EXCEPT = "!"


def scope(rule: Rule, registry: Registry) -> Mask | None:
    """Mark the slots of the rule's class that it is asked of; None is all of them."""
    if not rule.where:
        return None
    mask = np.zeros(registry.size(rule.device_class), np.bool_)
    columns = [registry.column(rule.device_class, field) for field in ("kind", "profile", "tags")]
    asked: dict[tuple[str, str, tuple[str, ...]], bool] = {}  # devices differ in few ways
    for slot, kind, profile, tags in zip(registry.column(rule.device_class, "slot"), *columns, strict=True):
        alike = (kind, profile, tags)
        if alike not in asked:
            asked[alike] = fits(kind, profile, tags, rule.where)
        mask[slot] = asked[alike]
    return mask


def fits(kind: str, profile: str, tags: Collection[str], where: Mapping[str, str]) -> bool:
    """Tell whether a device has, for every key, one of the plain values (if there are any) and none of the excepted."""
    has = {"kind": {kind}, "profile": {profile}, "tag": set(tags)}
    for key, written in where.items():
        values = written.split(SEPARATOR)
        plain = {value for value in values if not value.startswith(EXCEPT)}
        excepted = {value.removeprefix(EXCEPT) for value in values} - plain
        if excepted & has[key] or (plain and not plain & has[key]):
            return False
    return True
