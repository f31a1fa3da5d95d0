"""The address of the book, as SQLAlchemy writes them; what is said of it never has the password in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.exc import NoSuchModuleError, SQLAlchemyError

from firesense.domain.errors import BookError

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

_KINDS = ("sqlite", "postgresql")
_SUCH_AS = "an address such as sqlite:////var/lib/x/book.db or postgresql+psycopg://firesense@db.example.org/firesense"
_SECRETS = ("password", "sslpassword")  # libpq takes them as options, too


def read_address(url: str) -> URL:
    """Take the address apart; nothing is opened and nobody asked. Raises BookError for one that can never be used."""
    try:
        address = sa.make_url(url)
    except (SQLAlchemyError, ValueError) as error:  # what it was is not said: nobody can tell where its password is
        raise BookError(f"not {_SUCH_AS}") from error
    shown = shown_address(address)
    if address.get_backend_name() not in _KINDS:
        raise BookError(f"{shown!r} is not {_SUCH_AS}")
    if "@" in (address.host or ""):
        raise BookError("in a user name or password, @ is written %40")
    if not address.database:
        raise BookError(f"{shown!r} names no database: {_SUCH_AS}")
    try:
        dialect = address.get_dialect()
        dialect.import_dbapi()
    except NoSuchModuleError as error:
        raise BookError(f"{shown!r}: there is no driver {address.get_driver_name()!r}") from error
    except ImportError as error:
        hint = 'pip install "firesense[postgresql]", and write postgresql+psycopg://'
        raise BookError(f"{shown!r}: its driver is not installed ({error}): {hint}") from error
    if dialect.is_async:
        raise BookError(f"{shown!r}: its driver is for asyncio, which the book does not use")
    return address


def shown_address(address: URL) -> str:
    """The address for people: no password."""
    return address.difference_update_query(_SECRETS).render_as_string(hide_password=True)
