"""The figures as CSV for spreadsheets: a row for every place below and class, with plain numbers, times in seconds."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from firesense.domain.figures import Stage
from firesense.text import say

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

    from firesense.domain.plan import Plan
    from firesense.figures import ClassFigures, Figures, PlaceFigures

_FINDINGS = ("fire", "false-alarm", "fault", "test", "put-right", "cleared-itself")
_PLACE_HEAD = (
    "period", "place", "name", "kind", "devices", "devices_online", "devices_silent", "devices_in_alarm",
    "devices_in_fault", "hazards_minor", "hazards_general", "hazards_major", "hazards_overdue", "hazard_index",
    "hazards_reported", "hazards_written_off", "roll_calls", "roll_calls_answered", "roll_calls_unasked",
)  # fmt: skip
_CLASS_HEAD = ("class", "class_name", "raised", "open", "chattering", "stood_still")
_RISKY = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would take for a formula


def as_csv(figures: Figures, plan: Plan, language: str) -> bytes:
    """Write figures (deep ones: of every place) as CSV in UTF-8 with a byte order mark, as spreadsheets want it."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(_head())
    for place in figures.places:
        own = _of_place(figures.period.name, place, plan)
        for name, one in place.by_class.items():
            writer.writerow([_safe(cell) for cell in (*own, *_of_class(name, one, language))])
        if not place.by_class:  # it has devices and hazards all the same
            writer.writerow([_safe(cell) for cell in own] + [""] * (len(_head()) - len(own)))
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _head() -> list[str]:
    found = [f"finding_{finding.replace('-', '_')}" for finding in _FINDINGS]
    times = [
        f"{stage}_{what}" for stage in Stage for what in ("n", "median_s", "p90_s", "longest_s", "target_s", "late")
    ]
    return [*_PLACE_HEAD, *_CLASS_HEAD, *found, "causes", *times]


def _of_place(period: str, one: PlaceFigures, plan: Plan) -> list[object]:
    place = plan.org.places.get(one.place)
    devices, hazards, calls = one.devices, one.hazards, one.roll_calls
    return [
        period,
        one.place,
        place.name if place else "",
        place.kind if place else "",
        *(devices.total, devices.online, devices.silent, devices.in_alarm, devices.in_fault),
        *(*hazards.by_grade, hazards.overdue, round(hazards.index, 2), hazards.reported, hazards.closed),
        *(calls.asked, calls.answered, calls.unasked),
    ]


def _of_class(name: str, one: ClassFigures, language: str) -> Iterator[object]:
    yield from (name, say(f"class.{name}", language), one.raised, one.open, one.chattering, one.stood_still)
    yield from (one.findings.get(finding, 0) for finding in _FINDINGS)
    yield "; ".join(f"{cause} {count}" for cause, count in one.causes.items())
    for stage in Stage:
        times = one.times[stage]
        spans = (times.median, times.ninetieth, times.longest, times.target)
        yield from (times.count, *map(_seconds, spans), times.late)


def _seconds(span: timedelta | None) -> object:
    return "" if span is None else round(span.total_seconds(), 3)


def _safe(cell: object) -> object:
    """A text that a spreadsheet would calculate gets an apostrophe before it: names come from people."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_RISKY) else cell
