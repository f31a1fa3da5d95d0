"""``make bench-broker``: through a real Mosquitto into the real daemon, everything on; about five minutes.

First as fast as it goes, then at a pace: how long from publishing a frame until the journal has it on the disk, and
from publishing a fire flag until the call is handed over (a webhook of the bench's own takes it).
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import psutil
from flood import Wanted
from measure import OTHER_CORE, environment, keep, machine, pin, spent
from streets import Helper, Watched
from town import Town, end

from tests.servers import Mosquitto, free_port

DEVICES = 5000
FLOOD = 100_000
SECONDS = 20
FIRES_A_SECOND = 5
_TS = re.compile(rb'^\{"ts":(\d+)')
_QUIET = 15.0  # seconds without a new frame: what did not come by then was dropped


@dataclass
class Flood:
    """What came of one run."""

    what: str
    rate: int
    sent: int
    received: int
    acknowledged: int
    per_s: float
    broker_us: float
    daemon_us: float
    journal_ms: list[float]
    call_ms: list[float]
    called: str = ""


class Hook(threading.Thread):
    """The channel's other end: notes when the call of which device came."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.came: dict[str, float] = {}
        self.port = free_port()
        self._ready = threading.Event()

    def run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._answer, "127.0.0.1", self.port)
        self._ready.set()
        await server.serve_forever()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)[1])
                body = await reader.readexactly(length)
                self.came.setdefault(json.loads(body)["alert"]["device"], time.time())
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nOK")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def begin(self) -> Hook:
        """Start, and wait until it listens."""
        self.start()
        self._ready.wait()
        return self


class JournalWatch:
    """Follows the journal's head from outside, and takes the age of every frame at the moment it is durable."""

    def __init__(self, watched: Watched) -> None:
        self._journal = watched.journal
        self.done = watched.journal.head
        self.ages: list[float] = []
        self.last_at = time.monotonic()

    def look(self, *, ages: bool) -> None:
        head, now = self._journal.head, time.time()
        while self.done < head:
            self.last_at = time.monotonic()
            batch = self._journal.read(self.done, head - self.done)
            self.done = batch.next_offset
            if ages:
                self.ages += [(now - int(_TS.match(body)[1]) / 1000) * 1000 for body in batch.payloads]


def percentiles(values: list[float]) -> list[float]:
    """p50, p99, p99.9."""
    return [round(float(each), 1) for each in np.percentile(values, [50, 99, 99.9])] if values else []


def run(what: str, wanted: Wanted, protocol: str, folder: Path, sink: Helper) -> Flood:
    """One broker, one daemon, one flood."""
    with ExitStack() as stack:
        settings = {"autosave_interval": 5, "max_inflight_messages": 0}
        broker = stack.enter_context(Mosquitto(folder / "broker", settings=settings))
        pin(OTHER_CORE, psutil.Process(broker.pid))
        hook = Hook().begin()
        history = f'{{kind: influxdb1, url: "http://127.0.0.1:{sink.port}"}}'
        town = Town(folder, port=broker.port, hook=hook.port, history=history, protocol=protocol, qos=wanted.qos)
        town.register(DEVICES)
        watched = Watched(stack, town, "ingest", "alerting", "record", "duty")
        _until_subscribed(town)
        watch = JournalWatch(watched)
        wanted.port = broker.port
        processes = psutil.Process(broker.pid), watched.process
        before = [spent(each) for each in processes]
        began = time.monotonic()
        command = [sys.executable, str(Path(__file__).with_name("flood.py")), json.dumps(asdict(wanted))]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as flood:
            while flood.poll() is None:
                watch.look(ages=bool(wanted.rate))
                time.sleep(0.002)
            told = json.loads(flood.stdout.read())
        while watch.done < told["sent"] and time.monotonic() - watch.last_at < _QUIET:
            watch.look(ages=bool(wanted.rate))
            time.sleep(0.002)
        elapsed = watch.last_at - began
        deadline = time.monotonic() + _QUIET
        while len(hook.came) < len(told["fires"]) and time.monotonic() < deadline:
            time.sleep(0.01)
        watched.until(watch.done)
        used = [spent(each) - was for each, was in zip(processes, before, strict=True)]
        end(watched.process)
        waits = [(hook.came[device] - at) * 1000 for device, at in told["fires"].items() if device in hook.came]
    return Flood(
        what,
        int(wanted.rate),
        told["sent"],
        watch.done,
        told["acknowledged"],
        watch.done / elapsed,
        used[0] / told["sent"] * 1e6,
        used[1] / told["sent"] * 1e6,
        percentiles(watch.ages),
        percentiles(waits),
        f"{len(waits)} of {len(told['fires'])}",
    )


def _until_subscribed(town: Town) -> None:
    deadline = time.monotonic() + 60
    while "transport_connected" not in town.said():
        if time.monotonic() > deadline:
            raise RuntimeError(f"the daemon does not reach its broker:\n{town.said()}")
        time.sleep(0.05)


def show(row: Flood) -> None:
    """Print one run."""
    pace = f"{row.rate:,}/s" if row.rate else "flood"
    print(
        f"{row.what:<34} {pace:>9}  sent {row.sent:>7,}  received {row.received:>7,}  acknowledged"
        f" {row.acknowledged:>7,}  {row.per_s:>7,.0f}/s  broker {row.broker_us:5.1f} us  daemon {row.daemon_us:5.1f} us"
    )
    if row.rate:
        print(f"{'':<34} publish -> journal p50/p99/p99.9 {row.journal_ms} ms; fire flag -> call {row.call_ms} ms,"
              f" {row.called} called")  # fmt: skip


def main() -> None:
    """Run everything."""
    print(f"{machine()}; broker, publisher and bench share one core, the daemon has the other")
    rows: list[Flood] = []
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="firesense-bench-")))
        sink = Helper(stack, "sink.py")
        floods = [
            ("MQTT 5, QoS 1, 1 publisher", "mqtt5", 1, 1),
            ("MQTT 5, QoS 1, 4 publishers", "mqtt5", 1, 4),
            ("MQTT 5, QoS 0, 4 publishers", "mqtt5", 0, 4),
            ("MQTT 3.1.1, QoS 1, 4 publishers", "mqtt311", 1, 4),
        ]
        for what, protocol, qos, connections in floods:
            wanted = Wanted(0, DEVICES, FLOOD, qos=qos, connections=connections)
            rows.append(run(what, wanted, protocol, root / f"run-{len(rows)}", sink))
            show(rows[-1])
        for rate in (1_000, 10_000, 20_000):
            wanted = Wanted(0, DEVICES, rate * SECONDS, rate, FIRES_A_SECOND * SECONDS, 1, 4)
            rows.append(run("MQTT 5, QoS 1, 4 publishers", wanted, "mqtt5", root / f"run-{len(rows)}", sink))
            show(rows[-1])
    print(f"\nkept in {keep('bench-broker', rows)}")


if __name__ == "__main__":
    pin(OTHER_CORE)
    main()
