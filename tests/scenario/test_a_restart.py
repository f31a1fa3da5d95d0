"""The daemon is stopped or killed anywhere and started again: nothing is lost, nothing is raised twice."""

from __future__ import annotations

import random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from firesense.domain.alert import Condition, Finding
from firesense.domain.deed import Actor
from firesense.domain.device import Device
from firesense.domain.errors import BookError, JournalError
from firesense.domain.escalation import StepKind
from firesense.domain.instant import HOUR, MINUTE, SECOND
from tests.house import GRID, SmallHouse, smoke, smoke_device

ZHANG = Actor("zhang-wei")


@pytest.fixture
def house(tmp_path):
    built = SmallHouse(tmp_path, [smoke_device(n, gateway="gw-1") for n in range(1, 6)] + [smoke_device(9)])
    yield built
    built.close()


def test_a_climb_goes_on_where_it_was(house):
    house.hear(smoke(house.clock, alarm=1))
    house.wind(seconds=130)
    house.start()
    house.wind(seconds=180)
    assert house.people_told() == [
        (0, "zhang-wei"),
        (120, "chen-jie"),
        (120, "wang-fang"),
        (300, "yang-min"),
        (300, "zhao-lei"),
    ]


def test_a_fire_that_still_burns_after_the_start_is_the_same_alert(house):
    house.hear(smoke(house.clock, alarm=1))
    house.alerting.settle()
    house.start()
    house.wind(seconds=30)
    house.hear(smoke(house.clock, alarm=1))
    assert len(house.open_alerts()) == 1


def test_frames_that_came_while_alerting_was_down_are_judged_when_it_is_back(house):
    house.alerting.settle()
    house.journal.append(_batch(house, [smoke(house.clock, alarm=1)]))
    house.clock.at += 20 * SECOND
    house.start()
    house.listen()
    house.settle()
    assert [told.after for told in house.told_of("fire")] == [20, 20]


def test_an_outage_of_ours_makes_no_device_silent(house):
    for number in (1, 2, 3, 4, 5, 9):
        house.hear(smoke(house.clock, number))
    house.alerting.settle()
    house.clock.at += 12 * HOUR
    house.start()
    house.hear()
    assert house.open_alerts() == []


def test_a_broker_that_is_gone_is_one_alert_and_no_device_is_called_silent(house):
    for number in (1, 2, 3, 4, 5, 9):
        house.hear(smoke(house.clock, number))
    house.wind(hours=1, step=10 * SECOND, listening=False)
    assert [alert.rule for alert in house.open_alerts()] == ["ingest-deaf"]
    house.hear()
    assert house.open_alerts() == []
    house.wind(minutes=14, step=10 * SECOND)
    assert house.open_alerts() == []
    house.wind(minutes=2, step=10 * SECOND)
    assert len(house.open_alerts()) > 0


@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_a_clock_that_jumps_makes_nobody_silent_and_nobody_deaf(house, step):
    for number in (1, 2, 3, 4, 5, 9):
        house.hear(smoke(house.clock, number))
    house.wind(seconds=30)
    house.clock.at += step
    house.settle()  # before ingest has noted that it listens
    house.wind(minutes=2)
    assert house.open_alerts() == []
    house.wind(hours=1, step=10 * SECOND, listening=False)
    assert [alert.rule for alert in house.open_alerts()] == ["ingest-deaf"], "and a deaf ingest is seen all the same"


def test_a_dead_gateway_is_one_alert_not_one_a_device(house):
    for number in (1, 2, 3, 4, 5, 9):
        house.hear(smoke(house.clock, number))
    for _ in range(30):
        house.wind(minutes=1, step=30 * SECOND)
        house.hear(smoke(house.clock, 9))
    assert [(alert.rule, alert.device) for alert in house.open_alerts()] == [("smoke-silent", "gw-1")]
    for number in (1, 2, 3, 4, 5):
        house.hear(smoke(house.clock, number))
    assert house.open_alerts() == []


def test_a_journal_that_fails_between_reading_and_writing_loses_no_fire(house, monkeypatch):
    house.hear(smoke(house.clock))
    house.wind(seconds=5)
    house.journal.append(_batch(house, [smoke(house.clock, alarm=1)]))
    monkeypatch.setattr(type(house.journal), "head", property(_once_broken(type(house.journal).head)))
    with pytest.raises(JournalError):
        house.alerting.step()
    house.settle()
    assert len(house.told_of("fire")) == 2


