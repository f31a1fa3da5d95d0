"""The shapes of what the API says of alerts, and of what people say when they close one."""

from datetime import datetime
from math import isfinite
from typing import Self

from firesense.domain.alert import Alert, AlertClass, Case, Condition, Finding, Grade
from firesense.domain.escalation import Call, CallState, Climb, ClimbState, Purpose, Step, StepKind
from firesense.domain.instant import Instant, moment
from firesense.domain.plan import Plan
from firesense.domain.readings import Quality
from firesense.explain import Explanation
from firesense.notify.masking import masked
from firesense.web.documents import Document
from firesense.web.shown import path_of, person_name, unit_of

NOTE_MOST = 2000


class PlaceDocument(Document):
    """A node of the org tree."""

    code: str
    name: str
    kind: str


class AlertDocument(Document):
    """One alert. ``place_path`` leads from the root to the alert's place; ``value`` is in ``unit``."""

    id: str
    alert_class: AlertClass
    grade: Grade
    condition: Condition
    case: Case
    text: dict[str, str]
    rule: str
    rule_version: str
    device: str
    device_name: str
    device_class: str
    place: str
    place_path: list[PlaceDocument]
    metric: str
    channel: int
    value: float | None
    unit: str
    late: bool
    trips: int
    raised_at: datetime
    event_at: datetime
    cleared_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str
    closed_at: datetime | None
    closed_by: str
    finding: Finding | None
    note: str
    dispatched_at: datetime | None
    arrived_at: datetime | None
    verified_at: datetime | None
    verified_by: str
    cause: str
    silenced_at: datetime | None
    incident: str
    quiet: str

    @classmethod
    def of(cls, alert: Alert, plan: Plan) -> Self:
        """Write an alert with what the plan knows of its device and place."""
        device = plan.registry.get(alert.device)
        return cls(
            id=alert.id,
            alert_class=alert.alert_class,
            grade=alert.grade,
            condition=alert.condition,
            case=alert.case,
            text=dict(alert.text),
            rule=alert.rule,
            rule_version=alert.rule_version,
            device=alert.device,
            device_name=device.name if device else "",
            device_class=alert.device_class,
            place=alert.place,
            place_path=[
                PlaceDocument(code=place.code, name=place.name, kind=place.kind) for place in path_of(plan, alert.place)
            ],
            metric=alert.metric,
            channel=alert.channel,
            value=alert.value if alert.value is not None and isfinite(alert.value) else None,
            unit=unit_of(alert.device_class, alert.metric),
            late=alert.late,
            trips=alert.trips,
            raised_at=moment(alert.raised_at),
            event_at=moment(alert.event_at),
            cleared_at=_moment(alert.cleared_at),
            acknowledged_at=_moment(alert.acknowledged_at),
            acknowledged_by=alert.acknowledged_by,
            closed_at=_moment(alert.closed_at),
            closed_by=alert.closed_by,
            finding=alert.finding,
            note=alert.note,
            dispatched_at=_moment(alert.dispatched_at),
            arrived_at=_moment(alert.arrived_at),
            verified_at=_moment(alert.verified_at),
            verified_by=alert.verified_by,
            cause=alert.cause,
            silenced_at=_moment(alert.silenced_at),
            incident=alert.incident,
            quiet=alert.quiet,
        )


class RungDocument(Document):
    """A step of a climb's own copy of its ladder."""

    roles: list[str]
    channels: list[str]
    wait_seconds: float


class ClimbDocument(Document):
    """An alert's way up: rung number ``rung`` (from 0) acts at ``due_at``; ``round`` counts the repeats."""

    ladder: str
    rungs: list[RungDocument]
    repeat: int | None
    state: ClimbState
    rung: int
    round: int
    due_at: datetime | None

    @classmethod
    def of(cls, climb: Climb) -> Self:
        """Write a climb."""
        return cls(
            ladder=climb.ladder.id,
            rungs=[
                RungDocument(
                    roles=list(rung.roles), channels=list(rung.channels), wait_seconds=rung.wait.total_seconds()
                )
                for rung in climb.ladder.rungs
            ],
            repeat=climb.ladder.repeat,
            state=climb.state,
            rung=climb.rung,
            round=climb.round,
            due_at=_moment(climb.due_at),
        )


