"""What the figures of a period are counted from, out of the book: a handful of questions, whatever there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from firesense.figures import Facts, Figures, figures

if TYPE_CHECKING:
    from firesense.domain.instant import Instant
    from firesense.domain.plan import Plan
    from firesense.figures import Period
    from firesense.ports import Book


def gather(
    book: Book, plan: Plan, period: Period, place: str, now: Instant, *, deep: bool = False, people: bool = False
) -> Figures:
    """Ask the book and work out the figures; see ``figures``. Raises BookError."""
    facts = Facts(
        alerts=book.alert_columns(period.start_at, period.end_at),
        open_alerts=book.open_alerts(),
        hazards=book.hazard_columns(),
        roll_calls=book.roll_calls(period.start_at, period.end_at),
    )
    return figures(facts, plan, period, place, now, targets=plan.targets, deep=deep, people=people)
