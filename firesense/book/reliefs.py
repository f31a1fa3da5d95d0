"""What people change of the rosters for a while, and which calendars may be fetched. An import of the org keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from firesense.book import audit, rows, tables
from firesense.book.sql import Chapter
from firesense.book.story import queue_calls
from firesense.domain.errors import Conflict, NotFound
from firesense.domain.roster import Change
from firesense.ports import Feed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

    from firesense.domain.audit import Entry
    from firesense.domain.escalation import Call
    from firesense.domain.instant import Instant

_CHANGE, _FEED, _META = tables.roster_change.c, tables.feed.c, tables.meta.c
_HOLDING = sa.select(*rows.CHANGE).where(_CHANGE.revoked_at.is_(None)).order_by(_CHANGE.number)
_HANDED_OVER = "handed-over"
_GROW = sa.update(tables.meta).where(_META.key == "plan").values(value=_META.value + 1)


class Reliefs(Chapter):
    """Overrides, swaps, leave; calendar feeds."""

    def change_rosters(self, changes: Sequence[Change], *entries: Entry) -> None:
        """Write what people change of the rosters for a while, and the audit: all of it or nothing. See the port."""
        with self._database.writing() as connection:
            ids = [change.id for change in changes]
            if not changes or connection.scalar(sa.select(_CHANGE.id).where(_CHANGE.id.in_(ids)).limit(1)):
                return
            known = [who for change in changes if (who := connection.scalar(_same(change))) is not None]
            if len(known) == len(changes):
                raise Conflict(f"{known[0]} wrote that already", "conflict.roster.written", who=known[0])
            connection.execute(
                sa.insert(tables.roster_change), [rows.values(change) | {"revoked_by": ""} for change in changes]
            )
            connection.execute(_GROW)
            audit.add(connection, *entries)

    def revoke_change(self, change_id: str, who: str, at: Instant, *, entry: Entry | None = None) -> list[Change]:
        """Take a change back, with the other half of a swap; gives what was taken back.

        It stays in the book, with who took it back. Raises NotFound, or Conflict when it was taken back already.
        """
        with self._database.writing() as connection:
            asked = sa.select(_CHANGE.swap, _CHANGE.revoked_by, _CHANGE.revoked_at).where(_CHANGE.id == change_id)
            row = connection.execute(asked).one_or_none()
            if row is None:
                raise NotFound(f"there is no change {change_id}")
            swap, by, revoked_at = row
            if revoked_at is not None:
                raise Conflict(f"{by} took {change_id} back already", "conflict.roster.revoked", who=by)
            these = (_CHANGE.swap == swap) if swap else (_CHANGE.id == change_id)
            changes = [Change(*found) for found in connection.execute(_HOLDING.where(these))]
            connection.execute(
                sa.update(tables.roster_change).where(these).values({"revoked_by": who, "revoked_at": at})
            )
            connection.execute(_GROW)
            audit.add(connection, entry)
        return changes

    def roster_changes(self, start: Instant, end: Instant) -> list[Change]:
        """The changes that hold at any time from ``start`` until ``end``, in the order they were written."""
        touching = _HOLDING.where(_CHANGE.begins_at < end, _CHANGE.ends_at > start)
        with self._database.reading() as connection:
            return [Change(*row) for row in connection.execute(touching)]

    def handed_over_at(self) -> Instant:
        """Up to when people who came on duty were told what is open; 0 when that was never noted."""
        with self._database.reading() as connection:
            return int(connection.scalar(sa.select(_META.value).where(_META.key == _HANDED_OVER)) or 0)

    def hand_over(self, before: Instant, until: Instant, calls: Sequence[Call]) -> bool:
        """Note that the hand-overs up to ``until`` are done, with their calls; False when another one did them."""
        with self._database.writing() as connection:
            known = int(connection.scalar(sa.select(_META.value).where(_META.key == _HANDED_OVER)) or 0)
            if known != before:
                return False
            connection.execute(sa.delete(tables.meta).where(_META.key == _HANDED_OVER))
            connection.execute(sa.insert(tables.meta), [{"key": _HANDED_OVER, "value": until}])
            queue_calls(connection, calls)
        return True

    def put_feed(self, feed: Feed, *, entry: Entry | None = None) -> None:
        """Let a telephone fetch a calendar."""
        with self._database.writing() as connection:
            connection.execute(sa.insert(tables.feed), [rows.values(feed)])
            audit.add(connection, entry)

    def feed(self, token_hash: str) -> Feed | None:
        """What may be fetched with a token, by its hash."""
        with self._database.reading() as connection:
            row = connection.execute(sa.select(*rows.FEED).where(_FEED.token_hash == token_hash)).one_or_none()
        return None if row is None else Feed(*row)

    def remove_feeds(self, *, person: str = "", place: str = "", role: str = "", entry: Entry | None = None) -> int:
        """Let nobody fetch these calendars any more; counts them."""
        these = (_FEED.person == person, _FEED.place == place, _FEED.role == role)
        with self._database.writing() as connection:
            removed = connection.execute(sa.delete(tables.feed).where(*these)).rowcount
            audit.add(connection, entry if removed else None)
        return removed


def _same(change: Change) -> sa.Select[str]:
    """Who wrote, and nobody took back or changed again since, what comes to the same as a change."""
    said = (_CHANGE.kind, _CHANGE.begins_at, _CHANGE.ends_at, _CHANGE.person, _CHANGE.stand_in, _CHANGE.roster)
    return (
        sa.select(_CHANGE.who)
        .where(_CHANGE.revoked_at.is_(None), *(column == getattr(change, column.name) for column in said))
        .where(~_changed_again(change))
        .order_by(_CHANGE.number)
        .limit(1)
    )


def _changed_again(change: Change) -> sa.ColumnElement[bool]:
    """Whether what a row says was changed once more by a later one that holds, which is not its other half."""
    later, these = tables.roster_change.alias("later").c, (change.person, change.stand_in)
    return sa.exists().where(
        later.number > _CHANGE.number,
        later.revoked_at.is_(None),
        later.roster == _CHANGE.roster,
        sa.or_(later.swap == "", later.swap != _CHANGE.swap),
        later.begins_at < _CHANGE.ends_at,
        later.ends_at > _CHANGE.begins_at,
        sa.or_(later.person.in_(these), later.stand_in.in_(these)),
    )


def changes_that_hold(connection: Connection) -> list[Change]:
    """Every change nobody took back, in the order they were written."""
    return [Change(*row) for row in connection.execute(_HOLDING)]
