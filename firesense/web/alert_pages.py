"""An alert's page, and its forms: what an officer does about it, each a plain form that works without script."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import structlog
from anyio import to_thread
from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field, field_validator
from starlette.datastructures import UploadFile

from firesense.desk import Desk
from firesense.domain.alert import Finding
from firesense.domain.deed import Actor, Ground, Position
from firesense.domain.errors import Conflict, NotAllowed, PhotoRefused
from firesense.explain import explain, grounds
from firesense.photos import MOST_BYTES
from firesense.text import say
from firesense.web.alert_documents import NOTE_MOST
from firesense.web.desk_api import PhotoId, photo_of
from firesense.web.desk_documents import NAME_MOST
from firesense.web.desk_shown import found_on_site, show_desk, show_photos
from firesense.web.documents import StatusDocument
from firesense.web.door import Session
from firesense.web.parts import (
    TEMPLATES,
    AlertId,
    Parts,
    Visitor,
    WithParts,
    address_of,
    language_of,
    page_context,
    vouched,
)
from firesense.web.shown import conflict_words, show_alert
from firesense.web.story_shown import show_story
from firesense.web.whistles_shown import show_whistles, target_of, to_whistle_for

_log = structlog.get_logger(__name__)

_CONFLICT = 409

router = APIRouter(include_in_schema=False)


_Name = Annotated[str, Field(max_length=2 * NAME_MOST)]
_Note = Annotated[str, Field(max_length=NOTE_MOST)]


class DeskForm(BaseModel):
    """All that a form of the page may send; each deed takes what it knows."""

    model_config = ConfigDict(frozen=True, str_strip_whitespace=True)

    csrf: str = ""
    back: _Name = ""
    to: _Name = ""
    post: _Name = ""  # role@place
    whom: _Name = ""  # the same, or a rung of the ladder as people count them
    strand: _Name = ""  # which whistle
    reason: _Note = ""
    note: _Note = ""
    finding: Finding | None = None
    cause: _Name = ""
    who: _Name = ""  # who is on site, if it is somebody else
    though_firing: bool = False
    ground: Ground | None = None
    shown_by: _Name = ""
    latitude: Annotated[float | None, Field(ge=-90, le=90)] = None
    longitude: Annotated[float | None, Field(ge=-180, le=180)] = None
    accuracy: Annotated[float | None, Field(ge=0, allow_inf_nan=False)] = None
    others: Annotated[list[str], Field(max_length=500)] = []

    @field_validator("finding", "ground", "latitude", "longitude", "accuracy", mode="before")
    @classmethod
    def _nothing(cls, said: Any) -> Any:
        return None if said == "" else said

    @property
    def position(self) -> Position | None:
        """Where the telephone was, if it said so."""
        if self.latitude is None or self.longitude is None:
            return None
        return Position(self.latitude, self.longitude, self.accuracy)


def _dispatch(desk: Desk, alert_id: str, actor: Actor, form: DeskForm) -> object:
    role, _, place = form.post.partition("@")
    return desk.dispatch(alert_id, actor, role=role, place=place, note=form.note)


def _verify(desk: Desk, alert_id: str, actor: Actor, form: DeskForm) -> object:
    if form.finding is None:
        raise Conflict("no finding", "conflict.no-finding")
    return desk.verify(alert_id, actor, form.finding, cause=_cause(form), note=form.note, position=form.position)


def _silence(desk: Desk, alert_id: str, actor: Actor, form: DeskForm) -> object:
    if form.ground is None:
        raise Conflict("no condition", "conflict.no-ground")
    return desk.silence(alert_id, actor, form.ground, shown_by=form.shown_by, reason=form.reason)


def _close(desk: Desk, alert_id: str, actor: Actor, form: DeskForm) -> object:
    return desk.close(alert_id, actor, form.finding, form.note, cause=_cause(form), though_firing=form.though_firing)


def _cause(form: DeskForm) -> str:
    """Why it was a false alarm: whoever has not chosen it has not been asked yet. Raises Conflict."""
    if form.finding is not Finding.FALSE_ALARM:
        return ""
    if not form.cause:
        raise Conflict("no cause chosen", "conflict.cause-missing")
    return form.cause


def _arrive(desk: Desk, alert_id: str, actor: Actor, form: DeskForm) -> object:
    where = None if form.who else form.position  # the telephone is that of whoever writes it down
    return desk.arrive(alert_id, actor, who=form.who, position=where)


_DEEDS: Mapping[str, Callable[[Desk, str, Actor, DeskForm], object]] = {
    "acknowledge": lambda desk, alert_id, actor, _form: desk.acknowledge(alert_id, actor),
    "take-over": lambda desk, alert_id, actor, form: desk.take_over(alert_id, actor, form.reason),
    "hand-on": lambda desk, alert_id, actor, form: desk.hand_on(alert_id, actor, form.to, form.reason),
    "dispatch": _dispatch,
    "whistle": lambda desk, alert_id, actor, form: desk.whistle(alert_id, actor, target_of(form.whom), form.reason),
    "answer": lambda desk, alert_id, actor, form: desk.answer(alert_id, actor, form.strand),
    "arrive": _arrive,
    "verify": _verify,
    "silence": _silence,
    "reset": lambda desk, alert_id, actor, form: desk.reset(alert_id, actor, form.reason),
    "close": _close,
    "merge": lambda desk, alert_id, actor, form: desk.merge([alert_id, *form.others], actor),
    "split": lambda desk, alert_id, actor, _form: desk.split(alert_id, actor),
}
Named = Literal[
    "acknowledge",
    "take-over",
    "hand-on",
    "dispatch",
    "whistle",
    "answer",
    "arrive",
    "verify",
    "silence",
    "reset",
    "close",
    "merge",
    "split",
]


@router.get("/alerts/{alert_id}")
def alert_page(request: Request, parts: WithParts, session: Visitor, alert_id: AlertId) -> Response:
    """Show one alert with its story."""
    return _alert_page(request, parts, session, alert_id)


@router.get("/live/alerts/{alert_id}")
def alert_part(request: Request, parts: WithParts, session: Visitor, alert_id: AlertId) -> Response:
    """Give what changes on an alert's page."""
    return _page(request, "_alert.html", session=session, **_alert(request, parts, session, alert_id))


