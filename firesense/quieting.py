"""Quiet windows, one act at a time: what is raised while one lasts, and who is told that it begins, ends soon, is over.

Pure: the same window, org and instant always give the same calls with the same keys.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from firesense.domain.alert import Alert, AlertClass, Grade
from firesense.domain.escalation import Call, Climb, Purpose, Step, StepKind
from firesense.domain.place import OPERATOR
from firesense.domain.quiet import QuietKind
from firesense.text import LANGUAGES, say

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from firesense.domain.device import Registry
    from firesense.domain.escalation import Ladder
    from firesense.domain.instant import Instant
    from firesense.domain.place import Org, Person
    from firesense.domain.quiet import Quiet

TESTER = "tester"  # the role of whoever walks and tests
BEGINS, ENDS_SOON, OVER = range(3)  # the ``rung`` of a call about a window says which it is


@dataclass(frozen=True, slots=True)
class Kept:
    """What the time of a window came to: the window after it, the calls to make, the lines of its story."""

    quiet: Quiet
    calls: tuple[Call, ...]
    steps: tuple[Step, ...]


def notice(quiet: Quiet, org: Org, registry: Registry) -> Alert:
    """Make the alert that a window is: of class test, at the place it covers, until it is over."""
    device = registry.get(quiet.device)
    root = org.root.code if org.root else ""
    place = org.places.get(quiet.place)
    facts = {
        "subject": (device.name or device.id) if device else place.name if place else quiet.subject,
        "rule": quiet.rule,
        "why": quiet.why,
    }
    return Alert(
        id=quiet.id,
        rule=quiet.kind.value,
        rule_version="",
        alert_class=AlertClass.TEST,
        grade=Grade.MINOR,
        device=quiet.device or quiet.gateway or quiet.place,
        device_class=device.device_class if device else "",
        place=quiet.place or (device.place if device else root),
        raised_at=quiet.set_at,
        event_at=quiet.starts_at,
        offset=0,
        text={language: say(f"alert.{quiet.kind}", language, **facts) for language in LANGUAGES},
    )


def held(alert: Alert, ladder: Ladder, quiet: Quiet, now: Instant, start: int = 0) -> tuple[Climb, tuple[Step, ...]]:
    """Let the climb of a new alert wait for the end of a window; then all up to rung ``start`` are called at once."""
    raised = Step(alert.id, now, StepKind.RAISED, alert.device, {"rule": alert.rule, "ladder": ladder.id})
    climb = Climb(alert.id, ladder, due_at=max(now, quiet.ends_at), start=start)
    return climb, (raised, held_step(alert.id, quiet, now))


def held_step(alert_id: str, quiet: Quiet, at: Instant) -> Step:
    """Say in an alert's story why nobody is called."""
    detail = {"window": quiet.id, "kind": quiet.kind.value, "why": quiet.why}
    return Step(alert_id, at, StepKind.HELD, quiet.who, detail)


def told_to_tester(
    alert: Alert, quiet: Quiet, org: Org, kinds: Mapping[str, str], now: Instant
) -> tuple[tuple[Call, ...], tuple[Step, ...]]:
    """Tell the tester of a walk test, and nobody else, what was heard."""
    person = org.people.get(quiet.tester)
    calls = (
        []
        if person is None
        else [
            # whoever stands below the detector waits for it as for a fire
            replace(_call(alert, Purpose.TESTED, person, TESTER, name, BEGINS, now), urgent=True)
            for name in _channels(person, kinds)
        ]
    )
    raised = Step(alert.id, now, StepKind.RAISED, alert.device, {"rule": alert.rule, "ladder": ""})
    return tuple(calls), (raised, held_step(alert.id, quiet, now), *_said(alert, calls, quiet.tester, TESTER, now))


def untested(
    alert: Alert, quiet: Quiet | None, org: Org, kinds: Mapping[str, str], now: Instant
) -> tuple[tuple[Call, ...], tuple[Step, ...]]:
    """Tell the operator that an alert is called as real, because the tester of its walk test cannot be reached."""
    if quiet is None or not quiet.tests(alert.alert_class) or quiet.reaches(org, kinds):
        return (), ()
    detail = {"role": TESTER, "reason": "no-channel", "window": quiet.id}
    steps = [Step(alert.id, now, StepKind.EMPTY, quiet.tester, detail)]
    calls: list[Call] = []
    for person in _operators(org, now):
        mine = [
            replace(
                _call(alert, Purpose.NOTICE, person, OPERATOR, name, BEGINS, now),
                key=f"{alert.id}:{Purpose.NOTICE}:{quiet.id}:{person.id}:{name}",
                urgent=alert.alert_class is AlertClass.FIRE,
                detail={"tester": quiet.tester},
            )
            for name in _channels(person, kinds)
        ]
        calls += mine
        steps += _said(alert, mine, person.id, OPERATOR, now)
    return tuple(calls), tuple(steps)


