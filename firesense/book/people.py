"""Org and ladders: who answers where, and in what order they are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from firesense.book import audit, rows, tables
from firesense.book.reliefs import changes_that_hold
from firesense.book.sql import Chapter
from firesense.domain.escalation import Ladder, Selector
from firesense.domain.place import Org, Person, Place, Post
from firesense.domain.roster import Roster

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from sqlalchemy.engine import Connection

    from firesense.domain.audit import Entry

_PLAN = "plan"
_VERSION = sa.select(tables.meta.c.value).where(tables.meta.c.key == _PLAN)
_GROW = sa.update(tables.meta).where(tables.meta.c.key == _PLAN).values(value=tables.meta.c.value + 1)
# Replaced whole, those that refer to others first.
_OLD = (tables.selector, tables.ladder, tables.holding, tables.post, tables.person, tables.place, tables.roster)


class People(Chapter):
    """The org and the ladders."""

    def version(self) -> int:
        """A number that grows with every change of devices, org or ladders."""
        with self._database.reading() as connection:
            return int(connection.scalar(_VERSION) or 0)

    def org(self) -> Org:
        """Places, posts, people and rosters in the order they were installed, and the changes that hold."""
        with self._database.reading() as connection:
            return Org(
                _read(connection, Place, rows.PLACE),
                _posts(connection),
                _read(connection, Person, rows.PERSON),
                _read(connection, Roster, rows.ROSTER),
                changes_that_hold(connection),
            )

    def ladders(self) -> tuple[dict[str, Ladder], tuple[Selector, ...]]:
        """Ladders by id, and the selectors that choose among them, in order."""
        with self._database.reading() as connection:
            ladders = [Ladder(*row) for row in connection.execute(sa.select(*rows.LADDER))]
            selectors = _read(connection, Selector, rows.SELECTOR)
        return {ladder.id: ladder for ladder in ladders}, tuple(selectors)

    def install(
        self,
        org: Org,
        ladders: Iterable[Ladder],
        selectors: Iterable[Selector],
        *entries: Entry,
        version: int | None = None,
    ) -> bool:
        """Replace the org and the ladders, but for what people changed of the rosters for a while. See the port.

        Raises BookError when a post is at no place, a holder is nobody, or a selector's ladder is missing.
        """
        posts = org.posts.values()
        with self._database.writing() as connection:
            if version is not None and connection.scalar(_VERSION) != version:
                return False
            for table in _OLD:
                connection.execute(sa.delete(table))
            _write(connection, tables.place, map(rows.values, org.places.values()))
            _write(connection, tables.person, map(rows.values, org.people.values()))
            _write(connection, tables.roster, map(rows.values, org.rosters.by_id.values()))
            _write(
                connection,
                tables.post,
                ({"role": post.role, "place": post.place, "rosters": post.rosters} for post in posts),
            )
            _write(
                connection,
                tables.holding,
                (
                    {"role": post.role, "place": post.place, "person": person}
                    for post in posts
                    for person in dict.fromkeys(post.holders)
                ),
            )
            _write(connection, tables.ladder, map(rows.values, ladders))
            _write(connection, tables.selector, map(rows.values, selectors))
            plan_changed(connection)
            audit.add(connection, *entries)
        return True


def plan_changed(connection: Connection) -> None:
    """Let everybody who holds a plan see that there is another."""
    connection.execute(_GROW)


def _read(connection: Connection, kind: Any, columns: Sequence[sa.Column[Any]]) -> list[Any]:
    query = sa.select(*columns).order_by(columns[0].table.c.number)
    return [kind(*row) for row in connection.execute(query)]


def _posts(connection: Connection) -> list[Post]:
    holders: dict[tuple[str, str], list[str]] = {}
    holding, post = tables.holding.c, tables.post.c
    rosters: dict[tuple[str, str], tuple[str, ...]] = {}
    for place, role, named in connection.execute(sa.select(post.place, post.role, post.rosters).order_by(post.number)):
        holders[place, role] = []
        rosters[place, role] = named
    for place, role, person in connection.execute(
        sa.select(holding.place, holding.role, holding.person).order_by(holding.number)
    ):
        holders[place, role].append(person)
    return [Post(role, place, tuple(people), rosters[place, role]) for (place, role), people in holders.items()]


def _write(connection: Connection, table: sa.Table, lines: Iterable[Mapping[str, Any]]) -> None:
    if written := list(lines):
        connection.execute(sa.insert(table), written)
