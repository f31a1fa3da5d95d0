"""Tables of what people registered."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)

from firesense.book.columns import (
    DURATION,
    HOURS,
    MAPPING,
    NAME_SET,
    NAMES,
    ROTATIONS,
    RUNGS,
    TIMERS,
    word,
)
from firesense.book.tables.parts import metadata, must, number, of
from firesense.domain.roster import ChangeKind

meta = Table("meta", metadata, must("key", Text, key=True), must("value", BigInteger))

place = Table(
    "place",
    metadata,
    number(),
    Column("code", Text, nullable=False, unique=True),
    must("name", Text),
    must("kind", Text),
    must("parent", Text),
    must("tags", NAMES),
    must("address", Text),
    must("scheme", Text),
)
person = Table(
    "person",
    metadata,
    number(),
    Column("id", Text, nullable=False, unique=True),
    must("name", Text),
    must("addresses", MAPPING),
    must("phone", Text),
    must("language", Text),
    must("quiet", Text),
)
post = Table(
    "post",
    metadata,
    number(),
    must("role", Text),
    must("place", Text, of("place.code")),
    must("rosters", NAMES),
    UniqueConstraint("place", "role"),
)
holding = Table(
    "holding",
    metadata,
    number(),
    must("place", Text),
    must("role", Text),
    must("person", Text, of("person.id")),
    UniqueConstraint("place", "role", "person"),
    ForeignKeyConstraint(["place", "role"], ["post.place", "post.role"], deferrable=True, initially="DEFERRED"),
)
roster = Table(
    "roster",
    metadata,
    number(),
    Column("id", Text, nullable=False, unique=True),
    must("name", Text),
    must("rotations", ROTATIONS),
)
# What people change for a while: it refers to nothing, since it outlives every import of the org.
roster_change = Table(
    "roster_change",
    metadata,
    number(),
    Column("id", Text, nullable=False, unique=True),
    must("kind", word(ChangeKind)),
    must("begins_at", BigInteger),
    must("ends_at", BigInteger),
    must("person", Text),
    must("stand_in", Text),
    must("roster", Text),
    must("swap", Text),
    must("who", Text),
    must("at", BigInteger),
    must("note", Text),
    must("revoked_by", Text),
    Column("revoked_at", BigInteger),
)
Index("roster_change_ends", roster_change.c.ends_at)
# Whose calendar a telephone may fetch with a token, by the token's hash.
feed = Table(
    "feed",
    metadata,
    must("token_hash", Text, key=True),
    must("person", Text),
    must("place", Text),
    must("role", Text),
    must("who", Text),
    must("at", BigInteger),
)
ladder = Table(
    "ladder",
    metadata,
    must("id", Text, key=True),
    must("rungs", RUNGS),
    Column("repeat", Integer),
    must("timers", TIMERS),
)
selector = Table(
    "selector",
    metadata,
    number(),
    must("ladder", Text, of("ladder.id")),
    must("alert_classes", NAME_SET),
    must("grades", NAME_SET),
    must("places", NAME_SET),
    must("tags", NAME_SET),
    must("seasons", NAME_SET),
    Column("hours", HOURS),
    must("confirmed", Boolean),
    must("start", Integer),
)
device = Table(
    "device",
    metadata,
    must("id", Text, key=True),
    must("device_class", Text),
    must("profile", Text),
    must("external_id", Text),
    must("place", Text),
    must("slot", Integer),
    must("name", Text),
    must("kind", Text),
    must("gateway", Text),
    must("tags", NAMES),
    Column("period", DURATION),
    must("installed_at", BigInteger),
    UniqueConstraint("device_class", "slot"),
    UniqueConstraint("profile", "external_id"),
)
# Taken out of the register by somebody: a file that still has them does not bring them back.
removed = Table("removed", metadata, must("device", Text, key=True), must("at", BigInteger))
# How many slots of a class were ever given: a slot that came free is not given again.
slots = Table("slots", metadata, must("device_class", Text, key=True), must("given", Integer))
# What the configuration said when it was last read, as digests: what differs goes into the audit.
configured = Table(
    "configured",
    metadata,
    must("kind", Text, key=True),
    must("name", Text, key=True),
    must("fields", MAPPING),
)