class CallDocument(Document):
    """Someone who is told of an alert; ``address`` is masked."""

    purpose: Purpose
    person: str
    person_name: str
    role: str
    place: str
    channel: str
    address: str
    rung: int
    round: int
    state: CallState
    attempts: int
    receipt: str
    created_at: datetime
    due_at: datetime
    sent_at: datetime | None

    @classmethod
    def of(cls, call: Call, plan: Plan) -> Self:
        """Write a call without saying where it reaches its person."""
        return cls(
            purpose=call.purpose,
            person=call.person,
            person_name=person_name(plan, call.person),
            role=call.role,
            place=call.place,
            channel=call.channel,
            address=masked(call.address),
            rung=call.rung,
            round=call.round,
            state=call.state,
            attempts=call.attempts,
            receipt=call.receipt,
            created_at=moment(call.created_at),
            due_at=moment(call.due_at),
            sent_at=_moment(call.sent_at),
        )


class StepDocument(Document):
    """A line of an alert's story."""

    at: datetime
    kind: StepKind
    who: str
    detail: dict[str, str]

    @classmethod
    def of(cls, step: Step) -> Self:
        """Write a step."""
        return cls(at=moment(step.at), kind=step.kind, who=step.who, detail=dict(step.detail))


class AlertsDocument(Document):
    """A page of alerts; ``next`` is what to give as ``after`` for the following one, null on the last.

    Fire first; in each class those of strangers last, then the newest first.
    """

    alerts: list[AlertDocument]
    next: str | None


class AlertDetailDocument(Document):
    """One alert with its climb, its calls and its story."""

    alert: AlertDocument
    climb: ClimbDocument | None
    calls: list[CallDocument]
    story: list[StepDocument]


class WitnessDocument(Document):
    """A reading kept with an alert: what it said that the rule looks at, in canonical units; ``quality`` in words."""

    event_at: datetime
    received_at: datetime
    offset: int
    quality: list[str]
    says: dict[str, float]


class MemberDocument(Document):
    """One of those that made a coincidence; ``alert`` is its own, if it had one."""

    rule: str
    device: str
    at: datetime
    alert: str


class SuppressedDocument(Document):
    """What was kept from people: answers this alert hides (``hidden``), or alerts this window keeps ``quiet``."""

    why: str
    rule: str
    device: str
    count: int
    first_at: datetime
    last_at: datetime


class ExplanationDocument(Document):
    """Why an alert was raised, as it was known then, and what came of it.

    ``rule`` is the rule as it was written then, ``asked`` what it wants of a device, ``route`` how its ladder was
    chosen; ``rule_version_now`` is empty when there is no such rule any more. ``tripped_again`` and ``moot_calls``
    count what was kept from people, ``suppressed`` says what else was and why; ``chatter`` counts trips of a chattering
    alarm. ``in_force`` says of each season, night, holiday and tag that its conditions ask for whether it was so;
    ``members`` made a coincidence, ``first`` is the first alert of its event, ``hidden_by`` the one that hid it before.
    """

    alert: AlertDocument
    rule: dict[str, str]
    rule_version_now: str
    asked: dict[str, str]
    route: dict[str, str]
    readings: list[WitnessDocument]
    in_force: dict[str, bool]
    members: list[MemberDocument]
    first: str
    hidden_by: str
    suppressed: list[SuppressedDocument]
    chatter: int
    tripped_again: int
    moot_calls: int
    climb: ClimbDocument | None
    calls: list[CallDocument]
    story: list[StepDocument]

    @classmethod
    def of(cls, explanation: Explanation, plan: Plan) -> Self:
        """Write an explanation."""
        because = explanation.because
        again, moot = explanation.suppressed
        return cls(
            alert=AlertDocument.of(explanation.alert, plan),
            rule=dict(because.rule),
            rule_version_now=explanation.in_force,
            asked=dict(because.asked),
            route=dict(because.route),
            readings=[
                WitnessDocument(
                    event_at=moment(witness.event_at),
                    received_at=moment(witness.received_at),
                    offset=witness.offset,
                    quality=[mark.name.lower() for mark in Quality(witness.quality) if mark.name],
                    says=dict(witness.says),
                )
                for witness in because.witnesses
            ],
            in_force=dict(because.in_force),
            members=[
                MemberDocument(rule=one.rule, device=one.device, at=moment(one.at), alert=one.alert)
                for one in because.aside.members
            ],
            first=because.aside.first,
            hidden_by=because.aside.hidden_by,
            suppressed=[
                SuppressedDocument(
                    why=one.why,
                    rule=one.what,
                    device=one.device,
                    count=one.count,
                    first_at=moment(one.first_at),
                    last_at=moment(one.last_at),
                )
                for one in explanation.kept_back
            ],
            chatter=explanation.chatter,
            tripped_again=again,
            moot_calls=moot,
            climb=None if explanation.climb is None else ClimbDocument.of(explanation.climb),
            calls=[CallDocument.of(call, plan) for call in explanation.calls],
            story=[StepDocument.of(step) for step in explanation.story],
        )


def _moment(at: Instant | None) -> datetime | None:
    return None if at is None else moment(at)
