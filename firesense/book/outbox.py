"""The outbox: who is to be told, who is being told, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from firesense.book import rows, tables
from firesense.book.deeds import cleared_call
from firesense.book.sql import Chapter
from firesense.book.story import add_steps, queue_calls, read_alert
from firesense.domain.alert import Alert, Case, Condition
from firesense.domain.errors import NotFound
from firesense.domain.escalation import Call, CallState, Purpose, Step, StepKind

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.engine import Connection

    from firesense.domain.instant import Instant

_CALL = tables.call.c
_DUE = sa.and_(_CALL.rank.in_(rows.RANKS), _CALL.ready_at <= sa.bindparam("now"))
_FREE = _CALL.channel.not_in(sa.bindparam("without", expanding=True))
_ANY_DUE = sa.select(_CALL.number).where(_DUE, _FREE).limit(1)
_TAKEN = sa.select(tables.alert.c.id).where(
    tables.alert.c.id == _CALL.alert,
    sa.or_(
        sa.and_(_CALL.purpose == Purpose.ALERT, tables.alert.c.case != Case.OPEN),
        sa.and_(_CALL.purpose.in_((Purpose.UNDONE, Purpose.WHISTLE)), tables.alert.c.case == Case.CLOSED),
    ),
)
_DROP_TAKEN = sa.update(tables.call).where(_DUE, _TAKEN.exists()).values(state=CallState.MOOT, ready_at=None)
_TAKE = (
    sa.select(_CALL.number, *rows.CALL, *rows.ALERT)
    .join(tables.alert, tables.alert.c.id == _CALL.alert)
    .where(_DUE, _FREE)
    .order_by(_CALL.rank, _CALL.ready_at, _CALL.number)
    .limit(sa.bindparam("most"))
    .with_for_update(of=tables.call, skip_locked=True)
)
_LEASE = (
    sa.update(tables.call)
    .where(_CALL.number == sa.bindparam("taken"))
    .values(ready_at=sa.bindparam("until"), told=sa.bindparam("as_it_was"))
)
_RELEASE = (
    sa.update(tables.call)
    .where(
        _CALL.rank.in_(rows.RANKS),
        _CALL.ready_at > sa.bindparam("now"),
        sa.or_(_CALL.ready_at != _CALL.due_at, _CALL.ready_at > sa.bindparam("beyond")),
    )
    .values(ready_at=sa.bindparam("now"))
)
_OF_ALERT = sa.select(*rows.CALL).where(_CALL.alert == sa.bindparam("id")).order_by(_CALL.number)
_FOUND = sa.select(*rows.CALL, _CALL.told).where(_CALL.key == sa.bindparam("key")).with_for_update()

_TOLD = (CallState.SENT, CallState.DELIVERED)


class Outbox(Chapter):
    """Calls."""

    def calls(self, alert_id: str) -> list[Call]:
        """The calls of an alert, in the order they were written."""
        with self._database.reading() as connection:
            return [Call(*row) for row in connection.execute(_OF_ALERT, {"id": alert_id})]

    def lease_calls(
        self, now: Instant, until: Instant, most: int, *, without: Collection[str] = ()
    ) -> list[tuple[Call, Alert]]:
        """Take due calls but those of the channels ``without``, urgent first; nobody else gets them before ``until``.

        A call to an alert that somebody has taken or closed becomes moot here. When nothing is due, nothing is locked.
        """
        with self._database.reading() as connection:
            if connection.scalar(_ANY_DUE, {"now": now, "without": list(without)}) is None:
                return []
        with self._database.writing() as connection:
            connection.execute(_DROP_TAKEN, {"now": now})
            found = connection.execute(_TAKE, {"now": now, "most": most, "without": list(without)}).all()
            split = 1 + len(rows.CALL)
            leased = [(row[0], Call(*row[1:split]), Alert(*row[split:])) for row in found]
            if leased:
                connection.execute(
                    _LEASE,
                    [{"taken": taken, "until": until, "as_it_was": alert.condition} for taken, _, alert in leased],
                )
        return [(call, alert) for _, call, alert in leased]

    def release_calls(self, now: Instant, beyond: Instant) -> int:
        """Make due now what is leased, and what is due after ``beyond``: nobody can have meant that. Counts them.

        A call that someone has under way all the same is made twice; its key tells the receiver.
        """
        with self._database.writing() as connection:
            return connection.execute(_RELEASE, {"now": now, "beyond": beyond}).rowcount

    def settle(self, call: Call, at: Instant) -> None:
        """Write what came of a leased call: its state, attempts, receipt and next due time; and a step of the story.

        What happened to a call while it was out stays: one that was sent is not unsent by another's failure, and one
        that became moot is not tried again. Who was told of an alarm that ended meanwhile is told that, too. Raises
        NotFound for a call that was never written.
        """
        with self._database.writing() as connection:
            row = connection.execute(_FOUND, {"key": call.key}).one_or_none()
            if row is None:
                raise NotFound(f"there is no call {call.key}")
            *stored, told = row
            before = Call(*stored)
            state = _state_after(before.state, call.state)
            news = state is not before.state
            connection.execute(
                sa.update(tables.call)
                .where(_CALL.key == call.key)
                .values(
                    state=state,
                    attempts=max(call.attempts, before.attempts),
                    receipt=call.receipt if state is call.state else before.receipt,
                    due_at=call.due_at,
                    ready_at=call.due_at if state in rows.PENDING else None,
                    sent_at=before.sent_at or (at if call.sent_at is None else call.sent_at)
                    if state in _TOLD
                    else None,
                )
            )
            if news:
                add_steps(connection, _step(call, state, at))
            if news and state in _TOLD and before.state not in _TOLD:
                _tell_end(connection, call, told, at)


def _state_after(before: CallState, reported: CallState) -> CallState:
    if before is CallState.DELIVERED or (before is CallState.SENT and reported is not CallState.DELIVERED):
        return before
    if before in {CallState.MOOT, CallState.FAILED} and reported not in _TOLD:
        return before
    return reported


def _step(call: Call, state: CallState, at: Instant) -> list[Step]:
    """Tell the story of a call: sent, given up, or failing; not how often it is tried, nor that it was put back."""
    detail = {"channel": call.channel, "purpose": call.purpose.value, "state": state.value}
    if state in _TOLD:
        return [Step(call.alert, at, StepKind.SENT, call.person, detail)]
    if state in {CallState.FAILED, CallState.FAILED_FOR_NOW}:
        return [Step(call.alert, at, StepKind.FAILED, call.person, detail | {"reason": call.receipt})]
    return []


def _tell_end(connection: Connection, call: Call, told: Condition | None, at: Instant) -> None:
    """Tell someone it is over who was being told of it when it ended, and so was in nobody's list of the told."""
    alert = read_alert(connection, call.alert)
    ended = alert.condition not in {Condition.FIRING, told}
    if call.purpose in {Purpose.ALERT, Purpose.UNDONE, Purpose.WHISTLE} and ended and not alert.closed_by:
        queue_calls(connection, [cleared_call(call, alert, at)])
