"""Ladders, climbs and calls: who is told, by what, until someone takes it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from firesense.domain.instant import Instant


@dataclass(frozen=True, slots=True)
class Rung:
    """A step: these roles, looked up from the alert's place upwards, by these channels, then wait this long.

    Each person is told over every channel of ``channels`` they have an address for. ``repeat`` is how often the same
    rung is called again, ``every`` so long, before the next one is. ``place`` is where the roles are looked up from
    when that is not the alert's place: a department, or its superior.
    """

    roles: tuple[str, ...]
    channels: tuple[str, ...]
    wait: timedelta
    repeat: int = 0
    every: timedelta | None = None
    place: str = ""


@dataclass(frozen=True, slots=True)
class Timers:
    """How long a case may stand still once somebody has it; None is for ever.

    ``arrive`` runs from taking an alert until somebody is on site (and anew when somebody was sent), ``result`` from
    there until a finding is known, ``close`` from the finding until the case is closed.
    """

    arrive: timedelta | None = None
    result: timedelta | None = None
    close: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Ladder:
    """An escalation policy. ``repeat`` is how often it starts again after its last rung; None is for ever."""

    id: str
    rungs: tuple[Rung, ...]
    repeat: int | None = 0
    timers: Timers = Timers()


@dataclass(frozen=True, slots=True)
class Hours:
    """A part of every day, from ``first`` up to ``last``, after local midnight; it may pass midnight."""

    first: timedelta
    last: timedelta

    def hold(self, clock: timedelta) -> bool:
        """Whether this time after midnight is among them."""
        if self.first <= self.last:
            return self.first <= clock < self.last
        return clock >= self.first or clock < self.last


@dataclass(frozen=True, slots=True)
class Selector:
    """Which ladder an alert gets: the first selector that fits wins. Empty sets fit everything.

    ``places`` fits the alert's place and everything below each code; ``seasons`` are names of calendars, one of which
    must be in force there; ``hours`` is the local time of day. ``confirmed`` asks for another open fire alert at the
    same place. ``start`` is the first act: it calls the rungs from the first up to this one (from 0) at once.
    """

    ladder: str
    alert_classes: frozenset[str] = frozenset()
    grades: frozenset[str] = frozenset()
    places: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    seasons: frozenset[str] = frozenset()
    hours: Hours | None = None
    confirmed: bool = False
    start: int = 0


@dataclass(frozen=True, slots=True)
class Department:
    """How a department is whistled for where that differs; ``then`` is a ladder whose rungs are called after it."""

    wait: timedelta | None = None
    channels: tuple[str, ...] = ()
    then: str = ""


@dataclass(frozen=True, slots=True)
class Whistling:
    """How departments are whistled for: how long each has to answer, over which channels (none: over all)."""

    wait: timedelta = timedelta(minutes=10)
    channels: tuple[str, ...] = ()
    departments: Mapping[str, Department] = field(default_factory=dict)


class ClimbState(StrEnum):
    """Where one alert's way up stands."""

    CLIMBING = "climbing"
    ACKNOWLEDGED = "acknowledged"  # somebody has it; when it is due all the same, the case has stood still too long
    STOPPED = "stopped"  # the alert resolved or was closed; a whistle was answered
    EXHAUSTED = "exhausted"  # past the last rung of the last repeat, nobody took it


UNANSWERED = (ClimbState.CLIMBING, ClimbState.EXHAUSTED)  # of a whistle: whoever was called may still come


