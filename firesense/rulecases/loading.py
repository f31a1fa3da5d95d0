"""Reads ``rules.test.yaml``: every fault of every case at once, with its path and column."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AwareDatetime, BeforeValidator, Field, PlainSerializer

from firesense.domain.alert import AlertClass, Grade
from firesense.domain.catalogue import CLASSES
from firesense.domain.device import Device, Registry
from firesense.domain.errors import ConfigError, Fault
from firesense.domain.instant import instant, micros
from firesense.rulecases.notation import NotationError, Point, points
from firesense.rulecases.shapes import Act, ExpectedAlert, ExpectedCall, Row, RuleCase, Span
from firesense.yamlfile import Duration, Written, duration, read_shape

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from firesense.domain.place import Org

_LONGEST = timedelta(days=60)


def _span(value: object) -> object:
    if isinstance(value, Span):
        return value
    first, _, last = str(value).partition("..")
    span = Span(micros(duration(first)), micros(duration(last or first)))
    if span.last < span.first:
        raise ValueError(f"{value!r} ends before it begins")
    return span


def _cleared(value: object) -> object:
    return False if value == "never" else _span(value)


_Span = Annotated[Any, BeforeValidator(_span), PlainSerializer(str)]
_Cleared = Annotated[Any, BeforeValidator(_cleared), PlainSerializer(str)]
_Series = str | int | float


def _midnight(day: date) -> int:
    return instant(datetime.combine(day, time(), UTC))


class _Device(Written):
    device_class: str = Field(alias="class")
    place: str = ""
    kind: str = ""
    profile: str = "case"
    gateway: str = ""
    tags: tuple[str, ...] = ()
    period: Duration | None = None
    installed: date | None = None


class _Alert(Written):
    rule: str
    device: str = ""
    at: _Span = None
    cleared: _Cleared = None
    alert_class: AlertClass | None = Field(default=None, alias="class")
    grade: Grade | None = None
    late: bool | None = None
    trips: int | None = None
    value: float | None = None


class _Call(Written):
    at: _Span
    who: str
    by: str | list[str] | None = None
    purpose: Literal["alert", "cleared", "notice"] = "alert"


class _Act(Written):
    at: Duration
    takes: str = ""
    closes: str = ""


class _Case(Written):
    name: str = Field(min_length=1)
    start: AwareDatetime | None = None
    every: Duration | None = None
    lasts: Duration | None = None
    devices: dict[str, _Device] = Field(min_length=1)
    series: dict[str, dict[str, _Series]] = Field(default_factory=dict)
    deaf: list[_Span] = Field(default_factory=list)
    acts: list[_Act] = Field(default_factory=list)
    alerts: list[_Alert]
    calls: list[_Call] | None = None


class _CaseFile(Written):
    start: AwareDatetime = datetime.fromisoformat("2026-01-15T08:00:00+08:00")
    every: Duration = timedelta(minutes=1)
    place: str = ""
    cases: list[_Case] = Field(min_length=1)


def load_cases(path: Path, rules: Collection[str], org: Org) -> tuple[RuleCase, ...]:
    """Read and check the cases against the ids of the rules and the org. Raises ConfigError with every fault."""
    written = read_shape(path, _CaseFile)
    check = _Check(str(path), written, rules, org)
    cases = [check.case(case, f"cases[{number}]") for number, case in enumerate(written.cases)]
    if check.faults:
        raise ConfigError(check.faults)
    return tuple(cases)


class _Check:
    """Looks at one case after the other and gathers what is wrong."""

    def __init__(self, file: str, defaults: _CaseFile, rules: Collection[str], org: Org) -> None:
        self._file, self._defaults, self._rules, self._org = file, defaults, rules, org
        self.faults: list[Fault] = []

    def fault(self, path: str, reason: str, column: int = 0) -> None:
        self.faults.append(Fault(self._file, path, reason, column))

    def case(self, case: _Case, at: str) -> RuleCase:
        """Make a case; what is made of a faulty one is not to be used."""
        every = case.every or self._defaults.every
        if every < timedelta(seconds=1):
            self.fault(f"{at}.every", "must be a second or more")
            every = timedelta(seconds=1)
        registry = self._registry(case, every, at)
        rows = [row for device in case.series for row in self._rows(case, device, every, f"{at}.series.{device}")]
        rows.sort(key=lambda row: row.arrives)
        lasts = case.lasts or timedelta(microseconds=max((row.arrives for row in rows), default=0)) + every
        if lasts > _LONGEST:
            self.fault(f"{at}.lasts", f"is longer than {_LONGEST.days} days")
        return RuleCase(
            self._file,
            at,
            case.name,
            instant(case.start or self._defaults.start),
            micros(lasts),
            registry,
            tuple(rows),
            tuple(case.deaf),
            tuple(self._acts(case, at)),
            tuple(self._alerts(case, at)),
            None if case.calls is None else tuple(self._calls(case.calls, f"{at}.calls")),
        )

    def _registry(self, case: _Case, every: timedelta, at: str) -> Registry:
        slots: dict[str, int] = {}
        devices: list[Device] = []
        for name, device in case.devices.items():
            where, place = f"{at}.devices.{name}", device.place or self._defaults.place
            if device.device_class not in CLASSES:
                known = ", ".join(CLASSES)
                self.fault(f"{where}.class", f"there is no class {device.device_class!r}; there are {known}")
            if place not in self._org.places:
                self.fault(f"{where}.place", f"there is no place {place!r}")
            slot = slots[device.device_class] = slots.get(device.device_class, -1) + 1
            devices.append(
                Device(
                    name,
                    device.device_class,
                    device.profile,
                    name,
                    place,
                    slot,
                    kind=device.kind,
                    gateway=device.gateway,
                    tags=device.tags,
                    period=device.period or every,
                    installed_at=_midnight(device.installed) if device.installed else 0,
                )
            )
        return Registry(devices)

    def _rows(self, case: _Case, device: str, every: timedelta, at: str) -> Iterator[Row]:
        known = case.devices.get(device)
        if known is None:
            self.fault(at, f"there is no device {device!r} in this case")
            return
        series: dict[str, Sequence[Point]] = {}
        kind = CLASSES.get(known.device_class)
        for column, text in case.series[device].items():
            if kind is not None and column not in kind.metrics and column not in kind.signals:
                self.fault(f"{at}.{column}", f"{kind.name} has no metric or signal {column!r}")
            try:
                series[column] = points(str(text), every)
            except NotationError as error:
                for place, reason in error.faults:
                    self.fault(f"{at}.{column}", reason, place)
        for tick in range(max(map(len, series.values()), default=0)):
            yield from self._row(device, series, tick, micros(every) * tick, at)

    def _row(self, device: str, series: Mapping[str, Sequence[Point]], tick: int, made: int, at: str) -> Iterator[Row]:
        said = {column: column_points[tick] for column, column_points in series.items() if tick < len(column_points)}
        said = {column: point for column, point in said.items() if point.value is not None}
        if not said:
            return
        lates = {point.late for point in said.values()}
        if len(lates) > 1:
            self.fault(at, f"reading {tick + 1} is late by more than one time")
        says = {column: point.value for column, point in said.items() if point.value is not None}
        yield Row(device, made, made + micros(max(lates)), says)

    def _alerts(self, case: _Case, at: str) -> Iterator[ExpectedAlert]:
        for number, one in enumerate(case.alerts):
            where = f"{at}.alerts[{number}]"
            self._rule(one.rule, f"{where}.rule")
            device = one.device
            if not device and len(case.devices) == 1:
                device = next(iter(case.devices))
            gateways = {known.gateway for known in case.devices.values() if known.gateway}
            if device not in case.devices and device not in gateways and device not in self._org.places:
                self.fault(f"{where}.device", f"{device!r} is no device, gateway or place of this case")
            says = {
                name: value
                for name in ("alert_class", "grade", "late", "trips", "value")
                if (value := getattr(one, name)) is not None
            }
            yield ExpectedAlert(one.rule, device, one.at, one.cleared, says)

    def _calls(self, calls: list[_Call], at: str) -> Iterator[ExpectedCall]:
        for number, one in enumerate(calls):
            if one.who not in self._org.people:
                self.fault(f"{at}[{number}].who", f"nobody is called {one.who!r}")
            by = None if one.by is None else frozenset([one.by] if isinstance(one.by, str) else one.by)
            yield ExpectedCall(one.at, one.who, by, one.purpose)

    def _acts(self, case: _Case, at: str) -> Iterator[Act]:
        for number, one in enumerate(case.acts):
            where = f"{at}.acts[{number}]"
            if bool(one.takes) == bool(one.closes):
                self.fault(where, "says either what it takes or what it closes")
                continue
            self._rule(one.takes or one.closes, where)
            yield Act(micros(one.at), "takes" if one.takes else "closes", one.takes or one.closes)

    def _rule(self, rule: str, at: str) -> None:
        if rule not in self._rules:
            self.fault(at, f"there is no rule {rule!r}")
