"""Who is called by what a person did: sent to the place, handed the case, or named by the plan for a fire.

Pure: the same alert, deed, org and instant always give the same calls with the same keys. They go to everybody meant at
once, over every channel the person can be reached by.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from firesense.domain.alert import AlertClass
from firesense.domain.escalation import Call, Purpose, Step, StepKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from firesense.domain.alert import Alert
    from firesense.domain.instant import Instant
    from firesense.domain.place import Org, Person
    from firesense.domain.plan import Plan
    from firesense.domain.practice import Response


def one(org: Org, person: str) -> list[Person]:
    """One person, as a list; nobody for an unknown id."""
    found = org.people.get(person)
    return [] if found is None else [found]


def holders(org: Org, alert: Alert, role: str, place: str, now: Instant) -> tuple[str, list[Person]]:
    """The place of the post of that role and who holds it now: at ``place``, or going up from the alert's place."""
    post = org.posts.get((place, role)) if place else org.nearest_post(_known(org, alert), role)
    return ("", []) if post is None else (post.place, list(org.on_duty(post, now)))


def places_of(org: Org, person: str, now: Instant) -> frozenset[str]:
    """The places at which somebody is on duty, at any post."""
    posts = org.posts.values()
    return frozenset(post.place for post in posts if any(each.id == person for each in org.on_duty(post, now)))


def calls(
    alert: Alert,
    purpose: Purpose,
    people: Iterable[Person],
    kinds: Mapping[str, str],
    now: Instant,
    role: str = "",
    place: str = "",
    **detail: str,
) -> list[Call]:
    """Call people over every channel they have an address for; ``kinds`` has the channels there are.

    ``detail`` is what the message says besides: ``by`` whom, and a ``note``. The instant is part of the key: who is
    sent twice is called twice.
    """
    return [
        Call(
            key=f"{alert.id}:{purpose}:{now}:{person.id}:{channel}",
            alert=alert.id,
            purpose=purpose,
            person=person.id,
            role=role,
            place=place or alert.place,
            channel=channel,
            address=address,
            language=person.language,
            rung=0,
            round=0,
            created_at=now,
            due_at=now,
            urgent=alert.alert_class is AlertClass.FIRE,
            detail={key: said for key, said in detail.items() if said},
        )
        for person in people
        for channel, address in person.addresses.items()
        if address and channel in kinds
    ]


def response(alert: Alert, plan: Plan) -> Response | None:
    """The first plan for a confirmed fire that fits an alert."""
    path = list(plan.org.path(_known(plan.org, alert)))
    codes = {place.code for place in path}
    tags = {tag for place in path for tag in place.tags}
    for each in plan.practice.responses:
        if (not each.places or not codes.isdisjoint(each.places)) and (not each.tags or not tags.isdisjoint(each.tags)):
            return each
    return None


def by_plan(
    alert: Alert, plan: Plan, kinds: Mapping[str, str], now: Instant, by: str, note: str = ""
) -> tuple[list[Call], list[Step]]:
    """Run the plan for a confirmed fire: everybody once, in the order of its roles and people; and the story of it.

    The book leaves it out for a fire that was confirmed already. A role that nobody holds, and a person without a
    channel, are in the story. Without a plan nobody is called.
    """
    wanted = response(alert, plan)
    if wanted is None:
        return [], [Step(alert.id, now, StepKind.PLAN, "", {"plan": ""})]
    found: dict[str, tuple[Person, str, str]] = {}
    steps: list[Step] = []
    for role in wanted.roles:
        where, people = holders(plan.org, alert, role, "", now)
        if not people:
            detail = {"role": role, "place": where or alert.place, "reason": "nobody" if where else "no-post"}
            steps.append(Step(alert.id, now, StepKind.EMPTY, "", detail))
        for person in people:
            found.setdefault(person.id, (person, role, where))
    for name in wanted.people:
        for person in one(plan.org, name):
            found.setdefault(person.id, (person, "", ""))
    made: list[Call] = []
    for person, role, where in found.values():
        theirs = calls(alert, Purpose.PLAN, [person], kinds, now, role, where, by=by, note=note)
        steps += unreachable(alert, [person], theirs, now, role)
        made += theirs
    ran = Step(alert.id, now, StepKind.PLAN, "", {"plan": wanted.id, "to": ",".join(found)})
    return made, [ran, *steps]


def unreachable(
    alert: Alert, people: Iterable[Person], made: Iterable[Call], now: Instant, role: str = ""
) -> list[Step]:
    """The lines of the story about people who are meant and have no channel."""
    reached = {call.person for call in made}
    detail = {"reason": "no-channel"} | ({"role": role} if role else {})
    return [Step(alert.id, now, StepKind.EMPTY, each.id, detail) for each in people if each.id not in reached]


def _known(org: Org, alert: Alert) -> str:
    """The place of an alert; the root answers for a place that is not (or no longer) in the org."""
    root = org.root
    return alert.place if alert.place in org.places or root is None else root.code