@dataclass(frozen=True, slots=True)
class Climb:
    """One alert's way up its own copy of a ladder: editing the ladder later does not move it.

    ``rung`` is the one that acts at ``due_at``; ``round`` counts the repeats, and what people do to the case begins a
    round, too: ``first_round`` is the one since when the ladder's repeats are counted. ``tries`` is how often ``rung``
    was called already in this round. An alert has one climb whose ``strand`` is empty, and one for every whistle,
    with who blew it (``by``) and why (``reason``). ``start`` is the rung up to which the first act of a stretch calls.
    """

    alert: str
    ladder: Ladder
    state: ClimbState = ClimbState.CLIMBING
    rung: int = 0
    round: int = 0
    due_at: Instant | None = None
    version: int = 0
    tries: int = 0
    first_round: int = 0
    strand: str = ""
    by: str = ""
    reason: str = ""
    start: int = 0

    @property
    def begins(self) -> bool:
        """Whether its next act is the first of a stretch of climbing."""
        return (self.rung, self.tries, self.round) == (0, 0, self.first_round)

    @property
    def spent(self) -> bool:
        """Whether its ladder was climbed as often as it may be."""
        return self.ladder.repeat is not None and self.round - self.first_round > self.ladder.repeat

    @property
    def astray(self) -> bool:
        """Whether its ladder has rungs, but not the one it stands on: the row was damaged."""
        return bool(self.ladder.rungs) and not 0 <= self.rung < len(self.ladder.rungs)

    @property
    def live(self) -> bool:
        """Whether it may still have something to do."""
        return self.state in {ClimbState.CLIMBING, ClimbState.ACKNOWLEDGED}

    def ended(self, state: ClimbState) -> Climb:
        """The same climb, over."""
        return replace(self, state=state, due_at=None, version=self.version + 1)


class CallState(StrEnum):
    """What came of a call so far."""

    QUEUED = "queued"
    SENT = "sent"  # the channel took it
    DELIVERED = "delivered"  # the channel says it arrived
    READ = "read"  # the channel says a person saw it
    FAILED_FOR_NOW = "failed-for-now"  # will be tried again at due_at
    FAILED = "failed"  # given up, with the reason
    MOOT = "moot"  # taken or over before it was sent


class Purpose(StrEnum):
    """Why someone is called."""

    ALERT = "alert"
    UNDONE = "undone"  # somebody has it, and the case stands still
    WHISTLE = "whistle"  # a department is called in
    CLEARED = "cleared"  # fire cleared, fault recovered (GB/T 45839-2025 5.10.4)
    NOTICE = "notice"  # the operator: an empty post, an exhausted ladder; whoever whistled: what became of it
    ASSIGNED = "assigned"  # a hazard is theirs to put right
    REMINDER = "reminder"  # a hazard has to be put right soon
    OVERDUE = "overdue"  # a hazard was not seen to in its time
    TESTED = "tested"  # the tester of a walk test: this device was heard
    WINDOW = "window"  # a quiet window began, ends soon, or is over
    HANDED_ON = "handed-on"  # the case is this person's now
    DISPATCH = "dispatch"  # go there
    PLAN = "plan"  # a fire was confirmed: the plan for it
    HANDOVER = "hand-over"  # this person comes on duty, and cases are open


# What a climb says: the alert, and that its case stands still.
OF_THE_CLIMB = (Purpose.ALERT, Purpose.UNDONE)
# What asks its person to see to the alert.
ASKING = (*OF_THE_CLIMB, Purpose.WHISTLE)
# What a person ordered, and waits for: it is told at once, and alone.
ORDERED = frozenset({Purpose.WHISTLE, Purpose.HANDED_ON, Purpose.DISPATCH, Purpose.PLAN, Purpose.TESTED})


@dataclass(frozen=True, slots=True)
class Call:
    """Someone to be told, by one channel, of one alert: a row of the outbox.

    ``key`` says what makes it the same call (alert, strand, purpose, round, rung, try, person, channel), so that
    writing it twice is writing it once, and a receiver can drop what it has seen. ``strand`` is that of its climb.
    ``detail`` is what is to be said besides: ``why`` the case stands still, ``who`` has it and since when
    (``taken_at``); ``by`` whom a whistle was blown and its ``reason``, and of a notice about it what became of it.

    ``receipt`` is the channel's own reference once it is sent, the reason before that. ``ask_at`` is when a call that
    was sent has to be asked after, as long as nothing says that it arrived. ``line`` is whose budget it spent (a
    number, a robot). ``instead_of`` is the channel that failed before this one was tried. ``tried_at`` is since when
    it has been tried without being held back in between: from then on its time to be given up runs.
    """

    key: str
    alert: str
    purpose: Purpose
    person: str
    role: str
    place: str
    channel: str
    address: str
    language: str
    rung: int
    round: int
    created_at: Instant
    due_at: Instant
    urgent: bool = False  # fire class: goes before everything else
    state: CallState = CallState.QUEUED
    attempts: int = 0
    receipt: str = ""
    sent_at: Instant | None = None
    strand: str = ""
    detail: Mapping[str, str] = field(default_factory=dict)
    ask_at: Instant | None = None
    line: str = ""
    instead_of: str = ""
    tried_at: Instant | None = None


