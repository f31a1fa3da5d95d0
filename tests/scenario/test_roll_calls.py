"""Whoever is on duty is asked whether they are there: the day's roll calls on a hand-wound clock."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from zoneinfo import ZoneInfo

import pytest

from firesense.cli import main
from firesense.domain.alert import AlertClass, Case
from firesense.domain.deed import Actor
from firesense.domain.errors import Conflict, NotAllowed
from firesense.domain.instant import DAY, HOUR, MINUTE, SECOND, moment
from firesense.domain.rollcall import RollCallState
from firesense.figures import month_of
from firesense.report import gather
from firesense.rolldesk import RollDesk
from tests.frames import T0
from tests.house import HandClock, SmallHouse

CHINA = ZoneInfo("Asia/Shanghai")
TOWNSHIP, DISTRICT = "990100101", "990100"
ROLL = 'rollcalls: {posts: [station-duty@990100101], times: 1, hours: "09:00-18:00", above: committee-office}\n'


@pytest.fixture
def house(tmp_path):
    house = SmallHouse(tmp_path, settings=ROLL)
    yield house
    house.close()


def today(house):
    return house.book.roll_calls(T0 - HOUR, T0 + DAY)


def wind_to(house, at):
    house.wind(seconds=(at - house.clock.at) / SECOND, step=max(at - house.clock.at, 1))


def begin(house):
    """The day begins; its first roll call."""
    house.settle()
    return today(house)[0]


def begin_all(house):
    """The day begins; its roll calls, the earliest first."""
    house.settle()
    return sorted(today(house), key=lambda call: call.planned_at)


def told(house, purpose="alert"):
    return {each.person for each in house.told if "查岗" in each.title and each.purpose == purpose}


@pytest.fixture
def twice(tmp_path):
    house = SmallHouse(tmp_path, settings=ROLL.replace("times: 1", "times: 2"))
    yield house
    house.close()


def test_the_times_of_a_day_are_drawn_within_the_hours_and_stay_after_a_restart(twice):
    house = twice
    first = begin(house)
    drawn = today(house)
    assert len(drawn) == 2
    for call in drawn:
        local = moment(call.planned_at).astimezone(CHINA)
        assert 9 <= local.hour < 18
        assert (call.role, call.place, call.state) == ("station-duty", TOWNSHIP, RollCallState.PLANNED)
    house.start()
    house.settle()
    assert today(house) == drawn
    assert house.open_alerts() == [], "nobody can see before when roll will be called"
    wind_to(house, T0 + DAY)
    assert len(house.book.roll_calls(T0 + DAY - HOUR, T0 + 2 * DAY)) == 2, "the next day has its own"
    assert first.planned_at != today(house)[-1].planned_at


def test_whoever_is_on_duty_answers_in_time(house):
    call = begin(house)
    wind_to(house, call.planned_at)
    assert told(house) == {"yang-min", "zhao-lei"}, "both hold the post"
    house.wind(seconds=40)
    house.desk.acknowledge(call.id, Actor("zhao-lei"))
    house.wind(seconds=2)
    done = house.book.roll_call(call.id)
    assert (done.state, done.answered_by) == (RollCallState.ANSWERED, "zhao-lei")
    assert done.answered_at - done.asked_at == 40 * SECOND
    alert = house.book.alert(call.id)
    assert (alert.alert_class, alert.case) == (AlertClass.TEST, Case.CLOSED)
    house.wind(minutes=10, step=MINUTE)
    assert "zhou-qiang" not in told(house), "nobody above is troubled"


def test_roll_is_called_in_quiet_hours_in_a_flood_and_right_behind_a_message(tmp_path):
    quiet = 'telling: {quiet: {station-duty: "00:00-23:59"}, flood: {more_than: 1, until: 1}}\n'
    house = SmallHouse(
        tmp_path, settings=ROLL.replace("times: 1", "times: 2").replace("[st", "[operator@990100, st") + quiet
    )
    for call in begin_all(house):
        house.clock.at = call.planned_at
        house.settle()
        mine = {one.person for one in house.told if one.after == (call.planned_at - T0) / SECOND}
        assert mine >= set(house.book.roll_call(call.id).people) != set()
    house.close()


def test_no_answer_goes_to_the_post_above_and_counts(house):
    call = begin(house)
    wind_to(house, call.planned_at)
    house.wind(minutes=3, seconds=1)
    assert told(house) == {"yang-min", "zhao-lei", "zhou-qiang"}, "the committee office hears of it"
    assert house.book.roll_call(call.id).state is RollCallState.MISSED
    house.wind(minutes=4, step=SECOND * 30)
    assert house.open_alerts() == []
    figures = gather(house.book, house.keeper.current(), month_of(house.clock.at, CHINA), DISTRICT, house.clock.at)
    roll = {one.place: one.roll_calls for one in figures.places}
    assert (roll[DISTRICT].asked, roll[DISTRICT].missed) == (1, 1)
    assert roll[TOWNSHIP].asked == 1
    assert figures.whole.by_class == {}, "a roll call is no alert"


@pytest.mark.parametrize(("who", "after"), [("zhang-wei", 20), ("yang-min", 200)])
def test_an_answer_of_somebody_else_or_too_late_is_none(house, who, after):
    call = begin(house)
    wind_to(house, call.planned_at)
    house.wind(seconds=after)
    house.desk.acknowledge(call.id, Actor(who))
    house.wind(minutes=7, step=30 * SECOND)
    assert house.book.roll_call(call.id).state is RollCallState.MISSED
    assert house.open_alerts() == []


def test_what_was_due_while_nothing_ran_is_not_held_against_the_post(house):
    call = begin(house)
    house.clock.at = call.planned_at + 10 * MINUTE
    house.settle()
    assert house.book.roll_call(call.id).state is RollCallState.UNASKED
    assert told(house) == set()


def test_the_committee_calls_the_roll_when_it_likes_and_sees_who_answered(house):
    rolls = RollDesk(house.book, house.clock, house.keeper.current)
    committee = Actor("zhou-qiang", "console 192.0.2.7", place=TOWNSHIP)
    house.clock.at = T0 + 22 * HOUR  # outside the hours of the plan
    call = rolls.start(committee, "station-duty", TOWNSHIP)
    house.wind(seconds=1)
    assert told(house) == {"yang-min", "zhao-lei"}
    with pytest.raises(Conflict):
        rolls.start(committee, "station-duty", TOWNSHIP)
    house.wind(seconds=30)
    house.desk.acknowledge(call.id, Actor("yang-min"))
    house.wind(seconds=1)
    done = rolls.made(1)[0]
    assert (done.id, done.state, done.answered_by) == (call.id, RollCallState.ANSWERED, "yang-min")
    assert done.answered_at - done.asked_at == 30 * SECOND
    assert rolls.start(committee, "station-duty", TOWNSHIP).id != call.id, "that one is over"
    with pytest.raises(NotAllowed):
        rolls.start(Actor("elsewhere", place="990100102"), "station-duty", TOWNSHIP)


def test_a_button_pressed_twice_calls_the_roll_once(house):
    class Running(HandClock):
        def now(self):
            self.at += 1
            return self.at

    rolls, pressed = RollDesk(house.book, Running(), house.keeper.current), Barrier(4)

    def press(_):
        pressed.wait()
        try:
            return rolls.start(Actor("zhou-qiang"), "station-duty", TOWNSHIP).id
        except Conflict:
            return None

    with ThreadPoolExecutor(4) as hands:
        started = [made for made in hands.map(press, range(4)) if made]
    assert len(started) == 1
    assert [made.id for made in rolls.made(1) if made.started_by] == started


def test_roll_is_called_answered_and_listed_from_the_command_line(house, capsys):
    config = ["--config", str(house.folder / "firesense.yaml")]
    assert main(["rollcall", "start", "station-duty", TOWNSHIP, "--as", "wu-xia", *config]) == 0
    roll = capsys.readouterr().out.split()[0]
    started = house.book.roll_call(roll)
    assert (started.started_by, started.within) == ("wu-xia", timedelta(minutes=3))
    assert main(["rollcall", "answer", roll, "--as", "yang-min", *config]) == 1, "it was not asked yet"
    house.clock.at = started.planned_at
    house.settle()
    assert main(["rollcall", "answer", roll, "--as", "yang-min", *config]) == 0
    house.clock.at = max(house.clock.at + SECOND, house.book.alert(roll).acknowledged_at)
    house.settle()
    assert house.book.roll_call(roll).state is RollCallState.ANSWERED
    capsys.readouterr()
    assert main(["rollcall", "list", *config]) == 0
    assert f"{TOWNSHIP}  station-duty  已应答  yang-min" in capsys.readouterr().out
    assert main(["rollcall", "start", "nobody", TOWNSHIP, *config]) == 2


def test_roll_cannot_be_called_where_there_is_no_post(tmp_path, capsys):
    house = SmallHouse(tmp_path)
    house.close()
    file = tmp_path / "firesense.yaml"
    file.write_text(
        file.read_text(encoding="utf-8") + "rollcalls: {posts: [watchman], above: nobody, channels: [pigeon]}\n",
        encoding="utf-8",
    )
    assert main(["check", "--config", str(file)]) == 2
    said = capsys.readouterr().err
    for part in ("rollcalls.posts[0]: there is no post 'watchman'", "rollcalls.above", "there is no channel 'pigeon'"):
        assert part in said
