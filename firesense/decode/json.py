"""Flat and nested JSON: a msgspec struct of exactly the fields the profile names, so everything else is skipped unread.

A source is a path: ``bat``, ``data.pressure_kpa``, ``residual_ma.0``. A level whose keys are all digits is a list.
Of a key that stands twice in one object the last one counts (RFC 8259, 4, leaves it open).
"""

from __future__ import annotations

import json
import math
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import msgspec
import numpy as np
from msgspec.structs import astuple

from firesense.domain.decoded import BadFrame, Decoded
from firesense.domain.frame import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from firesense.domain.columns import Floats
    from firesense.domain.decoded import Texts
    from firesense.domain.profile import Profile, Scalar

LONGEST_LIST = 256  # a profile that names an element beyond is a mistake, and would make a struct of that many fields

_NAN = float("nan")
_NUMBER = float | None
_FLAG = bool | float | None
_TEXT = str | bool | int | float | None


class JsonDecoder:
    """Reads JSON objects. The option ``numbers_as_text`` also takes "12" where a number belongs."""

    OPTIONS: ClassVar[frozenset[str]] = frozenset({"numbers_as_text"})

    def __init__(self, profile: Profile) -> None:
        """Compile the struct. Raises ValueError when one source is both a value and a part of the path of another."""
        self._types = _types(profile)
        self._root = _Node(_tree(profile.sources), "", self._types)
        self._lax = bool(profile.options.get("numbers_as_text", False))
        self._decode = msgspec.json.Decoder(self._root.struct, strict=not self._lax).decode

    def is_device(self, external_id: str) -> bool:  # noqa: ARG002 - plain JSON has no service topics
        """Every topic of a plain JSON profile carries readings."""
        return True

    def decode(self, payloads: Sequence[bytes]) -> Decoded:
        """Read a batch; a bad frame interrupts the pass, which then goes on behind it."""
        rows: list[msgspec.Struct] = []
        bad: list[BadFrame] = []
        reading = map(self._decode if _are_utf8(payloads) else self._decode_checked, payloads)
        while True:
            try:
                rows.extend(reading)  # what was read before an error stays in the list
                break
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                at = len(rows) + len(bad)
                bad.append(BadFrame(at, *_diagnose(payloads[at], error)))
        frame = np.delete(np.arange(len(payloads)), [at for at, _, _ in bad])
        if self._root.is_flat and not self._lax:
            # The commonest devices: no column is ever a list of Python objects.
            values = chain.from_iterable(map(astuple, rows))
            width = len(self._root.sources)
            table = np.fromiter(values, np.float64, len(rows) * width).reshape(-1, width)
            return Decoded(dict(zip(self._root.sources, np.ascontiguousarray(table.T), strict=True)), {}, frame, bad)
        decoded = Decoded({}, {}, frame, bad)
        self._root.extract(rows, decoded)
        return _refuse_infinite(decoded) if self._lax else decoded

    def salvage(self, payloads: Sequence[bytes]) -> Decoded:
        """Read each source by itself from the object a payload begins with, whatever its other fields hold.

        Numbers written as text are read, other text where a number belongs is infinity. A payload that was cut short
        is not read: what came behind the cut may have said that it is only a test.
        """
        found: list[Any] = []
        frame: list[int] = []
        for at, payload in enumerate(payloads):
            try:
                whole, _ = _SALVAGE.raw_decode(payload.decode("utf-8", "replace").lstrip("\ufeff\t\n\r "))
            except (ValueError, RecursionError):
                continue
            if isinstance(whole, (dict, list)):
                found.append(whole)
                frame.append(at)
        numbers: dict[str, Floats] = {}
        texts: dict[str, Texts] = {}
        for source, kind in self._types.items():
            column = [_at_path(whole, source) for whole in found]
            if kind is _TEXT:
                texts[source] = column
            else:
                numbers[source] = np.array([_as_number(value) for value in column], dtype=np.float64)
        return Decoded(numbers, texts, np.array(frame, dtype=np.intp), [])

    def _decode_checked(self, payload: bytes) -> msgspec.Struct:
        payload.decode()
        return self._decode(payload)


