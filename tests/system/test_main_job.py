"""The main job for real: Mosquitto, InfluxDB or VictoriaMetrics, the daemon as a process, calls over MQTT, the API."""

from __future__ import annotations

import json
import time
import urllib.request
from http.cookiejar import CookieJar

import paho.mqtt.client as mqtt
import pytest

from firesense.app import open_history
from firesense.domain.alert import AlertClass
from tests.daemon import Daemon
from tests.waiting import wait_until

pytestmark = pytest.mark.server

GRID = "990100101201-01"
DEVICES = f"""\
id,device_class,profile,external_id,place,name,kind,gateway,tags,period
smoke-1,smoke,firesense-smoke,S1,{GRID},住户1号,flat,,,
water-1,water,firesense-water,W1,{GRID},干管1号,main,,,
electrical-1,electrical,firesense-electrical,E1,{GRID},配电箱1号,flat,,,
heater-1,heater,firesense-heater,H1,{GRID},取水口1号,intake,,,
"""


class Town:
    """A publisher of frames, and the phones of everybody who is called."""

    def __init__(self, port):
        self.calls = []
        self._last = 0
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="town", protocol=mqtt.MQTTv5)
        self.client.on_connect = lambda client, *_: client.subscribe("firesense/calls/#", qos=1)
        self.client.on_message = lambda _client, _data, message: self.calls.append(
            (message.topic.rpartition("/")[2], json.loads(message.payload))
        )
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def says(self, topic, payload):
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self.client.publish(topic, body, qos=1).wait_for_publish(10)

    def smoke(self, **says):
        now = self._last = max(time.time_ns() // 1_000_000, self._last + 1)  # a point is its device and instant
        self.says(
            "firesense/smoke/S1/up",
            {"ts": now, "alarm": 0, "smoke": 0.02, "temp": 21.5, "bat": 90, "rssi": -70, "test": 0, "tamper": 0}
            | {"fault": 0}
            | says,
        )
        return now

    def people(self):
        return {person for person, _ in self.calls}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def town(mosquitto):
    with Town(mosquitto.port) as built:
        yield built


class Api:
    """A program that has logged in."""

    def __init__(self, daemon):
        added = daemon.cli("user", "add", "station", "--person", "yang-min", "--one-time")
        assert added.returncode == 0, added.stderr
        self._url = f"{daemon.url}/api/v1"
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(CookieJar())
        )
        self._csrf = ""
        self._csrf = self.ask("POST", "/session", {"name": "station", "password": added.stdout.strip()})["csrf"]

    def ask(self, method, path, body=None):
        request = urllib.request.Request(  # noqa: S310 - http to 127.0.0.1
            self._url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "X-CSRF-Token": self._csrf},
        )
        with self._opener.open(request, timeout=20) as answer:
            return json.loads(answer.read() or b"null")


def act(daemon, town):
    """A fire from its readings to its end; gives the instants (ms) of the readings."""
    instants = [town.smoke(smoke=0.02), town.smoke(smoke=0.12), town.smoke(smoke=0.5, alarm=1)]
    town.says("firesense/water/W1/up", b'{"truncated')
    town.says("firesense/nobody/knows", b"{}")
    said = daemon.said
    wait_until(lambda: "zhang-wei" in town.people(), "the grid member is called", said=said)
    wait_until(lambda: {"wang-fang", "yang-min"} <= town.people(), "it climbs to the station", said=said)
    api = Api(daemon)
    [alert] = [one for one in api.ask("GET", "/alerts")["alerts"] if one["alert_class"] == "fire"]
    assert alert["place"]["code"] == GRID if isinstance(alert["place"], dict) else alert["place"] == GRID
    taken = api.ask("POST", f"/alerts/{alert['id']}/acknowledge")
    assert taken["case"] == "acknowledged"
    with daemon.book() as book:
        assert str(book.climb(alert["id"]).state) == "acknowledged"
        calls = len(book.calls(alert["id"]))
        wait_until(lambda: daemon.drained(4), "all frames are done and the ledger balances", said=said)
        assert len(book.calls(alert["id"])) == calls
        assert {str(refusal.reason) for refusal in book.quarantine()} <= {"malformed", "unknown-topic"}
        assert any(str(refusal.reason) == "malformed" for refusal in book.quarantine())
    town.smoke(smoke=0.03, alarm=0)
    closing = {"finding": "fire", "note": "已扑灭", "though_firing": True}
    closed = api.ask("POST", f"/alerts/{alert['id']}/close", closing)
    assert closed["case"] == "closed"
    balanced = daemon.cli("ledger")
    assert balanced.returncode == 0, balanced.stdout
    return instants


