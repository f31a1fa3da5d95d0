"""The book: the relational store of people, devices, alerts, climbs, calls, quarantine and positions.

One database, SQLite here; each chapter holds the methods of one subject, ``SqlBook`` binds them.
"""

from __future__ import annotations

from firesense.book import definitions
from firesense.book.address import read_address
from firesense.book.audit import Audit
from firesense.book.auditing import Auditing
from firesense.book.cases import Cases
from firesense.book.climbs import Climbs
from firesense.book.configured import Configuration
from firesense.book.counts import Counting
from firesense.book.devices import Devices
from firesense.book.figures import AlertFigures
from firesense.book.floods import Floods
from firesense.book.forgetting import Forgetting
from firesense.book.hazards import Hazards
from firesense.book.incidents import Incidents
from firesense.book.listing import Listings
from firesense.book.mending import Mended, mend
from firesense.book.outbox import Outbox
from firesense.book.people import People
from firesense.book.quarantine import Quarantine
from firesense.book.quiets import QuietWindows
from firesense.book.receipts import Receipts
from firesense.book.reliefs import Reliefs
from firesense.book.rollcalls import RollCalls
from firesense.book.schema import prepare
from firesense.book.sessions import Sessions
from firesense.book.settling import Settling
from firesense.book.sql import Database
from firesense.book.story import Story
from firesense.book.streets import Streets
from firesense.book.whistles import Whistles

__all__ = ["Mended", "SqlBook", "mend", "read_address"]


class SqlBook(
    People,
    Reliefs,
    Devices,
    Configuration,
    Streets,
    Climbs,
    Whistles,
    Auditing,
    Outbox,
    Settling,
    Receipts,
    Floods,
    Listings,
    Cases,
    Hazards,
    QuietWindows,
    Story,
    Sessions,
    Quarantine,
    Counting,
    Audit,
    Incidents,
    Forgetting,
    AlertFigures,
    RollCalls,
):
    """The Book port on a SQL database; safe to use from several threads, and from several processes at once."""

    def __init__(self, url: str) -> None:
        """Open ``sqlite:///path/to/book.db``, and create or migrate its tables.

        Raises BookError when it cannot be opened, was written by a newer firesense, or is something else.
        """
        super().__init__(Database(url))
        try:
            definitions.keep(self._database, prepare(self._database))
        except BaseException:
            self.close()
            raise

    @property
    def to_be_mended(self) -> str:
        """Why this book must not be gone on with (it is damaged, or was replaced); empty when it may."""
        return self._database.to_be_mended

    def close(self) -> None:
        """Release the files."""
        self._database.close()
