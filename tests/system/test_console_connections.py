"""The console under people who open connections and do not come to the point; real sockets, a hand-wound clock."""

from __future__ import annotations

import resource
import socket
import threading
from contextlib import ExitStack, contextmanager

import httpx2
import pytest
import structlog

from firesense.app import consoles
from firesense.app.connections import Connections, Phase
from tests.console import PASSWORD, Township
from tests.waiting import wait_until

pytestmark = pytest.mark.server

HALF = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
WHOLE = HALF + b"\r\n"


class Served:
    """A console as the daemon serves it, with a clock the test winds."""

    def __init__(self, folder, connections):
        self.township = Township(folder)
        self.connections = connections
        self.now = 1000.0
        self.turns = 0
        self.stop = threading.Event()
        self.listener = consoles.listen("127.0.0.1", 0)
        self.address = self.listener.getsockname()
        self.url = f"http://127.0.0.1:{self.address[1]}"
        self.thread = threading.Thread(
            target=consoles.serve,
            args=(self.township.console(), self.listener, self._turned, self.stop),
            kwargs={"connections": connections, "now": lambda: self.now},
        )

    def _turned(self):
        self.turns += 1

    def __enter__(self):
        self.thread.start()
        assert httpx2.get(f"{self.url}/healthz", timeout=20).status_code == 200
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()
        self.township.close()

    def connect(self, said=b"", host="127.0.0.1"):
        connection = socket.create_connection(self.address, 20, source_address=(host, 0))
        connection.sendall(said)
        return connection

    def look(self, later=0.0):
        """Let so much time pass, and the server look at it."""
        self.now += later
        seen = self.turns
        wait_until(lambda: self.turns >= seen + 2)


@pytest.fixture
def serving(tmp_path):
    with ExitStack() as stack:
        yield lambda **limits: stack.enter_context(Served(tmp_path, Connections(**limits)))


def is_cut_off(connection):
    connection.settimeout(20)
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def is_open(connection):
    connection.settimeout(0)
    try:
        return connection.recv(1) != b""
    except BlockingIOError:
        return True
    except ConnectionResetError:
        return False


def answer(connection, end=b'"ok"}'):
    connection.settimeout(20)
    read = b""
    while end not in read:
        read += connection.recv(4096)
    return read


@contextmanager
def descriptors(most):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_half_sent_requests_keep_nobody_out(serving):
    served = serving(most=40)
    with ExitStack() as stack:
        for _ in range(300):
            stack.enter_context(served.connect(HALF))
        assert httpx2.get(f"{served.url}/healthz", timeout=20).status_code == 200
        wait_until(lambda: len(served.connections) <= 40)


def test_the_limit_follows_the_descriptors_there_are(serving):
    with descriptors(900):  # our own ends of the connections are among them
        served = serving()
        with ExitStack() as stack:
            for _ in range(350):
                stack.enter_context(served.connect(HALF))
            assert httpx2.get(f"{served.url}/healthz", timeout=20).status_code == 200
            assert len(served.connections) <= 300


def test_who_has_an_answer_under_way_stays(serving):
    served = serving(most=10)
    cookie = httpx2.post(f"{served.url}/api/v1/session", json={"name": "station", "password": PASSWORD}).headers[
        "set-cookie"
    ]
    asked = f"GET /api/v1/events HTTP/1.1\r\nHost: x\r\nCookie: {cookie.partition(';')[0]}\r\n\r\n"
    with ExitStack() as stack:
        stream = stack.enter_context(served.connect(asked.encode()))
        assert b"200 OK" in answer(stream, b"retry: 2000")
        for _ in range(50):
            stack.enter_context(served.connect(HALF))
        assert httpx2.get(f"{served.url}/healthz", timeout=20).status_code == 200
        served.look(later=3600)
        assert is_open(stream)


def test_one_address_takes_no_more_than_its_share(serving):
    served = serving(most=100, most_of_address=5)
    with ExitStack() as stack:
        other = stack.enter_context(served.connect(HALF, "127.0.0.2"))
        greedy = [stack.enter_context(served.connect(HALF, "127.0.0.3")) for _ in range(20)]
        wait_until(lambda: sum(map(is_open, greedy)) == 5)
        assert is_open(other)
        proxy = [stack.enter_context(served.connect(HALF)) for _ in range(20)]
        served.look()
        assert sum(map(is_open, greedy)) == 5
        assert all(map(is_open, proxy)), "a proxy speaks for many"


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (b"", 10),
        (HALF, 10),
        (b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{", 30),
    ],
    ids=["nothing", "half a head", "half a body"],
)
def test_who_does_not_come_to_the_point_is_cut_off(serving, said, seconds):
    served = serving()
    with served.connect(said) as connection:
        wait_until(lambda: len(served.connections) >= 1)
        served.look()
        served.look(later=seconds - 1)
        assert is_open(connection)
        connection.settimeout(20)
        if said:
            connection.sendall(b"X")  # a letter now and then is not coming to the point
        served.look(later=1)
        assert is_cut_off(connection)


def test_who_asks_again_and_again_stays(serving):
    served = serving()
    with served.connect(WHOLE) as connection:
        for _ in range(5):
            assert b"200 OK" in answer(connection)
            served.look(later=9)
            connection.settimeout(20)
            connection.sendall(WHOLE)
        assert b"200 OK" in answer(connection)


def test_who_does_not_take_the_answer_is_cut_off(serving):
    served = serving()
    asked = b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        connection.connect(served.address)
        connection.sendall(asked * 400)
        wait_until(lambda: served.connections.doing()[Phase.TAKING] == 1)
        served.look()
        served.look(later=29)
        assert served.connections.doing()[Phase.TAKING] == 1
        served.look(later=1)
        wait_until(lambda: len(served.connections) == 0)


def test_who_does_not_take_the_answer_does_not_keep_the_daemon_from_stopping(serving):
    served = serving()
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        connection.connect(served.address)
        connection.sendall(b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 400)
        wait_until(lambda: served.connections.doing()[Phase.TAKING] == 1)
        served.stop.set()
        served.thread.join(30)
        assert not served.thread.is_alive()


def test_connections_that_cannot_be_taken_are_one_line_a_minute(serving, caplog):
    served = serving()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with structlog.testing.capture_logs() as lines, ExitStack() as stack:
        waiting = [stack.enter_context(socket.socket()) for _ in range(5)]
        with descriptors(waiting[-1].fileno() + 1):
            for connection in waiting:
                connection.connect(served.address)
            wait_until(lambda: any(line["event"] == "console.deaf" for line in lines))
            served.look(later=30)
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (soft, hard)
        assert httpx2.get(f"{served.url}/healthz", timeout=20).status_code == 200
    assert [line["event"] for line in lines].count("console.deaf") == 1
    assert "Traceback" not in caplog.text


def test_an_answer_waits_for_nobody_to_confirm_its_headers():
    with consoles.listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
