"""What people read about an alert, and the place of one that several devices have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from firesense.domain.catalogue import CLASSES
from firesense.text import LANGUAGES, opening, say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from firesense.domain.alert import Alert
    from firesense.domain.device import Device, Registry
    from firesense.domain.place import Org
    from firesense.domain.rule import Rule


def rule_text(rule: Rule, device: Device, at: str, value: float | None, org: Org) -> Mapping[str, str]:
    """Fill in what a rule says, by language; ``at`` is the code of the place."""
    metric = CLASSES[device.device_class].metrics.get(rule.metric)
    place = org.places.get(at)
    facts = {
        "device": device.name or device.id,
        "place": place.name if place else at,
        "value": "?" if value is None else written(value),
        "unit": metric.unit.removeprefix("1") if metric else "",
        "channel": rule.channel,
    }
    return {language: text.format(**facts) for language, text in rule.text.items()}


def gateway_text(registry: Registry, gateway: str) -> Mapping[str, str]:
    """Say that nothing is heard of a gateway."""
    count = sum(1 for _ in registry.behind(gateway))
    return said("alert.gateway-silent", gateway=gateway, count=count)


def with_first(alert: Alert, first: Alert) -> Mapping[str, str]:
    """Name the first alert of the event behind what an alert says."""
    facts = {"device": first.device, "alert": first.id}
    return {language: text + say("alert.first-out", language, **facts) for language, text in alert.text.items()}


def names_first(alert: Alert) -> bool:
    """Whether what an alert says names another one as the first of its event."""
    return any(opening("alert.first-out", language) in text for language, text in alert.text.items())


def said(key: str, **facts: object) -> Mapping[str, str]:
    """Fill in an entry of the catalogue, by language."""
    return {language: say(key, language, **facts) for language in LANGUAGES}


def written(value: float) -> str:
    """Write a value as people do: at most three decimals, none that say nothing."""
    return f"{round(value, 3) + 0:.3f}".rstrip("0").rstrip(".")  # plus 0 makes nothing of -0.0


def common_place(registry: Registry, org: Org, gateway: str) -> str:
    """Find the lowest place that all devices behind a gateway have in common; the root when there is none."""
    common: list[str] | None = None
    for code in {device.place for device in registry.behind(gateway)}:
        path = [place.code for place in org.path(code)]
        common = path if common is None else [code for code in common if code in path]
    root = org.root.code if org.root else ""
    return common[0] if common else root
