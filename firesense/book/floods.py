"""Floods: who has more alerts than anybody can read one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from firesense.book import tables
from firesense.book.sql import Chapter
from firesense.book.story import add_steps
from firesense.domain.escalation import ORDERED, Step, StepKind
from firesense.ports import Flood

if TYPE_CHECKING:
    from firesense.domain.instant import Instant

_CALL, _FLOOD = tables.call.c, tables.flood.c
_LOAD = sa.select(sa.func.count(sa.distinct(_CALL.alert))).where(
    _CALL.person == sa.bindparam("person"),
    _CALL.created_at > sa.bindparam("since"),
    _CALL.created_at <= sa.bindparam("now"),
    _CALL.purpose.not_in(ORDERED),
)
_OPEN = sa.select(_FLOOD.person, _FLOOD.alert, _FLOOD.begun_at, _FLOOD.bundled).where(_FLOOD.ended_at.is_(None))
_OF = _OPEN.where(_FLOOD.person == sa.bindparam("person"))


class Floods(Chapter):
    """Floods, and how much is said to each person."""

    def load(self, person: str, since: Instant, now: Instant) -> int:
        """Count the alerts a person was to be told of since then, but for what somebody ordered. See the port."""
        with self._database.reading() as connection:
            return connection.scalar(_LOAD, {"person": person, "since": since, "now": now}) or 0

    def floods(self) -> list[Flood]:
        """Give the floods there are now."""
        with self._database.reading() as connection:
            return [Flood(*row) for row in connection.execute(_OPEN.order_by(_FLOOD.number))]

    def begin_flood(self, person: str, alert: str, at: Instant) -> bool:
        """A flood begins for a person with this alert; says whether there was none."""
        with self._database.writing() as connection:
            if connection.execute(_OF, {"person": person}).first() is not None:
                return False
            connection.execute(
                sa.insert(tables.flood).values(person=person, alert=alert, begun_at=at, bundled=0, ended_at=None)
            )
            add_steps(connection, [Step(alert, at, StepKind.FLOOD, person, {"flood": "begins"})])
        return True

    def bundle_in_flood(self, person: str, count: int) -> None:
        """So many more calls were told in a bundle because of the flood."""
        with self._database.writing() as connection:
            connection.execute(
                sa.update(tables.flood)
                .where(_FLOOD.person == person, _FLOOD.ended_at.is_(None))
                .values(bundled=_FLOOD.bundled + count)
            )

    def end_flood(self, person: str, at: Instant) -> bool:
        """The flood of a person is over; says whether there was one."""
        with self._database.writing() as connection:
            found = connection.execute(_OF, {"person": person}).first()
            if found is None:
                return False
            flood = Flood(*found)
            connection.execute(
                sa.update(tables.flood).where(_FLOOD.person == person, _FLOOD.ended_at.is_(None)).values(ended_at=at)
            )
            detail = {"flood": "ends", "bundled": str(flood.bundled)}
            add_steps(connection, [Step(flood.alert, at, StepKind.FLOOD, person, detail)])
        return True
