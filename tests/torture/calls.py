"""The people: a webhook that writes down every call it takes, and can be out of order for a while."""

from __future__ import annotations

import json
import random
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.servers import HOST


@dataclass(frozen=True)
class Heard:
    """One call that was taken: when (monotonic), and what it said."""

    at: float
    says: dict[str, Any]


class People:
    """``with`` listens on a free port. ``failing`` is the share of calls answered with 500."""

    def __init__(self, seed: int) -> None:
        self.failing = 0.0
        self.refused = 0
        self._random = random.Random(seed)
        self._heard: list[Heard] = []
        self._lock = threading.Lock()
        people = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                taken = people._take(json.loads(body))
                self.send_response(200 if taken else 500)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, *_: object) -> None:
                """A client that was killed in the middle is no news."""

        self._server = Quiet((HOST, 0), Handler)
        self.url = f"http://{HOST}:{self._server.server_port}/calls"

    def _take(self, says: dict[str, Any]) -> bool:
        with self._lock:
            if self._random.random() < self.failing:
                self.refused += 1
                return False
            self._heard.append(Heard(time.monotonic(), says))
            return True

    def heard(self) -> list[Heard]:
        """All calls so far, in the order they came."""
        with self._lock:
            return list(self._heard)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="people", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
