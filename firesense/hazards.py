r"""Hazards from the report to the writing off: who may do what, by when, and who hears of delay. Pure.

::

    reported -> accepted -> rectifying -> rectified -> passed -> written off
            \-> rejected        ^---- failed ----/
                                 \- on the spot: rectified -> written off

Each act takes the hazard as it is and gives it as it is after (``Dealt``); raises Conflict where its state does not
allow the act, and NotAllowed where the person's posts do not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from firesense.domain.alert import Alert, AlertClass, Case, Condition, Finding, Grade, alert_id
from firesense.domain.errors import Conflict, NotAllowed
from firesense.domain.escalation import Call, Purpose, Step, StepKind
from firesense.domain.hazard import REPORTED_RULE, Dealt, Hazard, HazardAct, HazardState, Report, Source
from firesense.domain.instant import iso, micros
from firesense.domain.place import OPERATOR

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from firesense.domain.hazard import GradeRules, HazardRules
    from firesense.domain.instant import Instant
    from firesense.domain.place import Org, Person

NO_FRAME = -1  # the offset of an alert that no frame raised

_GRAVITY = {grade: number for number, grade in enumerate(Grade)}
_WORKING = (HazardState.ACCEPTED, HazardState.RECTIFYING)


@dataclass(frozen=True, slots=True)
class Around:
    """What an act is judged by: the rules, the org, the channels there are (name -> technology), and now."""

    rules: HazardRules
    org: Org
    kinds: Mapping[str, str]
    now: Instant


def graver(one: Grade, other: Grade) -> Grade:
    """The graver of two grades."""
    return max(one, other, key=_GRAVITY.__getitem__)


def reported(around: Around, report: Report) -> tuple[Alert, Hazard]:
    """Make the alert and the hazard of a report; the same report twice makes the same alert.

    Somebody unknown cannot say how grave it is beyond the limit of the rules. A place nobody knows is the root's.
    """
    org, limits = around.org, around.rules.reports
    root = org.root.code if org.root else ""
    place = report.place if report.place in org.places else root
    known = report.reporter in org.people
    grade = report.grade
    if not known and _GRAVITY[grade] > _GRAVITY[limits.highest]:
        grade = limits.highest
    alert = Alert(
        id=alert_id(REPORTED_RULE, report.key, 0),
        rule=REPORTED_RULE,
        rule_version="",
        alert_class=AlertClass.HAZARD,
        grade=grade,
        device="",
        device_class="",
        place=place,
        raised_at=around.now,
        event_at=around.now,
        offset=NO_FRAME,
        text=dict.fromkeys(("zh", "en"), _in_short(report)),
    )
    hazard = Hazard(
        alert.id,
        Source.PERSON if known or report.contact else Source.ANONYMOUS,
        grade,
        place,
        around.now,
        reporter=report.reporter if known else "",
        contact=report.contact,
        wrong=report.wrong,
        spot=report.spot,
        photos=report.photos,
    )
    return alert, _waits(around, hazard, micros(around.rules.grades[grade].accept_within))


def said(hazard: Hazard, at: Instant) -> Step:
    """The line of the story that says who reported a hazard; of somebody unknown it says nothing."""
    return Step(hazard.alert, at, StepKind.REPORTED, hazard.reporter, {"source": hazard.source.value})


# -- what people do ---------------------------------------------------------------------------------------------------
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

    Without ``role`` and ``responsible`` it falls to the posts the rules name; without ``deadline_at`` the rules' term
    holds, which no deadline may exceed.
    """
    if hazard is None:
        hazard = _of_rule(alert)
    _in_state(hazard, HazardState.REPORTED)
    if not alert.open:
        raise Conflict(f"alert {alert.id} is closed")
    _may(around, HazardAct.ACCEPT, hazard, who, graver(hazard.grade, grade or hazard.grade))
    grade = grade or hazard.grade
    rules = around.rules.grades[grade]
    latest = around.now + micros(rules.rectify_within)
    deadline = latest if deadline_at is None else deadline_at
    if not around.now < deadline <= latest:
        raise Conflict(f"a {grade} hazard has to be put right within {rules.rectify_within.days} days of acceptance")
    if not (role or responsible):
        role = _nearest(around, hazard.place, rules.responsible)
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
    accepted = _waits(around, accepted, deadline - around.now)
    taken = replace(alert, grade=grade)
    if not alert.acknowledged_by:
        taken = replace(taken, case=Case.ACKNOWLEDGED, acknowledged_at=around.now, acknowledged_by=who)
    detail = {"grade": grade.value, "role": role, "person": responsible, "until": iso(deadline), "remedy": remedy}
    tell = [*_people_responsible(around, accepted)]
    if rules.listed:
        tell += _holders(around, accepted.place, sorted(rules.may.get(HazardAct.LIST, ())))
    return Dealt(
        taken,
        accepted,
        (_step(around, accepted, StepKind.ACCEPTED, who, detail),),
        tuple(_calls(around, accepted, Purpose.ASSIGNED, tell)),
    )


