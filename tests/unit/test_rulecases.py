"""Cases people write about rules: the notation, the shipped ones, and what is said when one does not hold."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firesense.calendars import load_calendars
from firesense.cli import main
from firesense.domain.errors import ConfigError
from firesense.domain.plan import Plan
from firesense.ladderfile import load_ladders
from firesense.orgtree import load_org
from firesense.rulebook import load_rules
from firesense.rulecases import coverage, load_cases, try_case
from firesense.rulecases.notation import NotationError, points

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config"
FAULTY = sorted((Path(__file__).parent / "config_faults/rulecases").glob("*.yaml"))
KINDS = {"log": "log", "mqtt": "mqtt"}
MINUTE = timedelta(minutes=1)
HEAD = "place: 990100101201-01\ncases:\n"


@pytest.fixture(scope="module")
def plan():
    org = load_org(CONFIG / "org.yaml")
    ladders = load_ladders(CONFIG / "ladders.yaml", org, KINDS)
    return Plan(
        rules=load_rules(CONFIG / "rules.yaml"),
        org=org,
        ladders=ladders.by_id,
        selectors=ladders.selectors,
        calendars=load_calendars(CONFIG / "calendars.yaml", "Asia/Shanghai"),
    )


@pytest.fixture(scope="module")
def shipped(plan):
    return load_cases(CONFIG / "rules.test.yaml", {rule.id for rule in plan.rules}, plan.org)


def failures_of(text, plan, tmp_path):
    file = tmp_path / "my.test.yaml"
    file.write_text(HEAD + text, encoding="utf-8")
    cases = load_cases(file, {rule.id for rule in plan.rules}, plan.org)
    return [str(failure).removeprefix(f"{file}: ") for case in cases for failure in try_case(case, plan, KINDS)]


# -- the shipped cases ------------------------------------------------------------------------------------------------
def test_the_shipped_cases_hold(shipped, plan):
    failures = [failure for case in shipped for failure in try_case(case, plan, KINDS)]
    assert not failures, "\n".join(map(str, failures))


def test_every_shipped_rule_is_tripped_by_a_case_and_kept_quiet_by_another(shipped, plan):
    tried = coverage(shipped, plan.rules)
    assert tried.never_tripped == ()
    assert tried.never_quiet == ()


def test_a_rule_that_was_changed_for_the_worse_is_caught(shipped, plan):
    deaf = [
        replace(rule, when="pressure < 0.01 MPa") if rule.id == "water-pressure-lost" else rule for rule in plan.rules
    ]
    worse = replace(plan, rules=tuple(deaf))
    case = next(case for case in shipped if case.name == "a burst main")
    said = [str(failure) for failure in try_case(case, worse, KINDS)]
    assert any(
        "(a burst main): expected water-pressure-lost at main-1 after 30m10s; got nothing of it" in s for s in said
    )


# -- the notation -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("0.02", [0.02]),
        ("-4*2 1", [-4, -4, 1]),
        ("0..1*3", [0, 0.5, 1]),
        ("0..4/5m", [0, 1, 2, 3, 4]),
        ("1 _*2 0/2m _", [1, None, None, 0, 0, None]),
    ],
)
def test_a_series_is_read(text, values):
    assert [point.value for point in points(text, MINUTE)] == values


def test_what_is_late_says_by_how_much():
    assert [point.late for point in points("1 2*2~1h30m", MINUTE)] == [timedelta(), *[timedelta(hours=1.5)] * 2]


@pytest.mark.parametrize(
    ("text", "columns"),
    [("1x3", [1]), ("1 .5 _~1h", [3, 6]), ("0..1", [1]), ("1/90s", [1]), ("1*0", [1]), ("1*100001", [1]), ("nan", [1])],
)
def test_every_mistake_of_a_series_has_its_column(text, columns):
    with pytest.raises(NotationError) as caught:
        points(text, MINUTE)
    assert [column for column, _ in caught.value.faults] == columns


PART = st.tuples(st.integers(-50, 50), st.integers(1, 9), st.integers(0, 3))


@settings(max_examples=50)
@given(st.lists(PART, max_size=8))
def test_what_is_written_is_what_is_read(parts):
    text = " ".join(f"{value}*{times}" + (f"~{late}m" if late else "") for value, times, late in parts)
    read = [(point.value, point.late) for point in points(text, MINUTE)]
    assert read == [(value, late * MINUTE) for value, times, late in parts for _ in range(times)]


# -- faults and failures ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", FAULTY, ids=lambda path: path.stem)
def test_all_faults_of_a_file_of_cases_are_reported(path, plan):
    with pytest.raises(ConfigError) as caught:
        load_cases(path, {rule.id for rule in plan.rules}, plan.org)
    found = [str(fault).removeprefix(f"{path}: ") for fault in caught.value.faults]
    lines = path.read_text(encoding="utf-8").splitlines()
    expected = [line.removeprefix("# expect: ") for line in lines if line.startswith("# expect: ")]
    assert len(found) == len(expected), found
    for line in expected:
        assert any(fault.startswith(line) for fault in found), (line, found)


def test_each_thing_that_differs_is_a_failure_of_its_own(plan, tmp_path):
    said = failures_of(
        """\
  - name: wrong in every way
    devices: {flat-1: {class: smoke}}
    series: {flat-1: {fire: 0*5 1*4, removed: 0*8 1}}
    alerts:
      - {rule: smoke-fire, at: 4m, class: hazard, cleared: 9m, trips: 2}
      - {rule: smoke-test, at: 3m}
    calls:
      - {at: 5m, who: zhang-wei, by: log}
      - {at: 6m, who: wang-fang}
