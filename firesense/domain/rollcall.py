"""Roll calls (查岗): whoever is on duty at a post is asked, at times nobody knows before, whether they are there.

Each is an alert of class test, too, under its own id: it is told and answered by every way an alert is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from firesense.domain.escalation import Hours

if TYPE_CHECKING:
    from firesense.domain.instant import Instant

ROLL_CALL = "roll-call"  # the rule of the alerts that roll calls are


class RollCallState(StrEnum):
    """What came of it."""

    PLANNED = "planned"
    ASKED = "asked"
    ANSWERED = "answered"  # in time, by somebody who was on duty there
    MISSED = "missed"  # by nobody, by somebody else, or too late
    UNASKED = "unasked"  # firesense was not running then: nobody's fault at the post


@dataclass(frozen=True, slots=True)
class RollCall:
    """One roll call of the post ``role`` at ``place``; unanswered ``within`` that long it goes to ``above``.

    ``people`` were on duty when it was asked, or started (nobody: it is missed). ``due_at`` is when duty has to do
    something about it: ask, see whether it was answered, and end it. ``started_by`` is empty for one of the day's plan.
    """

    id: str
    role: str
    place: str
    planned_at: Instant
    within: timedelta
    above: str = ""
    started_by: str = ""
    state: RollCallState = RollCallState.PLANNED
    people: tuple[str, ...] = ()
    asked_at: Instant | None = None
    answered_at: Instant | None = None
    answered_by: str = ""
    due_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class RollCalling:
    """How roll is called: at the posts of these roles, so often a day, in these hours of the local day.

    A role may be narrowed to one place: ``station-duty@330101``. ``above`` is the role that is told when nobody
    answers, looked up from the post's place upwards; ``channels`` are all when none is named.
    """

    posts: tuple[str, ...] = ()
    times: int = 1
    hours: Hours = field(default_factory=lambda: Hours(timedelta(hours=8), timedelta(hours=20)))
    within: timedelta = timedelta(minutes=3)
    above: str = "operator"
    channels: tuple[str, ...] = ()
