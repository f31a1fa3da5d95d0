"""What people do to hazards, one act at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from firesense.domain.alert import Alert, Case, Condition, Finding, Grade
from firesense.domain.errors import Conflict, NotAllowed
from firesense.domain.escalation import Call, Purpose, StepKind
from firesense.domain.hazard import REPORTED_RULE, Dealt, Hazard, HazardAct, HazardState
from firesense.domain.instant import micros
from firesense.hazards.around import (
    WORKING,
    Around,
    calls,
    end_of,
    fits,
    holders,
    judge,
    may,
    nearest,
    next_version,
    people_responsible,
    step,
    vacant,
    waits,
)
from firesense.hazards.reporting import GRAVITY, of_rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from firesense.domain.instant import Instant


def accept(
    around: Around,
    alert: Alert,
    hazard: Hazard | None,
    who: str,
    *,
    grade: Grade | None = None,
    remedy: str = "",
    role: str = "",
    responsible: str = "",
    deadline_at: Instant | None = None,
) -> Dealt:
    """Take a hazard on: how grave it is, what must be done, by whom and by when. Whoever accepts it has the alert.

    Who calls it more or less grave than it was needs a post that may accept either. Without ``role`` and
    ``responsible`` it falls to the posts the rules name, or to who accepts it where nobody holds one. Without
    ``deadline_at`` the rules' term holds, which no deadline may exceed.
    """
    if hazard is None or (alert.open and not hazard.open):  # its device found it again after it was closed
        hazard = replace(of_rule(alert), version=hazard.version if hazard else 0)
    if not alert.open:
        raise Conflict(f"alert {alert.id} is closed", "conflict.hazard-over")
    grade = grade or hazard.grade
    # Nobody makes a hazard theirs to accept by calling it less grave.
    judge(around, HazardAct.ACCEPT, hazard, who, max(grade, hazard.grade, key=GRAVITY.__getitem__))
    rules = around.rules.grades[grade]
    latest = around.now + micros(rules.rectify_within)
    deadline = latest if deadline_at is None else deadline_at
    fits(around, deadline, latest)
    if not (role or responsible):
        role = nearest(around, hazard.place, rules.responsible)
        if who in around.org.people and vacant(around.org, hazard.place, rules.responsible):
            role, responsible = "", who
    accepted = replace(
        hazard,
        grade=grade,
        state=HazardState.ACCEPTED,
        remedy=remedy or hazard.remedy,
        role=role,
        responsible=responsible,
        accepted_at=around.now,
        accepted_by=who,
        deadline_at=deadline,
    )
    accepted = waits(around, accepted, deadline - around.now)
    taken = replace(alert, grade=grade)
    if not alert.acknowledged_by:
        taken = replace(taken, case=Case.ACKNOWLEDGED, acknowledged_at=around.now, acknowledged_by=who)
    detail = {"grade": grade.value, "role": role, "person": responsible, "until_at": str(deadline), "note": remedy}
    tell = [*people_responsible(around, accepted)]
    if rules.listed:
        tell += holders(around, accepted.place, sorted(rules.may.get(HazardAct.LIST, ())))
    return Dealt(
        taken,
        accepted,
        (step(around, accepted, StepKind.ACCEPTED, who, detail),),
        tuple(calls(around, accepted, Purpose.ASSIGNED, tell)),
    )


def reject(around: Around, alert: Alert, hazard: Hazard | None, who: str, *, reason: str) -> Dealt:
    """Say that it is none, and why: the case is closed."""
    hazard = _there(hazard, alert)
    judge(around, HazardAct.REJECT, hazard, who)
    if not reason.strip():
        raise Conflict("a report is rejected with a reason", "conflict.hazard-reason")
    over = replace(
        hazard, state=HazardState.REJECTED, reason=reason, closed_at=around.now, closed_by=who, until_at=None
    )
    return _closed(around, alert, over, who, Finding.FALSE_ALARM, StepKind.REJECTED, reason)


def assign(
    around: Around, alert: Alert, hazard: Hazard | None, who: str, *, role: str = "", responsible: str = ""
) -> Dealt:
    """Give a hazard to somebody else: a post (the nearest of that role), a person, or a department by its name."""
    hazard = _there(hazard, alert)
    judge(around, HazardAct.ASSIGN, hazard, who)
    if not (role or responsible):
        raise Conflict("somebody has to be responsible", "conflict.hazard-nobody")
    given = next_version(replace(hazard, role=role, responsible=responsible))
    return Dealt(
        alert,
        given,
        (step(around, given, StepKind.ASSIGNED, who, {"role": role, "person": responsible}),),
        tuple(calls(around, given, Purpose.ASSIGNED, people_responsible(around, given))),
    )


def regrade(around: Around, alert: Alert, hazard: Hazard | None, who: str, *, grade: Grade) -> Dealt:
    """Say that it is more or less grave: another ceiling, and the term of the grade, counted from its acceptance."""
    hazard = _there(hazard, alert)
    judge(around, HazardAct.REGRADE, hazard, who)
    if grade is hazard.grade:
        raise Conflict(f"hazard {hazard.alert} is {grade} already", "conflict.hazard-grade")
    rules = around.rules.grades[grade]
    changed = replace(hazard, grade=grade)
    if hazard.accepted_at is None:
        until = end_of(around, hazard.reported_at, rules.accept_within)
    else:
        until = hazard.accepted_at + micros(rules.rectify_within)
        changed = replace(changed, deadline_at=until)
    changed = waits(around, changed, until - around.now)
    tell = holders(around, hazard.place, sorted(rules.may.get(HazardAct.LIST, ()))) if rules.listed else []
    detail = {"from": hazard.grade.value, "grade": grade.value}
    return Dealt(
        replace(alert, grade=grade),
        changed,
        (step(around, changed, StepKind.REGRADED, who, detail),),
        tuple(calls(around, changed, Purpose.ASSIGNED, tell)),
    )


def start(around: Around, alert: Alert, hazard: Hazard | None, who: str) -> Dealt:
    """Begin to put it right; nobody has to say so."""
    hazard = _there(hazard, alert)
    judge(around, HazardAct.START, hazard, who)
    begun = next_version(replace(hazard, state=HazardState.RECTIFYING))
    return Dealt(alert, begun, (step(around, begun, StepKind.STARTED, who),))


def rectify(
    around: Around, alert: Alert, hazard: Hazard | None, who: str, *, text: str, photos: Iterable[str] = ()
) -> Dealt:
    """Say that it is put right, and how; then it has to be looked at again."""
    hazard = _there(hazard, alert)
    rules = judge(around, HazardAct.RECTIFY, hazard, who)
    done = replace(
        hazard,
        state=HazardState.RECTIFIED,
        rectified_at=around.now,
        rectified_by=who,
        rectified_text=text,
        rectified_photos=tuple(dict.fromkeys((*hazard.rectified_photos, *photos))),  # what failed stays evidence
        passed=None,
    )
    term = rules.write_off_within if rules.on_the_spot else rules.reinspect_within
    done = waits(around, done, end_of(around, around.now, term) - around.now)
    return Dealt(alert, done, (step(around, done, StepKind.RECTIFIED, who, {"note": text}),))


def reinspect(
    around: Around,
    alert: Alert,
    hazard: Hazard | None,
    who: str,
    *,
    passed: bool,
    text: str,
    deadline_at: Instant | None = None,
) -> Dealt:
    """Look at it again. What failed has to be put right again, by ``deadline_at`` or within the rules' term.

    Where a second pair of eyes is asked for, whoever put it right may not be the one.
    """
    hazard = _there(hazard, alert)
    rules = judge(around, HazardAct.REINSPECT, hazard, who)
    if who == hazard.rectified_by and not rules.on_the_spot:
        raise NotAllowed(f"{who} put hazard {hazard.alert} right, so somebody else has to look at it")
    seen = replace(hazard, reinspected_at=around.now, reinspected_by=who, passed=passed, reinspected_text=text)
    told: list[Call] = []
    if passed:
        seen = waits(around, replace(seen, state=HazardState.PASSED), micros(rules.write_off_within))
    else:
        latest = around.now + micros(rules.again_within)
        deadline = latest if deadline_at is None else deadline_at
        fits(around, deadline, latest)
        seen = replace(seen, state=HazardState.RECTIFYING, failures=hazard.failures + 1, deadline_at=deadline)
        seen = waits(around, seen, deadline - around.now)
        told += calls(around, seen, Purpose.ASSIGNED, people_responsible(around, seen))
    detail = {"passed": "yes" if passed else "no", "note": text}
    return Dealt(alert, seen, (step(around, seen, StepKind.REINSPECTED, who, detail),), tuple(told))


def write_off(around: Around, alert: Alert, hazard: Hazard | None, who: str, *, text: str = "") -> Dealt:
    """Take it off the lists (销号), and close the alert."""
    hazard = _there(hazard, alert)
    rules = judge(around, HazardAct.WRITE_OFF, hazard, who)
    if rules.listed and hazard.listed_at is None:
        raise Conflict(f"a {hazard.grade} hazard has to be listed by the government", "conflict.hazard-listing")
    over = replace(hazard, state=HazardState.WRITTEN_OFF, closed_at=around.now, closed_by=who, until_at=None)
    return _closed(around, alert, over, who, Finding.PUT_RIGHT, StepKind.WRITTEN_OFF, text)


def extend(
    around: Around, alert: Alert, hazard: Hazard | None, who: str, *, deadline_at: Instant, reason: str
) -> Dealt:
    """Grant more time, with a reason, up to what the rules allow beyond the term of the grade."""
    hazard = _there(hazard, alert)
    rules = judge(around, HazardAct.EXTEND, hazard, who)
    if hazard.accepted_at is None or hazard.deadline_at is None or not reason.strip():
        raise Conflict("more time is granted with a reason", "conflict.hazard-reason")
    latest = hazard.accepted_at + micros(rules.rectify_within + rules.longest_extension)
    fits(around, deadline_at, latest, after=hazard.deadline_at)
    longer = replace(hazard, deadline_at=deadline_at, extensions=hazard.extensions + 1)
    longer = waits(around, longer, deadline_at - around.now)
    detail = {"until_at": str(deadline_at), "note": reason}
    return Dealt(alert, longer, (step(around, longer, StepKind.EXTENDED, who, detail),))


def list_by_government(around: Around, alert: Alert, hazard: Hazard | None, who: str, *, listing: str) -> Dealt:
    """Note under which number the government watches over it (挂牌督办)."""
    hazard = _there(hazard, alert)
    judge(around, HazardAct.LIST, hazard, who)
    listed = next_version(replace(hazard, listed_at=around.now, listed_by=who, listing=listing))
    return Dealt(alert, listed, (step(around, listed, StepKind.LISTED, who, {"note": listing}),))


def move(around: Around, alert: Alert, hazard: Hazard | None, who: str, *, place: str, spot: str = "") -> Dealt:
    """Say where it is, when that was not known or is wrong: whoever answers for that place is called then.

    Before it is accepted nobody has it any more, and the term to accept it begins anew; afterwards it falls to the
    posts the rules name at its place, unless somebody else is responsible by name, and its deadline stays. Somebody
    whose posts end at a lower place may move it inside that, or hand it up to a place above.
    """
    hazard = _there(hazard, alert)
    rules = judge(around, HazardAct.MOVE, hazard, who)
    if place not in around.org.places:
        raise Conflict(f"there is no place {place}", "conflict.no-place", place=place)
    if place == hazard.place:
        raise Conflict(f"hazard {hazard.alert} is at {place} already", "conflict.hazard-place")
    moved = replace(hazard, place=place, spot=spot or hazard.spot)
    above = any(each.code == place for each in around.org.path(hazard.place))
    if not above and not may(around, HazardAct.MOVE, moved, who):
        raise NotAllowed(f"{who} holds no post that may move a hazard to {place}")
    after, told = replace(alert, place=place), tuple[Call, ...]()
    if hazard.state is HazardState.REPORTED:
        after = replace(after, case=Case.OPEN, acknowledged_at=None, acknowledged_by="")
        after = replace(after, dispatched_at=None, arrived_at=None, verified_at=None, verified_by="", finding=None)
        moved = waits(around, moved, end_of(around, around.now, rules.accept_within) - around.now)
    else:
        if hazard.responsible in {"", hazard.accepted_by} and not vacant(around.org, place, rules.responsible):
            moved = replace(moved, role=nearest(around, place, rules.responsible), responsible="")
        moved = next_version(moved)
        if hazard.state in WORKING:
            told = tuple(calls(around, moved, Purpose.ASSIGNED, people_responsible(around, moved)))
    detail = {"from_place": hazard.place, "place": place, "note": spot}
    return Dealt(after, moved, (step(around, moved, StepKind.MOVED, who, detail),), told)


def _there(hazard: Hazard | None, alert: Alert) -> Hazard:
    """The hazard, which an alert of a rule is not before somebody accepts it; its case is the desk's until then."""
    if hazard is None:
        raise Conflict(f"alert {alert.id} was not accepted as a hazard yet", "conflict.hazard-new")
    return hazard


def _closed(
    around: Around, alert: Alert, hazard: Hazard, who: str, finding: Finding, kind: StepKind, note: str
) -> Dealt:
    reset = Condition.FIRING if alert.rule != REPORTED_RULE else Condition.RESOLVED
    if alert.condition is not Condition.FIRING:
        reset = Condition.RESOLVED
    closed = replace(
        alert, case=Case.CLOSED, condition=reset, closed_at=around.now, closed_by=who, finding=finding, note=note
    )
    over = next_version(replace(hazard, due_at=None))
    return Dealt(closed, over, (step(around, over, kind, who, {"note": note}),))


ACTS: Mapping[HazardAct, Callable[..., Dealt]] = {
    HazardAct.ACCEPT: accept,
    HazardAct.REJECT: reject,
    HazardAct.ASSIGN: assign,
    HazardAct.REGRADE: regrade,
    HazardAct.START: start,
    HazardAct.RECTIFY: rectify,
    HazardAct.REINSPECT: reinspect,
    HazardAct.WRITE_OFF: write_off,
    HazardAct.EXTEND: extend,
    HazardAct.LIST: list_by_government,
    HazardAct.MOVE: move,
}
