"""The outbox: who is to be told, who is being told, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from firesense.book import rows, tables
from firesense.book.sql import Chapter, Prepared
from firesense.domain.alert import Alert, AlertClass, Case
from firesense.domain.escalation import ORDERED, Call, CallState, Purpose
from firesense.domain.rollcall import ROLL_CALL

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from sqlalchemy.engine import Connection

    from firesense.domain.instant import Instant

_CALL = tables.call.c
_DUE = sa.and_(_CALL.rank.in_(rows.CALL_RANKS), _CALL.ready_at <= sa.bindparam("now"))
_DUE_OF = sa.and_(_CALL.rank.in_(sa.bindparam("ranks", expanding=True)), _CALL.ready_at <= sa.bindparam("now"))
_FREE = _CALL.channel.not_in(sa.bindparam("without", expanding=True))
_ANY_DUE = sa.select(_CALL.number).where(_DUE, _FREE).limit(1)
_MOOT = (
    sa.update(tables.call)
    .where(_CALL.number == sa.bindparam("taken"))
    .values(state=CallState.MOOT, ask_at=None, ready_at=None)
)
# What was sent stays sent; nobody need be asked after it any more: somebody was reached.
_ASK_NO_MORE = sa.update(tables.call).where(_CALL.number == sa.bindparam("taken")).values(ask_at=None, ready_at=None)
_TAKE = (
    sa.select(_CALL.number, *rows.CALL, *rows.ALERT)
    .join(tables.alert, tables.alert.c.id == _CALL.alert)
    .where(_DUE_OF, _FREE)
    .order_by(_CALL.rank, _CALL.ready_at, _CALL.number)
    .limit(sa.bindparam("most"))
    .with_for_update(of=tables.call, skip_locked=True)
)
_TAKE_LIKE = (
    sa.select(_CALL.number, *rows.CALL, *rows.ALERT)
    .join(tables.alert, tables.alert.c.id == _CALL.alert)
    .where(
        _DUE,
        _CALL.rank == rows.REST,
        _CALL.state.in_(rows.PENDING),
        *(_CALL[name] == sa.bindparam(name) for name in ("channel", "person", "address", "language")),
        _CALL.purpose.not_in(ORDERED),
        tables.alert.c.alert_class != AlertClass.FIRE,
        tables.alert.c.rule != ROLL_CALL,
    )
    .order_by(_CALL.ready_at, _CALL.number)
    .limit(sa.bindparam("most"))
    .with_for_update(of=tables.call, skip_locked=True)
)
_LEASE = Prepared(
    lambda _: (
        sa.update(tables.call)
        .where(_CALL.number == sa.bindparam("taken"))
        .values(ready_at=sa.bindparam("until"), owner=sa.bindparam("leased_by"), told=sa.bindparam("as_it_was"))
    ),
    ("taken", "until", "leased_by", "as_it_was"),
)
_LEASE_TO_ASK = Prepared(
    lambda _: (
        sa.update(tables.call)
        .where(_CALL.number == sa.bindparam("taken"))
        .values(ready_at=sa.bindparam("until"), owner=sa.bindparam("leased_by"))
    ),
    ("taken", "until", "leased_by"),
)
_RELEASE = (
    sa.update(tables.call)
    .where(
        _CALL.rank.in_(rows.CALL_RANKS),
        _CALL.ready_at > sa.bindparam("now"),
        sa.or_(
            sa.and_(
                _CALL.ready_at != _CALL.due_at,
                # Nobody's: leased before there were owners.
                sa.or_(_CALL.owner == sa.bindparam("leased_by"), _CALL.owner.is_(None)),
            ),
            _CALL.ready_at > sa.bindparam("beyond"),
        ),
    )
    .values(ready_at=sa.bindparam("now"))
)
# What asks its person to do something about an open case.
_TO_DO = frozenset(
    {
        Purpose.UNDONE,
        Purpose.WHISTLE,
        Purpose.HANDED_ON,
        Purpose.DISPATCH,
        Purpose.ASSIGNED,
        Purpose.REMINDER,
        Purpose.OVERDUE,
    }
)
_OF_ALERT = sa.select(*rows.CALL).where(_CALL.alert == sa.bindparam("id")).order_by(_CALL.number)


class Outbox(Chapter):
    """Calls."""

    def calls(self, alert_id: str) -> list[Call]:
        """The calls of an alert, in the order they were written."""
        with self._database.reading() as connection:
            return [Call(*row) for row in connection.execute(_OF_ALERT, {"id": alert_id})]

    def lease_calls(
        self, now: Instant, until: Instant, most: int, *, owner: str = "", without: Collection[str] = ()
    ) -> list[tuple[Call, Alert]]:
        """Take due calls but those of the channels ``without``, urgent first; only ``owner`` has them until ``until``.

        A call to an alert that somebody has taken or closed becomes moot here. When nothing is due, nothing is locked.
        """
        with self._database.reading() as connection:
            if connection.scalar(_ANY_DUE, {"now": now, "without": list(without)}) is None:
                return []
        leased: list[tuple[Call, Alert]] = []
        asked = {"now": now, "until": until, "owner": owner, "without": list(without)}
        with self._database.writing() as connection:
            # A quarter is kept for the rest: new fires go first, but those that burn already must not wait for ever.
            leased += _take(connection, (rows.NEWS,), most - most // 4, asked)
            for ranks in (rows.RANKS, rows.CALL_RANKS):
                leased += _take(connection, ranks, most - len(leased), asked)
        return leased

    def lease_like(
        self, call: Call, now: Instant, until: Instant, most: int, *, owner: str = ""
    ) -> list[tuple[Call, Alert]]:
        """Take what else is due for the same person on the same channel and is not about a fire: to be told at once."""
        alike = {"channel": call.channel, "person": call.person, "address": call.address, "language": call.language}
        with self._database.writing() as connection:
            found = [_due(row) for row in connection.execute(_TAKE_LIKE, alike | {"now": now, "most": most})]
            wanted = [(number, call, alert) for number, call, alert in found if not is_needless(call, alert)]
            _lease(connection, wanted, until, owner)
            _drop(connection, ((number, call) for number, call, alert in found if is_needless(call, alert)))
        return [(call, alert) for _, call, alert in wanted]

    def release_calls(self, now: Instant, beyond: Instant, *, owner: str = "") -> int:
        """Make due now what ``owner`` has leased, and all that is due after ``beyond``: nobody can have meant that.

        Counts them. A call that is under way all the same is made twice; its key tells the receiver.
        """
        with self._database.writing() as connection:
            return connection.execute(_RELEASE, {"now": now, "beyond": beyond, "leased_by": owner}).rowcount


def is_needless(call: Call, alert: Alert) -> bool:
    """Whether nobody need be told any more: somebody has the alert or, when there is something to be done, closed it.

    Notices, what is said when it is over, and the plan for a confirmed fire are never needless.
    """
    if call.purpose is Purpose.ALERT:
        return alert.case is not Case.OPEN
    return call.purpose in _TO_DO and not alert.open


def _take(
    connection: Connection, ranks: Collection[int], most: int, asked: Mapping[str, Any]
) -> list[tuple[Call, Alert]]:
    """Lease due calls of these ranks; in the place of needless ones, which are dropped, others are taken."""
    leased: list[tuple[Call, Alert]] = []
    room = most
    while room:
        question = {"now": asked["now"], "without": asked["without"], "ranks": ranks, "most": room}
        found = [_due(row) for row in connection.execute(_TAKE, question)]
        wanted = [(number, call, alert) for number, call, alert in found if not is_needless(call, alert)]
        _lease(connection, wanted, asked["until"], asked["owner"])
        _drop(connection, ((number, call) for number, call, alert in found if is_needless(call, alert)))
        leased += ((call, alert) for _, call, alert in wanted)
        room = room - len(wanted) if len(wanted) < len(found) else 0
    return leased


def _due(row: Any) -> tuple[int, Call, Alert]:
    split = 1 + len(rows.CALL)
    return row[0], Call(*row[1:split]), Alert(*row[split:])


def _lease(connection: Connection, due: Iterable[tuple[int, Call, Alert]], until: Instant, owner: str) -> None:
    to_make: list[tuple[object, ...]] = []
    to_ask: list[tuple[object, ...]] = []
    for number, call, alert in due:
        if call.state in rows.PENDING:
            to_make.append((number, until, owner, alert.condition))
        else:
            to_ask.append((number, until, owner))
    _LEASE.run(connection, to_make)
    _LEASE_TO_ASK.run(connection, to_ask)


def _drop(connection: Connection, needless: Iterable[tuple[int, Call]]) -> None:
    to_make: list[dict[str, object]] = []
    to_ask: list[dict[str, object]] = []
    for number, call in needless:
        (to_make if call.state in rows.PENDING else to_ask).append({"taken": number})
    for statement, lines in ((_MOOT, to_make), (_ASK_NO_MORE, to_ask)):
        if lines:
            connection.execute(statement, lines)
