"""The console's pages. They work without script; with it they follow what happens."""

from typing import Annotated, Any
from urllib.parse import quote, urlencode

import structlog
from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from firesense.text import LANGUAGES
from firesense.web.documents import StatusDocument
from firesense.web.door import NAME_MOST, PASSWORD_LEAST, PASSWORD_MOST, Refused, Session, TooManyAttempts
from firesense.web.parts import (
    LANGUAGE_COOKIE,
    TEMPLATES,
    AfterAlert,
    PageWriting,
    Parts,
    Visitor,
    WithParts,
    address_of,
    back_to,
    forget_session,
    keep_session,
    language_of,
    local_path,
    page_context,
)
from firesense.web.quiet_pages import shown_windows

_log = structlog.get_logger(__name__)

_A_YEAR = 31_536_000
_CHARTS = 2  # beside the alert's own metric, one more that helps to judge it

router = APIRouter(include_in_schema=False)


@router.get("/login")
def login_page(request: Request, next: str = "/") -> Response:  # noqa: A002 - the word of the address
    """Ask who is there."""
    return _login(request, local_path(next))


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
        return _login(request, wanted, 401, name=name, error="web.login.refused")
    except TooManyAttempts as error:
        answer = _login(request, wanted, 429, name=name, error="web.login.wait", seconds=error.seconds)
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
    to = RedirectResponse(back_to(next), 303)
    if language in LANGUAGES:
        to.set_cookie(LANGUAGE_COOKIE, language, max_age=_A_YEAR, secure=parts.secure, httponly=True, samesite="lax")
    return to


@router.get("/")
def board_page(
    request: Request, parts: WithParts, session: Visitor, after: AfterAlert = "", *, closed: bool = False
) -> Response:
    """Show the alerts."""
    return _page(request, "board.html", session=session, **_board(request, parts, session, after, closed=closed))


@router.get("/live/board")
async def board_part(
    request: Request,
    parts: WithParts,
    session: Visitor,
    after: AfterAlert = "",
    known: Annotated[str, Query(max_length=100)] = "",
    *,
    closed: bool = False,
) -> Response:
    """Give what changes on the board; of the cards, those that changed since the edition that is ``known``."""

    def part() -> Response:
        told = parts.live.told
        board = _board(request, parts, session, after, closed=closed, told=told, known=known)
        return _page(request, "_board.html", session=session, **board)

    return await parts.following.run(part)


def _page(request: Request, template: str, status_code: int = 200, /, **context: Any) -> Response:
    return TEMPLATES.TemplateResponse(request, template, page_context(request, **context), status_code=status_code)


def _login(
    request: Request, wanted: str, status_code: int = 200, *, name: str = "", error: str = "", seconds: int = 0
) -> Response:
    """Ask who is there; another language is chosen without losing the page that was wanted."""
    more = {"next": wanted, "name": name, "error": error, "seconds": seconds}
    return _page(request, "login.html", status_code, here=quote(f"/login?next={quote(wanted)}"), **more)


def _board(
    request: Request,
    parts: Parts,
    session: Session,
    after: str,
    *,
    closed: bool,
    told: int | None = None,
    known: str = "",
) -> dict[str, Any]:
    language, now = language_of(request), parts.clock.now()
    listed = parts.board.alerts(parts.plan_source(), language, open_only=not closed, after=after, told=told)
    asked = {"after": after} if after else {}
    if closed:
        asked["closed"] = "true"
    edition = f"{parts.board.name}-{language}-{session.mark}-"
    number = known.removeprefix(edition)
    seen = int(number) if known.startswith(edition) and number.isdecimal() else 0
    return {
        "step": listed.step,
        "edition": f"{edition}{listed.edition}",
        "now": now,
        "cards": parts.board.cards.fill(listed.since(seen), language, now, session.csrf),
        "counts": listed.counts,
        "windows": shown_windows(parts),
        "waiting": listed.waiting,
        "whole": not after and listed.next is None,
        "closed": closed,
        "after": after,
        "asked": urlencode(asked),
        "following": urlencode(asked | {"after": listed.next}) if listed.next else "",
        "status": _status(parts),
    }


def _status(parts: Parts) -> StatusDocument:
    return StatusDocument.model_validate(parts.status())
