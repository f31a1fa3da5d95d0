"""Lines to a store, so that a bad point costs one point: batches are halved until the bad ones stand alone."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING

from firesense.domain.errors import HistoryRefused

if TYPE_CHECKING:
    from collections.abc import Callable

    from firesense.history.http import Answer
    from firesense.history.line_protocol import Lines

_ABOUT_POINTS = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY)
_DROPPED = re.compile(r"\bdropped=(\d+)\b")  # InfluxDB 1.x and 2.x: how many points of a partial write it left out


def deliver(lines: Lines, send: Callable[[bytes], Answer]) -> dict[int, str]:
    """Send the lines; returns the store's reason for each journal offset with a refused point.

    Writing a line twice changes nothing, so the halves of a batch that was partly written are simply sent again.
    Raises HistoryDown and HistoryRefused (ports.History.write); what was sent before stays written.
    """
    refused: dict[int, str] = {}
    parts = [(0, len(lines))] if len(lines) else []
    while parts:
        first, last = parts.pop()
        answer = send(lines.body(first, last))
        if answer.status == HTTPStatus.NO_CONTENT:  # every store's word for it; a page's 200 is not
            continue
        reason = _fault_of_points(answer)
        if last - first == 1 or _all_dropped(reason, last - first):
            refused.update(dict.fromkeys(lines.offsets[first:last].tolist(), reason))
            continue
        middle = (first + last) // 2
        parts += [(middle, last), (first, middle)]
    return refused


def _fault_of_points(answer: Answer) -> str:
    """Why points were refused; raises when the answer is not about points."""
    if answer.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return answer.reason or "413: the store takes no request as large as this point"
    if answer.status in _ABOUT_POINTS and (reason := answer.reason):
        return reason
    error = answer.error()
    if isinstance(error, HistoryRefused) and answer.status in _ABOUT_POINTS:
        # Not in a store's words: a proxy's page, a wrong address. No reason to give up a single point.
        raise HistoryRefused(f"{error} (the answer does not name a point)")
    raise error


def _all_dropped(reason: str, points: int) -> bool:
    found = _DROPPED.search(reason)
    return found is not None and int(found[1]) >= points
