"""What an act on a hazard is judged by, who may do it, when it is due, and who is told of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import time, timedelta
from typing import TYPE_CHECKING

from firesense.domain.errors import Conflict, NotAllowed
from firesense.domain.escalation import Call, Purpose, Step, StepKind
from firesense.domain.hazard import OVER, Hazard, HazardAct, HazardState, Source, Workdays
from firesense.domain.instant import iso, micros
from firesense.domain.roster import EVERY_WEEKDAY, Days

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from firesense.domain.alert import Grade
    from firesense.domain.hazard import GradeRules, HazardRules
    from firesense.domain.instant import Instant
    from firesense.domain.place import Org, Person

WORKING = (HazardState.ACCEPTED, HazardState.RECTIFYING)
_STATES: Mapping[HazardAct, tuple[HazardState, ...]] = {
    HazardAct.ACCEPT: (HazardState.REPORTED,),
    HazardAct.REJECT: (HazardState.REPORTED,),
    HazardAct.ASSIGN: WORKING,
    HazardAct.REGRADE: (HazardState.REPORTED, *WORKING),
    HazardAct.START: (HazardState.ACCEPTED,),
    HazardAct.RECTIFY: WORKING,
    HazardAct.REINSPECT: (HazardState.RECTIFIED,),
    HazardAct.WRITE_OFF: (HazardState.PASSED,),
    HazardAct.EXTEND: WORKING,
    HazardAct.LIST: tuple(state for state in HazardState if state not in OVER),
    HazardAct.MOVE: tuple(state for state in HazardState if state not in OVER),
}

_ONE_DAY = timedelta(days=1)
_LOUD = ("voice", "loudspeaker")  # technologies that are kept for what cannot wait


@dataclass(frozen=True, slots=True)
class Around:
    """What an act is judged by: the rules, the org, the channels there are (name -> technology), and now."""

    rules: HazardRules
    org: Org
    kinds: Mapping[str, str]
    now: Instant


def possible(act: HazardAct, hazard: Hazard, rules: GradeRules) -> bool:
    """Whether its state allows an act; what is put right on the spot needs no re-inspection.

    What a device found is where the device is: it is the device that is moved then.
    """
    if act is HazardAct.MOVE and hazard.source is Source.RULE:
        return False
    early = act is HazardAct.WRITE_OFF and rules.on_the_spot
    return hazard.state in _STATES[act] or (early and hazard.state is HazardState.RECTIFIED)


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


def unaccepted(rules: HazardRules, org: Org) -> Iterator[tuple[Grade, list[str]]]:
    """Grades that nobody may accept at some place, with the codes of these: all posts that may are vacant there."""
    for grade, of_grade in rules.grades.items():
        roles = of_grade.may.get(HazardAct.ACCEPT, frozenset())
        if without := [code for code in org.places if vacant(org, code, roles)]:
            yield grade, without


def vacant(org: Org, at: str, roles: Collection[str]) -> bool:
    """Whether nobody ever holds one of these posts at a place or above it: no holder, no roster."""
    posts = (org.posts.get((place.code, role)) for place in org.path(at) for role in roles)
    return not any(post is not None and (post.holders or post.rosters) for post in posts)


def judge(around: Around, act: HazardAct, hazard: Hazard, who: str, grade: Grade | None = None) -> GradeRules:
    """Give the rules of the grade if its state and the person's posts allow the act."""
    grade = grade or hazard.grade
    rules = around.rules.grades[grade]
    if not possible(act, hazard, rules):
        raise Conflict(f"hazard {hazard.alert} is {hazard.state}", "conflict.hazard-state")
    if not may(around, act, hazard, who, grade):
        raise NotAllowed(f"{who} holds no post that may {act} a {grade} hazard here")
    return rules


def waits(around: Around, hazard: Hazard, term: Instant) -> Hazard:
    """Begin the term of its present state: when it has to be over, and when somebody is reminded."""
    until = around.now + max(term, 0)
    remind = until - micros(around.rules.grades[hazard.grade].remind_before)
    due_at = remind if remind > around.now and hazard.state in WORKING else until
    return next_version(replace(hazard, until_at=until, due_at=due_at, level=0, reminded=False))


