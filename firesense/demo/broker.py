"""A broker for the demo: mosquitto where it is installed, else amqtt; a child process either way."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from contextlib import contextmanager, suppress
from os import getuid
from pwd import getpwuid
from time import monotonic, sleep
from typing import TYPE_CHECKING

from firesense.domain.errors import FiresenseError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_DEADLINE = 20.0  # seconds until a broker answers

# As root mosquitto would become the user "mosquitto", who may not write into the demo's folder.
_MOSQUITTO = """\
user {user}
listener {port} 127.0.0.1
allow_anonymous true
persistence true
persistence_location {data}/
autosave_interval 5
max_queued_messages 0
log_type error
"""
_AMQTT = """\
listeners: {{default: {{type: tcp, bind: "127.0.0.1:{port}"}}}}
plugins:
  amqtt.plugins.authentication.AnonymousAuthPlugin: {{allow_anonymous: true}}
"""


def find_mosquitto() -> str | None:
    """Where mosquitto is; Debian puts it in a folder that is not on everybody's path."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody has just now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def broker(data: Path, port: int, mosquitto: str | None) -> Iterator[None]:
    """Run a broker on that port while the block runs. Raises FiresenseError when it does not come up."""
    if mosquitto:
        config = data / "mosquitto.conf"
        config.write_text(_MOSQUITTO.format(user=getpwuid(getuid()).pw_name, port=port, data=data), encoding="utf-8")
        command = [mosquitto, "-c", str(config)]
    else:
        config = data / "amqtt.yaml"
        config.write_text(_AMQTT.format(port=port), encoding="utf-8")
        command = [sys.executable, "-m", "amqtt.scripts.broker_script", "-c", str(config)]
    with (data / "broker.log").open("wb") as log, child(command, log) as process:
        _wait_for(port, process, data / "broker.log")
        yield


@contextmanager
def child(command: list[str], log: object = None) -> Iterator[subprocess.Popen[bytes]]:
    """Run a child process while the block runs; then ask it to end, and make it end."""
    process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)  # type: ignore[call-overload] # noqa: S603 -- our own words
    try:
        yield process
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(5)
        process.kill()
        process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = monotonic() + _DEADLINE
    while monotonic() < until and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        sleep(0.05)
    said = log.read_text(encoding="utf-8", errors="replace")[-500:]
    raise FiresenseError(f"the broker does not answer on port {port}: {said}")