def test_a_book_that_was_away_when_an_alert_was_closed_does_not_mute_the_device(house, monkeypatch):
    house.hear(smoke(house.clock, alarm=1))
    [alert] = house.open_alerts()
    house.desk.close(alert.id, Actor("zhang-wei"), Finding.FALSE_ALARM, "", though_firing=True)
    house.clock.at += 2 * SECOND
    broken = iter([True])
    fine = house.book.alerts

    def alerts(**asked):
        if next(broken, False):
            raise BookError("played")
        return fine(**asked)

    monkeypatch.setattr(house.book, "alerts", alerts)
    with pytest.raises(BookError):
        house.alerting.step()
    house.wind(seconds=5)
    house.hear(smoke(house.clock, alarm=1))
    assert len(house.open_alerts()) == 1


def test_a_book_that_was_away_when_the_plan_changed_forgets_no_alert(house, monkeypatch):
    house.hear(smoke(house.clock, alarm=1))
    house.wind(seconds=5)
    assert house.keeper.reload()
    broken, fine = iter([True]), house.book.alerts

    def alerts(**asked):
        if next(broken, False):
            raise BookError("played")
        return fine(**asked)

    monkeypatch.setattr(house.book, "alerts", alerts)
    with pytest.raises(BookError):
        house.alerting.step()
    house.hear(smoke(house.clock, alarm=0))
    assert [alert.condition for alert in house.open_alerts()] == [Condition.LATCHED]


def _stopped(house):
    house.alerting.settle()
    house.start()


def _killed(house):
    house.start()


def _with_a_new_plan(house):
    assert house.keeper.reload()


def _without_rule_state(house):
    house.alerting.settle()
    (house.settings.data / "rules.state").unlink()
    house.start()


STARTS = [_stopped, _killed, _with_a_new_plan, _without_rule_state]


def _closed(house):
    """Let a detector fire, and close its alert while it does."""
    house.hear(smoke(house.clock, alarm=1))
    [alert] = house.open_alerts()
    house.desk.close(alert.id, ZHANG, Finding.FALSE_ALARM, though_firing=True)
    return alert


@pytest.mark.parametrize("seen", [True, False], ids=["the closing was seen", "nobody saw the closing"])
@pytest.mark.parametrize("starts_anew", STARTS)
def test_what_was_closed_while_it_fired_recovers_after_a_start_too(house, starts_anew, seen):
    alert = _closed(house)
    if seen:
        house.wind(seconds=5)
    starts_anew(house)
    house.wind(minutes=4, step=MINUTE)
    assert house.book.alert(alert.id).condition is Condition.FIRING
    house.hear(smoke(house.clock))
    calm = house.book.alert(alert.id)
    assert (calm.condition, calm.cleared_at) == (Condition.RESOLVED, house.clock.at)
    assert [step.kind for step in house.book.story(alert.id)][-1] is StepKind.CLEARED
    house.wind(minutes=1, step=MINUTE)
    house.hear(smoke(house.clock))
    assert house.book.alert(alert.id) == calm, "once"
    assert house.open_alerts() == []


@pytest.mark.parametrize("starts_anew", STARTS)
def test_what_fires_on_after_its_closing_and_a_start_is_news_and_both_are_over_with_it(house, starts_anew):
    first = _closed(house)
    house.wind(seconds=5)
    starts_anew(house)
    house.wind(seconds=5)
    house.hear(smoke(house.clock, alarm=1))
    [second] = house.open_alerts()
    assert second.id != first.id
    assert len(house.told_of("fire")) == 4, "people are called anew"
    starts_anew(house)
    house.wind(seconds=5)
    house.desk.close(second.id, ZHANG, Finding.FALSE_ALARM, though_firing=True)
    house.wind(seconds=5)
    house.hear(smoke(house.clock))
    assert [house.book.alert(each.id).condition for each in (first, second)] == [Condition.RESOLVED] * 2


