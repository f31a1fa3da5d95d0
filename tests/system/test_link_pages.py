"""The page behind a link in a message, with a real browser: on a telephone and on a desk, with scripts switched off."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from playwright.sync_api import expect

from firesense.domain.alert import Finding
from firesense.domain.deed import Actor
from firesense.domain.escalation import ClimbState, Purpose
from firesense.domain.instant import HOUR
from firesense.escalate import Target
from tests.browser import PATIENCE, Served, looks_right
from tests.house import smoke_device
from tests.reached import Town

pytestmark = pytest.mark.server

PRESSED = ":is(main, nav) :is(button, a, select, summary, input)"
ZHANG, YANG = Actor("zhang-wei"), Actor("yang-min")


class Street:
    """A town whose streets have a thread of their own, for the browser keeps this one's loop; and its console."""

    def __init__(self, folder, stack):
        self._thread = stack.enter_context(ThreadPoolExecutor(1))
        rooms = ExitStack()
        device = smoke_device(name="李奶奶家 客厅")
        self.town = self.do(Town, folder, rooms, [device], {"mqtt": "sun-bo"}, (), "sun-bo")
        stack.callback(self.do, rooms.close)
        self.desk, self.book = self.town.house.desk, self.town.house.book
        self.url = stack.enter_context(Served(self.town.console())).url

    def do(self, work, *given):
        return self._thread.submit(work, *given).result()

    def whistle(self, fire, role):
        self.desk.acknowledge(fire.id, ZHANG)
        self.desk.whistle(fire.id, ZHANG, Target(role), "线路打火，请断电")
        self.do(self.town.house.settle)

    def link(self, fire, who, purpose=Purpose.ALERT):
        call = next(each for each in self.town.calls(fire) if (each.purpose, each.person) == (purpose, who))
        return self.town.house.links.link(call).replace("https://console.example.org", self.url)


@pytest.fixture
def street(tmp_path):
    with ExitStack() as stack:
        yield Street(tmp_path, stack)


@pytest.fixture(params=[(360, "zh-CN"), (1280, "en")], ids=["telephone", "desk"])
def open_page(request, chromium, street):
    """Open a page in a browser of its own, without scripts and without a log-in."""
    del street
    width, language = request.param
    contexts = []

    def opened():
        size = {"width": width, "height": 740}
        contexts.append(chromium.new_context(viewport=size, locale=language, java_script_enabled=False))
        page = contexts[-1].new_page()
        page.set_default_timeout(PATIENCE)
        return page

    yield opened
    for context in contexts:
        context.close()


