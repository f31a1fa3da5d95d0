"""The JSON API's part about whistles: departments that are called in, and that come."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field, StringConstraints

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
    """A whistle: its name, who blew it and why, and how far it has climbed."""

    strand: str
    by: str
    reason: str
    climb: ClimbDocument


class AnsweredDocument(Document):
    """The whistles that are over."""

    answered: list[str]


@router.get("/whistles", responses=problems(404))
def whistles(parts: WithParts, alert_id: AlertId) -> list[WhistleDocument]:
    """List the whistles of an alert, in the order they were blown."""
    parts.book.alert(alert_id)
    return [
        WhistleDocument(strand=each.strand, by=each.by, reason=each.reason, climb=ClimbDocument.of(each))
        for each in parts.book.whistles(alert_id)
    ]


@router.post("/whistle", responses=problems(403, 404, 409))
def whistle(parts: WithParts, actor: ProgramActing, alert_id: AlertId, asked: Whistling) -> WhistleDocument:
    """Call in a department, or another rung, at once and over every channel; the alert's climb goes on."""
    climb = parts.desk.whistle(alert_id, actor, Target(asked.role, asked.place, asked.rung - 1), asked.reason)
    return WhistleDocument(strand=climb.strand, by=climb.by, reason=climb.reason, climb=ClimbDocument.of(climb))


@router.post("/answer", responses=problems(403, 404, 409))
def answer(parts: WithParts, actor: ProgramActing, alert_id: AlertId, asked: Answering) -> AnsweredDocument:
    """Say that the department that was called in has come."""
    return AnsweredDocument(answered=parts.desk.answer(alert_id, actor, asked.strand))
