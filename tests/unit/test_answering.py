"""What comes back from outside: early, from nobody, or from strangers."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from firesense.answering import Answering
from firesense.domain.callback import Callback
from firesense.domain.deed import Actor
from firesense.domain.escalation import CallState, ClimbState
from firesense.domain.instant import MINUTE, SECOND
from firesense.domain.place import Org, Person
from firesense.escalate import Target
from firesense.notify.aliyun import AliyunOptions, AliyunVoiceChannel
from firesense.notify.links import Links
from firesense.notify.mqtt import MqttChannel, MqttOptions
from firesense.web import callbacks
from tests.console import ORG, Township

SECRET = "S" * 16
VOICE = f"/callbacks/dingtalk/{SECRET}"
LINKS = Links(b"x" * 16)


@pytest.fixture
def township(tmp_path):
    township = Township(tmp_path)
    yield township
    township.close()


@pytest.fixture
def answering(township):
    voice = AliyunOptions("dingtalk", "k", "s", template="T", params={"a": "{what}"}, callback_secret=SECRET)
    channels = {
        "dingtalk": AliyunVoiceChannel(voice, township.clock),
        "mqtt": MqttChannel(MqttOptions("mqtt", "127.0.0.1", answers="answers/#"), township.clock),
    }
    org = Org(ORG.places.values(), ORG.posts.values(), [Person("ghost", "无名", {"mqtt": ""}), *ORG.people.values()])
    return Answering(township.book, township.desk, township.clock, channels, LINKS, lambda: org)


@pytest.fixture
def outside(township, answering):
    routes = [callbacks(answering, lambda: township.plan, lambda _: None, wait=0)]
    with TestClient(township.console(routes=routes), raise_server_exceptions=False) as client:
        yield client


def pressed(call_id):
    return [{"call_id": call_id, "status_code": "200000", "dtmf": "1"}]


def over_the_broker(answer):
    return Callback("answers/tablet", {}, {}, json.dumps(answer).encode(), by_broker=True)


def test_a_key_that_is_pressed_before_our_sending_came_back_is_not_lost(township, outside):
    alert = township.alarm()
    early = outside.post(VOICE, json=pressed("call-1"))
    assert (early.status_code, "retry-after" in early.headers) == (503, True)
    assert township.book.alert(alert.id).acknowledged_by == ""
    now = township.clock.at = township.clock.at + MINUTE
    [call] = [call for call, _ in township.book.lease_calls(now, now + MINUTE, 5) if call.channel == "dingtalk"]
    township.book.settle(replace(call, state=CallState.SENT, receipt="call-1", sent_at=now, attempts=1), now)
    assert outside.post(VOICE, json=pressed("call-1")).status_code == 200, "the provider says it once more"
    assert township.book.alert(alert.id).acknowledged_by == call.person


def test_a_provider_is_not_asked_for_ever_to_say_again_what_is_none_of_ours(township, outside):
    assert outside.post(VOICE, json=pressed("of-somebody-else")).status_code == 503
    township.clock.at += 11 * MINUTE
    assert outside.post(VOICE, json=pressed("of-somebody-else")).status_code == 200


def test_an_answer_that_does_not_say_whose_it_is_is_of_whoever_was_called(township, outside, answering):
    alert = township.alarm()
    call = next(call for call in township.book.calls(alert.id) if call.channel == "mqtt")
    answer = {"alert": alert.id, "take": LINKS.token(call)}
    assert outside.post("/callbacks/mqtt", json=answer).status_code == 403, "its broker says who may"
    assert township.book.alert(alert.id).acknowledged_by == ""
    answering.hear("mqtt", over_the_broker(answer))
    assert township.book.alert(alert.id).acknowledged_by == call.person == "sun"


def test_a_department_says_over_the_broker_that_it_comes_and_the_alert_is_still_to_be_taken(township, answering):
    alert = township.alarm()
    township.desk.whistle(alert.id, Actor("he"), Target("grid-leader"), "cut the power")
    calls = township.book.calls(alert.id)
    call = next(call for call in calls if (call.channel, call.strand) == ("mqtt", "w1"))
    answering.hear("mqtt", over_the_broker({"alert": alert.id, "take": LINKS.token(call)}))
    assert [whistle.state for whistle in township.book.whistles(alert.id)] == [ClimbState.STOPPED]
    assert township.book.alert(alert.id).acknowledged_by == ""


def test_strangers_write_few_lines_and_no_long_ones(township, outside, answering):
    with capture_logs() as written:
        for number in range(15):
            assert outside.post(f"/callbacks/dingtalk/guess-{number}", json=[]).status_code == 403
            answering.hear("mqtt", over_the_broker({"alert": "A" * 60_000, "take": "x"}))
        lines = [line for line in written if line["log_level"] == "warning"]
        assert len(lines) == 10
        assert lines[-1]["more_is_only_counted"]
        assert max(len(str(line)) for line in lines) < 300
        township.clock.at += 60 * SECOND
        outside.post("/callbacks/dingtalk/guess", json=[])
    assert written[-1]["event"] == "a callback was forged"
    assert answering.status.forged == 16
