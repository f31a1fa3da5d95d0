"""Reads ``config/firesense.yaml``: where things are and how the daemon reaches them.

Paths are relative to the file they stand in. Any text may hold ``${NAME}`` (an environment variable) or
``${file:PATH}`` (the content of a file, for secrets; relative to systemd's credentials folder when there is one), so
that no secret has to stand in the file. Every fault is reported at once.
"""

from __future__ import annotations

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError

from firesense.domain.errors import ConfigError, Fault
from firesense.yamlfile import Duration, Size, Written, faults_of, path_of, read_yaml

Port = Annotated[int, Field(ge=1, le=65535)]
Count = Annotated[int, Field(ge=1)]


class Tls(Written):
    """TLS to a broker; without ``ca_file`` the system's certificates are trusted."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    verify: bool = True


class Broker(Written):
    """One MQTT broker. Without ``filters`` the daemon subscribes to what the device profiles name."""

    name: str = Field(default="main", pattern=r"^[a-z0-9-]+$")
    protocol: Literal["mqtt5", "mqtt311"] = "mqtt5"
    host: str = "127.0.0.1"
    port: Port = 1883
    username: str = ""
    password: SecretStr = SecretStr("")
    client_id: str = Field(default="firesense", min_length=1)
    tls: Tls | None = None
    filters: tuple[str, ...] = ()
    shared_group: str = Field(default="", pattern=r"^[^/+#]*$")
    qos: Literal[0, 1] = 1
    keep_alive: Duration = timedelta(seconds=30)
    session_expiry: Duration = timedelta(days=7)
    receive_maximum: Annotated[int, Field(ge=1, le=65535)] = 2000
    batch_size: Count = 2000
    linger: Duration = timedelta(milliseconds=5)
    backlog: Count = 20_000
    backlog_bytes: Size = 32 * 2**20
    max_packet: Size = 2**20
    connect_timeout: Duration = timedelta(seconds=10)


class JournalSettings(Written):
    """How long frames are kept as they came; nothing a street has not read is ever dropped.

    A journal that holds ``most`` bytes, or whose disk has less than ``least_free`` left (or less than a twentieth of
    it, if that is less), takes no more frames: they stay with the broker.
    """

    file: Path = Path("journal.db")
    keep: Duration = timedelta(days=7)
    most: Size = 20 * 2**30
    least_free: Size = 256 * 2**20


class QuarantineSettings(Written):
    """How many frames that could not be used are kept with their bytes, and how many unknown devices are listed."""

    most: Count = 200_000
    most_bytes: Size = 256 * 2**20
    strangers: Count = 10_000


class WatchSettings(Written):
    """When the operator is told that something is wrong with firesense itself, and who may read its metrics.

    ``lag``: a street is behind by more than that. ``down``: the history store has taken nothing for so long.
    ``stuck``: a street has not moved for so long, so the process is not ready. ``port``: a listener of its own for
    metrics and health, which processes without the console need.
    """

    lag: Duration = timedelta(seconds=60)
    down: Duration = timedelta(seconds=60)
    stuck: Duration = timedelta(seconds=60)
    host: str = "127.0.0.1"
    port: Port | None = None
    token: SecretStr = SecretStr("")


class HistorySettings(Written):
    """The time-series store. ``sqlite`` needs no set-up; the others are reached over HTTP."""

    kind: Literal["sqlite", "influxdb1", "influxdb2", "influxdb3", "victoriametrics"] = "sqlite"
    file: Path = Path("history.db")
    keep: Duration = timedelta(days=366)  # GB/T 45839-2025 5.9.5: at least one year
    url: str = ""
    ca_file: str = ""
    database: str = "firesense"
    org: str = "firesense"
    bucket: str = "firesense"
    username: str = ""
    password: SecretStr = SecretStr("")
    token: SecretStr = SecretStr("")
    timeout: Duration = timedelta(seconds=10)
    go_back: Duration = timedelta(seconds=60)


class WebSettings(Written):
    """The console and the API. ``url`` is how people reach it: it goes into calls."""

    host: str = "127.0.0.1"
    port: Port = 8440
    url: str = ""
    secure_cookies: bool = False


class ReadingSettings(Written):
    """What is taken for late, early, or too large."""

    late_after: Duration = timedelta(minutes=10)
    future_tolerance: Duration = timedelta(minutes=5)
    max_payload: Size = 256 * 2**10


class AlertingSettings(Written):
    """How much of the journal is judged at once, and how often rule state is written down."""

    most: Count = 5000
    snapshot_every: Duration = timedelta(seconds=30)


class RecordSettings(Written):
    """How much of the journal is written to the history store at once."""

    most: Count = 5000


class Files(Written):
    """Where the rest of the configuration is."""

    profiles: Path = Path("../device_profiles")
    rules: Path = Path("rules.yaml")
    org: Path = Path("org.yaml")
    ladders: Path = Path("ladders.yaml")
    devices: Path | None = None
    calendars: Path | None = None


class LogChannelSettings(Written):
    """Calls as lines in the log; ``echo`` prints them as the person would read them."""

    kind: Literal["log"]
    name: str
    echo: bool = False


class MqttChannelSettings(Written):
    """Calls as JSON on a topic; ``{address}``, ``{place}`` and ``{class}`` in it are filled in."""

    kind: Literal["mqtt"]
    name: str
    host: str = "127.0.0.1"
    port: Port = 1883
    topic: str = "firesense/calls/{address}"
    username: str = ""
    password: SecretStr = SecretStr("")
    client_id: str = ""
    tls: Tls | None = None
    protocol: Literal["5", "3.1.1"] = "5"
    require_subscriber: bool = False
    timeout: Duration = timedelta(seconds=8)


class WebhookChannelSettings(Written):
    """Calls as signed HTTP posts to ``url``, or else to the person's address, whose host must be one of ``hosts``."""

    kind: Literal["webhook"]
    name: str
    secret: SecretStr
    url: str = ""
    hosts: tuple[str, ...] = ()
    allow_private: bool = False
    timeout: Duration = timedelta(seconds=10)
    ca_file: str = ""


