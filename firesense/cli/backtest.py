"""The command that tries rules on the past."""

from __future__ import annotations

import json
import sys
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from firesense.app import open_book, open_history, open_journal, read_files
from firesense.app.plugs import make_reader
from firesense.backtest import Backtest, compare, document, from_history, from_journal, offset_at, summary
from firesense.domain.device import Registry
from firesense.domain.errors import ConfigError, Fault
from firesense.domain.instant import instant, iso, micros
from firesense.domain.plan import Plan
from firesense.domain.quiet import NO_WINDOWS, Quiets
from firesense.journal.exported import frames
from firesense.ladderfile import load_ladders
from firesense.orgfile import load_devices
from firesense.rulebook import load_rules
from firesense.settings import load_settings
from firesense.yamlfile import duration

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator
    from datetime import timedelta

    from firesense.cli.daemon import Commands
    from firesense.domain.frame import FrameBatch
    from firesense.domain.instant import Instant
    from firesense.domain.readings import Readings
    from firesense.settings import Settings

_BAR = 30  # characters


def add_commands(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """Add backtest."""
    command = commands.add_parser("backtest", parents=[shared], help="try rules on the frames of the past")
    command.add_argument("--rules", type=Path, help="other rules, beside those in force")
    command.add_argument("--ladders", type=Path, help="other ladders for the other rules")
    command.add_argument("--from", dest="start", default="", help="first instant that counts, with its zone")
    command.add_argument("--to", dest="end", default="", help="instant to stop before (default: all there is)")
    command.add_argument("--frames", type=Path, help="exported frames (NDJSON, also gzip) instead of the journal")
    command.add_argument("--history", action="store_true", help="what the history store kept instead of the journal")
    command.add_argument("--devices", type=Path, help="a device register instead of the book's")
    command.add_argument("--warm-up", default="1h", help="frames from before --from that fill the rules' state")
    command.add_argument("--taken-after", default="10m", help="when somebody takes an alert; never: nobody does")
    command.add_argument("--out", type=Path, help="write everything as JSON")
    command.set_defaults(does=_backtest)


def _backtest(asked: argparse.Namespace) -> int:
    settings = load_settings(asked.config)
    plans = _plans(asked, settings)
    start, end = _instant(asked.start, "--from"), _instant(asked.end, "--to")
    warm_up = micros(_length(asked.warm_up, "--warm-up"))
    any_plan = next(iter(plans.values()))
    if asked.history and (asked.frames or not start or not end):
        raise ConfigError([Fault("", "--history", "goes with --from and --to, and not with --frames")])
    total = 0
    batches: Iterable[FrameBatch] = ()
    readings: Iterable[list[Readings]] = ()
    with ExitStack() as stack:
        if asked.history:
            history = stack.enter_context(open_history(settings))
            readings = from_history(history, any_plan, start - warm_up, end)
        elif asked.frames:
            batches = _between(frames(asked.frames), start - warm_up if start else 0, end)
        else:
            journal = stack.enter_context(open_journal(settings))
            first = offset_at(journal, start - warm_up) if start else journal.tail
            last = offset_at(journal, end) if end else journal.head
            total, batches = last - first, from_journal(journal, first, last)
        bar = _Bar(total, start - warm_up, end)
        backtest = Backtest(
            plans,
            make_reader(settings, any_plan),
            {channel.name: channel.kind for channel in settings.channels},
            start,
            None if asked.taken_after == "never" else _length(asked.taken_after, "--taken-after"),
            _windows(asked, settings, start),
            bar.show,
        )
        began = perf_counter()
        try:
            backtest.run(batches)
            backtest.replay(readings)
        finally:
            bar.end()
        seconds = perf_counter() - began
    difference = compare(*(tried.courses for tried in backtest.tried)) if len(backtest.tried) > 1 else None
    for line in summary(backtest, difference, seconds):
        print(line)
    if asked.out:
        told = json.dumps(document(backtest, difference, seconds), ensure_ascii=False, indent=1)
        asked.out.write_text(told + "\n", encoding="utf-8")
    return 0


def _windows(asked: argparse.Namespace, settings: Settings, start: Instant) -> Quiets:
    """What was quiet then, for the devices of the book."""
    if asked.devices:
        return NO_WINDOWS
    with open_book(settings) as book:
        return Quiets(book.quiets(start))


def _plans(asked: argparse.Namespace, settings: Settings) -> dict[str, Plan]:
    """The plan in force and, if there are other rules or ladders, the plan with these."""
    files = read_files(settings)
    if asked.devices:
        slots: Counter[str] = Counter()
        devices = []
        for device in load_devices(asked.devices, files.profiles, files.org):
            devices.append(replace(device, slot=slots[device.device_class]))
            slots[device.device_class] += 1
        registry = Registry(devices)
    else:
        with open_book(settings) as book:
            registry = book.registry()
    ladders = files.ladders
    plan = Plan(
        files.profiles,
        files.rules,
        registry,
        files.org,
        ladders.by_id,
        ladders.selectors,
        calendars=files.calendars,
    )
    plans = {str(settings.files.rules): plan}
    if asked.rules or asked.ladders:
        if asked.ladders:
            ladders = load_ladders(
                asked.ladders, files.org, {channel.name for channel in settings.channels}, files.calendars.seasons
            )
        other = replace(plan, ladders=ladders.by_id, selectors=ladders.selectors)
        if asked.rules:
            other = replace(other, rules=load_rules(asked.rules, files.calendars.seasons))
        name = str(asked.rules or settings.files.rules) + (f" with {asked.ladders}" if asked.ladders else "")
        plans[name if name not in plans else f"{name} (again)"] = other
    return plans


def _between(batches: Iterator[FrameBatch], start: Instant, end: Instant) -> Iterator[FrameBatch]:
    """Leave out batches that end before ``start``, and stop giving them after ``end``; the file is read to its end."""
    for batch in batches:
        if int(batch.received_at[-1]) >= start and (not end or int(batch.received_at[0]) < end):
            yield batch


def _instant(text: str, option: str) -> Instant:
    if not text:
        return 0
    try:
        return instant(datetime.fromisoformat(text))
    except ValueError as error:
        raise ConfigError([Fault("", option, f"{text!r}: write 2026-01-15T08:00:00+08:00 ({error})")]) from error


def _length(text: str, option: str) -> timedelta:
    try:
        return duration(text)
    except ValueError as error:
        raise ConfigError([Fault("", option, str(error))]) from error


class _Bar:
    """How far it is, on a terminal; nothing where nobody looks."""

    def __init__(self, total: int, start: Instant, end: Instant) -> None:
        self._total = total
        self._start, self._lasts = start, max(end - start, 0) if start > 0 else 0
        self._shown = sys.stderr.isatty()
        self._next = 0.0

    def show(self, done: int, at: Instant) -> None:
        """Draw it, at most ten times a second."""
        if not self._shown or perf_counter() < self._next:
            return
        self._next = perf_counter() + 0.1
        share = done / self._total if self._total else (at - self._start) / self._lasts if self._lasts else 0.0
        bar = ("#" * round(min(share, 1.0) * _BAR)).ljust(_BAR) if self._total or self._lasts else ""
        print(f"\r[{bar}] {done} frames, at {iso(at)}", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave the line."""
        if self._shown:
            print(file=sys.stderr)
