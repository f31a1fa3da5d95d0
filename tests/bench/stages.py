"""One stage after the other, in one process, on the same frames: what each costs a frame.

stages.py DEVICES FRAMES      prints rows as JSON
"""

from __future__ import annotations

import asyncio
import gzip
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from fleet import ORDERS, Fleet, external_id
from hose import publish
from measure import ROOT, Row, give
from naive import naive_rows

from firesense.app.plugs import RealClock
from firesense.decode import DECODERS
from firesense.domain.device import Device, Registry
from firesense.domain.frame import FrameBatch
from firesense.history import SqliteHistory
from firesense.history.line_protocol import LineWriter
from firesense.journal import SqliteJournal
from firesense.profiles import load_profiles
from firesense.reader import Reader
from firesense.rulebook import load_rules
from firesense.rules import RuleEngine
from firesense.transport import MqttOptions
from firesense.transport.health import Health
from firesense.transport.inbox import Inbox
from firesense.transport.wire5 import Link

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_BATCH = 5000  # what a street reads at once
_DIALECT_FRAMES = 20_000


class Nowhere(asyncio.Transport):
    """Where acknowledgements of the bench go."""

    def write(self, data: bytes) -> None:
        """Take them."""

    def is_closing(self) -> bool:
        return False


class Stages:
    """Times stages over the same frames, and collects the rows."""

    def __init__(self, devices: int, order: str, frames: int) -> None:
        self.devices, self.order, self.frames = devices, order, frames
        self.rows: list[Row] = []

    def run(self, what: str, stage: Callable, inputs: Sequence, note: str = "", frames: int = 0) -> list:
        """Do one stage for all inputs; gives what came of them."""
        began = time.process_time()
        out = [stage(each) for each in inputs]
        used = time.process_time() - began
        frames = frames or self.frames
        self.rows.append(Row(what, self.devices, self.order, frames, used / frames * 1e6, note=note))
        return out


def batches_of(fleet: Fleet, count: int, start_ms: int, first: int) -> list[FrameBatch]:
    """Frames as the journal gives them to a street."""
    frames = list(fleet.frames(count, start_ms))
    made = []
    for start in range(0, count, _BATCH):
        part = frames[start : start + _BATCH]
        received_at = np.arange(start_ms * 1000 + start * 200, start_ms * 1000 + (start + len(part)) * 200, 200)
        zeros = np.zeros(len(part))
        topics, payloads = [topic for topic, _ in part], [body for _, body in part]
        made.append(
            FrameBatch("main", topics, payloads, received_at, zeros.astype(np.uint8), zeros.astype(np.uint16), first)
        )
        first += len(part)
    return made


async def wire(stages: Stages, batches: list[FrameBatch]) -> None:
    """Parse the frames as they come over MQTT 5, and acknowledge them."""
    options = MqttOptions("main", "nowhere", client_id="bench", batch_size=_BATCH, backlog=10**9, backlog_bytes=10**12)
    health = Health("main")
    inbox = Inbox(options, RealClock(), health, lambda: None)
    inbox.begin(1)
    link = Link(options, inbox, health, set(), 1)
    link.connection_made(Nowhere())
    written = [
        b"".join([publish(at, name, body) for at, (name, body) in enumerate(zip(b.topics, b.payloads, strict=True))])
        for b in batches
    ]

    def parse(data: bytes) -> None:
        view, at = memoryview(data), 0
        while at < len(data):
            room = link.get_buffer(-1)
            size = min(len(room), len(data) - at, 65_536)
            room[:size] = view[at : at + size]
            link.buffer_updated(size)
            at += size

    stages.run("MQTT 5 parse", parse, written)
    deliveries = [await inbox.receive() for _ in batches]
    stages.run("acknowledge", lambda delivery: link.acknowledge(delivery.batch.packet_ids), deliveries)


def dialects(rows: list[Row]) -> None:
    """Decode the good examples of a profile of each dialect, over and over."""
    profiles = load_profiles(ROOT / "device_profiles")
    for dialect, decoder in DECODERS.items():
        found = [p for p in profiles.values() if p.dialect == dialect and any(not e.refused for e in p.examples)]
        if found:
            payloads = [example.payload for example in found[0].examples if not example.refused]
            payloads = (payloads * (_DIALECT_FRAMES // len(payloads) + 1))[:_DIALECT_FRAMES]
            made = decoder(found[0])
            made.decode(payloads)
            began = time.process_time()
            made.decode(payloads)
            used = time.process_time() - began
            rows.append(Row(f"decode {dialect}", 1, "", len(payloads), used / len(payloads) * 1e6, note=found[0].id))


def main(devices: int, count: int) -> None:
    """Run all stages in all orders."""
    profiles = load_profiles(ROOT / "device_profiles")
    rules = load_rules(ROOT / "tests/bench/rules.yaml")
    registry = Registry(
        Device(external_id(n), "smoke", "firesense-smoke", external_id(n), "990100", n, gateway=f"gw-{n // 100}")
        for n in range(devices)
    )
    periods = {profile.id: profile.period for profile in profiles.values()}
    start_ms = int(time.time() * 1000) - 3_600_000
    engine = RuleEngine(rules, registry, periods=periods, started_at=start_ms * 1000)
    reader, writer = Reader(profiles, registry), LineWriter()
    rows: list[Row] = []
    first = 0
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="firesense-bench-")))
        journal = SqliteJournal(folder / "journal.db")
        history = SqliteHistory(folder / "history.db", keep=periods["firesense-smoke"] * 10_000)
        stack.callback(journal.close)
        stack.callback(history.close)
        # Once through in the order of "random", so that what is kept of a device is there when it is measured.
        for order in ("random", *ORDERS):
            fleet = Fleet(devices, order, seed=first)
            batches = batches_of(fleet, count, start_ms + first // 5, first)
            first += count
            stages = Stages(devices, order, count)
            asyncio.run(wire(stages, batches))
            stages.run("journal append (fsync)", lambda b: journal.append(replace(b, first_offset=-1)), batches)
            batches = stages.run("journal read", lambda b: journal.read(b.first_offset, len(b)), batches)
            reads = stages.run("decode json + normalise", reader.read, batches)
            stages.run("8 rules", lambda read: [engine.apply(table) for table in read.tables], reads)
            lines = stages.run("line protocol", lambda read: writer.write(read.tables, registry), reads)
            bodies = stages.run("  as a body", lambda each: each.body(0, len(each)), lines)
            stages.run("  gzip", lambda body: gzip.compress(body, 1), bodies)
            sample = reads[: max(1, 50_000 // _BATCH)]
            stages.run("sink: SQLite history", lambda read: history.write(read.tables, registry), sample,
                       "the embedded store", sum(read.recorded for read in sample) or 1)  # fmt: skip
            if first > count:
                rows += stages.rows
        dialects(rows)
        rows += naive_rows(devices, count // 10, start_ms)
    give(rows)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
