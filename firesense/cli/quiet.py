"""Commands about quiet windows: maintenance, shelving, walk tests."""

from __future__ import annotations

import csv
import sys
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from firesense.app import RealClock, open_book
from firesense.app.plan import plan_of
from firesense.cli.terminal import plain
from firesense.cli.who import actor, refuse_unknown
from firesense.domain.errors import ConfigError, Conflict, Fault
from firesense.domain.instant import instant, moment
from firesense.domain.quiet import QuietKind
from firesense.quietdesk import Limits, QuietDesk
from firesense.settings import load_settings
from firesense.yamlfile import duration

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator
    from datetime import timedelta, tzinfo

    from firesense.cli.daemon import Commands
    from firesense.domain.instant import Instant
    from firesense.domain.quiet import Quiet
    from firesense.quietdesk import Report


def add_commands(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """Add maintenance, shelve, unshelve, walktest and windows."""
    actions = commands.add_parser("maintenance", help="record hazards and faults, and call nobody, for a while")
    maintenance = actions.add_subparsers(required=True, metavar="ACTION")
    command = maintenance.add_parser("start", parents=[shared], help="begin it; fire calls all the same")
    where = command.add_mutually_exclusive_group(required=True)
    where.add_argument("--place", default="", help="code of a place: it and all below it")
    where.add_argument("--device", default="")
    where.add_argument("--gateway", default="", help="all devices behind it")
    command.add_argument("--from", dest="starts", default="", help="local time '2026-10-01 08:30' (default: now)")
    _add_lasting(command)
    command.set_defaults(does=_maintain)
    _add_list_and_end(maintenance, shared, QuietKind.MAINTENANCE)

    command = commands.add_parser("shelve", parents=[shared], help="let an alert, or a rule somewhere, call nobody")
    command.add_argument("alert", nargs="?", default="", help="the alert to shelve; or --rule with --place or --device")
    command.add_argument("--rule", default="")
    command.add_argument("--place", default="", help="code of a place: it and all below it")
    command.add_argument("--device", default="")
    _add_lasting(command)
    command.set_defaults(does=_shelve)
    command = commands.add_parser("unshelve", parents=[shared], help="end it now: what still stands is called")
    _add_window(command)
    command.set_defaults(does=_end)

    actions = commands.add_parser("walktest", help="try every detector of a place; fire there is told to the tester")
    walktest = actions.add_subparsers(required=True, metavar="ACTION")
    command = walktest.add_parser("start", parents=[shared], help="begin a walk test")
    command.add_argument("place", help="code of a place: it and all below it")
    command.add_argument("--tester", required=True, help="the person who is told, and nobody else is")
    _add_lasting(command)
    command.set_defaults(does=_walk)
    command = walktest.add_parser("report", parents=[shared], help="which devices were heard, and which were not")
    command.add_argument("window", help="the id of the walk test")
    command.add_argument("--csv", type=Path, help="write it to this file as CSV")
    command.set_defaults(does=_report)
    _add_list_and_end(walktest, shared, QuietKind.WALK_TEST)

    command = commands.add_parser("windows", parents=[shared], help="everything that is quiet now, and why")
    command.set_defaults(does=_list, kind="")


def _add_lasting(command: argparse.ArgumentParser) -> None:
    command.add_argument("--for", dest="lasts", required=True, help="how long: 2h, 30m")
    command.add_argument("--why", required=True)
    command.add_argument("--as", dest="who", required=True, help="who asks for it")


def _add_window(command: argparse.ArgumentParser) -> None:
    command.add_argument("window", help="its id")
    command.add_argument("--as", dest="who", required=True)


def _add_list_and_end(actions: Commands, shared: argparse.ArgumentParser, kind: QuietKind) -> None:
    command = actions.add_parser("end", parents=[shared], help="end it now: what still stands is called")
    _add_window(command)
    command.set_defaults(does=_end)
    command = actions.add_parser("extend", parents=[shared], help="let it last so long from now on")
    _add_window(command)
    command.add_argument("--for", dest="lasts", required=True, help="how long: 2h, 30m")
    command.set_defaults(does=_extend)
    command = actions.add_parser("list", parents=[shared], help="those that are not over")
    command.set_defaults(does=_list, kind=kind.value)


@contextmanager
def _desk(asked: argparse.Namespace) -> Iterator[tuple[QuietDesk, tzinfo]]:
    settings = load_settings(asked.config)
    limits = Limits(**settings.quiet.model_dump())
    with open_book(settings) as book:
        refuse_unknown(getattr(asked, "who", ""), book)
        plan = plan_of(settings, book)
        yield QuietDesk(book, RealClock(), lambda: plan, limits), ZoneInfo(settings.zone)


def _maintain(asked: argparse.Namespace) -> None:
    with _desk(asked) as (desk, zone):
        starts_at = _when(asked.starts, zone) if asked.starts else None
        where = {"place": asked.place, "device": asked.device, "gateway": asked.gateway}
        quiet = desk.maintain(actor(asked.who), asked.why, _length(asked), starts_at=starts_at, **where)
        _show([quiet], zone)


def _shelve(asked: argparse.Namespace) -> None:
    if bool(asked.alert) == bool(asked.rule):
        raise Conflict("shelve an alert, or a --rule with --place or --device")
    with _desk(asked) as (desk, zone):
        who, lasts = actor(asked.who), _length(asked)
        if asked.alert:
            quiet = desk.shelve_alert(asked.alert, who, asked.why, lasts)
        else:
            quiet = desk.shelve_rule(asked.rule, who, asked.why, lasts, place=asked.place, device=asked.device)
        _show([quiet], zone)


def _walk(asked: argparse.Namespace) -> None:
    with _desk(asked) as (desk, zone):
        _show([desk.walk(asked.place, asked.tester, actor(asked.who), asked.why, _length(asked))], zone)


def _end(asked: argparse.Namespace) -> None:
    with _desk(asked) as (desk, _):
        print(f"{desk.end(asked.window, actor(asked.who)).id} is over")


def _extend(asked: argparse.Namespace) -> None:
    with _desk(asked) as (desk, zone):
        _show([desk.extend(asked.window, actor(asked.who), _length(asked))], zone)


def _list(asked: argparse.Namespace) -> None:
    with _desk(asked) as (desk, zone):
        _show([quiet for quiet in desk.windows() if asked.kind in {"", quiet.kind}], zone)


def _report(asked: argparse.Namespace) -> None:
    with _desk(asked) as (desk, zone):
        report = desk.report(asked.window)
    if asked.csv:
        with asked.csv.open("w", encoding="utf-8-sig", newline="") as file:  # spreadsheets want the mark
            csv.writer(file).writerows(_rows(report, zone))
    else:
        csv.writer(sys.stdout, delimiter="\t", lineterminator="\n").writerows(_rows(report, zone))
    print(f"{len(report.heard)} heard, {len(report.missing)} not heard", file=sys.stderr)


def _rows(report: Report, zone: tzinfo) -> Iterator[tuple[str, ...]]:
    yield "device", "name", "place", "heard", "rule", "times"
    for device in report.devices:
        tried = report.heard.get(device.id)
        heard = ("", "", "0") if tried is None else (_wall(tried.heard_at, zone), tried.rule, str(tried.times))
        yield plain(device.id), plain(device.name), device.place, *heard


def _show(windows: Iterable[Quiet], zone: tzinfo) -> None:
    for quiet in windows:
        rule = f" {plain(quiet.rule)}" if quiet.rule else ""
        tester = f", tester {plain(quiet.tester)}" if quiet.tester else ""
        print(
            f"{quiet.id}  {quiet.kind:<11} {_wall(quiet.starts_at, zone)} to {_wall(quiet.ends_at, zone)}"
            f"  {plain(quiet.subject)}{rule}  {plain(quiet.who)}: {plain(quiet.why)}{tester}"
        )


def _wall(at: Instant, zone: tzinfo) -> str:
    return moment(at).astimezone(zone).strftime("%Y-%m-%d %H:%M")


def _length(asked: argparse.Namespace) -> timedelta:
    try:
        return duration(asked.lasts)
    except ValueError as error:
        raise ConfigError([Fault("", "--for", str(error))]) from error


def _when(text: str, zone: tzinfo) -> Instant:
    try:
        return instant(datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=zone))
    except ValueError as error:
        raise ConfigError([Fault("", "--from", f"{text!r} is no time such as '2026-10-01 08:30'")]) from error
