"""The scout: looks for fire at the head of the journal while alerting is far behind.

Alerting judges every frame in order, so after an outage a new fire flag would wait behind the whole backlog. The scout
reads what comes in now and asks it for fire flags only (signal rules of fire class, and strangers). What it finds is
raised at once, under the id that alerting would give it: when alerting gets there, the alert is known. An open alert
that fires again does so at once, too: it may be news to whoever has looked at it. Where alerting was first after all,
what it made of a frame stands, and the book drops what the scout found in it. As soon as alerting is near the head the
scout rests.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import structlog

from firesense.alerts import Alarms, heard_at
from firesense.domain.alert import Alert, AlertClass
from firesense.domain.catalogue import CLASSES
from firesense.domain.errors import BookError, BookRefused, JournalError
from firesense.domain.instant import SECOND, Instant, micros
from firesense.domain.outcome import Outcome, TripAgain
from firesense.domain.rule import RuleKind
from firesense.raising import raised
from firesense.rules import RuleEngine
from firesense.windows import Windows

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Collection, Mapping, Sequence

    from firesense.alerts import Deed
    from firesense.domain.frame import FrameBatch
    from firesense.domain.outcome import Raise
    from firesense.domain.plan import Plan
    from firesense.domain.rule import Transition
    from firesense.ports import Book, Clock, Journal
    from firesense.reader import Reader

    Columns = Mapping[str, Collection[str]]  # by device class

STREET = "scout"
FAR = timedelta(seconds=5)  # a fire flag has 15 s to reach people (GB/T 45839-2025 5.10.4)
_NEAR = timedelta(seconds=2)  # alerting commits its position once a second, so it is never much nearer
_FOLLOWED = "alerting"
_WAIT = timedelta(milliseconds=200)
_AFTER_FAILURE = timedelta(seconds=1)
_LAZY = SECOND
_EVERY_ALERT = 1_000_000
_log = structlog.get_logger(__name__)


class Scout:
    """See the module. ``step`` looks at the next stretch when there is need; ``run`` does so until stopped."""

    def __init__(
        self,
        journal: Journal,
        book: Book,
        clock: Clock,
        plan_source: Callable[[], Plan],
        make_reader: Callable[[Plan, Columns | None], Reader],
        *,
        kinds: Mapping[str, str],
        most: int = 5000,
        far: timedelta = FAR,
        on_raised: Callable[[], None] = lambda: None,
    ) -> None:
        """``far`` is how long frames may wait for alerting before there is need of a scout."""
        self._journal = journal
        self._book = book
        self._clock = clock
        self._plan_source = plan_source
        self._make_reader = make_reader
        self._kinds = kinds
        self._most = most
        self._far = micros(far)
        self._on_raised = on_raised
        self._windows = Windows(book, journal)
        self._plan: Plan | None = None
        self._position = -1  # the next offset to look at; -1 while resting
        self._committed_at: Instant = 0
        self._steps_seen = -1
        self.turns = 0  # grows while it moves, even when there is nothing to do

    @property
    def resting(self) -> bool:
        """Whether alerting is near enough to the head to see everything in time by itself."""
        return self._position < 0

    def run(self, stop: threading.Event) -> None:
        """Look until stopped."""
        broken = False
        while not stop.is_set():
            try:
                if not self.step():
                    stop.wait(_WAIT.total_seconds())
                broken = False
            except (BookError, JournalError) as error:
                if not broken:
                    _log.error("scout.waits", reason=str(error))
                broken = True
                stop.wait(_AFTER_FAILURE.total_seconds())

    def step(self) -> bool:
        """Look at the next stretch of the head; says whether there was one. Raises BookError or JournalError."""
        now = self._clock.now()
        self.turns += 1
        followed = self._book.position(_FOLLOWED)
        waits_since = self._journal.received_at(followed)
        if waits_since is None or now - waits_since < (self._far if self.resting else micros(_NEAR)):
            self._rest()
            return False
        if self.resting:
            self._set_out(followed, now)
        elif self._plan is None:  # of what could not be written, or so it seemed, another scout may have seen some
            self._position = max(self._position, self._book.position(STREET))
        self._follow_plan(now)
        batch = self._journal.read(self._position, self._most)
        if batch is None:
            return False
        try:
            self._look(batch, now)
        except BookRefused:
            self._rest()  # what cannot be written must not be looked at for ever
            raise
        except (BookError, JournalError):
            self._plan = None  # what we know is ahead of what is written: the same frames are looked at anew
            raise
        return True

    def _look(self, batch: FrameBatch, now: Instant) -> None:
        self._look_at_open_alerts()
        read = self._narrow.read(batch)
        deeds: list[Deed] = []
        heard = partial(heard_at, read.judged)
        for table in read.judged:
            deeds += self._deeds(self._engine.apply(table), now, heard)
        # What time alone has changed is known to alerting when it has done the last of these frames, and not before.
        last = batch.next_offset - 1
        deeds += self._deeds(self._engine.tick(now, listening=False, position=last), now, heard)
        found = [deed for deed in deeds if isinstance(deed, Alert)]
        again = [deed for deed in deeds if isinstance(deed, TripAgain)]  # may be news to whoever spoke on it last
        for fire in read.strangers:
            device_class = self._current.profiles[fire.profile].device_class
            alert = self._alarms.stranger(
                fire.external_id, device_class, fire.topic, event_at=fire.event_at, offset=fire.offset, now=now
            )
            found += [alert] if alert is not None else []
        # What made an alert is shown with all its frame said.
        tables = self._make_reader(self._current, None).read(batch).judged if found else ()
        confirmed = self._alarms.confirmed(found)
        windows = self._windows.quiets
        raises = [
            raised(
                alert,
                self._current,
                self._kinds,
                tables,
                now,
                windows,
                confirmed=alert.id in confirmed,
                aside=self._alarms.aside(alert.id),
            )
            for alert in found
        ]
        self._write((*raises, *again), batch.next_offset, now)

    def _deeds(self, changed: Sequence[Transition], now: Instant, heard: Callable[[Transition], Instant]) -> list[Deed]:
        if changed:  # who walks and tests must not become a fire because we are ahead
            self._alarms.quieted.windows = self._windows.at(self._position)
        return self._alarms.deeds(changed, now, heard)

    def _set_out(self, followed: int, now: Instant) -> None:
        """Begin with what is not old yet, or where the last walk was broken off if that is further on."""
        waiting = range(followed, self._journal.head)
        fresh = bisect_left(waiting, now - self._far, key=lambda offset: self._journal.received_at(offset) or 0)
        self._position = max(followed + fresh, self._book.position(STREET))
        self._committed_at = now
        _log.warning("scout.sets_out", at=self._position)

    def _rest(self) -> None:
        if not self.resting:
            _log.info("scout.rests", at=self._position)
        self._position = -1
        self._plan = None

    def _follow_plan(self, now: Instant) -> None:
        plan = self._plan_source()
        if plan is self._plan:
            return
        self._plan = self._current = plan
        rules = [rule for rule in plan.rules if rule.kind is RuleKind.SIGNAL and rule.alert_class is AlertClass.FIRE]
        self._engine = RuleEngine(
            rules, plan.registry, periods={}, started_at=now, org=plan.org, calendars=plan.calendars
        )
        asked = {name: self._engine.asked(name) for name in CLASSES}
        flags = {name: frozenset(CLASSES[name].fire_flags) for name in CLASSES}
        # Only what may say fire is read: a scout at the price of a street would slow down the one it stands in for.
        whole = any(columns is None for columns in asked.values())
        self._narrow = self._make_reader(
            plan, None if whole else {name: flags[name] | (columns or flags[name]) for name, columns in asked.items()}
        )
        self._alarms = Alarms(rules, plan.registry, plan.org, self._kinds)
        self._steps_seen = -1

    def _look_at_open_alerts(self) -> None:
        """Know what alerting has raised meanwhile from the backlog: the same fire is one alert."""
        steps = self._book.last_step()
        if steps != self._steps_seen:
            for firing in self._alarms.refresh(self._book.alerts(most=_EVERY_ALERT)):
                self._engine.release(firing, self._clock.now())
            self._steps_seen = steps

    def _write(self, deeds: tuple[Raise | TripAgain, ...], position: int, now: Instant) -> None:
        if deeds or abs(now - self._committed_at) >= _LAZY:
            self._alarms.stands(self._book.commit(Outcome(STREET, position, now, deeds, ahead_of=_FOLLOWED)))
            self._committed_at = now
        self._position = position
        if deeds:
            self._on_raised()
