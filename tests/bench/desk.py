"""How long a deed of the desk takes at 1,000 open alerts: over HTTP, from the request to the answer, one at a time.

    python -m tests.bench.desk [ALERTS [PAGES]]

A real console (uvicorn) in this process, a real book on this disk; each commit waits for the disk. First on a quiet
house; then with PAGES boards open, in a process of their own, each fetching what is new whenever it is told; then
while alerting raises a hundred alerts a second besides and duty sends their calls and moves their climbs.
"""

from __future__ import annotations

import asyncio
import gc
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx2

from firesense.domain.alert import Finding, alert_id
from firesense.domain.escalation import CallState, Move, Settled
from firesense.domain.instant import MINUTE
from firesense.domain.outcome import Outcome, Raise
from tests.book_examples import alarm, call, climb
from tests.browser import RealClock, Served
from tests.console import PASSWORD, Township

_DEEDS = (
    ("acknowledge", {}),
    ("dispatch", {"role": "grid-member", "note": "go"}),
    ("arrive", {"position": {"latitude": 30.1, "longitude": 120.2}}),
    ("verify", {"finding": "fire", "note": "it burns"}),
    ("close", {"though_firing": True}),
)
_EACH = 200
_BATCH, _PAUSE = 10, 0.1  # alerts, seconds


def main(count: int = 1000, pages: int = 20) -> None:
    """Print the median, the 99th percentile and the longest of each deed, in milliseconds, on each kind of day."""
    with tempfile.TemporaryDirectory() as folder:
        town = Township(Path(folder), RealClock())
        house = House(town, count)
        with Served(town.console()) as served, httpx2.Client(base_url=served.url) as client:
            session = client.post("/api/v1/session", json={"name": "station", "password": PASSWORD}).json()
            client.headers["x-csrf-token"] = session["csrf"]
            cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
            gc.freeze()  # as the daemon does
            print("milliseconds: median, 99th percentile, longest")
            _day("quiet", client, house)
            with _watched(served.url, cookie, pages):
                _day(f"{pages} open boards", client, house)
                with house.storm():
                    _day(f"{pages} open boards, {_BATCH / _PAUSE:.0f} alerts a second", client, house)
        town.close()


class House:
    """What alerting and duty write to the book beside the desk."""

    def __init__(self, town: Township, count: int) -> None:
        self._town = town
        self._count = count
        self._raised = 0
        self._stop = threading.Event()
        self._position = threading.Lock()

    def fresh(self) -> list[str]:
        """Close what is open and raise as many alerts as there shall be; gives their ids."""
        book, now = self._town.book, self._town.clock.now
        while found := book.alerts(most=200):
            for alert in found:
                book.close_alert(alert.id, "station", now(), Finding.TEST, "")
        ids: list[str] = []
        for first in range(0, self._count, 100):
            ids += self._raise(min(100, self._count - first))
        return ids

    @contextmanager
    def storm(self):
        streets = [threading.Thread(target=street) for street in (self._alerting, self._duty)]
        for street in streets:
            street.start()
        yield
        self._stop.set()
        for street in streets:
            street.join()

    def _raise(self, count: int) -> list[str]:
        with self._position:
            alerts = [_alert(self._town, self._raised + number) for number in range(count)]
            self._raised += count
            raises = tuple(Raise(a, climb(a), (call(a, "sun", "mqtt"), call(a, "he", "mqtt")), ()) for a in alerts)
            self._town.book.commit(Outcome("alerting", self._raised, self._town.clock.now(), raises))
        return [alert.id for alert in alerts]

    def _alerting(self) -> None:
        while not self._stop.wait(_PAUSE):
            self._raise(_BATCH)

    def _duty(self) -> None:
        book = self._town.book
        while not self._stop.wait(_PAUSE):
            now = self._town.clock.now()
            leased = book.lease_calls(now, now + MINUTE, 200, owner="duty")
            told = [replace(one, state=CallState.SENT, sent_at=now, attempts=1) for one, _ in leased]
            book.settle_all([Settled(one, now) for one in told])
            due = [each for _, each in book.due_climbs(now + MINUTE, 50)]
            book.advance_all([Move(one, replace(one, due_at=now + 9 * MINUTE, version=one.version + 1)) for one in due])


def _alert(town: Township, number: int):
    at = town.clock.now() - number % 1000 * 1000
    name = alert_id("smoke-flag", f"smoke-{number}", at)
    return replace(alarm(number), id=name, device=f"smoke-{number}", place="g", raised_at=at, event_at=at)


def _day(name: str, client: httpx2.Client, house: House) -> None:
    alerts = house.fresh()
    print(f"{name}; {len(alerts)} open alerts, load {os.getloadavg()[0]:.1f}", flush=True)
    for deed, said in _DEEDS:
        _show(deed, [_timed(client.post, f"/api/v1/alerts/{each}/{deed}", json=said) for each in alerts[:_EACH]])
    _show("its page", [_timed(client.get, f"/alerts/{each}") for each in alerts[-_EACH:]])
    _show("the board", [_timed(client.get, "/") for _ in range(min(_EACH, len(alerts)) // 4 + 1)])


def _timed(ask, *given, **said) -> float:
    began = time.perf_counter()
    answer = ask(*given, **said)
    taken = time.perf_counter() - began
    assert answer.status_code == 200, answer.text
    return taken


def _show(name: str, asked: list[float]) -> None:
    taken = sorted(1000 * wall for wall in asked)
    print(
        f"  {name:12} {taken[len(taken) // 2]:7.1f} {taken[int(len(taken) * 0.99)]:7.1f} {taken[-1]:7.1f}", flush=True
    )


@contextmanager
def _watched(url: str, cookie: str, pages: int):
    """Keep so many boards open."""
    watching = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.desk", "watch", url, cookie, str(pages)], stdin=subprocess.PIPE, text=True
    )
    yield
    watching.communicate("", timeout=60)


def watch(url: str, cookie: str, pages: int) -> None:
    """Be so many open boards until the input ends: hear what is told, and fetch what is new."""
    asyncio.run(_watch(url, cookie, pages))


async def _watch(url: str, cookie: str, pages: int) -> None:
    async with httpx2.AsyncClient(base_url=url, headers={"cookie": cookie}, timeout=None) as client:
        sizes: list[int] = []
        following = [asyncio.create_task(_follow(client, sizes)) for _ in range(pages)]
        await asyncio.to_thread(sys.stdin.read)
        for page in following:
            page.cancel()
        await asyncio.gather(*following, return_exceptions=True)
        print(f"the boards fetched {len(sizes)} times, {sum(sizes) / max(1, len(sizes)) / 1000:.1f} kB each time")


async def _follow(client: httpx2.AsyncClient, sizes: list[int]) -> None:
    page = (await client.get("/")).text
    edition = re.search(r'data-edition="(.*?)"', page)[1]
    step = re.search(r'data-step="(.*?)"', page)[1]
    async with client.stream("GET", "/api/v1/events", params={"since": step}) as events:
        async for line in events.aiter_lines():
            if line == "event: step":
                part = (await client.get("/live/board", params={"known": edition})).text
                edition = re.search(r'data-edition="(.*?)"', part)[1]
                sizes.append(len(part))


if __name__ == "__main__":
    if sys.argv[1:2] == ["watch"]:
        watch(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        main(*(int(each) for each in sys.argv[1:]))
