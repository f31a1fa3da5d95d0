"""How a transport is doing, for metrics and for people; a change is logged, a state is not."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from datetime import timedelta

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Health:
    """Counts since the start. ``trouble`` is the reason for what is wrong now, in English; empty when nothing is."""

    name: str
    connected: bool = False
    trouble: str = ""
    connections: int = 0
    sessions_lost: int = 0  # the broker had forgotten us: frames may be missing
    stale: int = 0  # frames whose acknowledgement came after their connection was gone
    cut: int = 0  # frames longer than max_packet
    mended: int = 0  # frames with a malformed property, taken without it

    def opened(self, *, session_present: bool) -> None:
        """Count a connection that the broker accepted."""
        self.connections += 1
        if session_present:
            return
        if self.connections == 1:
            log.info("session_new", transport=self.name)
        else:
            self.sessions_lost += 1
            log.warning("session_lost", transport=self.name, lost=self.sessions_lost)

    def up(self, trouble: str = "") -> None:
        """Say that frames arrive; trouble names filters that the broker refused, for example."""
        self._change(not trouble, trouble)

    def down(self, trouble: str) -> None:
        """Say that no frames arrive, and why."""
        self._change(connected=False, trouble=trouble)

    def _change(self, connected: bool, trouble: str) -> None:  # noqa: FBT001 - two words say it
        if (connected, trouble) == (self.connected, self.trouble):
            return
        self.connected, self.trouble = connected, trouble
        if trouble:
            log.warning("transport_trouble", transport=self.name, trouble=trouble)
        else:
            log.info("transport_connected" if connected else "transport_stopped", transport=self.name)


def backoff(attempt: int, first: timedelta, limit: timedelta) -> float:
    """Seconds to wait after that many failures: doubled each time up to the limit, then anything from 0 to that.

    Full jitter, so that clients which lost one broker together do not come back together.
    """
    return random.uniform(0.0, min(limit.total_seconds(), first.total_seconds() * 2.0 ** min(attempt, 32)))