@pytest.mark.parametrize("starts_anew", [lambda _: None, *STARTS])
def test_a_silence_that_was_closed_is_over_when_the_device_is_heard(house, starts_anew):
    for _ in range(4):
        house.hear(*(smoke(house.clock, number) for number in (1, 2, 3, 4, 5)))
        house.wind(minutes=5, step=MINUTE)
    [silent] = house.open_alerts()
    assert (silent.rule, silent.device) == ("smoke-silent", "smoke-9")
    house.desk.close(silent.id, ZHANG, Finding.FAULT, "电池耗尽")
    house.wind(seconds=5)
    starts_anew(house)
    house.wind(minutes=1, step=MINUTE)
    assert house.book.alert(silent.id).condition is Condition.FIRING
    house.hear(smoke(house.clock, 9))
    back = house.book.alert(silent.id)
    assert (back.condition, back.cleared_at) == (Condition.RESOLVED, house.clock.at)
    assert house.open_alerts() == []


def test_a_closing_between_two_looks_of_a_start_is_not_lost(house, monkeypatch):
    house.hear(smoke(house.clock, alarm=1))
    [alert] = house.open_alerts()
    fine = house.book.left_firing

    def meanwhile(*asked):
        house.desk.close(alert.id, ZHANG, Finding.FALSE_ALARM, though_firing=True)
        return fine(*asked)

    house.start()
    with monkeypatch.context() as just_now:
        just_now.setattr(house.book, "left_firing", meanwhile)
        house.alerting.step()
    house.wind(seconds=5)
    house.hear(smoke(house.clock))
    assert house.book.alert(alert.id).condition is Condition.RESOLVED
    house.hear(smoke(house.clock, alarm=1))
    assert len(house.open_alerts()) == 1


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("starts_anew", [_stopped, _with_a_new_plan])
def test_an_alert_of_a_device_that_is_another_model_now_holds_up_nothing(house, starts_anew, closed):
    house.hear(smoke(house.clock, alarm=1))
    [alert] = house.open_alerts()
    if closed:
        house.desk.close(alert.id, ZHANG, Finding.FALSE_ALARM, though_firing=True)
    water = [Device(f"main-{n}", "water", "firesense-water", f"W{n}", GRID, -1, kind="main") for n in range(20)]
    house.book.register([*water, Device("smoke-1", "water", "firesense-water", "W99", GRID, -1, kind="main")])
    starts_anew(house)
    house.wind(seconds=5)
    house.hear(smoke(house.clock, 2, alarm=1))
    assert [each.device for each in house.open_alerts()] == ["smoke-2"] + ["smoke-1"] * (not closed)


def _once_broken(fine):
    broken = iter([True])

    def head(journal):
        if next(broken, False):
            raise JournalError("played")
        return fine.fget(journal)

    return head


def _batch(house, frames):
    import json  # noqa: PLC0415

    from tests.frames import batch_of  # noqa: PLC0415

    return batch_of(*[(topic, json.dumps(payload)) for topic, payload in frames], received_at=house.clock.at)


EVENTS = st.lists(
    st.tuples(st.integers(1, 3), st.sampled_from(["quiet", "fire", "tamper", "hot", "closed"]), st.integers(1, 400)),
    min_size=1,
    max_size=14,
)
SAYS = {"quiet": {}, "fire": {"alarm": 1}, "tamper": {"tamper": 1}, "hot": {"temp": 60}}


@settings(max_examples=12, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(EVENTS, st.integers(0, 2**32))
def test_killed_anywhere_the_same_alerts_are_raised(tmp_path_factory, events, seed):
    chance = random.Random(seed)
    stories = []
    for kills in (False, True):
        house = SmallHouse(tmp_path_factory.mktemp("house"), [smoke_device(n) for n in (1, 2, 3)])
        for number, what, pause in events:
            if what == "closed":
                for alert in house.open_alerts():
                    if alert.device == f"smoke-{number}":
                        house.desk.close(alert.id, ZHANG, Finding.FALSE_ALARM, though_firing=True)
                house.wind(seconds=2)
                house.alerting._save(house.clock.at)  # else a hold that has begun since begins anew
            else:
                house.hear(smoke(house.clock, number, **SAYS[what]))
            if kills and chance.random() < 0.5:
                if chance.random() < 0.5:
                    house.alerting._save(house.clock.at)  # a snapshot was due just before
                house.start()  # killed: nothing of the old streets is written any more
            house.wind(seconds=pause, step=MINUTE)
        stories.append(
            sorted(
                (alert.id, alert.rule, str(alert.condition), str(alert.case))
                for alert in house.book.alerts(open_only=False)
                if not alert.rule.endswith("-silent")  # a start of ours gives every silence its full time again
            )
        )
        assert house.balanced
        house.close()
    assert stories[0] == stories[1]
