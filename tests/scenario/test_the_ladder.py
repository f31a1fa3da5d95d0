"""An alert that cannot be forgotten: timers after the acknowledgement, whistles, and fires that start higher."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from firesense.domain.alert import AlertClass, Case, Finding
from firesense.domain.deed import Actor
from firesense.domain.errors import Conflict
from firesense.domain.escalation import ClimbState, Purpose, StepKind
from firesense.escalate import Target
from tests.house import GRID, STREET_GRID, SmallHouse, smoke, smoke_device

ZHANG = Actor("zhang-wei")
VULNERABLE = "990100101201-02"  # 上河村第二网格: people living alone


@pytest.fixture
def house(tmp_path):
    opened = SmallHouse(
        tmp_path, [smoke_device(1), smoke_device(2), smoke_device(3, VULNERABLE), smoke_device(4, STREET_GRID)]
    )
    yield opened
    opened.close()


def burn(house, number=1):
    house.hear(smoke(house.clock, number, alarm=1))
    return next(alert for alert in house.open_alerts() if alert.device == f"smoke-{number}")


def told_since(house, seconds):
    return {(told.person, told.purpose) for told in house.told if told.after > seconds}


# -- acknowledged is not done -----------------------------------------------------------------------------------------


def test_nobody_on_site_a_quarter_of_an_hour_after_zhang_took_it_and_the_leader_hears_of_it(house):
    fire = burn(house)
    house.wind(seconds=60)
    house.desk.acknowledge(fire.id, ZHANG)
    house.wind(minutes=15, seconds=1, step=60_000_000)
    late = [told for told in house.told if told.purpose == "undone"]
    assert {told.person for told in late} == {"wang-fang", "chen-jie"}, "the next rung: grid leader and village head"
    assert "张伟" in late[0].body
    assert "至今无人到场" in late[0].body
    assert late[0].after == 60 + 15 * 60
    story = house.book.story(fire.id)
    undone = next(step for step in story if step.kind is StepKind.UNDONE)
    assert (undone.who, undone.detail["why"]) == ("zhang-wei", "nobody-on-site")
    assert house.book.alert(fire.id).case is Case.ACKNOWLEDGED, "the alert stays with whoever has it"


def test_it_goes_on_up_the_ladder_until_somebody_is_there_and_then_waits_for_a_result(house):
    fire = burn(house)
    house.desk.acknowledge(fire.id, ZHANG)
    house.wind(minutes=24, step=60_000_000)
    late = [told.person for told in house.told if told.purpose == "undone"]
    assert {"wang-fang", "yang-min", "zhao-lei"} <= set(late), "leader, then station"
    house.desk.arrive(fire.id, ZHANG)
    count = len(house.told)
    house.wind(minutes=29, step=60_000_000)
    assert len(house.told) == count, "somebody is there: quiet for the half hour a result may take"
    house.wind(minutes=2, step=60_000_000)
    assert "没有核实结果" in house.told[-1].body
    house.desk.verify(fire.id, ZHANG, Finding.FALSE_ALARM, cause="cooking")
    count = len(house.told_of("fire"))
    house.wind(hours=23, step=600_000_000)
    assert len(house.told_of("fire")) == count
    house.desk.close(fire.id, ZHANG, though_firing=True)
    house.wind(hours=48, step=3_600_000_000)
    assert len(house.told_of("fire")) == count, "closed is done"


def test_what_zhang_does_in_time_keeps_everybody_else_asleep(house):
    fire = burn(house)
    house.desk.acknowledge(fire.id, ZHANG)
    house.wind(minutes=14, step=60_000_000)
    house.desk.arrive(fire.id, ZHANG)
    house.wind(minutes=29, step=60_000_000)
    house.desk.verify(fire.id, ZHANG, Finding.FALSE_ALARM, cause="cooking")
    house.wind(hours=23, step=600_000_000)
    house.desk.close(fire.id, ZHANG, though_firing=True)
    assert {told.person for told in house.told_of("fire")} == {"zhang-wei"}
    assert house.book.climb(fire.id).state is ClimbState.STOPPED


def test_a_timer_that_runs_out_while_nobody_runs_the_daemon_is_seen_at_the_start(house):
    fire = burn(house)
    house.desk.acknowledge(fire.id, ZHANG)
    house.clock.at += 3 * 3600 * 1_000_000
    house.start()
    house.settle()
    assert ("wang-fang", "undone") in told_since(house, 1)
    assert fire.id in {alert.id for alert in house.open_alerts()}


def test_editing_the_timers_moves_no_case_that_runs_already(house):
    fire = burn(house)
    house.desk.acknowledge(fire.id, ZHANG)
    due_at = house.book.climb(fire.id).due_at
    ladders, selectors = house.book.ladders()
    hasty = [
        replace(
            each,
            timers=replace(each.timers, arrive=timedelta(seconds=5)),
            rungs=tuple(replace(rung, repeat=3, every=timedelta(seconds=1)) for rung in each.rungs),
        )
        for each in ladders.values()
    ]
    house.book.install(house.book.org(), hasty, [replace(each, start=0, confirmed=False) for each in selectors])
    house.wind(minutes=5, step=60_000_000)
    assert house.book.climb(fire.id).due_at == due_at
    assert not [told for told in house.told if told.purpose == "undone"]


# -- upgrade and downgrade --------------------------------------------------------------------------------------------


def test_a_hazard_that_becomes_a_fire_is_climbed_anew_though_somebody_has_the_hazard(house):
    house.hear(smoke(house.clock))
    house.wind(minutes=3, step=60_000_000)
    house.hear(smoke(house.clock, temp=38.0))
    (hazard,) = house.open_alerts()
    assert hazard.alert_class is AlertClass.HAZARD
    house.desk.acknowledge(hazard.id, ZHANG)
    house.wind(seconds=20)
    fire = burn(house)
    assert {told.person for told in house.told_of("fire")} == {"zhang-wei"}, "called anew, from the first rung"
    house.wind(minutes=2, seconds=1)
    assert "wang-fang" in {told.person for told in house.told_of("fire")}, "and it climbs like any other fire"
    assert house.book.alert(hazard.id).case is Case.ACKNOWLEDGED
    assert house.book.alert(fire.id).case is Case.OPEN


def test_a_fire_whose_device_only_reports_a_hazard_by_now_goes_on_climbing(house):
    fire = burn(house)
    house.wind(minutes=1)
    house.hear(smoke(house.clock, temp=38.0))
    assert house.book.alert(fire.id).open, "latched: the device says no more, a person has not"
    house.wind(minutes=5)
    assert {"wang-fang", "yang-min"} <= {told.person for told in house.told_of("fire")}


# -- starting higher --------------------------------------------------------------------------------------------------


def test_where_people_live_alone_the_leader_is_called_with_the_grid_member(house):
    burn(house, 3)
    assert {person for after, person in house.people_told("fire") if after == 0} == {"li-na", "wang-fang", "chen-jie"}


def test_a_second_device_at_the_same_place_calls_the_station_at_once(house):
    burn(house, 1)
    assert {person for _, person in house.people_told("fire")} == {"zhang-wei"}
    house.wind(seconds=20)
    second = burn(house, 2)
    told = {person for at, person in house.people_told("fire") if at == 20}
    assert {"zhang-wei", "wang-fang", "chen-jie", "yang-min", "zhao-lei"} == told
    assert house.book.because(second.id).route["confirmed"] == "true"
    assert house.book.because(second.id).route["start"] == "3"


# -- whistles ---------------------------------------------------------------------------------------------------------


def whistled(house, fire, role="station-duty", reason="人手不够，请来人", who=ZHANG, **more):
    climb = house.desk.whistle(fire.id, who, Target(role, **more), reason)
    house.settle()
    return climb


def test_a_whistle_calls_a_department_at_once_besides_the_climb(house):
    fire = burn(house)
    house.wind(seconds=30)
    whistled(house, fire)
    called = [told for told in house.told if told.purpose == "whistle"]
    assert {(told.person, told.channel) for told in called} == {
        (person, channel) for person in ("yang-min", "zhao-lei") for channel in ("log", "mqtt")
    }
    assert {told.after for told in called} == {30}
    assert "张伟 吹哨，请立即报到：人手不够，请来人" in called[0].body
    assert called[0].title.startswith("【吹哨·火警】")
    house.wind(minutes=2)
    assert "wang-fang" in {person for _, person in house.people_told("fire")}, "the climb goes on as ever"


def test_a_department_that_does_not_answer_is_told_on_and_the_whistler_hears_of_it(house):
    fire = burn(house)
    house.desk.acknowledge(fire.id, ZHANG)
    whistled(house, fire, "grid-leader", place=GRID)
    house.wind(minutes=10, seconds=1, step=60_000_000)
    assert ("zhang-wei", "notice") in told_since(house, 599)
    notice = next(told for told in house.told if told.purpose == "notice" and told.person == "zhang-wei")
    assert "尚未报到" in notice.body
    (whistle,) = house.book.whistles(fire.id)
    assert whistle.state is ClimbState.EXHAUSTED, "nobody of that post further up"


def test_a_whistle_for_maintenance_goes_on_by_the_ladder_that_is_set_for_it(house):
    fire = burn(house)
    house.desk.acknowledge(fire.id, ZHANG)
    whistled(house, fire, "maintenance", "断电")
    house.wind(minutes=31, step=60_000_000)
    called = [told.person for told in house.told if told.purpose == "whistle"]
    assert called.count("sun-bo") >= 2
    house.wind(hours=25, step=600_000_000)
    assert "yang-min" in [told.person for told in house.told if told.purpose == "whistle"]


def test_who_comes_ends_the_whistle_and_the_alert_stays_with_whoever_has_it(house):
    fire = burn(house)
    house.desk.acknowledge(fire.id, ZHANG)
    whistled(house, fire)
    assert house.desk.answer(fire.id, Actor("yang-min")) == ["w1"]
    assert house.book.alert(fire.id).acknowledged_by == "zhang-wei"
    assert house.book.story(fire.id)[-1].kind is StepKind.ANSWERED
    count = len(house.told)
    house.wind(minutes=12, step=60_000_000)
    assert {told.purpose for told in house.told[count:]} == {"notice"}, "only who whistled hears that they come"
    with pytest.raises(Conflict):
        house.desk.answer(fire.id, Actor("yang-min"))


def test_acknowledging_answers_the_whistle_even_when_somebody_else_has_the_alert(house):
    fire = burn(house)
    house.desk.acknowledge(fire.id, ZHANG)
    whistled(house, fire)
    assert house.desk.acknowledge(fire.id, Actor("zhao-lei", "voice")).acknowledged_by == "zhang-wei"
    assert house.book.whistles(fire.id)[0].state is ClimbState.STOPPED
    last = house.book.audit(target=fire.id)[-1].entry
    assert (last.who, last.origin, last.did, last.detail) == ("zhao-lei", "voice", "answered", {"strand": "w1"})


def test_whistles_stand_side_by_side_and_end_with_the_case(house):
    fire = burn(house)
    house.desk.acknowledge(fire.id, ZHANG)
    assert whistled(house, fire).strand == "w1"
    assert whistled(house, fire, "brigade-duty").strand == "w2"
    assert house.desk.answer(fire.id, Actor("zhang-wei"), "w2") == ["w2"], "somebody says that they have come"
    house.desk.close(fire.id, ZHANG, Finding.FIRE, though_firing=True)
    assert {each.state for each in house.book.whistles(fire.id)} == {ClimbState.STOPPED}
    with pytest.raises(Conflict):
        whistled(house, fire)


def test_a_whistle_may_call_another_rung_and_for_nobody_is_refused(house):
    fire = burn(house)
    house.desk.whistle(fire.id, ZHANG, Target(rung=4), "火势大")
    house.settle()
    assert {told.person for told in house.told if told.purpose == "whistle"} == {"wu-xia"}
    for target in (Target("navy"), Target(rung=9)):
        with pytest.raises(Conflict):
            house.desk.whistle(fire.id, ZHANG, target, "x")
    with pytest.raises(Conflict):
        house.desk.whistle(fire.id, ZHANG, Target("station-duty"), "  ")
    whistles = [call for call in house.book.calls(fire.id) if call.purpose is Purpose.WHISTLE]
    assert {call.strand for call in whistles} == {"w1"}, "nothing half done"


def test_a_fire_where_people_live_alone_that_is_opened_again_begins_as_high_as_before(house):
    fire = burn(house, 3)
    first = told_since(house, -1)
    house.desk.verify(fire.id, Actor("zhao-lei"), Finding.FALSE_ALARM, cause="cooking")
    house.wind(minutes=1)
    house.hear(smoke(house.clock, 3))
    house.wind(minutes=1)
    again = burn(house, 3)
    house.settle()
    assert (again.id, again.case) == (fire.id, Case.OPEN)
    assert {(told.person, told.purpose) for told in house.told if told.after == 120} == first
    assert len({person for person, _ in first}) > 1
