"""The shapes of the API's answers and requests.

Single instants are RFC 3339 in UTC; columns of instants are microseconds since 1970-01-01T00:00:00Z.
"""

from base64 import b64encode
from datetime import datetime, timedelta
from math import isfinite
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, computed_field

from firesense.domain.alert import Alert, AlertClass, Case, Condition, Finding, Grade
from firesense.domain.device import Device
from firesense.domain.escalation import Call, CallState, Climb, ClimbState, Purpose, Step, StepKind
from firesense.domain.frame import Reason, Refusal
from firesense.domain.instant import Instant, moment
from firesense.domain.plan import Plan
from firesense.notify.masking import masked
from firesense.ports import Stranger
from firesense.web.shown import path_of, person_name, unit_of

NOTE_MOST = 2000


class Document(BaseModel):
    """Anything the API says."""

    model_config = ConfigDict(frozen=True)


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
    """Alerts, fire first, then the newest."""

    alerts: list[AlertDocument]


class AlertDetailDocument(Document):
    """One alert with its climb, its calls and its story."""

    alert: AlertDocument
    climb: ClimbDocument | None
    calls: list[CallDocument]
    story: list[StepDocument]


class Closing(Document):
    """What was found on site, and what to remember of it."""

    finding: Finding
    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=NOTE_MOST)] = ""


class DeviceDocument(Document):
    """One registered device. ``period_seconds`` is its own reporting period, if it differs from its profile's."""

    id: str
    name: str
    device_class: str
    kind: str
    profile: str
    external_id: str
    place: str
    gateway: str
    tags: list[str]
    period_seconds: float | None

    @classmethod
    def of(cls, device: Device) -> Self:
        """Write a device."""
        return cls(
            id=device.id,
            name=device.name,
            device_class=device.device_class,
            kind=device.kind,
            profile=device.profile,
            external_id=device.external_id,
            place=device.place,
            gateway=device.gateway,
            tags=list(device.tags),
            period_seconds=None if device.period is None else device.period.total_seconds(),
        )


class DevicesDocument(Document):
    """A page of devices by id; ``next`` is what to give as ``after`` for the following one, null on the last."""

    devices: list[DeviceDocument]
    next: str | None
    total: int


class SeriesDocument(Document):
    """Points of one metric or signal as columns; ``truncated`` says that there are more after the last one."""

    device: str
    column: str
    unit: str
    at: list[Instant]
    values: list[float]
    truncated: bool


class WindowsDocument(Document):
    """A series averaged over windows of ``every`` seconds, as columns; empty windows are left out."""

    device: str
    column: str
    unit: str
    every: int
    at: list[Instant]
    mean: list[float]
    low: list[float]
    high: list[float]
    count: list[int]


class Span(Document):
    """Which points of which column: [from, to), as they are or averaged over ``every`` seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str = Field(description="a metric or signal of the device's class", max_length=64)
    start: AwareDatetime = Field(alias="from")
    end: AwareDatetime = Field(alias="to")
    every: int | None = Field(None, ge=1, le=86_400, description="seconds a window")

    @property
    def window(self) -> timedelta:
        """The length of a window."""
        return timedelta(seconds=self.every or 0)


class RefusalDocument(Document):
    """A frame that could not be used; ``payload`` is base64."""

    offset: int
    source: str
    topic: str
    payload: str
    received_at: datetime
    reason: Reason
    detail: str
    profile: str
    external_id: str

    @classmethod
    def of(cls, refusal: Refusal) -> Self:
        """Write a refusal with the frame's bytes."""
        return cls(
            offset=refusal.offset,
            source=refusal.source,
            topic=refusal.topic,
            payload=b64encode(refusal.payload).decode(),
            received_at=moment(refusal.received_at),
            reason=refusal.reason,
            detail=refusal.detail,
            profile=refusal.profile,
            external_id=refusal.external_id,
        )


class QuarantineDocument(Document):
    """Frames that could not be used, oldest first."""

    refusals: list[RefusalDocument]


class StrangerDocument(Document):
    """An unregistered device that was heard."""

    external_id: str
    profile: str
    topic: str
    first_at: datetime
    last_at: datetime
    frames: int

    @classmethod
    def of(cls, stranger: Stranger) -> Self:
        """Write a stranger."""
        return cls(
            external_id=stranger.external_id,
            profile=stranger.profile,
            topic=stranger.topic,
            first_at=moment(stranger.first_at),
            last_at=moment(stranger.last_at),
            frames=stranger.frames,
        )


class StrangersDocument(Document):
    """Unregistered devices that were heard, newest first."""

    strangers: list[StrangerDocument]


class LedgerDocument(Document):
    """How the received frames ended; ``balanced`` when those that ended are as many as were read.

    received = recorded + duplicate + quarantined + waiting, and nothing waits once the streets have caught up.
    """

    received: int
    recorded: int
    duplicate: int
    quarantined: int
    balanced: bool

    @computed_field  # type: ignore[prop-decorator] # pydantic's own way to write a property
    @property
    def waiting(self) -> int:
        """Frames in the journal that have not ended yet."""
        return self.received - self.recorded - self.duplicate - self.quarantined


class StatusDocument(Document):
    """How the streets are doing: the next offset of each, how many frames it is behind, and who is connected."""

    positions: dict[str, int] = {}
    lags: dict[str, int] = {}
    ledger: LedgerDocument | None = None
    connected: dict[str, bool] = {}


class SessionDocument(Document):
    """Who is logged in, and the token that every change must carry in the header X-CSRF-Token."""

    user: str
    person: str
    csrf: str


class Login(Document):
    """A name and its password."""

    name: str = Field(min_length=1, max_length=64)
    password: str = Field(min_length=1, max_length=128)


class HealthDocument(Document):
    """The console answers."""

    status: Literal["ok"] = "ok"


class ProblemError(Document):
    """One thing wrong in a request: where, and why."""

    path: str
    reason: str


class ProblemDocument(Document):
    """What went wrong (RFC 9457); ``detail`` is in the language of the request."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[ProblemError] | None = None


def _moment(at: Instant | None) -> datetime | None:
    return None if at is None else moment(at)
