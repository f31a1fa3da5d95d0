"""Why an alert was raised, as it was known at that moment: kept with the alert, and never changed."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 -- the book reads the shapes when the program runs
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Witness:
    """One reading of the device: what it said that the rule looks at, by column, in canonical units."""

    event_at: int
    received_at: int
    offset: int
    quality: int
    says: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Because:
    """The grounds of one alert.

    ``rule`` holds the rule as it was written then (when, clears, hold, source, ...; empty for alerts that come of no
    rule), ``asked`` what made it ask this device (kind, profile or tags the rule wants), ``route`` the ladder and the
    selector that chose it. ``witnesses`` are the newest readings up to the one that tripped it, oldest first.
    """

    alert: str
    rule: Mapping[str, str] = field(default_factory=dict)
    asked: Mapping[str, str] = field(default_factory=dict)
    route: Mapping[str, str] = field(default_factory=dict)
    witnesses: tuple[Witness, ...] = ()
