"""Hazards from the report to the writing off, told in the words of the people who deal with them."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import pytest
from PIL import Image

from firesense.app.retention import Retention
from firesense.domain.alert import AlertClass, Finding, Grade
from firesense.domain.deed import Actor, Rights
from firesense.domain.errors import Conflict, NotAllowed, NotFound
from firesense.domain.escalation import Selector, StepKind
from firesense.domain.hazard import Dealt, HazardAct, HazardState, Report, Source
from firesense.domain.instant import DAY, HOUR, MINUTE
from firesense.explain import explain
from firesense.hazarddesk import ANYBODY
from firesense.hazards import standings
from firesense.photos import Photos
from tests.house import GRID, SmallHouse, smoke, smoke_device

MEMBER, LEADER, VILLAGE, STATION, COMMITTEE, BRIGADE = (
    "zhang-wei",
    "wang-fang",
    "chen-jie",
    "yang-min",
    "zhou-qiang",
    "wu-xia",
)

DISTRICT = "990100"


@pytest.fixture
def house(tmp_path):
    small = SmallHouse(tmp_path)
    yield small
    small.close()


def report(house, wrong="楼道堆放杂物", *, key="a" * 22, grade=Grade.GENERAL, by=MEMBER, **more):
    who = Actor(by, "console 192.0.2.7") if by else ANYBODY
    hazard = house.hazards.report(Report(key, GRID, wrong, grade, reporter=by, **more), who)
    house.settle()
    return hazard.alert


def told(house, purpose):
    """(whole hours since the start, person) of the calls of a purpose, each person once."""
    return sorted({(int(call.after // 3600), call.person) for call in house.told if call.purpose == purpose})


def story(house, alert):
    kinds = [step.kind for step in house.book.story(alert)]
    return [kind for kind in kinds if kind not in {StepKind.SENT, StepKind.CALLED, StepKind.CLIMBED, StepKind.EMPTY}]


def standing(house, place):
    plan = house.keeper.current()
    found = standings(house.book.hazard_columns(), plan.org, plan.hazards.index, house.clock.now(), [0])
    return next(each for each in found if each.place == place)


def test_a_minor_hazard_is_seen_to_on_the_spot_inside_the_grid(house):
    alert = report(house, "电动车在楼道充电", grade=Grade.MINOR)
    assert (0, MEMBER) in told(house, "alert"), "the climb begins with the grid member"
    house.hazards.do(HazardAct.ACCEPT, alert, Actor(MEMBER))
    house.wind(minutes=20, step=20 * MINUTE)
    house.hazards.do(HazardAct.RECTIFY, alert, Actor(MEMBER), text="已劝离并断电")
    house.hazards.do(HazardAct.WRITE_OFF, alert, Actor(MEMBER))
    house.wind(days=10, step=6 * HOUR)
    assert {person for _, person in told(house, "alert")} == {MEMBER}, "nobody outside the grid was called"
    assert told(house, "overdue") == []
    closed = house.book.alert(alert)
    assert (closed.open, closed.finding) == (False, Finding.PUT_RIGHT)
    assert story(house, alert) == [
        StepKind.RAISED,
        StepKind.REPORTED,
        StepKind.ACCEPTED,
        StepKind.RECTIFIED,
        StepKind.WRITTEN_OFF,
    ]
    assert (standing(house, GRID).zero, standing(house, GRID).closed) == (True, (1,))


def test_a_report_that_nobody_takes_climbs_the_ladder_and_then_the_levels(house):
    alert = report(house)
    house.wind(hours=23, step=HOUR)
    reached = {person for _, person in told(house, "alert")}
    assert {MEMBER, LEADER, STATION} <= reached
    assert told(house, "overdue") == []
    house.wind(hours=1, step=HOUR)
    house.wind(days=4, step=12 * HOUR)
    overdue = told(house, "overdue")
    assert overdue[:4] == [(24, VILLAGE), (48, STATION), (48, "zhao-lei"), (96, COMMITTEE)]
    assert house.book.hazard(alert).state is HazardState.REPORTED


def test_a_general_hazard_that_is_overdue_climbs_to_the_station_and_the_committee(house):
    alert = report(house)
    house.hazards.do(HazardAct.ACCEPT, alert, Actor(STATION), remedy="清空楼道，设禁停标识")
    house.wind(minutes=1, step=MINUTE)
    assert told(house, "assigned") == [(0, LEADER)]
    house.wind(days=12, hours=1, step=6 * HOUR)
    assert told(house, "reminder") == [(288, LEADER)], "three days before the term ends"
    assert told(house, "overdue") == []
    house.wind(days=7, hours=23, step=12 * HOUR)
    days = [(hours // 24, person) for hours, person in told(house, "overdue")]
    assert days == [(15, VILLAGE), (16, STATION), (16, "zhao-lei"), (18, COMMITTEE)]
    place = standing(house, GRID)
    assert (place.open, place.overdue) == (1, 1)
    house.hazards.do(HazardAct.RECTIFY, alert, Actor(MEMBER), text="已清空")
    house.wind(days=2, step=6 * HOUR)
    assert standing(house, GRID).overdue == 0, "the re-inspection has a term of its own"
    house.wind(days=4, step=12 * HOUR)  # three working days and a weekend
    assert told(house, "overdue")[-1][0] > 20 * 24, "and that is overdue now"


def test_an_overdue_call_says_until_when_and_what(house):
    alert = report(house, "疏散通道上锁")
    house.hazards.do(HazardAct.ACCEPT, alert, Actor(STATION))
    house.wind(days=15, minutes=1, step=6 * HOUR)
    overdue = next(call for call in house.told if call.purpose == "overdue")
    assert "逾期" in overdue.title
    assert "疏散通道上锁" in overdue.body
    assert "期限 " in overdue.body
    assert "设备" not in overdue.body


def test_what_fails_the_re_inspection_has_to_be_put_right_again(house):
    alert = report(house)
    house.hazards.do(HazardAct.ACCEPT, alert, Actor(STATION))
    house.hazards.do(HazardAct.RECTIFY, alert, Actor(MEMBER), text="已清理")
    with pytest.raises(NotAllowed):
        house.hazards.do(HazardAct.REINSPECT, alert, Actor(MEMBER), passed=True, text="我看行")
    house.hazards.do(HazardAct.REINSPECT, alert, Actor(STATION), passed=False, text="仍有半数杂物")
    house.wind(minutes=1, step=MINUTE)
    assert house.book.hazard(alert).state is HazardState.RECTIFYING
    calls = [call for call in house.book.calls(alert) if call.purpose == "assigned"]
    assert len(calls) == 4, "twice, over two channels"
    with pytest.raises(Conflict):
        house.hazards.do(HazardAct.WRITE_OFF, alert, Actor(STATION))
    house.hazards.do(HazardAct.RECTIFY, alert, Actor(LEADER), text="全部清空")
    house.hazards.do(HazardAct.REINSPECT, alert, Actor(STATION), passed=True, text="合格")
    house.hazards.do(HazardAct.WRITE_OFF, alert, Actor(STATION))
    hazard = house.book.hazard(alert)
    assert (hazard.failures, hazard.passed, hazard.open) == (1, True, False)


def test_a_major_hazard_is_listed_by_the_government_before_it_can_be_written_off(house):
    alert = report(house, "安全出口被砌墙封堵", grade=Grade.MAJOR)
    with pytest.raises(NotAllowed):
        house.hazards.do(HazardAct.ACCEPT, alert, Actor(MEMBER))
    house.hazards.do(HazardAct.ACCEPT, alert, Actor(COMMITTEE))
    house.wind(minutes=1, step=MINUTE)
    assert (0, COMMITTEE) in told(house, "assigned"), "told that it has to be listed"
    house.hazards.do(HazardAct.LIST, alert, Actor(COMMITTEE), listing="督办〔2026〕3号")
    house.hazards.do(HazardAct.RECTIFY, alert, Actor(STATION), text="已拆除")
    house.hazards.do(HazardAct.REINSPECT, alert, Actor(BRIGADE), passed=True, text="通道畅通")
    with pytest.raises(NotAllowed):
        house.hazards.do(HazardAct.WRITE_OFF, alert, Actor(STATION))
    house.hazards.do(HazardAct.WRITE_OFF, alert, Actor(BRIGADE))
    assert StepKind.LISTED in story(house, alert)


def test_a_device_finds_a_hazard_and_a_person_makes_a_case_of_it(tmp_path):
    house = SmallHouse(tmp_path, [smoke_device()])
    for minute, density in enumerate((0.0, 0.0, 0.3, 0.3)):
        house.hear(smoke(house.clock, smoke=density))
        house.wind(minutes=minute + 1, step=MINUTE)
    (alert,) = [alert.id for alert in house.book.waiting_hazards()]
    assert standing(house, GRID).open == 1
    house.hazards.do(HazardAct.ACCEPT, alert, Actor(STATION), grade=Grade.MINOR)
    assert house.book.hazard(alert).source is Source.RULE
    assert house.book.waiting_hazards() == []
    assert house.book.alert(alert).grade is Grade.MINOR
    with pytest.raises(Conflict):
        house.desk.close(alert, Actor(LEADER), Finding.FALSE_ALARM, "", though_firing=True)
    house.close()


def test_a_restart_in_between_forgets_nothing_and_tells_nobody_twice(house):
    alert = report(house)
    house.hazards.do(HazardAct.ACCEPT, alert, Actor(STATION))
    house.wind(days=15, minutes=1, step=6 * HOUR)
    before = told(house, "overdue")
    house.start()
    house.settle()
    assert told(house, "overdue") == before
    house.wind(days=1, step=6 * HOUR)
    assert told(house, "overdue")[-1][1] == "zhao-lei"


def test_the_same_report_sent_twice_is_one_case_and_calls_once(house):
    first = report(house, key="b" * 22)
    calls = len(house.told)
    assert report(house, key="b" * 22) == first
    assert len(house.book.hazards()) == 1
    assert len(house.told) == calls


def test_an_anonymous_report_names_nobody(house):
    alert = report(house, by="", grade=Grade.MAJOR)
    hazard = house.book.hazard(alert)
    assert (hazard.source, hazard.reporter, hazard.contact) == (Source.ANONYMOUS, "", "")
    assert hazard.grade is Grade.GENERAL, "somebody unknown calls no government"
    reported = next(step for step in house.book.story(alert) if step.kind is StepKind.REPORTED)
    assert reported.who == ""


def test_an_explanation_says_that_somebody_reported_it(house):
    alert = report(house)
    house.wind(minutes=1, step=MINUTE)
    explained = explain(house.book, house.keeper.current(), alert)
    assert explained.alert.rule == "reported"


def test_nothing_is_called_for_a_hazard_that_waits_in_its_term(house):
    alert = report(house)
    house.hazards.do(HazardAct.ACCEPT, alert, Actor(STATION))
    house.wind(minutes=1, step=MINUTE)
    calls = len(house.told)
    house.wind(days=11, step=6 * HOUR)
    assert len(house.told) == calls
    assert house.book.hazard(alert).until_at - house.clock.now() < 4 * DAY


def test_what_the_desk_does_to_an_accepted_hazard_starts_no_timer_of_the_ladder(house):
    alert = report(house)
    house.hazards.do(HazardAct.ACCEPT, alert, Actor(STATION))
    house.desk.hand_on(alert, Actor(STATION), LEADER, "更熟悉情况")
    assert house.book.climb(alert).due_at is None
    assert house.book.hazard(alert).due_at is not None


def test_every_deed_is_in_the_audit_and_of_an_anonymous_report_only_that_it_came(house):
    alert = report(house, by="")
    house.hazards.do(HazardAct.ACCEPT, alert, Actor(STATION, "console 192.0.2.7"))
    lines = [sealed.entry for sealed in house.book.audit() if sealed.entry.target == alert]
    told = sorted((entry.at, entry.who, entry.origin, entry.did) for entry in lines)
    now = house.clock.now()
    assert told == [(now, "", "report form", "reported"), (now, STATION, "console 192.0.2.7", "accepted")]


def test_who_may_only_look_or_act_elsewhere_may_not(house):
    alert = report(house)
    looker, elsewhere = Actor(STATION, rights=Rights.VIEWER), Actor("admin", place="990100002")
    hazard = house.hazards.of(alert)
    for actor in (looker, elsewhere):
        with pytest.raises(NotAllowed):
            house.hazards.do(HazardAct.ACCEPT, alert, actor)
        assert house.hazards.allowed(hazard, actor) == []
    assert HazardAct.ACCEPT in house.hazards.allowed(hazard, Actor(STATION))
    assert house.hazards.allowed(hazard, Actor("huang-ting")) == []


def test_a_hazard_is_kept_longer_than_other_cases_and_goes_with_its_photos(house):
    photos = Photos(house.settings.data / "photos")
    picture = BytesIO()
    Image.new("RGB", (320, 240), "orange").save(picture, "PNG")
    before = photos.keep(picture.getvalue())
    hazard = report(house, "电动车入户充电", grade=Grade.MINOR, photos=(before.id,))
    house.hazards.do(HazardAct.ACCEPT, hazard, Actor(MEMBER))
    house.hazards.do(HazardAct.RECTIFY, hazard, Actor(MEMBER), text="已劝离并断电")
    house.hazards.do(HazardAct.WRITE_OFF, hazard, Actor(MEMBER))
    still = report(house, "安全出口上锁", key="b" * 22)
    house.hear(smoke(house.clock, alarm=1))
    fire = next(alert for alert in house.open_alerts() if alert.alert_class is AlertClass.FIRE)
    house.desk.close(fire.id, Actor(MEMBER), Finding.FALSE_ALARM, cause="cooking", though_firing=True)
    retention = Retention(house.settings, house.journal, house.book, house.history, house.clock, None)
    house.clock.at += 4 * 366 * DAY
    retention.forget()
    assert {alert.id for alert in house.book.alerts(open_only=False)} == {hazard, still}
    assert StepKind.WRITTEN_OFF in story(house, hazard)
    assert photos.read(before.id)
    house.clock.at += 367 * DAY
    retention.forget()
    assert {alert.id for alert in house.book.alerts(open_only=False)} == {still}, "what is open is never forgotten"
    with pytest.raises(NotFound):
        house.book.hazard(hazard)
    with pytest.raises(NotFound):
        photos.read(before.id)
    assert house.book.prove_audit().broken == 0


@pytest.mark.parametrize("lost", ["due_at", "until_at"])
def test_a_hazard_whose_row_lost_its_date_is_dated_anew_and_goes_overdue_like_any_other(house, lost):
    alert = report(house)
    house.hazards.do(HazardAct.ACCEPT, alert, Actor(LEADER))
    house.settle()
    due_at = house.book.hazard(alert).due_at
    house.book.deal_with_hazard(alert, lambda about, found: Dealt(about, replace(found, **{lost: None})))
    house.wind(minutes=2, step=MINUTE)
    assert house.book.hazard(alert).due_at == due_at
    assert house.duty.auditor.repaired == 1
    assert StepKind.REPAIRED in story(house, alert)
    assert {person for _, person in told(house, "notice")} == {"operator"}
    house.wind(days=40, step=6 * HOUR)
    assert told(house, "reminder")
    assert told(house, "overdue")
    assert house.duty.auditor.repaired == 1, "once is enough"


def test_a_hazard_that_is_moved_begins_as_high_as_one_that_was_reported_there(house):
    ladders, selectors = house.book.ladders()
    higher = Selector("hazard", frozenset({"hazard"}), places=frozenset({GRID}), start=1)
    house.book.install(house.book.org(), list(ladders.values()), [higher, *selectors])
    house.settle()
    report(house, key="a" * 22)
    there = told(house, "alert")
    assert there == [(0, LEADER), (0, MEMBER)]
    moved = house.hazards.report(
        Report("b" * 22, DISTRICT, "楼道堆放杂物", Grade.GENERAL, reporter=BRIGADE), Actor(BRIGADE)
    )
    house.wind(minutes=5, step=MINUTE)
    house.hazards.do(HazardAct.MOVE, moved.alert, Actor(BRIGADE), place=GRID)
    house.settle()
    assert {call.person for call in house.told if call.after == 5 * 60} == {LEADER, MEMBER}
    climb = house.book.climb(moved.alert)
    assert (climb.rung, climb.due_at) == (2, house.clock.at + 2 * HOUR)
