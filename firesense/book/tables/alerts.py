"""Tables of alerts, and of what came of them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    and_,
    literal_column,
)

from firesense.book.columns import (
    BECAUSE,
    DURATION,
    MAPPING,
    NAMES,
    RUNGS,
    TIMERS,
    word,
)
from firesense.book.tables.parts import metadata, must, number, of
from firesense.domain.alert import AlertClass, Case, Condition, Finding, Grade
from firesense.domain.escalation import CallState, ClimbState, Purpose, StepKind
from firesense.domain.hazard import HazardState, Source
from firesense.domain.quiet import QuietKind
from firesense.domain.rollcall import RollCallState

alert = Table(
    "alert",
    metadata,
    must("id", Text, key=True),
    must("rule", Text),
    must("rule_version", Text),
    must("alert_class", word(AlertClass)),
    must("grade", word(Grade)),
    must("device", Text),
    must("device_class", Text),
    must("place", Text),
    must("raised_at", BigInteger),
    must("event_at", BigInteger),
    must("offset", BigInteger),
    must("condition", word(Condition)),
    must("case", word(Case)),
    must("metric", Text),
    Column("value", Float),
    must("channel", Integer),
    must("late", Boolean),
    must("trips", Integer),
    must("text", MAPPING),
    Column("cleared_at", BigInteger),
    Column("acknowledged_at", BigInteger),
    must("acknowledged_by", Text),
    Column("closed_at", BigInteger),
    must("closed_by", Text),
    Column("finding", word(Finding)),
    must("note", Text),
    must("quiet", Text),
    Column("dispatched_at", BigInteger),
    Column("arrived_at", BigInteger),
    Column("verified_at", BigInteger),
    must("verified_by", Text),
    must("cause", Text),
    Column("silenced_at", BigInteger),
    must("incident", Text),
    must("rank", Integer),
    must("open", Boolean),
    # What figures need of calls and story, summed up when the case is closed (summing.py); NULL while it is open.
    Column("called_at", BigInteger),
    Column("taken_at", BigInteger),
    Column("stood_still", Boolean),
    Column("was_held", Boolean),
)
Index("alert_open", alert.c.open, alert.c.rank, alert.c.raised_at.desc())
# With open at its end SQLite prefers it to alert_open for certain; those two alone are a draw that chance decides.
Index("alert_same", alert.c.device, alert.c.rule, alert.c.open)
Index(
    "alert_incident",
    alert.c.incident,
    sqlite_where=alert.c.incident != "",  # most alerts are alone
    postgresql_where=alert.c.incident != "",
)
# Closed while they fired, and not over: a few of all. The words are written out, as the index has to know them.
LEFT_FIRING = and_(alert.c.closed_at.is_not(None), alert.c.condition == literal_column("'firing'"))
Index("alert_left", alert.c.raised_at, sqlite_where=LEFT_FIRING, postgresql_where=LEFT_FIRING)
Index("alert_newest", alert.c.rank, alert.c.raised_at.desc())

because = Table(
    "because",
    metadata,
    must("alert", Text, of("alert.id"), key=True),
    must("told", BECAUSE),
)

# What was asked to be quiet for a while; each is an alert, too.
quiet = Table(
    "quiet",
    metadata,
    must("id", Text, of("alert.id"), key=True),
    must("kind", word(QuietKind)),
    must("who", Text),
    must("why", Text),
    must("set_at", BigInteger),
    must("starts_at", BigInteger),
    must("ends_at", BigInteger),
    must("remind_at", BigInteger),
    must("place", Text),
    must("device", Text),
    must("gateway", Text),
    must("rule", Text),
    must("alert", Text),
    must("tester", Text),
    must("grace", DURATION),
    Column("announced_at", BigInteger),
    Column("reminded_at", BigInteger),
    Column("over_at", BigInteger),
    must("ended_by", Text),
    Column("due_at", BigInteger),
)
Index("quiet_due", quiet.c.due_at)
Index("quiet_ends", quiet.c.ends_at)

# Roll calls; each that was asked is an alert, too.
roll_call = Table(
    "roll_call",
    metadata,
    must("id", Text, key=True),
    must("role", Text),
    must("place", Text),
    must("planned_at", BigInteger),
    must("within", DURATION),
    must("above", Text),
    must("started_by", Text),
    must("state", word(RollCallState)),
    must("people", NAMES),
    Column("asked_at", BigInteger),
    Column("answered_at", BigInteger),
    must("answered_by", Text),
    Column("due_at", BigInteger),
)
Index("roll_call_due", roll_call.c.due_at)
Index("roll_call_planned", roll_call.c.planned_at)

# What was kept from people on account of an alert, counted: answers that it hides, alerts that a window keeps quiet.
suppressed = Table(
    "suppressed",
    metadata,
    number(),
    must("alert", Text, of("alert.id")),
    must("why", Text),
    must("what", Text),
    must("device", Text),
    must("count", Integer),
    must("first_at", BigInteger),
    must("last_at", BigInteger),
    UniqueConstraint("alert", "why", "what", "device"),
)

climb = Table(
    "climb",
    metadata,
    must("alert", Text, of("alert.id"), key=True),
    must("strand", Text, key=True),  # empty for the alert's own; each whistle has one
    must("ladder", Text),
    must("rungs", RUNGS),
    Column("repeat", Integer),
    must("timers", TIMERS),
    must("state", word(ClimbState)),
    must("rung", Integer),
    must("round", Integer),
    Column("due_at", BigInteger),
    must("version", Integer),
    must("tries", Integer),
    must("first_round", Integer),
    must("by", Text),
    must("reason", Text),
    must("start", Integer),
    must("rank", Integer),
)
Index("climb_due", climb.c.rank, climb.c.due_at)

call = Table(
    "call",
    metadata,
    number(),
    Column("key", Text, nullable=False, unique=True),
    must("alert", Text, of("alert.id")),
    must("purpose", word(Purpose)),
    must("person", Text),
    must("role", Text),
    must("place", Text),
    must("channel", Text),
    must("address", Text),
    must("language", Text),
    must("rung", Integer),
    must("round", Integer),
    must("created_at", BigInteger),
    must("due_at", BigInteger),
    must("urgent", Boolean),
    must("state", word(CallState)),
    must("attempts", Integer),
    must("receipt", Text),
    Column("sent_at", BigInteger),
    must("strand", Text),
    must("detail", MAPPING),
    Column("ask_at", BigInteger),
    must("line", Text),
    must("instead_of", Text),
    Column("tried_at", BigInteger),
    must("rank", Integer),
    Column("ready_at", BigInteger),
    # What the alert was when the call was leased: who was told it fires is told when it does not.
    Column("told", word(Condition)),
    Column("owner", Text),  # the duty that leased it last; only that one knows whether it is still at it
)
# With the channel in it, the calls of a channel that is busy are passed over without being read.
Index("call_ready", call.c.rank, call.c.ready_at, call.c.channel)
Index("call_alert", call.c.alert)
Index("call_line", call.c.channel, call.c.line, call.c.sent_at)
Index("call_person", call.c.person, call.c.created_at)
Index("call_receipt", call.c.channel, call.c.receipt)

# Whoever is flooded with alerts; ended_at is NULL while it lasts.
flood = Table(
    "flood",
    metadata,
    number(),
    must("person", Text),
    must("alert", Text),
    must("begun_at", BigInteger),
    must("bundled", Integer),
    Column("ended_at", BigInteger),
)
Index("flood_open", flood.c.ended_at, flood.c.person)
# What came in from outside and must count only once: callbacks by channel and number, links that were used.
seen = Table("seen", metadata, must("name", Text, key=True), must("at", BigInteger))
Index("seen_at", seen.c.at)

step = Table(
    "step",
    metadata,
    number(),
    must("alert", Text, of("alert.id")),
    must("at", BigInteger),
    must("kind", word(StepKind)),
    must("who", Text),
    must("detail", MAPPING),
    sqlite_autoincrement=True,
)
Index("step_alert", step.c.alert)

hazard = Table(
    "hazard",
    metadata,
    must("alert", Text, of("alert.id"), key=True),
    must("source", word(Source)),
    must("grade", word(Grade)),
    must("place", Text),
    must("reported_at", BigInteger),
    must("state", word(HazardState)),
    must("reporter", Text),
    must("contact", Text),
    must("wrong", Text),
    must("spot", Text),
    must("remedy", Text),
    must("photos", NAMES),
    must("role", Text),
    must("responsible", Text),
    Column("accepted_at", BigInteger),
    must("accepted_by", Text),
    Column("deadline_at", BigInteger),
    must("extensions", Integer),
    Column("until_at", BigInteger),
    Column("due_at", BigInteger),
    must("level", Integer),
    must("reminded", Boolean),
    Column("rectified_at", BigInteger),
    must("rectified_by", Text),
    must("rectified_text", Text),
    must("rectified_photos", NAMES),
    Column("reinspected_at", BigInteger),
    must("reinspected_by", Text),
    Column("passed", Boolean),
    must("reinspected_text", Text),
    must("failures", Integer),
    Column("listed_at", BigInteger),
    must("listed_by", Text),
    must("listing", Text),
    Column("closed_at", BigInteger),
    must("closed_by", Text),
    must("reason", Text),
    must("version", Integer),
    must("open", Boolean),
)
Index("hazard_due", hazard.c.due_at)
Index("hazard_open", hazard.c.open, hazard.c.reported_at)
