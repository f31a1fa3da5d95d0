"""Reading by Flux over ``/api/v2/query``: InfluxDB 2.x."""

from __future__ import annotations

import csv
from datetime import datetime
from io import StringIO
from typing import TYPE_CHECKING

from firesense.domain.errors import HistoryDown, HistoryRefused
from firesense.domain.instant import instant, iso, micros
from firesense.history.http import shortened
from firesense.history.line_protocol import portable
from firesense.history.series import raw_of, windows_of

if TYPE_CHECKING:
    from datetime import timedelta

    from firesense.domain.device import Device
    from firesense.domain.instant import Instant
    from firesense.history.http import HttpStore
    from firesense.ports import Series, Windows

_AGGREGATES = ("mean", "min", "max", "count")


class Flux:
    """Asks one bucket of one organisation."""

    def __init__(self, http: HttpStore, org: str, bucket: str) -> None:
        self._http = http
        self._org = org
        self._bucket = bucket

    def raw(self, device: Device, column: str, start: Instant, end: Instant, most: int) -> Series:
        """See ports.History."""
        if most < 1 or start >= end:
            return raw_of([])  # both are errors in Flux
        tables = self._tables(
            f'{self._points(device, column, start, end)}|> sort(columns: ["_time"]) |> limit(n: {most})'
        )
        return raw_of([(at, value) for _, at, value in tables])

    def windows(self, device: Device, column: str, start: Instant, end: Instant, every: timedelta) -> Windows:
        """See ports.History."""
        if start >= end:
            return windows_of([])
        width = micros(every)
        # A column of our own says which is which: whether "result" does depends on the dialect.
        yields = "\n".join(
            f'points |> aggregateWindow(every: {width}us, fn: {name}, timeSrc: "_start", createEmpty: false)'
            f' |> set(key: "aggregate", value: "{name}") |> yield(name: "{name}")'
            for name in _AGGREGATES
        )
        tables = self._tables(f"points = {self._points(device, column, start, end)}\n{yields}")
        rows: dict[Instant, dict[str, float]] = {}
        for name, at, value in tables:
            rows.setdefault(at // width * width, {})[name] = value  # the first window begins at the range's start
        return windows_of([(at, *(rows[at][name] for name in _AGGREGATES)) for at in sorted(rows)])

    def _points(self, device: Device, column: str, start: Instant, end: Instant) -> str:
        # toFloat before group: the tables of one group must not differ in type.
        return (
            f"from(bucket: {_text(self._bucket)})\n"
            f"  |> range(start: {iso(start)}, stop: {iso(end)})\n"
            f"  |> filter(fn: (r) => r._measurement == {_text(device.device_class)}"
            f" and r.device == {_text(portable(device.id))} and r._field == {_text(column)})\n"
            f"  |> toFloat() |> group()\n"
        )

    def _tables(self, query: str) -> list[tuple[str, Instant, float]]:
        """Rows as (aggregate, time, value)."""
        text = self._http.ask(
            "POST",
            "/api/v2/query",
            params={"org": self._org},
            json={"query": query, "type": "flux", "dialect": {"header": True, "annotations": []}},
            headers={"Accept": "text/csv"},
        )
        rows: list[tuple[str, Instant, float]] = []
        header: list[str] = []
        for cells in csv.reader(StringIO(text)):
            if "_value" in cells or "error" in cells[:2]:
                header = cells
            elif any(cells):
                row = dict(zip(header, cells, strict=False))
                if row.get("error"):
                    raise HistoryRefused(shortened(row["error"]))
                try:
                    at = instant(datetime.fromisoformat(row["_time"]))
                    rows.append((row.get("aggregate", ""), at, float(row["_value"])))
                except (KeyError, ValueError) as error:
                    raise HistoryDown(f"the answer to a query is not InfluxDB's: {shortened(text)}") from error
        return rows


def _text(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("${", "\\${") + '"'
