"""Who is on duty and what is quiet, with a real browser, on a telephone and on a desk."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect, sync_playwright

from firesense.domain.escalation import Ladder, Rung, Selector
from firesense.domain.instant import DAY, HOUR, MINUTE
from firesense.domain.place import Org, Post
from firesense.domain.quiet import QuietKind
from firesense.domain.roster import LocalDays, Roster, Rotation
from tests.console import NOW, ORG, PASSWORD, Township
from tests.system.test_console import CHROMIUM, FLAGS, PATIENCE, Served

pytestmark = pytest.mark.server

# Two take turns of a day each, changing at eight; NOW is at noon of the first day.
DUTY = Roster("duty", (Rotation((("sun",), ("he",)), date(2026, 1, 1), time(8), time(8)),), "镇值班")
LADDER = Ladder("all", (Rung(("leader",), ("mqtt",), timedelta(minutes=2)),))


def org_with(changes=()):
    posts = [*ORG.posts.values(), Post("leader", "t", (), ("duty",)), Post("leader", "d", ("he",))]
    days = LocalDays(ZoneInfo("Asia/Shanghai"))
    return Org(ORG.places.values(), posts, ORG.people.values(), [DUTY], changes, days)


@pytest.fixture
def township(tmp_path):
    township = Township(tmp_path)
    township.plan = replace(township.plan, org=org_with(), ladders={"all": LADDER}, selectors=(Selector("all"),))
    yield township
    township.close()


@pytest.fixture
def served(township):
    with Served(township.console()) as served:
        yield served


@pytest.fixture(scope="module")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(params=[360, 1280])
def page(request, chromium):
    """A browser that complains of nothing, by the wall clock of the township."""
    context = chromium.new_context(viewport={"width": request.param, "height": 800}, locale="zh-CN")
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    complaints = []
    page.on("console", lambda said: complaints.append(said.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []


def arrive(page, served, path):
    page.goto(f"{served.url}/login?next={path}")
    page.fill("#name", "station")
    page.fill("#password", PASSWORD)
    page.click("main button")
    expect(page).to_have_url(served.url + path)


def looks_right(page, tmp_path, name):
    """Nothing sticks out sideways, and what is to be pressed is large enough for a thumb."""
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    page.screenshot(path=tmp_path / f"{name}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    small = page.evaluate(
        "[...document.querySelectorAll('main button, main a, main select, main summary, main input:not([type=hidden])')]"
        ".filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 44).map(e => e.outerHTML)"
    )
    assert small == [], "too small for a thumb"
