"""Whether two rotations of one roster are ever both on, whatever days a calendar calls holidays."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from firesense.domain.roster import Days

if TYPE_CHECKING:
    from datetime import time

    from firesense.domain.roster import Rotation

_DAYS_OF_WEEK = 7


def _minutes(clock: time) -> int:
    return clock.hour * 60 + clock.minute


def overlap(one: Rotation, other: Rotation) -> bool:
    """Whether two rotations of a roster are ever both on, whatever days a calendar calls holidays."""
    return _meet(one, other, 0) or _meet(one, other, 1) or _meet(other, one, 1)


_DAY_MINUTES = 24 * 60
_KINDS = ((True, False), (False, False), (False, True))  # (a workday, a statutory day off)


def _kind_fits(days: Days, kind: tuple[bool, bool]) -> bool:
    works, holiday = kind
    return {
        Days.EVERY: True,
        Days.WORKDAYS: works,
        Days.DAYS_OFF: not works,
        Days.HOLIDAYS: holiday,
        Days.NO_HOLIDAYS: not holiday,
    }[days]


def _meet(one: Rotation, other: Rotation, days_later: int) -> bool:
    """Whether a turn of the one and a turn of the other, begun so many days later, can share a moment."""
    first, last = _minutes(one.begins), _minutes(one.ends)
    last += _DAY_MINUTES if last <= first else 0
    begins, ends = (_minutes(clock) + days_later * _DAY_MINUTES for clock in (other.begins, other.ends))
    ends += _DAY_MINUTES if other.ends <= other.begins else 0
    if begins >= last or first >= ends:
        return False
    shift = timedelta(days=days_later)
    if one.until is not None and one.until + shift < other.start:
        return False
    if other.until is not None and other.until < one.start + shift:
        return False
    if not any((weekday + days_later) % _DAYS_OF_WEEK in other.weekdays for weekday in one.weekdays):
        return False
    same_day = ((kind, kind) for kind in _KINDS)
    any_day = ((kind, after) for kind in _KINDS for after in _KINDS)
    return any(
        _kind_fits(one.days, kind) and _kind_fits(other.days, after)
        for kind, after in (any_day if days_later else same_day)
    )
