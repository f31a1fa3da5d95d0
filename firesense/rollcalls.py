"""Roll calls, one act at a time: when they are, whom they ask, what came of them. Pure.

A roll call is asked by raising an alert of class test whose ladder has two rungs: the post, and who is above it.
Whoever is on duty answers by taking it, by any of the ways in which an alert is taken.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from random import Random
from typing import TYPE_CHECKING

from firesense import escalate
from firesense.domain.alert import Alert, AlertClass, Grade, alert_id
from firesense.domain.escalation import Ladder, Rung
from firesense.domain.instant import micros
from firesense.domain.outcome import Raise
from firesense.domain.rollcall import ROLL_CALL, RollCall, RollCallState
from firesense.text import LANGUAGES, TEXTS, say

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from firesense.domain.instant import Instant
    from firesense.domain.place import Org, Post
    from firesense.domain.rollcall import RollCalling
    from firesense.domain.roster import LocalDays

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Called:
    """What is due came to: the roll call after it, its alert if it was asked, and when that is to be closed."""

    after: RollCall
    deed: Raise | None = None
    close_at: Instant | None = None


def draw(calling: RollCalling, org: Org, day: date, days: LocalDays, seed: int) -> list[RollCall]:
    """Draw the roll calls of a local day: for each post as many, at random seconds within the hours, never two at once.

    The same seed draws the same times; nobody who does not know it can tell them.
    """
    midnight = datetime.combine(day, time())
    first, last = calling.hours.first, calling.hours.last
    seconds = int((last - first if first < last else last + _DAY - first).total_seconds())
    # One is over before the next begins, as far as the hours have room for that.
    apart = min(round(2 * calling.within.total_seconds()) + 1, seconds // calling.times)
    room = max(seconds - (calling.times - 1) * apart, 1)
    drawn = []
    for post in posts_of(calling, org):
        chance = Random(f"{seed}/{post.place}/{post.role}/{day}")
        for number, after in enumerate(sorted(chance.randrange(room) for _ in range(calling.times))):
            at = midnight + first + timedelta(seconds=after + number * apart)
            drawn.append(planned(post, days.at(at.date(), at.time()), calling))
    return drawn


def posts_of(calling: RollCalling, org: Org) -> Iterator[Post]:
    """The posts at which roll is called."""
    for post in org.posts.values():
        if post.role in calling.posts or f"{post.role}@{post.place}" in calling.posts:
            yield post


def planned(post: Post, at: Instant, calling: RollCalling, started_by: str = "") -> RollCall:
    """One roll call of a post at an instant; the same twice is one."""
    return RollCall(
        id=alert_id(ROLL_CALL, f"{post.place}/{post.role}", at),
        role=post.role,
        place=post.place,
        planned_at=at,
        within=calling.within,
        above=calling.above,
        started_by=started_by,
        due_at=at,
    )


def act(
    call: RollCall, alert: Alert | None, org: Org, calling: RollCalling, kinds: Mapping[str, str], now: Instant
) -> Called:
    """Do what is due about a roll call: ask, see whether it was answered, end it; ``alert`` is its own, once asked.

    One that comes so late that whoever would answer could not be in time is not asked.
    """
    if call.state is RollCallState.PLANNED:
        if now > call.planned_at + micros(call.within):
            return Called(replace(call, state=RollCallState.UNASKED, due_at=None))
        return _ask(call, org, calling, kinds, now)
    if call.state is RollCallState.ASKED and alert is not None:
        after = answered(call, alert)
        if after is not call:
            return Called(after, close_at=now)
        # Whoever is above has as long to see it.
        return Called(replace(call, state=RollCallState.MISSED, due_at=now + micros(call.within)))
    return Called(replace(call, due_at=None), close_at=now if alert is not None else None)


def _ask(call: RollCall, org: Org, calling: RollCalling, kinds: Mapping[str, str], now: Instant) -> Called:
    post = org.posts.get((call.place, call.role))
    people = tuple(person.id for person in org.on_duty(post, now)) if post else ()
    channels = calling.channels or tuple(kinds)
    roles = (call.role, call.above) if call.above else (call.role,)
    rungs = tuple(Rung((role,), channels, call.within, place=call.place) for role in roles)
    alert = Alert(
        id=call.id,
        rule=ROLL_CALL,
        rule_version="",
        alert_class=AlertClass.TEST,
        grade=Grade.MINOR,
        device="",
        device_class="",
        place=call.place,
        raised_at=now,
        event_at=now,
        offset=0,
        text={language: _text(call, language) for language in LANGUAGES},
    )
    begun = escalate.begin(alert, Ladder(ROLL_CALL, rungs), org, kinds, now)
    asked = replace(call, state=RollCallState.ASKED, people=people, asked_at=now, due_at=now + micros(call.within))
    return Called(asked, Raise(alert, begun.climb, begun.calls, begun.steps))


def _text(call: RollCall, language: str) -> str:
    role = say(f"role.{call.role}", language) if f"role.{call.role}" in TEXTS else call.role
    return say("alert.roll-call", language, role=role, seconds=round(call.within.total_seconds()))


def answered(call: RollCall, alert: Alert) -> RollCall:
    """What a roll call that was asked is once somebody took its alert, or closed it; else as it was.

    An answer counts when it is from somebody who was asked, and in time.
    """
    asked_at = call.asked_at if call.asked_at is not None else alert.raised_at
    who, at = alert.acknowledged_by, alert.acknowledged_at
    if at is None:
        who, at = alert.closed_by, alert.closed_at
    if at is None or call.state is not RollCallState.ASKED:
        return call
    right = who in call.people and at <= asked_at + micros(call.within)
    state = RollCallState.ANSWERED if right else RollCallState.MISSED
    return replace(call, state=state, answered_at=at, answered_by=who, due_at=None)
