from __future__ import annotations

import asyncio
import threading
from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from starlette.testclient import TestClient

from firesense.domain.alert import AlertClass, Finding
from firesense.domain.deed import Actor
from firesense.domain.errors import BookError, HistoryDown
from firesense.domain.instant import HOUR, MINUTE, SECOND
from firesense.ports import Series, User
from firesense.web.door import Door, Refused, TooManyAttempts
from firesense.web.reads import HistoryReads
from tests.console import NOW, ONE_TIME, PASSWORD, Township
from tests.waiting import wait_until

OPEN_TO_ALL = {"/healthz", "/api/v1/openapi.json"}


@pytest.fixture
def township(tmp_path):
    township = Township(tmp_path)
    yield township
    township.close()


@pytest.fixture
def client(township):
    with TestClient(township.console(), headers={"accept-language": "en"}) as client:
        yield client


def log_in(client, name="station", password=PASSWORD):
    answer = client.post("/api/v1/session", json={"name": name, "password": password})
    if answer.status_code == 200:
        client.headers["x-csrf-token"] = answer.json()["csrf"]
    return answer


def problem_of(answer, status):
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    return problem


def test_everything_needs_a_log_in(client):
    paths = client.get("/api/v1/openapi.json").json()["paths"]
    asked = 0
    for path, operations in paths.items():
        for method in operations:
            if path in OPEN_TO_ALL or (path, method) == ("/api/v1/session", "post"):
                continue
            url = path.replace("{alert_id}", "ABC").replace("{device_id}", "smoke-1")
            problem_of(client.request(method, url), 401)
            asked += 1
    assert asked >= 13


def test_log_in_out_and_the_cookie(client, township):
    assert problem_of(log_in(client, password="wrong"), 401)["detail"].startswith("Name and password")
    answer = log_in(client)
    assert (answer.json()["user"], answer.json()["person"]) == ("station", "station")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("firesense=")
    for attribute in ("HttpOnly", "SameSite=strict", "Path=/", "Max-Age=43200"):
        assert attribute in cookie
    assert client.get("/api/v1/session").json() == answer.json()
    token = client.cookies["firesense"]
    assert len(token) >= 43
    assert client.delete("/api/v1/session").status_code == 204
    assert client.get("/api/v1/session").status_code == 401
    client.cookies["firesense"] = token
    assert client.get("/api/v1/session").status_code == 401, "the session is over, not only the cookie gone"
    assert township.book.session_user(token, NOW) is None, "the book keeps hashes, not tokens"


def test_https_cookies_are_secure(township):
    with TestClient(township.console(secure_cookies=True), base_url="https://testserver") as client:
        answer = log_in(client)
        assert answer.headers["set-cookie"].startswith("__Host-firesense=")
        assert "Secure" in answer.headers["set-cookie"]
        assert answer.headers["strict-transport-security"]
        assert client.get("/api/v1/alerts").status_code == 200


def test_a_session_lasts_a_shift(client, township):
    log_in(client)
    township.clock.at += 12 * HOUR - SECOND
    assert client.get("/api/v1/session").status_code == 200
    township.clock.at += SECOND
    assert client.get("/api/v1/session").status_code == 401


def test_a_one_time_password_works_once(client, township):
    assert log_in(client, "first", ONE_TIME).status_code == 200
    assert client.get("/api/v1/alerts").status_code == 200
    problem_of(log_in(client, "first", ONE_TIME), 401)
    assert township.book.user("first") == User("first", "", one_time=True)
    problem_of(log_in(client, "first", " "), 401)


def test_a_name_is_left_alone_after_ten_failures_from_an_address_and_heard_again_later(client, township):
    for _ in range(10):
        problem_of(log_in(client, password="guess"), 401)
    answer = log_in(client)
    assert "300 seconds" in problem_of(answer, 429)["detail"]
    assert answer.headers["retry-after"] == "300"
    township.clock.at += 5 * MINUTE
    assert log_in(client).status_code == 200


