"""How much is waiting, for the metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from firesense.book import rows, tables
from firesense.book.sql import Chapter
from firesense.ports import Counts

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

_ALERT, _CLIMB, _CALL, _KEPT = tables.alert.c, tables.climb.c, tables.call.c, tables.quarantine.c
_ALERTS = sa.select(_ALERT.alert_class, sa.func.count()).where(_ALERT.open).group_by(_ALERT.alert_class)
# What is said of ranks and times is said for the index: of what is over, years are kept.
_CLIMBS = sa.select(sa.func.count()).select_from(tables.climb).where(_CLIMB.rank.in_(rows.RANKS), _CLIMB.due_at > 0)
_CALLS = (
    sa.select(_CALL.channel, sa.func.count())
    .where(_CALL.rank.in_(rows.CALL_RANKS), _CALL.ready_at > 0, _CALL.state.in_(rows.PENDING))
    .group_by(_CALL.channel)
)
_QUARANTINE = (
    sa.select(
        _KEPT.reason,
        sa.func.sum(1 + _KEPT.more),
        sa.func.sum(sa.func.length(_KEPT.payload) + sa.func.length(_KEPT.topic)),
    )
    .where(_KEPT.replayed_at.is_(None))
    .group_by(_KEPT.reason)
)
_FLOODS = sa.select(tables.flood.c.person, tables.flood.c.bundled).where(tables.flood.c.ended_at.is_(None))
_QUIET = sa.select(tables.quiet.c.kind, sa.func.count()).where(tables.quiet.c.due_at > 0).group_by(tables.quiet.c.kind)
_STRANGERS = sa.select(sa.func.count()).select_from(tables.stranger)


class Counting(Chapter):
    """The counts of the book."""

    def counts(self) -> Counts:
        """Count what is waiting; see the port."""
        with self._database.reading() as connection:
            refused = connection.execute(_QUARANTINE).all()
            return Counts(
                alerts=_by_name(connection, _ALERTS),
                climbs=connection.scalar(_CLIMBS) or 0,
                calls=_by_name(connection, _CALLS),
                quarantine={str(reason): int(frames) for reason, frames, _ in refused},
                quarantine_bytes=sum(int(size) for *_, size in refused),
                strangers=connection.scalar(_STRANGERS) or 0,
                quiet=_by_name(connection, _QUIET),
                floods=_by_name(connection, _FLOODS),
            )


def _by_name(connection: Connection, query: sa.Select[Any]) -> dict[str, int]:
    return {str(name): int(count) for name, count in connection.execute(query)}