def reject(around: Around, alert: Alert, hazard: Hazard | None, who: str, *, reason: str) -> Dealt:
    """Say that it is none, and why: the case is closed."""
    hazard = _there(hazard, alert)
    _in_state(hazard, HazardState.REPORTED)
    _may(around, HazardAct.REJECT, hazard, who)
    if not reason.strip():
        raise Conflict("a report is rejected with a reason")
    over = replace(
        hazard, state=HazardState.REJECTED, reason=reason, closed_at=around.now, closed_by=who, until_at=None
    )
    return _closed(around, alert, over, who, Finding.FALSE_ALARM, StepKind.REJECTED, reason)


def assign(
    around: Around, alert: Alert, hazard: Hazard | None, who: str, *, role: str = "", responsible: str = ""
) -> Dealt:
    """Give a hazard to somebody else: a post (the nearest of that role), a person, or a department by its name."""
    hazard = _there(hazard, alert)
    _in_state(hazard, *_WORKING)
    _may(around, HazardAct.ASSIGN, hazard, who)
    if not (role or responsible):
        raise Conflict("somebody has to be responsible: a post, a person or a department")
    given = _next(replace(hazard, role=role, responsible=responsible))
    return Dealt(
        alert,
        given,
        (_step(around, given, StepKind.ASSIGNED, who, {"role": role, "person": responsible}),),
        tuple(_calls(around, given, Purpose.ASSIGNED, _people_responsible(around, given))),
    )


def regrade(around: Around, alert: Alert, hazard: Hazard | None, who: str, *, grade: Grade) -> Dealt:
    """Say that it is more or less grave: another ceiling, and the term of the grade, counted from its acceptance."""
    hazard = _there(hazard, alert)
    _in_state(hazard, HazardState.REPORTED, *_WORKING)
    _may(around, HazardAct.REGRADE, hazard, who)
    if grade is hazard.grade:
        raise Conflict(f"hazard {hazard.alert} is {grade} already")
    rules = around.rules.grades[grade]
    changed = replace(hazard, grade=grade)
    if hazard.accepted_at is None:
        until = hazard.reported_at + micros(rules.accept_within)
    else:
        until = hazard.accepted_at + micros(rules.rectify_within)
        changed = replace(changed, deadline_at=until)
    changed = _waits(around, changed, until - around.now)
    tell = _holders(around, hazard.place, sorted(rules.may.get(HazardAct.LIST, ()))) if rules.listed else []
    detail = {"from": hazard.grade.value, "grade": grade.value}
    return Dealt(
        replace(alert, grade=grade),
        changed,
        (_step(around, changed, StepKind.REGRADED, who, detail),),
        tuple(_calls(around, changed, Purpose.ASSIGNED, tell)),
    )


def start(around: Around, alert: Alert, hazard: Hazard | None, who: str) -> Dealt:
    """Begin to put it right; nobody has to say so."""
    hazard = _there(hazard, alert)
    _in_state(hazard, HazardState.ACCEPTED)
    _may(around, HazardAct.START, hazard, who)
    begun = _next(replace(hazard, state=HazardState.RECTIFYING))
    return Dealt(alert, begun, (_step(around, begun, StepKind.STARTED, who),))