def redated(quiet: Quiet, now: Instant) -> Quiet | None:
    """The window with an end that can be; None when it has one.

    One that was set later than now was set by a clock that has been put back since: one that began at once lasts as
    long as was meant, from now. One that somebody has ended is over.
    """
    after = quiet
    if quiet.set_at > now and quiet.starts_at <= quiet.set_at:
        ahead = quiet.set_at - now
        after = replace(quiet, ends_at=quiet.ends_at - ahead, remind_at=quiet.remind_at - ahead, starts_at=now)
    if quiet.ended_by:
        after = replace(after, ends_at=min(after.ends_at, now))
    return None if after == quiet else replace(after, set_at=min(quiet.set_at, now))


def act(quiet: Quiet, alert: Alert, org: Org, kinds: Mapping[str, str], now: Instant) -> Kept:
    """Do what is due about a window; ``alert`` is the one it is.

    At its beginning the operator is told, before its end whoever set it (and the tester, and of a walk test the
    operator, too), at its end the same. Where that is nobody who can be reached, the operator is told instead.
    """
    if now >= quiet.ends_at:
        after, stage = replace(quiet, over_at=now), OVER
    elif quiet.announced_at is None:
        after, stage = replace(quiet, announced_at=now), BEGINS
    else:
        after, stage = replace(quiet, reminded_at=now), ENDS_SOON
    if stage == OVER and quiet.announced_at is None:
        return Kept(after, (), ())  # over before it began: nobody has heard of it
    calls: list[Call] = []
    steps: list[Step] = []
    told: set[str] = set()
    for person, role in _audience(quiet, stage, org, kinds, now):
        if person.id not in told:
            told.add(person.id)
            mine = [_call(alert, Purpose.WINDOW, person, role, name, stage, now) for name in _channels(person, kinds)]
            calls += mine
            steps += _said(alert, mine, person.id, role, now)
    if stage == ENDS_SOON:
        steps.insert(0, Step(alert.id, now, StepKind.REMINDED, quiet.who))
    return Kept(after, tuple(calls), tuple(steps))


def _audience(
    quiet: Quiet, stage: int, org: Org, kinds: Mapping[str, str], now: Instant
) -> Iterator[tuple[Person, str]]:
    walks = quiet.kind is QuietKind.WALK_TEST
    reached = False
    if stage != BEGINS or walks:
        for person_id, role in ((quiet.tester, TESTER), (quiet.who if stage != BEGINS else "", "")):
            person = org.people.get(person_id)
            if person is not None and _channels(person, kinds):
                reached = True
                yield person, role
    if stage == BEGINS or walks or not reached:
        yield from ((person, OPERATOR) for person in _operators(org, now))


def _operators(org: Org, now: Instant) -> tuple[Person, ...]:
    root = org.root
    post = org.posts.get((root.code, OPERATOR)) if root else None
    return org.on_duty(post, now) if post else ()


def _channels(person: Person, kinds: Mapping[str, str]) -> list[str]:
    return [name for name, address in person.addresses.items() if address and name in kinds]


def _said(alert: Alert, calls: list[Call], person: str, role: str, now: Instant) -> tuple[Step, ...]:
    if not calls:
        return (Step(alert.id, now, StepKind.EMPTY, detail={"role": role, "reason": "no-channel"}),)
    detail = {"role": role, "channels": ",".join(call.channel for call in calls)}
    return (Step(alert.id, now, StepKind.CALLED, person, detail),)


def _call(alert: Alert, purpose: Purpose, person: Person, role: str, channel: str, rung: int, now: Instant) -> Call:
    again = f":{now}" if rung == ENDS_SOON else ""  # a window that was extended ends soon once more
    return Call(
        key=f"{alert.id}:{purpose}:0:{rung}:{person.id}:{channel}{again}",
        alert=alert.id,
        purpose=purpose,
        person=person.id,
        role=role,
        place=alert.place,
        channel=channel,
        address=person.addresses[channel],
        language=person.language,
        rung=rung,
        round=0,
        created_at=now,
        due_at=now,
    )
