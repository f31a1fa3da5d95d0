"""Whoever is called in, or called because a case stands still, answers from the message: without a log-in."""

from __future__ import annotations

import re
from contextlib import ExitStack

import pytest

from firesense.domain.deed import Actor
from firesense.domain.errors import Conflict
from firesense.domain.escalation import ClimbState, Purpose, StepKind
from firesense.domain.instant import SECOND
from firesense.escalate import Target
from tests.accounts import Aliyun
from tests.house import smoke_device
from tests.reached import SUN, Town

ZHANG = Actor("zhang-wei")
WANG = "13900000012"
WAYS = {"sms": SUN, "voice": SUN, "feishu": "ou_lin", "wecom": "lin", "link": "sun-bo"}
HOUR, CODE = 3600 * SECOND, re.compile(r"\d{6}")


@pytest.fixture
def town(tmp_path):
    with ExitStack() as stack:

        def made(way, who):
            address = WANG if who == "wang-fang" and way in {"sms", "voice"} else WAYS[way]
            channel = "mqtt" if way == "link" else way
            wanted = () if way == "link" else (way,)
            return Town(tmp_path, stack, [smoke_device(1)], {channel: address}, wanted, who)

        yield made


def call_of(story, alert, purpose, who):
    return next(call for call in story.calls(alert) if (call.purpose, call.person) == (purpose, who))


def path_of(story, call):
    return story.house.links.link(call).removeprefix("https://console.example.org")


def answer(story, way, call):
    """Answer a call the way its person would; gives what the message had in it to answer with."""
    address, house = call.address, story.house
    posted = story.servers[way].posted[-1] if way in story.servers else {}
    match way:
        case "link":
            with story.pages() as browser:
                return browser.post(path_of(story, call)).text
        case "sms":
            [code] = CODE.findall(posted["content"])
            story.call_back("sms", {"phone": address, "text": code}, "0123456789abcdef")
            return posted["content"]
        case "voice":
            told = {"call_id": call.receipt, "status_code": "200000", "dtmf": "1"}
            story.call_back("voice", [told], Aliyun.callback_secret)
            return ""
        case "feishu":
            card = posted["card"]
            story.call_back("feishu", story.servers["feishu"].pressed(card, address, story.clock.at))
            return str(card)
        case _:
            card = posted["template_card"]
            query, body = story.servers["wecom"].pressed(card, address, story.clock.at)
            with story.pages() as outside:
                assert outside.post("/callbacks/wecom", params=query, content=body).status_code == 200
            assert house.answering.status.taken == 1
            return str(card)


def whistled(story, reason="断电", role="maintenance"):
    """A fire that zhang-wei has, and a whistle of his."""
    alert = story.fire()
    story.house.desk.acknowledge(alert.id, ZHANG)
    story.house.desk.whistle(alert.id, ZHANG, Target(role), reason)
    story.house.settle()
    return alert


def stood_still(story):
    """A fire that zhang-wei has, and nobody is on site in its time: wang-fang is called."""
    alert = story.fire()
    story.house.desk.acknowledge(alert.id, ZHANG)
    story.house.wind(minutes=16, step=10 * SECOND)
    return alert


# -- a whistle ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("way", WAYS)
def test_a_department_says_from_the_message_that_it_comes_and_is_not_called_again(town, way):
    story = town(way, "sun-bo")
    alert = whistled(story)
    words = answer(story, way, call_of(story, alert, Purpose.WHISTLE, "sun-bo"))
    assert way == "voice" or "报到" in words
    assert [each.state for each in story.house.book.whistles(alert.id)] == [ClimbState.STOPPED]
    assert story.house.book.alert(alert.id).acknowledged_by == "zhang-wei", "the alert stays with whoever has it"
    came = next(step for step in story.house.book.story(alert.id) if step.kind is StepKind.ANSWERED)
    assert (came.who, came.detail) == ("sun-bo", {"strand": "w1"})
    last = story.house.book.audit(target=alert.id)[-1].entry
    assert (last.did, last.origin.split()[0]) == ("answered", "link" if way == "link" else "channel")
    story.house.wind(minutes=14, step=30 * SECOND)
    whistles = [call for call in story.calls(alert) if call.purpose is Purpose.WHISTLE]
    assert {call.person for call in whistles} == {"sun-bo"}
    assert len({call.rung for call in whistles}) == 1


def test_whoever_is_called_in_to_an_alert_nobody_has_comes_and_it_climbs_on(town):
    story = town("link", "sun-bo")
    alert = story.fire()
    story.house.desk.whistle(alert.id, ZHANG, Target("maintenance"), "断电")
    story.house.settle()
    answer(story, "link", call_of(story, alert, Purpose.WHISTLE, "sun-bo"))
    assert story.house.book.alert(alert.id).acknowledged_by == ""
    story.house.wind(minutes=3, step=10 * SECOND)
    assert "wang-fang" in {person for _, person in story.house.people_told("fire")}


def test_the_page_of_a_whistle_says_who_calls_and_why_and_looking_answers_nothing(town):
    story = town("link", "sun-bo")
    alert = whistled(story, "线路打火，请断电")
    path = path_of(story, call_of(story, alert, Purpose.WHISTLE, "sun-bo"))
    with story.pages() as browser:
        for preview in (browser.get, browser.head, browser.options):
            preview(path)
        page = browser.get(path)
        assert page.status_code == 200
        for words in ("张伟", "线路打火，请断电", "报到确认", ">报到</button>"):
            assert words in page.text
        assert "接警后停止" not in page.text
        assert story.house.book.whistles(alert.id)[0].state is ClimbState.CLIMBING
        assert browser.post(path[:-1] + ("a" if path[-1] != "a" else "b")).status_code == 404
        done = browser.post(path)
        assert (done.status_code, "已报到" in done.text) == (200, True)
        assert "您已报到" in browser.get(path).text
    assert story.kinds(alert).count(StepKind.ANSWERED) == 1


