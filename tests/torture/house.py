"""The daemon under torture: one process or one for each street, started anew whenever it is gone, as systemd does."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from firesense.settings import load_settings
from tests.servers import free_port
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]
STREETS = ("ingest", "alerting", "record", "duty")
WAIT = 1.0  # seconds of every rung
ROUNDS = 2
RUNGS = (("grid-member", "an"), ("grid-leader", "bo"), ("station-duty", "cheng"))
OPERATOR = "ding"
RESTART = 0.2  # seconds

_SETTINGS = """\
data: disk
files:
  {{profiles: {root}/device_profiles, rules: rules.yaml, org: org.yaml, ladders: ladders.yaml, devices: devices.csv}}
brokers: [{{name: main, protocol: {protocol}, port: {port}, client_id: tortured, keep_alive: 5s, connect_timeout: 3s}}]
history: {{{history}, timeout: 3s, go_back: 20s}}
book: "{book}"
alerting: {{snapshot_every: 3s}}
channels:
  - {{name: log, kind: log}}
  - {{name: hook, kind: webhook, url: "{hook}", secret: made-up-secret-of-a-test, allow_private: true, timeout: 3s}}
web: {{port: {web}}}
"""
_RULES = """\
rules:
  - {id: smoke-fire, kind: signal, device_class: smoke, class: fire, grade: major,
     when: fire and not asserted(test), clears: not fire, latches: true, text: {zh: 火警, en: Fire}}
  - {id: smoke-silent, kind: absence, device_class: smoke, class: fault, grade: general, periods: 3, at_most: 24h,
     text: {zh: 失联, en: Silent}}
"""
_ORG = """\
people:
  an: {name: An, language: en, addresses: {hook: an, log: an}}
  bo: {name: Bo, language: en, addresses: {hook: bo, log: bo}}
  cheng: {name: Cheng, language: zh, addresses: {hook: cheng, log: cheng}}
  ding: {name: Ding, language: zh, addresses: {hook: ding, log: ding}}
root:
  code: "1"
  name: Town
  kind: township
  posts: {operator: [ding], station-duty: [cheng]}
  places:
    - {code: "1-1", name: Grid, kind: grid, posts: {grid-member: [an], grid-leader: [bo]}}
"""
_LADDERS = """\
ladders:
  fire:
    repeat: 1
    timers: {arrive: never, result: never}
    rungs:
      - {roles: [grid-member], channels: [hook], wait: 1s}
      - {roles: [grid-leader], channels: [hook], wait: 1s}
      - {roles: [station-duty], channels: [hook], wait: 1s}
  other: {rungs: [{roles: [operator], channels: [hook], wait: 1s}]}
