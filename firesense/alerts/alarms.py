"""Transitions -> alerts: which are new, which go on, which are over, and what people read about them.

The picture of what is open comes from the book (``refresh``); between two refreshes it follows its own deeds.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from firesense.alerts.first_out import FirstOut
from firesense.alerts.inhibition import Inhibition
from firesense.alerts.quieted import Quieted
from firesense.alerts.strangers import MORE_STRANGERS, Flags
from firesense.alerts.wording import common_place, gateway_text, rule_text, said, with_first
from firesense.domain.alert import QUIET, Alert, AlertClass, Condition, Grade, alert_id
from firesense.domain.because import Aside, Member
from firesense.domain.outcome import Clear, Hide, TripAgain
from firesense.domain.readings import Quality
from firesense.domain.rule import Change, Firing, RuleKind

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from firesense.domain.device import Device, Registry
    from firesense.domain.instant import Instant
    from firesense.domain.place import Org
    from firesense.domain.rule import Rule, Transition

FIRESENSE = "firesense"  # the device of alerts about firesense itself
STRANGER_FIRE = "stranger-fire"

Key = tuple[str, str]  # rule and device
Deed = Alert | TripAgain | Clear | Hide


def _happened_at(transition: Transition) -> Instant:
    return transition.event_at


class Alarms:
    """What is alarming now, by rule and device. Pure: one thread, no clock."""

    def __init__(self, rules: Iterable[Rule], registry: Registry, org: Org, kinds: Collection[str] = ()) -> None:
        """Begin with nothing open: ``refresh`` comes next. ``kinds`` has the channels there are."""
        self._rules = {rule.id: rule for rule in rules}
        self._inhibition = Inhibition(self._rules.values())
        self._registry = registry
        self._org = org
        self.quieted = Quieted(self._rules, registry, org, kinds)
        self._first_out = FirstOut(org)
        self._asides: dict[str, Aside] = {}
        self._open: dict[Key, Alert] = {}
        # Closed by people while they were firing, and not over yet: of one device several may be, one after another.
        self._left: dict[Key, list[Alert]] = {}
        self.flags = Flags()

    # -- the picture ------------------------------------------------------------------------------------------------
    def refresh(self, alerts: Iterable[Alert]) -> list[Firing]:
        """Take over what the book says is open (all of it), and give what a person closed while it was firing.

        The engine is to release these, so that the next reading that says so trips again.
        """
        before, self._open = self._open, {}
        for alert in sorted(alerts, key=lambda alert: alert.raised_at):  # of two of one device the newer one goes on
            if alert.open:
                self._open[self._key(alert)] = alert
        self.quieted.follow(self._open.values())
        self._first_out.follow(self._open.values())
        self.flags.follow(_of_strangers(before), _of_strangers(self._open))
        gone = [alert for key, alert in before.items() if key not in self._open]
        closed = self.leave(gone)
        return closed + [hidden for where in closed for hidden in self._inhibition.closed(where)]

    def leave(self, closed: Iterable[Alert]) -> list[Firing]:
        """Know of alerts that people closed while they were firing, and give where: that it is over is told later.

        After a start, or with a new plan, these are the book's; of those that are open nothing is said here.
        """
        open_now = {alert.id for alert in self._open.values()}
        found: list[Firing] = []
        for alert in closed:
            where = self._firing_at(alert)
            if where is None or alert.id in open_now:
                continue
            left = self._left.setdefault(self._key(alert), [])
            if all(one.id != alert.id for one in left):
                left.append(alert)
            found.append(where)
        return found

    def forget(self, alert: str) -> Firing | None:
        """Drop an alert that a person has closed; gives where it was firing, for the engine to release."""
        for key, open_alert in self._open.items():
            if open_alert.id == alert:
                del self._open[key]
                self.quieted.over(open_alert)
                return self._firing_at(open_alert)
        return None

    def stands(self, instead: Mapping[str, str]) -> None:
        """Know that alerts of ours are others in the book, which were raised there before."""
        for key, alert in self._open.items() if instead else ():
            if alert.id in instead:
                self._open[key] = replace(alert, id=instead[alert.id])

    def __len__(self) -> int:
        """Count the open alerts."""
        return len(self._open)

    def firing(self) -> list[Firing]:
        """Where rules are firing as far as the book knows: what the engine settles on after a start."""
        return [where for alert in self._open.values() if (where := self._firing_at(alert)) is not None]

    def confirmed(self, alerts: Iterable[Alert]) -> frozenset[str]:
        """Which of these fires (by id) are not alone: another device at the same place is alarmed with fire, too."""
        fires = [alert for alert in alerts if alert.alert_class is AlertClass.FIRE and not alert.of_stranger]
        at: dict[str, set[str]] = {alert.place: set() for alert in fires}
        for alert in self._open.values() if fires else ():
            if alert.place in at and alert.alert_class is AlertClass.FIRE and not alert.of_stranger:
                at[alert.place].add(alert.device)
        return frozenset(alert.id for alert in fires if at[alert.place] - {alert.device})

    def _key(self, alert: Alert) -> Key:
        """What an alert is one of a kind by: its rule and its device or, of a coincidence, its place."""
        rule = self._rules.get(alert.rule)
        at_a_place = rule is not None and rule.kind is RuleKind.COINCIDENCE
        return alert.rule, alert.place if at_a_place else alert.device

    def _firing_at(self, alert: Alert) -> Firing | None:
        if alert.condition is not Condition.FIRING or alert.rule not in self._rules:
            return None
        device = self._registry.get(alert.device)
        if device is not None:
            if device.device_class != alert.device_class:
                return None  # it is another model now, with a slot of its new class
            place = alert.place if self._rules[alert.rule].kind is RuleKind.COINCIDENCE else ""
            return Firing(alert.rule, alert.device_class, device.slot, place=place)
        behind = next((d for d in self._registry.behind(alert.device) if d.device_class == alert.device_class), None)
        return None if behind is None else Firing(alert.rule, alert.device_class, behind.slot, alert.device)

    # -- deeds ------------------------------------------------------------------------------------------------------
    def deeds(
        self, transitions: Iterable[Transition], now: Instant, heard_at: Callable[[Transition], Instant] = _happened_at
    ) -> list[Deed]:
        """Say what comes of each transition: an Alert is a new one, to be raised.

        A rule that trips again on a device whose alert is open goes on with that alert, unless it was over for
        half an hour: then it is a new one. ``heard_at`` says when what made a transition was heard (quieted.py).
        """
        deeds: list[Deed] = []
        for transition in self._inhibition.ordered(transitions):
            if self.quieted.testing:
                deeds += self.turned_real(heard_at(transition), now, transition.offset)
            if transition.change is not Change.CLEARED:
                told: list[Deed | None] = [self._trip(transition, now, heard_at)]
            else:
                told = [*self._left_over(transition), self._clear(transition)]
                told += [self._trip(hidden, now, heard_at) for hidden in self._inhibition.cleared(transition)]
            deeds += [deed for deed in told if deed is not None]
        return deeds

    def _trip(self, transition: Transition, now: Instant, heard_at: Callable[[Transition], Instant]) -> Deed | None:
        if transition.change is not Change.TRIPPED:
            return None
        device = self._registry.at(transition.device_class, transition.slot)
        key = (transition.rule, transition.gateway or transition.place or device.id)
        value = None if math.isnan(transition.value) else transition.value
        known = self._open.get(key)
        at = heard_at(transition) if self.quieted.windows else now
        if known is not None and not _was_quiet(known, transition.event_at) and not self.quieted.is_real(known, at):
            self._open[key] = replace(known, condition=Condition.FIRING, cleared_at=None, trips=known.trips + 1)
            return TripAgain(known.id, transition.event_at, value, transition.offset)
        if by := self._inhibition.hide(transition, lambda rule: self._firing(rule, device.id)):
            return Hide(by, transition.rule, device.id, transition.event_at)
        alert = self._alert(self._rules[transition.rule], device, transition, value, now)
        alert = self.quieted.seen(alert, at)
        first = self._first_out.before(alert)
        if first is not None:
            alert = replace(alert, text=with_first(alert, first))
        self._open[key] = alert
        self._asides[alert.id] = Aside(
            tuple(self._member(*each) for each in transition.members),
            self._inhibition.was_hidden_by(transition),
            "" if first is None else first.id,
        )
        return alert

    def aside(self, alert: str) -> Aside:
        """What else was known when an alert was raised; it is given once."""
        return self._asides.pop(alert, Aside())

    def _member(self, rule: str, device_class: str, slot: int, at: Instant) -> Member:
        device = self._registry.at(device_class, slot).id
        known = self._open.get((rule, device))
        return Member(rule, device, at, known.id if known else "")

    def _firing(self, rule: str, device: str) -> str:
        alert = self._open.get((rule, device))
        return alert.id if alert is not None and alert.condition is Condition.FIRING else ""

    def _where(self, transition: Transition) -> Key:
        device = self._registry.at(transition.device_class, transition.slot)
        return transition.rule, transition.gateway or transition.place or device.id

    def _left_over(self, transition: Transition) -> list[Clear]:
        """The end of alarms whose alerts were closed before: when they recovered is part of their story."""
        left = self._left.pop(self._where(transition), ())
        return [
            Clear(alert.id, transition.event_at, Condition.RESOLVED)
            for alert in left
            if alert.event_at <= transition.event_at
        ]

    def _clear(self, transition: Transition) -> Clear | None:
        key = self._where(transition)
        known = self._open.get(key)
        if known is None or known.condition is not Condition.FIRING:
            return None
        if transition.event_at < known.event_at:
            return None  # what was over before this alarm began says nothing about it (see the scout)
        rule = self._rules[transition.rule]
        # A fire that a walk test made a test ends with the smoke: nobody has to reset a hundred detectors.
        latches = rule.latches and known.alert_class is rule.alert_class
        condition = Condition.LATCHED if latches else Condition.RESOLVED
        # Whoever is on the way to a case that resolved is still on the way; only the book knows. Until it says so
        # again, a resolved alert is taken for closed: a new alarm too many is better than one too few.
        if condition is Condition.LATCHED:
            self._open[key] = replace(known, condition=condition, cleared_at=transition.event_at)
        else:
            del self._open[key]
            self.quieted.over(known)
        return Clear(known.id, transition.event_at, condition)

    def turned_real(self, clock: Instant, now: Instant, position: int) -> list[Alert | Clear]:
        """End the tests that still say fire long after their walk test, and raise the fires that they are.

        ``clock`` is what counts: the journal's when we are behind.
        """
        deeds: list[Alert | Clear] = []
        for test, real_at in self.quieted.turned_real(clock):
            self.quieted.over(test)
            deeds.append(Clear(test.id, real_at, Condition.RESOLVED))
            key = self._key(test)
            if self._open[key].id != test.id:
                continue  # it was raised anew already
            fire = self._open[key] = replace(
                test,
                id=alert_id(*key, real_at),
                alert_class=self._rules[test.rule].alert_class,
                quiet="",
                raised_at=now,
                event_at=real_at,
                offset=position,
                trips=1,
            )
            deeds.append(fire)
        return deeds

    def _alert(self, rule: Rule, device: Device, transition: Transition, value: float | None, now: Instant) -> Alert:
        gateway, meeting = transition.gateway, transition.place
        place = common_place(self._registry, self._org, gateway) if gateway else meeting or device.place
        metric = rule.metric if value is not None else ""
        return Alert(
            id=alert_id(rule.id, gateway or meeting or device.id, transition.event_at),
            rule=rule.id,
            rule_version=rule.version,
            alert_class=rule.alert_class,
            grade=rule.grade,
            device=gateway or device.id,
            device_class=transition.device_class,
            place=place,
            raised_at=now,
            event_at=transition.event_at,
            offset=transition.offset,
            metric=metric,
            value=value,
            channel=rule.channel,
            late=bool(transition.quality & Quality.LATE),
            text=gateway_text(self._registry, gateway) if gateway else rule_text(rule, device, place, value, self._org),
        )

    @property
    def _root(self) -> str:
        return self._org.root.code if self._org.root else ""

    # -- alerts that come of no rule --------------------------------------------------------------------------------
    def stranger(
        self, external_id: str, device_class: str, topic: str, *, event_at: Instant, offset: int, now: Instant
    ) -> Alert | None:
        """Raise the fire flag of a device nobody registered, at the root place.

        None while it goes on: its alert is open, and it was last heard to say fire less than half an hour ago. Beyond
        ten of them all others share one alert: whoever invents devices must not drown the fires of real ones.
        """
        subject = self.flags.subject(external_id)
        key = (STRANGER_FIRE, subject)
        flagged_at = self.flags.last(subject)
        self.flags.heard(subject, event_at)
        if key in self._open and flagged_at is not None and event_at - flagged_at < QUIET:
            return None
        words = "alert.stranger-fires" if subject == MORE_STRANGERS else "alert.stranger-fire"
        text = said(words, external_id=external_id, topic=topic)
        alert = self._open[key] = Alert(
            id=alert_id(STRANGER_FIRE, subject, event_at),
            rule=STRANGER_FIRE,
            rule_version="",
            alert_class=AlertClass.FIRE,
            grade=Grade.MAJOR,
            device=subject,
            device_class=device_class,
            place=self._root,
            raised_at=now,
            event_at=event_at,
            offset=offset,
            text=text,
        )
        return alert

    def system(
        self, rule: str, text: Mapping[str, str], *, now: Instant, offset: int, since: Instant | None = None
    ) -> Alert | None:
        """Raise a fault of firesense itself at the root place, if none of that name is open."""
        event_at = now if since is None else since
        key = (rule, FIRESENSE)
        if key in self._open:
            return None
        alert = self._open[key] = Alert(
            id=alert_id(rule, FIRESENSE, event_at),
            rule=rule,
            rule_version="",
            alert_class=AlertClass.FAULT,
            grade=Grade.MAJOR,
            device=FIRESENSE,
            device_class="",
            place=self._root,
            raised_at=now,
            event_at=event_at,
            offset=offset,
            text=dict(text),
        )
        return alert

    def system_over(self, rule: str, now: Instant) -> Clear | None:
        """Resolve the open fault of firesense itself of that name, if there is one."""
        known = self._open.pop((rule, FIRESENSE), None)
        return None if known is None else Clear(known.id, now, Condition.RESOLVED)


def _of_strangers(alerts: Mapping[Key, Alert]) -> dict[str, Alert]:
    return {subject: alert for (rule, subject), alert in alerts.items() if rule == STRANGER_FIRE}


def _was_quiet(alert: Alert, event_at: Instant) -> bool:
    if alert.condition is Condition.FIRING:
        return False
    over_at = alert.event_at if alert.cleared_at is None else alert.cleared_at
    return event_at - over_at >= QUIET
