"""The API says why an alert was raised, without saying where people can be reached."""

from __future__ import annotations

from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from firesense.domain.because import Because, Witness
from firesense.domain.outcome import Outcome, Raise
from firesense.domain.readings import Quality
from tests.console import NOW, PASSWORD, Township

HEARD = Witness(NOW, NOW + 1, 41, int(Quality.LATE | Quality.RETAINED), {"fire": 1.0})


@pytest.fixture
def township(tmp_path):
    township = Township(tmp_path)
    yield township
    township.close()


@pytest.fixture
def client(township):
    with TestClient(township.console(), headers={"accept-language": "en"}) as client:
        client.post("/api/v1/session", json={"name": "station", "password": PASSWORD})
        yield client


def test_an_explanation_is_what_was_kept_with_the_alert(client, township):
    first = township.alarm()
    second = replace(first, id="SECOND0000", rule="another-rule")
    because = Because(second.id, {"when": "fire"}, {"kind": "flat (flat)"}, {"ladder": "township-fire"}, (HEARD,))
    township.book.commit(Outcome("alerting", 99, NOW, (Raise(second, None, (), (), because),)))
    told = client.get(f"/api/v1/alerts/{second.id}/explanation").json()
    assert (told["rule"], told["asked"], told["route"]) == (because.rule, because.asked, because.route)
    [reading] = told["readings"]
    assert reading["says"] == {"fire": 1.0}
    assert reading["quality"] == ["late", "retained"]
    assert told["rule_version_now"] == ""


def test_an_alert_of_before_explanations_were_kept_has_its_calls_all_the_same(client, township):
    alert = township.alarm()
    told = client.get(f"/api/v1/alerts/{alert.id}/explanation").json()
    assert told["readings"] == []
    assert len(told["calls"]) == 2
    assert not any("13800001234" in call["address"] for call in told["calls"])


def test_there_is_no_explanation_of_what_was_not_raised(client):
    assert client.get("/api/v1/alerts/NONE000000/explanation").status_code == 404
