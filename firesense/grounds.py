"""The grounds of an alert, gathered when it is raised: the rule as written, the readings, the route. Pure.

Readings come from the tables at hand; whoever raises the alert decides how far back these go.
"""

from __future__ import annotations

import math
from dataclasses import fields
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from firesense.domain.because import NOTHING, Because, Witness
from firesense.domain.calendar import HOLIDAY, NIGHT, within
from firesense.domain.catalogue import CLASSES
from firesense.domain.readings import UNSAID
from firesense.domain.rule import RuleKind
from firesense.route import select
from firesense.rules import compile_expression

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from firesense.domain.alert import Alert
    from firesense.domain.because import Aside
    from firesense.domain.device import Device
    from firesense.domain.escalation import Selector
    from firesense.domain.instant import Instant
    from firesense.domain.plan import Plan
    from firesense.domain.readings import Readings
    from firesense.domain.rule import Rule

# What sets a place or a time apart, by function of the conditions; the period it asks for, if it is always the same.
SET_APART = {"season": "", "tag": "", "night": NIGHT, "holiday": HOLIDAY}
MOST = 20  # readings kept with an alert
_APART = frozenset({"id", "version", "device_class", "alert_class", "grade", "text", "channel", "metric", "where"})

_MEANT_FOR = {
    RuleKind.RATE: ("per", "window"),
    RuleKind.ABSENCE: ("periods", "at_most"),
    RuleKind.COINCIDENCE: ("of", "devices", "within", "share"),
}


def needs_the_past(rule: Rule) -> bool:
    """Whether one reading does not show why a rule tripped: it held for some time, looks back, or heard nothing."""
    return bool(rule.hold) or rule.kind in {RuleKind.RATE, RuleKind.ABSENCE}


def because(
    alert: Alert,
    rule: Rule | None,
    plan: Plan,
    tables: Iterable[Readings],
    now: Instant,
    *,
    confirmed: bool = False,
    aside: Aside = NOTHING,
) -> Because:
    """Gather the grounds of an alert that has just been raised; ``rule`` is None when it comes of none.

    ``confirmed`` says that another fire is open at the same place.
    """
    device = plan.registry.get(alert.device)
    return Because(
        alert.id,
        {} if rule is None else _as_written(rule),
        {} if rule is None or device is None else _asked(rule, device),
        _route(*select(alert, plan, now, confirmed=confirmed)),
        () if rule is None or device is None else _witnesses(alert, rule, device, tables),
        {} if rule is None or device is None else _in_force(alert, rule, device, plan),
        aside,
    )


def _as_written(rule: Rule) -> Mapping[str, str]:
    """Whatever of a rule says something, in words: durations as ``1h30m``, lists as they were joined."""
    said: dict[str, str] = {}
    for field in fields(rule):
        value = getattr(rule, field.name)
        if field.name not in _APART and value not in ("", False, timedelta(), None, (), {}):
            said[field.name] = _word(value)
    for kind, names in _MEANT_FOR.items():
        if rule.kind is not kind:
            for name in names:
                said.pop(name, None)
    return said


def _word(value: object) -> str:
    if isinstance(value, timedelta):
        return duration(value)
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple):  # of a coincidence: any rule of each side
        return " and ".join(" or ".join(side) if isinstance(side, tuple) else str(side) for side in value)
    return str(value)


def duration(length: timedelta) -> str:
    """Write a duration as people write it in rules: ``1h30m``, ``0.5s``."""
    seconds = length.total_seconds()
    days, rest = divmod(seconds, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, seconds = divmod(rest, 60)
    parts = ((days, "d"), (hours, "h"), (minutes, "m"), (seconds, "s"))
    return "".join(f"{count:g}{unit}" for count, unit in parts if count) or "0s"


def _asked(rule: Rule, device: Device) -> Mapping[str, str]:
    mine = {"kind": device.kind, "profile": device.profile, "tag": ", ".join(device.tags)}
    return {key: f"{wanted} ({mine.get(key, '')})" for key, wanted in rule.where.items()}


def _in_force(alert: Alert, rule: Rule, device: Device, plan: Plan) -> Mapping[str, bool]:
    """Which seasons, nights, holidays and tags that the conditions ask for there were: they change the limits."""
    looks = {
        look
        for text in (rule.when, rule.clears)
        if text
        for look in compile_expression(text, CLASSES[rule.device_class], rule.metric).looks
        if look.function in SET_APART
    }
    if not looks:
        return {}
    path = list(plan.org.path(device.place))
    tags = {tag for place in path for tag in place.tags} | set(device.tags)
    codes = [place.code for place in path]
    found: dict[str, bool] = {}
    for look in sorted(looks, key=lambda look: look.name):
        if look.function == "tag":
            found[look.name] = look.subject in tags
            continue
        period = plan.calendars.at(SET_APART[look.function] or look.subject, codes)
        found[look.name] = period is not None and bool(within(period.edges, np.array([alert.event_at]))[0])
    return found


def _route(number: int, selector: Selector | None) -> Mapping[str, str]:
    if selector is None:
        return {}
    chosen = {"ladder": selector.ladder, "selector": str(number + 1)}
    for name, wanted in (
        ("class", selector.alert_classes),
        ("grade", selector.grades),
        ("place", selector.places),
        ("tag", selector.tags),
        ("season", selector.seasons),
    ):
        if wanted:
            chosen[name] = ", ".join(sorted(wanted))
    if selector.hours is not None:
        chosen["hours"] = f"{_clock(selector.hours.first)}-{_clock(selector.hours.last)}"
    if selector.confirmed:
        chosen["confirmed"] = "true"
    if selector.start:
        chosen["start"] = str(selector.start + 1)
    return chosen


def _clock(after_midnight: timedelta) -> str:
    minutes = after_midnight // timedelta(minutes=1)
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _witnesses(alert: Alert, rule: Rule, device: Device, tables: Iterable[Readings]) -> tuple[Witness, ...]:
    names = _looked_at(rule)
    found: list[Witness] = []
    for table in tables:
        if table.device_class != device.device_class:
            continue
        rows = np.flatnonzero((table.slots == device.slot) & (table.offsets <= alert.offset))
        found += (_witness(table, row, names) for row in rows[-MOST:].tolist())
    found.sort(key=lambda witness: (witness.offset, witness.event_at))
    return tuple(found[-MOST:])


def _looked_at(rule: Rule) -> frozenset[str] | None:
    """The columns a rule looks at; None for all of them."""
    if rule.kind is RuleKind.ABSENCE:
        return None
    known = CLASSES[rule.device_class]
    rate_of = rule.metric if rule.kind is RuleKind.RATE else ""
    texts = [text for text in (rule.when, rule.clears) if text]
    names = frozenset().union(*(compile_expression(text, known, rate_of).names for text in texts), {rule.metric})
    return names or None


def _witness(table: Readings, row: int, names: frozenset[str] | None) -> Witness:
    says = {name: float(column[row]) for name, column in table.metrics.items() if names is None or name in names}
    says = {name: value for name, value in says.items() if not math.isnan(value)}
    says |= {
        name: float(column[row])
        for name, column in table.signals.items()
        if (names is None or name in names) and column[row] != UNSAID
    }
    return Witness(
        int(table.event_at[row]), int(table.received_at[row]), int(table.offsets[row]), int(table.quality[row]), says
    )
