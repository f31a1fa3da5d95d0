from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from firesense.domain.alert import AlertClass, Case, Finding
from firesense.domain.deed import Actor
from firesense.domain.errors import HistoryDown
from firesense.domain.escalation import Climb, ClimbState
from firesense.domain.instant import MINUTE
from firesense.web import board
from firesense.web.parts import TEMPLATES
from firesense.web.shield import POLICY
from firesense.web.shown import show_alert
from tests.console import LADDER, NOW, ONE_TIME, PASSWORD, STATUS, Township
from tests.waiting import wait_until

ONCE = replace(LADDER, repeat=0)


@pytest.fixture
def township(tmp_path):
    township = Township(tmp_path)
    yield township
    township.close()


@pytest.fixture
def client(township):
    with TestClient(township.console()) as client:
        yield client


def log_in(client, name="station", password=PASSWORD, **more):
    return client.post("/login", data={"name": name, "password": password} | more)


def csrf(client):
    return re.search(r'name="csrf" value="(\w+)"', client.get("/").text)[1]


def test_whoever_is_not_logged_in_is_asked_first_and_led_back(client, township):
    alert = township.alarm()
    for path in ("/", f"/alerts/{alert.id}", "/password"):
        assert client.get(path).url.path == "/login"
    asked = client.get(f"/alerts/{alert.id}")
    assert f'value="/alerts/{alert.id}"' in asked.text
    assert log_in(client, next=f"/alerts/{alert.id}").url.path == f"/alerts/{alert.id}"


@pytest.mark.parametrize("path", ["/live/board", "/live/alerts/ABC", "/live/alerts/ABC/chart"])
def test_the_script_is_told_rather_than_led(client, path):
    assert client.get(path).status_code == 401


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/logout",
        "/rosters/swaps",
        "/report?next=//evil.example",
        "",
    ],
)
def test_nobody_is_led_elsewhere(client, wanted):
    answer = client.post(
        "/login", data={"name": "station", "password": PASSWORD, "next": wanted}, follow_redirects=False
    )
    assert answer.headers["location"] == "/"
    answer = client.get("/language/en", params={"next": wanted}, follow_redirects=False)
    assert answer.headers["location"] == "/"


@pytest.mark.parametrize(
    "page",
    [
        "/?closed=true",
        "/report?grid=g",
        "/report?grid=%E4%B8%89%E7%BB%84",
        "/hazards?overdue=true&place=g",
        "/hazards/responsibility?place=g",
        "/hazards/places?kind=grid",
        "/figures?period=2026-01&place=t",
        "/rosters",
        "/rosters?place=g",
        "/rosters/handover?place=t",
        "/quiet",
        "/login?next=/figures%3Fperiod%3D2026-01",
    ],
)
def test_another_language_is_chosen_without_losing_what_was_asked(client, page):
    if not page.startswith("/login"):
        log_in(client)
    there = re.search(r'href="(/language/en[^"]*)"', client.get(page).text)[1]
    assert client.get(there, follow_redirects=False).headers["location"] == page


def test_nobody_is_led_elsewhere_on_the_way_to_the_log_in(client):
    answer = client.get("/language/en", params={"next": "/login?next=//evil.example"}, follow_redirects=False)
    assert answer.headers["location"] == "/login?next=/"


def test_another_language_is_chosen_where_a_form_was_refused(client):
    log_in(client)
    form = {"csrf": csrf(client), "kind": "maintenance", "place": "nowhere", "minutes": "60", "why": "x"}
    refused = client.post("/quiet", data=form, headers={"Referer": "http://testserver/quiet"})
    assert refused.status_code == 409
    assert 'href="/language/en?next=/quiet"' in refused.text


def test_whoever_logs_in_gets_the_list_that_was_asked_for(client):
    asked = client.get("/hazards?overdue=true&place=g")
    assert asked.url.path == "/login"
    wanted = html.unescape(re.search(r'name="next" value="([^"]*)"', asked.text)[1])
    back = log_in(client, next=wanted)
    assert (back.url.path, back.url.query) == ("/hazards", b"overdue=true&place=g")


