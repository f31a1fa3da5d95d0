"""Hazards of a period by place: what was open at its end, what was reported and put right in it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from firesense.domain.hazard import HazardColumns
from firesense.figures.shapes import HazardFigures
from firesense.hazards import standings

if TYPE_CHECKING:
    import numpy as np

    from firesense.domain.instant import Instant
    from firesense.domain.plan import Plan
    from firesense.figures.periods import Period
    from firesense.hazards import Standing


class HazardsBelow:
    """Figures of every place with all below it, as it was at the end of the period, or is now when that lasts on."""

    def __init__(self, hazards: HazardColumns | None, plan: Plan, period: Period, now: Instant) -> None:
        """Hazards put right after the end were open then; how grave they are, and their deadline, is as it is now."""
        self._standings: dict[str, Standing] = {}
        if hazards is None or not len(hazards.reported_at) or not plan.org.places:
            return
        end = min(period.end_at, now + 1)
        then = _known(hazards, hazards.reported_at < end)
        closed_at = then.closed_at.copy()
        closed_at[closed_at >= end] = HazardColumns.NEVER
        found = standings(replace(then, closed_at=closed_at), plan.org, plan.hazards.index, end - 1, (period.start_at,))
        self._standings = {one.place: one for one in found}

    def at(self, place: str) -> HazardFigures:
        """The figures of a place."""
        one = self._standings.get(place)
        if one is None:
            return HazardFigures()
        return HazardFigures(one.by_grade, one.overdue, one.index, one.opened[0], one.closed[0])


def _known(hazards: HazardColumns, which: np.ndarray) -> HazardColumns:
    keep = which.tolist()
    return HazardColumns(
        tuple(place for place, kept in zip(hazards.places, keep, strict=True) if kept),
        tuple(grade for grade, kept in zip(hazards.grades, keep, strict=True) if kept),
        hazards.reported_at[which],
        hazards.until_at[which],
        hazards.closed_at[which],
    )
