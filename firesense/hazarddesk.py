"""The hazard desk: what people do to hazards, from the report to the writing off. Each deed is one transaction."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from firesense import hazards
from firesense.domain.deed import Actor
from firesense.domain.errors import NotAllowed, NotFound
from firesense.domain.escalation import Climb
from firesense.domain.hazard import HazardAct, HazardState
from firesense.raising import raised
from firesense.route import choose

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from firesense.domain.alert import Alert
    from firesense.domain.hazard import Dealt, Hazard, Report
    from firesense.domain.plan import Plan
    from firesense.ports import Book, Clock

ANYBODY = Actor("", "report form")  # whoever fills in the open form


class HazardDesk:
    """Report and deal with hazards.

    ``kinds`` maps channel names to technologies. ``on_change`` runs after a deed is written, in the thread that did
    it; it must not wait.
    """

    def __init__(
        self,
        book: Book,
        clock: Clock,
        plan_source: Callable[[], Plan],
        kinds: Mapping[str, str],
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._book = book
        self._clock = clock
        self._plan_source = plan_source
        self._kinds = kinds
        self._on_change = on_change

    def report(self, report: Report, actor: Actor = ANYBODY) -> Hazard:
        """Raise a hazard that somebody reports, and begin its climb; the same report sent twice is one.

        The alert's id is the receipt number. Of ANYBODY nothing is written down but what they typed. Raises BookError.
        """
        plan, around = self._plan_source(), self.around()
        if not actor.rights.may_act:  # whoever may only look reports like anybody in the street
            report = replace(report, grade=hazards.counted(around, report.grade))
        alert, hazard = hazards.reported(around, report)
        deed = raised(alert, plan, self._kinds, (), around.now)
        kept = self._book.report_hazard(deed, hazard, actor, (hazards.said(hazard, around.now),))
        self._on_change()
        return kept

    def reported(self, key: str) -> Hazard | None:
        """What was reported under this key already; None when nothing was. Raises BookError."""
        try:
            return self._book.hazard(hazards.receipt(key))
        except NotFound:
            return None

    def may(self, act: HazardAct, alert_id: str, actor: Actor) -> None:
        """Raise what ``do`` would raise before it looks at what is said: NotFound, NotAllowed, Conflict, BookError."""
        hazard, around = self.of(alert_id), self.around()
        if not _has_rights(around, actor, hazard.place):
            raise NotAllowed(f"{actor.name} may not act at {hazard.place}")
        hazards.judge(around, act, hazard, actor.name)

    def do(self, act: HazardAct, alert_id: str, actor: Actor, **said: Any) -> Hazard:
        """Do something to a hazard; ``said`` are the named arguments of the act (hazards/acts.py).

        Raises NotFound, Conflict when its state does not allow it, NotAllowed when the person may not, BookError.
        """
        plan = self._plan_source()
        around = self._around(plan)

        def deed(alert: Alert, hazard: Hazard | None) -> Dealt:
            if not _has_rights(around, actor, alert.place):
                raise NotAllowed(f"{actor.name} may not act at {alert.place}")
            dealt = hazards.ACTS[act](around, alert, hazard, actor.name, **said)
            return dealt if act is not HazardAct.MOVE else _routed(dealt, alert, actor, plan, around)

        dealt = self._book.deal_with_hazard(alert_id, deed, actor)
        self._on_change()
        return dealt.hazard

    def of(self, alert_id: str) -> Hazard:
        """The hazard of an alert, or what it would be if somebody accepted it (again). Raises NotFound."""
        alert = self._book.alert(alert_id)
        try:
            known = self._book.hazard(alert_id)
        except NotFound:
            return hazards.of_rule(alert)
        return hazards.of_rule(alert) if alert.open and not known.open else known

    def allowed(self, hazard: Hazard, actor: Actor) -> list[HazardAct]:
        """What this person may do to the hazard as it is now, in the order people do it."""
        around = self.around()
        if not _has_rights(around, actor, hazard.place):
            return []
        return [
            act
            for act in HazardAct
            if hazards.possible(act, hazard, around.rules.grades[hazard.grade])
            and hazards.may(around, act, hazard, actor.name)
        ]

    def around(self) -> hazards.Around:
        """What acts are judged by at this moment."""
        return self._around(self._plan_source())

    def _around(self, plan: Plan) -> hazards.Around:
        return hazards.Around(plan.hazards, plan.org, self._kinds, self._clock.now())


def _routed(dealt: Dealt, before: Alert, actor: Actor, plan: Plan, around: hazards.Around) -> Dealt:
    """Let a hazard that was moved before anybody accepted it climb the ladder of its new place. Raises NotAllowed."""
    alert = dealt.alert
    above = any(each.code == alert.place for each in plan.org.path(before.place))
    if not above and not _has_rights(around, actor, alert.place):
        raise NotAllowed(f"{actor.name} may not act at {alert.place}")
    if dealt.hazard.state is not HazardState.REPORTED:
        return dealt
    ladder, start = choose(alert, plan, around.now)
    return dealt if ladder is None else replace(dealt, climb=Climb(alert.id, ladder, due_at=around.now, start=start))


def _has_rights(around: hazards.Around, actor: Actor, place: str) -> bool:
    """Whether this log-in may act at a place at all; which acts its posts allow is another question."""
    inside = not actor.place or actor.place in {each.code for each in around.org.path(place)}
    return actor.rights.may_act and inside
