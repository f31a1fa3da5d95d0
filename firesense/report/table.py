"""The figures as CSV for spreadsheets: for every place a row of its own and one a class, with plain numbers.

Times are in seconds. What belongs to a place and to no class stands in the row of the place alone, so that it is summed
once; its heads are names for programs in English, and words in Chinese.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from firesense.domain.figures import Stage
from firesense.report.words import cause_name, label
from firesense.text import say

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

    from firesense.domain.plan import Plan
    from firesense.figures import ClassFigures, Figures, PlaceFigures

_FINDINGS = ("fire", "false-alarm", "fault", "test", "put-right", "cleared-itself")
_SAME_HEAD = ("period", "place", "name", "kind", "class", "class_name")
_PLACE_HEAD = (
    "devices", "devices_online", "devices_silent", "devices_in_alarm",
    "devices_in_fault", "hazards_minor", "hazards_general", "hazards_major", "hazards_overdue", "hazard_index",
    "hazards_reported", "hazards_written_off", "roll_calls", "roll_calls_answered", "roll_calls_unasked",
)  # fmt: skip
_CLASS_HEAD = ("raised", "open", "chattering", "stood_still")
_TIMES_HEAD = ("n", "median_s", "p90_s", "longest_s", "target_s", "late", "due")
_RISKY = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would take for a formula


def as_csv(figures: Figures, plan: Plan, language: str) -> bytes:
    """Write figures (deep ones: of every place) as CSV in UTF-8 with a byte order mark, as spreadsheets want it."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    head = list(_head(language))
    writer.writerow(head)
    nothing = [""] * len(_PLACE_HEAD)
    for place in figures.places:
        same = _same(figures.period.name, place, plan, language)
        own = [*same, "", say("figures.csv.whole", language), *_of_place(place)]
        written = [own + [""] * (len(head) - len(own))]  # the place is there whether it had alerts or not
        for name, one in place.by_class.items():
            written.append([*same, name, say(f"class.{name}", language), *nothing, *_of_class(one, plan, language)])
        writer.writerows([_safe(cell) for cell in row] for row in written)
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _head(language: str) -> Iterator[str]:
    english = language == "en"

    def said(name: str) -> str:
        return say(f"figures.csv.{name}", language)

    yield from map(said, (*_SAME_HEAD, *_PLACE_HEAD, *_CLASS_HEAD))
    for finding in _FINDINGS:
        yield f"finding_{finding.replace('-', '_')}" if english else say(f"finding.{finding}", language)
    yield said("causes")
    yield from (("_" if english else "").join((said(stage), said(what))) for stage in Stage for what in _TIMES_HEAD)


def _same(period: str, one: PlaceFigures, plan: Plan, language: str) -> list[object]:
    place = plan.org.places.get(one.place)
    if place is None:
        return [period, one.place, "", ""]
    return [period, one.place, place.name, label("hazard.kind", place.kind, language)]


def _of_place(one: PlaceFigures) -> list[object]:
    devices, hazards, calls = one.devices, one.hazards, one.roll_calls
    return [
        *(devices.total, devices.online, devices.silent, devices.in_alarm, devices.in_fault),
        *(*hazards.by_grade, hazards.overdue, round(hazards.index, 2), hazards.reported, hazards.closed),
        *(calls.asked, calls.answered, calls.unasked),
    ]


def _of_class(one: ClassFigures, plan: Plan, language: str) -> Iterator[object]:
    yield from (one.raised, one.open, one.chattering, one.stood_still)
    yield from (one.findings.get(finding, 0) for finding in _FINDINGS)
    yield "; ".join(f"{cause_name(plan, cause, language)} {count}" for cause, count in one.causes.items())
    for stage in Stage:
        times = one.times[stage]
        spans = (times.median, times.ninetieth, times.longest, times.target)
        yield from (times.count, *map(_seconds, spans), *((times.late, times.due) if times.target else ("", "")))


def _seconds(span: timedelta | None) -> object:
    return "" if span is None else round(span.total_seconds(), 3)


def _safe(cell: object) -> object:
    """A text that a spreadsheet would calculate gets an apostrophe before it: names come from people."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_RISKY) else cell
