"""What is not heard: it is told once, under the name of what is silent, and it never ends an alarm."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from firesense.domain.device import Device
from firesense.domain.instant import MINUTE, SECOND, iso
from firesense.hearing import LISTENING, forget_others
from tests.frames import T0
from tests.house import GRID, SmallHouse, smoke, smoke_device

CAME = 20  # devices behind one gateway


@pytest.fixture
def make_house(tmp_path):
    built = []

    def make(*devices):
        built.append(SmallHouse(tmp_path, devices))
        return built[-1]

    yield make
    for house in built:
        house.close()


def alerts(house):
    return [(alert.rule, alert.device, str(alert.condition)) for alert in house.open_alerts()]


def test_a_device_that_was_registered_and_never_heard_is_told_once(make_house):
    house = make_house(*(smoke_device(n, period=timedelta(minutes=10)) for n in (1, 2)))
    for _ in range(8):
        house.wind(minutes=5, step=MINUTE)
        house.hear(smoke(house.clock, 2))
    assert alerts(house) == [("smoke-silent", "smoke-1", "firing")]
    [alert] = house.open_alerts()
    assert alert.event_at == T0 + 31 * MINUTE  # three periods after the minute in which we began to listen
    house.hear(smoke(house.clock, 1))
    assert alerts(house) == []


def test_a_gateway_that_was_never_heard_is_one_alert(make_house):
    behind = [smoke_device(n, gateway="gw-1", period=timedelta(minutes=10)) for n in range(1, CAME)]
    house = make_house(*behind, smoke_device(99))
    for _ in range(8):
        house.wind(minutes=5, step=MINUTE)
        house.hear(smoke(house.clock, 99))
    assert alerts(house) == [("smoke-silent", "gw-1", "firing")]


def test_an_ingest_that_died_is_one_alert_and_its_start_calls_nobody_silent(make_house):
    """The process that writes the notes of the broker is gone: there are none, and none of them says it is."""
    house = make_house(*(smoke_device(n, period=timedelta(minutes=1)) for n in range(1, CAME)))
    for number in range(1, CAME):
        house.hear(smoke(house.clock, number))
    house.wind(minutes=20, step=15 * SECOND, listening=False)
    assert alerts(house) == [("ingest-deaf", "firesense", "firing")]
    house.wind(minutes=2, step=15 * SECOND)
    assert alerts(house) == []


def test_a_broker_that_was_renamed_does_not_leave_the_house_deaf(make_house):
    house = make_house(*(smoke_device(n, period=timedelta(minutes=1)) for n in (1, 2)))
    house.journal.note(LISTENING + "old-name", house.clock.at)
    for _ in range(5):
        house.hear(smoke(house.clock, 1), smoke(house.clock, 2))
        house.wind(minutes=1, step=20 * SECOND)
    assert alerts(house) == [("ingest-deaf", "firesense", "firing")]
    forget_others(house.journal, ["main"])  # ingest starts with the new settings
    for _ in range(15):
        house.hear(smoke(house.clock, 2))
        house.wind(minutes=1, step=20 * SECOND)
    assert alerts(house) == [("smoke-silent", "smoke-1", "firing")]


def pressure(house, mpa):
    said = {"time": iso(house.clock.at), "data": {"pressure_kpa": mpa * 1000}}
    return "firesense/water/W1/up", json.dumps(said)


def test_an_alarm_of_a_device_that_falls_silent_goes_on_whatever_else_is_told(make_house):
    main = Device("main-1", "water", "firesense-water", "W1", GRID, -1, kind="main", period=timedelta(minutes=1))
    house = make_house(main, smoke_device(1, period=timedelta(minutes=1)))
    for _ in range(4):
        house.hear(pressure(house, 0.11), smoke(house.clock, 1, alarm=1))
        house.wind(minutes=1, step=20 * SECOND)
    assert {rule for rule, _, _ in alerts(house)} == {"water-pressure-low", "smoke-fire"}
    house.wind(hours=1, step=MINUTE)
    assert set(alerts(house)) == {
        ("water-pressure-low", "main-1", "firing"),
        ("smoke-fire", "smoke-1", "firing"),
        ("water-silent", "main-1", "firing"),
        ("smoke-silent", "smoke-1", "firing"),
    }


def test_nor_do_a_restart_and_a_silent_broker_end_it(make_house):
    house = make_house(smoke_device(1, period=timedelta(minutes=1)))
    house.hear(smoke(house.clock, 1, alarm=1))
    house.wind(minutes=15, step=MINUTE, listening=False)
    house.start()
    house.wind(minutes=15, step=MINUTE, listening=False)
    assert set(alerts(house)) == {("smoke-fire", "smoke-1", "firing"), ("ingest-deaf", "firesense", "firing")}


def test_frames_that_no_longer_say_what_was_wrong_do_not_end_it(make_house):
    """A detector whose frames lose the flag (a gateway that strips it) has not said that the fire is over."""
    house = make_house(smoke_device(1, period=timedelta(minutes=1)))
    house.hear(smoke(house.clock, 1, alarm=1))
    for _ in range(5):
        house.wind(minutes=1, step=20 * SECOND)
        topic, said = smoke(house.clock, 1)
        house.hear((topic, {key: value for key, value in said.items() if key != "alarm"}))
    assert alerts(house) == [("smoke-fire", "smoke-1", "firing")]
