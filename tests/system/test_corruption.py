"""The daemon as a process, with its files damaged under it, at its limits, and asked how it does."""

from __future__ import annotations

import random
import shutil
import signal
import socket
import urllib.error
import urllib.request

import pytest

from firesense.salvage import suspicion
from tests.daemon import Daemon
from tests.servers import free_port
from tests.system.test_main_job import DEVICES, Town
from tests.waiting import wait_until

pytestmark = pytest.mark.server


@pytest.fixture
def town(mosquitto):
    with Town(mosquitto.port) as built:
        yield built


@pytest.fixture
def daemon(tmp_path, mosquitto):
    with Daemon(tmp_path / "house", port=mosquitto.port, devices=DEVICES, wait="1h") as built:
        yield built


def say_much(town, frames):
    for n in range(frames):
        town.client.publish("firesense/smoke/S1/up", f'{{"rubbish": {n}, "padding": "{"x" * 300}"}}', qos=1)
    town.smoke()  # waits for its own acknowledgement, which comes after the others'


def get(url, **headers):
    asked = urllib.request.Request(url, headers=headers)  # noqa: S310 -- our own daemon's
    try:
        with urllib.request.urlopen(asked, timeout=5) as answer:  # noqa: S310 -- the same
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def open_rules(daemon):
    with daemon.book() as book:
        return {alert.rule for alert in book.alerts()}


