"""Commands about rosters: who is on duty, what is missing, and what people change for a while."""

from __future__ import annotations

import argparse
import secrets
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from firesense.app import RealClock, open_book
from firesense.app.plan import plan_of
from firesense.cli.roster_lines import Lines
from firesense.cli.who import actor, refuse_unknown
from firesense.domain.audit import Entry
from firesense.domain.errors import ConfigError, Fault, NotFound
from firesense.domain.instant import DAY, instant
from firesense.ports import Feed
from firesense.rosters import RosterDesk, calendar_of, check, handover, open_alerts, stations
from firesense.settings import load_settings
from firesense.text import say

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import tzinfo

    from firesense.cli.daemon import Commands
    from firesense.domain.instant import Instant
    from firesense.domain.roster import Change

_A_YEAR = 366
_EVER = 36_500 * DAY
_WHEN = ("%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d")


def add_commands(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """Add roster show, check, override, swap, leave, changes, revoke, feed, handover."""
    roster = commands.add_parser("roster", help="who is on duty when").add_subparsers(required=True, metavar="ACTION")
    command = roster.add_parser("show", parents=[shared], help="who is on duty, post by post")
    command.add_argument("--place", default="", help="code of a place: it and all below it")
    command.add_argument("--days", type=_days, default=7)
    command.set_defaults(does=_show)
    command = roster.add_parser("check", parents=[shared], help="when and where an alert would reach nobody")
    command.add_argument("--days", type=_days, default=30)
    command.set_defaults(does=_check)

    command = roster.add_parser("override", parents=[shared], help="let somebody stand in for another")
    command.add_argument("person", help="who is on")
    command.add_argument("--instead-of", default="", help="who is not; without, the others stay on, too")
    command.add_argument("--roster", default="", help="in which roster; without, wherever the other is on duty")
    _add_time(command)
    command.set_defaults(does=_override)
    command = roster.add_parser("swap", parents=[shared], help="let two take each other's turns")
    command.add_argument("roster")
    command.add_argument("person")
    command.add_argument("day", type=_day, help="the day on which this one's turn begins")
    command.add_argument("other")
    command.add_argument("other_day", type=_day, help="the day on which the other one's turn begins")
    _add_who(command)
    command.set_defaults(does=_swap)
    command = roster.add_parser("leave", parents=[shared], help="let somebody be away from every post")
    command.add_argument("person")
    _add_time(command)
    command.set_defaults(does=_leave)
    command = roster.add_parser("changes", parents=[shared], help="what was changed for a while and is not over")
    command.set_defaults(does=_changes)
    command = roster.add_parser("revoke", parents=[shared], help="take a change back, a swap whole")
    command.add_argument("change")
    command.add_argument("--as", dest="who", required=True)
    command.set_defaults(does=_revoke)

    command = roster.add_parser("feed", parents=[shared], help="duties as a calendar (iCalendar)")
    whose = command.add_mutually_exclusive_group(required=True)
    whose.add_argument("--person", default="")
    whose.add_argument("--post", nargs=2, metavar=("PLACE", "ROLE"))
    command.add_argument("--to", type=Path, help="write it to this file, and not to the terminal")
    command.add_argument("--url", action="store_true", help="make a secret address that telephones can subscribe to")
    command.add_argument("--stop", action="store_true", help="let every such address of theirs be of no more use")
    command.set_defaults(does=_feed)
    command = roster.add_parser("handover", parents=[shared], help="what the next shift has to know")
    command.add_argument("--place", default="", help="code of the station (default: every station)")
    command.set_defaults(does=_handover)


def _add_who(command: argparse.ArgumentParser) -> None:
    command.add_argument("--as", dest="who", required=True, help="who writes this")
    command.add_argument("--note", default="")


def _add_time(command: argparse.ArgumentParser) -> None:
    command.add_argument("--from", dest="begins", required=True, help="local time: 2026-10-01 or '2026-10-01 08:30'")
    command.add_argument("--until", dest="ends", required=True, help="the same; of a day alone, its beginning")
    _add_who(command)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: it is a day such as 2026-10-01") from None


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _A_YEAR:
        raise argparse.ArgumentTypeError(f"{text!r}: it is a number from 1 to {_A_YEAR}")
    return int(text)


def _when(text: str, option: str, zone: tzinfo) -> Instant:
    for pattern in _WHEN:
        try:
            return instant(datetime.strptime(text, pattern).replace(tzinfo=zone))
        except ValueError:
            continue
    raise ConfigError([Fault("", option, f"{text!r} is no time such as 2026-10-01 or '2026-10-01 08:30'")])


def _show(asked: argparse.Namespace) -> None:
    settings = load_settings(asked.config)
    with open_book(settings) as book:
        org = plan_of(settings, book).org
    if asked.place and asked.place not in org.places:
        raise NotFound(f"there is no place {asked.place!r}")
    now = RealClock().now()
    for line in Lines(org, settings).duties(now, now + asked.days * DAY, asked.place):
        print(line)


def _check(asked: argparse.Namespace) -> int:
    settings = load_settings(asked.config)
    with open_book(settings) as book:
        plan = plan_of(settings, book)
    start = RealClock().now()
    found = check(plan, {channel.name for channel in settings.channels}, start, start + asked.days * DAY)
    for line in Lines(plan.org, settings).coverage(found, asked.days):
        print(line)
    return 1 if found.holes else 0


def _override(asked: argparse.Namespace) -> None:
    with _desk(asked) as (desk, lines, zone):
        begins_at, ends_at = _when(asked.begins, "--from", zone), _when(asked.ends, "--until", zone)
        more = {"instead_of": asked.instead_of, "roster": asked.roster, "note": asked.note}
        _tell(desk, lines, [desk.override(actor(asked.who), asked.person, begins_at, ends_at, **more)])


def _swap(asked: argparse.Namespace) -> None:
    with _desk(asked) as (desk, lines, _):
        one, other = (asked.person, asked.day), (asked.other, asked.other_day)
        _tell(desk, lines, desk.swap(actor(asked.who), asked.roster, one, other, note=asked.note))


def _leave(asked: argparse.Namespace) -> None:
    with _desk(asked) as (desk, lines, zone):
        begins_at, ends_at = _when(asked.begins, "--from", zone), _when(asked.ends, "--until", zone)
        _tell(desk, lines, [desk.leave(actor(asked.who), asked.person, begins_at, ends_at, note=asked.note)])


def _revoke(asked: argparse.Namespace) -> None:
    with _desk(asked) as (desk, lines, _):
        for change in desk.revoke(actor(asked.who), asked.change):
            print(lines.revoked(change))


def _changes(asked: argparse.Namespace) -> None:
    settings = load_settings(asked.config)
    now = RealClock().now()
    with open_book(settings) as book:
        lines = Lines(book.org(), settings)
        for change in book.roster_changes(now, now + _EVER):
            print(lines.change(change))


@contextmanager
def _desk(asked: argparse.Namespace) -> Iterator[tuple[RosterDesk, Lines, tzinfo]]:
    """The desk where rosters are changed, what says it in words, and the local time zone."""
    settings = load_settings(asked.config)
    with open_book(settings) as book:
        refuse_unknown(getattr(asked, "who", ""), book)
        desk = RosterDesk(book, RealClock(), lambda: plan_of(settings, book).org)
        yield desk, Lines(plan_of(settings, book).org, settings), ZoneInfo(settings.zone)


def _tell(desk: RosterDesk, lines: Lines, changes: Sequence[Change]) -> None:
    for change in changes:
        print(lines.change(change))
    for empty in desk.emptied(changes):
        print(lines.empty(empty))


def _feed(asked: argparse.Namespace) -> None:
    settings = load_settings(asked.config)
    place, role = asked.post or ("", "")
    now = RealClock().now()
    with open_book(settings) as book:
        org = plan_of(settings, book).org
        if asked.person and asked.person not in org.people:
            raise NotFound(f"nobody is called {asked.person!r}")
        if asked.post and (place, role) not in org.posts:
            raise NotFound(f"there is no post {role!r} at {place!r}")
        who = actor()
        feed = Feed("", asked.person, place, role, who.name, now)
        whose = asked.person or f"{place} {role}"
        if asked.stop:
            entry = Entry.of(who, now, "stopped-feeds", "roster", whose)
            removed = book.remove_feeds(person=asked.person, place=place, role=role, entry=entry)
            print(say("roster.feeds-stopped", settings.language, count=removed))
        elif asked.url:
            token = secrets.token_urlsafe(24)
            entry = Entry.of(who, now, "made-feed", "roster", whose)
            book.put_feed(replace(feed, token_hash=sha256(token.encode()).hexdigest()), entry=entry)
            print(f"{settings.web.url.rstrip('/')}/feeds/{token}.ics")
        else:
            calendar = calendar_of(org, feed, now)
            if asked.to:
                asked.to.write_bytes(calendar)
            else:
                print(calendar.decode(), end="")


def _handover(asked: argparse.Namespace) -> None:
    settings = load_settings(asked.config)
    now = RealClock().now()
    with open_book(settings) as book:
        plan = plan_of(settings, book)
        alerts = list(open_alerts(book))
    org = plan.org
    if asked.place and asked.place not in org.places:
        raise NotFound(f"there is no place {asked.place!r}")
    for code in [asked.place] if asked.place else dict.fromkeys(post.place for post in stations(plan)):
        for line in Lines(org, settings).handover(handover(org, org.places[code], alerts, now), now):
            print(line)
