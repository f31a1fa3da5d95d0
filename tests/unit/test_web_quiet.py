"""Quiet windows in the console and the API."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from starlette.testclient import TestClient

from firesense.domain.alert import AlertClass
from firesense.domain.deed import Actor
from firesense.domain.instant import instant, micros
from firesense.domain.quiet import Quiet, QuietKind
from firesense.quieting import notice
from tests.console import NOW, PASSWORD, Township

HE = Actor("he")
HOUR = timedelta(hours=1)


@pytest.fixture
def township(tmp_path):
    built = Township(tmp_path)
    yield built
    built.close()


@pytest.fixture
def client(township):
    with TestClient(township.console(), base_url="http://testserver") as browser:
        yield browser


@pytest.fixture
def token(client):
    answer = client.post("/api/v1/session", json={"name": "station", "password": PASSWORD})
    assert answer.status_code == 200
    return answer.json()["csrf"]


def post(client, token, path, **asked):
    return client.post(f"/api/v1/quiet{path}", json=asked, headers={"X-CSRF-Token": token})


def test_what_is_quiet_is_listed_and_counted_with_who_and_why(client, token, township):
    begun = post(client, token, "/maintenance", place="g", minutes=60, why="new batteries")
    assert begun.status_code == 200
    township.clock.at += 1
    post(client, token, "/walk-test", place="g", tester="sun", minutes=30, why="quarterly")
    listed = client.get("/api/v1/quiet").json()
    assert listed["counts"] == {"maintenance": 1, "shelved": 0, "walk-test": 1}
    [maintenance, walk] = listed["windows"]
    assert (maintenance["what"], maintenance["who"], maintenance["why"]) == ("g", "station", "new batteries")
    assert walk["tester"] == "sun"


def test_an_end_and_a_longer_time_can_be_asked_for(client, token):
    window = post(client, token, "/maintenance", place="g", minutes=60, why="new batteries").json()
    longer = post(client, token, f"/{window['id']}/extend", minutes=120).json()
    assert longer["ends_at"] > window["ends_at"]
    over = post(client, token, f"/{window['id']}/end").json()
    assert over["ends_at"] < window["ends_at"]
    assert post(client, token, f"/{window['id']}/end").status_code == 409


@pytest.mark.parametrize(
    ("path", "asked", "status"),
    [
        ("/maintenance", {"place": "g", "minutes": 600, "why": "long"}, 409),
        ("/maintenance", {"place": "nowhere", "minutes": 60, "why": "x"}, 404),
        ("/maintenance", {"place": "g", "minutes": 0, "why": "x"}, 422),
        ("/maintenance", {"place": "g", "minutes": 60, "why": ""}, 422),
        ("/maintenance", {"place": "g", "minutes": 60, "why": "x", "starts_at": "9999-12-31T20:00:00Z"}, 409),
        ("/maintenance", {"place": "g", "minutes": 60, "why": "x", "starts_at": "0001-01-01T00:00:00+14:00"}, 409),
        ("/shelved", {"minutes": 60, "why": "x"}, 409),
        ("/shelved", {"alert": "NOSUCH", "minutes": 60, "why": "x"}, 404),
        ("/walk-test", {"place": "g", "tester": "nobody", "minutes": 60, "why": "x"}, 404),
        ("/walk-test", {"place": "g", "tester": "sun", "minutes": 180, "why": "x"}, 409),
    ],
)
def test_what_cannot_be_is_refused(client, token, path, asked, status):
    assert post(client, token, path, **asked).status_code == status
    assert client.get("/api/v1/quiet").json()["windows"] == []


def test_nobody_makes_it_quiet_without_a_token_or_a_log_in(client, township):
    asked = {"place": "g", "minutes": 60, "why": "x"}
    assert client.post("/api/v1/quiet/maintenance", json=asked).status_code == 401
    assert client.get("/api/v1/quiet").status_code == 401
    client.post("/api/v1/session", json={"name": "station", "password": PASSWORD})
    assert client.post("/api/v1/quiet/maintenance", json=asked).status_code == 403
    assert township.quiet.windows() == []


def test_fire_is_not_shelved_and_a_fault_is(client, token, township):
    fire, fault = township.alarm(1), township.alarm(2, AlertClass.FAULT)
    assert post(client, token, "/shelved", alert=fire.id, minutes=60, why="toast").status_code == 409
    assert post(client, token, "/shelved", alert=fault.id, minutes=60, why="known").status_code == 200


@pytest.mark.usefixtures("token")
def test_every_board_shows_what_is_quiet(client, township):
    assert "hushed" not in client.get("/").text
    township.quiet.walk("g", "sun", HE, "quarterly", HOUR)
    for path in ("/", "/live/board"):
        page = client.get(path).text
        assert "hushed" in page
        assert "第三网格" in page


def test_a_page_sets_and_ends_it(client, token, township):
    form = {"csrf": token, "kind": "maintenance", "place": "g", "minutes": "60", "why": "new <batteries>"}
    client.post("/quiet", data=form)
    [window] = township.quiet.windows()
    page = client.get("/quiet").text
    assert "new &lt;batteries&gt;" in page
    client.post(f"/quiet/{window.id}/end", data={"csrf": token})
    township.clock.at += 1
    assert township.book.quiet(window.id).ended_by == "station"


def test_a_page_says_why_it_refuses(client, token, township):
    form = {"csrf": token, "kind": "walk-test", "place": "g", "tester": "nobody", "minutes": "60", "why": "x"}
    answer = client.post("/quiet", data=form)
    assert answer.status_code == 409
    assert "nobody" in answer.text
    assert township.quiet.windows() == []


@pytest.mark.usefixtures("token")
def test_the_report_of_a_walk_test_is_a_page_a_table_and_a_document(client, township):
    window = township.quiet.walk("g", "sun", HE, "quarterly", HOUR)
    document = client.get(f"/api/v1/quiet/{window.id}/report").json()
    devices = [each["device"] for each in document["devices"]]
    assert (document["heard"], document["missing"]) == (0, len(devices))
    assert client.get(f"/quiet/{window.id}").status_code == 200
    table = list(csv.reader(StringIO(client.get(f"/quiet/{window.id}/report.csv").text.removeprefix("\ufeff"))))
    assert table[0] == ["device", "name", "place", "heard_at", "rule", "times"]
    assert [row[0] for row in table[1:]] == devices


def test_an_alert_is_shelved_on_its_page_and_says_so(client, token, township):
    fault = township.alarm(2, AlertClass.FAULT)
    page = client.get(f"/alerts/{fault.id}").text
    assert f'action="/quiet/alerts/{fault.id}"' in page
    form = {"csrf": token, "minutes": "60", "why": "parts ordered"}
    assert client.post(f"/quiet/alerts/{fault.id}", data=form, follow_redirects=False).status_code == 303
    [window] = township.quiet.windows()
    assert (window.rule, window.device, window.alert) == (fault.rule, fault.device, fault.id)
    assert township.book.counts().quiet == {"shelved": 1}
    township.book.hold([(fault.id, window)], township.clock.at)
    assert client.get(f"/api/v1/alerts/{fault.id}").json()["alert"]["quiet"] == window.id
    assert f'action="/quiet/alerts/{fault.id}"' not in client.get(f"/alerts/{fault.id}").text


def test_a_fire_has_no_shelf(client, token, township):
    fire = township.alarm(1)
    assert f'action="/quiet/alerts/{fire.id}"' not in client.get(f"/alerts/{fire.id}").text
    form = {"csrf": token, "minutes": "60", "why": "toast"}
    assert client.post(f"/quiet/alerts/{fire.id}", data=form).status_code == 409


@pytest.mark.usefixtures("token")
def test_a_window_beyond_the_calendar_does_not_take_the_board_from_everybody(client, township):
    begin = instant(datetime(9999, 12, 31, 20, tzinfo=UTC))
    end = begin + micros(HOUR)
    quiet = Quiet("old", QuietKind.MAINTENANCE, "he", "x", NOW, begin, end, begin, place="g")
    township.book.start_quiet(quiet, notice(quiet, township.plan.org, township.plan.registry), HE)
    for path in ("/", "/quiet", "/api/v1/quiet"):
        assert client.get(path).status_code == 200, path
