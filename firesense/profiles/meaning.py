"""What a profile's words mean: classes, metrics, signals and units of the catalogue, dialects, zones, topics.

These checks walk the raw document, so that a file whose shape is wrong too shows all its faults at once.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from firesense.decode import DECODERS
from firesense.domain.catalogue import CLASSES, UNITS, conversion
from firesense.reader import TopicPattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Finding = tuple[str, str]  # path, reason


def meaning_faults(document: Mapping[str, Any]) -> Iterator[Finding]:
    """Find words that mean nothing; parts that are not of the right shape are passed over."""
    yield from _class_faults(document)
    yield from _dialect_faults(document)
    yield from _topic_faults(document)
    yield from _zone_faults(document)
    yield from _source_faults(document)
    yield from _example_faults(document)


def _class_faults(document: Mapping[str, Any]) -> Iterator[Finding]:
    name = document.get("class")
    if not isinstance(name, str):
        return
    device_class = CLASSES.get(name)
    if device_class is None:
        yield "class", f"no class {name!r}; there are {_listed(CLASSES)}"
        return
    metrics, signals = _mapping(document, "metrics"), _mapping(document, "signals")
    if not metrics and not signals:
        yield "", "says no metric and no signal"
    for metric, spec in metrics.items():
        known = device_class.metrics.get(metric)
        unit = spec.get("unit") if isinstance(spec, dict) else None
        if known is None:
            yield f"metrics.{metric}", f"class {name} has no such metric; it has {_listed(device_class.metrics)}"
        elif isinstance(unit, str) and conversion(unit, known.unit) is None:
            what = "cannot be turned into" if unit in UNITS else "is no unit known here; give one that becomes"
            yield f"metrics.{metric}.unit", f"{unit!r} {what} {known.unit}"
    for signal in signals:
        if signal not in device_class.signals:
            yield f"signals.{signal}", f"class {name} has no such signal; it has {_listed(device_class.signals)}"


def _example_faults(document: Mapping[str, Any]) -> Iterator[Finding]:
    """Find columns an example expects and the profile never says, and names given twice."""
    examples = [example if isinstance(example, dict) else {} for example in _list(document, "examples")]
    for number, example in enumerate(examples):
        expected = example.get("expect")
        rows = [row for row in (expected if isinstance(expected, list) else [expected]) if isinstance(row, dict)]
        for part in ("metrics", "signals"):
            unsaid = {column for row in rows for column in _mapping(row, part)} - _mapping(document, part).keys()
            for column in sorted(unsaid):
                yield f"examples[{number}].expect.{part}.{column}", "the profile does not say this"
    for name, times in Counter(str(example.get("name")) for example in examples).items():
        if times > 1:
            yield "examples", f"{times} are called {name!r}"


def _dialect_faults(document: Mapping[str, Any]) -> Iterator[Finding]:
    dialect = document.get("dialect")
    if not isinstance(dialect, str):
        return
    if dialect not in DECODERS:
        yield "dialect", f"no dialect {dialect!r}; there are {_listed(DECODERS)}"
        return
    known = DECODERS[dialect].OPTIONS
    for option in _mapping(document, "options"):
        if option not in known:
            yield (
                f"options.{option}",
                f"dialect {dialect} has no such option" + (f"; it has {_listed(known)}" * bool(known)),
            )


def _topic_faults(document: Mapping[str, Any]) -> Iterator[Finding]:
    topics = document.get("topics")
    for number, topic in enumerate(topics if isinstance(topics, list) else [topics]):
        if isinstance(topic, str):
            try:
                TopicPattern(topic, names_device=not document.get("device_from"))
            except ValueError as fault:
                yield f"topics[{number}]", str(fault)


def _zone_faults(document: Mapping[str, Any]) -> Iterator[Finding]:
    zone = _mapping(document, "time").get("zone")
    if isinstance(zone, str) and zone:
        try:
            ZoneInfo(zone)
        except (KeyError, ValueError, OSError):
            yield "time.zone", f"no time zone {zone!r}; write it as Asia/Shanghai"


def _source_faults(document: Mapping[str, Any]) -> Iterator[Finding]:
    """Find fields that are read both as numbers and as text."""
    time = _mapping(document, "time")
    texts = {document.get("device_from"): "names the device"}
    numbers: dict[Any, str] = {}
    (texts if time.get("format") in {"iso8601", "pattern"} else numbers)[time.get("from")] = "time"
    for name, spec in _mapping(document, "metrics").items():
        if isinstance(spec, dict):
            numbers[_hashable(spec.get("from"))] = f"metrics.{name}"
    for name, spec in _mapping(document, "signals").items():
        if isinstance(spec, dict):
            told = [spec.get("asserted"), spec.get("cleared")]
            values = [value for one in told for value in (one if isinstance(one, list) else [one])]
            if any(isinstance(value, str) for value in values):
                texts[_hashable(spec.get("from"))] = f"signals.{name}"
            elif "bit" in spec or "above" in spec:
                numbers[_hashable(spec.get("from"))] = f"signals.{name}"
    for source, path in numbers.items():
        if isinstance(source, str) and source in texts:
            yield f"{path}.from", f"{source!r} is text to {texts[source]}: it cannot be a number too"


def _hashable(value: object) -> str:
    return value if isinstance(value, str) else ""


def _mapping(document: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = document.get(key)
    return {str(name): part for name, part in value.items()} if isinstance(value, dict) else {}


def _list(document: Mapping[str, Any], key: str) -> list[Any]:
    value = document.get(key)
    return value if isinstance(value, list) else []


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
