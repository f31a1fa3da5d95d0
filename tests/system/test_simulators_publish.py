"""The simulators against a real broker: what they count is what arrives."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.servers import HOST, Certificates, Mosquitto

pytestmark = pytest.mark.server

SECONDS = 30


def command(port, *words):
    return [sys.executable, "-m", "simulators", "run", "--port", str(port), "--devices", "60", *words]


def lines(output):
    return [json.loads(line) for line in output.splitlines()]


@contextmanager
def listening(port):
    """Collect (topic, payload) of everything published; call what is given to wait until so many have come."""
    heard, news, subscribed = [], threading.Condition(), threading.Event()

    def on_message(_client, _data, message):
        with news:
            heard.append((message.topic, message.payload))
            news.notify_all()

    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.on_connect = lambda connected, *_: connected.subscribe("#", qos=1)
    client.on_subscribe = lambda *_: subscribed.set()
    client.on_message = on_message
    client.connect(HOST, port)
    client.loop_start()

    def until(count):
        with news:
            news.wait_for(lambda: len(heard) >= count, SECONDS)
            return list(heard)

    try:
        assert subscribed.wait(SECONDS)
        yield until
    finally:
        client.disconnect()
        client.loop_stop()


@pytest.mark.parametrize("protocol", ["311", "5"])
@pytest.mark.parametrize("qos", ["0", "1"])
def test_a_load_arrives_in_full(mosquitto, protocol, qos):
    words = ["--pace", "load", "--rate", "2000", "--duration", "2.2", "--qos", qos, "--protocol", protocol]
    with listening(mosquitto.port) as until:
        run = subprocess.run(command(mosquitto.port, *words), capture_output=True, text=True, timeout=60, check=True)
        *reports, total = lines(run.stdout)
        heard = until(total["sent"])
    assert total["done"]
    assert len(reports) >= 2
    assert len(heard) == total["sent"] > 3000
    assert total["acknowledged"] == (total["sent"] if qos == "1" else 0)
    assert len({topic for topic, _ in heard}) == 60
    timed = [frame for frame in heard if frame[1].startswith(b'{"ts"')]  # others tell whole seconds, or no time
    assert len(set(timed)) == len(timed) > 2000


@pytest.mark.parametrize("protocol", ["311", "5"])
def test_the_demo_pace_shows_a_staged_fire(mosquitto, tmp_path, protocol):
    labels = tmp_path / "labels.ndjson"
    words = ["--speed", "300", "--duration", "3", "--scenario", "smouldering_fire+0.5", "--labels", str(labels)]
    with listening(mosquitto.port) as until:
        run = subprocess.run(
            command(mosquitto.port, *words, "--protocol", protocol),
            capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        total = lines(run.stdout)[-1]
        heard = until(total["acknowledged"])
    (truth,) = lines(labels.read_text(encoding="utf-8"))
    assert truth["device"] == "smoke-00001"
    alarms = {topic for topic, payload in heard if payload.startswith(b'{"ts"') and b'"alarm":1,"smoke"' in payload}
    assert alarms == {"firesense/smoke/FS26000001/up"}
    assert total["sent"] == total["acknowledged"] == len(heard)


@pytest.mark.parametrize("pace", ["demo", "load"])
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_run_cleanly(mosquitto, pace, end):
    with listening(mosquitto.port) as until:
        run = subprocess.Popen(
            command(mosquitto.port, "--pace", pace, "--speed", "60"), stdout=subprocess.PIPE, text=True
        )
        until(10)
        run.send_signal(end)
        output, _ = run.communicate(timeout=SECONDS)
        total = lines(output)[-1]
        assert len(until(total["sent"])) == total["sent"]
    assert run.returncode == 0
    assert total["done"]
    assert total["sent"] == total["acknowledged"]


def test_the_demo_pace_outlives_its_broker(mosquitto):
    run = subprocess.Popen(command(mosquitto.port, "--speed", "60"), stdout=subprocess.PIPE, text=True)
    with listening(mosquitto.port) as until:
        until(10)
    mosquitto.kill9()
    assert "broker" in json.loads(run.stdout.readline())
    mosquitto.start()
    with listening(mosquitto.port) as until:
        assert len(until(10)) >= 10
    run.terminate()
    output, _ = run.communicate(timeout=SECONDS)
    assert run.returncode == 0
    assert lines(output)[-1]["done"]


@pytest.mark.parametrize("pace", ["demo", "load"])
def test_users_and_tls(tmp_path, monkeypatch, pace):
    monkeypatch.setenv("SIMULATORS_PASSWORD", "hydrant")
    certificates = Certificates.make(tmp_path / "tls")
    with Mosquitto(tmp_path / "mosquitto", users={"sensors": "hydrant"}, certificates=certificates) as broker:
        words = ["--pace", pace, "--speed", "600", "--duration", "1", "--user", "sensors"]
        words += ["--ca", str(certificates.authority)]
        run = subprocess.run(command(broker.tls_port, *words), capture_output=True, text=True, timeout=60, check=True)
        assert lines(run.stdout)[-1]["acknowledged"] > 0


@pytest.mark.parametrize("protocol", ["311", "5"])
def test_a_refused_load_says_so(tmp_path, protocol):
    with Mosquitto(tmp_path / "mosquitto", users={"sensors": "hydrant"}) as broker:
        words = command(broker.port, "--pace", "load", "--duration", "5", "--protocol", protocol)
        run = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 1
    assert "refused" in run.stderr