def rectify(
    around: Around, alert: Alert, hazard: Hazard | None, who: str, *, text: str, photos: Iterable[str] = ()
) -> Dealt:
    """Say that it is put right, and how; then it has to be looked at again."""
    hazard = _there(hazard, alert)
    _in_state(hazard, *_WORKING)
    _may(around, HazardAct.RECTIFY, hazard, who)
    rules = around.rules.grades[hazard.grade]
    done = replace(
        hazard,
        state=HazardState.RECTIFIED,
        rectified_at=around.now,
        rectified_by=who,
        rectified_text=text,
        rectified_photos=tuple(photos),
        passed=None,
    )
    term = rules.write_off_within if rules.on_the_spot else rules.reinspect_within
    done = _waits(around, done, micros(term))
    return Dealt(alert, done, (_step(around, done, StepKind.RECTIFIED, who, {"note": text}),))


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
    _in_state(hazard, HazardState.RECTIFIED)
    rules = _may(around, HazardAct.REINSPECT, hazard, who)
    if who == hazard.rectified_by and not rules.on_the_spot:
        raise NotAllowed(f"{who} put hazard {hazard.alert} right, so somebody else has to look at it")
    seen = replace(hazard, reinspected_at=around.now, reinspected_by=who, passed=passed, reinspected_text=text)
    calls: list[Call] = []
    if passed:
        seen = _waits(around, replace(seen, state=HazardState.PASSED), micros(rules.write_off_within))
    else:
        latest = around.now + micros(rules.again_within)
        deadline = latest if deadline_at is None else deadline_at
        if not around.now < deadline <= latest:
            raise Conflict(f"what failed has to be put right within {rules.again_within.days} days")
        seen = replace(seen, state=HazardState.RECTIFYING, failures=hazard.failures + 1, deadline_at=deadline)
        seen = _waits(around, seen, deadline - around.now)
        calls += _calls(around, seen, Purpose.ASSIGNED, _people_responsible(around, seen))
    detail = {"passed": "yes" if passed else "no", "note": text}
    return Dealt(alert, seen, (_step(around, seen, StepKind.REINSPECTED, who, detail),), tuple(calls))


def write_off(around: Around, alert: Alert, hazard: Hazard | None, who: str, *, text: str = "") -> Dealt:
    """Take it off the lists (销号), and close the alert."""
    hazard = _there(hazard, alert)
    rules = around.rules.grades[hazard.grade]
    _in_state(hazard, HazardState.PASSED, *((HazardState.RECTIFIED,) if rules.on_the_spot else ()))
    _may(around, HazardAct.WRITE_OFF, hazard, who)
    if rules.listed and hazard.listed_at is None:
        raise Conflict(f"a {hazard.grade} hazard is listed by the government before it is written off")
    over = replace(hazard, state=HazardState.WRITTEN_OFF, closed_at=around.now, closed_by=who, until_at=None)
    return _closed(around, alert, over, who, Finding.PUT_RIGHT, StepKind.WRITTEN_OFF, text)


def extend(
    around: Around, alert: Alert, hazard: Hazard | None, who: str, *, deadline_at: Instant, reason: str
) -> Dealt:
    """Grant more time, with a reason, up to what the rules allow beyond the term of the grade."""
    hazard = _there(hazard, alert)
    _in_state(hazard, *_WORKING)
    rules = _may(around, HazardAct.EXTEND, hazard, who)
    if hazard.accepted_at is None or hazard.deadline_at is None or not reason.strip():
        raise Conflict("more time is granted with a reason")
    latest = hazard.accepted_at + micros(rules.rectify_within + rules.longest_extension)
    if not max(around.now, hazard.deadline_at) < deadline_at <= latest:
        raise Conflict(f"hazard {hazard.alert} may be put off to {iso(latest)} at most")
    longer = replace(hazard, deadline_at=deadline_at, extensions=hazard.extensions + 1)
    longer = _waits(around, longer, deadline_at - around.now)
    detail = {"until": iso(deadline_at), "note": reason}
    return Dealt(alert, longer, (_step(around, longer, StepKind.EXTENDED, who, detail),))


def list_by_government(around: Around, alert: Alert, hazard: Hazard | None, who: str, *, listing: str) -> Dealt:
    """Note under which number the government watches over it (挂牌督办)."""
    hazard = _there(hazard, alert)
    if not hazard.open:
        raise Conflict(f"hazard {hazard.alert} is {hazard.state}")
    _may(around, HazardAct.LIST, hazard, who)
    listed = _next(replace(hazard, listed_at=around.now, listed_by=who, listing=listing))
    return Dealt(alert, listed, (_step(around, listed, StepKind.LISTED, who, {"note": listing}),))


