"""Whoever whistles hears what became of it, for whom and why; and nothing that is not so."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from firesense.domain.alert import Grade
from firesense.domain.deed import Actor
from firesense.domain.errors import Conflict
from firesense.domain.escalation import ClimbState, Purpose
from firesense.domain.hazard import Report
from firesense.domain.instant import HOUR, MINUTE
from firesense.escalate import Target
from firesense.text import TEXTS, say
from firesense.web.shown import conflict_words
from tests.house import GRID, ROOT, SmallHouse, smoke, smoke_device

ZHANG, LIU = Actor("zhang-wei"), Actor("liu-yang")
VACANT = "990100101202-01"  # 柳林村第一网格: nobody is its grid leader


@pytest.fixture
def house(tmp_path):
    # The township's maintainer, and the district's: 周强.
    org = (ROOT / "config/org.yaml").read_text(encoding="utf-8")
    org = org.replace("    operator: [operator]\n", "    operator: [operator]\n    maintenance: [zhou-qiang]\n", 1)
    opened = SmallHouse(tmp_path, [smoke_device(1), smoke_device(2, VACANT)], org=org)
    yield opened
    opened.close()


def taken(house, number=1, who=ZHANG):
    house.hear(smoke(house.clock, number, alarm=1))
    alert = next(alert for alert in house.open_alerts() if alert.device == f"smoke-{number}")
    house.desk.acknowledge(alert.id, who)
    house.wind(seconds=10)
    return alert


def whistle(house, alert, role="maintenance", reason="断电", who=ZHANG):
    climb = house.desk.whistle(alert.id, who, Target(role), reason)
    house.settle()
    return climb


def notices(house, who):
    """What a person was told in passing, each once."""
    return [told for told in house.mqtt.told if (told.purpose, told.person) == ("notice", who)]


# -- nobody comes ------------------------------------------------------------------------------------------------------
def test_while_others_are_called_the_whistler_hears_who_and_the_operator_nothing(house):
    whistle(house, taken(house))
    house.wind(minutes=31, step=MINUTE)
    [notice] = notices(house, "zhang-wei")
    assert notice.title.startswith("【吹哨未报到】")
    assert notice.body.startswith("维保人员尚未报到，已继续通知周强。张伟 吹哨事由：断电")
    assert notices(house, "operator") == []


def test_when_nobody_is_left_to_call_both_are_told_that_and_no_more(house):
    alert = taken(house)
    whistle(house, alert, "grid-leader")
    house.wind(minutes=11, step=MINUTE)
    for who in ("zhang-wei", "operator"):
        [notice] = notices(house, who)
        assert notice.body.startswith("网格长尚未报到，已无上级可通知，请另行联系。张伟 吹哨事由：断电")
    assert house.book.whistles(alert.id)[0].state is ClimbState.EXHAUSTED
    assert "继续" not in "".join(told.body for told in house.told if told.purpose == "notice")


def test_a_whistle_for_a_vacant_post_says_at_once_that_there_was_nobody_to_call(house):
    alert = taken(house, 2, LIU)
    assert whistle(house, alert, "grid-leader", "请到场", LIU).state is ClimbState.EXHAUSTED
    for who in ("liu-yang", "operator"):
        [notice] = notices(house, who)
        assert notice.title.startswith("【吹哨无人可通知】")
        assert notice.body.startswith("网格长无人可通知（岗位空缺或没有联系方式），请另行联系。刘洋 吹哨事由：请到场")
    assert not [call for call in house.book.calls(alert.id) if call.purpose is Purpose.WHISTLE]


def test_the_last_rung_is_called_by_its_post_and_three_whistles_make_three_different_notices(house):
    alert = taken(house)
    house.desk.whistle(alert.id, ZHANG, Target(rung=4), "火势大")
    whistle(house, alert, "grid-leader", "请来人")
    whistle(house, alert, "station-duty", "要水")
    house.wind(minutes=11, step=MINUTE)
    told = [notice.body.partition("\n")[0] for notice in notices(house, "zhang-wei")]
    assert len(set(told)) == len(told) == 3
    assert [words for words in told if words.startswith("消防救援大队值班员尚未报到，已无上级可通知")]


# -- somebody comes ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("by", ["answer", "acknowledge"])
def test_the_whistler_hears_once_that_the_department_comes(house, by):
    alert = taken(house)
    whistle(house, alert)
    getattr(house.desk, by)(alert.id, Actor("sun-bo"))
    house.wind(minutes=14, step=MINUTE)
    [notice] = notices(house, "zhang-wei")
    assert notice.title.startswith("【部门已报到】")
    assert notice.body.startswith("孙博 已报到（维保人员）。张伟 吹哨事由：断电")


def test_it_is_told_of_the_whistle_that_was_answered_and_not_to_who_says_it_himself(house):
    alert = taken(house)
    whistle(house, alert)
    whistle(house, alert, "station-duty", "要水", Actor("wang-fang"))
    house.desk.answer(alert.id, Actor("yang-min"))
    house.settle()
    assert notices(house, "zhang-wei") == []
    assert "要水" in notices(house, "wang-fang")[0].body
    house.desk.answer(alert.id, ZHANG, "w1")
    house.settle()
    assert notices(house, "zhang-wei") == []


# -- what cannot be ----------------------------------------------------------------------------------------------------
def test_the_same_whistle_is_refused_while_it_waits_and_not_after(house):
    alert = taken(house)
    whistle(house, alert)
    with pytest.raises(Conflict) as refused:
        whistle(house, alert, reason="快断电")
    words = conflict_words(refused.value, house.keeper.current(), ZoneInfo(house.settings.zone), "zh")
    assert say(refused.value.key, "zh", **words) == (
        "未执行：您 01-01 08:00:10 对该岗位的吹哨（w1，事由：断电）正在等待报到，限 01-01 08:30:10。"
        "可等待、对更上一级吹哨或电话联系；已报到或无人可叫后可再次吹哨"
    )
    assert "w1 for the same, blown 2026-01-01T00:00:10" in str(refused.value)
    assert whistle(house, alert, "grid-leader").strand == "w2", "another department"
    assert whistle(house, alert, who=Actor("wang-fang")).strand == "w3", "another whistler"
    house.desk.answer(alert.id, Actor("sun-bo"))
    assert whistle(house, alert, reason="来接发电机").strand == "w4", (
        "the first was answered: another need, another whistle"
    )
    house.wind(minutes=11, step=MINUTE)
    assert whistle(house, alert, "grid-leader").strand == "w5", "the second was climbed to its end"


def test_a_place_that_is_none_is_called_so(house):
    alert = taken(house)
    with pytest.raises(Conflict, match="no place 999"):
        house.desk.whistle(alert.id, ZHANG, Target("station-duty", "999"), "x")
    assert house.book.whistles(alert.id) == []


# -- a case that somebody has ------------------------------------------------------------------------------------------
def test_the_operator_hears_of_a_case_that_stands_still_as_one_that_somebody_has(house):
    taken(house)
    house.wind(hours=1, step=MINUTE)
    notice = notices(house, "operator")[0]
    assert notice.title.startswith("【火警·接警后未处置】")
    assert notice.body.startswith("张伟 2026-01-01 08:00:00 接警，已逐级上报一轮，仍无进展")


def test_a_climb_at_its_end_is_called_so_that_it_fits_a_case_that_somebody_has(house):
    report = Report("a" * 22, GRID, "堵塞通道", Grade.GENERAL, reporter="zhang-wei")
    alert = house.hazards.report(report, ZHANG).alert
    house.settle()
    house.desk.acknowledge(alert, ZHANG)
    house.wind(days=4, step=4 * HOUR)
    climb = house.book.climb(alert)
    assert (climb.state, house.book.alert(alert).acknowledged_by) == (ClimbState.EXHAUSTED, "zhang-wei")
    for key in ("climb.exhausted", "step.exhausted"):
        assert "无人接警" not in TEXTS[key][0]
        assert "nobody took" not in TEXTS[key][1]
