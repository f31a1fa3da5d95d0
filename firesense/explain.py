"""Why an alert was raised and what came of it, put together from what the book kept: for people and for programs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

from firesense.domain.because import Because
from firesense.domain.catalogue import CLASSES
from firesense.domain.escalation import CallState, StepKind
from firesense.domain.instant import clock_time
from firesense.domain.readings import Quality
from firesense.notify.masking import masked
from firesense.text import TEXTS, say

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import tzinfo

    from firesense.domain.alert import Alert
    from firesense.domain.because import Suppressed, Witness
    from firesense.domain.escalation import Call, Climb, Step
    from firesense.domain.instant import Instant
    from firesense.domain.plan import Plan
    from firesense.ports import Book


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that is known of an alert. ``in_force`` is the version of its rule now, empty when there is none."""

    alert: Alert
    because: Because
    in_force: str
    climb: Climb | None
    calls: tuple[Call, ...]
    story: tuple[Step, ...]
    kept_back: tuple[Suppressed, ...] = ()

    @property
    def chatter(self) -> int:
        """How many of its trips were counted as one alarm because it chattered."""
        again = sum(step.kind is StepKind.TRIPPED_AGAIN for step in self.story)
        return again if "chatters" in self.because.rule else 0

    @property
    def suppressed(self) -> tuple[int, int]:
        """How often it tripped again without anybody being called anew, and how many calls were moot in time."""
        again = sum(step.kind is StepKind.TRIPPED_AGAIN for step in self.story)
        return again, sum(call.state is CallState.MOOT for call in self.calls)


def explain(book: Book, plan: Plan, alert_id: str) -> Explanation:
    """Put an explanation together. Raises NotFound."""
    alert = book.alert(alert_id)
    return Explanation(
        alert,
        book.because(alert_id) or Because(alert_id),
        next((rule.version for rule in plan.rules if rule.id == alert.rule), ""),
        book.climb(alert_id),
        tuple(book.calls(alert_id)),
        tuple(book.story(alert_id)),
        tuple(book.suppressed(alert_id)),
    )


def lines(
    explanation: Explanation,
    plan: Plan,
    language: str,
    zone: tzinfo = UTC,
    *,
    details: Iterable[Sequence[str]],
) -> Iterator[str]:
    """Tell an explanation in lines for a terminal, times by the clocks of ``zone``; addresses are masked.

    ``details`` is what each line of its story says besides its kind, in words; raises ValueError unless there is one
    for each.
    """
    told = _Told(explanation, plan, language, zone, tuple(details))
    for heading, body in (
        ("what", told.what()),
        ("rule", told.rule()),
        ("readings", told.readings()),
        ("suppressed", told.suppressed()),
        ("route", told.route()),
        ("rungs", told.rungs()),
        ("calls", told.calls()),
        ("story", told.story()),
    ):
        yield say(f"explain.{heading}", language)
        for line in body:
            yield f"  {line}"


def grounds(explanation: Explanation, plan: Plan, language: str, zone: tzinfo = UTC) -> Iterator[tuple[str, list[str]]]:
    """Tell why an alert was raised and what was kept from people, part by part, for its page."""
    told = _Told(explanation, plan, language, zone)
    for heading, body in (
        ("rule", told.rule()),
        ("readings", told.readings()),
        ("suppressed", told.suppressed()),
        ("route", told.route()),
    ):
        yield say(f"explain.{heading}", language), list(body)


