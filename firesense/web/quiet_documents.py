"""The shapes of what the API says and is asked about quiet windows."""

from datetime import datetime
from typing import Annotated, Self

from fastapi import Path
from pydantic import Field

from firesense.domain.instant import moment
from firesense.domain.quiet import Quiet, QuietKind
from firesense.web.documents import Document

TEXT_MOST = 500  # letters of a reason
CODE_MOST = 200
MINUTES_MOST = 7 * 24 * 60

Code = Annotated[str, Field(max_length=CODE_MOST)]
Reason = Annotated[str, Field(min_length=1, max_length=TEXT_MOST)]
Minutes = Annotated[int, Field(ge=1, le=MINUTES_MOST)]
WindowId = Annotated[str, Path(max_length=40, pattern="^[0-9A-Za-z]+$")]


class WindowDocument(Document):
    """A window. ``what`` it covers is a device, a gateway or a place."""

    id: str
    kind: QuietKind
    what: str
    rule: str
    alert: str
    who: str
    why: str
    tester: str
    starts_at: datetime
    ends_at: datetime
    over_at: datetime | None

    @classmethod
    def of(cls, quiet: Quiet) -> Self:
        """Write a window."""
        return cls(
            id=quiet.id,
            kind=quiet.kind,
            what=quiet.subject,
            rule=quiet.rule,
            alert=quiet.alert,
            who=quiet.who,
            why=quiet.why,
            tester=quiet.tester,
            starts_at=moment(quiet.starts_at),
            ends_at=moment(quiet.ends_at),
            over_at=None if quiet.over_at is None else moment(quiet.over_at),
        )


class WindowsDocument(Document):
    """The windows that are not over, and how many there are of each kind."""

    windows: list[WindowDocument]
    counts: dict[QuietKind, int]


class MaintenanceAsked(Document):
    """Maintenance of one place (with all below), one device or one gateway; it begins now, or later."""

    place: Code = ""
    device: Code = ""
    gateway: Code = ""
    minutes: Minutes
    why: Reason
    starts_at: datetime | None = None


class ShelvingAsked(Document):
    """An alert to be shelved, or a rule at one place (with all below) or one device."""

    alert: Code = ""
    rule: Code = ""
    place: Code = ""
    device: Code = ""
    minutes: Minutes
    why: Reason


class WalkTestAsked(Document):
    """A walk test of a place with all below, told to this person alone."""

    place: Code
    tester: Code
    minutes: Minutes
    why: Reason


class Extending(Document):
    """How long a window is to last from now on."""

    minutes: Minutes


class TriedDocument(Document):
    """A device of a walk test; ``heard_at`` is null as long as it was not heard."""

    device: str
    name: str
    place: str
    heard_at: datetime | None
    rule: str
    times: int


class ReportDocument(Document):
    """What a walk test heard, device by device."""

    window: WindowDocument
    heard: int
    missing: int
    devices: list[TriedDocument]
