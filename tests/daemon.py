"""The daemon as a process of its own, configured by a file and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from http import HTTPStatus
from pathlib import Path

from firesense.app import open_book, open_journal
from firesense.settings import load_settings
from tests.servers import free_port
from tests.waiting import wait_until

ROOT = Path(__file__).parents[1]
SETTINGS = """\
data: data
files:
  profiles: {root}/device_profiles
  rules: {root}/config/rules.yaml
  org: {root}/config/org.yaml
  ladders: ladders.yaml
  calendars: {root}/tests/calendars.yaml
  devices: devices.csv
brokers: [{{name: main, protocol: {protocol}, port: {port}, client_id: firesense-test}}]
channels:
  - {{name: log, kind: log}}
  - {{name: mqtt, kind: mqtt, port: {port}}}
history: {history}
book: {book}
web: {{port: {web_port}}}
"""


class Daemon:
    """``firesense run`` in a folder of its own; ``wait`` shortens the ladders' waits of the shipped configuration."""

    def __init__(self, folder, *, port, devices, protocol="mqtt5", history="{kind: sqlite}", wait="2s", book=""):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.web_port = free_port()
        self.config = folder / "firesense.yaml"
        ladders = (ROOT / "config/ladders.yaml").read_text(encoding="utf-8")
        for written in ("2m", "3m", "5m"):
            ladders = ladders.replace(f"wait: {written}", f"wait: {wait}")
        (folder / "ladders.yaml").write_text(ladders, encoding="utf-8")
        (folder / "devices.csv").write_text(devices, encoding="utf-8")
        self.config.write_text(
            SETTINGS.format(
                root=ROOT, protocol=protocol, port=port, history=history, web_port=self.web_port, book=repr(book)
            ),
            encoding="utf-8",
        )
        self.settings = load_settings(self.config)
        self.url = f"http://127.0.0.1:{self.web_port}"
        self.processes = []

    def start(self, *streets):
        log = (self.folder / "daemon.log").open("ab")
        command = [sys.executable, "-m", "firesense.cli", "run", *streets, "--config", str(self.config)]
        self.processes.append(subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=ROOT))
        log.close()
        return self.processes[-1]

    def answers(self):
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=2) as answer:  # noqa: S310 - http to 127.0.0.1
                return answer.status == 200
        except OSError:
            return False

    def readiness(self):
        """What it answers to those who ask whether it is ready."""
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:  # noqa: S310 - http to 127.0.0.1
                return answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.read().decode() if error.code == HTTPStatus.SERVICE_UNAVAILABLE else str(error)

    def ready(self):
        """Start everything in one process, and wait for the console and for the broker's subscription."""
        before = self.subscriptions()
        self.start()
        wait_until(self.answers, "the console answers", seconds=60, said=self.said)
        wait_until(lambda: self.subscriptions() > before, "ingest has its broker", seconds=60, said=self.said)
        return self

    def subscriptions(self):
        """How often ingest has got its subscriptions: what is published before the first is nobody's."""
        log = self.folder / "daemon.log"
        return log.read_text(encoding="utf-8", errors="replace").count("transport_connected") if log.exists() else 0

    def said(self):
        return (self.folder / "daemon.log").read_text(encoding="utf-8", errors="replace")[-3000:]

    def kill(self, number=signal.SIGKILL):
        for process in self.processes:
            if process.poll() is None:
                os.kill(process.pid, number)
        for process in self.processes:
            process.wait(30)
        codes = [process.returncode for process in self.processes]
        self.processes.clear()
        return codes

    def book(self):
        return open_book(self.settings)

    def journal(self):
        return open_journal(self.settings)

    def drained(self, frames):
        """Whether so many frames have come at least, all have been judged and recorded, and the ledger balances."""
        with self.journal() as journal, self.book() as book:
            tally = book.tally("record")
            return (
                journal.head >= frames
                and book.position("alerting") == journal.head == book.position("record") == tally.total
            )

    def cli(self, *arguments):
        return subprocess.run(
            [sys.executable, "-m", "firesense.cli", *arguments, "--config", str(self.config)],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
