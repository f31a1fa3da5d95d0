"""The main job, told on a hand-wound clock: a detector says fire, and people are called until someone has it."""

from __future__ import annotations

from datetime import UTC

import pytest

from firesense.domain.alert import Case, Condition, Finding
from firesense.domain.deed import Actor
from firesense.domain.errors import Conflict
from firesense.domain.escalation import ClimbState, StepKind
from firesense.domain.instant import HOUR, MINUTE, SECOND
from firesense.web.board import Board
from firesense.web.cards import Cards
from tests.frames import T0
from tests.house import GRID, STREET_GRID, SmallHouse, smoke, smoke_device

ZHANG = Actor("zhang-wei")


@pytest.fixture
def house(tmp_path):
    built = SmallHouse(tmp_path, [smoke_device(1), smoke_device(2, STREET_GRID)])
    yield built
    built.close()


def test_the_grid_member_is_called_at_once_over_two_kinds_of_channel(house):
    house.hear(smoke(house.clock))
    house.wind(seconds=5)
    house.hear(smoke(house.clock, alarm=1, smoke=0.4))
    assert [(told.after, told.person, told.channel) for told in house.told_of("fire")] == [
        (5, "zhang-wei", "log"),
        (5, "zhang-wei", "mqtt"),
    ]
    assert "火警" in house.told_of("fire")[0].title


def test_nobody_answers_and_it_climbs_to_the_station_and_beyond(house):
    house.hear(smoke(house.clock, alarm=1))
    house.wind(minutes=16, step=5_000_000)
    assert house.people_told() == [
        (0, "zhang-wei"),
        (120, "chen-jie"),
        (120, "wang-fang"),
        (300, "yang-min"),
        (300, "zhao-lei"),
        (600, "zhou-qiang"),
        (900, "wu-xia"),
    ]


def test_an_acknowledgement_stops_the_climb(house):
    house.hear(smoke(house.clock, alarm=1))
    [alert] = house.open_alerts()
    house.wind(seconds=130)
    house.desk.acknowledge(alert.id, Actor("wang-fang"))
    told = house.told_of("fire")
    house.wind(minutes=14, step=30_000_000)  # the ladder gives a quarter of an hour to be on site
    assert house.told_of("fire") == told
    assert house.book.climb(alert.id).state is ClimbState.ACKNOWLEDGED
    with pytest.raises(Conflict, match="wang-fang"):
        house.desk.acknowledge(alert.id, Actor("chen-jie"))


def test_a_fire_is_never_given_up(house):
    house.hear(smoke(house.clock, alarm=1))
    house.wind(minutes=21, step=5_000_000)
    again = [told for told in house.told if told.person == "zhang-wei" and told.channel == "mqtt"]
    assert [told.after for told in again] == [0, 1200]
    assert any(told.purpose == "notice" and told.person == "operator" for told in house.told)


def test_a_vacant_post_is_skipped_at_once_and_said_so(house):
    house.hear(smoke(house.clock, number=2, alarm=1))
    assert {told.person for told in house.told} == {"huang-ting"}  # the community head, on the same rung
    [alert] = house.open_alerts()
    empty = [step.detail for step in house.book.story(alert.id) if step.kind is StepKind.EMPTY]
    assert [(detail["role"], detail["reason"]) for detail in empty] == [("grid-member", "nobody")]


def test_a_fire_latches_until_a_person_resets_it(house):
    house.hear(smoke(house.clock, alarm=1))
    house.wind(seconds=60)
    house.hear(smoke(house.clock, alarm=0))
    [alert] = house.open_alerts()
    assert alert.condition is Condition.LATCHED
    cleared = [told for told in house.told if told.purpose == "cleared"]
    assert {told.person for told in cleared} == {"zhang-wei"}
    house.wind(seconds=90)
    assert (120, "wang-fang") in house.people_told()  # nobody has said it is over
    house.desk.acknowledge(alert.id, Actor("wang-fang"))
    house.desk.close(alert.id, Actor("wang-fang"), Finding.FALSE_ALARM, "烧菜", though_firing=True)
    assert house.open_alerts() == []
    closed = house.book.alert(alert.id)
    assert (closed.case, closed.finding, closed.note) == (Case.CLOSED, Finding.FALSE_ALARM, "烧菜")


