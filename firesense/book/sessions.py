"""Who may log in to the console, and who has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from firesense.book import rows, tables
from firesense.book.sql import Chapter, insert_new
from firesense.domain.instant import DAY
from firesense.ports import User

if TYPE_CHECKING:
    from firesense.domain.instant import Instant

_SESSION = tables.session.c
_OF_NAME = sa.select(*rows.USER).where(tables.user.c.name == sa.bindparam("name"))
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

    def put_user(self, user: User) -> None:
        """Add a user or replace the one of that name."""
        with self._database.writing() as connection:
            values = rows.values(user)
            put = insert_new(connection, tables.user).values(values)
            connection.execute(put.on_conflict_do_update(index_elements=["name"], set_=values))

    def open_session(self, token_hash: str, user: str, expires_at: Instant) -> None:
        """Remember a log-in by the hash of its token. Raises BookError for a user who is not there."""
        with self._database.writing() as connection:
            connection.execute(sa.delete(tables.session).where(_SESSION.expires_at < expires_at - _LONG_OVER))
            opened = {"token_hash": token_hash, "user": user, "expires_at": expires_at}
            connection.execute(sa.insert(tables.session), opened)

    def session_user(self, token_hash: str, now: Instant) -> User | None:
        """Whose session this is, if it has not expired."""
        with self._database.reading() as connection:
            row = connection.execute(_OF_SESSION, {"token": token_hash, "now": now}).one_or_none()
        return None if row is None else User(*row)

    def end_session(self, token_hash: str) -> None:
        """Forget a log-in."""
        with self._database.writing() as connection:
            connection.execute(sa.delete(tables.session).where(_SESSION.token_hash == token_hash))