def test_a_link_from_another_site_asks_once_more_for_itself(client):
    answer = client.get("/", headers={"sec-fetch-site": "cross-site"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["refresh"]) == (200, "0")


def test_every_answer_carries_the_policy(client, township):
    alert = township.alarm()
    log_in(client)
    for path in ("/", "/login", f"/alerts/{alert.id}", "/nothing", "/healthz", "/api/v1/status", "/static/console.js"):
        headers = client.get(path).headers
        assert headers["content-security-policy"] == POLICY
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
    assert client.get("/").headers["cache-control"] == "no-store"
    assert client.get("/static/console.js").headers["cache-control"] == "no-cache"
    assert "unsafe" not in POLICY


def test_pages_bring_no_style_or_script_of_their_own_and_nothing_from_elsewhere(client, township):
    township.smoke()
    alert = township.alarm()
    log_in(client)
    for path in ("/", f"/alerts/{alert.id}", f"/live/alerts/{alert.id}/chart", "/password", "/login"):
        text = client.get(path).text
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script>|javascript:", text), path
        assert not re.search(r"(src|href)=\"(https?:)?//", text), path


def test_names_are_text_whatever_they_look_like(client, township):
    alert = township.alarm(device="smoke-2", text={"zh": "<img src=x onerror=alert(2)>"})
    township.book.close_alert(alert.id, "<b>he</b>", NOW, Finding.FAULT, "<script>alert(3)</script>")
    log_in(client)
    for path in ("/?closed=true", f"/alerts/{alert.id}"):
        text = client.get(path).text
        assert "&lt;script&gt;alert(1)" in text
        assert "&lt;img src=x" in text
        assert not re.search(r"<script>alert|<img src=x|<b>he", text)


def test_a_board_says_what_where_who_and_what_comes_next(client, township):
    township.alarm()
    log_in(client)
    text = client.get("/").text
    for words in (
        "火警",
        "烟感火警信号",
        "第三网格",
        "李奶奶家 客厅",
        "0.312 dB/m",
        "孙小梅",
        "已送达",
        "失败，将重试",
    ):
        assert words in text
    assert re.search(r'rung-now" aria-current="step"><span class="rung-who">网格员', text)
    assert re.search(r'rung-next"><span class="rung-who">网格长, 村\(社区\)负责人', text)
    assert f'data-due="{(NOW + 2 * MINUTE) // 1000}"' in text
    assert "13800001234" not in text


def test_the_gravest_come_first_and_what_nobody_has_before_the_rest(client, township):
    kinds = [AlertClass.TEST, AlertClass.FIRE, AlertClass.FAULT, AlertClass.HAZARD, AlertClass.FIRE]
    alerts = [township.alarm(n, kind) for n, kind in enumerate(kinds)]
    township.desk.acknowledge(alerts[4].id, Actor("he"))
    log_in(client)
    shown = re.findall(r'data-alert="(\w+)"', client.get("/").text)
    assert shown == [alerts[n].id for n in (1, 4, 3, 2, 0)]


def test_acknowledging_and_closing_by_form(client, township):
    alert = township.alarm()
    log_in(client)
    token = csrf(client)
    assert client.post(f"/alerts/{alert.id}/acknowledge", data={"back": "board"}).status_code == 403
    answer = client.post(f"/alerts/{alert.id}/acknowledge", data={"csrf": token, "back": "board"})
    assert answer.url.path == "/"
    assert "值班员甲 已接警" in answer.text
    form = {"csrf": token, "finding": "fire", "note": "出水扑灭", "though_firing": "1"}
    answer = client.post(f"/alerts/{alert.id}/close", data=form)
    assert answer.url.path == f"/alerts/{alert.id}"
    assert "值班员甲 办结" in answer.text
    assert "出水扑灭" in answer.text
    assert township.book.alert(alert.id).case is Case.CLOSED
    answer = client.post(f"/alerts/{alert.id}/close", data=form)
    assert (answer.status_code, "未执行" in answer.text) == (409, True)


def test_a_note_that_met_a_conflict_is_not_lost(client, township):
    alert = township.alarm()
    log_in(client)
    township.desk.acknowledge(alert.id, Actor("he"))
    answer = client.post(f"/alerts/{alert.id}/acknowledge", data={"csrf": csrf(client)})
    assert answer.status_code == 409
    assert "何大勇 已接警" in answer.text


def test_the_templates_are_ready_before_anybody_asks_for_a_page(client):
    wait_until(lambda: len(TEMPLATES.env.cache) >= len(TEMPLATES.env.list_templates()))
    assert client.get("/login").status_code == 200


def test_an_open_board_is_given_what_is_new_and_of_the_rest_only_the_names(client, township):
    first = township.alarm()
    log_in(client)
    known = re.search(r'data-edition="(.*?)"', client.get("/").text)[1]
    assert f'<li id="alert-{first.id}" data-same></li>' in client.get("/live/board", params={"known": known}).text
    assert client.get("/live/board").text.count("data-same") == 0
    second = township.alarm(2)
    part = wait_until(lambda: second.id in (text := client.get("/live/board", params={"known": known}).text) and text)
    assert f'href="/alerts/{second.id}"' in part
    assert f'<li id="alert-{first.id}" data-same></li>' in part


@pytest.mark.parametrize("known", ["nonsense", "another-zh-session-9", "-", "9" * 90])
def test_who_knows_of_no_edition_of_this_board_is_given_all_of_it(client, township, known):
    township.alarm()
    log_in(client)
    assert "data-same" not in client.get("/live/board", params={"known": known}).text


def test_a_page_of_a_session_that_is_over_is_given_all_of_it_with_the_new_token(client, township):
    township.alarm()
    log_in(client)
    known = re.search(r'data-edition="(.*?)"', client.get("/").text)[1]
    log_in(client)
    part = client.get("/live/board", params={"known": known}).text
    assert "data-same" not in part
    assert f'value="{csrf(client)}"' in part


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("", "登录"),
        ("fr-FR,fr;q=0.9", "登录"),
        ("en-GB,en;q=0.9,zh;q=0.8", "Log in"),
        ("fr, zh-CN;q=0.9, en;q=0.8", "登录"),
    ],
)
def test_the_browser_chooses_the_language(client, header, words):
    assert f"<h1>{words}</h1>" in client.get("/login", headers={"accept-language": header}).text


