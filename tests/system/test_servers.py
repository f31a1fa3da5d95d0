"""The servers other tests build on: they start, keep data and port over a crash, and let the right people in."""

from __future__ import annotations

import ssl

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from tests.servers import HOST, Certificates, Mosquitto

pytestmark = pytest.mark.server


def connect_code(port: int, protocol: MQTTProtocolVersion, user: str = "", password: str = "", ca: str = "") -> str:
    """Connect once and give the reason of the CONNACK."""
    answers: list[str] = []
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=protocol)
    client.on_connect = lambda _client, _data, _flags, code, _properties: answers.append(code.getName())
    if user:
        client.username_pw_set(user, password)
    if ca:
        client.tls_set(ca, cert_reqs=ssl.CERT_REQUIRED)
    client.connect(HOST, port)
    while not answers and client.loop(5) == paho.MQTT_ERR_SUCCESS:
        continue
    client.disconnect()
    return answers[0]


@pytest.mark.parametrize("protocol", [MQTTProtocolVersion.MQTTv311, MQTTProtocolVersion.MQTTv5])
def test_mosquitto_speaks_both_versions(mosquitto, protocol):
    assert connect_code(mosquitto.port, protocol) == "Success"


def test_mosquitto_lets_in_its_users_only_and_speaks_tls(tmp_path):
    certificates = Certificates.make(tmp_path / "tls")
    with Mosquitto(tmp_path / "m", users={"ingest": "hydrant"}, certificates=certificates) as broker:
        for_version_5 = MQTTProtocolVersion.MQTTv5
        ca = str(certificates.authority)
        assert connect_code(broker.tls_port, for_version_5, "ingest", "hydrant", ca) == "Success"
        assert connect_code(broker.port, for_version_5, "ingest", "wrong") == "Not authorized"
        assert connect_code(broker.port, for_version_5) == "Not authorized"


def test_a_crashed_broker_comes_back_on_its_port(mosquitto):
    port, first = mosquitto.port, mosquitto.pid
    mosquitto.kill9()
    assert not mosquitto.running
    assert not mosquitto.answers()
    mosquitto.start()
    assert (mosquitto.port, mosquitto.answers()) == (port, True)
    assert mosquitto.pid != first


def test_influxdb_keeps_points_over_a_crash(influxdb):
    influxdb.ask("/write", body=b"smoke,device=a density=0.25 1000000000", db=influxdb.database)
    influxdb.kill9()
    influxdb.start()
    assert influxdb.query("SELECT density FROM smoke GROUP BY device") == [
        {"time": 1_000_000_000, "density": 0.25, "device": "a"}
    ]


def test_victoria_metrics_gives_back_what_it_took(victoria_metrics):
    victoria_metrics.ask("/api/v2/write", body=b"smoke,device=a density=0.25 1767225600000000000")
    (series,) = victoria_metrics.series('{__name__="smoke_density"}')
    assert series["values"] == [0.25]
    assert series["timestamps"] == [1_767_225_600_000]
    assert series["metric"]["device"] == "a"
