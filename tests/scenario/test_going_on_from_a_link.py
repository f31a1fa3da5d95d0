"""Whoever took an alert by a link goes on from its page, in the browser that took it and in no other."""

from __future__ import annotations

import re
from contextlib import ExitStack

import pytest

from firesense.domain.alert import Case, Finding
from firesense.domain.deed import Actor
from firesense.domain.escalation import ClimbState, Purpose
from firesense.domain.instant import SECOND
from firesense.escalate import Target
from tests.house import smoke_device
from tests.reached import Town

ZHANG = Actor("zhang-wei")


@pytest.fixture
def story(tmp_path):
    with ExitStack() as stack:
        yield Town(tmp_path, stack, [smoke_device(1)], {"mqtt": "sun-bo"}, (), "sun-bo")


@pytest.fixture
def browsers(story):
    """Two telephones: that of whoever was called, and one the link was passed on to."""
    with story.pages() as own, story.pages() as other:
        yield own, other


def link_to(story, alert, purpose, who):
    call = next(call for call in story.calls(alert) if (call.purpose, call.person) == (purpose, who))
    return story.house.links.link(call).removeprefix("https://console.example.org")


def test_a_grid_member_takes_a_fire_by_the_link_whistles_and_arrives(story, browsers):
    own, _ = browsers
    fire = story.fire()
    link = link_to(story, fire, Purpose.ALERT, "zhang-wei")
    assert "我已到场" not in own.get(link).text
    page = own.post(link).text
    assert "我已到场" in page
    post = re.search(r'<option value="(station-duty@\w+)">消防工作站值班员 · 青溪镇</option>', page)[1]
    whistled = own.post(f"{link}/whistle", data={"whom": post, "reason": "火势大"})
    assert "吹哨：青溪镇 消防工作站值班员 · 等待报到" in whistled.text
    (whistle,) = story.house.book.whistles(fire.id)
    assert (whistle.by, whistle.reason, whistle.state) == ("zhang-wei", "火势大", ClimbState.CLIMBING)
    arrived = own.post(f"{link}/arrive")
    assert "✓ 已到场" in arrived.text
    assert "我已到场" not in arrived.text
    now = story.house.book.alert(fire.id)
    assert (now.case, now.acknowledged_by) == (Case.ON_SITE, "zhang-wei")
    said = [line.entry for line in story.house.book.audit(target=fire.id)]
    assert [(each.did, each.origin.split()[0]) for each in said] == [
        ("acknowledged", "link"),
        ("whistled", "link"),
        ("arrived", "link"),
    ]


def test_a_department_that_said_that_it_comes_says_when_it_is_there(story, browsers):
    own, _ = browsers
    fire = story.fire()
    story.house.desk.acknowledge(fire.id, ZHANG)
    story.house.desk.whistle(fire.id, ZHANG, Target("maintenance"), "断电")
    story.house.settle()
    link = link_to(story, fire, Purpose.WHISTLE, "sun-bo")
    assert "我已到场" in own.post(link).text
    own.post(f"{link}/arrive")
    now = story.house.book.alert(fire.id)
    assert (now.case, now.acknowledged_by) == (Case.ON_SITE, "zhang-wei")


def nothing_done(story, fire):
    now = story.house.book.alert(fire.id)
    return now.arrived_at is None and story.house.book.whistles(fire.id) == []


def test_whoever_the_link_was_passed_on_to_sees_who_has_the_alert_and_can_do_nothing(story, browsers):
    own, other = browsers
    fire = story.fire()
    link = link_to(story, fire, Purpose.ALERT, "zhang-wei")
    for deed in ("arrive", "whistle"):
        own.post(f"{link}/{deed}", data={"whom": "station-duty", "reason": "x"})  # before it was taken
    assert own.post(link).headers["set-cookie"].count("HttpOnly") == 1
    for asked in (other.get(link), other.post(link)):
        assert "我已到场" not in asked.text
        assert "set-cookie" not in asked.headers
    for seal in ("", "a" * 24):
        other.cookies.set("firesense-answered", seal)
        for deed in ("arrive", "whistle"):
            other.post(f"{link}/{deed}", data={"whom": "station-duty", "reason": "x"})
    assert nothing_done(story, fire)


def test_nothing_goes_on_once_somebody_else_has_it_the_link_is_old_or_the_case_is_closed(story, browsers):
    own, _ = browsers
    fire = story.fire()
    link = link_to(story, fire, Purpose.ALERT, "zhang-wei")
    own.post(link)
    story.house.desk.take_over(fire.id, Actor("wang-fang"), "离得近")
    assert own.post(f"{link}/arrive").status_code == 410
    story.house.desk.take_over(fire.id, ZHANG, "回来了")
    assert "我已到场" in own.get(link).text
    story.clock.at += 13 * 3600 * SECOND
    assert own.post(f"{link}/arrive").status_code == 404
    story.clock.at -= 13 * 3600 * SECOND
    story.house.desk.close(fire.id, ZHANG, Finding.FALSE_ALARM, though_firing=True)
    assert own.post(f"{link}/arrive").status_code == 410
    assert nothing_done(story, fire)


@pytest.mark.parametrize(
    ("said", "words"),
    [({"whom": "", "reason": "断电"}, "请选择叫谁来"), ({"whom": "station-duty", "reason": " "}, "请写明吹哨事由")],
)
def test_what_cannot_be_whistled_is_said_on_the_page_of_the_link(story, browsers, said, words):
    own, _ = browsers
    fire = story.fire()
    link = link_to(story, fire, Purpose.ALERT, "zhang-wei")
    own.post(link)
    refused = own.post(f"{link}/whistle", data=said)
    assert refused.status_code == 409
    assert words in refused.text
    assert nothing_done(story, fire)
