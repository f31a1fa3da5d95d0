"""Alerts as people see them: everything a card says, looked up and put into words once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from firesense.domain.catalogue import CLASSES
from firesense.domain.escalation import OF_THE_CLIMB, CallState, ClimbState
from firesense.domain.instant import moment
from firesense.notify.masking import masked
from firesense.notify.message import LOCAL
from firesense.text import TEXTS, say

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import tzinfo

    from firesense.domain.alert import Alert
    from firesense.domain.errors import Conflict
    from firesense.domain.escalation import Call, Climb, Step, StepKind
    from firesense.domain.instant import Instant
    from firesense.domain.place import Place
    from firesense.domain.plan import Plan
    from firesense.ports import CallLine, CallsListed

Standing = Literal["done", "skipped", "now", "next", "later"]

_UNITS = {"degC": "°C", "1": ""}


@dataclass(frozen=True, slots=True)
class RungShown:
    """A rung, numbered from 1 as people count, and where it stands; ``skipped`` reached nobody."""

    number: int
    roles: tuple[str, ...]
    standing: Standing


@dataclass(frozen=True, slots=True)
class StepShown:
    """A line of the story."""

    at: Instant
    kind: StepKind
    who: str
    details: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CallShown:
    """A call: who was told by what, and what came of it when; in a list without its address."""

    call: Call | CallLine
    name: str
    address: str
    at: Instant


@dataclass(frozen=True, slots=True)
class AlertShown:
    """One alert with all that its card or its page says; ``earlier`` counts the calls before those of ``calls``."""

    alert: Alert
    what: str
    device_name: str
    device_class: str
    places: tuple[str, ...]
    metric: str
    value: str
    acknowledged_by: str
    closed_by: str
    climb: Climb | None
    rungs: tuple[RungShown, ...]
    next_roles: tuple[str, ...]
    calls: tuple[CallShown, ...]
    earlier: int = 0


def show_alert(alert: Alert, climb: Climb | None, calls: Sequence[Call], plan: Plan, language: str) -> AlertShown:
    """Put an alert into words, with all its calls."""
    rungs = {(call.round, call.rung) for call in calls if call.purpose in OF_THE_CLIMB}
    shown = tuple(_call(call, plan, masked(call.address)) for call in calls)
    return _alert(alert, climb, rungs, shown, plan, language)


def show_listed(alert: Alert, climb: Climb | None, calls: CallsListed | None, plan: Plan, language: str) -> AlertShown:
    """Put an alert into words as a list has it, with its newest calls."""
    if calls is None:
        return _alert(alert, climb, frozenset(), (), plan, language)
    shown = tuple(_call(line, plan) for line in calls.newest)
    return _alert(alert, climb, calls.rungs, shown, plan, language, calls.count - len(shown))


def _alert(
    alert: Alert,
    climb: Climb | None,
    called: Collection[tuple[int, int]],
    calls: tuple[CallShown, ...],
    plan: Plan,
    language: str,
    earlier: int = 0,
) -> AlertShown:
    device = plan.registry.get(alert.device)
    device_class = CLASSES.get(alert.device_class)
    chosen = "en" if language == "en" else "zh"
    metric = device_class.metrics.get(alert.metric) if device_class else None
    return AlertShown(
        alert=alert,
        what=alert.text.get(chosen) or next(iter(alert.text.values()), alert.rule),
        device_name=(device.name if device else "") or alert.device,
        device_class=getattr(device_class, chosen) if device_class else alert.device_class,
        places=tuple(place.name for place in path_of(plan, alert.place)) or (alert.place,),
        metric=getattr(metric, chosen) if metric else "",
        value=value_text(alert.value, unit_of(alert.device_class, alert.metric)),
        acknowledged_by=person_name(plan, alert.acknowledged_by),
        closed_by=person_name(plan, alert.closed_by),
        climb=climb,
        rungs=() if climb is None else _rungs(climb, called),
        next_roles=_next_roles(climb),
        calls=calls,
        earlier=earlier,
    )


def path_of(plan: Plan, code: str) -> list[Place]:
    """The way from the root to a place; empty for an unknown place."""
    return list(plan.org.path(code))[::-1]


def person_name(plan: Plan, who: str) -> str:
    """The name of a person, or whatever was written where a person should be."""
    person = plan.org.people.get(who)
    return person.name if person else who


def conflict_words(error: Conflict, plan: Plan, zone: tzinfo) -> dict[str, str]:
    """What fills the text of a conflict: people by their names, instants by the reader's wall clock."""
    return {
        key: moment(int(said)).astimezone(zone).strftime("%m-%d %H:%M:%S")
        if key.endswith("_at")
        else person_name(plan, str(said))
        for key, said in error.values.items()
    }


def cause_text(plan: Plan, cause: str, language: str) -> str:
    """The words of a cause of false alarms, or its id when nobody knows it any more."""
    zh, en = plan.practice.causes.get(cause, (cause, cause))
    return en if language == "en" else zh


def unit_of(device_class: str, column: str) -> str:
    """The canonical unit of a metric; empty for a signal and for what the catalogue does not know."""
    known = CLASSES.get(device_class)
    metric = known.metrics.get(column) if known else None
    return metric.unit if metric else ""


