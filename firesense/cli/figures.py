"""Commands about figures for the assessment (考评) and roll calls (查岗)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from firesense.app import RealClock, open_book
from firesense.app.plan import plan_of
from firesense.cli.terminal import plain
from firesense.cli.who import actor, refuse_unknown
from firesense.desk import Desk
from firesense.domain.errors import ConfigError, Conflict, Fault, NotFound
from firesense.domain.instant import DAY, moment
from firesense.figures import month_of, period_of
from firesense.report import as_csv, as_html, as_pdf, contents, gather
from firesense.rollcalls import answered
from firesense.rolldesk import RollDesk
from firesense.settings import load_settings
from firesense.text import LANGUAGES, say

if TYPE_CHECKING:
    import argparse

    from firesense.cli.daemon import Commands

_FORMATS = ("html", "pdf", "csv")


def add_commands(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """Add report and rollcall."""
    command = commands.add_parser("report", parents=[shared], help="write the figures of a period")
    command.add_argument("--period", help="2026-10, 2026年10月, 2026-Q4, 2026, 2026-10-01..2026-10-15 (default: now)")
    command.add_argument("--place", default="", help="code of a place: it and all below it (default: everything)")
    command.add_argument("--format", choices=_FORMATS, help="default: by the file's ending, else html")
    command.add_argument("--language", choices=LANGUAGES, help="default: the settings' language")
    command.add_argument("--grids", action="store_true", help="HTML and PDF with all places below, down to the grids")
    command.add_argument("--people", action="store_true", help="single people, too")
    command.add_argument("-o", "--output", type=Path, help="where to write it (default: figures-PERIOD.FORMAT here)")
    command.set_defaults(does=_report)

    roll = commands.add_parser("rollcall", help="ask whether whoever is on duty is there").add_subparsers(
        required=True, metavar="ACTION"
    )
    command = roll.add_parser("start", parents=[shared], help="call the roll at a post now")
    command.add_argument("role", help="for example station-duty")
    command.add_argument("place", help="code of the post's place")
    command.add_argument("--as", dest="who", default="", help="who asks")
    command.set_defaults(does=_start)
    command = roll.add_parser("answer", parents=[shared], help="answer a roll call")
    command.add_argument("rollcall")
    command.add_argument("--as", dest="who", required=True, help="who answers")
    command.set_defaults(does=_answer)
    command = roll.add_parser("list", parents=[shared], help="show roll calls that were made, and what came of them")
    command.add_argument("--days", type=int, default=7, help="how far back (default: 7)")
    command.set_defaults(does=_list)


def _report(asked: argparse.Namespace) -> None:
    settings = load_settings(asked.config)
    zone, now = ZoneInfo(settings.zone), RealClock().now()
    try:
        period = period_of(asked.period, zone) if asked.period else month_of(now, zone)
    except ValueError as error:
        raise ConfigError([Fault("", "--period", str(error))]) from None
    wanted = asked.format or (asked.output.suffix.removeprefix(".").lower() if asked.output else "html")
    if wanted not in _FORMATS:
        raise ConfigError([Fault("", "--output", f"{asked.output} does not end in .html, .pdf or .csv: say --format")])
    language = asked.language or settings.language
    with open_book(settings) as book:
        plan = plan_of(settings, book)
        place = asked.place or (plan.org.root.code if plan.org.root else "")
        if place not in plan.org.places:
            raise ConfigError([Fault("", "--place", f"there is no place {place!r}")])
        found = gather(book, plan, period, place, now, deep=asked.grids or wanted == "csv", people=asked.people)
    if wanted == "csv":
        written = as_csv(found, plan, language)
    else:
        report = contents(found, plan, language)
        written = as_pdf(report, settings.figures.font) if wanted == "pdf" else as_html(report).encode()
    file = asked.output or Path(f"figures-{period.name}.{wanted}")
    if str(file) == "-":
        sys.stdout.buffer.write(written)
        sys.stdout.flush()
        return
    try:
        file.write_bytes(written)
    except OSError as error:
        raise ConfigError([Fault(str(file), "", f"cannot be written: {error.strerror}")]) from error
    print(f"{file}: {period.name}, {plan.org.places[place].name}")


def _start(asked: argparse.Namespace) -> None:
    settings = load_settings(asked.config)
    with open_book(settings) as book:
        refuse_unknown(asked.who, book)
        plan = plan_of(settings, book)
        try:
            call = RollDesk(book, RealClock(), lambda: plan).start(actor(asked.who), asked.role, asked.place)
        except NotFound as error:
            raise ConfigError([Fault("", "", str(error))]) from None
        print(f"{call.id} is asked as soon as duty runs")
        if not call.people:
            print(say("rollcall.vacant", settings.language))


def _answer(asked: argparse.Namespace) -> None:
    settings = load_settings(asked.config)
    with open_book(settings) as book:
        refuse_unknown(asked.who, book)
        call = book.roll_call(asked.rollcall)
        if call.asked_at is None:
            raise Conflict(f"roll call {call.id} was not asked yet")
        taken = Desk(book, RealClock()).acknowledge(call.id, actor(asked.who))
        after = answered(book.roll_call(call.id), taken)
    print(f"{call.id}  {say(f'rollcall.{after.state}', settings.language)}  {plain(after.answered_by)}")


def _list(asked: argparse.Namespace) -> None:
    settings, now = load_settings(asked.config), RealClock().now()
    zone = ZoneInfo(settings.zone)
    with open_book(settings) as book:
        for call in book.roll_calls(now - asked.days * DAY, now + 1):
            at = moment(call.planned_at).astimezone(zone)
            print(
                f"{call.id}  {at:%Y-%m-%d %H:%M:%S}  {call.place}  {call.role}"
                f"  {say(f'rollcall.{call.state}', settings.language)}  {plain(call.answered_by)}"
            )
