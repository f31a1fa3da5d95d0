"""The whole house in one thread on a hand-wound clock: real journal, book, history, rules, ladders; nothing waits.

Only the broker and the channels are played: frames are given to the journal, and calls are kept in a list.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from firesense.alerting import Alerting
from firesense.app.locks import lasting_name
from firesense.app.manners import make_answering, make_links, make_manners
from firesense.app.plan import PlanKeeper
from firesense.app.plugs import make_reader
from firesense.book import SqlBook
from firesense.desk import Desk
from firesense.domain.device import Device
from firesense.domain.errors import ChannelDown
from firesense.domain.instant import MINUTE, SECOND, micros
from firesense.domain.message import Receipt
from firesense.duty import Duty
from firesense.hazarddesk import HazardDesk
from firesense.hearing import LISTENING
from firesense.history import SqliteHistory
from firesense.journal import SqliteJournal
from firesense.notify.message import compose
from firesense.notify.outbox import Delivery
from firesense.quietdesk import QuietDesk
from firesense.record import Record
from firesense.rosters import HandOvers
from firesense.settings import load_settings
from firesense.snapshot import SnapshotFile
from tests.frames import T0, batch_of

ROOT = Path(__file__).parents[1]
GRID = "990100101201-01"  # 青溪镇 / 上河村 / 上河村第一网格
STREET_GRID = "990100002001-02"  # 北关街道 / 钟楼社区: its grid member's post is vacant
SETTINGS = """\
data: data
files:
  profiles: {root}/device_profiles
  rules: {root}/config/rules.yaml
  org: {root}/config/org.yaml
  ladders: {root}/config/ladders.yaml
  calendars: {root}/tests/calendars.yaml
  desk: {root}/config/desk.yaml
