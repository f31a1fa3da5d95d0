"""Reads ``config/firesense.yaml``: where things are and how the daemon reaches them.

Paths are relative to the file they stand in. Any text may hold ``${NAME}`` (an environment variable) or
``${file:PATH}`` (the content of a file, for secrets; relative to systemd's credentials folder when there is one), so
that no secret has to stand in the file. Every fault is reported at once, and what was not found once, and not again as
a text that is no secret.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, ValidationError

from firesense.domain.errors import ConfigError, Fault
from firesense.settings.channels import (
    ChannelSettings,
    LogChannelSettings,
    LoudspeakerChannelSettings,
    MqttChannelSettings,
    at_the_broker,
)
from firesense.settings.fonts import fault_of_font
from firesense.settings.sections import (
    AlertingSettings,
    Broker,
    FigureSettings,
    Files,
    HistorySettings,
    JournalSettings,
    KeepSettings,
    QuarantineSettings,
    QuietSettings,
    ReadingSettings,
    RecordSettings,
    RollCallSettings,
    RosterSettings,
    TellingSettings,
    Tls,
    WatchSettings,
    WebSettings,
)
from firesense.yamlfile import Written, faults_of, path_of, read_yaml


class Settings(Written):
    """The whole file."""

    data: Path = Path("../data")
    language: Literal["zh", "en"] = "zh"
    zone: str = "Asia/Shanghai"
    files: Files = Files()
    brokers: tuple[Broker, ...] = (Broker(),)
    journal: JournalSettings = JournalSettings()
    quarantine: QuarantineSettings = QuarantineSettings()
    book: str = Field(
        default="", description="an SQLAlchemy URL (SQLite or PostgreSQL); empty: book.db in the data folder"
    )
    history: HistorySettings = HistorySettings()
    reading: ReadingSettings = ReadingSettings()
    alerting: AlertingSettings = AlertingSettings()
    record: RecordSettings = RecordSettings()
    quiet: QuietSettings = QuietSettings()
    channels: tuple[ChannelSettings, ...] = (LogChannelSettings(kind="log", name="log"),)
    telling: TellingSettings = TellingSettings()
    web: WebSettings = WebSettings()
    keep: KeepSettings = KeepSettings()
    watch: WatchSettings = WatchSettings()
    rollcalls: RollCallSettings = RollCallSettings()
    rosters: RosterSettings = RosterSettings()
    figures: FigureSettings = FigureSettings()


def load_settings(path: Path) -> Settings:
    """Read the settings; all paths come back absolute. Raises ConfigError with every fault."""
    settings, faults = read_settings(path)
    if faults:
        raise ConfigError(faults)
    return settings


def read_settings(path: Path) -> tuple[Settings, list[Fault]]:
    """Read what can be read of the settings, with all their faults; a section with a fault is as if it were not there.

    For whoever wants to look at the rest of the configuration all the same. Raises ConfigError when nothing can be.
    """
    data = read_yaml(path)
    if not isinstance(data, dict):
        raise ConfigError([Fault(str(path), "", "is empty or not a mapping of keys")])
    faults: list[Fault] = []
    sound: dict[str, Any] = {}
    filled = _filled(data, (), faults, path)
    missing = {fault.path for fault in faults}
    faulty = {_section(where) for where in missing}
    for key, value in filled.items():
        try:
            Settings.model_validate({key: value})
        except ValidationError as error:
            faults += [fault for fault in faults_of(error, str(path)) if fault.path not in missing]
        else:
            if key not in faulty:
                sound[key] = value
    settings = Settings.model_validate(sound)
    between = _cross_faults(settings, str(path))
    if "channels" in filled and "channels" not in sound:  # which channels there are, nobody can say then
        between = [fault for fault in between if not fault.path.startswith("rollcalls.channels")]
    faults += between
    if any(fault.path == "zone" for fault in between):
        settings = settings.model_copy(update={"zone": Settings().zone})
    settings = _settled(_absolute(settings, path.resolve().parent))
    if settings.figures.font is not None and (reason := fault_of_font(settings.figures.font)):
        faults.append(Fault(str(path), "figures.font", reason))
    return settings, faults


def _section(where: str) -> str:
    return re.split(r"[.\[]", where, maxsplit=1)[0]


_REFERENCE = re.compile(r"\$\{(file:)?([^}]+)\}")


def _filled(value: Any, where: tuple[int | str, ...], faults: list[Fault], file: Path) -> Any:
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
            secret = Path(os.environ.get("CREDENTIALS_DIRECTORY") or file.resolve().parent) / Path(name).expanduser()
            try:
                return secret.read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                why = (error.strerror if isinstance(error, OSError) else None) or error
                faults.append(Fault(str(file), path_of(where), f"cannot read the file {secret}: {why}"))
        elif name in os.environ:
            return os.environ[name]
        else:
            faults.append(Fault(str(file), path_of(where), f"the environment variable {name} is not set"))
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
    if not settings.brokers:
        faults.append(Fault(file, "brokers", "at least one is needed"))
    names = [channel.name for channel in settings.channels]
    faults += [
        Fault(file, f"rollcalls.channels[{i}]", f"there is no channel {name!r}")
        for i, name in enumerate(settings.rollcalls.channels)
        if name not in names
    ]
    try:
        ZoneInfo(settings.zone)
    except (ZoneInfoNotFoundError, ValueError):
        faults.append(Fault(file, "zone", f"there is no time zone {settings.zone!r}"))
    if settings.history.kind != "sqlite" and not settings.history.url:
        faults.append(Fault(file, "history.url", f"is needed for {settings.history.kind}"))
    if settings.history.kind == "influxdb2" and not settings.history.token.get_secret_value():
        faults.append(Fault(file, "history.token", "is needed for influxdb2"))
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


def _settled(settings: Settings) -> Settings:
    """Fill in what channels take from the first broker."""
    if not settings.brokers:
        return settings
    channels = tuple(
        at_the_broker(channel, settings.brokers[0]) if isinstance(channel, MqttChannelSettings) else channel
        for channel in settings.channels
    )
    return settings.model_copy(update={"channels": channels})


def _absolute(settings: Settings, folder: Path) -> Settings:
    """Make every path absolute: the configuration's from its own folder, the data's from the data folder."""

    def under(root: Path, path: Path) -> Path:
        return Path(os.path.normpath(root / path.expanduser()))

    data = under(folder, settings.data)
    files, figures = settings.files, settings.figures
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
                hazards=under(folder, files.hazards) if files.hazards else None,
                desk=under(folder, files.desk) if files.desk else None,
            ),
            "journal": settings.journal.model_copy(update={"file": under(data, settings.journal.file)}),
            "history": settings.history.model_copy(update={"file": under(data, settings.history.file)}),
            "figures": figures.model_copy(update={"font": under(folder, figures.font) if figures.font else None}),
            "book": settings.book or f"sqlite:///{data / 'book.db'}",
        }
    )


__all__ = [
    "Broker",
    "ChannelSettings",
    "Files",
    "LoudspeakerChannelSettings",
    "MqttChannelSettings",
    "QuietSettings",
    "RosterSettings",
    "Settings",
    "Tls",
    "WatchSettings",
    "load_settings",
    "read_settings",
]
