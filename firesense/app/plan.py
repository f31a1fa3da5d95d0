"""The plan: read from the files and the book, replaced whole, and kept when a new one has faults."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

import structlog

from firesense.app.configured import configured
from firesense.app.plugs import make_channels, make_transports, place_faults
from firesense.calendars import load_calendars, local_days, standard_calendars
from firesense.deskfile import load_practice
from firesense.domain.audit import Entry
from firesense.domain.deed import PLATFORM
from firesense.domain.errors import ConfigError, Fault
from firesense.domain.place import Org
from firesense.domain.plan import Plan
from firesense.domain.practice import Practice
from firesense.hazardfile import load_hazards, standard_hazards
from firesense.hazards import unaccepted
from firesense.ladderfile import Ladders, load_ladders
from firesense.orgfile import load_devices
from firesense.orgtree import Difference, compared, differences, load_org
from firesense.profiles import load_profiles
from firesense.rulebook import load_rules
from firesense.settings import RosterSettings
from firesense.yamlmarks import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from firesense.domain.calendar import Calendars
    from firesense.domain.deed import Actor
    from firesense.domain.device import Device
    from firesense.domain.hazard import HazardRules
    from firesense.domain.instant import Instant
    from firesense.domain.profile import Profile
    from firesense.domain.roster import LocalDays
    from firesense.domain.rule import Rule
    from firesense.ports import Book, Clock
    from firesense.settings import Settings

_log = structlog.get_logger(__name__)
_T = TypeVar("_T")
_YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Files:
    """All that the files of a configuration say."""

    profiles: Mapping[str, Profile]
    rules: tuple[Rule, ...]
    org: Org
    ladders: Ladders
    devices: list[Device]
    calendars: Calendars
    days: LocalDays
    hazards: HazardRules
    practice: Practice


def read_files(settings: Settings, known: Collection[Fault] = (), *, org: Org | None = None) -> Files:
    """Read profiles, rules, org, ladders and the device register. Raises ConfigError with the faults of them all.

    ``known`` are faults found before, in the settings themselves: they are among those that are raised. ``org`` takes
    the place of the one in the files.
    """
    faults = list(known)

    def tried(load: Callable[[], _T]) -> _T | None:
        try:
            return load()
        except ConfigError as error:
            faults.extend(error.faults)
            return None

    files = settings.files
    unclear = any(fault.path.startswith("channels") for fault in known)  # then nobody can say which there are
    channels = None if unclear else {channel.name for channel in settings.channels}
    profiles = tried(lambda: load_profiles(files.profiles))
    org = org or tried(lambda: load_org(files.org, channels))
    calendars = tried(lambda: read_calendars(settings, org))
    seasons = calendars.seasons if calendars else None  # of faulty calendars nothing is known
    rules = tried(lambda: load_rules(files.rules, seasons))
    ladders = tried(lambda: load_ladders(files.ladders, org, channels, seasons)) if org else None
    hazards = tried(lambda: load_hazards(files.hazards, org) if files.hazards else standard_hazards())
    practices = files.desk
    practice = tried(lambda: load_practice(practices, org)) if org and practices else Practice()
    register = files.devices
    devices = tried(lambda: load_devices(register, profiles, org)) if register and profiles and org else []
    faults += _post_faults(settings, org) if org else []
    if faults or not (profiles and rules and org and ladders and calendars and hazards and practice) or devices is None:
        raise ConfigError(faults)
    days = local_days(files.calendars, settings.zone)
    return Files(profiles, rules, org, ladders, devices, calendars, days, hazards, practice)


def read_calendars(settings: Settings, org: Org | None) -> Calendars:
    """Read the calendars, or those of people who have written none. Raises ConfigError with every fault."""
    file = settings.files.calendars
    return load_calendars(file, settings.zone, org) if file else standard_calendars(settings.zone)


def check(settings: Settings, known: Collection[Fault], clock: Clock) -> str:
    """Read and try everything the daemon would read at start, and sum it up.

    ``known`` are the faults of the settings themselves. Raises ConfigError with them and every other fault.
    What is sound and hardly meant is told with the sum.
    """
    faults: list[Fault] = []
    files: Files | None = None

    def tried(load: Callable[[], object]) -> None:
        try:
            load()
        except ConfigError as error:
            faults.extend(error.faults)

    try:
        files = read_files(settings, known)
    except ConfigError as error:
        faults.extend(error.faults)
    tried(lambda: make_channels(settings, clock))
    brokers = [broker.model_copy(update={"filters": broker.filters or ("#",)}) for broker in settings.brokers]
    listening = settings if files else settings.model_copy(update={"brokers": brokers})  # to what, nobody can say yet
    tried(lambda: make_transports(listening, Plan(profiles=files.profiles if files else {}), clock))
    faults += place_faults(settings)
    if faults or files is None:
        raise ConfigError(dict.fromkeys(faults))
    return (
        f"sound: {len(files.profiles)} profiles, {len(files.rules)} rules, {len(files.org.places)} places,"
        f" {len(files.org.people)} people, {len(files.ladders.by_id)} ladders, {len(settings.channels)} channels,"
        f" {len(settings.brokers)} brokers" + "".join(f"\nnote: {note}" for note in _notes(files, settings))
    )


def _notes(files: Files, settings: Settings) -> Iterator[str]:
    """What is no fault, and what somebody should know all the same."""
    keep = settings.history.keep
    if settings.history.kind == "sqlite" and keep < _YEAR:  # the other stores keep what they were told to themselves
        yield (
            f"history.keep is {keep.days} days: GB/T 45839-2025 5.9.5 asks for a year, or thirty days where a remote"
            " platform keeps the year"
        )
    yield from shown(files.ladders.doubts)
    tags = {tag for place in files.org.places.values() for tag in place.tags}
    for response in files.practice.responses:
        for tag in sorted(response.tags - tags):
            yield f"desk: the plan {response.id!r} asks for the tag {tag!r}, which no place has"
    for grade, places in unaccepted(files.hazards, files.org):
        more = f" and at {len(places) - 1} other places" if len(places) > 1 else ""
        where = f"{places[0]} ({files.org.places[places[0]].name}){more}"
        yield f"hazards: nobody may accept a {grade} hazard that is reported at {where}: see may in its rules"


def _tell_notes(files: Files) -> None:
    for note in shown(files.ladders.doubts):
        _log.warning("plan.note", note=note)


def import_files(files: Files, book: Book, actor: Actor = PLATFORM, at: Instant | None = None) -> bool:
    """Bring org, ladders and the device register into the book; says whether anything was new.

    With an instant, the audit says who did it then.
    """
    changed = _import_org(files, book, actor, at)
    registered = _register_new(files.devices, book, actor, at) if files.devices else 0
    return changed or registered > 0


def _import_org(files: Files, book: Book, actor: Actor, at: Instant | None) -> bool:
    wanted, rungs = files.org, files.ladders
    while True:  # until nobody comes between the look and the deed: of several processes one is to say what changed
        version = book.version()
        org, (ladders, selectors) = book.org(), book.ladders()
        if (
            (org.places, org.posts, org.people) == (wanted.places, wanted.posts, wanted.people)
            and org.rosters.by_id == wanted.rosters.by_id
            and (ladders, selectors) == (rungs.by_id, rungs.selectors)
        ):
            return False
        found = [*differences(org, wanted), *compared("ladder", ladders, rungs.by_id)]
        if selectors != rungs.selectors:
            found.append(Difference("~", "ladder", "", ("selectors",)))
        entries = [] if at is None else _told(found, Entry.of(actor, at, "installed", "plan", ""))
        if book.install(wanted, rungs.by_id.values(), rungs.selectors, *entries, version=version):
            return True


def _told(found: Iterable[Difference], entry: Entry) -> list[Entry]:
    """A line of the audit for each difference, with the names of the fields and no values, after one for them all."""
    lines = [
        replace(entry, did=_DID[one.sign], kind=one.what, target=one.name, detail=_fields(one.fields)) for one in found
    ]
    counts = {did: sum(line.did == did for line in lines) for did in _DID.values()}
    return [replace(entry, detail={did: str(count) for did, count in counts.items() if count}), *lines]


_DID = {"+": "added", "~": "changed", "-": "removed"}


def _fields(names: Sequence[str]) -> dict[str, str]:
    return {"fields": ", ".join(names)} if names else {}


def _register_new(devices: Sequence[Device], book: Book, actor: Actor, at: Instant | None) -> int:
    """Register the devices the book does not know. Those it knows may have been moved since: the book is right.

    So it is of those that were taken out of the register. ``firesense device import`` changes both.
    """
    known, removed = book.registry(), book.removed()
    new = [device for device in devices if known.get(device.id) is None and device.id not in removed]
    entry = None if at is None else Entry.of(actor, at, "registered", "device", "", devices=str(len(new)))
    return book.register(new, entry=entry)


def _post_faults(settings: Settings, org: Org) -> list[Fault]:
    """Posts that roll is called at, who is told when nobody answers, and those of stations: each has to be there."""
    roles = {role for _, role in org.posts}
    known = roles | {f"{role}@{place}" for place, role in org.posts}
    named = [(f"rollcalls.posts[{number}]", post, known) for number, post in enumerate(settings.rollcalls.posts)]
    if settings.rollcalls.posts and settings.rollcalls.above:
        named.append(("rollcalls.above", settings.rollcalls.above, roles))
    if settings.rosters != RosterSettings():  # the usual ones are not in every org
        named += [(f"rosters.stations[{number}]", role, roles) for number, role in enumerate(settings.rosters.stations)]
    return [Fault("", path, f"there is no post {post!r}") for path, post, there in named if post not in there]


def _plan_of(files: Files, settings: Settings) -> Plan:
    """The share of the plan that is in files alone."""
    return Plan(
        profiles=files.profiles,
        rules=files.rules,
        calendars=files.calendars,
        hazards=files.hazards,
        practice=files.practice,
        whistling=files.ladders.whistling,
        roll_calling=settings.rollcalls.calling,
        targets=settings.figures.within,
        stations=frozenset(settings.rosters.stations),
    )


def plan_of(settings: Settings, book: Book) -> Plan:
    """The plan that would be in force: files as they are now, and what only the book knows. Raises ConfigError.

    Nothing is imported. For those who ask and do not run.
    """
    files = read_files(settings)
    org = Org(
        files.org.places.values(),
        files.org.posts.values(),
        files.org.people.values(),
        files.org.rosters.by_id.values(),
        book.org().rosters.changes,
        files.days,
    )
    return replace(
        _plan_of(files, settings),
        registry=book.registry(),
        org=org,
        ladders=files.ladders.by_id,
        selectors=files.ladders.selectors,
        version=book.version(),
    )


class PlanKeeper:
    """Holds the plan in force. ``current`` is cheap; a new plan is put in its place by one assignment."""

    def __init__(self, settings: Settings, book: Book, clock: Clock | None = None) -> None:
        """Read the first plan, and import it; with a clock, the audit is told. Raises ConfigError with every fault."""
        self._clock = clock
        self._settings = settings
        self._book = book
        self._reloading = Lock()  # the files are read anew in a thread of their own, each time they are to be,
        self._replacing = Lock()  # and beside whoever looks at the book
        files = read_files(settings)
        _tell_notes(files)
        import_files(files, book, at=None if clock is None else clock.now())
        self._note(files)
        self._days = files.days
        self._plan = self._from_book(_plan_of(files, self._settings))

    def current(self) -> Plan:
        """The plan in force."""
        return self._plan

    def refresh(self) -> None:
        """Take over what changed in the book (a device claimed, an org imported), whoever changed it."""
        with self._replacing:
            if self._book.version() != self._plan.version:
                self._plan = self._from_book(self._plan)
                _log.info("plan.refreshed", version=self._plan.version, devices=len(self._plan.registry))

    def reload(self) -> bool:
        """Read the files anew; with a single fault the plan in force stays, and every fault is logged."""
        with self._reloading:
            return self._reload()

    def _reload(self) -> bool:
        try:
            files = read_files(self._settings)
        except ConfigError as error:
            for line in shown(error.faults):
                _log.error("plan.fault", fault=line)
            _log.error("plan.kept", faults=len(error.faults))
            return False
        _tell_notes(files)
        now = None if self._clock is None else self._clock.now()
        import_files(files, self._book, at=now)
        if now is not None:
            self._book.write_down(Entry.of(PLATFORM, now, "reloaded", "setting", "files"))
        self._note(files)
        with self._replacing:
            self._days = files.days
            self._plan = self._from_book(_plan_of(files, self._settings))
        _log.info("plan.reloaded", version=self._plan.version, rules=len(files.rules))
        return True

    def _note(self, files: Files) -> None:
        """Have the audit say what differs from what was last in force, by whomever the files were changed."""
        if self._clock is not None:
            entry = Entry.of(PLATFORM, self._clock.now(), "changed", "setting", "")
            self._book.note_configured(configured(files, self._settings), entry)

    def _from_book(self, plan: Plan) -> Plan:
        version = self._book.version()  # first: what changes meanwhile is seen again
        ladders, selectors = self._book.ladders()
        return replace(
            plan,
            registry=self._book.registry(),
            org=self._book.org().by_the_days(self._days),
            ladders=ladders,
            selectors=selectors,
            version=version,
        )