channels: [{{name: log, kind: log}}, {{name: mqtt, kind: mqtt}}]
"""


@dataclass
class HandClock:
    """Stands still until it is wound."""

    at: int = T0

    def now(self):
        return self.at


@dataclass
class Told:
    """One call that was handed over."""

    after: float  # seconds since the clock's start
    person: str
    channel: str
    purpose: str
    alert_class: str
    title: str
    body: str


@dataclass
class ListChannel:
    """Keeps what it is given; ``down`` makes it refuse for now."""

    name: str
    kind: str
    clock: HandClock
    told: list[Told] = field(default_factory=list)
    down: bool = False

    async def send(self, message):
        if self.down:
            raise ChannelDown("played")
        call = message.call
        after = (self.clock.now() - T0) / SECOND
        self.told.append(
            Told(
                after,
                call.person,
                self.name,
                str(call.purpose),
                str(message.alert.alert_class),
                message.title,
                message.body,
            )
        )
        return Receipt()

    async def close(self):
        pass


class SmallHouse:
    """All streets by hand: ``hear`` gives frames, ``wind`` moves the clock, ``settle`` lets every street work."""

    timeout = timedelta(seconds=10)  # of a call, on the real clock

    def __init__(
        self,
        folder,
        devices=(),
        *,
        history=None,
        clock=None,
        started=True,
        org=None,
        channels=None,
        settings="",
        config=None,
    ):
        """``channels``: clock -> further channels by name; ``settings``: more lines of the settings.

        ``config`` is a settings file in the place of the house's own.
        """
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "firesense.yaml"
        written = SETTINGS.format(root=ROOT) + settings
        if org is not None:  # an org file of its own, whose folder is the house's
            (folder / "org.yaml").write_text(org, encoding="utf-8")
            written = written.replace(f"{ROOT}/config/org.yaml", "org.yaml")
        file.write_text(written, encoding="utf-8")
        self.settings = load_settings(config or file)
        self.settings.data.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.clock = clock or HandClock()
        self.log, self.mqtt = ListChannel("log", "log", self.clock), ListChannel("mqtt", "mqtt", self.clock)
        self.channels = {"log": self.log, "mqtt": self.mqtt} | (channels(self.clock) if channels else {})
        # Channels that talk to servers keep their connections, which belong to one loop.
        self._runner = asyncio.Runner() if channels else None
        self.journal = SqliteJournal(self.settings.journal.file)
        self.book = SqlBook(self.settings.book)
        self.history = history or SqliteHistory(self.settings.history.file, timedelta(days=400))
        if devices:
            self.book.register(devices)
        self.keeper = PlanKeeper(self.settings, self.book)
        if started:
            self.start()

    def start(self):
        """Make the streets anew, as a start of the daemon does."""
        plan = self.keeper.current
        reader = lambda wanted: make_reader(self.settings, wanted)  # noqa: E731
        self.alerting = Alerting(
            self.journal,
            self.book,
            self.clock,
            plan,
            reader,
            SnapshotFile(self.settings.data / "rules.state"),
            kinds={name: channel.kind for name, channel in self.channels.items()},
        )
        self.record = Record(self.journal, self.book, self.history, self.clock, plan, reader)
        channels = self.channels
        links = self.links = make_links(self.settings)
        delivery = Delivery(
            self.book,
            channels,
            lambda call, alert: compose(call, alert, plan(), links=links),
            self.clock,
            make_manners(self.settings, plan, self.book, channels, self.clock, self._pressed),
            owner=lasting_name(self.settings.data),
            timeout=self.timeout,
        )
        self.delivery = delivery
        self.duty = Duty(self.book, plan, delivery, self.clock)
        self.hand_overs = HandOvers(self.book, plan, {"log": "log", "mqtt": "mqtt"})
        self.desk = Desk(self.book, self.clock, plan_source=plan, kinds=delivery.kinds)
        self.answering = make_answering(self.settings, plan, self.book, self.desk, channels, self.clock, links)
        self.hazards = HazardDesk(self.book, self.clock, plan, delivery.kinds)
        self.quiet = QuietDesk(self.book, self.clock, plan)

    def hear(self, *frames, marks=0, listening=True):
        """Give frames (topic, payload) to the journal as ingest would; payloads that are not text become JSON."""
        if listening:
            self.listen()
        written = [(topic, p if isinstance(p, (str, bytes)) else json.dumps(p)) for topic, p in frames]
        if written:
            self.journal.append(batch_of(*written, received_at=self.clock.at, marks=marks))
        self.settle()

    def listen(self):
        self.journal.note(LISTENING + "main", self.clock.at)

    def settle(self):
        """Let every street do all it can at this instant."""
        self.keeper.refresh()
        self.hand_overs.step(self.clock.at)
        while self.alerting.step():
            pass
        while self.record.step():
            pass
        if self._runner is None:
            asyncio.run(self._duty())
        else:
            self._runner.run(self._duty())

    def run(self, work):
        """Run something on the loop of the channels."""
        return self._runner.run(work)

    def _pressed(self, call, key):
        self.answering.pressed(call, key)

    async def _duty(self):
        while await self.duty.step(self.clock.at) or self.delivery.under_way:
            await self.delivery.idle()

    def wind(self, *, listening=True, step=SECOND, **duration):
        """Move the clock on in small steps; every street works at each."""
        until = self.clock.at + micros(timedelta(**duration))
        while self.clock.at < until:
            self.clock.at = min(self.clock.at + step, until)
            if listening:
                self.listen()
            self.settle()

    @property
    def told(self):
        """Calls handed over so far, in the order they were."""
        return sorted(self.log.told + self.mqtt.told, key=lambda told: told.after)

    def told_of(self, alert_class):
        """The calls of alerts of one class."""
        return [told for told in self.told if told.alert_class == alert_class]

    def people_told(self, alert_class="fire", purpose="alert"):
        """(seconds, person) of the calls, each person once an instant."""
        return sorted(
            {(round(told.after), told.person) for told in self.told_of(alert_class) if told.purpose == purpose}
        )

    def open_alerts(self):
        return self.book.alerts()

    @property
    def balanced(self):
        """received = recorded + duplicate + quarantined, all of it done."""
        self.record.settle()
        tally = self.book.tally("record")
        return self.journal.head == tally.total

    def close(self):
        if self._runner is not None:
            self._runner.run(self.delivery.close())
            self._runner.close()
        self.journal.close()
        self.book.close()
        self.history.close()


def smoke_device(number=1, place=GRID, **more):
    return Device(f"smoke-{number}", "smoke", "firesense-smoke", f"S{number}", place, -1, **more)


def smoke(clock, number=1, **says):
    """A frame of a smoke detector: nothing is wrong unless said."""
    return f"firesense/smoke/S{number}/up", {
        "ts": clock.now() // 1000,
        "alarm": 0,
        "smoke": 0.02,
        "temp": 20.5,
        "bat": 95,
        "rssi": -80,
        "test": 0,
        "tamper": 0,
        "fault": 0,
    } | says


__all__ = ["GRID", "MINUTE", "SECOND", "STREET_GRID", "HandClock", "SmallHouse", "Told", "smoke", "smoke_device"]