def test_an_address_is_left_alone_whatever_names_it_tries(client):
    for n in range(20):
        problem_of(log_in(client, f"nobody-{n}", "guess"), 401)
    problem_of(log_in(client), 429)


def test_nobody_elses_failures_keep_an_officer_out(township):
    paused = []

    async def pause(seconds):
        paused.append(seconds)

    async def attack():
        door = Door(township.book, township.clock, pause)
        for n in range(30):
            with pytest.raises(Refused):
                await door.enter("station", "guess", f"192.0.2.{n}")
        assert len(paused) == 20, "from the eleventh on"
        assert (await door.enter("station", PASSWORD, "198.51.100.1")).user.name == "station"
        assert len(paused) == 21
        await door.enter("first", ONE_TIME, "198.51.100.1")
        assert len(paused) == 21, "nobody tries that name"
        for _ in range(10):
            with pytest.raises(Refused):
                await door.enter("station", "guess", "198.51.100.2")
        with pytest.raises(TooManyAttempts):
            await door.enter("station", PASSWORD, "198.51.100.2")
        await door.enter("station", PASSWORD, "198.51.100.1")

    asyncio.run(attack())


def test_good_log_ins_are_not_counted(client):
    for _ in range(25):
        assert log_in(client).status_code == 200


def test_a_change_needs_the_sessions_own_csrf_token(client, township):
    alert = township.alarm()
    log_in(client)
    own = client.headers.pop("x-csrf-token")
    for headers in ({}, {"x-csrf-token": "0" * 64}, {"x-csrf-token": "é".encode("latin-1")}):
        problem_of(client.post(f"/api/v1/alerts/{alert.id}/acknowledge", headers=headers), 403)
    other = TestClient(client.app)
    foreign = other.post("/api/v1/session", json={"name": "first", "password": ONE_TIME}).json()["csrf"]
    problem_of(client.post(f"/api/v1/alerts/{alert.id}/acknowledge", headers={"x-csrf-token": foreign}), 403)
    assert township.book.alert(alert.id).acknowledged_by == ""
    assert client.post(f"/api/v1/alerts/{alert.id}/acknowledge", headers={"x-csrf-token": own}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "https://evil.example"}],
    ids=lambda headers: next(iter(headers.values())),
)
def test_other_sites_change_nothing(client, headers):
    assert client.post("/api/v1/session", json={}, headers=headers).status_code == 403
    assert client.post("/login", data={}, headers=headers).status_code == 403


def test_an_alert_is_listed_taken_and_closed(client, township):
    alert = township.alarm()
    log_in(client)
    (listed,) = client.get("/api/v1/alerts").json()["alerts"]
    assert listed["id"] == alert.id
    assert [place["name"] for place in listed["place_path"]] == ["青河县", "柳林镇", "大槐树村", "第三网格"]
    assert (listed["value"], listed["unit"]) == (0.3125, "dB/m")
    assert listed["raised_at"] == "2026-01-01T04:00:00.000001Z"

    taken = client.post(f"/api/v1/alerts/{alert.id}/acknowledge")
    assert taken.json()["acknowledged_by"] == "station"
    detail = client.get(f"/api/v1/alerts/{alert.id}").json()
    assert detail["climb"]["state"] == "acknowledged"
    assert detail["climb"]["due_at"] is None
    assert [step["kind"] for step in detail["story"]][-1] == "acknowledged"

    closing = {"finding": "false-alarm", "note": " steam ", "though_firing": True}
    closed = client.post(f"/api/v1/alerts/{alert.id}/close", json=closing)
    assert (closed.json()["case"], closed.json()["note"]) == ("closed", "steam")
    problem_of(client.post(f"/api/v1/alerts/{alert.id}/close", json=closing), 409)
    assert client.get("/api/v1/alerts").json()["alerts"] == []
    assert len(client.get("/api/v1/alerts?open_only=false").json()["alerts"]) == 1


