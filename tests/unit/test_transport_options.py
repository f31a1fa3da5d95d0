"""What a transport can be told, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firesense.domain.errors import ConfigError
from firesense.settings import Broker
from firesense.transport import TRANSPORTS, MqttOptions
from firesense.transport.health import Health, backoff

GOOD = MqttOptions(name="main", host="broker", client_id="firesense", filters=("up/+/state", "#", "$queue/x"))


def test_good_options_have_no_faults():
    assert GOOD.faults() == []
    GOOD.check()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("name", ""),
        ("host", ""),
        ("port", 0),
        ("port", 65_536),
        ("client_id", ""),
        ("password", "without a user"),
        ("qos", 2),
        ("qos", -1),
        ("keep_alive", timedelta(milliseconds=500)),
        ("keep_alive", timedelta(days=1)),
        ("session_expiry", timedelta(seconds=-1)),
        ("session_expiry", timedelta(days=365 * 200)),
        ("receive_maximum", 0),
        ("receive_maximum", 65_536),
        ("batch_size", 0),
        ("backlog", 0),
        ("backlog_bytes", 0),
        ("max_packet", 0),
        ("filters", ()),
        ("shared_group", "a/b"),
    ],
)
def test_each_fault_is_found_in_its_place(option, value):
    (fault,) = replace(GOOD, **{option: value}).faults()
    assert fault.path == f"transport {'' if option == 'name' else 'main'}: {option}"
    assert fault.reason


@pytest.mark.parametrize("wrong", ["", "a/#/b", "#/a", "a#", "a+/b", "a/+b", "a\0b", "x" * 65_536, "$share/g/a", "##"])
def test_a_wrong_filter_is_found(wrong):
    (fault,) = replace(GOOD, filters=("a/#", wrong)).faults()
    assert fault.path == "transport main: filters[1]"


def test_all_faults_come_at_once():
    with pytest.raises(ConfigError) as refused:
        MqttOptions(name="", host="", port=0, qos=3).check()
    assert len(refused.value.faults) == 6


def test_shared_subscriptions_are_written_for_the_broker():
    assert GOOD.subscriptions == GOOD.filters
    assert replace(GOOD, shared_group="g").subscriptions == ("$share/g/up/+/state", "$share/g/#", "$share/g/$queue/x")


def test_a_password_is_not_shown():
    assert "secret" not in repr(replace(GOOD, username="daemon", password="secret"))


def test_every_transport_can_be_asked_for_in_the_settings():
    assert set(TRANSPORTS) == set(Broker.model_fields["protocol"].annotation.__args__)


@given(st.integers(0, 2000))
def test_backoff_grows_to_its_limit_and_never_beyond(attempt):
    first, limit = timedelta(seconds=0.5), timedelta(seconds=5)
    assert 0 <= backoff(attempt, first, limit) <= min(5.0, 0.5 * 2 ** min(attempt, 10))


def test_backoff_is_jittered():
    assert len({backoff(9, timedelta(seconds=1), timedelta(seconds=5)) for _ in range(20)}) > 10


def test_a_change_of_health_is_logged_once(capsys):
    health = Health("main")
    for _ in range(5):
        health.down("no answer")
    for _ in range(5):
        health.up()
    said = capsys.readouterr().out
    assert (said.count("no answer"), said.count("transport_connected")) == (1, 1)
