"""What came of leased calls, written down: one call or many at once, since every transaction waits for the disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from firesense.book import rows, tables
from firesense.book.deeds import cleared_call
from firesense.book.sql import Chapter, Prepared
from firesense.book.story import add_steps, queue_calls, read_alert
from firesense.domain.alert import Condition
from firesense.domain.errors import NotFound
from firesense.domain.escalation import TOLD, Call, CallState, ClimbState, Purpose, Settled, Step, StepKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.engine import Connection

    from firesense.domain.instant import Instant

_CALL, _CLIMB = tables.call.c, tables.climb.c
_AT_ONCE = 500  # parameters of one question


class _Was(NamedTuple):
    """A call as the book has it."""

    state: CallState
    attempts: int
    receipt: str
    sent_at: Instant | None
    line: str
    rank: int
    told: Condition | None
    condition: Condition


class _Is(NamedTuple):
    """A call as it is from now on."""

    state: CallState
    attempts: int
    receipt: str
    due_at: Instant
    ready_at: Instant | None
    sent_at: Instant | None
    ask_at: Instant | None
    line: str
    tried_at: Instant | None
    rank: int


_FOUND = (
    sa.select(
        _CALL.key,
        _CALL.state,
        _CALL.attempts,
        _CALL.receipt,
        _CALL.sent_at,
        _CALL.line,
        _CALL.rank,
        _CALL.told,
        tables.alert.c.condition,
    )
    .join(tables.alert, tables.alert.c.id == _CALL.alert)
    .where(_CALL.key.in_(sa.bindparam("keys", expanding=True)))
    .with_for_update(of=tables.call)
)
_WRITE = Prepared(
    lambda _: (
        sa.update(tables.call)
        .where(_CALL.key == sa.bindparam("of_key"))
        .values({name: sa.bindparam(f"new_{name}") for name in _Is._fields})
    ),
    ["of_key", *(f"new_{name}" for name in _Is._fields)],
)
_WAITING = sa.select(
    _CALL.number, _CALL.alert, _CALL.person, _CALL.purpose, _CALL.rung, _CALL.round, _CALL.channel, _CALL.instead_of
).where(
    _CALL.alert.in_(sa.bindparam("alerts", expanding=True)),
    _CALL.state.in_(rows.PENDING),
    _CALL.urgent.is_(False),
)
_REPLACED = (
    sa.update(tables.call).where(_CALL.number == sa.bindparam("taken")).values(state=CallState.MOOT, ready_at=None)
)
_UP_THE_LADDER = (Purpose.ALERT, Purpose.UNDONE, Purpose.WHISTLE)
_OF_STRAND = (
    sa.select(_CALL.created_at, _CALL.state, _CALL.instead_of)
    .where(
        _CALL.alert == sa.bindparam("id"),
        _CALL.strand == sa.bindparam("of_strand"),
        _CALL.purpose == sa.bindparam("of_purpose"),
        _CALL.round == sa.bindparam("of_round"),
    )
    .order_by(_CALL.number)
)
# Only the stretch these calls were made in: what is said of them after somebody took the alert, or did something about
# it, cuts nobody's time short. Only once: in later rounds every wait is kept, or a ladder nobody can be reached on
# would spin.
_HURRY = (
    sa.update(tables.climb)
    .where(
        _CLIMB.alert == sa.bindparam("id"),
        _CLIMB.strand == sa.bindparam("of_strand"),
        _CLIMB.state == sa.bindparam("of_state"),
        _CLIMB.round == sa.bindparam("of_round"),
        _CLIMB.due_at > sa.bindparam("now"),
        sa.or_(_CLIMB.rung > 0, _CLIMB.tries > 0),
        _CLIMB.round == _CLIMB.first_round,
    )
    .values(due_at=sa.bindparam("now"), version=_CLIMB.version + 1)
)


class Settling(Chapter):
    """Outcomes of calls."""

    def settle(self, call: Call, at: Instant, instead: Sequence[Call] = (), bundled: int = 1) -> None:
        """Write what came of one leased call. Raises NotFound for a call that was never written. See the port."""
        if self.settle_all([Settled(call, at, tuple(instead), bundled)]):
            raise NotFound(f"there is no call {call.key}")

    def settle_all(self, outcomes: Sequence[Settled]) -> list[Call]:
        """Write what came of leased calls, in one transaction; gives those that were never written. See the port.

        What happened to a call while it was out stays: one that was sent is not unsent by another's failure, and one
        that became moot is not tried again. Who was told of an alarm that ended meanwhile is told that, too.
        """
        unknown: list[Call] = []
        for start in range(0, len(outcomes), _AT_ONCE):
            with self._database.writing() as connection:
                unknown += _settle(connection, outcomes[start : start + _AT_ONCE])
        return unknown


def _settle(connection: Connection, outcomes: Sequence[Settled]) -> list[Call]:
    keys = [one.call.key for one in outcomes]
    found = {key: _Was(*rest) for key, *rest in connection.execute(_FOUND, {"keys": keys})}
    lines: list[tuple[Any, ...]] = []
    steps: list[Step] = []
    calls: list[Call] = []
    first_calls: list[Call] = []
    reached: list[Call] = []
    refused: list[Settled] = []
    unknown: list[Call] = []
    for one in outcomes:
        was = found.get(one.call.key)
        if was is None:
            unknown.append(one.call)
            continue
        state = _state_after(was.state, one.call.state)
        after = _after(was, one, state)
        lines.append((one.call.key, *after))
        found[one.call.key] = _Was(  # a call may end twice in one breath: a late yes
            state, after.attempts, after.receipt, after.sent_at, after.line, after.rank, was.told, was.condition
        )
        news = state is not was.state
        if news:
            steps += _step(one, state)
        if state not in TOLD:
            (first_calls if was.rank == rows.NEWS else calls).extend(one.instead)
            refused += [one] if news and state is CallState.FAILED else []
        elif news and was.state not in TOLD:
            reached.append(one.call)
            if was.condition not in {Condition.FIRING, was.told}:
                calls += _told_the_end(connection, one)
    _WRITE.run(connection, lines)
    queue_calls(connection, calls)
    queue_calls(connection, first_calls, news=True)
    add_steps(connection, steps)
    drop_replaced(connection, reached)
    hurry_on(connection, ((one.call, one.at) for one in refused))
    return unknown


def _after(was: _Was, one: Settled, state: CallState) -> _Is:
    """The call as it is from now on: what happened to it while it was out stays."""
    call = one.call
    ask_at = call.ask_at if state is CallState.SENT else None
    return _Is(
        state,
        max(call.attempts, was.attempts),
        call.receipt if state is call.state else was.receipt,
        call.due_at,
        rows.ready(state, call.due_at, ask_at),
        was.sent_at or (one.at if call.sent_at is None else call.sent_at) if state in TOLD else None,
        ask_at,
        call.line or was.line,
        call.tried_at,
        # The first calls of a fire go before all others once: to try them again, or to ask after them, is no news.
        max(was.rank, rows.FIRST) if one.call.attempts else was.rank,
    )


def _state_after(before: CallState, reported: CallState) -> CallState:
    if before in TOLD:
        return max(before, reported, key=TOLD.index) if reported in TOLD else before
    if before in {CallState.MOOT, CallState.FAILED} and reported not in TOLD:
        return before
    return reported


def drop_replaced(connection: Connection, reached: Sequence[Call]) -> None:
    """Who was told over one channel need not be told over the one it stands for, or the other way; of fire both."""
    calm = [call for call in reached if not call.urgent]
    if not calm:
        return
    # By what makes it the same call but for its channel: the channels that failed, and those that were reached.
    failed = {(_same(call), call.instead_of) for call in calm if call.instead_of}
    told = {(_same(call), call.channel) for call in calm}
    waiting = connection.execute(_WAITING, {"alerts": list({call.alert for call in calm})}).all()
    needless = [
        one.number for one in waiting if (_same(one), one.channel) in failed or (_same(one), one.instead_of) in told
    ]
    if needless:
        connection.execute(_REPLACED, [{"taken": number} for number in needless])


def _same(call: Any) -> tuple[object, ...]:
    return call.alert, call.person, call.purpose, call.rung, call.round


def hurry_on(connection: Connection, refused: Iterable[tuple[Call, Instant]]) -> None:
    """Let a climb go on at once when every call of its last act was given up: nobody there will ever hear of it."""
    acts = {
        (call.alert, call.strand, call.purpose, call.round): at
        for call, at in refused
        if call.purpose in _UP_THE_LADDER
    }
    for (alert, strand, purpose, lap), at in acts.items():
        one = {"id": alert, "of_strand": strand, "of_purpose": purpose, "of_round": lap}
        made = connection.execute(_OF_STRAND, one).all()
        last = next((created for created, _, instead_of in reversed(made) if not instead_of), None)
        if last is None or any(created >= last and outcome is not CallState.FAILED for created, outcome, _ in made):
            continue
        state = ClimbState.ACKNOWLEDGED if purpose is Purpose.UNDONE else ClimbState.CLIMBING
        if connection.execute(_HURRY, one | {"now": at, "of_state": state}).rowcount:
            detail = {"reason": "refused"} | ({"strand": strand} if strand else {})
            add_steps(connection, [Step(alert, at, StepKind.EMPTY, detail=detail)])


def _step(one: Settled, state: CallState) -> list[Step]:
    """Tell the story of a call: sent, given up, or failing; not how often it is tried, nor that it was put back."""
    call = one.call
    detail = {"channel": call.channel, "purpose": call.purpose.value, "state": state.value}
    if call.instead_of:
        detail["instead_of"] = call.instead_of
    if one.bundled > 1 and state in TOLD:
        detail["bundled"] = str(one.bundled)
    if one.instead:
        detail["next"] = ",".join(other.channel for other in one.instead)
    if state in TOLD:
        return [Step(call.alert, one.at, StepKind.SENT, call.person, detail)]
    if state in {CallState.FAILED, CallState.FAILED_FOR_NOW}:
        return [Step(call.alert, one.at, StepKind.FAILED, call.person, detail | {"reason": call.receipt})]
    return []


def _told_the_end(connection: Connection, one: Settled) -> list[Call]:
    """Tell someone it is over who was being told of it when it ended, and so was in nobody's list of the told."""
    alert = read_alert(connection, one.call.alert)
    wanted = one.call.purpose in _UP_THE_LADDER and not alert.closed_by
    return [cleared_call(one.call, alert, one.at)] if wanted else []
