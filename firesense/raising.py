"""What is written when an alert is raised: its climb, the calls of its first rung, and the grounds it stands on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from firesense.domain.alert import Alert, AlertClass, alert_id
from firesense.domain.because import NOTHING
from firesense.domain.escalation import Step, StepKind
from firesense.domain.outcome import Raise
from firesense.domain.quiet import NO_WINDOWS
from firesense.escalate import begin
from firesense.grounds import because
from firesense.quieting import held, told_to_tester, untested
from firesense.route import choose
from firesense.text import LANGUAGES, say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from firesense.domain.because import Aside
    from firesense.domain.instant import Instant
    from firesense.domain.plan import Plan
    from firesense.domain.quiet import Quiets
    from firesense.domain.readings import Readings

FOUND_FAULTY = "found-faulty"  # the rule of a fault case that comes of what was found on site
_log = structlog.get_logger(__name__)


def raised(
    alert: Alert,
    plan: Plan,
    kinds: Mapping[str, str],
    tables: Sequence[Readings],
    now: Instant,
    quiets: Quiets = NO_WINDOWS,
    *,
    confirmed: bool = False,
    aside: Aside = NOTHING,
) -> Raise:
    """Begin the climb of an alert; ``kinds`` maps channel names to technologies, ``tables`` show why it was raised.

    One that falls into one of the windows ``quiets`` waits for its end, or is told to the tester alone. ``confirmed``
    says that another fire is open at the same place, ``aside`` what else was known.
    """
    rule = next((rule for rule in plan.rules if rule.id == alert.rule), None)
    try:
        grounds = because(alert, rule, plan, tables, now, confirmed=confirmed, aside=aside)
    except Exception:  # noqa: BLE001 -- an alert that cannot be explained must be raised all the same
        _log.exception("alerting.grounds", alert=alert.id)
        grounds = None
    window = quiets.by_id.get(alert.quiet)
    if window is not None and window.tests(alert.alert_class):
        calls, told = told_to_tester(alert, window, plan.org, kinds, now)
        return Raise(alert, None, calls, told, grounds)
    ladder, start = choose(alert, plan, now, confirmed=confirmed)
    if ladder is None:
        step = Step(alert.id, now, StepKind.RAISED, alert.device, {"rule": alert.rule, "ladder": ""})
        return Raise(alert, None, (), (step,), grounds)
    if window is not None:
        climb, waits = held(alert, ladder, window, now, start)
        return Raise(alert, climb, (), waits, grounds)
    acted = begin(alert, ladder, plan.org, kinds, now, start)
    notices, said = untested(alert, quiets.over(alert, plan.registry, plan.org, now), plan.org, kinds, now)
    return Raise(alert, acted.climb, (*acted.calls, *notices), (*acted.steps, *said), grounds)


def found_faulty(alert: Alert, plan: Plan, kinds: Mapping[str, str], now: Instant) -> Raise:
    """Raise the case a maintainer gets of a device found faulty on site; one at a time for each device."""
    case = Alert(
        id=alert_id(FOUND_FAULTY, alert.device, alert.raised_at),
        rule=FOUND_FAULTY,
        rule_version="",
        alert_class=AlertClass.FAULT,
        grade=alert.grade,
        device=alert.device,
        device_class=alert.device_class,
        place=alert.place,
        raised_at=now,
        event_at=now,
        offset=alert.offset,
        text={language: say("alert.found-faulty", language, alert=alert.id) for language in LANGUAGES},
    )
    return raised(case, plan, kinds, (), now)
