"""What is wrong with the ladders people have written, and what is sound and hardly meant."""

from __future__ import annotations

import re
from datetime import timedelta
from difflib import get_close_matches
from itertools import product
from typing import TYPE_CHECKING

from firesense.domain.alert import AlertClass, Grade
from firesense.domain.escalation import Hours

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from firesense.domain.place import Org
    from firesense.ladderfile.written import LadderFile, WrittenLadder, WrittenSelector

_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
_NOTHING = timedelta()
_LONGEST_WAIT = timedelta(days=31)  # for somebody to answer; own bound, against a slip of the pen
_LONGEST_TIMER = timedelta(days=366)  # for a case to stand still; likewise
_LONGEST_FOR_FIRE = timedelta(hours=1)  # beyond it a rung of a fire is hardly meant
_WITHOUT_CONDITION = {"ladder", "alert_class", "start"}
_Found = tuple[str, str]  # where, and why


def faults_of(
    file: LadderFile, org: Org, channels: Collection[str] | None, seasons: Collection[str] | None
) -> Iterator[_Found]:
    """Find every fault. Channels and seasons that are None are not looked up."""
    roles = {role for _, role in org.posts}
    yield from _ladder_faults(file, roles, channels)
    yield from _selector_faults(file, org, seasons)
    yield from _order_faults(file, org)
    yield from _fire_faults(file, org)
    yield from _whistle_faults(file, roles, channels)


def doubts_of(file: LadderFile, org: Org) -> Iterator[_Found]:
    """Find what a sound file hardly means: a fire that is given up, a tag that no place has."""
    for name, ladder in _for_fire(file, org).items():
        if ladder.repeat != "forever":
            yield f"ladders.{name}.repeat", "a fire is given up after so many rounds: forever calls on"
        for timer in ("arrive", "result"):
            if getattr(ladder.timers, timer) is None:
                yield f"ladders.{name}.timers.{timer}", "a fire that somebody has taken may be forgotten for ever"
        for i, rung in enumerate(ladder.rungs):
            if rung.wait > _LONGEST_FOR_FIRE:
                yield f"ladders.{name}.rungs[{i}].wait", "is long for a fire: the next rung hears of it only then"
    tags = {tag for place in org.places.values() for tag in place.tags}
    for i, selector in enumerate(file.choose):
        for tag in selector.tags:
            if tag not in tags:
                meant = get_close_matches(tag, sorted(tags), 1)
                yield f"choose[{i}].tags", f"no place has the tag {tag!r}" + (f": {meant[0]!r}?" if meant else "")


def hours_of(written: str) -> Hours | None:
    """Read a part of a day such as 22:00-06:00; None for what is none."""
    found = _HOURS.fullmatch(written)
    if found is None:
        return None
    first, first_minute, last, last_minute = map(int, found.groups())
    return Hours(timedelta(hours=first, minutes=first_minute), timedelta(hours=last, minutes=last_minute))


# -- ladders ----------------------------------------------------------------------------------------------------------
def _ladder_faults(file: LadderFile, roles: Collection[str], channels: Collection[str] | None) -> Iterator[_Found]:
    for name, ladder in file.ladders.items():
        for i, rung in enumerate(ladder.rungs):
            at = f"ladders.{name}.rungs[{i}]"
            yield from _unknown(f"{at}.roles", "no place has a post {}", rung.roles, roles)
            yield from _unknown(f"{at}.channels", "there is no channel {}", rung.channels, channels)
            yield from _out_of_bounds(at, _LONGEST_WAIT, wait=rung.wait, every=rung.every)
            if rung.every is not None and not rung.repeat:
                yield f"{at}.every", "is for a rung that repeats: say how often with repeat"
        yield from _out_of_bounds(f"ladders.{name}.timers", _LONGEST_TIMER, **dict(ladder.timers))
        if isinstance(ladder.repeat, int) and ladder.repeat < 0:
            yield f"ladders.{name}.repeat", "is a count, or the word forever"


def _fire_faults(file: LadderFile, org: Org) -> Iterator[_Found]:
    """A fire is given up only by who says so: what is left out is a fault, a number or ``never`` is none."""
    for name, ladder in _for_fire(file, org).items():
        if "repeat" not in ladder.model_fields_set:
            yield f"ladders.{name}", "is for fires and does not say repeat: forever (a count would give them up)"
        for timer, until in (("arrive", "is on site"), ("result", "knows what it is")):
            if timer not in ladder.timers.model_fields_set:
                yield (
                    f"ladders.{name}.timers",
                    f"the ladder is for fires and has no {timer}: how long until somebody {until}, say 15m (or never)",
                )


def _for_fire(file: LadderFile, org: Org) -> Mapping[str, WrittenLadder]:
    """The ladders that a fire may get."""
    reached = _reached(file.choose, org)
    named = {
        selector.ladder
        for selector, pairs in zip(file.choose, reached, strict=True)
        if any(alert_class is AlertClass.FIRE for alert_class, _ in pairs)
    }
    return {name: ladder for name, ladder in file.ladders.items() if name in named}


