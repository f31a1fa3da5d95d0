"""The console's pages. They work without script; with it they follow what happens."""

from functools import partial
from typing import Annotated, Any
from urllib.parse import urlencode

import structlog
from anyio import to_thread
from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from firesense.domain.alert import Alert, Finding
from firesense.domain.catalogue import CLASSES
from firesense.domain.errors import Conflict, HistoryError
from firesense.text import LANGUAGES
from firesense.web.alert_documents import NOTE_MOST
from firesense.web.answers import retry_after
from firesense.web.chart import Chart, draw, gap_of, span_of, window_of
from firesense.web.documents import StatusDocument
from firesense.web.door import NAME_MOST, PASSWORD_LEAST, PASSWORD_MOST, Refused, Session, TooManyAttempts
from firesense.web.parts import (
    LANGUAGE_COOKIE,
    TEMPLATES,
    AfterAlert,
    AlertId,
    PageActing,
    PageWriting,
    Parts,
    Visitor,
    WithParts,
    address_of,
    forget_session,
    keep_session,
    language_of,
    local_path,
    page_context,
)
from firesense.web.quiet import shown_windows
from firesense.web.shown import show_alert, show_story

_log = structlog.get_logger(__name__)

_A_YEAR = 31_536_000
_CHARTS = 2  # beside the alert's own metric, one more that helps to judge it

router = APIRouter(include_in_schema=False)


@router.get("/login")
def login_page(request: Request, next: str = "/") -> Response:  # noqa: A002 - the word of the address
    """Ask who is there."""
    return _page(request, "login.html", next=local_path(next), name="", error="", seconds=0)


@router.post("/login")
async def log_in(
    request: Request,
    parts: WithParts,
    name: Annotated[str, Form(max_length=NAME_MOST)] = "",
    password: Annotated[str, Form(max_length=PASSWORD_MOST)] = "",
    next: Annotated[str, Form()] = "/",  # noqa: A002 - the word of the form
) -> Response:
    """Let someone in."""
    wanted = local_path(next)
    address = address_of(request)
    try:
        session = await parts.door.enter(name, password, address)
    except Refused:
        return _page(request, "login.html", 401, next=wanted, name=name, error="web.login.refused", seconds=0)
    except TooManyAttempts as error:
        context = {"next": wanted, "name": name, "error": "web.login.wait", "seconds": error.seconds}
        answer = _page(request, "login.html", 429, **context)
        answer.headers["Retry-After"] = str(error.seconds)
        return answer
    to = RedirectResponse("/password" if session.must_choose else wanted, 303)
    keep_session(to, parts, session)
    return to


@router.post("/logout")
def log_out(request: Request, parts: WithParts, session: PageWriting) -> Response:
    """Let someone out."""
    parts.door.leave(session, address_of(request))
    to = RedirectResponse("/login", 303)
    forget_session(to, parts)
    return to


@router.get("/password")
def password_page(request: Request, session: Visitor) -> Response:
    """Ask for a password of one's own."""
    return _page(request, "password.html", session=session, error="")


@router.post("/password")
def choose_password(
    request: Request,
    parts: WithParts,
    session: PageWriting,
    password: Annotated[str, Form(max_length=PASSWORD_MOST)],
    again: Annotated[str, Form(max_length=PASSWORD_MOST)],
    current: Annotated[str, Form(max_length=PASSWORD_MOST)] = "",
) -> Response:
    """Change a password."""
    error = ""
    if len(password) < PASSWORD_LEAST:
        error = "web.password.short"
    elif password != again:
        error = "web.password.differ"
    elif not parts.door.choose_password(session, current, password, address_of(request)):
        error = "web.password.wrong"
    if error:
        return _page(request, "password.html", 422, session=session, error=error)
    return RedirectResponse("/", 303)


@router.get("/language/{language}")
def choose_language(parts: WithParts, language: str, next: str = "/") -> Response:  # noqa: A002 - the address's word
    """Read Chinese or English from now on."""
    to = RedirectResponse("/login" if next == "/login" else local_path(next), 303)
    if language in LANGUAGES:
        to.set_cookie(LANGUAGE_COOKIE, language, max_age=_A_YEAR, secure=parts.secure, httponly=True, samesite="lax")
    return to


@router.get("/")
def board_page(
    request: Request, parts: WithParts, session: Visitor, after: AfterAlert = "", *, closed: bool = False
) -> Response:
    """Show the alerts."""
    return _page(request, "board.html", session=session, **_board(request, parts, after, closed=closed))


@router.get("/live/board")
def board_part(
    request: Request, parts: WithParts, session: Visitor, after: AfterAlert = "", *, closed: bool = False
) -> Response:
    """Give what changes on the board."""
    return _page(request, "_board.html", session=session, **_board(request, parts, after, closed=closed))


@router.get("/alerts/{alert_id}")
def alert_page(request: Request, parts: WithParts, session: Visitor, alert_id: AlertId) -> Response:
    """Show one alert with its story."""
    return _alert_page(request, parts, session, alert_id)


@router.get("/live/alerts/{alert_id}")
def alert_part(request: Request, parts: WithParts, session: Visitor, alert_id: AlertId) -> Response:
    """Give what changes on an alert's page."""
    return _page(request, "_alert.html", session=session, **_alert(request, parts, alert_id))


