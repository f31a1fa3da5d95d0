"""Absence: devices that have been silent for too long, and gateways that took all their devices with them.

Absence is judged by our own clock, and only while we listen: a broker that is gone, or a pause of ours, says nothing
about a device.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from firesense.domain.instant import DAY, Instant, micros
from firesense.domain.readings import Quality
from firesense.domain.rule import Change, Transition
from firesense.rules.silence import ABSENT, HIDDEN, PRESENT, Hearing, Silence

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import timedelta

    from firesense.domain.columns import Instants, Mask, Slots
    from firesense.domain.device import Registry
    from firesense.domain.readings import Readings
    from firesense.domain.rule import Firing, Rule

NO_GATEWAY = -1
UNKNOWN_PERIOD = 3650 * DAY  # so long that a rule's at_most decides
NOT_NEWS = int(Quality.RETAINED | Quality.REPLAYED)  # such rows do not show that the device is alive


class Absence:
    """All absence rules of all classes, and the gateways they have in common."""

    def __init__(
        self, rules: Iterable[Rule], registry: Registry, periods: Mapping[str, timedelta], started_at: Instant
    ) -> None:
        """Watch from ``started_at``; ``periods`` gives the profile's period for devices that have none of their own.

        A device without either is held to its rule's ``at_most``.
        """
        self._names = names = sorted(_gateways(registry))
        self._gateways = {name: number for number, name in enumerate(names)}
        self._members: dict[str, list[tuple[str, Slots]]] = {name: [] for name in names}
        self._silent: dict[str, tuple[str, str, int]] = {}  # gateway -> rule, class and slot it was reported by
        self._silent_numbers = np.zeros(len(names) + 1, np.bool_)  # the last one is for NO_GATEWAY
        self._left: dict[str, tuple[str, str, int]] = {}  # the same of those whose alert was closed
        self.hearing: dict[str, Hearing] = {}
        for device_class in registry.classes:
            self.hearing[device_class] = self._listen(device_class, registry, periods, started_at)
        rules = [rule for rule in rules if rule.device_class in self.hearing]
        self.silences = [Silence(rule, registry, self.hearing[rule.device_class]) for rule in rules]

    def _listen(
        self, device_class: str, registry: Registry, periods: Mapping[str, timedelta], started_at: Instant
    ) -> Hearing:
        size = registry.size(device_class)
        hearing = Hearing(
            np.zeros(size, np.int64),
            np.full(size, started_at, np.int64),
            np.full(size, UNKNOWN_PERIOD, np.int64),
            np.full(size, NO_GATEWAY, np.int32),
        )
        slots = registry.slots(device_class)
        own, profiles = registry.column(device_class, "period"), registry.column(device_class, "profile")
        planned = {profile: micros(period) for profile, period in periods.items() if period}
        hearing.period[slots] = [
            micros(period) if period else planned.get(profile, UNKNOWN_PERIOD)
            for period, profile in zip(own, profiles, strict=True)
        ]
        numbers = [self._gateways.get(name, NO_GATEWAY) for name in registry.column(device_class, "gateway")]
        hearing.gateway[slots] = numbers
        order = np.argsort(numbers, kind="stable")
        edges = np.flatnonzero(np.diff(np.array(numbers)[order])) + 1
        for members in np.split(slots[order], edges):
            if name := self._gateway_of(hearing, int(members[0])):
                self._members[name].append((device_class, members))
        return hearing

    # -- readings ---------------------------------------------------------------------------------------------------
    def apply(self, readings: Readings, changed: list[Transition]) -> None:
        """Hear the devices of a table; those that were absent are back."""
        hearing = self.hearing.get(readings.device_class)
        if hearing is None:
            return
        slots, received_at, offsets = readings.slots, readings.received_at, readings.offsets
        news = (readings.quality & NOT_NEWS) == 0
        if not news.all():
            slots, received_at, offsets = slots[news], received_at[news], offsets[news]
        hearing.last[slots] = received_at  # in order of arrival, so the last one assigned is the newest
        if self._silent:
            for row in np.flatnonzero(self._silent_numbers[hearing.gateway[slots]]).tolist():
                gateway = self._gateway_of(hearing, int(slots[row]))
                if gateway in self._silent:
                    self._gateway_speaks(gateway, int(received_at[row]), int(offsets[row]), changed)
        for gateway in list(self._left):
            self._left_speaks(gateway, hearing, slots, received_at, offsets, changed)
        for silence in self.silences:
            if (silence.absent or silence.lefts) and silence.hearing is hearing:
                self._return(silence, slots, received_at, offsets, changed)

    def _return(
        self, silence: Silence, slots: Slots, received_at: Instants, offsets: Instants, changed: list[Transition]
    ) -> None:
        rows = np.flatnonzero((silence.state[slots] != PRESENT) | silence.left[slots])
        back, first = np.unique(slots[rows], return_index=True)
        for slot, row in zip(back.tolist(), rows[first].tolist(), strict=True):
            if silence.state[slot] == ABSENT or silence.left[slot]:
                changed.append(_told(silence.rule, slot, Change.CLEARED, int(received_at[row]), int(offsets[row])))
        if len(back):
            silence.leave(back, left=False)
            silence.put(back[silence.state[back] != PRESENT], PRESENT)

    def _gateway_of(self, hearing: Hearing, slot: int) -> str:
        number = int(hearing.gateway[slot])
        return "" if number == NO_GATEWAY else self._names[number]

    def _gateway_speaks(self, gateway: str, at: Instant, offset: int, changed: list[Transition]) -> None:
        told = self._silent[gateway]
        self._tell_back(told, gateway, at, offset, changed)
        if self._left.get(gateway, ())[:2] == told[:2]:
            del self._left[gateway]  # both alerts are over with it
        self._unhide(gateway, at)

    def _left_speaks(
        self,
        gateway: str,
        hearing: Hearing,
        slots: Slots,
        received_at: Instants,
        offsets: Instants,
        changed: list[Transition],
    ) -> None:
        """Say that a gateway is back whose alert was closed before, if a device behind it is heard."""
        rows = np.flatnonzero(hearing.gateway[slots] == self._gateways[gateway])
        if len(rows):
            at, offset = int(received_at[rows[0]]), int(offsets[rows[0]])
            self._tell_back(self._left.pop(gateway), gateway, at, offset, changed)

    def _tell_back(
        self, told: tuple[str, str, int], gateway: str, at: Instant, offset: int, changed: list[Transition]
    ) -> None:
        rule_id, device_class, slot = told
        changed += [
            _told(silence.rule, slot, Change.CLEARED, at, offset, gateway)
            for silence in self.silences
            if silence.rule.id == rule_id and silence.rule.device_class == device_class
        ]

    def _unhide(self, gateway: str, at: Instant) -> None:
        """Let the devices of a gateway answer for themselves again, from ``at`` on."""
        del self._silent[gateway]
        self._silent_numbers[self._gateways[gateway]] = False
        for device_class, members in self._members[gateway]:
            hearing = self.hearing[device_class]
            hearing.since[members] = np.maximum(hearing.since[members], at)
            for silence in self.silences:
                if silence.hearing is hearing:
                    silence.put(members[silence.state[members] == HIDDEN], PRESENT)

    # -- time -------------------------------------------------------------------------------------------------------
    def tick(self, now: Instant, position: int, changed: list[Transition]) -> None:
        """Find what has become absent."""
        for silence in self.silences:
            for slot in silence.due(now):
                self._miss(silence, slot, position, changed)

    def _miss(self, silence: Silence, slot: int, position: int, changed: list[Transition]) -> None:
        one = np.array([slot], np.int32)
        gateway = self._gateway_of(silence.hearing, slot)
        if gateway in self._silent:
            silence.put(one, HIDDEN)
            return
        at = int(silence.deadlines(one)[0])
        if gateway and self._gateway_is_silent(gateway, silence, slot):
            self._hide(gateway, silence.rule, slot)
            silence.put(one, HIDDEN)
            changed.append(_told(silence.rule, slot, Change.TRIPPED, at, position, gateway))
            return
        silence.put(one, ABSENT)
        changed.append(_told(silence.rule, slot, Change.TRIPPED, at, position))

    def _hide(self, gateway: str, rule: Rule, slot: int) -> None:
        self._silent[gateway] = (rule.id, rule.device_class, slot)
        self._silent_numbers[self._gateways[gateway]] = True

    def _gateway_is_silent(self, gateway: str, silence: Silence, slot: int) -> bool:
        """Tell a dead gateway from a dead device.

        Nobody behind it was heard much longer than the device itself (half of the limit that has run out: at three
        periods, one and a half), and at least one other device would have been: its period is not longer than that.
        """
        half = int(silence.limit[slot]) // 2
        last = int(silence.hearing.last[slot])
        witnesses = -int(silence.hearing.period[slot] <= half)
        for device_class, members in self._members[gateway]:
            hearing = self.hearing[device_class]
            if int(hearing.last[members].max()) > last + half:
                return False
            witnesses += int(np.count_nonzero(hearing.period[members] <= half))
        return witnesses > 0

    def heard_again_from(self, now: Instant) -> None:
        """Count every silence from now on: it was us who did not listen."""
        for hearing in self.hearing.values():
            np.maximum(hearing.since, now, out=hearing.since)

    # -- what is kept -----------------------------------------------------------------------------------------------
    def snapshot(self) -> dict[str, np.ndarray[Any, Any]]:
        """When devices were heard, by class, and who is silent, by rule."""
        columns: dict[str, np.ndarray[Any, Any]] = {}
        for device_class, hearing in self.hearing.items():
            columns[f"heard/{device_class}"] = np.column_stack([hearing.last, hearing.since])
        for silence in self.silences:
            columns[f"absent/{_key(silence.rule)}"] = silence.state.copy()
            told = [(name, slot) for name, (rule, _, slot) in self._silent.items() if rule == silence.rule.id]
            if told:
                columns[f"gateways/{_key(silence.rule)}"] = np.array([name for name, _ in told])
                columns[f"reporters/{_key(silence.rule)}"] = np.array([slot for _, slot in told], np.int64)
        return columns

    def restore(self, columns: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """Take a snapshot over; what does not fit is left as it is."""
        for device_class, hearing in self.hearing.items():
            kept = columns.get(f"heard/{device_class}")
            if kept is not None and kept.ndim == 2 and kept.shape[1] == 2 and kept.dtype == np.int64:  # noqa: PLR2004
                rows = min(len(kept), len(hearing.last))
                hearing.last[:rows], hearing.since[:rows] = kept[:rows, 0], kept[:rows, 1]
        for silence in self.silences:
            key = _key(silence.rule)
            names, slots = columns.get(f"gateways/{key}"), columns.get(f"reporters/{key}")
            if names is not None and slots is not None and names.shape == slots.shape:
                for name, slot in zip(names.tolist(), slots.tolist(), strict=True):
                    if name in self._gateways and slot in silence.watched:
                        self._hide(name, silence.rule, slot)
        for silence in self.silences:
            kept = columns.get(f"absent/{_key(silence.rule)}")
            if kept is not None and kept.ndim == 1 and kept.dtype == np.uint8:
                self._restore_silence(silence, kept)
            silence.watch_anew()

    def _restore_silence(self, silence: Silence, kept: np.ndarray[Any, Any]) -> None:
        watched = silence.watched[silence.watched < len(kept)]
        state = kept[watched]
        hidden = state == HIDDEN
        # Devices whose gateway is no longer silent (or no longer theirs) are judged anew.
        state[hidden & ~self._silent_numbers[silence.hearing.gateway[watched]]] = PRESENT
        silence.state[watched] = np.minimum(state, HIDDEN)
        silence.absent = int(np.count_nonzero(silence.state))

    def settle(self, firing: Sequence[Firing]) -> None:
        """Make exactly these devices and gateways absent."""
        wanted = {fired.gateway: fired for fired in firing if fired.gateway in self._gateways}
        for gateway in set(self._silent) - set(wanted):
            self._unhide(gateway, 0)
        for silence in self.silences:
            rule = silence.rule
            mine = [f for f in firing if f.rule == rule.id and f.device_class == rule.device_class]
            for fired in mine:
                if fired.gateway in wanted and fired.gateway not in self._silent:
                    self._hide(fired.gateway, rule, fired.slot)
            absent: Mask = np.zeros(len(silence.state), np.bool_)
            absent[[fired.slot for fired in mine if not fired.gateway]] = True
            silence.put(np.flatnonzero(absent).astype(np.int32), ABSENT)
            silence.put(np.flatnonzero((silence.state == ABSENT) & ~absent).astype(np.int32), PRESENT)

    def leave(self, closed: Iterable[Firing]) -> None:
        """Know of devices and gateways whose alert was closed while they were silent: that they are back is told."""
        for fired in closed:
            if fired.gateway in self._gateways:
                self._left[fired.gateway] = fired.rule, fired.device_class, fired.slot
            elif not fired.gateway:
                for silence in self._of(fired):
                    silence.leave(fired.slot)

    def release(self, fired: Firing, now: Instant) -> None:
        """Take a device or gateway for present, and count its silence from now on."""
        if fired.gateway in self._silent:
            self._unhide(fired.gateway, now)
            self.leave([fired])
            return
        for silence in self._of(fired):
            if silence.state[fired.slot] == ABSENT:
                silence.hearing.since[fired.slot] = now
                silence.put(np.array([fired.slot], np.int32), PRESENT)
                silence.leave(fired.slot)

    def _of(self, fired: Firing) -> list[Silence]:
        """The silences that a rule watches."""
        return [
            silence
            for silence in self.silences
            if (silence.rule.id, silence.rule.device_class) == (fired.rule, fired.device_class)
        ]


def _gateways(registry: Registry) -> set[str]:
    return {name for device_class in registry.classes for name in registry.column(device_class, "gateway") if name}


def _key(rule: Rule) -> str:
    return f"{rule.id}@{rule.version}"


def _told(rule: Rule, slot: int, change: Change, at: Instant, offset: int, gateway: str = "") -> Transition:
    return Transition(rule.id, rule.device_class, slot, change, at, offset, float("nan"), Quality(0), gateway)