def test_a_detector_still_in_alarm_after_its_alert_was_closed_calls_anew(house):
    house.hear(smoke(house.clock, alarm=1))
    [first] = house.open_alerts()
    house.desk.close(first.id, Actor("zhang-wei"), Finding.FALSE_ALARM, "", though_firing=True)
    house.wind(seconds=30)
    house.hear(smoke(house.clock, alarm=1))
    [second] = house.open_alerts()
    assert second.id != first.id


@pytest.mark.parametrize("word", ["verified", "reset"])
def test_the_next_fire_of_a_detector_whose_case_was_answered_calls_people_anew(house, word):
    house.hear(smoke(house.clock, alarm=1))
    [alert] = house.open_alerts()
    house.wind(minutes=1)
    if word == "verified":
        house.desk.verify(alert.id, ZHANG, Finding.FALSE_ALARM, cause="cooking")
    else:
        house.desk.acknowledge(alert.id, ZHANG)
    house.hear(smoke(house.clock))
    if word == "reset":
        house.desk.reset(alert.id, ZHANG)
    house.wind(minutes=5, step=MINUTE)
    began = round((house.clock.at - T0) / SECOND)
    house.hear(smoke(house.clock, alarm=1))
    house.wind(minutes=3, step=MINUTE)
    again = [told for told in house.people_told() if told[0] >= began]
    assert again == [(began, "zhang-wei"), (began + 120, "chen-jie"), (began + 120, "wang-fang")]
    burning = house.book.alert(alert.id)
    assert (burning.case, burning.finding, burning.verified_by) == (Case.OPEN, None, "")
    story = [step.kind for step in house.book.story(alert.id)]
    assert StepKind(word) in story, "what was said of the first one stays in the story"


def test_a_detector_that_chatters_while_zhang_is_on_his_way_is_one_alarm(house):
    house.hear(smoke(house.clock, alarm=1))
    [alert] = house.open_alerts()
    house.wind(seconds=30)
    house.desk.dispatch(alert.id, ZHANG, person="zhang-wei")
    told = house.people_told()
    for _ in range(4):
        house.hear(smoke(house.clock))
        house.wind(minutes=1, step=MINUTE)
        house.hear(smoke(house.clock, alarm=1))
        house.wind(minutes=1, step=MINUTE)
    assert house.people_told() == told
    assert [(one.id, one.case, one.trips) for one in house.open_alerts()] == [(alert.id, Case.DISPATCHED, 5)]


def test_a_fire_that_was_on_its_way_here_while_its_alert_was_closed_opens_it_again(house):
    house.hear(smoke(house.clock, alarm=1))
    [alert] = house.open_alerts()
    house.wind(minutes=1)
    house.hear(smoke(house.clock))
    house.wind(minutes=1)
    late = smoke(house.clock, alarm=1)
    house.clock.at += SECOND // 20
    house.desk.close(alert.id, ZHANG, Finding.FALSE_ALARM, "steam", though_firing=True)
    house.clock.at += SECOND // 20
    house.hear(late)
    assert house.people_told()[-1] == (120, "zhang-wei")
    assert [(one.id, one.case) for one in house.open_alerts()] == [(alert.id, Case.OPEN)]
    told = house.people_told()
    house.hear(late)
    house.desk.close(alert.id, ZHANG, Finding.FALSE_ALARM, "steam", though_firing=True)
    house.wind(minutes=5)
    assert house.open_alerts() == [], "the same flag says so once"
    assert house.people_told() == told


def test_the_test_button_calls_no_grid_member(house):
    house.hear(smoke(house.clock, alarm=1, test=1))
    assert {told.person for told in house.told} <= {"operator"}
    assert {str(alert.alert_class) for alert in house.open_alerts()} == {"test"}
    house.wind(seconds=10)
    house.hear(smoke(house.clock, alarm=1, test=0))
    assert "fire" in {str(alert.alert_class) for alert in house.open_alerts()}


def test_the_same_reading_lands_in_the_history_and_the_ledger_balances(house):
    for value in (0.02, 0.1, 0.5):
        house.hear(smoke(house.clock, smoke=value))
        house.wind(seconds=10)
    device = house.book.registry().get("smoke-1")
    series = house.history.raw(device, "smoke_density", 0, house.clock.at)
    assert series.values.tolist() == [0.02, 0.1, 0.5]
    assert house.balanced


