"""What machines ask of the daemon: whether it lives, whether it is ready, and its metrics."""

from __future__ import annotations

import hmac
import ipaddress
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")


def may_read(address: str, headers: Mapping[str, str], token: str) -> bool:
    """Whether metrics may be given: to who has the token; without a token, to this machine and nobody it forwards for.

    A proxy on this machine asks for people elsewhere; all of them say so in a header.
    """
    if token:
        return hmac.compare_digest(headers.get("authorization", "").encode(), f"Bearer {token}".encode())
    if any(name in headers for name in _FORWARDED):
        return False
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def operation(metrics: Callable[[], bytes], not_ready: Callable[[], Sequence[str]], token: str) -> APIRouter:
    """Make the routes /readyz and /metrics. ``not_ready`` gives the reasons why it is not ready."""
    router = APIRouter(tags=["operation"])

    @router.get("/readyz", response_class=Response, responses={503: {"description": "Not ready; a reason a line."}})
    def readyz() -> Response:
        """Say whether all streets of this process have started and move; needs no log-in."""
        reasons = not_ready()
        return Response("\n".join(reasons or ["ready"]) + "\n", 503 if reasons else 200, media_type="text/plain")

    @router.get("/metrics", response_class=Response, responses={403: {"description": "Not from there."}})
    def read_metrics(request: Request) -> Response:
        """Give the metrics in Prometheus' text format, to this machine or with the token of the settings."""
        if not may_read(request.client.host if request.client else "", request.headers, token):
            return Response("Metrics are given to this machine, or with the token.\n", 403, media_type="text/plain")
        return Response(metrics(), media_type=METRICS_TYPE)

    return router