def test_people_choose_it_for_good(client):
    client.get("/language/en")
    assert "<h1>Log in</h1>" in client.get("/login", headers={"accept-language": "zh"}).text
    client.get("/language/xx")
    assert "<h1>Log in</h1>" in client.get("/login").text
    client.get("/language/zh")
    assert "<h1>登录</h1>" in client.get("/login").text


def test_a_refused_log_in_says_so_and_shows_no_more(client):
    unknown, wrong = log_in(client, "nobody", "x"), log_in(client, "station", "x")
    assert (unknown.status_code, wrong.status_code) == (401, 401)
    assert unknown.text.replace("nobody", "station") == wrong.text


def test_a_one_time_password_leads_to_a_new_one(client):
    assert log_in(client, "first", ONE_TIME).url.path == "/password"
    form = {"csrf": csrf(client), "password": "short", "again": "short"}
    assert "至少 10 个字符" in client.post("/password", data=form).text
    form |= {"password": "long enough now", "again": "long enough later"}
    assert "不一致" in client.post("/password", data=form).text
    form |= {"again": "long enough now"}
    assert client.post("/password", data=form).url.path == "/"
    form |= {"current": "not the current one"}
    answer = client.post("/password", data=form)
    assert (answer.status_code, "当前密码不正确" in answer.text) == (422, True)
    assert log_in(client, "first", "long enough now").url.path == "/"


def test_a_history_that_is_away_leaves_the_page_alone(client, township, monkeypatch):
    alert = township.alarm()
    log_in(client)

    def away(*_args):
        raise HistoryDown("connection refused")

    monkeypatch.setattr(township.history, "windows", away)
    assert client.get(f"/alerts/{alert.id}").status_code == 200
    chart = client.get(f"/live/alerts/{alert.id}/chart")
    assert (chart.status_code, "历史库暂时无法读取" in chart.text) == (503, True)
    assert chart.headers["retry-after"] == "10"


