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
    _, selector = select(alert, org, selectors)
    return None if selector is None else ladders.get(selector.ladder)


def select(alert: Alert, org: Org, selectors: Sequence[Selector]) -> tuple[int, Selector | None]:
    """Find the first selector that fits an alert, with its number from 0; (-1, None) when none does."""
    path = list(org.path(alert.place))
    codes = {place.code for place in path}
    tags = {tag for place in path for tag in place.tags}
    for number, selector in enumerate(selectors):
        if (
            (not selector.alert_classes or alert.alert_class in selector.alert_classes)
            and (not selector.grades or alert.grade in selector.grades)
            and (not selector.places or not codes.isdisjoint(selector.places))
            and (not selector.tags or not tags.isdisjoint(selector.tags))
        ):
            return number, selector
    return -1, None
