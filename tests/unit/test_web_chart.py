from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firesense.domain.alert import Alert, AlertClass, Grade
from firesense.domain.instant import DAY, HOUR, MINUTE, SECOND, micros, moment
from firesense.ports import Windows
from firesense.web.chart import draw, span_of, time_ticks, value_ticks, window_of

CHINA = ZoneInfo("Asia/Shanghai")
NOON = 1_767_240_000_000_000
ALERT = Alert("A", "r", "v", AlertClass.FIRE, Grade.MAJOR, "d", "smoke", "p", NOON, NOON, 0)


def windows(*points):
    at = np.array([NOON + seconds * SECOND for seconds, _ in points], dtype=np.int64)
    mean = np.array([value for _, value in points], dtype=np.float64)
    return Windows(at, mean, mean - 0.5, mean + 0.5, np.ones(len(points), dtype=np.int64))


def drawn(given, **changes):
    options = {"mark_at": NOON + MINUTE, "gap": timedelta(seconds=30), "title": "t", "unit": "u", "zone": CHINA}
    return draw(given, start=NOON, end=NOON + 10 * MINUTE, **(options | {"width": 400} | changes))


def points(line):
    return [tuple(map(float, each.split(","))) for each in line.split()]


def test_a_line_goes_up_when_values_do_and_stays_inside():
    chart = drawn(windows((0, 1), (10, 2), (20, 3)))
    (line,) = chart.lines
    xs, ys = zip(*points(line), strict=True)
    assert list(xs) == sorted(xs)
    assert list(ys) == sorted(ys, reverse=True)
    assert chart.left <= min(xs)
    assert max(xs) <= chart.right
    for x, y in points(chart.bands[0]):
        assert chart.left <= x <= chart.right
        assert chart.top <= y <= chart.bottom
    assert chart.mark == pytest.approx(chart.left + (chart.right - chart.left) / 10, abs=0.1)


def test_a_silence_is_not_drawn_over():
    chart = drawn(windows((0, 1), (10, 1), (50, 1), (100, 1), (110, 2)))
    assert [len(points(line)) for line in chart.lines] == [2, 2]
    assert len(chart.dots) == 1


def test_nothing_is_no_chart():
    assert drawn(windows()) is None


def test_a_mark_outside_is_left_out():
    assert drawn(windows((0, 1)), mark_at=NOON - 1).mark is None


@pytest.mark.parametrize(("asked", "given"), [(1, 280), (360, 360), (99_999, 1200)])
def test_the_width_is_bounded(asked, given):
    assert drawn(windows((0, 1)), width=asked).width == given


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_ticks_enclose_the_values_evenly(low, spread):
    high = low + spread
    ticks = value_ticks(low, high)
    sliver = 1e-6 * max(1, abs(low), spread)  # a millionth of what is shown is nothing to see
    assert ticks[0] <= low + sliver
    assert ticks[-1] >= high - sliver
    assert 2 <= len(ticks) <= 8
    steps = np.diff(ticks)
    assert (steps > 0).all()
    assert np.allclose(steps, steps[0])


def test_ticks_are_round():
    assert value_ticks(0.03, 0.31) == [0.0, 0.1, 0.2, 0.3, 0.4]
    assert value_ticks(20, 20) == [18.0, 19.0, 20.0, 21.0, 22.0]


@given(st.integers(MINUTE, 2 * DAY), st.integers(1, 12), st.sampled_from(["Asia/Shanghai", "Asia/Kolkata", "UTC"]))
def test_times_are_round_on_the_wall_and_inside(span, most, zone):
    start = NOON + 17 * SECOND
    ticks = time_ticks(start, start + span, most, ZoneInfo(zone))
    assert len(ticks) <= most
    for at in ticks:
        assert start <= at <= start + span
        assert moment(at).astimezone(ZoneInfo(zone)).second == 0


@pytest.mark.parametrize(
    ("changes", "now", "start", "end"),
    [
        ({}, NOON + HOUR, NOON - 30 * MINUTE, NOON + HOUR),
        ({}, NOON, NOON - 30 * MINUTE, NOON + MINUTE),
        ({"cleared_at": NOON + MINUTE}, NOON + DAY, NOON - 30 * MINUTE, NOON + 31 * MINUTE),
        ({"closed_at": NOON + HOUR, "cleared_at": NOON + MINUTE}, NOON + DAY, NOON - 30 * MINUTE, NOON + 90 * MINUTE),
        ({}, NOON + 9 * DAY, NOON - 30 * MINUTE, NOON + 2 * DAY),
    ],
)
def test_the_stretch_worth_looking_at(changes, now, start, end):
    assert span_of(replace(ALERT, **changes), now) == (start, end)


@given(st.integers(MINUTE, 2 * DAY + HOUR))
def test_a_chart_has_a_few_hundred_windows_at_most(span):
    assert span / micros(window_of(NOON, NOON + span)) <= 240
