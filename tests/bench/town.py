"""A configured daemon for the bench: its folder, its devices in the book, and how to start it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
from fleet import DEVICE_CLASS, PROFILE, external_id
from measure import MEASURED_CORE, ROOT, environment, pin

from firesense.app import open_book
from firesense.domain.device import Device
from firesense.settings import Settings, load_settings

if TYPE_CHECKING:
    from pathlib import Path

_BEHIND_ONE_GATEWAY = 100
_AT_ONCE = 50_000
_SETTINGS = """\
data: data
files: {{profiles: {root}/device_profiles, rules: {root}/tests/bench/rules.yaml, org: org.yaml, ladders: ladders.yaml}}
brokers: [{{name: main, protocol: {protocol}, port: {port}, client_id: bench, qos: {qos}}}]
history: {history}
channels:
  - {{name: log, kind: log}}
  - name: hook
    kind: webhook
    url: "http://127.0.0.1:{hook}/call"
    allow_private: true
    secret: made-up-for-the-bench
"""
_ORG = """\
people: {watch: {name: 值班员, phone: "13900000001", addresses: {log: watch, hook: watch}}}
root: {code: "990100", name: 清河区, kind: district, posts: {operator: [watch]}}
"""
_LADDERS = """\
ladders:
  fire:
    repeat: forever
    timers: {arrive: never, result: never}
    rungs: [{roles: [operator], channels: [hook], wait: 1h}]
  rest: {repeat: 0, rungs: [{roles: [operator], channels: [log], wait: 24h}]}
choose: [{ladder: fire, class: [fire]}, {ladder: rest}]
"""


class Town:
    """A folder in which a daemon with so many registered devices can be started."""

    def __init__(
        self,
        folder: Path,
        *,
        port: int,
        hook: int = 9,
        history: str = "{kind: sqlite}",
        protocol: str = "mqtt5",
        qos: int = 1,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.config = folder / "firesense.yaml"
        # Without going back after a start: what is written twice then would be counted as if it were new.
        history = history.replace("}", ", go_back: 0s}")
        text = _SETTINGS.format(root=ROOT, port=port, hook=hook, history=history, protocol=protocol, qos=qos)
        self.config.write_text(text, encoding="utf-8")
        (folder / "org.yaml").write_text(_ORG, encoding="utf-8")
        (folder / "ladders.yaml").write_text(_LADDERS, encoding="utf-8")
        self.settings: Settings = load_settings(self.config)

    def register(self, count: int) -> None:
        """Put so many devices into the book."""
        with open_book(self.settings) as book:
            for first in range(0, count, _AT_ONCE):
                book.register(
                    Device(
                        external_id(n),
                        DEVICE_CLASS,
                        PROFILE,
                        external_id(n),
                        "990100",
                        -1,
                        name=f"烟感 {n}",
                        gateway=f"gw-{n // _BEHIND_ONE_GATEWAY}",
                    )
                    for n in range(first, min(count, first + _AT_ONCE))
                )

    def start(self, *streets: str) -> psutil.Process:
        """Start these streets as one process on the measured core."""
        with (self.folder / "daemon.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "firesense.cli", "run", *streets, "--config", str(self.config)],
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env=environment(),
            )
        started = psutil.Process(process.pid)
        pin(MEASURED_CORE, started)
        return started

    def said(self) -> str:
        """The end of what the daemon has logged."""
        return (self.folder / "daemon.log").read_text(encoding="utf-8", errors="replace")[-2000:]


def end(process: psutil.Process) -> None:
    """Stop a daemon in an orderly way."""
    process.terminate()
    process.wait(60)
