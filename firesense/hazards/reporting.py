"""How a hazard begins: reported by somebody, or found by a rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from firesense.domain.alert import Alert, AlertClass, Grade, alert_id
from firesense.domain.errors import NotFound
from firesense.domain.escalation import Step, StepKind
from firesense.domain.hazard import REPORTED_RULE, Hazard, Report, Source
from firesense.hazards.around import Around, end_of, waits

if TYPE_CHECKING:
    from firesense.domain.instant import Instant

NO_FRAME = -1  # the offset of an alert that no frame raised
# Grades are words: this is how they compare.
GRAVITY = {grade: number for number, grade in enumerate(Grade)}
_SHORT = 120  # letters of a report that stand for it in a call


def reported(around: Around, report: Report) -> tuple[Alert, Hazard]:
    """Make the alert and the hazard of a report; the same report twice makes the same alert.

    Whoever is not logged in cannot say how grave it is beyond the limit of the rules. A place nobody knows is the
    root's.
    """
    org = around.org
    root = org.root.code if org.root else ""
    place = report.place if report.place in org.places else root
    grade = report.grade
    if not report.reporter:
        grade = counted(around, grade)
    alert = Alert(
        id=receipt(report.key),
        rule=REPORTED_RULE,
        rule_version="",
        alert_class=AlertClass.HAZARD,
        grade=grade,
        device="",
        device_class="",
        place=place,
        raised_at=around.now,
        event_at=around.now,
        offset=NO_FRAME,
        text=dict.fromkeys(("zh", "en"), _in_short(report)),
    )
    hazard = Hazard(
        alert.id,
        Source.PERSON if report.reporter or report.contact else Source.ANONYMOUS,
        grade,
        place,
        around.now,
        reporter=report.reporter,
        contact=report.contact,
        wrong=report.wrong,
        spot=report.spot,
        photos=report.photos,
    )
    until = end_of(around, around.now, around.rules.grades[grade].accept_within)
    return alert, waits(around, hazard, until - around.now)


def receipt(key: str) -> str:
    """The number of what is reported under a key: the id of its alert."""
    return alert_id(REPORTED_RULE, key, 0)


def counted(around: Around, grade: Grade) -> Grade:
    """The grade that counts when somebody says it who answers for nothing here: at most the limit of the rules."""
    return min(grade, around.rules.reports.highest, key=GRAVITY.__getitem__)


def said(hazard: Hazard, at: Instant) -> Step:
    """The line of the story that says who reported a hazard; of somebody unknown it says nothing."""
    return Step(hazard.alert, at, StepKind.REPORTED, hazard.reporter, {"source": hazard.source.value})


def of_rule(alert: Alert) -> Hazard:
    """Make the hazard that an alert of a rule becomes when somebody accepts it. Raises NotFound for other alerts."""
    if alert.alert_class is not AlertClass.HAZARD:
        raise NotFound(f"alert {alert.id} is no hazard but a {alert.alert_class}")
    wrong = alert.text.get("zh") or alert.rule
    return Hazard(alert.id, Source.RULE, alert.grade, alert.place, alert.raised_at, wrong=wrong)


def _in_short(report: Report) -> str:
    words = " ".join(f"{report.spot} {report.wrong}".split())
    return words if len(words) <= _SHORT else words[: _SHORT - 1] + "…"
