"""The desk for roll calls: one is started here, and what came of those that were made is looked up."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from firesense import rollcalls
from firesense.domain.audit import Entry
from firesense.domain.errors import Conflict, NotAllowed, NotFound
from firesense.domain.instant import DAY

if TYPE_CHECKING:
    from collections.abc import Callable

    from firesense.domain.deed import Actor
    from firesense.domain.plan import Plan
    from firesense.domain.rollcall import RollCall
    from firesense.ports import Book, Clock


class RollDesk:
    """Starts roll calls; duty asks them within a second."""

    def __init__(self, book: Book, clock: Clock, plan_source: Callable[[], Plan]) -> None:
        self._book = book
        self._clock = clock
        self._plan_source = plan_source

    def start(self, actor: Actor, role: str, place: str) -> RollCall:
        """Call the roll at a post now, whatever the day's plan says; its ``people`` are who is on duty there.

        With nobody on duty there is nobody to ask: who is above is told at once, and it counts as missed.
        Raises NotFound for a post there is not, NotAllowed for whoever may only look, or act elsewhere, and Conflict
        while one is under way there: who pressed twice means one.
        """
        now, plan = self._clock.now(), self._plan_source()
        post = plan.org.posts.get((place, role))
        if post is None:
            raise NotFound(f"there is no post {role!r} at {place!r}")
        if not actor.rights.may_act:
            raise NotAllowed(f"{actor.name} may look, and nothing else")
        if actor.place and actor.place not in {above.code for above in plan.org.path(place)}:
            raise NotAllowed(f"{actor.name} may not act at {place}")
        people = tuple(person.id for person in plan.org.on_duty(post, now))
        call = replace(rollcalls.planned(post, now, plan.roll_calling, started_by=actor.name), people=people)
        entry = Entry.of(actor, now, "started", "roll-call", call.id, role=role, place=place)
        made = self._book.start_roll_call(call, entry)
        if made is not None:
            raise Conflict(f"roll call {made.id} is under way there", "conflict.roll-call", planned_at=made.planned_at)
        return call

    def made(self, days: int) -> list[RollCall]:
        """Roll calls of so many days, the latest first; never one to come, which nobody is to know of."""
        now = self._clock.now()
        return self._book.roll_calls(now - days * DAY, now + 1)[::-1]
