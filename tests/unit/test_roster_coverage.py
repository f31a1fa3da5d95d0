"""The coverage check finds exactly the times at which a climb would call nobody."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from firesense import escalate, route
from firesense.domain.alert import Alert, AlertClass, Grade
from firesense.domain.calendar import Calendars, Period
from firesense.domain.escalation import Department, Hours, Ladder, Purpose, Rung, Selector, Whistling
from firesense.domain.instant import DAY, HOUR, instant
from firesense.domain.place import Org, Person, Place, Post
from firesense.domain.plan import Plan
from firesense.domain.roster import Change, ChangeKind, Days, LocalDays, Roster, Rotation
from firesense.rosters import check

ZONE = ZoneInfo("Asia/Shanghai")
DAYS = LocalDays(ZONE, days_off=[date(2026, 10, 1), date(2026, 10, 2)])
START = instant(datetime(2026, 9, 28, 6, tzinfo=ZONE))
END = START + 6 * DAY
KINDS = {"mail": "mail", "bot": "robot"}
CLASSES = (AlertClass.FIRE, AlertClass.HAZARD)
PLACES = [
    Place("t", "青溪镇", "township"),
    Place("v", "上河村", "village", "t"),
    Place("g1", "一组", "grid", "v"),
    Place("g2", "二组", "grid", "v", tags=("lives-alone",)),
]
PEOPLE = [
    Person("zhou", "周", {"mail": "zhou@example.org", "bot": "z"}),
    Person("wu", "吴", {"bot": "w"}),
    Person("zheng", "郑", {"pigeon": "coop"}),
    Person("wang", "王", {"mail": "wang@example.org"}),
]
MINUTE = timedelta(minutes=1)


def station(*teams, begins=time(8), ends=time(8), **more):
    return Roster("duty", (Rotation(tuple((team,) for team in teams), date(2026, 9, 1), begins, ends, **more),))


def plan_of(posts, rosters=(), changes=(), ladders=None, selectors=None, calendars=None):
    ladders = ladders or [Ladder("all", (Rung(("grid-member", "station-duty"), ("mail", "bot"), MINUTE),))]
    return Plan(
        org=Org(PLACES, posts, PEOPLE, rosters, changes, DAYS),
        ladders={ladder.id: ladder for ladder in ladders},
        selectors=tuple(selectors or [Selector(ladders[0].id)]),
        calendars=calendars or Calendars(zone=ZONE),
    )


def told(coverage):
    return [
        (hole.place, hole.below, (hole.begins_at - START) // HOUR, (hole.ends_at - START) // HOUR)
        for hole in coverage.holes
    ]


def test_a_night_without_a_shift_is_a_hole_for_every_place_below():
    plan = plan_of([Post("station-duty", "t", (), ("duty",))], [station("zhou", begins=time(8), ends=time(20))])
    found = check(plan, KINDS, START, START + 2 * DAY)
    assert told(found) == [("t", True, 0, 2), ("t", True, 14, 26), ("t", True, 38, 48)]
    assert found.holes[0].alert_classes == tuple(AlertClass)


def test_a_grid_with_its_own_member_has_no_hole():
    posts = [Post("station-duty", "t", (), ("duty",)), Post("grid-member", "g1", ("wu",))]
    found = check(plan_of(posts, [station("zhou", ends=time(20))]), KINDS, START, START + DAY)
    assert told(found) == [("t", False, 0, 2), ("v", False, 0, 2), ("g2", False, 0, 2)] + [
        (place, False, 14, 24) for place in ("t", "v", "g2")
    ]


def test_leave_is_a_hole_and_a_stand_in_closes_it():
    posts, roster = [Post("station-duty", "t", (), ("duty",))], station("zhou", "wu")
    away = Change("a", ChangeKind.LEAVE, START + 29 * HOUR, START + 31 * HOUR, "zhou")
    stand_in = Change("b", ChangeKind.OVERRIDE, START + DAY, START + 2 * DAY, "zhou", "wang", "duty")
    assert told(check(plan_of(posts, [roster], [away]), KINDS, START, END)) == [("t", True, 29, 31)]
    assert told(check(plan_of(posts, [roster], [away, stand_in]), KINDS, START, END)) == []


def test_what_is_missing_besides_holes_is_said():
    posts = [
        Post("station-duty", "t", (), ("duty",)),
        Post("village-head", "v", ("zheng",)),
        Post("grid-member", "g1"),
        Post("operator", "t", ("zhou",)),
    ]
    found = check(plan_of(posts, [station("zhou")]), KINDS, START, END)
    assert found.holes == ()
    assert [(post.place, post.role) for post in found.vacant] == [("g1", "grid-member")]
    assert [person.id for person in found.unreachable] == ["zheng"]
    assert [person.id for person in found.idle] == ["wu", "wang"]
    assert [(one.post.place, one.post.role, one.person) for one in found.alone] == [("t", "station-duty", "zhou")]


def stretches(lonely):
    """Place, role, who, and the hours from the start on."""
    return [
        (one.post.place, one.post.role, one.person, (one.begins_at - START) // HOUR, (one.ends_at - START) // HOUR)
        for one in lonely
    ]


def test_a_station_has_one_person_whatever_companies_and_grids_are_there():
    posts = [
        Post("street-office", "t", ("zhou",)),
        Post("maintenance", "t", ("wang",)),
        Post("grid-member", "g1", ("wu",)),
        Post("grid-leader", "g1"),
    ]
    assert stretches(check(plan_of(posts), KINDS, START, END).alone) == [("t", "street-office", "zhou", 0, 144)]


def test_a_station_whose_only_post_one_person_holds_for_ever_has_one_person():
    found = check(plan_of([Post("station-duty", "t", ("zhou",))]), KINDS, START, END)
    assert stretches(found.alone) == [("t", "station-duty", "zhou", 0, 144)]
    two = check(plan_of([Post("station-duty", "t", ("zhou", "wu"))]), KINDS, START, END)
    assert two.alone == ()


def test_a_station_of_two_has_one_person_while_the_other_is_on_leave_and_is_empty_in_their_turns():
    posts, roster = [Post("station-duty", "t", (), ("duty",))], station("zhou", "wu")  # a day each, from eight
    away = Change("a", ChangeKind.LEAVE, START + 20 * HOUR, START + 80 * HOUR, "wu")
    found = check(plan_of(posts, [roster], [away]), KINDS, START, END)
    assert stretches(found.alone) == [("t", "station-duty", "zhou", 20, 80)]
    assert stretches(found.empty) == [("t", "station-duty", "", 20, 26), ("t", "station-duty", "", 50, 74)]
    helper = Change("b", ChangeKind.OVERRIDE, START + 50 * HOUR, START + 74 * HOUR, "wu", "wang", "duty")
    helped = check(plan_of(posts, [roster], [away, helper]), KINDS, START, END)
    assert stretches(helped.alone) == [("t", "station-duty", "zhou", 20, 50), ("t", "station-duty", "zhou", 74, 80)]
    assert stretches(helped.empty) == [("t", "station-duty", "", 20, 26)]


def test_two_who_swap_are_still_two():
    posts, roster = [Post("station-duty", "t", (), ("duty",))], station("zhou", "wu")
    swap = [
        Change("a", ChangeKind.OVERRIDE, START + 2 * HOUR, START + 26 * HOUR, "zhou", "wu", "duty", "a"),
        Change("b", ChangeKind.OVERRIDE, START + 26 * HOUR, START + 50 * HOUR, "wu", "zhou", "duty", "a"),
    ]
    assert check(plan_of(posts, [roster], swap), KINDS, START, END).alone == ()


def test_who_comes_to_a_roster_later_is_no_second_person_before():
    first = Rotation((("zhou",),), date(2026, 9, 1), time(8), time(8), until=date(2026, 9, 30))
    then = Rotation((("zhou",), ("wu",)), date(2026, 10, 1), time(8), time(8))
    plan = plan_of([Post("station-duty", "t", (), ("duty",))], [Roster("duty", (first, then))])
    assert stretches(check(plan, KINDS, START, END).alone) == [("t", "station-duty", "zhou", 0, 74)]


def test_the_settings_say_which_posts_are_stations_and_a_department_with_a_roster_is_none():
    posts = [Post("fire-hall", "t", ("zhou",)), Post("maintenance", "t", (), ("duty",))]
    plan = replace(plan_of(posts, [station("wu")]), stations=frozenset({"fire-hall"}))
    plan = replace(plan, whistling=Whistling(departments={"maintenance": Department()}))
    assert [one.post.role for one in check(plan, KINDS, START, END).alone] == ["fire-hall"]


def test_hours_and_seasons_of_selectors_are_walked_exactly():
    ladders = [
        Ladder("day", (Rung(("station-duty",), ("mail",), MINUTE),)),
        Ladder("night", (Rung(("village-head",), ("mail",), MINUTE),)),
        Ladder("dry", (Rung(("grid-member",), ("bot",), MINUTE),)),
    ]
    selectors = [
        Selector("dry", seasons=frozenset({"dry"})),
        Selector("night", hours=Hours(timedelta(hours=22), timedelta(hours=6))),
        Selector("day"),
    ]
    dry = Calendars([Period("dry", np.array([START + 2 * DAY, START + 3 * DAY]))], ZONE)
    plan = plan_of([Post("station-duty", "t", ("zhou",))], (), (), ladders, selectors, dry)
    found = check(plan, KINDS, START, START + 4 * DAY)
    assert told(found) == [("t", True, 16, 24), ("t", True, 40, 72), ("t", True, 88, 96)]


TEAMS = st.lists(st.sampled_from([("zhou",), ("wu",), ("zheng",), ("wu", "wang")]), min_size=1, max_size=3).map(tuple)
CLOCKS = st.integers(0, 47).map(lambda half: time(half // 2, half % 2 * 30))
ROTATIONS = st.builds(
    Rotation,
    TEAMS,
    st.dates(date(2026, 9, 20), date(2026, 9, 30)),
    CLOCKS,
    CLOCKS,
    st.integers(1, 2),
    st.booleans(),
    st.frozensets(st.integers(0, 6), min_size=1),
    st.sampled_from(Days),
)
TIMES = st.integers(0, 6 * 48).map(lambda half: START + half * HOUR // 2)
CHANGES = st.builds(
    lambda kind, begins_at, hours, person, stand_in: Change(
        "x", kind, begins_at, begins_at + hours * HOUR, person, stand_in
    ),
    st.sampled_from(ChangeKind),
    TIMES,
    st.integers(1, 40),
    st.sampled_from(["zhou", "wu", "wang"]),
    st.sampled_from(["zhou", "zheng"]),
)
ROLES = ("grid-member", "village-head", "station-duty")
POSTS = st.builds(
    Post,
    st.sampled_from(ROLES),
    st.sampled_from(["t", "v", "g1", "g2"]),
    st.lists(st.sampled_from(["zhou", "wu", "zheng"]), max_size=1).map(tuple),
    st.sampled_from([(), ("duty",), ("other",)]),
)
RUNGS = st.builds(
    Rung,
    st.lists(st.sampled_from(ROLES), min_size=1, max_size=2, unique=True).map(tuple),
    st.sampled_from([("mail",), ("bot",), ("mail", "bot")]),
    st.just(MINUTE),
)
HOURS = st.none() | st.builds(
    Hours, st.integers(0, 23).map(lambda n: timedelta(hours=n)), st.integers(1, 24).map(lambda n: timedelta(hours=n))
)
SELECTORS = st.builds(
    Selector,
    st.sampled_from(["a", "b"]),
    st.sampled_from([frozenset(), frozenset({"fire"})]),
    st.sampled_from([frozenset(), frozenset({"major"})]),
    st.sampled_from([frozenset(), frozenset({"v"}), frozenset({"g1"})]),
    st.sampled_from([frozenset(), frozenset({"lives-alone"})]),
    st.sampled_from([frozenset(), frozenset({"dry"})]),
    HOURS,
)


@settings(deadline=None)
@given(
    st.lists(POSTS, max_size=5),
    ROTATIONS,
    ROTATIONS,
    st.lists(CHANGES, max_size=2),
    st.tuples(st.lists(RUNGS, min_size=1, max_size=2), st.lists(RUNGS, min_size=1, max_size=2)),
    st.lists(SELECTORS, max_size=3),
    st.lists(TIMES, min_size=2, max_size=2, unique=True).map(sorted),
    st.lists(st.integers(START, END - 1), min_size=4, max_size=8),
)
def test_a_hole_is_when_a_climb_calls_nobody(posts, duty, other, changes, rungs, selectors, season, instants):
    rosters = [Roster("duty", (duty,)), Roster("other", (other,))]
    ladders = [Ladder(name, tuple(some)) for name, some in zip("ab", rungs, strict=True)]
    calendars = Calendars([Period("dry", np.array(season), frozenset({"g2"}))], ZONE)
    plan = plan_of(posts, rosters, changes, ladders, [*selectors, Selector("a")], calendars)
    found = check(plan, KINDS, START, END)
    below = {place.code: {above.code for above in plan.org.path(place.code)} for place in PLACES}

    def is_hole(code, alert_class, now):
        return any(
            hole.begins_at <= now < hole.ends_at
            and alert_class in hole.alert_classes
            and (hole.place == code or (hole.below and hole.place in below[code]))
            for hole in found.holes
        )

    edges = [at for hole in found.holes for at in (hole.begins_at, hole.begins_at - 1, hole.ends_at, hole.ends_at - 1)]
    for now in [*instants, *edges[:12]]:
        if not START <= now < END:
            continue
        for code in below:
            for alert_class in CLASSES:
                reached = [calls_anybody(plan, code, alert_class, grade, now) for grade in Grade]
                assert is_hole(code, alert_class, now) is not all(reached)


def calls_anybody(plan, code, alert_class, grade, now):
    alert = Alert("a", "r", "v", alert_class, grade, "d", "smoke", code, now, now, 0)
    ladder, _ = route.choose(alert, plan, now)
    acted = escalate.begin(alert, ladder, plan.org, KINDS, now)
    return any(call.purpose is Purpose.ALERT for call in acted.calls)
