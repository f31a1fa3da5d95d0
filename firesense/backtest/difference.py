"""What two rule sets raised over the same frames, side by side."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from firesense.domain.instant import HOUR

if TYPE_CHECKING:
    from collections.abc import Iterable

    from firesense.domain.instant import Instant
    from firesense.rehearsal import Course

_NEAR = HOUR  # of one rule and device: raised so close together it is the same alarm, told at another time


@dataclass(slots=True)
class Difference:
    """Alerts of one set and of another: the same, the same but at another time or class, and those only one raised."""

    same: int = 0
    moved: list[tuple[Course, Course]] = field(default_factory=list)
    only_before: list[Course] = field(default_factory=list)
    only_after: list[Course] = field(default_factory=list)


def compare(before: Iterable[Course], after: Iterable[Course]) -> Difference:
    """Pair the alerts of two sets: by rule and device, each with the nearest that is left."""
    difference = Difference()
    waiting: dict[tuple[str, str], list[Course]] = defaultdict(list)
    for course in after:
        waiting[course.alert.rule, course.alert.device].append(course)
    for course in before:
        candidates = waiting[course.alert.rule, course.alert.device]
        other = min(candidates, key=lambda each: _apart(course, each), default=None)
        if other is None or _apart(course, other) > _NEAR:
            difference.only_before.append(course)
            continue
        candidates.remove(other)
        if _told(course) == _told(other):
            difference.same += 1
        else:
            difference.moved.append((course, other))
    difference.only_after = [course for left in waiting.values() for course in left]
    difference.only_after.sort(key=lambda course: course.alert.raised_at)
    return difference


def _apart(one: Course, other: Course) -> Instant:
    return abs(one.alert.raised_at - other.alert.raised_at)


def _told(course: Course) -> tuple[object, ...]:
    alert = course.alert
    return alert.raised_at, alert.alert_class, alert.grade, course.over_at
