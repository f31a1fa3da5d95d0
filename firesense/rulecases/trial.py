"""Tries a case: its frames go the whole way from readings to calls on a hand-wound clock."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from firesense.domain.catalogue import CLASSES
from firesense.domain.escalation import Purpose
from firesense.domain.instant import SECOND, micros
from firesense.domain.readings import UNSAID, Quality, Readings
from firesense.domain.rule import RuleKind
from firesense.reader.reading import LATE_AFTER
from firesense.rehearsal import Rehearsal
from firesense.rulecases.shapes import Failure, written
from firesense.rules import compile_expression
from firesense.rules.expression import RATE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from firesense.domain.plan import Plan
    from firesense.domain.rule import Rule
    from firesense.rehearsal import Course
    from firesense.rulecases.shapes import ExpectedAlert, ExpectedCall, Row, RuleCase

_NEAR = 1e-6  # values are compared to this
_NOW_AND_THEN = 30 * SECOND
_LOOKS = 3000  # and no more of them than this: a case of weeks looks less often


def try_case(case: RuleCase, plan: Plan, kinds: Mapping[str, str]) -> list[Failure]:
    """Let a case happen, and say what did not come as expected. ``plan`` gives rules, org and ladders.

    ``kinds`` maps the name of each channel to its technology.
    """
    rehearsal = Rehearsal(replace(plan, registry=case.registry), kinds, case.start)
    _play(case, rehearsal)
    return [*_alert_failures(case, rehearsal.courses), *_call_failures(case, rehearsal.courses)]


def _play(case: RuleCase, rehearsal: Rehearsal) -> None:
    arriving = {after: list(rows) for after, rows in groupby(case.rows, key=lambda row: row.arrives)}
    offset = 0
    for after in _instants(case, rehearsal.plan.rules):
        now = case.start + after
        deaf = any(span.first <= after < span.last for span in case.deaf)
        if deaf:
            rehearsal.deaf_until(now)
        rows = arriving.get(after, [])
        if rows:
            rehearsal.hear(_tables(case, rows, offset), now)
            offset += len(rows)
        rehearsal.wind(now, listening=not deaf, offset=offset)
        for act in case.acts:
            if act.at == after:
                for course in rehearsal.courses:
                    if course.alert.rule == act.rule and course.alert.open:
                        (rehearsal.take if act.does == "takes" else rehearsal.close)(course, now)


def _instants(case: RuleCase, rules: Iterable[Rule]) -> list[int]:
    """When to look: at every frame and act, when a hold or a silence may run out, and now and then besides."""
    waits = {0}
    for device in case.registry:
        for rule in rules:
            if rule.device_class == device.device_class:
                values = (getattr(rule, field.name) for field in fields(rule))
                waits |= {micros(value) for value in values if isinstance(value, timedelta)}
                waits.add(micros(min((device.period or rule.at_most) * rule.periods, rule.at_most)))
    edges = {0, *(row.arrives for row in case.rows), *(act.at for act in case.acts)}
    edges |= {edge for span in case.deaf for edge in (span.first, span.last)}
    instants = {edge + wait for edge in edges for wait in waits if edge + wait <= case.lasts}
    step = max(_NOW_AND_THEN, case.lasts // _LOOKS)
    return sorted(instants | set(range(0, case.lasts + 1, step)))


def _tables(case: RuleCase, rows: Sequence[Row], offset: int) -> Iterator[Readings]:
    """The readings of frames that arrive together, a table for each class and profile."""
    devices = [case.registry.get(row.device) for row in rows]
    lanes: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index, device in enumerate(devices):
        if device is not None:
            lanes[device.device_class, device.profile].append(index)
    for (device_class, profile), mine in lanes.items():
        columns = dict.fromkeys(column for index in mine for column in rows[index].says)
        kind = CLASSES[device_class]
        late = [Quality.LATE if rows[i].arrives - rows[i].made > micros(LATE_AFTER) else Quality(0) for i in mine]
        quality = np.array(late, np.uint16)
        metrics = {}
        for name in columns:
            if (metric := kind.metrics.get(name)) is not None:
                values = np.array([rows[i].says.get(name, math.nan) for i in mine], np.float64)
                wrong = (values < metric.low) | (values > metric.high)  # as normalise does with what cannot be
                values[wrong] = np.nan
                quality[wrong] |= int(Quality.OUT_OF_RANGE)
                metrics[name] = values
        yield Readings(
            device_class,
            profile,
            np.array([device.slot for i in mine if (device := devices[i]) is not None], np.int32),
            np.array([case.start + rows[i].made for i in mine], np.int64),
            np.array([case.start + rows[i].arrives for i in mine], np.int64),
            np.array([offset + i for i in mine], np.int64),
            quality,
            metrics,
            {
                name: np.array([rows[i].says.get(name, UNSAID) for i in mine], np.int8)
                for name in columns
                if name in kind.signals
            },
        )


# -- comparing --------------------------------------------------------------------------------------------------------
def _alert_failures(case: RuleCase, courses: Iterable[Course]) -> Iterator[Failure]:
    unexpected = list(courses)
    for wanted in case.alerts:
        got = next((c for c in unexpected if (c.alert.rule, c.alert.device) == (wanted.rule, wanted.device)), None)
        name = f"{wanted.rule} at {wanted.device}"
        if got is None:
            when = f" after {wanted.at}" if wanted.at else ""
            yield Failure(case, f"{name}{when}", "nothing of it")
            continue
        unexpected.remove(got)
        yield from (Failure(case, f"{name} {want}", have) for want, have in _differences(case, wanted, got))
    for course in unexpected:
        alert = course.alert
        after = written(alert.raised_at - case.start)
        yield Failure(case, "nothing more", f"{alert.rule} ({alert.alert_class}) at {alert.device} after {after}")


def _differences(case: RuleCase, wanted: ExpectedAlert, got: Course) -> Iterator[tuple[str, str]]:
    raised = got.alert.raised_at - case.start
    over = None if got.over_at is None else got.over_at - case.start
    if wanted.at is not None and not wanted.at.holds(raised):
        yield f"raised after {wanted.at}", f"after {written(raised)}"
    if wanted.cleared is False:
        if over is not None:
            yield "never cleared", f"cleared after {written(over)}"
    elif wanted.cleared is not None and wanted.cleared is not True and (over is None or not wanted.cleared.holds(over)):
        yield f"cleared after {wanted.cleared}", "never" if over is None else f"after {written(over)}"
    for field, value in wanted.says.items():
        have = getattr(got.alert, field)
        near = isinstance(have, float) and isinstance(value, float) and math.isclose(have, value, abs_tol=_NEAR)
        if have != value and not near:
            yield f"with {field.removeprefix('alert_')} {value}", f"{have}"


def _call_failures(case: RuleCase, courses: Iterable[Course]) -> Iterator[Failure]:
    if case.calls is None:
        return
    compared = {Purpose.ALERT, Purpose.NOTICE} | {Purpose(call.purpose) for call in case.calls}
    made: dict[tuple[int, str, str], set[str]] = defaultdict(set)
    for course in courses:
        for call in course.calls:
            if call.purpose in compared:
                made[call.created_at - case.start, call.person, call.purpose.value].add(call.channel)
    for wanted in case.calls:
        key = next((key for key in sorted(made) if _is(wanted, key)), None)
        if key is None:
            yield Failure(case, f"{wanted.who} told after {wanted.at} ({wanted.purpose})", "no such call")
        elif wanted.by is not None and made[key] != wanted.by:
            yield Failure(case, f"{wanted.who} told by {_joined(wanted.by)}", _joined(made[key]))
        if key is not None:
            del made[key]
    for (after, who, purpose), channels in sorted(made.items()):
        yield Failure(case, "no more calls", f"{who} told after {written(after)} by {_joined(channels)} ({purpose})")


def _is(wanted: ExpectedCall, key: tuple[int, str, str]) -> bool:
    after, who, purpose = key
    return who == wanted.who and purpose == wanted.purpose and wanted.at.holds(after)


def _joined(channels: Collection[str]) -> str:
    return " and ".join(sorted(channels))


# -- which rules the cases try ----------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Coverage:
    """Rules (families by their common name) that no case trips, and those that no case tempts in vain."""

    never_tripped: tuple[str, ...]
    never_quiet: tuple[str, ...]


def coverage(cases: Iterable[RuleCase], rules: Iterable[Rule]) -> Coverage:
    """Find the rules that are not tried: a case tempts a rule when a device says what the rule looks at.

    An absence rule is tempted by every device of its class that says anything, a coincidence by any rule it names.
    """
    tripped: set[str] = set()
    quiet: set[str] = set()
    rules = tuple(rules)
    looks_at = {rule.id: _names(rule) for rule in rules}
    for case in cases:
        expected = {family(alert.rule) for alert in case.alerts}
        tripped |= expected
        said: dict[str, set[str]] = defaultdict(set)
        for row in case.rows:
            device = case.registry.get(row.device)
            if device is not None:
                said[device.device_class].update(row.says)
        for rule in rules:
            spoken = said.get(rule.device_class, set())
            tempted = bool(spoken) and looks_at[rule.id] <= spoken
            if rule.kind is RuleKind.COINCIDENCE:  # one side of it is not enough
                tempted = any(family(other) in expected for side in rule.of for other in side)
            if tempted and family(rule.id) not in expected:
                quiet.add(family(rule.id))
    families = dict.fromkeys(family(rule.id) for rule in rules)
    return Coverage(
        tuple(name for name in families if name not in tripped), tuple(name for name in families if name not in quiet)
    )


def family(rule: str) -> str:
    """The id people wrote: without the number of the circuit."""
    return rule.partition(".")[0]


def _names(rule: Rule) -> frozenset[str]:
    if not rule.when:
        return frozenset()
    rate_of = rule.metric if rule.kind is RuleKind.RATE else ""
    names = compile_expression(rule.when, CLASSES[rule.device_class], rate_of).names
    known = CLASSES[rule.device_class]
    return frozenset(name for name in names - {RATE} if name in known.metrics or name in known.signals) | (
        {rule.metric} if rule.metric else set()
    )
