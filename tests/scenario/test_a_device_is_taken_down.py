"""A detector is dismantled: it is taken out of the register, and is neither counted nor missed; its past stays."""

from __future__ import annotations

import pytest

from firesense.domain.alert import Finding
from firesense.domain.deed import Actor
from firesense.domain.device import Registry
from firesense.domain.escalation import ClimbState
from firesense.domain.frame import Reason
from firesense.domain.instant import DAY, SECOND
from firesense.figures.devices import conditions
from tests.house import GRID, SmallHouse, smoke, smoke_device


@pytest.fixture
def house(tmp_path):
    built = SmallHouse(tmp_path, [smoke_device(number) for number in (1, 2, 3)])
    yield built
    built.close()


def take_down(firesense, *devices):
    return firesense("device", "remove", *devices, "--as", "sun-bo", "--reason", "拆迁")


def registered(house):
    return sorted(device.id for device in house.keeper.current().registry)


def test_it_is_counted_no_more_and_nobody_is_told_that_it_is_silent(house, firesense):
    house.hear(*(smoke(house.clock, number) for number in (1, 2, 3)))
    assert "smoke-3 is registered no more" in take_down(firesense, "smoke-3")
    house.settle()
    assert registered(house) == ["smoke-1", "smoke-2"]
    for _ in range(26):
        house.wind(hours=1, step=3600 * SECOND)
        house.hear(*(smoke(house.clock, number) for number in (1, 2)))
    assert house.open_alerts() == []
    assert "拆迁" in firesense("audit", "list", "--on", "smoke-3")
    assert "not registered: smoke-3" in firesense("device", "remove", "smoke-3", "--as", "sun-bo", code=1)
    assert len(conditions(house.keeper.current(), house.book.open_alerts()).devices) == 2


def test_its_frames_are_a_strangers_and_its_readings_stay(house, firesense):
    house.hear(smoke(house.clock, 3))
    heard = [house.keeper.current().registry.get("smoke-3")]
    take_down(firesense, "smoke-3")
    house.clock.at += 5 * SECOND
    house.hear(smoke(house.clock, 3))
    assert [one.external_id for one in house.book.strangers()] == ["S3"]
    assert [frame.reason for frame in house.book.quarantine()] == [Reason.UNKNOWN_DEVICE]
    assert house.balanced
    assert len(house.history.raw(heard[0], "temperature", 0, house.clock.at + DAY, 10).at) == 1


def test_the_fire_it_told_of_climbs_on_until_somebody_closes_it(house, firesense):
    house.hear(smoke(house.clock, 3, alarm=1))
    [alert] = house.open_alerts()
    assert "its alert is open still" in take_down(firesense, "smoke-3")
    house.wind(minutes=10, step=20 * SECOND)
    house.start()
    house.wind(minutes=10, step=20 * SECOND)
    assert house.book.climb(alert.id).state is ClimbState.CLIMBING
    assert [step.kind for step in house.book.story(alert.id)].count("climbed") > 2
    house.desk.close(alert.id, Actor("zhang-wei"), Finding.FALSE_ALARM, "", though_firing=True)
    assert house.open_alerts() == []


@pytest.mark.parametrize("restarted", [False, True])
def test_what_was_about_to_trip_does_not_and_the_street_goes_on(house, firesense, restarted):
    """It was opened to be taken down: its lid counts after ten seconds. One is the highest slot of its class."""
    house.hear(*(smoke(house.clock, number, tamper=1) for number in (1, 2, 3)))
    assert house.alerting.status.pending > 0
    house.alerting.settle()  # what waits is in the snapshot
    take_down(firesense, "smoke-1", "smoke-3")
    if restarted:
        house.keeper.refresh()
        house.start()
    house.wind(minutes=5, step=10 * SECOND)
    assert {alert.device for alert in house.open_alerts()} == {"smoke-2"}
    house.hear(smoke(house.clock, 2, alarm=1))
    assert any(alert.alert_class == "fire" for alert in house.open_alerts())


@pytest.mark.parametrize("restarted", [False, True])
def test_a_gateway_whose_silence_it_stood_for_is_heard_again_all_the_same(house, firesense, restarted):
    house.book.register([smoke_device(number, gateway="gw-1") for number in (1, 2, 3)] + [smoke_device(9)])
    house.hear(*(smoke(house.clock, number) for number in (1, 2, 3, 9)))
    for _ in range(30):
        house.wind(minutes=1, step=30 * SECOND)
        house.hear(smoke(house.clock, 9))
    assert [alert.device for alert in house.open_alerts()] == ["gw-1"]
    house.alerting.settle()
    take_down(firesense, "smoke-1", "smoke-3")
    if restarted:
        house.keeper.refresh()
        house.start()
    house.hear(smoke(house.clock, 2), smoke(house.clock, 9))
    assert house.open_alerts() == []


@pytest.mark.parametrize("restarted", [False, True])
def test_registered_again_it_is_a_device_like_every_other(house, firesense, restarted):
    house.hear(smoke(house.clock, 3, alarm=1))
    [before] = house.open_alerts()
    house.desk.close(before.id, Actor("zhang-wei"), Finding.FALSE_ALARM, "", though_firing=True)
    house.wind(seconds=35)
    take_down(firesense, "smoke-3")
    house.wind(seconds=35)
    if restarted:
        house.start()
    house.book.register([smoke_device(4)])
    house.settle()
    firesense("device", "claim", "S3", "--id", "smoke-3", "--profile", "firesense-smoke", "--place", GRID)
    house.settle()
    slots = {device.id: device.slot for device in house.keeper.current().registry}
    assert slots == {"smoke-1": 0, "smoke-2": 1, "smoke-4": 3, "smoke-3": 4}
    house.hear(smoke(house.clock, 3), smoke(house.clock, 4))
    assert house.open_alerts() == []
    house.clock.at += 60 * SECOND
    house.hear(smoke(house.clock, 3, alarm=1))
    assert [alert.device for alert in house.open_alerts()] == ["smoke-3"]
    assert Registry(house.keeper.current().registry).get("smoke-3").slot == 4


def test_the_file_of_the_register_does_not_bring_it_back(house, firesense):
    register = house.folder / "devices.csv"
    head = "id,device_class,profile,external_id,place\n"
    rows = [f"smoke-{number},smoke,firesense-smoke,S{number},{GRID}\n" for number in (1, 2, 3)]
    register.write_text(head + "".join(rows), encoding="utf-8")
    settings = house.folder / "firesense.yaml"
    written = settings.read_text(encoding="utf-8")
    settings.write_text(written.replace("files:\n", "files:\n  devices: devices.csv\n", 1), encoding="utf-8")
    take_down(firesense, "smoke-3")
    assert house.keeper.reload()
    firesense("org", "import")
    house.settle()
    assert registered(house) == ["smoke-1", "smoke-2"]
    firesense("device", "import", str(register))
    house.settle()
    assert registered(house) == ["smoke-1", "smoke-2", "smoke-3"]
