"""Who is on duty: the page, the API, and the calendars that telephones fetch with a secret address."""

import secrets
from contextlib import suppress
from hashlib import sha256
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Path, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field, NaiveDatetime

from firesense.domain.audit import Entry
from firesense.domain.errors import Conflict, NotAllowed, NotFound
from firesense.domain.instant import DAY, instant
from firesense.ports import Feed
from firesense.rosters import RosterDesk, calendar_of
from firesense.text import say
from firesense.web import roster_documents as doc
from firesense.web.documents import ProblemDocument
from firesense.web.door import Session
from firesense.web.parts import (
    TEMPLATES,
    PageActing,
    Parts,
    ProgramActing,
    Visitor,
    WithParts,
    language_of,
    page_context,
    visitor,
)
from firesense.web.roster_shown import DAYS, Holes, show_rosters
from firesense.web.shown import conflict_words

_PROBLEMS = {
    401: "Nobody is logged in.",
    403: "The CSRF token is missing or wrong, or the user may not do this.",
    404: "There is no such thing.",
    409: "It makes no sense, or was done already.",
    422: "The request is not understood.",
}


class ChangeAsked(BaseModel):
    """The form of a change: local times, as browsers give them. Without ``stand_in`` it is leave."""

    person: str = Field("", max_length=100)
    stand_in: str = Field("", max_length=100)
    roster: str = Field("", max_length=100)
    begins: NaiveDatetime
    ends: NaiveDatetime
    note: str = Field("", max_length=doc.NOTE_MOST)


pages = APIRouter(include_in_schema=False)
router = APIRouter(
    prefix="/api/v1/rosters",
    tags=["rosters"],
    dependencies=[Depends(visitor)],
    responses={status: {"model": ProblemDocument, "description": text} for status, text in _PROBLEMS.items()},
)


def _holes_of(request: Request) -> Holes:
    holes: Holes = request.app.state.holes
    return holes


WithHoles = Annotated[Holes, Depends(_holes_of)]


@pages.get("/rosters")
def rosters_page(request: Request, parts: WithParts, holes: WithHoles, session: Visitor) -> Response:
    """Show who is on duty now and in the coming days, and where nobody is."""
    return _page(request, parts, holes, session)


@pages.post("/rosters/changes")
def write_change(
    request: Request,
    parts: WithParts,
    holes: WithHoles,
    session: Visitor,
    actor: PageActing,
    asked: Annotated[ChangeAsked, Form()],
) -> Response:
    """Let somebody stand in, be on besides the others, or be on leave."""
    days = parts.plan_source().org.rosters.days
    desk = _desk(parts)
    try:
        begins_at, ends_at = (days.at(when.date(), when.time()) for when in (asked.begins, asked.ends))
        if asked.stand_in:
            more = {"instead_of": asked.person, "roster": asked.roster, "note": asked.note}
            desk.override(actor, asked.stand_in, begins_at, ends_at, **more)
        else:
            desk.leave(actor, asked.person, begins_at, ends_at, note=asked.note)
    except Conflict as error:
        words = conflict_words(error, parts.plan_source(), parts.zone)
        return _page(request, parts, holes, session, 409, asked, say(error.key, language_of(request), **words))
    except NotFound:
        org = parts.plan_source().org
        wrong = [name for name in (asked.person, asked.stand_in) if name and name not in org.people]
        unknown = say("web.rosters.nobody-called", language_of(request), name=(wrong or [asked.roster])[0])
        return _page(request, parts, holes, session, 404, asked, unknown)
    return RedirectResponse("/rosters", 303)


@pages.post("/rosters/changes/{change_id}/revoke")
def revoke_change(parts: WithParts, actor: PageActing, change_id: Annotated[str, Path(max_length=40)]) -> Response:
    """Take a change back; one that was taken back already needs no more words."""
    with suppress(Conflict):
        _desk(parts).revoke(actor, change_id)
    return RedirectResponse("/rosters", 303)


