"""How a climb begins, moves, waits for the people who have the case, and is dated anew."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from firesense.domain.alert import Case
from firesense.domain.escalation import Call, Climb, ClimbState, Purpose, Step, StepKind
from firesense.domain.instant import micros
from firesense.escalate.errand import Errand

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from firesense.domain.alert import Alert
    from firesense.domain.escalation import Ladder, Timers
    from firesense.domain.instant import Instant
    from firesense.domain.place import Org

_SHORTEST_WAIT = timedelta(seconds=1)  # a wait of nothing would call a whole ladder in one breath, for ever
_EMPTY_ROUND_WAIT = timedelta(minutes=1)  # at least; a ladder that reaches nobody is tried again, not spun
# Why a case that somebody has climbs again: what has not been done about it.
_STANDING = {
    Case.ACKNOWLEDGED: "nobody-on-site",
    Case.DISPATCHED: "nobody-on-site",
    Case.ON_SITE: "no-result",
    Case.VERIFIED: "not-closed",
}


@dataclass(frozen=True, slots=True)
class Acted:
    """What an act came to: the climb after it, the calls to make, and the lines of the story."""

    climb: Climb
    calls: tuple[Call, ...]
    steps: tuple[Step, ...]


def begin(alert: Alert, ladder: Ladder, org: Org, kinds: Mapping[str, str], now: Instant, start: int = 0) -> Acted:
    """Start a climb: the story's first line, and at once the first rung that reaches someone.

    With ``start`` the rungs below that one (counted from 0) are called together with it.
    """
    acted = act(alert, Climb(alert.id, ladder, due_at=now, start=start), org, kinds, now)
    detail = {"rule": alert.rule, "ladder": ladder.id}
    if alert.value is not None:
        detail["value"] = f"{alert.value:g}"  # the alert itself goes on to show the newest value
    raised = Step(alert.id, now, StepKind.RAISED, alert.device, detail)
    return replace(acted, steps=(raised, *acted.steps))


def act(
    alert: Alert,
    climb: Climb,
    org: Org,
    kinds: Mapping[str, str],
    now: Instant,
    earlier: Iterable[Call] = (),
) -> Acted:
    """Do the rung that is due, and say when the next one is.

    Each role is looked up from the alert's place upwards; each holder is called over every channel of the rung they
    have an address for, fire class over a second kind of channel besides. A rung that reaches nobody new is skipped
    at once, and the story says why; one that repeats is called again before the next one is. After the last rung the
    ladder starts again or, when it has been climbed often enough, the climb is EXHAUSTED; either way the operator is
    told. When a whole round reaches nobody, the operator is told and the next round waits. The first act of a stretch
    calls all rungs up to the climb's ``start`` at once.

    A climb that is due although somebody has the case goes on with its next rung: the calls and the story say what
    has not been done (``standing``). That of a whistle tells whoever blew it that nobody has come so far, and
    whether anybody else is called now; the operator hears of it when nobody is.

    ``kinds`` maps the name of each channel there is to its technology. ``earlier`` are the calls already written for
    this alert: in one round nobody is called twice over the same channel, but by a rung that repeats. A climb that is
    over, or waits for a person without a timer, stays as it is.
    """
    if not climb.live or (climb.state is ClimbState.ACKNOWLEDGED and climb.due_at is None):
        return Acted(climb, (), ())
    errand = Errand(alert, org, kinds, now, _purpose(climb), climb, _detail(alert, climb), tuple(earlier))
    _tell_of_the_last(errand, climb)
    start = climb.start if climb.begins and errand.purpose is Purpose.ALERT else 0
    climb, wait = _next_reached(errand, climb, start)
    if climb.strand:
        errand.tell_of_whistle()
    if wait is None:
        if not climb.ladder.rungs:
            _tell_of_the_round(errand, climb.round)
        errand.say(StepKind.EXHAUSTED, **_strand(climb))
        climb = replace(climb, state=ClimbState.EXHAUSTED)
    due_at = None if wait is None else now + micros(max(wait, _SHORTEST_WAIT))
    climb = replace(climb, due_at=due_at, version=climb.version + 1)
    return Acted(climb, tuple(errand.calls), tuple(errand.steps))


def _tell_of_the_last(errand: Errand, climb: Climb) -> None:
    """Tell what became of the act before this one: a case that stands still, a round nobody answered."""
    if errand.purpose is Purpose.UNDONE:
        errand.say(StepKind.UNDONE, errand.alert.acknowledged_by, why=standing(errand.alert))
    if climb.rung == 0 and climb.round > climb.first_round:
        _tell_of_the_round(errand, climb.round - 1)


def _tell_of_the_round(errand: Errand, lap: int) -> None:
    """Tell the operator that a round is over; of a whistle that is told when it is known what the act comes to."""
    if not errand.climb.strand:
        errand.tell_operator(lap)


def _next_reached(errand: Errand, climb: Climb, start: int) -> tuple[Climb, timedelta | None]:
    """Call the next rung that reaches anybody; gives the climb after it, and its wait: None at the ladder's end."""
    rungs, reached = climb.ladder.rungs, False
    for rung in rungs[:start]:
        reached |= errand.call_rung(rung, climb)
        climb = _onwards(climb)
    for _ in rungs[start:]:
        if climb.spent:
            break
        rung = rungs[climb.rung]
        if errand.call_rung(rung, climb):
            if climb.tries < rung.repeat:
                return replace(climb, tries=climb.tries + 1), rung.every or rung.wait
            return _onwards(climb), rung.wait
        climb = _onwards(climb)
        if climb.rung == 0:
            if reached:  # those below the start were called just now: they have their time
                return climb, rung.wait
            _tell_of_the_round(errand, climb.round - 1)
    if not rungs or climb.spent:
        return climb, None
    return climb, max(_EMPTY_ROUND_WAIT, *(rung.wait for rung in rungs))


