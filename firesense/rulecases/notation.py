"""The compact notation of a series: ``0.02*10 0.1..0.5/5m _*3 0.3~1h``, one part after the other.

=============  ====================================================================================
part           stands for
=============  ====================================================================================
``0.02``       one reading
``_``          nothing: a gap
``0.1..0.5``   from the first value to the last in equal steps; needs ``/`` or ``*``
``*10``        ... ten times, one at each tick of the case (its ``every``)
``/5m``        ... for as long as this
``~1h``        ... but each arrives so long after it was made
``(1 2*3)*5``  all that is in parentheses, so many times; groups do not nest
=============  ====================================================================================
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import NamedTuple

import numpy as np

from firesense.yamlfile import duration

_NUMBER = r"-?\d+(?:\.\d+)?"
_LENGTH = r"(?:\d+(?:\.\d+)?(?:ms|[smhd]))+"
_PART = re.compile(
    rf"(?:(?P<gap>_)|(?P<first>{_NUMBER})(?:\.\.(?P<last>{_NUMBER}))?)"
    rf"(?:\*(?P<times>\d+)|/(?P<length>{_LENGTH}))?(?:~(?P<late>{_LENGTH}))?"
)
_GROUP = re.compile(r"\((?P<parts>[^()]*)\)\*(?P<again>\d+)(?!\S)|\S+")
MOST = 100_000  # readings of one series


class Point(NamedTuple):
    """One tick of a series; a value of None is a gap."""

    value: float | None
    late: timedelta


class NotationError(ValueError):
    """A series that cannot be read: every reason with its column."""

    def __init__(self, faults: list[tuple[int, str]]) -> None:
        self.faults = faults
        super().__init__("; ".join(f"column {column}: {reason}" for column, reason in faults))


def points(text: str, every: timedelta) -> list[Point]:
    """Read a series: one point a tick of ``every``. Raises NotationError with everything wrong in it."""
    found: list[Point] = []
    faults: list[tuple[int, str]] = []
    for group in _GROUP.finditer(text):
        together: list[Point] = []
        for word in re.finditer(r"\S+", group["parts"] or group[0]):
            try:
                together += _part(word[0], every, MOST - len(together))
            except ValueError as error:
                faults.append((group.start("parts" if group["parts"] else 0) + word.start() + 1, str(error)))
        times = int(group["again"] or 1)
        if not 1 <= times * len(together) <= MOST - len(found) and not faults:
            faults.append((group.start() + 1, f"{group[0]!r} stands for too few or too many readings"))
        elif not faults:
            found += together * times
    if faults:
        raise NotationError(faults)
    return found


def _part(word: str, every: timedelta, most: int) -> list[Point]:
    part = _PART.fullmatch(word)
    if part is None:
        raise ValueError(f"{word!r} is no part of a series such as 0.02, 0.02*10, 0.1..0.5/5m, _*3, 0.3~1h")
    times = _times(part, every)
    if not 1 <= times <= most:
        raise ValueError(f"{word!r} stands for {times} readings; a series has 1 to {MOST}")
    late = duration(part["late"]) if part["late"] else timedelta()
    if part["gap"]:
        if late:
            raise ValueError("a gap cannot be late")
        return [Point(None, late)] * times
    first = float(part["first"])
    if part["last"] is None:
        return [Point(first, late)] * times
    if times == 1:
        raise ValueError(f"{word!r} needs more than one reading: say how many (*10) or for how long (/10m)")
    return [Point(value, late) for value in np.linspace(first, float(part["last"]), times).tolist()]


def _times(part: re.Match[str], every: timedelta) -> int:
    if part["times"]:
        return int(part["times"])
    if not part["length"]:
        return 1
    lasts = duration(part["length"])
    if lasts % every:
        raise ValueError(f"{part['length']} is no multiple of the {every.total_seconds():g} s between two readings")
    return lasts // every
