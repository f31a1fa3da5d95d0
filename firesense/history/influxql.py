"""Reading by InfluxQL over ``/query``: InfluxDB 1.x, and InfluxDB 3, which kept that door."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from firesense.domain.errors import HistoryDown, HistoryRefused
from firesense.domain.instant import micros
from firesense.history.http import shortened
from firesense.history.line_protocol import portable
from firesense.history.series import raw_of, windows_of

if TYPE_CHECKING:
    from datetime import timedelta

    from firesense.domain.device import Device
    from firesense.domain.instant import Instant
    from firesense.history.http import HttpStore
    from firesense.ports import Series, Windows


class _Series(msgspec.Struct):
    values: list[list[Any]]


class _Result(msgspec.Struct):
    series: list[_Series] = []
    error: str = ""


class _Answer(msgspec.Struct):
    results: list[_Result]


class InfluxQL:
    """Asks one database of one store."""

    def __init__(self, http: HttpStore, database: str, retention_policy: str = "") -> None:
        self._http = http
        self._database = database
        self._policy = f"{_name(retention_policy)}." if retention_policy else ""

    def raw(self, device: Device, column: str, start: Instant, end: Instant, most: int) -> Series:
        """See ports.History."""
        if most < 1:
            return raw_of([])  # LIMIT 0 would mean no limit
        return raw_of(
            self._rows(f"SELECT {_name(column)} {self._source(device, start, end)} ORDER BY time ASC LIMIT {most}")
        )

    def windows(self, device: Device, column: str, start: Instant, end: Instant, every: timedelta) -> Windows:
        """See ports.History."""
        name = _name(column)
        rows = self._rows(
            f"SELECT MEAN({name}), MIN({name}), MAX({name}), COUNT({name}) {self._source(device, start, end)}"
            f" GROUP BY time({micros(every)}u) fill(none)"
        )
        return windows_of(rows)

    def _source(self, device: Device, start: Instant, end: Instant) -> str:
        return (
            f"FROM {self._policy}{_name(device.device_class)} WHERE device = {_text(portable(device.id))}"
            f" AND time >= {start}u AND time < {end}u"
        )

    def _rows(self, statement: str) -> list[list[Any]]:
        text = self._http.ask("GET", "/query", params={"db": self._database, "q": statement, "epoch": "u"})
        try:
            answer = msgspec.json.decode(text, type=_Answer)
        except msgspec.DecodeError as error:
            raise HistoryDown(f"the answer to a query is not InfluxDB's: {shortened(text)}") from error
        if fault := next((result.error for result in answer.results if result.error), ""):
            raise HistoryRefused(shortened(fault))
        return [row for result in answer.results for series in result.series for row in series.values]


def _name(word: str) -> str:
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
