"""``make quality``: replays labelled cases through the shipped rules and prints how good the alarms are.

``python -m tests.quality [--rules FILE] [--devices N] [--days D] [--case NAME]``; docs/alarm-quality.md says what the
columns mean. The exit code is 0 whatever they say: they are measured, not asserted.
"""

from __future__ import annotations

import argparse
import statistics
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from firesense.app.plan import read_calendars
from firesense.backtest import Backtest
from firesense.backtest.report import most_in
from firesense.domain.escalation import Purpose
from firesense.domain.instant import DAY, HOUR, SECOND
from firesense.domain.plan import Plan
from firesense.ladderfile import load_ladders
from firesense.orgtree import load_org
from firesense.profiles import load_profiles
from firesense.reader import Reader
from firesense.rulebook import load_rules
from firesense.settings import load_settings
from tests.quality import fires, towns

ROOT = Path(__file__).parents[2]
CHATTERS = 3  # times an alert trips again within an hour
HEADINGS = (
    f"{'simulated case':<30}",
    "struck",
    "found",
    "median s",
    "worst s",
    "late",
    "wrong",
    "most",
    "chattering",
    "stale",
    "rules (the wrong ones, if any)",
)
REPORTING = (10, 60)  # s between two reports of a detector in the real fires


def main():
    asked = _arguments()
    plan, kinds = shipped(asked.rules)
    chosen = [case for case in towns.cases() if asked.case in ("", case.name)]
    print(f"rules: {asked.rules}\n")
    print(" | ".join(HEADINGS))
    began = perf_counter()
    totals = []
    for case in chosen:
        totals.append(outcome_of(case, plan, kinds))
        print(totals[-1].line(), flush=True)
    events = [outcome for outcome in totals if outcome.case.expected]
    if events:
        found, struck = sum(o.found for o in events), sum(o.struck for o in events)
        print(f"\nfound {found} of {struck}; forbidden alerts {sum(o.forbidden for o in totals)}")
    if not asked.case:
        false_alarms(plan, kinds, asked.devices, asked.days)
        real_fires(plan, kinds)
    print(f"\n{perf_counter() - began:.0f} s")


def _arguments():
    parser = argparse.ArgumentParser(prog="python -m tests.quality")
    parser.add_argument("--rules", type=Path, default=ROOT / "config/rules.yaml")
    parser.add_argument("--devices", type=int, default=500, help="of the healthy town")
    parser.add_argument("--days", type=float, default=7.0)
    parser.add_argument("--case", default="", help="only this one")
    return parser.parse_args()


def shipped(rules=ROOT / "config/rules.yaml"):
    """The plan of the shipped configuration, with other rules where wanted, and the kinds of its channels."""
    settings = load_settings(ROOT / "config/firesense.yaml")
    kinds = {channel.name: channel.kind for channel in settings.channels}
    org = load_org(settings.files.org)
    ladders = load_ladders(settings.files.ladders, org, kinds)
    calendars = read_calendars(settings, org)
    return (
        Plan(
            load_profiles(settings.files.profiles),
            load_rules(rules, calendars.seasons),
            org=org,
            ladders=ladders.by_id,
            selectors=ladders.selectors,
            calendars=calendars,
        ),
        kinds,
    )


class Outcome:
    """What a case came to."""

    def __init__(self, case, courses):
        self.case = case
        mine = [course for course in courses if course.alert.device in case.struck]
        first = {}
        for course in mine:
            if course.alert.alert_class in case.expected:
                after = (course.alert.raised_at - towns.START) / SECOND - case.starts
                first[course.alert.device] = min(first.get(course.alert.device, after), after)
        self.rules = sorted({course.alert.rule for course in courses})
        self.struck = 0 if not case.expected else 1 if case.exactly == 1 else len(case.struck)
        in_time = {d: after for d, after in first.items() if after >= 0}
        self.found = min(len(in_time), self.struck)
        self.delays = sorted(in_time.values())
        self.over = sum(after > case.latest - case.starts for after in self.delays)
        self.forbidden = sum(course.alert.alert_class in case.forbidden for course in courses)
        if case.exactly is not None:
            self.forbidden += abs(len(courses) - case.exactly)
        self.wrong = sorted({c.alert.rule for c in courses if c.alert.alert_class in case.forbidden})
        self.most = busiest(courses)
        self.chattering = sum(most_in(c.tripped_again, HOUR) >= CHATTERS for c in courses if c.tripped_again)
        end = towns.START + case.lasts * SECOND
        self.stale = sum(c.over_at is None and end - c.alert.raised_at > DAY for c in courses)
        self.alerts = len(courses)

    def line(self):
        delays = self.delays
        median, worst = (f"{statistics.median(delays):.0f}", f"{delays[-1]:.0f}") if delays else ("", "")
        said = ", ".join(self.wrong or self.rules)
        return (
            f"{self.case.name:<30} | {self.struck or '':>6} | {self.found if self.struck else '':>5} | {median:>8} |"
            f" {worst:>7} | {self.over:>4} | {self.forbidden:>5} | {self.most:>4} |"
            f" {share(self.chattering, self.alerts):>10} | {share(self.stale, self.alerts)} | {said}"
        )


