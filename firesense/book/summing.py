"""What figures need of the calls and the story of an alert, summed up when its case is closed.

A year of alerts has ten times as many calls and steps: to go through them took longer than all the rest of its figures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from firesense.book import tables
from firesense.domain.escalation import Purpose, StepKind

if TYPE_CHECKING:
    from collections.abc import Mapping

_ALERT, _CALL, _STEP = tables.alert.c, tables.call.c, tables.step.c


def _of_story(*kinds: StepKind) -> sa.ColumnElement[bool]:
    return sa.and_(_STEP.alert == _ALERT.id, _STEP.kind.in_(kinds))


def _any(kind: StepKind) -> sa.ColumnElement[bool]:
    return sa.exists().where(_of_story(kind)).correlate(tables.alert)


# For each column of an alert what it is as calls and story stand.
SUMS: Mapping[sa.Column[Any], sa.ColumnElement[Any]] = {
    _ALERT.called_at: sa.select(sa.func.min(_CALL.sent_at))
    .where(_CALL.alert == _ALERT.id, _CALL.purpose == Purpose.ALERT)
    .correlate(tables.alert)
    .scalar_subquery(),
    # Whoever took it over had it later.
    _ALERT.taken_at: sa.select(sa.func.min(_STEP.at))
    .where(_of_story(StepKind.ACKNOWLEDGED, StepKind.HANDED_ON))
    .correlate(tables.alert)
    .scalar_subquery(),
    _ALERT.stood_still: _any(StepKind.UNDONE),
    _ALERT.was_held: _any(StepKind.HELD),
}
NO_SUMS: Mapping[str, None] = {column.name: None for column in SUMS}


def summed(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """What a column says of a closed case; of an open one, what it will say if nothing more happens."""
    return sa.case((_ALERT.was_held.is_not(None), column), else_=SUMS[column])
