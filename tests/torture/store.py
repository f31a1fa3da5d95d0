"""An HTTP front before a real store, that forwards to it or answers as stores, proxies and dying machines do."""

from __future__ import annotations

import gzip
import json
import re
import threading
import time
import urllib.error
import urllib.request
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from tests.servers import HOST

FORGETS = 6.0  # seconds: what VictoriaMetrics 1.79 may lose of what it has accepted
_NUMBER = re.compile(rb"smoke_density=([0-9.e-]+)")
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class StoreFront:
    """``with`` listens on a free port.

    ``behave`` says what becomes of a write: ``""`` forwards it, a status as text answers that (413 only to more than
    ``large`` bytes), ``slow`` waits ``seconds`` first, ``half`` writes it and answers half a response, ``gone`` hangs
    up. Values in ``poison`` are refused as InfluxDB refuses a point, all others of the same request are written. With
    ``forgetful`` a write is accepted at once and reaches the store 6 s later, unless ``crash`` comes before.
    """

    def __init__(
        self, target: str, *, forgetful: bool = False, poison: frozenset[str] = frozenset(), large: int = 2000
    ) -> None:
        self.target = target
        self.large = large
        self.forgetful = forgetful
        self.poison = poison
        self.behave = ""
        self.seconds = 0.0
        self.writes = 0
        self.misbehaved = 0
        self.forgotten = 0
        self._late: deque[tuple[float, str, bytes]] = deque()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        front = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                front._answer(self, body)

            def log_message(self, *_: object) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, *_: object) -> None:
                """A client that was killed in the middle is no news."""

        self._server = Quiet((HOST, 0), Handler)
        self.url = f"http://{HOST}:{self._server.server_port}"
        self.port = self._server.server_port

    def crash(self) -> None:
        """Forget what was accepted and not written yet, and be away until ``behave`` is set anew."""
        with self._lock:
            self.forgotten += len(self._late)
            self._late.clear()
            self.behave = "gone"

    def settle(self) -> None:
        """Write what was accepted; for the end of a test."""
        with self._lock:
            while self._late:
                _, path, body = self._late.popleft()
                self._forward(path, body)

    def _answer(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        self.writes += 1
        behave = self.behave
        if behave:
            self.misbehaved += 1
        if behave == "gone":
            request.close_connection = True
            return
        if behave == "slow":
            self._stop.wait(self.seconds)
        elif behave.isdigit() and (behave != "413" or len(body) > self.large):
            _send(request, int(behave), _BODIES.get(behave, b"<html>busy</html>"), _HEADERS.get(behave, {}))
            return
        lines = body.split(b"\n")
        good = [line for line in lines if not self._poisoned(line)]
        with self._lock:
            if self.behave == "gone":  # it crashed while we waited
                request.close_connection = True
                return
            if self.forgetful:
                self._late.append((time.monotonic(), request.path, b"\n".join(good)))
                status, answer = 204, b""
            else:
                status, answer = self._forward(request.path, b"\n".join(good))
        if behave == "half":
            request.wfile.write(b"HTTP/1.1 204 No Con")
            request.close_connection = True
        elif status == 0:
            request.close_connection = True
        elif status == 204 and len(good) < len(lines):
            dropped = len(lines) - len(good)
            error = {"error": f"partial write: points beyond retention policy dropped={dropped}"}
            _send(request, 400, json.dumps(error).encode(), {})
        else:
            _send(request, status, answer, {})

    def _poisoned(self, line: bytes) -> bool:
        found = _NUMBER.search(line)
        return found is not None and found[1].decode() in self.poison

    def _forward(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Write to the store; status 0 when it does not answer."""
        if not body:
            return 204, b""
        try:
            with _opener.open(urllib.request.Request(self.target + path, data=body), timeout=30) as answer:  # noqa: S310 - http to 127.0.0.1
                return answer.status, answer.read()
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read()
        except OSError:
            return 0, b""

    def _flush(self) -> None:
        while not self._stop.wait(0.05):
            with self._lock:
                while self._late and time.monotonic() - self._late[0][0] >= FORGETS:
                    _, path, body = self._late[0]
                    if self._forward(path, body)[0] != 204:
                        break
                    self._late.popleft()

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="store front", daemon=True).start()
        self._flusher = threading.Thread(target=self._flush, name="store flush", daemon=True)
        self._flusher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._flusher.join()
        self._server.shutdown()
        self._server.server_close()


_HEADERS = {"429": {"Retry-After": "1"}, "503": {"Retry-After": "1"}}
_BODIES = {"401": b'{"error": "authorization failed"}', "413": b'{"error": "Request Entity Too Large"}'}


def _send(request: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str]) -> None:
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name, value)
    if status != 204:
        request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    if status != 204:
        request.wfile.write(body)
