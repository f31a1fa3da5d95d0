"""Readings -> line protocol, column by column (the schema: docs/history-schema.md).

Numbers are written a column at a time, and the signals and the quality of a row as one text of the few there are. Rows
that say the same columns share one template, so a row costs one ``%`` of a tuple that ``zip`` makes of these texts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from firesense.domain.readings import UNSAID

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from firesense.domain.columns import Flags, Floats, Instants, Offsets, Rows, Slots, Tristate
    from firesense.domain.device import Registry
    from firesense.domain.readings import Readings

PRECISION = "us"  # of every timestamp written: an instant as it is

# What would end or swallow a part of a line. The stores disagree about backslashes (InfluxDB keeps two of them,
# VictoriaMetrics makes them one, at the end they eat the separator), and none takes a line end inside a tag.
_PORTABLE = dict.fromkeys((*range(32), 0x7F, 0x85, 0x2028, 0x2029), " ") | {ord("\\"): "/"}
_ESCAPES = str.maketrans({",": "\\,", " ": "\\ ", "=": "\\="})
_PLAIN = re.compile(r"[\w.:/@-]*", re.ASCII).fullmatch  # nothing to escape: nearly every name there is
_ENCODE = msgspec.json.Encoder().encode


def portable(value: str) -> str:
    """Give a tag value as every store keeps it: backslashes as ``/``, control characters as spaces."""
    return value.encode("utf-8", "replace").decode().translate(_PORTABLE)


def escaped(value: str) -> str:
    """Write a tag value as line protocol wants it."""
    return value if _PLAIN(value) else portable(value).translate(_ESCAPES)


class _Prefixes:
    """Measurement and tags of the lines of each device of a class, by slot; made when a device is first heard."""

    def __init__(self, device_class: str, registry: Registry) -> None:
        self._class = device_class
        self._registry = registry
        self._texts = [""] * registry.size(device_class)

    def of(self, slots: Slots) -> list[str]:
        """Give the prefix of each slot. Raises KeyError for one that is not registered."""
        if int(slots.max(initial=0)) >= len(self._texts):
            raise KeyError(int(slots.max()))
        wanted = slots.tolist()
        texts = list(map(self._texts.__getitem__, wanted))
        if "" in texts:
            for row, text in enumerate(texts):
                if not text:
                    texts[row] = self._texts[wanted[row]] = self._prefix(wanted[row])
        return texts

    def _prefix(self, slot: int) -> str:
        device = self._registry.at(self._class, slot)
        place = f",place={escaped(device.place)}" if device.place else ""
        return f"{self._class},device={escaped(device.id)}{place}"


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """n lines without their ends, and the journal offset each came from."""

    texts: list[str]
    offsets: Offsets

    def body(self, first: int, last: int) -> bytes:
        """Lines ``first`` to ``last`` as one request body."""
        return "\n".join(self.texts[first:last]).encode()

    def __len__(self) -> int:
        """Count the lines."""
        return len(self.texts)


class LineWriter:
    """Writes tables as lines; keeps the prefixes of a registry until it is given another one."""

    def __init__(self) -> None:
        self._registry: Registry | None = None
        self._prefixes: dict[str, _Prefixes] = {}

    def write(self, tables: Iterable[Readings], registry: Registry) -> Lines:
        """Write all rows, table by table, in their order. Raises KeyError for a slot that is not registered."""
        if registry is not self._registry:
            self._registry, self._prefixes = registry, {}
        texts: list[str] = []
        offsets: list[Offsets] = []
        for table in tables:
            if len(table):
                texts += self._table(table, registry)
                offsets.append(table.offsets)
        return Lines(texts, np.concatenate(offsets) if offsets else np.empty(0, dtype=np.int64))

    def _table(self, table: Readings, registry: Registry) -> list[str]:
        device_class = table.device_class
        if (prefixes := self._prefixes.get(device_class)) is None:
            prefixes = self._prefixes[device_class] = _Prefixes(device_class, registry)
        metrics, signals = table.metrics, table.signals
        said = np.empty((len(metrics) + len(signals), len(table)), dtype=np.bool_)
        for row, metric in zip(said, metrics.values(), strict=False):
            np.isfinite(metric, out=row)
        for row, signal in zip(said[len(metrics) :], signals.values(), strict=True):
            np.not_equal(signal, UNSAID, out=row)
        starts = prefixes.of(table.slots)
        if said.all():
            return _lines(starts, metrics, signals, table.quality, table.event_at)
        texts = np.empty(len(table), dtype=object)
        for pattern, rows in _patterns(said):
            spoken = {name for name, speaks in zip((*metrics, *signals), pattern, strict=True) if speaks}
            texts[rows] = _lines(
                [starts[row] for row in rows.tolist()],
                {name: column[rows] for name, column in metrics.items() if name in spoken},
                {name: column[rows] for name, column in signals.items() if name in spoken},
                table.quality[rows],
                table.event_at[rows],
            )
        texts_in_order: list[str] = texts.tolist()
        return texts_in_order


def _lines(
    starts: list[str],
    metrics: Mapping[str, Floats],
    signals: Mapping[str, Tristate],
    quality: Flags,
    event_at: Instants,
) -> list[str]:
    """Write rows that all say all of these columns."""
    template = f"%s {','.join([*(f'{name}=%s' for name in metrics), '%s'])} %s"
    columns = map(_numbers, metrics.values())
    return list(
        map(
            template.__mod__,
            zip(starts, *columns, _conditions(signals, quality), _numbers(event_at), strict=True),
        )
    )


def _numbers(column: Floats | Instants) -> list[str]:
    """Write each number in the fewest digits that give it back; msgspec does so five times as quickly as repr."""
    return _ENCODE(column.tolist())[1:-1].decode().split(",")


def _conditions(signals: Mapping[str, Tristate], quality: Flags) -> list[str]:
    """Write the signals and the quality of each row; rows differ in few ways, and each is written once."""
    codes = quality.astype(np.int64)
    for signal in signals.values():
        codes = codes << 1 | signal
    ways, which = np.unique(codes, return_inverse=True)
    texts = []
    for code in ways.tolist():
        bits = reversed([code >> place & 1 for place in range(len(signals))])
        fields = [f"{name}={bit}i" for name, bit in zip(signals, bits, strict=True)]
        texts.append(",".join([*fields, f"quality={code >> len(signals)}i"]))
    return list(map(texts.__getitem__, which.tolist()))


def _patterns(said: np.ndarray[tuple[int, int], np.dtype[np.bool_]]) -> list[tuple[list[bool], Rows]]:
    """Group rows by which columns they say: for each pattern in use the columns and the rows, in their order."""
    packed = np.ascontiguousarray(np.packbits(said, axis=0).T)
    keys = packed.view(np.dtype((np.void, packed.shape[1]))).ravel()
    _, first, which = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(which, kind="stable")
    edges = np.flatnonzero(np.diff(which[order])) + 1
    return [(said[:, i].tolist(), rows) for i, rows in zip(first, np.split(order, edges), strict=True)]
