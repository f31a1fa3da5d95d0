"""The console as people have it: a real server, a real browser."""

from __future__ import annotations

from datetime import timedelta

import httpx2
import pytest
from playwright.sync_api import expect

from firesense.domain.alert import AlertClass, Grade
from firesense.domain.deed import Actor
from firesense.domain.errors import HistoryDown
from tests.browser import PATIENCE, RealClock, Served
from tests.console import ONE_TIME, PASSWORD, Township

pytestmark = pytest.mark.server
BETWEEN = 5000  # ms between telephone and platform, GB/T 45839-2025 5.12.5


@pytest.fixture
def township(tmp_path):
    township = Township(tmp_path, RealClock())
    yield township
    township.close()


@pytest.fixture
def page(chromium, request):
    options = {"locale": "zh-CN", "viewport": {"width": 1280, "height": 900}} | getattr(request, "param", {})
    context = chromium.new_context(**options)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.complaints = []
    page.on("console", lambda message: page.complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    yield page
    context.close()


def log_in(page, served, name="station", password=PASSWORD):
    page.goto(served.url)
    page.fill("#name", name)
    page.fill("#password", password)
    page.click("main button")


def test_an_alert_appears_by_itself_is_taken_and_its_climb_stops(page, served, township):
    log_in(page, served)
    expect(page.get_by_text("当前没有待处置的警情")).to_be_visible()

    alert = township.alarm()
    card = page.locator(f"#alert-{alert.id}")
    expect(card).to_be_visible(timeout=BETWEEN)
    expect(card).to_contain_text("青河县")
    expect(card).to_contain_text("0.312 dB/m")
    expect(card).to_contain_text("孙小梅")
    expect(card.locator(".rung-now")).to_contain_text("网格员")
    expect(card.locator(".rung-next")).to_contain_text("网格长")
    expect(page.locator("#announce")).to_contain_text("新警情")
    first = card.locator("[data-due]").inner_text()
    expect(card.locator("[data-due]")).not_to_have_text(first)
    expect(page).to_have_title("(1) firesense 消防物联告警")

    card.get_by_role("button", name="接警").click()
    expect(card).to_contain_text("值班员甲 已接警", timeout=BETWEEN)
    expect(card).to_contain_text("已接警，等待处置")
    expect(card.locator("[data-due]")).to_have_count(0)
    expect(card.get_by_role("button", name="接警")).to_have_count(0)
    assert township.book.climb(alert.id).due_at is None
    assert page.complaints == []


def test_a_page_follows_what_somebody_else_does_and_keeps_the_focus(page, served, township):
    alert = township.alarm()
    log_in(page, served)
    page.locator(f"#details-{alert.id}").focus()
    township.desk.acknowledge(alert.id, Actor("he"))
    expect(page.locator(f"#alert-{alert.id}")).to_contain_text("何大勇 已接警")
    expect(page.locator(f"#details-{alert.id}")).to_be_focused()
    assert page.complaints == []


def test_what_did_not_change_stays_as_it_is_on_the_page_and_what_is_new_stands_beside_it(page, served, township):
    first, second = township.alarm(), township.alarm(2)
    log_in(page, served)
    page.evaluate("document.querySelectorAll('[data-alert]').forEach((each) => { each.mine = true; })")
    township.desk.acknowledge(second.id, Actor("he"))
    expect(page.locator(f"#alert-{second.id}")).to_contain_text("何大勇 已接警")
    third = township.alarm(3)
    expect(page.locator(f"#alert-{third.id}")).to_be_visible()
    kept = "[...document.querySelectorAll('[data-alert]')].filter((each) => each.mine).map((each) => each.id)"
    assert page.evaluate(kept) == [f"alert-{first.id}"]
    assert page.locator("[data-alert]").count() == 3
    page.evaluate(f"document.getElementById('alert-{first.id}').remove()")  # whatever took it
    township.alarm(4)
    expect(page.locator(f"#alert-{first.id}")).to_contain_text("孙小梅")
    expect(page.locator("[data-alert]")).to_have_count(4)
    assert page.complaints == []


def test_a_chart_that_cannot_be_had_says_so_keeps_the_last_one_and_comes_back(page, served, township, monkeypatch):
    township.smoke()
    alert = township.alarm()
    away = True

    def windows(*given):
        if away:
            raise HistoryDown("connection refused", timedelta(seconds=1))
        return known(*given)

    known = township.history.windows
    monkeypatch.setattr(township.history, "windows", windows)
    log_in(page, served)
    page.click(f"#details-{alert.id}")
    expect(page.get_by_text("暂无曲线")).to_be_visible()
    away = False
    expect(page.locator("figure.chart svg").first).to_be_visible()
    expect(page.get_by_text("暂无曲线")).to_have_count(0)
    away = True
    township.desk.acknowledge(alert.id, Actor("he"))
    expect(page.get_by_text("暂无曲线")).to_be_visible()
    expect(page.locator("figure.chart svg").first).to_be_visible()


def test_a_case_is_closed_with_what_was_found_and_the_words_being_typed_survive_a_refresh(page, served, township):
    township.smoke()
    alert = township.alarm()
    log_in(page, served)
    page.click(f"#details-{alert.id}")
    expect(page.locator("figure.chart polyline").first).to_be_visible()
    expect(page.locator("figure.chart .mark").first).to_be_attached()
    page.click("#close > summary")
    page.fill("#close-note", "炊烟，已开窗")
    township.desk.acknowledge(alert.id, Actor("he"))
    expect(page.locator(".story")).to_contain_text("接警")
    expect(page.locator("#close-note")).to_have_value("炊烟，已开窗")
    page.locator("#close").get_by_label("误报", exact=True).check()
    page.locator("#close-cause").select_option("cooking")
    page.locator("#close").get_by_label("设备仍在报警").check()
    page.locator("#close button").click()
    expect(page.locator(".alert.over")).to_contain_text("值班员甲 办结")
    expect(page.locator(".alert.over")).to_contain_text("误报 · 炊烟，已开窗")
    assert page.complaints == []


def test_a_page_that_loses_the_server_says_so_and_recovers(page, township):
    with Served(township.console()) as first:
        log_in(page, first)
        expect(page.locator("#lost")).to_be_hidden()
        port = first.socket.getsockname()[1]
    expect(page.locator("#lost")).to_be_visible(timeout=PATIENCE)
    expect(page.locator("#lost")).to_contain_text("无法连接服务器")
    with Served(township.console(), port):
        expect(page.locator("#lost")).to_be_hidden(timeout=PATIENCE)
        alert = township.alarm()
        expect(page.locator(f"#alert-{alert.id}")).to_be_visible(timeout=PATIENCE)


def test_the_one_time_password_leads_to_a_password_of_ones_own(page, served):
    log_in(page, served, "first", ONE_TIME)
    expect(page).to_have_url(f"{served.url}/password")
    page.fill("#password", "a longer one of my own")
    page.fill("#again", "a longer one of my own")
    page.click("main button")
    expect(page).to_have_url(f"{served.url}/")
    page.get_by_role("button", name="退出").click()
    log_in(page, served, "first", "a longer one of my own")
    expect(page.get_by_text("当前没有待处置的警情")).to_be_visible()
    assert page.complaints == []


@pytest.mark.parametrize(
    "page",
    [{"viewport": {"width": 360, "height": 740}}, {"viewport": {"width": 1280, "height": 900}, "locale": "en-GB"}],
    indirect=True,
    ids=["telephone", "desk"],
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_sticks_out_at_any_width(page, served, township, scheme, tmp_path):
    township.smoke()
    alert = township.alarm()
    township.alarm(2, AlertClass.HAZARD, device="water-1", place="v", metric="pressure", value=0.09, grade=Grade.MAJOR)
    township.alarm(3, AlertClass.FAULT, device="heater-1", place="t", metric="water_temperature", value=2.4)
    hostile = township.alarm(4, AlertClass.TEST, device="smoke-2", text={"zh": "<b>x</b>" * 20, "en": "<b>x</b>" * 20})
    township.desk.acknowledge(hostile.id, Actor("he"))
    page.emulate_media(color_scheme=scheme)
    log_in(page, served)
    for path in ("/", f"/alerts/{alert.id}", "/password"):
        page.goto(served.url + path)
        if path.startswith("/alerts"):
            expect(page.locator("figure.chart svg").first).to_be_visible()
        page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, path
        small = page.evaluate(
            "[...document.querySelectorAll('button, a.button, nav a, select, summary, .choice,"
            " input:not([type=hidden], [type=radio], [type=checkbox], .heard)')]"
            ".filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 44).map(e => e.outerHTML)"
        )
        assert small == [], "too small for a thumb"
        page.screenshot(path=tmp_path / f"{path.strip('/').replace('/', '-') or 'board'}.png", full_page=True)
    assert page.complaints == []


def test_a_link_in_a_message_finds_whoever_is_logged_in(page, served, township):
    alert = township.alarm()
    link = f"data:text/html,<a href='{served.url}/alerts/{alert.id}'>open</a>"
    page.goto(link)
    page.click("a")
    expect(page).to_have_url(f"{served.url}/login?next=/alerts/{alert.id}")
    log_in(page, served)
    expect(page.locator(f"#alert-{alert.id}")).to_be_visible()
    page.goto(link)
    page.click("a")
    expect(page.get_by_role("heading", level=1)).to_have_text("烟感火警信号")


def test_a_listener_hears_what_it_missed(served, township):
    with httpx2.Client(base_url=served.url, timeout=20) as client:
        assert client.get("/api/v1/events").status_code == 401
        client.post("/api/v1/session", json={"name": "station", "password": PASSWORD})
        township.alarm()
        last = township.book.last_step()
        for ask in ({"params": {"since": 0}}, {"params": {"since": last}, "headers": {"last-event-id": "0"}}):
            with client.stream("GET", "/api/v1/events", **ask) as answer:
                assert answer.headers["content-type"].startswith("text/event-stream")
                lines = answer.iter_lines()
                assert next(line for line in lines if line.startswith("id:")) == f"id: {last}"
                assert next(lines) == "event: step"
        with client.stream("GET", "/api/v1/events", params={"since": last}) as answer:
            lines = answer.iter_lines()
            assert next(lines).startswith("retry:")
            served.stop()
            assert list(lines) == [""], "the stream ends with the server, and was told nothing it knew"
