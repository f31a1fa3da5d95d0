"""Commands that write what other systems read."""

from __future__ import annotations

import argparse
import re
import sys
from typing import TYPE_CHECKING

from firesense.app import open_book
from firesense.cap import cap_document
from firesense.domain.plan import Plan
from firesense.rulebook import load_rules
from firesense.settings import load_settings

if TYPE_CHECKING:
    from firesense.cli.daemon import Commands


def add_commands(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """Add cap."""
    command = commands.add_parser("cap", parents=[shared], help="write an alert as a CAP 1.2 message")
    command.add_argument("alert")
    command.add_argument("--message", type=int, default=None, help="which one, from 0 (default: the newest)")
    command.add_argument("--sender", type=_code, help="GB/T 35965.1 code of who sends, 14 digits")
    command.add_argument("--exercise", action="store_true", help="say that it is an exercise")
    command.set_defaults(does=_cap)


def _code(text: str) -> str:
    if not re.fullmatch("[0-9]{14}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not 14 digits")
    return text


def _cap(asked: argparse.Namespace) -> None:
    settings = load_settings(asked.config)
    with open_book(settings) as book:
        alert, story = book.alert(asked.alert), book.story(asked.alert)
        plan = Plan(rules=load_rules(settings.files.rules), registry=book.registry(), org=book.org())
    document = cap_document(
        alert, story, plan, number=asked.message, sender=asked.sender or "", exercise=asked.exercise
    )
    sys.stdout.buffer.write(document)  # it says of itself that it is UTF-8, whatever the terminal is
    sys.stdout.flush()