def end_of(around: Around, begins_at: Instant, within: timedelta | Workdays) -> Instant:
    """When a term that begins then has to be over; working days are those of the local calendar."""
    if isinstance(within, timedelta):
        return begins_at + micros(within)
    days = around.org.rosters.days
    day, left = days.day_of(begins_at), within.number
    while left:
        day += _ONE_DAY
        left -= days.fits(day, EVERY_WEEKDAY, Days.WORKDAYS)
    return days.at(day + _ONE_DAY, time())


def fits(around: Around, deadline: Instant, longest: Instant, *, after: Instant | None = None) -> None:
    """Look whether a deadline somebody names is one: later than now (and ``after``), and on the last day at the latest.

    ``longest`` is when the longest term ends; that day counts whole. Raises Conflict.
    """
    if deadline <= around.now:
        raise Conflict(f"{iso(deadline)} is past", "conflict.hazard-past", until_at=deadline)
    if after is not None and deadline <= after:
        raise Conflict(f"the deadline is {iso(after)} already", "conflict.hazard-no-later", until_at=after)
    days = around.org.rosters.days
    if deadline >= days.at(days.day_of(longest) + _ONE_DAY, time()):
        raise Conflict(f"by {iso(longest)} at the latest", "conflict.hazard-deadline", latest_at=longest)


def next_version(hazard: Hazard) -> Hazard:
    """The hazard after one more change: its calls are new ones."""
    return replace(hazard, version=hazard.version + 1)


def nearest(around: Around, place: str, roles: Iterable[str]) -> str:
    """The first of these roles that somebody holds now, looked up from the place; the first of all if nobody does."""
    wanted = tuple(roles)
    for role in wanted:
        post = around.org.nearest_post(place, role)
        if post is not None and around.org.on_duty(post, around.now):
            return role
    return wanted[0] if wanted else ""


def people_responsible(around: Around, hazard: Hazard) -> list[tuple[Person, str, str]]:
    """Who has to put it right, if that is somebody who can be told; with role and place."""
    person = around.org.people.get(hazard.responsible)
    if person is not None:
        return [(person, hazard.role, hazard.place)]
    roles = (hazard.role,) if hazard.role else around.rules.grades[hazard.grade].responsible
    return holders(around, hazard.place, roles)


def holders(around: Around, at: str, roles: Iterable[str]) -> list[tuple[Person, str, str]]:
    """Who holds these posts, nearest to the place, and can be told; each person once, with role and place."""
    found: dict[str, tuple[Person, str, str]] = {}
    for role in roles:
        post = around.org.nearest_post(at, role)
        for person in around.org.on_duty(post, around.now) if post else ():
            if _channels(around, person):
                found.setdefault(person.id, (person, role, post.place if post else at))
    return list(found.values())


def _channels(around: Around, person: Person) -> list[str]:
    known = [name for name, address in person.addresses.items() if address and name in around.kinds]
    return [name for name in known if not around.kinds[name].endswith(_LOUD)]


def told(
    around: Around,
    hazard: Hazard,
    kind: StepKind,
    people: Iterable[tuple[Person, str, str]],
    more: Mapping[str, str] | None = None,
) -> list[Step]:
    """Write a line of the story for each person told."""
    return [
        step(
            around,
            hazard,
            kind,
            person.id,
            {"role": role, "place": place, "channels": ",".join(_channels(around, person)), **(more or {})},
        )
        for person, role, place in people
    ]


def calls(around: Around, hazard: Hazard, purpose: Purpose, people: Iterable[tuple[Person, str, str]]) -> list[Call]:
    """Call people over every channel they have an address for; once for each version of the hazard."""
    made = {}
    for person, role, place in people:
        for channel in _channels(around, person):
            key = f"{hazard.alert}:{purpose}:{hazard.version}:{person.id}:{channel}"
            made[key] = Call(
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
                detail=_detail(hazard, purpose),
            )
    return list(made.values())


def _detail(hazard: Hazard, purpose: Purpose) -> dict[str, str]:
    """What a call says besides: until when, and to those who have to do it what must be done."""
    detail = {} if hazard.until_at is None else {"until_at": str(hazard.until_at)}
    wanted = hazard.remedy if purpose is not Purpose.OVERDUE else ""
    return detail | {"note": wanted} if wanted else detail


def step(around: Around, hazard: Hazard, kind: StepKind, who: str, detail: Mapping[str, str] | None = None) -> Step:
    """Write a line of the story; details that say nothing are left out."""
    return Step(hazard.alert, around.now, kind, who, {key: value for key, value in (detail or {}).items() if value})