def test_a_channel_that_is_down_delays_only_itself(house):
    house.mqtt.down = True
    house.hear(smoke(house.clock, alarm=1))
    assert [told.channel for told in house.told_of("fire")] == ["log"]
    house.wind(seconds=20)
    house.mqtt.down = False
    house.wind(seconds=60)
    assert {told.channel for told in house.told if told.person == "zhang-wei"} == {"log", "mqtt"}


def test_an_open_board_shows_how_often_a_call_was_tried_though_its_story_stands_still(house):
    board = Board(house.book, Cards(UTC), house.clock)
    house.log.down = house.mqtt.down = True
    house.hear(smoke(house.clock, alarm=1))
    [alert] = house.open_alerts()
    before = board.alerts(house.keeper.current(), "en", told=house.book.last_step())
    assert "attempt 2" not in before.cards[alert.id].html
    house.wind(seconds=15)
    assert house.book.last_step() == before.step
    after = board.alerts(house.keeper.current(), "en", told=before.step)
    assert [call.attempts for call in house.book.calls(alert.id)] == [3, 3]
    assert after.cards[alert.id].html.count("attempt 3") == 2


def test_editing_the_ladder_does_not_move_a_climb_under_way(house):
    house.hear(smoke(house.clock, alarm=1))
    ladders, selectors = house.book.ladders()
    house.book.install(
        house.book.org(), [ladders["district-fire"]], [each for each in selectors if each.ladder == "district-fire"]
    )
    house.wind(seconds=121)
    assert (120, "wang-fang") in house.people_told()


def test_an_unregistered_device_that_says_fire_reaches_the_root_post(house):
    house.hear(smoke(house.clock, number=77, alarm=0))
    assert house.told == []
    house.hear(smoke(house.clock, number=78, alarm=1))
    assert {told.person for told in house.told} == {"operator"}
    assert {stranger.external_id for stranger in house.book.strangers()} == {"S77", "S78"}
    assert [str(refusal.reason) for refusal in house.book.quarantine()] == ["unknown-device"] * 2
    assert house.balanced


def test_a_detector_whose_clock_stands_still_calls_people_to_each_fire(house):
    still = house.clock.at // 1000
    house.hear(smoke(house.clock, ts=still, alarm=1))
    house.hear(smoke(house.clock, ts=still, alarm=0))
    [fire] = house.open_alerts()
    house.desk.close(fire.id, ZHANG, Finding.FALSE_ALARM)
    house.wind(minutes=5, step=MINUTE)
    called = house.people_told()
    house.hear(smoke(house.clock, ts=still, alarm=1, smoke=0.4))
    assert len(house.people_told()) > len(called)
    fires = lambda: [alert for alert in house.open_alerts() if alert.rule == "smoke-fire"]  # noqa: E731
    assert [alert.id == fire.id for alert in fires()] == [False]
    house.wind(seconds=5)
    house.hear(smoke(house.clock, ts=still, alarm=0))
    assert [alert.condition for alert in fires()] == [Condition.LATCHED]


def strange_fire(house):
    """A device nobody registered says fire; gives the alerts of it that are open, the newest first."""
    house.hear(smoke(house.clock, number=78, alarm=1))
    return [alert for alert in house.open_alerts() if alert.of_stranger]


def test_an_unregistered_device_that_speaks_up_again_a_day_later_calls_people_anew(house):
    [yesterday] = strange_fire(house)
    house.desk.acknowledge(yesterday.id, Actor("operator"))
    house.wind(days=1, step=HOUR)
    told = len(house.told_of("fire"))
    today, old = strange_fire(house)
    assert (old.id, old.acknowledged_by, old.trips) == (yesterday.id, "operator", 1)
    assert (today.acknowledged_by, today.event_at) == ("", house.clock.at)
    assert {each.person for each in house.told_of("fire")[told:]} == {"operator"}
    house.wind(minutes=1, step=MINUTE)
    assert [alert.id for alert in strange_fire(house)] == [today.id, old.id], "it goes on with today's"
    house.desk.close(today.id, Actor("operator"), Finding.FALSE_ALARM, though_firing=True)
    house.wind(minutes=1, step=MINUTE)
    assert strange_fire(house)[0].id not in {today.id, old.id}, "and after its closing it is news"


