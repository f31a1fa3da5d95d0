"""Reads what people write about the way up: the ladders, which alert gets which, and departments that are whistled for.

docs/ladders.md explains it to those who write it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from firesense.domain.calendar import HOLIDAY, NIGHT
from firesense.domain.errors import ConfigError, Fault
from firesense.domain.escalation import Department, Ladder, Rung, Selector, Timers, Whistling
from firesense.ladderfile.faults import doubts_of, faults_of, hours_of
from firesense.ladderfile.written import LadderFile
from firesense.yamlfile import read_shape

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from firesense.domain.place import Org
    from firesense.ladderfile.written import WrittenLadder, WrittenSelector


@dataclass(frozen=True, slots=True)
class Ladders:
    """Ladders by id, the selectors that choose among them, in order, and how departments are whistled for.

    ``doubts`` are what is sound and hardly meant, for people to look at.
    """

    by_id: Mapping[str, Ladder]
    selectors: tuple[Selector, ...]
    whistling: Whistling = field(default_factory=Whistling)
    doubts: tuple[Fault, ...] = ()


def load_ladders(
    path: Path, org: Org, channels: Collection[str] | None = None, seasons: Collection[str] | None = None
) -> Ladders:
    """Read the ladders and check them against the org and (when given) the channels and seasons there are.

    Raises ConfigError with every fault: a role no place has, an unknown channel, a class of alert without a ladder, a
    ladder for fires that does not say when it gives up, a line of ``choose`` that nothing reaches.
    """
    file = read_shape(path, LadderFile)
    found = list(faults_of(file, org, channels, None if seasons is None else {*seasons, NIGHT, HOLIDAY}))
    if found:
        raise ConfigError(Fault(str(path), at, reason) for at, reason in found)
    return Ladders(
        {name: _ladder(name, ladder) for name, ladder in file.ladders.items()},
        tuple(_selector(selector) for selector in file.choose),
        Whistling(
            file.whistle.wait,
            file.whistle.channels,
            {
                role: Department(department.wait, department.channels, department.then)
                for role, department in file.whistle.departments.items()
            },
        ),
        tuple(Fault(str(path), at, reason) for at, reason in doubts_of(file, org)),
    )


def _ladder(name: str, written: WrittenLadder) -> Ladder:
    timers = written.timers
    return Ladder(
        name,
        tuple(Rung(rung.roles, rung.channels, rung.wait, rung.repeat, rung.every) for rung in written.rungs),
        None if written.repeat == "forever" else written.repeat,
        Timers(timers.arrive, timers.result, timers.close),
    )


def _selector(written: WrittenSelector) -> Selector:
    return Selector(
        written.ladder,
        frozenset(written.alert_class),
        frozenset(written.grade),
        frozenset(written.places),
        frozenset(written.tags),
        frozenset(written.seasons),
        hours_of(written.hours),
        written.confirmed,
        written.start - 1,
    )