# -- what time does ---------------------------------------------------------------------------------------------------
def due(around: Around, alert: Alert, hazard: Hazard | None) -> Dealt:
    """Do what is due: remind before the term ends; after it, tell one level after the other.

    A level that reaches nobody is skipped at once, and the story says so; the highest one is told again and again.
    What was moved meanwhile stays as it is.
    """
    hazard = _there(hazard, alert)
    if not hazard.open or hazard.due_at is None or hazard.due_at > around.now or hazard.until_at is None:
        return Dealt(alert, hazard)
    if around.now < hazard.until_at:
        reminded = _next(replace(hazard, reminded=True, due_at=hazard.until_at))
        people = _people_responsible(around, hazard)
        steps = [_step(around, hazard, StepKind.REMINDED, "", {"until": iso(hazard.until_at)})]
        return Dealt(
            alert,
            reminded,
            (*steps, *_told(around, hazard, StepKind.REMINDED, people)),
            tuple(_calls(around, reminded, Purpose.REMINDER, people)),
        )
    return _climb(around, alert, hazard)


def _climb(around: Around, alert: Alert, hazard: Hazard) -> Dealt:
    levels = around.rules.grades[hazard.grade].levels
    steps: list[Step] = []
    reached: list[tuple[Person, str, str]] = []
    first = min(hazard.level, len(levels) - 1)
    index = first
    for index in range(first, len(levels)):
        reached = _holders(around, hazard.place, levels[index].roles)
        if reached:
            break
        detail = {"role": ", ".join(levels[index].roles), "place": hazard.place, "reason": "nobody"}
        steps.append(_step(around, hazard, StepKind.EMPTY, "", detail))
    if not reached:
        reached = _holders(around, hazard.place, (OPERATOR,))
    later = replace(hazard, level=index + 1, due_at=around.now + micros(levels[index].wait))
    later = _next(later)
    steps += _told(around, hazard, StepKind.OVERDUE, reached, {"level": str(index + 1)})
    return Dealt(alert, later, tuple(steps), tuple(_calls(around, later, Purpose.OVERDUE, reached)))


# -- beneath ----------------------------------------------------------------------------------------------------------
def may(around: Around, act: HazardAct, hazard: Hazard, who: str, grade: Grade | None = None) -> bool:
    """Whether somebody may do this: as holder of a post the rules name, at the hazard's place or above it.

    A user who is nobody in the org (whoever runs the platform) may; whoever is responsible by name may start and
    rectify.
    """
    org = around.org
    if who not in org.people:
        return True
    if act in {HazardAct.START, HazardAct.RECTIFY} and who == hazard.responsible:
        return True
    roles = around.rules.grades[grade or hazard.grade].may.get(act, frozenset())
    if act in {HazardAct.START, HazardAct.RECTIFY} and hazard.role:
        roles |= {hazard.role}
    posts = (org.posts.get((place.code, role)) for place in org.path(hazard.place) for role in roles)
    return any(
        who in post.holders or any(person.id == who for person in org.on_duty(post, around.now))
        for post in posts
        if post is not None
    )


def _may(around: Around, act: HazardAct, hazard: Hazard, who: str, grade: Grade | None = None) -> GradeRules:
    if not may(around, act, hazard, who, grade):
        raise NotAllowed(f"{who} holds no post that may {act} a {grade or hazard.grade} hazard here")
    return around.rules.grades[grade or hazard.grade]


def _there(hazard: Hazard | None, alert: Alert) -> Hazard:
    if hazard is not None:
        return hazard
    if alert.alert_class is AlertClass.HAZARD and alert.open:
        return _of_rule(alert)
    raise Conflict(f"alert {alert.id} is no hazard")


def _of_rule(alert: Alert) -> Hazard:
    """The hazard that an alert of a rule becomes when somebody deals with it."""
    if alert.alert_class is not AlertClass.HAZARD:
        raise Conflict(f"alert {alert.id} is no hazard but a {alert.alert_class}")
    wrong = alert.text.get("zh") or alert.rule
    return Hazard(alert.id, Source.RULE, alert.grade, alert.place, alert.raised_at, wrong=wrong)


