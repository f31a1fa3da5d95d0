"""Hazards: what was reported, what was done about it, and what is due."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import sqlalchemy as sa

from firesense.book import audit, deeds, rows, tables
from firesense.book.sql import Chapter, insert_new
from firesense.book.story import (
    add_steps,
    climb_anew,
    drop_calls,
    end_climb,
    move_case,
    queue_calls,
    read_alert,
    write_alert,
)
from firesense.domain.alert import Alert, AlertClass, Case, Condition
from firesense.domain.audit import Entry
from firesense.domain.errors import Conflict, NotFound
from firesense.domain.escalation import ClimbState
from firesense.domain.hazard import Hazard, HazardColumns, HazardState

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from sqlalchemy.engine import Connection

    from firesense.domain.deed import Actor
    from firesense.domain.escalation import Step
    from firesense.domain.hazard import Dealt
    from firesense.domain.instant import Instant
    from firesense.domain.outcome import Raise

_HAZARD, _ALERT = tables.hazard.c, tables.alert.c
_ONE = sa.select(*rows.HAZARD).where(_HAZARD.alert == sa.bindparam("id"))
_LIST = (
    sa.select(*rows.HAZARD).order_by(_HAZARD.reported_at.desc(), _HAZARD.alert.desc()).limit(sa.bindparam("most_rows"))
)
_DUE = (
    sa.select(*rows.ALERT, *rows.HAZARD)
    .join(tables.hazard, _ALERT.id == _HAZARD.alert)
    .where(_HAZARD.due_at <= sa.bindparam("now"))
    .order_by(_HAZARD.due_at)
    .limit(sa.bindparam("most"))
)
_UNDATED = (
    sa.select(_HAZARD.alert)
    .join(tables.alert, _ALERT.id == _HAZARD.alert)
    .where(_HAZARD.open, sa.or_(_HAZARD.due_at.is_(None), _HAZARD.until_at.is_(None)))
    .order_by(_HAZARD.reported_at)
    .limit(sa.bindparam("most"))
)
# An open alert that nobody has accepted as a hazard yet; what is cleared but not closed is not one any more.
_NO_CASE = sa.and_(
    _ALERT.open,
    _ALERT.alert_class == AlertClass.HAZARD,
    _ALERT.condition != Condition.RESOLVED,
    ~sa.select(_HAZARD.alert).where(_HAZARD.alert == _ALERT.id, _HAZARD.open).exists(),
)
_WAITING = sa.select(*rows.ALERT).where(_NO_CASE).order_by(_ALERT.raised_at.desc()).limit(sa.bindparam("most"))
_LIVE = (ClimbState.CLIMBING, ClimbState.EXHAUSTED, ClimbState.ACKNOWLEDGED)
_NOTHING: Any = sa.literal(None, sa.BigInteger)
_COLUMNS = sa.union_all(
    sa.select(_HAZARD.place, _HAZARD.grade, _HAZARD.reported_at, _HAZARD.until_at, _HAZARD.closed_at).where(
        _HAZARD.state != HazardState.REJECTED
    ),
    sa.select(_ALERT.place, _ALERT.grade, _ALERT.raised_at, _NOTHING, _NOTHING).where(_NO_CASE),
)


class Hazards(Chapter):
    """Hazards as cases."""

    def hazard(self, alert_id: str) -> Hazard:
        """The hazard of an alert; raises NotFound when there is none, or it was not accepted yet."""
        with self._database.reading() as connection:
            row = connection.execute(_ONE, {"id": alert_id}).one_or_none()
        if row is None:
            raise NotFound(f"there is no hazard {alert_id}")
        return Hazard(*row)

    def hazards(
        self,
        *,
        open_only: bool = True,
        places: Collection[str] | None = None,
        overdue_at: Instant | None = None,
        most: int = 200,
        after: str = "",
    ) -> list[Hazard]:
        """Hazards, the newest first; see the port."""
        question, values = _LIST, {"most_rows": most}
        if open_only or overdue_at is not None:
            question = question.where(_HAZARD.open)
        if overdue_at is not None:
            question = question.where(_HAZARD.until_at < overdue_at)
        if places is not None:
            question = question.where(_HAZARD.place.in_(sorted(places)))
        with self._database.reading() as connection:
            if after:
                begin = _read(connection, after)
                if begin is None:
                    raise NotFound(f"there is no hazard {after}")
                older = _HAZARD.reported_at < begin.reported_at
                question = question.where(
                    sa.or_(older, sa.and_(_HAZARD.reported_at == begin.reported_at, _HAZARD.alert < begin.alert))
                )
            return [Hazard(*row) for row in connection.execute(question, values)]

    def waiting_hazards(self, most: int = 200) -> list[Alert]:
        """Open alerts of class hazard that nobody has accepted yet, the newest first."""
        with self._database.reading() as connection:
            return [Alert(*row) for row in connection.execute(_WAITING, {"most": most})]

    def hazard_columns(self) -> HazardColumns:
        """All hazards but rejected reports as columns, with the alerts that nobody has accepted yet."""
        with self._database.reading() as connection:
            found: Sequence[Any] = connection.execute(_COLUMNS).all()
        place, grade, reported, until, closed = zip(*found, strict=True) if found else ((),) * 5
        return HazardColumns(tuple(place), tuple(grade), _instants(reported), _instants(until), _instants(closed))

    def report_hazard(self, deed: Raise, hazard: Hazard, actor: Actor, steps: Sequence[Step] = ()) -> Hazard:
        """Raise the alert of a reported hazard with its case; what was reported already stays as it is."""
        with self._database.writing() as connection:
            deeds.do(connection, deed, deed.alert.raised_at, {})
            new = insert_new(connection, tables.hazard).on_conflict_do_nothing()
            if not connection.execute(new.values(rows.hazard_values(hazard))).rowcount:
                return _read(connection, hazard.alert) or hazard
            add_steps(connection, steps)
            audit.add(connection, Entry.of(actor, deed.alert.raised_at, "reported", "alert", hazard.alert))
            return hazard

    def deal_with_hazard(
        self, alert_id: str, deed: Callable[[Alert, Hazard | None], Dealt], actor: Actor | None = None
    ) -> Dealt:
        """Do something to a hazard as it is now; see the port."""
        with self._database.writing() as connection:
            alert = read_alert(connection, alert_id, to_change=True)
            hazard = _read(connection, alert_id)
            dealt = deed(alert, hazard)
            if hazard is None:
                connection.execute(sa.insert(tables.hazard).values(rows.hazard_values(dealt.hazard)))
            else:
                changed = sa.update(tables.hazard).where(_HAZARD.alert == alert_id)
                connection.execute(changed.values(rows.hazard_values(dealt.hazard)))
            add_steps(connection, dealt.steps)
            _follow(connection, alert, dealt)
            queue_calls(connection, dealt.calls)
            if actor is not None:
                audit.add(
                    connection,
                    *(
                        Entry.of(actor, step.at, step.kind.value, "alert", alert_id, **step.detail)
                        for step in dealt.steps
                    ),
                )
            return dealt

    def due_hazards(self, now: Instant, most: int) -> list[tuple[Alert, Hazard]]:
        """Hazards about which something is due, the longest due first."""
        with self._database.reading() as connection:
            found = connection.execute(_DUE, {"now": now, "most": most}).all()
        split = len(rows.ALERT)
        return [(Alert(*row[:split]), Hazard(*row[split:])) for row in found]

    def undated_hazards(self, most: int) -> list[str]:
        """The alerts of open hazards that have lost a date; see the port."""
        with self._database.reading() as connection:
            return list(connection.scalars(_UNDATED, {"most": most}))


def refuse_while_a_hazard(connection: Connection, alert_id: str) -> None:
    """An alert with an open hazard is closed by writing the hazard off. Raises Conflict."""
    hazard = _read(connection, alert_id)
    if hazard is not None and hazard.open:
        raise Conflict(f"hazard {alert_id} is {hazard.state}: it is closed by writing it off", "conflict.hazard-open")


def _read(connection: Connection, alert_id: str) -> Hazard | None:
    row = connection.execute(_ONE, {"id": alert_id}).one_or_none()
    return None if row is None else Hazard(*row)


def _follow(connection: Connection, before: Alert, dealt: Dealt) -> None:
    """Write what a deed made of the alert, and let its climb follow.

    Once a hazard is accepted its terms say what is due, and not the timers of the ladder.
    """
    after = dealt.alert
    if after != before:
        write_alert(connection, after)
    if after.case is Case.CLOSED and after.closed_at is not None:
        if before.open:
            move_case(connection, after.id, Case.CLOSED, after.closed_at)
    elif dealt.climb is not None:
        climb_anew(connection, dealt.climb)
    elif dealt.hazard.state is HazardState.ACCEPTED:
        end_climb(connection, after.id, ClimbState.ACKNOWLEDGED, _LIVE)
        drop_calls(connection, after.id)


def _instants(column: Sequence[Instant | None]) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.array([HazardColumns.NEVER if at is None else at for at in column], dtype=np.int64)
