"""Commands about the org: places, posts, people and rosters, in and out as YAML, CSV and workbooks."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from firesense.app import RealClock, import_files, open_book, read_files
from firesense.app.orgimport import do_import, plan_import, write_org
from firesense.cli.terminal import plain
from firesense.cli.who import actor
from firesense.domain.errors import ConfigError, Fault
from firesense.domain.place import Org
from firesense.notify.masking import HIDDEN, Pseudonyms, masked
from firesense.orgtree import load_org, yaml_org
from firesense.settings import load_settings

if TYPE_CHECKING:
    import argparse

    from firesense.cli.daemon import Commands
    from firesense.domain.roster import Roster, Rotation

_SHOWN = 200  # differences in a dry run; the rest is counted
_SUFFIXES = {"yaml": ".yaml", "csv": "", "xlsx": ".xlsx"}


def add_commands(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """Add org import and export."""
    org = commands.add_parser("org", help="places, posts, people, rosters, ladders").add_subparsers(
        required=True, metavar="ACTION"
    )
    command = org.add_parser("import", parents=[shared], help="read the org into the book")
    command.add_argument(
        "files",
        nargs="*",
        type=Path,
        help="YAML, workbook (.xlsx) or CSV files to take the place of the configuration's org (default: that one)",
    )
    command.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
    command.set_defaults(does=_import)
    command = org.add_parser("export", parents=[shared], help="write the org as YAML, CSV or workbook")
    command.add_argument("--format", choices=[*_SUFFIXES], default="yaml")
    command.add_argument("--to", type=Path, help="file, or folder for csv (default: the terminal, for yaml)")
    command.add_argument("--language", choices=["zh", "en"], default="en", help="of the headings")
    command.add_argument("--mask", action="store_true", help="hide names, ids, numbers and addresses of people")
    command.set_defaults(does=_export)


def _import(asked: argparse.Namespace) -> None:
    settings = load_settings(asked.config)
    with open_book(settings) as book:
        if not asked.files and not asked.dry_run:
            changed = import_files(read_files(settings), book, actor(), RealClock().now())
            print(f"{len(book.org().places)} places, {'imported' if changed else 'nothing changed'}")
            return
        wanted = plan_import(settings, asked.files or [settings.files.org], book)
        for one in wanted.differences[:_SHOWN]:
            print(plain(str(one)))
        if len(wanted.differences) > _SHOWN:
            print(f"and {len(wanted.differences) - _SHOWN} more")
        if wanted.stranded:
            print(f"! {len(wanted.stranded)} devices stand at places that are gone: {', '.join(wanted.stranded[:10])}")
        counts = ", ".join(f"{sum(d.sign == sign for d in wanted.differences)} {word}" for sign, word in _SIGNS)
        if asked.dry_run:
            print(f"{counts}; nothing was changed (dry run)")
            return
        before = do_import(settings, wanted, book, actor(), RealClock().now())
    print(f"{counts}; imported into {settings.files.org}" + (f", the old one is {before}" if before.exists() else ""))


_SIGNS = (("+", "added"), ("~", "changed"), ("-", "removed"))


def _export(asked: argparse.Namespace) -> None:
    settings = load_settings(asked.config)
    org = load_org(settings.files.org)
    if asked.mask:
        org = _masked(org)
    if asked.to is None:
        if asked.format != "yaml":
            raise ConfigError([Fault("", "--to", f"is needed: {asked.format} is not for the terminal")])
        sys.stdout.write(yaml_org(org))
        return
    if asked.to.exists():
        raise ConfigError([Fault(str(asked.to), "", "is there already")])
    try:
        write_org(org, asked.to, like=Path("org" + _SUFFIXES[asked.format]), language=asked.language)
    except OSError as error:
        raise ConfigError([Fault(str(asked.to), "", error.strerror or str(error))]) from error
    print(f"{len(org.places)} places, {len(org.people)} people written to {asked.to}")


def _masked(org: Org) -> Org:
    """The same org with people who are numbers: an id may be a name in other letters."""
    called = Pseudonyms(org.people)
    people = [
        replace(
            person,
            id=called.of(person.id),
            name=person.name[:1] + HIDDEN,
            phone=masked(person.phone) if person.phone else "",
            addresses=dict.fromkeys(person.addresses, HIDDEN),
        )
        for person in org.people.values()
    ]
    posts = [replace(post, holders=tuple(map(called.of, post.holders))) for post in org.posts.values()]
    rosters = [replace(roster, rotations=_masked_teams(roster, called)) for roster in org.rosters.by_id.values()]
    return Org(org.places.values(), posts, people, rosters)


def _masked_teams(roster: Roster, called: Pseudonyms) -> tuple[Rotation, ...]:
    return tuple(
        replace(rotation, teams=tuple(tuple(map(called.of, team)) for team in rotation.teams))
        for rotation in roster.rotations
    )
