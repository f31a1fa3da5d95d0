"""Faults are shown with the line and the column they are at: inside conditions, too, however YAML writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from firesense.calendars import load_calendars
from firesense.cli import main
from firesense.domain.errors import ConfigError, Fault
from firesense.ladderfile import load_ladders
from firesense.orgtree import load_org
from firesense.rulebook import load_rules
from firesense.yamlmarks import shown

ROOT = Path(__file__).parents[2]
RULE = """\
rules:
  - id: low
    kind: threshold
    device_class: water
    class: hazard
    grade: general
    metric: pressure
    when: {when}
    text: {{zh: 低, en: Low}}
"""
ELSEWHERE = {
    "plain": ("pressure < 140 mA", (8, 22)),
    "in quotes": ('"pressure  <   140 mA"', (8, 26)),
    "in single quotes": ("'pressure < 140 mA'", (8, 23)),
    "folded": (">-\n      pressure < 0.1 MPa\n      and pressure\n      < 140 mA", (11, 9)),
    "kept": ("|\n      pressure\n        < 140 mA", (10, 11)),
    "over two lines": ("pressure < 0.1 MPa and\n      pressure < 140 mA", (9, 18)),
}


def lines_of(path, load):
    with pytest.raises(ConfigError) as caught:
        load(path)
    return [line.removeprefix(f"{path}:") for line in shown(caught.value.faults)]


@pytest.mark.parametrize("how", ELSEWHERE)
def test_a_fault_in_a_condition_is_where_it_stands_in_the_file(tmp_path, how):
    when, (line, column) = ELSEWHERE[how]
    file = tmp_path / "rules.yaml"
    text = RULE.format(when=when)
    file.write_text(text, encoding="utf-8")
    assert lines_of(file, load_rules) == [
        f"{line}:{column}: rules[0].when: mA does not measure what is measured in MPa"
    ]
    assert text.splitlines()[line - 1][column - 1 :].startswith("140")


def test_everything_else_is_at_its_value_or_where_it_should_be(tmp_path):
    file = tmp_path / "rules.yaml"
    text = RULE.format(when="presure < 0.14 MPa").replace("grade: general", "grade: general\n    hold: -1s")
    file.write_text(text.replace("    metric: pressure\n", "").replace("low", "Low!"), encoding="utf-8")
    found = lines_of(file, load_rules)
    assert [line.partition(": ")[0] for line in found] == ["7:11", "2:9"]
    file.write_text(RULE.format(when="presure < 0.14 MPa").replace("    metric: pressure\n", ""), encoding="utf-8")
    found = lines_of(file, load_rules)
    assert [line.split(": ")[:2] for line in found] == [["2:5", "rules[0].metric"], ["7:11", "rules[0].when"]]


def test_what_is_not_yaml_has_its_place_from_yaml_itself(tmp_path):
    file = tmp_path / "rules.yaml"
    file.write_text("rules:\n  - id: [low\n", encoding="utf-8")
    [line] = lines_of(file, load_rules)
    assert line.startswith("3:1: ")


def test_ladders_and_calendars_have_theirs(tmp_path):
    file = tmp_path / "calendars.yaml"
    file.write_text(
        "periods:\n  - {name: dry, from: 06-01, to: 07-01}\n  - {name: dry, from: 06-15, to: 07-15}\n",
        encoding="utf-8",
    )
    assert lines_of(file, lambda path: load_calendars(path, "Asia/Shanghai")) == [
        "3:5: periods[1]: dry overlaps periods[0]"
    ]
    file = tmp_path / "ladders.yaml"
    text = (
        (ROOT / "config/ladders.yaml").read_text(encoding="utf-8").replace("ladder: township-fire", "ladder: lost", 1)
    )
    file.write_text(text, encoding="utf-8")
    org = load_org(ROOT / "config/org.yaml")
    [line] = lines_of(file, lambda path: load_ladders(path, org, {"log", "mqtt"}))
    number, column = map(int, line.split(":")[:2])
    assert text.splitlines()[number - 1][column - 1 :].startswith("lost")


def test_keys_may_have_dots_and_files_may_be_gone(tmp_path):
    file = tmp_path / "some.yaml"
    file.write_text("a.b:\n  c:\n    d.e[x]: [1, two]\na: 3\n", encoding="utf-8")
    faults = [Fault(str(file), "a.b.c.d.e[x][1]", "is no number"), Fault(str(file), "a.b.nowhere", "is missing")]
    faults += [Fault(str(tmp_path / "gone.yaml"), "a", "is odd", 3), Fault("list.csv", "line 3", "is short")]
    assert shown(faults) == [
        f"{file}:3:17: a.b.c.d.e[x][1]: is no number",
        f"{file}:1:1: a.b.nowhere: is missing",
        f"{tmp_path / 'gone.yaml'}: a: column 3: is odd",
        "list.csv: line 3: is short",
    ]


def test_the_command_line_shows_them_so(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("my.yaml").write_text(RULE.format(when="pressure < 140 mA"), encoding="utf-8")
    config = str(ROOT / "config/firesense.yaml")
    assert main(["backtest", "--rules", "my.yaml", "--config", config]) == 2
    assert "my.yaml:8:22: rules[0].when: mA does not measure" in capsys.readouterr().err
