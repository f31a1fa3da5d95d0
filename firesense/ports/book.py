"""The book: the relational store, in chapters."""

from __future__ import annotations

from typing import Protocol

from firesense.ports.book_desk import DeskPages
from firesense.ports.book_duty import DutyPages
from firesense.ports.book_hazards import HazardPages
from firesense.ports.book_registered import Registered
from firesense.ports.book_streets import StreetPages
from firesense.ports.book_windows import WindowPages


class Book(Registered, StreetPages, DutyPages, DeskPages, HazardPages, WindowPages, Protocol):
    """The relational store: registry, org, alerts, climbs, outbox, quarantine, sessions, positions.

    Every method is one transaction; BookError means that nothing of it was written. Where an ``entry`` is given, it is
    added to the audit in the same transaction, if anything was changed.
    """

    def close(self) -> None:
        """Release the files."""
        ...
