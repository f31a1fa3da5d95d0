"""The figures against a plain count over the same alerts, one by one; and their words for few cases."""

from __future__ import annotations

from datetime import timedelta
from statistics import median
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firesense.domain.alert import AlertClass, Grade
from firesense.domain.device import Device, Registry
from firesense.domain.figures import NEVER, AlertColumns, OpenAlert, Stage, Targets
from firesense.domain.instant import DAY, HOUR, MINUTE, SECOND
from firesense.domain.place import Org, Place
from firesense.domain.plan import Plan
from firesense.domain.rollcall import RollCall, RollCallState
from firesense.domain.rule import Rule, RuleKind
from firesense.figures import Facts, figures, period_of

CHINA = ZoneInfo("Asia/Shanghai")
OCTOBER = period_of("2026-10", CHINA)
NOW = OCTOBER.end_at + DAY
TARGETS = Targets()
ORG = Org(
    [
        Place("c", "青河县", "county"),
        Place("t1", "柳林镇", "township", "c"),
        Place("v1", "大槐树村", "village", "t1"),
        Place("g1", "一网格", "grid", "v1"),
        Place("g2", "二网格", "grid", "v1"),
        Place("t2", "石桥镇", "township", "c"),
    ]
)
DEVICES = [
    Device("smoke-1", "smoke", "house", "1", "g1", 0, gateway="gw"),
    Device("smoke-2", "smoke", "house", "2", "g2", 1),
    Device("smoke-3", "smoke", "hall", "3", "t2", 2),
    Device("water-1", "water", "gauge", "4", "t1", 0),
]
SILENT = Rule("silent", RuleKind.ABSENCE, "smoke", AlertClass.FAULT, Grade.MINOR)
PLAN = Plan(registry=Registry(DEVICES), org=ORG, rules=(SILENT,))
PLACES = [*ORG.places, "gone"]
DONE = ("called_at", "taken_at", "arrived_at", "verified_at", "cleared_at", "closed_at")


def row(**says):
    """One alert as the book keeps it: a fire at g1 on the second of October, about which nothing was done."""
    return (
        {
            "alert_class": "fire",
            "place": "g1",
            "device": "smoke-1",
            "device_class": "smoke",
            "finding": "",
            "cause": "",
            "taken_by": "",
            "closed_by": "",
            "open": True,
            "held": False,
            "undone": False,
            "trips": 1,
            "raised_at": OCTOBER.start_at + DAY,
        }
        | dict.fromkeys(DONE, NEVER)
        | says
    )


def columns(rows):
    words = ("alert_class", "place", "device", "device_class", "finding", "cause", "taken_by", "closed_by")
    marks = ("open", "held", "undone")
    numbers = ("trips", "raised_at", *DONE)
    return AlertColumns(
        **{name: [each[name] for each in rows] for name in words},
        **{name: np.array([each[name] for each in rows], dtype=bool) for name in marks},
        **{name: np.array([each[name] for each in rows], dtype=np.int64) for name in numbers},
    )


@st.composite
def alerts(draw):
    raised = OCTOBER.start_at + draw(st.integers(0, 30 * DAY))
    after = st.one_of(st.just(NEVER), st.integers(-MINUTE, 3 * DAY).map(lambda took: raised + took))
    closed = draw(after)
    return row(
        alert_class=draw(st.sampled_from([kind.value for kind in AlertClass])),
        place=draw(st.sampled_from(PLACES)),
        device=draw(st.sampled_from(["smoke-1", "smoke-3", "water-1", "sold", "", "?99"])),
        device_class=draw(st.sampled_from(["smoke", "water", ""])),
        finding="" if closed == NEVER else draw(st.sampled_from(["fire", "false-alarm", "cleared-itself"])),
        cause=draw(st.sampled_from(["", "cooking", "dust"])),
        taken_by=draw(st.sampled_from(["", "sun", "he"])),
        closed_by=draw(st.sampled_from(["", "sun"])),
        open=closed == NEVER,
        held=draw(st.booleans()),
        undone=draw(st.booleans()),
        trips=draw(st.integers(1, 9)),
        raised_at=raised,
        closed_at=closed,
        called_at=draw(after),
        taken_at=draw(after),
        arrived_at=draw(after),
        verified_at=draw(after),
        cleared_at=draw(after),
    )