@router.get("/alerts/{alert_id}/photos/{photo}")
def photo(parts: WithParts, _session: Visitor, alert_id: AlertId, photo: PhotoId) -> Response:
    """Give a photo of an alert."""
    return photo_of(parts, alert_id, photo)


@router.post("/alerts/{alert_id}/photos")
async def add_photo(request: Request, parts: WithParts, session: Visitor, alert_id: AlertId) -> Response:
    """Add a photo. Who may not is told so before the form is read."""
    actor = session.actor(f"console {address_of(request)}")
    await to_thread.run_sync(parts.desk.may_act, alert_id, actor)
    async with request.form(max_files=1, max_fields=5) as form:
        vouched(session, str(form.get("csrf", "")))
        file, note = form.get("photo"), str(form.get("note", ""))[:NOTE_MOST]
        try:
            sent = file.file if isinstance(file, UploadFile) else b""
            kept = await parts.studio.run(parts.photos.keep, sent)
            await to_thread.run_sync(parts.desk.keep_photo, alert_id, actor, kept, note)
        except (PhotoRefused, Conflict) as error:
            return await to_thread.run_sync(_refused, request, parts, session, alert_id, error, DeskForm(note=note))
    return RedirectResponse(f"/alerts/{alert_id}", 303)


@router.post("/alerts/{alert_id}/{deed}")
def act(
    request: Request,
    parts: WithParts,
    session: Visitor,
    alert_id: AlertId,
    deed: Named,
    form: Annotated[DeskForm, Form()],
) -> Response:
    """Do what a form asks for and lead back; what cannot be done is said there, with what was typed."""
    actor = vouched(session, form.csrf).actor(f"console {address_of(request)}")
    try:
        _DEEDS[deed](parts.desk, alert_id, actor, form)
    except (Conflict, NotAllowed) as error:
        return _refused(request, parts, session, alert_id, error, form, tried=deed)
    return RedirectResponse("/" if form.back == "board" else f"/alerts/{alert_id}", 303)


def _refused(
    request: Request,
    parts: Parts,
    session: Session,
    alert_id: str,
    error: Conflict | NotAllowed | PhotoRefused,
    form: DeskForm,
    *,
    tried: str = "photo",
) -> Response:
    language = language_of(request)
    match error:
        case NotAllowed():
            status, said = 403, say("web.problem.no_right", language)
        case PhotoRefused():
            status, said = 422, say(error.key, language, **error.values)
        case _:
            words = conflict_words(error, parts.plan_source(), parts.zone, language)
            status, said = _CONFLICT, say(error.key, language, **words) if error.key else say("web.conflict", language)
    return _alert_page(request, parts, session, alert_id, status, refused=said, typed=form, tried=tried)


def _page(request: Request, template: str, status_code: int = 200, /, **context: Any) -> Response:
    return TEMPLATES.TemplateResponse(request, template, page_context(request, **context), status_code=status_code)


def _alert_page(
    request: Request,
    parts: Parts,
    session: Session,
    alert_id: str,
    status_code: int = 200,
    *,
    refused: str = "",
    typed: DeskForm | None = None,
    tried: str = "",
) -> Response:
    context = _alert(request, parts, session, alert_id)
    plan, alert = parts.plan_source(), context["shown"].alert
    mates, near = parts.book.incident(alert.incident), parts.desk.companions(alert)
    language, now, calls = language_of(request), parts.clock.now(), parts.book.calls(alert_id)
    desk = show_desk(alert, session.who, plan, language, now, mates=mates, near=near, calls=calls)
    return _page(
        request,
        "alert.html",
        status_code,
        session=session,
        refused=refused,
        tried=tried,
        typed=typed or DeskForm(finding=alert.finding, cause=alert.cause),
        desk=desk,
        rungs=to_whistle_for(alert, context["shown"].climb, plan, language, now),
        findings=found_on_site(alert),
        grounds=list(Ground),
        note_most=NOTE_MOST,
        photo_most=MOST_BYTES,
        **context,
    )


def _alert(request: Request, parts: Parts, session: Session, alert_id: str) -> dict[str, Any]:
    plan, language = parts.plan_source(), language_of(request)
    step = parts.book.last_step()
    alert, story, calls = parts.book.alert(alert_id), parts.book.story(alert_id), parts.book.calls(alert_id)
    return {
        "step": step,
        "now": parts.clock.now(),
        "may_act": parts.desk.allows(session.actor(""), alert),
        "shown": show_alert(alert, parts.book.climb(alert_id), calls, plan, language, story),
        "whistles": show_whistles(parts.book.whistles(alert_id), story, calls, plan, language, session.who),
        "why": list(grounds(explain(parts.book, plan, alert_id), plan, language, parts.zone)),
        "story": show_story(story, plan, language),
        "photos": show_photos(parts.book.photos(alert_id), plan),
        "status": StatusDocument.model_validate(parts.status()),
    }
