"""A whistle (网格吹哨、部门报到): a department, or another rung of the ladder, is called in at once.

It is a climb of its own beside the alert's: the department has its own time to answer, then its superiors are called.
Whoever blew the whistle is told of that, and that somebody has come.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from firesense.domain.escalation import Climb, Department, Ladder, Purpose, Rung, Step, StepKind
from firesense.escalate.climbing import act
from firesense.escalate.errand import Errand, whistle_detail

if TYPE_CHECKING:
    from collections.abc import Mapping

    from firesense.domain.alert import Alert
    from firesense.domain.escalation import Call
    from firesense.domain.instant import Instant
    from firesense.domain.plan import Plan
    from firesense.escalate.climbing import Acted


@dataclass(frozen=True, slots=True)
class Target:
    """Who is called in: the holders of a post, looked up from ``place`` (empty: the alert's) upwards, or a rung.

    ``rung`` is one of the alert's own ladder, counted from 0; it counts when ``role`` is empty.
    """

    role: str = ""
    place: str = ""
    rung: int = 0


def way_in(target: Target, alert: Alert, climb: Climb | None, plan: Plan, kinds: Mapping[str, str]) -> Ladder | None:
    """Make the ladder of a whistle: the department, the same post further up, then the ladder set for it.

    The rungs of an alert's own ladder keep their channels and waits. None when there is nobody to call: no such post
    on the way up, or no such rung.
    """
    if not target.role:
        if climb is None or not 0 <= target.rung < len(climb.ladder.rungs):
            return None
        return Ladder(climb.ladder.id, climb.ladder.rungs[target.rung :])
    department = plan.whistling.departments.get(target.role, Department())
    channels = department.channels or plan.whistling.channels or tuple(kinds)
    wait = department.wait or plan.whistling.wait
    rungs = [
        Rung((target.role,), channels, wait, place=place.code)
        for place in plan.org.path(target.place or alert.place)
        if (place.code, target.role) in plan.org.posts
    ]
    then = plan.ladders.get(department.then)
    return Ladder(target.role, (*rungs, *(then.rungs if then is not None else ()))) if rungs else None


def whistle(
    alert: Alert,
    ladder: Ladder,
    plan: Plan,
    kinds: Mapping[str, str],
    now: Instant,
    *,
    strand: str,
    by: str,
    reason: str,
    rung: int | None = None,
) -> Acted:
    """Blow a whistle: its climb under the name ``strand``, and at once the calls of its first rung.

    ``rung`` says which of the alert's own ladder (from 0) that is, if it is one: the story names it.

    The same act later calls the next one and tells ``by`` that nobody has come (``act``). When there is nobody to call
    the climb is EXHAUSTED at once, and ``by`` and the operator are told.
    """
    climb = Climb(alert.id, ladder, due_at=now, strand=strand, by=by, reason=reason)
    acted = act(alert, climb, plan.org, kinds, now)
    detail = {"whom": ",".join(ladder.rungs[0].roles), "reason": reason, "strand": strand}
    if rung is not None:
        detail["rung"] = str(rung)
    return replace(acted, steps=(Step(alert.id, now, StepKind.WHISTLED, by, detail), *acted.steps))


def came(alert: Alert, climb: Climb, who: str, plan: Plan, kinds: Mapping[str, str], now: Instant) -> tuple[Call, ...]:
    """Tell whoever blew a whistle that ``who`` has come; nobody when that is the same, or no person the org knows."""
    if who == climb.by:
        return ()
    errand = Errand(alert, plan.org, kinds, now, Purpose.NOTICE, climb, {}, ())
    errand.tell_whistler(whistle_detail(climb, "came", who=who))
    return tuple(
        replace(call, key=f"{alert.id}+{climb.strand}:came:{call.person}:{call.channel}") for call in errand.calls
    )
