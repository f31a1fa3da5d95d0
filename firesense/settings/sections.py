"""The sections of the settings, but for the channels: shapes, defaults, and what single fields must hold."""

from __future__ import annotations

from datetime import time, timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator

from firesense.domain.alert import AlertClass
from firesense.domain.escalation import Hours
from firesense.domain.figures import Stage, Targets
from firesense.domain.place import STATIONS
from firesense.domain.quiet_hours import SPAN
from firesense.domain.rollcall import RollCalling
from firesense.yamlfile import Duration, Size, Written

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
    host: str = Field(default="127.0.0.1", min_length=1)
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


class FloodSettings(Written):
    """When one person has more alerts than anybody can read one by one (EEMUA 191), and how far apart bundles are."""

    more_than: Count = 10
    within: Duration = timedelta(minutes=10)
    until: Count = 5
    every: Duration = timedelta(minutes=5)


class TellingSettings(Written):
    """How people are told what is not about a fire.

    ``apart``: messages for one address keep that much apart, what comes in between becomes one message. ``quiet``:
    role -> hours of the local day in which its holders are left alone, beside those of each person. ``links``: how long
    the link and the code of a call can be used to take its alert.
    """

    apart: Duration = timedelta(seconds=30)
    flood: FloodSettings = FloodSettings()
    links: Duration = timedelta(hours=12)
    quiet: dict[str, Annotated[str, Field(pattern=SPAN)]] = Field(default_factory=dict)


class RollCallSettings(Written):
    """Roll calls (查岗): at which posts (``station-duty``, or at one place: ``station-duty@990100``), how often a day.

    ``hours`` of the local day may pass midnight. Nobody's answer ``within`` that time goes to the role ``above``.
    """

    posts: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    times: Annotated[int, Field(ge=1, le=48)] = 1
    hours: Annotated[str, Field(pattern=SPAN, min_length=1)] = "08:00-20:00"
    within: Duration = timedelta(minutes=3)
    above: str = "operator"
    channels: tuple[str, ...] = ()

    @field_validator("within")
    @classmethod
    def _answerable(cls, within: timedelta) -> timedelta:
        if not timedelta(seconds=10) <= within <= timedelta(hours=1):
            raise ValueError("must be from 10s to 1h")
        return within

    @property
    def calling(self) -> RollCalling:
        """The same in the words of the house."""
        first, last = (time.fromisoformat(part) for part in self.hours.split("-"))
        hours = Hours(*(timedelta(hours=at.hour, minutes=at.minute) for at in (first, last)))
        return RollCalling(self.posts, self.times, hours, self.within, self.above, self.channels)


class RosterSettings(Written):
    """``stations``: the roles of those at a station, of whom one is too few; the coverage check looks for that."""

    stations: tuple[Annotated[str, Field(min_length=1)], ...] = tuple(sorted(STATIONS))


class FigureSettings(Written):
    """How long each step may take before the figures call it late: class -> step -> time; the rest stays as it is.

    ``chatters``: so many trips of one alert are chatter. ``font``: the TrueType font that PDFs are set in and carry.
    """

    targets: dict[AlertClass, dict[Stage, Duration]] = Field(default_factory=dict)
    chatters: Annotated[int, Field(ge=2)] = 3
    font: Path | None = None

    @property
    def within(self) -> Targets:
        """The same in the words of the house."""
        usual = Targets().within
        return Targets(
            {kind: {**usual.get(kind, {}), **self.targets.get(kind, {})} for kind in AlertClass}, self.chatters
        )


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


class QuietSettings(Written):
    """How long people may ask for quiet, and how long before its end they are reminded.

    What a walk test made a test and still says fire ``walk_test_grace`` after its end is a fire. All are own defaults.
    """

    maintenance: Duration = timedelta(hours=8)
    shelved: Duration = timedelta(hours=24)
    walk_test: Duration = timedelta(hours=2)
    walk_test_grace: Duration = timedelta(minutes=5)
    remind_before: Duration = timedelta(minutes=15)


class RecordSettings(Written):
    """How much of the journal is written to the history store at once."""

    most: Count = 5000


class KeepSettings(Written):
    """How long closed cases (with stories, calls and photos) and the audit are kept; open cases are never forgotten.

    At least a year (GB/T 45839-2025 5.9.5). Hazards are kept as long as what endangers lives can be punished: five
    years (行政处罚法 art. 36); after a fire people ask who knew of what when.
    """

    cases: Annotated[Duration, Field(ge=timedelta(days=365))] = timedelta(days=3 * 366)
    hazards: Annotated[Duration, Field(ge=timedelta(days=365))] = timedelta(days=5 * 366)
    audit: Annotated[Duration, Field(ge=timedelta(days=365))] = timedelta(days=3 * 366)


class Files(Written):
    """Where the rest of the configuration is."""

    profiles: Path = Path("../device_profiles")
    rules: Path = Path("rules.yaml")
    org: Path = Path("org.yaml")
    ladders: Path = Path("ladders.yaml")
    devices: Path | None = None
    calendars: Path | None = None
    hazards: Path | None = None
    desk: Path | None = None
