"""Settings -> the adapters behind the ports. The only place that knows every implementation."""

from __future__ import annotations

import os
from contextlib import contextmanager
from time import time_ns
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from firesense.book import SqlBook, read_address
from firesense.domain.errors import BookError, ConfigError, Fault
from firesense.history import InfluxV1History, InfluxV2History, InfluxV3History, SqliteHistory, VictoriaMetricsHistory
from firesense.journal import SqliteJournal
from firesense.notify import CHANNELS
from firesense.reader import Reader, subscriptions
from firesense.settings import LoudspeakerChannelSettings, MqttChannelSettings
from firesense.transport import TRANSPORTS, MqttOptions, TlsOptions

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from pydantic import BaseModel

    from firesense.domain.instant import Instant
    from firesense.domain.plan import Plan
    from firesense.ports import Channel, Clock, History, Transport
    from firesense.settings import Settings, Tls


class RealClock:
    """The machine's clock."""

    def now(self) -> Instant:
        """Microseconds since the epoch."""
        return time_ns() // 1000


@contextmanager
def open_journal(settings: Settings) -> Iterator[SqliteJournal]:
    """Open the journal, and close it after. Raises JournalError."""
    settings.journal.file.parent.mkdir(parents=True, exist_ok=True)
    limits = settings.journal
    journal = SqliteJournal(limits.file, most_bytes=limits.most, least_free=limits.least_free)
    try:
        yield journal
    finally:
        journal.close()


@contextmanager
def open_book(settings: Settings) -> Iterator[SqlBook]:
    """Open the book, and close it after. Raises BookError."""
    settings.data.mkdir(parents=True, exist_ok=True)
    book = SqlBook(settings.book)
    try:
        yield book
    finally:
        book.close()


@contextmanager
def open_history(settings: Settings) -> Iterator[History]:
    """Open the history store, and close it after; a store over HTTP is not asked anything yet."""
    history = _history(settings)
    try:
        yield history
    finally:
        history.close()


def _history(settings: Settings) -> History:
    wanted = settings.history
    password, token = wanted.password.get_secret_value(), wanted.token.get_secret_value()
    match wanted.kind:
        case "influxdb1":
            return InfluxV1History(
                wanted.url,
                wanted.database,
                wanted.username,
                password,
                timeout=wanted.timeout,
                ca_file=wanted.ca_file,
            )
        case "influxdb2":
            return InfluxV2History(
                wanted.url, wanted.org, wanted.bucket, token, timeout=wanted.timeout, ca_file=wanted.ca_file
            )
        case "influxdb3":
            return InfluxV3History(wanted.url, wanted.database, token, timeout=wanted.timeout, ca_file=wanted.ca_file)
        case "victoriametrics":
            return VictoriaMetricsHistory(wanted.url, token, timeout=wanted.timeout, ca_file=wanted.ca_file)
        case "sqlite":
            wanted.file.parent.mkdir(parents=True, exist_ok=True)
            return SqliteHistory(wanted.file, wanted.keep)


class Readers:
    """Makes readers by the settings; those of one plan share what they learn of topics: it is a lot to hold twice."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._latest: tuple[Plan | None, dict[str, int]] = (None, {})

    def __call__(self, plan: Plan, only: Mapping[str, Collection[str]] | None = None) -> Reader:
        """Make one more reader of a plan, of ``only`` some columns; from any thread."""
        of, routes = self._latest
        if of is not plan:
            routes = {}
            self._latest = (plan, routes)
        return make_reader(self._settings, plan, routes, only)


def make_reader(
    settings: Settings,
    plan: Plan,
    routes: dict[str, int] | None = None,
    only: Mapping[str, Collection[str]] | None = None,
) -> Reader:
    """Make the reader of a plan, with the limits of the settings; see there for ``routes`` and ``only``."""
    return Reader(
        plan.profiles,
        plan.registry,
        max_payload=settings.reading.max_payload,
        late_after=settings.reading.late_after,
        future_tolerance=settings.reading.future_tolerance,
        routes=routes,
        only=only,
    )


def make_transports(settings: Settings, plan: Plan, clock: Clock) -> list[Transport]:
    """Make a transport for every broker. Raises ConfigError with all that can never work."""
    transports: list[Transport] = []
    faults: list[Fault] = []
    for broker in settings.brokers:
        values = _plain(broker)
        protocol = values.pop("protocol")
        values["filters"] = broker.filters or subscriptions(plan.profiles.values())
        values["tls"] = _tls(broker.tls)
        options = MqttOptions(**values)
        faults += options.faults()
        transports.append(TRANSPORTS[protocol](options, clock))
    if faults:
        raise ConfigError(faults)
    return transports


def place_faults(settings: Settings) -> list[Fault]:
    """What is wrong with where the daemon wants to keep its things."""
    faults: list[Fault] = []
    try:
        read_address(settings.book)
    except BookError as error:
        faults.append(Fault("", "book", str(error)))
    folder = settings.data
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        faults.append(Fault("", "data", f"{folder} is not a folder that can be written to"))
    return faults


def make_channels(settings: Settings, clock: Clock) -> dict[str, Channel]:
    """Make every channel by its name. Raises ConfigError with every fault of their options."""
    channels: dict[str, Channel] = {}
    faults: list[Fault] = []
    for i, channel in enumerate(settings.channels):
        technology = CHANNELS[channel.kind]
        values = _plain(channel)
        del values["kind"]
        try:
            if isinstance(channel, (MqttChannelSettings, LoudspeakerChannelSettings)):
                values["tls"] = tls.context() if (tls := _tls(channel.tls)) else None
            channels[channel.name] = technology.make(technology.options(**values), clock)
        except ConfigError as error:
            faults += [Fault("", f"channels[{i}].{fault.path}", fault.reason) for fault in error.faults]
        except OSError as error:
            faults.append(Fault("", f"channels[{i}].tls", f"a certificate or key cannot be used: {error}"))
    if faults:
        raise ConfigError(faults)
    return channels


def _tls(wanted: Tls | None) -> TlsOptions | None:
    return TlsOptions(**_plain(wanted)) if wanted else None


def _plain(shape: BaseModel) -> dict[str, Any]:
    """The fields of a shape by name, secrets unwrapped, shapes inside it left as they are."""
    return {name: _open(value) for name, value in shape}


def _open(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _open(item) for name, item in value.items()}
    return value.get_secret_value() if isinstance(value, SecretStr) else value
