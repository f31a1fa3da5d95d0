"""Histories in stores that take line protocol: InfluxDB 1.x, 2.x and 3, VictoriaMetrics.

All write the same lines by the same rules (delivery.py); they differ in the door for writing and in how they are
read. None tries again by itself: that is for the street, which has the journal to go back to.
"""

from __future__ import annotations

import gzip
from datetime import timedelta
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from firesense.domain.errors import HistoryDown
from firesense.history.delivery import deliver
from firesense.history.flux import Flux
from firesense.history.http import Answer, HttpStore
from firesense.history.influxql import InfluxQL
from firesense.history.line_protocol import PRECISION, LineWriter
from firesense.history.victoria import VictoriaExport

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from firesense.domain.device import Device, Registry
    from firesense.domain.instant import Instant
    from firesense.domain.readings import Readings
    from firesense.ports import Series, Windows

TIMEOUT = timedelta(seconds=10)
_LEVEL = 1  # of gzip: 0.8 us a line for a fifth of the bytes; level 9, influxdb-client's, takes 5 us and gains a tenth


class _Door(Protocol):
    @property
    def connections(self) -> int: ...

    def send(self, body: bytes) -> Answer: ...

    def close(self) -> None: ...


class _Reader(Protocol):
    def raw(self, device: Device, column: str, start: Instant, end: Instant, most: int) -> Series: ...

    def windows(self, device: Device, column: str, start: Instant, end: Instant, every: timedelta) -> Windows: ...


class _V1Door:
    """``/write`` of InfluxDB 1.x."""

    def __init__(self, http: HttpStore, database: str, retention_policy: str, *, compress: bool) -> None:
        self._http = http
        self._params = {"db": database, "precision": "u"} | ({"rp": retention_policy} if retention_policy else {})
        self._headers = {"Content-Type": "text/plain; charset=utf-8"} | (
            {"Content-Encoding": "gzip"} if compress else {}
        )
        self._compress = compress
        self.connections = 0

    def send(self, body: bytes) -> Answer:
        content = gzip.compress(body, _LEVEL) if self._compress else body
        return self._http.request(
            "POST",
            "/write",
            params=self._params,
            headers=self._headers,
            content=content,
            extensions={"trace": self._count},
        )

    def _count(self, event: str, _: object) -> None:
        self.connections += event == "connection.connect_tcp.complete"

    def close(self) -> None:
        self._http.close()


class _V2Door:
    """``/api/v2/write`` by influxdb-client: one synchronous request a call, bytes as they are."""

    def __init__(
        self, url: str, org: str, bucket: str, token: str, timeout: timedelta, ca_file: str, *, compress: bool
    ) -> None:
        # Imported here: it takes most of a second and 15 MB, which only who needs it should pay.
        influx, rest, urllib3 = map(import_module, ("influxdb_client", "influxdb_client.rest", "urllib3.exceptions"))
        self._client = influx.InfluxDBClient(
            url,
            token,
            timeout=round(timeout.total_seconds() * 1000),
            org=org,
            ssl_ca_cert=ca_file or None,
            retries=False,
        )
        self._service = influx.WriteService(self._client.api_client)
        self._refusal = rest.ApiException
        self._broken = (urllib3.HTTPError, OSError, UnicodeDecodeError)
        self._query: dict[str, Any] = {"org": org, "bucket": bucket, "precision": PRECISION}
        if compress:
            self._query["content_encoding"] = "gzip"
        self._compress = compress
        self.connections = 0
        pool = self._client.api_client.rest_client.pool_manager.connection_from_url(url)
        pool.ConnectionCls = partial(self._counted, pool.ConnectionCls)

    def _counted(self, make: Callable[..., Any], **options: Any) -> Any:
        """Count how often a connection of urllib3 is made: it opens a dropped one again without a word."""
        connection = make(**options)
        connect = connection.connect

        def counting() -> None:
            connect()
            self.connections += 1

        connection.connect = counting
        return connection

    def send(self, body: bytes) -> Answer:
        content = gzip.compress(body, _LEVEL) if self._compress else body
        try:
            _, status, _ = self._service.post_write_with_http_info(body=content, **self._query)
        except self._refusal as refusal:
            if not refusal.status:  # TLS
                raise HistoryDown(str(refusal.reason)) from refusal
            headers = {name.lower(): value for name, value in (refusal.headers or {}).items()}
            return Answer(refusal.status, headers, refusal.body or "")
        except self._broken as error:
            raise HistoryDown(f"{type(error).__name__}: {error}") from error
        return Answer(status, {}, "")

    def close(self) -> None:
        self._client.close()


