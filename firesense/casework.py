"""A case, one deed at a time: what it is afterwards, and the lines of its story; or why the deed is not possible.

Pure: the book asks in the transaction that writes the answer, so that of two deeds at once the second one meets what
the first one left. Whoever acts on an alert that nobody has, has it from then on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from firesense.domain.alert import AlertClass, Case, Condition, Finding
from firesense.domain.deed import (
    Acknowledge,
    Arrive,
    Close,
    Dispatch,
    Ground,
    HandOn,
    Reset,
    Silence,
    TakeOver,
    Verify,
)
from firesense.domain.errors import Conflict
from firesense.domain.escalation import Step, StepKind
from firesense.domain.hazard import REPORTED_RULE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from firesense.domain.alert import Alert
    from firesense.domain.deed import Deed
    from firesense.domain.instant import Instant

UNKNOWN_CAUSE = "unknown"  # of a false alarm nobody has explained
_ORDER = tuple(Case)


@dataclass(frozen=True, slots=True)
class Moved:
    """What a deed came to: the alert after it, and what the story says. No steps: nothing had to be done."""

    alert: Alert
    steps: tuple[Step, ...] = ()

    def leaving(self, left: Sequence[Alert]) -> Moved:
        """Say in the story which alerts of the incident were left as they are: others have to act on those."""
        if not left:
            return self
        *before, last = self.steps
        detail = {**last.detail, "left": ",".join(alert.id for alert in left)}
        return Moved(self.alert, (*before, replace(last, detail=detail)))


def move(alert: Alert, deed: Deed, who: str, at: Instant) -> Moved:
    """Do a deed to an alert. Raises Conflict, with the reason for people, when its state does not allow it."""
    if not alert.open:
        raise closed_already(alert)
    return _MOVES[type(deed)](alert, who, at, deed)


def closed_already(alert: Alert) -> Conflict:
    """Say that a case is over, by whom and since when."""
    return Conflict(
        f"alert {alert.id} is closed", "conflict.closed", who=alert.closed_by, closed_at=alert.closed_at or 0
    )


def reaches_incident(deed: Deed) -> bool:
    """Whether a deed on one alert is one on all of its incident.

    Silence and reset are about one detector; so is what was found, when that is a fault.
    """
    match deed:
        case Silence() | Reset():
            return False
        case Verify(finding) | Close(finding):
            return finding is not Finding.FAULT
        case _:
            return True


def reaches(deed: Deed, alert: Alert, mate: Alert) -> bool:
    """Whether a deed on an alert is one on another of its incident, too: what was found of a fire is of fires only."""
    same = alert.alert_class is mate.alert_class or not isinstance(deed, (Verify, Close))
    return same and reaches_incident(deed)


def of_a_device(alert: Alert) -> bool:
    """Whether it is a fire or a hazard that a device alarms with, and not one that people reported."""
    return alert.alert_class in {AlertClass.FIRE, AlertClass.HAZARD} and alert.rule != REPORTED_RULE


def ask_before_closing(alerts: Iterable[Alert], deed: Close) -> None:
    """Raise Conflict for alarms that go on, unless whoever closes them knows: their next frame calls people anew."""
    firing = [alert.id for alert in alerts if alert.condition is Condition.FIRING and of_a_device(alert)]
    if firing and not deed.though_firing:
        alerting = ", ".join(firing)
        raise Conflict(f"{alerting} still fires and will be raised anew", "conflict.close-firing", alerts=alerting)


def _acknowledge(alert: Alert, who: str, at: Instant, _deed: Acknowledge) -> Moved:
    if alert.acknowledged_by and alert.acknowledged_by != who:
        raise _taken(alert)
    return _held(alert, who, at)


def _take_over(alert: Alert, who: str, at: Instant, deed: TakeOver) -> Moved:
    if not alert.acknowledged_by or alert.acknowledged_by == who:
        return _held(alert, who, at)
    if deed.had_by not in {"", alert.acknowledged_by}:
        raise _taken(alert)
    detail = _said(had_by=alert.acknowledged_by, reason=deed.reason)
    return Moved(
        replace(alert, acknowledged_by=who, acknowledged_at=at), (Step(alert.id, at, StepKind.TAKEN_OVER, who, detail),)
    )


def _hand_on(alert: Alert, who: str, at: Instant, deed: HandOn) -> Moved:
    if alert.acknowledged_by == deed.to:
        return Moved(alert)
    if alert.acknowledged_by not in {"", who}:
        raise _taken(alert)
    case = Case.ACKNOWLEDGED if alert.case is Case.OPEN else alert.case
    step = Step(alert.id, at, StepKind.HANDED_ON, who, _said(to=deed.to, reason=deed.reason))
    return Moved(replace(alert, case=case, acknowledged_by=deed.to, acknowledged_at=at), (step,))


def _dispatch(alert: Alert, who: str, at: Instant, deed: Dispatch) -> Moved:
    held = _held(alert, who, at)
    moved = _at_least(held.alert, Case.DISPATCHED)
    moved = replace(moved, dispatched_at=alert.dispatched_at or at)
    detail = _said(to=",".join(deed.people), role=deed.role, place=deed.place, note=deed.note)
    return Moved(moved, (*held.steps, Step(alert.id, at, StepKind.DISPATCHED, who, detail)))


def _arrive(alert: Alert, who: str, at: Instant, deed: Arrive) -> Moved:
    held = _held(alert, who, at)
    moved = replace(_at_least(held.alert, Case.ON_SITE), arrived_at=alert.arrived_at or at)
    detail = deed.position.detail() if deed.position else {}
    if deed.who and deed.who != who:
        detail |= {"said_by": who}
    return Moved(moved, (*held.steps, Step(alert.id, at, StepKind.ARRIVED, deed.who or who, detail)))


def _verify(alert: Alert, who: str, at: Instant, deed: Verify) -> Moved:
    if deed.finding is Finding.CLEARED_ITSELF:
        raise Conflict("that it cleared by itself is not found on site", "conflict.nothing-found")
    _check_put_right(alert, deed.finding)
    cause = _cause(deed.finding, deed.cause)
    held = _held(alert, who, at)
    moved = replace(
        _at_least(held.alert, Case.VERIFIED),
        finding=deed.finding,
        cause=cause,
        note=deed.note or alert.note,
        verified_at=at,
        verified_by=who,
        arrived_at=held.alert.arrived_at or (at if deed.position else None),  # whoever says where they are is there
    )
    detail = _said(finding=deed.finding.value, cause=cause, note=deed.note)
    detail |= deed.position.detail() if deed.position else {}
    return Moved(moved, (*held.steps, Step(alert.id, at, StepKind.VERIFIED, who, detail)))


def _silence(alert: Alert, who: str, at: Instant, deed: Silence) -> Moved:
    if deed.ground is Ground.BELOW_LIMIT and alert.condition is Condition.FIRING:
        raise Conflict(f"alert {alert.id} still fires", "conflict.still-firing")
    if deed.ground is not Ground.BELOW_LIMIT and not deed.shown_by:
        raise Conflict("which camera showed it, or who confirmed it?", "conflict.shown-by")
    if alert.silenced_at is not None:
        return Moved(alert)
    held = _held(alert, who, at)
    detail = _said(ground=deed.ground.value, shown_by=deed.shown_by, reason=deed.reason)
    return Moved(replace(held.alert, silenced_at=at), (*held.steps, Step(alert.id, at, StepKind.SILENCED, who, detail)))


def _reset(alert: Alert, who: str, at: Instant, deed: Reset) -> Moved:
    if alert.condition is Condition.FIRING:
        raise Conflict(f"alert {alert.id} still fires", "conflict.still-firing")
    if alert.condition is Condition.RESOLVED:
        raise Conflict(f"alert {alert.id} is not latched", "conflict.not-latched")
    held = _held(alert, who, at)
    return Moved(
        replace(held.alert, condition=Condition.RESOLVED),
        (*held.steps, Step(alert.id, at, StepKind.RESET, who, _said(reason=deed.reason))),
    )


def _close(alert: Alert, who: str, at: Instant, deed: Close) -> Moved:
    finding = deed.finding or alert.finding
    if finding is None:
        raise Conflict(f"nobody has said what alert {alert.id} was", "conflict.no-finding")
    if finding is Finding.CLEARED_ITSELF and alert.condition is Condition.FIRING:
        raise Conflict(f"alert {alert.id} still fires", "conflict.still-firing")
    _check_put_right(alert, finding)
    ask_before_closing([alert], deed)
    verified = finding is alert.finding
    cause = _cause(finding, deed.cause or (alert.cause if verified else ""))
    note = deed.note or (alert.note if verified else "")
    condition = Condition.RESOLVED if alert.condition is Condition.LATCHED else alert.condition
    detail = {"finding": finding.value, "note": note} | _said(cause=cause)
    return Moved(
        replace(
            alert,
            case=Case.CLOSED,
            condition=condition,
            closed_at=at,
            closed_by=who,
            finding=finding,
            cause=cause,
            note=note,
        ),
        (Step(alert.id, at, StepKind.CLOSED, who, detail),),
    )


def _held(alert: Alert, who: str, at: Instant) -> Moved:
    """The alert with whoever has it already, or else with whoever acts on it now."""
    if alert.acknowledged_by:
        return Moved(alert)
    taken = replace(_at_least(alert, Case.ACKNOWLEDGED), acknowledged_by=who, acknowledged_at=at)
    return Moved(taken, (Step(alert.id, at, StepKind.ACKNOWLEDGED, who),))


def _at_least(alert: Alert, case: Case) -> Alert:
    """A case never goes back: whoever is sent after it was verified does not make it unverified."""
    return alert if _ORDER.index(alert.case) >= _ORDER.index(case) else replace(alert, case=case)


def _cause(finding: Finding, cause: str) -> str:
    if finding is Finding.FALSE_ALARM:
        return cause or UNKNOWN_CAUSE
    if cause:
        raise Conflict(f"a cause belongs to a false alarm, not to {finding}", "conflict.cause")
    return ""


def _check_put_right(alert: Alert, finding: Finding) -> None:
    if finding is Finding.PUT_RIGHT and alert.alert_class is not AlertClass.HAZARD:
        raise Conflict("only a hazard is put right", "conflict.put-right")


def _taken(alert: Alert) -> Conflict:
    return Conflict(
        f"{alert.acknowledged_by} has alert {alert.id}",
        "conflict.taken",
        who=alert.acknowledged_by,
        taken_at=alert.acknowledged_at or 0,
    )


def _said(**detail: str) -> dict[str, str]:
    return {key: said for key, said in detail.items() if said}


_MOVES: Mapping[type[Deed], Callable[[Alert, str, Instant, Any], Moved]] = {
    Acknowledge: _acknowledge,
    TakeOver: _take_over,
    HandOn: _hand_on,
    Dispatch: _dispatch,
    Arrive: _arrive,
    Verify: _verify,
    Silence: _silence,
    Reset: _reset,
    Close: _close,
}