class SmtpChannelSettings(Written):
    """Calls as e-mail."""

    kind: Literal["smtp"]
    name: str
    host: str
    sender: str
    port: Port = 587
    security: Literal["starttls", "tls", "plain"] = "starttls"
    username: str = ""
    password: SecretStr = SecretStr("")
    ca_file: str = ""
    timeout: Duration = timedelta(seconds=10)


class RobotChannelSettings(Written):
    """A group robot of DingTalk, WeCom or Feishu: docs/channels.md says what ``url`` and a person's address hold."""

    kind: Literal["dingtalk", "wecom", "feishu"]
    name: str
    url: SecretStr = SecretStr("")
    secret: SecretStr = SecretStr("")
    per_minute: Count = 20
    timeout: Duration = timedelta(seconds=10)
    ca_file: str = ""


class AppriseChannelSettings(Written):
    """Anything else apprise can reach; ``{address}`` in its ``url`` becomes the person's address."""

    kind: Literal["apprise"]
    name: str
    url: SecretStr = SecretStr("")


ChannelSettings = Annotated[
    LogChannelSettings
    | MqttChannelSettings
    | WebhookChannelSettings
    | SmtpChannelSettings
    | RobotChannelSettings
    | AppriseChannelSettings,
    Field(discriminator="kind"),
]


class Settings(Written):
    """The whole file."""

    data: Path = Path("../data")
    language: Literal["zh", "en"] = "zh"
    zone: str = "Asia/Shanghai"
    files: Files = Files()
    brokers: tuple[Broker, ...] = (Broker(),)
    journal: JournalSettings = JournalSettings()
    quarantine: QuarantineSettings = QuarantineSettings()
    book: str = Field(default="", description="an SQLAlchemy URL; empty: book.db in the data folder")
    history: HistorySettings = HistorySettings()
    reading: ReadingSettings = ReadingSettings()
    alerting: AlertingSettings = AlertingSettings()
    record: RecordSettings = RecordSettings()
    channels: tuple[ChannelSettings, ...] = (LogChannelSettings(kind="log", name="log"),)
    web: WebSettings = WebSettings()
    watch: WatchSettings = WatchSettings()