def test_an_alert_as_cap(client, township):
    alert = township.alarm()
    log_in(client)
    first = client.get(f"/api/v1/alerts/{alert.id}/cap")
    assert (first.status_code, first.headers["content-type"]) == (200, "application/cap+xml")
    assert b"<msgType>Alert</msgType>" in first.content
    township.desk.close(alert.id, Actor("station"), Finding.FALSE_ALARM, "steam", though_firing=True)
    assert b"<msgType>Cancel</msgType>" in client.get(f"/api/v1/alerts/{alert.id}/cap").content
    assert client.get(f"/api/v1/alerts/{alert.id}/cap?message=0").content == first.content
    asked = client.get(f"/api/v1/alerts/{alert.id}/cap?exercise=true&sender=99010042500101").content
    assert b"<sender>99010042500101</sender>" in asked
    assert b"<status>Exercise</status>" in asked
    problem = problem_of(client.get(f"/api/v1/alerts/{alert.id}/cap?message=2"), 404)
    assert "CAP messages 0 to 1" in str(problem) or "第0至第1条" in str(problem)
    problem_of(client.get("/api/v1/alerts/NOBODY/cap"), 404)
    problem_of(client.get(f"/api/v1/alerts/{alert.id}/cap?sender=me"), 422)


def test_what_somebody_else_has_is_a_conflict(client, township):
    alert = township.alarm()
    township.desk.acknowledge(alert.id, Actor("he"))
    log_in(client)
    problem_of(client.post(f"/api/v1/alerts/{alert.id}/acknowledge"), 409)


def test_no_address_is_given_away(client, township):
    alert = township.alarm()
    log_in(client)
    text = client.get(f"/api/v1/alerts/{alert.id}").text
    assert "13800001234" not in text
    assert "people/sun" not in text
    assert "孙小梅" in text


def test_alerts_come_in_pages(client, township):
    fires = [township.alarm(n) for n in range(3)]
    stranger = township.alarm(9, device="?smoke-9")
    hazard = township.alarm(5, AlertClass.HAZARD)
    log_in(client)
    pages, after = [], ""
    while after is not None:
        page = client.get("/api/v1/alerts", params={"after": after, "limit": 2}).json()
        pages.append([alert["id"] for alert in page["alerts"]])
        after = page["next"]
    assert pages == [[fires[2].id, fires[1].id], [fires[0].id, stranger.id], [hazard.id]]
    problem_of(client.get("/api/v1/alerts?after=NONE"), 404)
    problem_of(client.get("/api/v1/alerts?after=%27"), 422)


def test_a_value_that_is_no_number_is_null(client, township):
    alert = township.alarm(value=float("nan"))
    log_in(client)
    assert client.get(f"/api/v1/alerts/{alert.id}").json()["alert"]["value"] is None


def test_devices_come_in_pages(client):
    log_in(client)
    pages, after = [], ""
    while after is not None:
        page = client.get("/api/v1/devices", params={"after": after, "limit": 3}).json()
        pages.append([device["id"] for device in page["devices"]])
        after = page["next"]
    assert pages == [["heater-1", "smoke-1", "smoke-2"], ["water-1"]]
    assert page["total"] == 4
    assert client.get("/api/v1/devices/water-1").json()["kind"] == "hydrant"
    assert "nobody" in problem_of(client.get("/api/v1/devices/nobody"), 404)["detail"]


def series(client, **changes):
    given = {"column": "smoke_density", "from": "2026-01-01T03:00:00Z", "to": "2026-01-01T12:00:00+08:00"} | changes
    return client.get("/api/v1/devices/smoke-1/series", params=given)


def test_series_as_they_are_and_averaged(client, township):
    township.smoke(minutes=20, every=10)
    log_in(client)
    raw = series(client).json()
    assert (len(raw["at"]), raw["unit"], raw["truncated"]) == (120, "dB/m", False)
    assert raw["at"][0] == NOW - 20 * MINUTE
    averaged = series(client, every=60).json()
    assert averaged["at"] == [NOW - n * MINUTE for n in range(20, 0, -1)]
    assert averaged["count"] == [6] * 20
    assert all(low <= mean <= high for low, mean, high in zip(*(averaged[k] for k in ("low", "mean", "high"))))  # noqa: B905 - equal by the count above


