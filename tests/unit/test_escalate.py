from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firesense import escalate
from firesense.domain.alert import Alert, AlertClass, Case, Grade
from firesense.domain.escalation import CallState, Climb, ClimbState, Ladder, Purpose, Rung, StepKind, Timers
from firesense.domain.instant import MINUTE, SECOND, micros
from firesense.domain.place import Org, Person, Place, Post

NOW = 1_767_323_045 * SECOND
KINDS = {"app": "mqtt", "tablet": "mqtt", "mail": "smtp", "chat": "dingtalk"}
PLACES = (
    Place("330000", "Sample District", "district"),
    Place("330000101", "Willow Town", "township", "330000"),
    Place("330000101201", "Stone Village", "village", "330000101"),
    Place("330000101201003", "Grid 3", "grid", "330000101201"),
)
GRID = PLACES[-1].code


def person(name: str, **addresses: str) -> Person:
    return Person(name, name.title(), addresses)


def org(*, people: tuple[Person, ...] = (), posts: tuple[Post, ...] = ()) -> Org:
    standard = (
        person("lin", app="lin", mail="lin@example.com"),
        person("wu", app="wu", chat="wu"),
        person("duty", app="duty", mail="duty@example.com"),
        person("op", mail="op@example.com"),
    )
    standard_posts = (
        Post("grid-member", GRID, ("lin",)),
        Post("village-chief", "330000101201", ("wu",)),
        Post("station-duty", "330000101", ("duty",)),
        Post("operator", "330000", ("op",)),
    )
    by_post = {(post.place, post.role): post for post in (*standard_posts, *posts)}
    return Org(PLACES, by_post.values(), {p.id: p for p in (*standard, *people)}.values())


def rung(role: str, *channels: str, wait: int = 60) -> Rung:
    return Rung((role,), channels or ("app", "mail"), timedelta(seconds=wait))


LADDER = Ladder("fire", (rung("grid-member"), rung("village-chief", wait=120), rung("station-duty", wait=180)))


def alert(alert_class: AlertClass = AlertClass.FIRE, place: str = GRID) -> Alert:
    return Alert("AB12CD34EF", "smoke-fire", "v1", alert_class, Grade.MAJOR, "smoke-0007", "smoke", place, NOW, NOW, 4)


def kinds_of(acted: escalate.Acted) -> list[StepKind]:
    return [step.kind for step in acted.steps]


def called(acted: escalate.Acted) -> list[tuple[str, str]]:
    return [(call.person, call.channel) for call in acted.calls]


def test_first_rung_is_called_at_once():
    acted = escalate.begin(alert(), LADDER, org(), KINDS, NOW)
    assert called(acted) == [("lin", "app"), ("lin", "mail")]
    assert all(call.due_at == NOW and call.urgent and call.state is CallState.QUEUED for call in acted.calls)
    assert acted.climb == Climb("AB12CD34EF", LADDER, rung=1, due_at=NOW + MINUTE, version=1)
    assert kinds_of(acted) == [StepKind.RAISED, StepKind.CALLED]
    assert acted.steps[1].who == "lin"
    assert acted.steps[1].detail == {
        "role": "grid-member",
        "place": GRID,
        "channels": "app,mail",
        "rung": "0",
        "round": "0",
    }


def test_the_story_keeps_the_value_that_raised_the_alert():
    assert "value" not in escalate.begin(alert(), LADDER, org(), KINDS, NOW).steps[0].detail
    raised = escalate.begin(replace(alert(), value=0.125), LADDER, org(), KINDS, NOW).steps[0]
    assert (raised.kind, raised.detail["value"]) == (StepKind.RAISED, "0.125")


