"""The console's pages of hazards: the two lists, how the places stand, and one hazard with what may be done to it."""

from datetime import date, timedelta
from functools import partial
from typing import Annotated, Any
from urllib.parse import urlencode

from anyio import to_thread
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError
from starlette.datastructures import UploadFile

from firesense.domain.alert import Grade
from firesense.domain.deed import Actor
from firesense.domain.errors import Conflict, NotAllowed, NotFound, PhotoRefused
from firesense.domain.hazard import HazardAct
from firesense.domain.instant import moment
from firesense.domain.place import Place
from firesense.domain.plan import Plan
from firesense.photos import MEDIA_TYPE
from firesense.text import say
from firesense.web import hazards_shown as shown
from firesense.web.door import Session
from firesense.web.hazard_documents import TEXT_MOST, Dealing
from firesense.web.parts import (
    TEMPLATES,
    AfterAlert,
    AlertId,
    Language,
    PageActing,
    Parts,
    Visitor,
    WithParts,
    address_of,
    language_of,
    page_context,
)
from firesense.web.shown import conflict_words, path_of
from firesense.web.story_shown import show_story

PlaceCode = Annotated[str, Query(max_length=64)]
_LISTED_FOR_PRINTING = 2000
_CHOICES = 300  # places a page offers to choose from
PHOTOS_PATH = "/hazards/"  # and what follows: a form with photos of what was put right

router = APIRouter(include_in_schema=False)


@router.get("/hazards")
def problems(
    request: Request,
    parts: WithParts,
    session: Visitor,
    language: Language,
    after: AfterAlert = "",
    place: PlaceCode = "",
    *,
    closed: bool = False,
    overdue: bool = False,
) -> Response:
    """Show the list of problems."""
    plan, now = parts.plan_source(), parts.clock.now()
    found, following = shown.listed(
        parts.book, plan, now, language, place=place, open_only=not closed, overdue=overdue, after=after
    )
    asked = {"place": place, "closed": "true" if closed else "", "overdue": "true" if overdue else ""}
    asked = {name: said for name, said in asked.items() if said}
    return _page(
        request,
        "hazards.html",
        session=session,
        view="problems",
        found=found,
        now=now,
        closed=closed,
        overdue=overdue,
        place=[each.name for each in path_of(plan, place)],
        after=after,
        following=urlencode(asked | {"after": following}) if following else "",
        csv=f"/api/v1/hazards.csv?{urlencode({'open_only': 'false'} | asked if closed else asked)}",
    )


@router.get("/hazards/responsibility")
def responsibility(
    request: Request, parts: WithParts, session: Visitor, language: Language, place: PlaceCode = ""
) -> Response:
    """Show the list of responsibility."""
    plan, now = parts.plan_source(), parts.clock.now()
    found, _ = shown.listed(parts.book, plan, now, language, place=place, most=_LISTED_FOR_PRINTING)
    return _page(
        request,
        "hazards.html",
        session=session,
        view="responsibility",
        groups=shown.responsibility(found),
        now=now,
        place=[each.name for each in path_of(plan, place)],
        csv=f"/api/v1/hazards/responsibility.csv?{urlencode({'place': place})}",
    )


@router.get("/hazards/places")
def places(
    request: Request, parts: WithParts, session: Visitor, kind: Annotated[str, Query(max_length=64)] = ""
) -> Response:
    """Show how the places stand, with the index and its formula."""
    plan = parts.plan_source()
    return _page(
        request,
        "hazards.html",
        session=session,
        view="places",
        places=shown.show_places(parts.book, plan, parts.clock.now(), parts.zone, kind=kind),
        kind=kind,
        kinds=list(dict.fromkeys(place.kind for place in plan.org.places.values())),
        weights=plan.hazards.index,
        csv=f"/api/v1/hazards/places.csv?{urlencode({'kind': kind})}",
    )


@router.get("/hazards/{alert_id}")
def hazard_page(request: Request, parts: WithParts, session: Visitor, alert_id: AlertId) -> Response:
    """Show one hazard, and what this person may do to it."""
    return _hazard(request, parts, session, alert_id)