def under(place, code):
    """Whether a place, or the root for one that nobody knows, lies in another one."""
    known = place if place in ORG.places else "c"
    return code in [each.code for each in ORG.path(known)]


def took(each, stage):
    name = {
        Stage.CALL: "called_at",
        Stage.ACKNOWLEDGE: "taken_at",
        Stage.ARRIVE: "arrived_at",
        Stage.CLOSE: "closed_at",
        Stage.RECOVER: "cleared_at",
    }[stage]
    done = each[name]
    if stage is Stage.CLOSE and not each["closed_by"]:
        done = NEVER
    if stage is Stage.ACKNOWLEDGE and each["closed_by"]:
        done = min(done, each["closed_at"])
    return None if done == NEVER else max(done - each["raised_at"], 0)


def waited(each, stage):
    """How long an alert has been waiting for a step it did not have, or did until nobody was awaited any more."""
    until = min(NOW, each["closed_at"])
    if stage is Stage.CALL:
        until = min(until, each["taken_at"])
    if stage is Stage.ARRIVE and each["finding"] not in {"", "fire"}:
        until = min(until, each["verified_at"])
    return until - each["raised_at"]


def interpolated(values, part):
    """The percentile of a spreadsheet: between two cases, in proportion."""
    ordered = sorted(values)
    place = part * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def close_to(span, microseconds):
    return abs(span / timedelta(microseconds=1) - microseconds) <= 2


def check(found, rows, kind):
    assert found.raised == len(rows)
    assert found.open == sum(each["open"] for each in rows)
    assert found.stood_still == sum(each["undone"] for each in rows)
    assert found.chattering == sum(each["trips"] >= TARGETS.chatters for each in rows)
    assert found.cleared_itself == sum(each["finding"] == "cleared-itself" for each in rows)
    assert found.false_alarms == sum(each["finding"] == "false-alarm" for each in rows)
    for cause in ("cooking", "dust"):
        assert found.causes.get(cause, 0) == sum(each["cause"] == cause for each in rows)
    for stage in Stage:
        timed = [each for each in rows if not each["held"]]
        spans = [span for each in timed if (span := took(each, stage)) is not None]
        times = found.times[stage]
        assert times.count == len(spans)
        if spans:
            assert close_to(times.median, median(spans))
            assert close_to(times.longest, max(spans))
        assert (times.ninetieth is not None) == (len(spans) >= 10)
        if times.ninetieth is not None:
            assert close_to(times.ninetieth, interpolated(spans, 0.9))
        target = TARGETS.within.get(kind, {}).get(stage)
        if target is None:
            assert (times.late, times.late_share) == (0, None)
            continue
        most = target / timedelta(microseconds=1)
        waits = [each for each in timed if took(each, stage) is None and waited(each, stage) > most]
        assert times.late == sum(span > most for span in spans) + len(waits)
        assert times.due == len(spans) + len(waits)


@given(st.lists(alerts(), max_size=40))
def test_every_figure_of_every_place_is_what_counting_one_by_one_gives(rows):
    rows.sort(key=lambda each: each["raised_at"])
    found = figures(Facts(columns(rows)), PLAN, OCTOBER, "c", NOW, deep=True, people=True)
    assert [each.place for each in found.places] == list(ORG.places), "in the order of the tree"
    for place in found.places:
        for kind in AlertClass:
            mine = [each for each in rows if each["alert_class"] == kind and under(each["place"], place.place)]
            assert (kind.value in place.by_class) == bool(mine)
            if mine:
                check(place.by_class[kind.value], mine, kind)
    for kind in AlertClass:
        assert sum(part.get(kind.value, 0) for _, part in found.parts) == sum(e["alert_class"] == kind for e in rows)
        counted = sum(one.by_class[kind.value].raised for one in found.types if kind.value in one.by_class)
        assert counted == sum(each["alert_class"] == kind for each in rows), "each alert is of one type"
    assert sum(one.closed for one in found.people) == sum(each["closed_by"] != "" for each in rows)


