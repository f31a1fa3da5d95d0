"""Quiet windows in the API: what is quiet, who asked for it, setting, extending, ending, reports of walk tests."""

from datetime import UTC, timedelta
from typing import Any

from fastapi import APIRouter, Depends

from firesense.domain.errors import Conflict
from firesense.domain.instant import instant, moment
from firesense.domain.quiet import QuietKind
from firesense.web.documents import ProblemDocument
from firesense.web.parts import ProgramActing, WithParts, visitor
from firesense.web.quiet_documents import (
    Extending,
    MaintenanceAsked,
    ReportDocument,
    ShelvingAsked,
    TriedDocument,
    WalkTestAsked,
    WindowDocument,
    WindowId,
    WindowsDocument,
)

_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": ProblemDocument, "description": description}
    for status, description in (
        (401, "Nobody is logged in."),
        (403, "The CSRF token is missing or wrong, or this may not be done by whoever asks."),
        (404, "There is no such thing."),
        (409, "It is too long, says nothing, is over, or is a fire."),
        (422, "The request is not understood."),
        (503, "The book is away; try again."),
    )
}
router = APIRouter(prefix="/api/v1", tags=["quiet"], dependencies=[Depends(visitor)], responses=_PROBLEMS)


@router.get("/quiet")
def windows(parts: WithParts) -> WindowsDocument:
    """List what is quiet now or will be, with who asked for it and why."""
    found = parts.quiet.windows()
    counts = {kind: sum(quiet.kind is kind for quiet in found) for kind in QuietKind}
    return WindowsDocument(windows=[WindowDocument.of(quiet) for quiet in found], counts=counts)


@router.post("/quiet/maintenance")
def maintain(parts: WithParts, actor: ProgramActing, asked: MaintenanceAsked) -> WindowDocument:
    """Begin maintenance: hazards and faults are recorded and call nobody until it is over; fire calls."""
    starts_at = asked.starts_at
    if starts_at is not None:
        starts_at = starts_at if starts_at.tzinfo else starts_at.replace(tzinfo=UTC)
    quiet = parts.quiet.maintain(
        actor,
        asked.why,
        timedelta(minutes=asked.minutes),
        place=asked.place,
        device=asked.device,
        gateway=asked.gateway,
        starts_at=None if starts_at is None else instant(starts_at),
    )
    return WindowDocument.of(quiet)


@router.post("/quiet/shelved")
def shelve(parts: WithParts, actor: ProgramActing, asked: ShelvingAsked) -> WindowDocument:
    """Shelve an alert, or a rule somewhere. Fire cannot be shelved."""
    if bool(asked.alert) == bool(asked.rule):
        raise Conflict("either an alert or a rule")
    lasts = timedelta(minutes=asked.minutes)
    if asked.alert:
        return WindowDocument.of(parts.quiet.shelve_alert(asked.alert, actor, asked.why, lasts))
    where = {"place": asked.place, "device": asked.device}
    return WindowDocument.of(parts.quiet.shelve_rule(asked.rule, actor, asked.why, lasts, **where))


@router.post("/quiet/walk-test")
def walk(parts: WithParts, actor: ProgramActing, asked: WalkTestAsked) -> WindowDocument:
    """Begin a walk test: what says fire at the place is told to the tester alone until it is over."""
    lasts = timedelta(minutes=asked.minutes)
    return WindowDocument.of(parts.quiet.walk(asked.place, asked.tester, actor, asked.why, lasts))


@router.post("/quiet/{window_id}/end")
def end(parts: WithParts, actor: ProgramActing, window_id: WindowId) -> WindowDocument:
    """End a window now: what still stands is called."""
    return WindowDocument.of(parts.quiet.end(window_id, actor))


@router.post("/quiet/{window_id}/extend")
def extend(parts: WithParts, actor: ProgramActing, window_id: WindowId, asked: Extending) -> WindowDocument:
    """Let a window last so long from now on."""
    return WindowDocument.of(parts.quiet.extend(window_id, actor, timedelta(minutes=asked.minutes)))


@router.get("/quiet/{window_id}/report")
def report(parts: WithParts, window_id: WindowId) -> ReportDocument:
    """Say which devices a walk test has heard, and which not (yet)."""
    found = parts.quiet.report(window_id)
    return ReportDocument(
        window=WindowDocument.of(found.quiet),
        heard=len(found.heard),
        missing=len(found.missing),
        devices=[
            TriedDocument(
                device=device.id,
                name=device.name,
                place=device.place,
                heard_at=None if tried is None else moment(tried.heard_at),
                rule="" if tried is None else tried.rule,
                times=0 if tried is None else tried.times,
            )
            for device in found.devices
            for tried in (found.heard.get(device.id),)
        ],
    )
