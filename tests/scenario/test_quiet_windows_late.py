"""Whether a frame falls into a quiet window does not depend on when, or in what company, it is judged."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from firesense.app.plugs import make_reader
from firesense.backtest import Backtest, from_journal
from firesense.domain.alert import AlertClass
from firesense.domain.deed import Actor
from firesense.domain.instant import MINUTE, SECOND
from firesense.domain.quiet import Quiets
from firesense.scout import Scout
from tests.frames import batch_of
from tests.house import GRID, STREET_GRID, SmallHouse, smoke, smoke_device

SELDOM = timedelta(days=1)
LI_NA = Actor("li-na")
SAYS = {"well": {}, "fire": {"alarm": 1}, "trouble": {"fault": 1}, "test": {"test": 1}}
EVENTS = st.lists(
    st.tuples(st.integers(1, 3), st.sampled_from([*SAYS]), st.integers(1, 15 * 60)), min_size=4, max_size=12
)
WINDOWS = st.lists(
    st.tuples(st.sampled_from(["walk", "maintain", "shelve"]), st.integers(0, 8), st.integers(1, 30)), max_size=3
)


def devices():
    return [
        smoke_device(1, period=SELDOM),
        smoke_device(2, period=SELDOM),
        smoke_device(3, place=STREET_GRID, period=SELDOM),
    ]


def journalled(house, number, what):
    topic, says = smoke(house.clock, number, **SAYS[what])
    house.journal.append(batch_of((topic, json.dumps(says)), received_at=house.clock.at))


def ask(house, kind, minutes):
    lasts = timedelta(minutes=minutes)
    if kind == "walk":
        house.quiet.walk(GRID, "sun-bo", LI_NA, "test", lasts)
    elif kind == "maintain":
        house.quiet.maintain(LI_NA, "work", lasts, place=GRID)
    else:
        house.quiet.shelve_rule("smoke-trouble", LI_NA, "known", lasts, device="smoke-1")


def live(house, events, windows, *, judged=True, kills=()):
    """Let everything happen; ``judged`` frames are judged as they come, the others wait."""
    for turn, (number, what, pause) in enumerate(events):
        for kind, at, minutes in windows:
            if at == turn:
                ask(house, kind, minutes)
                house.clock.at += SECOND
        journalled(house, number, what)
        if judged:
            house.listen()
            house.settle()
            if turn in kills:
                house.start()
        house.clock.at += pause * SECOND


def seen(alerts):
    return sorted(
        (alert.id, alert.rule, str(alert.alert_class))
        for alert in alerts
        if alert.rule.startswith("smoke-") and not alert.rule.endswith("-silent")
    )


@settings(max_examples=3, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(EVENTS, WINDOWS, st.integers(1, 5), st.sets(st.integers(0, 11), max_size=3))
def test_live_late_killed_and_backtested_it_is_the_same(tmp_path_factory, events, windows, most, kills):
    stories = []
    for judged, dead in ((True, ()), (True, kills), (False, ())):
        house = SmallHouse(tmp_path_factory.mktemp("house"), devices())
        live(house, events, windows, judged=judged, kills=dead)
        if not judged:
            house.alerting._most = most
        house.clock.at += 2 * MINUTE
        house.listen()
        house.settle()
        stories.append(seen(house.book.alerts(open_only=False)))
        if not judged:
            stories.append(seen(backtested(house)))
        house.close()
    assert stories[0] == stories[1] == stories[2] == stories[3]


def backtested(house):
    plan = house.keeper.current()
    backtest = Backtest(
        {"rules": plan},
        make_reader(house.settings, plan),
        {"log": "log", "mqtt": "mqtt"},
        windows=Quiets(house.book.quiets(0)),
    )
    backtest.run(from_journal(house.journal, house.journal.tail, house.journal.head))
    [tried] = backtest.tried
    tried.rehearsal.wind(house.clock.at)
    return [course.alert for course in tried.courses]


@pytest.fixture
def house(tmp_path):
    built = SmallHouse(tmp_path, devices())
    yield built
    built.close()


def scouted(house):
    scout = Scout(
        house.journal,
        house.book,
        house.clock,
        house.keeper.current,
        lambda plan, only: make_reader(house.settings, plan, None, only),
        kinds={"log": "log", "mqtt": "mqtt"},
    )
    while scout.step():
        pass


def test_the_scout_makes_no_fire_of_a_walk_test(house):
    house.alerting.step()
    for _ in range(10):
        journalled(house, 3, "well")
    house.clock.at += MINUTE
    ask(house, "walk", 30)
    journalled(house, 1, "fire")
    journalled(house, 3, "fire")
    scouted(house)
    classes = {alert.device: alert.alert_class for alert in house.open_alerts() if alert.rule == "smoke-fire"}
    assert classes == {"smoke-1": AlertClass.TEST, "smoke-3": AlertClass.FIRE}
    house.settle()
    assert {alert.device: alert.alert_class for alert in house.open_alerts() if alert.rule == "smoke-fire"} == classes
