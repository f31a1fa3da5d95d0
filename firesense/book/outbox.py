"""The outbox: who is to be told, who is being told, and what came of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import sqlalchemy as sa

from firesense.book import rows, tables
from firesense.book.deeds import cleared_call
from firesense.book.sql import Chapter
from firesense.book.story import add_steps, queue_calls, read_alert
from firesense.domain.alert import Alert, Case, Condition
from firesense.domain.errors import NotFound
from firesense.domain.escalation import TOLD, Call, CallState, Purpose, Step, StepKind

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

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
_UNSENT = _CALL.state.in_(rows.PENDING)
_DROP_TAKEN = sa.update(tables.call).where(_DUE, _UNSENT, _TAKEN.exists()).values(state=CallState.MOOT, ready_at=None)
# Nobody need be asked after any more, either: somebody was reached.
_DROP_ASKED = (
    sa.update(tables.call)
    .where(_DUE, _CALL.state == CallState.SENT, _TAKEN.exists())
    .values(ask_at=None, ready_at=None)
)
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
_LEASE_TO_ASK = (
    sa.update(tables.call).where(_CALL.number == sa.bindparam("taken")).values(ready_at=sa.bindparam("until"))
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
# The same call over the channel that failed before, or that was tried instead; of fire both go out.
_REPLACED = (
    sa.update(tables.call)
    .where(
        *(_CALL[name] == sa.bindparam(f"of_{name}") for name in ("alert", "person", "purpose", "rung", "round")),
        sa.or_(_CALL.channel == sa.bindparam("failed"), _CALL.instead_of == sa.bindparam("reached")),
        _UNSENT,
        _CALL.urgent.is_(False),
    )
    .values(state=CallState.MOOT, ready_at=None)
)


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
            connection.execute(_DROP_ASKED, {"now": now})
            found = connection.execute(_TAKE, {"now": now, "most": most, "without": list(without)}).all()
            split = 1 + len(rows.CALL)
            leased = [(row[0], Call(*row[1:split]), Alert(*row[split:])) for row in found]
            due = [(number, alert) for number, call, alert in leased if call.state in rows.PENDING]
            if due:
                connection.execute(
                    _LEASE, [{"taken": number, "until": until, "as_it_was": alert.condition} for number, alert in due]
                )
            if asked := [number for number, call, _ in leased if call.state not in rows.PENDING]:
                connection.execute(_LEASE_TO_ASK, [{"taken": number, "until": until} for number in asked])
        return [(call, alert) for _, call, alert in leased]

    def release_calls(self, now: Instant, beyond: Instant) -> int:
        """Make due now what is leased, and what is due after ``beyond``: nobody can have meant that. Counts them.

        A call that someone has under way all the same is made twice; its key tells the receiver.
        """
        with self._database.writing() as connection:
            return connection.execute(_RELEASE, {"now": now, "beyond": beyond}).rowcount

    def settle(self, call: Call, at: Instant, instead: Sequence[Call] = (), bundled: int = 1) -> None:
        """Write what came of a leased call: its state, attempts, receipt and next due time; and a step of the story.

        ``instead`` are calls over other channels, because this one failed: they are written with it. ``bundled`` is
        how many calls were told in the same message.
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
            after = replace(call, state=state)
            connection.execute(
                sa.update(tables.call)
                .where(_CALL.key == call.key)
                .values(
                    state=state,
                    attempts=max(call.attempts, before.attempts),
                    receipt=call.receipt if state is call.state else before.receipt,
                    due_at=call.due_at,
                    ready_at=rows.ready_at(after),
                    sent_at=before.sent_at or (at if call.sent_at is None else call.sent_at) if state in TOLD else None,
                    ask_at=call.ask_at if state is CallState.SENT else None,
                    line=call.line or before.line,
                )
            )
            if news:
                add_steps(connection, _step(call, state, at, instead, bundled))
            if state not in TOLD:
                queue_calls(connection, instead)
            elif news and before.state not in TOLD:
                _tell_end(connection, call, told, at)
                drop_replaced(connection, call)


def _state_after(before: CallState, reported: CallState) -> CallState:
    if before in TOLD:
        return max(before, reported, key=TOLD.index) if reported in TOLD else before
    if before in {CallState.MOOT, CallState.FAILED} and reported not in TOLD:
        return before
    return reported


def drop_replaced(connection: Connection, call: Call) -> None:
    """Who was told over one channel need not be told over the one it stands for, or the other way; of fire both."""
    if not call.urgent:
        connection.execute(
            _REPLACED,
            {
                "of_alert": call.alert,
                "of_person": call.person,
                "of_purpose": call.purpose,
                "of_rung": call.rung,
                "of_round": call.round,
                "failed": call.instead_of,
                "reached": call.channel,
            },
        )


def _step(call: Call, state: CallState, at: Instant, instead: Sequence[Call], bundled: int) -> list[Step]:
    """Tell the story of a call: sent, given up, or failing; not how often it is tried, nor that it was put back."""
    detail = {"channel": call.channel, "purpose": call.purpose.value, "state": state.value}
    if call.instead_of:
        detail["instead_of"] = call.instead_of
    if bundled > 1 and state in TOLD:
        detail["bundled"] = str(bundled)
    if instead:
        detail["next"] = ",".join(other.channel for other in instead)
    if state in TOLD:
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
