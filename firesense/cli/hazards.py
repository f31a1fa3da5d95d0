"""Hazards at the terminal: report them, see the lists and the places, and deal with them."""

from __future__ import annotations

import secrets
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from firesense.app import PlanKeeper, RealClock, open_book
from firesense.cli.refused import refused_in_words
from firesense.cli.terminal import plain
from firesense.cli.who import actor, refuse_unknown
from firesense.domain.alert import Grade
from firesense.domain.errors import Conflict, PhotoRefused
from firesense.domain.hazard import HazardAct, Report
from firesense.domain.instant import clock_time
from firesense.hazarddesk import HazardDesk
from firesense.photos import Photos
from firesense.settings import load_settings
from firesense.text import say
from firesense.web.hazard_documents import Dealing
from firesense.web.hazards_shown import deadline_on, listed, responsibility, show_places

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from firesense.book import SqlBook
    from firesense.cli.daemon import Commands
    from firesense.domain.hazard import Hazard
    from firesense.domain.instant import Instant
    from firesense.domain.plan import Plan
    from firesense.settings import Settings
    from firesense.web.hazards_shown import HazardShown

_ALL = 100_000
_ACTS = {
    HazardAct.ACCEPT: "take it on: how grave, what must be done, by whom, until when",
    HazardAct.REJECT: "say that it is none, and why",
    HazardAct.ASSIGN: "give it to another post, person or department",
    HazardAct.REGRADE: "say that it is more or less grave",
    HazardAct.START: "begin to put it right",
    HazardAct.RECTIFY: "say that it is put right, and how",
    HazardAct.REINSPECT: "look at it again",
    HazardAct.WRITE_OFF: "take it off the lists",
    HazardAct.EXTEND: "grant more time",
    HazardAct.MOVE: "say at which place it is",
}


