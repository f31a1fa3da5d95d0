"""The open form: anybody reports a hazard, and sees with the receipt number what became of it. No log-in.

Of somebody who is not logged in nothing is kept but what they typed and the photos they chose, made anew: neither
address nor cookie. Addresses are counted in memory alone, so that one of them cannot flood a place.
"""

import re
import secrets
from dataclasses import dataclass
from typing import Annotated, Any

import structlog
from anyio import to_thread
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData, UploadFile

from firesense.domain.alert import Grade
from firesense.domain.errors import NotFound, PhotoRefused
from firesense.domain.hazard import Report, ReportLimits, Source
from firesense.hazarddesk import ANYBODY
from firesense.text import say
from firesense.web.door import Session
from firesense.web.parts import TEMPLATES, Parts, WithParts, address_of, language_of, page_context
from firesense.web.problems import LoginNeeded, Problem
from firesense.web.shown import path_of

PATH = "/report"
_HIDDEN = "website"  # a field that people do not see: what fills it in is a program
_MOST = {"key": 64, "grid": 64, "spot": 200, "wrong": 1000, "grade": 10, "contact": 100, _HIDDEN: 100}  # letters
_FIELDS_MOST = 20
_BESIDE_PHOTOS = 64 * 1024  # bytes of a form without its photos
_UNKNOWN = "?"  # stands for all places that nobody knows
_KEY = re.compile("[A-Za-z0-9_-]{16,64}")
_log = structlog.get_logger(__name__)

router = APIRouter(include_in_schema=False)


def body_most(limits: ReportLimits) -> int:
    """How many bytes a report may have with all its photos."""
    return limits.photos * limits.photo_most + _BESIDE_PHOTOS


@dataclass(frozen=True, slots=True)
class _Filled:
    """What somebody typed into the form."""

    key: str = ""
    grid: str = ""
    spot: str = ""
    wrong: str = ""
    grade: str = Grade.GENERAL.value
    contact: str = ""
    hidden: str = ""
    long: bool = False  # something is longer than its field


@router.get(PATH)
async def report_page(
    request: Request, parts: WithParts, grid: Annotated[str, Query(max_length=_MOST["grid"])] = ""
) -> Response:
    """Show the form; a QR code in the grid leads to it with the grid's code."""
    await to_thread.run_sync(_admitted, request, parts)
    return await _form(request, parts, _Filled(grid=grid))


@router.post(PATH)
async def report(request: Request, parts: WithParts) -> Response:
    """Take a report, and lead to its receipt. Of an address that sent too many nothing more is even read."""
    plan, now = parts.plan_source(), parts.clock.now()
    limits = plan.hazards.reports
    gate, address = parts.gates.under(limits), address_of(request)
    session = await to_thread.run_sync(_admitted, request, parts)
    if wait := gate.enter(address, "" if session is None else session.who, now):
        return await _wait(request, parts, _Filled(), wait)
    async with request.form(max_files=limits.photos + 1, max_fields=_FIELDS_MOST) as form:
        filled = _filled(form)
        photos = [each for each in form.getlist("photos") if isinstance(each, UploadFile) and each.size]
        if fault := _fault(filled, len(photos), limits, session):
            return await _form(request, parts, filled, fault, 422)
        place = filled.grid if filled.grid in plan.org.places else ""
        if known := await to_thread.run_sync(parts.hazards.reported, filled.key):
            return RedirectResponse(f"{PATH}/{known.alert}", 303)
        # What names no place must not use up what a place may have.
        if session is None and (wait := gate.count(place or bool(filled.grid) * _UNKNOWN, now)):
            return await _wait(request, parts, filled, wait)
        try:
            kept = [await parts.studio.run(parts.photos.keep, photo.file, limits.photo_most) for photo in photos]
        except PhotoRefused as error:
            return await _form(request, parts, filled, say(error.key, language_of(request), **error.values), 422)
    said = Report(
        filled.key,
        place,
        filled.wrong,
        Grade(filled.grade),
        filled.spot if place else f"{filled.grid} {filled.spot}".strip(),
        session.who if session is not None else "",
        filled.contact if session is None else "",
        tuple(photo.id for photo in kept),
    )
    actor = ANYBODY if session is None else session.actor(f"console {address}")
    hazard = await to_thread.run_sync(parts.hazards.report, said, actor)
    return RedirectResponse(f"{PATH}/{hazard.alert}", 303)


