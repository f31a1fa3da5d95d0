"""The simulators: physics a reader would believe, the same town for the same seed, scenarios that tell the truth."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from dataclasses import astuple

import numpy as np
import pytest

from simulators.__main__ import main
from simulators.electrical import NO_PROBE, Panels
from simulators.fleet import make_fleet, write_csv
from simulators.heater import Heaters
from simulators.physics import Held, relax
from simulators.scenarios import SCENARIOS, label, stage
from simulators.smoke import Detectors, cooking, fire_density, fire_heat
from simulators.town import Town
from simulators.water import Gauges

NOON = 12.0
STAMP = 1_767_225_600_123_000  # 2026-01-01T00:00:00.123Z


def grown(population, seconds, step=1.0):
    """Let time pass; give back the population."""
    for n in range(1, int(seconds / step) + 1):
        population.step(n * step, step)
    return population


def detectors(n=50, seed=1):
    return Detectors(n, np.random.default_rng(seed), NOON)


def gauges(kinds=("main", "hydrant", "hydrant", "main"), areas=(0, 0, 0, 1)):
    return Gauges(kinds, areas, np.random.default_rng(1), NOON)


# -- physics ---------------------------------------------------------------------------------------------------------


def test_relaxing_in_one_step_or_many_gives_the_same():
    once = relax(np.array([10.0]), np.array([2.0]), 60, 20)
    many = np.array([10.0])
    for _ in range(60):
        many = relax(many, np.array([2.0]), 1, 20)
    assert once == pytest.approx(many)


def test_held_waits_both_ways_and_starts_anew_when_interrupted():
    held = Held(1, trips_after=3, clears_after=2)
    seen = []
    for over in (1, 1, 0, 1, 1, 1, 0, 1, 0, 0):
        condition = np.array([bool(over)])
        seen.append(bool(held.step(condition, ~condition, 1.0)[0]))
    assert seen == [False] * 5 + [True] * 4 + [False]


def test_a_fire_grows_and_never_shrinks():
    age = np.arange(0, 1500, 5.0)
    assert (np.diff(fire_density(age)) >= 0).all()
    assert (np.diff(fire_heat(age)) >= 0).all()
    assert fire_density(np.array([720.0])) == pytest.approx(2.0)


def test_quiet_air_raises_no_flag_for_a_day():
    quiet = grown(detectors(), 86400, step=30)
    assert not quiet.alarm.any()
    assert quiet.density.max() < 0.06
    assert 10 < quiet.temperature.min() < quiet.temperature.max() < 32


def test_a_smouldering_fire_is_flagged_by_its_detector_alone_and_in_time():
    room = detectors()
    room.since["fire"][3] = 60
    grown(room, 60 + SCENARIOS["smouldering_fire"].unfolds)
    assert np.flatnonzero(room.alarm).tolist() == [3]
    assert room.temperature[3] > room.temperature[2] - room.room[2] + room.room[3] + 1


def test_cooking_smokes_without_a_flag_unless_it_is_fierce():
    kitchen = detectors()
    kitchen.since["cooking"][:] = 10
    highest = np.zeros(kitchen.n)
    flagged = np.zeros(kitchen.n, bool)
    kitchen.cooking_peak[7] = 0.5
    for second in range(1, 500):
        kitchen.step(float(second), 1.0)
        highest = np.maximum(highest, kitchen.density)
        flagged |= kitchen.alarm
    assert highest.min() > 0.05
    assert np.flatnonzero(flagged).tolist() == [7]
    assert not kitchen.alarm.any()
    assert cooking(np.array([60.0]))[0] > 0.95


def test_dust_makes_a_fault_and_no_alarm():
    dusty = detectors()
    dusty.since["dust"][0] = 0
    grown(dusty, SCENARIOS["dust_drift"].unfolds, step=10)
    assert np.flatnonzero(dusty.dirty).tolist() == [0]
    assert not dusty.alarm.any()


def test_a_day_of_water_stays_above_what_a_main_must_have():
    net = gauges()
    lowest = np.full(net.n, np.inf)
    night, evening = {}, {}
    for minute in range(1, 1440):
        net.step(minute * 60.0, 60.0)
        lowest = np.minimum(lowest, net.pressure)
        {3: night, 19: evening}.get(int(net.hour(minute * 60.0)), {})[0] = net.pressure.copy()
    assert lowest.min() > 0.16
    assert (night[0] > evening[0]).all()
    assert not net.flagged.any()


def test_a_burst_takes_the_main_down_and_its_hydrants_with_it():
    net = gauges()
    grown(net, 60)
    before = net.pressure.copy()
    net.since["burst"][0] = 60
    for second in range(61, 61 + int(SCENARIOS["burst_main"].unfolds)):
        net.step(float(second), 1.0)
    assert net.pressure[0] == pytest.approx(0.05, abs=0.01)
    assert (net.pressure[[1, 2]] < 0.7 * before[[1, 2]]).all()
    assert net.pressure[3] == pytest.approx(before[3], abs=0.02)
    assert net.low[0]
    assert net.flow[0] > 50


def test_a_leak_is_slow_and_ends_below_the_limit():
    net = gauges()
    net.since["leak"][0] = 0
    start = net.pressure[0]
    grown(net, 120)
    assert start - net.pressure[0] < 0.02
    for minute in range(3, int(SCENARIOS["slow_leak"].unfolds / 60)):
        net.step(minute * 60.0, 60.0)
    assert net.pressure[0] < start - 0.1


def test_cables_warm_with_the_square_of_the_current():
    panels = Panels(["flat"] * 20 + ["workshop"] * 20, np.random.default_rng(1), 2.0)
    grown(panels, 3600, step=10)
    at_night = panels.temperature.copy()
    for n in range(1, 17 * 360):
        panels.step(3600 + n * 10.0, 10.0)
    connected = panels.probe[:20]
    assert (panels.temperature[:20][connected] > at_night[:20][connected] + 3).all()
    assert (panels.temperature[:20][~connected] == NO_PROBE).all()
    assert panels.temperature.max() < 80
    assert panels.residual.max() < 250
    assert not panels.alarm.any()


def test_motors_draw_their_inrush_without_an_alarm():
    panels = Panels(["workshop"] * 40, np.random.default_rng(1), 10.0)
    most = np.zeros(40)
    for second in range(1, 3600):
        panels.step(float(second), 1.0)
        most = np.maximum(most, panels.current.max(axis=1) / panels.rated)
        assert not panels.flagged.any()
    assert most.max() > 2.5


def test_leakage_grows_over_the_alarm_setting():
    panels = Panels(["flat"] * 5, np.random.default_rng(1), NOON)
    panels.since["leak"][2] = 0
    grown(panels, 300)
    assert panels.residual[2, 0] < 300
    grown(panels, SCENARIOS["growing_leakage"].unfolds)
    assert panels.residual[2, 0] > 300
    assert panels.alarm.tolist() == [0, 0, 1, 0, 0]


def test_a_thermostat_holds_the_water_through_a_cold_night():
    heaters = Heaters(30, np.random.default_rng(1), 20.0)
    heaters.since["cold"][0] = 0
    heaters.since["failed"][0] = 0
    lowest = np.full(30, np.inf)
    for minute in range(1, int(SCENARIOS["freezing_night_failed_heater"].unfolds / 60)):
        heaters.step(minute * 60.0, 60.0)
        lowest = np.minimum(lowest, heaters.water)
        assert (heaters.current[heaters.on][1:] > 1).all() or not heaters.on[1:].any()
        assert (heaters.current[~heaters.on] == 0).all()
    assert heaters.ambient.max() < 0
    assert heaters.on[0]
    assert heaters.current[0] == 0
    assert lowest[0] < 4
    assert lowest[1:].min() > 6
    grown(heaters, 2 * 86400, step=300)
    assert heaters.water[0] >= 0


# -- fleet -----------------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_fleet_with_the_agreed_mix():
    fleet = make_fleet(1000, 7, ["a", "b", "c"])
    assert fleet == make_fleet(1000, 7, ["a", "b", "c"])
    assert fleet != make_fleet(1000, 8, ["a", "b", "c"])
    assert Counter(d.device_class for d in fleet) == {"smoke": 450, "water": 250, "electrical": 150, "heater": 150}
    profiles = Counter(d.profile for d in fleet)
    assert profiles["firesense-smoke"] > 0.7 * 450
    assert len(profiles) == 7
    assert set(Counter(d.gateway for d in fleet).values()) == {20}
    assert len({d.id for d in fleet}) == len({(d.profile, d.external_id) for d in fleet}) == 1000
    assert all(len({d.place for d in fleet if d.gateway == gateway}) == 1 for gateway in {d.gateway for d in fleet})
    assert all(len(d.external_id) == 12 for d in fleet if d.profile == "meokon-pressure")
    assert all(len(bytes.fromhex(d.external_id)) == 8 for d in fleet if d.profile == "sept-tg563a")


def test_the_register_reads_back():
    fleet = make_fleet(60, 7, ["a"])
    out = io.StringIO()
    write_csv(fleet, out)
    rows = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert list(rows[0]) == [
        "id",
        "device_class",
        "profile",
        "external_id",
        "place",
        "name",
        "kind",
        "gateway",
        "tags",
        "period",
    ]
    assert [tuple(row.values()) for row in rows] == [tuple(map(str, astuple(device))) for device in fleet]


# -- the town --------------------------------------------------------------------------------------------------------


def story(seed, seconds, devices=60, **options):
    """Everything a town says in a time, as (second, topic, payload)."""
    town = Town(make_fleet(devices, seed), seed, **options)
    said = []
    for second in range(seconds):
        town.advance(float(second))
        at = STAMP + second * 1_000_000
        said += [(second, town.topics[row], payload) for row, payload in town.frames(town.due(), at)]
    return said


def test_a_town_says_the_same_for_the_same_seed():
    assert story(7, 300) == story(7, 300)
    assert story(7, 300) != story(8, 300)


def test_every_device_reports_once_a_period():
    heard = Counter(topic for _, topic, _ in story(7, 1200))
    fleet = make_fleet(60, 7)
    topics = Town(fleet, 7).topics
    for device, topic in zip(fleet, topics, strict=True):
        assert heard[topic] == 1200 // device.period


def test_a_flag_is_reported_at_once_and_repeated():
    fleet = make_fleet(60, 7)
    fire = stage("smouldering_fire+30", fleet)
    said = [
        (second, json.loads(payload))
        for second, topic, payload in story(7, 600, staged=[fire])
        if fire.device.external_id in topic
    ]
    alarms = [second for second, frame in said if frame["alarm"]]
    assert alarms
    assert 30 < alarms[0] < 30 + fire.scenario.unfolds
    assert max(np.diff(alarms)) <= 20


def test_a_dead_gateway_falls_silent_with_all_its_devices():
    fleet = make_fleet(60, 7)
    dead = stage("dead_gateway@gw-0002+100", fleet)
    silent = {d.external_id for d in fleet if d.gateway == "gw-0002"}
    topics = dict(zip(Town(fleet, 7).topics, fleet, strict=True))
    said = story(7, 700, staged=[dead])
    assert {topics[topic].external_id for second, topic, _ in said if second >= 100}.isdisjoint(silent)
    assert silent & {topics[topic].external_id for second, topic, _ in said if second < 100}


# -- scenarios -------------------------------------------------------------------------------------------------------


def test_every_scenario_finds_its_device_and_no_two_the_same():
    fleet = make_fleet(100, 7)
    staged = []
    for name in SCENARIOS:
        staged.append(stage(name, fleet, staged))
    assert len({event.device.id for event in staged}) == len(SCENARIOS)
    dead = next(event for event in staged if event.scenario.name == "dead_gateway")
    assert all(event.device.gateway != dead.device.gateway for event in staged if event is not dead)


def test_a_label_tells_the_truth_and_its_time():
    fleet = make_fleet(60, 7, ["village"])
    truth = json.loads(label(stage("smouldering_fire@smoke-00003+30", fleet), fleet, STAMP, speed=10))
    assert truth["device"] == "smoke-00003"
    assert truth["place"] == "village"
    assert truth["expected"] == ["fire"]
    assert truth["starts_at"] == "2026-01-01T00:00:30.123+00:00"
    assert truth["latest_at"] == "2026-01-01T00:01:21.123+00:00"  # 360 s of physics at tenfold speed, 15 s to tell
    gateway = json.loads(label(stage("dead_gateway@gw-0001", fleet), fleet, STAMP, speed=1))
    assert len(gateway["devices"]) == 20
    assert gateway["device"] == ""


@pytest.mark.parametrize(
    ("spec", "word"),
    [
        ("flood", "smouldering_fire"),
        ("cooking+soon", "NAME"),
        ("cooking@smoke-99999", "no smoke-99999"),
        ("cooking@heater-00001", "class heater"),
        ("dead_gateway@gw-0099", "no gw-0099"),
    ],
)
def test_a_wrong_scenario_is_told_what_is_wrong(spec, word, capsys):
    with pytest.raises(ValueError, match=word):
        stage(spec, make_fleet(60, 7))
    assert main(["run", "--devices", "60", "--scenario", spec]) == 2
    assert word in capsys.readouterr().err


def test_the_list_of_scenarios_names_all(capsys):
    assert main(["scenarios"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in SCENARIOS)
