"""Commands about rosters: who is on duty, what is missing, and what people change for a while."""

from __future__ import annotations

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
from firesense.cli.terminal import plain
from firesense.cli.who import actor
from firesense.domain.audit import Entry
from firesense.domain.errors import ConfigError, Fault, NotFound
from firesense.domain.instant import DAY, instant, moment
from firesense.domain.roster import ChangeKind
from firesense.ports import Feed
from firesense.rosters import RosterDesk, calendar_of, check, handover
from firesense.settings import load_settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence
    from datetime import tzinfo

    from firesense.cli.daemon import Commands
    from firesense.domain.alert import Alert
    from firesense.domain.instant import Instant
    from firesense.domain.place import Org
    from firesense.domain.roster import Change
    from firesense.ports import Book

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
    command.add_argument("--place", default="", help="code of the station (default: every place with a roster)")
    command.set_defaults(does=_handover)


def _add_who(command: argparse.ArgumentParser) -> None:
    command.add_argument("--as", dest="who", required=True, help="who writes this")
    command.add_argument("--note", default="")


def _add_time(command: argparse.ArgumentParser) -> None:
    command.add_argument("--from", dest="begins", required=True, help="local time: 2026-10-01 or '2026-10-01 08:30'")
    command.add_argument("--until", dest="ends", required=True, help="the same; of a day alone, its beginning")
    _add_who(command)


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _days(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 366:  # noqa: PLR2004 -- a year
        raise ValueError(text)
    return number


def _when(text: str, option: str, zone: tzinfo) -> Instant:
    for pattern in _WHEN:
        try:
            return instant(datetime.strptime(text, pattern).replace(tzinfo=zone))
        except ValueError:
            continue
    raise ConfigError([Fault("", option, f"{text!r} is no time such as 2026-10-01 or '2026-10-01 08:30'")])


def _wall(at: Instant, zone: tzinfo) -> str:
    return moment(at).astimezone(zone).strftime("%Y-%m-%d %H:%M")


def _names(org: Org, people: tuple[str, ...]) -> str:
    return ", ".join(plain(org.people[one].name) if one in org.people else plain(one) for one in people)


def _show(asked: argparse.Namespace) -> None:
    settings = load_settings(asked.config)
    zone = ZoneInfo(settings.zone)
    with open_book(settings) as book:
        org = plan_of(settings, book).org
    if asked.place and asked.place not in org.places:
        raise NotFound(f"there is no place {asked.place!r}")
    now = RealClock().now()
    for post in org.posts.values():
        if asked.place and not any(place.code == asked.place for place in org.path(post.place)):
            continue
        print(f"{plain(org.places[post.place].name)} ({post.place})  {post.role}")
        for span in org.changes(post, now, now + asked.days * DAY):
            who = _names(org, span.people) or "NOBODY"
            print(f"  {_wall(span.begins_at, zone)}  {_wall(span.ends_at, zone)}  {who}")


def _check(asked: argparse.Namespace) -> int:
    settings = load_settings(asked.config)
    zone = ZoneInfo(settings.zone)
    with open_book(settings) as book:
        plan = plan_of(settings, book)
    start = RealClock().now()
    found = check(plan, {channel.name for channel in settings.channels}, start, start + asked.days * DAY)
    org = plan.org
    for hole in found.holes:
        where = f"{plain(org.places[hole.place].name)} ({hole.place})" + (" and all below" if hole.below else "")
        classes = ", ".join(hole.alert_classes)
        print(f"nobody  {_wall(hole.begins_at, zone)}  {_wall(hole.ends_at, zone)}  {where}: {classes}")
    for post in found.vacant:
        print(f"vacant  {plain(org.places[post.place].name)} ({post.place}) {post.role}: never held")
    for person in found.unreachable:
        print(f"no channel  {plain(person.name)} ({person.id}) has duties, and no channel reaches them")
    for person in found.idle:
        print(f"no post  {plain(person.name)} ({person.id})")
    for place, person in found.alone:
        print(f"alone  {plain(place.name)} ({place.code}): {plain(person.name)} is all there is")
    print(
        f"{len(org.places)} places, {asked.days} days: {len(found.holes)} holes, {len(found.vacant)} vacant posts,"
        f" {len(found.unreachable)} people without a channel, {len(found.idle)} without a post,"
        f" {len(found.alone)} one-person stations"
    )
    return 1 if found.holes else 0


def _override(asked: argparse.Namespace) -> None:
    with _desk(asked) as (desk, zone):
        begins_at, ends_at = _when(asked.begins, "--from", zone), _when(asked.ends, "--until", zone)
        more = {"instead_of": asked.instead_of, "roster": asked.roster, "note": asked.note}
        _tell(desk, [desk.override(actor(asked.who), asked.person, begins_at, ends_at, **more)], zone)


def _swap(asked: argparse.Namespace) -> None:
    with _desk(asked) as (desk, zone):
        one, other = (asked.person, asked.day), (asked.other, asked.other_day)
        _tell(desk, desk.swap(actor(asked.who), asked.roster, one, other, note=asked.note), zone)


def _leave(asked: argparse.Namespace) -> None:
    with _desk(asked) as (desk, zone):
        begins_at, ends_at = _when(asked.begins, "--from", zone), _when(asked.ends, "--until", zone)
        _tell(desk, [desk.leave(actor(asked.who), asked.person, begins_at, ends_at, note=asked.note)], zone)


def _revoke(asked: argparse.Namespace) -> None:
    with _desk(asked) as (desk, zone):
        for change in desk.revoke(actor(asked.who), asked.change):
            print(f"taken back: {_line(change, zone)}")


def _changes(asked: argparse.Namespace) -> None:
    settings = load_settings(asked.config)
    now = RealClock().now()
    with open_book(settings) as book:
        for change in book.roster_changes(now, now + _EVER):
            print(_line(change, ZoneInfo(settings.zone)))


@contextmanager
def _desk(asked: argparse.Namespace) -> Iterator[tuple[RosterDesk, tzinfo]]:
    """The desk where rosters are changed, and the local time zone."""
    settings = load_settings(asked.config)
    with open_book(settings) as book:
        yield RosterDesk(book, RealClock(), lambda: plan_of(settings, book).org), ZoneInfo(settings.zone)


def _tell(desk: RosterDesk, changes: Sequence[Change], zone: tzinfo) -> None:
    for change in changes:
        print(_line(change, zone))
    for empty in desk.emptied(changes):
        where = f"{empty.post.place} {empty.post.role}"
        print(f"nobody is on duty: {where}  {_wall(empty.begins_at, zone)}  {_wall(empty.ends_at, zone)}")


def _line(change: Change, zone: tzinfo) -> str:
    if change.kind is ChangeKind.LEAVE:
        what = f"{change.person} is on leave"
    elif change.person:
        what = f"{change.stand_in} instead of {change.person}"
    else:
        what = f"{change.stand_in} besides the others"
    parts = [change.id, _wall(change.begins_at, zone), _wall(change.ends_at, zone), what, change.roster]
    return "  ".join(plain(part) for part in (*parts, change.note) if part)


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
            print(f"{removed} addresses are of no more use")
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
    zone = ZoneInfo(settings.zone)
    now = RealClock().now()
    with open_book(settings) as book:
        org = plan_of(settings, book).org
        alerts = list(_open_alerts(book))
    if asked.place and asked.place not in org.places:
        raise NotFound(f"there is no place {asked.place!r}")
    rostered = dict.fromkeys(post.place for post in org.posts.values() if post.rosters)
    for code in [asked.place] if asked.place else rostered:
        report = handover(org, org.places[code], alerts, now)
        print(f"{plain(report.place.name)} ({code}), {_wall(now, zone)}: {len(report.alerts)} open alerts")
        for post, present, following in report.posts:
            print(f"  {post.role}: {_names(org, present.people) or 'NOBODY'} until {_wall(present.ends_at, zone)}")
            if following is not None:
                print(f"    then {_names(org, following.people) or 'NOBODY'}")
        for alert in report.alerts:
            has = f"with {plain(alert.acknowledged_by)}" if alert.acknowledged_by else "nobody has it"
            text = plain(alert.text.get("en", ""))
            print(f"  {alert.id}  {_wall(alert.raised_at, zone)}  {alert.alert_class:<7} {alert.place}  {text}: {has}")


def _open_alerts(book: Book) -> Iterator[Alert]:
    after = ""
    while page := book.alerts(after=after):
        yield from page
        after = page[-1].id