def test_a_place_below_counts_what_is_below_it_alone():
    rows = [row(), row(place="t2"), row(place="gone")]
    found = figures(Facts(columns(rows)), PLAN, OCTOBER, "t1", NOW)
    assert found.whole.by_class["fire"].raised == 1
    assert [(each.place, each.depth, each.children) for each in found.places] == [("t1", 0, True), ("v1", 1, True)]
    assert figures(Facts(columns(rows)), PLAN, OCTOBER, "c", NOW).whole.by_class["fire"].raised == 3


def test_two_cases_have_a_longest_and_no_ninetieth():
    rows = [row(called_at=row()["raised_at"] + span * SECOND) for span in (2, 40)]
    times = figures(Facts(columns(rows)), PLAN, OCTOBER, "c", NOW).whole.by_class["fire"].times[Stage.CALL]
    assert (times.count, times.ninetieth, times.longest) == (2, None, timedelta(seconds=40))
    assert (times.median, times.late, times.due, times.late_share) == (timedelta(seconds=21), 1, 2, 0.5)


def test_whoever_nobody_has_called_for_a_day_is_late_and_one_that_came_by_itself_is_not():
    rows = [row(), row(open=False, closed_at=row()["raised_at"] + SECOND, finding="cleared-itself")]
    times = figures(Facts(columns(rows)), PLAN, OCTOBER, "c", NOW).whole.by_class["fire"].times[Stage.CALL]
    assert (times.count, times.late, times.due) == (0, 1, 1)


def late(rows, stage):
    times = figures(Facts(columns(rows)), PLAN, OCTOBER, "c", NOW).whole.by_class["fire"].times[stage]
    return times.count, times.late, times.due


@pytest.mark.parametrize(
    ("closed_by", "after", "acknowledge", "arrive"),
    [
        ("sun", 2 * HOUR, (1, 1, 1), (0, 1, 1)),
        ("sun", MINUTE, (1, 0, 1), (0, 0, 0)),  # before anybody had to be there
        ("", 2 * HOUR, (0, 1, 1), (0, 1, 1)),  # it was over by itself, after nobody had come for two hours
        ("", MINUTE, (0, 0, 0), (0, 0, 0)),
    ],
)
def test_closing_a_fire_that_nobody_took_does_not_make_it_any_less_late(closed_by, after, acknowledge, arrive):
    closed = row(open=False, closed_by=closed_by, closed_at=row()["raised_at"] + after)
    assert late([closed], Stage.ACKNOWLEDGE) == acknowledge
    assert late([closed], Stage.ARRIVE) == arrive


@pytest.mark.parametrize(("finding", "arrive"), [("false-alarm", (0, 0, 0)), ("fire", (0, 1, 1)), ("", (0, 1, 1))])
def test_nobody_has_to_go_where_it_was_found_in_time_to_be_no_fire(finding, arrive):
    known = row(finding=finding, verified_at=row()["raised_at"] + MINUTE)
    assert late([known], Stage.ARRIVE) == arrive
    later = row(finding="false-alarm", verified_at=row()["raised_at"] + HOUR)
    assert late([later], Stage.ARRIVE) == (0, 1, 1)


def test_nobody_has_to_be_called_to_what_somebody_took_before_a_call_was_late():
    at_once = row(taken_at=row()["raised_at"] + SECOND, taken_by="sun")
    assert late([at_once], Stage.CALL) == (0, 0, 0)
    in_vain = row(taken_at=row()["raised_at"] + HOUR, taken_by="sun")
    assert late([in_vain], Stage.CALL) == (0, 1, 1)


def test_alerts_held_by_a_window_are_counted_and_not_timed():
    held = row(held=True, called_at=row()["raised_at"] + 8 * HOUR)
    found = figures(Facts(columns([held])), PLAN, OCTOBER, "c", NOW).whole.by_class["fire"]
    assert (found.raised, found.times[Stage.CALL].count, found.times[Stage.CALL].late) == (1, 0, 0)


def test_nobody_is_named_unless_asked_for():
    rows = [row(taken_by="sun", taken_at=row()["raised_at"] + MINUTE, closed_by="he")]
    assert figures(Facts(columns(rows)), PLAN, OCTOBER, "c", NOW).people == ()
    people = figures(Facts(columns(rows)), PLAN, OCTOBER, "c", NOW, people=True).people
    assert [(each.person, each.taken.median, each.closed) for each in people] == [
        ("he", None, 1),
        ("sun", timedelta(minutes=1), 0),
    ]


