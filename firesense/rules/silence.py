"""Silence: since when the devices of a class are not heard, and which of them one rule takes for absent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from firesense.domain.instant import micros
from firesense.rules.scope import scope
from firesense.rules.wheel import Wheel

if TYPE_CHECKING:
    from typing import Any

    from firesense.domain.columns import Instants, Slots
    from firesense.domain.device import Registry
    from firesense.domain.instant import Instant
    from firesense.domain.rule import Rule

PRESENT, ABSENT, HIDDEN = range(3)  # hidden: absent, but its gateway speaks for it


@dataclass(slots=True, eq=False)
class Hearing:
    """When the devices of a class were heard, by slot, in our time.

    ``last`` is 0 for a device that was never heard; silence counts from ``since`` when that is later.
    """

    last: Instants
    since: Instants
    period: Instants
    gateway: np.ndarray[Any, np.dtype[np.int32]]


class Silence:
    """One absence rule for every device of its class."""

    def __init__(self, rule: Rule, registry: Registry, hearing: Hearing) -> None:
        """Count from when each device was last heard."""
        self.rule = rule
        self.hearing = hearing
        self.limit = np.minimum((hearing.period * rule.periods).astype(np.int64), micros(rule.at_most))
        self.state = np.zeros(len(hearing.last), np.uint8)
        self.absent = 0
        # Whose alert was closed while they were silent, and who were not heard since.
        self.left = np.zeros(len(hearing.last), np.bool_)
        self.lefts = 0
        mask = scope(rule, registry)
        registered = registry.slots(rule.device_class)
        self.watched = registered if mask is None else registered[mask[registered]]
        self.watch_anew()

    def watch_anew(self) -> None:
        """Look at every device when it becomes due, whatever was planned before."""
        self._wheel = Wheel()
        self.watch(self.watched[self.state[self.watched] == PRESENT])

    def deadlines(self, slots: Slots) -> Instants:
        """When each of these devices becomes absent if it says nothing more."""
        hearing = self.hearing
        return np.asarray(np.maximum(hearing.last[slots], hearing.since[slots]) + self.limit[slots], np.int64)

    def watch(self, slots: Slots) -> None:
        """Look at these devices when they become due."""
        self._wheel.add(slots, self.deadlines(slots))

    def due(self, now: Instant) -> list[int]:
        """The devices that have become absent; those heard meanwhile are put off. Costs by deadlines that fell."""
        slots = self._wheel.due(now)
        slots = slots[self.state[slots] == PRESENT]
        late = self.deadlines(slots) <= now
        self.watch(slots[~late])
        found: list[int] = slots[late].tolist()
        return found

    def put(self, slots: Slots, state: int) -> None:
        """Change the state of these devices, each named once; those present are watched again."""
        self.absent += (len(slots) if state else 0) - int(np.count_nonzero(self.state[slots]))
        self.state[slots] = state
        if state == PRESENT:
            self.watch(slots)

    def leave(self, slots: Slots | int, *, left: bool = True) -> None:
        """Remember, or forget, that the alert of these was closed while they were silent."""
        self.left[slots] = left
        self.lefts = int(np.count_nonzero(self.left))
