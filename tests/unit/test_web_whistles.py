"""Whistles in the console: blown from an alert's page and answered there, and what its story and the board say."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from firesense.domain.deed import Actor, Rights
from firesense.domain.escalation import ClimbState, Step, StepKind
from firesense.domain.instant import MINUTE
from firesense.domain.place import Org, Post
from firesense.escalate import Target, act
from firesense.ports import User
from firesense.web.story_shown import show_story
from tests.console import HASH, ORG, PASSWORD, Township


@pytest.fixture
def township(tmp_path):
    township = Township(tmp_path)
    posts = [*ORG.posts.values(), Post("brigade-duty", "d", ("he",)), Post("station-duty", "d", ("sun",))]
    township.plan = replace(township.plan, org=Org(ORG.places.values(), posts, ORG.people.values()))
    township.book.put_user(User("he", HASH, "he", place="elsewhere"))
    township.book.put_user(User("sun", HASH, "sun", place="g"))
    township.book.put_user(User("li", HASH, rights=Rights.VIEWER))
    yield township
    township.close()


class Officer:
    """Somebody with a browser."""

    def __init__(self, console, name, language="zh"):
        self.client = TestClient(console, headers={"accept-language": language})
        self.client.post("/login", data={"name": name, "password": PASSWORD})

    def look(self, alert):
        return self.client.get(f"/alerts/{alert.id}").text

    def press(self, alert, deed, **said):
        csrf = re.search(r'name="csrf" value="(\w+)"', self.client.get("/").text)
        return self.client.post(f"/alerts/{alert.id}/{deed}", data={"csrf": csrf[1] if csrf else "", **said})


@pytest.fixture
def console(township):
    with TestClient(township.console()) as client:
        yield client.app


@pytest.fixture
def officer(console):
    return Officer(console, "station")


def told(page):
    """The lines of the story, from the first, as people read them."""
    story = page[page.index('<ol class="story">') :]
    return [re.sub(r"\s+", " ", re.sub("<[^>]*>", "", line)).strip() for line in story.split("</li>")[:-1]][::-1]


def listed(page):
    """The list of whistles as people read it."""
    found = re.search(r'<section class="panel whistles.*?</section>', page, re.DOTALL)
    return re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", found[0])) if found else ""


def pass_time(township, alert, strand="w1", minutes=10):
    """Wind the clock, and let the whistle climb as duty would."""
    township.clock.at += minutes * MINUTE
    (climb,) = [each for each in township.book.whistles(alert.id) if each.strand == strand]
    done = act(alert, climb, township.plan.org, {"mqtt": "mqtt", "dingtalk": "dingtalk"}, township.clock.at)
    assert township.book.advance(climb, done.climb, done.calls, done.steps)


def test_a_department_is_called_in_from_the_page_of_an_alert_nobody_has_taken_and_comes(officer, township):
    alert = township.alarm()
    page = officer.look(alert)
    assert '<option value="station-duty@t">消防工作站值班员 · 柳林镇 · 值班员甲</option>' in page
    assert '<option value="2">第2级 网格长、村(社区)负责人 · 何大勇</option>' in page
    assert '<option value="4">第4级 消防救援委员会办公室 · 无人在岗，将向上吹哨</option>' in page
    done = officer.press(alert, "whistle", whom="grid-leader@v", reason="需要断电")
    assert (done.status_code, done.url.path) == (200, f"/alerts/{alert.id}")
    (whistle,) = township.book.whistles(alert.id)
    assert (whistle.by, whistle.reason, whistle.ladder.rungs[0].roles) == ("station", "需要断电", ("grid-leader",))
    said = listed(done.text)
    for words in ("等待报到", "大槐树村 网格长", "事由：需要断电", "值班员甲 吹哨", "已呼叫 何大勇", "限时报到 12:10"):
        assert words in said
    assert "代为报到" in said, "it is for somebody else to say"
    assert "吹哨待报到 1" in officer.client.get("/").text
    came = officer.press(alert, "answer", strand="w1")
    assert "值班员甲 报到" in listed(came.text)
    assert "等待报到" not in listed(came.text)
    assert "吹哨待报到" not in officer.client.get("/").text
    assert township.book.whistles(alert.id)[0].state is ClimbState.STOPPED


def test_whoever_was_called_says_that_they_come_though_the_alert_is_not_theirs_to_act_on(officer, console, township):
    alert = township.alarm()
    officer.press(alert, "whistle", whom="grid-leader@v", reason="断电")
    officer.press(alert, "whistle", whom="station-duty@t", reason="来人")
    he = Officer(console, "he")
    page = he.look(alert)
    assert page.count(f'action="/alerts/{alert.id}/answer"') == 1, "the one whistle that called him"
    assert page.index("报到：我们来了") < page.index("<article"), "that is what they came for"
    refused = he.press(alert, "answer", strand="w2")
    assert (refused.status_code, "您没有权限" in refused.text) == (403, True)
    assert "何大勇 报到" in listed(he.press(alert, "answer", strand="w1").text)
    assert [each.state for each in township.book.whistles(alert.id)] == [ClimbState.STOPPED, ClimbState.CLIMBING]


def test_a_grid_member_who_has_not_taken_it_may_whistle_and_a_viewer_may_not(console, township):
    alert = township.alarm()
    assert Officer(console, "sun").press(alert, "whistle", whom="3", reason="火势大").status_code == 200
    viewer = Officer(console, "li")
    assert 'id="whistle"' not in viewer.look(alert)
    assert viewer.press(alert, "whistle", whom="3", reason="火势大").status_code == 403
    assert [each.by for each in township.book.whistles(alert.id)] == ["sun"]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"whom": "", "reason": "断电"}, "请选择叫谁来"),
        ({"whom": "grid-leader@v", "reason": "  "}, "请写明吹哨事由"),
        ({"whom": "9", "reason": "断电"}, "没有第 9 级"),
        ({"whom": "0", "reason": "断电"}, "没有第 0 级"),
        ({"whom": "navy@v", "reason": "断电"}, "navy"),
    ],
)
def test_what_cannot_be_whistled_is_said_on_the_page_with_the_form_still_open(officer, township, said, words):
    alert = township.alarm()
    refused = officer.press(alert, "whistle", **said)
    assert refused.status_code == 409
    assert words in re.search(r'role="alert">(.*?)</p>', refused.text)[1]
    assert '<details class="deeds" id="whistle" open>' in refused.text
    assert f'value="{said["reason"].strip()}"' in refused.text
    assert township.book.whistles(alert.id) == []


def test_without_the_token_of_the_session_nothing_is_whistled_or_answered(officer, township):
    alert = township.alarm()
    for deed in ("whistle", "answer"):
        refused = officer.client.post(f"/alerts/{alert.id}/{deed}", data={"whom": "3", "reason": "x"})
        assert (refused.status_code, "页面已过期" in refused.text) == (403, True)
    assert township.book.whistles(alert.id) == []


def test_the_story_of_a_whistle_is_told_in_words(officer, township):
    alert = township.alarm()
    officer.press(alert, "whistle", whom="grid-leader@v", reason="线路冒烟")
    officer.press(alert, "whistle", whom="5", reason="火势大")
    officer.press(alert, "answer", strand="w1")
    lines = [re.sub(r"^[\d: -]+", "", line) for line in told(officer.look(alert))]
    assert [line for line in lines if "吹哨" in line or "报到" in line] == [
        "吹哨 值班员甲 网格长 · 线路冒烟",
        "开始通知 何大勇 吹哨：网格长 · 大槐树村 · MQTT · 仅有一种通知渠道（mqtt）",
        "吹哨 值班员甲 第5级 消防救援大队值班员 · 火势大",
        "开始通知 何大勇 吹哨：第5级 消防救援大队值班员 · 青河县 · MQTT · 仅有一种通知渠道（mqtt）",
        "部门报到 值班员甲 网格长",
    ]


def test_a_whistle_nobody_answers_says_how_far_it_climbed_and_who_comes_next(officer, township):
    alert = township.alarm()
    officer.press(alert, "whistle", whom="station-duty@t", reason="来人")
    said = listed(officer.look(alert))
    assert "超时改叫 青河县 消防工作站值班员" in said
    pass_time(township, alert)
    said = listed(officer.look(alert))
    assert "已向上 1 级" in said
    assert "之后上面无人可叫" in said
    assert "已呼叫 值班员甲、孙小梅" in said
    pass_time(township, alert)
    assert "无人报到，已报至顶层" in listed(officer.look(alert))
    assert "吹哨待报到 1" in officer.client.get("/").text, "it may still be answered"
    assert "孙小梅 报到" in listed(Officer(officer.client.app, "sun").press(alert, "answer", strand="w1").text)


def test_a_whistle_ends_with_its_case(officer, township):
    alert = township.alarm()
    officer.press(alert, "whistle", whom="grid-leader@v", reason="断电")
    officer.press(alert, "close", finding="fire", though_firing="1")
    said = listed(officer.look(alert))
    assert "随案件结束" in said
    assert "报到：" not in said
    assert "代为报到" not in said


def test_the_page_of_a_whistle_in_english(console, township):
    alert = township.alarm()
    english = Officer(console, "station", "en")
    said = listed(english.press(alert, "whistle", whom="2", reason="cut the power").text)
    for words in (
        "not come yet",
        "rung 2 grid leader, village head",
        "Why: cut the power",
        "Called 何大勇",
        "To come by",
    ):
        assert words in said
    assert not re.search("[一-鿿]", re.sub("何大勇|值班员甲|大槐树村|柳林镇|青河县", "", said))


@pytest.mark.parametrize(
    ("kind", "detail", "words"),
    [
        (StepKind.UNDONE, {"why": "nobody-on-site"}, ("至今无人到场",)),
        (StepKind.REPAIRED, {"why": "no-climb"}, ("没有上报流程",)),
        (StepKind.HELD, {"window": "q1", "kind": "maintenance", "why": "换电池"}, ("维护中", "换电池")),
        (StepKind.PLAN, {"plan": "fire", "to": "sun,he"}, ("火警", "孙小梅、何大勇")),
        (StepKind.TRIPPED_AGAIN, {"value": "0.4"}, ("读数 0.4",)),
        (StepKind.WAITS, {"until": "2026-01-01T04:10:00.000000Z"}, ("至 01-01 12:10:00",)),
    ],
)
def test_what_a_case_waited_for_is_told_in_words(township, kind, detail, words):
    (line,) = show_story([Step("a", township.clock.at, kind, "", detail)], township.plan, "zh")
    assert line.details == words


def test_the_board_counts_the_whistles_of_each_alert(township):
    first, second = township.alarm(1), township.alarm(2, device="smoke-2")
    for alert, role in ((first, "grid-leader"), (first, "station-duty"), (second, "station-duty")):
        township.desk.whistle(alert.id, Actor("station"), Target(role), "come")
    township.desk.answer(first.id, Actor("station"), "w1")
    township.desk.answer(second.id, Actor("station"), "w1")
    assert township.book.listing().whistles == {first.id: 1}
