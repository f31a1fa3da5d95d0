"""The engine: every rule of a plan, asked of tables of readings and of the clock; only what changes comes out.

Rows move the state of rules in the order they arrived. What moves it how:

==================  ==================================================================================================
a row that is       does
==================  ==================================================================================================
current             trips and clears
late or replayed    nothing, but for a device's own fire flag (a signal rule of fire class): it trips, never clears
older than another  the same: a device whose clock was put back is still heard when it says fire
row of its device
retained            trips and clears (a detector that is in alarm when we subscribe is in alarm), but does not show
                    that the device is alive, and is no point of a rate
==================  ==================================================================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from firesense.domain.calendar import Calendars
from firesense.domain.device import Registry
from firesense.domain.frame import NOT_JOURNALED
from firesense.domain.place import Org
from firesense.domain.rule import RuleKind
from firesense.rules.absence import Absence
from firesense.rules.coincidence import Coincidence
from firesense.rules.condition import Condition
from firesense.rules.past import Past
from firesense.rules.scope import scope
from firesense.rules.surroundings import OF_QUALITY, Surroundings
from firesense.rules.table import Order

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import timedelta

    from firesense.domain.columns import Instants, Mask
    from firesense.domain.instant import Instant
    from firesense.domain.readings import Readings
    from firesense.domain.rule import Firing, Rule, Transition


ASKED_OF_READINGS = frozenset({RuleKind.SIGNAL, RuleKind.THRESHOLD, RuleKind.RATE})


class RuleEngine:
    """The rules of one plan with their state for every device; it belongs to one thread.

    A new plan makes a new engine, which takes the state of the old one over.
    """

    def __init__(
        self,
        rules: Iterable[Rule],
        registry: Registry,
        *,
        periods: Mapping[str, timedelta],
        started_at: Instant,
        org: Org | None = None,
        calendars: Calendars | None = None,
    ) -> None:
        """Start with every rule idle and every device just heard.

        ``periods`` maps a profile to how often its devices report, for those with no period of their own; ``org`` and
        ``calendars`` answer ``tag()`` and ``season()``. Raises ExpressionError for a condition that ``load_rules``
        would have refused.
        """
        rules = tuple(rules)
        classes = registry.classes
        self._orders = {name: Order(registry.size(name)) for name in classes}
        self._conditions: dict[str, list[Condition]] = {name: [] for name in classes}
        self._registered = {name: _occupied(registry, name) for name in classes}
        for rule in rules:
            if rule.kind in ASKED_OF_READINGS and rule.device_class in classes:
                condition = Condition(rule, registry.size(rule.device_class), scope(rule, registry))
                self._conditions[rule.device_class].append(condition)
        org, calendars = org or Org(), calendars or Calendars()
        self._past: dict[str, Past] = {}
        self._surroundings: dict[str, Surroundings] = {}
        for name, conditions in self._conditions.items():
            looks = sorted({look for one in conditions for look in one.looks}, key=lambda look: look.name)
            still = [look for look in looks if look.still]
            self._past[name] = Past([look for look in looks if not look.still], registry.size(name))
            self._surroundings[name] = Surroundings(still, name, registry, org, calendars)
        silences = [rule for rule in rules if rule.kind is RuleKind.ABSENCE]
        self._absence = Absence(silences, registry if silences else Registry(), periods, started_at)
        meetings = [rule for rule in rules if rule.kind is RuleKind.COINCIDENCE]
        self._coincidence = Coincidence(meetings, registry, org)

    def apply(self, readings: Readings) -> list[Transition]:
        """Ask all rules of the class of a table, in the order of its rows; transitions come by journal offset."""
        order = self._orders.get(readings.device_class)
        if order is None or len(readings) == 0:
            return []
        changed: list[Transition] = []
        self._absence.apply(readings, changed)
        table = order.table(readings)
        self._surroundings[readings.device_class].add(table)
        self._past[readings.device_class].add(table)
        for condition in self._conditions[readings.device_class]:
            condition.apply(table, changed)
        if changed:
            changed.sort(key=lambda transition: transition.offset)
            self._coincidence.apply(changed)
            changed.sort(key=lambda transition: transition.offset)
        return changed

    def tick(self, now: Instant, *, listening: bool, position: int = NOT_JOURNALED) -> list[Transition]:
        """Ask what time has changed: holds that have run out and, only while listening, devices that fell silent.

        ``position`` is written on the transitions as their offset. Costs by what is due, not by devices.
        """
        changed: list[Transition] = []
        for condition in self._each():
            condition.tick(now, position, changed)
        if listening:
            self._absence.tick(now, position, changed)
        self._coincidence.tick(now, position, changed)
        return changed

    def heard_again_from(self, now: Instant) -> None:
        """Measure every silence from now on: we did not listen before (a pause of ours, a broker that was gone)."""
        self._absence.heard_again_from(now)

    @property
    def pending(self) -> int:
        """How many answers will trip unless a reading says otherwise."""
        return sum(condition.pending for condition in self._each())

    def last_seen(self, device_class: str) -> Instants:
        """When each device of a class was last heard, by slot; 0 is never."""
        hearing = self._absence.hearing.get(device_class)
        return np.zeros(0, np.int64) if hearing is None else hearing.last.copy()

    def asked(self, device_class: str) -> frozenset[str] | None:
        """The columns of the readings of a class that its rules look at; None when they look at more than columns."""
        conditions = self._conditions.get(device_class, ())
        looks = {look for condition in conditions for look in condition.looks}
        if any(not look.still or look.function in OF_QUALITY for look in looks):
            return None
        return frozenset().union(*(condition.names for condition in conditions)) - {look.name for look in looks}

    # -- what is kept -----------------------------------------------------------------------------------------------
    def snapshot(self) -> dict[str, np.ndarray[Any, Any]]:
        """All state as named arrays, none of them of objects; they may change with the next reading."""
        columns = {f"newest/{name}": order.newest for name, order in self._orders.items()}
        columns |= self._absence.snapshot()
        for device_class, past in self._past.items():
            columns |= {f"past/{device_class}/{name}": column for name, column in past.kept().items()}
        for together in self._coincidence.each:
            columns |= {f"{name}/{_key(together.rule)}": column for name, column in together.snapshot().items()}
        for condition in self._each():
            for name, column in condition.snapshot().items():
                columns[f"{name}/{_key(condition.rule)}"] = column
        return columns

    def restore(self, snapshot: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """Take a snapshot over, rule by rule: what is missing, of another shape or another version starts idle."""
        for name, order in self._orders.items():
            newest = snapshot.get(f"newest/{name}")
            if newest is not None and newest.ndim == 1 and newest.dtype == np.int64:
                rows = min(len(newest), len(order.newest))
                order.newest[:rows] = newest[:rows]
        self._absence.restore(snapshot)
        for device_class, past in self._past.items():
            prefix = f"past/{device_class}/"
            past.restore(
                {name.removeprefix(prefix): kept for name, kept in snapshot.items() if name.startswith(prefix)}
            )
        for together in self._coincidence.each:
            together.restore(_of(snapshot, _key(together.rule), "names", "trips", "places", "slots"))
        for name, conditions in self._conditions.items():
            for condition in conditions:
                condition.restore(_of(snapshot, _key(condition.rule), "state", "trips"), self._registered[name])

    def take_over(self, old: RuleEngine) -> None:
        """Go on where the engine of the plan before stood, for all rules that did not change."""
        self.restore(old.snapshot())

    def settle(self, firing: Collection[Firing]) -> None:
        """Make firing exactly what the book says is firing; what is pending goes on.

        Called after a start and after a change of plan, when state may be missing or of another rule version.
        """
        for condition in self._each():
            rule = condition.rule
            condition.settle([f.slot for f in firing if f.rule == rule.id and f.device_class == rule.device_class])
        self._absence.settle(list(firing))
        for together in self._coincidence.each:
            together.settle(firing)

    def leave(self, closed: Collection[Firing]) -> None:
        """Know where alerts were closed while a rule was firing (see ``release``), and that this is not over yet.

        Called after ``settle``, which knows of open alerts only.
        """
        for condition in self._each():
            rule = condition.rule
            condition.leave([f.slot for f in closed if f.rule == rule.id and f.device_class == rule.device_class])
        self._absence.leave(closed)
        for together in self._coincidence.each:
            together.leave(closed)

    def release(self, firing: Firing, now: Instant) -> None:
        """Forget that a rule is firing: a person has closed its alert.

        As on a fire panel that is reset, the next reading that says so trips it again; a silence counts from now on.
        """
        for condition in self._each():
            if condition.rule.id == firing.rule:
                condition.release(firing.slot)
        self._absence.release(firing, now)
        for together in self._coincidence.each:
            together.release(firing)

    def _each(self) -> Iterable[Condition]:
        for conditions in self._conditions.values():
            yield from conditions


def _occupied(registry: Registry, device_class: str) -> Mask:
    """Mark the slots of a class that have a device: of those that were taken out, nothing is remembered."""
    there = np.zeros(registry.size(device_class), np.bool_)
    there[registry.slots(device_class)] = True
    return there


def _key(rule: Rule) -> str:
    return f"{rule.id}@{rule.version}"


def _of(snapshot: Mapping[str, np.ndarray[Any, Any]], key: str, *names: str) -> dict[str, np.ndarray[Any, Any]]:
    """Pick the columns of one rule."""
    return {name: snapshot[f"{name}/{key}"] for name in names if f"{name}/{key}" in snapshot}
