"""What a program sent and cannot be used is said in its language, fault by fault."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from tests.console import PASSWORD, Township


@pytest.fixture
def township(tmp_path):
    township = Township(tmp_path)
    yield township
    township.close()


@pytest.fixture
def client(township):
    with TestClient(township.console(), headers={"accept-language": "zh"}) as client:
        session = client.post("/api/v1/session", json={"name": "station", "password": PASSWORD})
        client.headers["x-csrf-token"] = session.json()["csrf"]
        yield client


def faults(answer):
    assert answer.status_code == 422
    return {each["path"]: each["reason"] for each in answer.json()["errors"]}


WHERE = {"latitude": 39.9, "longitude": 116.4}


@pytest.mark.parametrize(
    ("deed", "said", "path", "reason"),
    [
        ("whistle", {"reason": " "}, "body.reason", "至少 1 个字符"),
        ("whistle", {}, "body.reason", "缺少此项"),
        ("whistle", {"reason": 7}, "body.reason", "应为文字"),
        ("whistle", {"reason": "断电" * 300}, "body.reason", "最多 500 个字符"),
        ("whistle", {"reason": "断电", "rung": 0}, "body.rung", "不得小于 1"),
        ("whistle", {"reason": "断电", "rung": "first"}, "body.rung", "应为整数"),
        ("whistle", {"reason": "断电", "rung": 1.5}, "body.rung", "应为整数"),
        ("silence", {"ground": "because"}, "body.ground", "只能是 'below-limit'、'video'、'on-site'"),
        ("verify", {"finding": "fire", "position": WHERE | {"latitude": 91}}, "body.position.latitude", "不得大于 90"),
        ("verify", {"finding": "fire", "position": WHERE | {"latitude": []}}, "body.position.latitude", "应为数字"),
        ("verify", {"finding": "fire", "position": 5}, "body.position", "应为对象"),
    ],
)
def test_a_fault_of_a_value_is_said_in_chinese(client, township, deed, said, path, reason):
    answer = client.post(f"/api/v1/alerts/{township.alarm().id}/{deed}", json=said)
    assert faults(answer)[path] == reason


def test_a_fault_is_said_in_english_and_a_rare_one_as_the_library_says_it(client, township):
    url = f"/api/v1/alerts/{township.alarm().id}"
    english = {"accept-language": "en"}
    answer = client.post(f"{url}/silence", json={"ground": "because"}, headers=english)
    assert faults(answer) == {"body.ground": "Should be one of 'below-limit', 'video', 'on-site'"}
    assert "a role or a person" in faults(client.post(f"{url}/dispatch", json={}))["body"]


def test_what_is_no_json_is_said_to_be_none(client, township):
    url = f"/api/v1/alerts/{township.alarm().id}/whistle"
    answer = client.post(url, content=b'{"reason": ', headers={"content-type": "application/json"})
    assert list(faults(answer).values()) == ["不是有效的 JSON"]
