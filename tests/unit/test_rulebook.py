"""Every mistake has a file named after it; the shipped rules are sound and can be said in both languages."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from firesense.alerts import Alarms
from firesense.domain.alert import AlertClass
from firesense.domain.catalogue import CLASSES
from firesense.domain.device import Device, Registry
from firesense.domain.errors import ConfigError
from firesense.domain.instant import MINUTE, SECOND
from firesense.domain.place import Org
from firesense.domain.readings import Quality, Readings
from firesense.domain.rule import Change, RuleKind, Transition
from firesense.rulebook import load_rules, version
from firesense.rules import RuleEngine

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "config/rules.yaml"
CASES = sorted((Path(__file__).parent / "config_faults/rules").glob("*.yaml"))
T0 = 1_790_000_000 * SECOND


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_all_faults_of_a_file_are_reported(path):
    with pytest.raises(ConfigError) as caught:
        load_rules(path)
    found = [str(fault).removeprefix(f"{path}: ") for fault in caught.value.faults]
    lines = path.read_text(encoding="utf-8").splitlines()
    expected = [line.removeprefix("# expect: ") for line in lines if line.startswith("# expect: ")]
    assert expected
    assert len(found) == len(expected), found
    for line in expected:
        assert any(fault.startswith(line) for fault in found), (line, found)


@pytest.fixture(scope="module")
def shipped():
    return load_rules(SHIPPED)


def test_the_shipped_rules_cover_every_class(shipped):
    for device_class in CLASSES:
        mine = [rule for rule in shipped if rule.device_class == device_class]
        assert {RuleKind.SIGNAL, RuleKind.ABSENCE} <= {rule.kind for rule in mine}
        assert {AlertClass.HAZARD, AlertClass.FAULT, AlertClass.TEST} <= {rule.alert_class for rule in mine}
    assert len({rule.id for rule in shipped}) == len(shipped)
    assert len({rule.version for rule in shipped}) == len(shipped)


def test_every_shipped_rule_can_be_said(shipped):
    registry = Registry(Device(name, name, "p", name, "here", 0) for name in CLASSES)
    for rule in shipped:
        trip = Transition(rule.id, rule.device_class, 0, Change.TRIPPED, T0, 0, 12.5, Quality(0))
        (alert,) = Alarms([rule], registry, Org()).deeds([trip], T0)
        for language in ("zh", "en"):
            assert not set("{}?") & set(alert.text[language]), alert.text
        assert alert.rule == rule.id


def test_a_family_is_one_rule_for_each_circuit(shipped):
    circuits = [rule for rule in shipped if rule.id.startswith("electrical-residual-current.")]
    assert [rule.channel for rule in circuits] == list(range(1, 9))
    second = circuits[1]
    assert (second.when, second.clears) == ("residual_current_2 >= 300 mA", "residual_current_2 < 250 mA")
    assert (second.metric, second.hold) == ("residual_current_2", timedelta(seconds=5))
    assert second.where == {"tag": "!no-earth|!no-earth-2"}
    assert "300 mA" in second.text["zh"]


def test_the_version_is_of_how_a_rule_judges_not_of_its_words(shipped):
    rule = shipped[0]
    assert version(replace(rule, text={"zh": "火", "en": "fire"})) == rule.version
    assert version(replace(rule, hold=timedelta(seconds=1))) != rule.version


def scene(shipped, device_class, series, *, kind="", tags=(), every=MINUTE):
    """Give one device a reading each minute, and list what the shipped rules say of it, with minutes."""
    device = Device("d", device_class, "p", "x", "here", 0, kind=kind, tags=tags)
    engine = RuleEngine(shipped, Registry([device]), periods={"p": timedelta(minutes=1)}, started_at=T0)
    signals = CLASSES[device_class].signals
    said = []
    for number, row in enumerate(series):
        at = np.array([T0 + number * every], np.int64)
        columns = {name: np.array([value], np.int8 if name in signals else float) for name, value in row.items()}
        found = engine.apply(
            Readings(
                device_class,
                "p",
                np.zeros(1, np.int32),
                at,
                at,
                np.array([number]),
                np.zeros(1, np.uint16),
                {name: column for name, column in columns.items() if name not in signals},
                {name: column for name, column in columns.items() if name in signals},
            )
        )
        found += engine.tick(int(at[0]) + every - 1, listening=True)
        said += [(one.rule, one.change.value, (one.event_at - T0) / MINUTE) for one in found]
    return said


def test_smoke_without_a_word_of_tests_is_a_fire(shipped):
    assert scene(shipped, "smoke", [{"fire": 0}, {"fire": 1}, {"fire": 0}]) == [
        ("smoke-fire", "tripped", 1),
        ("smoke-fire", "cleared", 2),
    ]


def test_a_test_button_is_a_test(shipped):
    assert scene(shipped, "smoke", [{"fire": 1, "test": 1}]) == [("smoke-test", "tripped", 0)]


def test_a_room_that_burns_is_warmer_every_minute(shipped):
    series = [{"temperature": 22.0}] * 6 + [{"temperature": 22.0 + 6 * n} for n in range(8)]
    said = [name for name, *_ in scene(shipped, "smoke", series)]
    assert said == ["smoke-temperature-jump", "smoke-temperature-rise"]
    assert scene(shipped, "smoke", [{"temperature": 16 + n / 2} for n in range(40)]) == []


def test_a_main_that_loses_its_pressure(shipped):
    series = [{"pressure": 0.3}] * 2 + [{"pressure": 0.13}] * 3 + [{"pressure": 0.15}] * 3 + [{"pressure": 0.17}] * 3
    assert scene(shipped, "water", series) == [
        ("water-pressure-low", "tripped", 3),
        ("water-pressure-falling", "tripped", 5),  # once there are readings over half of its window
        ("water-pressure-low", "cleared", 9),
    ]
    assert scene(shipped, "water", [{"pressure": 0.09}], kind="main") == [
        ("water-pressure-lost", "tripped", pytest.approx(1 / 6))
    ]
    assert scene(shipped, "water", [{"pressure": 0.09}, {"pressure": 0.09}], kind="building") == []


def test_leakage_is_judged_by_circuit_and_not_without_an_earth(shipped):
    series = [{"residual_current_1": 100, "residual_current_3": 310}]
    assert [name for name, *_ in scene(shipped, "electrical", series)] == ["electrical-residual-current.3"]
    assert scene(shipped, "electrical", series, tags=("no-earth-3",)) == []
    assert scene(shipped, "electrical", series, tags=("no-earth",)) == []
    assert scene(shipped, "electrical", [{"arc_count": 13}]) == []
    assert [name for name, *_ in scene(shipped, "electrical", [{"arc_count": 14}])] == ["electrical-arc-count"]


def test_a_heater_that_does_not_heat(shipped):
    failed = [{"heater_on": 1, "heater_current": 0.0, "water_temperature": 8.0}] * 3
    assert scene(shipped, "heater", failed) == [("heater-failed", "tripped", 1)]
    weak = [{"heater_on": 1, "heater_current": 5.0, "water_temperature": 7.5 - n / 60} for n in range(100)]
    assert scene(shipped, "heater", weak) == [("heater-weak", "tripped", 90)]
    off = [{"heater_on": 0, "heater_current": 0.0, "water_temperature": 7.5 - n / 60} for n in range(90)]
    assert scene(shipped, "heater", off) == []


def test_water_that_will_freeze(shipped):
    cold = [{"water_temperature": 1.5}] * 40
    assert scene(shipped, "heater", cold) == [("heater-water-cold", "tripped", 5), ("heater-freezing", "tripped", 30)]


def test_the_example_of_the_documentation_is_sound(tmp_path):
    written = (ROOT / "docs/rules.md").read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    (tmp_path / "rules.yaml").write_text(written, encoding="utf-8")
    rules = load_rules(tmp_path / "rules.yaml")
    assert {rule.kind for rule in rules} == set(RuleKind)
    assert rules[0].where == {"kind": "main|hydrant", "tag": "!under-repair"}
