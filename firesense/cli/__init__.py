"""The command line: ``firesense COMMAND --help`` says what each command does.

Exit codes: 0 done, 1 it could not be done, 2 the configuration (or the command line) has faults, all of them listed.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from firesense import __version__
from firesense.domain.errors import ConfigError, FiresenseError
from firesense.yamlmarks import shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


# The commands of each room, in the order in which help shows them.
_COMMANDS: Mapping[str, tuple[str, ...]] = {
    "daemon": ("run", "check", "profile", "demo"),
    "frames": ("journal", "quarantine", "ledger"),
    "org": ("org",),
    "people": ("device", "user"),
    "alerts": ("alerts", "acknowledge", "close", "alert"),
    "audit": ("audit",),
    "quiet": ("maintenance", "shelve", "unshelve", "walktest", "windows"),
    "rules": ("rules", "explain"),
    "backtest": ("backtest",),
    "exports": ("cap",),
    "rosters": ("roster",),
    "figures": ("report", "rollcall"),
    "hazards": ("hazard",),
    "channels": ("channel",),
}


def _default_config() -> Path:
    """The file named by FIRESENSE_CONFIG, else the one in this folder, else the system's."""
    if named := os.environ.get("FIRESENSE_CONFIG"):
        return Path(named)
    here = Path("config/firesense.yaml")
    return here if here.exists() else Path("/etc/firesense/firesense.yaml")


def parser(word: str = "") -> argparse.ArgumentParser:
    """Build the command line: the room of the command ``word`` alone, or all of them where there is none of that name.

    What a command needs is loaded when it is asked for; all of them together take seconds.
    """
    top = argparse.ArgumentParser(prog="firesense", description="Fire-safety telemetry and alerting daemon.")
    top.add_argument("--version", action="version", version=f"firesense {__version__}")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--config",
        type=Path,
        default=_default_config(),
        help="settings file (default: $FIRESENSE_CONFIG, config/firesense.yaml, /etc/firesense/firesense.yaml)",
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for room, words in _COMMANDS.items():
        if word in words or not any(word in others for others in _COMMANDS.values()):
            import_module(f"firesense.cli.{room}").add_commands(commands, shared)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    asked = parser(words[0] if words else "").parse_args(words)
    try:
        return int(asked.does(asked) or 0)
    except ConfigError as error:
        for line in shown(error.faults):
            print(line, file=sys.stderr)
        count = len(error.faults)
        print(f"{count} fault{'s' if count != 1 else ''} found", file=sys.stderr)
        return 2
    except FiresenseError as error:
        print(f"firesense: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader of our output (head, less) has gone: nothing is wrong
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 -- kept open until the exit
        return 0
    except KeyboardInterrupt:
        return 130
