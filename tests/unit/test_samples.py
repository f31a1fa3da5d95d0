"""The sample orgs are sound, and somebody is always there."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from firesense.calendars import local_days
from firesense.domain.instant import DAY, instant
from firesense.domain.plan import Plan
from firesense.ladderfile import load_ladders
from firesense.orgtree import load_org
from firesense.rosters import check

SAMPLES = Path(__file__).parents[2] / "config/samples"
CHANNELS = {"log", "mqtt"}
SPRING_FESTIVAL = instant(datetime(2026, 2, 13, tzinfo=ZoneInfo("Asia/Shanghai")))


def sample(name, org):
    folder = SAMPLES / name
    tree = load_org(folder / org)
    ladders = load_ladders(folder / "ladders.yaml", tree, CHANNELS)
    assert ladders.doubts == ()
    days = local_days(SAMPLES.parent / "calendars.yaml", "Asia/Shanghai")
    return Plan(org=tree.by_the_days(days), ladders=ladders.by_id, selectors=ladders.selectors)


@pytest.mark.parametrize(("name", "org"), [("county", "org"), ("district", "org.yaml")])
def test_alerts_of_every_class_reach_somebody_on_every_day_with_holidays_among_them(name, org):
    plan = sample(name, org)
    found = check(plan, CHANNELS, SPRING_FESTIVAL, SPRING_FESTIVAL + 30 * DAY)
    assert found.holes == ()
    assert found.vacant == ()
    assert found.unreachable == ()
    assert found.idle == ()


def test_the_county_is_as_counties_are():
    org = sample("county", "org").org
    townships = [place.code for place in org.places.values() if place.kind == "township"]
    assert len(townships) == 8
    centre = org.rosters.by_id["zx-zhiban"]
    assert len({person for rotation in centre.rotations for team in rotation.teams for person in team}) == 4
    crews = [
        {person for team in org.rosters.by_id[name].rotations[0].teams for person in team}
        for code in townships
        for name in org.posts[code, "station-duty"].rosters
    ]
    assert {len(crew) for crew in crews} == {2, 3}
    tags = {tag for place in org.places.values() for tag in place.tags}
    assert tags == {"lives-alone", "disabled", "left-behind-child", "key-unit", "crowded-place"}
    assert all(place.scheme == "administrative" for place in org.places.values())
    assert {"police-post", "power-company", "water-company", "micro-fire-station"} <= {role for _, role in org.posts}