def test_climbs_to_the_nearest_post_above_then_ends_and_tells_the_operator():
    climb = escalate.begin(alert(), LADDER, org(), KINDS, NOW).climb
    second = escalate.act(alert(), climb, org(), KINDS, NOW + MINUTE)
    assert {name for name, _ in called(second)} == {"wu"}
    assert second.calls[0].place == "330000101201"
    assert kinds_of(second) == [StepKind.CLIMBED, StepKind.CALLED]
    third = escalate.act(alert(), second.climb, org(), KINDS, NOW + 3 * MINUTE)
    assert called(third) == [("duty", "app"), ("duty", "mail")]
    assert (third.climb.rung, third.climb.round, third.climb.due_at) == (0, 1, NOW + 6 * MINUTE)
    end = escalate.act(alert(), third.climb, org(), KINDS, NOW + 6 * MINUTE)
    assert (end.climb.state, end.climb.due_at) == (ClimbState.EXHAUSTED, None)
    assert [(call.purpose, call.person, call.channel) for call in end.calls] == [(Purpose.NOTICE, "op", "mail")]
    assert kinds_of(end) == [StepKind.EXHAUSTED]


@pytest.mark.parametrize(
    ("post", "people", "reason", "place"),
    [
        (Post("village-chief", "330000101201", ()), (), "nobody", "330000101201"),
        (Post("village-chief", "330000101201", ("gone",)), (), "nobody", "330000101201"),
        (Post("village-chief", "330000101201", ("mute",)), (person("mute", pager="9"),), "no-channel", "330000101201"),
        (Post("village-chief", "330000101201", ("mute",)), (person("mute", app=""),), "no-channel", "330000101201"),
    ],
)
def test_an_empty_rung_is_skipped_at_once_and_said(post, people, reason, place):
    climb = escalate.begin(alert(), LADDER, org(), KINDS, NOW).climb
    acted = escalate.act(alert(), climb, org(posts=(post,), people=people), KINDS, NOW + MINUTE)
    assert {name for name, _ in called(acted)} == {"duty"}
    assert kinds_of(acted) == [StepKind.EMPTY, StepKind.CLIMBED, StepKind.CALLED]
    detail = acted.steps[0].detail
    assert (detail["role"], detail["place"], detail["reason"], detail["rung"]) == ("village-chief", place, reason, "1")


def test_a_role_without_a_post_is_said_even_when_the_rung_reaches_someone():
    ladder = Ladder("two", (Rung(("police", "grid-member"), ("app",), timedelta(minutes=1)),))
    acted = escalate.begin(alert(AlertClass.HAZARD), ladder, org(), KINDS, NOW)
    assert called(acted) == [("lin", "app")]
    assert [(s.kind, s.detail.get("reason")) for s in acted.steps[1:]] == [
        (StepKind.EMPTY, "no-post"),
        (StepKind.CALLED, None),
    ]


def test_fire_goes_over_two_kinds_of_channel():
    """GB/T 45839-2025 5.10.4."""
    ladder = Ladder("one", (rung("village-chief", "app", "tablet"),))
    people = (person("wu", app="wu", tablet="wu", chat="wu", mail="wu@example.com"),)
    assert called(escalate.begin(alert(), ladder, org(people=people), KINDS, NOW)) == [
        ("wu", "app"),
        ("wu", "tablet"),
        ("wu", "chat"),
    ]
    hazard = escalate.begin(alert(AlertClass.HAZARD), ladder, org(people=people), KINDS, NOW)
    assert called(hazard) == [("wu", "app"), ("wu", "tablet")]
    assert not any(call.urgent for call in hazard.calls)


def test_fire_over_one_kind_only_is_said():
    acted = escalate.begin(alert(), LADDER, org(people=(person("lin", app="lin", tablet="lin"),)), KINDS, NOW)
    assert called(acted) == [("lin", "app")]
    assert acted.steps[-1].detail["only_kind"] == "mqtt"


def test_a_channel_that_does_not_exist_reaches_nobody():
    acted = escalate.begin(alert(), LADDER, org(), {"chat": "dingtalk"}, NOW)
    assert called(acted) == []
    assert acted.climb.state is ClimbState.EXHAUSTED


def test_nobody_is_called_twice_in_a_round_over_one_channel():
    both = org(posts=(Post("village-chief", "330000101201", ("lin",)),))
    first = escalate.begin(alert(), LADDER, both, KINDS, NOW)
    second = escalate.act(alert(), first.climb, both, KINDS, NOW + MINUTE, first.calls)
    assert {name for name, _ in called(second)} == {"duty"}
    assert second.steps[0].detail["reason"] == "called-already"
    forever = replace(second.climb, ladder=replace(LADDER, repeat=None))
    again = escalate.act(alert(), forever, both, KINDS, NOW + 9 * MINUTE, (*first.calls, *second.calls))
    assert called(again) == [("op", "mail"), ("lin", "app"), ("lin", "mail")]
    assert not {call.key for call in again.calls} & {call.key for call in (*first.calls, *second.calls)}


