"""The door for everything people write in YAML: one way to read it, and one way to say what is wrong with it.

Every fault names the file, the path inside it, and the line where YAML still knows it.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from firesense.domain.errors import ConfigError, Fault

if TYPE_CHECKING:
    from collections.abc import Hashable
    from pathlib import Path

    from pydantic_core import ErrorDetails

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZES = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


def duration(text: object) -> timedelta:
    """Read a length of time written with its units. Raises ValueError for what is none."""
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|[smhd])", text) if isinstance(text, str) else []
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is not a duration such as 500ms, 30s, 5m, 1h30m, 7d")
    return timedelta(seconds=sum(float(number) * _UNITS[unit] for number, unit in parts))


def _duration(value: object) -> object:
    return value if isinstance(value, timedelta) else duration(value)


def _size(value: object) -> object:
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([KMGT]iB|B)", value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"{value!r} is not a size such as 512KiB, 20GiB")
    return int(float(found[1]) * _SIZES[found[2]])


Duration = Annotated[timedelta, BeforeValidator(_duration)]
"""A length of time written with its unit: ``500ms``, ``30s``, ``5m``, ``1h30m``, ``7d``."""

Size = Annotated[int, BeforeValidator(_size)]
"""A number of bytes written with its unit: ``512KiB``, ``20GiB``."""


class Written(BaseModel):
    """A shape people write: unknown keys are faults, values do not change once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


_Safe: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C one is ten times as fast, where it was built


class _Loader(_Safe):  # type: ignore[misc]
    """YAML in which a key given twice is a fault, and in which ``on``, ``no``, ``0571`` and ``18:30`` stay words."""


# YAML 1.1 would read `heater: on` as true and a Norwegian place as false, 05713332222 as the octal 791524498, 18:30 as
# 1110 and +49 without its plus; people mean what they write.
_BOOL, _INT = "tag:yaml.org,2002:bool", "tag:yaml.org,2002:int"
_Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag not in {_BOOL, _INT}]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_BOOL, re.compile("true|false"), list("tf"))
_NUMBER = re.compile(r"(?:-?(?:0|[1-9][0-9_]*)|0x[0-9a-fA-F_]+|0b[01_]+)$")
_Loader.add_implicit_resolver(_INT, _NUMBER, list("-0123456789"))


def _mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Hashable, Any]:
    seen: set[Hashable] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in seen:
            raise yaml.constructor.ConstructorError(None, None, f"{key!r} is given twice", key_node.start_mark)
        seen.add(key)
    loader.flatten_mapping(node)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_yaml(path: Path) -> Any:
    """Read one YAML document. Raises ConfigError when the file is missing, not UTF-8, or not YAML."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 -- a SafeLoader
    except OSError as error:
        raise ConfigError([Fault(str(path), "", error.strerror or str(error))]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([Fault(str(path), "", f"not UTF-8 at byte {error.start}")]) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ConfigError([Fault(str(path), where, error.problem or "not YAML")]) from error
    except yaml.YAMLError as error:
        raise ConfigError([Fault(str(path), "", str(error))]) from error


def faults_of(error: ValidationError, file: str, prefix: str = "") -> list[Fault]:
    """Turn what pydantic found into faults: ``rungs[2].wait: '5 min' is not a duration such as ...``."""
    return [
        Fault(file, path_of((prefix, *one["loc"]) if prefix else one["loc"]), _reason(one))
        for one in error.errors(include_url=False)
    ]


def _reason(one: ErrorDetails) -> str:
    """Say what is wrong the way people write: durations are days, not Python."""
    return re.sub(r"datetime\.timedelta\((\w+)=(\d+)\)", r"\2 \1", one["msg"].removeprefix("Value error, "))


def path_of(parts: tuple[int | str, ...]) -> str:
    """Write a path the way people read it: ``ladders.fire.rungs[0]``."""
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


Shape = TypeVar("Shape", bound=BaseModel)


def read_shape(path: Path, shape: type[Shape]) -> Shape:
    """Read a YAML file into a shape. Raises ConfigError with every fault found."""
    data = read_yaml(path)
    if not isinstance(data, dict):
        raise ConfigError([Fault(str(path), "", "is empty or not a mapping of keys")])
    try:
        return shape.model_validate(data)
    except ValidationError as error:
        raise ConfigError(faults_of(error, str(path))) from error