""",
        plan,
        tmp_path,
    )
    assert said == [
        "cases[0] (wrong in every way): expected smoke-fire at flat-1 raised after 4m; got after 5m",
        "cases[0] (wrong in every way): expected smoke-fire at flat-1 cleared after 9m; got never",
        "cases[0] (wrong in every way): expected smoke-fire at flat-1 with class hazard; got fire",
        "cases[0] (wrong in every way): expected smoke-fire at flat-1 with trips 2; got 1",
        "cases[0] (wrong in every way): expected smoke-test at flat-1 after 3m; got nothing of it",
        "cases[0] (wrong in every way): expected nothing more; got smoke-removed (fault) at flat-1 after 8m10s",
        "cases[0] (wrong in every way): expected zhang-wei told by log; got log and mqtt",
        "cases[0] (wrong in every way): expected wang-fang told after 6m (alert); got no such call",
        "cases[0] (wrong in every way): expected no more calls; got chen-jie told after 7m by log and mqtt (alert)",
        "cases[0] (wrong in every way): expected no more calls; got wang-fang told after 7m by log and mqtt (alert)",
        "cases[0] (wrong in every way): expected no more calls; got sun-bo told after 8m10s by mqtt (alert)",
    ]


def test_who_was_told_is_told_that_it_is_over(plan, tmp_path):
    assert not failures_of(
        """\
  - name: a test ends
    devices: {flat-1: {class: smoke}}
    series: {flat-1: {test: 0 1 0}}
    alerts: [{rule: smoke-test, at: 1m, cleared: 2m}]
    calls:
      - {at: 1m, who: operator}
      - {at: 2m, who: operator, purpose: cleared}
""",
        plan,
        tmp_path,
    )


def test_a_closed_fire_that_goes_on_is_told_anew(plan, tmp_path):
    assert not failures_of(
        """\
  - name: closed too early
    devices: {flat-1: {class: smoke}}
    series: {flat-1: {fire: 0 1*6}}
    acts: [{at: 3m30s, closes: smoke-fire}]
    alerts: [{rule: smoke-fire, at: 1m}, {rule: smoke-fire, at: 4m}]
""",
        plan,
        tmp_path,
    )


def test_the_example_of_the_documentation_holds(tmp_path, capsys):
    document = (ROOT / "docs/rule-tests.md").read_text(encoding="utf-8")
    example = tmp_path / "example.test.yaml"
    example.write_text(re.search(r"```yaml\n(.*?)```", document, re.DOTALL)[1], encoding="utf-8")
    assert main(["rules", "test", str(example), "--config", str(CONFIG / "firesense.yaml")]) == 0
    assert "3 of 3 cases hold" in capsys.readouterr().out


def test_the_command_says_what_failed_and_exits_with_1(tmp_path, capsys):
    file = tmp_path / "my.test.yaml"
    file.write_text(HEAD + "  - {name: nothing happens, devices: {f: {class: smoke}}, alerts: [{rule: smoke-fire}]}\n")
    assert main(["rules", "test", str(file), "--config", str(CONFIG / "firesense.yaml")]) == 1
    assert "(nothing happens): expected smoke-fire at f; got nothing of it" in capsys.readouterr().err
