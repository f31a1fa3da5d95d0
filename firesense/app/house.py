"""The daemon: which streets run in this process, each in a thread of its own, and how it starts and stops.

Ingest lives on the process's own event loop; alerting, record, duty and web each have a thread. A street that dies
takes the process with it: whoever supervises it starts it anew, and every street goes on where it was.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import threading
from contextlib import ExitStack
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import structlog
import uvloop

from firesense.alerting import Alerting
from firesense.app import consoles
from firesense.app.calling import call_until
from firesense.app.keeping import Keeping
from firesense.app.listener import listening
from firesense.app.locks import lasting_name, sole_owner
from firesense.app.logs import set_up_logs
from firesense.app.manners import make_answering, make_callbacks, make_links, make_manners
from firesense.app.mend import fit_together
from firesense.app.metrics import Metrics
from firesense.app.opening import open_plan
from firesense.app.plugs import (
    Readers,
    RealClock,
    make_channels,
    make_transports,
    open_history,
    open_journal,
)
from firesense.app.retention import Retention
from firesense.app.watch import Running, Watch
from firesense.app.watchdog import IngestTurns, Pulse, Turns, tell_systemd, watchdog_interval
from firesense.desk import Desk
from firesense.duty import Duty
from firesense.hazarddesk import HazardDesk
from firesense.hearing import forget_others
from firesense.ingest import Ingest
from firesense.notify.message import compose
from firesense.notify.outbox import Delivery
from firesense.photos import Photos
from firesense.ports import Listening
from firesense.quietdesk import Limits, QuietDesk
from firesense.record import Record
from firesense.rosters import HandOvers
from firesense.scout import Scout
from firesense.snapshot import SnapshotFile
from firesense.troubles import EVENT
from firesense.web import create_console, operation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from firesense.ports import Clock, Transport
    from firesense.settings import Settings

STREETS = ("ingest", "alerting", "record", "duty", "web")
_log = structlog.get_logger(__name__)


def run(settings: Settings, streets: Iterable[str] = STREETS) -> int:
    """Run these streets until a signal says stop; the exit code. Raises FiresenseError when it cannot start."""
    set_up_logs()
    house = House(settings, frozenset(streets))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(house.live())


class House:
    """One process of the daemon. ``live`` starts it, waits, and stops it; ``stop`` may be called from any thread."""

    def __init__(self, settings: Settings, streets: frozenset[str], clock: Clock | None = None) -> None:
        self._settings = settings
        self._streets = streets
        self._clock = clock or RealClock()
        self._stop = threading.Event()
        self._failed = False
        self._threads: dict[str, threading.Thread] = {}
        self._transports: list[Transport] = []
        self._running = Running()
        self._pulse: Pulse | None = None
        self._keeping: Keeping | None = None
        self._duty: Duty | None = None
        self.started = threading.Event()

    def stop(self) -> None:
        """Ask it to stop; safe anywhere, returns at once."""
        self._stop.set()

    @property
    def stopping(self) -> bool:
        """Whether it has been asked to stop."""
        return self._stop.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait until it is asked to stop, at most so long; says whether it was."""
        return self._stop.wait(seconds)

    async def live(self) -> int:
        """Start everything, run until stopped or until a street dies, stop everything; the exit code."""
        with ExitStack() as stack:
            self._open(stack)
            gc.collect()  # what reading left behind, while nobody waits
            loop = asyncio.get_running_loop()
            if threading.current_thread() is threading.main_thread():
                for number in (signal.SIGTERM, signal.SIGINT):
                    loop.add_signal_handler(number, self.stop)
                loop.add_signal_handler(signal.SIGHUP, self._reload)
            ingests = await self._start_ingest()
            self._start_threads()
            # What is there by now stays: libraries, plan, console. Whenever Python looked through all of it for
            # garbage, every street stood still, and every answer waited, for a fifth of a second.
            gc.freeze()
            self._pulse = Pulse(self._running.turns, monotonic())
            scheduler = self._retention.plan(self._streets)
            scheduler.start()
            stack.callback(scheduler.shutdown)
            _log.info("house.started", streets=sorted(self._streets))
            tell_systemd("READY=1")
            self.started.set()
            await self._stand_by(ingests)
            tell_systemd("STOPPING=1")
            await self._stop_ingest(ingests)
            for thread in self._threads.values():
                await asyncio.to_thread(thread.join)
        _log.info("house.stopped", failed=self._failed)
        return 1 if self._failed else 0

    # -- starting ---------------------------------------------------------------------------------------------------
    def _open(self, stack: ExitStack) -> None:
        """Open the stores and read the plan: what cannot work is said before anything has begun."""
        settings = self._settings
        stack.enter_context(sole_owner(settings.data, self._streets))
        self._listener = None
        if "web" in self._streets:
            self._listener = stack.enter_context(consoles.listen(settings.web.host, settings.web.port))
        self._book, self._keeper, mended = open_plan(stack, settings, self._streets, self._clock)
        self._journal = stack.enter_context(open_journal(settings))
        now = self._clock.now()
        for event in fit_together(self._journal, self._book, self._streets, now, mended):
            self._journal.note(EVENT + event, now)
        self._history = stack.enter_context(open_history(settings))
        self._watch = Watch(self._journal, self._book, self._clock, settings.watch, self._running)
        self._retention = Retention(settings, self._journal, self._book, self._history, self._clock, self._watch)
        self._metrics = Metrics(lambda: self._watch.last, self._running, self._still)
        if (port := settings.watch.port) is not None:
            token = settings.watch.token.get_secret_value()
            stack.enter_context(listening(settings.watch.host, port, self._metrics.text, self._not_ready, token))
        self._channels = make_channels(settings, self._clock)
        if "ingest" in self._streets:
            self._transports = make_transports(settings, self._keeper.current(), self._clock)
            self._running.transports = self._transports
            forget_others(self._journal, [transport.name for transport in self._transports])

    async def _start_ingest(self) -> dict[str, asyncio.Task[None]]:
        tasks: dict[str, asyncio.Task[None]] = {}
        for transport in self._transports:
            await transport.start()
            ingest = Ingest(transport, self._journal, self._clock)
            self._running.ingests.append(ingest)
            self._running.turns[f"ingest {transport.name}"] = IngestTurns(ingest.status)
            tasks[transport.name] = asyncio.create_task(ingest.run(), name=f"ingest {transport.name}")
        return tasks

    def _start_threads(self) -> None:
        settings, plan = self._settings, self._keeper.current
        reader = Readers(settings)
        kinds = {name: channel.kind for name, channel in self._channels.items()}
        zone = ZoneInfo(settings.zone)
        url = settings.web.url.rstrip("/")
        links = make_links(settings)
        desk = Desk(self._book, self._clock, self._poke, plan_source=plan, kinds=kinds)
        answering = make_answering(settings, plan, self._book, desk, self._channels, self._clock, links)
        self._running.answering = answering
        delivery = Delivery(
            self._book,
            self._channels,
            lambda call, alert: compose(call, alert, plan(), console_url=url, zone=zone, links=links),
            self._clock,
            make_manners(settings, plan, self._book, self._channels, self._clock, answering.pressed),
            owner=lasting_name(settings.data) if "duty" in self._streets else "",
        )
        duty = self._duty = Duty(self._book, plan, delivery, self._clock)
        if "alerting" in self._streets:
            snapshots = self._running.snapshots = SnapshotFile(settings.data / "rules.state")
            alerting = Alerting(
                self._journal,
                self._book,
                self._clock,
                plan,
                reader,
                snapshots,
                kinds=kinds,
                most=settings.alerting.most,
                snapshot_every=settings.alerting.snapshot_every,
                on_raised=duty.poke,
            )
            self._running.alerting = alerting
            self._start("alerting", alerting.run, lambda: alerting.status.turns)
            scout = Scout(self._journal, self._book, self._clock, plan, reader, kinds=kinds, on_raised=duty.poke)
            self._start("scout", scout.run, lambda: scout.turns)
        if "record" in self._streets:
            record = Record(
                self._journal,
                self._book,
                self._history,
                self._clock,
                plan,
                reader,
                most=settings.record.most,
                go_back=settings.history.go_back,
            )
            self._running.record = record
            self._start("record", record.run, lambda: record.status.turns)
        if "duty" in self._streets:
            self._running.delivery, self._running.auditor = delivery, duty.auditor
            hearing = [
                partial(channel.listen, partial(answering.hear, name))
                for name, channel in self._channels.items()
                if isinstance(channel, Listening)
            ]
            calling = partial(call_until, duty, delivery, hearing)
            self._start("duty", lambda stop: asyncio.run(calling(stop)), lambda: duty.turns)
        hand_overs = HandOvers(self._book, plan, kinds) if "duty" in self._streets else None
        keeping = self._keeping = Keeping(
            self._journal,
            self._book,
            self._keeper,
            self._watch,
            self._clock,
            self._transports,
            [broker.name for broker in settings.brokers],
            hand_overs,
        )
        if self._listener is not None:
            console = create_console(
                self._book,
                self._history,
                desk,
                self._clock,
                plan,
                status=lambda: keeping.status,
                secure_cookies=settings.web.secure_cookies,
                hazards=HazardDesk(self._book, self._clock, plan, kinds, duty.poke),
                quiet=QuietDesk(self._book, self._clock, plan, Limits(**settings.quiet.model_dump()), duty.poke),
                photos=Photos(settings.data / "photos"),
                zone=zone,
                font=settings.figures.font,
                routes=[
                    operation(self._metrics.text, self._not_ready, settings.watch.token.get_secret_value()),
                    make_callbacks(answering, settings, plan),
                ],
            )
            served = Turns()
            self._start("web", partial(consoles.serve, console, self._listener, served.add), served)
        self._start("keeper", keeping.run, keeping.turns)

    def _start(self, name: str, work: Callable[[threading.Event], None], turns: Callable[[], int]) -> None:
        """Run a street in a thread; if it dies, everything stops. ``turns`` grows while it moves."""
        self._running.turns[name] = turns

        def guarded() -> None:
            try:
                work(self._stop)
            except Exception:  # noqa: BLE001 -- whatever it was, the process must not go on without this street
                _log.exception("street.died", street=name)
                self._failed = True
            finally:
                if not self._stop.is_set():
                    self._failed = True
                    self._stop.set()

        self._threads[name] = threading.Thread(target=guarded, name=name)
        self._threads[name].start()

    def _poke(self) -> None:
        """Somebody did something: there may be calls to make."""
        if self._duty is not None:
            self._duty.poke()

    # -- running ----------------------------------------------------------------------------------------------------
    async def _stand_by(self, ingests: Mapping[str, asyncio.Task[None]]) -> None:
        """Wait for the stop sign; feed systemd's watchdog while everything is alive."""
        interval = watchdog_interval()
        fed = 0.0
        while not self._stop.is_set():
            for name, task in ingests.items():
                if task.done():
                    _log.error("street.died", street=f"ingest {name}", exc_info=task.exception())
                    self._failed = True
                    self.stop()
            now = monotonic()
            if self._pulse is not None:
                self._pulse.look(now)
            due = interval is not None and now - fed >= interval.total_seconds()
            if due and self._pulse is not None and self._pulse.moved_since(fed):
                tell_systemd("WATCHDOG=1")
                fed = now
            await asyncio.sleep(0.1)

    async def _stop_ingest(self, ingests: Mapping[str, asyncio.Task[None]]) -> None:
        """Stop taking frames first: what is in the journal is done by the others before they stop."""
        for task in ingests.values():
            task.cancel()
        await asyncio.gather(*ingests.values(), return_exceptions=True)
        for transport in self._transports:
            await transport.stop()

    def _reload(self) -> None:
        """SIGHUP: read the files anew, beside the running streets."""
        threading.Thread(target=self._keeper.reload, name="reload").start()

    def _still(self) -> Mapping[str, float]:
        return {} if self._pulse is None else self._pulse.still(monotonic())

    def _not_ready(self) -> list[str]:
        """Why this process is not ready; a line for each reason."""
        if not self.started.is_set() or self._pulse is None:
            return ["starting"]
        if self.stopping:
            return ["stopping"]
        most = self._settings.watch.stuck.total_seconds()
        reasons = [f"{name} has not moved for {int(s)} s" for name, s in self._still().items() if s > most]
        # Streets wait for their book by themselves; whoever opens the console now is told to come again.
        if "web" in self._streets and self._keeping is not None and self._keeping.book_away:
            reasons.append("the book cannot be used")
        return reasons