def after_deed(climb: Climb, case: Case, now: Instant) -> Climb:
    """Say how a climb goes on once a person has moved its case: it waits as long as the ladder's timers grant.

    ``case`` is the stage the case is at now (``stage``).

    What a deed begins is a stretch of its own: a ladder that was climbed to its end may be climbed again. A case that
    nobody has any more (OPEN) climbs on at once; one that is closed stops.
    """
    if case is Case.CLOSED:
        return climb.ended(ClimbState.STOPPED)
    # Overdue calls of this round were or may have been made: another stretch of them is another round.
    lap = climb.round + (climb.state is ClimbState.ACKNOWLEDGED)
    stretch = replace(climb, round=lap, first_round=lap, tries=0, version=climb.version + 1)
    if case is Case.OPEN:
        return replace(stretch, state=ClimbState.CLIMBING, round=lap + 1, first_round=lap + 1, due_at=now)
    grants = granted(climb.ladder.timers, case)
    due_at = None if grants is None else now + micros(max(grants, _SHORTEST_WAIT))
    return replace(stretch, state=ClimbState.ACKNOWLEDGED, due_at=due_at)


def standing(alert: Alert) -> str:
    """Say in a word what has not been done about a case that somebody has; empty when nobody has it or it is over."""
    return "silenced" if stage(alert) is not alert.case else _STANDING.get(alert.case, "")


def stage(alert: Alert) -> Case:
    """Say as what a case waits: its timer is that of this stage.

    While an alert is silenced somebody has seen that it is nothing to come for: what is left is to close it.
    """
    taken = alert.case not in {Case.OPEN, Case.CLOSED}
    return Case.VERIFIED if taken and alert.silenced_at is not None else alert.case


def granted(timers: Timers, case: Case) -> timedelta | None:
    """How long a case may stay as it is; None is for ever."""
    return {
        Case.ACKNOWLEDGED: timers.arrive,
        Case.DISPATCHED: timers.arrive,
        Case.ON_SITE: timers.result,
        Case.VERIFIED: timers.close,
    }.get(case)


def redated(climb: Climb, now: Instant) -> Climb | None:
    """The climb with a due time that can be; None when it has one.

    A climb waits no longer than its ladder says. One that is due later was dated by a clock that has been put back
    since: it waits anew for what the rung before it grants (or, when somebody has the case, for the longest timer),
    since nobody knows how much of that has passed.
    """
    if climb.due_at is None or not climb.ladder.rungs:
        return None
    timers = climb.ladder.timers
    rungs = [wait for rung in climb.ladder.rungs for wait in (rung.wait, rung.every) if wait is not None]
    cases = [wait for wait in (timers.arrive, timers.result, timers.close) if wait is not None]
    has_it = climb.state is ClimbState.ACKNOWLEDGED
    if climb.due_at <= now + micros(max(_EMPTY_ROUND_WAIT, *rungs, *(cases if has_it else ()))):
        return None
    before = climb.ladder.rungs[min(climb.rung, len(climb.ladder.rungs)) - 1]  # the auditor mends a rung that is none
    wait = max(cases) if has_it and cases else before.wait
    return replace(climb, due_at=now + micros(max(wait, _SHORTEST_WAIT)), version=climb.version + 1)


def _purpose(climb: Climb) -> Purpose:
    if climb.strand:
        return Purpose.WHISTLE
    return Purpose.UNDONE if climb.state is ClimbState.ACKNOWLEDGED else Purpose.ALERT


def _detail(alert: Alert, climb: Climb) -> dict[str, str]:
    if climb.strand:
        return {"by": climb.by, "reason": climb.reason}
    if climb.state is ClimbState.ACKNOWLEDGED:
        has_it = {"why": standing(alert), "who": alert.acknowledged_by}
        return has_it | ({"taken_at": str(alert.acknowledged_at)} if alert.acknowledged_at is not None else {})
    return {}


def _onwards(climb: Climb) -> Climb:
    """The climb at the rung after this one."""
    if climb.rung + 1 < len(climb.ladder.rungs):
        return replace(climb, rung=climb.rung + 1, tries=0)
    return replace(climb, rung=0, round=climb.round + 1, tries=0)


def _strand(climb: Climb) -> dict[str, str]:
    return {"strand": climb.strand} if climb.strand else {}