def _page(
    request: Request,
    parts: Parts,
    holes: Holes,
    session: Session,
    status: int = 200,
    asked: ChangeAsked | None = None,
    refused: str = "",
) -> Response:
    plan, now = parts.plan_source(), parts.clock.now()
    shown = show_rosters(plan, holes.of(plan, now), now)
    form = {"asked": asked, "refused": refused, "may_act": session.user.rights.may_act}
    context = page_context(request, session=session, shown=shown, org=plan.org, now=now, **form)
    return TEMPLATES.TemplateResponse(request, "rosters.html", context, status_code=status)


@pages.get("/feeds/{token}.ics")
def feed(request: Request, parts: WithParts, token: Annotated[str, Path(max_length=80)]) -> Response:
    """Give a calendar to a telephone; its secret address is all it needs."""
    found = parts.book.feed(_hashed(token))
    if found is None:
        raise NotFound("there is no such calendar")
    calendar = calendar_of(parts.plan_source().org, found, parts.clock.now(), language_of(request))
    return Response(calendar, media_type="text/calendar; charset=utf-8")


@router.get("")
def rosters(parts: WithParts, holes: WithHoles) -> doc.RostersDocument:
    """Say who is on duty for a week, when alerts would reach nobody, and what was changed for a while."""
    plan, now = parts.plan_source(), parts.clock.now()
    return doc.RostersDocument.of(plan, holes.of(plan, now), now, now + DAYS * DAY)


@router.post("/overrides")
def override(parts: WithParts, actor: ProgramActing, asked: doc.Override) -> doc.ChangedDocument:
    """Let somebody stand in for another, or be on duty besides the others."""
    desk = _desk(parts)
    change = desk.override(
        actor,
        asked.stand_in,
        instant(asked.begins_at),
        instant(asked.ends_at),
        instead_of=asked.instead_of,
        roster=asked.roster,
        note=asked.note,
    )
    return doc.ChangedDocument.of([change], desk.emptied([change]))


@router.post("/leave")
def leave(parts: WithParts, actor: ProgramActing, asked: doc.Leave) -> doc.ChangedDocument:
    """Let somebody be away from every post; says which posts that leaves empty."""
    desk = _desk(parts)
    change = desk.leave(actor, asked.person, instant(asked.begins_at), instant(asked.ends_at), note=asked.note)
    return doc.ChangedDocument.of([change], desk.emptied([change]))


@router.post("/swaps")
def swap(parts: WithParts, actor: ProgramActing, asked: doc.Swap) -> doc.ChangedDocument:
    """Let two people take each other's turns."""
    desk = _desk(parts)
    one, other = (asked.one.person, asked.one.day), (asked.other.person, asked.other.day)
    changes = list(desk.swap(actor, asked.roster, one, other, note=asked.note))
    return doc.ChangedDocument.of(changes, desk.emptied(changes))


@router.delete("/changes/{change_id}")
def revoke(
    parts: WithParts, actor: ProgramActing, change_id: Annotated[str, Path(max_length=40)]
) -> doc.ChangedDocument:
    """Take a change back, a swap whole."""
    return doc.ChangedDocument.of(_desk(parts).revoke(actor, change_id), [])


@router.post("/feeds")
def put_feed(parts: WithParts, actor: ProgramActing, asked: doc.FeedAsked) -> doc.FeedDocument:
    """Make a secret address at which a telephone can fetch a calendar."""
    org, now = parts.plan_source().org, parts.clock.now()
    if asked.person and asked.person not in org.people:
        raise NotFound(f"nobody is called {asked.person!r}")
    if not asked.person and (asked.place, asked.role) not in org.posts:
        raise NotFound(f"there is no post {asked.role!r} at {asked.place!r}")
    if not actor.rights.may_act and actor.name != asked.person:
        raise NotAllowed(f"{actor.name} may look, and nothing else")
    token = secrets.token_urlsafe(24)
    place, role = ("", "") if asked.person else (asked.place, asked.role)
    entry = Entry.of(actor, now, "made-feed", "roster", asked.person or f"{place} {role}")
    parts.book.put_feed(Feed(_hashed(token), asked.person, place, role, actor.name, now), entry=entry)
    return doc.FeedDocument(path=f"/feeds/{token}.ics")


def _desk(parts: Parts) -> RosterDesk:
    return RosterDesk(parts.book, parts.clock, lambda: parts.plan_source().org)


def _hashed(token: str) -> str:
    return sha256(token.encode()).hexdigest()