@router.get("/live/alerts/{alert_id}/chart")
async def chart_part(
    request: Request, parts: WithParts, _session: Visitor, alert_id: AlertId, width: Annotated[int, Query()] = 640
) -> Response:
    """Give the charts of the readings around an alert; apart from its page, which must not wait for the history."""
    alert = await to_thread.run_sync(parts.book.alert, alert_id)
    try:
        charts = await parts.reads.read(partial(_charts, parts, alert, language_of(request), width))
    except HistoryError as error:
        _log.warning("no chart: the history store did not answer", alert=alert_id, error=str(error))
        answer = _page(request, "_chart.html", 503, charts=[], away=True)
        answer.headers["Retry-After"] = str(retry_after(error))
        return answer
    return _page(request, "_chart.html", charts=charts, away=False)


@router.post("/alerts/{alert_id}/acknowledge")
def acknowledge(
    request: Request,
    parts: WithParts,
    session: PageWriting,
    actor: PageActing,
    alert_id: AlertId,
    back: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """Take an alert."""
    try:
        parts.desk.acknowledge(alert_id, actor)
    except Conflict:
        return _alert_page(request, parts, session, alert_id, 409)
    return RedirectResponse("/" if back == "board" else f"/alerts/{alert_id}", 303)


@router.post("/alerts/{alert_id}/close")
def close(
    request: Request,
    parts: WithParts,
    session: PageWriting,
    actor: PageActing,
    alert_id: AlertId,
    finding: Annotated[Finding, Form()],
    note: Annotated[str, Form(max_length=NOTE_MOST)] = "",
) -> Response:
    """Close a case."""
    try:
        parts.desk.close(alert_id, actor, finding, note)
    except Conflict:
        return _alert_page(request, parts, session, alert_id, 409, finding=finding, note=note)
    return RedirectResponse(f"/alerts/{alert_id}", 303)


def _page(request: Request, template: str, status_code: int = 200, /, **context: Any) -> Response:
    return TEMPLATES.TemplateResponse(request, template, page_context(request, **context), status_code=status_code)


def _board(request: Request, parts: Parts, after: str, *, closed: bool) -> dict[str, Any]:
    listed = parts.board.alerts(parts.plan_source(), language_of(request), open_only=not closed, after=after)
    open_alerts = [shown for shown in listed.alerts if shown.alert.open]
    whole = not after and listed.next is None
    asked = {"after": after} if after else {}
    if closed:
        asked["closed"] = "true"
    return {
        "step": listed.step,
        "now": parts.clock.now(),
        "alerts": listed.alerts,
        "counts": listed.counts,
        "windows": shown_windows(parts),
        "waiting": sum(shown.alert.acknowledged_at is None for shown in open_alerts),
        "whole": whole,
        "closed": closed,
        "after": after,
        "asked": urlencode(asked),
        "following": urlencode(asked | {"after": listed.next}) if listed.next else "",
        "status": _status(parts),
    }


def _alert_page(
    request: Request,
    parts: Parts,
    session: Session,
    alert_id: str,
    status_code: int = 200,
    finding: Finding | None = None,
    note: str = "",
) -> Response:
    context = _alert(request, parts, alert_id)
    form = {"findings": list(Finding), "finding": finding, "note": note, "note_most": NOTE_MOST}
    return _page(request, "alert.html", status_code, session=session, conflict=status_code == 409, form=form, **context)  # noqa: PLR2004 - HTTP


def _alert(request: Request, parts: Parts, alert_id: str) -> dict[str, Any]:
    plan, language = parts.plan_source(), language_of(request)
    step = parts.book.last_step()
    alert = parts.book.alert(alert_id)
    return {
        "step": step,
        "now": parts.clock.now(),
        "shown": show_alert(alert, parts.book.climb(alert_id), parts.book.calls(alert_id), plan, language),
        "story": show_story(parts.book.story(alert_id), plan, language),
        "status": _status(parts),
    }


def _status(parts: Parts) -> StatusDocument:
    return StatusDocument.model_validate(parts.status())


def _charts(parts: Parts, alert: Alert, language: str, width: int) -> list[Chart]:
    plan = parts.plan_source()
    device = plan.registry.get(alert.device)
    known = CLASSES.get(alert.device_class)
    if device is None or known is None:
        return []
    start, end = span_of(alert, parts.clock.now())
    every = window_of(start, end)
    profile = plan.profiles.get(device.profile)
    gap = gap_of(every, device.period or (profile.period if profile else None))
    said = {spec.metric for spec in profile.metrics} if profile else set(known.metrics)
    wanted = dict.fromkeys(name for name in (alert.metric, *known.metrics) if name in known.metrics and name in said)
    charts: list[Chart] = []
    for name in wanted:
        metric = known.metrics[name]
        chart = draw(
            parts.history.windows(device, name, start, end, every),
            start=start,
            end=end,
            mark_at=alert.event_at,
            gap=gap,
            title=metric.en if language == "en" else metric.zh,
            unit=metric.unit,
            zone=parts.zone,
            width=width,
        )
        if chart is not None:
            charts.append(chart)
        if len(charts) == _CHARTS:
            break
    return charts
