"""The alerting street: journal -> readings -> rules -> alerts -> ladders -> the book, in one transaction a stretch.

Killed at any instruction it goes on where the book says it was. Rule state is written down now and then with its
offset; after a start the frames between that offset and the book's position are read again to rebuild the state, and
raise nothing: the book has what they raised.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import structlog

from firesense.alerts import Alarms, heard_at
from firesense.domain.alert import Alert
from firesense.domain.errors import BookError, JournalError, NotFound
from firesense.domain.frame import Reason
from firesense.domain.instant import SECOND, Instant, micros
from firesense.domain.outcome import Outcome
from firesense.hearing import Hearing
from firesense.lookback import LookBack
from firesense.pace import Pace
from firesense.raising import raised
from firesense.rules import RuleEngine
from firesense.troubles import Told
from firesense.windows import Windows

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from firesense.alerts import Deed
    from firesense.domain.columns import Snapshot
    from firesense.domain.frame import FrameBatch, Refusal
    from firesense.domain.outcome import Clear, Hide, Raise, TripAgain
    from firesense.domain.plan import Plan
    from firesense.domain.readings import Readings
    from firesense.ports import Book, Clock, Journal, Snapshots
    from firesense.reader import Read, Reader

STREET = "alerting"
_LAZY = SECOND  # a stretch that raised nothing commits its position this often: reading it again raises nothing
_PAUSE = 120 * SECOND  # between two steps: we were stopped, or the clock jumped
_IDLE = timedelta(milliseconds=200)  # holds run out and people close alerts while no frame comes
_GATHER = timedelta(milliseconds=10)  # a stretch costs about 2 ms however short it is: a moment makes it longer
_FEW = 500  # frames; a stretch that long is worth its cost
_AFTER_FAILURE = timedelta(seconds=1)
_LOOK_BACK = 100_000  # frames read again when there is no rule state: holds and rates reach no further than hours
_EVERY_ALERT = 1_000_000
_EACH_LATER = SECOND // 1000  # a thousand are read in some 30 ms
_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class AlertingStatus:
    """How the street does, for whoever watches it."""

    position: int = 0
    pending: int = 0
    listening: bool = False
    last_error: str = ""
    turns: int = 0  # grows while the street moves, even when there is nothing to do
    pace: Pace = field(default_factory=Pace)


class Alerting:
    """See the module. ``step`` does the next stretch of the journal; ``run`` does so until stopped."""

    def __init__(
        self,
        journal: Journal,
        book: Book,
        clock: Clock,
        plan_source: Callable[[], Plan],
        make_reader: Callable[[Plan], Reader],
        snapshots: Snapshots,
        *,
        kinds: Mapping[str, str],
        most: int = 5000,
        snapshot_every: timedelta = timedelta(seconds=30),
        on_raised: Callable[[], None] = lambda: None,
    ) -> None:
        """``kinds`` maps channel names to technologies; ``on_raised`` is called after calls were written."""
        self._journal = journal
        self._book = book
        self._clock = clock
        self._plan_source = plan_source
        self._make_reader = make_reader
        self._snapshots = snapshots
        self._kinds = kinds
        self._most = most
        self._snapshot_every = micros(snapshot_every)
        self._on_raised = on_raised
        self._position = -1  # the next offset; -1 before the start
        self._committed = 0
        self._committed_at: Instant = 0
        self._saved_at: Instant = 0
        self._steps_seen = -1
        self._seen_at: Instant = 0
        self._stepped_at: Instant = 0
        self._look_back = LookBack(journal, make_reader)
        self._stretch = 0  # frames of the last one
        self._notes: Mapping[str, Instant] = {}
        self._told = Told(self._knows)
        self._windows = Windows(book, journal)
        self._refusals: list[Refusal] = []  # of frames up to here, not written yet
        self._unwritten: Outcome | None = None  # what the book did not take yet: the state has moved on already
        self.status = AlertingStatus()

    def run(self, stop: threading.Event) -> None:
        """Work until stopped, then write down position and rule state."""
        while not stop.is_set():
            try:
                if not self.step():
                    self._journal.wait(self._position, _IDLE)
                elif self._stretch < _FEW:
                    stop.wait(_GATHER.total_seconds())
                self.status.last_error = ""
            except (BookError, JournalError) as error:
                if not self.status.last_error:
                    _log.error("alerting.waits", reason=str(error))
                self.status.last_error = str(error)
                stop.wait(_AFTER_FAILURE.total_seconds())
        self.settle()

    def settle(self) -> None:
        """Write down position and rule state; for an orderly stop. What cannot be written is done again."""
        if self._position < 0:
            return
        try:
            self._save(self._clock.now())
        except BookError as error:
            _log.error("alerting.unsettled", reason=str(error))

    def step(self) -> bool:
        """Do the next stretch of the journal, or what time alone has changed; says whether there was a stretch.

        Raises BookError or JournalError when nothing was done; the next step tries the same again.
        """
        now = self._clock.now()
        self.status.turns += 1
        if self._position < 0:
            self._start(now)
        if self._unwritten is not None:
            self._write(self._unwritten)
        self._notice_pause(now)
        self._follow_plan(now)
        self._follow_desk(now)
        self._tell_of_ourselves(now)
        with self.status.pace.stage("fetch"):
            batch = self._journal.read(self._position, self._most)
        try:
            if batch is None:
                self._finish(self._tick(now, now), self._position, now)
            else:
                self._do(batch, now)
        except (BookError, JournalError):
            if self._unwritten is None:  # the rules have moved on and nothing of it is kept: begin where the book is
                self._position = -1
            raise
        if abs(now - self._saved_at) >= self._snapshot_every:
            self._save(now)
        return batch is not None

    def _do(self, batch: FrameBatch, now: Instant) -> None:
        """Judge a stretch and write what came of it."""
        pace = self.status.pace
        caught_up = batch.next_offset >= self._journal.head
        self._stretch = len(batch)
        with pace.stage("read", len(batch)):
            read = self._reader.read(batch)
        with pace.stage("judge", len(batch)):
            deeds = self._judge(read, now)
        # Behind, the clock that counts is the journal's: a hold runs out when the next frame came later than it.
        deeds += self._tick(now if caught_up else int(batch.received_at[-1]), now, absences=caught_up)
        self._finish(deeds, batch.next_offset, now, read)

    # -- starting, and following what others change -----------------------------------------------------------------
    def _start(self, now: Instant) -> None:
        """Rebuild rule state: the snapshot, then the frames since, which raise nothing."""
        self._refusals = []
        self._plan = self._plan_source()
        self._reader = self._make_reader(self._plan)
        self._engine = self._new_engine(now)
        position = self._book.position(STREET)
        kept = self._snapshots.load()
        flags: Snapshot = {}
        strangers: dict[str, Instant] = {}  # when they said fire last
        if kept is not None and kept[0] <= position:
            offset, state = kept
            self._engine.restore(state)
            flags = state
        else:
            offset = position - _LOOK_BACK
        offset = max(offset, self._journal.tail)
        while offset < position and (batch := self._journal.read(offset, min(self._most, position - offset))):
            read = self._reader.read(batch)
            for table in read.judged:
                self._engine.apply(table)
            strangers |= {fire.external_id: fire.event_at for fire in read.strangers}
            offset = batch.next_offset
            self.status.turns += 1
        self._settle_on(*self._known_of(self._plan))
        self._alarms.flags.restore(flags)
        self._alarms.flags.recall((self._alarms.flags.subject(one), said_at) for one, said_at in strangers.items())
        self._engine.heard_again_from(now)
        self._position = self._committed = max(position, self._journal.tail)
        self._saved_at = self._stepped_at = now
        self._hearing = Hearing(now)
        self.status.position = self._position

    def _new_engine(self, now: Instant) -> RuleEngine:
        plan = self._plan
        periods = {profile.id: profile.period for profile in plan.profiles.values()}
        return RuleEngine(
            plan.rules, plan.registry, periods=periods, started_at=now, org=plan.org, calendars=plan.calendars
        )

    def _follow_plan(self, now: Instant) -> None:
        plan = self._plan_source()
        if plan is self._plan:
            return
        known = self._known_of(plan)  # first: a book that is away leaves the plan as it was
        self._plan = plan
        self._reader = self._make_reader(plan)
        old, self._engine = self._engine, self._new_engine(now)
        self._engine.take_over(old)
        flags = self._alarms.flags.snapshot()
        self._settle_on(*known)
        self._alarms.flags.restore(flags)

    def _known_of(self, plan: Plan) -> tuple[list[Alert], list[Alert]]:
        """What the book says is open, and what people closed that is not over; closed in between, it is in both."""
        known = self._book.alerts(most=_EVERY_ALERT)
        return known, self._book.left_firing([rule.id for rule in plan.rules])

    def _settle_on(self, known: Iterable[Alert], closed: Iterable[Alert]) -> None:
        """Take over what the book says is open, or closed and not over, with the rules of the plan in force."""
        self._alarms = Alarms(self._plan.rules, self._plan.registry, self._plan.org, self._kinds)
        self._alarms.quieted.windows = self._windows.quiets
        self._alarms.refresh(known)
        self._engine.settle(self._alarms.firing())
        self._engine.leave(self._alarms.leave(closed))

    def _follow_desk(self, now: Instant) -> None:
        """See what people did to open alerts (what they closed may trip again), and what the scout has raised.

        Of thousands of open alerts that is seen a little later: reading them all each second would hold up new ones.
        """
        if abs(now - self._seen_at) < max(_LAZY, len(self._alarms) * _EACH_LATER):
            return
        self._seen_at = now
        steps = self._book.last_step()
        if steps != self._steps_seen:
            for firing in self._alarms.refresh(self._book.alerts(most=_EVERY_ALERT)):
                self._engine.release(firing, now)
            self._steps_seen = steps

    def _notice_pause(self, now: Instant) -> None:
        """After a pause of ours, or a step of the clock, which looks like one: nobody was silent, we did not listen."""
        if abs(now - self._stepped_at) >= _PAUSE:
            self._hearing.interrupted(now)
            self._engine.heard_again_from(now)
        self._stepped_at = now

    # -- judging ----------------------------------------------------------------------------------------------------
    def _judge(self, read: Read, now: Instant) -> list[Deed]:
        deeds: list[Deed] = []
        for table in read.judged:
            changed = self._engine.apply(table)
            if changed:
                self._follow_windows()
                deeds += self._alarms.deeds(changed, now, partial(heard_at, read.judged))
        for fire in read.strangers:
            device_class = self._plan.profiles[fire.profile].device_class
            alert = self._alarms.stranger(
                fire.external_id, device_class, fire.topic, event_at=fire.event_at, offset=fire.offset, now=now
            )
            if alert is not None:
                deeds.append(alert)
        return deeds

    def _tick(self, clock: Instant, now: Instant, *, absences: bool = True) -> list[Deed]:
        """What time has changed: holds, silences, and whether anybody is listening at all."""
        hearing = self._hearing
        if absences and hearing.listen(self._notes, now):
            self._engine.heard_again_from(now)
        self.status.listening = hearing.listening
        deed = hearing.deed(self._alarms, now, self._position) if absences else None
        changed = self._engine.tick(clock, listening=absences and hearing.listening, position=self._position)
        if changed or self._alarms.quieted.testing:
            self._follow_windows()
        deeds: list[Deed] = [] if deed is None else [deed]
        deeds += self._alarms.deeds(changed, now)
        deeds += self._alarms.turned_real(clock, now, self._position)
        return deeds

    def _follow_windows(self) -> None:
        """Know the quiet windows before anything is raised: one set a moment ago counts."""
        self._alarms.quieted.windows = self._windows.at(self._position)

    def _tell_of_ourselves(self, now: Instant) -> None:
        """Raise what the streets have noted about themselves; before any frame is judged, for it is written at once."""
        self._notes = self._journal.noted()
        deeds = self._told.deeds(self._notes, self._alarms, now, self._position)
        if deeds:
            self._finish(deeds, self._position, now)

    def _knows(self, alert: str) -> bool:
        try:
            self._book.alert(alert)
        except NotFound:
            return False
        return True

    # -- writing ----------------------------------------------------------------------------------------------------
    def _finish(self, deeds: Iterable[Deed], position: int, now: Instant, read: Read | None = None) -> None:
        """Move on; what came of the stretch is written now, a mere position once a second."""
        self._position = self.status.position = position
        self.status.pending = self._engine.pending
        deeds = tuple(deeds)
        alerts = [deed for deed in deeds if isinstance(deed, Alert)]
        tables = self._look_back.tables(alerts, read.judged if read else (), self._plan, position, now)
        confirmed = self._alarms.confirmed(alerts)
        written = tuple(
            self._raised(deed, tables, now, confirmed=deed.id in confirmed) if isinstance(deed, Alert) else deed
            for deed in deeds
        )
        # What the journal has lost is record's to count: two streets would tell the same row of frames differently.
        self._refusals += (refusal for refusal in read.refusals if refusal.reason is not Reason.LOST) if read else ()
        lazy = position == self._committed or abs(now - self._committed_at) < _LAZY
        if written or not lazy or len(self._refusals) >= self._most:
            self._write(self._outcome(now, written))

    def _outcome(self, now: Instant, deeds: tuple[Raise | TripAgain | Clear | Hide, ...] = ()) -> Outcome:
        """All that is to be written, up to where we are. What was refused waits for it: it is read again if we die."""
        refusals, self._refusals = tuple(self._refusals), []
        return Outcome(STREET, self._position, now, deeds, refusals)

    def _raised(self, alert: Alert, tables: Sequence[Readings], now: Instant, *, confirmed: bool) -> Raise:
        windows, aside = self._windows.quiets, self._alarms.aside(alert.id)
        return raised(alert, self._plan, self._kinds, tables, now, windows, confirmed=confirmed, aside=aside)

    def _write(self, outcome: Outcome) -> None:
        self._unwritten = outcome
        with self.status.pace.stage("write"):
            if standing := self._book.commit(outcome):  # the scout was first with some of it: that is what is open
                self._alarms.stands(standing)
                self._seen_at = 0
        self._unwritten = None
        self._committed, self._committed_at = outcome.position, outcome.at
        if outcome.deeds:
            self._on_raised()

    def _save(self, now: Instant) -> None:
        """Write the rule state down. Never ahead of the book: a state is of use only up to the book's position."""
        if self._unwritten is not None:
            self._write(self._unwritten)
        if self._position != self._committed:
            self._write(self._outcome(now))
        self._saved_at = now
        try:
            self._snapshots.save(self._position, self._engine.snapshot() | self._alarms.flags.snapshot())
        except OSError as error:
            _log.warning("alerting.snapshot", reason=str(error))
