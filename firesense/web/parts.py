"""What the console stands on, and how a request gets at it: the parts, the language, the visitor."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import partial
from pathlib import Path as FilePath
from typing import Annotated, Any
from urllib.parse import quote, unquote

from fastapi import Depends, Form, Header, Path, Query, Request, Response
from fastapi.templating import Jinja2Templates
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from firesense import __version__
from firesense.desk import Desk
from firesense.domain.deed import Actor
from firesense.domain.instant import SECOND, Instant, instant, iso, moment
from firesense.domain.plan import Plan
from firesense.hazarddesk import HazardDesk
from firesense.photos import Photos
from firesense.ports import Book, Clock, History
from firesense.quietdesk import QuietDesk
from firesense.rolldesk import RollDesk
from firesense.text import LANGUAGES, say
from firesense.web.board import Board
from firesense.web.door import SESSION, Door, Session
from firesense.web.live import Live
from firesense.web.problems import LoginNeeded, Problem
from firesense.web.reads import HistoryReads, Threads
from firesense.web.report_gate import ReportGates
from firesense.web.shown import label

STATIC = FilePath(__file__).with_name("static")
LANGUAGE_COOKIE = "firesense-language"
# What lies outside is shown as its edge: a page with one odd instant on it is still a page.
_FIRST_SHOWN = instant(datetime(1900, 1, 1, tzinfo=UTC))
_LAST_SHOWN = instant(datetime(9999, 1, 1, tzinfo=UTC))


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("firesense.web"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        auto_reload=False,  # a version of firesense has its templates
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["iso"] = iso
    environment.filters["ms"] = lambda at: at // 1000
    return environment


TEMPLATES = Jinja2Templates(env=_environment())


def read_templates() -> None:
    """Translate all templates, which takes a third of a second: else whoever opens a page first waits for it."""
    for name in TEMPLATES.env.list_templates():
        TEMPLATES.get_template(name)


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything the console was given. ``zone`` is the wall clock of the people who read it."""

    book: Book
    history: History
    desk: Desk
    clock: Clock
    plan_source: Callable[[], Plan]
    status: Callable[[], Mapping[str, Any]]
    zone: tzinfo
    font: FilePath | None
    door: Door
    live: Live
    board: Board
    reads: HistoryReads
    secure: bool
    hazards: HazardDesk
    quiet: QuietDesk
    rolls: RollDesk
    photos: Photos
    gates: ReportGates
    following: Threads  # where open boards are given what is new
    studio: Threads  # where photos are made small
    counting: Threads  # where figures are counted and laid out

    @property
    def cookie(self) -> str:
        """The name of the session cookie; browsers keep ``__Host-`` cookies from other hosts and plain http."""
        return "__Host-firesense" if self.secure else "firesense"


async def parts_of(request: Request) -> Parts:
    """Find the parts of the console that answers this request."""
    parts: Parts = request.app.state.parts
    return parts


WithParts = Annotated[Parts, Depends(parts_of)]


def language_of(request: Request) -> str:
    """Choose Chinese or English: what was chosen before, else the first of the two the browser asks for."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    if chosen in LANGUAGES:
        return chosen
    for part in request.headers.get("accept-language", "").split(","):
        wanted = part.strip()[:2].lower()
        if wanted in LANGUAGES:
            return wanted
    return LANGUAGES[0]


Language = Annotated[str, Depends(language_of)]


_PAGES = re.compile(
    r"/((alerts|hazards|quiet|report)/[0-9A-Za-z-]{1,40}|figures(/(html|pdf|csv))?|hazards|quiet|report|rollcalls|rosters(/handover)?"
    r"|take/[0-9A-Za-z]{1,40}/[0-9A-Za-z._~-]{1,300})?"
    r"(\?[0-9A-Za-z%=&+:,._~-]{0,300})?"
)
_LOGIN = "/login?next="
_ORIGIN = re.compile("^https?://[^/]*")


def local_path(path: str) -> str:
    """Give back a page of the console, with what is asked of it, that may be gone to; anything else is the board."""
    return path if _PAGES.fullmatch(path) else "/"


def back_to(path: str) -> str:
    """The same for whoever chose a language, which may be done before logging in."""
    if path.startswith(_LOGIN):
        return _LOGIN + quote(local_path(unquote(path.removeprefix(_LOGIN))), safe="/")
    return local_path(path)


def here(request: Request) -> str:
    """The page a browser is on: what it asked for, or, when it sent a form, the page with the form."""
    if request.method != "GET":
        return local_path(_ORIGIN.sub("", request.headers.get("referer", ""), count=1))
    return local_path(f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path)


def visitor(request: Request, parts: WithParts) -> Session:
    """Know who is asking; raises LoginNeeded."""
    session = parts.door.known(request.cookies.get(parts.cookie, ""))
    if session is None:
        raise LoginNeeded
    return session


Visitor = Annotated[Session, Depends(visitor)]


def keep_session(response: Response, parts: Parts, session: Session) -> None:
    """Give the browser the session's token, where no script and no other site can use it."""
    response.set_cookie(
        parts.cookie,
        session.token,
        max_age=int(SESSION.total_seconds()),
        path="/",
        secure=parts.secure,
        httponly=True,
        samesite="strict",
    )


