"""The JSON API under /api/v1; its OpenAPI document is at /api/v1/openapi.json."""

from bisect import bisect_right
from functools import lru_cache, partial
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from firesense.cap import bulletins, cap_document
from firesense.domain.catalogue import CLASSES
from firesense.domain.device import Device, Registry
from firesense.domain.frame import Reason
from firesense.domain.instant import instant
from firesense.domain.plan import Plan
from firesense.explain import explain
from firesense.ports import History
from firesense.web import alert_documents as alert_doc
from firesense.web import documents as doc
from firesense.web.api_problems import problems
from firesense.web.door import Refused, Session, TooManyAttempts
from firesense.web.parts import (
    AfterAlert,
    AlertId,
    ProgramWriting,
    Visitor,
    WithParts,
    address_of,
    forget_session,
    keep_session,
    visitor,
)
from firesense.web.problems import Problem
from firesense.web.shown import unit_of

POINTS_MOST = 10_000
_SECOND = 1_000_000
_DIGITS_MOST = 20  # 64 bits


Limit = Annotated[int, Query(ge=1, le=1000)]

door = APIRouter(prefix="/api/v1", tags=["session"])
router = APIRouter(prefix="/api/v1", dependencies=[Depends(visitor)], responses=problems(401, 422, 503))


@door.post("/session", responses=problems(401, 422, 429, 503))
async def log_in(request: Request, response: Response, parts: WithParts, login: doc.Login) -> doc.SessionDocument:
    """Log in: sets the session cookie, and gives the CSRF token for changes."""
    address = address_of(request)
    try:
        session = await parts.door.enter(login.name, login.password, address)
    except Refused as error:
        raise Problem(401, "web.login.refused") from error
    except TooManyAttempts as error:
        seconds = error.seconds
        raise Problem(429, "web.login.wait", {"Retry-After": str(seconds)}, seconds=seconds) from error
    keep_session(response, parts, session)
    return _session(session)


@door.get("/session", responses=problems(401, 503))
def current_session(session: Visitor) -> doc.SessionDocument:
    """Say who is logged in, and give the CSRF token again."""
    return _session(session)


@door.delete("/session", status_code=204, responses=problems(401, 403, 503))
def log_out(request: Request, response: Response, parts: WithParts, session: ProgramWriting) -> None:
    """Log out."""
    parts.door.leave(session, address_of(request))
    forget_session(response, parts)


@router.get("/alerts", tags=["alerts"], responses=problems(404))
def alerts(
    parts: WithParts, after: AfterAlert = "", *, open_only: bool = True, limit: Limit = 200
) -> alert_doc.AlertsDocument:
    """List alerts a page at a time: fire first, in each class those of strangers last, then the newest first."""
    plan = parts.plan_source()
    found = parts.book.alerts(open_only=open_only, most=limit + 1, after=after)
    page = found[:limit]
    return alert_doc.AlertsDocument(
        alerts=[alert_doc.AlertDocument.of(alert, plan) for alert in page],
        next=page[-1].id if len(found) > limit else None,
    )


@router.get("/alerts/{alert_id}", tags=["alerts"], responses=problems(404))
def alert_detail(parts: WithParts, alert_id: AlertId) -> alert_doc.AlertDetailDocument:
    """Give one alert with its climb, its calls (addresses masked) and its story."""
    plan = parts.plan_source()
    alert = parts.book.alert(alert_id)
    climb = parts.book.climb(alert_id)
    return alert_doc.AlertDetailDocument(
        alert=alert_doc.AlertDocument.of(alert, plan),
        climb=None if climb is None else alert_doc.ClimbDocument.of(climb),
        calls=[alert_doc.CallDocument.of(call, plan) for call in parts.book.calls(alert_id)],
        story=[alert_doc.StepDocument.of(step) for step in parts.book.story(alert_id)],
    )


@router.get("/alerts/{alert_id}/explanation", tags=["alerts"], responses=problems(404))
def explanation(parts: WithParts, alert_id: AlertId) -> alert_doc.ExplanationDocument:
    """Say why an alert was raised: the rule and the readings as they were, the route, each call and receipt."""
    plan = parts.plan_source()
    return alert_doc.ExplanationDocument.of(explain(parts.book, plan, alert_id), plan)


@router.get(
    "/alerts/{alert_id}/cap",
    tags=["alerts"],
    response_class=Response,
    responses=problems(404) | {200: {"content": {"application/cap+xml": {}}, "description": "A CAP 1.2 message."}},
)
def alert_as_cap(
    parts: WithParts,
    alert_id: AlertId,
    message: Annotated[int | None, Query(ge=0)] = None,
    sender: Annotated[str, Query(pattern="^([0-9]{14})?$")] = "",
    *,
    exercise: bool = False,
) -> Response:
    """Give the newest CAP message of an alert, or the one of that number from 0: raised, climbed, verified, closed."""
    alert, story = parts.book.alert(alert_id), parts.book.story(alert_id)
    last = len(bulletins(alert, story, sender)) - 1
    if message is not None and message > last:
        raise Problem(404, "web.problem.no_cap_message", last=last)
    document = cap_document(alert, story, parts.plan_source(), number=message, sender=sender, exercise=exercise)
    return Response(document, media_type="application/cap+xml")


