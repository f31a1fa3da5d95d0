"""Inhibition: answers that are not told while another rule at the same device says more.

A detector in alarm that also reports a fault is a fire. What is hidden is kept, and told when what hid it is over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from firesense.domain.rule import Firing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from firesense.domain.rule import Rule, Transition


class Inhibition:
    """Which rules hide which, and what is hidden now, by rule, class and slot."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        """Know who hides whom; ``load_rules`` has seen to it that nobody hides itself over others."""
        self._hides: dict[str, tuple[str, ...]] = {}
        self._hiders: dict[str, list[str]] = {}
        for rule in rules:
            if rule.hides:
                self._hides[rule.id] = rule.hides
            for hidden in rule.hides:
                self._hiders.setdefault(hidden, []).append(rule.id)
        self._hidden: dict[tuple[str, str, int], Transition] = {}
        self._by: dict[tuple[str, str, int], str] = {}

    def ordered(self, transitions: Iterable[Transition]) -> Iterable[Transition]:
        """Put what one frame says so that what hides comes before what it hides.

        A hold that ran out before the frame was made did so before what the frame says: it is told first.
        """
        if not self._hiders:
            return transitions
        return sorted(transitions, key=lambda one: (one.offset, one.event_at, one.rule in self._hiders))

    def hide(self, one: Transition, firing: Callable[[str], str]) -> str:
        """Keep a trip back if a rule that hides it is firing at its device, and give the alert that says more.

        ``firing`` gives the alert of a rule that is firing there, or nothing.
        """
        if one.gateway:
            return ""
        by = next((alert for hider in self._hiders.get(one.rule, ()) if (alert := firing(hider))), "")
        if by:
            self._hidden[one.rule, one.device_class, one.slot] = one
            self._by[one.rule, one.device_class, one.slot] = by
        return by

    def was_hidden_by(self, one: Transition) -> str:
        """Give the alert that hid this trip until now, if one did; it is told once."""
        return self._by.pop((one.rule, one.device_class, one.slot), "")

    def cleared(self, one: Transition) -> list[Transition]:
        """Forget a hidden trip that is over; give those that this rule hid at its device, to be asked again."""
        for kept in (self._hidden, self._by):
            kept.pop((one.rule, one.device_class, one.slot), None)
        return self._freed(Firing(one.rule, one.device_class, one.slot))

    def closed(self, where: Firing) -> list[Firing]:
        """Give what a rule hid whose alert a person has closed: its next reading is to trip anew."""
        return [Firing(one.rule, one.device_class, one.slot) for one in self._freed(where)]

    def _freed(self, where: Firing) -> list[Transition]:
        keys = ((rule, where.device_class, where.slot) for rule in self._hides.get(where.rule, ()))
        return [freed for key in keys if (freed := self._hidden.pop(key, None)) is not None]
