"""The rules of hazards as people write them: what ships is sound, and every mistake is said at once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from firesense.domain.alert import Grade
from firesense.domain.errors import ConfigError
from firesense.domain.hazard import HazardAct, Workdays
from firesense.hazardfile import STANDARD, load_hazards, standard_hazards
from firesense.orgtree import load_org

ROOT = Path(__file__).parents[2]


def faults_of(text, folder, org=None):
    file = folder / "hazards.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as found:
        load_hazards(file, org)
    return {fault.path: fault.reason for fault in found.value.faults}


def test_who_has_written_none_gets_what_the_example_says():
    assert (ROOT / "config/hazards.yaml").read_text(encoding="utf-8") == STANDARD.read_text(encoding="utf-8")
    org = load_org(ROOT / "config/org.yaml")
    assert load_hazards(ROOT / "config/hazards.yaml", org) == standard_hazards()


def test_rules_that_do_not_say_who_moves_a_hazard_leave_it_to_who_may_accept_one(tmp_path):
    lines = STANDARD.read_text(encoding="utf-8").splitlines()
    file = tmp_path / "hazards.yaml"
    file.write_text("\n".join(line for line in lines if "move:" not in line), encoding="utf-8")
    for rules in load_hazards(file, None).grades.values():
        assert rules.may[HazardAct.MOVE] == rules.may[HazardAct.ACCEPT]


def test_every_grade_has_terms_a_ceiling_and_somebody_for_every_act():
    rules = standard_hazards()
    for grade in Grade:
        of = rules.grades[grade]
        assert set(of.may) == set(HazardAct)
        assert all(of.may.values())
        assert of.levels
        assert of.rectify_within > of.remind_before
    terms = [rules.grades[grade].rectify_within for grade in Grade]
    assert terms == sorted(terms)
    assert rules.grades[Grade.MAJOR].listed
    assert not rules.grades[Grade.MAJOR].on_the_spot


@pytest.mark.parametrize(
    ("written", "term"),
    [("1 workday", Workdays(1)), ("10 workdays", Workdays(10)), ("36h", timedelta(hours=36))],
)
def test_a_term_is_a_time_or_so_many_working_days(tmp_path, written, term):
    file = tmp_path / "hazards.yaml"
    file.write_text(STANDARD.read_text(encoding="utf-8").replace("reinspect: 3 workdays", f"reinspect: {written}"))
    assert load_hazards(file, None).grades[Grade.GENERAL].reinspect_within == term


@pytest.mark.parametrize("wrong", ["3 weekdays", "three workdays", "-1 workdays", "3"])
def test_what_is_no_term_is_a_fault_that_says_how_one_is_written(tmp_path, wrong):
    file = tmp_path / "hazards.yaml"
    file.write_text(STANDARD.read_text(encoding="utf-8").replace("reinspect: 3 workdays", f"reinspect: {wrong}", 1))
    with pytest.raises(ConfigError, match=r"grades.minor.reinspect: .*1h30m, 7d, or 3 workdays"):
        load_hazards(file, None)


def test_all_mistakes_are_said_at_once(tmp_path):
    text = STANDARD.read_text(encoding="utf-8")
    for right, wrong in (
        ("rectify: 3d", "rectify: 0s"),
        ("remind: 3d", "remind: 20d"),
        ("general: 5, major: 20", "general: 5, major: 2"),
        ("responsible: [station-duty, street-office]", "responsible: [nobody-is-this]"),
        ("- {roles: [grid-leader], wait: 1d}", "- {roles: [ghost], wait: 0s}"),
        ("within: 1h", "within: 0s"),
        ("reinspect: 3 workdays", "reinspect: 0 workdays"),
    ):
        assert right in text
        text = text.replace(right, wrong, 1)
    org = load_org(ROOT / "config/org.yaml")
    assert set(faults_of(text, tmp_path, org)) == {
        "grades.minor.rectify",
        "grades.minor.reinspect",
        "grades.minor.remind",
        "grades.general.remind",
        "index.grades",
        "grades.major.responsible",
        "grades.minor.levels[0].roles",
        "grades.minor.levels[0].wait",
        "reports.within",
    }


@pytest.mark.parametrize(
    ("right", "wrong", "path"),
    [
        ("overdue: 2", "overdue: 0.5", "index.overdue"),
        ("middle: 20", "middle: 0", "index.middle"),
        ("middle: 20", "middle: .nan", "index.middle"),
        ("highest: general", "highest: huge", "reports.highest"),
        ("photos: 3", "photos: 4000", "reports.photos"),
        ("photo: 10MiB", "photo: ten", "reports.photo"),
        ("listed: true", "listed: perhaps", "grades.major.listed"),
        ("      list: [committee-office]", "      list: []", "grades.minor.may.list"),
        ("accept: 1d", "acept: 1d", "grades.minor.acept"),
    ],
)
def test_a_mistake_is_said_with_where_it_stands(tmp_path, right, wrong, path):
    text = STANDARD.read_text(encoding="utf-8")
    assert right in text
    assert path in faults_of(text.replace(right, wrong, 1), tmp_path)