@router.get("/devices", tags=["devices"])
def devices(
    parts: WithParts, after: Annotated[str, Query(max_length=200)] = "", limit: Limit = 100
) -> doc.DevicesDocument:
    """List registered devices by id, a page at a time."""
    registry = parts.plan_source().registry
    ids = _sorted_ids(registry)
    first = bisect_right(ids, after)
    page = ids[first : first + limit]
    return doc.DevicesDocument(
        devices=[doc.DeviceDocument.of(device) for each in page if (device := registry.get(each)) is not None],
        next=page[-1] if first + limit < len(ids) else None,
        total=len(ids),
    )


@router.get("/devices/{device_id}", tags=["devices"], responses=problems(404))
def device_detail(parts: WithParts, device_id: str) -> doc.DeviceDocument:
    """Give one registered device."""
    return doc.DeviceDocument.of(_device(parts.plan_source(), device_id))


@router.get("/devices/{device_id}/series", tags=["devices"], responses=problems(404, 502))
async def series(
    parts: WithParts, device_id: str, span: Annotated[doc.Span, Query()]
) -> doc.SeriesDocument | doc.WindowsDocument:
    """Give the points of a metric or signal in [from, to): as they are, or averaged over windows of ``every`` seconds.

    At most 10,000 points or windows at a time.
    """
    device = _device(parts.plan_source(), device_id)
    known = CLASSES[device.device_class]
    if span.column not in known.metrics and span.column not in known.signals:
        raise Problem(404, "web.problem.no_column", column=span.column, device_class=device.device_class)
    start, end = instant(span.start), instant(span.end)
    if start >= end:
        raise Problem(422, "web.problem.span_empty")
    if span.every is not None and (end - start) / (span.every * _SECOND) > POINTS_MOST:
        raise Problem(422, "web.problem.span_long", most=POINTS_MOST)
    return await parts.reads.read(partial(_series, parts.history, device, span))


def _series(history: History, device: Device, span: doc.Span) -> doc.SeriesDocument | doc.WindowsDocument:
    start, end, unit = instant(span.start), instant(span.end), unit_of(device.device_class, span.column)
    if span.every is None:
        points = history.raw(device, span.column, start, end, POINTS_MOST)
        return doc.SeriesDocument(
            device=device.id,
            column=span.column,
            unit=unit,
            at=points.at.tolist(),
            values=points.values.tolist(),
            truncated=len(points.at) >= POINTS_MOST,
        )
    windows = history.windows(device, span.column, start, end, span.window)
    return doc.WindowsDocument(
        device=device.id,
        column=span.column,
        unit=unit,
        every=span.every,
        at=windows.at.tolist(),
        mean=windows.mean.tolist(),
        low=windows.low.tolist(),
        high=windows.high.tolist(),
        count=windows.count.tolist(),
    )


@router.get("/quarantine", tags=["operation"])
def quarantine(
    parts: WithParts, *, reason: Reason | None = None, limit: Limit = 100, replayed: bool = False
) -> doc.QuarantineDocument:
    """List frames that could not be used, oldest first."""
    found = parts.book.quarantine(reason=reason or "", most=limit, replayed=replayed)
    return doc.QuarantineDocument(refusals=[doc.RefusalDocument.of(refusal) for refusal in found])


@router.get("/strangers", tags=["operation"])
def strangers(parts: WithParts) -> doc.StrangersDocument:
    """List unregistered devices that were heard, newest first."""
    return doc.StrangersDocument(strangers=[doc.StrangerDocument.of(each) for each in parts.book.strangers()])


@router.get("/status", tags=["operation"])
def status(parts: WithParts) -> doc.StatusDocument:
    """Say how the streets are doing, and whether the ledger balances."""
    return doc.StatusDocument.model_validate(parts.status())


@router.get(
    "/events",
    tags=["operation"],
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}, "description": "Server-sent events."}},
)
async def events(
    parts: WithParts,
    session: Visitor,
    since: Annotated[int | None, Query(ge=0)] = None,
    last_event_id: Annotated[str, Header()] = "",
) -> StreamingResponse:
    """Stream server-sent events: ``step`` with the number of the newest step of any alert, ``beat`` every 15 s.

    Give the number known already as ``since`` (or Last-Event-ID, which wins), and a newer one comes at once.
    """
    if not parts.live.available:
        raise Problem(503, "web.problem.unavailable", {"Retry-After": "5"})
    known = int(last_event_id) if last_event_id.isdecimal() and len(last_event_id) < _DIGITS_MOST else since
    token = session.token
    return StreamingResponse(
        parts.live.stream(known, lambda: parts.door.known(token) is not None),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )


def describe(console: FastAPI) -> dict[str, Any]:
    """Write the OpenAPI document, once: as FastAPI does, but with the media type that problems really have."""
    if console.openapi_schema is None:
        document = FastAPI.openapi(console)
        for operation in (each for path in document["paths"].values() for each in path.values()):
            for status, response in operation["responses"].items():
                if int(status) >= HTTPStatus.BAD_REQUEST:
                    response["content"] = {"application/problem+json": response["content"]["application/json"]}
    return FastAPI.openapi(console)


def _session(session: Session) -> doc.SessionDocument:
    user = session.user
    return doc.SessionDocument(
        user=user.name, person=user.person, csrf=session.csrf, rights=user.rights, place=user.place
    )


def _device(plan: Plan, device_id: str) -> Device:
    device = plan.registry.get(device_id)
    if device is None:
        raise Problem(404, "web.problem.no_device", device=device_id)
    return device


@lru_cache(maxsize=1)
def _sorted_ids(registry: Registry) -> list[str]:
    """Sort once per plan: a registry never changes, a new plan brings a new one."""
    return sorted(device.id for device in registry)
