"""The production configuration for Mosquitto does what its comments say."""

from __future__ import annotations

import threading
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.servers import HOST, Mosquitto

pytestmark = pytest.mark.server

FOLDER = Path(__file__).parents[2] / "systemd"
SECONDS = 30
PATHS = {"password_file", "acl_file", "listener", "certfile", "keyfile"}  # of the machine it is written for


@pytest.fixture
def broker(tmp_path):
    lines = (FOLDER / "mosquitto.conf").read_text(encoding="utf-8").splitlines()
    pairs = dict(line.split(maxsplit=1) for line in lines if line and not line.startswith("#"))
    settings = {name: value for name, value in pairs.items() if name not in PATHS}
    rights = tmp_path / "rights"
    rights.write_text((FOLDER / "mosquitto.acl").read_text(encoding="utf-8"), encoding="utf-8")
    rights.chmod(0o600)
    users = {"firesense": "hydrant", "FS260001": "smoke", "FS260002": "smoke"}
    with Mosquitto(tmp_path / "mosquitto", users=users, settings=settings | {"acl_file": rights}) as server:
        yield server


class Client:
    """A client with a session that stays; ``topics`` are those of what came."""

    def __init__(self, port, user, password):
        self.topics, self._news, self._told = [], threading.Condition(), threading.Event()
        self.paho = paho.Client(CallbackAPIVersion.VERSION2, client_id=user, clean_session=False)
        self.paho.username_pw_set(user, password)
        self.paho.max_queued_messages_set(0)
        self.paho.on_connect = lambda *_: self._told.set()
        self.paho.on_subscribe = lambda *_: self._told.set()
        self.paho.on_message = self._take
        self.paho.connect(HOST, port)
        self.paho.loop_start()
        assert self._told.wait(SECONDS)

    def _take(self, _client, _data, message):
        with self._news:
            self.topics.append(message.topic)
            self._news.notify_all()

    def subscribe(self, pattern):
        self._told.clear()
        self.paho.subscribe(pattern, qos=1)
        assert self._told.wait(SECONDS)

    def publish(self, topic, qos=1):
        sent = self.paho.publish(topic, b"{}", qos=qos)
        sent.wait_for_publish(SECONDS)
        assert sent.is_published()

    def until(self, count):
        with self._news:
            self._news.wait_for(lambda: len(self.topics) >= count, SECONDS)
            return list(self.topics)

    def leave(self):
        self.paho.disconnect()
        self.paho.loop_stop()


@pytest.mark.parametrize(("frames", "qos"), [(1500, 1), (100, 0)])  # the default keeps 1000, and none with QoS 0
def test_nothing_is_dropped_while_firesense_is_away(broker, frames, qos):
    reader = Client(broker.port, "firesense", "hydrant")
    reader.subscribe("firesense/+/+/up")
    reader.leave()
    device = Client(broker.port, "FS260001", "smoke")
    for _ in range(frames):
        device.publish("firesense/smoke/FS260001/up", qos)
    device.leave()
    reader = Client(broker.port, "firesense", "hydrant")
    assert len(reader.until(frames)) == frames
    reader.leave()


def test_a_device_speaks_for_itself_only(broker):
    reader = Client(broker.port, "firesense", "hydrant")
    reader.subscribe("#")
    device = Client(broker.port, "FS260001", "smoke")
    device.publish("firesense/smoke/FS260002/up")
    device.publish("firesense/calls/zhang")
    device.publish("firesense/smoke/FS260001/up")
    assert reader.until(1) == ["firesense/smoke/FS260001/up"]
    reader.publish("firesense/calls/zhang")
    assert reader.until(2)[1:] == ["firesense/calls/zhang"]
    device.leave()
    reader.leave()
