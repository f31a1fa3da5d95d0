"""What must hold after a run, whatever was done to it. Everything that does not is a line in the result."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

from firesense.alerts import FIRESENSE
from firesense.app import open_book
from firesense.domain.escalation import CallState, ClimbState, Purpose, StepKind
from firesense.domain.frame import Marks, Reason
from firesense.domain.readings import Quality
from firesense.hearing import DEAF
from tests.servers import InfluxDB
from tests.torture.house import ROUNDS, RUNGS, WAIT

if TYPE_CHECKING:
    from firesense.domain.alert import Alert
    from firesense.ports import Book
    from tests.torture.publisher import Said
    from tests.torture.run import Run

_EARLY = 50_000  # microseconds a rung may come before its time
_SHOWN = 5  # of each kind of fault
Point = tuple[int, float, int]  # milliseconds, value, quality


def verdict(run: Run) -> None:
    """Add everything that is wrong to the run's result."""
    held: dict[bytes, list[tuple[int, int]]] = defaultdict(list)
    for offset, _, payload, marks in run.journal_frames():
        held[payload].append((offset, marks))
    with open_book(run.house.settings) as book:
        refused = {refusal.offset: refusal.reason for refusal in book.quarantine(most=1_000_000)}
        _frames(run, held, refused)
        _alerts(run, book)
    _ledger(run)
    run.result.counts |= {
        "frames": len(run.fleet.said),
        "published": sum(frame.published for frame in run.fleet.said),
        "journalled": sum(map(len, held.values())),
        "repeated": sum(bool(marks & Marks.REPEATED) for found in held.values() for _, marks in found),
        "quarantined": len(refused),
        "calls": len(run.people.heard()),
    }


def missing(run: Run) -> list[Said]:
    """The frames that the history must have and has not yet: what a store lost is written again in the background."""
    points, poison = _points(run), {number / 1000 for number in run.plan.poison}
    return [
        frame
        for frame in run.fleet.said
        if not frame.bad and frame.value not in poison and frame.value not in points[frame.device]
    ]


def _frames(run: Run, held: dict[bytes, list[tuple[int, int]]], refused: dict[int, Reason]) -> None:
    """Every frame exactly once in the history, with its value and its time, or in quarantine with its reason."""
    points = _points(run)
    poison = {number / 1000 for number in run.plan.poison}
    wrong: list[str] = []
    for frame in run.fleet.said:
        offsets = held.get(frame.payload, [])
        reasons = {refused[offset] for offset, _ in offsets if offset in refused}
        found = points[frame.device].pop(frame.value, [])
        name = f"frame {frame.number} of {frame.device}"
        expected = {Reason.WRONG_TYPE} if frame.bad else {Reason.SINK_REFUSED} if frame.value in poison else set()
        if expected or reasons:
            if reasons != expected:
                wrong.append(f"{name} is in quarantine for {reasons}, should be for {expected}")
            if found:
                wrong.append(f"{name} is in the history although it was refused: {found}")
            continue
        # A frame whose time the daemon could not believe (its clock was put back) is kept under when it was received.
        doubted = [point for point in found if run.plan.stepped and point[2] & Quality.CLOCK_WRONG]
        believed = [point for point in found if point not in doubted]
        if not found:
            wrong.append(f"{name} is lost: nowhere in the history, {len(offsets)} times in the journal")
        elif len(believed) > 1 or any(at != frame.at for at, _, _ in believed):
            wrong.append(f"{name} said {frame.at} and is there as {found}")
        elif len(found) > len(offsets):
            wrong.append(f"{name} is {len(found)} times in the history and {len(offsets)} times in the journal")
    wrong += [f"{device} never said what the history has: {left}" for device, left in points.items() if left]
    _tell(run, wrong)


