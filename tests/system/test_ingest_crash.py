"""Ingest killed at any instruction: every frame is in the journal, and counted once."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from firesense.book import SqlBook
from firesense.domain.device import Registry
from firesense.domain.frame import Marks
from firesense.domain.plan import Plan
from firesense.history import SqliteHistory
from firesense.journal import SqliteJournal
from firesense.reader import Reader
from firesense.record import Record
from tests.house import HandClock
from tests.servers import Mosquitto
from tests.waiting import SECONDS

pytestmark = pytest.mark.server

FRAMES = 6000
KILLS = 6

DAEMON = """
import asyncio, sys, time
from datetime import timedelta
from pathlib import Path
from firesense.ingest import Ingest
from firesense.journal import SqliteJournal
from firesense.transport import TRANSPORTS, MqttOptions

class Wall:
    def now(self):
        return time.time_ns() // 1000

async def main(protocol, port, file):
    options = MqttOptions(name="main", host="127.0.0.1", port=int(port), client_id="daemon", filters=("up/#",),
                          batch_size=50, backoff_limit=timedelta(milliseconds=100))
    transport = TRANSPORTS[protocol](options, Wall())
    await transport.start()
    await Ingest(transport, SqliteJournal(Path(file)), Wall()).run()

asyncio.run(main(*sys.argv[1:]))
"""


def publish(port):
    """Publish all frames at a pace that lasts over the kills."""
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.max_inflight_messages_set(100)
    client.connect("127.0.0.1", port)
    client.loop_start()
    for n in range(FRAMES):
        client.publish(f"up/{n % 7}", str(n), qos=1).wait_for_publish(SECONDS)
    client.disconnect()
    client.loop_stop()


def subscribed(port, journal):
    """Wait until the daemon's session is there: frames published before are nobody's."""
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", port)
    deadline = time.monotonic() + SECONDS
    while not journal.head:
        assert time.monotonic() < deadline
        client.publish("up/first", "-1", qos=0)
        client.loop(0.05)
    client.disconnect()


def frames(journal, offset=0):
    """(number, marks) of every frame from there on but the first ones."""
    while (batch := journal.read(offset, 10_000)) is not None:
        rows = zip(map(int, batch.payloads), batch.marks.tolist(), strict=True)
        yield from (row for row in rows if row[0] >= 0)
        offset = batch.next_offset


@pytest.mark.parametrize("protocol", ["mqtt5", "mqtt311"])
def test_every_frame_is_journalled_and_counted_once(protocol, tmp_path):
    file = tmp_path / "journal.db"
    journal = SqliteJournal(file)

    def start():
        return subprocess.Popen([sys.executable, "-c", DAEMON, protocol, str(broker.port), str(file)])

    def grown_by(frames):
        wanted, deadline = min(journal.head + frames, FRAMES), time.monotonic() + SECONDS
        while journal.head < wanted:
            assert daemon.poll() is None
            assert time.monotonic() < deadline
            time.sleep(random.random() / 100)

    with Mosquitto(tmp_path / "broker", settings={"max_inflight_messages": 0}) as broker:
        daemon = start()
        publisher = threading.Thread(target=publish, args=(broker.port,))
        try:
            subscribed(broker.port, journal)
            publisher.start()
            for _ in range(KILLS):
                grown_by(random.randint(1, FRAMES // KILLS))
                daemon.send_signal(signal.SIGKILL)
                daemon.wait()
                daemon = start()
            publisher.join()
            deadline = time.monotonic() + SECONDS
            while len({number for number, _ in frames(journal)}) < FRAMES:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        finally:
            daemon.kill()
            daemon.wait()
    counted = [number for number, marks in frames(journal) if not marks & Marks.REPEATED]
    assert sorted(counted) == list(range(FRAMES))
    tally = ledger(tmp_path, journal)
    assert tally.total == journal.head
    assert tally.duplicate == sum(bool(marks & Marks.REPEATED) for _, marks in frames(journal))
    journal.close()


def ledger(folder, journal):
    """How the frames end when they are recorded: nobody's topics, so they are quarantined, but for what came twice."""
    book, history = SqlBook(f"sqlite:///{folder / 'book.db'}"), SqliteHistory(folder / "history.db", timedelta(days=1))
    plan = Plan()
    record = Record(journal, book, history, HandClock(), lambda: plan, lambda _plan: Reader({}, Registry()))
    while record.step():
        pass
    record.settle()
    tally = book.tally("record")
    history.close()
    book.close()
    return tally
