"""What people do to alerts, and who they are when they do it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from firesense.domain.alert import Finding
    from firesense.domain.instant import Instant


class Rights(StrEnum):
    """What somebody may do (GB/T 45839-2025 5.10.6): look; look and act; besides that, all there is to administer."""

    VIEWER = "viewer"
    OFFICER = "officer"
    ADMIN = "admin"

    @property
    def may_act(self) -> bool:
        """Whether alerts may be acted on."""
        return self is not Rights.VIEWER


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, and from where.

    ``name`` is the id of the person (or, for a user who is nobody in the org, the name of the log-in); ``origin`` says
    by what way and from where: ``console 192.0.2.7``, ``api 192.0.2.7``, ``cli wang@station``, ``channel dingtalk``.
    ``place`` is the code of the place this actor may act at, with everything below it; empty is everywhere.
    """

    name: str
    origin: str = ""
    rights: Rights = Rights.OFFICER
    place: str = ""


PLATFORM = Actor("firesense", "platform", Rights.ADMIN)  # what it does by itself: imports at its start, retention


@dataclass(frozen=True, slots=True)
class Position:
    """Where somebody stood: WGS 84 degrees, and how many metres it may be off."""

    latitude: float
    longitude: float
    accuracy: float | None = None

    def __post_init__(self) -> None:
        """Refuse what is no place on earth; raises ValueError."""
        if not (-90 <= self.latitude <= 90 and -180 <= self.longitude <= 180):  # noqa: PLR2004 -- degrees
            raise ValueError(f"{self.latitude}, {self.longitude} is no place on earth")
        if self.accuracy is not None and not 0 <= self.accuracy < float("inf"):
            raise ValueError(f"an accuracy of {self.accuracy} m cannot be")

    def detail(self) -> dict[str, str]:
        """Write it for a line of a story, to about 10 cm."""
        said = {"latitude": f"{self.latitude:.6f}", "longitude": f"{self.longitude:.6f}"}
        return said | ({"accuracy": f"{self.accuracy:.0f}"} if self.accuracy is not None else {})


class Ground(StrEnum):
    """The three conditions under which GB/T 45839-2025 5.8.1 allows an alarm to be silenced."""

    BELOW_LIMIT = "below-limit"  # the reading is back below its limit
    VIDEO = "video"  # video shows that there is no fire
    ON_SITE = "on-site"  # an authorised person on site has confirmed it


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Take an alert that nobody has."""


@dataclass(frozen=True, slots=True)
class TakeOver:
    """Take an alert from whoever has it, for a reason; one that nobody has is simply taken.

    With ``had_by`` it is taken from that person, and not from whoever else has taken it over meanwhile.
    """

    reason: str
    had_by: str = ""


@dataclass(frozen=True, slots=True)
class HandOn:
    """Give an alert to a named person, who is called."""

    to: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Send somebody: the people who hold a post, or one person (then ``role`` and ``place`` are empty)."""

    people: tuple[str, ...]
    role: str = ""
    place: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Arrive:
    """Say that somebody is on site."""

    who: str = ""  # empty: whoever says so
    position: Position | None = None


@dataclass(frozen=True, slots=True)
class Verify:
    """Say what was found on site. A false alarm has a ``cause``: an id of the list of causes."""

    finding: Finding
    cause: str = ""
    note: str = ""
    position: Position | None = None


@dataclass(frozen=True, slots=True)
class Silence:
    """Stop what sounds and calls again and again. ``shown_by`` says which camera showed it, or who confirmed it."""

    ground: Ground
    shown_by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Reset:
    """Reset a latched alarm; the case stays as it is."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Close:
    """Close a case; without a ``finding``, with the one it was verified with.

    ``though_firing``: whoever closes it knows that a device still alarms, and that its next alarm is a new alert.
    """

    finding: Finding | None = None
    cause: str = ""
    note: str = ""
    though_firing: bool = False


Deed = Acknowledge | TakeOver | HandOn | Dispatch | Arrive | Verify | Silence | Reset | Close


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo of an alert: ``id`` is the SHA-256 of the file, in hex; ``size`` in bytes, width and height in pixels."""

    id: str
    alert: str
    at: Instant
    who: str
    size: int
    width: int
    height: int
    note: str = ""
