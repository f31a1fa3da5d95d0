"""Roll calls in the console and the API."""

from __future__ import annotations

from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from firesense import rollcalls
from firesense.domain.deed import Rights
from firesense.domain.instant import SECOND
from firesense.domain.place import Org, Post
from firesense.domain.rollcall import RollCallState
from firesense.ports import User
from tests.console import HASH, PASSWORD, Township


@pytest.fixture
def township(tmp_path):
    built = Township(tmp_path)
    built.book.put_user(User("viewer", HASH, "he", rights=Rights.VIEWER))
    built.book.put_user(User("village", HASH, "he", place="v"))
    yield built
    built.close()


@pytest.fixture
def client(township):
    with TestClient(township.console(), base_url="http://testserver") as browser:
        yield browser


def log_in(client, name="station"):
    answer = client.post("/api/v1/session", json={"name": name, "password": PASSWORD})
    assert answer.status_code == 200
    return answer.json()["csrf"]


def start(client, token, role="station-duty", place="t"):
    asked = {"role": role, "place": place}
    return client.post("/api/v1/roll-calls", json=asked, headers={"X-CSRF-Token": token})


def test_a_roll_call_is_started_listed_and_written_down(client, township):
    token = log_in(client)
    answer = start(client, token)
    assert answer.status_code == 201
    begun = answer.json()
    assert (begun["state"], begun["started_by"], begun["within_seconds"]) == ("planned", "station", 180)
    assert client.get("/api/v1/roll-calls").json()["roll_calls"] == [begun]
    assert township.book.due_roll_calls(township.clock.at)[0][0].id == begun["id"], "duty asks it now"
    [entry] = [one.entry for one in township.book.audit(kind="roll-call")]
    assert (entry.who, entry.did, entry.target, entry.detail["role"]) == (
        "station",
        "started",
        begun["id"],
        "station-duty",
    )
    assert entry.origin.startswith("api ")


def test_who_presses_twice_means_one(client, township):
    token = log_in(client)
    assert start(client, token).status_code == 201
    township.clock.at += SECOND
    refused = start(client, token)
    assert (refused.status_code, refused.json()["detail"]) == (409, "未执行：该岗位 01-01 12:00:00 发出的查岗尚未结束")
    assert start(client, token, "grid-leader", "v").status_code == 201, "another post is another matter"
    assert len(township.book.roll_calls(0, township.clock.at + 1)) == 2


def test_what_is_to_come_is_not_shown(client, township):
    token = log_in(client)
    start(client, token)
    township.clock.at -= SECOND
    assert client.get("/api/v1/roll-calls").json() == {"roll_calls": []}
    assert "station-duty" not in client.get("/rollcalls").text.partition("<thead>")[2]


@pytest.mark.parametrize(
    ("user", "role", "place", "status"),
    [
        ("viewer", "station-duty", "t", 403),
        ("village", "station-duty", "t", 403),
        ("village", "grid-member", "g", 201),
        ("station", "station-duty", "v", 404),
        ("station", "", "", 404),
    ],
)
def test_roll_is_called_by_who_may_where_there_is_a_post(client, township, user, role, place, status):
    assert start(client, log_in(client, user), role, place).status_code == status
    assert len(township.book.roll_calls(0, township.clock.at + 1)) == (status == 201)


def test_without_the_token_nothing_is_started(client, township):
    log_in(client)
    assert start(client, "guessed").status_code == 403
    assert client.post("/rollcalls", data={"role": "station-duty", "place": "t"}).status_code == 403
    assert township.book.roll_calls(0, township.clock.at + 1) == []
    client.cookies.clear()
    assert client.get("/api/v1/roll-calls").status_code == 401


def test_the_page_has_a_button_and_shows_what_came_of_it(client, township):
    csrf = log_in(client)
    page = client.get("/rollcalls").text
    assert "近七天没有查岗" in page
    assert '<option value="t">柳林镇</option>' in page
    assert '<option value="d">' not in page, "there is no post"
    form = {"csrf": csrf, "role": "station-duty", "place": "t"}
    assert client.post("/rollcalls", data=form, follow_redirects=False).status_code == 303
    again = client.post("/rollcalls", data=form)
    assert (again.status_code, "尚未结束" in again.text) == (409, True)
    assert client.post("/rollcalls", data={**form, "place": "d"}).status_code == 404
    page = client.get("/rollcalls").text
    assert "柳林镇 · " in page
    assert "值班员甲" in page, "who started it"
    [call] = township.book.roll_calls(0, township.clock.at + 1)
    assert call.state is RollCallState.PLANNED
    client.cookies.set("firesense-language", "en")
    assert "Call the roll now" in client.get("/rollcalls").text


def test_the_page_says_who_answered_and_after_how_long(client, township):
    token = log_in(client)
    started = start(client, token).json()["id"]
    call, asked_at = township.book.roll_call(started), township.clock.at
    answered_at = asked_at + 42 * SECOND
    answered = replace(
        call, state=RollCallState.ANSWERED, people=("station",), asked_at=asked_at, answered_at=answered_at
    )
    assert township.book.move_roll_call(call, replace(answered, answered_by="station", due_at=None))
    page = client.get("/rollcalls")
    assert page.status_code == 200
    assert "值班员甲 · 00:42" in page.text
    assert "已应答" in page.text


def test_where_nobody_is_on_duty_the_page_and_the_api_say_so(client, township):
    org = township.plan.org
    posts = [*org.posts.values(), Post("village-head", "v")]
    township.plan = replace(township.plan, org=Org(org.places.values(), posts, org.people.values()))
    token = log_in(client)
    assert start(client, token).json()["vacant"] is False
    assert "无人当班" not in client.get("/rollcalls").text
    begun = start(client, token, "village-head", "v").json()
    assert (begun["vacant"], begun["people"]) == (True, [])
    assert "该岗位当前无人当班" in client.get("/rollcalls").text


def test_a_log_in_that_nobody_is_cannot_answer_for_who_is_on_duty(client, township):
    township.book.put_user(User("shared", HASH))
    call = township.book.roll_call(start(client, log_in(client)).json()["id"])
    asked = rollcalls.act(call, None, township.plan.org, township.plan.roll_calling, {"mqtt": "mqtt"}, call.planned_at)
    township.book.move_roll_call(call, asked.after, asked.deed)
    headers = {"X-CSRF-Token": log_in(client, "shared")}
    refused = client.post(f"/api/v1/alerts/{call.id}/acknowledge", headers=headers)
    assert (refused.status_code, "仅当班人员可应答查岗" in refused.json()["detail"]) == (409, True)
    headers = {"X-CSRF-Token": log_in(client)}
    assert client.post(f"/api/v1/alerts/{call.id}/acknowledge", headers=headers).status_code == 200


def test_who_may_only_look_sees_no_button(client):
    csrf = log_in(client, "viewer")
    assert '<form class="form"' not in client.get("/rollcalls").text
    assert client.post("/rollcalls", data={"csrf": csrf, "role": "station-duty", "place": "t"}).status_code == 403


def test_other_pages_lead_there(client):
    log_in(client)
    for page in ("/figures", "/rosters"):
        assert 'href="/rollcalls"' in client.get(page).text
