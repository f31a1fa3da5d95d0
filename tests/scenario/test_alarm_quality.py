"""The measurement of alarm quality: what is staged is found, what is quiet stays quiet, real fires are seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.quality import fires, towns
from tests.quality.__main__ import outcome_of, shipped


@pytest.fixture(scope="module")
def plan_and_kinds():
    return shipped()


@pytest.fixture(scope="module")
def cases():
    return {case.name: replace(case, lasts=case.latest + 300) for case in towns.cases(devices=20)}


def test_a_staged_fire_is_found_within_its_label(cases, plan_and_kinds):
    outcome = outcome_of(cases["smouldering_fire"], *plan_and_kinds)
    assert outcome.struck > 0
    assert (outcome.found, outcome.over, outcome.forbidden) == (outcome.struck, 0, 0)


@pytest.mark.parametrize("name", ["cooking", "broker_restart"])
def test_what_is_no_alarm_raises_none(cases, plan_and_kinds, name):
    outcome = outcome_of(cases[name], *plan_and_kinds)
    assert outcome.rules == []


def test_frames_of_a_case_come_in_order_and_late_ones_when_they_arrive(cases):
    case = cases["broker_restart"]
    at = np.concatenate([batch.received_at for batch in towns.frames(case)])
    assert (np.diff(at) > 0).all()
    down = towns.START + np.array([towns.WARM_UP, towns.WARM_UP + towns.OUTAGE]) * 1_000_000
    assert not ((at > down[0] + 1_000_000) & (at < down[1])).any()


@pytest.mark.skipif(not fires.DATA.exists(), reason="the recorded fires are not beside the project")
def test_a_real_fire_is_seen_by_the_numbers_alone(plan_and_kinds):
    station = next(one for one in fires.stations() if (one.test, one.name) == ("SDC33", "C"))
    found = fires.detected(station, *plan_and_kinds, every=10)
    assert 0 < found <= station.photoelectric