choose: [{ladder: fire, class: [fire]}, {ladder: other}]
"""


class House:
    """The processes. ``noted`` are exits that nobody asked for, as text."""

    def __init__(self, folder: Path, settings: dict[str, object], devices: Sequence[str], *, apart: bool, clock: bool):
        self.folder = folder
        self.config = folder / "firesense.yaml"
        self.noted: list[str] = []
        self.may_die = False
        self._names = STREETS if apart else ("all",)
        self._offset = folder / "clock-offset" if clock else None
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._leaving: set[str] = set()
        self._lock = threading.RLock()
        self._ending = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="supervisor", daemon=True)
        self._write(settings, devices)
        self.settings = load_settings(self.config)

    def _write(self, settings: dict[str, object], devices: Sequence[str]) -> None:
        for name, text in (("rules.yaml", _RULES), ("org.yaml", _ORG), ("ladders.yaml", _LADDERS)):
            (self.folder / name).write_text(text, encoding="utf-8")
        rows = [f"{name},smoke,firesense-smoke,{name},1-1,,flat,,," for name in devices]
        header = "id,device_class,profile,external_id,place,name,kind,gateway,tags,period"
        (self.folder / "devices.csv").write_text("\n".join([header, *rows, ""]), encoding="utf-8")
        self.config.write_text(_SETTINGS.format(root=ROOT, web=free_port(), **settings), encoding="utf-8")
        if self._offset is not None:
            self._offset.write_text("0", encoding="ascii")

    # -- what may be done to it -------------------------------------------------------------------------------------
    @property
    def names(self) -> Sequence[str]:
        return self._names

    @property
    def pids(self) -> list[int]:
        with self._lock:
            return [process.pid for process in self._processes.values() if process.poll() is None]

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a process; after SIGKILL and SIGTERM wait for its end. It is started anew."""
        process = wait_until(lambda: self._processes.get(name), f"{name} is started anew")
        ends = number in {signal.SIGKILL, signal.SIGTERM}
        if ends:
            with self._lock:
                self._processes.pop(name, None)
                self._leaving.add(name)  # the next one is started when this one is gone, and not before
        if process.poll() is None:
            process.send_signal(number)
        if number is signal.SIGKILL:
            process.wait(20)
        elif number is signal.SIGTERM:
            self._await_end(name, process)
        if ends:
            with self._lock:
                self._leaving.discard(name)

    def _await_end(self, name: str, process: subprocess.Popen[bytes]) -> None:
        try:
            code = process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)
            self.noted.append(f"{name} did not end within 40 s of SIGTERM")
        else:
            if code not in {0, -signal.SIGTERM}:  # the latter while it was starting: no harm
                self.noted.append(f"{name} ended with {code} after SIGTERM")

    def step_clock(self, seconds: float) -> None:
        """Put the clock of all processes on or back."""
        assert self._offset is not None
        swap = self._offset.with_suffix(".new")
        swap.write_text(str(float(self._offset.read_text(encoding="ascii")) + seconds), encoding="ascii")
        swap.rename(self._offset)

    @property
    def clock_offset(self) -> int:
        """By how many microseconds its clock is off."""
        return 0 if self._offset is None else int(float(self._offset.read_text(encoding="ascii")) * 1_000_000)

    @contextlib.contextmanager
    def held_down(self):
        """Everything killed, and nothing started anew before the end of this."""
        with self._lock:
            for name in self._names:
                if name in self._processes:
                    self.signal(name, signal.SIGKILL)
            yield

    def end(self) -> None:
        """Stop everything in an orderly way."""
        self._ending.set()
        self._keeper.join()
        for name in list(self._processes):
            self.signal(name, signal.SIGTERM)

    # -- running it -------------------------------------------------------------------------------------------------
    def command(self, *words: str) -> list[str]:
        start = ["-m", "firesense.cli"] if self._offset is None else ["-m", "tests.torture.clock", str(self._offset)]
        return [sys.executable, *start, *words, "--config", str(self.config)]

    def _start(self, name: str) -> None:
        streets = () if name == "all" else (name,)
        process = subprocess.Popen(
            self.command("run", *streets),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        # Through a pipe, as under systemd: the log is on no disk of the daemon's.
        threading.Thread(target=self._log, args=(name, process), name=f"log {name}", daemon=True).start()
        self._processes[name] = process

    def _log(self, name: str, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        with process.stdout as lines, (self.folder / f"{name}.log").open("ab") as log:
            log.write(f"---- {process.pid}\n".encode())
            for line in lines:
                log.write(f"{time.time():.3f} ".encode() + line)
                log.flush()

    def _keep(self) -> None:
        gone: dict[str, float] = {}
        while not self._ending.wait(0.05):
            with self._lock:
                for name in self._names:
                    if name in self._leaving:
                        continue
                    process = self._processes.get(name)
                    if process is not None and process.poll() is not None:
                        if not self.may_die:
                            self.noted.append(f"{name} ended by itself with {process.returncode}")
                        del self._processes[name]
                        process = None
                    if process is not None:
                        gone.pop(name, None)
                    elif time.monotonic() - gone.setdefault(name, time.monotonic()) >= RESTART:
                        self._start(name)
                        gone.pop(name)

    def __enter__(self) -> Self:
        for name in self._names:
            self._start(name)
        self._keeper.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._keeper.join()
        for process in self._processes.values():
            if process.poll() is None:
                process.kill()
                process.send_signal(signal.SIGCONT)
            process.wait(20)