@pytest.mark.parametrize(
    ("changes", "status", "word"),
    [
        ({"column": "nothing"}, 404, "nothing"),
        ({"from": "2026-01-01T05:00:00Z"}, 422, "end after"),
        ({"from": "2025-01-01T00:00:00Z", "every": 1}, 422, "10000"),
        ({"from": "2026-01-01T03:00:00"}, 422, "Something"),
        ({"every": 0}, 422, "Something"),
        ({"from": "0001-01-01T00:00:00+14:00"}, 422, "Something"),
        ({"from": "1969-12-31T23:59:59Z"}, 422, "Something"),
        ({"to": "9999-12-31T23:59:59-14:00"}, 422, "Something"),
        ({"to": "2262-01-01T00:00:01Z"}, 422, "Something"),
        ({"colour": "red"}, 422, "Something"),
    ],
)
def test_a_series_that_cannot_be(client, changes, status, word):
    log_in(client)
    assert word in problem_of(series(client, **changes), status)["detail"]


def test_what_is_wrong_with_a_request_is_named(client):
    log_in(client)
    problem = problem_of(client.get("/api/v1/alerts?limit=0"), 422)
    assert [error["path"] for error in problem["errors"]] == ["query.limit"]
    assert problem_of(client.post("/api/v1/alerts/ABC/close", json={"finding": "nonsense"}), 422)["errors"]
    assert "password" not in str(problem_of(client.post("/api/v1/session", json={"password": 7}), 422)["errors"][0])


def test_quarantine_and_strangers(client, township):
    township.refuse(b"\x00\xff{")
    log_in(client)
    (refusal,) = client.get("/api/v1/quarantine?reason=unknown-device").json()["refusals"]
    assert b64decode(refusal["payload"]) == b"\x00\xff{"
    assert client.get("/api/v1/quarantine?reason=malformed").json()["refusals"] == []
    problem_of(client.get("/api/v1/quarantine?reason=whatever"), 422)
    (stranger,) = client.get("/api/v1/strangers").json()["strangers"]
    assert (stranger["external_id"], stranger["frames"]) == ("eui-9", 1)


def test_status(client):
    log_in(client)
    status = client.get("/api/v1/status").json()
    assert status["ledger"]["balanced"] is True
    assert status["lags"] == {"alerting": 0, "record": 2}


def test_stores_that_are_away(client, township, monkeypatch):
    log_in(client)

    def away(*_args, **_named):
        raise HistoryDown("refused", timedelta(seconds=7))

    def unreadable(**_named):
        raise BookError("disk I/O error at /secret/path")

    monkeypatch.setattr(township.history, "raw", away)
    monkeypatch.setattr(township.book, "alerts", unreadable)
    answer = series(client)
    assert "history store" in problem_of(answer, 503)["detail"]
    assert answer.headers["retry-after"] == "7"
    assert "secret" not in str(problem_of(client.get("/api/v1/alerts"), 503))


