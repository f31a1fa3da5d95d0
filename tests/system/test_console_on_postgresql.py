"""What PostgreSQL cannot keep, a NUL or a number of more than 64 bits, is the asker's fault and no trouble of ours."""

from __future__ import annotations

import json

import pytest
from starlette.testclient import TestClient

from firesense.answering import Answering
from firesense.domain.deed import Rights
from firesense.domain.instant import HOUR
from firesense.notify.links import Links
from firesense.notify.sms_gateway import SmsGatewayChannel, SmsGatewayOptions
from firesense.ports import User
from firesense.web import callbacks
from tests.console import HASH, ORG, PASSWORD, Township

pytestmark = pytest.mark.server

SECRET = "S" * 16
GATEWAY = SmsGatewayOptions("mqtt", "http://127.0.0.1:1", success="ok", callback_secret=SECRET)


@pytest.fixture
def township(tmp_path, database_url):
    township = Township(tmp_path, book=database_url)
    yield township
    township.close()


@pytest.fixture
def client(township):
    channels = {"mqtt": SmsGatewayChannel(GATEWAY, township.clock)}
    answering = Answering(township.book, township.desk, township.clock, channels, Links(b"x" * 16), lambda: ORG)
    routes = [callbacks(answering, lambda: township.plan, lambda _: None, wait=0)]
    with TestClient(township.console(routes=routes), raise_server_exceptions=False) as client:
        township.book.put_user(User("chief", HASH, rights=Rights.ADMIN))
        session = client.post("/api/v1/session", json={"name": "chief", "password": PASSWORD})
        client.headers["x-csrf-token"] = session.json()["csrf"]
        yield client


def test_what_no_book_can_keep_is_not_understood(client, township):
    fire = township.alarm().id
    hazard = {"key": "a" * 20, "place": "g", "wrong": "楼道\0堆物", "grade": "minor"}
    answers = {
        "verify": client.post(f"/api/v1/alerts/{fire}/verify", json={"finding": "fire", "note": "a\0b"}),
        "report": client.post("/api/v1/hazards", json=hazard),
        "audit of a person": client.get("/api/v1/audit", params={"who": "\0"}),
        "audit after a row": client.get("/api/v1/audit", params={"after": "9" * 20}),
        "log in": client.post("/api/v1/session", json={"name": "\0", "password": PASSWORD}),
    }
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(answers, 422)
    assert answers["report"].json()["detail"] == "填写的内容不完整或不正确。"
    assert client.post("/api/v1/hazards", json=hazard | {"wrong": "楼道堆物"}).status_code == 201


def test_what_a_provider_says_of_a_number_with_a_nul_in_it_is_of_nobody_and_need_not_come_again(client, township):
    def say(**report):
        return client.post(f"/callbacks/mqtt/{SECRET}", content=json.dumps(report)).status_code

    assert say(phone="139\0", text="1") == 200
    assert say(reference="\0", state="delivered") == 503, "the call may be made this moment"
    township.clock.at += HOUR
    assert say(reference="\0", state="delivered") == 200