class _Told:
    """The parts of an explanation in one language."""

    def __init__(
        self,
        explanation: Explanation,
        plan: Plan,
        language: str,
        zone: tzinfo,
        details: Sequence[Sequence[str]] = (),
    ) -> None:
        self._it, self._plan, self._language, self._zone = explanation, plan, language, zone
        self._details = details

    def _at(self, at: Instant) -> str:
        return clock_time(at, self._zone)

    def _say(self, key: str, **values: object) -> str:
        return say(key, self._language, **values)

    def _word(self, section: str, name: str) -> str:
        key = f"{section}.{name}"
        return self._say(key) if key in TEXTS else name

    def what(self) -> Iterator[str]:
        alert = self._it.alert
        grade = self._say(f"grade.{alert.grade}")
        text = alert.text.get(self._language) or alert.rule
        yield f"{alert.id}  {self._say(f'class.{alert.alert_class}')} ({grade})  {text}"
        device = self._plan.registry.get(alert.device)
        places = " / ".join(place.name for place in reversed(list(self._plan.org.path(alert.place))))
        yield f"{alert.device} {device.name if device else ''}".rstrip() + f"  {places or alert.place}"
        condition, case = self._say(f"condition.{alert.condition}"), self._say(f"case.{alert.case}")
        yield f"{self._at(alert.raised_at)}  {condition}, {case}"
        if first := self._it.because.aside.first:
            yield self._say("explain.first", alert=first)
        if alert.late:
            yield self._say("explain.late", at=self._at(alert.event_at))

    def rule(self) -> Iterator[str]:
        alert, because, now = self._it.alert, self._it.because, self._it.in_force
        if not alert.rule_version:
            yield self._say("explain.no_rule", rule=alert.rule)
            return
        if not now:
            since = self._say("explain.version.gone")
        elif now == alert.rule_version:
            since = self._say("explain.version.same")
        else:
            since = self._say("explain.version.other", version=now)
        yield f"{self._say('explain.version', rule=alert.rule, version=alert.rule_version)}; {since}"
        for name, value in because.rule.items():
            yield f"{self._word('explain.rule', name)}: {self._rule_word(name, value)}"
        for key, wanted in because.asked.items():
            yield self._say("explain.asked", about=key, wanted=wanted)
        for look, was_so in because.in_force.items():
            yield self._say("explain.in_force" if was_so else "explain.not_in_force", what=look)
        for member in because.aside.members:
            facts = {"rule": member.rule, "device": member.device, "alert": member.alert}
            yield self._say("explain.member", at=self._at(member.at), **facts)

    def _rule_word(self, name: str, value: str) -> str:
        if name == "kind":
            return self._word("rule.kind", value)
        return self._say("explain.yes") if name == "latches" else value

    def readings(self) -> Iterator[str]:
        witnesses = self._it.because.witnesses
        if not witnesses:
            yield self._say("explain.no_readings")
        for witness in witnesses:
            yield "  ".join(
                (self._at(witness.event_at), *_said(witness, self._it.alert.device_class), *_marks(witness))
            )

    def suppressed(self) -> Iterator[str]:
        again, moot = self._it.suppressed
        if again:
            yield self._say("explain.trips", count=again + 1)
        if moot:
            yield self._say("explain.moot", count=moot)
        if self._it.chatter:
            yield self._say("explain.chatter", count=self._it.chatter, chatters=self._it.because.rule["chatters"])
        for one in self._it.kept_back:
            key = f"explain.{one.why}"
            span = f"{self._at(one.first_at)} - {self._at(one.last_at)}" if one.count > 1 else self._at(one.first_at)
            yield self._say(key, rule=one.what, device=one.device, count=one.count, span=span)
        held = [step for step in self._it.story if step.kind is StepKind.HELD]
        for step in held:
            kind = self._word("quiet", step.detail.get("kind", ""))
            facts = {name: step.detail.get(name, "") for name in ("window", "why")}
            yield self._say("explain.held", kind=kind, who=self._person(step.who), at=self._at(step.at), **facts)
        if self._it.because.aside.hidden_by:
            yield self._say("explain.was_hidden", alert=self._it.because.aside.hidden_by)
        if not again and not moot and not self._it.kept_back and not held:
            yield self._say("explain.nothing")

    def route(self) -> Iterator[str]:
        route = self._it.because.route
        if not route:
            yield self._say("explain.no_ladder") if self._it.climb is None else self._it.climb.ladder.id
            return
        yield self._say("explain.selector", selector=route["selector"], ladder=route["ladder"])
        for name, values in route.items():
            if name == "start":
                yield "  " + self._say("explain.start", rung=values)
            elif name not in {"selector", "ladder"}:
                yield "  " + self._say("explain.selector.fits", name=name, values=values)

    def rungs(self) -> Iterator[str]:
        """Each thing the ladder did, in the order it did it, and why a rung was skipped."""
        for step, details in zip(self._it.story, self._details, strict=True):
            if step.kind in {StepKind.CALLED, StepKind.EMPTY, StepKind.CLIMBED, StepKind.EXHAUSTED}:
                yield self._step(step, details)

    def calls(self) -> Iterator[str]:
        for call in self._it.calls:
            parts = [
                self._at(call.sent_at or call.created_at),
                self._person(call.person),
                call.channel,
                masked(call.address),
                self._word("call.purpose", call.purpose),
                self._word("call.state", call.state),
            ]
            if call.attempts > 1:
                parts.append(self._say("explain.attempts", count=call.attempts))
            yield "  ".join([*parts, self._word("receipt", call.receipt)]).rstrip()

    def story(self) -> Iterator[str]:
        yield from map(self._step, self._it.story, self._details)

    def _step(self, step: Step, details: Sequence[str]) -> str:
        parts = (self._at(step.at), self._say(f"step.{step.word}"), self._person(step.who), ", ".join(details))
        return "  ".join(filter(None, parts))

    def _person(self, who: str) -> str:
        person = self._plan.org.people.get(who)
        return person.name if person else who


def _said(witness: Witness, device_class: str) -> Sequence[str]:
    known = CLASSES.get(device_class)
    metrics: Mapping[str, object] = known.metrics if known else {}
    return [
        f"{name} {value:g} {known.metrics[name].unit}" if known and name in metrics else f"{name} {value:g}"
        for name, value in witness.says.items()
    ]


def _marks(witness: Witness) -> Sequence[str]:
    return [mark.name.lower() for mark in Quality(witness.quality) if mark.name]