def _in_state(hazard: Hazard, *states: HazardState) -> None:
    if hazard.state not in states:
        raise Conflict(f"hazard {hazard.alert} is {hazard.state}")


def _waits(around: Around, hazard: Hazard, term: Instant) -> Hazard:
    """Begin the term of its present state: when it has to be over, and when somebody is reminded."""
    until = around.now + max(term, 0)
    remind = until - micros(around.rules.grades[hazard.grade].remind_before)
    due_at = remind if remind > around.now and hazard.state in _WORKING else until
    return _next(replace(hazard, until_at=until, due_at=due_at, level=0, reminded=False))


def _next(hazard: Hazard) -> Hazard:
    return replace(hazard, version=hazard.version + 1)


def _closed(
    around: Around, alert: Alert, hazard: Hazard, who: str, finding: Finding, kind: StepKind, note: str
) -> Dealt:
    reset = Condition.FIRING if alert.rule != REPORTED_RULE else Condition.RESOLVED
    if alert.condition is not Condition.FIRING:
        reset = Condition.RESOLVED
    closed = replace(
        alert, case=Case.CLOSED, condition=reset, closed_at=around.now, closed_by=who, finding=finding, note=note
    )
    over = _next(replace(hazard, due_at=None))
    return Dealt(closed, over, (_step(around, over, kind, who, {"note": note}),))


def _nearest(around: Around, place: str, roles: Iterable[str]) -> str:
    """The first of these roles that somebody holds now, looked up from the place; the first of all if nobody does."""
    wanted = tuple(roles)
    for role in wanted:
        post = around.org.nearest_post(place, role)
        if post is not None and around.org.on_duty(post, around.now):
            return role
    return wanted[0] if wanted else ""


def _people_responsible(around: Around, hazard: Hazard) -> list[tuple[Person, str, str]]:
    person = around.org.people.get(hazard.responsible)
    if person is not None:
        return [(person, hazard.role, hazard.place)]
    roles = (hazard.role,) if hazard.role else around.rules.grades[hazard.grade].responsible
    return _holders(around, hazard.place, roles)


def _holders(around: Around, at: str, roles: Iterable[str]) -> list[tuple[Person, str, str]]:
    """Who holds these posts, nearest to the place, and can be told; each person once, with role and place."""
    found: dict[str, tuple[Person, str, str]] = {}
    for role in roles:
        post = around.org.nearest_post(at, role)
        for person in around.org.on_duty(post, around.now) if post else ():
            if _channels(around, person):
                found.setdefault(person.id, (person, role, post.place if post else at))
    return list(found.values())


def _channels(around: Around, person: Person) -> list[str]:
    return [name for name, address in person.addresses.items() if address and name in around.kinds]


def _told(
    around: Around,
    hazard: Hazard,
    kind: StepKind,
    people: Iterable[tuple[Person, str, str]],
    more: Mapping[str, str] | None = None,
) -> list[Step]:
    return [
        _step(
            around,
            hazard,
            kind,
            person.id,
            {"role": role, "place": place, "channels": ",".join(_channels(around, person)), **(more or {})},
        )
        for person, role, place in people
    ]


def _calls(around: Around, hazard: Hazard, purpose: Purpose, people: Iterable[tuple[Person, str, str]]) -> list[Call]:
    calls = {}
    for person, role, place in people:
        for channel in _channels(around, person):
            key = f"{hazard.alert}:{purpose}:{hazard.version}:{person.id}:{channel}"
            calls[key] = Call(
                key=key,
                alert=hazard.alert,
                purpose=purpose,
                person=person.id,
                role=role,
                place=place,
                channel=channel,
                address=person.addresses[channel],
                language=person.language,
                rung=max(0, hazard.level - 1),
                round=0,
                created_at=around.now,
                due_at=around.now,
            )
    return list(calls.values())


def _step(around: Around, hazard: Hazard, kind: StepKind, who: str, detail: Mapping[str, str] | None = None) -> Step:
    return Step(hazard.alert, around.now, kind, who, {key: value for key, value in (detail or {}).items() if value})


_SHORT = 120  # letters of a report that stand for it in a call


def _in_short(report: Report) -> str:
    words = " ".join(f"{report.spot} {report.wrong}".split())
    return words if len(words) <= _SHORT else words[: _SHORT - 1] + "…"