def test_one_person_in_two_roles_of_a_rung_is_called_once():
    ladder = Ladder("two", (Rung(("grid-member", "village-chief"), ("app",), timedelta(minutes=1)),))
    both = org(posts=(Post("village-chief", "330000101201", ("lin",)),))
    acted = escalate.begin(alert(AlertClass.FAULT), ladder, both, KINDS, NOW)
    assert called(acted) == [("lin", "app")]
    assert kinds_of(acted) == [StepKind.RAISED, StepKind.CALLED]


def test_a_round_that_reaches_nobody_waits_and_tells_the_operator_once():
    nobody = Org(PLACES, (Post("operator", "330000", ("op",)),), (person("op", mail="op@example.com"),))
    ladder = replace(LADDER, repeat=None)
    first = escalate.begin(alert(), ladder, nobody, KINDS, NOW)
    assert [call.purpose for call in first.calls] == [Purpose.NOTICE]
    assert kinds_of(first).count(StepKind.EMPTY) == 3
    assert (first.climb.state, first.climb.rung, first.climb.round) == (ClimbState.CLIMBING, 0, 1)
    assert first.climb.due_at == NOW + 3 * MINUTE
    second = escalate.act(alert(), first.climb, nobody, KINDS, NOW + 3 * MINUTE, first.calls)
    assert [call.round for call in second.calls] == [1]


def test_without_an_operator_the_story_says_so():
    acted = escalate.begin(alert(), Ladder("none", ()), Org(PLACES), KINDS, NOW)
    assert acted.climb.state is ClimbState.EXHAUSTED
    assert [(s.kind, s.detail.get("role")) for s in acted.steps[1:]] == [
        (StepKind.EMPTY, "operator"),
        (StepKind.EXHAUSTED, None),
    ]


def test_an_unknown_place_is_answered_for_by_the_root():
    ladder = Ladder("root", (rung("brigade"),))
    root = org(people=(person("br", app="br"),), posts=(Post("brigade", "330000", ("br",)),))
    assert called(escalate.begin(alert(place="nowhere"), ladder, root, KINDS, NOW)) == [("br", "app")]


def test_a_climb_keeps_its_own_ladder_and_a_climb_that_is_over_stays():
    over = Climb("AB12CD34EF", LADDER).ended(ClimbState.ACKNOWLEDGED)
    assert escalate.act(alert(), over, org(), KINDS, NOW) == escalate.Acted(over, (), ())


ROLES = ("grid-member", "village-chief", "station-duty", "missing")
RUNGS = st.builds(
    Rung,
    st.lists(st.sampled_from(ROLES), max_size=3).map(tuple),
    st.lists(st.sampled_from((*KINDS, "unknown")), max_size=3).map(tuple),
    st.integers(0, 600).map(lambda seconds: timedelta(seconds=seconds)),
)
LADDERS = st.builds(
    Ladder, st.just("any"), st.lists(RUNGS, max_size=4).map(tuple), st.one_of(st.none(), st.integers(0, 2))
)


@given(LADDERS, st.sampled_from(AlertClass), st.lists(st.sampled_from(ROLES[:3]), unique=True))
def test_any_climb_moves_on_and_repeats_no_call(ladder, alert_class, vacant):
    someone = org(posts=tuple(Post(post.role, post.place) for post in org().posts.values() if post.role in vacant))
    raised, now, calls, over = alert(alert_class), NOW, [], False
    acted = escalate.begin(raised, ladder, someone, KINDS, now)
    assert acted == escalate.begin(raised, ladder, someone, KINDS, now)
    for _ in range(30):
        calls += acted.calls
        assert len({call.key for call in calls}) == len(calls)
        if acted.climb.state is ClimbState.EXHAUSTED:
            over = True
            break
        assert acted.climb.due_at is not None
        assert acted.climb.due_at - now >= micros(timedelta(seconds=1))
        assert acted.climb.rung < len(ladder.rungs)
        now = acted.climb.due_at
        before = acted.climb
        acted = escalate.act(raised, before, someone, KINDS, now, calls)
        assert acted.climb.version == before.version + 1
    assert over == (ladder.repeat is not None or not ladder.rungs)


