"""Whistles as an alert's page shows them: who was called in by whom and why, whether they came, and whom to call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from firesense.domain.errors import Conflict
from firesense.domain.escalation import ClimbState, Purpose, StepKind
from firesense.escalate import Target
from firesense.text import say
from firesense.web.desk_shown import Choice
from firesense.web.shown import label, listed, next_rung, path_of, person_name
from firesense.web.story_shown import whom_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from firesense.domain.alert import Alert
    from firesense.domain.escalation import Call, Climb, Rung, Step
    from firesense.domain.instant import Instant
    from firesense.domain.plan import Plan

# It waits; everybody was called and nobody came; there was nobody to call; they came; the case was over first.
WhistleStanding = Literal["waiting", "unanswered", "nobody", "answered", "over"]


@dataclass(frozen=True, slots=True)
class WhistleShown:
    """A whistle. ``up`` counts how often its time passed and those above were called, ``then`` is who comes next.

    ``mine``: the reader is among those it called.
    """

    strand: str
    whom: str
    by: str
    reason: str
    at: Instant
    due_at: Instant | None
    then: str
    up: int
    called: str
    standing: WhistleStanding
    came: str
    came_at: Instant
    mine: bool

    @property
    def waits(self) -> bool:
        """Whether it can still be answered."""
        return self.standing in {"waiting", "unanswered", "nobody"}


def show_whistles(
    whistles: Iterable[Climb], story: Sequence[Step], calls: Sequence[Call], plan: Plan, language: str, who: str
) -> tuple[WhistleShown, ...]:
    """Put the whistles of an alert into words, for ``who`` reads them; those that wait come first, then the newest."""
    newest = [_shown(each, story, calls, plan, language, who) for each in whistles][::-1]
    return tuple(sorted(newest, key=lambda whistle: not whistle.waits))


def target_of(whom: str) -> Target:
    """Read what was chosen: a rung as people count them, or a post (role@place). Raises Conflict for nothing."""
    if not whom:
        raise Conflict("nobody chosen", "conflict.no-whom")
    role, _, place = whom.partition("@")
    return Target(rung=int(role) - 1) if role.isdecimal() else Target(role, place)


def to_whistle_for(alert: Alert, climb: Climb | None, plan: Plan, language: str, now: Instant) -> tuple[Choice, ...]:
    """Give the rungs of an alert's own ladder to choose from; the value is the number people count."""
    if climb is None:
        return ()
    return tuple(
        Choice(str(number), _rung_text(alert, number, rung, plan, language, now))
        for number, rung in enumerate(climb.ladder.rungs, 1)
    )


def _rung_text(alert: Alert, number: int, rung: Rung, plan: Plan, language: str, now: Instant) -> str:
    posts = [plan.org.nearest_post(rung.place or alert.place, role) for role in rung.roles]
    holders = dict.fromkeys(person.name for post in posts if post for person in plan.org.on_duty(post, now))
    whom = whom_text({"whom": ",".join(rung.roles), "rung": str(number - 1)}, language)
    return f"{whom} · {listed(holders, language) or say('whistle.vacant', language)}"


def _shown(
    whistle: Climb, story: Sequence[Step], calls: Sequence[Call], plan: Plan, language: str, who: str
) -> WhistleShown:
    of_it = [step for step in story if step.detail.get("strand") == whistle.strand]
    blown = next(step for step in of_it if step.kind is StepKind.WHISTLED)
    came = next((step for step in of_it if step.kind is StepKind.ANSWERED), None)
    called = dict.fromkeys(
        call.person for call in calls if call.strand == whistle.strand and call.purpose is Purpose.WHISTLE
    )
    first, following = whistle.ladder.rungs[0], next_rung(whistle)
    return WhistleShown(
        strand=whistle.strand,
        whom=whom_text(blown.detail, language) if "rung" in blown.detail else _post(first, plan, language),
        by=person_name(plan, whistle.by),
        reason=whistle.reason,
        at=blown.at,
        due_at=whistle.due_at,
        then="" if following is None else _post(whistle.ladder.rungs[following], plan, language),
        up=sum(step.kind is StepKind.CLIMBED for step in of_it),
        called=listed((person_name(plan, each) for each in called), language),
        standing=_standing(whistle, came, called),
        came="" if came is None else person_name(plan, came.who),
        came_at=0 if came is None else came.at,
        mine=who in called,
    )


def _standing(whistle: Climb, came: Step | None, called: Collection[str]) -> WhistleStanding:
    if came is not None:
        return "answered"
    match whistle.state:
        case ClimbState.STOPPED:
            return "over"
        case ClimbState.EXHAUSTED:
            return "unanswered" if called else "nobody"
        case _:
            return "waiting"


def _post(rung: Rung, plan: Plan, language: str) -> str:
    """The department of a rung, with its place where it has one of its own."""
    where = [place.name for place in path_of(plan, rung.place)[-1:]]
    return " ".join([*where, listed((label(language, "role", role) for role in rung.roles), language)])
