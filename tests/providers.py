"""What channels talk to, as real servers on 127.0.0.1: the robots with their documented answers, codes and limits.

All of them answer from a thread of their own. ``hang()`` keeps answers back until ``release()`` or the end.
"""

from __future__ import annotations

import base64
import gc
import hashlib
import hmac
import json
import threading
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlsplit

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from tests.servers import HOST, free_port

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping
    from email.message import EmailMessage
    from types import TracebackType

    from firesense.domain.instant import Instant

HOUR = 3600
MINUTE = 60


class HandClock:
    """A clock that is wound by hand."""

    def __init__(self, at: Instant = 1_767_323_045_000_000) -> None:
        self.at = at

    def now(self) -> Instant:
        return self.at

    def wind(self, seconds: float) -> None:
        self.at += round(seconds * 1_000_000)


@dataclass
class Request:
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Answer:
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class HttpProvider:
    """A server that keeps every request; ``down`` makes it answer 503."""

    def __init__(self, clock: HandClock, tls: ssl.SSLContext | None = None) -> None:
        self.clock = clock
        self.requests: list[Request] = []
        self.down = False
        self._open = threading.Event()
        self._open.set()
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.do_POST()

            def do_POST(self) -> None:
                parts = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                request = Request(parts.path, query, dict(self.headers), body)
                provider.requests.append(request)
                provider._open.wait()
                answer = Answer(503) if provider.down else provider.answer(request)
                try:
                    self.send_response(answer.status)
                    for name, value in answer.headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(answer.body)))
                    self.end_headers()
                    self.wfile.write(answer.body)
                except OSError:
                    self.close_connection = True  # the other side did not wait

            def log_message(self, *_: object) -> None:
                pass  # tests look at the requests

        self._server = ThreadingHTTPServer((HOST, 0), Handler)
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.scheme = "http" if tls is None else "https"
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def url(self) -> str:
        return f"{self.scheme}://{HOST}:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def hang(self) -> None:
        self._open.clear()

    def release(self) -> None:
        self._open.set()

    def answer(self, request: Request) -> Answer:
        raise NotImplementedError


class RobotProvider(HttpProvider):
    """A provider of group robots: ``robots`` maps tokens to secrets (empty: unsigned)."""

    per_minute = 20
    blocked_for = MINUTE

    def __init__(self, clock: HandClock, robots: Mapping[str, str]) -> None:
        super().__init__(clock)
        self.robots = dict(robots)
        self.posted: list[dict[str, Any]] = []
        self._taken_at: dict[str, list[float]] = {}
        self._blocked_until: dict[str, float] = {}

    def too_fast(self, token: str) -> bool:
        now = self.clock.now() / 1e6
        if now < self._blocked_until.get(token, 0):
            return True
        taken = [at for at in self._taken_at.get(token, []) if at > now - MINUTE]
        if len(taken) >= self.per_minute:
            self._blocked_until[token] = now + self.blocked_for
            return True
        self._taken_at[token] = [*taken, now]
        return False

    def stale(self, stamp: float) -> bool:
        return abs(self.clock.now() / 1e6 - stamp) > HOUR


def _hmac64(key: str, text: str) -> str:
    return base64.b64encode(hmac.digest(key.encode(), text.encode(), "sha256")).decode()


def _ok(**body: Any) -> Answer:
    return Answer(200, json.dumps(body, ensure_ascii=False).encode(), {"Content-Type": "application/json"})


class DingTalk(RobotProvider):
    """20 messages a minute, then silence for ten minutes; signature in the query, over milliseconds."""

    blocked_for = 10 * MINUTE

    def answer(self, request: Request) -> Answer:
        token = request.query.get("access_token", "")
        if request.path != "/robot/send" or token not in self.robots:
            return _ok(errcode=300005, errmsg="token is not exist")
        if secret := self.robots[token]:
            stamp = request.query.get("timestamp", "0")
            sign = _hmac64(secret, f"{stamp}\n{secret}")
            if self.stale(int(stamp) / 1000) or request.query.get("sign") != sign:
                return _ok(errcode=310000, errmsg="description:sign not match")
        if self.too_fast(token):
            return _ok(errcode=130101, errmsg="send too fast, exceed 20 times per minute")
        document = request.json
        if document.get("msgtype") != "text":
            return _ok(errcode=400105, errmsg="description:不支持的消息类型")
        if not document.get("text", {}).get("content"):
            return _ok(errcode=40035, errmsg="缺少参数 text")
        self.posted.append(document)
        return _ok(errcode=0, errmsg="ok")


