"""Quiet windows in the API and on pages: what is quiet, who asked for it, setting, ending, reports of walk tests."""

import csv
from datetime import UTC, timedelta
from io import StringIO
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, Path, Request, Response
from fastapi.responses import RedirectResponse

from firesense.domain.errors import Conflict, NotFound
from firesense.domain.instant import instant, iso, moment
from firesense.domain.quiet import QuietKind
from firesense.quietdesk import Report
from firesense.web.documents import ProblemDocument
from firesense.web.parts import (
    TEMPLATES,
    AlertId,
    PageActing,
    PageWriting,
    Parts,
    ProgramActing,
    Visitor,
    WithParts,
    page_context,
    visitor,
)
from firesense.web.quiet_documents import (
    CODE_MOST,
    MINUTES_MOST,
    TEXT_MOST,
    Extending,
    MaintenanceAsked,
    ReportDocument,
    ShelvingAsked,
    TriedDocument,
    WalkTestAsked,
    WindowDocument,
    WindowsDocument,
)

_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": ProblemDocument, "description": description}
    for status, description in (
        (401, "Nobody is logged in."),
        (403, "The CSRF token is missing or wrong, or this may not be done by whoever asks."),
        (404, "There is no such thing."),
        (409, "It is too long, says nothing, is over, or is a fire."),
        (422, "The request is not understood."),
        (503, "The book is away; try again."),
    )
}
WindowId = Annotated[str, Path(max_length=40, pattern="^[0-9A-Za-z]+$")]
api = APIRouter(prefix="/api/v1", tags=["quiet"], dependencies=[Depends(visitor)], responses=_PROBLEMS)
pages = APIRouter(include_in_schema=False)


@api.get("/quiet")
def windows(parts: WithParts) -> WindowsDocument:
    """List what is quiet now or will be, with who asked for it and why."""
    found = parts.quiet.windows()
    counts = {kind: sum(quiet.kind is kind for quiet in found) for kind in QuietKind}
    return WindowsDocument(windows=[WindowDocument.of(quiet) for quiet in found], counts=counts)


@api.post("/quiet/maintenance")
def maintain(parts: WithParts, actor: ProgramActing, asked: MaintenanceAsked) -> WindowDocument:
    """Begin maintenance: hazards and faults are recorded and call nobody until it is over; fire calls."""
    starts_at = asked.starts_at
    if starts_at is not None:
        starts_at = starts_at if starts_at.tzinfo else starts_at.replace(tzinfo=UTC)
    quiet = parts.quiet.maintain(
        actor,
        asked.why,
        timedelta(minutes=asked.minutes),
        place=asked.place,
        device=asked.device,
        gateway=asked.gateway,
        starts_at=None if starts_at is None else instant(starts_at),
    )
    return WindowDocument.of(quiet)


@api.post("/quiet/shelved")
def shelve(parts: WithParts, actor: ProgramActing, asked: ShelvingAsked) -> WindowDocument:
    """Shelve an alert, or a rule somewhere. Fire cannot be shelved."""
    if bool(asked.alert) == bool(asked.rule):
        raise Conflict("either an alert or a rule")
    lasts = timedelta(minutes=asked.minutes)
    if asked.alert:
        return WindowDocument.of(parts.quiet.shelve_alert(asked.alert, actor, asked.why, lasts))
    where = {"place": asked.place, "device": asked.device}
    return WindowDocument.of(parts.quiet.shelve_rule(asked.rule, actor, asked.why, lasts, **where))


@api.post("/quiet/walk-test")
def walk(parts: WithParts, actor: ProgramActing, asked: WalkTestAsked) -> WindowDocument:
    """Begin a walk test: what says fire at the place is told to the tester alone until it is over."""
    lasts = timedelta(minutes=asked.minutes)
    return WindowDocument.of(parts.quiet.walk(asked.place, asked.tester, actor, asked.why, lasts))


@api.post("/quiet/{window_id}/end")
def end(parts: WithParts, actor: ProgramActing, window_id: WindowId) -> WindowDocument:
    """End a window now: what still stands is called."""
    return WindowDocument.of(parts.quiet.end(window_id, actor))


@api.post("/quiet/{window_id}/extend")
def extend(parts: WithParts, actor: ProgramActing, window_id: WindowId, asked: Extending) -> WindowDocument:
    """Let a window last so long from now on."""
    return WindowDocument.of(parts.quiet.extend(window_id, actor, timedelta(minutes=asked.minutes)))


@api.get("/quiet/{window_id}/report")
def report(parts: WithParts, window_id: WindowId) -> ReportDocument:
    """Say which devices a walk test has heard, and which not (yet)."""
    found = parts.quiet.report(window_id)
    return ReportDocument(
        window=WindowDocument.of(found.quiet),
        heard=len(found.heard),
        missing=len(found.missing),
        devices=[
            TriedDocument(
                device=device.id,
                name=device.name,
                place=device.place,
                heard_at=None if tried is None else moment(tried.heard_at),
                rule="" if tried is None else tried.rule,
                times=0 if tried is None else tried.times,
            )
            for device in found.devices
            for tried in (found.heard.get(device.id),)
        ],
    )


