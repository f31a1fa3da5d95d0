"""``make bench-storm``: ten thousand fires within a minute, and a hundred thousand climbs that are due at one instant.

Journal and book are on the disk with fsync, alerting and duty run in threads of this process as the daemon runs them;
the two channels only count. FIRES (10,000) frames with a fire flag come over SECONDS (60), each of another detector;
the call is timed from the frame's append to the first message handed over. Then CLIMBS (100,000) open alerts, one in
ten a fire, are all due at once, and while they move a new fire comes every second.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import threading
import time
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from firesense import escalate
from firesense.alerting import Alerting
from firesense.app.plan import PlanKeeper
from firesense.app.plugs import RealClock, make_reader
from firesense.book import SqlBook
from firesense.domain.alert import Alert, AlertClass, Grade, alert_id
from firesense.domain.device import Device
from firesense.domain.escalation import Climb, Ladder, Rung
from firesense.domain.instant import SECOND
from firesense.domain.message import Message, Receipt
from firesense.domain.outcome import Outcome, Raise
from firesense.duty import Duty
from firesense.hearing import LISTENING
from firesense.journal import SqliteJournal
from firesense.notify.message import compose
from firesense.notify.outbox import Delivery
from firesense.settings import load_settings
from firesense.snapshot import SnapshotFile
from tests.frames import batch_of
from tests.house import GRID, SETTINGS, smoke

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
FIRES = int(os.environ.get("FIRES") or 10_000)
SECONDS = float(os.environ.get("SECONDS") or 60)
CLIMBS = int(os.environ.get("CLIMBS") or 100_000)
KINDS = {"log": "log", "mqtt": "mqtt"}
_PATIENCE = 1800.0
_PER_BATCH = 0.1  # seconds of frames appended together
_AT_ONCE = 2000  # alerts written in one transaction


@dataclass
class Counter:
    """A channel that takes everything at once; remembers when it first heard of each alert."""

    name: str
    heard_at: dict[str, float]
    messages: int = 0
    device_heard_at: dict[str, float] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        return self.name

    async def send(self, message: Message) -> Receipt:
        self.messages += 1
        now = time.monotonic()
        self.heard_at.setdefault(message.call.alert, now)
        self.device_heard_at.setdefault(message.alert.device, now)
        return Receipt()

    async def close(self) -> None:
        pass


class Station:
    """Journal, book, alerting and duty, as one process of the daemon has them."""

    def __init__(self, folder: Path) -> None:
        # Every fire by itself: thousands at one place would confirm each other, and each call everybody at once.
        ladders = (ROOT / "config/ladders.yaml").read_text(encoding="utf-8").splitlines()
        alone = "\n".join(line for line in ladders if "confirmed" not in line)
        (folder / "ladders.yaml").write_text(alone, encoding="utf-8")
        text = SETTINGS.format(root=ROOT).replace(f"{ROOT}/config/ladders.yaml", str(folder / "ladders.yaml"))
        (folder / "firesense.yaml").write_text(text, encoding="utf-8")
        self.settings = load_settings(folder / "firesense.yaml")
        self.settings.data.mkdir()
        self.clock = RealClock()
        self.journal = SqliteJournal(self.settings.journal.file)
        self.book = SqlBook(self.settings.book)
        self.heard_at: dict[str, float] = {}
        self.channels = {name: Counter(name, self.heard_at) for name in KINDS}
        self.stop = threading.Event()
        self.threads: list[threading.Thread] = []

    def start(self, *, alerting: bool) -> None:
        keeper = PlanKeeper(self.settings, self.book)
        plan = keeper.current
        delivery = Delivery(self.book, self.channels, lambda call, alert: compose(call, alert, plan()), self.clock)
        self.duty = Duty(self.book, plan, delivery, self.clock)
        self._run(lambda: asyncio.run(self._until_stopped(delivery)))
        if alerting:
            street = Alerting(
                self.journal,
                self.book,
                self.clock,
                plan,
                lambda wanted: make_reader(self.settings, wanted),
                SnapshotFile(self.settings.data / "rules.state"),
                kinds=KINDS,
                on_raised=self.duty.poke,
            )
            self._run(lambda: street.run(self.stop))

    def _run(self, work: Callable[[], object]) -> None:
        self.threads.append(threading.Thread(target=work))
        self.threads[-1].start()

    async def _until_stopped(self, delivery: Delivery) -> None:
        stopping = asyncio.Event()
        running = asyncio.create_task(self.duty.run(stopping))
        await asyncio.to_thread(self.stop.wait)
        stopping.set()
        await running
        await delivery.close()

    @property
    def messages(self) -> int:
        return sum(channel.messages for channel in self.channels.values())

    def close(self) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join()
        self.journal.close()
        self.book.close()


def wait(condition: Callable[[], bool]) -> float:
    """Look ten times a second until it holds; gives the time it then was."""
    until = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > until:
            raise SystemExit("it never came to an end")
        time.sleep(0.1)
    return time.monotonic()


def fires(station: Station) -> None:
    """Ten thousand fires."""
    station.book.register([Device(f"smoke-{n}", "smoke", "firesense-smoke", f"S{n}", GRID, -1) for n in range(FIRES)])
    station.journal.note(LISTENING + "main", station.clock.now())
    station.start(alerting=True)
    frames = [(topic, json.dumps(says)) for topic, says in (smoke(station.clock, n, alarm=1) for n in range(FIRES))]
    appended: list[float] = []
    began, cpu = time.monotonic(), time.process_time()
    step = max(int(FIRES * _PER_BATCH / SECONDS), 1)
    for first in range(0, FIRES, step):
        time.sleep(max(began + first / FIRES * SECONDS - time.monotonic(), 0))
        some = frames[first : first + step]
        station.journal.append(batch_of(*some, received_at=station.clock.now()))
        appended += [time.monotonic()] * len(some)
    heard = station.channels["log"].device_heard_at, station.channels["mqtt"].device_heard_at
    wait(lambda: all(len(devices) >= FIRES for devices in heard))
    ended = time.monotonic()
    took = np.array([min(devices[f"smoke-{n}"] for devices in heard) - appended[n] for n in range(FIRES)])
    print(
        f"{FIRES} fires over {SECONDS:g} s: first call p50 {np.percentile(took, 50):.2f} s,"
        f" p99 {np.percentile(took, 99):.2f} s, worst {took.max():.2f} s;"
        f" all told over both channels {ended - began:.1f} s after the first frame;"
        f" {station.messages} messages, {time.process_time() - cpu:.1f} s of processor time"
    )


def climbs(station: Station) -> None:
    """A hundred thousand climbs that are due at one instant."""
    now = station.clock.now()
    station.start(alerting=False)
    station.stop.set()  # the plan is in the book; the streets begin when the rows are there
    for thread in station.threads:
        thread.join()
    ladder = Ladder(
        "storm",
        (Rung(("grid-member",), ("log",), timedelta(minutes=5)), Rung(("grid-leader",), ("log",), timedelta(hours=9))),
        None,
    )
    for first in range(0, CLIMBS, _AT_ONCE):
        deeds = tuple(_open_alert(number, ladder, now) for number in range(first, min(first + _AT_ONCE, CLIMBS)))
        station.book.commit(Outcome("alerting", first + _AT_ONCE, now, deeds))
    station.stop, station.threads = threading.Event(), []
    began, cpu = time.monotonic(), time.process_time()
    station.start(alerting=False)
    raised: dict[str, float] = {}
    stop = threading.Event()
    org = station.book.org()

    def burn() -> None:
        for number in count(CLIMBS):
            alert = replace(_alert(number, AlertClass.FIRE, station.clock.now()), place=GRID)
            begun = escalate.begin(alert, ladder, org, KINDS, station.clock.now())
            position = station.book.position("alerting") + 1
            deed = Raise(alert, begun.climb, begun.calls, begun.steps)
            raised[alert.id] = time.monotonic()
            station.book.commit(Outcome("alerting", position, station.clock.now(), (deed,)))
            station.duty.poke()
            if stop.wait(1.0):
                return

    burning = threading.Thread(target=burn)
    burning.start()
    moved = wait(lambda: not station.book.due_climbs(now + 60 * SECOND, 1)) - began
    told = wait(lambda: station.messages >= CLIMBS + CLIMBS // 10) - began
    stop.set()
    burning.join()
    wait(lambda: all(alert in station.heard_at for alert in raised))
    late = np.array([station.heard_at[alert] - at for alert, at in raised.items()])
    print(
        f"{CLIMBS} climbs due at once, one in ten a fire: all moved in {moved:.1f} s, all calls handed over in"
        f" {told:.1f} s; a new fire meanwhile was called after p50 {np.percentile(late, 50):.2f} s, worst"
        f" {late.max():.2f} s ({len(late)} of them); {station.messages} messages,"
        f" {time.process_time() - cpu:.1f} s of processor time"
    )


def _open_alert(number: int, ladder: Ladder, now: int) -> Raise:
    kind = AlertClass.FIRE if number % 10 == 0 else AlertClass.HAZARD
    alert = _alert(number, kind, now)
    return Raise(alert, Climb(alert.id, ladder, rung=1, due_at=now), (), ())


def _alert(number: int, alert_class: AlertClass, now: int) -> Alert:
    device = f"smoke-{number}"
    return Alert(
        alert_id("storm", device, now),
        "storm",
        "1",
        alert_class,
        Grade.MAJOR,
        device,
        "smoke",
        GRID,
        now,
        now,
        number,
        text={"zh": "烟雾", "en": "smoke"},
    )


def main() -> None:
    """Run both."""
    print(f"load {', '.join(f'{load:.1f}' for load in os.getloadavg())} on {os.cpu_count()} cores")
    for what in (fires, climbs):
        with tempfile.TemporaryDirectory() as folder:
            station = Station(Path(folder))
            try:
                what(station)
            finally:
                station.close()
    print(f"load {', '.join(f'{load:.1f}' for load in os.getloadavg())} at the end")


if __name__ == "__main__":
    main()
