from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from firesense.calendars import load_calendars, standard_calendars
from firesense.domain.calendar import HOLIDAY, NIGHT, within
from firesense.domain.errors import ConfigError
from firesense.domain.instant import instant
from firesense.orgtree import load_org

ROOT = Path(__file__).parents[2]
CASES = sorted((Path(__file__).parent / "config_faults/calendars").glob("*.yaml"))
ZONE = "Asia/Shanghai"


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_all_faults_of_a_file_are_reported(path):
    with pytest.raises(ConfigError) as caught:
        load_calendars(path, ZONE, load_org(ROOT / "config/org.yaml"))
    found = [str(fault).removeprefix(f"{path}: ") for fault in caught.value.faults]
    lines = path.read_text(encoding="utf-8").splitlines()
    expected = [line.removeprefix("# expect: ") for line in lines if line.startswith("# expect: ")]
    assert expected
    assert len(found) == len(expected), found
    for line in expected:
        assert any(fault.startswith(line) for fault in found), (line, found)


def is_in(calendars, name, *moments, place=(), zone=ZONE):
    period = calendars.at(name, place)
    at = [instant(datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo(zone))) for moment in moments]
    return within(period.edges, np.array(at, np.int64)).tolist()


@pytest.fixture(scope="module")
def shipped():
    return load_calendars(ROOT / "config/calendars.yaml", ZONE, load_org(ROOT / "config/org.yaml"))


def test_a_season_begins_and_ends_with_its_local_days(shipped):
    days = ["2026-11-14 23:59:59", "2026-11-15 00:00:00", "2027-03-15 23:59:59", "2027-03-16 00:00:00"]
    assert is_in(shipped, "heating", *days) == [False, True, True, False]
    assert is_in(shipped, "heating", "2020-01-01", "2050-12-31", "2052-01-01") == [True, True, False]


def test_lunar_days_are_where_the_moon_puts_them(shipped):
    """New year 2026 is 17 February: the kitchen god's day is 10 February, the lantern festival 3 March."""
    days = ["2026-02-09", "2026-02-10", "2026-03-03 20:00", "2026-03-04", "2026-04-04", "2026-08-27", "2026-08-28"]
    assert is_in(shipped, "festival", *days) == [False, True, True, False, True, True, False]


def test_a_lunar_month_of_29_days_ends_with_its_last(tmp_path):
    file = tmp_path / "calendars.yaml"
    file.write_text("periods: [{name: eve, from: lunar 12-30, to: lunar 12-30}]\n", encoding="utf-8")
    assert is_in(load_calendars(file, ZONE), "eve", "2026-02-15", "2026-02-16", "2026-02-17") == [False, True, False]


def test_days_off_are_the_statutory_ones(shipped):
    days = ["2026-10-01 12:00", "2026-10-08 12:00", "2026-02-17", "2026-06-19"]
    assert is_in(shipped, HOLIDAY, *days) == [True, False, True, True]


def test_nights_are_by_the_local_clock(shipped):
    hours = ["2026-07-01 05:59", "2026-07-01 06:00", "2026-07-01 21:59", "2026-07-01 22:00", "2026-07-02 03:00"]
    assert is_in(shipped, NIGHT, *hours) == [True, False, False, True, True]
    paris = standard_calendars("Europe/Paris")
    assert is_in(paris, NIGHT, "2026-03-29 05:59", "2026-03-29 06:00", zone="Europe/Paris") == [True, False]


def test_one_place_may_differ(tmp_path):
    file = tmp_path / "calendars.yaml"
    file.write_text(
        "periods:\n"
        "  - {name: heating, from: 11-15, to: 03-15}\n"
        "  - {name: heating, from: 2026-10-20, to: 2026-12-31, places: [north]}\n",
        encoding="utf-8",
    )
    calendars = load_calendars(file, ZONE)
    assert is_in(calendars, "heating", "2026-10-25") == [False]
    assert is_in(calendars, "heating", "2026-10-25", "2027-01-05", place=("farm", "north")) == [True, False]
    assert (calendars.seasons, calendars.at("harvest", ())) == ({"heating"}, None)
