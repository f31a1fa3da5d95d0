"""The tables, portable to any database SQLAlchemy knows; docs/book.md says what each one is for.

Columns are called what the domain calls the fields they keep. Those a table has beside them:

- ``number`` keeps the order in which rows were written;
- ``rank`` is 0 for what goes first (fire) and 1 for the rest; an alert's is its place in the list (see rows.py);
- ``due_at`` of a climb and ``ready_at`` of a call are NULL unless somebody has to do something then, so looking for
  due work costs what is due, however much history there is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from firesense.book.columns import (
    BECAUSE,
    DURATION,
    HOURS,
    MAPPING,
    NAME_SET,
    NAMES,
    NUMBER,
    ROTATIONS,
    RUNGS,
    TIMERS,
    word,
)
from firesense.domain.alert import AlertClass, Case, Condition, Finding, Grade
from firesense.domain.deed import Rights
from firesense.domain.escalation import CallState, ClimbState, Purpose, StepKind
from firesense.domain.frame import Reason
from firesense.domain.hazard import HazardState, Source
from firesense.domain.quiet import QuietKind
from firesense.domain.rollcall import RollCallState
from firesense.domain.roster import ChangeKind

if TYPE_CHECKING:
    from sqlalchemy.sql.schema import SchemaItem
    from sqlalchemy.types import TypeEngine

metadata = MetaData()


def _must(
    name: str, kind: TypeEngine[Any] | type[TypeEngine[Any]], *more: SchemaItem, key: bool = False
) -> Column[Any]:
    """Make a column that refuses NULL."""
    return Column(name, kind, *more, primary_key=key, nullable=False)


def _number() -> Column[Any]:
    """Make a key that grows with every row and is never used again."""
    return Column("number", NUMBER, primary_key=True, autoincrement=True)


def _of(target: str) -> ForeignKey:
    """Refer to a row that may be written later in the same transaction."""
    return ForeignKey(target, deferrable=True, initially="DEFERRED")


meta = Table("meta", metadata, _must("key", Text, key=True), _must("value", BigInteger))

# -- what people registered -------------------------------------------------------------------------------------------
place = Table(
    "place",
    metadata,
    _number(),
    Column("code", Text, nullable=False, unique=True),
    _must("name", Text),
    _must("kind", Text),
    _must("parent", Text),
    _must("tags", NAMES),
    _must("address", Text),
    _must("scheme", Text),
)
person = Table(
    "person",
    metadata,
    _number(),
    Column("id", Text, nullable=False, unique=True),
    _must("name", Text),
    _must("addresses", MAPPING),
    _must("phone", Text),
    _must("language", Text),
    _must("quiet", Text),
)
post = Table(
    "post",
    metadata,
    _number(),
    _must("role", Text),
    _must("place", Text, _of("place.code")),
    _must("rosters", NAMES),
    UniqueConstraint("place", "role"),
)
holding = Table(
    "holding",
    metadata,
    _number(),
    _must("place", Text),
    _must("role", Text),
    _must("person", Text, _of("person.id")),
    UniqueConstraint("place", "role", "person"),
    ForeignKeyConstraint(["place", "role"], ["post.place", "post.role"], deferrable=True, initially="DEFERRED"),
)
roster = Table(
    "roster",
    metadata,
    _number(),
    Column("id", Text, nullable=False, unique=True),
    _must("name", Text),
    _must("rotations", ROTATIONS),
)
# What people change for a while: it refers to nothing, since it outlives every import of the org.
roster_change = Table(
    "roster_change",
    metadata,
    _number(),
    Column("id", Text, nullable=False, unique=True),
    _must("kind", word(ChangeKind)),
    _must("begins_at", BigInteger),
    _must("ends_at", BigInteger),
    _must("person", Text),
    _must("stand_in", Text),
    _must("roster", Text),
    _must("swap", Text),
    _must("who", Text),
    _must("at", BigInteger),
    _must("note", Text),
    _must("revoked_by", Text),
    Column("revoked_at", BigInteger),
)
Index("roster_change_ends", roster_change.c.ends_at)
# Whose calendar a telephone may fetch with a token, by the token's hash.
feed = Table(
    "feed",
    metadata,
    _must("token_hash", Text, key=True),
    _must("person", Text),
    _must("place", Text),
    _must("role", Text),
    _must("who", Text),
    _must("at", BigInteger),
)
ladder = Table(
    "ladder",
    metadata,
    _must("id", Text, key=True),
    _must("rungs", RUNGS),
    Column("repeat", Integer),
    _must("timers", TIMERS),
)
selector = Table(
    "selector",
    metadata,
    _number(),
    _must("ladder", Text, _of("ladder.id")),
    _must("alert_classes", NAME_SET),
    _must("grades", NAME_SET),
    _must("places", NAME_SET),
    _must("tags", NAME_SET),
    _must("seasons", NAME_SET),
    Column("hours", HOURS),
    _must("confirmed", Boolean),
    _must("start", Integer),
)
device = Table(
    "device",
    metadata,
    _must("id", Text, key=True),
    _must("device_class", Text),
    _must("profile", Text),
    _must("external_id", Text),
    _must("place", Text),
    _must("slot", Integer),
    _must("name", Text),
    _must("kind", Text),
    _must("gateway", Text),
    _must("tags", NAMES),
    Column("period", DURATION),
    _must("installed_at", BigInteger),
    UniqueConstraint("device_class", "slot"),
    UniqueConstraint("profile", "external_id"),
)
# How many slots of a class were ever given: a slot that came free is not given again.
slots = Table("slots", metadata, _must("device_class", Text, key=True), _must("given", Integer))

# -- alerts and what came of them -------------------------------------------------------------------------------------
alert = Table(
    "alert",
    metadata,
    _must("id", Text, key=True),
    _must("rule", Text),
    _must("rule_version", Text),
    _must("alert_class", word(AlertClass)),
    _must("grade", word(Grade)),
    _must("device", Text),
    _must("device_class", Text),
    _must("place", Text),
    _must("raised_at", BigInteger),
    _must("event_at", BigInteger),
    _must("offset", BigInteger),
    _must("condition", word(Condition)),
    _must("case", word(Case)),
    _must("metric", Text),
    Column("value", Float),
    _must("channel", Integer),
    _must("late", Boolean),
    _must("trips", Integer),
    _must("text", MAPPING),
    Column("cleared_at", BigInteger),
    Column("acknowledged_at", BigInteger),
    _must("acknowledged_by", Text),
    Column("closed_at", BigInteger),
    _must("closed_by", Text),
    Column("finding", word(Finding)),
    _must("note", Text),
    _must("quiet", Text),
    Column("dispatched_at", BigInteger),
    Column("arrived_at", BigInteger),
    Column("verified_at", BigInteger),
    _must("verified_by", Text),
    _must("cause", Text),
    Column("silenced_at", BigInteger),
    _must("incident", Text),
    _must("rank", Integer),
    _must("open", Boolean),
)
Index("alert_open", alert.c.open, alert.c.rank, alert.c.raised_at.desc())
Index("alert_same", alert.c.device, alert.c.rule)
Index(
    "alert_incident",
    alert.c.incident,
    sqlite_where=alert.c.incident != "",  # most alerts are alone
    postgresql_where=alert.c.incident != "",
)
Index("alert_newest", alert.c.rank, alert.c.raised_at.desc())

because = Table(
    "because",
    metadata,
    _must("alert", Text, _of("alert.id"), key=True),
    _must("told", BECAUSE),
)

# What was asked to be quiet for a while; each is an alert, too.
quiet = Table(
    "quiet",
    metadata,
    _must("id", Text, _of("alert.id"), key=True),
    _must("kind", word(QuietKind)),
    _must("who", Text),
    _must("why", Text),
    _must("set_at", BigInteger),
    _must("starts_at", BigInteger),
    _must("ends_at", BigInteger),
    _must("remind_at", BigInteger),
    _must("place", Text),
    _must("device", Text),
    _must("gateway", Text),
    _must("rule", Text),
    _must("alert", Text),
    _must("tester", Text),
    _must("grace", DURATION),
    Column("announced_at", BigInteger),
    Column("reminded_at", BigInteger),
    Column("over_at", BigInteger),
    _must("ended_by", Text),
    Column("due_at", BigInteger),
)
Index("quiet_due", quiet.c.due_at)
Index("quiet_ends", quiet.c.ends_at)

# Roll calls; each that was asked is an alert, too.
roll_call = Table(
    "roll_call",
    metadata,
    _must("id", Text, key=True),
    _must("role", Text),
    _must("place", Text),
    _must("planned_at", BigInteger),
    _must("within", DURATION),
    _must("above", Text),
    _must("started_by", Text),
    _must("state", word(RollCallState)),
    _must("people", NAMES),
    Column("asked_at", BigInteger),
    Column("answered_at", BigInteger),
    _must("answered_by", Text),
    Column("due_at", BigInteger),
)
Index("roll_call_due", roll_call.c.due_at)
Index("roll_call_planned", roll_call.c.planned_at)

# What was kept from people on account of an alert, counted: answers that it hides, alerts that a window keeps quiet.
suppressed = Table(
    "suppressed",
    metadata,
    _number(),
    _must("alert", Text, _of("alert.id")),
    _must("why", Text),
    _must("what", Text),
    _must("device", Text),
    _must("count", Integer),
    _must("first_at", BigInteger),
    _must("last_at", BigInteger),
    UniqueConstraint("alert", "why", "what", "device"),
)

climb = Table(
    "climb",
    metadata,
    _must("alert", Text, _of("alert.id"), key=True),
    _must("strand", Text, key=True),  # empty for the alert's own; each whistle has one
    _must("ladder", Text),
    _must("rungs", RUNGS),
    Column("repeat", Integer),
    _must("timers", TIMERS),
    _must("state", word(ClimbState)),
    _must("rung", Integer),
    _must("round", Integer),
    Column("due_at", BigInteger),
    _must("version", Integer),
    _must("tries", Integer),
    _must("first_round", Integer),
    _must("by", Text),
    _must("reason", Text),
    _must("rank", Integer),
)
Index("climb_due", climb.c.rank, climb.c.due_at)

call = Table(
    "call",
    metadata,
    _number(),
    Column("key", Text, nullable=False, unique=True),
    _must("alert", Text, _of("alert.id")),
    _must("purpose", word(Purpose)),
    _must("person", Text),
    _must("role", Text),
    _must("place", Text),
    _must("channel", Text),
    _must("address", Text),
    _must("language", Text),
    _must("rung", Integer),
    _must("round", Integer),
    _must("created_at", BigInteger),
    _must("due_at", BigInteger),
    _must("urgent", Boolean),
    _must("state", word(CallState)),
    _must("attempts", Integer),
    _must("receipt", Text),
    Column("sent_at", BigInteger),
    _must("strand", Text),
    _must("detail", MAPPING),
    Column("ask_at", BigInteger),
    _must("line", Text),
    _must("instead_of", Text),
    _must("rank", Integer),
    Column("ready_at", BigInteger),
    # What the alert was when the call was leased: who was told it fires is told when it does not.
    Column("told", word(Condition)),
)
Index("call_ready", call.c.rank, call.c.ready_at)
Index("call_alert", call.c.alert)
Index("call_line", call.c.channel, call.c.line, call.c.sent_at)
Index("call_person", call.c.person, call.c.created_at)
Index("call_receipt", call.c.channel, call.c.receipt)

# Whoever is flooded with alerts; ended_at is NULL while it lasts.
flood = Table(
    "flood",
    metadata,
    _number(),
    _must("person", Text),
    _must("alert", Text),
    _must("begun_at", BigInteger),
    _must("bundled", Integer),
    Column("ended_at", BigInteger),
)
Index("flood_open", flood.c.ended_at, flood.c.person)
# What came in from outside and must count only once: callbacks by channel and number, links that were used.
seen = Table("seen", metadata, _must("name", Text, key=True), _must("at", BigInteger))
Index("seen_at", seen.c.at)

step = Table(
    "step",
    metadata,
    _number(),
    _must("alert", Text, _of("alert.id")),
    _must("at", BigInteger),
    _must("kind", word(StepKind)),
    _must("who", Text),
    _must("detail", MAPPING),
    sqlite_autoincrement=True,
)
Index("step_alert", step.c.alert)
# The steps that figures are counted from; said in the same words in the question, or the index is not used.
OF_FIGURES = text("step.kind IN ('acknowledged', 'handed-on', 'undone', 'held')")
Index(
    "step_figures",
    step.c.alert,
    step.c.kind,
    step.c.at,
    sqlite_where=text("kind IN ('acknowledged', 'handed-on', 'undone', 'held')"),
    postgresql_where=text("kind IN ('acknowledged', 'handed-on', 'undone', 'held')"),
)

hazard = Table(
    "hazard",
    metadata,
    _must("alert", Text, _of("alert.id"), key=True),
    _must("source", word(Source)),
    _must("grade", word(Grade)),
    _must("place", Text),
    _must("reported_at", BigInteger),
    _must("state", word(HazardState)),
    _must("reporter", Text),
    _must("contact", Text),
    _must("wrong", Text),
    _must("spot", Text),
    _must("remedy", Text),
    _must("photos", NAMES),
    _must("role", Text),
    _must("responsible", Text),
    Column("accepted_at", BigInteger),
    _must("accepted_by", Text),
    Column("deadline_at", BigInteger),
    _must("extensions", Integer),
    Column("until_at", BigInteger),
    Column("due_at", BigInteger),
    _must("level", Integer),
    _must("reminded", Boolean),
    Column("rectified_at", BigInteger),
    _must("rectified_by", Text),
    _must("rectified_text", Text),
    _must("rectified_photos", NAMES),
    Column("reinspected_at", BigInteger),
    _must("reinspected_by", Text),
    Column("passed", Boolean),
    _must("reinspected_text", Text),
    _must("failures", Integer),
    Column("listed_at", BigInteger),
    _must("listed_by", Text),
    _must("listing", Text),
    Column("closed_at", BigInteger),
    _must("closed_by", Text),
    _must("reason", Text),
    _must("version", Integer),
    _must("open", Boolean),
)
Index("hazard_due", hazard.c.due_at)
Index("hazard_open", hazard.c.open, hazard.c.reported_at)

# -- the streets ------------------------------------------------------------------------------------------------------
position = Table(
    "position",
    metadata,
    _must("street", Text, key=True),
    _must("offset", BigInteger),
    _must("recorded", BigInteger),
    _must("duplicate", BigInteger),
    _must("quarantined", BigInteger),
    _must("at", BigInteger),
)
quarantine = Table(
    "quarantine",
    metadata,
    Column("offset", NUMBER, primary_key=True, autoincrement=False),
    _must("source", Text),
    _must("topic", Text),
    _must("payload", LargeBinary),
    _must("received_at", BigInteger),
    _must("reason", word(Reason)),
    _must("detail", Text),
    _must("profile", Text),
    _must("external_id", Text),
    _must("more", BigInteger),
    Column("replayed_at", BigInteger),
)
Index("quarantine_waiting", quarantine.c.replayed_at, quarantine.c.offset)
stranger = Table(
    "stranger",
    metadata,
    _must("external_id", Text, key=True),
    _must("profile", Text, key=True),
    _must("topic", Text),
    _must("first_at", BigInteger),
    _must("last_at", BigInteger),
    _must("frames", BigInteger),
)

# -- the console ------------------------------------------------------------------------------------------------------
user = Table(
    "user",
    metadata,
    _must("name", Text, key=True),
    _must("password_hash", Text),
    _must("person", Text),
    _must("one_time", Boolean),
    _must("rights", word(Rights)),
    _must("place", Text),
)
session = Table(
    "session",
    metadata,
    _must("token_hash", Text, key=True),
    _must("user", Text, _of("user.name")),
    _must("expires_at", BigInteger),
)
Index("session_expires", session.c.expires_at)

# -- the audit --------------------------------------------------------------------------------------------------------
# Append-only: each hash is over the one before and the row (book/audit.py).
audit = Table(
    "audit",
    metadata,
    Column("number", NUMBER, primary_key=True, autoincrement=False),
    _must("at", BigInteger),
    _must("who", Text),
    _must("origin", Text),
    _must("did", Text),
    _must("kind", Text),
    _must("target", Text),
    _must("detail", MAPPING),
    _must("hash", Text),
)
Index("audit_target", audit.c.kind, audit.c.target)
# Where the chain ends ("head"), and where what is kept of it begins ("tail"): the number and hash of the row before.
audit_end = Table(
    "audit_end",
    metadata,
    _must("end", Text, key=True),
    _must("number", BigInteger),
    _must("hash", Text),
)

photo = Table(
    "photo",
    metadata,
    _must("alert", Text, _of("alert.id"), key=True),
    _must("id", Text, key=True),
    _must("at", BigInteger),
    _must("who", Text),
    _must("size", Integer),
    _must("width", Integer),
    _must("height", Integer),
    _must("note", Text),
)
Index("photo_id", photo.c.id)
