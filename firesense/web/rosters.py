"""Who is on duty in the API, and the calendars that telephones fetch with a secret address."""

import secrets
from dataclasses import replace
from hashlib import sha256
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import Response

from firesense.domain.audit import Entry
from firesense.domain.errors import NotAllowed, NotFound
from firesense.domain.instant import DAY, instant
from firesense.ports import Feed
from firesense.rosters import calendar_of
from firesense.web import roster_documents as doc
from firesense.web.documents import ProblemDocument
from firesense.web.parts import ProgramActing, WithParts, language_of, visitor
from firesense.web.roster_pages import WithLookout, org_by_the_book, roster_desk
from firesense.web.roster_shown import DAYS

_PROBLEMS = {
    401: "Nobody is logged in.",
    403: "The CSRF token is missing or wrong, or the user may not do this.",
    404: "There is no such thing.",
    409: "It makes no sense, or was done already.",
    422: "The request is not understood.",
}


feeds = APIRouter(include_in_schema=False)
router = APIRouter(
    prefix="/api/v1/rosters",
    tags=["rosters"],
    dependencies=[Depends(visitor)],
    responses={status: {"model": ProblemDocument, "description": text} for status, text in _PROBLEMS.items()},
)


@feeds.get("/feeds/{token}.ics")
def feed(request: Request, parts: WithParts, token: Annotated[str, Path(max_length=80)]) -> Response:
    """Give a calendar to a telephone; its secret address is all it needs."""
    found = parts.book.feed(_hashed(token))
    if found is None:
        raise NotFound("there is no such calendar")
    calendar = calendar_of(parts.plan_source().org, found, parts.clock.now(), language_of(request))
    return Response(calendar, media_type="text/calendar; charset=utf-8")


@router.get("")
def rosters(parts: WithParts, lookout: WithLookout) -> doc.RostersDocument:
    """Say who is on duty for a week, what is missing, and what was changed for a while."""
    plan, now = parts.plan_source(), parts.clock.now()
    plan = replace(plan, org=org_by_the_book(parts, plan.org, now))
    return doc.RostersDocument.of(plan, lookout.of(plan, parts.desk.channels, now), now, now + DAYS * DAY)


@router.post("/overrides")
def override(parts: WithParts, actor: ProgramActing, asked: doc.Override) -> doc.ChangedDocument:
    """Let somebody stand in for another, or be on duty besides the others."""
    desk = roster_desk(parts)
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
    desk = roster_desk(parts)
    change = desk.leave(actor, asked.person, instant(asked.begins_at), instant(asked.ends_at), note=asked.note)
    return doc.ChangedDocument.of([change], desk.emptied([change]))


@router.post("/swaps")
def swap(parts: WithParts, actor: ProgramActing, asked: doc.Swap) -> doc.ChangedDocument:
    """Let two people take each other's turns."""
    desk = roster_desk(parts)
    one, other = (asked.one.person, asked.one.day), (asked.other.person, asked.other.day)
    changes = list(desk.swap(actor, asked.roster, one, other, note=asked.note))
    return doc.ChangedDocument.of(changes, desk.emptied(changes))


@router.delete("/changes/{change_id}")
def revoke(
    parts: WithParts, actor: ProgramActing, change_id: Annotated[str, Path(max_length=40)]
) -> doc.ChangedDocument:
    """Take a change back, a swap whole."""
    return doc.ChangedDocument.of(roster_desk(parts).revoke(actor, change_id), [])


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


def _hashed(token: str) -> str:
    return sha256(token.encode()).hexdigest()
