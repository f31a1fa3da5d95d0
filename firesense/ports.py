"""The sockets of the house: what the streets need from the world, with the promises they rely on.

Every implementation of a port passes the one suite for it in ``tests/contract``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from firesense.domain.deed import Rights

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import timedelta

    from firesense.domain.alert import Alert, Finding
    from firesense.domain.audit import Entry, Proof, Sealed
    from firesense.domain.because import Because, Suppressed
    from firesense.domain.callback import Callback, Heard
    from firesense.domain.columns import Floats, Instants, Snapshot
    from firesense.domain.deed import Actor, Deed, Photo
    from firesense.domain.device import Device, Registry
    from firesense.domain.escalation import Call, Climb, Ladder, Move, Selector, Settled, Step
    from firesense.domain.figures import AlertColumns, OpenAlert
    from firesense.domain.frame import FrameBatch, Refusal
    from firesense.domain.hazard import Dealt, Hazard, HazardColumns
    from firesense.domain.instant import Instant
    from firesense.domain.limits import Limit
    from firesense.domain.message import Message, Receipt
    from firesense.domain.outcome import Outcome, Raise, Tally
    from firesense.domain.place import Org
    from firesense.domain.quiet import Quiet, Tried
    from firesense.domain.readings import Readings
    from firesense.domain.rollcall import RollCall
    from firesense.domain.roster import Change


class Clock(Protocol):
    """Where now comes from; only ``app`` and ``cli`` know a real one."""

    def now(self) -> Instant:
        """Microseconds since the epoch."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Delivery:
    """Frames a transport gave, and the connection they came on: acknowledgements belong to it."""

    batch: FrameBatch
    epoch: int


