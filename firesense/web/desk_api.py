"""The desk's share of the API: deeds on alerts, incidents, photos, and the audit."""

import io
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends, Path, Query, Request, Response

from firesense.domain.alert import Alert
from firesense.domain.deed import Actor, Rights
from firesense.domain.errors import NotAllowed, NotFound
from firesense.photos import MEDIA_TYPE
from firesense.web import desk_documents as desk_doc
from firesense.web.alert_documents import AlertDocument
from firesense.web.api_problems import problems
from firesense.web.parts import AlertId, Parts, ProgramActing, Visitor, WithParts, visitor

PhotoId = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]
# A photo is named after what is in it, so it never changes; it shows people's homes, so only this browser keeps it.
PHOTO_HEADERS = {"Cache-Control": "private, max-age=31536000, immutable", "Content-Disposition": "inline"}

router = APIRouter(prefix="/api/v1", dependencies=[Depends(visitor)], responses=problems(401, 422, 503))
_DEED = problems(403, 404, 409)


@router.post("/alerts/{alert_id}/acknowledge", tags=["desk"], responses=_DEED)
def acknowledge(parts: WithParts, actor: ProgramActing, alert_id: AlertId) -> desk_doc.DoneDocument:
    """Take an alert: nobody else is called to it, and the time to see to it runs."""
    return _done(parts, actor, parts.desk.acknowledge(alert_id, actor))


@router.post("/alerts/{alert_id}/take-over", tags=["desk"], responses=_DEED)
def take_over(
    parts: WithParts, actor: ProgramActing, alert_id: AlertId, asked: desk_doc.TakingOver
) -> desk_doc.DoneDocument:
    """Take an alert from whoever has it."""
    return _done(parts, actor, parts.desk.take_over(alert_id, actor, asked.reason))


@router.post("/alerts/{alert_id}/hand-on", tags=["desk"], responses=_DEED)
def hand_on(
    parts: WithParts, actor: ProgramActing, alert_id: AlertId, asked: desk_doc.HandingOn
) -> desk_doc.DoneDocument:
    """Give an alert to a person, who is called."""
    return _done(parts, actor, parts.desk.hand_on(alert_id, actor, asked.to, asked.reason))


@router.post("/alerts/{alert_id}/dispatch", tags=["desk"], responses=_DEED)
def dispatch(
    parts: WithParts, actor: ProgramActing, alert_id: AlertId, asked: desk_doc.Dispatching
) -> desk_doc.DoneDocument:
    """Send somebody, who is called and expected to arrive."""
    sent = parts.desk.dispatch(
        alert_id, actor, role=asked.role, place=asked.place, person=asked.person, note=asked.note
    )
    return _done(parts, actor, sent)


@router.post("/alerts/{alert_id}/arrive", tags=["desk"], responses=_DEED)
def arrive(
    parts: WithParts, actor: ProgramActing, alert_id: AlertId, asked: desk_doc.Arriving
) -> desk_doc.DoneDocument:
    """Say that somebody is on site."""
    where = asked.position.position if asked.position else None
    return _done(parts, actor, parts.desk.arrive(alert_id, actor, who=asked.who, position=where))


@router.post("/alerts/{alert_id}/verify", tags=["desk"], responses=_DEED)
def verify(
    parts: WithParts, actor: ProgramActing, alert_id: AlertId, asked: desk_doc.Verifying
) -> desk_doc.DoneDocument:
    """Say what was found. A fire runs the plan for it; a fault goes to maintenance as a case of its own."""
    where = asked.position.position if asked.position else None
    found = parts.desk.verify(alert_id, actor, asked.finding, cause=asked.cause, note=asked.note, position=where)
    return _done(parts, actor, found)


@router.post("/alerts/{alert_id}/silence", tags=["desk"], responses=_DEED)
def silence(parts: WithParts, actor: ProgramActing, alert_id: AlertId, asked: desk_doc.Silencing) -> AlertDocument:
    """Stop repeated sounding and calling, under one of the three conditions of GB/T 45839-2025 5.8.1."""
    silenced = parts.desk.silence(alert_id, actor, asked.ground, shown_by=asked.shown_by, reason=asked.reason)
    return _said(parts, silenced)


@router.post("/alerts/{alert_id}/reset", tags=["desk"], responses=_DEED)
def reset(parts: WithParts, actor: ProgramActing, alert_id: AlertId, asked: desk_doc.Resetting) -> AlertDocument:
    """Reset a latched alarm; the case goes on."""
    return _said(parts, parts.desk.reset(alert_id, actor, asked.reason))


@router.post("/alerts/{alert_id}/close", tags=["desk"], responses=_DEED)
def close(parts: WithParts, actor: ProgramActing, alert_id: AlertId, asked: desk_doc.Closing) -> desk_doc.DoneDocument:
    """Close a case with what was found on site or, without a finding, with what it was verified with.

    409 while its device still alarms, unless ``though_firing`` says that a new alert is expected.
    """
    closed = parts.desk.close(
        alert_id, actor, asked.finding, asked.note, cause=asked.cause, though_firing=asked.though_firing
    )
    return _done(parts, actor, closed)


@router.get("/causes", tags=["desk"])
def causes(parts: WithParts) -> desk_doc.CausesDocument:
    """List the causes of false alarms, in the order they are offered."""
    known = parts.plan_source().practice.causes
    return desk_doc.CausesDocument(
        causes=[desk_doc.CauseDocument(id=name, zh=zh, en=en) for name, (zh, en) in known.items()]
    )


