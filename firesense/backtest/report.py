"""The outcome of a backtest in words and as a document for programs."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING, Any

from firesense.domain.escalation import Purpose
from firesense.domain.instant import MINUTE, SECOND, iso

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from firesense.backtest.difference import Difference
    from firesense.backtest.run import Backtest, Tried
    from firesense.domain.instant import Instant
    from firesense.rehearsal import Course

FLOOD_WINDOW = 10 * MINUTE  # EEMUA 191 counts alarms an operator gets in ten minutes
_SHOWN = 20  # lines of a list on the screen; the document has them all


def document(backtest: Backtest, difference: Difference | None, seconds: float) -> dict[str, Any]:
    """Give everything as plain JSON; ``seconds`` is how long it took."""
    return {
        "from": iso(backtest.start),
        "to": iso(backtest.last_at),
        "frames": backtest.frames,
        "refused": backtest.refused,
        "duplicates": backtest.duplicates,
        "seconds": round(seconds, 3),
        "frames_per_second": round(backtest.frames / seconds) if seconds else None,
        "times_real": round((backtest.last_at - backtest.first_at) / SECOND / seconds) if seconds else None,
        "sets": [_set(tried) for tried in backtest.tried],
        "difference": None if difference is None else _difference(difference),
    }


def summary(backtest: Backtest, difference: Difference | None, seconds: float) -> Iterator[str]:
    """Tell it in lines: each rule of each set, the people, and what is different."""
    rate = backtest.frames / seconds if seconds else 0
    real = (backtest.last_at - backtest.first_at) / SECOND / seconds if seconds else 0
    yield f"{iso(backtest.start)} to {iso(backtest.last_at)}: {backtest.frames} frames, {backtest.refused} refused"
    yield f"{seconds:.1f} s, {rate:,.0f} frames/s, {real:,.0f} times real time"
    for tried in backtest.tried:
        yield ""
        yield f"{tried.name}: {len(tried.courses)} alerts"
        rules = _rules(tried.courses)
        for name in sorted(rules, key=lambda rule: (-rules[rule]["raised"], rule)):
            one = rules[name]
            yield (
                f"  {name:<34} {one['class']:<7} raised {one['raised']:>5}  cleared {one['cleared']:>5}"
                f"  devices {one['devices']:>5}  tripped again {one['tripped_again']:>5}"
            )
        for person, told in _people(tried.courses).items():
            yield f"  {person:<34} {told['calls']} calls of {told['alerts']} alerts, at most {told['most']} in 10 min"
    if difference is None:
        return
    yield ""
    yield (
        f"the same {difference.same}, other time or class {len(difference.moved)}, no longer raised"
        f" {len(difference.only_before)}, newly raised {len(difference.only_after)}"
    )
    for sign, courses in (("-", difference.only_before), ("+", difference.only_after)):
        for course in courses[:_SHOWN]:
            yield f"{sign} {_line(course)}"
        if len(courses) > _SHOWN:
            yield f"{sign} and {len(courses) - _SHOWN} more"
    for before, after in difference.moved[:_SHOWN]:
        yield f"~ {_line(before)} -> {iso(after.alert.raised_at)} {after.alert.alert_class}"
    if len(difference.moved) > _SHOWN:
        yield f"~ and {len(difference.moved) - _SHOWN} more"


def _line(course: Course) -> str:
    alert = course.alert
    return f"{iso(alert.raised_at)}  {alert.alert_class:<7} {alert.rule}  {alert.device}"


def _set(tried: Tried) -> dict[str, Any]:
    return {
        "name": tried.name,
        "alerts": [_alert(course) for course in tried.courses],
        "rules": _rules(tried.courses),
        "people": _people(tried.courses),
    }


def _alert(course: Course) -> dict[str, Any]:
    alert = course.alert
    return {
        "id": alert.id,
        "rule": alert.rule,
        "rule_version": alert.rule_version,
        "class": alert.alert_class,
        "grade": alert.grade,
        "device": alert.device,
        "place": alert.place,
        "raised_at": iso(alert.raised_at),
        "event_at": iso(alert.event_at),
        "cleared_at": None if course.over_at is None else iso(course.over_at),
        "tripped_again": len(course.tripped_again),
        "late": alert.late,
        "value": alert.value,
        "ladder": course.ladder,
        "calls": [
            {
                "at": iso(call.created_at),
                "person": call.person,
                "role": call.role,
                "channel": call.channel,
                "purpose": call.purpose,
                "rung": call.rung,
                "round": call.round,
            }
            for call in course.calls
        ],
    }


def _rules(courses: Iterable[Course]) -> dict[str, dict[str, Any]]:
    rules: dict[str, dict[str, Any]] = {}
    devices: dict[str, set[str]] = {}
    for course in courses:
        alert = course.alert
        one = rules.setdefault(
            alert.rule,
            {"class": str(alert.alert_class), "raised": 0, "cleared": 0, "tripped_again": 0, "devices": 0, "calls": 0},
        )
        devices.setdefault(alert.rule, set()).add(alert.device)
        one["raised"] += 1
        one["cleared"] += course.over_at is not None
        one["tripped_again"] += len(course.tripped_again)
        one["calls"] += len(course.calls)
        one["devices"] = len(devices[alert.rule])
    return rules


def _people(courses: Iterable[Course]) -> dict[str, dict[str, Any]]:
    """Who would have been called how often; ``most`` is the most alerts within any ten minutes."""
    calls: Counter[str] = Counter()
    told: dict[str, list[Instant]] = {}
    for course in courses:
        first: dict[str, Instant] = {}
        for call in course.calls:
            calls[call.person] += 1
            if call.purpose is not Purpose.CLEARED:
                first.setdefault(call.person, call.created_at)
        for person, at in first.items():
            told.setdefault(person, []).append(at)
    return {
        person: {"calls": count, "alerts": len(told.get(person, ())), "most": most_in(told.get(person, ()))}
        for person, count in calls.most_common()
    }


def most_in(instants: Iterable[Instant], window: Instant = FLOOD_WINDOW) -> int:
    """The most of these that fall into any window of that length."""
    most, recent = 0, deque[int]()
    for at in sorted(instants):
        recent.append(at)
        while recent[0] <= at - window:
            recent.popleft()
        most = max(most, len(recent))
    return most


def _difference(difference: Difference) -> dict[str, Any]:
    return {
        "same": difference.same,
        "moved": [{"before": _alert(before), "after": _alert(after)} for before, after in difference.moved],
        "only_before": [_alert(course) for course in difference.only_before],
        "only_after": [_alert(course) for course in difference.only_after],
    }
