"""Puts the console together."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from anyio import to_thread
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from firesense import __version__
from firesense.photos import MOST_BYTES
from firesense.rolldesk import RollDesk
from firesense.web import (
    alert_pages,
    api,
    chart_pages,
    desk_api,
    figures,
    handovers,
    hazard_api,
    hazard_pages,
    pages,
    quiet_pages,
    report,
    roll_calls,
    roster_pages,
    rosters,
    whistles,
)
from firesense.web import quiet as quiet_windows
from firesense.web.answers import install_problems
from firesense.web.board import Board
from firesense.web.bodies import Bodies
from firesense.web.cards import Cards
from firesense.web.documents import HealthDocument
from firesense.web.door import Door
from firesense.web.live import Live
from firesense.web.parts import STATIC, Parts, read_templates
from firesense.web.reads import HistoryReads, Threads
from firesense.web.report_gate import ReportGates
from firesense.web.roster_shown import Lookout
from firesense.web.shield import Shield

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping
    from datetime import tzinfo
    from pathlib import Path

    from fastapi import APIRouter

    from firesense.desk import Desk
    from firesense.domain.plan import Plan
    from firesense.hazarddesk import HazardDesk
    from firesense.photos import Photos
    from firesense.ports import Book, Clock, History
    from firesense.quietdesk import QuietDesk

PHOTO_MOST = MOST_BYTES + 64 * 1024  # with the rest of the form
_BODY_MOST = 64 * 1024  # bytes; a note is the longest thing anybody sends
_BOARDS_AT_ONCE = 1  # whoever looks on waits a moment; whoever does something finds a thread
_PHOTOS_AT_ONCE = 1  # the store makes one at a time anyway
_FIGURES_AT_ONCE = 1  # a year of a large county takes seconds: one at a time, so that officers go first
_CHINA = ZoneInfo("Asia/Shanghai")


def create_console(
    book: Book,
    history: History,
    desk: Desk,
    clock: Clock,
    plan_source: Callable[[], Plan],
    *,
    status: Callable[[], Mapping[str, Any]],
    secure_cookies: bool,
    hazards: HazardDesk,
    quiet: QuietDesk,
    photos: Photos,
    zone: tzinfo = _CHINA,
    font: Path | None = None,
    routes: Iterable[APIRouter] = (),
) -> FastAPI:
    """Make the console: API, pages and the stream of events.

    ``status`` gives ``positions`` and ``lags`` (street -> frames), ``ledger`` (received, recorded, duplicate,
    quarantined: frames, and balanced) and ``connected`` (transport -> bool, or None), each if it is known; it is called
    often and must not wait. ``secure_cookies`` is for https: browsers then send the session's cookie over nothing else.
    ``font`` is the one that PDFs carry. ``routes`` are further ones that need no log-in (operation.py).
    Whoever stops the server calls ``end_streams`` first, or it waits for the open pages.
    """
    live = Live(book)

    @asynccontextmanager
    async def lifespan(_console: FastAPI) -> AsyncIterator[None]:
        watch = asyncio.create_task(live.watch(), name="console-live")
        reading = asyncio.create_task(to_thread.run_sync(read_templates), name="console-templates")
        try:
            yield
        finally:
            live.end()
            await asyncio.gather(watch, reading)

    console = FastAPI(
        title="firesense",
        version=__version__,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # its scripts come from the internet
        redoc_url=None,
        lifespan=lifespan,
    )
    console.state.parts = Parts(
        book=book,
        history=history,
        desk=desk,
        clock=clock,
        plan_source=plan_source,
        status=status,
        zone=zone,
        font=font,
        door=Door(book, clock),
        live=live,
        board=Board(book, Cards(zone), clock),
        reads=HistoryReads(),
        secure=secure_cookies,
        hazards=hazards,
        quiet=quiet,
        rolls=RollDesk(book, clock, plan_source),
        photos=photos,
        gates=ReportGates(),
        following=Threads(_BOARDS_AT_ONCE),
        studio=Threads(_PHOTOS_AT_ONCE),
        counting=Threads(_FIGURES_AT_ONCE),
    )

    console.state.lookout = Lookout()

    def larger(path: str) -> int:
        if path == report.PATH or path.startswith(hazard_pages.PHOTOS_PATH):
            return report.body_most(plan_source().hazards.reports)
        return PHOTO_MOST if path.endswith("/photos") else 0

    console.add_middleware(Bodies, most=_BODY_MOST, larger=larger)
    console.add_middleware(Shield, secure=secure_cookies)
    install_problems(console)
    console.include_router(api.door)
    console.include_router(api.router)
    console.include_router(whistles.router)
    console.include_router(desk_api.router)
    console.include_router(hazard_api.router)
    console.include_router(pages.router)
    console.include_router(alert_pages.router)
    console.include_router(chart_pages.router)
    console.include_router(quiet_windows.router)
    console.include_router(quiet_pages.router)
    console.include_router(report.router)
    console.include_router(figures.pages)
    console.include_router(figures.api)
    console.include_router(roll_calls.pages)
    console.include_router(roll_calls.api)
    console.include_router(roster_pages.router)
    console.include_router(handovers.pages)
    console.include_router(handovers.api)
    console.include_router(rosters.feeds)
    console.include_router(rosters.router)
    console.include_router(hazard_pages.router)
    for more in routes:
        console.include_router(more)
    console.openapi = partial(api.describe, console)  # type: ignore[method-assign] # FastAPI's own way to extend it
    console.mount("/static", StaticFiles(directory=STATIC), name="static")

    @console.get("/healthz", tags=["operation"])
    async def healthz() -> HealthDocument:
        """Say that the console answers; needs no log-in."""
        return HealthDocument()

    for route in console.routes:  # FastAPI puts them together when it first looks at them: not while somebody waits
        route.matches({"type": "http", "method": "GET", "path": "/", "root_path": "", "headers": []})
    return console


def end_streams(console: FastAPI) -> None:
    """End the event streams of all open pages; called on the console's loop when the server is about to stop."""
    console.state.parts.live.end()