# -- somebody has it --------------------------------------------------------------------------------------------------
TIMED = replace(LADDER, repeat=None, timers=Timers(timedelta(minutes=10), timedelta(minutes=30), timedelta(hours=24)))


def taken(acted, case=Case.ACKNOWLEDGED, now=NOW):
    about = replace(alert(), case=case, acknowledged_by="lin", acknowledged_at=NOW)
    return about, escalate.after_deed(acted.climb, case, now)


@pytest.mark.parametrize(
    ("case", "minutes", "why"),
    [
        (Case.ACKNOWLEDGED, 10, "nobody-on-site"),
        (Case.DISPATCHED, 10, "nobody-on-site"),
        (Case.ON_SITE, 30, "no-result"),
        (Case.VERIFIED, 24 * 60, "not-closed"),
    ],
)
def test_a_case_that_somebody_has_and_nothing_is_done_about_climbs_on_and_says_why(case, minutes, why):
    about, waiting = taken(escalate.begin(alert(), TIMED, org(), KINDS, NOW), case)
    assert (waiting.state, waiting.due_at) == (ClimbState.ACKNOWLEDGED, NOW + minutes * MINUTE)
    acted = escalate.act(about, waiting, org(), KINDS, NOW + minutes * MINUTE)
    assert called(acted) == [("wu", "app"), ("wu", "chat")], "the next rung"
    assert {call.purpose for call in acted.calls} == {Purpose.UNDONE}
    assert acted.calls[0].detail == {"why": why, "who": "lin", "taken_at": str(about.acknowledged_at)}
    assert kinds_of(acted) == [StepKind.UNDONE, StepKind.CLIMBED, StepKind.CALLED]
    assert (acted.steps[0].who, acted.steps[0].detail) == ("lin", {"why": why})
    assert acted.climb.due_at == NOW + minutes * MINUTE + 2 * MINUTE, "and goes on by the rungs' own waits"


def test_a_case_that_is_silenced_waits_for_its_closing_only():
    """Somebody has seen that it is nothing to come for, whatever was done about it before."""
    begun = escalate.begin(alert(), TIMED, org(), KINDS, NOW)
    for case in (Case.ACKNOWLEDGED, Case.DISPATCHED, Case.ON_SITE, Case.VERIFIED):
        about = replace(taken(begun, case)[0], silenced_at=NOW)
        assert escalate.stage(about) is Case.VERIFIED
        waiting = escalate.after_deed(begun.climb, escalate.stage(about), NOW)
        assert waiting.due_at == NOW + 24 * 60 * MINUTE
        acted = escalate.act(about, waiting, org(), KINDS, waiting.due_at)
        assert {call.detail["why"] for call in acted.calls} == {"not-closed" if case is Case.VERIFIED else "silenced"}
    for case in (Case.OPEN, Case.CLOSED):
        assert escalate.stage(replace(about, case=case)) is case


def test_what_a_person_does_sets_the_timer_anew_and_the_next_delay_calls_people_anew():
    begun = escalate.begin(alert(), TIMED, org(), KINDS, NOW)
    about, climb = taken(begun)
    calls = list(begun.calls)
    for case in (Case.ACKNOWLEDGED, Case.DISPATCHED, Case.ON_SITE, Case.VERIFIED) * 2:
        climb = escalate.after_deed(climb, case, NOW)
        for _ in range(4):
            acted = escalate.act(replace(about, case=case), climb, org(), KINDS, NOW, calls)
            assert not {call.key for call in acted.calls} & {call.key for call in calls}
            assert Purpose.UNDONE in {call.purpose for call in acted.calls}
            climb, calls = acted.climb, [*calls, *acted.calls]


