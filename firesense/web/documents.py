"""The shapes of the API's answers and requests.

Single instants are RFC 3339 in UTC; columns of instants are microseconds since 1970-01-01T00:00:00Z.
"""

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, computed_field

from firesense.domain.deed import Rights
from firesense.domain.device import Device
from firesense.domain.frame import Reason, Refusal
from firesense.domain.instant import Instant, moment
from firesense.ports import Stranger

# What fits into whole nanoseconds in 64 bits, as stores keep it, and is not before all computers' time.
_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2262, 1, 1, tzinfo=UTC)


class Document(BaseModel):
    """Anything the API says."""

    model_config = ConfigDict(frozen=True)


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
    start: AwareDatetime = Field(alias="from", ge=_EARLIEST, le=_LATEST)
    end: AwareDatetime = Field(alias="to", ge=_EARLIEST, le=_LATEST)
    every: int | None = Field(None, ge=1, le=86_400, description="seconds a window")

    @property
    def window(self) -> timedelta:
        """The length of a window."""
        return timedelta(seconds=self.every or 0)


class RefusalDocument(Document):
    """A frame that could not be used; ``payload`` is base64. ``more`` like it are counted, but not kept."""

    offset: int
    source: str
    topic: str
    payload: str
    received_at: datetime
    reason: Reason
    detail: str
    profile: str
    external_id: str
    more: int = 0

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
            more=refusal.more,
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
    """How the streets are doing: the next offset of each, how many frames it is behind, and who is connected.

    A connection is null when ingest, in another process, never said anything of it.
    ``floods``: people with more alerts than anybody can read, and how many calls they were told in bundles since.
    """

    positions: dict[str, int] = {}
    lags: dict[str, int] = {}
    ledger: LedgerDocument | None = None
    connected: dict[str, bool | None] = {}
    floods: dict[str, int] = {}


class SessionDocument(Document):
    """Who is logged in, with what rights, and the token every change must carry in the header X-CSRF-Token.

    ``place`` is where the user may act, with everything below it; empty is everywhere.
    """

    user: str
    person: str
    csrf: str
    rights: Rights
    place: str


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