def _points(run: Run) -> dict[str, dict[float, list[Point]]]:
    """What the history holds of smoke density: device -> value -> where it is, straight from the store."""
    points: dict[str, dict[float, list[Point]]] = defaultdict(lambda: defaultdict(list))
    if isinstance(run.store, InfluxDB):
        for row in run.store.query("SELECT smoke_density, quality FROM smoke GROUP BY device"):
            point = (row["time"] // 1_000_000, row["smoke_density"], row["quality"])
            points[row["device"]][row["smoke_density"]].append(point)
        return points
    quality = {
        (series["metric"]["device"], at): int(value)
        for series in run.store.series('{__name__="smoke_quality"}')
        for at, value in zip(series["timestamps"], series["values"], strict=True)
    }
    for series in run.store.series('{__name__="smoke_smoke_density"}'):
        device = series["metric"]["device"]
        # A sample that was written twice is kept twice unless the store is told to deduplicate: docs/history-schema.md.
        for at, value in set(zip(series["timestamps"], series["values"], strict=True)):
            points[device][value].append((at, value, quality.get((device, at), 0)))
    return points


def _alerts(run: Run, book: Book) -> None:
    """One alert for each fire; every call of it made; the climb one rung at a time, none too early.

    None besides, but what firesense says of itself (a full disk, for one). It never was deaf for a minute.
    """
    by_device: dict[str, list[Alert]] = defaultdict(list)
    for alert in book.alerts(open_only=False, most=10_000):
        by_device[alert.device].append(alert)
    wrong = [
        f"an alert nobody expects: {alert.rule} of {device}"
        for device, alerts in by_device.items()
        for alert in alerts
        if (device not in run.burning or alert.rule != "smoke-fire") and (device != FIRESENSE or alert.rule == DEAF)
    ]
    calls = [call.says for call in run.people.heard()]
    heard = Counter(says["key"] for says in calls if says["bundled"] == 1)
    raised = {alert.id for alerts in by_device.values() for alert in alerts}
    wrong += [
        f"a bundle that nobody expects: {says}"
        for says in calls
        if says["bundled"] > 1 and (says["alert"]["id"] not in raised or says["alert"]["class"] == "fire")
    ]
    for device in run.burning:
        alerts = [alert for alert in by_device[device] if alert.rule == "smoke-fire"]
        if len(alerts) != 1:
            wrong.append(f"{device} burned once and raised {len(alerts)} alerts")
            continue
        wrong += [f"{device}: {fault}" for fault in _climb_faults(run, book, alerts[0], heard)]
    _tell(run, wrong)
    written = {call.key for alerts in by_device.values() for alert in alerts for call in book.calls(alert.id)}
    _tell(run, [f"a call was heard that is not in the book: {key}" for key in heard if key not in written])
    run.result.counts["heard_twice"] = sum(heard.values()) - len(heard)


def _climb_faults(run: Run, book: Book, alert: Alert, heard: Counter[str]) -> list[str]:
    calls = [call for call in book.calls(alert.id) if call.purpose is Purpose.ALERT and call.channel == "hook"]
    made = {(call.round, call.rung): call for call in calls}
    climb = book.climb(alert.id)
    faults: list[str] = []
    if len(made) != len(calls):
        faults.append("two calls of one rung in one round")
    ladder = [(lap, rung) for lap in range(ROUNDS) for rung in range(len(RUNGS))]
    taken = alert.id in run.taken
    if list(made) != ladder[: len(made)] or (not taken and len(made) != len(ladder)):
        faults.append(f"climbed {list(made)}")
    if climb is None or climb.state is not (ClimbState.ACKNOWLEDGED if taken else ClimbState.EXHAUSTED):
        faults.append(f"its climb is {climb.state if climb else 'missing'}")
    for call in calls:
        if call.state is CallState.MOOT and taken:
            continue
        if call.state not in {CallState.SENT, CallState.DELIVERED} or not heard[call.key]:
            faults.append(f"the call {call.key} is {call.state} and was heard {heard[call.key]} times")
        if taken and not run.plan.stepped and call.created_at > (alert.acknowledged_at or 0):
            faults.append(f"the call {call.key} was written after the alert was taken")
    if not run.plan.stepped:
        instants = [call.created_at for call in calls]
        early = [b - a for a, b in pairwise(instants) if b - a < WAIT * 1_000_000 - _EARLY]
        faults += [f"a rung was called {gap} us after the one before" for gap in early]
    steps = [
        (step.detail["round"], step.detail["rung"]) for step in book.story(alert.id) if step.kind is StepKind.CALLED
    ]
    if steps != sorted(steps) or len(set(steps)) != len(steps):
        faults.append(f"its story goes {steps}")
    return faults


def _ledger(run: Run) -> None:
    said = run.ledger.stdout
    if run.ledger.returncode != 0:
        _tell(run, [f"the ledger does not balance: {said} {run.ledger.stderr[-500:]}"])
    lines = dict(line.split() for line in said.splitlines()[:5])
    if lines.get("waiting") != "0":
        _tell(run, [f"frames wait in the ledger: {said}"])


def _tell(run: Run, wrong: list[str]) -> None:
    run.result.wrong += wrong[:_SHOWN]
    if len(wrong) > _SHOWN:
        run.result.wrong.append(f"... and {len(wrong) - _SHOWN} more like these")