def add_commands(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """Add hazard."""
    hazard = commands.add_parser("hazard", help="hazards: reports, lists, deeds, the index").add_subparsers(
        required=True, metavar="ACTION"
    )
    command = hazard.add_parser("report", parents=[shared], help="report one; prints its number")
    command.add_argument("wrong", help="what is wrong")
    command.add_argument("--place", required=True, help="code of the grid or another place")
    command.add_argument("--spot", default="", help="where exactly")
    command.add_argument("--grade", default=Grade.GENERAL, choices=[*Grade], type=Grade)
    command.add_argument("--photo", action="append", default=[], type=Path, help="a file; several times for several")
    command.add_argument("--as", dest="who", default="", help="the person who reports it")
    command.set_defaults(does=_report)

    command = hazard.add_parser("list", parents=[shared], help="the list of problems, or of responsibility")
    command.add_argument("--place", default="", help="this place and all below it")
    command.add_argument("--all", action="store_true", help="closed ones, too")
    command.add_argument("--overdue", action="store_true", help="those alone that are overdue")
    command.add_argument("--responsibility", action="store_true", help="by who has to put it right")
    command.set_defaults(does=_list)

    command = hazard.add_parser("index", parents=[shared], help="how the places stand: the index, open, overdue, zero")
    command.add_argument("--kind", default="", help="places of this kind alone, the highest index first")
    command.set_defaults(does=_index)

    for act, summary in _ACTS.items():
        command = hazard.add_parser(act.value, parents=[shared], help=summary)
        command.add_argument("hazard", help="its number")
        command.add_argument("--as", dest="who", default="", help="the person who does it")
        _add_words(command, act)
        command.set_defaults(does=_deal, act=act)
    command = hazard.add_parser("listing", parents=[shared], help="note the number under which the government lists it")
    command.add_argument("hazard", help="its number")
    command.add_argument("listing", help="the government's number")
    command.add_argument("--as", dest="who", default="", help="the person who does it")
    command.set_defaults(does=_deal, act=HazardAct.LIST)


def _add_words(command: argparse.ArgumentParser, act: HazardAct) -> None:
    """Add what people say with an act."""
    if act in {HazardAct.ACCEPT, HazardAct.REGRADE}:
        command.add_argument("--grade", choices=[*Grade], type=Grade, required=act is HazardAct.REGRADE)
    if act in {HazardAct.ACCEPT, HazardAct.ASSIGN}:
        command.add_argument("--post", dest="role", default="", help="role of the post that has to put it right")
        command.add_argument("--responsible", default="", help="id of a person, or the name of a department")
    if act in {HazardAct.ACCEPT, HazardAct.EXTEND, HazardAct.REINSPECT}:
        needed = act is HazardAct.EXTEND
        command.add_argument("--until", type=date.fromisoformat, required=needed, help="a day: 2026-01-31")
    if act is HazardAct.REINSPECT:
        result = command.add_mutually_exclusive_group(required=True)
        result.add_argument("--passed", action="store_true", default=None)
        result.add_argument("--failed", dest="passed", action="store_false")
    if act not in {HazardAct.ASSIGN, HazardAct.REGRADE, HazardAct.START, HazardAct.MOVE}:
        needed = act in {HazardAct.REJECT, HazardAct.RECTIFY, HazardAct.EXTEND}
        command.add_argument("--text", default="", required=needed, help="what must be, was done or was seen; or why")
    if act is HazardAct.MOVE:
        command.add_argument("--place", required=True, help="code of the grid or another place")
        command.add_argument("--spot", default="", help="where exactly")
    if act is HazardAct.RECTIFY:
        command.add_argument("--photo", action="append", default=[], type=Path, help="a file; several times")


@contextmanager
def _opened(asked: argparse.Namespace) -> Iterator[tuple[Settings, SqlBook, Plan, HazardDesk]]:
    settings = load_settings(asked.config)
    with ExitStack() as stack:
        book = stack.enter_context(open_book(settings))
        refuse_unknown(getattr(asked, "who", ""), book)
        keeper = PlanKeeper(settings, book)
        kinds = {channel.name: channel.kind for channel in settings.channels}
        stack.enter_context(refused_in_words(settings, keeper.current()))
        yield settings, book, keeper.current(), HazardDesk(book, RealClock(), keeper.current, kinds)


def _report(asked: argparse.Namespace) -> None:
    with _opened(asked) as (settings, _, plan, desk):
        if asked.place not in plan.org.places:
            raise Conflict(f"there is no place {asked.place!r}")
        photos = _kept(asked.photo, settings)
        who = actor(asked.who)
        hazard = desk.report(
            Report(
                secrets.token_urlsafe(16),
                asked.place,
                asked.wrong.strip(),
                asked.grade,
                asked.spot,
                reporter=who.name,
                photos=photos,
            ),
            who,
        )
    print(hazard.alert)


def _list(asked: argparse.Namespace) -> None:
    with _opened(asked) as (_, book, plan, _):
        now = RealClock().now()
        found, _following = listed(
            book,
            plan,
            now,
            "en",
            place=asked.place,
            open_only=not asked.all,
            overdue=asked.overdue,
            most=_ALL,
        )
        if not asked.responsibility:
            for each in found:
                print(_line(each))
            return
        for whom, theirs in responsibility(found):
            print(plain(whom) or "nobody named")
            for each in theirs:
                print(f"  {_line(each)}")


def _line(shown: HazardShown) -> str:
    hazard = shown.hazard
    told = (hazard.alert, f"{hazard.grade:<7}", f"{hazard.state:<11}", f"{shown.left:<14}", hazard.place, hazard.wrong)
    return "  ".join(plain(part) for part in (*told, hazard.spot) if part)


def _index(asked: argparse.Namespace) -> None:
    with _opened(asked) as (settings, book, plan, _):
        places = show_places(book, plan, RealClock().now(), ZoneInfo(settings.zone), kind=asked.kind)
    print("index   open  overdue  this month  place")
    for each in places:
        standing = each.standing
        days = "" if each.days is None else f"  ({'zero' if standing.zero else 'not zero'} for {each.days} days)"
        month = f"+{standing.opened[0]} -{standing.closed[0]}"
        print(
            f"{standing.index:5.1f}  {standing.open:5}  {standing.overdue:7}  {month:<10}"
            f"  {'  ' * each.depth}{standing.place} {plain(each.name)}{days}"
        )


def _deal(asked: argparse.Namespace) -> None:
    words = {name: said for name in Dealing.model_fields if (said := getattr(asked, name, None)) is not None}
    with _opened(asked) as (settings, _, _plan, desk):
        dealing = Dealing(**words)
        until = _until(dealing.until, settings)
        photos = _kept(getattr(asked, "photo", []), settings)
        hazard = desk.do(asked.act, asked.hazard, actor(asked.who), **dealing.said(asked.act, until, photos))
    print("  ".join(_standing(hazard, settings)))


def _standing(hazard: Hazard, settings: Settings) -> Iterator[str]:
    language = settings.language
    yield hazard.alert
    yield say(f"hazard.state.{hazard.state}", language)
    yield say(f"grade.{hazard.grade}", language)
    if hazard.until_at is not None:
        until = clock_time(hazard.until_at, ZoneInfo(settings.zone))
        yield say("hazard.detail.until", language, until=until)


def _until(day: date | None, settings: Settings) -> Instant | None:
    return None if day is None else deadline_on(day, ZoneInfo(settings.zone))


def _kept(files: list[Path], settings: Settings) -> tuple[str, ...]:
    """Keep the photos of some files. Raises Conflict for one that cannot be read, or is no photo we can keep."""
    photos = Photos(settings.data / "photos")
    kept: list[str] = []
    for file in files:
        try:
            with file.open("rb") as opened:
                kept.append(photos.keep(opened).id)
        except OSError as error:
            raise Conflict(f"{file}: {error.strerror}") from error
        except PhotoRefused as error:
            raise Conflict(f"{file}: {say(error.key, settings.language, **error.values)}") from error
    return tuple(kept)
