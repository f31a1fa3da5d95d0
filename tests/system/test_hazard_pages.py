"""Hazards with a real browser: the open form on a telephone, and the pages at both widths."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from playwright.sync_api import expect

from firesense.domain.alert import Grade
from firesense.domain.deed import Actor, Rights
from firesense.domain.hazard import HazardAct, Report
from firesense.domain.instant import DAY
from firesense.ports import User
from tests.browser import PATIENCE
from tests.console import HASH, PASSWORD, Township

pytestmark = pytest.mark.server


@pytest.fixture
def township(tmp_path):
    township = Township(tmp_path)
    township.book.put_user(User("admin", HASH, rights=Rights.ADMIN))
    yield township
    township.close()


@pytest.fixture(params=[360, 1280])
def page(request, chromium, served):
    del served  # it outlives the page: one that still loads complains of a server that is gone
    context = chromium.new_context(viewport={"width": request.param, "height": 800}, locale="zh-CN")
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    complaints = []
    page.on("console", lambda said: complaints.append(said.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []


SMALLER = """() => new Promise((done) => {
  const look = () => document.getElementById("photos").files[0].name === "photo.jpg" && done(true);
  setInterval(look, 20);
  setTimeout(() => done(false), 20_000);
})"""


def fits(page):
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def picture(tmp_path):
    out = io.BytesIO()
    Image.new("RGB", (640, 480), "brown").save(out, "JPEG")
    file = tmp_path / "corridor.jpg"
    file.write_bytes(out.getvalue())
    return file


def test_a_resident_reports_with_a_photo_and_an_officer_deals_with_it(page, served, township, tmp_path):
    page.goto(f"{served.url}/report?grid=g")
    expect(page.get_by_text("第三网格")).to_be_visible()
    assert fits(page)
    page.fill("#wrong", "楼道堆放杂物")
    page.set_input_files("#photos", picture(tmp_path))
    page.click("button.primary")
    expect(page.locator(".receipt")).to_be_visible()
    number = page.locator(".receipt").inner_text()
    assert fits(page)

    page.goto(f"{served.url}/login?next=/hazards/{number}")
    page.fill("#name", "admin")
    page.fill("#password", PASSWORD)
    page.click("main button")
    expect(page.locator(".photos img")).to_be_visible()
    expect(page.locator(".photos img")).to_have_js_property("naturalWidth", 640)
    assert fits(page)
    page.fill("#text-accept", "清空楼道")
    page.click("form[action$='/accept'] button")
    expect(page.get_by_text("已受理").first).to_be_visible()
    assert township.book.hazard(number).remedy == "清空楼道"


def test_large_photos_are_made_small_and_what_stays_too_large_is_told_before_anything_is_lost(
    page, served, township, tmp_path
):
    noise = tmp_path / "noise.png"
    Image.effect_noise((2400, 1800), 90).save(noise)
    assert noise.stat().st_size > 2_000_000
    film = tmp_path / "film.jpg"
    film.write_bytes(bytes(12 * 2**20))
    page.goto(f"{served.url}/report?grid=g")
    page.fill("#wrong", "楼道堆放杂物")
    page.set_input_files("#photos", film)
    page.click("button.primary")
    assert page.evaluate("document.getElementById('photos').validationMessage") == "照片过大，每张最多 10 MB。"
    expect(page.locator("#wrong")).to_have_value("楼道堆放杂物")
    assert township.book.hazards() == []
    page.set_input_files("#photos", [noise, picture(tmp_path)])
    assert page.evaluate(SMALLER), "the large one is made small in the browser"
    sizes = page.evaluate("[...document.getElementById('photos').files].map((each) => each.size)")
    assert sizes[0] < noise.stat().st_size
    page.click("button.primary")
    expect(page.locator(".receipt")).to_be_visible()
    (hazard,) = township.book.hazards()
    assert len(hazard.photos) == 2


def test_the_lists_and_the_places_fit_the_screen_and_show_what_is_late(page, served, township):
    admin = Actor("admin", rights=Rights.ADMIN)
    late = township.hazards.report(Report("a" * 20, "g", "电动车在楼道充电，占用疏散通道", Grade.GENERAL), admin).alert
    township.hazards.do(HazardAct.ACCEPT, late, admin, responsible="供电所")
    township.clock.at += 20 * DAY
    page.goto(f"{served.url}/login?next=/hazards")
    page.fill("#name", "admin")
    page.fill("#password", PASSWORD)
    page.click("main button")
    expect(page.get_by_text("逾期 5 天")).to_be_visible()
    assert fits(page)
    page.get_by_role("link", name="责任清单").click()
    expect(page.get_by_role("heading", name="供电所")).to_be_visible()
    assert fits(page)
    page.get_by_role("link", name="隐患指数").click()
    bar = page.locator("progress").first
    expect(bar).to_be_visible()
    assert float(bar.get_attribute("value")) > 0
    assert fits(page)
