"""Forgetting closed cases that were kept long enough, with everything that belongs to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from firesense.book import audit, tables
from firesense.book.sql import Chapter
from firesense.domain.audit import Entry
from firesense.domain.deed import PLATFORM

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy.engine import Connection

    from firesense.domain.instant import Instant

_ALERT, _PHOTO, _HAZARD, _ROLL_CALL = tables.alert.c, tables.photo.c, tables.hazard.c, tables.roll_call.c
_IS_HAZARD = sa.exists().where(_HAZARD.alert == _ALERT.id)
_OLD = (
    sa.select(_ALERT.id)
    .where(
        sa.not_(_ALERT.open),
        sa.or_(
            sa.and_(_ALERT.closed_at < sa.bindparam("before"), sa.not_(_IS_HAZARD)),
            sa.and_(_ALERT.closed_at < sa.bindparam("hazards_before"), _IS_HAZARD),
        ),
    )
    .order_by(_ALERT.closed_at)
    .limit(sa.bindparam("most"))
)
# With their alerts, or without when they were never asked.
_OLD_ROLL_CALLS = sa.delete(tables.roll_call).where(
    _ROLL_CALL.planned_at < sa.bindparam("before"), _ROLL_CALL.due_at.is_(None)
)
# Everything that refers to an alert goes with it, whatever tables there are.
_OF_ALERTS = [
    key.parent for table in tables.metadata.sorted_tables for key in table.foreign_keys if key.column is _ALERT.id
]


class Forgetting(Chapter):
    """What is over and was kept long enough."""

    def forget_cases(
        self, before: Instant, at: Instant, most: int = 200, *, hazards_before: Instant | None = None
    ) -> tuple[int, list[str]]:
        """Delete cases closed before an instant, and say so in the audit; an incident goes alert by alert.

        Hazards have an instant of their own, if one is given. Roll calls of before that instant go, too, uncounted.

        Gives how many went, at most ``most`` at a time, and the photos that belong to nothing any more.
        """
        with self._database.writing() as connection:
            limits = {"before": before, "hazards_before": before if hazards_before is None else hazards_before}
            connection.execute(_OLD_ROLL_CALLS, {"before": before})
            old = list(connection.scalars(_OLD, limits | {"most": most}))
            if not old:
                return 0, []
            photos = _photos_of(connection, old)
            for column in _OF_ALERTS:
                connection.execute(sa.delete(column.table).where(column.in_(old)))
            connection.execute(sa.delete(tables.alert).where(_ALERT.id.in_(old)))
            audit.add(connection, Entry.of(PLATFORM, at, "forgot", "alert", "", alerts=str(len(old))))
            return len(old), sorted(photos - _photos_in_use(connection, photos))

    def photos_shown(self, photos: Collection[str]) -> set[str]:
        """Of these photos, those that belong to something."""
        with self._database.reading() as connection:
            return _photos_in_use(connection, set(photos)).intersection(photos)


def _photos_of(connection: Connection, alerts: Sequence[str]) -> set[str]:
    photos = set(connection.scalars(sa.select(_PHOTO.id).where(_PHOTO.alert.in_(alerts))))
    of_hazards = sa.select(_HAZARD.photos, _HAZARD.rectified_photos).where(_HAZARD.alert.in_(alerts))
    return photos.union(*(names for row in connection.execute(of_hazards) for names in row))


def _photos_in_use(connection: Connection, photos: set[str]) -> set[str]:
    """Of these photos, those that something kept still shows: the same picture is one file."""
    used = set(connection.scalars(sa.select(_PHOTO.id).where(_PHOTO.id.in_(photos))))
    of_hazards = sa.select(_HAZARD.photos, _HAZARD.rectified_photos)
    return used.union(*(names for row in connection.execute(of_hazards) for names in row))
