"""Who is on duty, as a page: now and for a week, where nobody is, and forms to stand in, to swap, to be on leave."""

from contextlib import suppress
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Path, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field, NaiveDatetime

from firesense.domain.errors import Conflict, NotFound
from firesense.domain.place import Org
from firesense.domain.roster import Change
from firesense.rosters import Emptied, RosterDesk, person_called
from firesense.text import say
from firesense.web.door import Session
from firesense.web.parts import TEMPLATES, PageActing, Parts, Visitor, WithParts, language_of, page_context
from firesense.web.roster_documents import NOTE_MOST
from firesense.web.roster_shown import Lookout, show_rosters
from firesense.web.shown import conflict_words

_EVER = 1 << 62
_ID_MOST = 100
_NobodyYet = Field("", max_length=_ID_MOST)

router = APIRouter(include_in_schema=False)


class ChangeAsked(BaseModel):
    """The form of a change: local times, as browsers give them. Without ``stand_in`` it is leave."""

    person: str = _NobodyYet
    stand_in: str = _NobodyYet
    roster: str = _NobodyYet
    begins: NaiveDatetime
    ends: NaiveDatetime
    note: str = Field("", max_length=NOTE_MOST)


class SwapAsked(BaseModel):
    """The form of a swap: two people of a roster, each with the local day on which the turn given away begins."""

    roster: str = Field(max_length=_ID_MOST)
    person: str = Field(max_length=_ID_MOST)
    day: date
    other: str = Field(max_length=_ID_MOST)
    other_day: date
    note: str = Field("", max_length=NOTE_MOST)


def _lookout_of(request: Request) -> Lookout:
    lookout: Lookout = request.app.state.lookout
    return lookout


WithLookout = Annotated[Lookout, Depends(_lookout_of)]


@router.get("/rosters")
def rosters_page(
    request: Request,
    parts: WithParts,
    lookout: WithLookout,
    session: Visitor,
    written: Annotated[str, Query(max_length=40)] = "",
    place: Annotated[str, Query(max_length=_ID_MOST)] = "",
) -> Response:
    """Show who is on duty now and in the coming days, what is missing, and what was written down just now."""
    if place and place not in parts.plan_source().org.places:
        raise NotFound(f"there is no place {place!r}")
    return _page(request, parts, lookout, session, written=written, place=place)


@router.post("/rosters/changes")
def write_change(
    request: Request,
    parts: WithParts,
    lookout: WithLookout,
    session: Visitor,
    actor: PageActing,
    asked: Annotated[ChangeAsked, Form()],
) -> Response:
    """Let somebody stand in, be on besides the others, or be on leave."""
    days = parts.plan_source().org.rosters.days
    desk = roster_desk(parts)
    try:
        begins_at, ends_at = (days.at(when.date(), when.time()) for when in (asked.begins, asked.ends))
        if asked.stand_in:
            more = {"instead_of": asked.person, "roster": asked.roster, "note": asked.note}
            change = desk.override(actor, asked.stand_in, begins_at, ends_at, **more)
        else:
            change = desk.leave(actor, asked.person, begins_at, ends_at, note=asked.note)
    except (Conflict, NotFound) as error:
        return _refused(request, parts, lookout, session, error, asked)
    return RedirectResponse(f"/rosters?written={change.id}", 303)


@router.post("/rosters/swaps")
def write_swap(
    request: Request,
    parts: WithParts,
    lookout: WithLookout,
    session: Visitor,
    actor: PageActing,
    asked: Annotated[SwapAsked, Form()],
) -> Response:
    """Let two people take each other's turns."""
    turns = (asked.person, asked.day), (asked.other, asked.other_day)
    try:
        there, _back = roster_desk(parts).swap(actor, asked.roster, *turns, note=asked.note)
    except (Conflict, NotFound) as error:
        return _refused(request, parts, lookout, session, error, asked)
    return RedirectResponse(f"/rosters?written={there.id}", 303)


@router.post("/rosters/changes/{change_id}/revoke")
def revoke_change(parts: WithParts, actor: PageActing, change_id: Annotated[str, Path(max_length=40)]) -> Response:
    """Take a change back; one that was taken back already needs no more words."""
    with suppress(Conflict):
        roster_desk(parts).revoke(actor, change_id)
    return RedirectResponse("/rosters", 303)


def roster_desk(parts: Parts) -> RosterDesk:
    """The desk at which this console changes rosters."""
    return RosterDesk(parts.book, parts.clock, lambda: parts.plan_source().org)


def org_by_the_book(parts: Parts, org: Org, now: int) -> Org:
    """The org of the plan with the changes of the book: the same one when the plan knows of them all.

    It learns of a change a little later, and who wrote it would write it once more.
    """
    changes = parts.book.roster_changes(now, _EVER)
    return org if [one for one in org.rosters.changes if one.ends_at > now] == changes else org.with_changes(changes)


def _refused(
    request: Request,
    parts: Parts,
    lookout: Lookout,
    session: Session,
    error: Conflict | NotFound,
    asked: ChangeAsked | SwapAsked,
) -> Response:
    """Show the page with what is wrong, and the form as it was filled in."""
    plan, language = parts.plan_source(), language_of(request)
    if isinstance(error, Conflict):
        said = say(error.key, language, **conflict_words(error, plan, parts.zone, language))
        return _page(request, parts, lookout, session, 409, asked=asked, refused=said)
    wrong = _unknown(asked, plan.org)
    said = say("web.rosters.nobody-called", language, name=wrong) if wrong else say("web.rosters.nobody-said", language)
    return _page(request, parts, lookout, session, 404, asked=asked, refused=said)


def _unknown(asked: ChangeAsked | SwapAsked, org: Org) -> str:
    """Who or what there is not, of those that were written."""
    for name in (asked.person, asked.stand_in if isinstance(asked, ChangeAsked) else asked.other):
        try:
            person_called(org, name)
        except NotFound:
            if name.strip():
                return name
    return asked.roster


def _page(
    request: Request,
    parts: Parts,
    lookout: Lookout,
    session: Session,
    status: int = 200,
    *,
    asked: ChangeAsked | SwapAsked | None = None,
    refused: str = "",
    written: str = "",
    place: str = "",
) -> Response:
    plan, now = parts.plan_source(), parts.clock.now()
    org = org_by_the_book(parts, plan.org, now)
    new, emptied = _just_written(parts, [change for change in org.rosters.changes if change.ends_at > now], written)
    context = page_context(
        request,
        session=session,
        shown=show_rosters(plan.org, org, lookout.of(plan, parts.desk.channels, now), now, place),
        place=place,
        org=plan.org,
        now=now,
        checked=org is plan.org,  # else what is missing is not of what is shown; a second later they are
        change=asked if isinstance(asked, ChangeAsked) else None,
        swap=asked if isinstance(asked, SwapAsked) else None,
        refused=refused,
        written=new,
        emptied=emptied,
        may_act=session.user.rights.may_act,
    )
    return TEMPLATES.TemplateResponse(request, "rosters.html", context, status_code=status)


def _just_written(parts: Parts, changes: list[Change], written: str) -> tuple[list[Change], list[Emptied]]:
    """What somebody wrote down a moment ago, a swap whole, and the posts at which nobody is because of it."""
    new = [change for change in changes if written and written in {change.id, change.swap}]
    return new, roster_desk(parts).emptied(new) if new else []
