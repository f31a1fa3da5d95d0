"""What the configuration said when it was last read, as digests; what differs goes into the audit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from firesense.book import audit, rows, tables
from firesense.book.sql import Chapter
from firesense.domain.audit import Entry
from firesense.domain.configured import Configured, differing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.engine import Connection

_META = tables.meta.c
_ONE_AT_A_TIME = sa.select(_META.value).where(_META.key == "plan").with_for_update()


class Configuration(Chapter):
    """The configuration."""

    def note_configured(self, things: Iterable[Configured], entry: Entry) -> int:
        """Keep what the configuration says, and write down what differs from what is kept. See the port."""
        wanted = list(things)
        with self._database.reading() as connection:
            if not any(differing(_kept(connection), wanted)):
                return 0
        with self._database.writing() as connection:
            connection.execute(_ONE_AT_A_TIME)  # several processes start together, and only one is to say it
            kept = _kept(connection)
            found = list(differing(kept, wanted))
            if not found:
                return 0
            connection.execute(sa.delete(tables.configured))
            connection.execute(sa.insert(tables.configured), [rows.values(one) for one in wanted])
            if kept:
                audit.add(
                    connection,
                    *(_said(entry, one.did, one.kind, one.name, fields=", ".join(one.fields)) for one in found),
                )
            else:
                audit.add(connection, _said(entry, "installed", "setting", "", count=str(len(wanted))))
        return len(found)


def _kept(connection: Connection) -> Sequence[Configured]:
    return [Configured(*row) for row in connection.execute(sa.select(*rows.CONFIGURED))]


def _said(entry: Entry, did: str, kind: str, target: str, **detail: str) -> Entry:
    return Entry(
        entry.at, entry.who, entry.origin, did, kind, target, {key: text for key, text in detail.items() if text}
    )
