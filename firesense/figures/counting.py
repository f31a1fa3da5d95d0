"""Columns -> figures. Rows lie in the order of the tree, so that a place with all below it is one slice of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import repeat
from typing import TYPE_CHECKING

import numpy as np

from firesense.domain.alert import AlertClass, Finding
from firesense.domain.figures import NEVER, AlertColumns, OpenAlert, Stage, Targets
from firesense.domain.instant import micros
from firesense.domain.rollcall import RollCall, RollCallState
from firesense.figures.devices import Condition, conditions
from firesense.figures.hazards import HazardsBelow
from firesense.figures.shapes import (
    ENOUGH,
    ClassFigures,
    DeviceFigures,
    Figures,
    PersonFigures,
    PlaceFigures,
    RollCallFigures,
    Times,
    TypeFigures,
)
from firesense.figures.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from firesense.domain.columns import Instants, Mask, Rows, Slots
    from firesense.domain.hazard import HazardColumns
    from firesense.domain.instant import Instant
    from firesense.domain.plan import Plan
    from firesense.figures.periods import Period

CLASSES = tuple(kind.value for kind in AlertClass)
_MAYBE_FIRE = frozenset({"", Finding.FIRE.value})


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """What the book says: the alerts raised in the period, and at the instant of the report all that is open."""

    alerts: AlertColumns
    open_alerts: Sequence[OpenAlert] = ()
    hazards: HazardColumns | None = None
    roll_calls: Sequence[RollCall] = field(default_factory=tuple)


def figures(
    facts: Facts,
    plan: Plan,
    period: Period,
    place: str,
    now: Instant,
    *,
    targets: Targets | None = None,
    deep: bool = False,
    people: bool = False,
) -> Figures:
    """Work out the figures of a period at a place with all below it, as they are known at ``now``.

    With ``deep`` every place below has its figures, else those directly below. Alerts of a place nobody knows (any
    more) are the root's. Nothing is said of single people unless asked for.
    """
    tree = Tree(plan.org)
    rows = _Rows(facts.alerts, tree, now, targets or Targets())
    below = HazardsBelow(facts.hazards, plan, period, now)
    states = conditions(plan, facts.open_alerts)
    at = tree.rows_of(states.places)
    asked = [call for call in facts.roll_calls if period.start_at <= call.planned_at < period.end_at]
    asked_at = tree.rows_of([call.place for call in asked])
    own = tree.span(place)
    places = [
        PlaceFigures(
            place=code,
            by_class=rows.by_class(rows.between(*tree.span(code))),
            devices=_devices(states, _inside(at, tree.span(code))),
            hazards=below.at(code),
            roll_calls=_roll_calls(call for call, row in zip(asked, asked_at, strict=True) if _within(row, tree, code)),
            depth=tree.depth(code) - tree.depth(place),
            children=tree.has_children(code),
        )
        for code in tree.below(place, deep=deep)
    ]
    here = rows.between(*own)
    return Figures(
        period=period,
        as_of=now,
        place=place,
        places=tuple(places),
        types=tuple(_types(rows, here, states, _inside(at, own), plan)),
        parts=tuple(_parts(rows, here, period)),
        people=tuple(_people(rows, here)) if people else (),
    )


def times(taken: Instants, target: timedelta | None = None, waiting: int = 0) -> Times:
    """Sum up how long a step took, in microseconds a case; ``waiting`` more waited for longer than the target.

    Median and percentile are those of a spreadsheet (MEDIAN and PERCENTILE.INC): between two cases, in proportion.
    """
    count = len(taken)
    late = 0 if target is None else int(np.count_nonzero(taken > micros(target))) + waiting
    if not count:
        return Times(target=target, late=late, due=waiting)
    ordered = np.sort(taken)
    ninetieth = _percentile(ordered, 0.9) if count >= ENOUGH else None
    longest = timedelta(microseconds=int(ordered[-1]))
    return Times(count, _percentile(ordered, 0.5), ninetieth, longest, target, late, count + waiting)


def _percentile(ordered: Instants, part: float) -> timedelta:
    """What numpy.quantile gives, for the many places that have a few cases, without its ceremony."""
    place = part * (len(ordered) - 1)
    low = int(place)
    below, above = int(ordered[low]), int(ordered[min(low + 1, len(ordered) - 1)])
    return timedelta(microseconds=round(below + (above - below) * (place - low)))


class _Rows:
    """The alerts in the order of their places, with codes for their words and durations for their instants."""

    def __init__(self, alerts: AlertColumns, tree: Tree, now: Instant, targets: Targets) -> None:
        at = tree.rows_of(alerts.place)
        self.order = np.argsort(at, kind="stable")
        self.at = at[self.order]
        self.alerts = alerts
        self.targets = targets
        self.alert_class, self.classes = _coded(alerts.alert_class, self.order)
        self.finding, self.findings = _coded(alerts.finding, self.order)
        self.cause, self.causes = _coded(alerts.cause, self.order)
        self.raised_at = alerts.raised_at[self.order]
        self.open = alerts.open[self.order]
        self.held = alerts.held[self.order]
        self.undone = alerts.undone[self.order]
        self.trips = alerts.trips[self.order]
        by_person = np.array([bool(who) for who in alerts.closed_by], dtype=bool)[self.order]
        closed_at = np.where(by_person, alerts.closed_at[self.order], NEVER)
        self.done = {
            Stage.CALL: alerts.called_at[self.order],
            # Whoever closes what nobody had has seen to it, and not before.
            Stage.ACKNOWLEDGE: np.minimum(alerts.taken_at[self.order], closed_at),
            Stage.ARRIVE: alerts.arrived_at[self.order],
            Stage.CLOSE: closed_at,
            Stage.RECOVER: alerts.cleared_at[self.order],
        }
        # What is over waits no longer. Nobody need be called to what somebody has, nor is anybody awaited where it was
        # found to be no fire from afar.
        over_at = np.where(self.open, now, np.minimum(alerts.closed_at[self.order], now))
        no_fire = np.array([finding not in _MAYBE_FIRE for finding in alerts.finding], dtype=bool)[self.order]
        found_at = np.where(no_fire, alerts.verified_at[self.order], NEVER)
        self.until = dict.fromkeys(Stage, over_at) | {
            Stage.CALL: np.minimum(over_at, alerts.taken_at[self.order]),
            Stage.ARRIVE: np.minimum(over_at, found_at),
        }

    def between(self, first: int, after: int) -> Rows:
        """The rows of the places from one row of the tree up to another."""
        start, end = np.searchsorted(self.at, (first, after))
        return np.arange(start, end)

    def by_class(self, rows: Rows) -> dict[str, ClassFigures]:
        """Figures of each class that has any alert among these rows; the classes in their order."""
        codes = self.alert_class[rows]
        return {
            name: self._class_figures(rows[codes == self.classes[name]], AlertClass(name))
            for name in CLASSES
            if name in self.classes and np.any(codes == self.classes[name])
        }

    def _class_figures(self, rows: Rows, kind: AlertClass) -> ClassFigures:
        alone = self.findings.get(Finding.CLEARED_ITSELF.value)
        return ClassFigures(
            raised=len(rows),
            open=int(np.count_nonzero(self.open[rows])),
            cleared_itself=0 if alone is None else int(np.count_nonzero(self.finding[rows] == alone)),
            chattering=int(np.count_nonzero(self.trips[rows] >= self.targets.chatters)),
            stood_still=int(np.count_nonzero(self.undone[rows])),
            findings=_counted(self.finding[rows], self.findings),
            causes=_counted(self.cause[rows], self.causes),
            times={stage: self.times(rows, stage, kind) for stage in Stage},
        )

    def times(self, rows: Rows, stage: Stage, kind: AlertClass | None = None) -> Times:
        """How long a step took; alerts that waited for the end of a quiet window are left out."""
        rows = rows[~self.held[rows]]
        done, raised = self.done[stage][rows], self.raised_at[rows]
        has = done != NEVER
        taken = np.maximum(done[has] - raised[has], 0)  # a clock that was put back makes nobody faster than that
        target = self.targets.within.get(kind, {}).get(stage) if kind else None
        waiting = 0
        if target is not None:
            until = self.until[stage][rows]
            waiting = int(np.count_nonzero(~has & (until - raised > micros(target))))
        return times(taken, target, waiting)


def _coded(words: Sequence[str], order: Rows) -> tuple[Slots, dict[str, int]]:
    """Number the words in the order in which they come up."""
    known = {word: number for number, word in enumerate(dict.fromkeys(words))}
    return np.fromiter(map(known.__getitem__, words), np.int32, len(words))[order], known


def _counted(codes: Slots, known: Mapping[str, int]) -> dict[str, int]:
    counts = np.bincount(codes, minlength=len(known))
    found = {word: int(counts[code]) for word, code in known.items() if word and counts[code]}
    return dict(sorted(found.items(), key=lambda each: (-each[1], each[0])))


def _parts(rows: _Rows, here: Rows, period: Period) -> Iterator[tuple[str, dict[str, int]]]:
    names, starts = zip(*period.parts, strict=True)
    part = np.searchsorted(np.array(starts, dtype=np.int64), rows.raised_at[here], side="right") - 1
    for number, name in enumerate(names):
        codes = rows.alert_class[here[part == number]]
        yield name, {kind: int(np.count_nonzero(codes == code)) for kind, code in rows.classes.items()}


def _types(rows: _Rows, here: Rows, states: Condition, inside: Mask, plan: Plan) -> Iterator[TypeFigures]:
    """By device class and profile; alerts that come of no device (a gateway, people) have neither."""
    kinds = states.kinds
    kind_of: dict[str, int] = dict(zip(states.devices, states.kind.tolist(), strict=True))
    alerts = rows.alerts
    known_kind = np.fromiter(map(kind_of.get, alerts.device, repeat(-1)), np.int64, len(alerts))
    of_alert = known_kind[rows.order[here]]
    others: dict[tuple[str, str], int] = {}  # of devices that are registered no more, or never were
    for row in np.flatnonzero(of_alert < 0).tolist():
        other = alerts.device_class[rows.order[here[row]]], ""
        of_alert[row] = others.setdefault(other, len(kinds) + len(others))
    for number, (device_class, profile_id) in enumerate([*kinds, *others]):
        mine = here[of_alert == number]
        known = number < len(kinds)
        devices = _devices(states, inside & (states.kind == number)) if known else DeviceFigures()
        if not len(mine) and not devices.total:
            continue
        profile = plan.profiles.get(profile_id)
        yield TypeFigures(
            device_class,
            profile_id,
            profile.vendor if profile else "",
            profile.model if profile else "",
            rows.by_class(mine),
            devices,
        )


def _people(rows: _Rows, here: Rows) -> Iterator[PersonFigures]:
    sources = rows.order[here]
    taken_by = np.array([rows.alerts.taken_by[row] for row in sources.tolist()], dtype=object)
    closed = Counter(rows.alerts.closed_by[row] for row in sources.tolist())
    names = {str(name) for name in taken_by} | set(closed)
    for name in sorted(names - {""}):
        yield PersonFigures(name, rows.times(here[taken_by == name], Stage.ACKNOWLEDGE), closed[name])


def _devices(states: Condition, mask: Mask) -> DeviceFigures:
    def count(which: Mask) -> int:
        return int(np.count_nonzero(which & mask))

    return DeviceFigures(
        int(np.count_nonzero(mask)), count(states.silent), count(states.in_alarm), count(states.in_fault)
    )


def _roll_calls(calls: Iterable[RollCall]) -> RollCallFigures:
    listed = list(calls)
    states = Counter(call.state for call in listed)
    answered = [
        call.answered_at - call.asked_at
        for call in listed
        if call.state is RollCallState.ANSWERED and call.answered_at is not None and call.asked_at is not None
    ]
    return RollCallFigures(
        asked=states[RollCallState.ANSWERED] + states[RollCallState.MISSED],
        answered=states[RollCallState.ANSWERED],
        unasked=states[RollCallState.UNASKED],
        median=times(np.array(answered, dtype=np.int64)).median,
    )


def _inside(at: Slots, span: tuple[int, int]) -> Mask:
    inside: Mask = (at >= span[0]) & (at < span[1])
    return inside


def _within(row: int, tree: Tree, code: str) -> bool:
    first, after = tree.span(code)
    return first <= row < after
