"""The story of an alert, and what every change of its state writes: steps, its climb, and work that is over."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from firesense.book import rows, tables
from firesense.book.sql import Chapter, Prepared, insert_if_new
from firesense.book.summing import NO_SUMS, SUMS
from firesense.domain.alert import Alert, Case
from firesense.domain.because import Suppressed
from firesense.domain.errors import NotFound
from firesense.domain.escalation import CallState, ClimbState, Purpose, Step
from firesense.escalate import after_deed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.engine import Connection

    from firesense.domain.because import Because
    from firesense.domain.escalation import Call, Climb
    from firesense.domain.instant import Instant

_ALERT = sa.select(*rows.ALERT).where(tables.alert.c.id == sa.bindparam("id"))
_STORY = sa.select(*rows.STEP).where(tables.step.c.alert == sa.bindparam("id")).order_by(tables.step.c.number)
_BECAUSE = sa.select(tables.because.c.told).where(tables.because.c.alert == sa.bindparam("id"))
_SUPPRESSED = (
    sa.select(*rows.SUPPRESSED)
    .where(tables.suppressed.c.alert == sa.bindparam("id"))
    .order_by(tables.suppressed.c.number)
)
_TELL = Prepared(lambda _: sa.insert(tables.step), rows.names(Step))
_QUEUE = Prepared(lambda dialect: insert_if_new(dialect, tables.call), rows.CALL_NAMES)
_LAST_STEP = sa.select(sa.func.max(tables.step.c.number))
_MOOT = (
    sa.update(tables.call)
    .where(
        tables.call.c.alert == sa.bindparam("id"),
        tables.call.c.purpose.in_((Purpose.ALERT, Purpose.UNDONE)),
        tables.call.c.state.in_(rows.PENDING),
    )
    .values(state=CallState.MOOT, ready_at=None)
)

_MOOT_WHISTLES = (
    sa.update(tables.call)
    .where(
        tables.call.c.alert == sa.bindparam("id"),
        tables.call.c.purpose == Purpose.WHISTLE,
        tables.call.c.state.in_(rows.PENDING),
    )
    .values(state=CallState.MOOT, ready_at=None)
)
_CLIMB = sa.select(*rows.CLIMB).where(
    tables.climb.c.alert == sa.bindparam("id"), tables.climb.c.strand == sa.bindparam("strand")
)
_END = (
    sa.update(tables.climb)
    .where(tables.climb.c.alert == sa.bindparam("id"))
    .values(state=sa.bindparam("ended"), due_at=None, version=tables.climb.c.version + 1)
)


_HAZARD = sa.select(tables.hazard.c.alert).where(
    tables.hazard.c.alert == sa.bindparam("id"), tables.hazard.c.open, tables.hazard.c.accepted_at.is_not(None)
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

    def suppressed(self, alert_id: str) -> list[Suppressed]:
        """What was kept from people on account of an alert, in the order it began."""
        with self._database.reading() as connection:
            return [Suppressed(*row) for row in connection.execute(_SUPPRESSED, {"id": alert_id})]

    def last_step(self) -> int:
        """The number of the newest step of any alert; 0 when nothing ever happened."""
        with self._database.reading() as connection:
            return newest_step(connection)


def newest_step(connection: Connection) -> int:
    """Find the number of the newest step of any alert; 0 when nothing ever happened."""
    return connection.scalar(_LAST_STEP) or 0


def read_alert(connection: Connection, alert_id: str, *, to_change: bool = False) -> Alert:
    """Read one alert, and keep others from changing it until the transaction ends. Raises NotFound."""
    row = connection.execute(_ALERT.with_for_update() if to_change else _ALERT, {"id": alert_id}).one_or_none()
    if row is None:
        raise NotFound(f"there is no alert {alert_id}")
    return Alert(*row)


def write_alert(connection: Connection, alert: Alert) -> Alert:
    """Write an alert over its row; with its case closed, its calls and its story up to here are summed up in it."""
    changed = sa.update(tables.alert).where(tables.alert.c.id == alert.id).values(rows.alert_values(alert))
    connection.execute(changed.values(NO_SUMS) if alert.open else changed.values(SUMS))
    return alert


def add_steps(connection: Connection, steps: Iterable[Step]) -> None:
    """Go on with the story."""
    _TELL.run(connection, map(rows.line, steps))


def queue_calls(connection: Connection, calls: Iterable[Call], *, news: bool = False) -> None:
    """Put calls into the outbox; one whose key is there is there already.

    The first calls of a fire are ``news``: they do not wait behind those for fires that people were called to before.
    """
    _QUEUE.run(connection, (rows.call_line(call, news=news) for call in calls))


def drop_calls(connection: Connection, alert_id: str) -> None:
    """Nobody need be called to an alert any more: what was not sent yet is moot. Notices go out all the same."""
    connection.execute(_MOOT, {"id": alert_id})


def read_climb(connection: Connection, alert_id: str, strand: str = "", *, to_change: bool = False) -> Climb | None:
    """Read a climb, and keep others from changing it until the transaction ends; None when there is none."""
    question = _CLIMB.with_for_update() if to_change else _CLIMB
    row = connection.execute(question, {"id": alert_id, "strand": strand}).one_or_none()
    return None if row is None else rows.climb_of(row)


def write_climb(connection: Connection, climb: Climb) -> None:
    """Write a climb over its row."""
    at = tables.climb.c
    changed = sa.update(tables.climb).where(at.alert == climb.alert, at.strand == climb.strand)
    connection.execute(changed.values(rows.climb_values(climb)))


def move_case(connection: Connection, alert_id: str, case: Case, now: Instant) -> None:
    """Let the climb of an alert follow its case, which a person has moved: what was not sent is moot, the timer runs.

    With the case closed its whistles are over, too.
    """
    climb = read_climb(connection, alert_id, to_change=True)
    if climb is not None:
        after = after_deed(climb, case, now)
        if after.state is ClimbState.ACKNOWLEDGED and connection.scalar(_HAZARD, {"id": alert_id}):
            after = replace(after, due_at=None)  # the terms of the hazard say what is due, and not the timers
        write_climb(connection, after)
    drop_calls(connection, alert_id)
    if case is Case.CLOSED:
        end_whistles(connection, alert_id)


def climb_anew(connection: Connection, climb: Climb) -> None:
    """Let an alert climb another ladder from where it begins: a round of its own. What was not sent yet is moot."""
    before = read_climb(connection, climb.alert, to_change=True)
    if before is not None:
        lap = before.round + 1
        write_climb(connection, replace(climb, round=lap, first_round=lap, version=before.version + 1))
    drop_calls(connection, climb.alert)


def end_climb(connection: Connection, alert_id: str, state: ClimbState, ending: Sequence[ClimbState]) -> None:
    """End the climb of an alert if it is in one of these states; its whistles go on."""
    connection.execute(
        _END.where(tables.climb.c.state.in_(ending), tables.climb.c.strand == ""), _ended(alert_id, state)
    )


def end_whistles(connection: Connection, alert_id: str) -> None:
    """Nobody need come any more: whistles are over, and calls of theirs that were not sent are moot."""
    over = _END.where(tables.climb.c.state == ClimbState.CLIMBING, tables.climb.c.strand != "")
    connection.execute(over, _ended(alert_id, ClimbState.STOPPED))
    connection.execute(_MOOT_WHISTLES, {"id": alert_id})


def _ended(alert_id: str, state: ClimbState) -> dict[str, Any]:
    return {"id": alert_id, "ended": state}
