"""Quiet windows: what people asked to be quiet for a while, who asked and why, and when it is over.

===============  ===============================================  =================================================
kind             what it covers                                   what it does
===============  ===============================================  =================================================
``maintenance``  a device, a gateway, or a place with all below   alerts are recorded and call nobody until it is
                                                                  over; fire calls all the same
``shelved``      one rule at a device or at a place, or the rule  the same, of this rule alone; fire cannot be
                 and device of one alert                          shelved
``walk-test``    a place with all below                           fire becomes a test, told to the tester alone, and
                                                                  stays fire when there is no tester to be reached;
                                                                  what is neither fire nor test waits until it is over
===============  ===============================================  =================================================

Every window has an end. It also is an alert of class test, under its own id, so that nobody can forget it: it is on the
list, it has a story, and closing it ends the window.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from firesense.domain.alert import AlertClass, alert_id
from firesense.domain.instant import micros

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from firesense.domain.alert import Alert
    from firesense.domain.device import Registry
    from firesense.domain.instant import Instant
    from firesense.domain.place import Org


class QuietKind(StrEnum):
    """Why it is quiet."""

    MAINTENANCE = "maintenance"
    SHELVED = "shelved"
    WALK_TEST = "walk-test"


QUIET_RULES = frozenset(kind.value for kind in QuietKind)  # the rules of the alerts that windows are
_CHANNEL = "."  # between the id of a rule over a family and the number of its circuit


@dataclass(frozen=True, slots=True)
class Quiet:
    """One window, from ``starts_at`` up to ``ends_at``; whoever ends it earlier moves ``ends_at``.

    Of ``place``, ``device`` and ``gateway`` one says what it covers; ``rule`` narrows it to that rule (of a family:
    to all its circuits). ``alert`` is the one that was shelved. ``tester`` is the person a walk test tells; a fire
    that lasts ``grace`` beyond its end is real. ``remind_at`` is when ``who`` is reminded of the end. What was done so
    far: ``announced_at`` (what is open was looked through, the operator was told), ``reminded_at``, ``over_at``.
    """

    id: str
    kind: QuietKind
    who: str
    why: str
    set_at: Instant
    starts_at: Instant
    ends_at: Instant
    remind_at: Instant
    place: str = ""
    device: str = ""
    gateway: str = ""
    rule: str = ""
    alert: str = ""
    tester: str = ""
    grace: timedelta = timedelta()
    announced_at: Instant | None = None
    reminded_at: Instant | None = None
    over_at: Instant | None = None
    ended_by: str = ""

    @property
    def due_at(self) -> Instant | None:
        """When something has to be done about it next; None when it is over and done with."""
        if self.over_at is not None:
            return None
        if self.announced_at is None:
            return min(self.starts_at, self.ends_at)
        if self.reminded_at is None:
            return min(self.remind_at, self.ends_at)
        return self.ends_at

    @property
    def real_at(self) -> Instant:
        """From when on a fire that its walk test made a test is a real one."""
        return self.ends_at + micros(self.grace)

    @property
    def subject(self) -> str:
        """What it covers: the device, the gateway or the place."""
        return self.device or self.gateway or self.place

    def lasts(self, at: Instant) -> bool:
        """Whether it is on at this instant."""
        return self.starts_at <= at < self.ends_at

    def concerns(self, alert_class: AlertClass, rule: str) -> bool:
        """Whether it has anything to say about an alert of this class and rule, wherever that is."""
        if rule in QUIET_RULES:
            return False
        asked = not self.rule or rule == self.rule or rule.startswith(self.rule + _CHANNEL)
        return asked and (self.tests(alert_class) or self.holds(alert_class))

    def tests(self, alert_class: AlertClass) -> bool:
        """Whether it makes alerts of this class tests, told to the tester alone."""
        return self.kind is QuietKind.WALK_TEST and alert_class in {AlertClass.FIRE, AlertClass.TEST}

    def reaches(self, org: Org, kinds: Collection[str]) -> bool:
        """Whether its tester can be told: is in the org, with an address for one of the channels there are."""
        tester = org.people.get(self.tester)
        return tester is not None and any(address and name in kinds for name, address in tester.addresses.items())

    def holds(self, alert_class: AlertClass) -> bool:
        """Whether alerts of this class call nobody until it is over."""
        return alert_class is not AlertClass.FIRE and not self.tests(alert_class)


@dataclass(frozen=True, slots=True)
class Tried:
    """A device that was heard in a walk test: by which rule first, when, and how often in all."""

    device: str
    rule: str
    heard_at: Instant
    times: int


def quiet_id(kind: QuietKind, subject: str, set_at: Instant) -> str:
    """Name a window, and the alert it is."""
    return alert_id(kind.value, subject, set_at)


class Quiets:
    """All windows somebody has to know of, found by what they cover. Immutable."""

    def __init__(self, windows: Iterable[Quiet] = ()) -> None:
        """Index them; those that are over count for what happened while they lasted."""
        self.by_id: dict[str, Quiet] = {}
        self._at: dict[tuple[str, str], list[Quiet]] = {}
        for one in windows:
            self.by_id[one.id] = one
            for what in ("device", "gateway", "place"):
                if code := getattr(one, what):
                    self._at.setdefault((what, code), []).append(one)

    def __bool__(self) -> bool:
        """Say whether there is any."""
        return bool(self.by_id)

    def __iter__(self) -> Iterator[Quiet]:
        """Go through them."""
        return iter(self.by_id.values())

    def over(self, alert: Alert, registry: Registry, org: Org, at: Instant) -> Quiet | None:
        """Find the window an alert falls into at an instant: a walk test, else the one that lasts longest.

        What arrived late falls into it only if it happened within it, too.
        """
        if not self.by_id:
            return None
        covering = [
            one
            for one in self._covering(alert, registry, org)
            if one.lasts(at) and not (alert.late and not one.lasts(alert.event_at))
        ]
        return max(covering, key=lambda one: (one.kind is QuietKind.WALK_TEST, one.ends_at, one.id), default=None)

    def _covering(self, alert: Alert, registry: Registry, org: Org) -> Iterator[Quiet]:
        device = registry.get(alert.device)
        keys = [("device", alert.device), ("gateway", device.gateway if device else alert.device)]
        keys += [("place", place.code) for place in org.path(alert.place)]
        for key in keys:
            for one in self._at.get(key, ()):
                if one.concerns(alert.alert_class, alert.rule):
                    yield one


NO_WINDOWS = Quiets()
