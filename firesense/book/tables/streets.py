"""Tables of where the streets stand, of the console and of the audit."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
)

from firesense.book.columns import (
    MAPPING,
    NUMBER,
    word,
)
from firesense.book.tables.parts import metadata, must, of
from firesense.domain.deed import Rights
from firesense.domain.frame import Reason

position = Table(
    "position",
    metadata,
    must("street", Text, key=True),
    must("offset", BigInteger),
    must("recorded", BigInteger),
    must("duplicate", BigInteger),
    must("quarantined", BigInteger),
    must("at", BigInteger),
)
quarantine = Table(
    "quarantine",
    metadata,
    Column("offset", NUMBER, primary_key=True, autoincrement=False),
    must("source", Text),
    must("topic", Text),
    must("payload", LargeBinary),
    must("received_at", BigInteger),
    must("reason", word(Reason)),
    must("detail", Text),
    must("profile", Text),
    must("external_id", Text),
    must("more", BigInteger),
    Column("replayed_at", BigInteger),
)
Index("quarantine_waiting", quarantine.c.replayed_at, quarantine.c.offset)
stranger = Table(
    "stranger",
    metadata,
    must("external_id", Text, key=True),
    must("profile", Text, key=True),
    must("topic", Text),
    must("first_at", BigInteger),
    must("last_at", BigInteger),
    must("frames", BigInteger),
)

# -- the console ------------------------------------------------------------------------------------------------------
user = Table(
    "user",
    metadata,
    must("name", Text, key=True),
    must("password_hash", Text),
    must("person", Text),
    must("one_time", Boolean),
    must("rights", word(Rights)),
    must("place", Text),
)
session = Table(
    "session",
    metadata,
    must("token_hash", Text, key=True),
    must("user", Text, of("user.name")),
    must("expires_at", BigInteger),
)
Index("session_expires", session.c.expires_at)

# -- the audit --------------------------------------------------------------------------------------------------------
# Append-only: each hash is over the one before and the row (book/audit.py).
audit = Table(
    "audit",
    metadata,
    Column("number", NUMBER, primary_key=True, autoincrement=False),
    must("at", BigInteger),
    must("who", Text),
    must("origin", Text),
    must("did", Text),
    must("kind", Text),
    must("target", Text),
    must("detail", MAPPING),
    must("hash", Text),
)
Index("audit_target", audit.c.kind, audit.c.target)
# Where the chain ends ("head"), and where what is kept of it begins ("tail"): the number and hash of the row before.
audit_end = Table(
    "audit_end",
    metadata,
    must("end", Text, key=True),
    must("number", BigInteger),
    must("hash", Text),
)

photo = Table(
    "photo",
    metadata,
    must("alert", Text, of("alert.id"), key=True),
    must("id", Text, key=True),
    must("at", BigInteger),
    must("who", Text),
    must("size", Integer),
    must("width", Integer),
    must("height", Integer),
    must("note", Text),
)
Index("photo_id", photo.c.id)
