"""Commands about rules: trying them on cases people wrote, and why an alert was raised."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from firesense.app import open_book
from firesense.app.plan import read_calendars
from firesense.cli.terminal import plain
from firesense.deskfile import load_practice
from firesense.domain.plan import Plan
from firesense.domain.practice import Practice
from firesense.explain import explain, lines
from firesense.ladderfile import load_ladders
from firesense.orgtree import load_org
from firesense.rulebook import load_rules
from firesense.rulecases import coverage, load_cases, try_case
from firesense.settings import load_settings
from firesense.text import LANGUAGES
from firesense.web.story_shown import show_story

if TYPE_CHECKING:
    import argparse

    from firesense.cli.daemon import Commands


def add_commands(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """Add rules test and explain."""
    rules = commands.add_parser("rules", help="the rules").add_subparsers(required=True, metavar="ACTION")
    command = rules.add_parser("test", parents=[shared], help="try the rules on cases: readings -> alerts and calls")
    command.add_argument("file", type=Path, nargs="?", help="default: rules.test.yaml beside the rules")
    command.add_argument("--rules", type=Path, help="other rules than those the settings name")
    command.set_defaults(does=_test)

    command = commands.add_parser("explain", parents=[shared], help="why an alert was raised, and who was told")
    command.add_argument("alert")
    command.add_argument("--language", choices=LANGUAGES, help="default: the settings' language")
    command.set_defaults(does=_explain)


def _test(asked: argparse.Namespace) -> int:
    settings = load_settings(asked.config)
    files = settings.files
    org = load_org(files.org)
    calendars = read_calendars(settings, org)
    rules = load_rules(asked.rules or files.rules, calendars.seasons)
    kinds = {channel.name: channel.kind for channel in settings.channels}
    ladders = load_ladders(files.ladders, org, kinds, calendars.seasons)
    ids = {rule.id for rule in rules}
    cases = load_cases(asked.file or files.rules.with_name("rules.test.yaml"), ids, org)
    plan = Plan(rules=rules, org=org, ladders=ladders.by_id, selectors=ladders.selectors, calendars=calendars)
    failures = [failure for case in cases for failure in try_case(case, plan, kinds)]
    for failure in failures:
        print(failure, file=sys.stderr)
    tried = coverage(cases, rules)
    for what, names in (("trips", tried.never_tripped), ("shows quiet", tried.never_quiet)):
        if names:
            print(f"no case {what}: {', '.join(names)}")
    wrong = len({failure.case.where for failure in failures})
    print(f"{len(cases) - wrong} of {len(cases)} cases hold")
    return 1 if failures else 0


def _explain(asked: argparse.Namespace) -> None:
    settings = load_settings(asked.config)
    with open_book(settings) as book:
        ladders, selectors = book.ladders()
        org, desk = book.org(), settings.files.desk
        plan = Plan(
            rules=load_rules(settings.files.rules),
            registry=book.registry(),
            org=org,
            ladders=ladders,
            selectors=selectors,
            practice=load_practice(desk, org) if desk else Practice(),
        )
        language, zone = asked.language or settings.language, ZoneInfo(settings.zone)
        it = explain(book, plan, asked.alert)
        details = [step.details for step in show_story(it.story, plan, language, zone)]
        for line in lines(it, plan, language, zone, details=details):
            print(plain(line))
