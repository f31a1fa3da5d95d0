"""Quiet windows on pages: what is quiet and who asked for it, forms to set and to end it, reports of walk tests."""

import csv
from datetime import timedelta
from io import StringIO
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from firesense.domain.alert import AlertClass
from firesense.domain.errors import Conflict, NotFound
from firesense.domain.instant import iso
from firesense.domain.plan import Plan
from firesense.quietdesk import Report
from firesense.text import say
from firesense.web.door import Session
from firesense.web.parts import (
    TEMPLATES,
    AlertId,
    PageActing,
    Parts,
    Visitor,
    WithParts,
    language_of,
    page_context,
)
from firesense.web.quiet_documents import CODE_MOST, MINUTES_MOST, TEXT_MOST, Minutes, WindowId
from firesense.web.shown import conflict_words, person_name

router = APIRouter(include_in_schema=False)
_Code = Field("", max_length=CODE_MOST)


class WindowAsked(BaseModel):
    """The form of a window; which of its fields are there depends on its kind."""

    kind: Literal["maintenance", "shelved", "walk-test"]
    minutes: Minutes
    why: str = Field("", max_length=TEXT_MOST)
    place: str = _Code
    device: str = _Code
    rule: str = _Code
    tester: str = _Code


def shown_windows(parts: Parts) -> list[dict[str, Any]]:
    """What a banner says of each window: what it covers and who asked for it by name, and until when."""
    plan = parts.plan_source()
    found = []
    for quiet in parts.quiet.windows():
        device, place = plan.registry.get(quiet.device), plan.org.places.get(quiet.place)
        name = (device.name or device.id) if device else place.name if place else quiet.subject
        who, tester = person_name(plan, quiet.who), person_name(plan, quiet.tester)
        found.append({"quiet": quiet, "name": name, "who": who, "tester": tester})
    return found


@router.get("/quiet")
def quiet_page(request: Request, parts: WithParts, session: Visitor) -> Response:
    """Show what is quiet, and let people ask for more."""
    return _page(request, parts, session)


@router.post("/quiet")
def ask(
    request: Request, parts: WithParts, session: Visitor, actor: PageActing, asked: Annotated[WindowAsked, Form()]
) -> Response:
    """Set a window."""
    lasts = timedelta(minutes=asked.minutes)
    try:
        match asked.kind:
            case "maintenance":
                parts.quiet.maintain(actor, asked.why, lasts, place=asked.place, device=asked.device)
            case "shelved":
                parts.quiet.shelve_rule(asked.rule, actor, asked.why, lasts, place=asked.place, device=asked.device)
            case "walk-test":
                parts.quiet.walk(asked.place, asked.tester, actor, asked.why, lasts)
    except (Conflict, NotFound) as error:
        return _refused(request, parts, session, error, asked)
    return RedirectResponse("/quiet", 303)


@router.post("/quiet/{window_id}/end")
def end_it(request: Request, parts: WithParts, session: Visitor, actor: PageActing, window_id: WindowId) -> Response:
    """End a window."""
    try:
        parts.quiet.end(window_id, actor)
    except Conflict as error:
        return _refused(request, parts, session, error)
    return RedirectResponse("/quiet", 303)


@router.post("/quiet/alerts/{alert_id}")
def shelve_it(
    request: Request,
    parts: WithParts,
    session: Visitor,
    actor: PageActing,
    alert_id: AlertId,
    minutes: Annotated[int, Form(ge=1, le=MINUTES_MOST)],
    why: Annotated[str, Form(max_length=TEXT_MOST)] = "",
) -> Response:
    """Shelve an alert."""
    try:
        parts.quiet.shelve_alert(alert_id, actor, why, timedelta(minutes=minutes))
    except Conflict as error:
        return _refused(request, parts, session, error)
    return RedirectResponse(f"/alerts/{alert_id}", 303)


@router.get("/quiet/{window_id}")
def report_page(request: Request, parts: WithParts, session: Visitor, window_id: WindowId) -> Response:
    """Show which devices a walk test has heard."""
    found = parts.quiet.report(window_id)
    plan = parts.plan_source()
    who, tester = (person_name(plan, name) for name in (found.quiet.who, found.quiet.tester))
    named = {place.code: place.name for place in plan.org.places.values()}
    context = page_context(request, session=session, report=found, who=who, tester=tester, named=named)
    return TEMPLATES.TemplateResponse(request, "quiet_report.html", context)


@router.get("/quiet/{window_id}/report.csv")
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


def _refused(
    request: Request, parts: Parts, session: Session, error: Conflict | NotFound, asked: WindowAsked | None = None
) -> Response:
    """Show the page with what is wrong, and the form as it was filled in."""
    plan, language = parts.plan_source(), language_of(request)
    if isinstance(error, Conflict):
        said = say(error.key or "web.conflict", language, **conflict_words(error, plan, parts.zone, language))
    else:
        said = say("web.quiet.unknown", language, name="" if asked is None else _unknown(asked, plan))
    return _page(request, parts, session, refused=said, asked=asked, status_code=409)


def _unknown(asked: WindowAsked, plan: Plan) -> str:
    """Which of the names in a form is nobody's."""
    if asked.place and asked.place not in plan.org.places:
        return asked.place
    if asked.device and plan.registry.get(asked.device) is None:
        return asked.device
    return asked.tester or asked.rule


def _page(
    request: Request,
    parts: Parts,
    session: Session,
    *,
    refused: str = "",
    asked: WindowAsked | None = None,
    status_code: int = 200,
) -> Response:
    plan = parts.plan_source()
    context = page_context(
        request,
        session=session,
        windows=shown_windows(parts),
        places=list(plan.org.places.values()),
        people=[person for person in plan.org.people.values() if any(person.addresses.values())],
        rules=[rule.id for rule in plan.rules if rule.alert_class in {AlertClass.HAZARD, AlertClass.FAULT}],
        now=parts.clock.now(),
        refused=refused,
        asked=asked,
        may_act=session.user.rights.may_act,
    )
    return TEMPLATES.TemplateResponse(request, "quiet.html", context, status_code=status_code)
