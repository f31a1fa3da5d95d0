"""Hazards in the JSON API under /api/v1: the two lists, how the places stand, and what people do."""

from http import HTTPStatus
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Depends, Query, Response

from firesense.domain.deed import Actor
from firesense.domain.hazard import Hazard, HazardAct, Report
from firesense.web import hazard_documents as doc
from firesense.web import hazards_shown as shown
from firesense.web.documents import ProblemDocument
from firesense.web.parts import AfterAlert, AlertId, Language, Parts, ProgramActing, Visitor, WithParts, visitor
from firesense.web.problems import Problem

PlaceCode = Annotated[str, Query(max_length=64, description="this place and all below it")]
Kind = Annotated[str, Query(max_length=64, description="places of this kind alone, the highest index first")]
_ALL = 100_000
_CSV: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {}}, "description": "UTF-8 with a byte order mark, for spreadsheets."}
}


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {each: {"model": ProblemDocument, "description": HTTPStatus(each).phrase} for each in statuses}


router = APIRouter(
    prefix="/api/v1", tags=["hazards"], dependencies=[Depends(visitor)], responses=_problems(401, 422, 503)
)


@router.get("/hazards", responses=_problems(404))
def hazards(
    parts: WithParts,
    session: Visitor,
    after: AfterAlert = "",
    place: PlaceCode = "",
    *,
    open_only: bool = True,
    overdue: bool = False,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> doc.HazardsDocument:
    """List problems (问题清单), newest first; on the first page what devices found and nobody accepted comes before."""
    now = parts.clock.now()
    found, following = shown.listed(
        parts.book,
        parts.plan_source(),
        now,
        "zh",
        place=place,
        open_only=open_only,
        overdue=overdue,
        after=after,
        most=limit,
        reader=session.actor("api"),
    )
    return doc.HazardsDocument(hazards=[doc.HazardDocument.of(each) for each in found], next=following or None)


@router.get("/hazards.csv", response_class=Response, responses=_CSV)
def hazards_csv(
    parts: WithParts, language: Language, place: PlaceCode = "", *, open_only: bool = True, overdue: bool = False
) -> Response:
    """Give the list of problems as CSV."""
    found = _listed(parts, language, place, open_only=open_only, overdue=overdue)
    return _csv(shown.problems_csv(found, language, parts.zone), "problems")


@router.get("/hazards/responsibility")
def responsibility(parts: WithParts, language: Language, place: PlaceCode = "") -> doc.ResponsibilitiesDocument:
    """List who has to put what right by when (责任清单), whoever is latest first."""
    groups = shown.responsibility(_listed(parts, language, place))
    return doc.ResponsibilitiesDocument(
        responsibilities=[
            doc.ResponsibilityDocument(responsible=whom, hazards=[doc.HazardDocument.of(each) for each in theirs])
            for whom, theirs in groups
        ]
    )


@router.get("/hazards/responsibility.csv", response_class=Response, responses=_CSV)
def responsibility_csv(parts: WithParts, language: Language, place: PlaceCode = "") -> Response:
    """Give the list of responsibility as CSV."""
    groups = shown.responsibility(_listed(parts, language, place))
    return _csv(shown.responsibility_csv(groups, language, parts.zone), "responsibility")


@router.get("/hazards/places")
def places(parts: WithParts, kind: Kind = "") -> doc.PlaceStandingsDocument:
    """Say how the places stand: the hazard index, what is open and overdue, and since when a place has been zero."""
    found = shown.show_places(parts.book, parts.plan_source(), parts.clock.now(), parts.zone, kind=kind)
    return doc.PlaceStandingsDocument(places=[doc.PlaceStandingDocument.of(each) for each in found])


@router.get("/hazards/places.csv", response_class=Response, responses=_CSV)
def places_csv(parts: WithParts, language: Language, kind: Kind = "") -> Response:
    """Give the places as CSV."""
    found = shown.show_places(parts.book, parts.plan_source(), parts.clock.now(), parts.zone, kind=kind)
    return _csv(shown.places_csv(found, language), "places")


@router.post("/hazards", status_code=201, responses=_problems(429))
async def report(parts: WithParts, actor: ProgramActing, reporting: doc.Reporting) -> doc.HazardDocument:
    """Report a hazard in the name of whoever is logged in, at any place.

    From somebody who may only look, the grade counts as it would without a log-in.
    """
    gate = parts.gates.under(parts.plan_source().hazards.reports)
    if wait := gate.enter("", actor.name, parts.clock.now()):
        raise Problem(429, "web.problem.too_many", {"Retry-After": str(wait)})
    return await to_thread.run_sync(_report, parts, actor, reporting)


def _report(parts: Parts, actor: Actor, reporting: doc.Reporting) -> doc.HazardDocument:
    said = Report(reporting.key, reporting.place, reporting.wrong, reporting.grade, reporting.spot, reporter=actor.name)
    return _document(parts, parts.hazards.report(said, actor), actor)


@router.get("/hazards/{alert_id}", responses=_problems(404))
def hazard(parts: WithParts, session: Visitor, alert_id: AlertId) -> doc.HazardDocument:
    """Give one hazard."""
    return _document(parts, parts.hazards.of(alert_id), session.actor("api"))


@router.post("/hazards/{alert_id}/{act}", responses=_problems(403, 404, 409))
def deal(
    parts: WithParts, actor: ProgramActing, alert_id: AlertId, act: HazardAct, dealing: doc.Dealing
) -> doc.HazardDocument:
    """Do an act: accept, reject, assign, regrade, start, rectify, reinspect, write-off, extend, list or move."""
    until = None if dealing.until is None else shown.deadline_on(dealing.until, parts.zone)
    try:
        said = dealing.said(act, until)
    except ValueError as error:
        raise Problem(422, "web.problem.invalid") from error
    return _document(parts, parts.hazards.do(act, alert_id, actor, **said), actor)


def _listed(
    parts: Parts, language: str, place: str, *, open_only: bool = True, overdue: bool = False
) -> list[shown.HazardShown]:
    """All of them, for the lists that people print."""
    plan, now = parts.plan_source(), parts.clock.now()
    found, _ = shown.listed(
        parts.book, plan, now, language, place=place, open_only=open_only, overdue=overdue, most=_ALL
    )
    return found


def _document(parts: Parts, hazard: Hazard, reader: Actor) -> doc.HazardDocument:
    return doc.HazardDocument.of(shown.show_hazard(hazard, parts.plan_source(), parts.clock.now(), "zh", reader))


def _csv(text: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="hazards-{name}.csv"'}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)