def test_of_a_department_one_answers_and_the_others_links_say_who(town):
    story = town("link", "sun-bo")
    alert = whistled(story, role="station-duty")
    first, second = (path_of(story, call_of(story, alert, Purpose.WHISTLE, who)) for who in ("yang-min", "zhao-lei"))
    with story.pages() as browser:
        assert browser.post(first).status_code == 200
        gone = browser.get(second)
        assert (gone.status_code, "杨敏 已报到" in gone.text) == (410, True)
        assert browser.post(second).status_code == 410
    assert story.kinds(alert).count(StepKind.ANSWERED) == 1


def test_a_whistle_that_was_climbed_to_its_end_can_still_be_answered_but_not_when_the_case_is_over(town):
    story = town("link", "sun-bo")
    alert = whistled(story, role="grid-leader")
    path = path_of(story, call_of(story, alert, Purpose.WHISTLE, "wang-fang"))
    story.house.wind(minutes=11, step=30 * SECOND)
    assert story.house.book.whistles(alert.id)[0].state is ClimbState.EXHAUSTED
    with story.pages() as browser:
        assert "王芳" in browser.get(path).text
        assert browser.post(path).status_code == 200
    assert story.house.book.whistles(alert.id)[0].state is ClimbState.STOPPED


def test_the_link_of_one_whistle_says_nothing_for_another(town):
    story = town("link", "sun-bo")
    alert = whistled(story)
    story.house.desk.whistle(alert.id, Actor("wang-fang"), Target("maintenance"), "送钥匙")
    story.house.settle()
    answer(story, "link", call_of(story, alert, Purpose.WHISTLE, "sun-bo"))
    assert [each.state for each in story.house.book.whistles(alert.id)] == [ClimbState.STOPPED, ClimbState.CLIMBING]


# -- acknowledged is not done ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("way", WAYS)
def test_who_is_called_because_nothing_was_done_takes_the_case_over_from_the_message(town, way):
    story = town(way, "wang-fang")
    alert = stood_still(story)
    words = answer(story, way, call_of(story, alert, Purpose.UNDONE, "wang-fang"))
    assert way == "voice" or "接手" in words
    after, climb = story.house.book.alert(alert.id), story.house.book.climb(alert.id)
    assert after.acknowledged_by == "wang-fang"
    assert (climb.state, climb.due_at) == (ClimbState.ACKNOWLEDGED, story.clock.at + HOUR // 4), "time begins anew"
    taken = story.house.book.story(alert.id)[-1]
    assert (taken.kind, taken.who, taken.detail["had_by"]) == (StepKind.TAKEN_OVER, "wang-fang", "zhang-wei")
    count = len([call for call in story.calls(alert) if call.purpose is Purpose.UNDONE])
    story.house.wind(minutes=14, step=30 * SECOND)
    assert len([call for call in story.calls(alert) if call.purpose is Purpose.UNDONE]) == count


def test_the_page_says_who_has_the_case_and_that_nothing_has_moved(town):
    story = town("link", "wang-fang")
    alert = stood_still(story)
    path = path_of(story, call_of(story, alert, Purpose.UNDONE, "wang-fang"))
    with story.pages() as browser:
        page = browser.get(path)
        for words in ("接手确认", "张伟 已接警但至今没有进展", "至今无人到场", ">接手</button>"):
            assert words in page.text
        assert story.house.book.alert(alert.id).acknowledged_by == "zhang-wei", "looking takes nothing"
        assert "已接手" in browser.post(path).text
        assert "张伟" in browser.get(path).text, "why it was called stays as it was"


def test_who_does_something_after_all_keeps_the_case(town):
    story = town("link", "wang-fang")
    alert = stood_still(story)
    call = call_of(story, alert, Purpose.UNDONE, "wang-fang")
    story.house.desk.arrive(alert.id, ZHANG)
    with story.pages() as browser:
        for ask in (browser.get, browser.post):
            page = ask(path_of(story, call))
            assert (page.status_code, "张伟 正在处置" in page.text) == (410, True)
    assert story.house.book.alert(alert.id).acknowledged_by == "zhang-wei"


def test_of_two_who_take_over_at_once_one_has_it_and_the_other_is_told(town):
    story = town("link", "wang-fang")
    alert = stood_still(story)
    wang, chen = (call_of(story, alert, Purpose.UNDONE, who) for who in ("wang-fang", "chen-jie"))
    story.house.desk.answer_call(wang, Actor("wang-fang"))
    with pytest.raises(Conflict):
        story.house.desk.answer_call(chen, Actor("chen-jie"))  # what she looked at was true a moment ago
    with story.pages() as browser:
        assert "王芳 正在处置" in browser.post(path_of(story, chen)).text
    assert story.house.book.alert(alert.id).acknowledged_by == "wang-fang"


def test_whoever_has_the_case_and_is_called_again_has_nothing_to_take(town):
    story = town("link", "wang-fang")
    alert = story.fire()
    story.house.desk.acknowledge(alert.id, Actor("wang-fang"))
    story.house.wind(minutes=16, step=10 * SECOND)
    call = call_of(story, alert, Purpose.UNDONE, "wang-fang")
    with story.pages() as browser:
        assert "这起警情已由您负责" in browser.get(path_of(story, call)).text
        assert browser.post(path_of(story, call)).status_code == 200
    assert StepKind.TAKEN_OVER not in story.kinds(alert)
