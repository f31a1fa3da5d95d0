"""Every alert explains itself, from what was kept with it when it was raised."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from firesense.cli import main
from firesense.domain.calendar import Calendars, Period
from firesense.domain.deed import Actor
from firesense.domain.device import Device
from firesense.domain.errors import NotFound
from firesense.domain.instant import SECOND
from firesense.domain.place import Org
from firesense.explain import explain
from firesense.grounds import because
from tests.explained import lines
from tests.house import GRID, SmallHouse, smoke, smoke_device

WATER = Device("main-1", "water", "firesense-water", "W1", GRID, -1, kind="main")


@pytest.fixture
def house(tmp_path):
    built = SmallHouse(tmp_path, [smoke_device(1, period=timedelta(minutes=1)), smoke_device(2), WATER])
    yield built
    built.close()


def water(clock, kpa):
    return "firesense/water/W1/up", {"time": clock.now() // 1_000_000, "data": {"pressure_kpa": kpa}}


def explanation_of(house, rule):
    alert = next(alert for alert in house.book.alerts(open_only=False) if alert.rule == rule)
    return explain(house.book, house.keeper.current(), alert.id)


def test_a_fire_keeps_the_reading_that_said_so_and_the_way_it_took(house):
    house.hear(smoke(house.clock), smoke(house.clock, 2))
    house.wind(seconds=30)
    house.hear(smoke(house.clock, 2), smoke(house.clock, alarm=1), smoke(house.clock, 2))
    house.wind(minutes=3)
    it = explanation_of(house, "smoke-fire")
    assert it.in_force == it.alert.rule_version
    assert it.because.rule["when"] == "fire and not asserted(test)"
    assert it.because.rule["source"].endswith("rules.yaml: rules[0]")
    assert it.because.route == {
        "ladder": "township-fire",
        "selector": "3",
        "class": "fire",
        "place": "990100101",
    }
    [witness] = it.because.witnesses
    assert witness.says == {"fire": 1.0, "test": 0.0}
    assert (witness.event_at, witness.offset) == (it.alert.event_at, it.alert.offset)
    assert {call.person for call in it.calls} == {"zhang-wei", "wang-fang", "chen-jie"}


def test_a_hold_keeps_the_readings_that_led_to_it(house):
    rising = [300, 130, 120, 110]
    for kpa in rising:
        house.hear(frame(house, kpa))
        house.wind(seconds=40)
    it = explanation_of(house, "water-pressure-low")
    assert [witness.says["pressure"] for witness in it.because.witnesses] == pytest.approx([0.3, 0.13, 0.12])
    assert it.because.rule["hold"] == "1m"
    assert it.because.asked == {"kind": "!building (main)"}


def frame(house, kpa):
    topic, said = water(house.clock, kpa)
    at = house.clock.now() // 1_000_000
    hours, rest = divmod(at % 86400, 3600)
    stamp = f"2026-01-01T{hours:02}:{rest // 60:02}:{rest % 60:02}Z"
    return topic, said | {"time": stamp}


def test_a_silence_shows_what_was_heard_last(house):
    house.hear(smoke(house.clock, bat=42))
    house.wind(minutes=4)
    it = explanation_of(house, "smoke-silent")
    assert it.because.witnesses[-1].says["battery"] == 42
    assert it.because.rule["periods"] == "3"


def test_what_is_kept_does_not_change_with_the_rules(house):
    house.hear(smoke(house.clock, alarm=1))
    before = explanation_of(house, "smoke-fire").because
    plan = house.keeper.current()
    other = replace(plan, rules=tuple(replace(rule, when="heat", version="other") for rule in plan.rules))
    after = explain(house.book, other, before.alert)
    assert after.because == before
    assert after.in_force == "other"
    assert any("changed since: other is in force now" in line for line in lines(after, other, "en"))
    gone = replace(plan, rules=())
    assert any("there is no such rule any more" in line for line in lines(after_of(house, gone), gone, "en"))


def after_of(house, plan):
    [alert] = house.open_alerts()
    return explain(house.book, plan, alert.id)


def test_what_was_not_told_again_is_said(house):
    house.hear(smoke(house.clock, alarm=1))
    house.mqtt.down = True
    for flag in (0, 1, 0, 1):
        house.wind(seconds=5)
        house.hear(smoke(house.clock, alarm=flag))
    assert explanation_of(house, "smoke-fire").suppressed[0] == 2
    said = lines(explanation_of(house, "smoke-fire"), house.keeper.current(), "en")
    assert "  tripped 3 times; only the first began a climb" in said


def test_a_fire_of_a_stranger_has_no_rule_to_show(house):
    house.hear(("firesense/smoke/NOBODY/up", {"alarm": 1, "ts": house.clock.now() // 1000}))
    said = lines(explanation_of(house, "stranger-fire"), house.keeper.current(), "en")
    assert "  comes of no rule: stranger-fire" in said
    assert "  no readings were kept" in said
    assert "  selector 6 chose district-fire" in said


def test_nobody_can_explain_what_was_not_raised(house):
    with pytest.raises(NotFound):
        explain(house.book, house.keeper.current(), "NONE")


@pytest.mark.parametrize(("language", "word"), [("zh", "依据的读数"), ("en", "Readings that made it so")])
def test_the_command_explains_in_both_languages_and_masks_addresses(house, capsys, language, word):
    house.hear(smoke(house.clock, alarm=1))
    [alert] = house.open_alerts()
    assert main(["explain", alert.id, "--language", language, "--config", str(house.folder / "firesense.yaml")]) == 0
    said = capsys.readouterr().out
    assert word in said
    assert "fire 1" in said
    assert "township-fire" in said
    assert "张伟" in said
    assert "13900000011" not in said


def test_the_command_tells_the_story_in_words_and_deadlines_by_the_clock(house, capsys):
    def firesense(*words):
        assert main([*words, "--config", str(house.folder / "firesense.yaml")]) == 0
        return capsys.readouterr().out

    house.hear(smoke(house.clock, alarm=1))
    house.wind(minutes=1)
    [fire] = house.open_alerts()
    hazard = firesense("hazard", "report", "楼道堆放杂物", "--place", GRID).strip()
    firesense("hazard", "accept", hazard, "--as", "yang-min")
    told = firesense("explain", fire.id)
    assert re.search(r"开始通知  .*, 第1级", told)
    assert re.search(r"通知已发出 .*, 已发出", told)
    dealt = firesense("explain", hazard)
    assert re.search(r"受理隐患  杨敏 .*期限 \d{4}-\d\d-\d\d \d\d:\d\d", dealt)
    assert not re.search(r"\b(until|until_at|state|purpose|role|rung) ", told + dealt)


def test_a_fire_says_which_faults_it_hid_and_a_fault_which_fire_hid_it(house):
    house.hear(smoke(house.clock, alarm=1))
    house.hear(smoke(house.clock, alarm=1, fault=1))
    house.wind(seconds=11, step=11 * SECOND)
    fire = explanation_of(house, "smoke-fire")
    [hidden] = fire.kept_back
    assert (hidden.why, hidden.what, hidden.device, hidden.count) == ("hidden", "smoke-trouble", "smoke-1", 1)
    assert any("smoke-trouble" in line for line in lines(fire, house.keeper.current(), "en"))
    house.hear(smoke(house.clock, fault=1))
    fault = explanation_of(house, "smoke-trouble")
    assert fault.because.aside.hidden_by == fire.alert.id
    assert any(fire.alert.id in line for line in lines(fault, house.keeper.current(), "en"))


def test_an_alert_says_why_it_called_nobody_and_its_window_whom_it_kept_quiet(house):
    window = house.quiet.maintain(Actor("sun-bo"), "new batteries", timedelta(hours=1), place=GRID)
    house.hear(smoke(house.clock, fault=1))
    house.wind(seconds=11, step=11 * SECOND)
    told = lines(explanation_of(house, "smoke-trouble"), house.keeper.current(), "en")
    assert any("new batteries" in line and window.id in line for line in told)
    [kept] = explain(house.book, house.keeper.current(), window.id).kept_back
    assert (kept.why, kept.what, kept.device) == ("quiet", "smoke-trouble", "smoke-1")


def test_the_later_alerts_of_an_event_name_the_first(house):
    house.hear(smoke(house.clock, alarm=1))
    house.wind(minutes=1, step=30 * SECOND)
    house.hear(smoke(house.clock, 2, alarm=1))
    flags = [alert for alert in house.open_alerts() if alert.rule == "smoke-fire"]
    first, second = sorted(flags, key=lambda alert: alert.raised_at)
    assert explain(house.book, house.keeper.current(), second.id).because.aside.first == first.id
    assert explain(house.book, house.keeper.current(), first.id).because.aside.first == ""
    assert all(first.id in text and "smoke-1" in text for text in second.text.values())
    assert any(first.id in told.body for told in house.told_of("fire"))


def test_a_coincidence_says_which_detectors_made_it(house):
    house.hear(smoke(house.clock, alarm=1))
    house.wind(minutes=1, step=30 * SECOND)
    house.hear(smoke(house.clock, 2, alarm=1))
    flags = {alert.device: alert.id for alert in house.open_alerts() if alert.rule == "smoke-fire"}
    met = next(alert for alert in house.open_alerts() if alert.rule != "smoke-fire")
    it = explain(house.book, house.keeper.current(), met.id)
    members = {member.device: (member.rule, member.alert) for member in it.because.aside.members}
    assert members == {device: ("smoke-fire", alert) for device, alert in flags.items()}
    told = lines(it, house.keeper.current(), "en")
    assert all(any(device in line and "smoke-fire" in line for line in told) for device in flags)


def test_a_rule_is_told_in_the_readers_language(house):
    house.hear(smoke(house.clock, alarm=1))
    [alert] = house.open_alerts()
    plan = house.keeper.current()
    told = lines(explain(house.book, plan, alert.id), plan, "zh")
    assert "  类型: 信号" in told
    assert "  自保持，须人工复位: 是" in told
    assert not any(line.startswith(("  kind:", "  latches:", "  when:")) for line in told)


def test_an_alert_says_which_tags_and_seasons_changed_its_limits(house):
    plan = house.keeper.current()
    house.hear(smoke(house.clock, alarm=1))
    alert = next(alert for alert in house.open_alerts() if alert.rule == "smoke-fire")
    flag = next(rule for rule in plan.rules if rule.id == "smoke-fire")
    asked = replace(flag, when="fire and (tag(vulnerable) or season(heating) or not night())")
    there = replace(plan, org=Org([replace(place, tags=("vulnerable",)) for place in plan.org.places.values()]))
    winter = Period("heating", np.array([alert.event_at - 1, alert.event_at + 1]))
    there = replace(there, calendars=Calendars([winter]))
    said = because(alert, asked, there, (), alert.raised_at).in_force
    assert said == {"night()": False, "season(heating)": True, "tag(vulnerable)": True}
    assert because(alert, asked, replace(plan, calendars=Calendars()), (), alert.raised_at).in_force == {
        "night()": False,
        "season(heating)": False,
        "tag(vulnerable)": False,
    }