class Transport(Protocol):
    """A connection to one broker that looks after itself: it reconnects with backoff and jitter until stopped."""

    @property
    def name(self) -> str:
        """The source written on its frames."""
        ...

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted the connection and the subscriptions."""
        ...

    @property
    def trouble(self) -> str:
        """Why it is not connected, as far as that is known; empty when all is well."""
        ...

    async def start(self) -> None:
        """Begin to connect in the background; returns at once. Raises ConfigError for options that can never work."""
        ...

    async def receive(self) -> Delivery:
        """Wait for frames; a batch closes at its size or a few milliseconds after its first frame.

        Bounded: while nobody receives, reading from the socket pauses.
        """
        ...

    def acknowledge(self, delivery: Delivery) -> None:
        """Tell the broker that these frames are durable. Does nothing when their connection is gone."""
        ...

    async def stop(self) -> None:
        """Stop reading, send what is acknowledged, disconnect without ending the session."""
        ...


class Journal(Protocol):
    """The spine: frames in the order they were received, durable, numbered without gaps from 0.

    Safe to use from several threads and from several processes; one appends, any number read.
    """

    @property
    def head(self) -> int:
        """The offset the next frame will get."""
        ...

    @property
    def tail(self) -> int:
        """The first offset still kept; equals head when empty."""
        ...

    def append(self, batch: FrameBatch) -> FrameBatch:
        """Write a batch; on return it survives a crash of process and machine, and carries its offsets.

        Raises JournalError when nothing was written (disk full, for one), JournalFull at a limit of its settings; the
        batch may be given again.
        """
        ...

    def read(self, offset: int, most: int) -> FrameBatch | None:
        """Frames from exactly this offset on, at most ``most``, of one source; None at the head.

        Small batches that were appended one by one come back as one. An offset before the tail starts at the tail.
        Damage stops nobody: frames that may be wrong are marked DAMAGED, those that are gone LOST (without a source).
        """
        ...

    def received_at(self, offset: int) -> Instant | None:
        """About when the frame at this offset was received; None when there is none."""
        ...

    def wait(self, offset: int, timeout: timedelta) -> bool:
        """Block until the head is beyond this offset, or the time is up; says whether it is."""
        ...

    def note(self, name: str, at: Instant) -> None:
        """Remember an instant under a name, for other processes: when ingest last heard its broker, for one."""
        ...

    def noted(self) -> dict[str, Instant]:
        """All noted instants by name."""
        ...

    def trim(self, before: int, older_than: Instant, most_bytes: int) -> int:
        """Drop old frames below ``before`` (no reader's position is passed), and count what was dropped.

        Dropped are those received before ``older_than``, and the oldest until ``most_bytes`` are left.
        """
        ...

    def close(self) -> None:
        """Release the files."""
        ...


class Snapshots(Protocol):
    """Where rule state is kept between starts."""

    def save(self, offset: int, state: Snapshot) -> None:
        """Replace what is kept. Raises OSError."""
        ...

    def load(self) -> tuple[int, Snapshot] | None:
        """What is kept, with its offset; None when there is nothing usable."""
        ...


@dataclass(frozen=True, slots=True)
class Stranger:
    """An unregistered device that was heard: what an integrator needs to claim it."""

    external_id: str
    profile: str
    topic: str
    first_at: Instant
    last_at: Instant
    frames: int


@dataclass(frozen=True, slots=True)
class User:
    """Someone who may log in to the console. A one-time password is used up by the first log-in.

    ``place`` is the code of the place this user may act at, with everything below it; empty is everywhere.
    """

    name: str
    password_hash: str
    person: str = ""
    one_time: bool = False
    rights: Rights = Rights.OFFICER
    place: str = ""


@dataclass(frozen=True, slots=True)
class Feed:
    """Whose duties a calendar on a telephone may fetch: a person's, or those of a post; ``who`` allowed it at ``at``.

    Kept by the hash of its token: whoever reads the book cannot fetch it.
    """

    token_hash: str
    person: str = ""
    place: str = ""
    role: str = ""
    who: str = ""
    at: Instant = 0


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there is in the book of what somebody still has to do something about.

    ``alerts`` are open ones by class, ``calls`` those not sent yet by channel, ``quarantine`` frames by reason that
    were not replayed; ``quarantine_bytes`` are their payloads and topics. ``floods``: person -> how many calls were
    told in bundles since it began. ``quiet`` are windows that are not over, by kind.
    """

    alerts: Mapping[str, int]
    climbs: int
    calls: Mapping[str, int]
    quarantine: Mapping[str, int]
    quarantine_bytes: int
    strangers: int
    floods: Mapping[str, int] = field(default_factory=dict)
    quiet: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Flood:
    """A person has more alerts than anybody can read one by one: all but fires come in bundles until it is over.

    ``alert`` is the one it began with, ``bundled`` counts the calls told in bundles since.
    """

    person: str
    alert: str
    begun_at: Instant
    bundled: int


class Book(Protocol):
    """The relational store: registry, org, alerts, climbs, outbox, quarantine, sessions, positions.

    Every method is one transaction; BookError means that nothing of it was written. Where an ``entry`` is given, it is
    added to the audit in the same transaction, if anything was changed.
    """

    # -- the plan's share: what people registered -------------------------------------------------------------------
    def version(self) -> int:
        """A number that grows with every change of devices, org, rosters or ladders."""
        ...

    def registry(self) -> Registry:
        """All devices."""
        ...

    def org(self) -> Org:
        """Places, posts, people and rosters, with what people changed of the rosters; by no local clock yet."""
        ...

    def ladders(self) -> tuple[dict[str, Ladder], tuple[Selector, ...]]:
        """Ladders by id, and the selectors that choose among them, in order."""
        ...

    def register(self, devices: Iterable[Device], *, entry: Entry | None = None) -> int:
        """Add devices, or change those whose id is known; slots are given here. Counts what changed."""
        ...

    def install(
        self, org: Org, ladders: Iterable[Ladder], selectors: Iterable[Selector], *, entry: Entry | None = None
    ) -> None:
        """Replace the org and the ladders. Climbs under way keep their own copies, changes of rosters stay."""
        ...

    # -- rosters ----------------------------------------------------------------------------------------------------
    def change_rosters(self, changes: Sequence[Change], *entries: Entry) -> None:
        """Write what people change of the rosters for a while, and the audit: all of it or nothing.

        Nothing is changed when one of the ids is known.
        """
        ...

    def revoke_change(self, change_id: str, who: str, at: Instant, *, entry: Entry | None = None) -> list[Change]:
        """Take a change back, with the other half of a swap; gives what was taken back.

        It stays in the book, with who took it back. Raises NotFound, or Conflict when it was taken back already.
        """
        ...

    def roster_changes(self, start: Instant, end: Instant) -> list[Change]:
        """The changes that hold at any time from ``start`` until ``end``, in the order they were written."""
        ...

    def handed_over_at(self) -> Instant:
        """Up to when people who came on duty were told what is open; 0 when that was never noted."""
        ...

    def hand_over(self, before: Instant, until: Instant, calls: Sequence[Call]) -> bool:
        """Note that the hand-overs up to ``until`` are done, with their calls; False when another one did them."""
        ...

    def put_feed(self, feed: Feed, *, entry: Entry | None = None) -> None:
        """Let a telephone fetch a calendar."""
        ...

    def feed(self, token_hash: str) -> Feed | None:
        """What may be fetched with a token, by its hash."""
        ...

    def remove_feeds(self, *, person: str = "", place: str = "", role: str = "", entry: Entry | None = None) -> int:
        """Let nobody fetch these calendars any more; counts them."""
        ...

    # -- the streets ------------------------------------------------------------------------------------------------
    def position(self, street: str) -> int:
        """The next offset this street has to do; 0 when it never ran."""
        ...

    def positions(self) -> dict[str, int]:
        """All streets' positions: the journal keeps everything from the smallest one on."""
        ...

    def commit(self, outcome: Outcome) -> Mapping[str, str]:
        """Write all that came of a stretch of the journal, with the position after it.

        Raising an alert whose id is known, and quarantining an offset that is there, change nothing. An alarm that
        another street has raised meanwhile (open and firing, of the same rule, device and place) is not raised twice:
        of such alerts their ids are given, each with the one that stands.
        """
        ...

    def tally(self, street: str) -> Tally:
        """How the frames up to this street's position ended."""
        ...

    # -- duty -------------------------------------------------------------------------------------------------------
    def due_climbs(self, now: Instant, most: int) -> list[tuple[Alert, Climb]]:
        """Climbs whose time has come, fire first, then the longest due."""
        ...

    def advance(self, before: Climb, after: Climb, calls: Sequence[Call], steps: Sequence[Step]) -> bool:
        """Move a climb with its calls, unless someone moved it meanwhile (its version differs): then False."""
        ...

    def advance_all(self, moves: Sequence[Move]) -> int:
        """Move many climbs in one transaction, but those that someone moved meanwhile; counts those that moved."""
        ...

    def earlier_calls(self, climbs: Sequence[Climb]) -> dict[tuple[str, str], list[Call]]:
        """The calls of these climbs in their present round and the one before, by alert and strand."""
        ...

    def adrift(self, overdue_before: Instant, most: int) -> list[tuple[Alert, Climb | None]]:
        """Open fires and hazards of which nobody would hear again, the gravest first, each with what climb it has.

        That is: no climb, one that nobody will look at, or one that was due before then; not what a quiet window holds,
        a hazard that has its own dates, or what has a stated reason (firesense/escalate/auditing.py). Costs a look at
        what is open.
        """
        ...

    def repair(
        self, alert: Alert, before: Climb | None, after: Climb, calls: Sequence[Call], steps: Sequence[Step]
    ) -> bool:
        """Write a climb anew, with its calls, unless somebody moved it meanwhile (or there is one now): then False."""
        ...

    def lease_calls(
        self, now: Instant, until: Instant, most: int, *, without: Collection[str] = ()
    ) -> list[tuple[Call, Alert]]:
        """Take due calls, urgent first; nobody else gets them before ``until``. Calls become moot here, too.

        Calls of the channels in ``without`` (they are busy) stay where they are, so that they hold up nobody else's.
        """
        ...

    def lease_like(self, call: Call, now: Instant, until: Instant, most: int) -> list[tuple[Call, Alert]]:
        """Take what else is due for the same person on the same channel and is not about a fire: to be told at once."""
        ...

    def release_calls(self, now: Instant, beyond: Instant) -> int:
        """Make due now what is leased, and what is due after ``beyond``: nobody can have meant that. Counts them.

        For a duty that starts, since whoever held the leases is gone, and for a clock that was put back.
        """
        ...

    def settle(self, call: Call, at: Instant, instead: Sequence[Call] = (), bundled: int = 1) -> None:
        """Write what came of a leased call: its state, attempts, receipt and next due time; and a step of the story.

        ``instead`` are calls over other channels, because this one failed: they are written with it. ``bundled`` is
        how many calls were told in the same message. When every call of a climb's last act was given up, the climb is
        due at once. Raises NotFound for a call that was never written.
        """
        ...

    def settle_all(self, outcomes: Sequence[Settled]) -> list[Call]:
        """Write what came of many leased calls, a few hundred in one transaction; gives those never written.

        After a BookError what was written stays, and all may be given again: writing an outcome twice is writing it
        once.
        """
        ...

    def postpone(self, calls: Sequence[Call], until: Instant, reason: str, at: Instant) -> None:
        """Put leased calls back until then; the story says why, once for each reason (quiet, budget, bundle, flood).

        Calls that were sent are asked after then.
        """
        ...

    def report(self, call: Call, at: Instant, instead: Sequence[Call] = (), *, silent: bool = False) -> bool:
        """Write what is said later of a call that was sent: DELIVERED, READ, or FAILED; says whether that is news.

        ``silent``: nothing was said in time; the call stays SENT and is not asked after any more. ``instead`` are calls
        over other channels because of that, written only when it is news.
        """
        ...

    def calls_with(self, channel: str, reference: str) -> list[tuple[Call, Alert]]:
        """Give the sent calls of a channel that have this reference: several when they were told in one message."""
        ...

    def calls_to(self, channel: str, line: str, since: Instant) -> list[tuple[Call, Alert]]:
        """Give what was sent to a line since then, newest first, at most a hundred."""
        ...

    def spent(self, channel: str, line: str, since: Instant) -> list[tuple[Instant, bool]]:
        """When this line of a channel was used since then, oldest first, and whether that was urgent."""
        ...

    def was_seen(self, name: str) -> bool:
        """Say whether somebody came with this name already, in the last week."""
        ...

    def first_time(self, name: str, at: Instant) -> bool:
        """Say whether nobody came with this name before, and remember it for a week."""
        ...

    def load(self, person: str, since: Instant) -> int:
        """Count the alerts a person was to be told of since then."""
        ...

    def floods(self) -> list[Flood]:
        """Give the floods there are now."""
        ...

    def begin_flood(self, person: str, alert: str, at: Instant) -> bool:
        """A flood begins for a person with this alert, whose story says so; says whether there was none."""
        ...

    def bundle_in_flood(self, person: str, count: int) -> None:
        """So many more calls were told in a bundle because of the flood."""
        ...

    def end_flood(self, person: str, at: Instant) -> bool:
        """End the flood of a person, in the story of the alert it began with; says whether there was one."""
        ...

    def next_due_at(self) -> Instant | None:
        """When the next climb, call or hazard is due; None when nothing is."""
        ...

    # -- desk and console -------------------------------------------------------------------------------------------
    def alert(self, alert_id: str) -> Alert:
        """One alert; raises NotFound."""
        ...

    def alerts(self, *, open_only: bool = True, most: int = 200, after: str = "") -> list[Alert]:
        """Alerts, the gravest class first; in a class those of strangers last; then the newest first.

        ``after`` is the id of an alert: those that follow it. Raises NotFound when there is no such alert.
        """
        ...

    def whistles(self, alert_id: str) -> list[Climb]:
        """The whistles of an alert, in the order they were blown."""
        ...

    def blow(self, climb: Climb, calls: Sequence[Call], steps: Sequence[Step], actor: Actor, at: Instant) -> None:
        """Write a whistle with its first calls, and a line of the audit.

        Raises NotFound, or Conflict when the alert is closed or has a whistle of that strand.
        """
        ...

    def answer(self, alert_id: str, actor: Actor, at: Instant, strand: str = "") -> list[str]:
        """A department has come: every whistle its person was called by, or this one, is over; gives their strands.

        Raises NotFound, or Conflict when there is nothing to answer.
        """
        ...

    def climb(self, alert_id: str) -> Climb | None:
        """The climb of an alert, if it has one."""
        ...

    def calls(self, alert_id: str) -> list[Call]:
        """The calls of an alert, in the order they were written."""
        ...

    def story(self, alert_id: str) -> list[Step]:
        """What happened to an alert, in order."""
        ...

    def because(self, alert_id: str) -> Because | None:
        """Why an alert was raised, as it was known then; None when that was not kept."""
        ...

    def suppressed(self, alert_id: str) -> list[Suppressed]:
        """What was kept from people on account of an alert, counted, in the order it began."""
        ...

    def last_step(self) -> int:
        """The number of the newest step of any alert: it grows with every change a console should show."""
        ...

    def act(
        self,
        alert_id: str,
        deed: Deed,
        actor: Actor,
        at: Instant,
        *,
        calls: Iterable[Call] = (),
        steps: Iterable[Step] = (),
        also: Raise | None = None,
    ) -> Alert:
        """Do a deed to an alert and, if it is one on its whole incident, to those of them that allow it.

        The alert after it is written with its climb, the calls that are moot by it, its story and the audit; so are
        ``calls``, more ``steps``, and the alert of ``also``. Nothing is written, and nobody called, when nothing had
        to be done. Raises NotFound, Conflict.
        """
        ...

    def near(self, places: Collection[str], since: Instant, until: Instant, most: int = 50) -> list[Alert]:
        """Open alerts raised at one of these places in [since, until], the oldest first."""
        ...

    def incident(self, incident: str) -> list[Alert]:
        """The alerts of an incident, the oldest first; empty when there is none of that id."""
        ...

    def merge(self, alert_ids: Collection[str], actor: Actor, at: Instant) -> list[Alert]:
        """Make alerts, with the incidents they are in already, one incident. Gives all of it, the oldest first.

        Raises NotFound, or Conflict for fewer than two alerts, and for one that is closed.
        """
        ...

    def split(self, alert_id: str, actor: Actor, at: Instant) -> Alert:
        """Take an alert out of its incident; one that is left alone is none. Raises NotFound, Conflict."""
        ...

    def add_photo(self, photo: Photo, actor: Actor, most: int) -> None:
        """Keep that a photo belongs to an alert. Raises NotFound, or Conflict when the alert has ``most`` already."""
        ...

    def forget_cases(self, before: Instant, at: Instant, most: int = 200) -> tuple[int, list[str]]:
        """Delete cases closed before an instant, with all that belongs to them, and say so in the audit.

        Gives how many went, at most ``most`` at a time, and the photos that belong to nothing any more.
        """
        ...

    def photos(self, alert_id: str) -> list[Photo]:
        """The photos of an alert, the oldest first."""
        ...

    def acknowledge(self, alert_id: str, who: str, at: Instant) -> Alert:
        """Take an open alert: calls not sent yet become moot, and its climb waits for as long as its ladder grants.

        Raises NotFound, or Conflict when it is closed or someone else has it.
        """
        ...

    def close_alert(self, alert_id: str, who: str, at: Instant, finding: Finding, note: str) -> Alert:
        """Close the case, reset a latched alarm.

        Raises NotFound, or Conflict when it is closed already, or is a hazard that has to be written off.
        """
        ...

    # -- hazards ----------------------------------------------------------------------------------------------------
    def hazard(self, alert_id: str) -> Hazard:
        """The hazard of an alert; raises NotFound when there is none, or nobody has accepted it yet."""
        ...

    def hazards(
        self,
        *,
        open_only: bool = True,
        places: Collection[str] | None = None,
        overdue_at: Instant | None = None,
        most: int = 200,
        after: str = "",
    ) -> list[Hazard]:
        """Hazards, the newest first: at these places only, or those that were overdue at an instant.

        ``after`` is the alert of a hazard: those that follow it. Raises NotFound when there is no such hazard.
        """
        ...

    def waiting_hazards(self, most: int = 200) -> list[Alert]:
        """Open alerts of class hazard that nobody has accepted yet, the newest first."""
        ...

    def hazard_columns(self) -> HazardColumns:
        """All hazards but rejected reports as columns, with the alerts that nobody has accepted yet."""
        ...

    def report_hazard(self, deed: Raise, hazard: Hazard, actor: Actor, steps: Sequence[Step] = ()) -> Hazard:
        """Raise the alert of a reported hazard with its case; what was reported already stays as it is."""
        ...

    def deal_with_hazard(
        self, alert_id: str, deed: Callable[[Alert, Hazard | None], Dealt], actor: Actor | None = None
    ) -> Dealt:
        """Do something to a hazard as it is now, alone: nobody changes it between the reading and the writing.

        ``deed`` gets the alert and its hazard (None when nobody has accepted it yet) and gives what they are after;
        what it raises is passed on, and nothing is written then. Once it is accepted the climb waits for its terms;
        closing the alert ends it. What an ``actor`` did is in the audit. Raises NotFound.
        """
        ...

    def due_hazards(self, now: Instant, most: int) -> list[tuple[Alert, Hazard]]:
        """Hazards about which something is due, the longest due first."""
        ...

    def write_down(self, *entries: Entry) -> None:
        """Add entries to the audit that have no deed in the book to go with."""
        ...

    def audit(
        self, *, after: int = 0, most: int = 200, kind: str = "", target: str = "", who: str = ""
    ) -> list[Sealed]:
        """Rows of the audit after a number, the oldest first; of one kind, on one thing, by one person, if asked."""
        ...

    def prove_audit(self) -> Proof:
        """Follow the chain of the audit from its first row to its head, and say where it is broken first, if it is."""
        ...

    def trim_audit(self, before: Instant, at: Instant) -> int:
        """Drop rows of the audit from before an instant; what is left can still be proved. Counts them."""
        ...

    def user(self, name: str) -> User | None:
        """The user of that name."""
        ...

    def users(self) -> list[User]:
        """Everyone who may log in, by name."""
        ...

    def put_user(self, user: User, *, staying: str = "", entry: Entry | None = None) -> None:
        """Add a user or replace the one of that name.

        Another password ends the user's sessions, but for the one whose token has the hash ``staying``.
        """
        ...

    def remove_user(self, name: str, *, entry: Entry | None = None) -> None:
        """Forget a user and end the user's sessions. Raises NotFound."""
        ...

    def open_session(self, token_hash: str, user: str, expires_at: Instant, *, entry: Entry | None = None) -> None:
        """Remember a log-in by the hash of its token."""
        ...

    def session_user(self, token_hash: str, now: Instant) -> User | None:
        """Whose session this is, if it has not expired."""
        ...

    def end_session(self, token_hash: str) -> None:
        """Forget a log-in."""
        ...

    # -- quiet windows (domain/quiet.py) ----------------------------------------------------------------------------
    def quiet_version(self) -> int:
        """A number that grows with every change of a window."""
        ...

    def quiets(self, since: Instant) -> list[Quiet]:
        """Windows that are not over yet, and those that lasted beyond ``since``, in the order they were set."""
        ...

    def start_quiet(self, quiet: Quiet, notice: Alert, actor: Actor) -> None:
        """Set a window, with the alert it is. Raises Conflict for one that is there."""
        ...

    def end_quiet(self, quiet_id: str, actor: Actor, at: Instant) -> Quiet:
        """End a window now; duty does what follows. Raises NotFound, or Conflict when it is over."""
        ...

    def extend_quiet(self, quiet_id: str, until: Instant, remind_at: Instant, actor: Actor, at: Instant) -> Quiet:
        """Let a window last until then. Raises NotFound, or Conflict when it is over."""
        ...

    def due_quiets(self, now: Instant) -> list[tuple[Quiet, Alert]]:
        """Windows about which something has to be done now, and those whose alert a person has closed."""
        ...

    def act_on_quiet(
        self, before: Quiet, after: Quiet, calls: Sequence[Call], steps: Sequence[Step], hold: Sequence[str] = ()
    ) -> bool:
        """Write what the time of a window brought, unless it was changed meanwhile: then False.

        The alerts ``hold`` wait for its end from now on. When it is over, what waited for that and still stands is
        called, and the alert of the window itself is closed.
        """
        ...

    def quiet(self, quiet_id: str) -> Quiet:
        """One window; raises NotFound."""
        ...

    def tried(self, quiet: Quiet) -> list[Tried]:
        """Devices heard in a walk test, in the order they were heard first."""
        ...

    def hold(self, waiting: Sequence[tuple[str, Quiet]], at: Instant) -> None:
        """Let open alerts, by id, wait for the end of a window before anybody is called."""
        ...

    # -- figures ----------------------------------------------------------------------------------------------------
    def alert_columns(self, start: Instant, end: Instant) -> AlertColumns:
        """Alerts raised from ``start`` up to ``end``, but for those that windows and roll calls are."""
        ...

    def open_alerts(self) -> list[OpenAlert]:
        """Say of every open alert what it says about its device."""
        ...

    # -- roll calls -------------------------------------------------------------------------------------------------
    def roll_call_seed(self) -> int:
        """A number nobody knows before, which this book keeps: the times of roll calls are drawn from it."""
        ...

    def plan_roll_calls(self, calls: Sequence[RollCall]) -> int:
        """Write roll calls to come; those whose id is known stay as they are. Counts the new ones."""
        ...

    def roll_call(self, roll_call_id: str) -> RollCall:
        """One roll call; raises NotFound."""
        ...

    def roll_calls(self, start: Instant, end: Instant) -> list[RollCall]:
        """Roll calls planned from ``start`` up to ``end``, in the order of that."""
        ...

    def due_roll_calls(self, now: Instant) -> list[tuple[RollCall, Alert | None]]:
        """Roll calls about which something has to be done now, with the alert that each is once it was asked."""
        ...

    def move_roll_call(
        self, before: RollCall, after: RollCall, deed: Raise | None = None, *, close_at: Instant | None = None
    ) -> bool:
        """Write what became of a roll call, unless it was changed meanwhile: then False.

        ``deed`` raises its alert, ``close_at`` closes that.
        """
        ...

    # -- quarantine -------------------------------------------------------------------------------------------------
    def quarantine(self, *, reason: str = "", most: int = 1000, replayed: bool = False) -> list[Refusal]:
        """Frames that could not be used and (unless asked for) were not replayed, oldest first."""
        ...

    def trim_quarantine(self, most: int, most_bytes: int, most_strangers: int) -> int:
        """Keep the quarantine within its limits; counts the frames that are from now on only counted.

        Replayed frames go first, the oldest of them first. Then, of frames refused for the same reason on the same
        topic, wherever there are most of them, the older half becomes a number: the ``more`` of the next one kept.
        """
        ...

    def counts(self) -> Counts:
        """Count what is waiting; costs what is waiting, not what is over."""
        ...

    def mark_replayed(self, offsets: Collection[int], at: Instant) -> None:
        """These frames have been put back into the journal."""
        ...

    def strangers(self) -> list[Stranger]:
        """Unregistered devices that were heard, newest first."""
        ...

    def close(self) -> None:
        """Release the files."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Values of one column of one device, in time order."""

    at: Instants
    values: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """A series averaged over equal windows: their starts, means, extremes and counts; empty windows are left out."""

    at: Instants
    mean: Floats
    low: Floats
    high: Floats
    count: Instants


class History(Protocol):
    """The time-series store behind one documented schema (docs/history-schema.md).

    Writing is idempotent: the same device, column and instant is one point, the last write wins.
    """

    @property
    def connections(self) -> int:
        """How many connections were made for writing: a new one may lead to a store that was restarted meanwhile.

        Always 0 for a store that is a file.
        """
        ...

    def write(self, tables: Sequence[Readings], registry: Registry) -> dict[int, str]:
        """Write readings; returns the store's reason for each journal offset whose points it refused.

        Raises HistoryDown when trying again can help (nothing may be assumed of the batch then), and HistoryRefused
        when the store refuses everything whatever it is given (no such database, wrong token).
        """
        ...

    def raw(self, device: Device, column: str, start: Instant, end: Instant, most: int = 10_000) -> Series:
        """Points of a metric or signal in [start, end), oldest first, at most ``most`` of them."""
        ...

    def windows(self, device: Device, column: str, start: Instant, end: Instant, every: timedelta) -> Windows:
        """The same, averaged over windows that start at multiples of ``every`` since the epoch."""
        ...

    def close(self) -> None:
        """Release connections and files."""
        ...


class Channel(Protocol):
    """One way to reach people. ``kind`` names the technology: fire class goes over two different kinds."""

    @property
    def name(self) -> str:
        """The name rungs and addresses call it by."""
        ...

    @property
    def kind(self) -> str:
        """The technology, for example ``mqtt`` or ``dingtalk``."""
        ...

    async def send(self, message: Message) -> Receipt:
        """Hand the message over. Raises ChannelDown when trying again can help, ChannelRefused when it cannot.

        An answer that is not the channel's own word for success is a failure.
        """
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


@runtime_checkable
class Metered(Channel, Protocol):
    """A channel that may not be used as often as one likes."""

    @property
    def limits(self) -> Sequence[Limit]:
        """How often each of its lines may be used."""
        ...

    def line(self, call: Call) -> str:
        """Whose budget a call spends: a telephone number, a robot. Holds no secret."""
        ...


@runtime_checkable
class Receipted(Channel, Protocol):
    """A channel that says later whether a message arrived: by itself (callbacks) or when it is asked (``Asked``)."""

    @property
    def receipt_within(self) -> timedelta | None:
        """How long to wait for that before the message counts as lost; None: it is not waited for."""
        ...


@runtime_checkable
class Asked(Receipted, Protocol):
    """A channel that can be asked what came of a message."""

    @property
    def ask_every(self) -> timedelta | None:
        """How often to ask; None: it is not asked, others tell us."""
        ...

    async def ask(self, call: Call) -> Receipt | None:
        """Give what came of a call that was sent; None as long as nothing did. Raises ChannelError."""
        ...


@runtime_checkable
class Answered(Channel, Protocol):
    """A channel whose provider, or whose people, answer by callbacks."""

    def hear(self, callback: Callback, now: Instant) -> Heard:
        """Understand a callback. Raises Forged unless it proves who sent it, Unreadable when it is not understood."""
        ...


@runtime_checkable
class Listening(Answered, Protocol):
    """A channel that hears answers by itself, on a connection of its own."""

    async def listen(self, hear: Callable[[Callback], object]) -> None:
        """Give every answer to ``hear``, which may wait, until cancelled; returns when there are none to be heard."""
        ...
