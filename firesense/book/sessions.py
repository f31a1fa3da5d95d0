"""Who may log in to the console, and who has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from firesense.book import audit, rows, tables
from firesense.book.sql import Chapter, insert_new
from firesense.domain.errors import NotFound
from firesense.domain.instant import DAY
from firesense.ports import User

if TYPE_CHECKING:
    from firesense.domain.audit import Entry
    from firesense.domain.instant import Instant

_SESSION = tables.session.c
_OF_NAME = sa.select(*rows.USER).where(tables.user.c.name == sa.bindparam("name"))
_ALL = sa.select(*rows.USER).order_by(tables.user.c.name)
_OF_SESSION = (
    sa.select(*rows.USER)
    .join(tables.session, _SESSION.user == tables.user.c.name)
    .where(_SESSION.token_hash == sa.bindparam("token"), _SESSION.expires_at > sa.bindparam("now"))
)
_LONG_OVER = 30 * DAY  # no session lasts this long: one that would end so long before a new one is over


class Sessions(Chapter):
    """Users and their log-ins."""

    def user(self, name: str) -> User | None:
        """The user of that name."""
        with self._database.reading() as connection:
            row = connection.execute(_OF_NAME, {"name": name}).one_or_none()
        return None if row is None else User(*row)

    def users(self) -> list[User]:
        """Everyone who may log in, by name."""
        with self._database.reading() as connection:
            return [User(*row) for row in connection.execute(_ALL)]

    def put_user(self, user: User, *, staying: str = "", entry: Entry | None = None) -> None:
        """Add a user or replace the one of that name.

        Another password ends the user's sessions, but for the one whose token has the hash ``staying``.
        """
        with self._database.writing() as connection:
            before = connection.execute(_OF_NAME, {"name": user.name}).one_or_none()
            if before is not None and User(*before).password_hash != user.password_hash:
                of_user = _SESSION.user == user.name
                connection.execute(sa.delete(tables.session).where(of_user, _SESSION.token_hash != staying))
            values = rows.values(user)
            put = insert_new(connection, tables.user).values(values)
            connection.execute(put.on_conflict_do_update(index_elements=["name"], set_=values))
            audit.add(connection, entry)

    def remove_user(self, name: str, *, entry: Entry | None = None) -> None:
        """Forget a user and end the user's sessions. Raises NotFound."""
        with self._database.writing() as connection:
            connection.execute(sa.delete(tables.session).where(_SESSION.user == name))
            if not connection.execute(sa.delete(tables.user).where(tables.user.c.name == name)).rowcount:
                raise NotFound(f"there is no user {name}")
            audit.add(connection, entry)

    def open_session(self, token_hash: str, user: str, expires_at: Instant, *, entry: Entry | None = None) -> None:
        """Remember a log-in by the hash of its token. Raises BookError for a user who is not there."""
        with self._database.writing() as connection:
            connection.execute(sa.delete(tables.session).where(_SESSION.expires_at < expires_at - _LONG_OVER))
            opened = {"token_hash": token_hash, "user": user, "expires_at": expires_at}
            connection.execute(sa.insert(tables.session), opened)
            audit.add(connection, entry)

    def session_user(self, token_hash: str, now: Instant) -> User | None:
        """Whose session this is, if it has not expired."""
        with self._database.reading() as connection:
            row = connection.execute(_OF_SESSION, {"token": token_hash, "now": now}).one_or_none()
        return None if row is None else User(*row)

    def end_session(self, token_hash: str) -> None:
        """Forget a log-in."""
        with self._database.writing() as connection:
            connection.execute(sa.delete(tables.session).where(_SESSION.token_hash == token_hash))