def share(part, whole):
    return f"{100 * part / whole:3.0f} %" if whole else "     "


def busiest(courses):
    """The most alerts one person is told of within ten minutes."""
    told = {}
    for course in courses:
        first = {}
        for call in course.calls:
            if call.purpose is Purpose.ALERT:
                first.setdefault(call.person, call.created_at)
        for person, at in first.items():
            told.setdefault(person, []).append(at)
    return max((most_in(instants) for instants in told.values()), default=0)


def play(case, plan, kinds):
    """The alerts of a case, all the way from its frames."""
    plan = replace(plan, registry=case.registry)
    backtest = Backtest({"rules": plan}, Reader(plan.profiles, plan.registry), kinds)
    frames = towns.frames(case, most=case.restarts) if case.restarts else towns.frames(case)
    backtest.run(restarting(frames, backtest) if case.restarts else frames)
    assert backtest.refused == 0, f"{backtest.refused} frames of {case.name} cannot be read"
    [tried] = backtest.tried
    return backtest, tried.courses


def restarting(batches, backtest):
    """Start firesense anew after each batch."""
    for batch in batches:
        yield batch
        for tried in backtest.tried:
            tried.rehearsal.restart()


def outcome_of(case, plan, kinds):
    _, courses = play(case, plan, kinds)
    return Outcome(case, courses)


def false_alarms(plan, kinds, devices, days):
    case = towns.healthy(devices, days)
    backtest, courses = play(case, plan, kinds)
    years = devices * days / 365.25
    print(f"\nhealthy town: {devices} devices for {days:g} days, {years:.1f} device-years, {backtest.frames} frames")
    for alert_class in ("fire", "hazard", "fault"):
        mine = [course for course in courses if course.alert.alert_class == alert_class]
        rules = ", ".join(sorted({course.alert.rule for course in mine}))
        print(f"  false {alert_class:<7} {len(mine):>4}  {len(mine) / years:.3f} a device-year  {rules}")
    print(f"  at most {busiest(courses)} alerts for one officer in 10 minutes")


def real_fires(plan, kinds):
    stations = fires.stations()
    if not stations:
        print("\nreal fires: ../shared/data is not there")
        return
    print(
        "\nNIST smoke-alarm tests, numeric rules alone | photoelectric s | ionisation s | rules s, a report every",
        REPORTING,
    )
    leads = {every: [] for every in REPORTING}
    sounded = [station for station in stations if station.photoelectric is not None]
    for station in sounded:
        found = {every: fires.detected(station, plan, kinds, every) for every in REPORTING}
        shown = "  ".join("  none" if each is None else f"{each:6.0f}" for each in found.values())
        print(f"  {station.test} {station.name}  {station.photoelectric:5.0f}  {station.ionisation or 0:5.0f}  {shown}")
        for every, at in found.items():
            if at is not None:
                leads[every].append(at - station.photoelectric)
    for every, lead in leads.items():
        median = f"median {statistics.median(lead):+.0f} s, worst {max(lead):+.0f} s" if lead else "none"
        print(f"  every {every} s: {len(lead)} of {len(sounded)} stations; against the photoelectric alarm {median}")
    for name, reference, at, values in fires.cables():
        found = fires.cable_detected(at, values, plan, kinds, 60)
        shown = "none" if found is None else f"{found:.0f} s ({found - reference:+.0f})"
        print(f"  CAROLFIRE PT-1 {name}: at {fires.CABLE_LIMIT:g} degC after {reference:.0f} s, raised after {shown}")


if __name__ == "__main__":
    main()
