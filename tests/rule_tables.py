"""Rules, devices and tables of readings for the tests of rules, and a plain engine to compare the real one with."""

from __future__ import annotations

import math
from datetime import timedelta

import numpy as np

from firesense.domain.alert import AlertClass, Grade
from firesense.domain.device import Device, Registry
from firesense.domain.instant import SECOND, micros
from firesense.domain.readings import UNSAID, Quality, Readings
from firesense.domain.rule import Change, Rule, RuleKind
from firesense.rules import RuleEngine

T0 = 1_790_000_000 * SECOND
SIGNALS = ("fire", "heat", "test", "tamper", "low_battery", "trouble")
PROFILE = "example-smoke"
CHATTER = 600 * SECOND


def rule(rule_id="r", kind="signal", **keys):
    """Make a rule over smoke detectors; a hazard unless it says otherwise."""
    given = {"device_class": "smoke", "alert_class": AlertClass.HAZARD, "grade": Grade.GENERAL} | keys
    return Rule(id=rule_id, kind=RuleKind(kind), version="1", **given)


FIRE = rule("fire", when="fire and not asserted(test)", clears="not fire", alert_class=AlertClass.FIRE, latches=True)


def devices(count=4, **keys):
    return Registry(
        Device(f"d{slot}", "smoke", PROFILE, f"x{slot}", "riverside", slot, **keys) for slot in range(count)
    )


def table(*rows):
    """Make a table of rows; ``at`` and ``received`` in seconds after T0, everything else by the name of its column."""
    plain = ("slot", "at", "received", "quality", "offset")
    names = list(dict.fromkeys(name for row in rows for name in row if name not in plain))
    return Readings(
        "smoke",
        PROFILE,
        np.array([row.get("slot", 0) for row in rows], np.int32),
        np.array([T0 + round(row["at"] * SECOND) for row in rows], np.int64),
        np.array([T0 + round(row.get("received", row["at"]) * SECOND) for row in rows], np.int64),
        np.array([row.get("offset", number) for number, row in enumerate(rows)], np.int64),
        np.array([int(row.get("quality", 0)) for row in rows], np.uint16),
        {n: np.array([row.get(n, np.nan) for row in rows], np.float64) for n in names if n not in SIGNALS},
        {n: np.array([row.get(n, UNSAID) for row in rows], np.int8) for n in names if n in SIGNALS},
    )


def engine(*rules, registry=None, period=timedelta(minutes=1)):
    return RuleEngine(rules, devices() if registry is None else registry, periods={PROFILE: period}, started_at=T0)


def told(transitions):
    """Put transitions the short way: (rule, slot, change, seconds after T0)."""
    return [(t.rule, t.slot, t.change.value, (t.event_at - T0) / SECOND) for t in transitions]