def in_english(page):
    page.get_by_role("link", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_whoever_was_called_sees_the_fire_takes_it_whistles_and_arrives(open_page, street, tmp_path):
    fire = street.do(street.town.fire)
    page, link = open_page(), street.link(fire, "zhang-wei")
    page.goto(link)
    for words in ("张伟，您将接下这起警情", "火警", "上河村第一网格", "李奶奶家 客厅", "2026-01-01"):
        expect(page.locator("main")).to_contain_text(words)
    looks_right(page, tmp_path, "open", PRESSED)
    assert street.book.alert(fire.id).acknowledged_by == "", "looking takes nothing"
    page.get_by_role("button", name="接警").click()
    expect(page.get_by_role("status")).to_contain_text("已接警，请尽快处置。")
    assert street.book.alert(fire.id).acknowledged_by == "zhang-wei"
    looks_right(page, tmp_path, "taken", PRESSED)
    page.click("#whistle > summary")
    page.select_option("#whom", "maintenance@990100101")
    page.fill("#reason", "断电")
    looks_right(page, tmp_path, "whistle", PRESSED)
    page.click("#whistle button")
    expect(page.locator(".mates")).to_contain_text("维保人员 · 等待报到")
    looks_right(page, tmp_path, "whistled", PRESSED)
    page.click("#arrive")
    expect(page.locator("main")).to_contain_text("✓ 已到场 01-01 08:00:00")
    looks_right(page, tmp_path, "arrived", PRESSED)
    in_english(page)
    expect(page.get_by_role("status")).to_contain_text("You have it already. Since 01-01 08:00:00")
    looks_right(page, tmp_path, "arrived-en", PRESSED)


def test_a_link_opened_again_or_passed_on_says_who_has_it_since_when_and_leads_nowhere_else(
    open_page, street, tmp_path
):
    fire = street.do(street.town.fire)
    link = street.link(fire, "zhang-wei")
    street.desk.acknowledge(fire.id, ZHANG)
    page = open_page()
    page.goto(link)
    expect(page.get_by_role("status")).to_have_text("✓ 您已接警。 时间 01-01 08:00:00")
    assert page.locator("main button").count() == 0, "this is not the browser that took it"
    looks_right(page, tmp_path, "yours", PRESSED)
    street.desk.take_over(fire.id, YANG, "离得近")
    page.goto(link)
    expect(page.get_by_role("status")).to_have_text("✓ 杨敏 已接警。 时间 01-01 08:00:00")
    expect(page.locator("main")).to_contain_text("您无需再处理")
    looks_right(page, tmp_path, "gone", PRESSED)
    in_english(page)
    expect(page.get_by_role("status")).to_have_text("✓ 杨敏 has it. Since 01-01 08:00:00")
    looks_right(page, tmp_path, "gone-en", PRESSED)
    page.get_by_role("link", name="Open the console").click()
    expect(page).to_have_url(f"{street.url}/login?next=/alerts/{fire.id}")
    for other in ("/", "/hazards", "/figures", "/rosters", f"/alerts/{fire.id}"):
        page.goto(street.url + other)
        assert page.url.startswith(f"{street.url}/login"), other
    street.desk.close(fire.id, YANG, Finding.FALSE_ALARM, though_firing=True)
    page.goto(link)
    expect(page.locator("main")).to_contain_text("Closed by 杨敏 01-01 08:00:00 · false alarm")
    looks_right(page, tmp_path, "over", PRESSED)


def test_a_link_that_is_old_forged_or_cut_off_says_so_in_the_language_of_the_browser(open_page, street, tmp_path):
    fire = street.do(street.town.fire)
    page, link = open_page(), street.link(fire, "zhang-wei")
    chinese = page.evaluate("navigator.language").startswith("zh")
    words = "链接无效或已过期。" if chinese else "This link is not valid, or not any more."
    for wrong in (link[:-1] + ("a" if link[-1] != "a" else "b"), link[:-3], link.replace(fire.id, "0" * 10)):
        assert page.goto(wrong).status == 404
        expect(page.get_by_role("alert")).to_have_text(words)
        assert page.locator("main button").count() == 0
    looks_right(page, tmp_path, "dead", PRESSED)
    street.town.clock.at += 13 * HOUR
    page.goto(link)
    expect(page.get_by_role("alert")).to_have_text(words)
    assert street.book.alert(fire.id).acknowledged_by == ""


def test_a_department_that_is_whistled_for_reads_why_and_says_that_it_comes(open_page, street, tmp_path):
    fire = street.do(street.town.fire)
    street.whistle(fire, "station-duty")
    first, second = (street.link(fire, who, Purpose.WHISTLE) for who in ("yang-min", "zhao-lei"))
    page, other = open_page(), open_page()
    page.goto(first)
    for words in ("您的部门被吹哨", "张伟 吹哨", "线路打火，请断电"):
        expect(page.locator("main")).to_contain_text(words)
    looks_right(page, tmp_path, "called-in", PRESSED)
    page.get_by_role("button", name="报到").click()
    expect(page.get_by_role("status")).to_contain_text("已报到，请尽快到场。")
    looks_right(page, tmp_path, "coming", PRESSED)
    assert [each.state for each in street.book.whistles(fire.id)] == [ClimbState.STOPPED]
    assert street.book.alert(fire.id).acknowledged_by == "zhang-wei"
    other.goto(second)
    expect(other.get_by_role("status")).to_have_text("✓ 杨敏 已报到。 时间 01-01 08:00:00")
    looks_right(other, tmp_path, "other-comes", PRESSED)
