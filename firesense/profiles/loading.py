"""From files to profiles."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from firesense.domain.device import Registry
from firesense.domain.errors import ConfigError, Fault
from firesense.domain.instant import SECOND, Instant, instant
from firesense.domain.profile import Example, Expected, MetricSpec, Profile, SignalSpec, TimeSpec
from firesense.profiles.documents import ProfileDocument
from firesense.profiles.meaning import meaning_faults
from firesense.reader import Reader
from firesense.reader.topics import patterns

if TYPE_CHECKING:
    from pathlib import Path

    from firesense.profiles.documents import ExampleDocument, ExpectedDocument

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # PyYAML without libyaml
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]  # the same interface

_EXAMPLES_RECEIVED_AT = instant(datetime(2026, 1, 2, 3, 5, tzinfo=UTC))


def load_profiles(folder: Path) -> dict[str, Profile]:
    """Read every ``*.yaml`` under a folder into profiles by id. Raises ConfigError with every fault found."""
    profiles, faults = read_profiles(folder)
    if faults:
        raise ConfigError(faults)
    return profiles


def read_profiles(folder: Path) -> tuple[dict[str, Profile], list[Fault]]:
    """Read every profile that can be read, and all that is wrong with the others."""
    files = sorted(folder.rglob("*.yaml")) if folder.is_dir() else []
    if not files:
        return {}, [Fault(str(folder), "", "no device profiles (*.yaml) here")]
    profiles: dict[str, Profile] = {}
    faults: list[Fault] = []
    for path in files:
        profile, found = _read(path)
        faults.extend(found)
        if profile is None:
            continue
        before = profiles.setdefault(profile.id, profile)
        if before is not profile:
            faults.append(Fault(profile.file, "id", f"{profile.id!r} is the id of {before.file} too"))
    return profiles, sorted(faults)


def _read(path: Path) -> tuple[Profile | None, list[Fault]]:
    file = str(path)
    try:
        document, faults = _parse(path.read_text(encoding="utf-8"), file)
    except yaml.YAMLError as error:
        return None, [Fault(file, "", f"not YAML: {' '.join(str(error).split())}")]
    except (OSError, ValueError, RecursionError) as error:
        return None, [Fault(file, "", f"cannot be read: {error}")]
    if not isinstance(document, dict):
        return None, [*faults, Fault(file, "", "is not a mapping of keys to values")]
    faults.extend(Fault(file, where, reason) for where, reason in meaning_faults(document))
    profile = None
    try:
        shape = ProfileDocument.model_validate(document)
        if not faults:
            profile = _profile(shape, file)
            Reader({profile.id: profile}, Registry())
    except ValidationError as error:
        known = {fault.path for fault in faults}
        shape_faults = (Fault(file, _path(part["loc"]), _reason(part)) for part in error.errors(include_url=False))
        faults.extend(fault for fault in shape_faults if fault.path not in known)
    except ValueError as error:  # what only the dialect knows
        faults.append(Fault(file, "", str(error)))
    return (None if faults else profile), faults


def _parse(text: str, file: str) -> tuple[Any, list[Fault]]:
    """Parse YAML; a key that is written twice is a fault, where YAML libraries take the last."""
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        faults = [Fault(file, where, "is written twice") for where in _repeated_keys(root, "")]
        return (None if root is None else loader.construct_document(root)), faults
    finally:
        loader.dispose()


def _repeated_keys(node: yaml.Node | None, path: str) -> list[str]:
    found: list[str] = []
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            here = f"{path}.{key.value}" if path else str(key.value)
            if str(key.value) in seen:
                found.append(here)
            seen.add(str(key.value))
            found.extend(_repeated_keys(value, here))
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            found.extend(_repeated_keys(item, f"{path}[{number}]"))
    return found


def _path(location: tuple[int | str, ...]) -> str:
    """Write a pydantic location as ``signals.fire.from`` or ``examples[1].expect``."""
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        elif not part.startswith(("function-", "constrained-", "tuple[", "literal[")) and part not in _UNION_ARMS:
            path += f".{part}" if path else part
    return path


_UNION_ARMS = frozenset({"int", "float", "str", "bool"})


_PLAINER = {"Extra inputs are not permitted": "is no key of a profile", "Field required": "is missing"}


def _reason(part: Any) -> str:
    reason = str(part["msg"]).removeprefix("Value error, ")
    return {"Extra inputs are not permitted": "is no key of a profile", "Field required": "is missing"}.get(
        reason, reason
    )


def _profile(shape: ProfileDocument, file: str) -> Profile:
    time = shape.time
    profile = Profile(
        id=shape.id,
        device_class=shape.device_class,
        dialect=shape.dialect,
        topics=shape.topics,
        period=shape.period,
        metrics=tuple(
            MetricSpec(name, spec.source, spec.unit, spec.scale, spec.offset, tuple(map(float, spec.sentinels)))
            for name, spec in shape.metrics.items()
        ),
        signals=tuple(
            SignalSpec(name, spec.source, asserted, spec.bit, spec.above, spec.invert, cleared)
            for name, spec in shape.signals.items()
            for asserted, cleared in [spec.both_sides()]
        ),
        device_source=shape.device_from,
        time=None if time is None else TimeSpec(time.source, time.format, time.pattern, time.zone),
        options=shape.options,
        vendor=shape.vendor,
        model=shape.model,
        file=file,
    )
    examples = tuple(_example(example, profile) for example in shape.examples)
    return replace(profile, examples=examples)


def _example(example: ExampleDocument, profile: Profile) -> Example:
    expected = tuple(map(_expected, example.expect or ()))
    times = [row.event_at for row in expected if row.event_at is not None]
    received_at: Instant = max(times) + SECOND if times else _EXAMPLES_RECEIVED_AT
    if example.received_at is not None:
        received_at = instant(example.received_at)
    if example.payload is not None:
        payload = example.payload.encode()
    elif example.payload_hex is not None:
        payload = bytes.fromhex(example.payload_hex)
    else:
        payload = json.dumps(example.payload_json, ensure_ascii=False).encode()
    topic = example.topic or patterns(profile)[0].topic(example.device)
    return Example(example.name, topic, payload, received_at, example.device, expected, example.refuse)


def _expected(row: ExpectedDocument) -> Expected:
    return Expected(row.metrics, row.signals, None if row.time is None else instant(row.time), row.quality)