def ledger(daemon):
    done = daemon.cli("ledger")
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_damaged_files_are_mended_and_the_daemon_starts(daemon, town):
    daemon.ready()
    say_much(town, 600)
    town.smoke(alarm=1)
    wait_until(lambda: daemon.drained(602), "all frames are done", said=daemon.said)
    assert daemon.kill(signal.SIGTERM) == [0]
    data = daemon.settings.data
    journal = bytearray((data / "journal.db").read_bytes())
    journal[len(journal) // 2 :] = random.Random(1).randbytes(len(journal) - len(journal) // 2)
    (data / "journal.db").write_bytes(journal)
    book = (data / "book.db").read_bytes()
    (data / "book.db").write_bytes(book[: len(book) * 3 // 4])
    state = (data / "rules.state").read_bytes()
    (data / "rules.state").write_bytes(state[:-10])

    daemon.ready()
    assert len(list(data.glob("journal.db.damaged-*Z"))) == 1
    assert len(list(data.glob("book.db.damaged-*Z"))) == 1
    assert (data / "rules.state.damaged").exists()
    wait_until(
        lambda: {"journal-mended", "book-mended", "state-damaged"} <= open_rules(daemon),
        "the operator is told",
        said=daemon.said,
    )
    with daemon.journal() as opened:
        before = opened.head
    assert before >= 602, "no offset is given again"
    town.smoke(alarm=1)
    wait_until(lambda: daemon.drained(before + 1), "the next frame is done", said=daemon.said)
    assert "smoke-fire" in open_rules(daemon)
    ledger(daemon)


def test_damage_that_cannot_be_read_past_ends_the_process_and_the_next_start_mends_it(daemon, town):
    daemon.ready()
    town.smoke()
    wait_until(lambda: daemon.drained(1), "a frame is done", said=daemon.said)
    suspicion(daemon.settings.journal.file).touch()  # what a street leaves that met such damage
    assert daemon.processes[0].wait(30) == 1
    assert daemon.kill() == [1]
    daemon.ready()
    town.smoke()
    wait_until(lambda: daemon.drained(2), "the next frame is done", said=daemon.said)
    wait_until(lambda: "journal-mended" in open_rules(daemon), "the operator is told", said=daemon.said)
    assert "received     2" in ledger(daemon)


def test_an_older_journal_that_came_back_stops_nothing(daemon, town):
    daemon.ready()
    town.smoke()
    wait_until(lambda: daemon.drained(1), "the first frame is done", said=daemon.said)
    daemon.kill(signal.SIGTERM)
    data = daemon.settings.data
    shutil.copy(data / "journal.db", data / "backup.db")
    daemon.ready()
    say_much(town, 50)
    wait_until(lambda: daemon.drained(52), "the others are done", said=daemon.said)
    daemon.kill(signal.SIGTERM)
    for name in ("journal.db", "journal.db-wal", "journal.db-shm"):
        (data / name).unlink(missing_ok=True)
    (data / "backup.db").rename(data / "journal.db")
    daemon.ready()
    town.smoke(alarm=1)
    wait_until(lambda: daemon.drained(53), "a frame after that is done", said=daemon.said)
    wait_until(lambda: {"journal-shorter", "smoke-fire"} <= open_rules(daemon), "both are told", said=daemon.said)
    assert "received     53" in ledger(daemon)


def test_at_its_limit_the_journal_leaves_frames_with_the_broker(daemon, town):
    with daemon.config.open("a", encoding="utf-8") as config:
        config.write("journal: {most: 512KiB, least_free: 1B}\n")
    daemon.start("ingest")
    daemon.start("alerting")
    wait_until(daemon.subscriptions, "ingest has its broker", said=daemon.said)
    say_much(town, 4000)
    wait_until(lambda: "journal-full" in open_rules(daemon), "the operator is told", said=daemon.said)
    with daemon.journal() as journal:
        assert 0 < journal.head < 4001
        assert journal.used_bytes < 2**20
    daemon.start("record")
    wait_until(lambda: daemon.drained(4001), "every frame has come", seconds=60, said=daemon.said)
    wait_until(lambda: "journal-full" not in open_rules(daemon), "and it is over", said=daemon.said)
    assert "received     4001" in ledger(daemon)


def test_it_says_how_it_does(daemon, town):
    daemon.ready()
    town.smoke()
    wait_until(lambda: daemon.drained(1), "a frame is done", said=daemon.said)
    wait_until(lambda: get(f"{daemon.url}/readyz") == (200, "ready\n"), "it is ready", said=daemon.said)
    wait_until(
        lambda: 'firesense_frames_total{ended="recorded"} 1.0' in get(f"{daemon.url}/metrics")[1],
        "the metrics follow",
        said=daemon.said,
    )
    text = get(f"{daemon.url}/metrics")[1]
    assert 'firesense_transport_connected{transport="main"} 1.0' in text
    assert "firesense_ledger_balanced 1.0" in text
    assert "process_resident_memory_bytes" in text
    assert get(f"{daemon.url}/metrics", **{"X-Forwarded-For": "203.0.113.7"})[0] == 403


def test_a_process_without_a_console_has_a_port_of_its_own(daemon):
    with daemon.config.open("a", encoding="utf-8") as config:
        config.write("watch: {token: long-and-secret}\n")
    port = free_port()
    daemon.start("record", "--watch-port", str(port))
    url = f"http://127.0.0.1:{port}"

    def ready():
        try:
            return get(f"{url}/readyz") == (200, "ready\n")
        except OSError:
            return False

    wait_until(ready, "it is ready", said=daemon.said)
    assert get(f"{url}/healthz") == (200, "ok\n")
    assert get(f"{url}/metrics")[0] == 403
    assert get(f"{url}/metrics", Authorization="Bearer wrong")[0] == 403
    status, text = get(f"{url}/metrics", Authorization="Bearer long-and-secret")
    assert status == 200
    assert 'firesense_street_still_seconds{street="record"}' in text
    assert get(f"{url}/elsewhere")[0] == 404


def test_systemd_hears_that_it_is_ready_and_that_its_streets_move(daemon, tmp_path, monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(str(tmp_path / "notify"))
        line.settimeout(60)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "2000000")
        daemon.start()
        assert [line.recv(100) for _ in range(4)] == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1", b"WATCHDOG=1"]
        daemon.processes[0].send_signal(signal.SIGTERM)
        said = b""
        while said != b"STOPPING=1":
            said = line.recv(100)
            assert said in {b"WATCHDOG=1", b"STOPPING=1"}
