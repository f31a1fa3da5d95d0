"""The quarantine, and the strangers among its frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from firesense.book import rows, tables
from firesense.book.sql import Chapter, insert_new
from firesense.domain.frame import Reason, Refusal
from firesense.ports import Stranger

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy.engine import Connection

    from firesense.domain.instant import Instant

_KEPT = tables.quarantine.c
_ALL = sa.select(*rows.REFUSAL).order_by(_KEPT.offset)
_WAITING = _ALL.where(_KEPT.replayed_at.is_(None))
_BETWEEN = sa.select(_KEPT.offset).where(_KEPT.offset.between(sa.bindparam("first"), sa.bindparam("last")))
_REPLAYED = (
    sa.update(tables.quarantine)
    .where(_KEPT.offset == sa.bindparam("frame"), _KEPT.replayed_at.is_(None))
    .values(replayed_at=sa.bindparam("at"))
)
_HEARD = tables.stranger.c
_REGISTERED = sa.exists().where(
    tables.device.c.profile == _HEARD.profile, tables.device.c.external_id == _HEARD.external_id
)
_STRANGERS = sa.select(*rows.STRANGER).where(~_REGISTERED).order_by(_HEARD.last_at.desc())


class Quarantine(Chapter):
    """Frames that could not be used, and devices nobody registered."""

    def quarantine(self, *, reason: str = "", most: int = 1000, replayed: bool = False) -> list[Refusal]:
        """Frames that could not be used and (unless asked for) were not replayed, oldest first."""
        query = (_ALL if replayed else _WAITING).limit(most)
        if reason:
            query = query.where(sa.type_coerce(_KEPT.reason, sa.Text) == reason)
        with self._database.reading() as connection:
            return [Refusal(*row) for row in connection.execute(query)]

    def mark_replayed(self, offsets: Collection[int], at: Instant) -> None:
        """These frames have been put back into the journal."""
        if offsets:
            with self._database.writing() as connection:
                connection.execute(_REPLAYED, [{"frame": offset, "at": at} for offset in offsets])

    def strangers(self) -> list[Stranger]:
        """Devices that were heard and are not registered, newest first."""
        with self._database.reading() as connection:
            return [Stranger(*row) for row in connection.execute(_STRANGERS)]


def keep(connection: Connection, refusals: Sequence[Refusal]) -> None:
    """Write refusals whose offset is not there yet, and count the strangers among them."""
    if not refusals:
        return
    span = {"first": min(r.offset for r in refusals), "last": max(r.offset for r in refusals)}
    known = set(connection.scalars(_BETWEEN, span))
    new = {refusal.offset: refusal for refusal in refusals if refusal.offset not in known}
    if not new:
        return
    connection.execute(sa.insert(tables.quarantine), [rows.values(refusal) for refusal in new.values()])
    heard: dict[tuple[str, str], Stranger] = {}
    for refusal in new.values():
        if refusal.reason is Reason.UNKNOWN_DEVICE and refusal.external_id:
            key = (refusal.external_id, refusal.profile)
            heard[key] = _heard_again(heard.get(key), refusal)
    if heard:
        _meet(connection, list(heard.values()))


def _heard_again(before: Stranger | None, refusal: Refusal) -> Stranger:
    at = refusal.received_at
    if before is None:
        return Stranger(refusal.external_id, refusal.profile, refusal.topic, at, at, 1)
    return Stranger(
        before.external_id,
        before.profile,
        refusal.topic,
        min(before.first_at, at),
        max(before.last_at, at),
        before.frames + 1,
    )


def _meet(connection: Connection, strangers: list[Stranger]) -> None:
    insert = insert_new(connection, tables.stranger)
    new = insert.excluded
    meet = insert.on_conflict_do_update(
        index_elements=["external_id", "profile"],
        set_={
            "topic": new.topic,
            "first_at": sa.case((new.first_at < _HEARD.first_at, new.first_at), else_=_HEARD.first_at),
            "last_at": sa.case((new.last_at > _HEARD.last_at, new.last_at), else_=_HEARD.last_at),
            "frames": _HEARD.frames + new.frames,
        },
    )
    connection.execute(meet, [rows.values(stranger) for stranger in strangers])