def test_an_unregistered_device_that_nobody_has_seen_to_is_one_alert_that_goes_on_calling(house):
    [yesterday] = strange_fire(house)
    house.wind(days=1, step=HOUR)
    [today] = strange_fire(house)
    assert (today.id, today.trips) == (yesterday.id, 2)
    house.wind(minutes=1, step=MINUTE)
    assert strange_fire(house)[0].trips == 2
    assert house.book.climb(today.id).state is ClimbState.CLIMBING


@pytest.mark.parametrize("starts_anew", ["start", "plan", "killed"])
def test_an_unregistered_device_that_goes_on_saying_fire_calls_nobody_anew_after_a_start_either(house, starts_anew):
    [fire] = strange_fire(house)
    house.desk.acknowledge(fire.id, Actor("operator"))
    for _ in range(3):
        house.wind(minutes=20, step=10 * MINUTE)
        assert [alert.id for alert in strange_fire(house)] == [fire.id]
    if starts_anew == "plan":
        assert house.keeper.reload()
    else:
        if starts_anew == "start":
            house.alerting.settle()
        house.start()
    house.wind(minutes=20, step=10 * MINUTE)
    assert [alert.id for alert in strange_fire(house)] == [fire.id]


def test_whoever_invents_devices_does_not_drown_a_real_fire(house):
    house.hear(*[smoke(house.clock, number=1000 + n, alarm=1) for n in range(300)])
    house.hear(smoke(house.clock, alarm=1))
    assert len(house.open_alerts()) == 12
    assert {told.person for told in house.told_of("fire")} == {"operator", "zhang-wei"}
    house.wind(seconds=3)
    house.hear(*[smoke(house.clock, number=2000 + n, alarm=1) for n in range(300)])
    assert len(house.open_alerts()) == 12
    assert len(house.book.strangers()) == 600
    assert house.balanced


def test_grid_is_where_the_alert_says_it_is(house):
    house.hear(smoke(house.clock, alarm=1))
    assert house.open_alerts()[0].place == GRID
    assert "上河村第一网格" in house.told[0].body


def hot(house, degrees, **says):
    house.hear(smoke(house.clock, temp=degrees, **says))


def warned(house):
    """An early warning by a rising temperature, taken by the grid member."""
    for degrees in (20, 24, 36):
        hot(house, degrees)
        house.wind(minutes=1, step=MINUTE)
    warnings = [alert for alert in house.open_alerts() if alert.alert_class == "hazard"]
    for alert in warnings:
        house.desk.acknowledge(alert.id, Actor("zhang-wei"))
    return {alert.rule for alert in warnings}


def test_whoever_has_the_warning_has_not_the_fire_that_comes_of_it(house):
    assert "smoke-temperature-jump" in warned(house)
    house.hear(smoke(house.clock, temp=40, alarm=1))
    began = (house.clock.at - T0) / SECOND
    house.wind(minutes=6, step=30 * SECOND)
    people = [(after - began, person) for after, person in house.people_told()]
    assert people[0] == (0, "zhang-wei"), "the ladder of the fire begins at its first rung"
    assert len({person for _, person in people}) > 1, "nobody took the fire, so it climbs"


def test_a_fire_that_becomes_a_warning_goes_on_climbing(house):
    house.hear(smoke(house.clock, temp=40, alarm=1))
    hot(house, 40, alarm=0)
    house.wind(minutes=6, step=30 * SECOND)
    [fire] = [alert for alert in house.open_alerts() if alert.rule == "smoke-fire"]
    assert str(fire.condition) == "latched"
    assert len({person for _, person in house.people_told()}) > 1


def test_a_warning_that_is_over_ends_no_fire(house):
    warned(house)
    house.hear(smoke(house.clock, temp=40, alarm=1))
    for _ in range(12):
        house.wind(minutes=1, step=MINUTE)
        hot(house, 20, alarm=1)
    assert [str(alert.condition) for alert in house.open_alerts() if alert.rule == "smoke-fire"] == ["firing"]
