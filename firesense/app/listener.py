"""Health and metrics of a process that has no console: a small HTTP server of its own."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from firesense.app.consoles import not_listening
from firesense.web.operation import METRICS_TYPE, may_read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_TEXT = "text/plain; charset=utf-8"
_PATIENCE = 10  # seconds for a request


@contextmanager
def listening(
    host: str, port: int, metrics: Callable[[], bytes], not_ready: Callable[[], Sequence[str]], token: str
) -> Iterator[None]:
    """Answer /healthz, /readyz and /metrics while inside. Raises NotListening when the port cannot be had."""

    class Answers(BaseHTTPRequestHandler):
        timeout = _PATIENCE

        def do_GET(self) -> None:
            status, kind, body = self._answer()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _answer(self) -> tuple[HTTPStatus, str, bytes]:
            if self.path == "/healthz":
                return HTTPStatus.OK, _TEXT, b"ok\n"
            if self.path == "/readyz":
                reasons = not_ready()
                status = HTTPStatus.SERVICE_UNAVAILABLE if reasons else HTTPStatus.OK
                return status, _TEXT, ("\n".join(reasons or ["ready"]) + "\n").encode()
            if self.path != "/metrics":
                return HTTPStatus.NOT_FOUND, _TEXT, b"There are /healthz, /readyz and /metrics.\n"
            headers = {name.lower(): value for name, value in self.headers.items()}
            if not may_read(self.client_address[0], headers, token):
                return HTTPStatus.FORBIDDEN, _TEXT, b"Metrics are given to this machine, or with the token.\n"
            return HTTPStatus.OK, METRICS_TYPE, metrics()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- http.server names it
            """Log nothing: it is asked every few seconds."""

    try:
        server = ThreadingHTTPServer((host, port), Answers)
    except OSError as error:
        raise not_listening(error, host, port, "watch", "--watch-port") from error
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.2}, name="watch")
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
