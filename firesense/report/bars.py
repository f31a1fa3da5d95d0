"""Charts of bars as rectangles and texts: laid out once, drawn as SVG and in the PDF alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from firesense.report.document import Bars, Series

# Apart in grey, too: the report is printed.
TONES = {"fire": "#b3161b", "hazard": "#d98c1f", "fault": "#1d4f91", "test": "#9aa3af", "": "#1d4f91"}
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 12, 28, 22
_ACROSS_LEFT = 150
_BAR = 22  # of a chart whose bars lie, with the gap
_HEIGHT = 200
_LABEL = 56  # pixels a label needs
_LINES = 4
_ROOM = 0.72  # of its place, that a bar takes
_MOST = 14  # letters of a name beside a bar that lies


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle from the upper left corner, with what it says when it is pointed at."""

    x: float
    y: float
    width: float
    height: float
    tone: str
    says: str = ""


@dataclass(frozen=True, slots=True)
class Word:
    """A text; ``anchor`` is start, middle or end, as in SVG."""

    x: float
    y: float
    text: str
    anchor: str = "start"


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart laid out, the origin in the upper left corner."""

    title: str
    width: float
    height: float
    boxes: tuple[Box, ...]
    words: tuple[Word, ...]
    lines: tuple[tuple[float, float, float, float], ...]


def lay_out(bars: Bars, width: float = 720) -> Drawing:
    """Lay a chart out in so many pixels."""
    return _across(bars, width) if bars.across else _upright(bars, width)


def _upright(bars: Bars, width: float) -> Drawing:
    right, bottom = width - _RIGHT, _HEIGHT - _BOTTOM
    top_value, step = _scale(bars)
    place = (right - _LEFT) / max(len(bars.labels), 1)
    boxes, words, lines = [], _legend(bars, _LEFT), []
    boxes += _keys(bars, _LEFT)
    for value in range(0, top_value + 1, step):
        y = bottom - value / top_value * (bottom - _TOP)
        lines.append((_LEFT, y, right, y))
        words.append(Word(_LEFT - 6, y + 4, str(value), "end"))
    every = max(1, -(-_LABEL // max(int(place), 1)))
    for number, name in enumerate(bars.labels):
        x = _LEFT + place * (number + (1 - _ROOM) / 2)
        y = float(bottom)
        for series in bars.series:
            tall = series.values[number] / top_value * (bottom - _TOP)
            if tall:
                y -= tall
                says = f"{name} {series.name} {series.values[number]}"
                boxes.append(Box(round(x, 1), round(y, 1), round(place * _ROOM, 1), round(tall, 1), series.tone, says))
        if number % every == 0:
            words.append(Word(round(_LEFT + place * (number + 0.5), 1), bottom + 16, name, "middle"))
    return Drawing(bars.title, width, _HEIGHT, tuple(boxes), tuple(words), tuple(lines))


def _across(bars: Bars, width: float) -> Drawing:
    right = width - _LEFT
    top = _TOP if len(bars.series) > 1 else 4  # without a legend
    top_value, _ = _scale(bars)
    boxes, words = _keys(bars, _ACROSS_LEFT), _legend(bars, _ACROSS_LEFT)
    for number, name in enumerate(bars.labels):
        y = top + number * _BAR
        x = float(_ACROSS_LEFT)
        for series in bars.series:
            long = series.values[number] / top_value * (right - _ACROSS_LEFT)
            if long:
                says = f"{name} {series.name} {series.values[number]}"
                boxes.append(Box(round(x, 1), y, round(long, 1), _BAR * _ROOM, series.tone, says))
                x += long
        total = sum(series.values[number] for series in bars.series)
        words.append(Word(round(x + 6, 1), y + 12, str(total)))
        words.append(Word(_ACROSS_LEFT - 8, y + 12, name if len(name) <= _MOST else name[: _MOST - 1] + "…", "end"))
    height = top + len(bars.labels) * _BAR + 6
    return Drawing(bars.title, width, height, tuple(boxes), tuple(words), ())


def _scale(bars: Bars) -> tuple[int, int]:
    """A round number that no bar passes, and how far the lines are apart."""
    most = max((sum(values) for values in zip(*(each.values for each in bars.series), strict=True)), default=0)
    power = 1
    while power * 10 * _LINES <= most:
        power *= 10
    step = next(n * power for n in (1, 2, 5, 10) if n * power * _LINES >= most)
    return max(step * -(-most // step), step), step


def _keys(bars: Bars, left: float) -> list[Box]:
    return [Box(x, 6, 10, 10, series.tone) for x, series in _places(bars, left)] if len(bars.series) > 1 else []


def _legend(bars: Bars, left: float) -> list[Word]:
    return [Word(x + 14, 15, series.name) for x, series in _places(bars, left)] if len(bars.series) > 1 else []


def _places(bars: Bars, left: float) -> list[tuple[float, Series]]:
    return [(left + number * 90, series) for number, series in enumerate(bars.series)]
