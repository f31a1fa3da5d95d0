"""Cases: what people look at, take and close."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import sqlalchemy as sa

from firesense.book import rows, tables
from firesense.book.hazards import refuse_while_a_hazard
from firesense.book.sql import Chapter
from firesense.book.story import add_steps, move_case, read_alert, write_alert
from firesense.domain.alert import Alert, Case, Condition
from firesense.domain.errors import Conflict, NotFound
from firesense.domain.escalation import Step, StepKind

if TYPE_CHECKING:
    from firesense.domain.alert import Finding
    from firesense.domain.instant import Instant

_ALERT = tables.alert.c
_LIST = sa.select(*rows.ALERT).order_by(_ALERT.rank, _ALERT.raised_at.desc(), _ALERT.id).limit(sa.bindparam("most"))
_PLACE = sa.select(_ALERT.rank, _ALERT.raised_at, _ALERT.id).where(_ALERT.id == sa.bindparam("after"))
_FOLLOWS = sa.and_(
    _ALERT.rank >= sa.bindparam("rank"),  # said for the index: the rest implies it
    sa.or_(
        _ALERT.rank > sa.bindparam("rank"),
        _ALERT.raised_at < sa.bindparam("raised_at"),
        sa.and_(_ALERT.raised_at == sa.bindparam("raised_at"), _ALERT.id > sa.bindparam("id")),
    ),
)


class Cases(Chapter):
    """Alerts, and what people do about them."""

    def alert(self, alert_id: str) -> Alert:
        """One alert; raises NotFound."""
        with self._database.reading() as connection:
            return read_alert(connection, alert_id)

    def alerts(self, *, open_only: bool = True, most: int = 200, after: str = "") -> list[Alert]:
        """Alerts, the gravest class first; in a class those of strangers last; then the newest first.

        ``after`` is the id of an alert: those that follow it. Raises NotFound when there is no such alert.
        """
        question, values = _LIST, {"most": most}
        with self._database.reading() as connection:
            if after:
                place = connection.execute(_PLACE, {"after": after}).one_or_none()
                if place is None:
                    raise NotFound(f"there is no alert {after}")
                question, values = question.where(_FOLLOWS), values | place._asdict()
            if open_only:
                question = question.where(_ALERT.open)
            return [Alert(*row) for row in connection.execute(question, values)]

    def acknowledge(self, alert_id: str, who: str, at: Instant) -> Alert:
        """Take an open alert: its climb waits as its ladder says, unsent calls are moot. Who has it already keeps it.

        Raises NotFound, or Conflict when it is closed or someone else has it.
        """
        with self._database.writing() as connection:
            alert = read_alert(connection, alert_id, to_change=True)
            if not alert.open:
                raise Conflict(f"alert {alert_id} is closed")
            if alert.acknowledged_by == who:
                return alert
            if alert.acknowledged_by:
                raise Conflict(f"{alert.acknowledged_by} has alert {alert_id}")
            move_case(connection, alert_id, Case.ACKNOWLEDGED, at)
            add_steps(connection, [Step(alert_id, at, StepKind.ACKNOWLEDGED, who)])
            return write_alert(
                connection, replace(alert, case=Case.ACKNOWLEDGED, acknowledged_at=at, acknowledged_by=who)
            )

    def close_alert(self, alert_id: str, who: str, at: Instant, finding: Finding, note: str) -> Alert:
        """Close the case, reset a latched alarm; one that still fires may be closed, too: a person says so.

        Raises NotFound, or Conflict when it is closed already, or is a hazard that has to be written off.
        """
        with self._database.writing() as connection:
            alert = read_alert(connection, alert_id, to_change=True)
            if not alert.open:
                raise Conflict(f"alert {alert_id} is closed already")
            refuse_while_a_hazard(connection, alert_id)
            move_case(connection, alert_id, Case.CLOSED, at)
            add_steps(connection, [Step(alert_id, at, StepKind.CLOSED, who, {"finding": finding.value, "note": note})])
            reset = Condition.RESOLVED if alert.condition is Condition.LATCHED else alert.condition
            return write_alert(
                connection,
                replace(
                    alert, case=Case.CLOSED, condition=reset, closed_at=at, closed_by=who, finding=finding, note=note
                ),
            )