def forget_session(response: Response, parts: Parts) -> None:
    """Take the token from the browser."""
    response.delete_cookie(parts.cookie, path="/", secure=parts.secure, httponly=True, samesite="strict")


def vouched(session: Session, csrf: str) -> Session:
    """Give the session back if this is its own CSRF token. Raises Problem."""
    if not session.vouches(csrf):
        raise Problem(403, "web.problem.csrf")
    return session


def program_writing(session: Visitor, x_csrf_token: Annotated[str, Header()] = "") -> Session:
    """Know who asks for a change through the API; the session's CSRF token comes in a header."""
    return vouched(session, x_csrf_token)


def page_writing(session: Visitor, csrf: Annotated[str, Form()] = "") -> Session:
    """Know who asks for a change with a form; the session's CSRF token comes in a field."""
    return vouched(session, csrf)


ProgramWriting = Annotated[Session, Depends(program_writing)]
PageWriting = Annotated[Session, Depends(page_writing)]


def address_of(request: Request) -> str:
    """Where a request came from."""
    return request.client.host if request.client else ""


def program_acting(request: Request, session: ProgramWriting) -> Actor:
    """Know who acts through the API, and from where."""
    return session.actor(f"api {address_of(request)}")


def page_acting(request: Request, session: PageWriting) -> Actor:
    """Know who acts through the console, and from where."""
    return session.actor(f"console {address_of(request)}")


ProgramActing = Annotated[Actor, Depends(program_acting)]
PageActing = Annotated[Actor, Depends(page_acting)]

AlertId = Annotated[str, Path(max_length=40, pattern="^[0-9A-Za-z]+$")]
AfterAlert = Annotated[
    str, Query(max_length=40, pattern="^[0-9A-Za-z]*$", description="the alert that the page begins after")
]


def page_context(request: Request, **values: Any) -> dict[str, Any]:
    """Give a template the words of the reader's language and the clock of the reader's wall."""
    language = values.setdefault("language", language_of(request))
    session = values.get("session")
    return words(language, request.app.state.parts.zone, values.get("now", 0)) | {
        "html_language": "en" if language == "en" else "zh-CN",
        "other_language": "zh" if language == "en" else "en",
        "here": quote(here(request)),
        "version": __version__,
        "csrf": "" if session is None else session.csrf,
        **values,
    }


def words(language: str, zone: tzinfo, now: Instant = 0) -> dict[str, Any]:
    """Give what every template may say, in this language and by the clocks of this zone; ``now`` is what they show."""

    def wall(at: Instant, pattern: str = "%m-%d %H:%M:%S") -> str:
        return moment(min(max(at, _FIRST_SHOWN), _LAST_SHOWN)).astimezone(zone).strftime(pattern)

    return {
        "t": partial(_say, language),
        "label": partial(label, language),
        "wall": wall,
        "since": lambda at: clock(now - at),
        "until": lambda at: clock(at - now) if at > now else say("web.due_now", language),
    }


def _say(language: str, key: str, /, **values: object) -> str:
    return say(key, language, **values)


def clock(duration: Instant) -> str:
    """Write a duration as the script does: minutes and seconds, with hours when there are any."""
    seconds = max(0, duration // SECOND)
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{hours}:{minutes:02}:{seconds % 60:02}" if hours else f"{minutes:02}:{seconds % 60:02}"
