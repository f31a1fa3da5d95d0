"""The story of an alert, and the two things every change of its state writes: steps, and work that is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from firesense.book import rows, tables
from firesense.book.sql import Chapter, insert_new
from firesense.domain.alert import Alert
from firesense.domain.errors import NotFound
from firesense.domain.escalation import CallState, ClimbState, Purpose, Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.engine import Connection

    from firesense.domain.because import Because
    from firesense.domain.escalation import Call

_ALERT = sa.select(*rows.ALERT).where(tables.alert.c.id == sa.bindparam("id"))
_STORY = sa.select(*rows.STEP).where(tables.step.c.alert == sa.bindparam("id")).order_by(tables.step.c.number)
_BECAUSE = sa.select(tables.because.c.told).where(tables.because.c.alert == sa.bindparam("id"))
_LAST_STEP = sa.select(sa.func.max(tables.step.c.number))
_MOOT = (
    sa.update(tables.call)
    .where(
        tables.call.c.alert == sa.bindparam("id"),
        tables.call.c.purpose == Purpose.ALERT,
        tables.call.c.state.in_(rows.PENDING),
    )
    .values(state=CallState.MOOT, ready_at=None)
)


class Story(Chapter):
    """What happened to alerts."""

    def story(self, alert_id: str) -> list[Step]:
        """What happened to an alert, in order."""
        with self._database.reading() as connection:
            return [Step(*row) for row in connection.execute(_STORY, {"id": alert_id})]

    def because(self, alert_id: str) -> Because | None:
        """Why an alert was raised; None when that was not kept."""
        with self._database.reading() as connection:
            told: Because | None = connection.scalar(_BECAUSE, {"id": alert_id})
        return told

    def last_step(self) -> int:
        """The number of the newest step of any alert; 0 when nothing ever happened."""
        with self._database.reading() as connection:
            return connection.scalar(_LAST_STEP) or 0


def read_alert(connection: Connection, alert_id: str, *, to_change: bool = False) -> Alert:
    """Read one alert, and keep others from changing it until the transaction ends. Raises NotFound."""
    row = connection.execute(_ALERT.with_for_update() if to_change else _ALERT, {"id": alert_id}).one_or_none()
    if row is None:
        raise NotFound(f"there is no alert {alert_id}")
    return Alert(*row)


def write_alert(connection: Connection, alert: Alert) -> Alert:
    """Write an alert over its row."""
    changed = sa.update(tables.alert).where(tables.alert.c.id == alert.id).values(rows.alert_values(alert))
    connection.execute(changed)
    return alert


def add_steps(connection: Connection, steps: Iterable[Step]) -> None:
    """Go on with the story."""
    if lines := [rows.values(step) for step in steps]:
        connection.execute(sa.insert(tables.step), lines)


def queue_calls(connection: Connection, calls: Iterable[Call]) -> None:
    """Put calls into the outbox; one whose key is there is there already."""
    if lines := [rows.call_values(call) for call in calls]:
        connection.execute(insert_new(connection, tables.call).on_conflict_do_nothing(), lines)


def drop_calls(connection: Connection, alert_id: str) -> None:
    """Nobody need be called to an alert any more: what was not sent yet is moot. Notices go out all the same."""
    connection.execute(_MOOT, {"id": alert_id})


def end_climb(connection: Connection, alert_id: str, state: ClimbState, ending: Sequence[ClimbState]) -> None:
    """End the climb of an alert if it is in one of these states."""
    climb = tables.climb
    connection.execute(
        sa.update(climb)
        .where(climb.c.alert == alert_id, climb.c.state.in_(ending))
        .values(state=state, due_at=None, version=climb.c.version + 1)
    )