@pytest.mark.parametrize("protocol", ["mqtt5", "mqtt311"])
def test_from_a_frame_to_the_station_and_into_influxdb(tmp_path, mosquitto, influxdb, town, protocol):
    history = f"{{kind: influxdb1, url: '{influxdb.url}', database: firesense}}"
    with Daemon(
        tmp_path / "house", port=mosquitto.port, devices=DEVICES, protocol=protocol, history=history
    ).ready() as daemon:
        instants = act(daemon, town)

        def points():
            rows = influxdb.query("SELECT smoke_density, fire FROM smoke WHERE device = 'smoke-1'")
            return [(row["time"] // 1_000_000, row["smoke_density"], row["fire"]) for row in rows]

        wait_until(lambda: len(points()) == 4, "the points are in InfluxDB", said=daemon.said)
        assert points()[:3] == list(zip(instants, [0.02, 0.12, 0.5], [0, 0, 1], strict=True))


def test_from_a_frame_to_the_station_and_into_victoria_metrics(tmp_path, mosquitto, victoria_metrics, town):
    history = f"{{kind: victoriametrics, url: '{victoria_metrics.url}'}}"
    with Daemon(tmp_path / "house", port=mosquitto.port, devices=DEVICES, history=history).ready() as daemon:
        instants = act(daemon, town)

        def values():
            found = victoria_metrics.series('{__name__="smoke_smoke_density",device="smoke-1"}')
            return dict(zip(found[0]["timestamps"], found[0]["values"], strict=True)) if found else {}

        wait_until(lambda: len(values()) == 4, "the points are in VictoriaMetrics", said=daemon.said)
        assert [values()[at] for at in instants] == [0.02, 0.12, 0.5]


def test_every_street_can_be_a_process_of_its_own(tmp_path, mosquitto, town):
    daemon = Daemon(tmp_path / "house", port=mosquitto.port, devices=DEVICES)
    with daemon:
        for street in ("ingest", "alerting", "record", "duty", "web"):
            daemon.start(street)
        wait_until(daemon.answers, "the console answers", seconds=60, said=daemon.said)
        with daemon.journal() as journal:
            wait_until(journal.noted, "ingest has its broker", said=daemon.said)
        act(daemon, town)
        assert daemon.kill(15) == [0] * 5, daemon.said()


def test_killed_in_the_middle_nothing_is_lost_or_raised_twice(tmp_path, mosquitto, town):
    with Daemon(tmp_path / "house", port=mosquitto.port, devices=DEVICES, wait="60s").ready() as daemon:
        town.smoke(alarm=1)
        wait_until(lambda: "zhang-wei" in town.people(), "the grid member is called", said=daemon.said)
        daemon.kill()
        sent = [town.smoke(smoke=0.1 + n / 1000, alarm=1) for n in range(200)]
        daemon.ready()
        wait_until(
            lambda: daemon.drained(1 + len(sent)), "all frames are done and the ledger balances", said=daemon.said
        )
        with daemon.book() as book, open_history(daemon.settings) as history:
            assert len([alert for alert in book.alerts() if str(alert.alert_class) == "fire"]) == 1
            device = book.registry().get("smoke-1")
            series = history.raw(device, "smoke_density", sent[0] * 1000, sent[-1] * 1000 + 1)
            assert len(series.at) == len(set(sent))
        assert daemon.kill(15) == [0], daemon.said()


def test_from_a_frame_to_the_station_with_the_book_on_a_database_server(tmp_path, mosquitto, town, database_url):
    with Daemon(tmp_path / "house", port=mosquitto.port, devices=DEVICES, book=database_url).ready() as daemon:
        assert daemon.cli("check").stdout.startswith("sound: "), "the units do not start before it says so"
        act(daemon, town)
        assert not list((tmp_path / "house/data").glob("book.db*"))
        assert daemon.cli("audit", "verify").returncode == 0


@pytest.mark.parametrize("house_dies", [False, True])
def test_a_database_server_that_dies_delays_the_call_of_a_fire_and_loses_none(
    tmp_path, mosquitto, town, database_url, postgresql, house_dies
):
    with Daemon(
        tmp_path / "house", port=mosquitto.port, devices=DEVICES, book=database_url, wait="1h"
    ).ready() as daemon:
        town.smoke()
        wait_until(lambda: daemon.drained(1), "what the house was told is judged", said=daemon.said)
        postgresql.kill9()
        town.smoke(smoke=0.5, alarm=1)
        wait_until(lambda: "cannot use the book" in daemon.said(), "the house misses its book", said=daemon.said)
        assert not town.calls
        wait_until(
            lambda: daemon.readiness() == "the book cannot be used\n", "it says why", seconds=20, said=daemon.said
        )
        if house_dies:
            daemon.kill()
        postgresql.start()
        if house_dies:
            daemon.ready()
        wait_until(lambda: "zhang-wei" in town.people(), "the grid member is called", said=daemon.said)
        wait_until(lambda: daemon.drained(2), "all frames are done and the ledger balances", said=daemon.said)
        wait_until(lambda: daemon.readiness() == "ready\n", "the console is back", said=daemon.said)
        with daemon.book() as book:
            assert [alert.alert_class for alert in book.alerts()].count(AlertClass.FIRE) == 1
