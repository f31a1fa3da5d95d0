"""How long a deed of the desk takes at 1,000 open alerts: over HTTP, from the request to the answer, one at a time.

    python -m tests.bench.desk [ALERTS]

A real console (uvicorn) in this process, a real book on this disk; each commit waits for the disk.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import httpx2

from firesense.domain.alert import alert_id
from firesense.domain.outcome import Outcome, Raise
from tests.book_examples import alarm, call, climb
from tests.console import PASSWORD, Township
from tests.system.test_console import RealClock, Served

_DEEDS = (
    ("acknowledge", {}),
    ("dispatch", {"role": "grid-member", "note": "go"}),
    ("arrive", {"position": {"latitude": 30.1, "longitude": 120.2}}),
    ("verify", {"finding": "fire", "note": "it burns"}),
    ("close", {}),
)


def main(count: int = 1000, tried: int = 100) -> None:
    """Print the median, the 99th percentile and the longest of each deed, and its processor time, in milliseconds."""
    with tempfile.TemporaryDirectory() as folder:
        town = Township(Path(folder), RealClock())
        alerts = [_alert(town, number) for number in range(count)]
        for first in range(0, count, 100):
            some = alerts[first : first + 100]
            raises = tuple(Raise(a, climb(a), (call(a, "sun", "mqtt"), call(a, "he", "mqtt")), ()) for a in some)
            town.book.commit(Outcome("alerting", first + 100, town.clock.now(), raises))
        with Served(town.console()) as served, httpx2.Client(base_url=served.url) as client:
            session = client.post("/api/v1/session", json={"name": "station", "password": PASSWORD}).json()
            client.headers["x-csrf-token"] = session["csrf"]
            print(f"{len(town.book.alerts(most=9999))} open alerts, load {os.getloadavg()[0]:.1f}")
            print("milliseconds: median, 99th percentile, longest, processor time (mean)")
            for deed, said in _DEEDS:
                _show(deed, [_timed(client.post, f"/api/v1/alerts/{a.id}/{deed}", json=said) for a in alerts[:tried]])
            _show("page", [_timed(client.get, f"/alerts/{a.id}") for a in alerts[-tried:]])
            _show("board", [_timed(client.get, "/live/board") for _ in range(20)])
        town.close()


def _alert(town: Township, number: int):
    at = town.clock.now() - number * 1000
    name = alert_id("smoke-flag", f"smoke-{number}", at)
    return replace(alarm(number), id=name, device=f"smoke-{number}", place="g", raised_at=at, event_at=at)


def _timed(ask, *given, **said) -> tuple[float, float]:
    began, worked = time.perf_counter(), time.process_time()
    answer = ask(*given, **said)
    taken = time.perf_counter() - began, time.process_time() - worked
    assert answer.status_code == 200, answer.text
    return taken


def _show(name: str, asked: list[tuple[float, float]]) -> None:
    taken = sorted(1000 * wall for wall, _ in asked)
    worked = 1000 * sum(work for _, work in asked) / len(asked)
    print(
        f"{name:12} {taken[len(taken) // 2]:7.1f} {taken[int(len(taken) * 0.99)]:7.1f} {taken[-1]:7.1f} {worked:7.1f}"
    )


if __name__ == "__main__":
    main(*(int(each) for each in sys.argv[1:]))
