"""Commands about who and what is registered: devices, users."""

from __future__ import annotations

import getpass
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from firesense.app import RealClock, import_files, open_book, read_files
from firesense.cli.terminal import plain
from firesense.cli.who import actor
from firesense.domain.audit import Entry
from firesense.domain.catalogue import CLASSES
from firesense.domain.deed import Rights
from firesense.domain.device import Device
from firesense.domain.errors import ConfigError, Conflict, Fault, NotFound
from firesense.domain.instant import iso
from firesense.orgfile import load_devices
from firesense.passwords import hash_password
from firesense.ports import User
from firesense.settings import load_settings

if TYPE_CHECKING:
    import argparse

    from firesense.cli.daemon import Commands


def add_commands(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """Add device and user."""
    device = commands.add_parser("device", help="the device register").add_subparsers(required=True, metavar="ACTION")
    command = device.add_parser("import", parents=[shared], help="read a register (CSV) into the book")
    command.add_argument("file", type=Path)
    command.set_defaults(does=_import_devices)
    command = device.add_parser("list", parents=[shared], help="show registered devices")
    command.add_argument("--class", dest="device_class", default="", choices=["", *CLASSES])
    command.set_defaults(does=_devices)
    command = device.add_parser("strangers", parents=[shared], help="devices that were heard but nobody registered")
    command.set_defaults(does=_strangers)
    command = device.add_parser("claim", parents=[shared], help="register one device")
    command.add_argument("external_id", help="what its frames call it")
    command.add_argument("--id", required=True, help="what people call it")
    command.add_argument("--profile", required=True)
    command.add_argument("--place", required=True, help="code of the place it stands at")
    command.add_argument("--name", default="")
    command.add_argument("--kind", default="", help="main, hydrant, intake ...")
    command.add_argument("--gateway", default="")
    command.add_argument("--replace", action="store_true", help="the id is taken: it is this device from now on")
    command.set_defaults(does=_claim)
    command = device.add_parser(
        "remove", parents=[shared], help="take devices out of the register, and keep their past"
    )
    command.add_argument("ids", nargs="+", metavar="id")
    command.add_argument("--as", dest="who", required=True, help="id of the person who does it")
    command.add_argument("--reason", default="")
    command.set_defaults(does=_remove_devices)

    user = commands.add_parser("user", help="who may log in to the console").add_subparsers(
        required=True, metavar="ACTION"
    )
    command = user.add_parser("add", parents=[shared], help="add a user, or give one a new password")
    command.add_argument("name")
    command.add_argument("--person", default="", help="the person of the org this is")
    command.add_argument("--rights", choices=[*Rights], help="what the user may do (a new one: officer)")
    command.add_argument("--place", help="place the user may act at, with all below it (a new one: everywhere)")
    command.add_argument("--one-time", action="store_true", help="make a password that works once, and print it")
    command.set_defaults(does=_add_user)
    command = user.add_parser("list", parents=[shared], help="show who may log in")
    command.set_defaults(does=_users)
    command = user.add_parser("remove", parents=[shared], help="let a user in no more, and end the user's sessions")
    command.add_argument("name")
    command.set_defaults(does=_remove_user)


def _import_devices(asked: argparse.Namespace) -> None:
    settings = load_settings(asked.config)
    files = read_files(settings)
    devices = load_devices(asked.file, files.profiles, files.org)
    with open_book(settings) as book:
        who, now = actor(), RealClock().now()
        import_files(files, book, who, now)
        entry = Entry.of(who, now, "registered", "device", "", devices=str(len(devices)), file=asked.file.name)
        changed = book.register(devices, entry=entry)
    print(f"{len(devices)} devices read, {changed} new or changed")


def _devices(asked: argparse.Namespace) -> None:
    with open_book(load_settings(asked.config)) as book:
        for device in book.registry():
            if asked.device_class in {"", device.device_class}:
                print(f"{device.id}\t{device.device_class}\t{device.profile}\t{device.external_id}\t{device.place}")


def _strangers(asked: argparse.Namespace) -> None:
    with open_book(load_settings(asked.config)) as book:
        for stranger in book.strangers():
            print(
                f"{plain(stranger.external_id)}\t{stranger.profile}\t{plain(stranger.topic)}\t{stranger.frames} frames"
                f"\tlast {iso(stranger.last_at)}"
            )


def _claim(asked: argparse.Namespace) -> None:
    settings = load_settings(asked.config)
    files = read_files(settings)
    faults = []
    if (profile := files.profiles.get(asked.profile)) is None:
        faults.append(Fault("", "--profile", f"there is no profile {asked.profile!r}"))
    if asked.place not in files.org.places:
        faults.append(Fault("", "--place", f"there is no place {asked.place!r}"))
    if profile is None or faults:
        raise ConfigError(faults)
    with open_book(settings) as book:
        who, now = actor(), RealClock().now()
        import_files(files, book, who, now)
        taken = book.registry().get(asked.id)
        if taken is not None and not asked.replace:
            raise Conflict(f"{asked.id} is {taken.external_id} ({taken.profile}) already; --replace makes it this one")
        claimed = Device(
            asked.id,
            profile.device_class,
            profile.id,
            asked.external_id,
            asked.place,
            -1,
            asked.name,
            asked.kind,
            asked.gateway,
        )
        told = {"profile": profile.id, "external_id": asked.external_id, "place": asked.place}
        told |= {"was": f"{taken.external_id} ({taken.profile}) at {taken.place}"} if taken else {}
        book.register([claimed], entry=Entry.of(who, now, "claimed", "device", asked.id, **told))
    print(f"{asked.id} is registered; frames from before: firesense quarantine replay --reason unknown-device")


def _remove_devices(asked: argparse.Namespace) -> None:
    settings = load_settings(asked.config)
    with open_book(settings) as book:
        entry = Entry.of(actor(asked.who), RealClock().now(), "removed", "device", "", reason=asked.reason)
        gone = book.unregister(asked.ids, entry)
        still_open = {alert.device for alert in book.alerts()} & {device.id for device in gone}
    for device in gone:
        note = "; its alert is open still, until somebody closes it" if device.id in still_open else ""
        print(f"{device.id} is registered no more; its past stays{note}")
    print("frames of them are from strangers now; firesense device import or claim registers one again")


def _add_user(asked: argparse.Namespace) -> None:
    settings = load_settings(asked.config)
    org = read_files(settings).org
    if asked.place and asked.place not in org.places:
        raise NotFound(f"there is no place {asked.place}")
    if asked.person and asked.person not in org.people:
        raise NotFound(f"there is no person {asked.person}: what this user does would be nobody's")
    if asked.one_time:
        password = secrets.token_urlsafe(9)
        print(password)
    elif sys.stdin.isatty():
        password = getpass.getpass(f"password of {asked.name}: ")
    else:
        password = sys.stdin.readline().rstrip("\n")
    who, clock = actor(), RealClock()
    with open_book(settings) as book:
        before = book.user(asked.name)
        known = before or User(asked.name, "")
        user = User(
            asked.name,
            hash_password(password),
            asked.person or known.person,
            asked.one_time,
            Rights(asked.rights or known.rights),
            known.place if asked.place is None else asked.place,
        )
        did = "added" if before is None else "changed"
        told = {"person": user.person, "rights": user.rights.value, "place": user.place}
        book.put_user(user, entry=Entry.of(who, clock.now(), did, "user", user.name, **told))


def _users(asked: argparse.Namespace) -> None:
    with open_book(load_settings(asked.config)) as book:
        for user in book.users():
            note = "\tone-time password" if user.one_time else ""
            place = user.place or "everywhere"
            print(f"{plain(user.name)}\t{plain(user.person)}\t{user.rights}\t{plain(place)}{note}")


def _remove_user(asked: argparse.Namespace) -> None:
    with open_book(load_settings(asked.config)) as book:
        book.remove_user(asked.name, entry=Entry.of(actor(), RealClock().now(), "removed", "user", asked.name))
    print(f"{plain(asked.name)} may log in no more")