# -- pages ------------------------------------------------------------------------------------------------------------
def shown_windows(parts: Parts) -> list[dict[str, Any]]:
    """What a banner says of each window: what it covers by name, and until when."""
    plan = parts.plan_source()
    found = []
    for quiet in parts.quiet.windows():
        device, place = plan.registry.get(quiet.device), plan.org.places.get(quiet.place)
        name = (device.name or device.id) if device else place.name if place else quiet.subject
        found.append({"quiet": quiet, "name": name})
    return found


@pages.get("/quiet")
def quiet_page(request: Request, parts: WithParts, session: Visitor) -> Response:
    """Show what is quiet, and let people ask for more."""
    return _page(request, parts, session)


@pages.post("/quiet")
def ask(
    request: Request,
    parts: WithParts,
    session: PageWriting,
    actor: PageActing,
    kind: Annotated[Literal["maintenance", "shelved", "walk-test"], Form()],
    minutes: Annotated[int, Form(ge=1, le=MINUTES_MOST)],
    why: Annotated[str, Form(max_length=TEXT_MOST)] = "",
    place: Annotated[str, Form(max_length=CODE_MOST)] = "",
    device: Annotated[str, Form(max_length=CODE_MOST)] = "",
    rule: Annotated[str, Form(max_length=CODE_MOST)] = "",
    tester: Annotated[str, Form(max_length=CODE_MOST)] = "",
) -> Response:
    """Set a window."""
    lasts = timedelta(minutes=minutes)
    try:
        match kind:
            case "maintenance":
                parts.quiet.maintain(actor, why, lasts, place=place, device=device)
            case "shelved":
                parts.quiet.shelve_rule(rule, actor, why, lasts, place=place, device=device)
            case "walk-test":
                parts.quiet.walk(place, tester, actor, why, lasts)
    except (Conflict, NotFound) as error:
        return _page(request, parts, session, refused=str(error), status_code=409)
    return RedirectResponse("/quiet", 303)


@pages.post("/quiet/{window_id}/end")
def end_it(
    request: Request, parts: WithParts, session: PageWriting, actor: PageActing, window_id: WindowId
) -> Response:
    """End a window."""
    try:
        parts.quiet.end(window_id, actor)
    except Conflict as error:
        return _page(request, parts, session, refused=str(error), status_code=409)
    return RedirectResponse("/quiet", 303)


@pages.post("/quiet/alerts/{alert_id}")
def shelve_it(
    request: Request,
    parts: WithParts,
    session: PageWriting,
    actor: PageActing,
    alert_id: AlertId,
    minutes: Annotated[int, Form(ge=1, le=MINUTES_MOST)],
    why: Annotated[str, Form(max_length=TEXT_MOST)] = "",
) -> Response:
    """Shelve an alert."""
    try:
        parts.quiet.shelve_alert(alert_id, actor, why, timedelta(minutes=minutes))
    except Conflict as error:
        return _page(request, parts, session, refused=str(error), status_code=409)
    return RedirectResponse(f"/alerts/{alert_id}", 303)


@pages.get("/quiet/{window_id}")
def report_page(request: Request, parts: WithParts, session: Visitor, window_id: WindowId) -> Response:
    """Show which devices a walk test has heard."""
    found = parts.quiet.report(window_id)
    context = page_context(request, session=session, report=found)
    return TEMPLATES.TemplateResponse(request, "quiet_report.html", context)


@pages.get("/quiet/{window_id}/report.csv")
def report_table(parts: WithParts, _session: Visitor, window_id: WindowId) -> Response:
    """Give a walk test's report as a table."""
    found = parts.quiet.report(window_id)
    named = f'attachment; filename="walk-test-{window_id}.csv"'
    return Response(_table(found), media_type="text/csv; charset=utf-8", headers={"Content-Disposition": named})


def _table(report: Report) -> str:
    written = StringIO()
    table = csv.writer(written)
    table.writerow(("device", "name", "place", "heard_at", "rule", "times"))
    for device in report.devices:
        tried = report.heard.get(device.id)
        heard = ("", "", 0) if tried is None else (iso(tried.heard_at), tried.rule, tried.times)
        table.writerow([_harmless(cell) for cell in (device.id, device.name, device.place, *heard)])
    return "\ufeff" + written.getvalue()  # spreadsheets want the mark


def _harmless(cell: object) -> object:
    """A spreadsheet takes what begins like a formula for one."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in {"=", "+", "-", "@", "\t"} else cell


def _page(request: Request, parts: Parts, session: Any, *, refused: str = "", status_code: int = 200) -> Response:
    plan = parts.plan_source()
    people = [person for person in plan.org.people.values() if any(person.addresses.values())]
    context = page_context(
        request,
        session=session,
        windows=shown_windows(parts),
        places=list(plan.org.places.values()),
        people=people,
        now=parts.clock.now(),
        refused=refused,
    )
    return TEMPLATES.TemplateResponse(request, "quiet.html", context, status_code=status_code)
