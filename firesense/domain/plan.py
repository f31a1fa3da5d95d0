"""The plan: everything people configured, as one immutable object that is replaced whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from firesense.domain.calendar import Calendars
from firesense.domain.device import Registry
from firesense.domain.escalation import Whistling
from firesense.domain.figures import Targets
from firesense.domain.hazard import HazardRules
from firesense.domain.place import STATIONS, Org
from firesense.domain.practice import Practice
from firesense.domain.rollcall import RollCalling

if TYPE_CHECKING:
    from collections.abc import Mapping

    from firesense.domain.escalation import Ladder, Selector
    from firesense.domain.profile import Profile
    from firesense.domain.rule import Rule


@dataclass(frozen=True, slots=True)
class Plan:
    """What files say: profiles, rules, calendars, rules of hazards and whistles, practice of the desk and so on.

    ``stations`` are the roles of those at a station, of whom there should be two. From the book come devices, org and
    ladders; ``version`` is its number of them.
    """

    profiles: Mapping[str, Profile] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    registry: Registry = field(default_factory=Registry)
    org: Org = field(default_factory=Org)
    ladders: Mapping[str, Ladder] = field(default_factory=dict)
    selectors: tuple[Selector, ...] = ()
    version: int = 0
    calendars: Calendars = field(default_factory=Calendars)
    hazards: HazardRules = field(default_factory=HazardRules)
    whistling: Whistling = field(default_factory=Whistling)
    practice: Practice = field(default_factory=Practice)
    roll_calling: RollCalling = field(default_factory=RollCalling)
    targets: Targets = field(default_factory=Targets)
    stations: frozenset[str] = STATIONS
