"""What people change of the rosters for a while: someone stands in, two swap, someone is on leave."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import time, timedelta
from functools import partial
from hashlib import blake2s
from typing import TYPE_CHECKING

from firesense.domain.audit import Entry
from firesense.domain.errors import Conflict, NotAllowed
from firesense.domain.instant import DAY, iso, micros
from firesense.domain.roster import Change, ChangeKind, turns
from firesense.rosters.naming import person_called, roster_called

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import date

    from firesense.domain.deed import Actor
    from firesense.domain.instant import Instant
    from firesense.domain.place import Org, Post
    from firesense.domain.roster import Span
    from firesense.ports import Book, Clock

_LONGEST = timedelta(days=3 * 366)
_LOOKED_AHEAD = 60 * DAY
_NOTE_MOST = 500
_NOON = time(12)
_EVER = (0, 1 << 62)


@dataclass(frozen=True, slots=True)
class Emptied:
    """A post that a change leaves without anybody, from when until when."""

    post: Post
    begins_at: Instant
    ends_at: Instant


class RosterDesk:
    """Where people change rosters; every change is checked, kept with who made it, and can be taken back.

    People and rosters may be given by id, or by a name that only one has.

    Each method raises NotFound for people and rosters there are not, Conflict for what makes no sense, NotAllowed for
    actors who may only look or whose place is another one, BookError.
    """

    def __init__(self, book: Book, clock: Clock, org: Callable[[], Org]) -> None:
        """``org`` gives the one in force, by the local clock."""
        self._book = book
        self._clock = clock
        self._org = org

    def override(
        self,
        actor: Actor,
        stand_in: str,
        begins_at: Instant,
        ends_at: Instant,
        *,
        instead_of: str = "",
        roster: str = "",
        note: str = "",
    ) -> Change:
        """Let someone stand in for another (in one roster, or wherever that one is), or be on besides the others."""
        self._time(begins_at, ends_at)
        org = self._org()
        stand_in = person_called(org, stand_in)
        roster = roster_called(org, roster) if roster else ""
        if not instead_of and not roster:
            raise Conflict(
                "say whom they stand in for, or in which roster they are on besides the others", "conflict.roster.whom"
            )
        if instead_of:
            instead_of = person_called(org, instead_of)
            if instead_of == stand_in:
                raise Conflict(f"{stand_in} cannot stand in for themselves", "conflict.roster.self")
            if not self._is_on(instead_of, roster, begins_at, ends_at):
                reason = f"{instead_of} is not on duty then" + (f" in {roster}" if roster else "")
                raise Conflict(reason, "conflict.roster.not-on", who=instead_of)
        self._allow(actor, instead_of, roster)
        who = actor.name
        change = self._change(ChangeKind.OVERRIDE, who, begins_at, ends_at, instead_of, stand_in, roster, note=note)
        self._write(actor, "overrode", change)
        return change

    def swap(
        self, actor: Actor, roster: str, one: tuple[str, date], other: tuple[str, date], *, note: str = ""
    ) -> tuple[Change, Change]:
        """Let two people take each other's turns, each given by the person and the local day on which it begins."""
        org = self._org()
        roster = roster_called(org, roster)
        (first, first_day), (second, second_day) = one, other
        first, second = person_called(org, first), person_called(org, second)
        if first == second:
            raise Conflict(f"{first} cannot swap with themselves", "conflict.roster.self")
        turn, return_turn = self._turn(roster, first, first_day), self._turn(roster, second, second_day)
        if turn.begins_at < return_turn.ends_at and return_turn.begins_at < turn.ends_at:
            raise Conflict("the two turns overlap", "conflict.roster.overlap")
        self._time(min(turn.begins_at, return_turn.begins_at), min(turn.ends_at, return_turn.ends_at))
        self._allow(actor, "", roster)
        half = partial(self._change, ChangeKind.OVERRIDE, actor.name, roster=roster, note=note)
        there = half(turn.begins_at, turn.ends_at, first, second)
        back = half(return_turn.begins_at, return_turn.ends_at, second, first)
        there, back = replace(there, swap=there.id), replace(back, swap=there.id)
        self._write(actor, "swapped", there, back)
        return there, back

    def leave(self, actor: Actor, person: str, begins_at: Instant, ends_at: Instant, *, note: str = "") -> Change:
        """Let someone be away from every post."""
        self._time(begins_at, ends_at)
        person = person_called(self._org(), person)
        self._allow(actor, person, "")
        change = self._change(ChangeKind.LEAVE, actor.name, begins_at, ends_at, person, note=note)
        self._write(actor, "gave-leave", change)
        return change

    def revoke(self, actor: Actor, change_id: str) -> list[Change]:
        """Take a change back, a swap whole; raises Conflict when it was taken back already, besides the others."""
        # Of the book, not of the plan, which learns of a change a little later.
        known = next((change for change in self._book.roster_changes(*_EVER) if change.id == change_id), None)
        self._allow(actor, known.person if known else "", known.roster if known else "")
        now = self._clock.now()
        entry = Entry.of(actor, now, "revoked", "roster", known.roster if known else "", change=change_id)
        return self._book.revoke_change(change_id, actor.name, now, entry=entry)

    def emptied(self, changes: Sequence[Change]) -> list[Emptied]:
        """The posts that nobody is on duty at because of these changes, in the sixty days from now on.

        Also where somebody is to stand in who cannot: the one they stand in for may be on leave already.
        """
        org, now = self._org(), self._clock.now()
        ids = {change.id for change in changes}
        others = [change for change in org.rosters.changes if change.id not in ids]
        after = org.with_changes([*others, *changes])
        found = []
        for change in changes:
            start, end = max(now, change.begins_at), min(change.ends_at, now + _LOOKED_AHEAD)
            before = org.with_changes(others if change.kind is ChangeKind.LEAVE else _without_leave(others))
            for post in org.posts.values() if start < end else ():
                if not _concerns(org, post, change):
                    continue
                manned = _manned(before.changes(post, start, end))
                found += [
                    Emptied(post, max(span.begins_at, begins_at), min(span.ends_at, ends_at))
                    for span in after.changes(post, start, end)
                    if not span.people
                    for begins_at, ends_at in manned
                    if begins_at < span.ends_at and span.begins_at < ends_at
                ]
        return found

    def _write(self, actor: Actor, did: str, *changes: Change) -> None:
        entries = [
            Entry.of(
                actor,
                change.at,
                did,
                "roster",
                change.roster or change.person,
                person=change.person,
                stand_in=change.stand_in,
                begins=iso(change.begins_at),
                ends=iso(change.ends_at),
                change=change.id,
                note=change.note,
            )
            for change in changes
        ]
        self._book.change_rosters(changes, *entries)

    # -- checks -----------------------------------------------------------------------------------------------------
    def _time(self, begins_at: Instant, ends_at: Instant) -> None:
        if ends_at <= begins_at:
            raise Conflict("it is over before it begins", "conflict.roster.time")
        if ends_at <= self._clock.now():
            raise Conflict("it is over already", "conflict.roster.over")
        if ends_at - begins_at > micros(_LONGEST):
            raise Conflict("it is longer than three years: change the roster itself", "conflict.roster.long")
        if ends_at > self._clock.now() + micros(_LONGEST):
            raise Conflict("it ends more than three years from now", "conflict.roster.far")

    def _allow(self, actor: Actor, person: str, roster: str) -> None:
        """Refuse whoever may only look, and whoever acts for one place what concerns the posts of another."""
        if not actor.rights.may_act:
            raise NotAllowed(f"{actor.name} may look, and nothing else")
        if not actor.place:
            return
        org = self._org()
        for post in org.posts.values():
            concerned = roster in post.rosters if roster else _may_hold(org, post, person)
            if concerned and all(place.code != actor.place for place in org.path(post.place)):
                raise NotAllowed(f"{actor.name} may not change who is on duty at {post.place}")

    def _is_on(self, person: str, roster: str, begins_at: Instant, ends_at: Instant) -> bool:
        """Whether somebody would be on duty, were nobody on leave: stand-ins are sought when leave is written down."""
        org = self._org()
        posts, changes = org.posts.values(), _without_leave(org.rosters.changes)
        org = org.with_changes(changes)
        if roster:
            return any(person in span.people for span in org.rosters.spans((), (roster,), begins_at, ends_at))
        stands_in = any(change.stand_in == person for change in changes)
        return any(
            person in span.people
            for post in posts
            if stands_in or post.rosters or person in post.holders
            for span in org.changes(post, begins_at, ends_at)
        )

    def _turn(self, roster: str, person: str, day: date) -> Span:
        """Somebody's turn that begins on a local day, by the roster itself."""
        rosters = self._org().rosters
        today = rosters.days.day_of(self._clock.now())
        if abs(day - today) > _LONGEST:
            raise Conflict("the turn is more than three years from now", "conflict.roster.far")
        noon = rosters.days.at(day, _NOON)
        for rotation in rosters.by_id[roster].rotations:
            for turn in turns(rotation, rosters.days, noon - 2 * DAY, noon + 2 * DAY):
                if person in turn.people and rosters.days.day_of(turn.begins_at) == day:
                    return turn
        reason = f"{person} has no turn in {roster} that begins on {day.isoformat()}"
        raise Conflict(reason, "conflict.roster.no-turn", who=person, day=day.isoformat())

    def _change(
        self,
        kind: ChangeKind,
        who: str,
        begins_at: Instant,
        ends_at: Instant,
        person: str,
        stand_in: str = "",
        roster: str = "",
        *,
        note: str = "",
    ) -> Change:
        now = self._clock.now()
        made_of = "\0".join((str(kind), who, str(begins_at), str(ends_at), person, stand_in, roster, str(now)))
        name = blake2s(made_of.encode(), digest_size=4).hexdigest()
        note = note.strip()[:_NOTE_MOST]
        return Change(name, kind, begins_at, ends_at, person, stand_in, roster, "", who, now, note)


def _without_leave(changes: Iterable[Change]) -> list[Change]:
    return [change for change in changes if change.kind is not ChangeKind.LEAVE]


def _concerns(org: Org, post: Post, change: Change) -> bool:
    """Whether the person who is replaced or away may be on duty at a post."""
    return _may_hold(org, post, change.person) or any(other.stand_in == change.person for other in org.rosters.changes)


def _may_hold(org: Org, post: Post, person: str) -> bool:
    return person in post.holders or any(
        person in team
        for name in post.rosters
        if (roster := org.rosters.by_id.get(name)) is not None
        for rotation in roster.rotations
        for team in rotation.teams
    )


def _manned(spans: Sequence[Span]) -> list[tuple[Instant, Instant]]:
    return [(span.begins_at, span.ends_at) for span in spans if span.people]
