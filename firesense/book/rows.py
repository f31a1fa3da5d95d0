"""Rows to domain objects and back.

A table's columns are called what the domain calls its fields, so one pair of functions does for most of them.
"""

from __future__ import annotations

from dataclasses import fields
from math import isnan
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from firesense.book import tables
from firesense.domain.alert import Alert, AlertClass
from firesense.domain.because import Suppressed
from firesense.domain.configured import Configured
from firesense.domain.deed import Photo
from firesense.domain.device import Device
from firesense.domain.escalation import Call, CallState, Climb, Ladder, Selector, Step
from firesense.domain.frame import Refusal
from firesense.domain.hazard import Hazard
from firesense.domain.place import Person, Place
from firesense.domain.quiet import Quiet
from firesense.domain.rollcall import RollCall
from firesense.domain.roster import Change, Roster
from firesense.ports import Feed, Stranger, User

if TYPE_CHECKING:
    from collections.abc import Iterable

    import sqlalchemy as sa

    from firesense.domain.instant import Instant

NEWS, FIRST, REST = -1, 0, 1
RANKS = (FIRST, REST)
CALL_RANKS = (NEWS, *RANKS)
_CLASSES = tuple(AlertClass)
_GRAVITY = {kind: number for number, kind in enumerate(_CLASSES)}
TEST_RANKS = (2 * _GRAVITY[AlertClass.TEST], 2 * _GRAVITY[AlertClass.TEST] + 1)
LIST_RANKS = tuple(range(2 * len(_GRAVITY)))  # see rank_in_list
PENDING = (CallState.QUEUED, CallState.FAILED_FOR_NOW)


def _columns(table: sa.Table, kind: Any, *, without: Iterable[str] = ()) -> list[sa.Column[Any]]:
    return [table.c[field.name] for field in fields(kind) if field.name not in without]


# The columns of each type in the order of its fields: select(*ALERT) gives rows that Alert(*row) takes.
ALERT = _columns(tables.alert, Alert)
CALL = _columns(tables.call, Call)
CHANGE = _columns(tables.roster_change, Change)
CONFIGURED = _columns(tables.configured, Configured)
DEVICE = _columns(tables.device, Device)
FEED = _columns(tables.feed, Feed)
HAZARD = _columns(tables.hazard, Hazard)
PERSON = _columns(tables.person, Person)
PHOTO = _columns(tables.photo, Photo)
PLACE = _columns(tables.place, Place)
QUIET = _columns(tables.quiet, Quiet)
REFUSAL = _columns(tables.quarantine, Refusal)
ROLL_CALL = _columns(tables.roll_call, RollCall)
ROSTER = _columns(tables.roster, Roster)
SELECTOR = _columns(tables.selector, Selector)
STEP = _columns(tables.step, Step)
STRANGER = _columns(tables.stranger, Stranger)
SUPPRESSED = _columns(tables.suppressed, Suppressed)
USER = _columns(tables.user, User)
LADDER = _columns(tables.ladder, Ladder)
_COPY = ("ladder", "rungs", "repeat", "timers")
_WAY = [tables.climb.c[field.name] for field in fields(Climb) if field.name not in {"alert", "ladder"}]
CLIMB = [tables.climb.c[name] for name in ("alert", *_COPY)] + _WAY

_KINDS = (
    Alert,
    Call,
    Change,
    Configured,
    Device,
    Feed,
    Hazard,
    Ladder,
    Person,
    Photo,
    Place,
    Quiet,
    Refusal,
    RollCall,
    Roster,
    Selector,
    Step,
    Stranger,
    User,
)
_NAMES = {kind: [field.name for field in fields(kind)] for kind in _KINDS}
_GIVE = {kind: attrgetter(*names) for kind, names in _NAMES.items()}


def values(thing: Any) -> dict[str, Any]:
    """Give the fields of a domain object by column."""
    kind = type(thing)
    return dict(zip(_NAMES[kind], _GIVE[kind](thing), strict=True))


def line(thing: Any) -> tuple[Any, ...]:
    """Give the fields of a domain object in the order of ``names``."""
    given: tuple[Any, ...] = _GIVE[type(thing)](thing)
    return given


def names(kind: Any) -> list[str]:
    """Give the columns of a type, in the order of its fields."""
    return list(_NAMES[kind])


def rank(alert: Alert) -> int:
    """Say what goes first: fire before everything."""
    return FIRST if alert.alert_class is AlertClass.FIRE else REST


def rank_in_list(alert: Alert) -> int:
    """Say where an alert is listed: by class, the gravest first; in a class those of strangers last.

    Anybody who may publish can be a thousand strangers, and must not push the fires of devices we know off the list.
    """
    return 2 * _GRAVITY[alert.alert_class] + alert.of_stranger


def class_of(rank: int) -> AlertClass:
    """Say which class of alerts is listed there."""
    return _CLASSES[rank // 2]


ALERT_NAMES = (*_NAMES[Alert], "rank", "open")
CALL_NAMES = (*_NAMES[Call], "rank", "ready_at")
CLIMB_NAMES = ("alert", *_COPY, *(column.name for column in _WAY))


def alert_values(alert: Alert) -> dict[str, Any]:
    """Give an alert's columns."""
    value = None if alert.value is None or isnan(alert.value) else alert.value
    return values(alert) | {"value": value, "rank": rank_in_list(alert), "open": alert.open}


def hazard_values(hazard: Hazard) -> dict[str, Any]:
    """Give a hazard's columns; one that is over is never due."""
    return values(hazard) | {"open": hazard.open, "due_at": hazard.due_at if hazard.open else None}


def call_line(call: Call, *, news: bool = False) -> tuple[Any, ...]:
    """Give a new call's columns, in the order of CALL_NAMES. Of fires, those that are ``news`` go before the others."""
    urgent = NEWS if news else FIRST
    return *line(call), urgent if call.urgent else REST, ready_at(call)


def quiet_values(quiet: Quiet) -> dict[str, Any]:
    """Give a window's columns."""
    return values(quiet) | {"due_at": quiet.due_at}


def ready_at(call: Call) -> Instant | None:
    """When somebody has to do something about a call: make it, or ask what came of it."""
    return ready(call.state, call.due_at, call.ask_at)


def ready(state: CallState, due_at: Instant, ask_at: Instant | None) -> Instant | None:
    """When that is of a call in this state."""
    if state in PENDING:
        return due_at
    return ask_at if state is CallState.SENT else None


def climb_values(climb: Climb) -> dict[str, Any]:
    """Give a climb's columns but for its rank; one that is over is never due."""
    way = {column.name: getattr(climb, column.name) for column in _WAY}
    if not climb.live:
        way["due_at"] = None
    ladder = climb.ladder
    copy = dict(zip(_COPY, (ladder.id, ladder.rungs, ladder.repeat, ladder.timers), strict=True))
    return {"alert": climb.alert} | copy | way


def climb_of(row: Any) -> Climb:
    """Make a climb of a row of CLIMB."""
    alert, ladder, rungs, repeat, timers, *way = row
    return Climb(alert, Ladder(ladder, rungs, repeat, timers), *way)
