"""Commands about the audit: who did what, and whether what it says was changed afterwards."""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from firesense.app import open_book
from firesense.cli.terminal import plain
from firesense.domain.deed import PLATFORM
from firesense.domain.instant import clock_time, iso
from firesense.notify.masking import HIDDEN, Pseudonyms, masked
from firesense.settings import load_settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from firesense.cli.daemon import Commands
    from firesense.domain.audit import Entry, Sealed
    from firesense.ports import Book

_AT_A_TIME = 1000
_COLUMNS = ("number", "at", "who", "origin", "did", "kind", "target", "detail", "hash")


def add_commands(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """Add audit list, verify and export."""
    actions = commands.add_parser("audit", help="who did what, when, from where").add_subparsers(
        required=True, metavar="ACTION"
    )
    command = actions.add_parser("list", parents=[shared], help="show the newest lines")
    _which(command)
    command.add_argument("--most", type=int, default=50, help="how many of the newest (default: 50)")
    command.set_defaults(does=_list)
    command = actions.add_parser("verify", parents=[shared], help="follow the chain; exit code 1 where it is broken")
    command.add_argument("--head", default="", help="a hash written down elsewhere that it must lead through")
    command.set_defaults(does=_verify)
    command = actions.add_parser("export", parents=[shared], help="write all lines to the standard output")
    _which(command)
    command.add_argument("--format", choices=["csv", "ndjson"], default="csv")
    command.add_argument("--mask", action="store_true", help="hide people, addresses and what people wrote")
    command.set_defaults(does=_export)


def _which(command: argparse.ArgumentParser) -> None:
    command.add_argument("--kind", default="", help="alert, device, person, user, setting, plan ...")
    command.add_argument("--on", dest="target", default="", help="id of what it was done to")
    command.add_argument("--by", dest="who", default="", help="who did it")


def _lines(book: Book, asked: argparse.Namespace) -> Iterator[Sealed]:
    after = 0
    while found := book.audit(after=after, most=_AT_A_TIME, kind=asked.kind, target=asked.target, who=asked.who):
        yield from found
        after = found[-1].number


def _list(asked: argparse.Namespace) -> None:
    settings = load_settings(asked.config)
    zone = ZoneInfo(settings.zone)
    with open_book(settings) as book:
        lines = list(_lines(book, asked))[-asked.most :]
    for line in lines:
        entry = line.entry
        detail = " ".join(f"{key}={value}" for key, value in entry.detail.items())
        print(
            plain(
                f"{line.number}  {clock_time(entry.at, zone)}  {entry.who}  {entry.did}  {entry.kind} {entry.target}"
                f"  [{entry.origin}]  {detail}"
            )
        )


def _verify(asked: argparse.Namespace) -> int:
    with open_book(load_settings(asked.config)) as book:
        proof = book.prove_audit()
        led = not asked.head or any(line.hash == asked.head for line in _all(book))
    if proof.broken:
        print(f"broken at line {proof.broken}: {proof.reason}; {proof.rows} lines before it hold", file=sys.stderr)
        return 1
    if not led:
        print(f"the chain holds, but does not lead through {asked.head}: it was written anew", file=sys.stderr)
        return 1
    print(f"sound: {proof.rows} lines from {proof.first} on, head {proof.head or '(empty)'}")
    return 0


def _all(book: Book) -> Iterator[Sealed]:
    after = 0
    while found := book.audit(after=after, most=_AT_A_TIME):
        yield from found
        after = found[-1].number


def _export(asked: argparse.Namespace) -> None:
    table = csv.writer(sys.stdout)
    if asked.format == "csv":
        table.writerow(_COLUMNS)
    with open_book(load_settings(asked.config)) as book:
        called = Pseudonyms(book.org().people, {user.name: user.person for user in book.users()})
        for line in _lines(book, asked):
            row = _row(line, called if asked.mask else None)
            if asked.format == "csv":
                told = json.dumps(row["detail"], ensure_ascii=False, sort_keys=True)
                table.writerow([_harmless(str(each)) for each in (row | {"detail": told}).values()])
            else:
                print(json.dumps(row, ensure_ascii=False))


def _row(line: Sealed, called: Pseudonyms | None) -> dict[str, object]:
    """The columns of a line by name; masked, where people are to be called by pseudonyms."""
    entry = line.entry if called is None else _masked(line.entry, called)
    told = dict(sorted(entry.detail.items()))
    values = (line.number, iso(entry.at), entry.who, entry.origin, entry.did, entry.kind, entry.target, told, line.hash)
    return dict(zip(_COLUMNS, values, strict=True))


def _masked(entry: Entry, called: Pseudonyms) -> Entry:
    """The same line without names: people are numbers, and what may say anything is not said at all."""
    way, _, whence = entry.origin.partition(" ")
    return replace(
        entry,
        who=entry.who if entry.who == PLATFORM.name else called.of(entry.who),
        origin=f"{way} {HIDDEN}" if whence else way,
        target=_masked_target(entry, called),
        detail={key: _masked_detail(key, said, called) for key, said in entry.detail.items()},
    )


def _masked_target(entry: Entry, called: Pseudonyms) -> str:
    if entry.kind in _PEOPLE or entry.target in called:
        return called.of(entry.target)
    return entry.target if entry.kind in _THINGS else masked(entry.target)


def _masked_detail(key: str, said: str, called: Pseudonyms) -> str:
    if key in _HARMLESS:
        return said
    return called.of(said) if key in _NAMING else HIDDEN


# What names nobody; all else may, so that a kind or a detail that is new is masked, too.
_THINGS = frozenset(
    {
        "alert",
        "audit",
        "channel",
        "device",
        "hazard",
        "ladder",
        "place",
        "plan",
        "profile",
        "quiet",
        "roll-call",
        "rule",
        "setting",
    }
)
_PEOPLE = frozenset({"person", "user"})
_NAMING = frozenset({"by", "had_by", "person", "said_by", "stand_in", "to", "who"})
_HARMLESS = frozenset(
    {
        "added",
        "alert",
        "alerts",
        "begins",
        "cause",
        "change",
        "changed",
        "count",
        "deadline",
        "device",
        "devices",
        "ends",
    }
    | {
        "ends_at",
        "fields",
        "file",
        "finding",
        "from_place",
        "grade",
        "ground",
        "last",
        "number",
        "photo",
        "photos",
        "place",
    }
    | {"places", "profile", "removed", "rights", "role", "rows", "rule", "rules", "rung", "state", "strand", "until"}
    | {"until_at", "version"}
)


def _harmless(cell: str) -> str:
    """Keep a spreadsheet from taking what somebody typed for a formula."""
    return f"'{cell}" if cell[:1] in {"=", "+", "-", "@", "\t", "\r"} else cell
