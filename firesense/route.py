"""Alert + place -> ladder: the first selector that fits wins."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from firesense.domain.alert import Alert
    from firesense.domain.escalation import Ladder, Selector
    from firesense.domain.place import Org


def choose(alert: Alert, org: Org, ladders: Mapping[str, Ladder], selectors: Sequence[Selector]) -> Ladder | None:
    """Find the ladder for an alert; None when no selector fits, which a checked configuration never allows.

    An alert at a place that is not (or no longer) in the org still finds the selectors that ask for no place.
    """
    path = list(org.path(alert.place))
    codes = {place.code for place in path}
    tags = {tag for place in path for tag in place.tags}
    for selector in selectors:
        if (
            (not selector.alert_classes or alert.alert_class in selector.alert_classes)
            and (not selector.grades or alert.grade in selector.grades)
            and (not selector.places or not codes.isdisjoint(selector.places))
            and (not selector.tags or not tags.isdisjoint(selector.tags))
        ):
            return ladders.get(selector.ladder)
    return None
