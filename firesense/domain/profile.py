"""Device profiles: what a model says on the wire, and what we make of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from firesense.domain.frame import Reason
    from firesense.domain.instant import Instant

Scalar = str | int | float | bool


class TimeFormat(StrEnum):
    """How a device writes its own time."""

    UNIX_S = "unix_s"
    UNIX_MS = "unix_ms"
    ISO8601 = "iso8601"
    PATTERN = "pattern"  # strptime pattern of the profile


@dataclass(frozen=True, slots=True)
class TimeSpec:
    """Where the device's own time is and how it is written; ``zone`` (IANA) reads a time that names none."""

    source: str
    format: TimeFormat
    pattern: str = ""
    zone: str = ""


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """source * scale (in ``unit``), converted to the catalogue's unit; sentinels are raw values that mean nothing."""

    metric: str
    source: str
    unit: str
    scale: float = 1.0
    offset: float = 0.0
    sentinels: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class SignalSpec:
    """Asserted when the source equals one of ``asserted``, or has bit ``bit`` set, or is above ``above``.

    Of a source that is compared with ``asserted``, only values in ``cleared`` are clear; see ``Quality`` for others.
    """

    signal: str
    source: str
    asserted: tuple[Scalar, ...] = (True,)
    bit: int | None = None
    above: float | None = None
    invert: bool = False
    cleared: tuple[Scalar, ...] = (False,)

    @property
    def is_text(self) -> bool:
        """Whether some value of it is a word."""
        return any(isinstance(value, str) for value in (*self.asserted, *self.cleared))


@dataclass(frozen=True, slots=True)
class Expected:
    """What one example row must say; values in canonical units, compared to 1e-6; unnamed columns are not compared."""

    metrics: Mapping[str, float | None] = field(default_factory=dict)
    signals: Mapping[str, bool | None] = field(default_factory=dict)
    event_at: Instant | None = None
    quality: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """A captured payload and what must come of it: rows, or a refusal."""

    name: str
    topic: str
    payload: bytes
    received_at: Instant
    device: str
    expected: tuple[Expected, ...] = ()
    refused: Reason | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """One model of device.

    ``topics`` are patterns with one ``{device}`` (one level) or ``{device*}`` (one or more levels) each, or with ``+``
    where the payload names the device (``device_source``).
    """

    id: str
    device_class: str
    dialect: str
    topics: tuple[str, ...]
    period: timedelta
    metrics: tuple[MetricSpec, ...]
    signals: tuple[SignalSpec, ...]
    device_source: str = ""
    time: TimeSpec | None = None
    options: Mapping[str, Scalar] = field(default_factory=dict)
    vendor: str = ""
    model: str = ""
    file: str = ""
    examples: tuple[Example, ...] = ()

    @property
    def sources(self) -> tuple[str, ...]:
        """Every wire field the profile names, once each, time and device last; what a decoder must give."""
        names = [spec.source for spec in self.metrics] + [spec.source for spec in self.signals]
        if self.time is not None:
            names.append(self.time.source)
        if self.device_source:
            names.append(self.device_source)
        return tuple(dict.fromkeys(names))

    @property
    def text_sources(self) -> frozenset[str]:
        """Wire fields that are kept as they were sent: written times, names, conditions told in words.

        Every other source is a number (a bool counts as 0 or 1).
        """
        texts = {spec.source for spec in self.signals if spec.is_text}
        if self.time is not None and self.time.format in {TimeFormat.ISO8601, TimeFormat.PATTERN}:
            texts.add(self.time.source)
        if self.device_source:
            texts.add(self.device_source)
        return frozenset(texts)
