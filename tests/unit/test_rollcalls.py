"""When roll is called: at random, within the hours, one after the other."""

from __future__ import annotations

from datetime import date, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from firesense.domain.escalation import Hours
from firesense.domain.instant import MINUTE, micros
from firesense.domain.place import Org, Place, Post
from firesense.domain.rollcall import RollCalling
from firesense.domain.roster import LocalDays
from firesense.rollcalls import draw

CHINA = LocalDays(ZoneInfo("Asia/Shanghai"))
DAY = date(2026, 10, 17)
ORG = Org([Place("t", "柳林镇", "township")], [Post("station-duty", "t"), Post("grid-member", "t")])
MIDNIGHT = CHINA.at(DAY, time())


@given(st.integers(0, 2**62), st.integers(1, 48), st.integers(0, 1439), st.integers(0, 1439), st.integers(10, 3600))
def test_roll_calls_lie_in_the_hours_and_one_is_over_before_the_next(seed, times, first, last, within):
    hours = Hours(timedelta(minutes=first), timedelta(minutes=last))
    calling = RollCalling(("station-duty",), times, hours, timedelta(seconds=within))
    drawn = draw(calling, ORG, DAY, CHINA, seed)
    assert drawn == draw(calling, ORG, DAY, CHINA, seed), "the same number draws the same"
    assert (len(drawn), {call.role for call in drawn}) == (times, {"station-duty"})
    length = (last - first) * MINUTE if first < last else (last - first + 1440) * MINUTE
    begin = MIDNIGHT + first * MINUTE
    assert all(begin <= call.planned_at < begin + length for call in drawn)
    apart = min(2 * micros(calling.within), length // times)
    if length >= times * MINUTE:
        assert all(later.planned_at - call.planned_at >= apart - MINUTE // 60 for call, later in pairwise(drawn))


def test_nobody_who_does_not_know_the_number_can_tell_the_times():
    calling = RollCalling(("station-duty",), 1)
    times = {draw(calling, ORG, DAY, CHINA, seed)[0].planned_at for seed in range(50)}
    assert len(times) > 45
