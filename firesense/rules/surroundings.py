"""Looks without state: where a device belongs, what time of the year it is there, what was dropped of its reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from firesense.domain.calendar import HOLIDAY, NIGHT, Period, within
from firesense.domain.instant import SECOND
from firesense.domain.readings import Quality

if TYPE_CHECKING:
    from collections.abc import Iterable

    from firesense.domain.calendar import Calendars
    from firesense.domain.columns import Floats, Mask
    from firesense.domain.device import Registry
    from firesense.domain.place import Org
    from firesense.rules.looks import Look
    from firesense.rules.table import Table

OF_QUALITY = {"implausible": Quality.OUT_OF_RANGE, "unprobed": Quality.SENTINEL}
_PERIOD = {"night": NIGHT, "holiday": HOLIDAY}
NEVER = Period("", np.zeros(0, np.int64))


class Surroundings:
    """The looks of one class that are known at every reading."""

    def __init__(
        self, looks: Iterable[Look], device_class: str, registry: Registry, org: Org, calendars: Calendars
    ) -> None:
        """Look up once, by slot, what belongs to a device."""
        self._tags: dict[str, Mask] = {}
        self._periods: dict[str, tuple[list[Period], np.ndarray[tuple[int], np.dtype[np.intp]]]] = {}
        self._quality: dict[str, int] = {}
        self._installed: dict[str, Floats] = {}  # seconds since the epoch
        size = registry.size(device_class)
        looks = list(looks)
        for look in looks:
            if look.function in OF_QUALITY:
                self._quality[look.name] = int(OF_QUALITY[look.function])
            elif look.function == "age":
                self._installed[look.name] = np.full(size, np.nan)
                at = np.array(registry.column(device_class, "installed_at"), np.float64)
                self._installed[look.name][registry.slots(device_class)] = np.where(at > 0, at / SECOND, np.nan)
            elif look.function == "tag":
                self._tags[look.name] = np.zeros(size, np.bool_)
            else:
                self._periods[look.name] = ([NEVER], np.zeros(size, np.intp))
        if self._tags or self._periods:
            self._place(looks, device_class, registry, org, calendars)

    def _place(self, looks: list[Look], device_class: str, registry: Registry, org: Org, calendars: Calendars) -> None:
        paths: dict[str, tuple[list[str], set[str]]] = {}
        for device in registry.of_class(device_class):
            if (found := paths.get(device.place)) is None:
                path = list(org.path(device.place))
                found = paths[device.place] = [place.code for place in path], {t for place in path for t in place.tags}
            codes, tags = found
            for look in looks:
                if look.function == "tag":
                    self._tags[look.name][device.slot] = look.subject in tags or look.subject in device.tags
                elif look.name in self._periods:
                    period = calendars.at(_PERIOD.get(look.function, look.subject), codes)
                    if period is not None:
                        self._in(look, device.slot, period)

    def _in(self, look: Look, slot: int, period: Period) -> None:
        periods, which = self._periods[look.name]
        if period not in periods:
            periods.append(period)
        which[slot] = periods.index(period)

    def add(self, table: Table) -> None:
        """Give a table a column for each look."""
        for name, bit in self._quality.items():
            table.columns[name] = (table.quality & bit) != 0
        for name, installed in self._installed.items():
            table.columns[name] = table.event_at / SECOND - installed[table.slots]
        for name, tagged in self._tags.items():
            table.columns[name] = tagged[table.slots]
        for name, (periods, which) in self._periods.items():
            answers = np.zeros(len(table.slots), np.bool_)
            mine = which[table.slots]
            for number, period in enumerate(periods[1:], start=1):
                answers |= (mine == number) & within(period.edges, table.event_at)
            table.columns[name] = answers
