"""Roll calls: planned, asked, answered or missed."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

import sqlalchemy as sa

from firesense.book import audit, deeds, rows, tables
from firesense.book.sql import Chapter, insert_new
from firesense.book.story import add_steps, move_case, read_alert, write_alert
from firesense.domain.alert import Alert, Case, Condition, Finding
from firesense.domain.deed import HandOn
from firesense.domain.errors import Conflict, NotFound
from firesense.domain.escalation import Step, StepKind
from firesense.domain.instant import DAY
from firesense.domain.rollcall import ROLL_CALL, RollCall, RollCallState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

    from firesense.domain.audit import Entry
    from firesense.domain.deed import Deed
    from firesense.domain.instant import Instant
    from firesense.domain.outcome import Raise

_CALL, _ALERT, _META = tables.roll_call.c, tables.alert.c, tables.meta.c
_SEED = "roll-call-seed"
_ONE = sa.select(*rows.ROLL_CALL).where(_CALL.id == sa.bindparam("id"))
_BETWEEN = (
    sa.select(*rows.ROLL_CALL)
    .where(_CALL.planned_at >= sa.bindparam("start"), _CALL.planned_at < sa.bindparam("end"))
    .order_by(_CALL.planned_at, _CALL.id)
)
# Whoever presses twice may do so with the clocks of two threads: what was started counts whenever that was.
_UNDER_WAY = (
    sa.select(*rows.ROLL_CALL)
    .where(_CALL.role == sa.bindparam("role"), _CALL.place == sa.bindparam("place"))
    .where(_CALL.due_at.is_not(None), _CALL.planned_at > sa.bindparam("since"))
    .where(sa.or_(_CALL.planned_at <= sa.bindparam("now"), _CALL.started_by != ""))
)
_DUE = (
    sa.select(*rows.ROLL_CALL, *rows.ALERT)
    .join(tables.alert, _ALERT.id == _CALL.id, isouter=True)
    .where(_CALL.due_at.is_not(None))
    .where(
        sa.or_(
            _CALL.due_at <= sa.bindparam("now"),
            sa.and_(_CALL.state == RollCallState.ASKED, _ALERT.acknowledged_at.is_not(None)),
        )
    )
    .order_by(_CALL.due_at, _CALL.id)
)


class RollCalls(Chapter):
    """Roll calls."""

    def roll_call_seed(self) -> int:
        """A number nobody knows before, which this book keeps."""
        question = sa.select(_META.value).where(_META.key == _SEED)
        with self._database.reading() as connection:
            known = connection.scalar(question)
        if known is None:
            with self._database.writing() as connection:
                new = insert_new(connection, tables.meta).on_conflict_do_nothing()
                connection.execute(new.values(key=_SEED, value=secrets.randbits(62)))
                known = connection.scalar(question)
        return int(known or 0)

    def plan_roll_calls(self, calls: Sequence[RollCall]) -> int:
        """Write roll calls to come; those whose id is known stay as they are. Counts the new ones."""
        with self._database.writing() as connection:
            new = insert_new(connection, tables.roll_call).on_conflict_do_nothing()
            return sum(connection.execute(new.values(rows.values(call))).rowcount for call in calls)

    def start_roll_call(self, call: RollCall, entry: Entry) -> RollCall | None:
        """Write one that somebody starts, with an entry for the audit; else give the one under way at its post."""
        asked = {"role": call.role, "place": call.place, "now": call.planned_at, "since": call.planned_at - DAY}
        with self._database.writing(person=True) as connection:
            found = connection.execute(_UNDER_WAY, asked).first()
            if found is not None:
                return RollCall(*found)
            connection.execute(sa.insert(tables.roll_call).values(rows.values(call)))
            audit.add(connection, entry)
        return None

    def roll_call(self, roll_call_id: str) -> RollCall:
        """One roll call; raises NotFound."""
        with self._database.reading() as connection:
            return _read(connection, roll_call_id)

    def roll_calls(self, start: Instant, end: Instant) -> list[RollCall]:
        """Roll calls planned from ``start`` up to ``end``, in the order of that."""
        with self._database.reading() as connection:
            return [RollCall(*row) for row in connection.execute(_BETWEEN, {"start": start, "end": end})]

    def due_roll_calls(self, now: Instant) -> list[tuple[RollCall, Alert | None]]:
        """Roll calls about which something has to be done now, with the alert that each is once it was asked."""
        with self._database.reading() as connection:
            found = connection.execute(_DUE, {"now": now}).all()
        split = len(rows.ROLL_CALL)
        return [(RollCall(*row[:split]), None if row[split] is None else Alert(*row[split:])) for row in found]

    def move_roll_call(
        self, before: RollCall, after: RollCall, deed: Raise | None = None, *, close_at: Instant | None = None
    ) -> bool:
        """Write what became of a roll call, unless it was changed or answered meanwhile: then False."""
        with self._database.writing() as connection:
            if _read(connection, before.id, to_change=True) != before:
                return False
            if after.state is RollCallState.MISSED and close_at is None:
                alert = read_alert(connection, before.id)
                if alert.acknowledged_at is not None or not alert.open:
                    return False
            if deed is not None:
                deeds.do(connection, deed, deed.alert.raised_at, {})
            if close_at is not None:
                _close(connection, before.id, close_at)
            changed = sa.update(tables.roll_call).where(_CALL.id == before.id)
            connection.execute(changed.values(rows.values(after)))
        return True


def refuse_whoever_is_not_asked(connection: Connection, alert: Alert, deed: Deed, who: str) -> None:
    """Let nobody but who is on duty do anything about a roll call that waits for their answer. Raises Conflict.

    Were it anybody's to take, whoever did so would keep them from answering, and who is above from hearing of it.
    """
    if alert.rule != ROLL_CALL:
        return
    call = _read(connection, alert.id)
    own = who in call.people and not isinstance(deed, HandOn)
    if call.state is RollCallState.ASKED and call.people and not own:
        raise Conflict(
            f"roll call {alert.id} is answered by {' or '.join(call.people)}, who are on duty, and by nobody else",
            "conflict.roll-call-duty",
        )


def _read(connection: Connection, roll_call_id: str, *, to_change: bool = False) -> RollCall:
    question = _ONE.with_for_update() if to_change else _ONE
    row = connection.execute(question, {"id": roll_call_id}).one_or_none()
    if row is None:
        raise NotFound(f"there is no roll call {roll_call_id}")
    return RollCall(*row)


def _close(connection: Connection, alert_id: str, at: Instant) -> None:
    alert = read_alert(connection, alert_id, to_change=True)
    if not alert.open:
        return
    move_case(connection, alert_id, Case.CLOSED, at)
    add_steps(connection, [Step(alert_id, at, StepKind.CLOSED, detail={"finding": Finding.TEST.value})])
    over = replace(alert, case=Case.CLOSED, condition=Condition.RESOLVED, cleared_at=at, closed_at=at)
    write_alert(connection, replace(over, finding=Finding.TEST))
