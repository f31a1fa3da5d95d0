"""What a report says, block by block: figures -> tables and charts, in the reader's language."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

from firesense.domain.alert import AlertClass
from firesense.domain.catalogue import CLASSES
from firesense.domain.figures import Stage
from firesense.domain.instant import moment
from firesense.domain.place import SITE
from firesense.report.document import Bars, Cell, Report, Series, Sheet
from firesense.report.words import NOTHING, cause_name, duration, label, late, ninetieth, share
from firesense.text import say

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from firesense.domain.plan import Plan
    from firesense.figures import ClassFigures, Figures, PlaceFigures, TypeFigures

_TOLD = (AlertClass.FIRE, AlertClass.HAZARD, AlertClass.FAULT)  # tests are counted, and charted nowhere
_FINDINGS = ("fire", "false-alarm", "fault", "test", "put-right")
_STAGES = {
    AlertClass.FIRE: (Stage.CALL, Stage.ACKNOWLEDGE, Stage.ARRIVE, Stage.CLOSE),
    AlertClass.HAZARD: (Stage.CALL, Stage.ACKNOWLEDGE, Stage.CLOSE),
    AlertClass.FAULT: (Stage.CALL, Stage.ACKNOWLEDGE, Stage.CLOSE, Stage.RECOVER),
}
_BARS_MOST = 30  # places in a chart; the table has them all


def contents(figures: Figures, plan: Plan, language: str) -> Report:
    """Put figures into words, tables and charts; of deep figures the tables go down to the grids, not to each flat."""
    return _Contents(figures, plan, language).report()


class _Contents:
    def __init__(self, figures: Figures, plan: Plan, language: str) -> None:
        self._figures = figures
        self._plan = plan
        self._language = language

    def report(self) -> Report:
        figures, period = self._figures, self._figures.period
        as_of = moment(figures.as_of).astimezone(period.zone)
        facts = (
            (self._say("place"), self._place(figures.place)),
            (self._say("period"), f"{period.name} ({period.first} — {period.last})"),
            (self._say("as_of"), f"{as_of:%Y-%m-%d %H:%M}"),
        )
        path = [(place.code, place.name) for place in self._plan.org.path(figures.place)]
        return Report(
            self._language,
            self._say(f"title.{period.kind}"),
            facts,
            tuple(self._blocks()),
            tuple(self._say(f"note.{name}") for name in ("raised", "together", "times", "few", "devices")),
            tuple(reversed(path)),
        )

    def _blocks(self) -> Iterator[Sheet | Bars]:
        whole = self._figures.whole
        yield self._counts(whole)
        yield self._course()
        yield self._times(whole)
        causes = Counter[str]()
        for figures in whole.by_class.values():
            causes.update(figures.causes)
        if causes:
            yield self._causes(causes)
        if len(self._figures.places) > 1:
            yield self._places()
            yield self._places_chart()
        yield self._hazards(whole)
        yield self._devices(whole)
        yield self._types()
        yield self._roll_calls()
        if self._figures.people:
            yield self._people()

    # -- one block each ---------------------------------------------------------------------------------------------
    def _counts(self, whole: PlaceFigures) -> Sheet:
        rows = []
        for kind in AlertClass:
            figures = whole.by_class.get(kind)
            if figures is None and kind not in _TOLD:
                continue
            rows.append((self._word(f"class.{kind}"), *self._class_cells(figures)))
        head = ("class", "raised", "open", *(f"finding.{one}" for one in _FINDINGS))
        more = ("cleared_itself", "false_share", "chattering", "stood_still")
        return self._sheet("counts", (*head, *more), rows)

    def _class_cells(self, figures: ClassFigures | None) -> Iterator[Cell]:
        if figures is None:
            yield from (Cell("0") for _ in range(2 + len(_FINDINGS) + 1))
            yield from (Cell(NOTHING), Cell("0"), Cell("0"))
            return
        yield from (Cell(str(figures.raised)), Cell(str(figures.open)))
        yield from (Cell(str(figures.findings.get(one, 0))) for one in _FINDINGS)
        yield from (Cell(str(figures.cleared_itself)), Cell(share(figures.false_share)))
        yield from (Cell(str(figures.chattering)), Cell(str(figures.stood_still)))

    def _course(self) -> Bars:
        parts = self._figures.parts
        labels = tuple(name[5:] for name, _ in parts)
        series = (
            Series(self._text(f"class.{kind}"), tuple(counts.get(kind, 0) for _, counts in parts), kind.value)
            for kind in _TOLD
        )
        return Bars(self._say("chart.course"), labels, tuple(series))

    def _times(self, whole: PlaceFigures) -> Sheet:
        rows = []
        for kind in _TOLD:
            figures = whole.by_class.get(kind)
            for stage in _STAGES[kind] if figures else ():
                times = figures.times[stage]  # type: ignore[union-attr] # there are no stages without figures
                rows.append(
                    (
                        Cell(f"{self._text(f'class.{kind}')} · {self._say(f'stage.{stage}')}", number=False),
                        Cell(str(times.count)),
                        Cell(duration(times.median, self._language)),
                        Cell(ninetieth(times, self._language)),
                        Cell(duration(times.target, self._language)),
                        Cell(late(times)),
                    )
                )
        return self._sheet("times", ("stage", "count", "median", "ninetieth", "target", "late"), rows)

    def _causes(self, causes: Mapping[str, int]) -> Bars:
        ordered = sorted(causes.items(), key=lambda each: (-each[1], each[0]))
        labels = tuple(cause_name(self._plan, cause, self._language) for cause, _ in ordered)
        series = Series(self._text("finding.false-alarm"), tuple(count for _, count in ordered), "hazard")
        return Bars(self._say("chart.causes"), labels, (series,), across=True)

    def _places(self) -> Sheet:
        rows = []
        for one in self._shown_places():
            below = one.depth > 0
            fire, fault = one.by_class.get("fire"), one.by_class.get("fault")
            rows.append(
                (
                    Cell(self._way_to(one), one.place if below else "", number=False),
                    *(Cell(str(one.by_class[kind].raised if kind in one.by_class else 0)) for kind in _TOLD),
                    Cell(str(sum(figures.false_alarms for figures in one.by_class.values()))),
                    self._median(fire, Stage.CALL),
                    self._median(fire, Stage.ACKNOWLEDGE),
                    self._median(fire, Stage.ARRIVE),
                    self._median(fire, Stage.CLOSE),
                    self._median(fault, Stage.RECOVER),
                    Cell(late(fire.times[Stage.ACKNOWLEDGE]) if fire else NOTHING),
                    Cell(f"{one.hazards.open} ({one.hazards.overdue})"),
                    Cell(f"{one.hazards.index:.1f}"),
                    Cell(f"{one.roll_calls.answered}/{one.roll_calls.asked}"),
                )
            )
        head = ("place", "class.fire", "class.hazard", "class.fault", "finding.false-alarm")
        times = ("fire_call", "fire_acknowledge", "fire_arrive", "fire_close", "fault_recover", "fire_late")
        return self._sheet("places", (*head, *times, "open_hazards", "index", "roll_calls"), rows)

    def _median(self, figures: ClassFigures | None, stage: Stage) -> Cell:
        if figures is None or not figures.times[stage].count:
            return Cell(NOTHING)
        times = figures.times[stage]
        return Cell(f"{duration(times.median, self._language)} (n={times.count})")

    def _places_chart(self) -> Bars:
        children = [one for one in self._figures.places if one.depth == 1]
        children.sort(key=lambda one: -sum(one.by_class[kind].raised for kind in _TOLD if kind in one.by_class))
        shown = children[:_BARS_MOST]
        series = (
            Series(
                self._text(f"class.{kind}"),
                tuple(one.by_class[kind].raised if kind in one.by_class else 0 for one in shown),
                kind.value,
            )
            for kind in _TOLD
        )
        labels = tuple(self._place(one.place) for one in shown)
        return Bars(self._say("chart.places"), labels, tuple(series), across=True)

    def _hazards(self, whole: PlaceFigures) -> Sheet:
        hazards = whole.hazards
        cells = (*hazards.by_grade, hazards.open, hazards.overdue, f"{hazards.index:.1f}", hazards.reported)
        row = (self._name(self._figures.place), *(Cell(str(one)) for one in (*cells, hazards.closed)))
        head = ("place", "grade.minor", "grade.general", "grade.major", "open", "overdue", "index", "reported")
        return self._sheet("hazards", (*head, "written_off"), [row])

    def _devices(self, whole: PlaceFigures) -> Sheet:
        devices = whole.devices
        counts = (devices.total, devices.online, devices.silent, devices.in_alarm, devices.in_fault)
        row = (self._name(self._figures.place), *(Cell(str(one)) for one in counts))
        return self._sheet("devices", ("place", "total", "online", "silent", "in_alarm", "in_fault"), [row])

    def _types(self) -> Sheet:
        rows = []
        for one in self._figures.types:
            fault = one.by_class.get("fault")
            devices = one.devices
            rows.append(
                (
                    Cell(self._type(one), number=False),
                    *(Cell(str(each)) for each in (devices.total, devices.online, devices.in_fault)),
                    *(Cell(str(one.by_class[kind].raised if kind in one.by_class else 0)) for kind in _TOLD),
                    Cell(str(sum(figures.false_alarms for figures in one.by_class.values()))),
                    self._median(one.by_class.get("fire"), Stage.CLOSE),
                    self._median(fault, Stage.ACKNOWLEDGE),
                    self._median(fault, Stage.RECOVER),
                )
            )
        head = ("type", "total", "online", "in_fault", "class.fire", "class.hazard", "class.fault")
        more = ("finding.false-alarm", "fire_close", "fault_acknowledge", "fault_recover")
        return self._sheet("types", (*head, *more), rows)

    def _type(self, one: TypeFigures) -> str:
        known = CLASSES.get(one.device_class)
        name = (known.en if self._language == "en" else known.zh) if known else one.device_class
        model = " ".join(part for part in (one.vendor, one.model) if part) or one.profile
        return " · ".join(part for part in (name, model) if part) or self._say("type.none")

    def _roll_calls(self) -> Sheet:
        rows = []
        for one in self._shown_places():
            calls = one.roll_calls
            answered = f"{calls.answered / calls.asked * 100:.1f}%" if calls.asked else NOTHING
            counts = (calls.asked, calls.answered, calls.missed, answered)
            cells = (*(str(each) for each in counts), duration(calls.median, self._language), str(calls.unasked))
            if one.depth == 0 or calls.asked or calls.unasked:
                rows.append((Cell(self._way_to(one), number=False), *(Cell(each) for each in cells)))
        head = ("place", "asked", "answered", "missed", "answered_share", "median", "unasked")
        return self._sheet("roll_calls", head, rows)

    def _people(self) -> Sheet:
        people = self._plan.org.people
        rows = []
        for one in self._figures.people:
            name = people[one.person].name if one.person in people else one.person
            taken = one.taken
            cells = (taken.count, duration(taken.median, self._language), ninetieth(taken, self._language), one.closed)
            rows.append((Cell(name, number=False), *(Cell(str(each)) for each in cells)))
        return self._sheet("people", ("person", "taken", "median", "ninetieth", "closed"), rows)

    # -- words ------------------------------------------------------------------------------------------------------
    def _sheet(self, name: str, head: tuple[str, ...], rows: Sequence[tuple[Cell, ...]]) -> Sheet:
        said = tuple(self._text(one) if "." in one else self._say(f"head.{one}") for one in head)
        return Sheet(self._say(f"sheet.{name}"), tuple(one[:1].upper() + one[1:] for one in said), tuple(rows))

    def _say(self, key: str) -> str:
        return say(f"figures.{key}", self._language)

    def _text(self, key: str) -> str:
        section, _, word = key.partition(".")
        return label(section, word, self._language)

    def _word(self, key: str) -> Cell:
        return Cell(self._text(key), number=False)

    def _place(self, code: str) -> str:
        place = self._plan.org.places.get(code)
        return place.name if place else code

    def _shown_places(self) -> Iterator[PlaceFigures]:
        known = self._plan.org.places
        for one in self._figures.places:
            if one.depth <= 1 or known[one.place].kind != SITE:
                yield one

    def _way_to(self, one: PlaceFigures) -> str:
        """The names from below the place of the report down to one: two townships may have a village of one name."""
        way = islice(self._plan.org.path(one.place), max(one.depth, 1))
        return " / ".join(place.name for place in reversed([*way])) or one.place

    def _name(self, code: str) -> Cell:
        return Cell(self._place(code), number=False)