def test_what_breaks_tells_nothing_and_keeps_the_policy(township, monkeypatch):
    with TestClient(township.console(), raise_server_exceptions=False) as client:
        log_in(client)
        monkeypatch.setattr(township.book, "alerts", lambda **_: 1 / 0)
        answer = client.get("/api/v1/alerts")
    assert "division" not in str(problem_of(answer, 500))
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_a_body_is_bounded_and_whoever_sends_more_is_told_in_the_usual_form(client, township):
    most = 64 * 1024
    log_in(client)
    alert = township.alarm()
    for content in (lambda: b"x" * (most + 1), lambda: iter([b"x" * most, b"x"])):
        answer = client.post("/api/v1/session", content=content())
        assert "too large" in problem_of(answer, 413)["detail"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        form = client.post("/login", content=content(), headers={"content-type": "application/x-www-form-urlencoded"})
        assert (form.status_code, form.headers["content-type"]) == (413, "text/html; charset=utf-8")
    closing = {"finding": "fire", "note": "x" * 2000, "though_firing": True}
    assert client.post(f"/api/v1/alerts/{alert.id}/close", json=closing).status_code == 200


def test_a_history_store_that_hangs_holds_up_nothing_but_charts(township):
    alert, other = township.alarm(1), township.alarm(2)
    hanging, goes_on = [], threading.Event()

    def hang(*_args):
        hanging.append(1)
        assert goes_on.wait(60)
        return Series(np.array([], dtype=np.int64), np.array([]))

    township.history.raw = hang
    console = township.console()
    console.state.parts = replace(console.state.parts, reads=HistoryReads(patience=timedelta(milliseconds=20)))
    with TestClient(console, headers={"accept-language": "en"}) as client, ThreadPoolExecutor(60) as people:
        log_in(client)
        asking = [people.submit(series, client) for _ in range(60)]
        wait_until(lambda: sum(each.done() for each in asking) == 56)
        try:
            for each in asking:
                if each.done():
                    answer = each.result()
                    assert "history store" in problem_of(answer, 503)["detail"]
                    assert answer.headers["retry-after"] == "5"
            assert len(hanging) == 4
            chart = client.get(f"/live/alerts/{other.id}/chart")
            assert (chart.status_code, chart.headers["retry-after"]) == (503, "5")
            assert client.post(f"/api/v1/alerts/{alert.id}/acknowledge").status_code == 200
        finally:
            goes_on.set()
        assert sorted(each.result().status_code for each in asking)[:5] == [200] * 4 + [503]
        assert series(client).status_code == 200


def references(node):
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for each in node:
            yield from references(each)


def test_the_openapi_document_is_whole(client):
    document = client.get("/api/v1/openapi.json").json()
    assert document["openapi"].startswith("3.")
    for reference in references(document):
        node = document
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names))
    assert all(operation["description"] for operation in operations)
    for path, methods in document["paths"].items():
        assert path.startswith("/api/v1/") or path == "/healthz"
        if path != "/healthz":
            for operation in methods.values():
                assert "application/problem+json" in operation["responses"]["401"]["content"], path
                for status, response in operation["responses"].items():
                    if int(status) >= 400:
                        assert list(response["content"]) == ["application/problem+json"], (path, status)


# -- whistles ---------------------------------------------------------------------------------------------------------


def test_a_department_is_whistled_for_and_comes(client, township):
    log_in(client)
    alert = township.alarm()
    url = f"/api/v1/alerts/{alert.id}"
    whistle = client.post(f"{url}/whistle", json={"role": "grid-leader", "reason": "cut the power"})
    assert whistle.status_code == 200, whistle.text
    assert (whistle.json()["strand"], whistle.json()["by"]) == ("w1", "station")
    assert whistle.json()["called"] == ["he"]
    (listed,) = client.get(f"{url}/whistles").json()
    assert listed == whistle.json()
    assert [line.entry.did for line in township.book.audit(kind="alert")] == ["whistled"]
    problem_of(client.post(f"{url}/whistle", json={"role": "committee-office"}), 422)
    assert (
        "no post navy" in problem_of(client.post(f"{url}/whistle", json={"role": "navy", "reason": "x"}), 409)["detail"]
    )
    asked = {"role": "power-company", "place": "xx", "reason": "x"}
    assert "no place xx" in problem_of(client.post(f"{url}/whistle", json=asked), 409)["detail"]
    chinese = {"Accept-Language": "zh"}
    refused = client.post(f"{url}/whistle", json={"role": "power-company", "reason": "x"}, headers=chinese)
    assert refused.json()["detail"] == "未执行：本地及上级均没有岗位 供电公司"
    problem_of(client.post(f"{url}/answer", json={}), 409)
    assert client.post(f"{url}/answer", json={"strand": "w1"}).json() == {"answered": ["w1"]}
