"""What a transport has to be told: where the broker is, who we are, what to listen to, how much may wait."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from firesense.domain.errors import ConfigError, Fault

if TYPE_CHECKING:
    from pathlib import Path

_SECOND = timedelta(seconds=1)
_LARGEST_SHORT = 65_535  # TCP ports, and receive_maximum: MQTT 5.0 clause 3.1.2.11.3
_LONGEST_TOPIC = 65_535  # bytes, MQTT 5.0 clause 1.5.4
_LONGEST_KEEP_ALIVE = timedelta(seconds=65_535)  # clause 3.1.2.10
_LONGEST_EXPIRY = timedelta(seconds=0xFFFF_FFFF)  # clause 3.1.2.11.2; this value means "never"


@dataclass(frozen=True, slots=True)
class TlsOptions:
    """How to trust the broker and how to be trusted; no ``ca_file`` means the system's own list.

    ``verify=False`` accepts any certificate: traffic is hidden from onlookers, not from an impostor.
    """

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    verify: bool = True

    def context(self) -> ssl.SSLContext:
        """Load the files. Raises OSError (ssl.SSLError among it) when one cannot be used."""
        context = ssl.create_default_context(cafile=self.ca_file)
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.cert_file:
            context.load_cert_chain(self.cert_file, self.key_file)
        return context


@dataclass(frozen=True, slots=True)
class MqttOptions:
    """One broker and one persistent session there. ``client_id`` names the session: no two clients may share it.

    ``backlog`` frames or ``backlog_bytes`` of payloads may wait to be received; then reading the socket pauses until
    half of that is left. A payload longer than ``max_packet`` bytes is cut there and marked so: a limit announced to
    the broker would make it drop such frames without a word, and refusing them would stop the session for good, since
    a frame that is not acknowledged comes first again. ``backoff_limit`` bounds the wait between two attempts to
    connect; it is short because a fire alarm has seconds (GB/T 45839-2025 5.10.4), and one daemon is no herd.
    """

    name: str
    host: str
    port: int = 1883
    username: str = ""
    password: str = field(default="", repr=False)
    client_id: str = ""
    tls: TlsOptions | None = None
    filters: tuple[str, ...] = ()
    shared_group: str = ""
    qos: int = 1
    keep_alive: timedelta = timedelta(seconds=30)
    session_expiry: timedelta = timedelta(days=7)
    receive_maximum: int = 2000
    batch_size: int = 2000
    linger: timedelta = timedelta(milliseconds=5)
    backlog: int = 20_000
    backlog_bytes: int = 32 * 1024 * 1024
    max_packet: int = 1024 * 1024
    connect_timeout: timedelta = timedelta(seconds=10)
    backoff_first: timedelta = timedelta(milliseconds=500)
    backoff_limit: timedelta = timedelta(seconds=5)

    @property
    def subscriptions(self) -> tuple[str, ...]:
        """The filters as they are sent: behind ``$share/<group>/`` when the load is shared."""
        if not self.shared_group:
            return self.filters
        return tuple(f"$share/{self.shared_group}/{topic_filter}" for topic_filter in self.filters)

    def faults(self) -> list[Fault]:
        """Everything that can never work, with the option it stands in; empty when all is well."""
        checks = [
            (not self.name, "name", "is written on every frame and must not be empty"),
            (not self.host, "host", "must not be empty"),
            (not 0 < self.port <= _LARGEST_SHORT, "port", f"{self.port} is not a TCP port"),
            (not self.client_id, "client_id", "names the persistent session and must not be empty"),
            (bool(self.password) and not self.username, "password", "is of no use without a username"),
            (self.qos not in {0, 1}, "qos", f"must be 0 or 1, not {self.qos}"),
            (not _SECOND <= self.keep_alive <= _LONGEST_KEEP_ALIVE, "keep_alive", "must be between 1 s and 65535 s"),
            (
                not timedelta() <= self.session_expiry <= _LONGEST_EXPIRY,
                "session_expiry",
                "must be between 0 s and 4294967295 s",
            ),
            (
                not 0 < self.receive_maximum <= _LARGEST_SHORT,
                "receive_maximum",
                "must be between 1 and 65535",
            ),
            *(
                (getattr(self, size) < 1, size, "must be at least 1")
                for size in ("batch_size", "backlog", "backlog_bytes", "max_packet")
            ),
            (not self.filters, "filters", "at least one is needed"),
            *(
                (True, f"filters[{n}]", reason)
                for n, text in enumerate(self.filters)
                if (reason := _filter_fault(text))
            ),
            (any(c in self.shared_group for c in "/+#\0"), "shared_group", "must not contain /, + or #"),
        ]
        found = [(option, reason) for wrong, option, reason in checks if wrong]
        if self.tls is not None:
            try:
                self.tls.context()
            except OSError as error:
                found.append(("tls", f"a certificate or key cannot be used: {error}"))
        return [Fault("", f"transport {self.name}: {option}", reason) for option, reason in found]

    def check(self) -> None:
        """Raise ConfigError with all faults, if there are any."""
        if found := self.faults():
            raise ConfigError(found)


def _filter_fault(text: str) -> str:
    """Say what is wrong with a topic filter (MQTT 5.0 clause 4.7); empty when nothing is."""
    if not text or "\0" in text or len(text.encode("utf-8", "surrogatepass")) > _LONGEST_TOPIC:
        return "must be 1 to 65535 bytes long, without NUL"
    if text.startswith("$share/"):
        return "is a shared subscription: write its group as shared_group"
    levels = text.split("/")
    if "#" in text and (levels[-1] != "#" or text.count("#") > 1):
        return f"{text!r}: # stands alone, as the last level"
    if any("+" in level and level != "+" for level in levels):
        return f"{text!r}: + stands for a whole level"
    return ""