def value_text(value: float | None, unit: str) -> str:
    """Write a value with its unit, to three decimals at most; empty when there is none."""
    if value is None or not math.isfinite(value):
        return ""
    number = f"{value:.3f}".rstrip("0").rstrip(".")
    return f"{number} {_UNITS.get(unit, unit)}".rstrip()


def show_story(story: Iterable[Step], plan: Plan, language: str) -> tuple[StepShown, ...]:
    """Put the lines of an alert's story into words."""
    return tuple(
        StepShown(
            step.at,
            step.kind,
            person_name(plan, step.who),
            tuple(
                text for name, value in step.detail.items() if value and (text := _detail(name, value, plan, language))
            ),
        )
        for step in story
    )


def label(language: str, section: str, name: str) -> str:
    """Name something from the configuration or an enum: its text if the catalogue has one, else the name itself."""
    key = f"{section}.{name}"
    return say(key, language) if key in TEXTS else name


def next_rung(climb: Climb) -> int | None:
    """The rung that acts when the climb is due next; None when it is over or has no rung left."""
    if not climb.live or climb.due_at is None or climb.spent or climb.rung >= len(climb.ladder.rungs):
        return None
    return climb.rung


def _next_roles(climb: Climb | None) -> tuple[str, ...]:
    following = None if climb is None else next_rung(climb)
    return () if climb is None or following is None else climb.ladder.rungs[following].roles


def _rungs(climb: Climb, called: Collection[tuple[int, int]]) -> tuple[RungShown, ...]:
    # ``rung`` acts next, so the people being waited for are one below, or at the top when the ladder starts again.
    # One that repeats is called once more itself.
    now, lap = climb.rung - (climb.tries == 0), climb.round
    if now < 0 and climb.round > 0:
        now, lap = len(climb.ladder.rungs) - 1, climb.round - 1
    following = next_rung(climb)
    # What people do to the case begins a round, too: whoever was called before it was called all the same.
    reached = {number for made_in, number in called if made_in <= lap}

    def standing(number: int) -> Standing:
        if number == now:
            return "now" if climb.state is ClimbState.CLIMBING else "done"
        if number == following:
            return "next"
        if number < now:
            return "done" if number in reached else "skipped"
        return "later"

    return tuple(RungShown(number + 1, rung.roles, standing(number)) for number, rung in enumerate(climb.ladder.rungs))


_SILENT = frozenset({"round", "rule", "ladder", "key", "photo"})  # of a step: for programs
_PLAIN = frozenset({"note", "receipt", "device", "shown_by", "plan", "latitude", "longitude"})
_SECTIONS = {
    "role": "role",
    "ground": "ground",
    "reason": "web.reason",
    "finding": "finding",
    "condition": "condition",
    "state": "call.state",
    "purpose": "call.purpose",
    "flood": "web.flood",
    "grade": "grade",
    "source": "hazard.source",
    "passed": "hazard.detail.passed",
}
_FILLED = {  # the text, and its place to be filled
    "only_kind": ("web.only_kind", "kind"),
    "until": ("web.until", "at"),
    "next": ("web.next_channel", "channels"),
    "instead_of": ("web.instead_of", "channel"),
    "bundled": ("web.bundled", "count"),
    "level": ("hazard.detail.level", "level"),
    "accuracy": ("web.detail.accuracy", "metres"),
    "incident": ("web.detail.incident", "id"),
    "left": ("web.detail.left", "ids"),
    "alert": ("web.detail.fault", "id"),
}
_PEOPLE = {
    "person": "web.detail.person",
    "to": "web.detail.person",
    "had_by": "web.detail.had_by",
    "said_by": "web.detail.said_by",
}
_OF_CHANNELS = frozenset({"next", "instead_of"})


def _detail(name: str, value: str, plan: Plan, language: str) -> str:
    if name in _SECTIONS:
        return label(language, _SECTIONS[name], value)
    if name in _PEOPLE:
        names = "、".join(person_name(plan, each) for each in value.split(","))
        return say(_PEOPLE[name], language, who=names)
    match name:
        case "place" | "from_place":
            place = plan.org.places.get(value)
            text = place.name if place else value
            text = text if name == "place" else say("hazard.detail.from_place", language, place=text)
        case "cause":
            text = cause_text(plan, value, language)
        case "rung" if value.isdecimal():
            text = say("web.rung", language, number=int(value) + 1)
        case "channel" | "channels":
            text = _channels(value, language)
        case "until_at" if value.isdecimal():
            until = moment(int(value)).astimezone(LOCAL).strftime("%Y-%m-%d %H:%M")
            text = say("hazard.detail.until", language, until=until)
        case "from":
            text = say("hazard.detail.from", language, grade=label(language, "grade", value))
        case _ if name in _FILLED:
            key, gap = _FILLED[name]
            text = say(key, language, **{gap: _channels(value, language) if name in _OF_CHANNELS else value})
        case _:
            text = "" if name in _SILENT else value if name in _PLAIN else f"{name} {value}"
    return text


def _channels(names: str, language: str) -> str:
    return ", ".join(label(language, "channel", channel) for channel in names.split(","))


def _call(call: Call | CallLine, plan: Plan, address: str = "") -> CallShown:
    at = call.sent_at if call.sent_at is not None else call.created_at
    if call.state is CallState.FAILED_FOR_NOW:
        at = call.due_at
    return CallShown(call, person_name(plan, call.person), address, at)
