"""The JSON API's part about whistles: departments that are called in, and that come."""

from collections.abc import Iterable
from typing import Annotated, Self

from fastapi import APIRouter, Depends
from pydantic import Field, StringConstraints

from firesense.domain.escalation import Call, Climb, Purpose
from firesense.escalate import Target
from firesense.web.alert_documents import ClimbDocument
from firesense.web.api_problems import problems
from firesense.web.documents import Document
from firesense.web.parts import AlertId, ProgramActing, WithParts, visitor

router = APIRouter(
    prefix="/api/v1/alerts/{alert_id}",
    tags=["alerts"],
    dependencies=[Depends(visitor)],
    responses=problems(401, 422, 503),
)
_Word = Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)]


class Whistling(Document):
    """Who is called in, and why: a post (looked up from ``place``, else from the alert's, upwards), or a rung."""

    role: _Word = ""
    place: _Word = ""
    rung: Annotated[int, Field(ge=1, description="of the alert's own ladder, from 1; where no role is given")] = 1
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class Answering(Document):
    """Which whistle is answered, when it is answered for somebody else; empty: those that called the visitor."""

    strand: _Word = ""


class WhistleDocument(Document):
    """A whistle: its name, who blew it and why, whom it has called so far (ids), and how far it has climbed."""

    strand: str
    by: str
    reason: str
    called: Annotated[list[str], Field(description="empty: nobody could be called")]
    climb: ClimbDocument

    @classmethod
    def of(cls, climb: Climb, calls: Iterable[Call]) -> Self:
        """Write a whistle; ``calls`` are those of its alert."""
        called = [call.person for call in calls if call.strand == climb.strand and call.purpose is Purpose.WHISTLE]
        return cls(
            strand=climb.strand,
            by=climb.by,
            reason=climb.reason,
            called=list(dict.fromkeys(called)),
            climb=ClimbDocument.of(climb),
        )


class AnsweredDocument(Document):
    """The whistles that are over."""

    answered: list[str]


@router.get("/whistles", responses=problems(404))
def whistles(parts: WithParts, alert_id: AlertId) -> list[WhistleDocument]:
    """List the whistles of an alert, in the order they were blown."""
    parts.book.alert(alert_id)
    whistles = parts.book.whistles(alert_id)
    calls = parts.book.calls(alert_id) if whistles else []
    return [WhistleDocument.of(each, calls) for each in whistles]


@router.post("/whistle", responses=problems(403, 404, 409))
def whistle(parts: WithParts, actor: ProgramActing, alert_id: AlertId, asked: Whistling) -> WhistleDocument:
    """Call in a department, or another rung, at once and over every channel; the alert's climb goes on.

    With an empty ``called`` nobody could be: the post is vacant, or nobody there has an address.
    """
    climb = parts.desk.whistle(alert_id, actor, Target(asked.role, asked.place, asked.rung - 1), asked.reason)
    return WhistleDocument.of(climb, parts.book.calls(alert_id))


@router.post("/answer", responses=problems(403, 404, 409))
def answer(parts: WithParts, actor: ProgramActing, alert_id: AlertId, asked: Answering) -> AnsweredDocument:
    """Say that the department that was called in has come."""
    return AnsweredDocument(answered=parts.desk.answer(alert_id, actor, asked.strand))