class _LineHistory:
    """What all of them share; see ports.History."""

    def __init__(self, http: HttpStore, door: _Door, reader: _Reader) -> None:
        self._http = http
        self._door = door
        self._reader = reader
        self._lines = LineWriter()

    def write(self, tables: Sequence[Readings], registry: Registry) -> dict[int, str]:
        """Write readings, from one thread at a time; see the port."""
        return deliver(self._lines.write(tables, registry), self._door.send)

    @property
    def connections(self) -> int:
        """How many connections were made for writing; see the port."""
        return self._door.connections

    def raw(self, device: Device, column: str, start: Instant, end: Instant, most: int = 10_000) -> Series:
        """Points of a column; see the port."""
        return self._reader.raw(device, column, start, end, most)

    def windows(self, device: Device, column: str, start: Instant, end: Instant, every: timedelta) -> Windows:
        """Windows of a column; see the port."""
        return self._reader.windows(device, column, start, end, every)

    def close(self) -> None:
        """Close the connections."""
        self._door.close()
        self._http.close()


class InfluxV1History(_LineHistory):
    """A database of InfluxDB 1.x, written by ``/write`` and read by InfluxQL. The database has to exist."""

    def __init__(
        self,
        url: str,
        database: str,
        username: str = "",
        password: str = "",
        *,
        retention_policy: str = "",
        timeout: timedelta = TIMEOUT,
        compress: bool = True,
        ca_file: str = "",
    ) -> None:
        """Make the connections ready; nothing is asked of the store yet."""
        login = (username, password) if username else None
        http = HttpStore(url, timeout, {}, login, ca_file)
        # Writing has connections of its own: one that a chart opened would hide that the store was restarted.
        writing = HttpStore(url, timeout, {}, login, ca_file)
        door = _V1Door(writing, database, retention_policy, compress=compress)
        super().__init__(http, door, InfluxQL(http, database, retention_policy))


class InfluxV2History(_LineHistory):
    """A bucket of InfluxDB 2.x, written by ``/api/v2/write`` and read by Flux."""

    def __init__(
        self,
        url: str,
        org: str,
        bucket: str,
        token: str,
        *,
        timeout: timedelta = TIMEOUT,
        compress: bool = True,
        ca_file: str = "",
    ) -> None:
        """Make the connections ready; nothing is asked of the store yet."""
        http = _with_token(url, token, timeout, ca_file)
        door = _V2Door(url, org, bucket, token, timeout, ca_file, compress=compress)
        super().__init__(http, door, Flux(http, org, bucket))


class InfluxV3History(_LineHistory):
    """A database of InfluxDB 3, written by ``/api/v2/write`` and read by InfluxQL."""

    def __init__(
        self,
        url: str,
        database: str,
        token: str,
        *,
        timeout: timedelta = TIMEOUT,
        compress: bool = True,
        ca_file: str = "",
    ) -> None:
        """Make the connections ready; nothing is asked of the store yet."""
        http = _with_token(url, token, timeout, ca_file)
        door = _V2Door(url, "", database, token, timeout, ca_file, compress=compress)
        super().__init__(http, door, InfluxQL(http, database))


class VictoriaMetricsHistory(_LineHistory):
    """VictoriaMetrics, written by ``/api/v2/write`` and read by ``/api/v1/export``; times are kept to the millisecond.

    Run it with ``-dedup.minScrapeInterval=1ms``, so that a point written twice is one point for every reader.
    """

    def __init__(
        self, url: str, token: str = "", *, timeout: timedelta = TIMEOUT, compress: bool = True, ca_file: str = ""
    ) -> None:
        """Make the connections ready; nothing is asked of the store yet."""
        http = _with_token(url, token, timeout, ca_file)
        door = _V2Door(url, "", "firesense", token, timeout, ca_file, compress=compress)
        super().__init__(http, door, VictoriaExport(http))


def _with_token(url: str, token: str, timeout: timedelta, ca_file: str) -> HttpStore:
    return HttpStore(url, timeout, {"Authorization": f"Token {token}"} if token else {}, None, ca_file)
