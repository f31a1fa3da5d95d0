"""Whoever is on duty is asked whether they are there: the day's roll calls on a hand-wound clock."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from zoneinfo import ZoneInfo

import pytest

from firesense.cli import main
from firesense.domain.alert import AlertClass, Case, Finding
from firesense.domain.deed import Actor
from firesense.domain.errors import Conflict, NotAllowed
from firesense.domain.instant import DAY, HOUR, MINUTE, SECOND, moment
from firesense.domain.rollcall import RollCallState
from firesense.figures import month_of
from firesense.report import gather
from firesense.rolldesk import RollDesk
from tests.frames import T0
from tests.house import STREET_GRID, HandClock, SmallHouse, smoke, smoke_device

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


def test_an_answer_in_the_last_moment_counts_though_duty_has_found_none_yet(house, monkeypatch):
    call = begin(house)
    wind_to(house, call.planned_at)
    house.clock.at += 3 * MINUTE
    due_roll_calls = house.book.due_roll_calls

    def then_answered(now):
        due = due_roll_calls(now)
        monkeypatch.undo()
        house.desk.acknowledge(call.id, Actor("zhao-lei"))
        return due

    monkeypatch.setattr(house.book, "due_roll_calls", then_answered)
    house.settle()
    house.wind(seconds=2)
    done = house.book.roll_call(call.id)
    assert (done.state, done.answered_by) == (RollCallState.ANSWERED, "zhao-lei")
    assert "zhou-qiang" not in told(house)


def test_an_answer_that_is_too_late_is_none(house):
    call = begin(house)
    wind_to(house, call.planned_at)
    house.wind(seconds=200)
    house.desk.acknowledge(call.id, Actor("yang-min"))
    house.wind(minutes=7, step=30 * SECOND)
    assert house.book.roll_call(call.id).state is RollCallState.MISSED
    assert house.open_alerts() == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda desk, call: desk.acknowledge(call, Actor("zhang-wei")),
        lambda desk, call: desk.acknowledge(call, Actor("station")),  # a log-in that nobody is
        lambda desk, call: desk.acknowledge(call, Actor("zhou-qiang")),  # who is above is not asked yet
        lambda desk, call: desk.take_over(call, Actor("zhang-wei"), "nearer"),
        lambda desk, call: desk.hand_on(call, Actor("yang-min"), "zhang-wei"),
        lambda desk, call: desk.close(call, Actor("zhang-wei"), Finding.TEST),
    ],
)
def test_nobody_but_who_is_on_duty_can_answer_and_who_is_above_is_told_all_the_same(house, spoil):
    call = begin(house)
    wind_to(house, call.planned_at)
    house.wind(seconds=20)
    with pytest.raises(Conflict) as refused:
        spoil(house.desk, call.id)
    assert refused.value.key == "conflict.roll-call-duty"
    assert house.book.roll_call(call.id).state is RollCallState.ASKED
    house.wind(minutes=2, seconds=41, step=SECOND)
    assert "zhou-qiang" in told(house)
    house.desk.acknowledge(call.id, Actor("zhou-qiang"))  # who is told of it may say so
    house.wind(minutes=4, step=30 * SECOND)
    done = house.book.roll_call(call.id)
    assert (done.state, done.answered_by, house.open_alerts()) == (RollCallState.MISSED, "", [])


def test_who_is_on_duty_answers_after_somebody_else_tried(house):
    call = begin(house)
    wind_to(house, call.planned_at)
    with pytest.raises(Conflict):
        house.desk.acknowledge(call.id, Actor("station"))
    house.wind(seconds=30)
    house.desk.acknowledge(call.id, Actor("yang-min"))
    house.wind(seconds=1)
    done = house.book.roll_call(call.id)
    assert (done.state, done.answered_by) == (RollCallState.ANSWERED, "yang-min")


def test_who_is_on_duty_and_closes_the_alert_has_answered(house):
    call = begin(house)
    wind_to(house, call.planned_at)
    house.wind(seconds=30)
    house.desk.close(call.id, Actor("yang-min"), Finding.TEST)
    house.wind(minutes=7, step=30 * SECOND)
    done = house.book.roll_call(call.id)
    assert (done.state, done.answered_by) == (RollCallState.ANSWERED, "yang-min")
    assert "zhou-qiang" not in told(house)


def test_a_roll_call_in_an_incident_is_not_answered_by_who_takes_the_fire(tmp_path):
    house = SmallHouse(tmp_path, [smoke_device(1)], settings=ROLL)
    call = begin(house)
    wind_to(house, call.planned_at)
    house.hear(smoke(house.clock, alarm=1))
    [fire] = [each for each in house.open_alerts() if each.alert_class is AlertClass.FIRE]
    house.desk.merge([fire.id, call.id], Actor("zhou-qiang"))
    house.desk.acknowledge(fire.id, Actor("zhang-wei"))
    assert house.book.alert(call.id).acknowledged_by == ""
    house.desk.acknowledge(call.id, Actor("yang-min"))
    house.close()


def test_whoever_calls_the_roll_where_nobody_is_on_duty_is_told_so(house, capsys):
    config = ["--config", str(house.folder / "firesense.yaml")]
    assert main(["rollcall", "start", "grid-member", STREET_GRID, *config]) == 0
    said = capsys.readouterr().out
    assert "该岗位当前无人当班" in said
    started = house.book.roll_call(said.split()[0])
    assert started.people == ()
    house.clock.at = started.planned_at
    house.settle()
    assert house.book.roll_call(started.id).people == ()
    house.desk.acknowledge(started.id, Actor("zhou-qiang"))  # there is nobody else whose answer it could be
    house.wind(seconds=2)
    assert house.book.roll_call(started.id).state is RollCallState.MISSED


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
    capsys.readouterr()
    assert main(["rollcall", "answer", roll, "--as", "zhang-wei", *config]) == 1
    assert "by yang-min or zhao-lei, who are on duty" in capsys.readouterr().err
    assert main(["rollcall", "answer", roll, "--as", "yang-min", *config]) == 0
    assert "已应答  yang-min" in capsys.readouterr().out
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
