"""Charts as SVG coordinates: a line with its extremes, drawn by the server, so that no script has to."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from firesense.domain.instant import DAY, MINUTE, micros, moment

if TYPE_CHECKING:
    from datetime import tzinfo

    from firesense.domain.alert import Alert
    from firesense.domain.columns import Floats
    from firesense.domain.instant import Instant
    from firesense.ports import Windows

HEIGHT = 200
WIDTHS = (280, 1200)  # pixels; narrower or wider is drawn at these and scaled
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 12, 26
_TICKS = 4
_WINDOWS = 240  # about one a pixel pair on a telephone
_LABEL_WIDTH = 90

_BEFORE = 30 * MINUTE
_AFTER = 30 * MINUTE
_LONGEST = 2 * DAY
_EVERY = tuple(timedelta(seconds=n) for n in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900))
_TIME_STEPS = tuple(n * MINUTE for n in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440))


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: where, in pixels, and what it says."""

    place: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """What the template draws: a band between the extremes, a line of means, dots for points that stand alone."""

    title: str
    unit: str
    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int
    bands: tuple[str, ...]
    lines: tuple[str, ...]
    dots: tuple[tuple[float, float], ...]
    times: tuple[Tick, ...]
    values: tuple[Tick, ...]
    mark: float | None
    lowest: float
    highest: float
    latest: float


def span_of(alert: Alert, now: Instant) -> tuple[Instant, Instant]:
    """The stretch worth looking at: from half an hour before the alert to half an hour after its end, or to now."""
    over = alert.closed_at or alert.cleared_at
    end = now if over is None else min(now, max(over, alert.event_at) + _AFTER)
    end = max(min(end, alert.event_at + _LONGEST), alert.event_at + MINUTE)
    return alert.event_at - _BEFORE, end


def window_of(start: Instant, end: Instant) -> timedelta:
    """How long the windows of a chart of this span should be."""
    return next((every for every in _EVERY if micros(every) * _WINDOWS >= end - start), _EVERY[-1])


def draw(
    windows: Windows,
    *,
    start: Instant,
    end: Instant,
    mark_at: Instant | None,
    gap: timedelta,
    title: str,
    unit: str,
    zone: tzinfo,
    width: int,
) -> Chart | None:
    """Lay a series out in ``width`` by HEIGHT pixels; None when it is empty.

    Points further apart than ``gap`` are not joined: a line across a silence would be an invention.
    """
    if not len(windows.at):
        return None
    width = min(max(width, WIDTHS[0]), WIDTHS[1])
    right, bottom = width - _RIGHT, HEIGHT - _BOTTOM
    lowest, highest = float(np.min(windows.low)), float(np.max(windows.high))
    ticks = value_ticks(lowest, highest)
    low, high = ticks[0], ticks[-1]

    def across(at: Instant) -> float:
        return round(_LEFT + (at - start) / (end - start) * (right - _LEFT), 1)

    def up(values: Floats) -> Floats:
        return np.round(bottom - (values - low) / (high - low) * (bottom - _TOP), 1)

    xs = np.round(_LEFT + (windows.at - start) / (end - start) * (right - _LEFT), 1)
    means, lows, highs = up(windows.mean), up(windows.low), up(windows.high)
    pieces = np.split(np.arange(len(xs)), np.flatnonzero(np.diff(windows.at) > micros(gap)) + 1)
    joined = [piece for piece in pieces if len(piece) > 1]
    return Chart(
        title=title,
        unit=unit,
        width=width,
        height=HEIGHT,
        left=_LEFT,
        right=right,
        top=_TOP,
        bottom=bottom,
        bands=tuple(
            _path(xs[piece], highs[piece]) + " " + _path(xs[piece][::-1], lows[piece][::-1]) for piece in joined
        ),
        lines=tuple(_path(xs[piece], means[piece]) for piece in joined),
        dots=tuple((float(xs[piece[0]]), float(means[piece[0]])) for piece in pieces if len(piece) == 1),
        times=tuple(
            Tick(across(at), moment(at).astimezone(zone).strftime("%H:%M"))
            for at in time_ticks(start, end, (right - _LEFT) // _LABEL_WIDTH, zone)
        ),
        values=tuple(Tick(float(up(np.array([value]))[0]), f"{value:.6g}") for value in ticks),
        mark=across(mark_at) if mark_at is not None and start <= mark_at <= end else None,
        lowest=lowest,
        highest=highest,
        latest=float(windows.mean[-1]),
    )


def value_ticks(low: float, high: float) -> list[float]:
    """Round numbers, evenly apart, that enclose the values; at least two."""
    if high - low < 1e-9 * max(1.0, abs(high)):  # a flat line gets some air
        air = abs(high) * 0.1 if abs(high) > 1e-6 else 1.0  # noqa: PLR2004 - below any sensor's resolution
        low, high = low - air, high + air
    rough = (high - low) / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(n * power for n in (1, 2, 2.5, 5, 10) if n * power >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(n * step, 12) for n in range(first, last + 1)]


def time_ticks(start: Instant, end: Instant, most: int, zone: tzinfo) -> list[Instant]:
    """Round times of the wall clock inside the span, at most ``most`` of them."""
    most = max(most, 1)
    step = next((each for each in _TIME_STEPS if (end - start) <= each * most), _TIME_STEPS[-1])
    offset = micros(moment(start).astimezone(zone).utcoffset() or timedelta())
    first = -(-(start + offset) // step) * step - offset
    return list(range(first, end + 1, step))[:most]


def gap_of(every: timedelta, period: timedelta | None) -> timedelta:
    """How far apart two windows may be and still belong together: three periods of the device, or of the windows."""
    longest = max(every, period or timedelta(minutes=1))
    return min(longest * 3, timedelta(days=1))


def _path(xs: Floats, ys: Floats) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in zip(xs, ys, strict=True))
