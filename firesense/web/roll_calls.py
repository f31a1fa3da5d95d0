"""Roll calls (查岗) on a page and in the API: what came of those that were made, and starting one."""

from datetime import datetime
from typing import Annotated, Any, Self

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import Field

from firesense.domain.errors import Conflict, NotFound
from firesense.domain.instant import moment
from firesense.domain.rollcall import RollCall, RollCallState
from firesense.text import say
from firesense.web.documents import Document, ProblemDocument
from firesense.web.door import Session
from firesense.web.parts import (
    TEMPLATES,
    PageActing,
    PageWriting,
    Parts,
    ProgramActing,
    Visitor,
    WithParts,
    clock,
    language_of,
    page_context,
    visitor,
)
from firesense.web.problems import Problem
from firesense.web.shown import conflict_words, person_name

_CODE_MOST = 200
_DAYS_MOST = 92
_DAYS_SHOWN = 7
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": ProblemDocument, "description": description}
    for status, description in (
        (401, "Nobody is logged in."),
        (403, "The CSRF token is missing or wrong, or this may not be done by whoever asks."),
        (404, "There is no such post."),
        (409, "One is under way at that post."),
        (422, "The request is not understood."),
        (503, "The book is away; try again."),
    )
}
api = APIRouter(prefix="/api/v1", tags=["roll calls"], dependencies=[Depends(visitor)], responses=_PROBLEMS)
pages = APIRouter(include_in_schema=False)


class RollCallAsked(Document):
    """The post at which roll is to be called."""

    role: str = Field(max_length=_CODE_MOST)
    place: str = Field(max_length=_CODE_MOST)


class RollCallDocument(Document):
    """One roll call; once ``asked_at`` it is an alert, too, under the same id.

    ``people`` were on duty then, or when it was started. ``vacant``: it was started though nobody was; who is above is
    told at once.
    """

    id: str
    role: str
    place: str
    state: RollCallState
    started_by: str
    planned_at: datetime
    within_seconds: float
    people: list[str]
    vacant: bool
    asked_at: datetime | None
    answered_at: datetime | None
    answered_by: str

    @classmethod
    def of(cls, call: RollCall) -> Self:
        """Write a roll call."""
        return cls(
            id=call.id,
            role=call.role,
            place=call.place,
            state=call.state,
            started_by=call.started_by,
            planned_at=moment(call.planned_at),
            within_seconds=call.within.total_seconds(),
            people=list(call.people),
            vacant=is_vacant(call),
            asked_at=None if call.asked_at is None else moment(call.asked_at),
            answered_at=None if call.answered_at is None else moment(call.answered_at),
            answered_by=call.answered_by,
        )


def is_vacant(call: RollCall) -> bool:
    """Whether roll was called where nobody was on duty; whom the day's plan will ask is not known before."""
    known = call.asked_at is not None or (call.started_by and call.state is RollCallState.PLANNED)
    return bool(known and not call.people)


class RollCallsDocument(Document):
    """Roll calls that were made, the latest first."""

    roll_calls: list[RollCallDocument]


@api.get("/roll-calls")
def roll_calls(parts: WithParts, days: Annotated[int, Query(ge=1, le=_DAYS_MOST)] = _DAYS_SHOWN) -> RollCallsDocument:
    """List the roll calls of the last days; those to come are nobody's to know."""
    return RollCallsDocument(roll_calls=[RollCallDocument.of(call) for call in parts.rolls.made(days)])


@api.post("/roll-calls", status_code=201)
def start(parts: WithParts, actor: ProgramActing, asked: RollCallAsked) -> RollCallDocument:
    """Call the roll at a post now: whoever is on duty there is asked, and who is above when nobody answers."""
    return RollCallDocument.of(parts.rolls.start(actor, asked.role, asked.place))


@pages.get("/rollcalls")
def roll_calls_page(request: Request, parts: WithParts, session: Visitor) -> Response:
    """Show what came of the roll calls of the last days, and let people start one."""
    return _page(request, parts, session)


@pages.post("/rollcalls")
def start_it(
    request: Request,
    parts: WithParts,
    session: PageWriting,
    actor: PageActing,
    role: Annotated[str, Form(max_length=_CODE_MOST)],
    place: Annotated[str, Form(max_length=_CODE_MOST)],
) -> Response:
    """Call the roll at a post."""
    try:
        parts.rolls.start(actor, role, place)
    except Conflict as error:
        words = conflict_words(error, parts.plan_source(), parts.zone, language_of(request))
        refused = say(error.key, language_of(request), **words)
        asked = RollCallAsked(role=role, place=place)
        return _page(request, parts, session, asked, refused=refused, status_code=409)
    except NotFound as error:
        raise Problem(404, "web.rollcalls.no_post") from error
    return RedirectResponse("/rollcalls", 303)


def _page(
    request: Request,
    parts: Parts,
    session: Session,
    asked: RollCallAsked | None = None,
    *,
    refused: str = "",
    status_code: int = 200,
) -> Response:
    plan = parts.plan_source()
    if asked is None:  # what the day's plan calls the roll of is what most people mean
        role, _, place = (*plan.roll_calling.posts, "")[0].partition("@")
        asked = RollCallAsked(role=role, place=place)
    context = page_context(
        request,
        session=session,
        calls=parts.rolls.made(_DAYS_SHOWN),
        places=plan.org.places,
        posted={place for place, _ in plan.org.posts},
        roles=sorted({role for _, role in plan.org.posts}),
        name=lambda person: person_name(plan, person),
        clock=clock,
        is_vacant=is_vacant,
        asked=asked,
        may_act=session.user.rights.may_act,
        refused=refused,
    )
    return TEMPLATES.TemplateResponse(request, "rollcalls.html", context, status_code=status_code)
