"""Reading from VictoriaMetrics: the raw samples of ``/api/v1/export``, averaged here.

Not by PromQL: it counts a sample twice that was written twice (as every batch after an outage is, unless the store
runs with ``-dedup.minScrapeInterval``), and its windows look back instead of starting at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from firesense.domain.errors import HistoryDown
from firesense.domain.instant import micros
from firesense.history.http import shortened
from firesense.history.line_protocol import portable
from firesense.history.series import averaged
from firesense.ports import Series

if TYPE_CHECKING:
    from datetime import timedelta

    from firesense.domain.columns import Floats, Instants
    from firesense.domain.device import Device
    from firesense.domain.instant import Instant
    from firesense.history.http import HttpStore
    from firesense.ports import Windows

_MILLISECOND: Instant = 1000


class _Exported(msgspec.Struct):
    values: list[float | None]
    timestamps: list[int]


class VictoriaExport:
    """Asks one store."""

    def __init__(self, http: HttpStore) -> None:
        self._http = http
        self._decode = msgspec.json.Decoder(_Exported).decode

    def raw(self, device: Device, column: str, start: Instant, end: Instant, most: int) -> Series:
        """See ports.History; the store keeps milliseconds, so times end in 000."""
        series = self._all(device, column, start, end)
        return Series(series.at[:most], series.values[:most])

    def windows(self, device: Device, column: str, start: Instant, end: Instant, every: timedelta) -> Windows:
        """See ports.History."""
        return averaged(self._all(device, column, start, end), micros(every))

    def _all(self, device: Device, column: str, start: Instant, end: Instant) -> Series:
        match = f"{{__name__={_text(f'{device.device_class}_{column}')},device={_text(portable(device.id))}}}"
        first, last = start // _MILLISECOND, -(-end // _MILLISECOND) - 1
        if last < first:
            return Series(np.empty(0, dtype=np.int64), np.empty(0))
        text = self._http.ask(
            "GET",
            "/api/v1/export",
            params={"match[]": match, "start": _seconds(first), "end": _seconds(last), "reduce_mem_usage": "1"},
        )
        try:
            blocks = [self._decode(line) for line in text.splitlines()]
        except msgspec.DecodeError as error:
            raise HistoryDown(f"the answer to an export is not VictoriaMetrics': {shortened(text)}") from error
        at = np.array([time for block in blocks for time in block.timestamps], dtype=np.int64)
        values = np.array([value for block in blocks for value in block.values], dtype=np.float64)
        return _once(at * _MILLISECOND, values)


def _once(at: Instants, values: Floats) -> Series:
    """Put samples in order of time, each time once: the one the store gave last."""
    order = np.argsort(at, kind="stable")
    at, values = at[order], values[order]
    last = np.ones(len(at), dtype=np.bool_)
    np.not_equal(at[1:], at[:-1], out=last[:-1])
    return Series(at[last], values[last])


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds // 1000}.{milliseconds % 1000:03d}"


def _text(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
