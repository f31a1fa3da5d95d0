"""The list of alerts as all pages show it, read from the book once for each step of the story and each language."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from firesense.domain.alert import AlertClass
from firesense.web.shown import AlertShown, show_alert

if TYPE_CHECKING:
    from firesense.domain.plan import Plan
    from firesense.ports import Book

ALERTS_MOST = 200
_RANK = {kind: rank for rank, kind in enumerate(AlertClass)}  # fire first, tests last; what nobody has before the rest


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of alerts at a step of the story.

    ``counts`` are all open ones by class, the gravest first; ``next`` is what the following page begins after.
    """

    step: int
    alerts: list[AlertShown]
    counts: dict[str, int]
    next: str | None


class Board:
    """Keeps the first page until the book's last step or the plan changes: a hundred open pages cost one reading."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._lock = threading.Lock()
        self._read: dict[tuple[str, bool], tuple[Plan, Listed]] = {}

    def alerts(self, plan: Plan, language: str, *, open_only: bool = True, after: str = "") -> Listed:
        """Give the alerts, or those that follow the alert ``after``. Raises BookError, NotFound."""
        if after:
            return self._list(plan, language, self._book.last_step(), open_only=open_only, after=after)
        with self._lock:
            step = self._book.last_step()
            kept = self._read.get((language, open_only))
            if kept is not None and kept[0] is plan and kept[1].step == step:
                return kept[1]
            listed = self._list(plan, language, step, open_only=open_only)
            self._read[language, open_only] = (plan, listed)
            return listed

    def _list(self, plan: Plan, language: str, step: int, *, open_only: bool, after: str = "") -> Listed:
        found = self._book.alerts(open_only=open_only, most=ALERTS_MOST + 1, after=after)
        page = found[:ALERTS_MOST]
        shown = [
            show_alert(alert, self._book.climb(alert.id), self._book.calls(alert.id), plan, language) for alert in page
        ]
        if open_only:
            shown.sort(key=_place)
        following = page[-1].id if len(found) > ALERTS_MOST else None
        whole = not after and following is None
        count = dict(self._book.counts().alerts) if not whole else Counter(a.alert_class for a in page if a.open)
        counts = {kind.value: count.get(kind, 0) for kind in AlertClass}
        return Listed(step, shown, counts, following)


def _place(shown: AlertShown) -> tuple[int, bool, bool]:
    alert = shown.alert
    return _RANK[alert.alert_class], alert.of_stranger, alert.acknowledged_at is not None
