"""The list of alerts as all pages show it, read from the book and written once for all who look at the same part."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from firesense.domain.alert import AlertClass
from firesense.domain.instant import SECOND
from firesense.web.shown import show_listed

if TYPE_CHECKING:
    from firesense.domain.alert import Alert
    from firesense.domain.escalation import Climb
    from firesense.domain.instant import Instant
    from firesense.domain.plan import Plan
    from firesense.ports import Book, CallsListed, Clock
    from firesense.web.cards import Cards

ALERTS_MOST = 200
CALLS_SHOWN = 3  # of an alert, the newest
_KEPT_FOR = 10 * SECOND  # open pages ask every 15 s though there was no step
_VIEWS_KEPT = 12  # the open ones and all in two languages, and some pages that follow; 300 kB each at most
_RANK = {kind: rank for rank, kind in enumerate(AlertClass)}  # fire first, tests last; what nobody has before the rest


@dataclass(frozen=True, slots=True)
class Card:
    """An alert's card, what it was written from, and the first edition it stands in as it is."""

    of: tuple[Alert, Climb | None, CallsListed | None, int]
    html: str
    edition: int


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of alerts at a step of the story, read at ``read_at``.

    ``waiting`` of them nobody has taken; ``counts`` are all open ones by class, the gravest first; ``next`` is what the
    following page begins after.
    """

    plan: Plan
    read_at: Instant
    edition: int
    step: int
    cards: dict[str, Card]
    waiting: int
    counts: dict[str, int]
    next: str | None

    def since(self, edition: int) -> list[str]:
        """Give the cards; of those that stood in that edition as they are only the names, for pages that have them."""
        return [
            card.html if card.edition > edition else f'<li id="alert-{alert}" data-same></li>\n'
            for alert, card in self.cards.items()
        ]


@dataclass(frozen=True, slots=True)
class _View:
    language: str
    open_only: bool
    after: str


class Board:
    """Keeps what was written until the book's last step or the plan changes: a hundred open pages cost one reading.

    But for ten seconds at most: that a call is tried again, or when a climb goes on, changes without a step. Of what
    changed, only the cards that say something else are written anew. ``name`` tells this board's editions from those of
    one before it.
    """

    def __init__(self, book: Book, cards: Cards, clock: Clock) -> None:
        self.cards = cards
        self.name = secrets.token_hex(4)
        self._book = book
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[_View, Listed] = {}  # what was asked for last at the end
        self._edition = 0

    def alerts(
        self, plan: Plan, language: str, *, open_only: bool = True, after: str = "", told: int | None = None
    ) -> Listed:
        """Give the alerts, or those that follow the alert ``after``. Raises BookError, NotFound.

        As they are now or, for pages that were told of the step ``told``, as they were at that step or later: while
        steps follow each other quickly, what all of them are given is read as often as they are told, and not oftener.
        """
        view, now = _View(language, open_only, after), self._clock.now()
        with self._lock:
            kept = self._kept.get(view)
            if (
                kept is None
                or kept.plan is not plan
                or abs(now - kept.read_at) >= _KEPT_FOR
                or kept.step < self._wanted(told)
            ):
                kept = self._read(view, plan, now, kept)
            self._kept.pop(view, None)
            self._kept[view] = kept
            if len(self._kept) > _VIEWS_KEPT:
                self._kept.pop(next(iter(self._kept)))
            return kept

    def _wanted(self, told: int | None) -> int:
        return self._book.last_step() if told is None else told

    def _read(self, view: _View, plan: Plan, now: Instant, before: Listed | None) -> Listed:
        most = ALERTS_MOST + 1
        found = self._book.listing(open_only=view.open_only, most=most, after=view.after, calls=CALLS_SHOWN)
        page = found.alerts[:ALERTS_MOST]
        following = page[-1].id if len(found.alerts) > ALERTS_MOST else None
        if view.open_only:
            page = sorted(page, key=_place)
        self._edition += 1
        cards = {} if before is None else before.cards
        new_plan = before is None or before.plan is not plan
        written = {}
        for alert in page:
            of = alert, found.climbs.get(alert.id), found.calls.get(alert.id), found.whistles.get(alert.id, 0)
            card = cards.get(alert.id)
            if card is None or new_plan or card.of != of:
                html = self.cards.write(show_listed(*of, plan, view.language), view.language)
                edition = card.edition if card is not None and card.html == html else self._edition
                card = Card(of, html, edition)
            written[alert.id] = card
        waiting = sum(alert.open and alert.acknowledged_at is None for alert in page)
        counts = {kind.value: found.counts[kind] for kind in AlertClass}
        return Listed(plan, now, self._edition, found.step, written, waiting, counts, following)


def _place(alert: Alert) -> tuple[int, bool, bool]:
    return _RANK[alert.alert_class], alert.of_stranger, alert.acknowledged_at is not None
