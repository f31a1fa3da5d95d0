"""The shapes of what people say when they act on an alert, and of incidents, photos, causes and the audit."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from firesense.domain.alert import Finding
from firesense.domain.audit import Sealed
from firesense.domain.deed import Ground, Photo, Position
from firesense.domain.instant import moment
from firesense.web.alert_documents import NOTE_MOST, AlertDocument
from firesense.web.documents import Document

NAME_MOST = 100

Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=NOTE_MOST)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, max_length=NAME_MOST)]
Given = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=NOTE_MOST)]


class Where(Document):
    """Where somebody stood: degrees (WGS 84), and how many metres it may be off."""

    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    accuracy: float | None = Field(None, ge=0, allow_inf_nan=False)

    @property
    def position(self) -> Position:
        """The same for the desk."""
        return Position(self.latitude, self.longitude, self.accuracy)


class TakingOver(Document):
    """Why an alert is taken from whoever has it."""

    reason: Given


class HandingOn(Document):
    """To whom an alert is given, by id, and why."""

    to: Name = Field(min_length=1)
    reason: Note = ""


class Dispatching(Document):
    """Who is sent: whoever holds the nearest post of a role (or the one at ``place``), or one person."""

    role: Name = ""
    place: Name = ""
    person: Name = ""
    note: Note = ""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if bool(self.role) == bool(self.person):
            raise PydanticCustomError("role_or_person", "give a role or a person")
        return self


class Arriving(Document):
    """Who is on site (empty: whoever says so), and where that is."""

    who: Name = ""
    position: Where | None = None


class Verifying(Document):
    """What was found on site; a false alarm has a ``cause``: an id of /causes."""

    finding: Finding
    cause: Name = ""
    note: Note = ""
    position: Where | None = None


class Silencing(Document):
    """Which of the three conditions of GB/T 45839-2025 5.8.1 holds, and which camera or who says so."""

    ground: Ground
    shown_by: Name = ""
    reason: Note = ""


class Resetting(Document):
    """Why a latched alarm is reset."""

    reason: Note = ""


class Closing(Document):
    """What was found on site, if it is not what the case was verified with, and what to remember of it.

    One whose device still alarms is closed only with ``though_firing``: the device's next alarm is a new alert.
    """

    finding: Finding | None = None
    cause: Name = ""
    note: Note = ""
    though_firing: bool = False


class Merging(Document):
    """Alerts of one event."""

    alerts: list[Annotated[str, StringConstraints(pattern="^[0-9A-Za-z]{1,40}$")]] = Field(min_length=2, max_length=500)


class DoneDocument(AlertDocument):
    """An alert after a deed on its whole incident; ``left`` are the open alerts of it that one may not act on."""

    left: list[str] = Field(default_factory=list)


class IncidentDocument(Document):
    """Alerts of one event, the oldest first; ``incident`` is the id of the one it was made of first."""

    incident: str
    alerts: list[AlertDocument]


class CompanionsDocument(Document):
    """Open alerts that may be of the same event."""

    alerts: list[AlertDocument]


class PhotoDocument(Document):
    """A photo of an alert; it is at /api/v1/alerts/{alert}/photos/{id}."""

    id: str
    alert: str
    at: datetime
    who: str
    size: int
    width: int
    height: int
    note: str

    @classmethod
    def of(cls, photo: Photo) -> Self:
        """Write a photo."""
        return cls(
            id=photo.id,
            alert=photo.alert,
            at=moment(photo.at),
            who=photo.who,
            size=photo.size,
            width=photo.width,
            height=photo.height,
            note=photo.note,
        )


class PhotosDocument(Document):
    """The photos of an alert, the oldest first."""

    photos: list[PhotoDocument]


class CauseDocument(Document):
    """A cause of false alarms."""

    id: str
    zh: str
    en: str


class CausesDocument(Document):
    """The causes of false alarms, in the order they are offered."""

    causes: list[CauseDocument]


class AuditLineDocument(Document):
    """A line of the audit; ``hash`` seals it and all before it."""

    number: int
    at: datetime
    who: str
    origin: str
    did: str
    kind: str
    target: str
    detail: dict[str, str]
    hash: str

    @classmethod
    def of(cls, line: Sealed) -> Self:
        """Write a line."""
        entry = line.entry
        return cls(
            number=line.number,
            at=moment(entry.at),
            who=entry.who,
            origin=entry.origin,
            did=entry.did,
            kind=entry.kind,
            target=entry.target,
            detail=dict(entry.detail),
            hash=line.hash,
        )


class AuditDocument(Document):
    """A page of the audit, the oldest first; ``next`` is what to give as ``after``, null on the last one."""

    lines: list[AuditLineDocument]
    next: int | None
