"""Figures for the assessment (考评) on a page, as files, and in the API: a period, a place and what is below it."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Query, Request, Response
from markupsafe import Markup

from firesense.domain.instant import moment
from firesense.domain.plan import Plan
from firesense.figures import ClassFigures, Figures, Period, PlaceFigures, Times, month_of, period_of
from firesense.report import Bars, Drawing, as_csv, as_html, as_pdf, contents, gather, lay_out, svg
from firesense.web.documents import Document, ProblemDocument
from firesense.web.door import Session
from firesense.web.parts import TEMPLATES, Parts, Visitor, WithParts, language_of, page_context, visitor
from firesense.web.problems import Problem

_MEDIA = {"html": "text/html; charset=utf-8", "pdf": "application/pdf", "csv": "text/csv; charset=utf-8"}
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": ProblemDocument, "description": description}
    for status, description in (
        (401, "Nobody is logged in."),
        (404, "There is no such place."),
        (422, "That is no period."),
        (503, "The book is away; try again."),
    )
}

WrittenPeriod = Annotated[str, Query(max_length=30, description="2026-10, 2026-Q4, 2026; empty is this month")]
PlaceCode = Annotated[str, Query(max_length=200, description="code of a place; empty is everything")]

api = APIRouter(prefix="/api/v1", tags=["figures"], dependencies=[Depends(visitor)], responses=_PROBLEMS)
pages = APIRouter(include_in_schema=False)


class TimesDocument(Document):
    """How long a step took in ``count`` cases, in seconds; ``late`` of ``due`` took or wait longer than ``target``."""

    count: int
    median: float | None
    ninetieth: float | None
    longest: float | None
    target: float | None
    late: int
    due: int


class ClassDocument(Document):
    """Alerts of one class; docs/figures.md defines each figure."""

    raised: int
    open: int
    cleared_itself: int
    chattering: int
    stood_still: int
    findings: dict[str, int]
    causes: dict[str, int]
    times: dict[str, TimesDocument]


class PlaceDocument(Document):
    """A place with all below it."""

    place: str
    by_class: dict[str, ClassDocument]
    devices: dict[str, int]
    hazards: dict[str, float]
    roll_calls: dict[str, int]


class FiguresDocument(Document):
    """The figures of a period at a place, then those of each place directly below it."""

    period: str
    starts_at: datetime
    ends_at: datetime
    as_of: datetime
    places: list[PlaceDocument]


@api.get("/figures")
async def figures_document(parts: WithParts, period: WrittenPeriod = "", place: PlaceCode = "") -> FiguresDocument:
    """Give the figures of a period at a place with all below it, and of each place directly below."""
    found = await parts.counting.run(_gather, parts, _plan(parts), period, place)
    return FiguresDocument(
        period=found.period.name,
        starts_at=moment(found.period.start_at),
        ends_at=moment(found.period.end_at),
        as_of=moment(found.as_of),
        places=[_place(one) for one in found.places],
    )


@pages.get("/figures")
async def figures_page(
    request: Request, parts: WithParts, session: Visitor, period: WrittenPeriod = "", place: PlaceCode = ""
) -> Response:
    """Show the figures of a period at a place; those below it are a link away."""
    return await parts.counting.run(_page, request, parts, session, period, place)


def _page(request: Request, parts: Parts, session: Session, period: str, place: str) -> Response:
    plan, language = _plan(parts), language_of(request)
    found = _gather(parts, plan, period, place)
    said = contents(found, plan, language)
    here = found.period
    links = {
        name: _link(other.name, found.place) if other.start_at <= parts.clock.now() else ""
        for name, other in (("before", here.before()), ("after", here.following()))
    }
    context = page_context(
        request,
        session=session,
        report=said,
        blocks=[_block(block) for block in said.blocks],
        period=here.name,
        place=found.place,
        places=plan.org.places.values(),
        links=links,
        wide=any(one.children for one in found.places if one.depth),
        link=lambda code: _link(here.name, code),
        download=lambda kind: _link(here.name, found.place, f"/figures/{kind}"),
    )
    return TEMPLATES.TemplateResponse(request, "figures.html", context)


@pages.get("/figures/{kind}")
async def figures_file(
    request: Request,
    parts: WithParts,
    _session: Visitor,
    kind: Literal["html", "pdf", "csv"],
    period: WrittenPeriod = "",
    place: PlaceCode = "",
    grids: bool = False,  # noqa: FBT001, FBT002 -- a word of the address
) -> Response:
    """Give the same as a file: a page or PDF (with ``grids`` of all places down to them), or CSV of every place."""
    return await parts.counting.run(_file, parts, language_of(request), kind, period, place, grids)


def _file(parts: Parts, language: str, kind: str, period: str, place: str, grids: bool) -> Response:  # noqa: FBT001 -- as asked
    plan = _plan(parts)
    found = _gather(parts, plan, period, place, deep=grids or kind == "csv")
    match kind:
        case "csv":
            written = as_csv(found, plan, language)
        case "pdf":
            written = as_pdf(contents(found, plan, language), parts.font)
        case _:
            written = as_html(contents(found, plan, language)).encode()
    name = quote(f"figures-{found.period.name}-{found.place}.{kind}")
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
    return Response(written, media_type=_MEDIA[kind], headers=headers)


@dataclass(frozen=True, slots=True)
class _Block:
    """A block of the page: a table, or a chart that is drawn already."""

    title: str
    sheet: Any = None
    chart: Markup | None = None


def _block(block: Any) -> _Block:
    if isinstance(block, Bars):
        drawing: Drawing = lay_out(block)
        return _Block(block.title, chart=Markup(svg(drawing)))  # noqa: S704 -- svg() escapes what people typed
    return _Block(block.title, sheet=block)


def _plan(parts: Parts) -> Plan:
    return parts.plan_source()


def _gather(parts: Parts, plan: Plan, written: str, place: str, *, deep: bool = False) -> Figures:
    now = parts.clock.now()
    period = _period(parts, written)
    root = plan.org.root
    code = place or (root.code if root else "")
    if code not in plan.org.places:
        raise Problem(404, "figures.page.no_place", place=code)
    return gather(parts.book, plan, period, code, now, deep=deep)


def _period(parts: Parts, written: str) -> Period:
    if not written.strip():
        return month_of(parts.clock.now(), parts.zone)
    try:
        return period_of(written, parts.zone)
    except ValueError as error:
        raise Problem(422, "figures.page.no_period", written=written) from error


def _link(period: str, place: str, path: str = "/figures") -> str:
    return f"{path}?{urlencode({'period': period, 'place': place})}"


def _place(one: PlaceFigures) -> PlaceDocument:
    devices, hazards, calls = one.devices, one.hazards, one.roll_calls
    return PlaceDocument(
        place=one.place,
        by_class={name: _class(figures) for name, figures in one.by_class.items()},
        devices=asdict(devices) | {"online": devices.online},
        hazards={
            **dict(zip(("minor", "general", "major"), hazards.by_grade, strict=True)),
            "overdue": hazards.overdue,
            "index": round(hazards.index, 2),
            "reported": hazards.reported,
            "closed": hazards.closed,
        },
        roll_calls={"asked": calls.asked, "answered": calls.answered, "unasked": calls.unasked},
    )


def _class(one: ClassFigures) -> ClassDocument:
    return ClassDocument(
        raised=one.raised,
        open=one.open,
        cleared_itself=one.cleared_itself,
        chattering=one.chattering,
        stood_still=one.stood_still,
        findings=dict(one.findings),
        causes=dict(one.causes),
        times={stage.value: _times(times) for stage, times in one.times.items()},
    )


def _times(times: Times) -> TimesDocument:
    def seconds(span: timedelta | None) -> float | None:
        return None if span is None else span.total_seconds()

    return TimesDocument(
        count=times.count,
        median=seconds(times.median),
        ninetieth=seconds(times.ninetieth),
        longest=seconds(times.longest),
        target=seconds(times.target),
        late=times.late,
        due=times.due,
    )
