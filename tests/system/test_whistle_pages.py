"""Whistles with a real browser: a department is called in and comes, on a telephone and on a desk."""

from __future__ import annotations

from dataclasses import replace

import pytest
from playwright.sync_api import expect

from firesense.domain.deed import Actor
from firesense.domain.place import Org, Post
from firesense.ports import User
from tests.browser import PATIENCE, looks_right
from tests.console import HASH, ORG, PASSWORD, Township

pytestmark = pytest.mark.server

PRESSED = ".whistles button, #whistle :is(button, select, summary, [name=reason])"
REFUSED = "status of 409"  # the browser tells of every answer that is an error, and this one is wanted


@pytest.fixture
def township(tmp_path):
    township = Township(tmp_path)
    posts = [*ORG.posts.values(), Post("brigade-duty", "d", ("he",))]
    township.plan = replace(township.plan, org=Org(ORG.places.values(), posts, ORG.people.values()))
    township.book.put_user(User("he", HASH, "he", place="v"))
    yield township
    township.close()


@pytest.fixture(params=[(360, "zh-CN"), (1280, "en")], ids=["telephone", "desk"])
def open_page(request, chromium, served):
    """Open a page for somebody; its browser complains of nothing, and is closed before its server is."""
    del served
    width, language = request.param
    contexts, complaints = [], []

    def opened():
        contexts.append(chromium.new_context(viewport={"width": width, "height": 780}, locale=language))
        page = contexts[-1].new_page()
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda said: complaints.append(said.text) if REFUSED not in said.text else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def arrive(page, served, name, path):
    page.goto(f"{served.url}/login?next={path}")
    page.fill("#name", name)
    page.fill("#password", PASSWORD)
    page.click("main button")
    expect(page).to_have_url(served.url + path)


def test_a_department_is_whistled_for_and_says_on_its_own_page_that_it_comes(open_page, served, township, tmp_path):
    alert = township.alarm()
    township.desk.acknowledge(alert.id, Actor("station"))
    path = f"/alerts/{alert.id}"
    station, leader = open_page(), open_page()
    arrive(station, served, "station", path)
    arrive(leader, served, "he", path)
    station.click("#whistle > summary")
    station.select_option("#whistle-whom", "grid-leader@v")
    station.fill("#whistle-reason", "线路冒烟，需要断电")
    looks_right(station, tmp_path, "whistle-form", PRESSED)
    station.click("#whistle button")
    expect(station.locator(".whistle-waiting")).to_contain_text("何大勇")
    looks_right(station, tmp_path, "whistle-waits", PRESSED)
    waiting = leader.locator(".whistle-waiting")
    expect(waiting).to_contain_text("线路冒烟，需要断电")  # without loading the page again
    looks_right(leader, tmp_path, "whistle-called", PRESSED)
    waiting.get_by_role("button").click()
    expect(leader.locator(".whistle-answered .good")).to_contain_text("何大勇")
    expect(station.locator(".whistle-answered .good")).to_contain_text("何大勇")
    assert station.locator(".whistles form").count() == 0
    looks_right(station, tmp_path, "whistle-answered", PRESSED)


def test_a_whistle_without_a_reason_stays_on_the_form_and_one_that_waits_stands_on_the_board(
    open_page, served, township, tmp_path
):
    alert = township.alarm()
    page = open_page()
    arrive(page, served, "station", f"/alerts/{alert.id}")
    page.click("#whistle > summary")
    page.select_option("#whistle-whom", "5")
    page.fill("#whistle-reason", "  ")
    page.click("#whistle button")
    expect(page.locator("[role=alert].refused")).to_be_visible()
    expect(page.locator("#whistle-whom")).to_have_value("5")
    looks_right(page, tmp_path, "whistle-refused", PRESSED)
    page.fill("#whistle-reason", "火势大")
    page.click("#whistle button")
    expect(page.locator(".whistle-waiting")).to_contain_text("火势大")
    page.goto(served.url)
    expect(page.locator(".alert .whistled")).to_be_visible()
    looks_right(page, tmp_path, "whistle-board", PRESSED)
