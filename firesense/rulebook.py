"""Reads ``config/rules.yaml``: what people write about rules -> checked rules, one for every circuit of a family."""

from __future__ import annotations

import hashlib
import re
from dataclasses import fields, replace
from datetime import timedelta
from string import Formatter
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from firesense.domain.alert import AlertClass, Grade
from firesense.domain.catalogue import CLASSES, DeviceClass
from firesense.domain.errors import ConfigError, Fault
from firesense.domain.rule import Rule, RuleKind
from firesense.rules import Expression, ExpressionError, compile_expression
from firesense.rules.expression import RATE
from firesense.rules.scope import EXCEPT, KEYS, SEPARATOR
from firesense.text import LANGUAGES
from firesense.yamlfile import Duration, Written, read_shape

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

FAMILY = "[*]"  # residual_current[*]: one rule for each of residual_current_1, residual_current_2, ...
PLACEHOLDERS = ("device", "place", "value", "unit", "channel", "limit")
_FAMILY_NAME = re.compile(r"([A-Za-z]\w*)\[\*\]")
_BELOW = {"<", "<="}
_ABOVE = {">", ">="}
_MEETING = ("of", "devices", "within", "share")
_UNFIT = {  # kind -> keys that mean nothing to it
    RuleKind.SIGNAL: ("per", "window", "periods", "at_most", *_MEETING),
    RuleKind.THRESHOLD: ("per", "window", "periods", "at_most", *_MEETING),
    RuleKind.RATE: ("periods", "at_most", *_MEETING),
    RuleKind.ABSENCE: ("when", "clears", "hold", "clear_hold", "chatters", "metric", "per", "window", *_MEETING),
    RuleKind.COINCIDENCE: (
        "device_class",
        "when",
        "clears",
        "hold",
        "clear_hold",
        "chatters",
        "metric",
        "per",
        "window",
        "periods",
        "at_most",
        "where",
        "hides",
    ),
}


class _Rule(Written):
    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    kind: RuleKind
    device_class: str = ""
    alert_class: AlertClass = Field(alias="class")
    grade: Grade
    when: str = ""
    clears: str = ""
    hold: Duration = timedelta()
    clear_hold: Duration = timedelta()
    metric: str = ""
    per: Duration = timedelta(minutes=1)
    window: Duration = timedelta(minutes=10)
    periods: float = Field(default=3.0, ge=1, le=1000)
    at_most: Duration = timedelta(hours=24)
    where: dict[Literal["kind", "profile", "tag"], str | list[str]] = Field(default_factory=dict)
    latches: bool = False
    of: list[str | list[str]] = Field(default_factory=list)
    devices: int = Field(default=2, ge=1, le=100)
    within: Duration = timedelta(minutes=10)
    share: str = ""
    chatters: int = Field(default=3, ge=0, le=100)
    hides: list[str] = Field(default_factory=list)
    text: dict[str, str]


class _RuleFile(Written):
    rules: list[_Rule] = Field(min_length=1)


def load_rules(path: Path, seasons: Collection[str] | None = None) -> tuple[Rule, ...]:
    """Read and check the rules. Raises ConfigError with every fault: file, path (``rules[2].when``) and reason.

    ``seasons`` are the periods of the calendars; None leaves them unchecked.
    """
    written = read_shape(path, _RuleFile)
    check = _Check(str(path), seasons)
    rules: list[Rule] = []
    seen: set[str] = set()
    for number, one in enumerate(written.rules):
        at = f"rules[{number}]"
        if one.id in seen:
            check.fault(f"{at}.id", f"{one.id!r} is given twice")
        seen.add(one.id)
        rules += check.rules(one, at)
    for number, one in enumerate(written.rules):
        if one.kind is RuleKind.COINCIDENCE:
            rules += check.meeting(one, f"rules[{number}]", rules)
    check.inhibition(written.rules, rules)
    if check.faults:
        raise ConfigError(check.faults)
    by_name = _by_name(rules)
    return tuple(
        replace(rule, hides=tuple(hidden.id for name in rule.hides for hidden in by_name[name])) for rule in rules
    )


def _by_name(rules: Iterable[Rule]) -> dict[str, list[Rule]]:
    """Index rules by the ids people wrote: those of a family are one."""
    found: dict[str, list[Rule]] = {}
    for rule in rules:
        found.setdefault(rule.id.partition(".")[0], []).append(rule)
    return found


