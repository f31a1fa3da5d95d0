"""Every command of the README, in its order, in a checkout of its own, on real servers."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from contextlib import suppress

import paho.mqtt.client as mqtt
import psutil
import pytest
import yaml

from firesense.app import open_book, open_journal
from firesense.settings import load_settings
from tests.readme import ROOT, blocks, file_of
from tests.servers import free_port
from tests.waiting import wait_until

pytestmark = [pytest.mark.server, pytest.mark.timeout(300)]

# The environment is there already, "run" does not end by itself, and what CI runs is what is running just now.
SHELL = """\
set -euo pipefail
make() { command make -o venv-demo -o venv-dev -o static -o servers "$@"; }
firesense() { [ "$1" = run ] || command firesense "$@"; }
"""
MOST_MEMORY = 300 * 2**20  # bytes: broker, simulators and daemon together


class Reader:
    """Someone who does what the README says, with the ports of the servers there are."""

    def __init__(self, folder, ports):
        self.folder = folder
        for name in ("config", "device_profiles", "simulators", "scripts"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "Makefile", folder)
        (folder / ".venv").symlink_to(sys.prefix)
        self.web_port = free_port()
        self._ports = ports
        self._daemon = None
        self._started_at = 0  # how long the log was
        self._environment = os.environ | {
            "PATH": f"{sys.prefix}/bin:{os.environ['PATH']}",
            "DEMO": f"--seconds 3 --devices 40 --port {free_port()}",
            "PYTEST": "--version",
        }

    def local(self, text):
        for usual, port in self._ports.items():
            text = text.replace(usual, str(port))
        return text

    def write(self, text):
        name = file_of(text)
        file = self.folder / name
        if name != "config/firesense.yaml":
            file.write_text(text, encoding="utf-8")
            return
        settings = yaml.safe_load(file.read_text(encoding="utf-8")) | yaml.safe_load(self.local(text))
        for channel in settings["channels"]:
            if channel["kind"] == "mqtt":
                channel["port"] = self._ports["1883"]
        settings["web"] |= {"port": self.web_port}
        file.write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")

    def run(self, text):
        done = subprocess.run(
            ["bash", "-c", SHELL + self.local(text)],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def start(self):
        with (self.folder / "daemon.log").open("ab") as log:
            self._started_at = log.tell()
            self._daemon = subprocess.Popen(
                [f"{sys.prefix}/bin/firesense", "run"], cwd=self.folder, stdout=log, stderr=subprocess.STDOUT
            )
        wait_until(self._answers, "the console answers", seconds=60, said=self.said)

    def _answers(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.web_port}/healthz", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    def stop(self):
        daemon, self._daemon = self._daemon, None
        if daemon is not None:
            daemon.send_signal(signal.SIGTERM)
            assert daemon.wait(30) == 0, self.said()

    def said(self):
        return (self.folder / "daemon.log").read_text(encoding="utf-8")

    def heard(self, words):
        """Wait until the daemon that runs now has said so, whatever those before it said."""

        def now_said():
            return words.encode() in (self.folder / "daemon.log").read_bytes()[self._started_at :]

        wait_until(now_said, words, seconds=30, said=self.said)

    def settings(self):
        return load_settings(self.folder / "config/firesense.yaml")


@pytest.fixture
def reader(tmp_path, mosquitto, influxdb):
    reader = Reader(tmp_path, {"1883": mosquitto.port, "8086": influxdb.port})
    yield reader
    reader.stop()


def publish(port, topic, payload):
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", port)
    client.loop_start()
    client.publish(topic, payload, qos=1).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()


def test_all_of_it(reader, mosquitto, influxdb):
    said = {}
    for kind, text in blocks("README.md"):
        if kind == "yaml":
            reader.write(text)
            continue
        said[text] = reader.run(text)
        if "firesense run" in text:
            reader.start()
        if "profile check" in text:  # "and restart firesense"
            reader.stop()
            reader.start()
            reader.heard("transport_connected")
            publish(mosquitto.port, "acme/S1-0001/up", b'{"smoke": 0.02, "alarm": 0}')
            with open_book(reader.settings()) as book:
                wait_until(book.strangers, "the new device is heard", said=reader.said)
        if "device claim" in text:
            reader.heard("plan.refreshed")

    everything = "".join(said.values())
    assert "works once" in everything, "the demo says how to log in"
    assert "S1-0001\tacme-s1\tacme/S1-0001/up\t1 frames" in everything, "the stranger is listed"
    assert "1 frames put back" in everything
    with open_book(reader.settings()) as book, open_journal(reader.settings()) as journal:
        wait_until(lambda: book.position("record") == journal.head > 2000, "all is recorded", said=reader.said)
        assert book.tally("record").total == journal.head
    points = influxdb.query("SELECT smoke_density FROM smoke WHERE device = 'smoke-hall'", "firesense")
    assert [point["smoke_density"] for point in points] == [0.02]


def test_the_whole_demo_is_small(tmp_path):
    words = ["demo", "--seconds", "8", "--port", str(free_port()), "--data", str(tmp_path / "data")]
    most = 0
    with (tmp_path / "demo.log").open("wb") as log:
        demo = psutil.Popen([f"{sys.prefix}/bin/firesense", *words], cwd=ROOT, stdout=log, stderr=log)
        while demo.poll() is None:
            most = max(most, memory(demo))
            with suppress(psutil.TimeoutExpired):
                demo.wait(1)
    assert demo.returncode == 0, (tmp_path / "demo.log").read_text(encoding="utf-8")
    assert MOST_MEMORY / 10 < most < MOST_MEMORY


def memory(process):
    """Bytes of a process and all its children; what they share is counted once."""
    total = 0
    for one in (process, *process.children(recursive=True)):
        try:
            total += one.memory_full_info().pss
        except psutil.Error:  # it has just ended
            continue
    return total
