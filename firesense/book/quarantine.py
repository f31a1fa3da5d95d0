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

    def trim_quarantine(self, most: int, most_bytes: int, most_strangers: int) -> int:
        """Keep the quarantine within its limits; see the port. Nothing that a street may still write is touched."""
        with self._database.writing() as connection:
            done = connection.scalar(sa.select(sa.func.min(tables.position.c.offset)))
            thinned = _thin(connection, most, most_bytes, done or 0)
            _forget_strangers(connection, most_strangers)
        return thinned

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


# -- limits -----------------------------------------------------------------------------------------------------------
_SIZE = sa.func.coalesce(sa.func.sum(sa.func.length(_KEPT.payload) + sa.func.length(_KEPT.topic)), 0)
_ROOM = 0.9  # what is left of a limit after it was reached, so that it is not reached again at once
_FEW = 16  # a group smaller than that is no reason for a flood


def _measure(connection: Connection) -> tuple[int, int]:
    rows_kept, size = connection.execute(sa.select(sa.func.count(), _SIZE).select_from(tables.quarantine)).one()
    return int(rows_kept), int(size)


def _thin(connection: Connection, most: int, most_bytes: int, done: int) -> int:
    count, size = _measure(connection)
    if count <= most and size <= most_bytes:
        return 0
    wanted, wanted_size = int(most * _ROOM), int(most_bytes * _ROOM)
    if _drop_replayed(connection, count - wanted, size - wanted_size):
        count, size = _measure(connection)
    thinned = 0
    while count > wanted or size > wanted_size:
        dropped = _halve_largest(connection, done, by_topic=True) or _halve_largest(connection, done, by_topic=False)
        if not dropped:
            break  # what is left is not done by every street yet
        thinned += dropped
        count, size = _measure(connection)
    return thinned


def _drop_replayed(connection: Connection, too_many: int, too_large: int) -> bool:
    """Drop the oldest replayed frames, as many as it takes."""
    last = None
    for offset, size in connection.execute(
        sa.select(_KEPT.offset, sa.func.length(_KEPT.payload) + sa.func.length(_KEPT.topic))
        .where(_KEPT.replayed_at.is_not(None))
        .order_by(_KEPT.offset)
    ):
        if too_many <= 0 and too_large <= 0:
            break
        too_many, too_large, last = too_many - 1, too_large - size, offset
    if last is None:
        return False
    connection.execute(sa.delete(tables.quarantine).where(_KEPT.replayed_at.is_not(None), _KEPT.offset <= last))
    return True


def _halve_largest(connection: Connection, done: int, *, by_topic: bool) -> int:
    """Turn the older half of the largest group into a number; gives how many frames are newly only counted."""
    waiting = sa.and_(_KEPT.replayed_at.is_(None), _KEPT.offset < done)
    key = (_KEPT.reason, _KEPT.topic) if by_topic else (_KEPT.reason,)
    largest = connection.execute(
        sa.select(*key, sa.func.count()).where(waiting).group_by(*key).order_by(sa.func.count().desc()).limit(1)
    ).one_or_none()
    if largest is None or largest[-1] < (_FEW if by_topic else 2):
        return 0
    same = sa.and_(waiting, *(column == value for column, value in zip(key, largest[:-1], strict=True)))
    found = connection.execute(sa.select(_KEPT.offset, _KEPT.more).where(same).order_by(_KEPT.offset)).all()
    half = len(found) // 2
    heir = found[half].offset
    connection.execute(sa.delete(tables.quarantine).where(same, _KEPT.offset < heir))
    more = sum(1 + row.more for row in found[:half])
    connection.execute(sa.update(tables.quarantine).where(_KEPT.offset == heir).values(more=_KEPT.more + more))
    return half


def _forget_strangers(connection: Connection, most: int) -> None:
    """Keep those heard last; the frames of the others are in quarantine all the same."""
    oldest = connection.scalar(sa.select(_HEARD.last_at).order_by(_HEARD.last_at.desc()).offset(most).limit(1))
    if oldest is not None:
        connection.execute(sa.delete(tables.stranger).where(_HEARD.last_at <= oldest))
