"""What time does to hazards: it reminds, and when a term has passed it tells one level after the other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from firesense.domain.errors import Conflict
from firesense.domain.escalation import Purpose, Step, StepKind
from firesense.domain.hazard import Dealt, Hazard, HazardState
from firesense.domain.instant import micros
from firesense.domain.place import OPERATOR
from firesense.hazards.around import (
    WORKING,
    Around,
    calls,
    end_of,
    holders,
    next_version,
    people_responsible,
    step,
    told,
    waits,
)

if TYPE_CHECKING:
    from firesense.domain.alert import Alert
    from firesense.domain.instant import Instant
    from firesense.domain.place import Person

_MOVED_AT = ("reported_at", "accepted_at", "rectified_at", "reinspected_at")


def due(around: Around, alert: Alert, hazard: Hazard | None) -> Dealt:
    """Do what is due: remind before the term ends; after it, tell one level after the other.

    A level that reaches nobody is skipped at once, and the story says so; the highest one is told again and again.
    What was moved meanwhile stays as it is.
    """
    if hazard is None:
        raise Conflict(f"alert {alert.id} is no hazard")
    if hazard.until_at is None:
        return found_undated(around, alert, hazard)
    if not hazard.open or hazard.due_at is None or hazard.due_at > around.now:
        return Dealt(alert, hazard)
    if around.now < hazard.until_at:
        reminded = next_version(replace(hazard, reminded=True, due_at=hazard.until_at))
        people = people_responsible(around, hazard)
        steps = [step(around, hazard, StepKind.REMINDED, "", {"until_at": str(hazard.until_at)})]
        return Dealt(
            alert,
            reminded,
            (*steps, *told(around, hazard, StepKind.REMINDED, people)),
            tuple(calls(around, reminded, Purpose.REMINDER, people)),
        )
    return _climb(around, alert, hazard)


def redated(around: Around, hazard: Hazard) -> Hazard | None:
    """The hazard with dates that can be; None when it has them.

    One that was moved later than now was dated by a clock that has been put back since: it keeps its term, counted from
    now. One whose delay that clock told to some level waits for the end of its term once more.
    """
    if not hazard.open or hazard.due_at is None or hazard.until_at is None:
        return None
    now = around.now
    moved = {name: at for name in _MOVED_AT if (at := getattr(hazard, name)) is not None}
    ahead = max(0, *(at - now for at in moved.values()))
    until, due_at = hazard.until_at - ahead, hazard.due_at - ahead
    longest = max(level.wait for level in around.rules.grades[hazard.grade].levels)
    if due_at > max(until, now + micros(longest)):
        due_at = max(until, now)
    if (until, due_at) == (hazard.until_at, hazard.due_at):
        return None
    deadline = hazard.deadline_at
    if deadline is not None and hazard.state in WORKING:
        deadline -= ahead
    dates: dict[str, Any] = {name: min(at, now) for name, at in moved.items()}
    return next_version(replace(hazard, until_at=until, due_at=due_at, deadline_at=deadline, **dates))


def date_anew(around: Around, alert: Alert, hazard: Hazard | None) -> Dealt:
    """Give a hazard dates that can be. Raises Conflict for an alert that is none."""
    if hazard is None:
        raise Conflict(f"alert {alert.id} is no hazard")
    return Dealt(alert, redated(around, hazard) or hazard)


def found_undated(around: Around, alert: Alert, hazard: Hazard | None) -> Dealt:
    """Date an open hazard that has lost its dates, as a damaged row has: by its deadline, or the term of its grade.

    The story tells it, and so is the operator. One that has its dates, or is over, stays as it is. Raises Conflict
    for an alert that is no hazard.
    """
    if hazard is None:
        raise Conflict(f"alert {alert.id} is no hazard")
    if not hazard.open or (hazard.due_at is not None and hazard.until_at is not None):
        return Dealt(alert, hazard)
    until = _end_of_term(around, hazard) if hazard.until_at is None else hazard.until_at
    if until > around.now:
        dated = waits(around, hazard, until - around.now)
    else:
        dated = next_version(replace(hazard, until_at=until, due_at=around.now))
    operators = holders(around, hazard.place, (OPERATOR,))
    notices = calls(around, dated, Purpose.NOTICE, operators)
    return Dealt(
        alert,
        dated,
        (step(around, dated, StepKind.REPAIRED, "", {"why": "no-due-time", "until_at": str(until)}),),
        tuple(replace(call, detail={"repaired": "no-due-time"}) for call in notices),
    )


def _end_of_term(around: Around, hazard: Hazard) -> Instant:
    """When the present state of a hazard has to be over, by the instants that are left; from now where none is."""
    rules = around.rules.grades[hazard.grade]
    match hazard.state:
        case HazardState.REPORTED:
            return end_of(around, hazard.reported_at, rules.accept_within)
        case HazardState.ACCEPTED | HazardState.RECTIFYING:
            since = around.now if hazard.accepted_at is None else hazard.accepted_at
            return since + micros(rules.rectify_within) if hazard.deadline_at is None else hazard.deadline_at
        case HazardState.RECTIFIED:
            since = around.now if hazard.rectified_at is None else hazard.rectified_at
            return end_of(around, since, rules.write_off_within if rules.on_the_spot else rules.reinspect_within)
        case _:  # passed
            since = around.now if hazard.reinspected_at is None else hazard.reinspected_at
            return since + micros(rules.write_off_within)


def _climb(around: Around, alert: Alert, hazard: Hazard) -> Dealt:
    levels = around.rules.grades[hazard.grade].levels
    steps: list[Step] = []
    reached: list[tuple[Person, str, str]] = []
    first = min(hazard.level, len(levels) - 1)
    index = first
    for index in range(first, len(levels)):
        reached = holders(around, hazard.place, levels[index].roles)
        if reached:
            break
        detail = {"role": ", ".join(levels[index].roles), "place": hazard.place, "reason": "nobody"}
        steps.append(step(around, hazard, StepKind.EMPTY, "", detail))
    if not reached:
        reached = holders(around, hazard.place, (OPERATOR,))
    later = replace(hazard, level=index + 1, due_at=around.now + micros(levels[index].wait))
    later = next_version(later)
    steps += told(around, hazard, StepKind.OVERDUE, reached, {"level": str(index + 1)})
    return Dealt(alert, later, tuple(steps), tuple(calls(around, later, Purpose.OVERDUE, reached)))
