"""``make bench-catchup``: an outage's frames wait in the journal; how fast they are done, and whether a fire waits.

FRAMES (1,000,000 by default) were received at 5,000 a second and not looked at. Alerting, record and duty start in one
process; while they catch up, a detector says fire twice a second, and the call is timed from the frame's append.
"""

from __future__ import annotations

import os
import random
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from broker import Hook, percentiles
from fleet import Fleet, external_id, payload, topic
from measure import OTHER_CORE, keep, machine, peak_mib, pin, spent
from streets import Helper, Watched
from town import Town, end

from firesense.app import open_journal
from firesense.domain.frame import FrameBatch

FRAMES = int(os.environ.get("FRAMES") or 1_000_000)
DEVICES = 100_000
RATE = 5_000  # frames a second during the outage
BATCH = 500
EVERY = 0.5  # seconds between fire flags
_PATIENCE = 3600.0
_DICE = random.Random(5)


@dataclass
class CaughtUp:
    """What came of it; ``times`` is how many times as fast as the frames had come."""

    frames: int
    wall_s: float
    alerting_times: float
    record_times: float
    cpu_us: float
    peak_mib: float
    call_ms: list[float]
    called: str


def batch(frames: list[tuple[str, bytes]], at_ms: int) -> FrameBatch:
    """Frames received from that instant on, at the outage's pace."""
    received_at = at_ms * 1000 + np.arange(len(frames)) * (1_000_000 // RATE)
    zeros = np.zeros(len(frames))
    return FrameBatch(
        "main", [t for t, _ in frames], [p for _, p in frames], received_at, zeros.astype("u1"), zeros.astype("u2")
    )


def fill(watched_town: Town) -> None:
    """Write the backlog: the first DEVICES/2 devices, so that none of those that will say fire is in it."""
    began_ms = int(time.time() * 1000) - FRAMES * 1000 // RATE
    with open_journal(watched_town.settings) as journal:
        frames = Fleet(DEVICES // 2).frames(FRAMES, began_ms)
        for first in range(0, FRAMES, BATCH):
            part = [next(frames) for _ in range(min(BATCH, FRAMES - first))]
            journal.append(batch(part, began_ms + first * 1000 // RATE))


def main() -> None:
    """Run it."""
    print(f"{machine()}; {FRAMES:,} frames wait, {FRAMES / RATE / 60:.0f} minutes' worth")
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="firesense-bench-")))
        sink, hook = Helper(stack, "sink.py"), Hook().begin()
        town = Town(root, port=9, hook=hook.port, history=f'{{kind: influxdb1, url: "http://127.0.0.1:{sink.port}"}}')
        town.register(DEVICES)
        fill(town)
        watched = Watched(stack, town, "alerting", "record", "duty")
        watched.moved()
        began, cpu, done = time.monotonic(), spent(watched.process), watched.positions()
        asked: dict[str, float] = {}
        reached: dict[str, float] = {}
        while len(reached) < len(done) and time.monotonic() < began + _PATIENCE:
            device = DEVICES - 1 - len(asked)
            now = time.time()
            watched.journal.append(
                batch([(topic(device), payload(_DICE, int(now * 1000), fire=True))], int(now * 1000))
            )
            asked[external_id(device)] = time.time()
            time.sleep(EVERY)
            for street, position in watched.positions().items():
                if position >= FRAMES:
                    reached.setdefault(street, time.monotonic() - began)
        deadline = time.monotonic() + 30
        while len(hook.came) < len(asked) and time.monotonic() < deadline:
            time.sleep(0.05)
        waits = [(hook.came[device] - at) * 1000 for device, at in asked.items() if device in hook.came]
        times = {street: (FRAMES - done[street]) / seconds / RATE for street, seconds in reached.items()}
        result = CaughtUp(
            FRAMES,
            max(reached.values()),
            times["alerting"],
            times["record"],
            (spent(watched.process) - cpu) / FRAMES * 1e6,
            peak_mib(watched.process.pid),
            [*percentiles(waits), round(max(waits), 1)],
            f"{len(waits)} of {len(asked)}",
        )
        end(watched.process)
    print(
        f"alerting {result.alerting_times:.1f} times real time, record {result.record_times:.1f}, together in"
        f" {result.wall_s:.0f} s; {result.cpu_us:.1f} us a frame for both, {result.peak_mib:,.0f} MiB"
    )
    print(f"fire flags meanwhile: called {result.called}, p50/p99/p99.9/longest {result.call_ms} ms")
    print(f"\nkept in {keep('bench-catchup', [result])}")


if __name__ == "__main__":
    pin(OTHER_CORE)
    main()
