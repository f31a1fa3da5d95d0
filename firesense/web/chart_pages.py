"""The charts of an alert's page, apart from it: the page must not wait for the history."""

from functools import partial
from typing import Annotated

import structlog
from anyio import to_thread
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from firesense.domain.alert import Alert
from firesense.domain.catalogue import CLASSES
from firesense.domain.errors import HistoryError
from firesense.web.answers import retry_after
from firesense.web.chart import Chart, draw, gap_of, span_of, window_of
from firesense.web.parts import TEMPLATES, AlertId, Parts, Visitor, WithParts, language_of, page_context

_log = structlog.get_logger(__name__)

_CHARTS = 2  # beside the alert's own metric, one more that helps to judge it

router = APIRouter(include_in_schema=False)


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
        answer = _chart(request, [], away=True)
        answer.headers["Retry-After"] = str(retry_after(error))
        return answer
    return _chart(request, charts, away=False)


def _chart(request: Request, charts: list[Chart], *, away: bool) -> Response:
    context = page_context(request, charts=charts, away=away)
    return TEMPLATES.TemplateResponse(request, "_chart.html", context, status_code=503 if away else 200)


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
