"""Calendars: when it is a season, night or a day off, and where. Plain instants: whoever reads them knows no time zone.

``edges`` of a period are instants that rise: it begins at the first, is over at the second, begins at the third, ...
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

import numpy as np

from firesense.domain.instant import moment

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import tzinfo

    from firesense.domain.columns import Instants, Mask
    from firesense.domain.instant import Instant

NIGHT, HOLIDAY = "night", "holiday"  # the periods behind night() and holiday()


@dataclass(frozen=True, slots=True, eq=False)
class Period:
    """A time of the year, the week or the day, at some places (with all below them) or, without any, everywhere."""

    name: str
    edges: Instants
    places: frozenset[str] = frozenset()


class Calendars:
    """All periods. Where several of one name differ by place, the nearest place that has one decides."""

    def __init__(self, periods: Iterable[Period] = (), zone: tzinfo = UTC) -> None:
        """Index them; overlaps were refused by whoever read them. ``zone`` is for the time of day."""
        self._zone = zone
        self._everywhere: dict[str, Period] = {}
        self._at: dict[tuple[str, str], Period] = {}
        self._names: set[str] = set()
        for period in periods:
            self._names.add(period.name)
            if not period.places:
                self._everywhere[period.name] = period
            for place in period.places:
                self._at[period.name, place] = period

    @property
    def seasons(self) -> frozenset[str]:
        """The names that ``season()`` knows."""
        return frozenset(self._names - {NIGHT, HOLIDAY})

    def clock(self, now: Instant) -> timedelta:
        """The local time of day: how long after midnight."""
        local = moment(now).astimezone(self._zone)
        return timedelta(hours=local.hour, minutes=local.minute, seconds=local.second)

    def at(self, name: str, path: Iterable[str]) -> Period | None:
        """Find the period of that name for a place, given by its codes from the place itself up to the root."""
        for place in path:
            if (period := self._at.get((name, place))) is not None:
                return period
        return self._everywhere.get(name)


def within(edges: Instants, at: Instants) -> Mask:
    """Mark the instants that lie in a period."""
    inside: Mask = np.searchsorted(edges, at, side="right") % 2 == 1
    return inside
