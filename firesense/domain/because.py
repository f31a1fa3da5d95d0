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
class Member:
    """One of those that made a coincidence: a rule that tripped at a device, and its alert if it had one."""

    rule: str
    device: str
    at: int
    alert: str = ""


@dataclass(frozen=True, slots=True)
class Aside:
    """What is known when an alert is raised beside its readings.

    ``members`` made a coincidence; ``hidden_by`` is the alert that hid it until now; ``first`` the first alert of the
    event it belongs to (first-out), empty when it is that itself.
    """

    members: tuple[Member, ...] = ()
    hidden_by: str = ""
    first: str = ""


NOTHING = Aside()


@dataclass(frozen=True, slots=True)
class Suppressed:
    """What was kept from people on account of an alert: answers of rule ``what`` at ``device``, and why.

    ``why`` is ``hidden`` (the alert says more) or ``quiet`` (the alert is a window); ``count`` is how often.
    """

    alert: str
    why: str
    what: str
    device: str
    count: int
    first_at: int
    last_at: int


@dataclass(frozen=True, slots=True)
class Because:
    """The grounds of one alert.

    ``rule`` holds the rule as it was written then (when, clears, hold, source, ...; empty for alerts that come of no
    rule), ``asked`` what made it ask this device (kind, profile or tags the rule wants), ``route`` the ladder and the
    selector that chose it. ``witnesses`` are the newest readings up to the one that tripped it, oldest first.
    ``in_force`` says of every season, night, holiday and tag its conditions ask for whether it was so; ``aside`` is
    what else was known.
    """

    alert: str
    rule: Mapping[str, str] = field(default_factory=dict)
    asked: Mapping[str, str] = field(default_factory=dict)
    route: Mapping[str, str] = field(default_factory=dict)
    witnesses: tuple[Witness, ...] = ()
    in_force: Mapping[str, bool] = field(default_factory=dict)
    aside: Aside = NOTHING