@router.get("/hazards/{alert_id}/photos/{photo}")
def photo(
    parts: WithParts, _session: Visitor, alert_id: AlertId, photo: Annotated[str, Path(pattern="^[0-9a-f]{64}$")]
) -> Response:
    """Give a photo of a hazard."""
    hazard = parts.book.hazard(alert_id)
    if photo not in (*hazard.photos, *hazard.rectified_photos):
        raise NotFound(f"hazard {alert_id} has no such photo")
    headers = {"Cache-Control": "private, max-age=86400, immutable"}
    return Response(parts.photos.read(photo), media_type=MEDIA_TYPE, headers=headers)


@router.post("/hazards/{alert_id}/{act}")
async def deal(
    request: Request, parts: WithParts, session: Visitor, actor: PageActing, alert_id: AlertId, act: HazardAct
) -> Response:
    """Do something to a hazard."""
    language = language_of(request)
    limits = parts.plan_source().hazards.reports
    form = await request.form(max_files=limits.photos + 1)
    sent = [each for each in form.getlist("photos") if isinstance(each, UploadFile) and each.size]
    fields = {name: said for name in Dealing.model_fields if isinstance(said := form.get(name), str) and said.strip()}
    try:
        dealing = Dealing.model_validate(fields)
        until = None if dealing.until is None else shown.deadline_on(dealing.until, parts.zone)
        chosen = sent[: limits.photos] if act is HazardAct.RECTIFY else []
        if chosen:
            await to_thread.run_sync(parts.hazards.may, act, alert_id, actor)
        kept = [await parts.studio.run(parts.photos.keep, each.file, limits.photo_most) for each in chosen]
        arguments = dealing.said(act, until, tuple(photo.id for photo in kept))
        await to_thread.run_sync(partial(parts.hazards.do, act, alert_id, actor, **arguments))
    except (ValidationError, ValueError):
        fault, status = say("web.problem.invalid", language), 422
    except PhotoRefused as error:
        fault, status = say(error.key, language, **error.values), 422
    except Conflict as error:
        words = conflict_words(error, parts.plan_source(), parts.zone, language)
        fault, status = say(error.key or "web.problem.conflict", language, **words), 409
    except NotAllowed:
        fault, status = say("web.problem.no_right", language), 403
    else:
        return RedirectResponse(f"/hazards/{alert_id}", 303)
    return await to_thread.run_sync(_hazard, request, parts, session, alert_id, fault, status)


def _hazard(
    request: Request, parts: Parts, session: Session, alert_id: str, fault: str = "", status: int = 200
) -> Response:
    plan, now, language = parts.plan_source(), parts.clock.now(), language_of(request)
    hazard = parts.hazards.of(alert_id)
    rules = plan.hazards.grades[hazard.grade]
    actor = _actor(request, session)
    today = moment(now).astimezone(parts.zone).date()
    return _page(
        request,
        "hazard.html",
        status,
        session=session,
        shown=shown.show_hazard(hazard, plan, now, language, actor),
        alert=parts.book.alert(alert_id),
        story=show_story(parts.book.story(alert_id), plan, language),
        acts=parts.hazards.allowed(hazard, actor),
        fault=fault,
        now=now,
        grades=list(Grade),
        rules=rules,
        nearby=_nearby(plan, hazard.place),
        roles=sorted({role for _, role in plan.org.posts}),
        days=_days(today, rules.rectify_within),
        text_most=TEXT_MOST,
        limits=plan.hazards.reports,
    )


def _nearby(plan: Plan, place: str) -> list[Place]:
    """The places to choose another one from: all, or those below this one; none where that would be a long list."""
    places = plan.org.places
    codes = set(places) if len(places) <= _CHOICES else shown.below(plan, place)
    return [places[code] for code in sorted(codes - {place})] if len(codes) <= _CHOICES else []


def _actor(request: Request, session: Session) -> Actor:
    return session.actor(f"console {address_of(request)}")


def _days(today: date, term: timedelta) -> dict[str, str]:
    return {"first": today.isoformat(), "last": (today + term).isoformat()}


def _page(request: Request, template: str, status_code: int = 200, /, **context: Any) -> Response:
    return TEMPLATES.TemplateResponse(request, template, page_context(request, **context), status_code=status_code)
