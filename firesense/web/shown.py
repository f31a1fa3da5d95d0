"""Alerts as people see them: everything a card says, looked up and put into words once."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from firesense.domain.alert import Case
from firesense.domain.catalogue import CLASSES
from firesense.domain.escalation import OF_THE_CLIMB, CallState, ClimbState, rungs_told_already
from firesense.domain.instant import moment
from firesense.escalate import stage
from firesense.notify.masking import masked
from firesense.text import TEXTS, say

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import tzinfo

    from firesense.domain.alert import Alert
    from firesense.domain.errors import Conflict
    from firesense.domain.escalation import Call, Climb, Step
    from firesense.domain.instant import Instant
    from firesense.domain.place import Place
    from firesense.domain.plan import Plan
    from firesense.ports import CallLine, CallsListed

Standing = Literal["done", "told", "skipped", "now", "next", "later"]

_WRITTEN = {"until_at": "%Y-%m-%d %H:%M", "latest_at": "%Y-%m-%d"}  # deadlines may be years away
_UNITS = {"degC": "°C", "1": ""}


@dataclass(frozen=True, slots=True)
class RungShown:
    """A rung, numbered from 1 as people count, and where it stands.

    ``skipped`` reached nobody; of ``told`` everybody had been told in that round, on another rung.
    """

    number: int
    roles: tuple[str, ...]
    standing: Standing


@dataclass(frozen=True, slots=True)
class CallShown:
    """A call: who was told by what, and what came of it when; in a list without its address."""

    call: Call | CallLine
    name: str
    address: str
    at: Instant


@dataclass(frozen=True, slots=True)
class AlertShown:
    """One alert with all that its card or its page says.

    ``earlier`` counts the calls before those of ``calls``, ``whistles`` those that nobody has answered.
    """

    alert: Alert
    what: str
    device_name: str
    device_class: str
    places: tuple[str, ...]
    metric: str
    value: str
    acknowledged_by: str
    closed_by: str
    verified_by: str
    cause: str
    stage: str
    climb: Climb | None
    rungs: tuple[RungShown, ...]
    next_roles: tuple[str, ...]
    calls: tuple[CallShown, ...]
    earlier: int = 0
    whistles: int = 0


def show_alert(
    alert: Alert, climb: Climb | None, calls: Sequence[Call], plan: Plan, language: str, story: Iterable[Step] = ()
) -> AlertShown:
    """Put an alert into words, with all its calls."""
    rungs = {(call.round, call.rung) for call in calls if call.purpose in OF_THE_CLIMB}
    shown = tuple(_call(call, plan, masked(call.address)) for call in calls)
    return _alert(alert, climb, rungs, rungs_told_already(story), shown, plan, language)


def show_listed(
    alert: Alert, climb: Climb | None, calls: CallsListed | None, whistles: int, plan: Plan, language: str
) -> AlertShown:
    """Put an alert into words as a list has it, with its newest calls."""
    if calls is None:
        return replace(_alert(alert, climb, frozenset(), frozenset(), (), plan, language), whistles=whistles)
    lines = tuple(_call(line, plan) for line in calls.newest)
    shown = _alert(alert, climb, calls.rungs, calls.told, lines, plan, language)
    return replace(shown, earlier=calls.count - len(lines), whistles=whistles)


def _alert(
    alert: Alert,
    climb: Climb | None,
    called: Collection[tuple[int, int]],
    told: Collection[tuple[int, int]],
    calls: tuple[CallShown, ...],
    plan: Plan,
    language: str,
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
        verified_by=person_name(plan, alert.verified_by),
        cause=cause_text(plan, alert.cause, language) if alert.cause else "",
        stage=_stage(alert),
        climb=climb,
        rungs=() if climb is None else _rungs(climb, called, told),
        next_roles=_next_roles(climb),
        calls=calls,
    )


def _stage(alert: Alert) -> str:
    """As what a case waits that somebody has; empty when nobody has it, or it is over."""
    if alert.case in {Case.OPEN, Case.CLOSED}:
        return ""
    return alert.case.value if stage(alert) is alert.case else "silenced"


def path_of(plan: Plan, code: str) -> list[Place]:
    """The way from the root to a place; empty for an unknown place."""
    return list(plan.org.path(code))[::-1]


def person_name(plan: Plan, who: str) -> str:
    """The name of a person, or whatever was written where a person should be."""
    person = plan.org.people.get(who)
    return person.name if person else who


def listed(names: Iterable[str], language: str) -> str:
    """Write several names in a row."""
    return (", " if language == "en" else "、").join(names)


def conflict_words(error: Conflict, plan: Plan, zone: tzinfo, language: str) -> dict[str, str]:
    """What fills the text of a conflict: people and posts by their names, instants by the reader's wall clock."""

    def words(key: str, said: str | int) -> str:
        if key.endswith("_at"):
            return moment(int(said)).astimezone(zone).strftime(_WRITTEN.get(key, "%m-%d %H:%M:%S"))
        return label(language, "role", str(said)) if key == "role" else person_name(plan, str(said))

    return {key: words(key, said) for key, said in error.values.items()}


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


def _rungs(
    climb: Climb, called: Collection[tuple[int, int]], told: Collection[tuple[int, int]]
) -> tuple[RungShown, ...]:
    # ``rung`` acts next, so the people being waited for are one below, or at the top when the ladder starts again.
    # One that repeats is called once more itself.
    now, lap = climb.rung - (climb.tries == 0), climb.round
    if now < 0 and climb.round > 0:
        now, lap = len(climb.ladder.rungs) - 1, climb.round - 1
    following = next_rung(climb)
    # What people do to the case begins a round, too: whoever was called before it was called all the same.
    reached = {number for made_in, number in called if made_in <= lap}
    otherwise = {number for made_in, number in told if made_in <= lap}

    def standing(number: int) -> Standing:
        if number == now:
            return "now" if climb.state is ClimbState.CLIMBING else "done"
        if number == following:
            return "next"
        if number < now:
            return "done" if number in reached else "told" if number in otherwise else "skipped"
        return "later"

    return tuple(RungShown(number + 1, rung.roles, standing(number)) for number, rung in enumerate(climb.ladder.rungs))


def _call(call: Call | CallLine, plan: Plan, address: str = "") -> CallShown:
    at = call.sent_at if call.sent_at is not None else call.created_at
    if call.state is CallState.FAILED_FOR_NOW:
        at = call.due_at
    return CallShown(call, person_name(plan, call.person), address, at)
