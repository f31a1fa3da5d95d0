"""Who sits at the command line: whoever may read the book may do everything, and the audit says from where."""

from __future__ import annotations

import os
import pwd
import socket
from typing import TYPE_CHECKING

from firesense.domain.deed import Actor, Rights
from firesense.domain.errors import NotFound

if TYPE_CHECKING:
    from firesense.ports import Book


def actor(name: str = "") -> Actor:
    """Give the person who acts: the name given, else that of the account; the origin is account and machine."""
    try:
        account = pwd.getpwuid(os.getuid()).pw_name  # not what $LOGNAME says: that is whatever its owner likes
    except KeyError:  # a container may have a number without a name
        account = "unknown"
    return Actor(name or account, f"cli {account}@{socket.gethostname()}", Rights.ADMIN)


def refuse_unknown(name: str, book: Book) -> None:
    """Raise NotFound for a name that is neither a person of the org nor somebody who may log in; empty is neither.

    A slip of the pen after ``--as`` must not stand in the audit as the one who did it.
    """
    if name and book.user(name) is None and name not in book.org().people:
        raise NotFound(f"nobody is called {name!r}: --as takes the id of a person or the name of a user")
