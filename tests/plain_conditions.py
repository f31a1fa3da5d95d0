"""Conditions as a person would work them out: one reading after the other, with all that the device said before it.

A term knows how it is written and what it is at a reading; None is unknown. Nothing here is shared with the program.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable


class Close(Exception):
    """Two numbers are so near each other that rounding decides."""


@dataclass(frozen=True)
class Term:
    """``value(device)`` is a number, True, False, or None; ``exact`` that no rounding is in it."""

    text: str
    value: Callable
    exact: bool = True
    number: bool = False


class PlainDevice:
    """One device: its points so far, oldest first, and the row in hand, which is one of them when ``point``."""

    def __init__(self, zero, tags=(), periods=None, installed=None):
        self.zero = zero  # seconds since the epoch of the readings' zero
        self.installed = installed  # seconds since then, of the day it was installed
        self.tags = tags
        self.periods = periods or {}
        self.points = []
        self.row = {}
        self.point = False

    def take(self, row, point):
        self.row = {name: value for name, value in row.items() if not (isinstance(value, float) and math.isnan(value))}
        self.point = point
        if point:
            self.points.append(self.row)
        return self

    # -- the reading in hand ----------------------------------------------------------------------------------------
    def said(self, name):
        return self.row.get(name)

    def within(self, period):
        return any(first <= self.row["at"] < last for first, last in self.periods.get(period, ()))

    def age(self):
        return None if self.installed is None else self.row["at"] - self.installed

    # -- what it said before ----------------------------------------------------------------------------------------
    def eighth(self, at, window):
        return (self.zero + at) // (window // 8)

    def window(self, name, window):
        """The points of a metric in the eight eighths up to this one; empty where this reading does not say it."""
        if not self.point or self.said(name) is None:
            return []
        newest = self.eighth(self.row["at"], window)
        return [one for one in self.points if name in one and newest - self.eighth(one["at"], window) < 8]

    def old(self, name, window):
        found = self.window(name, window)
        long = found and self.eighth(self.row["at"], window) - self.eighth(found[0]["at"], window) >= 4
        return [one[name] for one in found] if long else []

    def rise(self, name, window):
        before = [one[name] for one in self.window(name, window)[:-1]]
        return max(self.row[name] - min(before), 0) if before else None

    def fall(self, name, window):
        before = [one[name] for one in self.window(name, window)[:-1]]
        return max(max(before) - self.row[name], 0) if before else None

    def lowest(self, name, window):
        return min(self.old(name, window), default=None)

    def highest(self, name, window):
        return max(self.old(name, window), default=None)

    def mean(self, name, window):
        if not self.old(name, window):
            return None
        eighths = {}
        for one in self.window(name, window):
            eighths.setdefault(self.eighth(one["at"], window), []).append(one[name])
        return sum(sum(cell) / len(cell) for cell in eighths.values()) / len(eighths)

    def usual(self, name, window):
        if not self.point or self.said(name) is None:
            return None
        warm = [one for one in self.points if name in one]
        began = newest = warm[0]["at"]
        settled = warm[0][name]
        for one in warm[1:]:
            if (past := one["at"] - began) > 0:
                settled += min(one["at"] - newest, window / 8) / min(past, window) * (one[name] - settled)
            newest = one["at"]
        return settled if (newest - began) * 2 >= window else None

    def hourly(self, name, days):
        if not self.point or self.said(name) is None:
            return None
        hours = {}
        for one in self.points:
            if name in one:
                hours.setdefault((self.zero + one["at"]) // 3600, []).append(one[name])
        now, began, usual = (self.zero + self.row["at"]) // 3600, min(hours), None
        for hour, values in sorted(hours.items()):
            if hour < now and hour % 24 == now % 24:
                mean = sum(values) / len(values)
                before = mean if usual is None else usual
                usual = float(np.float16(before + (mean - before) / min((hour - began) // 24 + 1, days)))
        return usual if (now - began) * 2 >= days * 24 else None

    def last(self, name, window):
        warm = [one for one in self.points if name in one]
        fresh = self.point and warm and self.row["at"] - warm[-1]["at"] <= window
        return warm[-1][name] if fresh else None

    def unchanged(self, name):
        if not self.point or self.said(name) is None:
            return None
        same = self.row["at"]
        for one in reversed([one for one in self.points if name in one]):
            if one[name] != self.row[name]:
                break
            same = one["at"]
        return self.row["at"] - same

    def since(self, name):
        asserted = [one["at"] for one in self.points if one.get(name) == 1]
        return self.row["at"] - asserted[-1] if self.point and asserted else None

    def slope(self, name, window):
        """Per second, by a line through the points kept in the window and this one."""
        if not self.point or self.said(name) is None:
            return None
        kept = []
        at = self.row["at"]
        for one in (one for one in self.points[:-1] if name in one):
            if not kept or one["at"] - kept[-1][0] >= window / 8:
                kept.append((one["at"], one[name]))
        line = [(then - at, value) for then, value in kept[-8:] if at - window <= then < at] + [(0, self.row[name])]
        if len(line) < 3 or -line[0][0] * 2 < window:
            return None
        slope = np.polyfit([then for then, _ in line], [value for _, value in line], 1)[0]
        if abs(slope) < 1e-9:
            raise Close
        return slope

    def rate(self, name, window, per):
        slope = self.slope(name, window)
        return None if slope is None else slope * per

    def until(self, name, value, window):
        slope = self.slope(name, window)
        if slope is None:
            return None
        way = value - self.row[name]
        return way / slope if way * slope > 0 else 0 if way == 0 else math.inf

    def answers(self, condition):
        """The answers of a condition about single readings, at all points so far."""
        row, found = self.row, []
        for one in self.points:
            self.row = one
            found.append((one["at"], condition.value(self)))
        self.row = row
        return found

    def count(self, condition, window):
        if not self.point or condition.value(self) is None:
            return None
        newest = self.eighth(self.row["at"], window)
        found = self.answers(condition)
        return sum(answer is True and newest - self.eighth(at, window) < 8 for at, answer in found)

    def times(self, condition, window):
        if not self.point or condition.value(self) is None:
            return None
        newest, was, became = self.eighth(self.row["at"], window), False, 0
        for at, answer in self.answers(condition):
            became += answer is True and not was and newest - self.eighth(at, window) < 8
            was = was if answer is None else answer
        return became


# -- how answers and numbers are put together -------------------------------------------------------------------------
def opposite(answer):
    return None if answer is None else not answer


def every(answers):
    return False if False in answers else None if None in answers else True


def either(answers):
    return True if True in answers else None if None in answers else False


HOLDS = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
}


def compare(sign, left, right, device):
    numbers = left.value(device), right.value(device)
    if None in numbers:
        return None
    if not (left.exact and right.exact) and math.isclose(*numbers, rel_tol=1e-6, abs_tol=1e-6):
        raise Close
    return HOLDS[sign](*numbers)


def known(function, terms, device):
    numbers = [term.value(device) for term in terms]
    return None if None in numbers else function(*numbers)
