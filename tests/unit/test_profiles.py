"""Profiles: the shipped ones hold, every mistake is said with its path, and examples can fail."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from firesense.domain.errors import ConfigError
from firesense.profiles import check_profiles, load_profiles

ROOT = Path(__file__).parents[2]
FAULTS = Path(__file__).parent / "config_faults" / "profiles"

GOOD = """
id: made-up
class: smoke
dialect: json
topics: ["made/{device}/up"]
period: 5m
time: {from: ts, format: unix_s}
metrics: {temperature: {from: t, unit: degC}}
signals: {fire: {from: alarm, asserted: 1}}
examples:
  - {name: a, device: d, payload: '{"ts":1767323045,"t":20,"alarm":0}', expect: {metrics: {temperature: 20}}}
  - {name: b, device: d, payload: '{"ts":1767323045,"t":20,"alarm":1}', expect: {signals: {fire: true}}}
  - {name: c, device: d, payload: '{}', refuse: empty}
  - {name: d, device: d, payload: '{', refuse: malformed}
"""


def _check(folder, text):
    (folder / "made-up.yaml").write_text(text, encoding="utf-8")
    return [str(fault).removeprefix(f"{folder / 'made-up.yaml'}: ") for fault in check_profiles(folder)]


def test_the_shipped_profiles_hold_with_all_their_examples():
    assert check_profiles(ROOT / "device_profiles") == []


def test_the_shipped_profiles_cover_every_class_and_dialect():
    profiles = load_profiles(ROOT / "device_profiles").values()
    assert {profile.device_class for profile in profiles} == {"smoke", "water", "electrical", "heater"}
    assert {profile.dialect for profile in profiles} == {"json", "chirpstack", "zigbee2mqtt", "meokon"}


@pytest.mark.parametrize("path", sorted(FAULTS.glob("*.yaml")), ids=lambda path: path.stem)
def test_all_faults_of_a_profile_are_reported(path, tmp_path):
    copy = Path(shutil.copy(path, tmp_path))
    with pytest.raises(ConfigError) as caught:
        load_profiles(tmp_path)
    found = [str(fault).removeprefix(str(copy)).removeprefix(": ") for fault in caught.value.faults]
    lines = path.read_text(encoding="utf-8").splitlines()
    marked = [line.removeprefix("# expect: ") for line in lines if line.startswith("# expect: ")]
    expected = [line.removeprefix(": ") for line in marked]
    assert expected
    assert len(found) == len(expected), found
    for line in expected:
        assert any(fault.startswith(line) for fault in found), (line, found)


def test_faults_of_several_files_are_reported_at_once(tmp_path):
    for name in ("five_faults", "key_twice"):
        shutil.copy(FAULTS / f"{name}.yaml", tmp_path)
    with pytest.raises(ConfigError) as caught:
        load_profiles(tmp_path)
    assert len(caught.value.faults) == 6


def test_an_id_given_twice_is_a_fault(tmp_path):
    for name in ("one.yaml", "two.yaml"):
        (tmp_path / name).write_text(GOOD, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"two\.yaml: id: 'made-up' is the id of .*one\.yaml too"):
        load_profiles(tmp_path)


@pytest.mark.parametrize("exists", [True, False])
def test_a_folder_without_profiles_is_a_fault(tmp_path, exists):
    folder = tmp_path if exists else tmp_path / "missing"
    with pytest.raises(ConfigError, match="no device profiles"):
        load_profiles(folder)


def test_a_file_that_is_not_utf8_is_a_fault(tmp_path):
    (tmp_path / "made-up.yaml").write_bytes(b"id: \xff")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_profiles(tmp_path)


def test_the_example_of_the_manual_holds(tmp_path):
    manual = (ROOT / "docs" / "device-profiles.md").read_text(encoding="utf-8")
    assert _check(tmp_path, manual.partition("```yaml\n")[2].partition("```")[0]) == []


def test_a_good_profile_with_good_examples_passes(tmp_path):
    assert _check(tmp_path, GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("{temperature: 20}", "{temperature: 21}", "examples[0]: a: temperature is 20.0, not 21"),
        ("{temperature: 20}", "{temperature: null}", "examples[0]: a: temperature is 20.0, not None"),
        ("{fire: true}", "{fire: false}", "examples[1]: b: fire is true, not false"),
        ("{fire: true}", "{fire: null}", "examples[1]: b: fire is true, not not said"),
        ('"t":20,"alarm":0', '"alarm":0', "examples[0]: a: temperature is not said, not 20"),
        (
            "refuse: empty",
            "refuse: malformed",
            "examples[2]: c: is refused as empty (says nothing the profile names) and should be refused as malformed",
        ),
        ("payload: '{}', refuse", "payload: '{\"t\":1}', refuse", "examples[2]: c: is read and should be refused"),
        ("refuse: empty", "expect: {}", "examples[2]: c: is refused as empty"),
        ("{metrics: {temperature: 20}}", "[{}, {}]", "examples[0]: a: gives 1 rows, not 2"),
        ("{signals: {fire: true}}", "{quality: [late]}", "examples[1]: b: quality is [], not ['late']"),
        (
            "{signals: {fire: true}}",
            "{time: 2026-01-02T03:04:06Z}",
            "examples[1]: b: happened at 2026-01-02T03:04:05.000000Z, not 2026-01-02T03:04:06.000000Z",
        ),
    ],
)
def test_an_example_that_does_not_hold_is_said(tmp_path, old, new, fault):
    assert old in GOOD
    found = _check(tmp_path, GOOD.replace(old, new))
    assert any(line.startswith(fault) for line in found), found


@pytest.mark.parametrize(
    ("says", "asserted", "cleared"),
    [
        ("", (True,), (False,)),
        ("asserted: [1, 2]", (1, 2), (False,)),
        ("asserted: 0", (0,), (True,)),
        ("asserted: 3, cleared: [0, 4]", (3,), (0, 4)),
        ("cleared: 2", (True,), (2,)),
        ("asserted: Alarm, cleared: Normal", ("Alarm",), ("Normal",)),
    ],
)
def test_a_signal_has_two_sides(tmp_path, says, asserted, cleared):
    text = GOOD.replace("{from: alarm, asserted: 1}", f"{{from: alarm, {says}}}")
    (tmp_path / "made-up.yaml").write_text(text, encoding="utf-8")
    (spec,) = load_profiles(tmp_path)["made-up"].signals
    assert (spec.asserted, spec.cleared) == (asserted, cleared)


def test_too_few_examples_are_said(tmp_path):
    text = "\n".join(line for line in GOOD.splitlines() if "name: d" not in line)
    assert _check(tmp_path, text) == ["examples: 2 read and 1 refused; give at least 2 and 2"]
