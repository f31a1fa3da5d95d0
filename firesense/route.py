"""Alert + place + time -> ladder: the first selector that fits wins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from firesense.domain.calendar import within

if TYPE_CHECKING:
    from firesense.domain.alert import Alert
    from firesense.domain.escalation import Ladder, Selector
    from firesense.domain.instant import Instant
    from firesense.domain.plan import Plan


def choose(alert: Alert, plan: Plan, now: Instant, *, confirmed: bool = False) -> tuple[Ladder | None, int]:
    """Find the ladder for an alert, and the rung (from 0) its first act reaches up to.

    No ladder when no selector fits, which a checked configuration never allows. ``confirmed`` says that another fire
    is open at the same place. An alert at a place that is not (or no longer) in the org still finds the selectors
    that ask for no place.
    """
    _, selector = select(alert, plan, now, confirmed=confirmed)
    return (None, 0) if selector is None else (plan.ladders.get(selector.ladder), selector.start)


def select(alert: Alert, plan: Plan, now: Instant, *, confirmed: bool = False) -> tuple[int, Selector | None]:
    """Find the first selector that fits an alert, with its number from 0; (-1, None) when none does."""
    path = list(plan.org.path(alert.place))
    codes = [place.code for place in path]
    tags = {tag for place in path for tag in place.tags}
    for number, selector in enumerate(plan.selectors):
        if (
            (not selector.alert_classes or alert.alert_class in selector.alert_classes)
            and (not selector.grades or alert.grade in selector.grades)
            and (not selector.places or not selector.places.isdisjoint(codes))
            and (not selector.tags or not tags.isdisjoint(selector.tags))
            and (confirmed or not selector.confirmed)
            and (selector.hours is None or selector.hours.hold(plan.calendars.clock(now)))
            and (not selector.seasons or any(_in_force(name, codes, plan, now) for name in selector.seasons))
        ):
            return number, selector
    return -1, None


def _in_force(season: str, path: list[str], plan: Plan, now: Instant) -> bool:
    period = plan.calendars.at(season, path)
    return period is not None and bool(within(period.edges, np.array([now]))[0])
