"""Alerts as columns, for the figures: one question, whatever there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import sqlalchemy as sa

from firesense.book import rows, tables
from firesense.book.sql import Chapter
from firesense.book.summing import SUMS, summed
from firesense.domain.alert import AlertClass
from firesense.domain.figures import NEVER, AlertColumns, OpenAlert
from firesense.domain.quiet import QUIET_RULES
from firesense.domain.rollcall import ROLL_CALL

if TYPE_CHECKING:
    from firesense.domain.instant import Instant

_ALERT = tables.alert.c
_AT_ONCE = 500  # rows: fewer than Python makes before it looks for garbage among them
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


def _flag(says: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.type_coerce(says, sa.Integer)  # nor a bool for each


def _instant(at: sa.ColumnElement[int | None]) -> sa.ColumnElement[int]:
    return sa.func.coalesce(at, NEVER)


_WORDS = (
    _text(_ALERT.alert_class),
    _ALERT.place,
    _ALERT.device,
    _ALERT.device_class,
    sa.func.coalesce(_text(_ALERT.finding), ""),
    _ALERT.cause,
    _ALERT.acknowledged_by,
    _ALERT.closed_by,
)
_NUMBERS = (
    _flag(_ALERT.open),
    _flag(sa.or_(_ALERT.quiet != "", summed(_ALERT.was_held))),
    _flag(summed(_ALERT.stood_still)),
    _ALERT.trips,
    _ALERT.raised_at,
    # One that a channel took before the case was closed may have been written down after that.
    _instant(sa.func.coalesce(_ALERT.called_at, SUMS[_ALERT.called_at])),
    _instant(summed(_ALERT.taken_at)),
    _instant(_ALERT.acknowledged_at),
    _instant(_ALERT.arrived_at),
    _instant(_ALERT.verified_at),
    _instant(_ALERT.cleared_at),
    _instant(_ALERT.closed_at),
)
_ALERTS = sa.select(*_WORDS, *_NUMBERS).where(_RAISED)
_OPEN = sa.select(_text(_ALERT.alert_class), _ALERT.rule, _ALERT.device).where(_ALERT.open)


class AlertFigures(Chapter):
    """What figures are counted from."""

    def alert_columns(self, start: Instant, end: Instant) -> AlertColumns:
        """Alerts raised from ``start`` up to ``end``, but for those that windows and roll calls are."""
        columns: list[list[Any]] = [[] for _ in _ALERTS.selected_columns]
        with self._database.reading() as connection:
            # A stretch at a time, or all hundred thousand are looked through for garbage again and again.
            for stretch in connection.execute(_ALERTS, {"start": start, "end": end}).partitions(_AT_ONCE):
                for column, more in zip(columns, zip(*stretch, strict=True), strict=True):
                    column.extend(more)
        alert_class, place, device, device_class, finding, cause, taken_by, closed_by, *numbers = columns
        open_, held, undone, *instants = (np.fromiter(column, np.int64, len(column)) for column in numbers)
        trips, raised_at, called_at, taken_at, had_at, arrived_at, verified_at, cleared_at, closed_at = instants
        return AlertColumns(
            alert_class=alert_class,
            place=place,
            device=device,
            device_class=device_class,
            finding=finding,
            cause=cause,
            taken_by=taken_by,
            closed_by=closed_by,
            open=open_.astype(bool),
            held=held.astype(bool),
            undone=undone.astype(bool),
            trips=trips,
            raised_at=raised_at,
            called_at=called_at,
            taken_at=np.minimum(taken_at, had_at),
            arrived_at=arrived_at,
            verified_at=verified_at,
            cleared_at=cleared_at,
            closed_at=closed_at,
        )

    def open_alerts(self) -> list[OpenAlert]:
        """Say of every open alert what it says about its device."""
        with self._database.reading() as connection:
            return [OpenAlert(AlertClass(kind), rule, device) for kind, rule, device in connection.execute(_OPEN)]
