"""The samples as somebody takes them over: checked, started, and what becomes of a fire there."""

from __future__ import annotations

import shutil
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from firesense.cli import main
from firesense.domain.deed import Actor
from firesense.domain.instant import MINUTE, instant
from tests.house import ROOT, HandClock, SmallHouse, smoke, smoke_device

MORNING = instant(datetime(2026, 3, 3, 9, tzinfo=ZoneInfo("Asia/Shanghai")))  # a Tuesday
SAMPLES = ("county", "district")
ORDINARY = {"county": "990321103201-01", "district": "990402001001-02"}  # a grid: no tag at it or above it
ALONE = {"county": "990321103201-01-05", "district": "990402001001-01-0101"}  # somebody who lives alone
CROWD = {"county": "990321102202-01-04", "district": "990402001001-01-M"}  # a market
# In the county the village head is the grid leader, too, and called as that.
SECOND = {"county": "micro-fire-station", "district": "community-head"}
STATION = {"county": "station-duty", "district": "street-office"}
BRIGADE = "brigade-duty"


@pytest.fixture
def config(tmp_path):
    """The folders a region copies: sample name -> its settings."""
    for folder in ("config", "device_profiles"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return {name: tmp_path / "config/samples" / name / "firesense.yaml" for name in SAMPLES}


@pytest.fixture
def burning(config, tmp_path):
    """Start a house with a sample, and let a detector at a place tell of a fire: gives the house and the alert."""
    houses = []

    def start(name, place):
        clock = HandClock(MORNING)
        house = SmallHouse(tmp_path / "house", [smoke_device(place=place)], config=config[name], clock=clock)
        houses.append(house)
        house.hear(smoke(house.clock, alarm=1))
        (fire,) = (alert for alert in house.open_alerts() if alert.alert_class == "fire")
        return house, fire

    yield start
    for house in houses:
        house.close()


def roles_called(house, alert, since=0):
    return {call.role for call in house.book.calls(alert.id) if call.created_at >= since}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_sound_and_leaves_nothing_to_doubt(name, config, capsys):
    assert main(["check", "--config", str(config[name])]) == 0
    told = capsys.readouterr().out
    assert told.startswith("sound: ")
    assert "note: " not in told


@pytest.mark.parametrize("name", SAMPLES)
def test_the_shipped_settings_are_sound_with_the_files_of_a_sample(name, config, capsys):
    shipped = config[name].parents[2] / "firesense.yaml"
    settings = shipped.read_text(encoding="utf-8")
    org = {"county": "org", "district": "org.yaml"}[name]
    files = {"org.yaml": org} | {file: file for file in ("ladders.yaml", "desk.yaml", "hazards.yaml")}
    for own, sample in files.items():
        assert f": {own}" in settings
        settings = settings.replace(f": {own}", f": samples/{name}/{sample}", 1)
    shipped.write_text(settings, encoding="utf-8")
    assert main(["check", "--config", str(shipped)]) == 0
    assert capsys.readouterr().out.startswith("sound: ")


@pytest.mark.parametrize("name", SAMPLES)
def test_a_fire_that_somebody_took_and_nobody_goes_to_climbs_again_to_the_brigade(name, burning):
    house, fire = burning(name, ALONE[name])
    house.wind(seconds=30)
    taker = next(call.person for call in house.book.calls(fire.id))
    house.desk.acknowledge(fire.id, Actor(taker))
    taken_at = house.clock.now()
    house.wind(minutes=14, step=MINUTE)
    assert roles_called(house, fire, taken_at) == set(), "whoever took it has a quarter of an hour"
    house.wind(minutes=30, step=MINUTE)
    assert STATION[name] in roles_called(house, fire, taken_at)
    assert BRIGADE in roles_called(house, fire, taken_at)
    assert house.book.climb(fire.id).due_at is not None, "and goes on"


@pytest.mark.parametrize("name", SAMPLES)
def test_a_fire_climbs_for_ever_while_nobody_takes_it(name, burning):
    house, fire = burning(name, ORDINARY[name])
    house.wind(hours=2, step=5 * MINUTE)
    lately = house.clock.now() - 40 * MINUTE
    assert {"grid-member", BRIGADE} <= roles_called(house, fire, lately)


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize(("places", "above"), [(ORDINARY, ()), (ALONE, (SECOND,)), (CROWD, (SECOND, STATION))])
def test_a_fire_starts_higher_where_people_cannot_help_themselves_and_higher_still_in_a_crowd(
    name, places, above, burning
):
    house, fire = burning(name, places[name])
    assert roles_called(house, fire) & {SECOND[name], STATION[name]} == {role[name] for role in above}
    assert "grid-member" in roles_called(house, fire)