def test_a_board_too_long_for_a_page_goes_on_and_counts_all(client, township, monkeypatch):
    monkeypatch.setattr(board, "ALERTS_MOST", 2)
    strangers = [township.alarm(n, device=f"?smoke-{n}") for n in (5, 6, 7)]
    known = township.alarm(1)
    township.alarm(2, AlertClass.TEST)
    log_in(client)
    first = client.get("/").text
    assert re.findall(r'data-alert="(\w+)"', first) == [known.id, strangers[2].id]
    assert re.findall(r"<b>(\d+)</b> (\w+)", first) == [("4", "火警"), ("0", "隐患"), ("0", "故障"), ("1", "测试")]
    assert "本页 2 起待接警" in first
    (following,) = re.findall(r'href="/\?(after=\w+)"', first)
    second = client.get(f"/?{following}").text
    assert re.findall(r'data-alert="(\w+)"', second) == [strangers[1].id, strangers[0].id]
    assert f'data-follow="/live/board?{following}"' in second
    (last,) = re.findall(r'href="/\?(after=\w+)"', second)
    assert len(re.findall(r'data-alert="(\w+)"', client.get(f"/live/board?{last}").text)) == 1
    assert client.get("/?after=NONE").status_code == 404


def test_another_password_ends_all_other_sessions(client, township):
    log_in(client)
    with TestClient(township.console()) as other:
        log_in(other)
        form = {"csrf": csrf(client), "current": PASSWORD} | dict.fromkeys(("password", "again"), "a longer new one")
        assert client.post("/password", data=form).url.path == "/"
        assert client.get("/").url.path == "/"
        assert other.get("/").url.path == "/login"


def test_charts_of_the_alert_and_one_more(client, township):
    alert = township.alarm()
    log_in(client)
    assert "没有可绘制的读数" in client.get(f"/live/alerts/{alert.id}/chart").text
    township.smoke()
    text = client.get(f"/live/alerts/{alert.id}/chart?width=336").text
    assert re.findall(r"<figcaption>(\S+) <small>(\S+)</small>", text) == [("烟雾浓度", "dB/m"), ("温度", "°C")]
    assert 'viewBox="0 0 336 200"' in text
    unknown = township.alarm(2, device="ghost-1")
    assert "没有可绘制的读数" in client.get(f"/live/alerts/{unknown.id}/chart").text


def test_the_foot_of_the_board_says_which_brokers_are_there(township):
    status = STATUS | {"connected": {"main": True, "spare": False, "third": None}}
    with TestClient(township.console(status=lambda: status)) as client:
        log_in(client)
        text = client.get("/").text
        assert client.get("/api/v1/status").json()["connected"] == status["connected"]
    for said in ("● main 已连接", "✕ spare 已断开", "? third 连接情况不详"):
        assert said in text


def test_what_is_not_there(client):
    log_in(client)
    assert client.get("/alerts/NOSUCH").status_code == 404
    assert client.get("/alerts/..%2Fx").status_code in {404, 405, 422}
    assert "没有这项内容" in client.get("/nothing").text


@pytest.mark.parametrize(
    ("climb", "standings"),
    [
        (Climb("a", LADDER, rung=0, due_at=NOW), ["next", "later", "later", "later", "later"]),
        (Climb("a", LADDER, rung=3, due_at=NOW), ["done", "skipped", "now", "next", "later"]),
        (Climb("a", LADDER, rung=0, round=1, due_at=NOW), ["next", "skipped", "skipped", "skipped", "now"]),
        (Climb("a", ONCE, rung=0, round=1, due_at=NOW), ["done", "skipped", "skipped", "skipped", "now"]),
        (Climb("a", LADDER, ClimbState.ACKNOWLEDGED, rung=1), ["done", "later", "later", "later", "later"]),
        (Climb("a", LADDER, ClimbState.ACKNOWLEDGED, rung=2, round=2), ["done", "done", "later", "later", "later"]),
    ],
)
def test_where_a_climb_stands(township, climb, standings):
    alert = township.alarm()
    shown = show_alert(alert, climb, township.book.calls(alert.id), township.plan, "zh")
    assert [rung.standing for rung in shown.rungs] == standings


def test_a_message_nobody_subscribes_to_is_said_so_in_words(client, township):
    alert = township.alarm()
    call = township.book.calls(alert.id)[0]
    township.book.settle(replace(call, receipt="no subscriber", sent_at=NOW), NOW)
    log_in(client)
    page = client.get(f"/alerts/{alert.id}").text
    assert "无人订阅，可能没有人收到" in page
    assert "no subscriber" not in page
