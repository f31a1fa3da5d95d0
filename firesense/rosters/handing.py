"""Tells who comes on duty what is open there. What was told is a row of the book, so no hand-over is told twice."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from firesense import callout
from firesense.domain.alert import AlertClass, Case
from firesense.domain.escalation import Purpose
from firesense.domain.instant import HOUR, SECOND
from firesense.rosters.handover import open_alerts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from firesense.domain.escalation import Call
    from firesense.domain.instant import Instant
    from firesense.domain.place import Org, Person, Post
    from firesense.domain.plan import Plan
    from firesense.ports import Book

_EVERY = 20 * SECOND
_NOTED_EVERY = HOUR
_LONGEST = 12 * HOUR  # who came on before that, while nobody here was running, has seen the console since


class HandOvers:
    """Looks now and then who has come on duty since; for one thread, apart from that of the calls."""

    def __init__(self, book: Book, plan_source: Callable[[], Plan], kinds: Mapping[str, str]) -> None:
        """``kinds`` has the channels there are, and their technologies."""
        self._book = book
        self._plan_source = plan_source
        self._kinds = kinds
        self._looked_at: Instant | None = None
        self._noted_at: Instant | None = None

    def step(self, now: Instant) -> int:
        """Tell those who came on since the last look, if anything is open below their place; counts calls.

        Raises BookError; the next step does what this one could not.
        """
        if self._looked_at is not None and 0 <= now - self._looked_at < _EVERY:
            return 0
        org = self._plan_source().org
        rostered = [post for post in org.posts.values() if post.rosters]
        if not rostered:
            return 0
        if self._noted_at is None:
            self._noted_at = self._book.handed_over_at()
        since = self._looked_at if self._looked_at is not None else self._noted_at
        since = max(since, now - _LONGEST) if 0 < since <= now else now
        came = {post: people for post in rostered if (people := came_on(org, post, since, now))}
        calls = self._calls(org, came, now) if came else []
        if calls or now - self._noted_at >= _NOTED_EVERY or now < self._noted_at:
            if not self._book.hand_over(self._noted_at, now, calls):
                calls = []  # another process of this book was quicker
                now = self._book.handed_over_at()
            self._noted_at = now
        self._looked_at = now
        return len(calls)

    def _calls(self, org: Org, came: Mapping[Post, tuple[Person, ...]], now: Instant) -> list[Call]:
        alerts = [alert for alert in open_alerts(self._book) if alert.alert_class is not AlertClass.TEST]
        paths = {alert.id: {place.code for place in org.path(alert.place)} for alert in alerts}
        calls: dict[str, Call] = {}
        for post, people in came.items():
            below = [alert for alert in alerts if post.place in paths[alert.id]]
            if not below:
                continue
            counts = {"open": str(len(below)), "waiting": str(sum(alert.case is Case.OPEN for alert in below))}
            gravest = below[0]
            told = callout.calls(gravest, Purpose.HANDOVER, people, self._kinds, now, post.role, post.place, **counts)
            # who comes on at several posts of a place is told once; and a hand-over is never as urgent as a fire
            for call in told:
                calls.setdefault(call.key, replace(call, urgent=False))
        return list(calls.values())


def came_on(org: Org, post: Post, since: Instant, now: Instant) -> tuple[Person, ...]:
    """Who is on duty at a post now and was not then."""
    before = {person.id for person in org.on_duty(post, since)}
    return tuple(person for person in org.on_duty(post, now) if person.id not in before)