# -- which alert gets which -------------------------------------------------------------------------------------------
def _selector_faults(file: LadderFile, org: Org, seasons: Collection[str] | None) -> Iterator[_Found]:
    for i, selector in enumerate(file.choose):
        at = f"choose[{i}]"
        ladder = file.ladders.get(selector.ladder)
        if ladder is None:
            yield f"{at}.ladder", f"there is no ladder {selector.ladder!r}"
        elif selector.start > len(ladder.rungs):
            yield f"{at}.start", f"the ladder {selector.ladder!r} has {len(ladder.rungs)} rungs"
        yield from _unknown(f"{at}.places", "there is no place {}", selector.places, org.places)
        yield from _unknown(f"{at}.seasons", "there is no calendar {}", selector.seasons, seasons)
        hours = hours_of(selector.hours)
        if selector.hours and hours is None:
            yield f"{at}.hours", f"{selector.hours!r} is no part of a day such as 22:00-06:00"
        elif hours is not None and hours.first == hours.last:
            yield f"{at}.hours", "is over when it begins"
        if selector.confirmed and selector.alert_class and AlertClass.FIRE not in selector.alert_class:
            yield f"{at}.confirmed", "only a fire is confirmed by another fire"


def _order_faults(file: LadderFile, org: Org) -> Iterator[_Found]:
    """Lines of ``choose`` that no alert comes to, and alerts that come to the end of it."""
    for i, pairs in enumerate(_reached(file.choose, org)):
        if not pairs:
            yield f"choose[{i}]", "is never reached: whatever fits it fits a line before it"
    last = [selector for selector in file.choose if selector.model_fields_set <= _WITHOUT_CONDITION]
    covered = {alert_class for selector in last for alert_class in selector.alert_class or AlertClass}
    for missing in AlertClass:
        if missing not in covered:
            yield (
                "choose",
                f"an alert of class {missing.value!r} may find no ladder: add one without other conditions",
            )


def _reached(selectors: Iterable[WrittenSelector], org: Org) -> list[set[tuple[AlertClass, Grade]]]:
    """The classes and grades of alerts that may come as far as each selector, and fit it."""
    before: list[tuple[WrittenSelector, set[tuple[AlertClass, Grade]]]] = []
    for selector in selectors:
        pairs = set(product(selector.alert_class or AlertClass, selector.grade or Grade))
        before.append((selector, pairs))
    return [
        {pair for pair in pairs if not any(pair in taken and _covers(wider, each, org) for wider, taken in before[:i])}
        for i, (each, pairs) in enumerate(before)
    ]


def _covers(wider: WrittenSelector, narrow: WrittenSelector, org: Org) -> bool:
    """Whether every alert that fits ``narrow`` fits ``wider``, too, class and grade apart."""
    return (
        _one_of(narrow.tags, wider.tags)
        and _one_of(narrow.seasons, wider.seasons)
        and (not wider.hours or wider.hours == narrow.hours)
        and (not wider.confirmed or narrow.confirmed)
        and (not wider.places or (bool(narrow.places) and all(_below(code, wider, org) for code in narrow.places)))
    )


def _one_of(narrow: tuple[str, ...], wider: tuple[str, ...]) -> bool:
    return not wider or (bool(narrow) and set(narrow) <= set(wider))


def _below(code: str, wider: WrittenSelector, org: Org) -> bool:
    return any(place.code in wider.places for place in org.path(code))


# -- whistles ---------------------------------------------------------------------------------------------------------
def _whistle_faults(file: LadderFile, roles: Collection[str], channels: Collection[str] | None) -> Iterator[_Found]:
    whistle = file.whistle
    yield from _unknown("whistle.channels", "there is no channel {}", whistle.channels, channels)
    yield from _out_of_bounds("whistle", _LONGEST_WAIT, wait=whistle.wait)
    for role, department in whistle.departments.items():
        at = f"whistle.departments.{role}"
        yield from _unknown(at, "no place has a post {}", (role,), roles)
        yield from _unknown(f"{at}.channels", "there is no channel {}", department.channels, channels)
        yield from _out_of_bounds(at, _LONGEST_WAIT, wait=department.wait)
        if department.then and department.then not in file.ladders:
            yield f"{at}.then", f"there is no ladder {department.then!r}"


def _unknown(at: str, reason: str, names: Iterable[str], known: Collection[str] | None) -> Iterator[_Found]:
    for name in names:
        if known is not None and name not in known:
            yield at, reason.format(repr(name))


def _out_of_bounds(at: str, longest: timedelta, **durations: timedelta | None) -> Iterator[_Found]:
    for name, span in durations.items():
        if span is not None and span <= _NOTHING:
            yield f"{at}.{name}", "must be longer than nothing"
        if span is not None and span > longest:
            yield f"{at}.{name}", f"is longer than {longest.days} days"
