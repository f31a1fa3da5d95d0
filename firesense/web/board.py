"""The list of alerts as all pages show it, read from the book once for each step of the story and each language."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from firesense.domain.alert import AlertClass
from firesense.web.shown import AlertShown, show_alert

if TYPE_CHECKING:
    from firesense.domain.plan import Plan
    from firesense.ports import Book

ALERTS_MOST = 200
_RANK = {kind: rank for rank, kind in enumerate(AlertClass)}  # fire first, tests last; what nobody has before the rest


class Board:
    """Keeps what it read until the book's last step or the plan changes: a hundred open pages cost one reading."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._lock = threading.Lock()
        self._read: dict[tuple[str, bool], tuple[int, Plan, list[AlertShown]]] = {}

    def alerts(self, plan: Plan, language: str, *, open_only: bool = True) -> tuple[int, list[AlertShown]]:
        """Give the last step of the story and the alerts as they are at it. Raises BookError."""
        with self._lock:
            step = self._book.last_step()
            kept = self._read.get((language, open_only))
            if kept is not None and kept[0] == step and kept[1] is plan:
                return step, kept[2]
            shown = [
                show_alert(alert, self._book.climb(alert.id), self._book.calls(alert.id), plan, language)
                for alert in self._book.alerts(open_only=open_only, most=ALERTS_MOST)
            ]
            if open_only:
                shown.sort(key=lambda each: (_RANK[each.alert.alert_class], each.alert.acknowledged_at is not None))
            self._read[language, open_only] = (step, plan, shown)
            return step, shown


def counts(alerts: list[AlertShown]) -> dict[str, int]:
    """How many alerts there are of each class, the gravest first."""
    return {kind.value: sum(shown.alert.alert_class is kind for shown in alerts) for kind in AlertClass}
