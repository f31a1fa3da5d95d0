"""Who is on duty and what is quiet, with a real browser, on a telephone and on a desk."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from firesense.domain.alert import AlertClass, Grade
from firesense.domain.deed import Actor, Rights
from firesense.domain.escalation import Ladder, Rung, Selector
from firesense.domain.instant import DAY, HOUR
from firesense.domain.place import Org, Person, Post
from firesense.domain.roster import LocalDays, Roster, Rotation
from firesense.domain.rule import Rule, RuleKind
from firesense.ports import User
from tests.browser import PATIENCE, looks_right
from tests.console import HASH, NOW, ORG, PASSWORD, Township

pytestmark = pytest.mark.server

# Two take turns of a day each, changing at eight; NOW is at noon of the first day.
DUTY = Roster("duty", (Rotation((("sun",), ("he",)), date(2026, 1, 1), time(8), time(8)),), "镇值班")
LADDER = Ladder("all", (Rung(("station-duty",), ("mqtt",), timedelta(minutes=2)),))
REFUSED = "status of 409"  # the browser tells of every answer that is an error, and some of these are wanted
RULES = (
    Rule("smoke-flag", RuleKind.SIGNAL, "smoke", AlertClass.FIRE, Grade.MAJOR),
    Rule("smoke-dense", RuleKind.THRESHOLD, "smoke", AlertClass.HAZARD, Grade.GENERAL),
)


def org_with(changes=()):
    posts = [
        Post("grid-member", "g", ("sun",)),
        Post("station-duty", "t", (), ("duty",)),
        Post("station-duty", "d", ("he",)),
    ]
    days = LocalDays(ZoneInfo("Asia/Shanghai"))
    return Org(ORG.places.values(), posts, ORG.people.values(), [DUTY], changes, days)


@pytest.fixture
def township(tmp_path):
    township = Township(tmp_path)
    ladders = {"ladders": {"all": LADDER}, "selectors": (Selector("all"),)}
    township.plan = replace(township.plan, org=org_with(), rules=RULES, **ladders)
    yield township
    township.close()


@pytest.fixture(params=[360, 1280])
def page(request, chromium, served):
    """A browser that complains of nothing, and is closed before its server is."""
    del served
    context = chromium.new_context(viewport={"width": request.param, "height": 800}, locale="zh-CN")
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    complaints = []
    page.on("console", lambda said: complaints.append(said.text) if REFUSED not in said.text else None)
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


def unfolded_looks_right(page, tmp_path, name):
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    looks_right(page, tmp_path, name)


def learn(township):
    """Take over what was changed of the rosters, as the keeper of the plan does once a second."""
    changes = township.book.roster_changes(NOW, NOW + 9 * DAY)
    township.plan = replace(township.plan, org=org_with(changes), version=township.plan.version + 1)


def test_who_is_on_duty_now_and_who_comes_is_seen_at_a_glance(page, served, tmp_path):
    arrive(page, served, "/rosters")
    now = page.locator("td.present")
    expect(now).to_contain_text("孙小梅")
    expect(now).to_contain_text("至 01-02 08:00")
    assert now.bounding_box()["x"] + now.bounding_box()["width"] <= page.viewport_size["width"]
    expect(page.locator("main")).not_to_contain_text("无人值班")  # what nobody did before the roster began is over
    unfolded_looks_right(page, tmp_path, "rosters")


def test_what_is_missing_and_who_holds_posts_always_is_found_on_a_telephone_too(page, served, township, tmp_path):
    people = [*ORG.people.values(), Person("new", "新来的", {"mqtt": "new"})]
    org = township.plan.org
    posts = [*org.posts.values(), Post("street-office", "t", ("station",)), Post("police-post", "v")]
    org = Org(org.places.values(), posts, people, [DUTY], (), org.rosters.days)
    township.plan = replace(township.plan, org=org)
    arrive(page, served, "/rosters")
    page.get_by_text("一人岗位 2 处").click()  # the street office, and the district's station
    expect(page.locator(".lack li").filter(has_text="街道办")).to_contain_text("只有值班员甲一人")
    page.get_by_text("岗位空缺 1 个").click()
    expect(page.get_by_text("大槐树村 派出所")).to_be_visible()
    page.get_by_text("没有岗位 1 人").click()
    expect(page.get_by_text("新来的 new")).to_be_visible()
    page.get_by_text("常设岗位 4 个").click()
    expect(page.locator("#fixed tr").filter(has_text="第三网格")).to_contain_text("孙小梅")
    unfolded_looks_right(page, tmp_path, "rosters-missing")
    page.fill("[name=place]", "v")
    page.get_by_role("button", name="查看").click()
    expect(page.get_by_text("常设岗位 2 个")).to_be_visible()


def test_the_next_shift_reads_the_hand_over_report_and_prints_it(page, served, township, tmp_path):
    fire = township.alarm()
    township.alarm(2, AlertClass.HAZARD, device="water-1", place="v", acknowledged_by="he", acknowledged_at=NOW)
    arrive(page, served, "/rosters")
    page.locator("h2").get_by_role("link", name="交接班报告").click()
    expect(page).to_have_url(f"{served.url}/rosters/handover?place=t")
    expect(page.get_by_text("未办结 2 起")).to_be_visible()
    shift = page.locator(".shifts tbody tr")
    expect(shift).to_contain_text("孙小梅")
    expect(shift.locator("td").last).to_contain_text("何大勇")
    unfolded_looks_right(page, tmp_path, "handover")
    page.emulate_media(media="print")
    expect(page.locator("header.top")).to_be_hidden()
    expect(page.locator("select")).to_be_hidden()
    page.screenshot(path=tmp_path / "handover-print.png", full_page=True)
    page.emulate_media(media="screen")
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", name="hand-over report")).to_be_visible()
    expect(page.get_by_text("Smoke detector fire flag").first).to_be_visible()
    unfolded_looks_right(page, tmp_path, "handover-en")
    page.locator(f"a[href='/alerts/{fire.id}']").click()
    expect(page).to_have_url(f"{served.url}/alerts/{fire.id}")


def change(page, **filled):
    """Write down leave or a stand-in."""
    page.click("#change > summary")
    for field, said in filled.items():
        page.fill(f"#{field}", said)
    page.click("#change button")


def test_an_officer_goes_on_leave_is_told_who_is_missing_and_finds_a_stand_in(page, served, township, tmp_path):
    arrive(page, served, "/rosters")
    change(page, person="sun", ends="2026-01-01T20:00", note="发烧")
    expect(page.locator("[role=status]")).to_contain_text("孙小梅 请假")
    expect(page.locator("[role=status] .holes")).to_contain_text("柳林镇 消防工作站值班员")
    expect(page.locator("td.present")).to_contain_text("无人值班")
    unfolded_looks_right(page, tmp_path, "rosters-leave")
    learn(township)
    page.reload()
    change(page, person="孙小梅", stand_in="何大勇", roster="镇值班", ends="2026-01-01T20:00")  # by their names
    expect(page.locator("[role=status]")).to_contain_text("何大勇 代 孙小梅")
    expect(page.locator("td.present")).to_contain_text("何大勇")
    expect(page.locator("td.present")).to_contain_text("至 01-01 20:00")
    unfolded_looks_right(page, tmp_path, "rosters-stand-in")
    learn(township)
    page.get_by_role("button", name="撤销").last.click()
    expect(page.locator("td.present")).to_contain_text("无人值班")


def test_two_swap_and_take_it_back(page, served, township, tmp_path):
    arrive(page, served, "/rosters")
    page.click("#swap > summary")
    page.fill("#swap-person", "sun")
    page.fill("#swap-day", "2026-01-04")
    page.fill("#swap-other", "he")
    page.fill("#swap-other-day", "2026-01-04")
    page.click("#swap button")
    expect(page.locator(".refused")).to_contain_text("孙小梅 在 2026-01-04 没有班次")
    expect(page.locator("#swap-other")).to_have_value("he")
    page.fill("#swap-day", "2026-01-03")
    page.click("#swap button")
    expect(page.locator("[role=status]")).to_contain_text("何大勇 代 孙小梅")
    unfolded_looks_right(page, tmp_path, "rosters-swap")
    assert len(township.book.roster_changes(NOW, NOW + 9 * DAY)) == 2
    page.get_by_role("button", name="撤销").first.click()
    expect(page.get_by_role("button", name="撤销")).to_have_count(0)
    assert township.book.roster_changes(NOW, NOW + 9 * DAY) == []


def test_maintenance_is_begun_shown_on_the_board_and_ended(page, served, township, tmp_path):
    arrive(page, served, "/quiet")
    expect(page.get_by_text("目前没有静默项")).to_be_visible()
    page.click("#maintenance > summary")
    page.fill("#maintenance [name=place]", "g")
    page.fill("#maintenance [name=minutes]", "600")
    page.fill("#maintenance [name=why]", "换电池")
    page.click("#maintenance button")
    expect(page.locator(".refused")).to_contain_text("最长 8 小时")
    page.fill("#maintenance [name=minutes]", "120")
    page.click("#maintenance button")
    window = page.get_by_role("region", name="第三网格")
    expect(window).to_contain_text("01-01 12:00 – 01-01 14:00")
    expect(window).to_contain_text("值班员甲 设置：换电池")
    unfolded_looks_right(page, tmp_path, "quiet")
    page.goto(served.url)
    expect(page.locator(".hushed")).to_contain_text("第三网格")
    page.goto(f"{served.url}/quiet")
    window.get_by_role("button", name="立即结束").click()
    expect(window).to_contain_text("已结束，仍未恢复的即将通知")
    expect(window.get_by_role("button")).to_have_count(0)
    [ended] = township.quiet.windows()
    assert (ended.ended_by, ended.ends_at) == ("station", NOW)


def test_a_rule_is_shelved_and_fire_is_not(page, served, township):
    arrive(page, served, "/quiet")
    page.click("#shelved > summary")
    page.fill("#shelved [name=rule]", "smoke-flag")
    page.fill("#shelved [name=device]", "smoke-1")
    page.fill("#shelved [name=why]", "等配件")
    page.click("#shelved button")
    expect(page.locator(".refused")).to_contain_text("只有隐患和故障可以搁置")
    assert township.quiet.windows() == []
    page.fill("#shelved [name=rule]", "smoke-dense")
    page.click("#shelved button")
    expect(page.get_by_role("region", name="李奶奶家 客厅")).to_contain_text("smoke-dense")


def test_a_walk_test_is_begun_and_its_report_says_who_is_missing(page, served, township, tmp_path):
    arrive(page, served, "/quiet")
    page.click("#walk-test > summary")
    page.fill("#walk-test [name=place]", "v")
    page.fill("#walk-test [name=tester]", "sun")
    page.fill("#walk-test [name=why]", "季度测试")
    page.click("#walk-test button")
    window = page.get_by_role("region", name="大槐树村")
    expect(window).to_contain_text("测试人员 孙小梅")
    window.get_by_role("link", name="巡检测试报告").click()
    expect(page.get_by_text("已收到 0 台，未收到 2 台")).to_be_visible()
    expect(page.locator("tbody tr").first).to_contain_text("李奶奶家 客厅")
    unfolded_looks_right(page, tmp_path, "walk-test")
    page.get_by_role("link", name="维护、搁置与巡检测试").last.click()
    township.clock.at += HOUR // 2
    window.get_by_role("button", name="立即结束").click()
    expect(window).to_contain_text("01-01 12:00 – 01-01 12:30")
    expect(window).to_contain_text("已结束")


def test_whoever_may_only_look_is_offered_nothing_to_do(page, served, township):
    township.book.put_user(User("station", HASH, "station", rights=Rights.VIEWER))
    township.quiet.maintain(Actor("he"), "换电池", timedelta(hours=2), place="g")
    arrive(page, served, "/quiet")
    expect(page.get_by_role("region", name="第三网格")).to_be_visible()
    expect(page.locator("main button")).to_have_count(0)
    page.goto(f"{served.url}/rosters")
    expect(page.locator("td.present")).to_be_visible()
    expect(page.locator("main form[method=post] button")).to_have_count(0)


def test_roll_is_called_at_the_press_of_a_button(page, served, township, tmp_path):
    arrive(page, served, "/rosters")
    page.locator("main").get_by_role("link", name="查岗").click()
    expect(page.locator("main")).to_contain_text("近七天没有查岗")
    page.locator("select[name=role]").select_option("station-duty")
    page.fill("[name=place]", "t")
    page.get_by_role("button", name="立即查岗").click()
    row = page.locator("tbody tr")
    expect(row).to_contain_text("柳林镇 · 消防工作站值班员")
    expect(row).to_contain_text("未到时间")
    unfolded_looks_right(page, tmp_path, "roll-calls")
    page.locator("select[name=role]").select_option("station-duty")
    page.fill("[name=place]", "t")
    page.get_by_role("button", name="立即查岗").click()
    expect(page.locator("[role=alert]")).to_contain_text("尚未结束")
    expect(page.locator("[name=place]")).to_have_value("t")
    expect(page.locator("select[name=role]")).to_have_value("station-duty")
    [call] = township.book.roll_calls(NOW, NOW + 1)
    assert (call.role, call.started_by) == ("station-duty", "station")
