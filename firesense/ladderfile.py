"""Reads what people write about the way up: the ladders, which alert gets which, and departments that are whistled for.

docs/ladders.md explains it to those who write it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from firesense.domain.alert import AlertClass, Grade
from firesense.domain.calendar import HOLIDAY, NIGHT
from firesense.domain.errors import ConfigError, Fault
from firesense.domain.escalation import Department, Hours, Ladder, Rung, Selector, Timers, Whistling
from firesense.yamlfile import Duration, Written, read_shape

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

    from firesense.domain.place import Org

_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


class _Rung(Written):
    roles: tuple[str, ...] = Field(min_length=1)
    channels: tuple[str, ...] = Field(min_length=1)
    wait: Duration
    repeat: int = Field(default=0, ge=0, le=99)
    every: Duration | None = None


class _Timers(Written):
    arrive: Duration | None = None
    result: Duration | None = None
    close: Duration | None = None


class _Ladder(Written):
    rungs: list[_Rung] = Field(min_length=1)
    repeat: int | Literal["forever"] = Field(default=0)
    timers: _Timers = _Timers()


class _Selector(Written):
    ladder: str
    alert_class: tuple[AlertClass, ...] = Field(default=(), alias="class")
    grade: tuple[Grade, ...] = ()
    places: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    seasons: tuple[str, ...] = ()
    hours: str = ""
    confirmed: bool = False
    start: int = Field(default=1, ge=1)


class _Department(Written):
    wait: Duration | None = None
    channels: tuple[str, ...] = ()
    then: str = ""


class _Whistle(Written):
    wait: Duration = timedelta(minutes=10)
    channels: tuple[str, ...] = ()
    departments: dict[str, _Department] = Field(default_factory=dict)


class _LadderFile(Written):
    ladders: dict[str, _Ladder] = Field(min_length=1)
    choose: list[_Selector] = Field(min_length=1)
    whistle: _Whistle = _Whistle()


@dataclass(frozen=True, slots=True)
class Ladders:
    """Ladders by id, the selectors that choose among them, in order, and how departments are whistled for."""

    by_id: Mapping[str, Ladder]
    selectors: tuple[Selector, ...]
    whistling: Whistling = field(default_factory=Whistling)


def load_ladders(
    path: Path, org: Org, channels: Collection[str] | None = None, seasons: Collection[str] | None = None
) -> Ladders:
    """Read the ladders and check them against the org and (when given) the channels and seasons there are.

    Raises ConfigError with every fault: a role no place has, an unknown channel, a class of alert without a ladder.
    """
    written = read_shape(path, _LadderFile)
    roles = {role for _, role in org.posts}
    found = [
        *_ladder_faults(written, roles, channels),
        *_selector_faults(written, org, None if seasons is None else {*seasons, NIGHT, HOLIDAY}),
        *_whistle_faults(written, roles, channels),
    ]
    if found:
        raise ConfigError(Fault(str(path), at, reason) for at, reason in found)
    return Ladders(
        {name: _ladder(name, ladder) for name, ladder in written.ladders.items()},
        tuple(_selector(selector) for selector in written.choose),
        Whistling(
            written.whistle.wait,
            written.whistle.channels,
            {
                role: Department(department.wait, department.channels, department.then)
                for role, department in written.whistle.departments.items()
            },
        ),
    )


# -- what is wrong ----------------------------------------------------------------------------------------------------
_Found = tuple[str, str]  # where, and why


def _ladder_faults(file: _LadderFile, roles: Collection[str], channels: Collection[str] | None) -> Iterator[_Found]:
    for name, ladder in file.ladders.items():
        for i, rung in enumerate(ladder.rungs):
            at = f"ladders.{name}.rungs[{i}]"
            yield from _unknown(f"{at}.roles", "no place has a post {}", rung.roles, roles)
            yield from _unknown(f"{at}.channels", "there is no channel {}", rung.channels, channels)
            yield from _too_short(at, wait=rung.wait, every=rung.every)
            if rung.every is not None and not rung.repeat:
                yield f"{at}.every", "is for a rung that repeats: say how often with repeat"
        yield from _too_short(
            f"ladders.{name}.timers",
            arrive=ladder.timers.arrive,
            result=ladder.timers.result,
            close=ladder.timers.close,
        )
        if isinstance(ladder.repeat, int) and ladder.repeat < 0:
            yield f"ladders.{name}.repeat", "is a count, or the word forever"


def _selector_faults(file: _LadderFile, org: Org, seasons: Collection[str] | None) -> Iterator[_Found]:
    covered: set[AlertClass] = set()
    for i, selector in enumerate(file.choose):
        at = f"choose[{i}]"
        ladder = file.ladders.get(selector.ladder)
        if ladder is None:
            yield f"{at}.ladder", f"there is no ladder {selector.ladder!r}"
        elif selector.start > len(ladder.rungs):
            yield f"{at}.start", f"the ladder {selector.ladder!r} has {len(ladder.rungs)} rungs"
        yield from _unknown(f"{at}.places", "there is no place {}", selector.places, org.places)
        yield from _unknown(f"{at}.seasons", "there is no calendar {}", selector.seasons, seasons)
        hours = _hours(selector.hours)
        if selector.hours and hours is None:
            yield f"{at}.hours", f"{selector.hours!r} is no part of a day such as 22:00-06:00"
        elif hours is not None and hours.first == hours.last:
            yield f"{at}.hours", "is over when it begins"
        if selector.confirmed and selector.alert_class and AlertClass.FIRE not in selector.alert_class:
            yield f"{at}.confirmed", "only a fire is confirmed by another fire"
        if selector.model_fields_set <= {"ladder", "alert_class", "start"}:
            covered |= set(selector.alert_class or AlertClass)
    for missing in AlertClass:
        if missing not in covered:
            yield (
                "choose",
                f"an alert of class {missing.value!r} may find no ladder: add one without other conditions",
            )


def _whistle_faults(file: _LadderFile, roles: Collection[str], channels: Collection[str] | None) -> Iterator[_Found]:
    whistle = file.whistle
    yield from _unknown("whistle.channels", "there is no channel {}", whistle.channels, channels)
    yield from _too_short("whistle", wait=whistle.wait)
    for role, department in whistle.departments.items():
        at = f"whistle.departments.{role}"
        yield from _unknown(at, "no place has a post {}", (role,), roles)
        yield from _unknown(f"{at}.channels", "there is no channel {}", department.channels, channels)
        yield from _too_short(at, wait=department.wait)
        if department.then and department.then not in file.ladders:
            yield f"{at}.then", f"there is no ladder {department.then!r}"


def _unknown(at: str, reason: str, names: Iterable[str], known: Collection[str] | None) -> Iterator[_Found]:
    for name in names:
        if known is not None and name not in known:
            yield at, reason.format(repr(name))


def _too_short(at: str, **durations: timedelta | None) -> Iterator[_Found]:
    for name, span in durations.items():
        if span is not None and span <= timedelta():
            yield f"{at}.{name}", "must be longer than nothing"


# -- what it means ----------------------------------------------------------------------------------------------------
def _ladder(name: str, written: _Ladder) -> Ladder:
    timers = written.timers
    return Ladder(
        name,
        tuple(Rung(rung.roles, rung.channels, rung.wait, rung.repeat, rung.every) for rung in written.rungs),
        None if written.repeat == "forever" else written.repeat,
        Timers(timers.arrive, timers.result, timers.close),
    )


def _selector(written: _Selector) -> Selector:
    return Selector(
        written.ladder,
        frozenset(written.alert_class),
        frozenset(written.grade),
        frozenset(written.places),
        frozenset(written.tags),
        frozenset(written.seasons),
        _hours(written.hours),
        written.confirmed,
        written.start - 1,
    )


def _hours(written: str) -> Hours | None:
    found = _HOURS.fullmatch(written)
    if found is None:
        return None
    first, first_minute, last, last_minute = map(int, found.groups())
    return Hours(timedelta(hours=first, minutes=first_minute), timedelta(hours=last, minutes=last_minute))