class _Node:
    """One object or list of the tree: its struct, and where its values go."""

    def __init__(self, tree: dict[str, Any], path: str, types: Mapping[str, Any]) -> None:
        is_list = all(key.isdecimal() and key == str(int(key)) for key in tree)
        if is_list and max(map(int, tree)) >= LONGEST_LIST:
            raise ValueError(f"{path or 'the payload'}: lists are read up to element {LONGEST_LIST - 1}")
        keys = [str(n) for n in range(max(map(int, tree)) + 1)] if is_list else list(tree)
        self.sources: list[str] = []  # "" for a list element nobody asked for
        self.children: list[_Node | None] = []
        self.types = types
        fields: list[tuple[str, Any, Any]] = []
        for number, key in enumerate(keys):
            source = f"{path}.{key}" if path else key
            subtree = tree.get(key)
            child = _Node(subtree, source, types) if subtree else None
            self.sources.append(source if key in tree else "")
            self.children.append(child)
            fields.append((f"f{number}", *_field(child, types.get(source, Any))))
        rename = None if is_list else {f"f{number}": key for number, key in enumerate(keys)}
        # gc=False: rows hold scalars and one another, never a cycle, and live for one batch.
        self.struct = msgspec.defstruct("Row", fields, rename=rename, array_like=is_list, gc=False)
        self.empty = self.struct()
        self.is_flat = (
            all(self.sources) and not any(self.children) and all(types[source] is not _TEXT for source in self.sources)
        )

    def extract(self, rows: Iterable[msgspec.Struct], decoded: Decoded) -> None:
        """Turn structs into columns of ``decoded``, level by level."""
        values = list(chain.from_iterable(map(astuple, rows)))
        for place, (source, child) in enumerate(zip(self.sources, self.children, strict=True)):
            column = values[place :: len(self.sources)]
            if child is not None:
                child.extract([child.empty if value is None else value for value in column], decoded)
            elif self.types.get(source) is _TEXT:
                decoded.texts[source] = column
            elif source:
                decoded.numbers[source] = np.array(column, dtype=np.float64)  # None becomes NaN


def _types(profile: Profile) -> dict[str, Any]:
    """Say what each source may hold: a metric only numbers, a signal bools too, a text anything but objects."""
    types: dict[str, Any] = dict.fromkeys(profile.sources, _NUMBER)
    types.update((spec.source, _FLAG) for spec in profile.signals)
    types.update(dict.fromkeys(profile.text_sources, _TEXT))
    return types


def _field(child: _Node | None, kind: Any) -> tuple[Any, Any]:
    """Give type and default of a struct field."""
    if child is not None:
        empty = child.empty
        return child.struct | None, msgspec.field(default_factory=lambda: empty)
    return kind, _NAN if kind in {_NUMBER, _FLAG} else None


def _tree(sources: Iterable[str]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for source in sources:
        level = tree
        *parents, leaf = source.split(".")
        for key in parents:
            level = level.setdefault(key, {})
            if level is None:
                raise ValueError(f"{source}: {key} is already read as a value")
        if level.setdefault(leaf, None) is not None:
            raise ValueError(f"{source}: other fields are read from inside it")
    return tree


def _are_utf8(payloads: Sequence[bytes]) -> bool:
    """Whether every payload is UTF-8: msgspec does not look inside what it skips."""
    together = b"\n".join(payloads)  # no sequence of bytes can span a line end
    if together.isascii():
        return True
    try:
        together.decode()
    except UnicodeDecodeError:
        return False
    return True


def _refuse_infinite(decoded: Decoded) -> Decoded:
    """Refuse numbers written as text that say infinity; JSON itself has no way to write it."""
    infinite = np.zeros(len(decoded), dtype=np.bool_)
    for column in decoded.numbers.values():
        infinite |= np.isinf(column)
    return decoded.refuse(infinite, Reason.NOT_FINITE, "a number says infinity")


_CONSTANTS: Mapping[str, float | None] = {"NaN": None, "Infinity": math.inf, "-Infinity": -math.inf}
# float: an int of thousands of digits raises
_SALVAGE = json.JSONDecoder(parse_int=float, parse_constant=_CONSTANTS.__getitem__, strict=False)


def _at_path(value: Any, source: str) -> Scalar | None:
    """Find what stands at a path, where it is neither an object nor a list."""
    for key in source.split("."):
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value if isinstance(value, (str, float, bool)) else None


def _as_number(value: Scalar | None) -> float:
    """Read a number that may be written as text; NaN for nothing, infinity for anything else."""
    if isinstance(value, str):
        word = value.strip().lower()
        value = {"": _NAN, "true": 1.0, "false": 0.0}.get(word, word)
    try:
        return _NAN if value is None else float(value)
    except ValueError:
        return math.inf


class _NotFinite(ValueError):
    pass


def _refuse_constant(name: str) -> NoReturn:
    raise _NotFinite(name)


def _diagnose(payload: bytes, error: Exception) -> tuple[Reason, str]:
    """Find the reason for a payload msgspec would not take; msgspec stops at the first thing it does not like."""
    reason, detail = Reason.MALFORMED, str(error)
    try:
        text = payload.decode()
        json.loads(text, parse_constant=_refuse_constant, parse_int=float)
        if isinstance(error, msgspec.ValidationError):
            reason = Reason.NOT_FINITE if detail.startswith("Number out of range") else Reason.WRONG_TYPE
    except UnicodeDecodeError as fault:
        reason, detail = Reason.NOT_UTF8, f"byte {fault.start} is not UTF-8"
    except _NotFinite as constant:
        reason, detail = Reason.NOT_FINITE, f"{constant} where a number belongs"
    except RecursionError:
        detail = "nested too deeply"
    except ValueError as fault:
        detail = str(fault) if text.strip() else "the payload is empty"
    return reason, detail