@router.get(PATH + "/{receipt}")
async def receipt_page(
    request: Request, parts: WithParts, receipt: Annotated[str, Path(max_length=40, pattern="^[0-9A-Za-z]+$")]
) -> Response:
    """Show where a reported hazard stands; nothing of what was typed, and nobody's name."""
    gate = parts.gates.under(parts.plan_source().hazards.reports)
    if wait := gate.look(address_of(request), parts.clock.now()):
        raise Problem(429, "web.problem.too_many", {"Retry-After": str(wait)})
    hazard = await to_thread.run_sync(parts.book.hazard, receipt.upper())
    if hazard.source is Source.RULE:
        raise NotFound(f"nobody reported {receipt}")
    places = [place.name for place in path_of(parts.plan_source(), hazard.place)]
    link = str(request.url.replace(path=f"{PATH}/{hazard.alert}", query="", fragment=""))
    return _page(request, "receipt.html", hazard=hazard, places=places, now=parts.clock.now(), link=link)


def _visitor(request: Request, parts: Parts) -> Session | None:
    return parts.door.known(request.cookies.get(parts.cookie, ""))


def _admitted(request: Request, parts: Parts) -> Session | None:
    """Who is at the form; raises LoginNeeded for somebody who is not logged in where the form is for those who are."""
    session = _visitor(request, parts)
    if session is None and not parts.plan_source().hazards.reports.open:
        raise LoginNeeded
    return session


def _filled(form: FormData) -> _Filled:
    """Read what was typed, cut to what is kept of each field."""
    typed = {name: said for name in _MOST if isinstance(said := form.get(name, ""), str)}
    cut = {name: _plain(said)[: _MOST[name]] for name, said in typed.items()}
    hidden = cut.pop(_HIDDEN, "")
    return _Filled(**cut, hidden=hidden, long=any(len(_plain(said)) > _MOST[name] for name, said in typed.items()))


def _fault(filled: _Filled, photos: int, limits: ReportLimits, session: Session | None) -> str:
    """What is wrong with a report, as a key of the catalogue; empty when it can be taken."""
    for wrong, key in (
        (not filled.wrong, "report.say-what"),
        (filled.long, "report.long"),
        (filled.hidden or not _KEY.fullmatch(filled.key) or filled.grade not in list(Grade), "report.again"),
        (session is None and not limits.anonymous and not filled.contact, "report.say-who"),
        (photos > limits.photos, "report.photos-many"),
    ):
        if wrong:
            return key
    return ""


async def _wait(request: Request, parts: Parts, filled: _Filled, seconds: int) -> Response:
    _log.warning("hazard.report.limited", place=filled.grid)  # of the address nothing is written down
    answer = await _form(request, parts, filled, "report.too-many", 429)
    answer.headers["Retry-After"] = str(seconds)
    return answer


async def _form(request: Request, parts: Parts, filled: _Filled, fault: str = "", status: int = 200) -> Response:
    """Show the form with what was typed; ``fault`` is a key of the catalogue or the words themselves."""
    session = await to_thread.run_sync(_visitor, request, parts)
    plan, language = parts.plan_source(), language_of(request)
    limits = plan.hazards.reports
    key = filled.key if _KEY.fullmatch(filled.key) else secrets.token_urlsafe(16)
    words = say(fault, language, most=limits.photos) if fault.startswith("report.") else fault
    known = {} if session is None else {"session": session}
    return _page(
        request,
        "report.html",
        status,
        filled=filled,
        key=key,
        fault=words,
        places=[place.name for place in path_of(plan, filled.grid)],
        grades=_grades(limits, session),
        limits=limits,
        hidden=_HIDDEN,
        megabytes=limits.photo_most // 2**20,
        most=_MOST,
        **known,
    )


def _grades(limits: ReportLimits, session: Session | None) -> list[Grade]:
    """The grades somebody may choose: of whoever is not logged in or may only look, those that will count."""
    grades = list(Grade)
    return grades if session is not None and session.user.rights.may_act else grades[: grades.index(limits.highest) + 1]


def _plain(text: str) -> str:
    """Take out what is neither letter nor line break: it would turn a page, a call or a list round."""
    kept = (letter if letter.isprintable() or letter == "\n" else " " for letter in text.replace("\r\n", "\n"))
    return "".join(kept).strip()


def _page(request: Request, template: str, status_code: int = 200, /, **context: Any) -> Response:
    return TEMPLATES.TemplateResponse(request, template, page_context(request, **context), status_code=status_code)
