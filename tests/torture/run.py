"""One run: servers, proxies, daemon, devices and people; faults at their instants; then quiet, and the verdict."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from firesense.app import open_book, open_journal
from firesense.domain.errors import FiresenseError
from tests.faults import FaultProxy
from tests.servers import InfluxDB, Mosquitto, PostgreSQL, VictoriaMetrics
from tests.torture.calls import People
from tests.torture.disk import Disk
from tests.torture.house import ROOT, House
from tests.torture.publisher import Fleet, Publisher
from tests.torture.store import StoreFront
from tests.torture.tortures import Tortures
from tests.torture.verdict import missing, verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from firesense.ports import Journal
    from tests.torture.plan import Plan

CALM = 150.0  # seconds after the last fault in which everything has to be done
_BURNS = 1.5  # seconds from a fire's first frame to the frame that says it is over
_LARGE = 2000  # bytes: what a store answers 413 to


@dataclass
class Result:
    """What came of a run: nothing in ``wrong`` when all is as it must be."""

    plan: Plan
    folder: Path
    wrong: list[str] = field(default_factory=list)
    did: list[str] = field(default_factory=list)
    counts: dict[str, float] = field(default_factory=dict)
    kills: int = 0


def report(result: Result) -> str:
    """One line for a run that went well; all there is to know of one that did not."""
    line = f"{'FAILED' if result.wrong else 'ok    '} {result.plan.title}: {json.dumps(result.counts)}"
    if not result.wrong:
        return line
    details = [*result.wrong, "-- what was done:", *result.did, f"-- kept in {result.folder}"]
    return "\n".join([line, *(f"    {detail}" for detail in details)])


class Run:
    """The stage of one run. ``go`` does it and gives the result; the folder is removed when all went well."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan = plan
        self.folder = folder
        self.result = Result(plan, folder)
        self.taken: dict[str, float] = {}
        fleet = [f"d{n:02d}" for n in range(plan.devices)]
        self.burning = [f"fire{n}" for n in range(plan.fires)]
        self.fleet = Fleet(fleet + self.burning, plan.bad_every)

    def go(self) -> Result:
        began = time.monotonic()
        try:
            with ExitStack() as stack:
                self._set_up(stack)
                self._torture()
                self._calm()
        except Exception as error:  # noqa: BLE001 - whatever it was, the seed and the folder are what is needed
            self.result.wrong.append(f"{type(error).__name__}: {error}")
        self.result.counts["kills"] = self.result.kills
        self.result.counts["seconds"] = round(time.monotonic() - began, 1)
        if not self.result.wrong:
            shutil.rmtree(self.folder)
        return self.result

    # -- the stage --------------------------------------------------------------------------------------------------
    def _set_up(self, stack: ExitStack) -> None:
        plan, folder = self.plan, self.folder
        folder.mkdir(parents=True)
        self.people = stack.enter_context(People(plan.seed))
        self.disk = stack.enter_context(Disk(folder / "disk"))
        self.broker = stack.enter_context(Mosquitto(folder / "broker", settings=shipped()))
        kind = VictoriaMetrics if plan.store == "victoriametrics" else InfluxDB
        self.store = stack.enter_context(kind(folder / "store"))
        poison = frozenset(repr(number / 1000) for number in plan.poison)
        self.front = stack.enter_context(
            StoreFront(self.store.url, forgetful=plan.store == "forgetful", poison=poison, large=_LARGE)
        )
        self.to_broker = stack.enter_context(FaultProxy(self.broker.port))
        self.to_store = stack.enter_context(FaultProxy(self.front.port))
        url = f"http://127.0.0.1:{self.to_store.port}"
        history = (
            f'kind: victoriametrics, url: "{url}"'
            if plan.store == "victoriametrics"
            else f'kind: influxdb1, url: "{url}", database: firesense'
        )
        self.database = None
        book = ""  # in the data folder
        if plan.book == "postgresql":
            self.database = PostgreSQL()
            stack.callback(self.database.remove)
            self.database.start()
            book = self.database.url(self.database.new_database())
        settings = {
            "book": book,
            "protocol": plan.protocol,
            "port": self.to_broker.port,
            "history": history,
            "hook": self.people.url,
        }
        self.house = House(folder, settings, self.fleet.devices, apart=plan.apart, clock=plan.stepped)
        stack.enter_context(self.house)
        self._until(self._listening, "the daemon listens")
        self.publisher = Publisher(self.broker.port)
        self.publisher.start()
        stack.callback(self.publisher.close)
        self._over = threading.Event()
        taker = threading.Thread(target=self._take_some, name="taker", daemon=True)
        taker.start()
        stack.callback(taker.join)
        stack.callback(self._over.set)

    def _listening(self) -> bool:
        if not self.house.settings.journal.file.exists():
            return False
        with open_journal(self.house.settings) as journal:
            return bool(journal.noted())

    def journal_frames(self) -> list[tuple[int, str, bytes, int]]:
        """Every frame of the journal: offset, topic, payload, marks."""
        with open_journal(self.house.settings) as journal:
            return list(_frames(journal))

    def _take_some(self) -> None:
        """Be the person who takes every third fire, a moment after the first call of it."""
        dice = random.Random(self.plan.seed)
        due: dict[str, float] = {}
        mine = set(self.burning[::3])
        while not self._over.wait(0.05):
            for heard in self.people.heard():
                alert = heard.says["alert"]
                if alert["device"] in mine and alert["id"] not in due:
                    due[alert["id"]] = heard.at + dice.uniform(0, 2.5)
            for alert_id, at in due.items():
                if alert_id not in self.taken and time.monotonic() >= at:
                    self._take(alert_id)

    def _take(self, alert_id: str) -> None:
        try:
            with open_book(self.house.settings) as book:
                now = time.time_ns() // 1000 + self.house.clock_offset
                self.taken[alert_id] = book.acknowledge(alert_id, "taker", now).acknowledged_at or 0
        except (FiresenseError, OSError):
            return  # the disk is full, for one: tried again

    # -- the torture ------------------------------------------------------------------------------------------------
    def _torture(self) -> None:
        plan = self.plan
        began = time.monotonic()
        feeding = threading.Thread(target=self._feed, args=(began,), name="feed", daemon=True)
        feeding.start()
        tortures = Tortures(self)
        for fault in plan.faults:
            time.sleep(max(0.0, began + fault.at - time.monotonic()))  # the plan's instant, not a wait for anything
            said = tortures.do(fault)
            self.result.did.append(f"{time.monotonic() - began:6.2f} s  {fault.kind} {said}")
        feeding.join()

    def _feed(self, began: float) -> None:
        """Let the devices speak in turn, at the plan's pace; fires break out over the first two thirds."""
        plan = self.plan
        dice = random.Random(plan.seed)
        out = {name: dice.uniform(0.3, plan.seconds * 2 / 3) for name in self.burning}
        said: dict[str, float] = {}
        calm = [name for name in self.fleet.devices if name not in out]
        spoken = 0
        while (now := time.monotonic() - began) < plan.seconds or len(said) < len(out) or any(said.values()):
            frames = [self.fleet.say(calm[(spoken + n) % len(calm)]) for n in range(int(now * plan.rate) - spoken)]
            spoken += len(frames)
            for name, at in out.items():
                if now >= at + _BURNS and said.get(name):
                    said[name] = 0
                    frames.append(self.fleet.say(name))
                elif at <= now < at + _BURNS and now - said.get(name, -1) >= 0.3:
                    said[name] = now
                    frames.append(self.fleet.say(name, fire=True))
            self.publisher.put(frames)
            self._over.wait(0.02)

    # -- quiet ------------------------------------------------------------------------------------------------------
    def _calm(self) -> None:
        self.to_broker.heal()
        self.to_store.heal()
        # Devices speak on: that the store died after the last frame is noticed when the next one is written. Of two
        # frames one is a good one.
        self.publisher.put(self.fleet.say(self.fleet.devices[0]) for _ in range(2))
        began = time.monotonic()
        self._until(lambda: self.publisher.idle, "every frame is acknowledged")
        self._until(self._all_journalled, "every frame is in the journal")
        self._until(self._all_done, "every street is at the journal's head, and nothing is due")
        self._until(self._all_kept, "the history has every frame")
        self.result.counts["calm"] = round(time.monotonic() - began, 1)
        self.house.end()
        self.result.wrong += self.house.noted
        self.front.settle()
        self.ledger = subprocess.run(
            self.house.command("ledger"), capture_output=True, text=True, check=False, cwd=ROOT, timeout=60
        )
        verdict(self)

    def _all_journalled(self) -> bool:
        held = {payload for _, _, payload, _ in self.journal_frames()}
        self._missing = [frame for frame in self.fleet.said if frame.payload not in held]
        return not self._missing

    def _all_kept(self) -> bool:
        self._missing = missing(self)
        return not self._missing

    def _all_done(self) -> bool:
        with open_journal(self.house.settings) as journal, open_book(self.house.settings) as book:
            head = journal.head
            positions = book.positions()
            self._missing = [f"head {head}", positions, book.next_due_at()]
            return positions.get("alerting") == positions.get("record") == head and book.next_due_at() is None

    def _until(self, condition: Callable[[], bool], what: str) -> None:
        self._missing: list[object] = []
        deadline = time.monotonic() + CALM
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited in vain until {what}; {len(self._missing)}: {self._missing[:3]}")
            time.sleep(0.1)  # between two looks


def _frames(journal: Journal):
    offset = journal.tail
    while (batch := journal.read(offset, 5000)) is not None:
        marks = batch.marks.tolist()
        yield from zip(batch.offsets.tolist(), batch.topics, batch.payloads, marks, strict=True)
        offset = batch.next_offset


def shipped() -> dict[str, str]:
    """The settings of the Mosquitto configuration we ship, but who may log in and where it listens."""
    lines = (ROOT / "systemd/mosquitto.conf").read_text(encoding="utf-8").splitlines()
    settings = dict(line.split(None, 1) for line in lines if line.strip() and not line.startswith("#"))
    ours = ("listener", "certfile", "keyfile", "password_file", "acl_file", "allow_anonymous", "per_listener_settings")
    return {name: value for name, value in settings.items() if name not in ours}