def test_without_a_timer_a_case_that_somebody_has_waits_for_ever():
    about, waiting = taken(escalate.begin(alert(), LADDER, org(), KINDS, NOW))
    assert waiting.due_at is None
    assert escalate.act(about, waiting, org(), KINDS, NOW + 10**12) == escalate.Acted(waiting, (), ())


def test_an_overdue_case_reaches_the_end_of_its_ladder_and_begins_anew_with_the_next_deed():
    once = replace(TIMED, repeat=0)
    begun = escalate.begin(alert(), once, org(), KINDS, NOW)
    about, climb = taken(begun)
    calls = list(begun.calls)
    told = []
    while climb.live:
        acted = escalate.act(about, climb, org(), KINDS, NOW, calls)
        climb, calls = acted.climb, [*calls, *acted.calls]
        told.append({call.person for call in acted.calls})
    assert told == [{"wu"}, {"duty"}, {"op"}]
    assert kinds_of(acted)[-1] is StepKind.EXHAUSTED
    climb = escalate.after_deed(climb, Case.ON_SITE, NOW)
    assert (climb.state, climb.due_at) == (ClimbState.ACKNOWLEDGED, NOW + 30 * MINUTE)
    acted = escalate.act(replace(about, case=Case.ON_SITE), climb, org(), KINDS, NOW, calls)
    assert [call.person for call in acted.calls] == ["lin", "lin"], "from the bottom, for a reason of its own"


def test_a_case_that_nobody_has_any_more_climbs_at_once_and_a_closed_one_never():
    begun = escalate.begin(alert(), LADDER, org(), KINDS, NOW)
    _, waiting = taken(begun)
    free = escalate.after_deed(waiting, Case.OPEN, NOW + MINUTE)
    assert (free.state, free.due_at, free.spent) == (ClimbState.CLIMBING, NOW + MINUTE, False)
    acted = escalate.act(alert(), free, org(), KINDS, NOW + MINUTE, begun.calls)
    assert called(acted) == [("wu", "app"), ("wu", "chat")]
    closed = escalate.after_deed(acted.climb, Case.CLOSED, NOW)
    assert (closed.state, closed.due_at) == (ClimbState.STOPPED, None)


# -- repeats and starts -----------------------------------------------------------------------------------------------
def test_a_rung_that_repeats_is_called_again_before_the_next_one_is():
    twice = replace(LADDER.rungs[0], repeat=2, every=timedelta(seconds=20))
    climb, told = Climb("AB12CD34EF", replace(LADDER, rungs=(twice, *LADDER.rungs[1:]))), []
    calls, now = [], NOW
    for _ in range(4):
        acted = escalate.act(alert(), climb, org(), KINDS, now, calls)
        told.append(((now - NOW) // SECOND, {call.person for call in acted.calls}))
        assert not {call.key for call in acted.calls} & {call.key for call in calls}
        climb, calls, now = acted.climb, [*calls, *acted.calls], acted.climb.due_at
    assert told == [(0, {"lin"}), (20, {"lin"}), (40, {"lin"}), (100, {"wu"})]


def test_a_ladder_that_starts_higher_calls_the_rungs_below_at_once_too():
    acted = escalate.begin(alert(), LADDER, org(), KINDS, NOW, start=1)
    assert [call.person for call in acted.calls] == ["lin", "lin", "wu", "wu"]
    assert (acted.climb.rung, acted.climb.due_at) == (2, NOW + 2 * MINUTE)


def test_a_start_at_an_empty_rung_goes_on_upwards():
    vacant = org(posts=(Post("village-chief", "330000101201", ()),))
    acted = escalate.begin(alert(), LADDER, vacant, KINDS, NOW, start=1)
    assert [call.person for call in acted.calls] == ["lin", "lin", "duty", "duty"]
    top = org(posts=(Post("station-duty", "330000101", ()),))
    acted = escalate.begin(alert(), LADDER, top, KINDS, NOW, start=2)
    assert [call.person for call in acted.calls] == ["lin", "lin", "wu", "wu"]
    assert acted.climb.due_at == NOW + 3 * MINUTE, "those below have been called and have their time"
    assert escalate.act(alert(), acted.climb, top, KINDS, NOW, acted.calls).climb.state is ClimbState.EXHAUSTED
