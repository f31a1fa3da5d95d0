"""Hazards (隐患) as cases: what is wrong, who has to put it right by when, and what came of it.

A hazard belongs to an alert of class hazard, which has the climb, the calls and the story. People report hazards;
an alert that a rule raised becomes one when somebody accepts it: until then it may still clear itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from firesense.domain.alert import Grade

if TYPE_CHECKING:
    from collections.abc import Mapping

    from firesense.domain.alert import Alert
    from firesense.domain.columns import Instants
    from firesense.domain.escalation import Call, Climb, Step
    from firesense.domain.instant import Instant

REPORTED_RULE = "reported"  # the rule of alerts that people raised


class Source(StrEnum):
    """Who found a hazard."""

    RULE = "rule"
    PERSON = "person"
    ANONYMOUS = "anonymous"


class HazardState(StrEnum):
    """Where a hazard stands, from the report to the writing off (销号)."""

    REPORTED = "reported"
    ACCEPTED = "accepted"
    RECTIFYING = "rectifying"
    RECTIFIED = "rectified"
    PASSED = "passed"  # re-inspected and found in order; one that failed is rectifying again
    WRITTEN_OFF = "written-off"
    REJECTED = "rejected"


OVER = frozenset({HazardState.WRITTEN_OFF, HazardState.REJECTED})


class HazardAct(StrEnum):
    """What a person may do to a hazard, each a word of the story, too."""

    ACCEPT = "accept"
    REJECT = "reject"
    ASSIGN = "assign"
    REGRADE = "regrade"
    START = "start"
    RECTIFY = "rectify"
    REINSPECT = "reinspect"
    WRITE_OFF = "write-off"
    EXTEND = "extend"
    LIST = "list"  # 挂牌督办: the government watches over it
    MOVE = "move"  # it was reported without its place, or at the wrong one


@dataclass(frozen=True, slots=True)
class Report:
    """What somebody says is wrong, and where. ``contact`` is what they typed to be reached by; they need not."""

    key: str  # chosen by the form: the same report sent twice is one
    place: str
    wrong: str
    grade: Grade = Grade.GENERAL
    spot: str = ""
    reporter: str = ""  # who is logged in; empty for everybody else
    contact: str = ""
    photos: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hazard:
    """One hazard. The alert's id is its receipt number, too.

    ``until_at`` is when its present state has to be over (accepted, put right, re-inspected, written off),
    ``deadline_at`` when it has to be put right, ``due_at`` when the duty street has to do something about it: remind,
    or tell the next level that it is overdue. ``level`` counts the levels told since the present state began.
    """

    alert: str
    source: Source
    grade: Grade
    place: str
    reported_at: Instant
    state: HazardState = HazardState.REPORTED
    reporter: str = ""
    contact: str = ""
    wrong: str = ""
    spot: str = ""
    remedy: str = ""
    photos: tuple[str, ...] = ()
    role: str = ""
    responsible: str = ""
    accepted_at: Instant | None = None
    accepted_by: str = ""
    deadline_at: Instant | None = None
    extensions: int = 0
    until_at: Instant | None = None
    due_at: Instant | None = None
    level: int = 0
    reminded: bool = False
    rectified_at: Instant | None = None
    rectified_by: str = ""
    rectified_text: str = ""
    rectified_photos: tuple[str, ...] = ()
    reinspected_at: Instant | None = None
    reinspected_by: str = ""
    passed: bool | None = None
    reinspected_text: str = ""
    failures: int = 0
    listed_at: Instant | None = None
    listed_by: str = ""
    listing: str = ""  # the number under which the government lists it
    closed_at: Instant | None = None
    closed_by: str = ""
    reason: str = ""  # why it was rejected
    version: int = 0

    @property
    def open(self) -> bool:
        """Whether somebody still has to do something about it."""
        return self.state not in OVER

    def overdue(self, now: Instant) -> bool:
        """Whether its present state should have been over by now."""
        return self.open and self.until_at is not None and self.until_at < now


@dataclass(frozen=True, slots=True)
class Level:
    """Who is told that a hazard is overdue: these posts, nearest to the place, then it waits for so long."""

    roles: tuple[str, ...]
    wait: timedelta


@dataclass(frozen=True, slots=True)
class Workdays:
    """A term of so many working days: over at the end of the last of them. The day it begins on does not count.

    How days are counted: 民法典 (Civil Code) art. 201 and 203; which of them are worked: ``LocalDays``.
    """

    number: int


@dataclass(frozen=True, slots=True)
class GradeRules:
    """What holds for hazards of one grade: how long each state may last, who may do what, who hears of delay.

    ``again_within`` is granted when a re-inspection failed. ``may`` names the posts that may do each act; holders of
    such a post at the hazard's place or above it may. ``responsible`` are the posts that have to put it right unless
    somebody else is named. ``on_the_spot`` lets whoever puts it right write it off, without a second pair of eyes.
    ``levels`` are climbed one by one when a term has passed, up to the ceiling, which is told again and again.
    """

    accept_within: timedelta | Workdays
    rectify_within: timedelta
    again_within: timedelta
    remind_before: timedelta
    reinspect_within: timedelta | Workdays
    write_off_within: timedelta
    longest_extension: timedelta
    on_the_spot: bool
    listed: bool  # it has to be listed by the government before it can be written off
    responsible: tuple[str, ...]
    may: Mapping[HazardAct, frozenset[str]]
    levels: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class IndexWeights:
    """The weights of the hazard index; see hazards/index.py for the formula.

    ``grades`` are points a hazard, ``full_age`` the age at which one counts twice as much as a new one, ``overdue`` and
    ``vulnerable`` factors of at least 1, ``tags`` what makes a place vulnerable, ``middle`` the points of an index of
    50.
    """

    grades: Mapping[Grade, float]
    full_age: timedelta = timedelta(days=30)
    overdue: float = 2.0
    vulnerable: float = 1.5
    tags: frozenset[str] = frozenset({"vulnerable"})
    middle: float = 20.0


@dataclass(frozen=True, slots=True)
class ReportLimits:
    """What the open form takes: reports from one address and for one place ``within`` a time, photos, the grade.

    ``open`` says whether there is a form for people without a log-in at all, ``anonymous`` whether they need not say
    who they are.
    A grade above ``highest`` from somebody who is not logged in counts as that until somebody who answers for the
    place says otherwise: nobody unknown can have the government called.
    """

    open: bool = True
    anonymous: bool = True
    per_address: int = 10
    per_place: int = 30
    within: timedelta = timedelta(hours=1)
    photos: int = 3
    photo_most: int = 10 * 2**20
    highest: Grade = Grade.GENERAL


@dataclass(frozen=True, slots=True)
class HazardRules:
    """All that is configured about hazards (config/hazards.yaml)."""

    grades: Mapping[Grade, GradeRules] = field(default_factory=dict)
    index: IndexWeights = field(default_factory=lambda: IndexWeights({}))
    reports: ReportLimits = ReportLimits()


@dataclass(frozen=True, slots=True, eq=False)
class HazardColumns:
    """Hazards as columns: where, how grave, and when each was reported, had to be over, and was.

    ``until_at`` and ``closed_at`` are NEVER where there is none. Alerts nobody has accepted yet are among them.
    """

    NEVER: ClassVar[int] = 2**62

    places: tuple[str, ...]
    grades: tuple[Grade, ...]
    reported_at: Instants
    until_at: Instants
    closed_at: Instants


@dataclass(frozen=True, slots=True)
class Dealt:
    """What an act came to: the alert and the hazard after it, the lines of the story, and who is to be told.

    ``climb`` takes the place of the climb there was: another ladder, from where it begins.
    """

    alert: Alert
    hazard: Hazard
    steps: tuple[Step, ...] = ()
    calls: tuple[Call, ...] = ()
    climb: Climb | None = None