class Settled(NamedTuple):
    """What came of a leased call, to be written; calls over other channels ``instead``, because this one failed.

    ``bundled`` is how many calls were told in the same message.
    """

    call: Call
    at: Instant
    instead: tuple[Call, ...] = ()
    bundled: int = 1


CALLED_ALREADY = "called-already"  # why a post is passed over: its people were told in that round


class StepKind(StrEnum):
    """What a climb did, for the alert's story."""

    RAISED = "raised"
    CALLED = "called"
    EMPTY = "empty"  # nobody holds the post, or nobody there can be reached
    CLIMBED = "climbed"
    EXHAUSTED = "exhausted"
    TRIPPED_AGAIN = "tripped-again"
    CLEARED = "cleared"
    ACKNOWLEDGED = "acknowledged"
    UNDONE = "undone"  # somebody has it, and the case has stood still too long
    WHISTLED = "whistled"
    ANSWERED = "answered"  # the department that was called in has come
    REPAIRED = "repaired"  # the auditor found an alert that nobody would have heard of again
    CLOSED = "closed"
    SENT = "sent"
    FAILED = "failed"
    # what became of a hazard; each the past of a HazardAct, but for what time does
    REPORTED = "reported"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    ASSIGNED = "assigned"
    REGRADED = "regraded"
    STARTED = "started"
    RECTIFIED = "rectified"
    REINSPECTED = "reinspected"
    WRITTEN_OFF = "written-off"
    EXTENDED = "extended"
    LISTED = "listed"
    MOVED = "moved"
    REMINDED = "reminded"
    OVERDUE = "overdue"
    # what quiet windows did
    HELD = "held"  # a window keeps it from calling people
    RELEASED = "released"  # the window is over and it still stands
    WAITS = "waits"  # a call is held back: quiet hours, a budget, a bundle, a flood
    SILENT = "silent"  # the channel said yes, and nothing says that it arrived
    FLOOD = "flood"  # so many alerts for one person that all but fires are bundled; or no longer
    TAKEN_OVER = "taken-over"
    HANDED_ON = "handed-on"
    DISPATCHED = "dispatched"
    ARRIVED = "arrived"
    VERIFIED = "verified"
    PLAN = "plan"  # a confirmed fire: who is called by the plan for it
    FAULT_CASE = "fault-case"  # the device was found faulty: the case its maintainer has of it
    SILENCED = "silenced"
    RESET = "reset"
    MERGED = "merged"
    SPLIT = "split"
    PHOTO = "photo"


TOLD = (CallState.SENT, CallState.DELIVERED, CallState.READ)


@dataclass(frozen=True, slots=True)
class Step:
    """A line of an alert's story: append-only."""

    alert: str
    at: Instant
    kind: StepKind
    who: str = ""
    detail: Mapping[str, str] = field(default_factory=dict)

    @property
    def told_already(self) -> bool:
        """Whether it passes over a post whose people were all told in that round: nobody there is out of reach."""
        return self.kind is StepKind.EMPTY and self.detail.get("reason") == CALLED_ALREADY

    @property
    def word(self) -> str:
        """The word by which its text is found."""
        return "told-already" if self.told_already else self.kind.value


def rungs_told_already(story: Iterable[Step]) -> set[tuple[int, int]]:
    """Which rungs of its ladder the climb of an alert passed over as their people were told, each as (round, rung)."""
    return {
        (int(step.detail["round"]), int(step.detail["rung"]))
        for step in story
        if step.told_already and not step.detail.get("strand")
    }


class Move(NamedTuple):
    """One act of a climb, to be written: how it was and is, the calls it makes, and its lines of the story."""

    before: Climb
    after: Climb
    calls: Sequence[Call] = ()
    steps: Sequence[Step] = ()
