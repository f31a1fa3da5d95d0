"""Twenty short runs of the torture, and what it stands on: a proxy that does what it says.

More, longer, or one of them again: ``make torture RUNS=1000 SEED=7``; docs/reliability.md says what a run is.
"""

from __future__ import annotations

import http.client
import os
import socket
import threading

import pytest

from tests.faults import FaultProxy
from tests.servers import HOST
from tests.torture.plan import draw
from tests.torture.run import Run, report
from tests.torture.store import StoreFront

pytestmark = pytest.mark.server

RUNS = int(os.environ.get("TORTURE_RUNS", "20"))
SEED = int(os.environ.get("TORTURE_SEED", "1"))


@pytest.mark.timeout(400)
@pytest.mark.parametrize("seed", range(SEED, SEED + RUNS))
def test_nothing_is_lost_and_nothing_is_raised_twice(seed, tmp_path):
    result = Run(draw(seed, seconds=6, faults=4), tmp_path / f"seed-{seed}").go()
    assert not result.wrong, report(result)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("seed", range(SEED, SEED + RUNS // 5))
def test_the_same_holds_with_the_book_on_a_database_server(seed, tmp_path):
    result = Run(draw(seed, seconds=6, faults=4, book="postgresql"), tmp_path / f"seed-{seed}").go()
    assert not result.wrong, report(result)


class Echo:
    """A server that sends back what it gets."""

    def __enter__(self):
        self._listener = socket.create_server((HOST, 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def _serve(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._echo, args=(connection,), daemon=True).start()

    @staticmethod
    def _echo(connection):
        with connection:
            try:
                while data := connection.recv(4096):
                    connection.sendall(data)
            except OSError:
                return

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def proxy():
    with Echo() as echo, FaultProxy(echo.port) as built:
        yield built


@pytest.fixture
def client(proxy):
    with socket.create_connection((HOST, proxy.port), timeout=10) as connection:
        assert said(connection, b"hello") == b"hello"
        yield connection


def said(connection, data):
    connection.sendall(data)
    return heard(connection, len(data))


def heard(connection, most):
    """So many bytes, or what there is before the end."""
    data = b""
    while len(data) < most and (more := connection.recv(most - len(data))):
        data += more
    return data


def silent(connection):
    """Whether nothing comes for a moment. What must not come cannot be waited for."""
    connection.settimeout(0.3)
    try:
        connection.recv(1)
    except TimeoutError:
        return True
    finally:
        connection.settimeout(10)
    return False


def test_a_reset_connection_is_reset(proxy, client):
    proxy.reset()
    with pytest.raises(ConnectionResetError):
        client.recv(1)


def test_a_dropped_connection_ends(proxy, client):
    proxy.drop()
    assert client.recv(1) == b""


def test_a_cut_line_is_silent_and_goes_on_when_healed(proxy, client):
    proxy.cut()
    client.sendall(b"later")
    assert silent(client)
    proxy.heal()
    assert heard(client, 5) == b"later"


def test_a_half_open_connection_takes_everything_and_says_nothing(proxy, client):
    proxy.half_open()
    client.sendall(b"anybody?")
    assert silent(client)
    with socket.create_connection((HOST, proxy.port), timeout=10) as another:
        assert said(another, b"hello") == b"hello"


def test_a_truncated_answer_ends_in_its_middle(proxy, client):
    proxy.truncate(3)
    client.sendall(b"hello")
    assert heard(client, 5) == b"hel"
    assert client.recv(1) == b""


def test_a_throttled_line_passes_everything_on(proxy, client):
    proxy.rate = 20_000
    data = os.urandom(10_000)
    assert said(client, data) == data


def test_a_refused_connection_is_refused(proxy):
    proxy.refuse = True
    with pytest.raises(ConnectionResetError), socket.create_connection((HOST, proxy.port), timeout=10) as connection:
        connection.recv(1)


def test_a_front_that_forgets_has_forgotten(influxdb):
    def write(front, value):
        connection = http.client.HTTPConnection(HOST, front.port, timeout=10)
        connection.request("POST", "/write?db=firesense", f"smoke,device=a smoke_density={value} {int(value)}")
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status

    with StoreFront(influxdb.url, forgetful=True, poison=frozenset({"3.0"})) as front:
        assert write(front, 1.0) == 204
        front.crash()
        front.behave = ""
        assert write(front, 2.0) == 204
        assert write(front, 3.0) == 400
        front.settle()
        assert front.forgotten == 1
    assert [row["smoke_density"] for row in influxdb.query("SELECT smoke_density FROM smoke")] == [2.0]
