"""Alerts of one event as one incident, and the photos of alerts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import sqlalchemy as sa

from firesense.book import audit, rows, tables
from firesense.book.sql import Chapter, insert_new
from firesense.book.story import add_steps, read_alert, write_alert
from firesense.casework import closed_already
from firesense.domain.alert import Alert
from firesense.domain.audit import Entry
from firesense.domain.deed import Photo
from firesense.domain.errors import Conflict, NotAllowed
from firesense.domain.escalation import ASKING, TOLD, Step, StepKind

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from sqlalchemy.engine import Connection

    from firesense.domain.deed import Actor
    from firesense.domain.instant import Instant

_ALERT, _CALL, _PHOTO = tables.alert.c, tables.call.c, tables.photo.c
_NEAR = (
    sa.select(*rows.ALERT)
    .where(
        _ALERT.open,
        _ALERT.raised_at.between(sa.bindparam("since"), sa.bindparam("until")),
        _ALERT.place.in_(sa.bindparam("places", expanding=True)),
    )
    .order_by(_ALERT.raised_at, _ALERT.id)
    .limit(sa.bindparam("most"))
)
# That it is not empty is implied, and said for the partial index.
_OF_INCIDENT = (
    sa.select(*rows.ALERT)
    .where(_ALERT.incident == sa.bindparam("incident"), _ALERT.incident != "")
    .order_by(_ALERT.raised_at, _ALERT.id)
)
_TOLD_OF = (
    sa.select(_CALL.alert)
    .distinct()
    .join(tables.alert, _ALERT.id == _CALL.alert)
    .where(
        _ALERT.incident == sa.bindparam("incident"),
        _ALERT.incident != "",
        _CALL.person == sa.bindparam("person"),
        _CALL.state.in_(TOLD),
        _CALL.purpose.in_(ASKING),
    )
)
_OF_ALERT = sa.select(*rows.PHOTO).where(_PHOTO.alert == sa.bindparam("id")).order_by(_PHOTO.at, _PHOTO.id)
_HOW_MANY = sa.select(sa.func.count()).where(_PHOTO.alert == sa.bindparam("id"))


class Incidents(Chapter):
    """What belongs together."""

    def near(self, places: Collection[str], since: Instant, until: Instant, most: int = 50) -> list[Alert]:
        """Open alerts raised at one of these places in [since, until], the oldest first."""
        asked = {"places": list(places), "since": since, "until": until, "most": most}
        with self._database.reading() as connection:
            return [Alert(*row) for row in connection.execute(_NEAR, asked)]

    def incident(self, incident: str) -> list[Alert]:
        """The alerts of an incident, the oldest first."""
        with self._database.reading() as connection:
            return _members(connection, incident)

    def told_of(self, incident: str, person: str) -> frozenset[str]:
        """Which alerts of an incident a person was asked to see to, by calls that went out."""
        with self._database.reading() as connection:
            asked = {"incident": incident, "person": person}
            return frozenset(connection.scalars(_TOLD_OF, asked)) if incident else frozenset()

    def merge(
        self, alert_ids: Collection[str], actor: Actor, at: Instant, *, may: Callable[[Alert], bool] = lambda _: True
    ) -> list[Alert]:
        """Make alerts, with the incidents they are in already, one incident; it is called after its oldest alert.

        Raises NotFound, NotAllowed when the actor ``may`` not act on all of it, or Conflict for fewer than two alerts,
        and for one that is closed.
        """
        with self._database.writing(person=True) as connection:
            wanted: dict[str, Alert] = {}
            for alert_id in sorted(set(alert_ids)):  # in one order, so that two who merge do not wait for each other
                alert = read_alert(connection, alert_id, to_change=True)
                if not alert.open:
                    raise closed_already(alert)
                wanted |= {mate.id: mate for mate in _members(connection, alert.incident)} | {alert.id: alert}
            if len(wanted) <= 1:
                raise Conflict("it takes two alerts", "conflict.few")
            if others := [alert.id for alert in wanted.values() if alert.open and not may(alert)]:
                raise NotAllowed(f"{actor.name} may not act on {', '.join(others)}")
            members = sorted(wanted.values(), key=lambda alert: (alert.raised_at, alert.id))
            incident = members[0].id
            _put(connection, members, incident, StepKind.MERGED, actor, at)
            return [replace(alert, incident=incident) for alert in members]

    def split(self, alert_id: str, actor: Actor, at: Instant) -> Alert:
        """Take an alert out of its incident; what is left of it is none when it is only one. Raises Conflict."""
        with self._database.writing(person=True) as connection:
            alert = read_alert(connection, alert_id, to_change=True)
            if not alert.incident:
                raise Conflict(f"alert {alert_id} is alone", "conflict.alone")
            left = [mate for mate in _members(connection, alert.incident) if mate.id != alert_id]
            _put(connection, [alert], "", StepKind.SPLIT, actor, at)
            if len(left) == 1:
                _put(connection, left, "", StepKind.SPLIT, actor, at)
            elif alert.incident == alert_id:  # the rest is called after its own oldest
                _put(connection, left, left[0].id, StepKind.MERGED, actor, at)
            return replace(alert, incident="")

    def add_photo(self, photo: Photo, actor: Actor, most: int) -> None:
        """Keep that a photo belongs to an alert. Raises NotFound, or Conflict when the alert has ``most`` already."""
        with self._database.writing(person=True) as connection:
            read_alert(connection, photo.alert, to_change=True)
            new = insert_new(connection, tables.photo).on_conflict_do_nothing().values(rows.values(photo))
            if not connection.execute(new).rowcount:
                return  # it is there already: the same picture twice is one
            if (connection.scalar(_HOW_MANY, {"id": photo.alert}) or 0) > most:
                raise Conflict(f"alert {photo.alert} has {most} photos", "conflict.photos", most=most)
            detail = {"photo": photo.id[:12]} | ({"note": photo.note} if photo.note else {})
            add_steps(connection, [Step(photo.alert, photo.at, StepKind.PHOTO, actor.name, detail)])
            told = Entry.of(actor, photo.at, "photo", "alert", photo.alert, photo=photo.id, note=photo.note)
            audit.add(connection, told)

    def photos(self, alert_id: str) -> list[Photo]:
        """The photos of an alert, the oldest first."""
        with self._database.reading() as connection:
            return [Photo(*row) for row in connection.execute(_OF_ALERT, {"id": alert_id})]


def _members(connection: Connection, incident: str) -> list[Alert]:
    return [Alert(*row) for row in connection.execute(_OF_INCIDENT, {"incident": incident})] if incident else []


def _put(
    connection: Connection, members: list[Alert], incident: str, kind: StepKind, actor: Actor, at: Instant
) -> None:
    """Put alerts into an incident, or out of theirs; those that are there already stay as they are."""
    for alert in members:
        if alert.incident == incident:
            continue
        write_alert(connection, replace(alert, incident=incident))
        detail = {"incident": incident or alert.incident}
        add_steps(connection, [Step(alert.id, at, kind, actor.name, detail)])
        audit.add(connection, Entry.of(actor, at, kind.value, "alert", alert.id, **detail))
