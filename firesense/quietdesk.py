"""The desk for quiet windows: maintenance, shelving and walk tests are set, extended and ended here, within limits.

Whoever may only look, or only act elsewhere, is refused with NotAllowed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from firesense.domain.alert import AlertClass
from firesense.domain.errors import Conflict, NotAllowed, NotFound
from firesense.domain.instant import micros
from firesense.domain.quiet import Quiet, QuietKind, quiet_id
from firesense.domain.rule import RuleKind
from firesense.quieting import notice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from firesense.domain.deed import Actor
    from firesense.domain.device import Device
    from firesense.domain.instant import Instant
    from firesense.domain.plan import Plan
    from firesense.domain.quiet import Tried
    from firesense.ports import Book, Clock

# Nobody plans maintenance further ahead, and a date mistyped must not be on everybody's board for years.
_AHEAD = timedelta(days=90)
_LATE = timedelta(days=1)  # what was to begin so long ago at most begins now


@dataclass(frozen=True, slots=True)
class Limits:
    """How long each kind of window may last at most, and what else is agreed on (settings, section ``quiet``)."""

    maintenance: timedelta = timedelta(hours=8)
    shelved: timedelta = timedelta(hours=24)
    walk_test: timedelta = timedelta(hours=2)
    walk_test_grace: timedelta = timedelta(minutes=5)
    remind_before: timedelta = timedelta(minutes=15)

    def most(self, kind: QuietKind) -> timedelta:
        """How long a window of this kind may last."""
        return {
            QuietKind.MAINTENANCE: self.maintenance,
            QuietKind.SHELVED: self.shelved,
            QuietKind.WALK_TEST: self.walk_test,
        }[kind]


@dataclass(frozen=True, slots=True)
class Report:
    """What a walk test heard: every device of the place that can say fire, and those of them that were heard."""

    quiet: Quiet
    devices: tuple[Device, ...]
    heard: dict[str, Tried]

    @property
    def missing(self) -> tuple[Device, ...]:
        """Devices that were not heard (yet)."""
        return tuple(device for device in self.devices if device.id not in self.heard)


class QuietDesk:
    """Sets and ends windows. ``on_change`` runs after each, in the thread that asked; it must not wait."""

    def __init__(
        self,
        book: Book,
        clock: Clock,
        plan_source: Callable[[], Plan],
        limits: Limits | None = None,
        on_change: Callable[[], None] | None = None,
    ) -> None:
        self._book = book
        self._clock = clock
        self._plan_source = plan_source
        self._limits = limits or Limits()
        self._on_change = on_change

    # -- setting ----------------------------------------------------------------------------------------------------
    def maintain(
        self,
        actor: Actor,
        why: str,
        lasts: timedelta,
        *,
        place: str = "",
        device: str = "",
        gateway: str = "",
        starts_at: Instant | None = None,
    ) -> Quiet:
        """Begin maintenance of a place with all below, a device or a gateway, now or later.

        Raises NotFound for what does not exist, Conflict for what is too long, too far ahead, or says nothing.
        """
        if sum(map(bool, (place, device, gateway))) != 1:
            raise Conflict("maintenance is of one place, one device or one gateway", "conflict.quiet.where")
        where: dict[str, Any] = {"place": place, "device": device, "gateway": gateway}
        return self._set(QuietKind.MAINTENANCE, actor, why, lasts, starts_at, **where)

    def shelve_alert(self, alert_id: str, actor: Actor, why: str, lasts: timedelta) -> Quiet:
        """Shelve what an alert tells: its rule at its device (of a coincidence, at its place).

        Raises NotFound, or Conflict when it is closed, a fire, or a test.
        """
        alert = self._book.alert(alert_id)
        if not alert.open:
            raise Conflict(f"alert {alert_id} is closed", "conflict.quiet.closed")
        if alert.alert_class not in {AlertClass.HAZARD, AlertClass.FAULT}:
            raise Conflict(f"a {alert.alert_class} cannot be shelved", "conflict.quiet.fire")
        rule = next((rule for rule in self._plan_source().rules if rule.id == alert.rule), None)
        meets = rule is not None and rule.kind is RuleKind.COINCIDENCE
        where: dict[str, Any] = {"place": alert.place} if meets else {"device": alert.device}
        return self._set(QuietKind.SHELVED, actor, why, lasts, rule=alert.rule, alert=alert.id, known=True, **where)

    def shelve_rule(
        self, rule: str, actor: Actor, why: str, lasts: timedelta, *, place: str = "", device: str = ""
    ) -> Quiet:
        """Shelve a rule at one device, or at a place with all below.

        Raises NotFound for what does not exist, Conflict for a rule of fire class.
        """
        if bool(place) == bool(device):
            raise Conflict("a rule is shelved at one place or at one device", "conflict.quiet.where")
        named = [one for one in self._plan_source().rules if one.id == rule or one.id.startswith(f"{rule}.")]
        if not named:
            raise NotFound(f"there is no rule {rule}")
        if any(one.alert_class is AlertClass.FIRE for one in named):
            raise Conflict(f"{rule} says fire, and fire cannot be shelved", "conflict.quiet.fire")
        return self._set(QuietKind.SHELVED, actor, why, lasts, rule=rule, place=place, device=device)

    def walk(self, place: str, tester: str, actor: Actor, why: str, lasts: timedelta) -> Quiet:
        """Begin a walk test of a place with all below: what says fire there is told to the tester alone.

        Raises NotFound for what does not exist, Conflict when the tester cannot be told anything.
        """
        person = self._plan_source().org.people.get(tester)
        if person is None:
            raise NotFound(f"there is no person {tester}")
        if not any(person.addresses.values()):
            reason = f"{tester} has no address: nobody would be told of the test"
            raise Conflict(reason, "conflict.quiet.unreachable", who=tester)
        grace = self._limits.walk_test_grace
        return self._set(QuietKind.WALK_TEST, actor, why, lasts, place=place, tester=tester, grace=grace)

    # -- ending -----------------------------------------------------------------------------------------------------
    def end(self, window: str, actor: Actor) -> Quiet:
        """End a window now: what still stands is called. Raises NotFound, NotAllowed, Conflict when it is over."""
        self._allow(actor, self._book.alert(window).place)
        quiet = self._book.end_quiet(window, actor, self._clock.now())
        self._changed()
        return quiet

    def extend(self, window: str, actor: Actor, lasts: timedelta) -> Quiet:
        """Let a window last so long from now on. Raises NotFound, NotAllowed, Conflict.

        The limit is of all its time: a window that could be extended again and again would hide fires for ever.
        """
        self._allow(actor, self._book.alert(window).place)
        now, quiet = self._clock.now(), self._book.quiet(window)
        ends_at = self._until(quiet.kind, lasts, max(now, quiet.starts_at))
        if ends_at - quiet.starts_at > micros(most := self._limits.most(quiet.kind)):
            reason = f"{quiet.kind} lasts at most {most} in all: end it, and begin another one"
            raise Conflict(reason, "conflict.quiet.long-in-all", hours=_hours(most))
        quiet = self._book.extend_quiet(window, ends_at, self._remind_at(now, ends_at), actor, now)
        self._changed()
        return quiet

    # -- looking ----------------------------------------------------------------------------------------------------
    def windows(self) -> list[Quiet]:
        """The windows that are not over yet, in the order they were set."""
        return [quiet for quiet in self._book.quiets(self._clock.now()) if quiet.over_at is None]

    def report(self, window: str) -> Report:
        """Say which devices a walk test has heard, and which not. Raises NotFound, or Conflict for another window."""
        quiet = self._book.quiet(window)
        if quiet.kind is not QuietKind.WALK_TEST:
            raise Conflict(f"{window} is no walk test", "conflict.quiet.no-walk-test")
        tried = {one.device: one for one in self._book.tried(quiet)}
        return Report(quiet, tuple(_can_say_fire(self._plan_source(), quiet.place)), tried)

    # -- how ----------------------------------------------------------------------------------------------------------
    def _set(
        self,
        kind: QuietKind,
        actor: Actor,
        why: str,
        lasts: timedelta,
        starts_at: Instant | None = None,
        *,
        known: bool = False,
        **where: Any,
    ) -> Quiet:
        plan, now = self._plan_source(), self._clock.now()
        if not why.strip():
            raise Conflict("say why", "conflict.quiet.why")
        if not known:
            _must_exist(plan, **{name: where.get(name, "") for name in ("place", "device", "gateway")})
        starts_at = _start(starts_at, now)
        ends_at = self._until(kind, lasts, starts_at)
        quiet = Quiet(
            id="",
            kind=kind,
            who=actor.name,
            why=why.strip(),
            set_at=now,
            starts_at=starts_at,
            ends_at=ends_at,
            remind_at=self._remind_at(starts_at, ends_at),
            **where,
        )
        quiet = replace(quiet, id=quiet_id(kind, f"{quiet.subject}/{quiet.rule}", now))
        shown = notice(quiet, plan.org, plan.registry)
        self._allow(actor, shown.place)
        self._book.start_quiet(quiet, shown, actor)
        self._changed()
        return quiet

    def _until(self, kind: QuietKind, lasts: timedelta, starts_at: Instant) -> Instant:
        most = self._limits.most(kind)
        if not timedelta() < lasts <= most:
            reason = f"{kind} lasts more than nothing and at most {most}"
            raise Conflict(reason, "conflict.quiet.long", hours=_hours(most))
        return starts_at + micros(lasts)

    def _remind_at(self, starts_at: Instant, ends_at: Instant) -> Instant:
        """Before the end, by what is agreed on; of a short window half-way through."""
        return max(ends_at - micros(self._limits.remind_before), (starts_at + ends_at) // 2)

    def _allow(self, actor: Actor, place: str) -> None:
        """Raise NotAllowed for whoever may only look, or act elsewhere."""
        if not actor.rights.may_act:
            raise NotAllowed(f"{actor.name} may look, and nothing else")
        path = {above.code for above in self._plan_source().org.path(place)}
        if actor.place and actor.place not in path:
            raise NotAllowed(f"{actor.name} may not act at {place}")

    def _changed(self) -> None:
        if self._on_change is not None:
            self._on_change()


def _hours(most: timedelta) -> str:
    return f"{most / timedelta(hours=1):g}"


def _start(asked: Instant | None, now: Instant) -> Instant:
    """When a window begins: not before now. Raises Conflict for what nobody can mean."""
    if asked is not None and not now - micros(_LATE) <= asked <= now + micros(_AHEAD):
        reason = f"it begins within the last day or the next {_AHEAD.days} days"
        raise Conflict(reason, "conflict.quiet.far", days=_AHEAD.days)
    return max(now, asked or now)


def _must_exist(plan: Plan, *, place: str, device: str, gateway: str) -> None:
    if place and place not in plan.org.places:
        raise NotFound(f"there is no place {place}")
    if device and plan.registry.get(device) is None:
        raise NotFound(f"there is no device {device}")
    if gateway and next(plan.registry.behind(gateway), None) is None:
        raise NotFound(f"there is no device behind a gateway {gateway}")


def _can_say_fire(plan: Plan, place: str) -> Iterator[Device]:
    """The devices of a place and below it, of classes that a fire flag is asked of."""
    fiery = {r.device_class for r in plan.rules if r.kind is RuleKind.SIGNAL and r.alert_class is AlertClass.FIRE}
    below = {code for code in plan.org.places if any(above.code == place for above in plan.org.path(code))}
    for device_class in sorted(fiery):
        for device in plan.registry.of_class(device_class):
            if device.place in below:
                yield device