class WeCom(RobotProvider):
    """20 messages a minute; a text of at most 2,048 bytes; the key is the only secret."""

    def answer(self, request: Request) -> Answer:
        key = request.query.get("key", "")
        if request.path != "/cgi-bin/webhook/send" or key not in self.robots:
            return _ok(errcode=93000, errmsg="invalid webhook url, hint: [1], more info at ?e=93000")
        if self.too_fast(key):
            return _ok(errcode=45009, errmsg="api freq out of limit, hint: [1], more info at ?e=45009")
        document = request.json
        content = document.get("text", {}).get("content", "")
        if document.get("msgtype") != "text" or len(content.encode()) > 2048:
            return _ok(errcode=40058, errmsg="text.content exceed max length 2048. invalid Request Parameter")
        if not content:
            return _ok(errcode=44004, errmsg="empty content")
        self.posted.append(document)
        return _ok(errcode=0, errmsg="ok")


class Feishu(RobotProvider):
    """100 messages a minute; signature in the body, over seconds, with everything in the key."""

    per_minute = 100

    def answer(self, request: Request) -> Answer:
        token = request.path.removeprefix("/open-apis/bot/v2/hook/")
        document = request.json
        if token not in self.robots:
            return _ok(code=19001, msg="param invalid: incoming webhook access token invalid", data={})
        if secret := self.robots[token]:
            stamp = document.get("timestamp", "0")
            if self.stale(int(stamp)) or document.get("sign") != _hmac64(f"{stamp}\n{secret}", ""):
                reason = "sign match fail or timestamp is not within one hour from current time"
                return _ok(code=19021, msg=reason, data={})
        if self.too_fast(token):
            return _ok(code=11232, msg="frequency limited psm[lark.oapi.app_platform_runtime]", data={})
        if document.get("msg_type") != "text" or not document.get("content", {}).get("text"):
            return _ok(code=9499, msg="Bad Request", data={})
        self.posted.append(document)
        return _ok(code=0, msg="success", data={}, StatusCode=0, StatusMessage="success")


class Receiver(HttpProvider):
    """Somebody's system that takes webhooks: it believes what is signed and not older than five minutes."""

    def __init__(self, clock: HandClock, secret: str, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(clock, tls)
        self.secret = secret
        self.taken: list[Any] = []
        self._odd = {
            "/redirect": Answer(302, headers={"Location": f"{self.url}/ok"}),
            "/huge": Answer(200, b"x" * 10_000_000),
            "/busy": Answer(429, headers={"Retry-After": "7"}),
            "/busy-until": Answer(503, headers={"Retry-After": "Fri, 02 Jan 2026 03:05:05 GMT"}),
            "/gone": Answer(410),
            "/unsigned": Answer(200),
        }

    def answer(self, request: Request) -> Answer:
        if (odd := self._odd.get(request.path)) is not None:
            return odd
        stamp = request.headers.get("Firesense-Timestamp", "0")
        expected = hmac.new(self.secret.encode(), f"{stamp}.".encode() + request.body, hashlib.sha256).hexdigest()
        fresh = abs(self.clock.now() / 1e6 - int(stamp)) <= 5 * MINUTE
        if not fresh or request.headers.get("Firesense-Signature") != f"v1={expected}":
            return Answer(401)
        self.taken.append(request.json)
        return Answer(204)


class MailServer:
    """A mail server: ``busy@`` is put off with 450, ``nobody@`` refused with 550. With TLS it wants STARTTLS."""

    user = "firesense"
    password = "made-up"

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.mails: list[EmailMessage] = []
        self._open = threading.Event()
        self._open.set()
        settings: dict[str, Any] = {}
        if tls is not None:
            settings = {
                "tls_context": tls,
                "require_starttls": True,
                "authenticator": self._authenticate,
                "auth_required": True,
            }
        self.port = free_port()
        self._controller = Controller(self, hostname=HOST, port=self.port, **settings)

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
        self._controller.stop()
        gc.collect()  # what the library leaves behind is found here, not in somebody else's test

    def hang(self) -> None:
        self._open.clear()

    def release(self) -> None:
        self._open.set()

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802 - the library's name
        if address.startswith("busy@"):
            return "450 mailbox busy"
        if address.startswith("nobody@"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - the library's name
        await server.loop.run_in_executor(None, self._open.wait)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        self.mails.append(mail)
        return "250 queued as 4711"

    def _authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
        fits = given == LoginPassword(self.user.encode(), self.password.encode())
        return AuthResult(success=fits, handled=False)