class PlainEngine:
    """The same answers as RuleEngine gives, worked out reading by reading with nothing but ifs.

    ``asks`` maps a rule to (when, clears): functions of a row, and of the rate at it, that give True, False or None.
    """

    def __init__(self, rules, asks):
        self.rules = rules
        self.asks = asks
        self.newest = {}
        self.states = {}
        self.kept = {}

    def apply(self, rows):
        out = []
        for number, row in enumerate(rows):
            slot, at = row["slot"], T0 + round(row["at"] * SECOND)
            quality = Quality(row.get("quality", 0))
            stale = bool(quality & (Quality.LATE | Quality.REPLAYED))
            current = not stale and at >= self.newest.get(slot, 0)
            if current:
                self.newest[slot] = at
            for one in self.rules:
                rate = self._rate(one, slot, at, row, current) if one.kind is RuleKind.RATE else None
                for change, event_at, value in self._move(one, slot, at, row, current, rate):
                    marked = quality | Quality.LATE if stale else quality
                    out.append((row.get("offset", number), one.id, slot, change, event_at, marked, value))
        return out

    def tick(self, now):
        out = []
        for (rule_id, slot), state in sorted(self.states.items()):
            one = next(r for r in self.rules if r.id == rule_id)
            if state["is"] in {"pending", "clearing"} and state["due"] <= now:
                trips = state["is"] == "pending"
                hold = one.hold
                state["is"] = "firing" if trips else "idle"
                change = Change.TRIPPED if trips else Change.CLEARED
                over_at = state["since"] + (micros(hold) if trips else state["clear_hold"])
                if trips:
                    self._count(one, state, over_at)
                out.append((-1, rule_id, slot, change, over_at, Quality(0), state["value"]))
        return out

    def _move(self, one, slot, at, row, current, rate):  # noqa: C901, PLR0912 -- all cases in one place, to be read
        state = self.states.setdefault((one.id, slot), {"is": "idle"})
        when, clears = (ask(row, rate) for ask in self.asks[one.id])
        received = T0 + round(row.get("received", row["at"]) * SECOND)
        value = row.get(one.metric, math.nan)
        if not current:
            urgent = one.kind is RuleKind.SIGNAL and one.alert_class is AlertClass.FIRE
            if urgent and when and state["is"] in {"idle", "pending"}:
                state["is"] = "firing"
                yield Change.TRIPPED, at, value
            return
        if when is None and clears is None:
            return
        if state["is"] == "pending" and at >= state["since"] + micros(one.hold):
            state["is"] = "firing"
            self._count(one, state, state["since"] + micros(one.hold))
            yield Change.TRIPPED, state["since"] + micros(one.hold), state["value"]
        elif state["is"] == "clearing" and at >= state["since"] + state["clear_hold"]:
            state["is"] = "idle"
            yield Change.CLEARED, state["since"] + state["clear_hold"], state["value"]
        if state["is"] == "idle" and when:
            if one.hold:
                state.update({"is": "pending", "since": at, "due": received + micros(one.hold), "value": value})
            else:
                state["is"] = "firing"
                self._count(one, state, at)
                yield Change.TRIPPED, at, value
        elif state["is"] == "pending":
            if when:
                state["value"] = value
            elif when is False:
                state["is"] = "idle"
        elif state["is"] == "firing" and clears and not when:
            hold = max(micros(one.clear_hold), CHATTER) if self._chatters(one, state, at) else micros(one.clear_hold)
            if hold:
                state.update(
                    {"is": "clearing", "since": at, "clear_hold": hold, "due": received + hold, "value": value}
                )
            else:
                state["is"] = "idle"
                yield Change.CLEARED, at, value
        elif state["is"] == "clearing" and (when or clears is False):
            state["is"] = "firing"
            if when and self._chatters(one, state, at):
                self._count(one, state, at)
                yield Change.TRIPPED, at, value

    def _count(self, one, state, at):
        state["trips"] = [*state.get("trips", ()), at][-one.chatters :]

    def _chatters(self, one, state, at):
        trips = state.get("trips", ())
        return bool(one.chatters) and len(trips) == one.chatters and at - trips[0] <= CHATTER

    def _rate(self, one, slot, at, row, current):
        """Fit a line with polyfit through what is kept in the window and the new reading."""
        value = row.get(one.metric, math.nan)
        if math.isnan(value) or not current or row.get("quality", 0) & Quality.RETAINED:
            return None
        kept = self.kept.setdefault((one.id, slot), [])
        window = micros(one.window)
        points = [(t, v) for t, v in kept[-8:] if at - window <= t < at] + [(at, value)]
        if not kept or at - kept[-1][0] >= window // 8:
            kept.append((at, value))
        if len(points) < 3 or (at - points[0][0]) * 2 < window:
            return None
        seconds = [(t - at) / SECOND for t, _ in points]
        return np.polyfit(seconds, [v for _, v in points], 1)[0] * one.per.total_seconds()


def comparable(transitions):
    """Put transitions so that they can be compared with those of the plain engine, whatever the order of rules."""
    rows = [(t.offset, t.rule, t.slot, t.change, t.event_at, t.quality, t.value) for t in transitions]
    return ordered(rows)


def ordered(rows):
    return [(*row[:6], None if math.isnan(row[6]) else row[6]) for row in sorted(rows, key=lambda row: row[:3])]
