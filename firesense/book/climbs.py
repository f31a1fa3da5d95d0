"""Climbs: what is due on the ladders, and moving on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from firesense.book import rows, tables
from firesense.book.sql import Chapter
from firesense.book.story import add_steps, queue_calls
from firesense.domain.alert import Alert

if TYPE_CHECKING:
    from collections.abc import Sequence

    from firesense.domain.escalation import Call, Climb, Step
    from firesense.domain.instant import Instant

_CLIMB = tables.climb.c
_DUE = (
    sa.select(*rows.ALERT, *rows.CLIMB)
    .join(tables.climb, tables.alert.c.id == _CLIMB.alert)
    .where(_CLIMB.rank.in_(rows.RANKS), _CLIMB.due_at <= sa.bindparam("now"))
    .order_by(_CLIMB.rank, _CLIMB.due_at)
    .limit(sa.bindparam("most"))
)
_OF_ALERT = sa.select(*rows.CLIMB).where(_CLIMB.alert == sa.bindparam("id"), _CLIMB.strand == "")
# The least of each rank is the first entry of its part of an index.
_NEXT_DUE = sa.union_all(
    *(
        sa.select(sa.func.min(due)).where(table.c.rank == rank, due.is_not(None))
        for table, due in ((tables.climb, _CLIMB.due_at), (tables.call, tables.call.c.ready_at))
        for rank in rows.RANKS
    ),
    sa.select(sa.func.min(tables.hazard.c.due_at)),
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

    def advance(self, before: Climb, after: Climb, calls: Sequence[Call], steps: Sequence[Step]) -> bool:
        """Move a climb with its calls, unless someone moved it meanwhile (its version differs): then False."""
        moved = rows.climb_values(after) | {"version": before.version + 1}
        with self._database.writing() as connection:
            changed = connection.execute(
                sa.update(tables.climb)
                .where(
                    _CLIMB.alert == before.alert,
                    _CLIMB.strand == before.strand,
                    _CLIMB.version == before.version,
                )
                .values(moved)
            )
            if not changed.rowcount:
                return False
            queue_calls(connection, calls)
            add_steps(connection, steps)
        return True

    def next_due_at(self) -> Instant | None:
        """When the next climb, call or hazard is due; None when nothing is. A leased call is when its lease ends."""
        with self._database.reading() as connection:
            return min((at for at in connection.scalars(_NEXT_DUE) if at is not None), default=None)
