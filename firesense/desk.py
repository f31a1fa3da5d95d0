"""The desk: what a person may do to an alert. Each deed is one transaction of the book.

The console, the API, the command line, the telephone and the chat robots all come through here, each with an ``Actor``:
rights and place are asked for here, so that no way in is without them.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from firesense import callout
from firesense.casework import of_a_device
from firesense.domain.alert import Alert, AlertClass, Finding
from firesense.domain.deed import (
    Acknowledge,
    Arrive,
    Close,
    Dispatch,
    HandOn,
    Photo,
    Reset,
    Silence,
    TakeOver,
    Verify,
)
from firesense.domain.errors import Conflict, NotAllowed
from firesense.domain.escalation import ClimbState, Purpose
from firesense.domain.instant import MINUTE
from firesense.domain.place import SITE
from firesense.domain.plan import Plan
from firesense.escalate import came, way_in, whistle
from firesense.raising import found_faulty

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from firesense.domain.deed import Actor, Deed, Ground, Position
    from firesense.domain.escalation import Call, Climb, Step
    from firesense.domain.instant import Instant
    from firesense.domain.outcome import Raise
    from firesense.escalate import Target
    from firesense.photos import Kept
    from firesense.ports import Book, Clock

PHOTOS_MOST = 20  # of one alert
_ONE_EVENT = 15 * MINUTE  # alerts so close to each other may be of one event


class Desk:
    """What people do. ``on_change`` runs after a deed is written, in the thread that did it; it must not wait.

    ``plan_source`` gives who is where, and what a confirmed fire sets off; ``kinds`` maps the names of the channels
    there are to their technologies. Every deed raises NotFound, NotAllowed, Conflict (its state does not allow it; the
    reason is for people) or BookError, and then nothing of it was done.
    """

    def __init__(
        self,
        book: Book,
        clock: Clock,
        on_change: Callable[[], None] | None = None,
        *,
        plan_source: Callable[[], Plan] = Plan,
        kinds: Mapping[str, str] | None = None,
    ) -> None:
        self._book = book
        self._clock = clock
        self._on_change = on_change
        self._plan_source = plan_source
        self._kinds = kinds or {}

    @property
    def channels(self) -> frozenset[str]:
        """The names of the channels there are."""
        return frozenset(self._kinds)

    def acknowledge(self, alert_id: str, actor: Actor) -> Alert:
        """Take an alert: nobody else is called, and it is this person's now to see to."""
        return self._do(alert_id, Acknowledge(), actor)

    def answer_call(self, call: Call, actor: Actor) -> None:
        """Do what the answer to a call says: whoever was called may, wherever the alert is.

        Called to an alert, the actor takes it; called because whoever has it does nothing, takes it over from them;
        called in by a whistle, has come, and the alert stays with whoever has it. Of an incident the actor takes what
        they were told of, too, and what is where they are on duty, at a place or below it: an answer proves no more
        than that.
        """
        match call.purpose:
            case Purpose.WHISTLE:
                self._come(call.alert, actor, call.strand)
            case Purpose.UNDONE:
                self._take_called(call.alert, TakeOver(call.detail.get("why", ""), call.detail.get("who", "")), actor)
            case _:
                self._take_called(call.alert, Acknowledge(), actor)

    def arrive_called(self, call: Call, actor: Actor) -> None:
        """Say that whoever was called is on site; of an incident, the same alerts as an answer takes."""
        self._take_called(call.alert, Arrive(), actor)

    def _take_called(self, alert_id: str, deed: Acknowledge | TakeOver | Arrive, actor: Actor) -> None:
        now, plan = self._clock.now(), self._plan_source()
        alert = self._book.alert(alert_id)
        told_of = self._book.told_of(alert.incident, actor.name)
        places = callout.places_of(plan.org, actor.name, now) if alert.incident else frozenset()

        def may(mate: Alert) -> bool:
            return mate.id in told_of or any(place.code in places for place in plan.org.path(mate.place))

        tell = self._news_of_whistles(alert_id, actor, now) if isinstance(deed, Acknowledge) else ()
        self._book.act(alert_id, deed, actor, now, may=may, tell=tell)
        self._changed()

    def take_over(self, alert_id: str, actor: Actor, reason: str) -> Alert:
        """Take an alert from whoever has it."""
        return self._do(alert_id, TakeOver(reason.strip()), actor)

    def hand_on(self, alert_id: str, actor: Actor, to: str, reason: str = "") -> Alert:
        """Give an alert to a person, who is called over every channel there is."""
        return self._do(alert_id, HandOn(to, reason.strip()), actor)

    def dispatch(
        self, alert_id: str, actor: Actor, *, role: str = "", place: str = "", person: str = "", note: str = ""
    ) -> Alert:
        """Send whoever holds a post (the nearest of that role, or the one at ``place``), or one person; calls them."""
        alert, plan, now = self._book.alert(alert_id), self._plan_source(), self._clock.now()
        self._allow(actor, alert, plan)
        if person:
            where, people = "", callout.one(plan.org, person)
            if not people:
                raise Conflict(f"there is no person {person}", "conflict.no-person", who=person)
        else:
            where, people = callout.holders(plan.org, alert, role, place, now)
            if not where:
                raise Conflict(f"there is no post {role} there", "conflict.no-post", role=role)
        deed = Dispatch(tuple(each.id for each in people), "" if person else role, where, note.strip())
        return self._do(alert_id, deed, actor)

    def arrive(self, alert_id: str, actor: Actor, *, who: str = "", position: Position | None = None) -> Alert:
        """Say that somebody (else whoever says so) is on site."""
        return self._do(alert_id, Arrive(who, position), actor)

    def verify(
        self,
        alert_id: str,
        actor: Actor,
        finding: Finding,
        *,
        cause: str = "",
        note: str = "",
        position: Position | None = None,
    ) -> Alert:
        """Say what was found. A fire runs the plan for it; a fault goes to maintenance as a case of its own."""
        return self._do(alert_id, Verify(finding, cause, note.strip(), position), actor)

    def silence(self, alert_id: str, actor: Actor, ground: Ground, *, shown_by: str = "", reason: str = "") -> Alert:
        """Stop repeated sounding and calling, under one of the three conditions of GB/T 45839-2025 5.8.1."""
        return self._do(alert_id, Silence(ground, shown_by.strip(), reason.strip()), actor)

    def reset(self, alert_id: str, actor: Actor, reason: str = "") -> Alert:
        """Reset a latched alarm; the case goes on."""
        return self._do(alert_id, Reset(reason.strip()), actor)

    def close(
        self,
        alert_id: str,
        actor: Actor,
        finding: Finding | None = None,
        note: str = "",
        *,
        cause: str = "",
        though_firing: bool = False,
    ) -> Alert:
        """Close a case with what was found on site or, without a finding, with what it was verified with.

        One whose device still alarms only with ``though_firing``: what the device says next is a new alert.
        """
        return self._do(alert_id, Close(finding, cause, note.strip(), though_firing), actor)

    def merge(self, alert_ids: Collection[str], actor: Actor) -> list[Alert]:
        """Make alerts of one event one incident: who takes, verifies or closes one of them does so to all.

        To all that they may act on: whoever merges has to be one who may act on all of it.
        """
        plan = self._plan_source()
        for each in alert_ids:
            self._allow(actor, self._book.alert(each), plan)
        merged = self._book.merge(alert_ids, actor, self._clock.now(), may=partial(_may_act, actor, plan))
        self._changed()
        return merged

    def split(self, alert_id: str, actor: Actor) -> Alert:
        """Take an alert out of its incident."""
        self._allow(actor, self._book.alert(alert_id), self._plan_source())
        alone = self._book.split(alert_id, actor, self._clock.now())
        self._changed()
        return alone

    def left(self, alert: Alert, actor: Actor) -> list[Alert]:
        """Open alerts of the same incident that an actor may not act on: what this one does leaves them as they are."""
        plan = self._plan_source()
        mates = self._book.incident(alert.incident) if alert.incident else []
        return [mate for mate in mates if mate.open and not _may_act(actor, plan, mate)]

    def companions(self, alert: Alert) -> list[Alert]:
        """Open alerts that may be of the same event: at the same site or in its grid, within a quarter of an hour.

        Fires and hazards that devices report: a fault, a test and what people report are cases of their own.
        """
        org = self._plan_source().org
        known = org.places.get(alert.place)
        if not alert.open or not of_a_device(alert) or known is None:
            return []
        # The neighbours of a flat are those of its grid.
        base = known.parent if known.kind == SITE and known.parent else known.code
        places = {base, *(place.code for place in org.places.values() if place.parent == base)}
        near = self._book.near(places, alert.raised_at - _ONE_EVENT, alert.raised_at + _ONE_EVENT)
        mates = {alert.incident} - {""}
        return [each for each in near if each.id != alert.id and each.incident not in mates and of_a_device(each)]

    def allows(self, actor: Actor, alert: Alert) -> bool:
        """Whether an actor may act on an alert."""
        return _may_act(actor, self._plan_source(), alert)

    def may_act(self, alert_id: str, actor: Actor) -> None:
        """Look whether an actor may act on an alert. Raises NotFound, NotAllowed."""
        self._allow(actor, self._book.alert(alert_id), self._plan_source())

    def keep_photo(self, alert_id: str, actor: Actor, kept: Kept, note: str = "") -> Photo:
        """Add a photo that is in the store to an alert; one of a closed case may come late."""
        self._allow(actor, self._book.alert(alert_id), self._plan_source())
        photo = Photo(
            kept.id, alert_id, self._clock.now(), actor.name, kept.size, kept.width, kept.height, note.strip()
        )
        self._book.add_photo(photo, actor, PHOTOS_MOST)
        self._changed()
        return photo

    def whistle(self, alert_id: str, actor: Actor, target: Target, reason: str) -> Climb:
        """Call in a department, or another rung of the ladder, at once and besides the climb; gives its own climb.

        When it does not answer in its time, its superiors are called and ``actor`` is told; also when it does. A climb
        that is EXHAUSTED at once reached nobody: ``actor`` and the operator are told that.
        """
        alert, plan, now = self._book.alert(alert_id), self._plan_source(), self._clock.now()
        self._allow(actor, alert, plan)
        if target.place and target.place not in plan.org.places:
            raise Conflict(f"there is no place {target.place}", "conflict.no-place", place=target.place)
        ladder = way_in(target, alert, self._book.climb(alert_id), plan, self._kinds)
        if ladder is None:
            if target.role:
                raise Conflict(
                    f"there is no post {target.role} there or above", "conflict.no-department", role=target.role
                )
            raise Conflict(f"there is no rung {target.rung + 1}", "conflict.no-rung", rung=target.rung + 1)
        if not reason.strip():
            raise Conflict("a whistle needs a reason", "conflict.no-reason")
        strand = f"w{len(self._book.whistles(alert_id)) + 1}"
        said = {"strand": strand, "by": actor.name, "reason": reason.strip()}
        rung = None if target.role else target.rung
        blown = whistle(alert, ladder, plan, self._kinds, now, rung=rung, **said)
        self._book.blow(blown.climb, blown.calls, blown.steps, actor, now)
        self._changed()
        return blown.climb

    def answer(self, alert_id: str, actor: Actor, strand: str = "") -> list[str]:
        """Say that the department this person was called for has come, or the one of that whistle."""
        if strand and not self._called_in(alert_id, strand, actor.name):  # for somebody else
            self._allow(actor, self._book.alert(alert_id), self._plan_source())
        return self._come(alert_id, actor, strand)

    def _come(self, alert_id: str, actor: Actor, strand: str) -> list[str]:
        now = self._clock.now()
        answered = self._book.answer(alert_id, actor, now, strand, tell=self._news_of_whistles(alert_id, actor, now))
        self._changed()
        return answered

    def _called_in(self, alert_id: str, strand: str, who: str) -> bool:
        calls = self._book.calls(alert_id)
        return any((call.strand, call.purpose, call.person) == (strand, Purpose.WHISTLE, who) for call in calls)

    def _news_of_whistles(self, alert_id: str, actor: Actor, now: Instant) -> list[Call]:
        """Tell those who blew the whistles of an alert that the actor has come; the book knows which are answered."""
        waiting = [each for each in self._book.whistles(alert_id) if each.state is not ClimbState.STOPPED]
        if not waiting:
            return []
        alert, plan = self._book.alert(alert_id), self._plan_source()
        return [call for each in waiting for call in came(alert, each, actor.name, plan, self._kinds, now)]

    def _do(self, alert_id: str, deed: Deed, actor: Actor) -> Alert:
        now, plan = self._clock.now(), self._plan_source()
        alert = self._book.alert(alert_id)
        self._allow(actor, alert, plan)
        _check(deed, plan)
        calls, steps = self._calls(alert, deed, actor, plan, now)
        also = self._fault_case(alert, deed, plan, now)
        may = partial(_may_act, actor, plan)
        tell = self._news_of_whistles(alert_id, actor, now) if isinstance(deed, Acknowledge) else ()
        done = self._book.act(alert_id, deed, actor, now, calls=calls, steps=steps, also=also, tell=tell, may=may)
        self._changed()
        return done

    def _changed(self) -> None:
        if self._on_change is not None:
            self._on_change()

    def _allow(self, actor: Actor, alert: Alert, plan: Plan) -> None:
        if not actor.rights.may_act:
            raise NotAllowed(f"{actor.name} may look, and nothing else")
        if not _may_act(actor, plan, alert):
            raise NotAllowed(f"{actor.name} may not act at {alert.place}")

    def _calls(self, alert: Alert, deed: Deed, actor: Actor, plan: Plan, now: Instant) -> tuple[list[Call], list[Step]]:
        """Who is called by a deed, and what the story says of it."""
        match deed:
            case HandOn(to, note):
                people, role, place, purpose = callout.one(plan.org, to), "", "", Purpose.HANDED_ON
            case Dispatch(names, role, place, note):
                people, purpose = [plan.org.people[each] for each in names], Purpose.DISPATCH
            case Verify(Finding.FIRE, note=note):
                return callout.by_plan(alert, plan, self._kinds, now, actor.name, note)
            case _:
                return [], []
        calls = callout.calls(alert, purpose, people, self._kinds, now, role, place, by=actor.name, note=note)
        return calls, callout.unreachable(alert, people, calls, now, role)

    def _fault_case(self, alert: Alert, deed: Deed, plan: Plan, now: Instant) -> Raise | None:
        """The case a maintainer gets of a device that was found faulty; one of a fault is that case already."""
        match deed:
            case Verify(Finding.FAULT) | Close(Finding.FAULT) if alert.alert_class is not AlertClass.FAULT:
                return found_faulty(alert, plan, self._kinds, now)
            case _:
                return None


def _may_act(actor: Actor, plan: Plan, alert: Alert) -> bool:
    """Whether an actor's rights allow deeds, and the alert is at the actor's place or below it."""
    here = not actor.place or actor.place in {place.code for place in plan.org.path(alert.place)}
    return actor.rights.may_act and here


def _check(deed: Deed, plan: Plan) -> None:
    """Find what the case itself cannot know: people and causes. Raises Conflict."""
    match deed:
        case Dispatch(people=(), role=role):
            raise Conflict(f"there is nobody to send: nobody holds the post {role}", "conflict.nobody", role=role)
        case HandOn(to) if to not in plan.org.people:
            raise Conflict(f"there is no person {to}", "conflict.no-person", who=to)
        case Verify(cause=cause) | Close(cause=cause) if cause and cause not in plan.practice.causes:
            raise Conflict(f"there is no cause {cause}", "conflict.no-cause", cause=cause)
        case _:
            pass