def load_settings(path: Path) -> Settings:
    """Read the settings; all paths come back absolute. Raises ConfigError with every fault."""
    data = read_yaml(path)
    if not isinstance(data, dict):
        raise ConfigError([Fault(str(path), "", "is empty or not a mapping of keys")])
    faults: list[Fault] = []
    data = _filled(data, (), faults, str(path))
    settings: Settings | None = None
    try:
        settings = Settings.model_validate(data)
    except ValidationError as error:
        faults += faults_of(error, str(path))
    else:
        faults += _cross_faults(settings, str(path))
    if faults or settings is None:
        raise ConfigError(faults)
    return _absolute(settings, path.resolve().parent)


_REFERENCE = re.compile(r"\$\{(file:)?([^}]+)\}")


def _filled(value: Any, where: tuple[int | str, ...], faults: list[Fault], file: str) -> Any:
    """Replace ``${...}`` in every text, however deep."""
    if isinstance(value, dict):
        return {key: _filled(item, (*where, str(key)), faults, file) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, (*where, i), faults, file) for i, item in enumerate(value)]
    if not isinstance(value, str):
        return value

    def fill(found: re.Match[str]) -> str:
        name = found[2]
        if found[1]:
            secret = Path(os.environ.get("CREDENTIALS_DIRECTORY", ".")) / name
            try:
                return secret.read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                faults.append(Fault(file, path_of(where), f"cannot read the file {name}: {error}"))
        elif name in os.environ:
            return os.environ[name]
        else:
            faults.append(Fault(file, path_of(where), f"the environment variable {name} is not set"))
        return found[0]

    return _REFERENCE.sub(fill, value)


def _cross_faults(settings: Settings, file: str) -> list[Fault]:
    """Find what single fields cannot know."""
    faults: list[Fault] = []
    for key, names in (
        ("brokers", [broker.name for broker in settings.brokers]),
        ("channels", [channel.name for channel in settings.channels]),
    ):
        faults += [
            Fault(file, f"{key}[{i}].name", f"{name!r} is given twice")
            for i, name in enumerate(names)
            if name in names[:i]
        ]
    try:
        ZoneInfo(settings.zone)
    except (ZoneInfoNotFoundError, ValueError):
        faults.append(Fault(file, "zone", f"there is no time zone {settings.zone!r}"))
    if settings.history.kind != "sqlite" and not settings.history.url:
        faults.append(Fault(file, "history.url", f"is needed for {settings.history.kind}"))
    faults += [
        Fault(file, path, f"{url!r} is not an address such as http://127.0.0.1:8086")
        for path, url in (("history.url", settings.history.url), ("web.url", settings.web.url))
        if url and not _is_http(url)
    ]
    if settings.reading.max_payload >= min((broker.max_packet for broker in settings.brokers), default=2**40):
        faults.append(Fault(file, "reading.max_payload", "must be smaller than every broker's max_packet"))
    return faults


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def _absolute(settings: Settings, folder: Path) -> Settings:
    """Make every path absolute: the configuration's from its own folder, the data's from the data folder."""

    def under(root: Path, path: Path) -> Path:
        return Path(os.path.normpath(root / path.expanduser()))

    data = under(folder, settings.data)
    files = settings.files
    return settings.model_copy(
        update={
            "data": data,
            "files": Files(
                profiles=under(folder, files.profiles),
                rules=under(folder, files.rules),
                org=under(folder, files.org),
                ladders=under(folder, files.ladders),
                devices=under(folder, files.devices) if files.devices else None,
                calendars=under(folder, files.calendars) if files.calendars else None,
            ),
            "journal": settings.journal.model_copy(update={"file": under(data, settings.journal.file)}),
            "history": settings.history.model_copy(update={"file": under(data, settings.history.file)}),
            "book": settings.book or f"sqlite:///{data / 'book.db'}",
        }
    )
