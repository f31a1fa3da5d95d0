"""Climbs: what is due on the ladders, and moving on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from firesense.book import rows, tables
from firesense.book.sql import Chapter, Prepared
from firesense.book.story import add_steps, queue_calls
from firesense.domain.alert import Alert
from firesense.domain.escalation import Call, Climb, Move

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.engine import Connection

    from firesense.domain.escalation import Step
    from firesense.domain.instant import Instant

_CLIMB = tables.climb.c
_DUE = (
    sa.select(*rows.ALERT, *rows.CLIMB)
    .join(tables.climb, tables.alert.c.id == _CLIMB.alert)
    .where(_CLIMB.rank.in_(rows.RANKS), _CLIMB.due_at <= sa.bindparam("now"))
    .order_by(_CLIMB.rank, _CLIMB.due_at)
    .limit(sa.bindparam("most"))
)
_LATER = (
    sa.select(*rows.CLIMB)
    .join(tables.alert, tables.alert.c.id == _CLIMB.alert)
    .where(_CLIMB.rank.in_(rows.RANKS), _CLIMB.due_at > sa.bindparam("at"), tables.alert.c.quiet == "")
)
_ALERTS = _CLIMB.alert.in_(sa.bindparam("alerts", expanding=True))
_VERSIONS = sa.select(_CLIMB.alert, _CLIMB.strand, _CLIMB.version).where(_ALERTS).with_for_update()
# The ladder of a climb under way never changes.
_MOVED = ("state", "rung", "round", "due_at", "version", "tries", "first_round")
_MOVE = Prepared(
    lambda _: (
        sa.update(tables.climb)
        .where(_CLIMB.alert == sa.bindparam("of_alert"), _CLIMB.strand == sa.bindparam("of_strand"))
        .values({name: sa.bindparam(f"new_{name}") for name in _MOVED})
    ),
    [*(f"new_{name}" for name in _MOVED), "of_alert", "of_strand"],
)
_EARLIER = (
    sa.select(*rows.CALL)
    .join(tables.climb, sa.and_(tables.call.c.alert == _CLIMB.alert, tables.call.c.strand == _CLIMB.strand))
    .where(_ALERTS, tables.call.c.round >= _CLIMB.round - 1)
    .order_by(tables.call.c.number)
)
_AT_ONCE = 500  # parameters of one question
_OF_ALERT = sa.select(*rows.CLIMB).where(_CLIMB.alert == sa.bindparam("id"), _CLIMB.strand == "")
# The least of each rank is the first entry of its part of an index.
_NEXT_DUE = sa.union_all(
    *(
        sa.select(sa.func.min(due)).where(table.c.rank == rank, due.is_not(None))
        for table, due, ranks in (
            (tables.climb, _CLIMB.due_at, rows.RANKS),
            (tables.call, tables.call.c.ready_at, rows.CALL_RANKS),
        )
        for rank in ranks
    ),
    sa.select(sa.func.min(tables.hazard.c.due_at)),
    sa.select(sa.func.min(tables.roll_call.c.due_at)),
)


class Climbs(Chapter):
    """Alerts on their way up."""

    def climb(self, alert_id: str) -> Climb | None:
        """The climb of an alert, if it has one."""
        with self._database.reading() as connection:
            row = connection.execute(_OF_ALERT, {"id": alert_id}).one_or_none()
        return None if row is None else rows.climb_of(row)

    def due_climbs(self, now: Instant, most: int) -> list[tuple[Alert, Climb]]:
        """Climbs whose time has come, fire first, then the longest due."""
        with self._database.reading() as connection:
            found = connection.execute(_DUE, {"now": now, "most": most}).all()
        split = len(rows.ALERT)
        return [(Alert(*row[:split]), rows.climb_of(row[split:])) for row in found]

    def climbs_after(self, at: Instant) -> list[Climb]:
        """Climbs that are due later than that, but those whose alert a quiet window holds."""
        with self._database.reading() as connection:
            return [rows.climb_of(row) for row in connection.execute(_LATER, {"at": at})]

    def advance(self, before: Climb, after: Climb, calls: Sequence[Call], steps: Sequence[Step]) -> bool:
        """Move a climb with its calls, unless someone moved it meanwhile (its version differs): then False."""
        return self.advance_all([Move(before, after, calls, steps)]) == 1

    def advance_all(self, moves: Sequence[Move]) -> int:
        """Move climbs in one transaction, but those that someone moved meanwhile; counts those that moved."""
        with self._database.writing() as connection:
            found = _each(connection, _VERSIONS, [move.before for move in moves])
            versions = {(alert, strand): version for alert, strand, version in found}
            still = [
                move for move in moves if versions.get((move.before.alert, move.before.strand)) == move.before.version
            ]
            if still:
                _MOVE.run(connection, map(_moved, still))
                queue_calls(connection, [call for move in still if _is_news(move) for call in move.calls], news=True)
                queue_calls(connection, [call for move in still if not _is_news(move) for call in move.calls])
                add_steps(connection, [step for move in still for step in move.steps])
        return len(still)

    def earlier_calls(self, climbs: Sequence[Climb]) -> dict[tuple[str, str], list[Call]]:
        """Give the calls of these climbs in their present round and the one before, by alert and strand."""
        calls: dict[tuple[str, str], list[Call]] = {(climb.alert, climb.strand): [] for climb in climbs}
        with self._database.reading() as connection:
            for row in _each(connection, _EARLIER, climbs):
                call = Call(*row)
                if (call.alert, call.strand) in calls:
                    calls[call.alert, call.strand].append(call)
        return calls

    def next_due_at(self) -> Instant | None:
        """When the next climb, call or hazard is due; None when nothing is. A leased call is when its lease ends."""
        with self._database.reading() as connection:
            return min((at for at in connection.scalars(_NEXT_DUE) if at is not None), default=None)


def _each(connection: Connection, question: sa.Select[Any], climbs: Sequence[Climb]) -> Iterator[Any]:
    """Ask about climbs by their alerts, some hundred at a time."""
    alerts = list(dict.fromkeys(climb.alert for climb in climbs))
    for start in range(0, len(alerts), _AT_ONCE):
        yield from connection.execute(question, {"alerts": alerts[start : start + _AT_ONCE]})


def _is_news(move: Move) -> bool:
    """Whether a stretch of climbing only begins: people are called to it for the first time."""
    return move.before.begins and not move.before.strand


def _moved(move: Move) -> tuple[Any, ...]:
    before, after = move.before, move.after
    due_at = after.due_at if after.live else None
    way = after.state, after.rung, after.round, due_at, before.version + 1, after.tries, after.first_round
    return *way, before.alert, before.strand
