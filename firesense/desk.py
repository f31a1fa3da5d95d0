"""The desk: what a person may do to an alert. Each deed is one transaction of the book."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from firesense.domain.alert import Alert, Finding
    from firesense.ports import Book, Clock


class Desk:
    """Acknowledge and close. ``on_change`` runs after a deed is written, in the thread that did it; it must not wait.

    The console, the telephone and the chat robots all come through here, each with the id of the person (or, for a
    user who is nobody in the org, the name of the log-in) as ``who``.
    """

    def __init__(self, book: Book, clock: Clock, on_change: Callable[[], None] | None = None) -> None:
        self._book = book
        self._clock = clock
        self._on_change = on_change

    def acknowledge(self, alert_id: str, who: str) -> Alert:
        """Take an alert, which ends its climb. Raises NotFound, BookError, Conflict when it is closed or another's."""
        alert = self._book.acknowledge(alert_id, who, self._clock.now())
        self._changed()
        return alert

    def close(self, alert_id: str, who: str, finding: Finding, note: str) -> Alert:
        """Close a case with what was found on site. Raises NotFound, Conflict (closed already), BookError."""
        alert = self._book.close_alert(alert_id, who, self._clock.now(), finding, note.strip())
        self._changed()
        return alert

    def _changed(self) -> None:
        if self._on_change is not None:
            self._on_change()
