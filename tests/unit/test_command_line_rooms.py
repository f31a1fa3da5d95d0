"""Every command is in the list of its room, so that asking for one loads that room alone."""

from __future__ import annotations

import argparse
from importlib import import_module

import pytest

from firesense.cli import _COMMANDS, parser


@pytest.mark.parametrize("room", _COMMANDS)
def test_the_commands_of_a_room_are_those_it_adds(room):
    commands = argparse.ArgumentParser().add_subparsers()
    import_module(f"firesense.cli.{room}").add_commands(commands, argparse.ArgumentParser(add_help=False))
    assert tuple(commands.choices) == _COMMANDS[room]


def test_without_a_command_all_of_them_are_shown():
    shown = parser().format_help()
    assert all(command in shown for commands in _COMMANDS.values() for command in commands)
    assert "ledger" not in parser("alerts").format_help()
