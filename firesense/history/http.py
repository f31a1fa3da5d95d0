"""Answers of stores over HTTP, and what they mean: go on, try again later, or let a person look."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httpx2
import msgspec

from firesense.domain.errors import HistoryDown, HistoryRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

_LATER = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS)
_KEEP = timedelta(minutes=2)  # an idle connection; after a new one record writes again what may have been lost
_LONGEST_REASON = 400  # letters of a store's answer worth keeping


@dataclass(frozen=True, slots=True)
class Answer:
    """What a store answered: header names in lower case, the body as text."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def reason(self) -> str:
        """Why the store says no, in its own words; empty when the answer is not a store's (a proxy's page)."""
        try:
            body = msgspec.json.decode(self.text)
        except msgspec.DecodeError:
            return ""
        said = (body.get("error") or body.get("message")) if isinstance(body, dict) else None
        return shortened(str(said)) if said else ""

    def error(self) -> HistoryDown | HistoryRefused:
        """What this answer means for a whole request: trying again can help, or it cannot."""
        text = f"{self.status}: {self.reason or shortened(self.text) or 'no reason given'}"
        if self.status in _LATER or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return HistoryDown(text, retry_after(self.headers))
        return HistoryRefused(text)


def shortened(text: str) -> str:
    """Give a text on one line, cut to a length a log can bear."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_REASON else f"{line[:_LONGEST_REASON]}..."


def retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """Read Retry-After (RFC 9110 10.2.3): seconds, or a date, which is measured from the answer's own Date."""
    text = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}", text, re.ASCII):
        return timedelta(seconds=int(text))
    then, now = _date(text), _date(headers.get("date", ""))
    return max(then - now, timedelta()) if then is not None and now is not None else None


def _date(text: str) -> datetime | None:
    try:
        read = parsedate_to_datetime(text)
    except ValueError:
        return None
    return read if read.tzinfo is not None else read.replace(tzinfo=UTC)


def certificates(ca_file: str) -> ssl.SSLContext:
    """Trust the system's authorities, or only the one in that PEM file."""
    return ssl.create_default_context(cafile=ca_file or None)


class HttpStore:
    """A store's HTTP interface with kept connections; may be used from several threads."""

    def __init__(
        self, url: str, timeout: timedelta, headers: Mapping[str, str], auth: tuple[str, str] | None, ca_file: str
    ) -> None:
        self._client = httpx2.Client(
            base_url=url,
            timeout=timeout.total_seconds(),
            headers=dict(headers),
            limits=httpx2.Limits(keepalive_expiry=_KEEP.total_seconds()),
            auth=auth,
            verify=certificates(ca_file) if url.startswith("https:") else True,
            trust_env=False,  # a store of ours is not reached through a proxy that happens to be in the environment
        )

    def request(self, method: str, path: str, **request: Any) -> Answer:
        """Ask, and give any complete answer. Raises HistoryDown when there is none."""
        try:
            response = self._client.request(method, path, **request)
        except httpx2.HTTPError as error:
            raise HistoryDown(f"{type(error).__name__}: {error}") from error
        return Answer(response.status_code, response.headers, response.text)

    def ask(self, method: str, path: str, **request: Any) -> str:
        """Ask a question, and give the body of the answer. Raises HistoryDown or HistoryRefused for everything else."""
        answer = self.request(method, path, **request)
        if answer.status != HTTPStatus.OK:
            raise answer.error()
        return answer.text

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