def test_devices_are_silent_by_themselves_or_with_their_gateway():
    open_alerts = [
        OpenAlert(AlertClass.FAULT, "silent", "gw"),
        OpenAlert(AlertClass.FAULT, "silent", "smoke-3"),
        OpenAlert(AlertClass.FAULT, "battery", "smoke-2"),
        OpenAlert(AlertClass.FIRE, "fire", "smoke-2"),
        OpenAlert(AlertClass.FIRE, "fire", "?unregistered"),
    ]
    found = figures(Facts(columns([]), open_alerts), PLAN, OCTOBER, "c", NOW)
    devices = found.whole.devices
    assert (devices.total, devices.online, devices.silent, devices.in_alarm, devices.in_fault) == (4, 2, 2, 1, 1)
    assert [(each.device_class, each.profile, each.devices.total, each.devices.silent) for each in found.types] == [
        ("smoke", "house", 2, 1),
        ("smoke", "hall", 1, 1),
        ("water", "gauge", 1, 0),
    ]


def test_a_roll_call_nobody_could_be_asked_is_nobodys_fault():
    at = OCTOBER.start_at + DAY
    calls = [
        RollCall("1", "station-duty", "t1", at, timedelta(minutes=3), state=state, asked_at=at, answered_at=at + took)
        for state, took in (
            (RollCallState.ANSWERED, 20 * SECOND),
            (RollCallState.ANSWERED, 40 * SECOND),
            (RollCallState.MISSED, 5 * MINUTE),
            (RollCallState.UNASKED, 0),
            (RollCallState.PLANNED, 0),
        )
    ]
    roll = figures(Facts(columns([]), roll_calls=calls), PLAN, OCTOBER, "c", NOW).whole.roll_calls
    assert (roll.asked, roll.answered, roll.missed, roll.unasked) == (3, 2, 1, 1)
    assert roll.median == timedelta(seconds=30)
    elsewhere = figures(Facts(columns([]), roll_calls=calls), PLAN, OCTOBER, "t2", NOW).whole.roll_calls
    assert elsewhere.asked == 0


@pytest.mark.parametrize(
    ("written", "first", "last", "parts"),
    [
        ("2026-10", "2026-10-01", "2026-11-01", 31),
        ("2026-Q4", "2026-10-01", "2027-01-01", 3),
        ("2026", "2026-01-01", "2027-01-01", 12),
        ("2026-10-01..2026-10-07", "2026-10-01", "2026-10-08", 7),
        ("2024-02-28..2024-03-01", "2024-02-28", "2024-03-02", 3),
        ("2026-01-15..2026-04-02", "2026-01-15", "2026-04-03", 4),
    ],
)
def test_periods_are_of_the_local_calendar(written, first, last, parts):
    period = period_of(written, CHINA)
    assert (str(period.first), str(period.after), len(period.parts)) == (first, last, parts)
    assert period.name == written
    assert period.parts[0][1] == period.start_at
    assert (period.start_at - 16 * HOUR) % DAY == 0, "midnight in China is 16:00 of the day before by UTC"
    assert period.before().end_at == period.start_at
    assert period.following().start_at == period.end_at
    assert period.following().before() == period


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("2026年1月", "2026-01"),
        ("2026年10月份", "2026-10"),
        ("2026年第四季度", "2026-Q4"),
        ("2026年2季度", "2026-Q2"),
        ("2026年", "2026"),
        ("2026年度", "2026"),
    ],
)
def test_periods_may_be_written_in_chinese(written, name):
    assert period_of(written, CHINA) == period_of(name, CHINA)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "2026年13月",
        "2026年第五季度",
        "二〇二六年",
        "2026-13",
        "2026-Q5",
        "last month",
        "2026-10-02..2026-10-01",
        "2026-02-29..2026-03-01",
        "0001-01-01..9999-01-01",
        "0000",
    ],
)
def test_what_is_no_period_is_said_so(written):
    with pytest.raises(ValueError, match="is no period"):
        period_of(written, CHINA)
