"""The command line: ``python -m simulators fleet | scenarios | run``."""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import signal
import ssl
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from simulators.fleet import Device, make_fleet, write_csv
from simulators.paces import demo, load, unix_now
from simulators.packets import V5, V311, Broker, BrokerRefusedError
from simulators.scenarios import SCENARIOS, Staged, label, stage
from simulators.town import Town
from simulators.wire import BEIJING

if TYPE_CHECKING:
    from collections.abc import Sequence

PASSWORD = "SIMULATORS_PASSWORD"  # noqa: S105 - the name of the variable, not a password


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the words say; 0 when it worked, 1 when the broker did not let us, 2 for wrong words."""
    options = _parser().parse_args(arguments)
    if options.what == "scenarios":
        for scenario in SCENARIOS.values():
            raises = " or ".join(scenario.expected) or "nothing"
            print(f"{scenario.name:30} {scenario.text} Right: {raises}; wrong: {', '.join(scenario.forbidden)}.")
        return 0
    fleet = make_fleet(options.devices, options.seed, options.places.split(","))
    if options.what == "fleet":
        _write_fleet(fleet, options.csv)
        return 0
    staged: list[Staged] = []
    for spec in options.scenario:
        try:
            staged.append(stage(spec, fleet, staged))
        except ValueError as wrong:
            print(wrong, file=sys.stderr)
            return 2
    started_at = unix_now()
    if options.labels:
        lines = "".join(f"{label(event, fleet, started_at, options.speed)}\n" for event in staged)
        Path(options.labels).write_text(lines, encoding="utf-8")
    try:
        asyncio.run(_run(fleet, staged, options, started_at))
    except (OSError, BrokerRefusedError) as refusal:
        print(f"{options.host}:{options.port}: {refusal}", file=sys.stderr)
        return 1
    return 0


def _write_fleet(fleet: Sequence[Device], path: str) -> None:
    if path == "-":
        write_csv(fleet, sys.stdout)
        return
    with Path(path).open("w", encoding="utf-8", newline="") as out:
        write_csv(fleet, out)


async def _run(fleet: Sequence[Device], staged: Sequence[Staged], options: argparse.Namespace, started_at: int) -> None:
    stop = asyncio.Event()
    for end in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(end, stop.set)
    broker = Broker(
        options.host,
        options.port,
        V5 if options.protocol == "5" else V311,
        options.user,
        os.environ.get(PASSWORD, ""),
        ssl.create_default_context(cafile=options.ca) if options.ca else None,
    )
    local = datetime.fromtimestamp(started_at / 1e6, BEIJING)
    hour = local.hour + local.minute / 60 if options.hour is None else options.hour
    town = Town(fleet, options.seed, hour=hour, speed=options.speed, batches=options.pace == "demo", staged=staged)
    pace = {"qos": options.qos, "speed": options.speed, "duration": options.duration, "stop": stop}
    if options.pace == "load":
        await load(town, broker, rate=options.rate, **pace)
    else:
        await demo(town, broker, **pace)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="simulators", description="Simulated fire sensors over MQTT.")
    commands = parser.add_subparsers(dest="what", required=True)
    everybody = argparse.ArgumentParser(add_help=False)
    everybody.add_argument("--devices", type=_positive_whole, default=1000, metavar="N")
    everybody.add_argument("--seed", type=int, default=7)
    everybody.add_argument("--places", default="", metavar="CODE,CODE", help="the gateways' places, in turn")

    fleet = commands.add_parser("fleet", parents=[everybody], help="write the device register")
    fleet.add_argument("--csv", default="-", metavar="FILE", help="where to (default: standard output)")

    commands.add_parser("scenarios", help="list what can be staged, and what a right system makes of it")

    run = commands.add_parser("run", parents=[everybody], help="let the same fleet report")
    run.add_argument("--host", default="127.0.0.1")
    run.add_argument("--port", type=_positive_whole, default=1883)
    run.add_argument("--user", default="", help=f"its password is read from the environment ({PASSWORD})")
    run.add_argument("--ca", default="", metavar="FILE", help="speak TLS and trust this authority")
    run.add_argument("--protocol", choices=("311", "5"), default="311")
    run.add_argument("--qos", type=int, choices=(0, 1), default=1)
    run.add_argument("--pace", choices=("demo", "load"), default="demo", help="own rhythm, or --rate frames a second")
    run.add_argument("--rate", type=_positive, default=1000.0, metavar="FRAMES_PER_SECOND")
    run.add_argument("--duration", type=_positive, default=math.inf, metavar="SECONDS")
    run.add_argument("--speed", type=_positive, default=1.0, help="seconds of physics in one second of real time")
    run.add_argument("--hour", type=float, metavar="H", help="hour of the day it begins at (default: now in China)")
    run.add_argument("--scenario", action="append", default=[], metavar="NAME[@DEVICE][+SECONDS]")
    run.add_argument("--labels", default="", metavar="FILE", help="write the truth of the scenarios, a JSON line each")
    return parser


def _positive(word: str) -> float:
    value = float(word)
    if not value > 0:
        raise ValueError(word)
    return value


def _positive_whole(word: str) -> int:
    value = int(word)
    if value <= 0:
        raise ValueError(word)
    return value


if __name__ == "__main__":
    sys.exit(main())
