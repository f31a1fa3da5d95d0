"""Who is on duty when: exact spans, whatever people wrote, changed for a while, or a clock does in spring."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firesense.domain.instant import DAY, HOUR, MINUTE, instant, moment
from firesense.domain.overlap import overlap
from firesense.domain.place import Org, Person, Place, Post
from firesense.domain.roster import Change, ChangeKind, Days, LocalDays, Roster, Rosters, Rotation

ZONE = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
OFF = [date(2026, 10, day) for day in range(1, 8)]
WORKED = [date(2026, 9, 20), date(2026, 10, 10)]
CHINA = LocalDays(ZONE, days_off=OFF, worked_weekends=WORKED)
MONDAY = date(2026, 10, 12)
MON_TO_FRI = frozenset(range(5))


def at(text, zone=ZONE):
    return instant(datetime.fromisoformat(text).replace(tzinfo=zone))


def told(spans, zone=ZONE):
    """Spans as people write them: from when, and who."""
    return [(moment(s.begins_at).astimezone(zone).strftime("%m-%d %H:%M"), "+".join(s.people)) for s in spans]


def teams(*names):
    return tuple(tuple(name.split("+")) for name in names)


def rosters(*rotations, changes=(), days=CHINA):
    return Rosters({"duty": Roster("duty", rotations)}, tuple(changes), days)


def on(rotations, start, end, *, changes=(), days=CHINA, always=()):
    zone = days.zone
    spans = rosters(*rotations, changes=changes, days=days).spans(always, ["duty"], at(start, zone), at(end, zone))
    return told(spans, zone)


def override(instead_of, stand_in, begins, ends, roster="duty", **more):
    return Change(
        f"{stand_in}{begins}", ChangeKind.OVERRIDE, at(begins), at(ends), instead_of, stand_in, roster, **more
    )


def leave(person, begins, ends):
    return Change(f"{person}{begins}", ChangeKind.LEAVE, at(begins), at(ends), person)


DAILY = Rotation(teams("zhou", "wu", "zheng"), MONDAY, time(8, 30), time(8, 30))
WEEKLY = Rotation(teams("zhou", "wu"), MONDAY, time(8), time(8), in_weeks=True)


def test_a_rotation_hands_over_at_its_time_of_day():
    assert on([DAILY], "2026-10-12 00:00", "2026-10-15 12:00") == [
        ("10-12 00:00", ""),  # before the first turn nobody is on
        ("10-12 08:30", "zhou"),
        ("10-13 08:30", "wu"),
        ("10-14 08:30", "zheng"),
        ("10-15 08:30", "zhou"),
    ]


def test_a_weekly_rotation_has_one_change_a_week():
    assert on([WEEKLY], "2026-10-14 00:00", "2026-10-28 00:00") == [
        ("10-14 00:00", "zhou"),
        ("10-19 08:00", "wu"),
        ("10-26 08:00", "zhou"),
    ]


def test_turns_count_days_of_duty_so_that_nobody_is_always_off():
    office = Rotation(teams("zhou", "wu"), MONDAY, time(9), time(18), weekdays=MON_TO_FRI)
    assert [who for _, who in on([office], "2026-10-12 00:00", "2026-10-21 00:00") if who] == [
        *["zhou", "wu", "zhou", "wu", "zhou"],
        *["wu", "zhou"],
    ]


def test_a_night_shift_ends_on_the_next_day():
    night = Rotation(teams("zhou"), MONDAY, time(18), time(8))
    assert on([night], "2026-10-13 00:00", "2026-10-14 00:00") == [
        ("10-13 00:00", "zhou"),
        ("10-13 08:00", ""),
        ("10-13 18:00", "zhou"),
    ]


def test_a_team_comes_on_and_goes_together():
    assert on([Rotation(teams("zhou+wu", "zheng"), MONDAY)], "2026-10-12 08:00", "2026-10-14 08:00") == [
        ("10-12 08:00", "zhou+wu"),
        ("10-13 08:00", "zheng"),
    ]


def test_holidays_have_a_shift_of_their_own():
    start = date(2026, 9, 1)
    working = Rotation(teams("zhou"), start, time(8), time(8), days=Days.WORKDAYS)
    weekend = Rotation(teams("wu"), start, time(8), time(8), days=Days.DAYS_OFF)
    assert on([working, weekend], "2026-09-29 08:00", "2026-10-13 08:00") == [
        ("09-29 08:00", "zhou"),
        ("10-01 08:00", "wu"),
        ("10-08 08:00", "zhou"),  # Thursday, and on Saturday the 10th people work in exchange
        ("10-11 08:00", "wu"),
        ("10-12 08:00", "zhou"),
    ]
    holiday = Rotation(teams("zheng"), start, time(8), time(8), days=Days.HOLIDAYS)
    usual = Rotation(teams("zhou"), start, time(8), time(8), days=Days.NO_HOLIDAYS)
    assert on([usual, holiday], "2026-09-30 08:00", "2026-10-09 08:00") == [
        ("09-30 08:00", "zhou"),
        ("10-01 08:00", "zheng"),
        ("10-08 08:00", "zhou"),
    ]


def test_a_rotation_that_ends_leaves_its_last_turn_whole():
    old = Rotation(teams("zhou"), MONDAY, until=date(2026, 10, 13))
    new = Rotation(teams("wu"), date(2026, 10, 14))
    assert on([old, new], "2026-10-13 00:00", "2026-10-15 00:00") == [("10-13 00:00", "zhou"), ("10-14 08:00", "wu")]


def test_somebody_stands_in_for_a_few_hours():
    change = override("zhou", "qian", "2026-10-12 20:00", "2026-10-12 23:00")
    assert on([DAILY], "2026-10-12 08:30", "2026-10-13 08:30", changes=[change]) == [
        ("10-12 08:30", "zhou"),
        ("10-12 20:00", "qian"),
        ("10-12 23:00", "zhou"),
    ]


def test_an_override_of_another_roster_changes_nothing_here():
    change = override("zhou", "qian", "2026-10-12 20:00", "2026-10-12 23:00", roster="other")
    assert on([DAILY], "2026-10-12 08:30", "2026-10-13 08:30", changes=[change]) == [("10-12 08:30", "zhou")]


def test_an_extra_hand_is_on_besides_the_others():
    change = override("", "qian", "2026-10-12 20:00", "2026-10-12 23:00")
    assert on([DAILY], "2026-10-12 08:30", "2026-10-13 08:30", changes=[change]) == [
        ("10-12 08:30", "zhou"),
        ("10-12 20:00", "zhou+qian"),
        ("10-12 23:00", "zhou"),
    ]


def test_two_swap_their_days():
    swap = [
        override("zhou", "wu", "2026-10-12 08:30", "2026-10-13 08:30", swap="s"),
        override("wu", "zhou", "2026-10-13 08:30", "2026-10-14 08:30", swap="s"),
    ]
    assert on([DAILY], "2026-10-12 08:30", "2026-10-15 08:30", changes=swap) == [
        ("10-12 08:30", "wu"),
        ("10-13 08:30", "zhou"),
        ("10-14 08:30", "zheng"),
    ]


def test_leave_makes_a_hole_everywhere_unless_somebody_stands_in():
    away = leave("zhou", "2026-10-12 12:00", "2026-10-16 00:00")
    assert on([DAILY], "2026-10-12 08:30", "2026-10-13 08:30", changes=[away]) == [
        ("10-12 08:30", "zhou"),
        ("10-12 12:00", ""),
    ]
    stand_in = override("zhou", "qian", "2026-10-12 12:00", "2026-10-16 00:00", roster="")
    covered = on([DAILY], "2026-10-12 08:30", "2026-10-13 08:30", changes=[away, stand_in], always=["boss"])
    assert covered == [("10-12 08:30", "boss+zhou"), ("10-12 12:00", "boss+qian")]


def test_who_stands_in_and_is_on_leave_is_away():
    changes = [
        leave("qian", "2026-10-12 00:00", "2026-10-14 00:00"),
        override("zhou", "qian", "2026-10-12 20:00", "2026-10-12 23:00"),
    ]
    assert on([DAILY], "2026-10-12 20:00", "2026-10-12 23:00", changes=changes) == [("10-12 20:00", "")]


@pytest.mark.parametrize(("day", "hours"), [("2026-03-28", 23), ("2026-10-24", 25), ("2026-06-01", 24)])
def test_a_turn_is_as_long_as_the_local_day(day, hours):
    days = LocalDays(BERLIN)
    rotation = Rotation(teams("a", "b"), date(2026, 3, 1), time(8), time(8))
    start = at(f"{day} 08:00", BERLIN)
    first, *_ = rosters(rotation, days=days).spans([], ["duty"], start, start + 2 * DAY)
    assert (first.ends_at - first.begins_at) // HOUR == hours


def test_hours_the_clock_skips_make_no_span_and_no_gap():
    days = LocalDays(BERLIN)
    night = [
        Rotation(teams("a"), date(2026, 3, 1), time(0), time(2, 30)),
        Rotation(teams("b"), date(2026, 3, 1), time(2, 30), time(3)),
        Rotation(teams("c"), date(2026, 3, 1), time(3), time(0)),
    ]
    found = on(night, "2026-03-29 00:00", "2026-03-30 00:00", days=days)
    assert "" not in [who for _, who in found]
    assert [who for _, who in found][-1] == "c"


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        (Rotation(teams("a"), MONDAY, time(8), time(20)), Rotation(teams("b"), MONDAY, time(20), time(8)), False),
        (Rotation(teams("a"), MONDAY, time(8), time(20)), Rotation(teams("b"), MONDAY, time(19), time(8)), True),
        (Rotation(teams("a"), MONDAY, time(7), time(20)), Rotation(teams("b"), MONDAY, time(20), time(8)), True),
        (DAILY, Rotation(teams("b"), MONDAY, days=Days.HOLIDAYS), True),
        (
            Rotation(teams("a"), MONDAY, days=Days.WORKDAYS),
            Rotation(teams("b"), MONDAY, days=Days.DAYS_OFF),
            False,
        ),
        (
            Rotation(teams("a"), MONDAY, weekdays=MON_TO_FRI),
            Rotation(teams("b"), MONDAY, weekdays=frozenset({5, 6})),
            False,
        ),
        (
            Rotation(teams("a"), MONDAY, time(8), time(9), weekdays=MON_TO_FRI),
            Rotation(teams("b"), MONDAY, time(9), time(9), weekdays=frozenset({6})),
            True,  # Sunday's twenty-four hours reach into Monday
        ),
        (
            Rotation(teams("a"), MONDAY, until=date(2026, 12, 31)),
            Rotation(teams("b"), date(2027, 1, 1)),
            False,
        ),
        (
            Rotation(teams("a"), MONDAY, until=date(2026, 12, 31)),
            Rotation(teams("b"), date(2027, 1, 1), time(6), time(12)),
            True,
        ),
    ],
)
def test_rotations_that_are_ever_both_on_overlap(one, other, meet):
    assert overlap(one, other) is meet
    assert overlap(other, one) is meet


CLOCKS = st.builds(time, st.integers(0, 23), st.sampled_from([0, 30]))
ROTATIONS = st.builds(
    Rotation,
    st.lists(st.sampled_from([("a",), ("b",), ("a", "c"), ("d",)]), min_size=1, max_size=4).map(tuple),
    st.dates(date(2026, 9, 1), date(2026, 10, 20)),
    CLOCKS,
    CLOCKS,
    st.integers(1, 3),
    st.booleans(),
    st.frozensets(st.integers(0, 6), min_size=1),
    st.sampled_from(Days),
    st.none() | st.dates(date(2026, 10, 21), date(2026, 11, 5)),
)
ZONES = st.sampled_from([ZONE, BERLIN])
INSTANTS = st.integers(at("2026-09-15 00:00") // MINUTE, at("2026-11-10 00:00") // MINUTE).map(lambda n: n * MINUTE)
CHANGES = st.builds(
    lambda kind, begins_at, hours, person, stand_in, roster: Change(
        f"{begins_at}", kind, begins_at, begins_at + hours * HOUR, person, stand_in, roster
    ),
    st.sampled_from(ChangeKind),
    INSTANTS,
    st.integers(1, 90),
    st.sampled_from("abcd"),
    st.sampled_from("ef"),
    st.sampled_from(["", "duty", "other"]),
)


def by_definition(rotation, days, now):
    """The team that is on, found the slow way: day after day from the first."""
    zone = days.zone
    on_duty = []
    number = 0
    day = rotation.start
    while day <= moment(now).astimezone(zone).date() and day <= (rotation.until or day):
        if days.fits(day, rotation.weekdays, rotation.days):
            count = (day - rotation.start).days // 7 if rotation.in_weeks else number
            later = timedelta(days=rotation.ends <= rotation.begins)
            begins = instant(datetime.combine(day, rotation.begins, zone))
            ends = instant(datetime.combine(day + later, rotation.ends, zone))
            if begins <= now < ends:
                on_duty += rotation.teams[count // rotation.turn % len(rotation.teams)]
            number += 1
        day += timedelta(1)
    return on_duty


def changed_by_definition(on_duty, changes, now):
    holding = [change for change in changes if change.begins_at <= now < change.ends_at]
    for change in holding:
        if change.kind is ChangeKind.OVERRIDE and change.roster in {"", "duty"}:
            on_duty = [change.stand_in if one == change.person else one for one in on_duty]
    away = {change.person for change in holding if change.kind is ChangeKind.LEAVE}
    return {one for one in on_duty if one not in away}


@settings(deadline=None)  # a busy machine is no fault
@given(st.lists(ROTATIONS, max_size=3), ZONES, st.lists(CHANGES, max_size=4), INSTANTS, st.integers(1, 20), st.data())
def test_spans_are_what_the_rotations_say_at_every_instant(rotations, zone, changes, start, length, data):
    days = LocalDays(zone, days_off=OFF, worked_weekends=WORKED)
    found = rosters(*rotations, changes=changes, days=days)
    end = start + length * DAY
    spans = found.spans([], ["duty"], start, end)
    assert [span.begins_at for span in spans] == [start, *(span.ends_at for span in spans[:-1])]
    assert spans[-1].ends_at == end
    assert all(one.people != other.people for one, other in pairwise(spans))
    for span in spans:
        for now in (span.begins_at, span.ends_at - 1, data.draw(st.integers(span.begins_at, span.ends_at - 1))):
            slow = [one for rotation in rotations for one in by_definition(rotation, days, now)]
            assert set(span.people) == changed_by_definition(slow, changes, now)


def test_an_org_says_who_is_on_duty_now_and_forgets_whom_it_does_not_know():
    people = [Person("zhou", "周"), Person("zheng", "郑"), Person("boss", "站长")]
    post = Post("station-duty", "t", ("boss", "ghost"), ("duty",))
    org = Org([Place("t", "镇", "township")], [post], people, [Roster("duty", (DAILY,))], days=CHINA)
    names = [
        [person.id for person in org.on_duty(post, at(text))]
        for text in ("2026-10-12 08:00", "2026-10-12 08:30", "2026-10-13 08:30", "2027-10-14 08:29", "2026-10-12 09:00")
    ]
    assert names == [["boss"], ["boss", "zhou"], ["boss"], ["boss", "zhou"], ["boss", "zhou"]]


@given(INSTANTS, st.lists(st.integers(-40 * DAY, 40 * DAY), max_size=6))
def test_what_an_org_remembers_is_what_it_would_find_anew(first, steps):
    post = Post("station-duty", "t", (), ("duty",))
    parts = ([Place("t", "镇", "township")], [post], [Person(name, name) for name in ("zhou", "wu", "zheng")])
    org = Org(*parts, [Roster("duty", (DAILY,))], days=CHINA)
    now = first
    for step in (0, *steps):
        now += step
        fresh = Org(*parts, [Roster("duty", (DAILY,))], days=CHINA)
        assert org.on_duty(post, now) == fresh.on_duty(post, now)
