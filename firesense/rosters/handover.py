"""The hand-over report: what is open at a place, who goes, who comes on, and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from firesense.domain.alert import AlertClass, Case
from firesense.domain.instant import DAY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from firesense.domain.alert import Alert
    from firesense.domain.instant import Instant
    from firesense.domain.place import Org, Place, Post
    from firesense.domain.roster import Span
    from firesense.ports import Book

_LOOKED_AHEAD = 14 * DAY


@dataclass(frozen=True, slots=True)
class Handover:
    """A place's open alerts, in the order given, and for each of its posts who is on, until when, and who follows.

    Who follows is the first span after the present one; None when nothing changes within two weeks.
    """

    place: Place
    alerts: tuple[Alert, ...]
    posts: tuple[tuple[Post, Span, Span | None], ...]

    @property
    def waiting(self) -> int:
        """How many of the alerts nobody has."""
        return sum(alert.case is Case.OPEN for alert in self.alerts)


def handover(org: Org, place: Place, alerts: Iterable[Alert], now: Instant) -> Handover:
    """Make the report of a place, with the alerts of all places below it; tests are nothing to hand over."""
    mine = tuple(
        alert
        for alert in alerts
        if alert.open
        and alert.alert_class is not AlertClass.TEST
        and any(above.code == place.code for above in org.path(alert.place))
    )
    posts = []
    for post in org.posts.values():
        if post.place == place.code:
            present, *later = org.changes(post, now, now + _LOOKED_AHEAD)
            posts.append((post, present, later[0] if later else None))
    return Handover(place, mine, tuple(posts))


def open_alerts(book: Book) -> Iterator[Alert]:
    """Every alert that is open, the gravest first. Raises BookError."""
    after = ""
    while page := book.alerts(after=after):
        yield from page
        after = page[-1].id
