"""Alerts as columns, for the figures: a few questions, whatever there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import sqlalchemy as sa

from firesense.book import rows, tables
from firesense.book.sql import Chapter
from firesense.domain.alert import AlertClass
from firesense.domain.escalation import Purpose, StepKind
from firesense.domain.figures import NEVER, AlertColumns, OpenAlert
from firesense.domain.quiet import QUIET_RULES
from firesense.domain.rollcall import ROLL_CALL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from firesense.domain.instant import Instant

_ALERT, _CALL, _STEP = tables.alert.c, tables.call.c, tables.step.c
# What windows and roll calls are is no test of a device.
_NO_DEVICE = sorted({*QUIET_RULES, ROLL_CALL})
_RAISED = sa.and_(
    _ALERT.rank.in_(rows.LIST_RANKS),  # said for the index
    _ALERT.raised_at >= sa.bindparam("start"),
    _ALERT.raised_at < sa.bindparam("end"),
    _ALERT.rule.not_in(_NO_DEVICE),
)


def _text(column: sa.Column[Any]) -> sa.ColumnElement[str]:
    return sa.type_coerce(column, sa.Text)  # words stay words: no object for each of a hundred thousand


_CALLED_AT = (
    sa.select(sa.func.min(_CALL.sent_at))
    .where(_CALL.alert == _ALERT.id, _CALL.purpose == Purpose.ALERT)
    .correlate(tables.alert)
    .scalar_subquery()
)
_ALERTS = sa.select(
    _ALERT.id,
    _text(_ALERT.alert_class),
    _ALERT.place,
    _ALERT.device,
    _ALERT.device_class,
    sa.func.coalesce(_text(_ALERT.finding), ""),
    _ALERT.cause,
    _ALERT.acknowledged_by,
    _ALERT.closed_by,
    _ALERT.open,
    _ALERT.quiet,
    _ALERT.trips,
    _ALERT.raised_at,
    sa.func.coalesce(_ALERT.acknowledged_at, NEVER),
    sa.func.coalesce(_ALERT.arrived_at, NEVER),
    sa.func.coalesce(_ALERT.cleared_at, NEVER),
    sa.func.coalesce(_ALERT.closed_at, NEVER),
    sa.func.coalesce(_CALLED_AT, NEVER),
).where(_RAISED)
# In the words of the index step_figures, which holds these steps alone.
_DEEDS = (
    sa.select(_STEP.alert, _text(_STEP.kind), sa.func.min(_STEP.at))
    .join(tables.alert, _ALERT.id == _STEP.alert)
    .where(_RAISED, tables.OF_FIGURES)
    .group_by(_STEP.alert, _STEP.kind)
)
_OPEN = sa.select(_text(_ALERT.alert_class), _ALERT.rule, _ALERT.device).where(_ALERT.open)
_TAKEN = {StepKind.ACKNOWLEDGED.value, StepKind.HANDED_ON.value}


class AlertFigures(Chapter):
    """What figures are counted from."""

    def alert_columns(self, start: Instant, end: Instant) -> AlertColumns:
        """Alerts raised from ``start`` up to ``end``, but for those that windows and roll calls are."""
        span = {"start": start, "end": end}
        with self._database.reading() as connection:
            found = connection.execute(_ALERTS, span).all()
            row_of = {row[0]: number for number, row in enumerate(found)}
            deeds = connection.execute(_DEEDS, span).all()
        columns = list(zip(*found, strict=True)) if found else [()] * len(_ALERTS.selected_columns)
        held = np.array([quiet != "" for quiet in columns[10]], dtype=bool)
        undone = np.zeros(len(found), dtype=bool)
        taken_at = _instants(columns[13])
        for alert, kind, at in deeds:
            row = row_of.get(alert)
            if row is None:
                continue  # raised while we asked
            if kind in _TAKEN:
                taken_at[row] = min(taken_at[row], at)  # whoever took it over had it later
            elif kind == StepKind.UNDONE.value:
                undone[row] = True
            else:
                held[row] = True
        return AlertColumns(
            alert_class=columns[1],
            place=columns[2],
            device=columns[3],
            device_class=columns[4],
            finding=columns[5],
            cause=columns[6],
            taken_by=columns[7],
            closed_by=columns[8],
            open=np.array(columns[9], dtype=bool),
            held=held,
            undone=undone,
            trips=_instants(columns[11]),
            raised_at=_instants(columns[12]),
            called_at=_instants(columns[17]),
            taken_at=taken_at,
            arrived_at=_instants(columns[14]),
            cleared_at=_instants(columns[15]),
            closed_at=_instants(columns[16]),
        )

    def open_alerts(self) -> list[OpenAlert]:
        """Say of every open alert what it says about its device."""
        with self._database.reading() as connection:
            return [OpenAlert(AlertClass(kind), rule, device) for kind, rule, device in connection.execute(_OPEN)]


def _instants(column: Sequence[int]) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.array(column, dtype=np.int64)
