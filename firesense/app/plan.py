"""The plan: read from the files and the book, replaced whole, and kept when a new one has faults."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import structlog

from firesense.app.plugs import make_channels
from firesense.calendars import load_calendars, standard_calendars
from firesense.domain.errors import ConfigError, Fault
from firesense.domain.plan import Plan
from firesense.orgfile import Ladders, load_devices, load_ladders, load_org
from firesense.profiles import load_profiles
from firesense.rulebook import load_rules

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from firesense.domain.calendar import Calendars
    from firesense.domain.device import Device
    from firesense.domain.place import Org
    from firesense.domain.profile import Profile
    from firesense.domain.rule import Rule
    from firesense.ports import Book, Clock
    from firesense.settings import Settings

_log = structlog.get_logger(__name__)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Files:
    """All that the files of a configuration say."""

    profiles: Mapping[str, Profile]
    rules: tuple[Rule, ...]
    org: Org
    ladders: Ladders
    devices: list[Device]
    calendars: Calendars


def read_files(settings: Settings) -> Files:
    """Read profiles, rules, org, ladders and the device register. Raises ConfigError with the faults of them all."""
    faults: list[Fault] = []

    def tried(load: Callable[[], _T]) -> _T | None:
        try:
            return load()
        except ConfigError as error:
            faults.extend(error.faults)
            return None

    files = settings.files
    channels = {channel.name for channel in settings.channels}
    profiles = tried(lambda: load_profiles(files.profiles))
    org = tried(lambda: load_org(files.org))
    calendars = tried(lambda: read_calendars(settings, org))
    seasons = calendars.seasons if calendars else None  # of faulty calendars nothing is known
    rules = tried(lambda: load_rules(files.rules, seasons))
    ladders = tried(lambda: load_ladders(files.ladders, org, channels)) if org else None
    register = files.devices
    devices = tried(lambda: load_devices(register, profiles, org)) if register and profiles and org else []
    if faults or not (profiles and rules and org and ladders and calendars) or devices is None:
        raise ConfigError(faults)
    return Files(profiles, rules, org, ladders, devices, calendars)


def read_calendars(settings: Settings, org: Org | None) -> Calendars:
    """Read the calendars, or those of people who have written none. Raises ConfigError with every fault."""
    file = settings.files.calendars
    return load_calendars(file, settings.zone, org) if file else standard_calendars(settings.zone)


def check(settings: Settings, clock: Clock) -> str:
    """Read and try everything the daemon would read at start, and sum it up. Raises ConfigError with every fault."""
    files = read_files(settings)
    make_channels(settings, clock)
    return (
        f"sound: {len(files.profiles)} profiles, {len(files.rules)} rules, {len(files.org.places)} places,"
        f" {len(files.org.people)} people, {len(files.ladders.by_id)} ladders, {len(settings.channels)} channels,"
        f" {len(settings.brokers)} brokers"
    )


def import_files(files: Files, book: Book) -> bool:
    """Bring org, ladders and the device register into the book; says whether anything was new."""
    org, (ladders, selectors) = book.org(), book.ladders()
    wanted = files.org
    changed = (
        (org.places, org.posts, org.people) != (wanted.places, wanted.posts, wanted.people)
        or ladders != files.ladders.by_id
        or selectors != files.ladders.selectors
    )
    if changed:
        book.install(wanted, files.ladders.by_id.values(), files.ladders.selectors)
    registered = book.register(files.devices) if files.devices else 0
    return changed or registered > 0


class PlanKeeper:
    """Holds the plan in force. ``current`` is cheap; a new plan is put in its place by one assignment."""

    def __init__(self, settings: Settings, book: Book) -> None:
        """Read the first plan, and import it. Raises ConfigError with every fault."""
        self._settings = settings
        self._book = book
        files = read_files(settings)
        import_files(files, book)
        self._plan = self._from_book(Plan(profiles=files.profiles, rules=files.rules, calendars=files.calendars))

    def current(self) -> Plan:
        """The plan in force."""
        return self._plan

    def refresh(self) -> None:
        """Take over what changed in the book (a device claimed, an org imported), whoever changed it."""
        if self._book.version() != self._plan.version:
            self._plan = self._from_book(self._plan)
            _log.info("plan.refreshed", version=self._plan.version, devices=len(self._plan.registry))

    def reload(self) -> bool:
        """Read the files anew; with a single fault the plan in force stays, and every fault is logged."""
        try:
            files = read_files(self._settings)
        except ConfigError as error:
            for fault in error.faults:
                _log.error("plan.fault", fault=str(fault))
            _log.error("plan.kept", faults=len(error.faults))
            return False
        import_files(files, self._book)
        self._plan = self._from_book(Plan(profiles=files.profiles, rules=files.rules, calendars=files.calendars))
        _log.info("plan.reloaded", version=self._plan.version, rules=len(files.rules))
        return True

    def _from_book(self, plan: Plan) -> Plan:
        version = self._book.version()  # first: what changes meanwhile is seen again
        ladders, selectors = self._book.ladders()
        return replace(
            plan,
            registry=self._book.registry(),
            org=self._book.org(),
            ladders=ladders,
            selectors=selectors,
            version=version,
        )
