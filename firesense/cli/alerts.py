"""A desk for the terminal: alerts, and what is done about them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from firesense.app import RealClock, open_book, read_files
from firesense.cli.terminal import plain
from firesense.cli.who import actor, refuse_unknown
from firesense.desk import Desk
from firesense.domain.alert import Finding
from firesense.domain.deed import Ground, Position
from firesense.domain.errors import ConfigError, Fault
from firesense.domain.escalation import Climb
from firesense.domain.instant import clock_time
from firesense.domain.plan import Plan
from firesense.escalate import Target
from firesense.settings import load_settings
from firesense.text import say

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from firesense.book import SqlBook
    from firesense.cli.daemon import Commands
    from firesense.domain.alert import Alert
    from firesense.domain.deed import Actor


def add_commands(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """Add alerts and alert; acknowledge and close as short forms of two of its actions."""
    command = commands.add_parser("alerts", parents=[shared], help="show alerts")
    command.add_argument("--all", action="store_true", help="closed ones, too")
    command.set_defaults(does=_alerts)
    for name, does, summary in (
        ("acknowledge", _acknowledge, "take an alert: nobody else is called to it"),
        ("close", _close, "close an alert; without a finding, with what it was verified with"),
    ):
        _with_finding(_deed(commands, shared, name, does, summary), name)

    actions = commands.add_parser("alert", help="what is done about an alert").add_subparsers(
        required=True, metavar="ACTION"
    )
    add = partial(_deed, actions, shared)
    add("ack", _acknowledge, "take it: nobody else is called to it")
    command = add("take-over", _take_over, "take it from whoever has it")
    command.add_argument("--reason", required=True)
    command = add("hand-on", _hand_on, "give it to somebody, who is called")
    command.add_argument("--to", required=True, help="id of the person")
    command.add_argument("--reason", default="")
    command = add("dispatch", _dispatch, "send somebody, who is called")
    whom = command.add_mutually_exclusive_group(required=True)
    whom.add_argument("--post", default="", help="whoever holds the nearest post of this role")
    whom.add_argument("--person", default="", help="id of the person")
    command.add_argument("--at", default="", help="code of the place of the post, if it is not the nearest one")
    command.add_argument("--note", default="")
    command = add("arrive", _arrive, "say that somebody is on site")
    command.add_argument("--who", dest="who_else", default="", help="id of the person, if it is somebody else")
    _with_position(command)
    command = add("verify", _verify, "say what was found on site")
    _with_finding(command, "verify")
    _with_position(command)
    command = add("silence", _silence, "stop repeated sounding and calling (GB/T 45839-2025 5.8.1)")
    command.add_argument("--because", required=True, choices=[*Ground], help="which of the three conditions holds")
    command.add_argument("--shown-by", default="", help="which camera shows it, or who confirms it on site")
    command.add_argument("--reason", default="")
    command = add("reset", _reset, "reset a latched alarm; the case goes on")
    command.add_argument("--reason", default="")
    command = add("close", _close, "close it; without a finding, with what it was verified with")
    _with_finding(command, "close")
    command = add("merge", _merge, "make alerts of one event one incident")
    command.add_argument("others", nargs="+", metavar="other")
    add("split", _split, "take it out of its incident")
    command = add("whistle", _whistle, "call in a department, or another rung, at once and besides the climb")
    whom = command.add_mutually_exclusive_group(required=True)
    whom.add_argument("--post", default="", help="the role that is called, looked up from the place upwards")
    whom.add_argument("--rung", type=int, help="a rung of the alert's own ladder, from 1")
    command.add_argument("--at", default="", help="code of the place to look the post up from")
    command.add_argument("--reason", required=True)
    command = add("answer", _answer, "say that a department that was called in has come")
    command.add_argument("--strand", default="", help="the whistle, where it is for somebody else: w1")


def _deed(
    actions: Commands,
    shared: argparse.ArgumentParser,
    name: str,
    does: Callable[[Desk, Actor, argparse.Namespace], object],
    summary: str,
) -> argparse.ArgumentParser:
    command = actions.add_parser(name, parents=[shared], help=summary)
    command.add_argument("alert")
    command.add_argument("--as", dest="who", required=True, help="id of the person, or name of the user, who does it")
    command.set_defaults(does=partial(_do, does))
    return command


def _with_finding(command: argparse.ArgumentParser, name: str) -> None:
    if name == "acknowledge":
        return
    if name.startswith("close"):
        command.add_argument(
            "--though-firing",
            action="store_true",
            help="although the device still alarms: its next alarm is a new alert",
        )
    command.add_argument("--finding", required=name == "verify", choices=[*Finding])
    command.add_argument("--cause", default="", help="why it was a false alarm (config/desk.yaml)")
    command.add_argument("--note", default="")


def _with_position(command: argparse.ArgumentParser) -> None:
    command.add_argument("--position", default="", help="latitude,longitude in degrees (WGS 84)")


def _do(deed: Callable[[Desk, Actor, argparse.Namespace], object], asked: argparse.Namespace) -> int:
    settings = load_settings(asked.config)
    files = read_files(settings)
    with open_book(settings) as book:
        refuse_unknown(asked.who, book)
        ladders, selectors = book.ladders()
        plan = Plan(
            profiles=files.profiles,
            rules=files.rules,
            registry=book.registry(),
            org=book.org(),
            ladders=ladders,
            selectors=selectors,
            calendars=files.calendars,
            practice=files.practice,
            whistling=files.ladders.whistling,
        )
        kinds = {channel.name: channel.kind for channel in settings.channels}
        desk = Desk(book, RealClock(), plan_source=lambda: plan, kinds=kinds)
        done = deed(desk, actor(asked.who), asked)
        alert = book.alert(asked.alert)
    finding = f", {alert.finding}" if alert.finding else ""
    print(f"{alert.id} is {alert.case}{finding}, with {plain(alert.acknowledged_by) or 'nobody'}")
    return int(isinstance(done, Climb) and not done.live)


def _acknowledge(desk: Desk, who: Actor, asked: argparse.Namespace) -> Alert:
    return desk.acknowledge(asked.alert, who)


def _take_over(desk: Desk, who: Actor, asked: argparse.Namespace) -> Alert:
    return desk.take_over(asked.alert, who, asked.reason)


def _hand_on(desk: Desk, who: Actor, asked: argparse.Namespace) -> Alert:
    return desk.hand_on(asked.alert, who, asked.to, asked.reason)


def _dispatch(desk: Desk, who: Actor, asked: argparse.Namespace) -> Alert:
    return desk.dispatch(asked.alert, who, role=asked.post, place=asked.at, person=asked.person, note=asked.note)


def _arrive(desk: Desk, who: Actor, asked: argparse.Namespace) -> Alert:
    return desk.arrive(asked.alert, who, who=asked.who_else, position=_position(asked.position))


def _verify(desk: Desk, who: Actor, asked: argparse.Namespace) -> Alert:
    where = _position(asked.position)
    return desk.verify(asked.alert, who, Finding(asked.finding), cause=asked.cause, note=asked.note, position=where)


def _silence(desk: Desk, who: Actor, asked: argparse.Namespace) -> Alert:
    return desk.silence(asked.alert, who, Ground(asked.because), shown_by=asked.shown_by, reason=asked.reason)


def _reset(desk: Desk, who: Actor, asked: argparse.Namespace) -> Alert:
    return desk.reset(asked.alert, who, asked.reason)


def _close(desk: Desk, who: Actor, asked: argparse.Namespace) -> Alert:
    finding = Finding(asked.finding) if asked.finding else None
    return desk.close(asked.alert, who, finding, asked.note, cause=asked.cause, though_firing=asked.though_firing)


def _merge(desk: Desk, who: Actor, asked: argparse.Namespace) -> Alert:
    merged = desk.merge([asked.alert, *asked.others], who)
    print(f"incident {merged[0].incident}: {', '.join(alert.id for alert in merged)}")
    return merged[0]


def _split(desk: Desk, who: Actor, asked: argparse.Namespace) -> Alert:
    return desk.split(asked.alert, who)


def _whistle(desk: Desk, who: Actor, asked: argparse.Namespace) -> Climb:
    rung = 0 if asked.rung is None else asked.rung - 1  # no default: argparse takes it for a rung not given
    climb = desk.whistle(asked.alert, who, Target(asked.post, asked.at, rung), asked.reason)
    print(f"whistle {climb.strand} for {plain(climb.ladder.id)}")
    if not climb.live:
        print("NOBODY could be called: every post on the way up is vacant, or nobody there has an address")
    return climb


def _answer(desk: Desk, who: Actor, asked: argparse.Namespace) -> list[str]:
    answered = desk.answer(asked.alert, who, asked.strand)
    print(f"answered: {', '.join(answered)}")
    return answered


def _position(written: str) -> Position | None:
    if not written:
        return None
    try:
        latitude, longitude = map(float, written.split(","))
        return Position(latitude, longitude)
    except ValueError as error:
        raise ConfigError([Fault("", "--position", f"{written!r} is no latitude,longitude: {error}")]) from error


def _alerts(asked: argparse.Namespace) -> None:
    settings = load_settings(asked.config)
    language, zone = settings.language, ZoneInfo(settings.zone)
    with open_book(settings) as book:
        for alert in _every(book, open_only=not asked.all):
            words = (f"class.{alert.alert_class}", f"condition.{alert.condition}", f"case.{alert.case}")
            said = "  ".join(say(word, language) for word in words)
            text = alert.text.get(language) or alert.text.get("zh", "")
            print(
                f"{alert.id}  {clock_time(alert.raised_at, zone)}  {said}  {alert.place}  {plain(alert.device)}"
                f"  {plain(text)}"
            )


def _every(book: SqlBook, *, open_only: bool) -> Iterator[Alert]:
    """Page by page, as there may be many."""
    after = ""
    while page := book.alerts(open_only=open_only, after=after):
        yield from page
        after = page[-1].id
