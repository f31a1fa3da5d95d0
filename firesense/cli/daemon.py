"""Commands that run the daemon or look over its configuration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from firesense.app import RealClock, check
from firesense.app.house import STREETS, run
from firesense.demo import demo
from firesense.domain.errors import ConfigError
from firesense.profiles import check_profiles
from firesense.settings import load_settings, read_settings

if TYPE_CHECKING:
    import argparse

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 -- argparse gives it no other name


def add_commands(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """Add run, check, profile and demo."""
    command = commands.add_parser("run", parents=[shared], help="run the daemon: all streets, or those named")
    command.add_argument("streets", nargs="*", choices=[[], *STREETS], metavar="STREET", help=", ".join(STREETS))
    command.add_argument("--watch-port", type=int, help="serve /metrics, /healthz and /readyz here (watch.port)")
    command.set_defaults(does=_run)

    command = commands.add_parser("check", parents=[shared], help="read the whole configuration, name every fault")
    command.set_defaults(does=_check)

    profile = commands.add_parser("profile", help="device profiles").add_subparsers(required=True, metavar="ACTION")
    command = profile.add_parser("check", parents=[shared], help="read all profiles and run all their examples")
    command.add_argument("folder", type=Path, nargs="?", help="default: the folder the settings name")
    command.set_defaults(does=_check_profiles)

    command = commands.add_parser("demo", help="broker, simulated devices, daemon and console, all in one")
    command.add_argument("--data", type=Path, default=Path("demo-data"), help="where it keeps its data (made anew)")
    command.add_argument("--devices", type=int, default=1000, help="how many devices are simulated")
    command.add_argument("--port", type=int, default=8440, help="of the console")
    command.add_argument("--broker", choices=["auto", "mosquitto", "amqtt"], default="auto", help="which one it starts")
    command.add_argument("--scenario", action="store_true", help="act the fire scenario by itself, then exit")
    command.add_argument("--seconds", type=float, default=0.0, help="stop after so long (default: until Ctrl-C)")
    command.set_defaults(does=demo)


def _run(asked: argparse.Namespace) -> int:
    settings = load_settings(asked.config)
    if asked.watch_port is not None:
        watch = settings.watch.model_copy(update={"port": asked.watch_port})
        settings = settings.model_copy(update={"watch": watch})
    return run(settings, asked.streets or STREETS)


def _check(asked: argparse.Namespace) -> int:
    settings, faults = read_settings(asked.config)
    print(check(settings, faults, RealClock()))
    return 0


def _check_profiles(asked: argparse.Namespace) -> int:
    folder = asked.folder or load_settings(asked.config).files.profiles
    if faults := check_profiles(folder):
        raise ConfigError(faults)
    count = len(list(folder.glob("*.yaml")))
    print(f"{count} profiles are sound, and so are all their examples")
    return 0
