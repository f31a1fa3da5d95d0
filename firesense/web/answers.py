"""Errors as people and programs get them: RFC 9457 problem documents under /api, a plain page elsewhere."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import structlog
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from firesense.domain.errors import (
    BookError,
    BookRefused,
    Conflict,
    HistoryDown,
    HistoryError,
    NotAllowed,
    NotFound,
    PhotoRefused,
)
from firesense.text import TEXTS, say
from firesense.web.parts import TEMPLATES, here, language_of, page_context
from firesense.web.problems import LoginNeeded, Problem
from firesense.web.shield import HEADERS
from firesense.web.shown import conflict_words, listed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI, Request

_log = structlog.get_logger(__name__)

_KEYS = {
    400: "web.problem.bad_request",
    401: "web.problem.unauthenticated",
    403: "web.problem.forbidden",
    404: "web.problem.not_found",
    405: "web.problem.not_allowed",
    409: "web.problem.conflict",
    413: "web.problem.too_large",
    422: "web.problem.invalid",
    429: "web.problem.too_many",
    502: "web.problem.history_refused",
    503: "web.problem.unavailable",
}
_RETRY_AFTER = 10
SAID_AS = {  # kinds of faults, as the library names them, that people are told the same of
    "assertion_error": "other",
    "date_from_datetime_inexact": "date_parsing",
    "int_from_float": "int_parsing",
    "invalid_key": "string_type",
    "iterable_type": "list_type",
    "json_type": "json_invalid",
    "none_required": "not_null",
    "recursion_depth_exceeded": "nested",
    "timezone_offset": "datetime_parsing",
    "value_error": "other",
    "int_type": "int_parsing",
    "float_type": "float_parsing",
    "finite_number": "float_parsing",
    "bool_type": "bool_parsing",
    "literal_error": "enum",
    "dict_type": "object",
    "model_type": "object",
    "model_attributes_type": "object",
    "datetime_type": "datetime_parsing",
    "datetime_from_date_parsing": "datetime_parsing",
    "timezone_aware": "datetime_parsing",
    "date_type": "date_parsing",
    "date_from_datetime_parsing": "date_parsing",
}
_PAGE_OF_ONE = re.compile(r"/(?:alerts|hazards)/[0-9A-Za-z]+(?=/)")


def install_problems(console: FastAPI) -> None:
    """Have every error of the tree answered in one form."""
    console.add_exception_handler(Exception, _broken)
    for kind, answer in (
        (Problem, _problem),
        (LoginNeeded, _login_needed),
        (NotFound, _status(404)),
        (Conflict, _conflict),
        (NotAllowed, _forbidden),
        (PhotoRefused, _photo_refused),
        (BookRefused, _status(422)),  # a character or a number that no database keeps: trying again cannot help
        (BookError, _status(503)),
        (HistoryDown, _history_down),
        (HistoryError, _status(502)),
        (RequestValidationError, _invalid),
        (HTTPException, _http),
    ):
        console.add_exception_handler(kind, answer)


def problem(
    request: Request, status: int, key: str = "", headers: dict[str, str] | None = None, **more: Any
) -> Response:
    """Answer with a problem: a document for programs, a page for people. ``more`` fills the text or extends it."""
    language = language_of(request)
    errors = more.pop("errors", None)
    detail = say(key or _KEYS.get(status, "web.problem.bad_request"), language, **more)
    if not _for_programs(request):
        back, back_text = _way_back(request, status)
        context = page_context(
            request, language=language, detail=detail, status=status, back=back, back_text=say(back_text, language)
        )
        return TEMPLATES.TemplateResponse(request, "problem.html", context, status_code=status, headers=headers)
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if errors is not None:
        document["errors"] = errors
    return JSONResponse(document, status, headers, media_type="application/problem+json")


def retry_after(error: HistoryError) -> int:
    """Say in how many seconds asking the history store again may help."""
    after = error.retry_after if isinstance(error, HistoryDown) else None
    return _RETRY_AFTER if after is None else max(1, round(after.total_seconds()))


def _way_back(request: Request, status: int) -> tuple[str, str]:
    """Where a page of a problem leads back to, and the key of what that is called.

    Residents have no list of alerts to go back to, and what was too large was sent from a page that is still there.
    """
    path = request.url.path
    if path == "/report" or path.startswith("/report/"):
        return "/report", "report.back"
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE and (page := _PAGE_OF_ONE.match(path)):
        return page[0], "web.problem.back_to_page"
    return "/", "web.back"


def _for_programs(request: Request) -> bool:
    return request.url.path.startswith(("/api/", "/live/"))


def _status(status: int) -> Any:
    async def answer(request: Request, error: Exception) -> Response:
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            _log.error("request failed", path=request.url.path, error=str(error))
        return problem(request, status)

    return answer


async def _problem(request: Request, error: Any) -> Response:
    return problem(request, error.status, error.key, error.headers, **error.values)


async def _conflict(request: Request, error: Any) -> Response:
    plan, zone = request.app.state.parts.plan_source(), request.app.state.parts.zone
    return problem(request, 409, error.key, None, **conflict_words(error, plan, zone, language_of(request)))


async def _forbidden(request: Request, _error: Any) -> Response:
    return problem(request, 403, "web.problem.no_right")


async def _photo_refused(request: Request, error: Any) -> Response:
    return problem(request, 413 if error.key == "photo.large" else 422, error.key, None, **error.values)


async def _login_needed(request: Request, _error: Exception) -> Response:
    if _for_programs(request):
        return problem(request, 401)
    if request.headers.get("sec-fetch-site") == "cross-site":
        # Someone followed a link in a web mail: a strict cookie stays at home on that way, but comes when the page
        # asks for itself once more.
        return Response(status_code=200, headers={"Refresh": "0"})
    wanted = quote(here(request))
    return RedirectResponse("/login" if wanted == "/" else f"/login?next={wanted}", 303)


async def _history_down(request: Request, error: Any) -> Response:
    return problem(request, 503, "web.problem.history_down", {"Retry-After": str(retry_after(error))})


async def _invalid(request: Request, error: Any) -> Response:
    language = language_of(request)
    errors = [
        {"path": ".".join(str(part) for part in each["loc"]), "reason": _reason(each, language)}
        for each in error.errors()
    ]
    return problem(request, 422, errors=errors)


def _reason(error: Mapping[str, Any], language: str) -> str:
    """Say what is wrong with a value in the reader's language; of what has no words of ours, what the library says."""
    key = f"invalid.{SAID_AS.get(error['type'], error['type'])}"
    if key not in TEXTS or key == "invalid.other":
        return say("invalid.other", language, said=error["msg"])
    known = {name: f"{it:g}" if isinstance(it, float) else it for name, it in error.get("ctx", {}).items()}
    if "expected" in known:
        known["expected"] = listed(known["expected"].replace(" or ", ", ").split(", "), language)
    return say(key, language, **known)


async def _http(request: Request, error: Any) -> Response:
    return problem(request, error.status_code, headers=error.headers)


async def _broken(request: Request, _error: Exception) -> Response:
    # Given outside the shield, so it brings the headers itself; the server logs the error with its trace.
    return problem(request, 500, "web.problem.broken", HEADERS)
