"""The auditor's rules: whether anybody would ever hear of an alert again, and the climb that sees to it.

Every open fire or hazard has a next step with a due time, or a stated reason for none:

- somebody has it, and its ladder sets no timer for what comes next;
- its ladder was climbed as often as it may be, and the operator was told;
- it has no ladder at all: none was chosen when it was raised.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from firesense.domain.alert import Alert, AlertClass, Case
from firesense.domain.escalation import Climb, ClimbState, Purpose, Step, StepKind
from firesense.escalate.climbing import Acted, after_deed, granted, stage
from firesense.escalate.errand import Errand

if TYPE_CHECKING:
    from collections.abc import Mapping

    from firesense.domain.escalation import Ladder
    from firesense.domain.instant import Instant
    from firesense.domain.place import Org

AUDITED = (AlertClass.FIRE, AlertClass.HAZARD)


def adrift(alert: Alert, climb: Climb | None, overdue_before: Instant | None = None) -> str:
    """Say in a word why nobody would hear of an open alert again; empty when somebody will, or a reason is known.

    What was due before ``overdue_before`` is overdue: whoever should have acted did not. None asks nothing of the
    time. The climb of a whistle is asked the same, but for what people did to the case.
    """
    if not alert.open or alert.alert_class not in AUDITED:
        return ""
    if climb is None:
        return "no-climb"
    if not climb.live:
        return _over(climb)
    if not climb.strand and _TAKEN[climb.state] != (alert.case is not Case.OPEN):
        return "nobody-has-it" if _TAKEN[climb.state] else "somebody-has-it"
    return _undated(alert, climb, overdue_before)


_TAKEN = {ClimbState.CLIMBING: False, ClimbState.ACKNOWLEDGED: True}


def _over(climb: Climb) -> str:
    """Why a climb is over that must not be: one for ever is never climbed to its end, unless it has no rungs."""
    if climb.state is ClimbState.EXHAUSTED:
        return "exhausted" if climb.ladder.repeat is None and climb.ladder.rungs else ""
    return "" if climb.strand else "stopped"


def _undated(alert: Alert, climb: Climb, overdue_before: Instant | None) -> str:
    if climb.astray:
        return "no-such-rung"
    if climb.due_at is None:
        waits = _TAKEN[climb.state] and granted(climb.ladder.timers, stage(alert)) is None
        return "" if waits else "no-due-time"
    return "overdue" if overdue_before is not None and climb.due_at < overdue_before else ""


def mended(
    alert: Alert,
    climb: Climb | None,
    ladder: Ladder,
    why: str,
    org: Org,
    kinds: Mapping[str, str],
    now: Instant,
    start: int = 0,
) -> Acted:
    """Put the climb of an alert right: it acts now or, when somebody has the case, waits as long as it may.

    It goes on at the rung where it stood, in a round of its own, by its own copy of the ladder; one that is lost
    begins with ``ladder``, at ``start``. The story tells it, and so is the operator.
    """
    found = climb if climb is not None else Climb(alert.id, ladder, start=start)
    rung = 0 if found.astray else found.rung
    lap = found.round + 1
    after = replace(
        found,
        state=ClimbState.CLIMBING,
        rung=rung,
        round=lap,
        first_round=lap,
        tries=0,
        due_at=now,
        version=found.version + 1,
    )
    if not after.strand and alert.case is not Case.OPEN:
        after = replace(after_deed(after, stage(alert), now), version=after.version)
    errand = Errand(alert, org, kinds, now, Purpose.NOTICE, after, {"repaired": why}, ())
    errand.tell_operator(lap)
    # Not to be taken for what is said at the end of this round.
    calls = tuple(replace(call, key=f"{call.key}:{why}:{now}", strand="") for call in errand.calls)
    detail = {"why": why} | ({"strand": after.strand} if after.strand else {})
    return Acted(after, calls, (Step(alert.id, now, StepKind.REPAIRED, detail=detail), *errand.steps))
