"""The streets as the real daemon runs them, each measured as a process of its own: processor time from its counters.

    streets.py DEVICES FRAMES      prints rows as JSON

Frames come from the hose over MQTT 5 at QoS 1, history goes to the sink over HTTP: both on the other core, so that
what is measured is ours. The journal is on the disk with fsync, the book too, eight rules are asked of each frame.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections import deque
from contextlib import ExitStack
from pathlib import Path

import psutil
from fleet import ORDERS
from measure import Row, environment, give, peak_mib, pin, spent
from town import Town, end

from firesense.app import open_book, open_journal

_LOOK = 0.02  # seconds
_PATIENCE = 120


class Helper:
    """One of the scripts beside this one, running and telling its port."""

    def __init__(self, stack: ExitStack, name: str, *arguments: object) -> None:
        command = [sys.executable, str(Path(__file__).with_name(name)), *map(str, arguments)]
        self.process = stack.enter_context(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment())
        )
        stack.callback(self.process.kill)
        self.port = int(self.line().split()[1])

    def line(self) -> str:
        """The next thing it says."""
        return self.process.stdout.readline()

    def ask(self, text: str) -> None:
        """Tell it something."""
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()


class Watched:
    """A daemon and how far its streets are."""

    def __init__(self, stack: ExitStack, town: Town, *streets: str) -> None:
        self.town = town
        self._book = stack.enter_context(open_book(town.settings))
        self.journal = stack.enter_context(open_journal(town.settings))
        self._readers = [street for street in streets if street in {"alerting", "record"}]
        self.process = town.start(*streets)
        stack.callback(_kill, self.process)
        self.samples: deque[tuple[int, float, float]] = deque()

    def positions(self) -> dict[str, int]:
        """How far each street here is."""
        positions = self._book.positions()
        return {street: positions.get(street, 0) for street in self._readers}

    def position(self) -> int:
        """The frames that every street here has done."""
        return min(self.positions().values())

    def moved(self) -> None:
        """Wait until every street here has done something."""
        self.until(1)

    def until(self, position: int) -> None:
        """Wait until all of it is done, and remember when which part was."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            at = self.position()
            if not self.samples or at != self.samples[-1][0]:
                self.samples.append((at, spent(self.process), time.monotonic()))
            if at >= position:
                return
            if self.process.status() == psutil.STATUS_ZOMBIE or time.monotonic() > deadline:
                raise RuntimeError(f"stands at {at} of {position}:\n{self.town.said()}")
            time.sleep(_LOOK)

    def at(self, position: int) -> tuple[float, float]:
        """Processor and wall seconds when so much was done, between the looks around it."""
        before = self.samples[0]
        for after in self.samples:
            if after[0] >= position:
                share = (position - before[0]) / ((after[0] - before[0]) or 1)
                return tuple(b + share * (a - b) for a, b in zip(after[1:], before[1:], strict=True))
            before = after
        return self.samples[-1][1:]


def _kill(process: psutil.Process) -> None:
    """Leave nothing behind when the bench is broken off."""
    if process.is_running():
        process.kill()


def poured(
    stack: ExitStack, town: Town, hose: Helper, what: str, streets: tuple[str, ...], phases: list[tuple[str, int]]
):
    """Start these streets, pour the phases one after the other, and give a row for each and one for the start."""
    devices = phases[0][1]
    began = time.monotonic()
    watched = Watched(stack, town, *streets)
    done = watched.journal.head
    for order, count in phases:
        hose.ask(f"{order} {count}")
        assert hose.line() == "pouring\n"
        cpu, wall = spent(watched.process), time.monotonic()
        if order == "each":
            yield Row(f"start: {what}", devices, "", 0, 0.0, peak_mib=peak_mib(watched.process.pid),
                      note=f"{wall - began:.1f} s, {cpu:.1f} s of processor, until the broker was heard")  # fmt: skip
        hose.line()
        done += count
        watched.until(done)
        used = spent(watched.process) - cpu
        elapsed = watched.samples[-1][2] - wall
        note = "each device for the first time" if order == "each" else ""
        yield Row(what, devices, order, count, used / count * 1e6, count / elapsed, peak_mib(watched.process.pid), note)
    end(watched.process)


def recorded(stack: ExitStack, town: Town, phases: list[tuple[str, int]], first: int):
    """Start ``record`` alone on a journal that is full."""
    watched = Watched(stack, town, "record")
    total = first + sum(count for _, count in phases)
    watched.until(total)
    at = first
    for order, count in phases:
        (cpu0, wall0), (cpu1, wall1) = watched.at(at), watched.at(at + count)
        at += count
        if order != "each":
            yield Row("record (HTTP sink)", phases[0][1], order, count, (cpu1 - cpu0) / count * 1e6,
                      count / (wall1 - wall0), peak_mib(watched.process.pid))  # fmt: skip
    end(watched.process)


def main(devices: int, count: int) -> None:
    """Run all of it."""
    phases = [("each", devices), *((order, count) for order in ORDERS)]
    rows: list[Row] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="firesense-bench-")))
        hose, sink = Helper(stack, "hose.py", devices), Helper(stack, "sink.py")
        history = f'{{kind: influxdb1, url: "http://127.0.0.1:{sink.port}"}}'
        town = Town(folder / "town", port=hose.port, history=history)
        began = time.monotonic()
        town.register(devices)
        rows.append(Row("register", devices, "", 0, 0.0, note=f"{time.monotonic() - began:.1f} s"))
        rows += poured(stack, town, hose, "ingest + alerting", ("ingest", "alerting"), phases)
        rows += recorded(stack, town, phases, 0)
        rows += poured(stack, town, hose, "all streets", ("ingest", "alerting", "record", "duty"), phases)
    give(rows)


if __name__ == "__main__":
    pin(1)
    main(int(sys.argv[1]), int(sys.argv[2]))
