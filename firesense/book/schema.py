"""Which version of the tables a database has, and bringing it to ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from firesense.book import tables
from firesense.domain.errors import BookError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

    from firesense.book.sql import Database

# MIGRATIONS[n] is the SQL that leads from version n + 1 to n + 2; a new database gets the tables as they are now.
MIGRATIONS: Sequence[Sequence[str]] = (
    ("ALTER TABLE quarantine ADD COLUMN more BIGINT DEFAULT 0 NOT NULL",),
    (
        """CREATE TABLE because (
            alert TEXT NOT NULL PRIMARY KEY REFERENCES alert (id) DEFERRABLE INITIALLY DEFERRED, told TEXT NOT NULL
        )""",
    ),
    (
        """UPDATE alert SET rank =
            CASE alert_class WHEN 'fire' THEN 0 WHEN 'hazard' THEN 2 WHEN 'fault' THEN 4 ELSE 6 END
            + CASE substr(device, 1, 1) WHEN '?' THEN 1 ELSE 0 END""",
    ),
    (
        "ALTER TABLE place ADD COLUMN scheme TEXT DEFAULT '' NOT NULL",
        "ALTER TABLE post ADD COLUMN rosters TEXT DEFAULT '[]' NOT NULL",
        """CREATE TABLE roster (
            number INTEGER NOT NULL PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, rotations TEXT NOT NULL
        )""",
        """CREATE TABLE roster_change (
            number INTEGER NOT NULL PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
            begins_at BIGINT NOT NULL, ends_at BIGINT NOT NULL, person TEXT NOT NULL, stand_in TEXT NOT NULL,
            roster TEXT NOT NULL, swap TEXT NOT NULL, who TEXT NOT NULL, at BIGINT NOT NULL, note TEXT NOT NULL,
            revoked_by TEXT NOT NULL, revoked_at BIGINT
        )""",
        "CREATE INDEX roster_change_ends ON roster_change (ends_at)",
        """CREATE TABLE feed (
            token_hash TEXT NOT NULL PRIMARY KEY, person TEXT NOT NULL, place TEXT NOT NULL, role TEXT NOT NULL,
            who TEXT NOT NULL, at BIGINT NOT NULL
        )""",
    ),
    (
        """CREATE TABLE IF NOT EXISTS hazard (
            alert TEXT NOT NULL PRIMARY KEY REFERENCES alert (id) DEFERRABLE INITIALLY DEFERRED,
            source TEXT NOT NULL, grade TEXT NOT NULL, place TEXT NOT NULL, reported_at BIGINT NOT NULL,
            state TEXT NOT NULL, reporter TEXT NOT NULL, contact TEXT NOT NULL, wrong TEXT NOT NULL,
            spot TEXT NOT NULL, remedy TEXT NOT NULL, photos TEXT NOT NULL, role TEXT NOT NULL,
            responsible TEXT NOT NULL, accepted_at BIGINT, accepted_by TEXT NOT NULL, deadline_at BIGINT,
            extensions INTEGER NOT NULL, until_at BIGINT, due_at BIGINT, level INTEGER NOT NULL,
            reminded BOOLEAN NOT NULL, rectified_at BIGINT, rectified_by TEXT NOT NULL, rectified_text TEXT NOT NULL,
            rectified_photos TEXT NOT NULL, reinspected_at BIGINT, reinspected_by TEXT NOT NULL, passed BOOLEAN,
            reinspected_text TEXT NOT NULL, failures INTEGER NOT NULL, listed_at BIGINT, listed_by TEXT NOT NULL,
            listing TEXT NOT NULL, closed_at BIGINT, closed_by TEXT NOT NULL, reason TEXT NOT NULL,
            version INTEGER NOT NULL, "open" BOOLEAN NOT NULL
        )""",
        "CREATE INDEX IF NOT EXISTS hazard_due ON hazard (due_at)",
        'CREATE INDEX IF NOT EXISTS hazard_open ON hazard ("open", reported_at)',
    ),
    (
        "ALTER TABLE alert ADD COLUMN quiet TEXT DEFAULT '' NOT NULL",
        """CREATE TABLE quiet (
            id TEXT NOT NULL PRIMARY KEY REFERENCES alert (id) DEFERRABLE INITIALLY DEFERRED,
            kind TEXT NOT NULL, who TEXT NOT NULL, why TEXT NOT NULL,
            set_at BIGINT NOT NULL, starts_at BIGINT NOT NULL, ends_at BIGINT NOT NULL, remind_at BIGINT NOT NULL,
            place TEXT NOT NULL, device TEXT NOT NULL, gateway TEXT NOT NULL, rule TEXT NOT NULL, alert TEXT NOT NULL,
            tester TEXT NOT NULL, grace BIGINT NOT NULL,
            announced_at BIGINT, reminded_at BIGINT, over_at BIGINT, ended_by TEXT NOT NULL, due_at BIGINT
        )""",
        "CREATE INDEX quiet_due ON quiet (due_at)",
        "CREATE INDEX quiet_ends ON quiet (ends_at)",
    ),
    ("CREATE INDEX IF NOT EXISTS alert_same ON alert (device, rule)",),
    (
        "ALTER TABLE ladder ADD COLUMN timers TEXT DEFAULT '[null,null,null]' NOT NULL",
        "ALTER TABLE selector ADD COLUMN seasons TEXT DEFAULT '[]' NOT NULL",
        "ALTER TABLE selector ADD COLUMN hours TEXT",
        "ALTER TABLE selector ADD COLUMN confirmed BOOLEAN DEFAULT FALSE NOT NULL",
        "ALTER TABLE selector ADD COLUMN start INTEGER DEFAULT 0 NOT NULL",
        "ALTER TABLE call ADD COLUMN strand TEXT DEFAULT '' NOT NULL",
        "ALTER TABLE call ADD COLUMN detail TEXT DEFAULT '{}' NOT NULL",
        "DROP INDEX climb_due",
        "ALTER TABLE climb RENAME TO climb_of_one",
        """CREATE TABLE climb (
            alert TEXT NOT NULL REFERENCES alert (id) DEFERRABLE INITIALLY DEFERRED, strand TEXT NOT NULL,
            ladder TEXT NOT NULL, rungs TEXT NOT NULL, repeat INTEGER, timers TEXT NOT NULL, state TEXT NOT NULL,
            rung INTEGER NOT NULL, round INTEGER NOT NULL, due_at BIGINT, version INTEGER NOT NULL,
            tries INTEGER NOT NULL, first_round INTEGER NOT NULL, "by" TEXT NOT NULL, reason TEXT NOT NULL,
            rank INTEGER NOT NULL, PRIMARY KEY (alert, strand)
        )""",
        """INSERT INTO climb SELECT alert, '', ladder, rungs, repeat, '[null,null,null]', state, rung, round, due_at,
            version, 0, 0, '', '', rank FROM climb_of_one""",
        "DROP TABLE climb_of_one",
        "CREATE INDEX climb_due ON climb (rank, due_at)",
    ),
    (
        "ALTER TABLE person ADD COLUMN quiet TEXT DEFAULT '' NOT NULL",
        "ALTER TABLE call ADD COLUMN ask_at BIGINT",
        "ALTER TABLE call ADD COLUMN line TEXT DEFAULT '' NOT NULL",
        "ALTER TABLE call ADD COLUMN instead_of TEXT DEFAULT '' NOT NULL",
        "UPDATE call SET line = address",
        "CREATE INDEX call_line ON call (channel, line, sent_at)",
        "CREATE INDEX call_person ON call (person, created_at)",
        "CREATE INDEX call_receipt ON call (channel, receipt)",
        """CREATE TABLE flood (
            number INTEGER NOT NULL PRIMARY KEY, person TEXT NOT NULL, alert TEXT NOT NULL, begun_at BIGINT NOT NULL,
            bundled INTEGER NOT NULL, ended_at BIGINT
        )""",
        "CREATE INDEX flood_open ON flood (ended_at, person)",
        "CREATE TABLE seen (name TEXT NOT NULL PRIMARY KEY, at BIGINT NOT NULL)",
        "CREATE INDEX seen_at ON seen (at)",
    ),
    (
        "ALTER TABLE alert ADD COLUMN dispatched_at BIGINT",
        "ALTER TABLE alert ADD COLUMN arrived_at BIGINT",
        "ALTER TABLE alert ADD COLUMN verified_at BIGINT",
        "ALTER TABLE alert ADD COLUMN verified_by TEXT DEFAULT '' NOT NULL",
        "ALTER TABLE alert ADD COLUMN cause TEXT DEFAULT '' NOT NULL",
        "ALTER TABLE alert ADD COLUMN silenced_at BIGINT",
        "ALTER TABLE alert ADD COLUMN incident TEXT DEFAULT '' NOT NULL",
        "CREATE INDEX alert_incident ON alert (incident) WHERE incident != ''",
        # Whoever could log in before could do everything; who may do less from now on is for people to say.
        "ALTER TABLE \"user\" ADD COLUMN rights TEXT DEFAULT 'admin' NOT NULL",
        "ALTER TABLE \"user\" ADD COLUMN place TEXT DEFAULT '' NOT NULL",
        """CREATE TABLE audit (
            number INTEGER NOT NULL, at BIGINT NOT NULL, who TEXT NOT NULL, origin TEXT NOT NULL, did TEXT NOT NULL,
            kind TEXT NOT NULL, target TEXT NOT NULL, detail TEXT NOT NULL, hash TEXT NOT NULL, PRIMARY KEY (number)
        )""",
        "CREATE INDEX audit_target ON audit (kind, target)",
        """CREATE TABLE audit_end (
            "end" TEXT NOT NULL, number BIGINT NOT NULL, hash TEXT NOT NULL, PRIMARY KEY ("end")
        )""",
        """CREATE TABLE photo (
            alert TEXT NOT NULL REFERENCES alert (id) DEFERRABLE INITIALLY DEFERRED, id TEXT NOT NULL,
            at BIGINT NOT NULL, who TEXT NOT NULL, size INTEGER NOT NULL, width INTEGER NOT NULL,
            height INTEGER NOT NULL, note TEXT NOT NULL, PRIMARY KEY (alert, id)
        )""",
        "CREATE INDEX photo_id ON photo (id)",
    ),
    (
        """CREATE INDEX step_figures ON step (alert, kind, at)
            WHERE kind IN ('acknowledged', 'handed-on', 'undone', 'held')""",
        """CREATE TABLE roll_call (
            id TEXT NOT NULL PRIMARY KEY, role TEXT NOT NULL, place TEXT NOT NULL, planned_at BIGINT NOT NULL,
            within BIGINT NOT NULL, above TEXT NOT NULL, started_by TEXT NOT NULL, state TEXT NOT NULL,
            people TEXT NOT NULL, asked_at BIGINT, answered_at BIGINT, answered_by TEXT NOT NULL, due_at BIGINT
        )""",
        "CREATE INDEX roll_call_due ON roll_call (due_at)",
        "CREATE INDEX roll_call_planned ON roll_call (planned_at)",
    ),
    (
        """CREATE TABLE suppressed (
            number INTEGER NOT NULL PRIMARY KEY,
            alert TEXT NOT NULL REFERENCES alert (id) DEFERRABLE INITIALLY DEFERRED,
            why TEXT NOT NULL, what TEXT NOT NULL, device TEXT NOT NULL, count INTEGER NOT NULL,
            first_at BIGINT NOT NULL, last_at BIGINT NOT NULL, UNIQUE (alert, why, what, device)
        )""",
    ),
    ("ALTER TABLE device ADD COLUMN installed_at BIGINT DEFAULT 0 NOT NULL",),
    ("ALTER TABLE call ADD COLUMN owner TEXT",),
    ("ALTER TABLE call ADD COLUMN tried_at BIGINT",),
    ("DROP INDEX alert_same", "CREATE INDEX alert_same ON alert (device, rule, open)"),
    (
        "ALTER TABLE alert ADD COLUMN called_at BIGINT",
        "ALTER TABLE alert ADD COLUMN taken_at BIGINT",
        "ALTER TABLE alert ADD COLUMN stood_still BOOLEAN",
        "ALTER TABLE alert ADD COLUMN was_held BOOLEAN",
        """UPDATE alert SET
            called_at = (SELECT min(sent_at) FROM call WHERE call.alert = alert.id AND call.purpose = 'alert'),
            taken_at = (
                SELECT min(at) FROM step WHERE step.alert = alert.id AND step.kind IN ('acknowledged', 'handed-on')
            ),
            stood_still = EXISTS (SELECT 1 FROM step WHERE step.alert = alert.id AND step.kind = 'undone'),
            was_held = EXISTS (SELECT 1 FROM step WHERE step.alert = alert.id AND step.kind = 'held')
        WHERE NOT alert.open""",
        "DROP INDEX step_figures",
    ),
    ("DROP INDEX call_ready", "CREATE INDEX call_ready ON call (rank, ready_at, channel)"),
    (
        """CREATE TABLE configured (
            kind TEXT NOT NULL, name TEXT NOT NULL, fields TEXT NOT NULL, PRIMARY KEY (kind, name)
        )""",
    ),
    ("CREATE TABLE removed (device TEXT NOT NULL PRIMARY KEY, at BIGINT NOT NULL)",),
    ("CREATE INDEX alert_left ON alert (raised_at) WHERE closed_at IS NOT NULL AND condition = 'firing'",),
    ("ALTER TABLE climb ADD COLUMN start INTEGER DEFAULT 0 NOT NULL",),
)

_VERSION = "schema"


def prepare(database: Database, migrations: Sequence[Sequence[str]] = MIGRATIONS) -> int:
    """Create the tables, or migrate those that are there, in one transaction; gives their version.

    Raises BookError when the database is newer than this program, holds something else, or cannot hold every text.
    """
    newest = len(migrations) + 1
    with database.reading() as connection:
        _refuse_other_encodings(connection, database.name)
        if _found(connection, database.name) == newest:
            return newest
    with database.writing() as connection:
        version = _found(connection, database.name)
        if version is None:
            tables.metadata.create_all(connection)
            connection.execute(
                sa.insert(tables.meta), [{"key": _VERSION, "value": newest}, {"key": "plan", "value": 0}]
            )
            return newest
        if version > newest:
            raise BookError(
                f"{database.name} has schema version {version}, written by a newer firesense; ours is {newest}"
            )
        for statement in (sql for migration in migrations[version - 1 :] for sql in migration):
            connection.exec_driver_sql(statement)
        connection.execute(sa.update(tables.meta).where(tables.meta.c.key == _VERSION).values(value=newest))
    return newest


def _refuse_other_encodings(connection: Connection, name: str) -> None:
    """Raise BookError where a server would refuse some names, or keep bytes that nobody looked at (SQL_ASCII)."""
    if connection.dialect.name != "sqlite":
        encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
        if encoding != "UTF8":
            raise BookError(
                f"{name} is a database in {encoding}, and a book needs one in UTF-8:"
                " CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0"
            )


def _found(connection: Connection, name: str) -> int | None:
    """Give the version found, None in an empty database; raises BookError when these are not our tables."""
    found = set(sa.inspect(connection).get_table_names())
    if not found:
        return None
    version = None
    if "meta" in found:
        version = connection.scalar(sa.select(tables.meta.c.value).where(tables.meta.c.key == _VERSION))
    if version is None:
        raise BookError(f"{name} is not a firesense book: it holds other tables")
    return int(version)
