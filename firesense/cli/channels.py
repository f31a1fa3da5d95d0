"""Commands about channels: one test message to one person, over the channel as it is, and what it answered."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from firesense.app import RealClock, open_book
from firesense.app.plan import plan_of
from firesense.app.plugs import make_channels
from firesense.cli.terminal import plain
from firesense.cli.who import actor
from firesense.domain.alert import Alert, AlertClass, Grade, alert_id
from firesense.domain.audit import Entry
from firesense.domain.errors import ChannelDown, ChannelError, Conflict, NotFound
from firesense.domain.escalation import Call, Purpose
from firesense.hazards.reporting import NO_FRAME
from firesense.notify.masking import masked
from firesense.notify.message import compose
from firesense.settings import load_settings
from firesense.text import LANGUAGES, say

if TYPE_CHECKING:
    import argparse

    from firesense.cli.daemon import Commands
    from firesense.domain.instant import Instant
    from firesense.domain.message import Message, Receipt
    from firesense.domain.place import Person
    from firesense.ports import Channel
    from firesense.settings import Settings

TRIAL = "channel-test"  # the rule of the alert that such a message is about, which is in no book
_PATIENCE = 75  # seconds; the slowest provider's answer


def add_commands(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """Add channel."""
    channel = commands.add_parser("channel", help="channels: try one").add_subparsers(required=True, metavar="ACTION")
    command = channel.add_parser("test", parents=[shared], help="send one test message, and say what came of it")
    command.add_argument("channel", help="its name in the settings")
    command.add_argument("--to", required=True, help="id of a person with an address for it")
    command.add_argument("--as", dest="who", default="", help="the person who tries it")
    command.set_defaults(does=_test)


def _test(asked: argparse.Namespace) -> int:
    settings, clock = _apart(load_settings(asked.config)), RealClock()
    if asked.channel not in {each.name for each in settings.channels}:
        raise NotFound(f"there is no channel {asked.channel!r} in the settings")
    with open_book(settings) as book:
        plan = plan_of(settings, book)
        person = plan.org.people.get(asked.to)
        if person is None:
            raise NotFound(f"there is no person {asked.to!r}")
        if not person.addresses.get(asked.channel):
            raise Conflict(f"{asked.to} has no address for {asked.channel}")
        now, root = clock.now(), plan.org.root
        call, alert = _trial(person, asked.channel, root.code if root else "", now)
        message = compose(call, alert, plan, zone=ZoneInfo(settings.zone))
        channels = make_channels(settings, clock)
        state, said = asyncio.run(_sent(channels[asked.channel], message))
        who = actor(asked.who)
        book.write_down(
            Entry.of(who, now, "tested", "channel", asked.channel, person=person.id, state=state, reason=said)
        )
    whom = f"{plain(person.name)} ({masked(call.address)})"
    print(": ".join(part for part in (f"{asked.channel} to {whom}", state, plain(said)) if part))
    return 0 if state == "sent" else 1


def _apart(settings: Settings) -> Settings:
    """Channels that keep a connection have one of their own here: that of a daemon that runs is not taken over."""
    channels = tuple(
        each.model_copy(update={"client_id": f"{name}-test"}) if (name := getattr(each, "client_id", "")) else each
        for each in settings.channels
    )
    return settings.model_copy(update={"channels": channels})


def _trial(person: Person, channel: str, place: str, now: Instant) -> tuple[Call, Alert]:
    """Make the call of a test, and the alert of class test that it speaks of."""
    alert = Alert(
        id=alert_id(TRIAL, channel, now),
        rule=TRIAL,
        rule_version="",
        alert_class=AlertClass.TEST,
        grade=Grade.MINOR,
        device="",
        device_class="",
        place=place,
        raised_at=now,
        event_at=now,
        offset=NO_FRAME,
        text={language: say("channel.trial", language) for language in LANGUAGES},
    )
    call = Call(
        key=f"{alert.id}:{TRIAL}:{person.id}:{channel}",
        alert=alert.id,
        purpose=Purpose.ALERT,
        person=person.id,
        role="",
        place=place,
        channel=channel,
        address=person.addresses[channel],
        language=person.language,
        rung=0,
        round=0,
        created_at=now,
        due_at=now,
    )
    return call, alert


async def _sent(channel: Channel, message: Message) -> tuple[str, str]:
    """Send it, and give what came of it in a word and what the channel said."""
    try:
        receipt: Receipt = await asyncio.wait_for(channel.send(message), _PATIENCE)
    except TimeoutError:
        return "no answer", f"nothing within {_PATIENCE} s"
    except ChannelDown as error:
        return "failed for now", str(error)
    except ChannelError as error:
        return "refused", str(error)
    finally:
        await channel.close()
    return receipt.state.value, receipt.reference or receipt.reason
