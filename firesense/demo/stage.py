"""Sets the demo's stage, raises the curtain, and tells what happens."""

from __future__ import annotations

import asyncio
import re
import secrets
import shutil
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from firesense.app import open_book, open_history
from firesense.app.house import STREETS, House
from firesense.app.logs import set_up_logs
from firesense.demo.broker import broker, child, find_mosquitto, free_port
from firesense.demo.story import Story
from firesense.domain.errors import FiresenseError
from firesense.orgtree import load_org
from firesense.passwords import hash_password
from firesense.ports import User
from firesense.settings import load_settings

if TYPE_CHECKING:
    import argparse

    from firesense.settings import Settings

USER = "demo"
_MARK = "firesense-demo"  # a folder with this file in it is ours to make anew
_SHORTER = 12  # the ladders' waits: two minutes become ten seconds
_SPEED = 10  # seconds of physics in one second: a smouldering fire takes its time otherwise
_FIRE_AFTER = 15  # seconds after the simulators start
_SETTINGS = """\
data: .
files: {{profiles: {profiles}, rules: {rules}, org: {org}, calendars: {calendars}, ladders: ladders.yaml,
  devices: devices.csv}}
brokers: [{{name: demo, protocol: {protocol}, host: 127.0.0.1, port: {port}, client_id: firesense-demo}}]
channels:
  - {{name: log, kind: log, echo: true}}
  - {{name: mqtt, kind: mqtt, host: 127.0.0.1, port: {port}, protocol: "{calls_protocol}"}}
web: {{host: 127.0.0.1, port: {web_port}, url: "http://127.0.0.1:{web_port}"}}
"""


def demo(asked: argparse.Namespace) -> int:
    """Run the demo; with ``scenario`` it acts the fire by itself, and the exit code says whether all went right."""
    set_up_logs()
    data = _fresh(asked.data)
    mosquitto = None if asked.broker == "amqtt" else find_mosquitto()
    if asked.broker == "mosquitto" and mosquitto is None:
        raise FiresenseError("mosquitto is not installed")
    port = free_port()
    settings = _prepare(data, asked.devices, port, asked.port, newer=mosquitto is not None)
    with ExitStack() as stack:
        stack.enter_context(broker(data, port, mosquitto))
        password = _first_user(settings)
        house = House(settings, frozenset(STREETS))
        story = Story(stack.enter_context(open_book(settings)), stack.enter_context(open_history(settings)))
        places = ",".join(_grids(settings))
        simulators = [
            *(sys.executable, "-m", "simulators", "run", "--host", "127.0.0.1", "--port", str(port)),
            *("--devices", str(asked.devices), "--places", places, "--speed", str(_SPEED), "--hour", "10"),
            *("--protocol", "5" if mosquitto else "311"),
            *("--scenario", f"smouldering_fire+{_FIRE_AFTER}"),
            *("--labels", str(data / "truth.ndjson")),
        ]
        telling = threading.Thread(
            target=_tell, args=(house, story, simulators, data, asked, password), name="story", daemon=True
        )
        telling.start()
        try:
            code = asyncio.run(house.live())
        finally:
            house.stop()
            telling.join()
    if asked.scenario:
        return 0 if story.ended_well and code == 0 else 1
    return code


def _tell(
    house: House, story: Story, simulators: list[str], data: Path, asked: argparse.Namespace, password: str
) -> None:
    """Beside the house: start the simulators when it is up, tell what happens, stop it when the demo is over."""
    while not house.started.wait(0.1):
        if house.stopping:  # it could not start, and says why itself
            return
    sys.stdout.write(
        f"\n  console   http://127.0.0.1:{asked.port}   user {USER}   password {password} (works once)\n"
        f"  data      {data}\n"
        f"  a fire breaks out in {_FIRE_AFTER} s; stop with Ctrl-C\n\n"
    )
    sys.stdout.flush()
    until = monotonic() + (asked.seconds or 10**9)
    with (data / "simulators.log").open("wb") as log, child(simulators, log) as process:
        try:
            while not house.stopping and monotonic() < until and process.poll() is None:
                if story.turn(act=asked.scenario):
                    break
                house.wait(0.2)
        finally:
            house.stop()
    if process.returncode:
        said = (data / "simulators.log").read_text(encoding="utf-8", errors="replace")[-500:]
        sys.stdout.write(f"the simulators ended: {said}\n")


def _fresh(data: Path) -> Path:
    """Make the data folder anew; a folder that is not a demo's is left alone. Raises FiresenseError."""
    data = data.resolve()
    if data.exists() and any(data.iterdir()):
        if not (data / _MARK).exists():
            raise FiresenseError(f"{data} holds something that is not a demo's data: name another folder with --data")
        shutil.rmtree(data)
    data.mkdir(parents=True, exist_ok=True)
    (data / _MARK).touch()
    return data


def _prepare(data: Path, devices: int, port: int, web_port: int, *, newer: bool) -> Settings:
    """Write the demo's configuration: the shipped one, with shorter waits and made-up devices."""
    config = Path("config").resolve()
    if not (config / "org.yaml").exists():
        raise FiresenseError("run the demo in a checkout of firesense: it uses its config and device_profiles folders")
    ladders = (config / "ladders.yaml").read_text(encoding="utf-8")
    (data / "ladders.yaml").write_text(re.sub(r"wait: (\w+)", _shorter, ladders), encoding="utf-8")
    file = data / "firesense.yaml"
    file.write_text(
        _SETTINGS.format(
            profiles=config.parent / "device_profiles",
            rules=config / "rules.yaml",
            org=config / "org.yaml",
            calendars=config / "calendars.yaml",
            port=port,
            protocol="mqtt5" if newer else "mqtt311",
            calls_protocol="5" if newer else "3.1.1",
            web_port=web_port,
        ),
        encoding="utf-8",
    )
    settings = load_settings(file)
    command = [sys.executable, "-m", "simulators", "fleet", "--devices", str(devices)]
    subprocess.run(  # noqa: S603 -- our own words
        [*command, "--places", ",".join(_grids(settings)), "--csv", str(data / "devices.csv")], check=True
    )
    return settings


def _shorter(found: re.Match[str]) -> str:
    units = {"s": 1, "m": 60, "h": 3600}
    seconds = sum(int(n) * units[unit] for n, unit in re.findall(r"(\d+)([smh])", found[1]))
    return f"wait: {max(seconds // _SHORTER, 1)}s"


def _grids(settings: Settings) -> list[str]:
    """The places devices stand at: the lowest ones. The first has every post of its ladder filled."""
    org = load_org(settings.files.org)
    parents = {place.parent for place in org.places.values()}
    return [code for code in org.places if code not in parents]


def _first_user(settings: Settings) -> str:
    password = secrets.token_urlsafe(9)
    with open_book(settings) as book:
        book.put_user(User(USER, hash_password(password), one_time=True))
    return password