class _Check:
    """Looks at one rule after the other and gathers what is wrong."""

    def __init__(self, file: str, seasons: Collection[str] | None) -> None:
        self._file = file
        self._seasons = seasons
        self.faults: set[Fault] = set()  # a set, because every circuit of a family has the same ones

    def fault(self, path: str, reason: str, column: int = 0) -> None:
        self.faults.add(Fault(self._file, path, reason, column))

    def rules(self, one: _Rule, at: str) -> Iterator[Rule]:
        """Make the rules that one written rule stands for; what is made of a faulty one is not to be used."""
        if one.kind is RuleKind.COINCIDENCE:
            return  # it is made of the others: see meeting()
        device_class = CLASSES.get(one.device_class)
        if device_class is None:
            self.fault(f"{at}.device_class", f"there is no class {one.device_class!r}; there are {', '.join(CLASSES)}")
            return
        self._keys(one, at)
        self._durations(one, at)
        self._texts(one, at)
        for channel in self._channels(one, at, device_class):
            yield self._rule(one, at, device_class, channel)

    def _keys(self, one: _Rule, at: str) -> None:
        for key in _UNFIT[one.kind]:
            if key in one.model_fields_set:
                self.fault(f"{at}.{key}", f"means nothing to a rule of kind {one.kind.value}")
        if one.kind not in {RuleKind.ABSENCE, RuleKind.COINCIDENCE} and not one.when:
            self.fault(f"{at}.when", f"a rule of kind {one.kind.value} needs a condition")
        if one.kind in {RuleKind.THRESHOLD, RuleKind.RATE} and not one.metric:
            self.fault(f"{at}.metric", f"a rule of kind {one.kind.value} needs the metric it is about")
        for key, values in one.where.items():
            for value in [values] if isinstance(values, str) else values:
                if not value.removeprefix(EXCEPT) or SEPARATOR in value:
                    self.fault(f"{at}.where.{key}", f"{value!r} is no {key}")

    def _durations(self, one: _Rule, at: str) -> None:
        for key in ("per", "window", "at_most", "within"):
            if getattr(one, key) <= timedelta():
                self.fault(f"{at}.{key}", "must be longer than nothing")

    def meeting(self, one: _Rule, at: str, rules: list[Rule]) -> Iterator[Rule]:
        """Make a coincidence of rules that were made before."""
        self._keys(one, at)
        self._durations(one, at)
        self._texts(one, at)
        for language, text in one.text.items():
            if any(f"{{{name}}}" in text for name in ("value", "unit", "channel", "limit")):
                self.fault(f"{at}.text.{language}", "a coincidence knows no value: only {device} and {place}")
        known = _by_name(rule for rule in rules if rule.kind is not RuleKind.COINCIDENCE)
        if not one.of:
            self.fault(f"{at}.of", "names no rules")
        elif len(one.of) == 1 and one.devices == 1:
            self.fault(f"{at}.devices", "one rule of one device coincides with nothing")
        sides: list[list[Rule]] = []
        for number, side in enumerate(one.of):
            sides.append([])
            for name in [side] if isinstance(side, str) else side:
                if not known.get(name):
                    self.fault(f"{at}.of[{number}]", f"there is no rule {name!r} of signals, metrics or absence")
                sides[-1] += known.get(name, ())
        if all(sides) and sides:
            rule = Rule(
                id=one.id,
                kind=one.kind,
                device_class=sides[0][0].device_class,
                alert_class=one.alert_class,
                grade=one.grade,
                latches=one.latches,
                of=tuple(tuple(rule.id for rule in side) for side in sides),
                devices=one.devices,
                within=one.within,
                share=one.share,
            )
            yield replace(rule, text=one.text, source=f"{self._file}: {at}", version=version(rule))

    def inhibition(self, written: list[_Rule], rules: list[Rule]) -> None:
        """Check which rules hide which."""
        by_name = _by_name(rules)
        graph = {one.id: one.hides for one in written}
        for number, one in enumerate(written):
            if one.kind is RuleKind.COINCIDENCE:
                continue
            for n, name in enumerate(one.hides):
                reason = _cannot_be_hidden(one, name, by_name.get(name, []))
                if reason:
                    self.fault(f"rules[{number}].hides[{n}]", reason)
            if circle := _circle(one.id, graph):
                self.fault(f"rules[{number}].hides", f"hides itself: {' > '.join(circle)}")

    def _texts(self, one: _Rule, at: str) -> None:
        for language in LANGUAGES:
            if not one.text.get(language, "").strip():
                self.fault(f"{at}.text.{language}", "is missing")
        for language, text in one.text.items():
            if language not in LANGUAGES:
                self.fault(f"{at}.text.{language}", f"is not a language; there are {', '.join(LANGUAGES)}")
            try:
                parts = list(Formatter().parse(text))
            except ValueError:
                self.fault(f"{at}.text.{language}", "a brace stands alone")
                continue
            for _, placeholder, form, how in parts:
                if placeholder is not None and (placeholder not in PLACEHOLDERS or form or how):
                    known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
                    self.fault(f"{at}.text.{language}", f"{{{placeholder}}} is no placeholder; there are {known}")

    def _channels(self, one: _Rule, at: str, device_class: DeviceClass) -> range | tuple[int]:
        """Count the members of the families a rule names; (0,) for a rule that names none."""
        families = {
            name: sum(re.fullmatch(rf"{name}_\d+", metric) is not None for metric in device_class.metrics)
            for text in (one.metric, one.when, one.clears)
            for name in _FAMILY_NAME.findall(text)
        }
        for name, size in families.items():
            if not size:
                self.fault(at, f"{device_class.name} has no numbered metric {name}{FAMILY}")
        if len(set(families.values())) > 1:
            self.fault(at, f"the families {', '.join(families)} are not of one size")
        return range(1, min(families.values()) + 1) if families else (0,)

    def _rule(self, one: _Rule, at: str, device_class: DeviceClass, channel: int) -> Rule:
        metric = one.metric.replace(FAMILY, f"_{channel}")
        if metric and metric not in device_class.metrics:
            known = ", ".join(device_class.metrics)
            self.fault(f"{at}.metric", f"{device_class.name} has no metric {metric!r}; it has {known}")
            metric = ""
        # The brackets of a family are one character longer than its number, so columns stay those of the file.
        texts = {key: getattr(one, key).replace(FAMILY, f"_{channel} ") for key in ("when", "clears")}
        rate_of = metric if one.kind is RuleKind.RATE else ""
        when = self._condition(f"{at}.when", texts["when"], device_class, rate_of)
        clears = self._condition(f"{at}.clears", texts["clears"], device_class, rate_of)
        self._fit(one, at, metric, when, clears)
        limit = when.limit.written if when and when.limit else "?"
        if any("{limit}" in text for text in one.text.values()) and when and not when.limit:
            self.fault(f"{at}.text", "{limit} needs a condition that is one comparison with a number")
        rule = Rule(
            id=f"{one.id}.{channel}" if channel else one.id,
            kind=one.kind,
            device_class=one.device_class,
            alert_class=one.alert_class,
            grade=one.grade,
            when=" ".join(texts["when"].split()),
            clears=" ".join(texts["clears"].split()),
            hold=one.hold,
            clear_hold=one.clear_hold,
            metric=metric,
            per=one.per,
            window=one.window,
            periods=one.periods,
            at_most=one.at_most,
            where={
                key: (values if isinstance(values, str) else SEPARATOR.join(values)).replace(FAMILY, f"-{channel}")
                for key, values in sorted(one.where.items(), key=lambda pair: KEYS.index(pair[0]))
            },
            latches=one.latches,
            chatters=0 if one.alert_class is AlertClass.FIRE else one.chatters,
            hides=tuple(one.hides),  # the ids as written: load_rules makes them those of the rules
            channel=channel,
        )
        text = {language: text.replace("{limit}", limit) for language, text in one.text.items()}
        return replace(rule, text=text, source=f"{self._file}: {at}", version=version(rule))

    def _condition(self, at: str, text: str, device_class: DeviceClass, rate_of: str) -> Expression | None:
        if not text:
            return None
        try:
            return compile_expression(text, device_class, rate_of, self._seasons)
        except ExpressionError as error:
            for column, reason in error.faults:
                self.fault(at, reason, column)
            return None

    def _fit(self, one: _Rule, at: str, metric: str, when: Expression | None, clears: Expression | None) -> None:
        """Check that a rule is about its metric, and that its two limits do not overlap."""
        if when and metric and one.kind is not RuleKind.SIGNAL:
            subject = RATE if one.kind is RuleKind.RATE else metric
            if subject not in when.names | when.about:
                self.fault(f"{at}.when", f"does not look at {RATE if subject == RATE else one.metric}")
        trip = when.limit if when else None
        clear = clears.limit if clears else None
        if trip is None or clear is None or trip.metric != clear.metric:
            return
        falls, rises = trip.operator in _BELOW, trip.operator in _ABOVE
        if (falls and clear.operator in _BELOW) or (rises and clear.operator in _ABOVE):
            self.fault(f"{at}.clears", f"clears on the same side of {trip.metric} on which it trips")
        elif (falls and clear.value < trip.value) or (rises and clear.value > trip.value):
            self.fault(f"{at}.clears", f"clears at {clear.written} while it still trips at {trip.written}")


def _cannot_be_hidden(one: _Rule, name: str, hidden: list[Rule]) -> str:
    """Say why a rule cannot hide these; "" when it can."""
    if not hidden or hidden[0].kind is RuleKind.COINCIDENCE:
        return f"there is no rule {name!r} of signals, metrics or absence"
    if hidden[0].alert_class is AlertClass.FIRE:
        return f"{name} is of class fire: nothing hides a fire"
    if hidden[0].device_class != one.device_class:
        return f"{name} is asked of {hidden[0].device_class}, never of the same device"
    return ""


def _circle(start: str, graph: Mapping[str, Sequence[str]]) -> list[str]:
    """Find a way from a rule over those it hides back to itself."""
    ways = [[start]]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        for name in graph.get(way[-1], ()):
            if name == start:
                return [*way, name]
            if name not in seen:
                seen.add(name)
                ways.append([*way, name])
    return []


def version(rule: Rule) -> str:
    """Name how a rule judges: all of it but its wording, so that a better text does not restart its holds."""
    judged = [getattr(rule, field.name) for field in fields(rule) if field.name not in {"text", "source", "version"}]
    return hashlib.blake2b(repr(judged).encode(), digest_size=6).hexdigest()
