"""Readings -> line protocol, column by column (the schema: docs/history-schema.md).

Rows that say the same columns share one template, so a row costs one ``%`` of a tuple that ``zip`` makes from the
columns; nothing is looked up by name for each row. ``Point`` of influxdb-client costs about ten times as much.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from firesense.domain.readings import UNSAID

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from firesense.domain.columns import Floats, Offsets, Rows, Tristate
    from firesense.domain.device import Registry
    from firesense.domain.readings import Readings

    _Column = Floats | Tristate

PRECISION = "us"  # of every timestamp written: an instant as it is

# What would end or swallow a part of a line. The stores disagree about backslashes (InfluxDB keeps two of them,
# VictoriaMetrics makes them one, at the end they eat the separator), and none takes a line end inside a tag.
_PORTABLE = dict.fromkeys((*range(32), 0x7F, 0x85, 0x2028, 0x2029), " ") | {ord("\\"): "/"}
_ESCAPES = str.maketrans({",": "\\,", " ": "\\ ", "=": "\\="})


def portable(value: str) -> str:
    """Give a tag value as every store keeps it: backslashes as ``/``, control characters as spaces."""
    return value.encode("utf-8", "replace").decode().translate(_PORTABLE)


def escaped(value: str) -> str:
    """Write a tag value as line protocol wants it."""
    return portable(value).translate(_ESCAPES)


class _Prefixes(dict[int, str]):
    """Slot -> measurement and tags of its lines, made when a device is first heard."""

    def __init__(self, device_class: str, registry: Registry) -> None:
        super().__init__()
        self._class = device_class
        self._registry = registry

    def __missing__(self, slot: int) -> str:
        device = self._registry.at(self._class, slot)
        place = f",place={escaped(device.place)}" if device.place else ""
        prefix = self[slot] = f"{self._class},device={escaped(device.id)}{place}"
        return prefix


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
        names = [*metrics, *signals]
        columns: list[_Column] = [*metrics.values(), *signals.values()]
        formats = ["%r"] * len(metrics) + ["%di"] * len(signals)
        if said.all():
            return _lines(table, prefixes, names, columns, formats)
        texts = np.empty(len(table), dtype=object)
        for pattern, rows in _patterns(said):
            part = [i for i, spoken in enumerate(pattern) if spoken]
            texts[rows] = _lines(
                table, prefixes, [names[i] for i in part], [columns[i] for i in part], [formats[i] for i in part], rows
            )
        texts_in_order: list[str] = texts.tolist()
        return texts_in_order


def _lines(
    table: Readings,
    prefixes: _Prefixes,
    names: Sequence[str],
    columns: Sequence[_Column],
    formats: Sequence[str],
    rows: Rows | slice = slice(None),
) -> list[str]:
    fields = [f"{name}={form}" for name, form in zip(names, formats, strict=True)]
    template = f"%s {','.join([*fields, 'quality=%di'])} %d"
    return list(
        map(
            template.__mod__,
            zip(
                map(prefixes.__getitem__, table.slots[rows].tolist()),
                *(column[rows].tolist() for column in columns),
                table.quality[rows].tolist(),
                table.event_at[rows].tolist(),
                strict=True,
            ),
        )
    )


def _patterns(said: np.ndarray[tuple[int, int], np.dtype[np.bool_]]) -> list[tuple[list[bool], Rows]]:
    """Group rows by which columns they say: for each pattern in use the columns and the rows, in their order."""
    packed = np.ascontiguousarray(np.packbits(said, axis=0).T)
    keys = packed.view(np.dtype((np.void, packed.shape[1]))).ravel()
    _, first, which = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(which, kind="stable")
    edges = np.flatnonzero(np.diff(which[order])) + 1
    return [(said[:, i].tolist(), rows) for i, rows in zip(first, np.split(order, edges), strict=True)]