# -- incidents --------------------------------------------------------------------------------------------------------


@router.get("/alerts/{alert_id}/companions", tags=["incidents"], responses=problems(404))
def companions(parts: WithParts, alert_id: AlertId) -> desk_doc.CompanionsDocument:
    """List open alerts that may be of the same event: same site or grid, within a quarter of an hour."""
    plan = parts.plan_source()
    found = parts.desk.companions(parts.book.alert(alert_id))
    return desk_doc.CompanionsDocument(alerts=[AlertDocument.of(alert, plan) for alert in found])


@router.post("/incidents", tags=["incidents"], responses=_DEED)
def merge(parts: WithParts, actor: ProgramActing, asked: desk_doc.Merging) -> desk_doc.IncidentDocument:
    """Make alerts of one event one incident: who takes, verifies or closes one of them does so to all."""
    return _incident(parts, parts.desk.merge(asked.alerts, actor))


@router.get("/incidents/{alert_id}", tags=["incidents"], responses=problems(404))
def incident(parts: WithParts, alert_id: AlertId) -> desk_doc.IncidentDocument:
    """Give the alerts of an incident."""
    found = parts.book.incident(alert_id)
    if not found:
        raise NotFound(f"there is no incident {alert_id}")
    return _incident(parts, found)


@router.post("/alerts/{alert_id}/split", tags=["incidents"], responses=_DEED)
def split(parts: WithParts, actor: ProgramActing, alert_id: AlertId) -> AlertDocument:
    """Take an alert out of its incident."""
    return _said(parts, parts.desk.split(alert_id, actor))


# -- photos -----------------------------------------------------------------------------------------------------------


@router.get("/alerts/{alert_id}/photos", tags=["photos"], responses=problems(404))
def photos(parts: WithParts, alert_id: AlertId) -> desk_doc.PhotosDocument:
    """List the photos of an alert, the oldest first."""
    found = parts.book.photos(parts.book.alert(alert_id).id)
    return desk_doc.PhotosDocument(photos=[desk_doc.PhotoDocument.of(photo) for photo in found])


@router.post(
    "/alerts/{alert_id}/photos",
    tags=["photos"],
    status_code=201,
    responses=_DEED | problems(413),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                kind: {"schema": {"type": "string", "format": "binary"}}
                for kind in ("image/jpeg", "image/png", "image/webp")
            },
        }
    },
)
async def add_photo(
    request: Request,
    parts: WithParts,
    actor: ProgramActing,
    alert_id: AlertId,
    note: Annotated[str, Query(max_length=500)] = "",
) -> desk_doc.PhotoDocument:
    """Add a photo: the body is the file. What is kept is a smaller JPEG without what was hidden in the file."""
    await to_thread.run_sync(parts.desk.may_act, alert_id, actor)  # before the body is read
    body = io.BytesIO()
    async for chunk in request.stream():  # no longer than Bodies lets it be
        body.write(chunk)
    body.seek(0)
    kept = await parts.studio.run(parts.photos.keep, body)
    return desk_doc.PhotoDocument.of(await to_thread.run_sync(parts.desk.keep_photo, alert_id, actor, kept, note))


@router.get(
    "/alerts/{alert_id}/photos/{photo}",
    tags=["photos"],
    response_class=Response,
    responses=problems(404) | {200: {"content": {MEDIA_TYPE: {}}, "description": "The photo."}},
)
def photo(parts: WithParts, alert_id: AlertId, photo: PhotoId) -> Response:
    """Give a photo of an alert."""
    return photo_of(parts, alert_id, photo)


def photo_of(parts: Parts, alert_id: str, photo: str) -> Response:
    """Answer with a photo, if it belongs to that alert. Raises NotFound."""
    if all(known.id != photo for known in parts.book.photos(alert_id)):
        raise NotFound(f"alert {alert_id} has no such photo")
    return Response(parts.photos.read(photo), media_type=MEDIA_TYPE, headers=PHOTO_HEADERS)


# -- the audit --------------------------------------------------------------------------------------------------------


@router.get("/audit", tags=["audit"], responses=problems(403))
def audit(
    parts: WithParts,
    session: Visitor,
    after: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0,
    kind: Annotated[str, Query(max_length=40)] = "",
    target: Annotated[str, Query(max_length=200)] = "",
    who: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> desk_doc.AuditDocument:
    """List who did what, when, from where, the oldest first; for administrators."""
    if session.user.rights is not Rights.ADMIN:
        raise NotAllowed(f"{session.user.name} is no administrator")
    found = parts.book.audit(after=after, most=limit + 1, kind=kind, target=target, who=who)
    page = found[:limit]
    return desk_doc.AuditDocument(
        lines=[desk_doc.AuditLineDocument.of(line) for line in page],
        next=page[-1].number if len(found) > limit else None,
    )


def _said(parts: Parts, alert: Alert) -> AlertDocument:
    return AlertDocument.of(alert, parts.plan_source())


def _done(parts: Parts, actor: Actor, alert: Alert) -> desk_doc.DoneDocument:
    done = desk_doc.DoneDocument.of(alert, parts.plan_source())
    return done.model_copy(update={"left": [each.id for each in parts.desk.left(alert, actor)]})


def _incident(parts: Parts, alerts: list[Alert]) -> desk_doc.IncidentDocument:
    plan = parts.plan_source()
    return desk_doc.IncidentDocument(
        incident=alerts[0].incident, alerts=[AlertDocument.of(alert, plan) for alert in alerts]
    )
