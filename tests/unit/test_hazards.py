"""Hazards: who may do what when, what each act leaves, and what falls due."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firesense import hazards
from firesense.calendars import local_days
from firesense.domain.alert import AlertClass, Case, Condition, Finding, Grade
from firesense.domain.errors import Conflict, NotAllowed, NotFound
from firesense.domain.escalation import Purpose, StepKind
from firesense.domain.hazard import HazardAct, HazardState, Report, Source
from firesense.domain.instant import DAY, HOUR, instant, micros
from firesense.domain.place import Org
from firesense.domain.roster import LocalDays
from firesense.hazardfile import standard_hazards
from firesense.orgtree import load_org

NOON = 1_767_240_000_000_000
GRID = "990100101201-01"
NEXT_GRID = "990100101201-02"
TOWNSHIP, DISTRICT = "990100101", "990100"
ORG = load_org(Path(__file__).parents[2] / "config/org.yaml")
RULES = standard_hazards()
MEMBER, LEADER, VILLAGE, STATION, COMMITTEE, BRIGADE = (
    "zhang-wei",
    "wang-fang",
    "chen-jie",
    "yang-min",
    "zhou-qiang",
    "wu-xia",
)


def around(at=NOON):
    return hazards.Around(RULES, ORG, {"log": "log", "mqtt": "mqtt"}, at)


def case(grade=Grade.GENERAL, **report):
    """A hazard as it is reported, with its alert: a mutable pair that ``do`` moves on."""
    given_report = {"key": "k" * 20, "place": GRID, "wrong": "楼道堆放杂物", "reporter": MEMBER} | report
    return list(hazards.reported(around(), Report(grade=grade, **given_report)))


def do(pair, act, who, at=NOON + HOUR, **said):
    dealt = hazards.ACTS[act](around(at), pair[0], pair[1], who, **said)
    pair[:] = [dealt.alert, dealt.hazard]
    return dealt


def put_right(pair, *, grade=None):
    do(pair, HazardAct.ACCEPT, COMMITTEE if grade is Grade.MAJOR else STATION, grade=grade)
    do(pair, HazardAct.RECTIFY, STATION if grade is Grade.MAJOR else MEMBER, text="已清理")


# -- terms in working days --------------------------------------------------------------------------------------------
SHANGHAI = ZoneInfo("Asia/Shanghai")
CALENDAR = local_days(Path(__file__).parents[2] / "config/calendars.yaml", "Asia/Shanghai")


def by_the_calendar(at, days=CALENDAR):
    return hazards.Around(RULES, ORG.by_the_days(days), {"log": "log"}, at)


def local(text):
    return instant(datetime.fromisoformat(text).replace(tzinfo=SHANGHAI))


@pytest.mark.parametrize(
    ("put_right_at", "over_at"),
    [
        ("2025-11-04T00:00", "2025-11-08T00:00"),  # Tuesday: Wednesday, Thursday, Friday
        ("2025-11-07T16:30", "2025-11-13T00:00"),  # Friday: Monday, Tuesday, Wednesday
        ("2025-11-08T09:00", "2025-11-13T00:00"),  # Saturday: the same
        ("2025-09-30T15:00", "2025-10-12T00:00"),  # National Day: Thursday the 9th, Friday, Saturday worked in exchange
        ("2025-09-26T23:59", "2025-10-01T00:00"),  # before it: Sunday the 28th is worked, Monday, Tuesday
    ],
)
def test_a_re_inspection_is_due_when_three_working_days_are_over(put_right_at, over_at):
    pair = case()
    do(pair, HazardAct.ACCEPT, STATION, at=local(put_right_at) - 1)
    dealt = hazards.ACTS[HazardAct.RECTIFY](by_the_calendar(local(put_right_at)), *pair, MEMBER, text="已清理")
    assert dealt.hazard.until_at == dealt.hazard.due_at == local(over_at)


def test_a_major_hazard_is_to_be_accepted_within_three_working_days():
    at = local("2025-11-07T16:30")
    report = Report("k" * 20, GRID, "楼道堆放杂物", Grade.MAJOR, reporter=MEMBER)
    alert, hazard = hazards.reported(by_the_calendar(at), report)
    assert hazard.until_at == local("2025-11-13T00:00")
    less = hazards.ACTS[HazardAct.REGRADE](by_the_calendar(at + DAY), alert, hazard, COMMITTEE, grade=Grade.GENERAL)
    assert less.hazard.until_at == at + DAY, "a day of 24 hours"
    again = hazards.ACTS[HazardAct.REGRADE](by_the_calendar(at + DAY), alert, less.hazard, STATION, grade=Grade.MAJOR)
    assert again.hazard.until_at == local("2025-11-13T00:00"), "counted from the report"


def test_where_no_days_off_are_declared_monday_to_friday_are_working_days():
    pair = case()
    do(pair, HazardAct.ACCEPT, STATION, at=local("2025-09-30T14:00"))
    dealt = hazards.ACTS[HazardAct.RECTIFY](
        by_the_calendar(local("2025-09-30T15:00"), LocalDays(SHANGHAI)), *pair, MEMBER, text="已清理"
    )
    assert dealt.hazard.until_at == local("2025-10-04T00:00")


# -- reports ----------------------------------------------------------------------------------------------------------
def test_a_report_is_an_alert_of_class_hazard_at_its_place():
    alert, hazard = case()
    assert (alert.rule, alert.alert_class, alert.place, alert.device) == ("reported", AlertClass.HAZARD, GRID, "")
    assert (hazard.alert, hazard.source, hazard.reporter) == (alert.id, Source.PERSON, MEMBER)
    assert hazard.until_at == hazard.due_at == NOON + micros(RULES.grades[Grade.GENERAL].accept_within)


def test_the_same_report_is_the_same_alert():
    assert case()[0].id == case()[0].id
    assert case()[0].id != case(key="q" * 20)[0].id


def test_of_somebody_unknown_nothing_is_kept_but_what_they_typed():
    _, hazard = case(reporter="")
    assert (hazard.source, hazard.reporter, hazard.contact) == (Source.ANONYMOUS, "", "")
    _, hazard = case(reporter="", contact="二楼 李")
    assert (hazard.source, hazard.reporter, hazard.contact) == (Source.PERSON, "", "二楼 李")
    _, hazard = case(reporter="front-desk")  # a log-in that is nobody of the org
    assert (hazard.source, hazard.reporter) == (Source.PERSON, "front-desk")


def test_somebody_unknown_cannot_call_the_government():
    assert case(Grade.MAJOR, reporter="")[1].grade is Grade.GENERAL
    assert case(Grade.MINOR, reporter="")[1].grade is Grade.MINOR
    assert case(Grade.MAJOR)[1].grade is Grade.MAJOR


def test_a_place_nobody_knows_is_the_roots():
    assert case(place="nowhere")[1].place == ORG.root.code


# -- the way from the report to the writing off -----------------------------------------------------------------------
def test_whoever_accepts_it_has_the_alert_and_somebody_is_told_it_is_theirs():
    pair = case()
    dealt = do(pair, HazardAct.ACCEPT, STATION, remedy="清空楼道")
    alert, hazard = pair
    assert (alert.case, alert.acknowledged_by) == (Case.ACKNOWLEDGED, STATION)
    assert (hazard.state, hazard.role, hazard.remedy) == (HazardState.ACCEPTED, "grid-leader", "清空楼道")
    assert hazard.deadline_at == hazard.until_at == NOON + HOUR + 15 * DAY
    assert hazard.due_at == hazard.until_at - 3 * DAY, "reminded before"
    assert {(call.person, call.purpose) for call in dealt.calls} == {(LEADER, Purpose.ASSIGNED)}


def test_an_alert_of_a_rule_becomes_a_hazard_when_it_is_accepted():
    alert = replace(case()[0], rule="pressure-low", device="gauge-1", text={"zh": "水压低"})
    pair = [alert, None]
    with pytest.raises(Conflict):
        do(pair, HazardAct.RECTIFY, MEMBER, text="")
    do(pair, HazardAct.ACCEPT, STATION)
    assert (pair[1].source, pair[1].wrong) == (Source.RULE, "水压低")
    with pytest.raises(NotFound):
        do([replace(alert, alert_class=AlertClass.FIRE), None], HazardAct.ACCEPT, STATION)


def test_what_a_device_finds_again_after_it_was_written_off_is_accepted_anew():
    alert = replace(case(Grade.MINOR)[0], rule="pressure-low", device="gauge-1", text={"zh": "水压低"})
    pair = [alert, None]
    do(pair, HazardAct.ACCEPT, MEMBER)
    do(pair, HazardAct.RECTIFY, MEMBER, text="已开阀")
    do(pair, HazardAct.WRITE_OFF, MEMBER)
    pair[0] = replace(pair[0], case=Case.OPEN, acknowledged_by="", closed_at=None, closed_by="")
    do(pair, HazardAct.ACCEPT, MEMBER)
    assert (pair[1].state, pair[1].rectified_at, pair[1].open) == (HazardState.ACCEPTED, None, True)


def test_a_general_hazard_is_looked_at_by_somebody_else_before_it_is_written_off():
    pair = case()
    put_right(pair)
    with pytest.raises(Conflict):
        do(pair, HazardAct.WRITE_OFF, STATION)
    do(pair, HazardAct.REINSPECT, STATION, passed=True, text="已恢复")
    do(pair, HazardAct.WRITE_OFF, STATION)
    alert, hazard = pair
    assert (hazard.state, hazard.closed_by, hazard.open) == (HazardState.WRITTEN_OFF, STATION, False)
    assert (alert.case, alert.finding, alert.condition) == (Case.CLOSED, Finding.PUT_RIGHT, Condition.RESOLVED)
    assert hazard.due_at is None


def test_who_put_it_right_does_not_judge_it():
    pair = case()
    do(pair, HazardAct.ACCEPT, STATION, responsible=STATION)
    do(pair, HazardAct.RECTIFY, STATION, text="自己动手")
    with pytest.raises(NotAllowed):
        do(pair, HazardAct.REINSPECT, STATION, passed=True, text="")
    do(pair, HazardAct.REINSPECT, COMMITTEE, passed=True, text="")


def test_a_minor_hazard_is_put_right_and_written_off_on_the_spot():
    pair = case(Grade.MINOR)
    do(pair, HazardAct.ACCEPT, MEMBER)
    do(pair, HazardAct.RECTIFY, MEMBER, text="当场清理")
    do(pair, HazardAct.WRITE_OFF, MEMBER)
    assert not pair[0].open


def test_what_fails_is_put_right_again():
    pair = case()
    put_right(pair)
    dealt = do(pair, HazardAct.REINSPECT, STATION, passed=False, text="又堆上了")
    hazard = pair[1]
    assert (hazard.state, hazard.failures, hazard.passed) == (HazardState.RECTIFYING, 1, False)
    assert hazard.deadline_at == NOON + HOUR + 7 * DAY
    assert {call.purpose for call in dealt.calls} == {Purpose.ASSIGNED}
    do(pair, HazardAct.RECTIFY, MEMBER, text="再次清理")
    assert pair[1].passed is None


def test_a_major_hazard_is_listed_before_it_is_written_off():
    pair = case(Grade.MAJOR)
    dealt = do(pair, HazardAct.ACCEPT, COMMITTEE)
    assert COMMITTEE in {call.person for call in dealt.calls}, "told that it has to be listed"
    do(pair, HazardAct.RECTIFY, STATION, text="")
    do(pair, HazardAct.REINSPECT, BRIGADE, passed=True, text="")
    with pytest.raises(Conflict, match="listed"):
        do(pair, HazardAct.WRITE_OFF, BRIGADE)
    do(pair, HazardAct.LIST, COMMITTEE, listing="督办〔2026〕3号")
    do(pair, HazardAct.WRITE_OFF, BRIGADE)
    assert pair[1].listing == "督办〔2026〕3号"


def test_a_report_is_rejected_with_a_reason():
    pair = case()
    with pytest.raises(Conflict):
        do(pair, HazardAct.REJECT, STATION, reason="  ")
    do(pair, HazardAct.REJECT, STATION, reason="已在另一条中处理")
    assert (pair[1].state, pair[0].finding) == (HazardState.REJECTED, Finding.FALSE_ALARM)
    with pytest.raises(Conflict):
        do(pair, HazardAct.ACCEPT, STATION)


def test_another_grade_is_another_term_and_another_ceiling():
    pair = case()
    do(pair, HazardAct.ACCEPT, STATION)
    with pytest.raises(Conflict):
        do(pair, HazardAct.REGRADE, STATION, grade=Grade.GENERAL)
    dealt = do(pair, HazardAct.REGRADE, STATION, grade=Grade.MAJOR, at=NOON + 2 * HOUR)
    assert pair[1].deadline_at == NOON + HOUR + 60 * DAY
    assert pair[0].grade is Grade.MAJOR
    assert {call.person for call in dealt.calls} == {COMMITTEE}
    with pytest.raises(NotAllowed):
        do(pair, HazardAct.REGRADE, STATION, grade=Grade.MINOR)


def test_more_time_has_a_reason_and_an_end():
    pair = case()
    do(pair, HazardAct.ACCEPT, STATION)
    term = pair[1].deadline_at
    for until, reason in ((term + DAY, " "), (term, "缺料"), (term + 16 * DAY, "缺料")):
        with pytest.raises(Conflict):
            do(pair, HazardAct.EXTEND, STATION, deadline_at=until, reason=reason)
    do(pair, HazardAct.EXTEND, STATION, deadline_at=term + 15 * DAY, reason="缺料")
    assert (pair[1].deadline_at, pair[1].extensions) == (term + 15 * DAY, 1)


def test_the_last_day_of_a_term_counts_whole():
    at = local("2026-01-05T00:44")
    alert, hazard = hazards.reported(by_the_calendar(at), Report("k" * 20, GRID, "楼道堆放杂物", reporter=MEMBER))
    accept = hazards.ACTS[HazardAct.ACCEPT]
    kept = accept(by_the_calendar(at), alert, hazard, STATION, deadline_at=local("2026-01-20T23:59:59")).hazard
    assert kept.deadline_at == kept.until_at == local("2026-01-20T23:59:59")
    with pytest.raises(Conflict, match="at the latest"):
        accept(by_the_calendar(at), alert, hazard, STATION, deadline_at=local("2026-01-21T00:00"))
    with pytest.raises(Conflict, match="is past"):
        accept(by_the_calendar(at), alert, hazard, STATION, deadline_at=local("2026-01-04T23:59:59"))


def test_no_deadline_is_longer_than_the_term_or_over_already():
    for deadline in (NOON, NOON + HOUR + 16 * DAY):
        with pytest.raises(Conflict):
            do(case(), HazardAct.ACCEPT, STATION, deadline_at=deadline)


def test_a_hazard_may_be_given_to_a_department_that_is_not_in_the_org():
    pair = case()
    do(pair, HazardAct.ACCEPT, STATION, responsible="供电所")
    assert (pair[1].role, pair[1].responsible) == ("", "供电所")
    dealt = do(pair, HazardAct.ASSIGN, STATION, responsible=MEMBER)
    assert {call.person for call in dealt.calls} == {MEMBER}
    with pytest.raises(Conflict):
        do(pair, HazardAct.ASSIGN, STATION)


# -- who may ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("grade", "act", "who", "may"),
    [
        (Grade.MINOR, HazardAct.ACCEPT, MEMBER, True),
        (Grade.GENERAL, HazardAct.ACCEPT, MEMBER, False),
        (Grade.GENERAL, HazardAct.ACCEPT, LEADER, True),
        (Grade.MAJOR, HazardAct.ACCEPT, VILLAGE, False),
        (Grade.MAJOR, HazardAct.WRITE_OFF, STATION, False),
        (Grade.MAJOR, HazardAct.WRITE_OFF, BRIGADE, True),
        (Grade.MINOR, HazardAct.RECTIFY, "li-na", False),  # grid member elsewhere
        (Grade.MINOR, HazardAct.RECTIFY, "huang-ting", False),  # of the street, not of the township
        (Grade.MAJOR, HazardAct.WRITE_OFF, "admin", True),  # nobody of the org: whoever runs the platform
    ],
)
def test_posts_decide_who_may(grade, act, who, may):
    assert hazards.may(around(), act, case(grade)[1], who) is may


def test_nobody_accepts_a_grave_hazard_by_calling_it_minor():
    with pytest.raises(NotAllowed):
        do(case(Grade.MAJOR), HazardAct.ACCEPT, MEMBER, grade=Grade.MINOR)
    with pytest.raises(NotAllowed):
        do(case(Grade.MINOR), HazardAct.ACCEPT, MEMBER, grade=Grade.MAJOR)
    pair = case(Grade.GENERAL)
    do(pair, HazardAct.ACCEPT, STATION, grade=Grade.MINOR)
    assert pair[1].grade is Grade.MINOR


def test_who_is_responsible_by_name_may_put_it_right():
    hazard = replace(case()[1], responsible="sun-bo", state=HazardState.ACCEPTED)
    assert hazards.may(around(), HazardAct.RECTIFY, hazard, "sun-bo")
    assert not hazards.may(around(), HazardAct.REINSPECT, hazard, "sun-bo")
    assert hazards.may(around(), HazardAct.RECTIFY, replace(hazard, responsible="", role="maintenance"), "sun-bo")


# -- what time does ---------------------------------------------------------------------------------------------------
def fall_due(pair, at):
    dealt = hazards.due(around(at), pair[0], pair[1])
    pair[:] = [dealt.alert, dealt.hazard]
    return dealt


def test_nothing_is_due_before_its_time():
    pair = case()
    dealt = fall_due(pair, pair[1].due_at - 1)
    assert (dealt.steps, dealt.calls) == ((), ())


def test_who_is_responsible_is_reminded_once_before_the_term_ends():
    pair = case()
    do(pair, HazardAct.ACCEPT, STATION)
    dealt = fall_due(pair, pair[1].due_at)
    assert {(call.person, call.purpose) for call in dealt.calls} == {(LEADER, Purpose.REMINDER)}
    assert pair[1].due_at == pair[1].until_at
    assert pair[1].reminded


def test_delay_climbs_level_by_level_and_stays_at_the_ceiling():
    pair = case()
    do(pair, HazardAct.ACCEPT, STATION)
    fall_due(pair, pair[1].due_at)
    told = []
    for _ in range(5):
        dealt = fall_due(pair, pair[1].due_at)
        assert {call.purpose for call in dealt.calls} == {Purpose.OVERDUE}
        told.append({call.person for call in dealt.calls})
    assert told == [{VILLAGE}, {STATION, "zhao-lei"}, {COMMITTEE}, {COMMITTEE}, {COMMITTEE}]
    assert pair[1].overdue(pair[1].due_at)


def redated(pair, at):
    dealt = hazards.date_anew(around(at), pair[0], pair[1])
    pair[:] = [dealt.alert, dealt.hazard]
    return pair[1]


def test_what_a_clock_far_ahead_has_dated_keeps_its_term_from_now():
    pair = case()
    do(pair, HazardAct.ACCEPT, STATION, at=NOON + 365 * DAY)
    term = pair[1].deadline_at - pair[1].accepted_at
    assert hazards.redated(around(NOON + 366 * DAY), pair[1]) is None
    dated = redated(pair, NOON + HOUR)
    assert (dated.deadline_at, dated.until_at, dated.accepted_at) == (
        NOON + HOUR + term,
        NOON + HOUR + term,
        NOON + HOUR,
    )
    assert NOON + HOUR < dated.due_at < dated.until_at, "somebody is reminded"
    assert hazards.redated(around(NOON + 2 * HOUR), dated) is None, "once: every start asks"


def test_a_delay_that_a_clock_far_ahead_has_told_is_told_again_when_it_is_one():
    pair = case()
    until = pair[1].until_at
    fall_due(pair, NOON + 365 * DAY)
    assert redated(pair, NOON + HOUR).due_at == until
    assert {call.purpose for call in fall_due(pair, until).calls} == {Purpose.OVERDUE}


HERE = NOON + 3 * DAY  # when somebody finds that the dates are lost


@pytest.mark.parametrize("lost", [("due_at",), ("until_at",), ("due_at", "until_at")])
@pytest.mark.parametrize("acts", [(), ("accept",), ("accept", "rectify"), ("accept", "rectify", "reinspect")])
def test_a_hazard_that_lost_its_dates_is_due_by_its_term_again(lost, acts):
    pair = case()
    for act in acts:
        who = {"rectify": MEMBER}.get(act, STATION)
        said = {"rectify": {"text": "已清理"}, "reinspect": {"passed": True, "text": "合格"}}.get(act, {})
        do(pair, HazardAct(act), who, at=NOON + 2 * DAY, **said)
    until = pair[1].until_at
    damaged = replace(pair[1], **dict.fromkeys(lost))
    dealt = hazards.found_undated(around(HERE), pair[0], damaged)
    assert dealt.hazard.until_at == until
    assert HERE <= dealt.hazard.due_at <= max(until, HERE)
    assert [(step.kind, step.detail["why"]) for step in dealt.steps] == [(StepKind.REPAIRED, "no-due-time")]
    assert {(call.purpose, call.person) for call in dealt.calls} == {(Purpose.NOTICE, "operator")}
    assert hazards.found_undated(around(HERE), pair[0], dealt.hazard).hazard == dealt.hazard, "once"


def test_a_hazard_that_lost_every_date_gets_the_term_of_its_grade_from_now():
    pair = case()
    do(pair, HazardAct.ACCEPT, STATION)
    gone = dict.fromkeys(("due_at", "until_at", "deadline_at", "accepted_at"))
    dated = hazards.found_undated(around(HERE), pair[0], replace(pair[1], **gone)).hazard
    assert dated.until_at == HERE + micros(RULES.grades[Grade.GENERAL].rectify_within)
    assert HERE < dated.due_at < dated.until_at, "somebody is reminded"


def test_a_lost_date_that_has_passed_is_overdue_at_once_and_what_is_over_gets_none():
    pair = case()
    until = pair[1].until_at
    dated = hazards.found_undated(around(until + DAY), pair[0], replace(pair[1], due_at=None)).hazard
    assert (dated.until_at, dated.due_at) == (until, until + DAY)
    do(pair, HazardAct.REJECT, STATION, reason="不属实")
    assert hazards.found_undated(around(HERE), *pair).hazard == pair[1]


def test_a_level_that_reaches_nobody_is_skipped_and_the_story_says_so():
    pair = case(Grade.MINOR, place="990100101202-01")  # its grid leader's post is vacant
    dealt = fall_due(pair, pair[1].due_at)
    assert [step.kind for step in dealt.steps] == [StepKind.EMPTY, StepKind.OVERDUE]
    assert {call.person for call in dealt.calls} == {"liu-yang"}


def test_when_no_level_reaches_anybody_the_operator_is_told():
    pair = case(place=ORG.root.code, grade=Grade.MINOR)
    dealt = fall_due(pair, pair[1].due_at)
    assert {call.person for call in dealt.calls} == {"operator"}
    assert pair[1].due_at > dealt.calls[0].due_at


def test_no_call_of_one_hazard_is_like_another():
    pair = case()
    keys = [call.key for call in do(pair, HazardAct.ACCEPT, STATION).calls]
    for _ in range(6):
        keys += [call.key for call in fall_due(pair, pair[1].due_at).calls]
    assert len(keys) == len(set(keys))


def test_nobody_is_telephoned_or_shouted_at_for_a_hazard():
    told = {**ORG.people[LEADER].addresses, "phone": "13900000012", "horn": "village-1", "sms": "13900000012"}
    people = [replace(each, addresses=told) if each.id == LEADER else each for each in ORG.people.values()]
    org = Org(ORG.places.values(), ORG.posts.values(), people)
    kinds = {"log": "log", "phone": "aliyun-voice", "horn": "loudspeaker", "sms": "aliyun-sms"}
    alert, hazard = case()
    dealt = hazards.ACTS[HazardAct.ACCEPT](hazards.Around(RULES, org, kinds, NOON), alert, hazard, STATION)
    assert {call.channel for call in dealt.calls} == {"log", "sms"}


# -- where it is ------------------------------------------------------------------------------------------------------
def test_what_was_reported_without_a_place_is_moved_to_where_it_is():
    pair = case(place="")
    assert pair[0].place == pair[1].place == DISTRICT
    do(pair, HazardAct.MOVE, "operator", place=GRID, spot="3 号楼")
    assert (pair[0].place, pair[1].place, pair[1].spot) == (GRID, GRID, "3 号楼")
    assert pair[1].until_at == NOON + HOUR + micros(RULES.grades[Grade.GENERAL].accept_within), "the term begins anew"
    do(pair, HazardAct.ACCEPT, LEADER)
    assert pair[1].role == "grid-leader"


def test_an_accepted_hazard_that_is_moved_falls_to_the_posts_of_its_place_and_keeps_its_deadline():
    pair = case(grade=Grade.MINOR)
    do(pair, HazardAct.ACCEPT, MEMBER)
    deadline = pair[1].deadline_at
    dealt = do(pair, HazardAct.MOVE, VILLAGE, place=NEXT_GRID, at=NOON + 2 * HOUR)
    assert {call.person for call in dealt.calls} == {"li-na"}
    assert (pair[1].deadline_at, pair[1].until_at) == (deadline, deadline)
    assert pair[0].acknowledged_by == MEMBER
    assert dealt.steps[0].detail == {"from_place": GRID, "place": NEXT_GRID}


def test_where_nobody_holds_a_post_that_is_responsible_whoever_accepts_it_is():
    pair = case(place="")
    dealt = do(pair, HazardAct.ACCEPT, COMMITTEE)
    assert (pair[1].role, pair[1].responsible) == ("", COMMITTEE)
    assert {call.person for call in dealt.calls} == {COMMITTEE}
    do(pair, HazardAct.MOVE, COMMITTEE, place=GRID)
    assert (pair[1].role, pair[1].responsible) == ("grid-leader", "")
    assert hazards.may(around(), HazardAct.RECTIFY, pair[1], LEADER)


def test_whoever_is_responsible_by_name_stays_so_when_a_hazard_is_moved():
    pair = case()
    do(pair, HazardAct.ACCEPT, STATION, responsible="供电所")
    dealt = do(pair, HazardAct.MOVE, STATION, place=NEXT_GRID)
    assert (pair[1].responsible, pair[1].role) == ("供电所", "")
    assert {call.person for call in dealt.calls} == {LEADER, VILLAGE}, "nobody can call a department: others hear of it"


def test_a_hazard_is_moved_inside_ones_own_places_or_handed_up():
    with pytest.raises(NotAllowed):
        do(case(), HazardAct.MOVE, STATION, place="990100002001-01")
    pair = case()
    do(pair, HazardAct.MOVE, STATION, place=DISTRICT)
    with pytest.raises(NotAllowed):
        do(pair, HazardAct.MOVE, STATION, place=GRID)
    do(pair, HazardAct.MOVE, COMMITTEE, place="990100002001-01")
    for place in ("990100002001-01", "nowhere"):
        with pytest.raises(Conflict):
            do(pair, HazardAct.MOVE, COMMITTEE, place=place)


def test_what_a_device_found_is_where_the_device_is():
    alert = replace(case()[0], rule="low-pressure", device="w-1")
    pair = [alert, None]
    with pytest.raises(Conflict):
        do(pair, HazardAct.MOVE, STATION, place=NEXT_GRID)
    do(pair, HazardAct.ACCEPT, STATION)
    with pytest.raises(Conflict):
        do(pair, HazardAct.MOVE, STATION, place=NEXT_GRID)


@pytest.mark.parametrize("who", [COMMITTEE, BRIGADE])
@pytest.mark.parametrize("grade", list(Grade))
def test_the_district_may_accept_reject_and_regrade_whatever_is_reported_there(who, grade):
    hazard = case(grade, place="")[1]
    for act in (HazardAct.ACCEPT, HazardAct.REJECT, HazardAct.REGRADE, HazardAct.MOVE):
        assert hazards.may(around(), act, hazard, who)


def test_a_grade_that_nobody_may_accept_at_some_place_is_found():
    assert list(hazards.unaccepted(RULES, ORG)) == []
    rules = standard_hazards()
    minor = replace(rules.grades[Grade.MINOR], may={HazardAct.ACCEPT: frozenset({"grid-member"})})
    found = dict(hazards.unaccepted(replace(rules, grades={**rules.grades, Grade.MINOR: minor}), ORG))
    assert list(found) == [Grade.MINOR]
    assert found[Grade.MINOR][0] == DISTRICT
    assert "990100002001-02" in found[Grade.MINOR], "its grid member's post is vacant"
    assert GRID not in found[Grade.MINOR]


# -- whatever happens -------------------------------------------------------------------------------------------------
SAID = {
    HazardAct.REJECT: {"reason": "no"},
    HazardAct.ASSIGN: {"role": "maintenance"},
    HazardAct.RECTIFY: {"text": "done"},
    HazardAct.LIST: {"listing": "3"},
}
moves = st.lists(
    st.tuples(
        st.sampled_from([*HazardAct, "due"]),
        st.sampled_from([MEMBER, LEADER, STATION, COMMITTEE, BRIGADE, "admin"]),
        st.sampled_from(list(Grade)),
        st.booleans(),
        st.integers(1, 40 * DAY),
    ),
    max_size=30,
)


def said_with(act, pair, grade, passed, at):
    if act is HazardAct.REGRADE:
        return {"grade": grade}
    if act is HazardAct.ACCEPT:
        return {"grade": grade}
    if act is HazardAct.REINSPECT:
        return {"passed": passed, "text": ""}
    if act is HazardAct.EXTEND:
        return {"deadline_at": max(at, pair[1].deadline_at or 0) + DAY, "reason": "x"}
    if act is HazardAct.MOVE:
        return {"place": TOWNSHIP if passed else GRID}
    return SAID.get(act, {})


@given(st.sampled_from(list(Grade)), moves)
def test_a_hazard_is_over_with_its_alert_or_has_a_next_step(grade, history):
    pair, at = case(grade), NOON
    for act, who, other, passed, later in history:
        at += later
        version = pair[1].version
        if act == "due":
            fall_due(pair, at)
        else:
            try:
                dealt = do(pair, act, who, at, **said_with(act, pair, other, passed, at))
            except (Conflict, NotAllowed):
                continue
            assert [step.kind for step in dealt.steps]
            assert pair[1].version > version
        alert, hazard = pair
        assert alert.open is hazard.open
        assert alert.grade is hazard.grade
        assert alert.place == hazard.place
        assert (hazard.due_at is None) is not hazard.open
        assert (hazard.until_at is None) is not hazard.open
        if act == "due" and hazard.open:
            assert hazard.due_at > at
