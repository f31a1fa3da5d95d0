"""First-out: which alert of an event came first. A fire spreads from where it was seen first, and that is where to go.

Fires and hazards that devices find at one place, each within ten minutes of the one before, are one event; fires are so
in one grid, too, for they reach the neighbours. A fire began where something said fire: a hazard before it at the same
place, low pressure in the main for instance, is no part of its event. Ten minutes are an own default.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from firesense.alerts.wording import names_first
from firesense.domain.alert import AlertClass
from firesense.domain.instant import MINUTE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from firesense.domain.alert import Alert
    from firesense.domain.instant import Instant
    from firesense.domain.place import Org

APART = 10 * MINUTE
_GRID = "grid"  # the kind of place within which a fire reaches the neighbours


class _Event(NamedTuple):
    first: Alert
    last_at: Instant


class FirstOut:
    """The events that open alerts make. Pure; what is found depends on the order of the alerts alone."""

    def __init__(self, org: Org) -> None:
        """Know of no event: ``follow`` comes next."""
        self._org = org
        self._events: dict[tuple[str, str], _Event] = {}

    def follow(self, alerts: Iterable[Alert]) -> None:
        """Take over what is open; of those of one instant the first is still the one that the others name."""
        self._events = {}
        for alert in sorted(alerts, key=lambda alert: (alert.event_at, names_first(alert), alert.id)):
            self.before(alert)

    def before(self, alert: Alert) -> Alert | None:
        """Give the first alert of the event that this one belongs to; None when it is the first itself."""
        found: Alert | None = None
        for key in self._keys(alert):
            event = self._events.get(key)
            if event is None or not event.first.event_at <= alert.event_at <= event.last_at + APART:
                self._events[key] = _Event(found or alert, alert.event_at)
                continue
            if alert.alert_class is not AlertClass.FIRE or event.first.alert_class is AlertClass.FIRE:
                found = found or event.first
            self._events[key] = event._replace(last_at=max(event.last_at, alert.event_at))
        return None if found is None or found.id == alert.id else found

    def _keys(self, alert: Alert) -> Iterator[tuple[str, str]]:
        """The events it may belong to: of a fire those of the fires in its grid, then what was found at its place."""
        if alert.alert_class not in {AlertClass.FIRE, AlertClass.HAZARD} or alert.of_stranger or not alert.device:
            return  # what people report without a device is no alarm that came first, and has nothing to name
        if alert.alert_class is AlertClass.FIRE:
            grid = next((place.code for place in self._org.path(alert.place) if place.kind == _GRID), alert.place)
            yield AlertClass.FIRE, grid
        yield "", alert.place
