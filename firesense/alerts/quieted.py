"""What a quiet window makes of a new alert, and when a fire that a walk test made a test turns out to be real."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from firesense.domain.alert import AlertClass, Condition
from firesense.domain.quiet import Quiets

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from firesense.domain.alert import Alert
    from firesense.domain.device import Registry
    from firesense.domain.instant import Instant
    from firesense.domain.place import Org
    from firesense.domain.readings import Readings
    from firesense.domain.rule import Rule, Transition


def heard_at(tables: Iterable[Readings], one: Transition) -> Instant:
    """When the reading that made a transition was received; of one that time made, when it happened.

    It decides which window it falls into, so it must not depend on when, or in what company, a frame is judged.
    """
    for table in tables:
        if table.device_class != one.device_class:
            continue
        first, last = np.searchsorted(table.offsets, [one.offset, one.offset + 1])
        rows = slice(int(first), int(last))
        same = (table.slots[rows] == one.slot) & (table.event_at[rows] == one.event_at)
        if same.any():
            return int(table.received_at[rows][np.argmax(same)])
    return one.event_at


class Quieted:
    """The windows, and the open alerts that their walk tests made tests though their rules say fire."""

    def __init__(self, rules: Mapping[str, Rule], registry: Registry, org: Org, kinds: Collection[str]) -> None:
        """Know of no window: whoever looks after them sets ``windows``. ``kinds`` has the channels there are."""
        self.windows = Quiets()
        self._rules = rules
        self._registry = registry
        self._org = org
        self._kinds = kinds
        self._tests: dict[str, Alert] = {}

    def follow(self, alerts: Iterable[Alert]) -> None:
        """Take over what is open."""
        self._tests = {
            alert.id: alert for alert in alerts if alert.condition is Condition.FIRING and self._would_be_fire(alert)
        }

    def seen(self, alert: Alert, at: Instant) -> Alert:
        """Give a new alert as the window over it has it seen; ``at`` is when what made it was heard."""
        window = self.windows.over(alert, self._registry, self._org, at)
        if window is None:
            return alert
        if window.tests(alert.alert_class) and not window.reaches(self._org, self._kinds):
            return alert  # nobody would hear of it: a fire is one
        alert = replace(alert, quiet=window.id)
        if window.tests(alert.alert_class):
            alert = replace(alert, alert_class=AlertClass.TEST)
            if self._would_be_fire(alert):
                self._tests[alert.id] = alert
        return alert

    @property
    def testing(self) -> bool:
        """Whether any fire is a test now."""
        return bool(self._tests)

    def is_real(self, known: Alert, at: Instant) -> bool:
        """Whether an open alert is a fire that a walk test made a test, and that test has been over for too long."""
        return known.id in self._tests and at >= self._real_at(known)

    def turned_real(self, clock: Instant) -> list[tuple[Alert, Instant]]:
        """Give the tests that still say fire though their walk test has been over for too long, and since when."""
        found = [(test, self._real_at(test)) for test in self._tests.values()]
        return [(test, real_at) for test, real_at in found if clock >= real_at]

    def over(self, test: Alert) -> None:
        """Forget a test that is over."""
        self._tests.pop(test.id, None)

    def _would_be_fire(self, alert: Alert) -> bool:
        rule = self._rules.get(alert.rule)
        return (
            bool(alert.quiet)
            and alert.alert_class is AlertClass.TEST
            and rule is not None
            and rule.alert_class is AlertClass.FIRE
        )

    def _real_at(self, test: Alert) -> Instant:
        window = self.windows.by_id.get(test.quiet)
        return test.event_at if window is None else window.real_at
