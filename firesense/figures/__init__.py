"""Figures for the assessment (考评): what happened in a period, where, and how long it took. Pure.

docs/figures.md defines each of them.
"""

from firesense.figures.counting import Facts, figures
from firesense.figures.periods import Period, PeriodKind, month_of, period_of
from firesense.figures.shapes import (
    ClassFigures,
    DeviceFigures,
    Figures,
    HazardFigures,
    PersonFigures,
    PlaceFigures,
    RollCallFigures,
    Times,
    TypeFigures,
)

__all__ = [
    "ClassFigures",
    "DeviceFigures",
    "Facts",
    "Figures",
    "HazardFigures",
    "Period",
    "PeriodKind",
    "PersonFigures",
    "PlaceFigures",
    "RollCallFigures",
    "Times",
    "TypeFigures",
    "figures",
    "month_of",
    "period_of",
]
