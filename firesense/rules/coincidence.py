"""Coincidence: answers of several rules, of several devices at one place, that mean more together than each alone.

It looks at what the other rules tell, not at readings, so it costs by transitions; and it only ever adds: what a device
says by itself was told before it is asked.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from firesense.domain.instant import micros
from firesense.domain.readings import Quality
from firesense.domain.rule import Change, Transition

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from firesense.domain.device import Registry
    from firesense.domain.instant import Instant
    from firesense.domain.place import Org
    from firesense.domain.rule import Firing, Rule


_MANY = 64


class _Member(NamedTuple):
    """One rule at one device."""

    rule: str
    device_class: str
    slot: int


@dataclass(slots=True)
class _Trip:
    place: str
    at: Instant
    firing: bool = True


class Together:
    """One coincidence rule at every place.

    A member counts from its trip on for ``within``, and for as long as it is firing. The rule trips when all sides
    and enough devices count at once, and is over when no member at the place is firing any more.
    """

    def __init__(self, rule: Rule, registry: Registry, org: Org) -> None:
        """Know of nothing that tripped."""
        self.rule = rule
        self.members = {member for side in rule.of for member in side}
        self._registry = registry
        self._org = org
        self._within = micros(rule.within)
        self._trips: dict[_Member, _Trip] = {}
        self._at: dict[str, set[_Member]] = {}
        self._rules_at: dict[str, Counter[str]] = {}  # how many members of each rule are in ``_at``
        self._tidy_at: dict[str, int] = {}  # how many members make it worth looking for those that do not count
        self._fired: dict[str, tuple[str, int]] = {}  # place -> class and slot of the device that completed it
        self._left: dict[str, tuple[str, int]] = {}  # the same of those whose alert was closed, and not over yet
        self._released = False

    # -- what the other rules tell ----------------------------------------------------------------------------------
    def apply(self, one: Transition) -> Transition | None:
        """Take in what a member tells."""
        member = _Member(one.rule, one.device_class, one.slot)
        if one.change is Change.TRIPPED:
            return self._trip(member, one)
        if one.change is Change.CLEARED and (trip := self._trips.get(member)) is not None:
            trip.firing = False
            return self._over(trip.place, one.event_at, one.offset)
        return None

    def _trip(self, member: _Member, one: Transition) -> Transition | None:
        place = self._place(member)
        if not place:
            return None
        self._put(member, place, one.event_at)
        if place in self._fired or not (together := self._together(place, one.event_at)):
            return None
        by = self._fired[place] = member.device_class, member.slot
        told = self._told(place, by, Change.TRIPPED, one.event_at, one.offset, one.quality)
        return replace(told, members=tuple(sorted((*each, self._trips[each].at) for each in together)))

    def _place(self, member: _Member) -> str:
        """The place that members must have in common; none when the device has no such place above it."""
        place = self._registry.at(member.device_class, member.slot).place
        if not self.rule.share:
            return place
        return next((above.code for above in self._org.path(place) if above.kind == self.rule.share), "")

    def _put(self, member: _Member, place: str, at: Instant, *, firing: bool = True) -> None:
        self._forget(member)
        self._trips[member] = _Trip(place, at, firing)
        self._at.setdefault(place, set()).add(member)
        self._rules_at.setdefault(place, Counter())[member.rule] += 1

    def _forget(self, member: _Member) -> None:
        if (trip := self._trips.pop(member, None)) is not None:
            self._at[trip.place].discard(member)
            self._rules_at[trip.place][member.rule] -= 1
            if not self._at[trip.place]:
                del self._at[trip.place], self._rules_at[trip.place]
                self._tidy_at.pop(trip.place, None)

    def _together(self, place: str, now: Instant) -> set[_Member]:
        """Who counts at this instant, if all sides and enough devices do; forgets what will not count any more.

        Where a side has nobody at all, as in a place with many detectors of one kind, nobody is looked at.
        """
        here, rules_here = self._at[place], self._rules_at[place]
        if len(here) < self._tidy_at.get(place, _MANY) and not all(
            any(rules_here[rule] for rule in side) for side in self.rule.of
        ):
            return set()
        counting: set[_Member] = set()
        for member in list(self._at[place]):
            trip = self._trips[member]
            if trip.at - self._within <= now and (trip.firing or now <= trip.at + self._within):
                counting.add(member)
            elif not trip.firing and now > trip.at:
                self._forget(member)
        self._tidy_at[place] = max(_MANY, 2 * len(self._at.get(place, ())))
        rules = {member.rule for member in counting}
        devices = {(member.device_class, member.slot) for member in counting}
        met = len(devices) >= self.rule.devices and all(rules & set(side) for side in self.rule.of)
        return counting if met else set()

    def _over(self, place: str, at: Instant, offset: int) -> Transition | None:
        by = self._fired.get(place) or self._left.get(place)
        if by is None or any(self._trips[member].firing for member in self._at.get(place, ())):
            return None
        self._fired.pop(place, None)
        self._left.pop(place, None)
        return self._told(place, by, Change.CLEARED, at, offset, Quality(0))

    def _told(
        self, place: str, by: tuple[str, int], change: Change, at: Instant, offset: int, quality: Quality
    ) -> Transition:
        device_class, slot = by
        return Transition(self.rule.id, device_class, slot, change, at, offset, float("nan"), quality, place=place)

    def tick(self, now: Instant, position: int) -> list[Transition]:
        """Say what is over because a person closed the alerts of its members."""
        if not self._released:
            return []
        self._released = False
        return [told for place in [*self._fired, *self._left] if (told := self._over(place, now, position)) is not None]

    # -- what is kept -----------------------------------------------------------------------------------------------
    def snapshot(self) -> dict[str, np.ndarray[Any, Any]]:
        """Members that tripped, and places where the rule is firing."""
        trips, fired = list(self._trips.items()), list(self._fired.items())
        return {
            "names": np.array([[m.rule, m.device_class, trip.place] for m, trip in trips], np.str_).reshape(-1, 3),
            "trips": np.array([[m.slot, trip.at, trip.firing] for m, trip in trips], np.int64).reshape(-1, 3),
            "places": np.array([[place, by[0]] for place, by in fired], np.str_).reshape(-1, 2),
            "slots": np.array([by[1] for _, by in fired], np.int64),
        }

    def restore(self, columns: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """Take a snapshot over, as far as its devices are still there."""
        if not {"names", "trips", "places", "slots"} <= columns.keys():
            return
        for (rule, device_class, place), (slot, at, firing) in zip(
            columns["names"].tolist(), columns["trips"].tolist(), strict=False
        ):
            if self._is_known(device_class, slot):
                self._put(_Member(rule, device_class, slot), place, at, firing=bool(firing))
        for (place, device_class), slot in zip(columns["places"].tolist(), columns["slots"].tolist(), strict=False):
            if self._is_known(device_class, slot):
                self._fired[place] = device_class, slot

    def _is_known(self, device_class: str, slot: int) -> bool:
        try:
            self._registry.at(device_class, slot)
        except KeyError:
            return False
        return True

    def settle(self, firing: Collection[Firing]) -> None:
        """Make firing exactly what the book says is firing."""
        self._fired = {one.place: (one.device_class, one.slot) for one in firing if one.rule == self.rule.id}
        wanted = {_Member(one.rule, one.device_class, one.slot) for one in firing if one.rule in self.members}
        for member, trip in self._trips.items():
            trip.firing = member in wanted
        for member in wanted - self._trips.keys():
            if place := self._place(member):
                self._put(member, place, 0)

    def leave(self, closed: Collection[Firing]) -> None:
        """Know of places where an alert of this rule was closed while it was firing: that it is over is told."""
        for firing in closed:
            if firing.rule == self.rule.id:
                self._left[firing.place] = firing.device_class, firing.slot
                self._released = True  # its members may be over, too

    def release(self, firing: Firing) -> None:
        """Forget what a person has closed: this rule at a place, or a member."""
        if firing.rule == self.rule.id:
            self.leave([firing])
            self._fired.pop(firing.place, None)
        elif (trip := self._trips.get(_Member(firing.rule, firing.device_class, firing.slot))) is not None:
            trip.firing = False
            self._released = True


class Coincidence:
    """All coincidence rules of a plan."""

    def __init__(self, rules: Iterable[Rule], registry: Registry, org: Org) -> None:
        """Know which rules are of interest to which coincidence."""
        self.each = [Together(rule, registry, org) for rule in rules]
        self._by_member: dict[str, list[Together]] = {}
        for together in self.each:
            for member in together.members:
                self._by_member.setdefault(member, []).append(together)

    def apply(self, changed: list[Transition]) -> None:
        """Add what comes of these transitions."""
        if not self._by_member:
            return
        changed += [
            told
            for one in list(changed)
            if not one.gateway
            for together in self._by_member.get(one.rule, ())
            if (told := together.apply(one)) is not None
        ]

    def tick(self, now: Instant, position: int, changed: list[Transition]) -> None:
        """Add what comes of these transitions, and of what people closed."""
        self.apply(changed)
        for together in self.each:
            changed += together.tick(now, position)
