"""The shapes of what the API says of hazards, and of what people say when they deal with one."""

from datetime import date, datetime
from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints

from firesense.domain.alert import Grade
from firesense.domain.hazard import HazardAct, HazardState, Source
from firesense.domain.instant import Instant, moment
from firesense.web.documents import Document
from firesense.web.hazards_shown import HazardShown, PlaceShown

TEXT_MOST = 2000
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=TEXT_MOST)]
Short = Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)]


_NEEDED = {
    HazardAct.REGRADE: "grade",
    HazardAct.REINSPECT: "passed",
    HazardAct.EXTEND: "deadline_at",
    HazardAct.LIST: "listing",
    HazardAct.MOVE: "place",
}


def _at(at: Instant | None) -> datetime | None:
    return None if at is None else moment(at)


class HazardDocument(Document):
    """A hazard. ``until_at`` is when its present state has to be over, ``deadline_at`` when it has to be put right."""

    id: str
    source: Source
    grade: Grade
    state: HazardState
    place: str
    place_names: list[str]
    spot: str
    wrong: str
    remedy: str
    photos: list[str]
    reporter: str
    role: str
    responsible: str
    reported_at: datetime
    accepted_at: datetime | None
    accepted_by: str
    deadline_at: datetime | None
    until_at: datetime | None
    overdue: bool
    extensions: int
    rectified_at: datetime | None
    rectified_by: str
    rectified_text: str
    rectified_photos: list[str]
    reinspected_at: datetime | None
    reinspected_by: str
    passed: bool | None
    reinspected_text: str
    failures: int
    listing: str
    listed_at: datetime | None
    closed_at: datetime | None
    closed_by: str
    reason: str

    @classmethod
    def of(cls, shown: HazardShown) -> Self:
        """Write a hazard; how a resident can be reached is there if ``shown`` says it."""
        hazard = shown.hazard
        return cls(
            id=hazard.alert,
            source=hazard.source,
            grade=hazard.grade,
            state=hazard.state,
            place=hazard.place,
            place_names=list(shown.places),
            spot=hazard.spot,
            wrong=hazard.wrong,
            remedy=hazard.remedy,
            photos=list(hazard.photos),
            reporter=hazard.reporter or shown.contact,
            role=hazard.role,
            responsible=hazard.responsible,
            reported_at=moment(hazard.reported_at),
            accepted_at=_at(hazard.accepted_at),
            accepted_by=hazard.accepted_by,
            deadline_at=_at(hazard.deadline_at),
            until_at=_at(hazard.until_at),
            overdue=shown.overdue,
            extensions=hazard.extensions,
            rectified_at=_at(hazard.rectified_at),
            rectified_by=hazard.rectified_by,
            rectified_text=hazard.rectified_text,
            rectified_photos=list(hazard.rectified_photos),
            reinspected_at=_at(hazard.reinspected_at),
            reinspected_by=hazard.reinspected_by,
            passed=hazard.passed,
            reinspected_text=hazard.reinspected_text,
            failures=hazard.failures,
            listing=hazard.listing,
            listed_at=_at(hazard.listed_at),
            closed_at=_at(hazard.closed_at),
            closed_by=hazard.closed_by,
            reason=hazard.reason,
        )


class HazardsDocument(Document):
    """A page of the list of problems; ``next`` is what to give as ``after`` for the following one, null on the last."""

    hazards: list[HazardDocument]
    next: str | None


class ResponsibilityDocument(Document):
    """What one post, person or department has to put right, what is due first coming first."""

    responsible: str
    hazards: list[HazardDocument]


class ResponsibilitiesDocument(Document):
    """The list of responsibility, whoever is latest first."""

    responsibilities: list[ResponsibilityDocument]


class PlaceStandingDocument(Document):
    """How a place stands with all below it; ``since_at`` is since when it has been zero, or has not."""

    place: str
    name: str
    kind: str
    index: float
    points: float
    open: int
    minor: int
    general: int
    major: int
    overdue: int
    opened_month: int
    closed_month: int
    opened_quarter: int
    closed_quarter: int
    zero: bool
    since_at: datetime | None

    @classmethod
    def of(cls, shown: PlaceShown) -> Self:
        """Write a place's standing."""
        standing = shown.standing
        minor, general, major = standing.by_grade
        return cls(
            place=standing.place,
            name=shown.name,
            kind=shown.kind,
            index=round(standing.index, 2),
            points=round(standing.points, 3),
            open=standing.open,
            minor=minor,
            general=general,
            major=major,
            overdue=standing.overdue,
            opened_month=standing.opened[0],
            closed_month=standing.closed[0],
            opened_quarter=standing.opened[1],
            closed_quarter=standing.closed[1],
            zero=standing.zero,
            since_at=_at(standing.since_at),
        )


class PlaceStandingsDocument(Document):
    """How the places stand."""

    places: list[PlaceStandingDocument]


class Reporting(Document):
    """A hazard somebody reports who is logged in. ``key`` makes the same report, sent twice, one."""

    key: str = Field(pattern="^[A-Za-z0-9_-]{16,64}$")
    place: str = Field(max_length=64)
    wrong: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]
    spot: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = ""
    grade: Grade = Grade.GENERAL


class Dealing(Document):
    """What people say with an act. Which fields it needs, the act says: see docs/hazards.md."""

    grade: Grade | None = None
    text: Text = ""
    role: Short = ""
    responsible: Short = ""
    until: date | None = Field(None, description="a day: the deadline is its end, by the local clock")
    passed: bool | None = None
    listing: Short = ""
    place: Annotated[str, StringConstraints(strip_whitespace=True, max_length=64)] = ""
    spot: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = ""

    def said(self, act: HazardAct, deadline_at: Instant | None, photos: tuple[str, ...] = ()) -> dict[str, Any]:
        """Give the named arguments of an act (hazards/acts.py); raises ValueError for one that needs more."""
        whom = {"role": self.role, "responsible": self.responsible}
        arguments: dict[HazardAct, dict[str, Any]] = {
            HazardAct.ACCEPT: {"grade": self.grade, "remedy": self.text, "deadline_at": deadline_at, **whom},
            HazardAct.REJECT: {"reason": self.text},
            HazardAct.ASSIGN: whom,
            HazardAct.REGRADE: {"grade": self.grade},
            HazardAct.START: {},
            HazardAct.RECTIFY: {"text": self.text, "photos": photos},
            HazardAct.REINSPECT: {"passed": self.passed, "text": self.text, "deadline_at": deadline_at},
            HazardAct.WRITE_OFF: {"text": self.text},
            HazardAct.EXTEND: {"deadline_at": deadline_at, "reason": self.text},
            HazardAct.LIST: {"listing": self.listing or None},
            HazardAct.MOVE: {"place": self.place or None, "spot": self.spot},
        }
        said = arguments[act]
        if (needed := _NEEDED.get(act)) and said[needed] is None:
            raise ValueError(f"to {act} a hazard, {needed} has to be said")
        return said
