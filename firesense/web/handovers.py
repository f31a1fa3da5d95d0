"""The hand-over report, as a page that can be printed and as JSON: what the next shift of a station has to know."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import AwareDatetime

from firesense.domain.alert import Alert
from firesense.domain.errors import NotFound
from firesense.domain.instant import Instant, moment
from firesense.domain.place import Place
from firesense.domain.plan import Plan
from firesense.rosters import Handover, handover, open_alerts, stations
from firesense.web.documents import Document, ProblemDocument
from firesense.web.parts import TEMPLATES, Parts, Visitor, WithParts, page_context, visitor
from firesense.web.roster_documents import SpanDocument
from firesense.web.shown import person_name

_MOST = 500  # alerts on a page; whoever has more of them looks at the board

pages = APIRouter(include_in_schema=False)
api = APIRouter(
    prefix="/api/v1/rosters",
    tags=["rosters"],
    dependencies=[Depends(visitor)],
    responses={
        401: {"model": ProblemDocument, "description": "Nobody is logged in."},
        404: {"model": ProblemDocument, "description": "There is no such place."},
    },
)

AtPlace = Annotated[str, Query(max_length=100, description="code of the place; without it, every station")]


class HandoverPostDocument(Document):
    """A post: who is on duty now, and the span after that; null when nothing changes within two weeks."""

    role: str
    now: SpanDocument
    next: SpanDocument | None


class HandoverAlertDocument(Document):
    """An alert that is handed over; ``acknowledged_by`` is empty when nobody has it."""

    id: str
    alert_class: str
    grade: str
    case: str
    place: str
    device: str
    text: dict[str, str]
    raised_at: AwareDatetime
    acknowledged_by: str

    @classmethod
    def of(cls, alert: Alert) -> "HandoverAlertDocument":
        """Write an alert."""
        return cls(
            id=alert.id,
            alert_class=alert.alert_class,
            grade=alert.grade,
            case=alert.case,
            place=alert.place,
            device=alert.device,
            text=dict(alert.text),
            raised_at=moment(alert.raised_at),
            acknowledged_by=alert.acknowledged_by,
        )


class HandoverDocument(Document):
    """What is open at a place and below it, the gravest first, and who is on duty there; tests are left out."""

    place: str
    name: str
    open: int
    waiting: int
    posts: list[HandoverPostDocument]
    alerts: list[HandoverAlertDocument]

    @classmethod
    def of(cls, report: Handover) -> "HandoverDocument":
        """Write a report."""
        return cls(
            place=report.place.code,
            name=report.place.name,
            open=len(report.alerts),
            waiting=report.waiting,
            posts=[
                HandoverPostDocument(
                    role=post.role,
                    now=SpanDocument.of(present),
                    next=None if following is None else SpanDocument.of(following),
                )
                for post, present, following in report.posts
            ],
            alerts=[HandoverAlertDocument.of(alert) for alert in report.alerts],
        )


class HandoversDocument(Document):
    """The hand-over reports of some places."""

    at: AwareDatetime
    places: list[HandoverDocument]


@api.get("/handover")
def handovers(parts: WithParts, place: AtPlace = "") -> HandoversDocument:
    """Say what the next shift has to know: what is open, who is on duty, who follows."""
    plan, now = parts.plan_source(), parts.clock.now()
    reports = _reports(parts, plan, [_place(plan, place)] if place else _stations(plan), now)
    return HandoversDocument(at=moment(now), places=[HandoverDocument.of(report) for report in reports])


@pages.get("/rosters/handover")
def handover_page(request: Request, parts: WithParts, session: Visitor, place: AtPlace = "") -> Response:
    """Show the report of a place; without one, of the user's own, else of the first station."""
    plan, now = parts.plan_source(), parts.clock.now()
    there = _stations(plan)
    own = plan.org.places.get(session.user.place)
    chosen = _place(plan, place) if place else own or next(iter(there), plan.org.root)
    reports = _reports(parts, plan, [chosen], now) if chosen else []
    context = page_context(
        request,
        session=session,
        now=now,
        report=next(iter(reports), None),
        most=_MOST,
        plan=plan,
        person=lambda who: person_name(plan, who),
        stations=there if chosen is None or chosen in there else [chosen, *there],
    )
    return TEMPLATES.TemplateResponse(request, "handover.html", context)


def _place(plan: Plan, code: str) -> Place:
    found = plan.org.places.get(code)
    if found is None:
        raise NotFound(f"there is no place {code!r}")
    return found


def _stations(plan: Plan) -> list[Place]:
    """Every place with a station's post."""
    return [plan.org.places[code] for code in dict.fromkeys(post.place for post in stations(plan))]


def _reports(parts: Parts, plan: Plan, places: Sequence[Place], now: Instant) -> list[Handover]:
    alerts = list(open_alerts(parts.book))
    return [handover(plan.org, place, alerts, now) for place in places]
