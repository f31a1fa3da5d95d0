"""One question and one answer over HTTP, bounded in time and size: what every channel on the web is built on."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import httpx2
import msgspec

from firesense.domain.errors import ChannelDown, ChannelRefused, ConfigError, Fault
from firesense.domain.instant import moment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from firesense.ports import Clock

PATIENCE = timedelta(seconds=75)
"""How long an answer is waited for: a late yes is a yes, and whoever waits for it waits in the background."""
_LONGEST_CONNECT = 10.0  # seconds; nobody is there
_MOST_ANSWER = 65_536  # bytes; a word of success is short
_MOST_PATIENCE = timedelta(hours=1)  # whatever a server asks for
_REFUSED, _BROKEN = 400, 500
_BUSY = frozenset({408, 425, 429})  # timeout, too early, too many requests: later is better


class Exchange:
    """POSTs to one service. No redirects are followed, and no proxy of the environment is used."""

    def __init__(self, clock: Clock, timeout: timedelta, ca_file: str = "") -> None:
        """Prepare the client; raises ConfigError when the authority file cannot be read."""
        self._clock = clock
        self._timeout = timeout
        seconds = timeout.total_seconds()
        self._client = httpx2.AsyncClient(
            verify=_trust(ca_file),
            timeout=httpx2.Timeout(seconds, connect=min(seconds, _LONGEST_CONNECT)),
            follow_redirects=False,
            trust_env=False,
        )

    async def ask(
        self, method: str, url: str, content: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Give status and body of the answer, whatever the status: for services whose body says what it means.

        Raises ChannelDown when there is no answer in time, ChannelRefused for one that is too large.
        """
        return await self._exchange(method, url, content, headers or {}, {})

    async def post(
        self, url: str, content: bytes, headers: Mapping[str, str], extensions: Mapping[str, str] | None = None
    ) -> bytes:
        """Give the body of a 2xx answer.

        Raises ChannelDown when there is none in time or it asks to come later, ChannelRefused for every other status
        and for an answer that is too large. What is raised names no address: those may hold keys.
        """
        _, body = await self._exchange("POST", url, content, headers, extensions or {}, judged=True)
        return body

    async def _exchange(
        self,
        method: str,
        url: str,
        content: bytes,
        headers: Mapping[str, str],
        extensions: Mapping[str, str],
        *,
        judged: bool = False,
    ) -> tuple[int, bytes]:
        kind = {"Content-Type": "application/json; charset=utf-8"} if content else {}
        try:
            async with (
                asyncio.timeout(self._timeout.total_seconds()),
                self._client.stream(
                    method, url, content=content, headers=kind | dict(headers), extensions=dict(extensions)
                ) as response,
            ):
                if judged:
                    self._judge(response)
                return response.status_code, await _bounded(response)
        except TimeoutError as error:
            raise ChannelDown(f"no answer within {self._timeout.total_seconds():g} s") from error
        except httpx2.HTTPError as error:
            raise ChannelDown(f"no answer: {type(error).__name__}") from error
        except httpx2.InvalidURL as error:
            raise ChannelRefused("the address is not a URL") from error

    async def close(self) -> None:
        """Release the connections."""
        await self._client.aclose()

    def _judge(self, response: httpx2.Response) -> None:
        if response.is_success:
            return
        status = response.status_code
        if status in _BUSY or response.is_server_error:
            raise ChannelDown(f"HTTP {status}", self._retry_after(response.headers.get("Retry-After", "")))
        raise ChannelRefused(
            f"HTTP {status}" + (", redirects are not followed" if response.has_redirect_location else "")
        )

    def _retry_after(self, text: str) -> timedelta | None:
        """RFC 9110 10.2.3: seconds, or a date."""
        try:
            wait = timedelta(seconds=int(text))
        except (ValueError, OverflowError):
            try:
                when = parsedate_to_datetime(text)
            except ValueError:
                return None
            when = when if when.tzinfo else when.replace(tzinfo=UTC)
            wait = when - moment(self._clock.now())
        return min(max(wait, timedelta()), _MOST_PATIENCE)


async def _bounded(response: httpx2.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > _MOST_ANSWER:
            raise ChannelRefused(f"the answer is larger than {_MOST_ANSWER} bytes")
    return bytes(body)


def _trust(ca_file: str) -> ssl.SSLContext | bool:
    if not ca_file:
        return True
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise ConfigError([Fault("", "ca_file", f"cannot be read: {error.strerror or error}")]) from error


def read_json(status: int, body: bytes) -> dict[str, Any]:
    """Read the object an answer holds, for services that say there what became of the request.

    Raises ChannelDown, or ChannelRefused when the status says that trying again is no use, for what is no object.
    """
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        document = None
    if isinstance(document, dict):
        return document
    if status in _BUSY or not _REFUSED <= status < _BROKEN:
        raise ChannelDown(f"HTTP {status}, and the answer is not understood")
    raise ChannelRefused(f"HTTP {status}")
