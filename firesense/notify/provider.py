"""What the providers of text messages, voice calls and work chats have in common.

All of them may answer 200 to what they throw away: only the code in the body counts. Codes are sorted into those that
mean too much, those that trying again does not change, and the rest, which may pass.
"""

from __future__ import annotations

import asyncio
import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from firesense.domain.errors import ChannelBusy, ChannelDown, ChannelRefused, ConfigError, Fault, Forged, Unreadable
from firesense.domain.instant import micros
from firesense.domain.limits import Limit
from firesense.domain.phone import canonical_phone

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
    from typing import Any

    from firesense.domain.callback import Callback
    from firesense.domain.instant import Instant
    from firesense.ports import Clock

VOICE_LIMITS = (
    Limit(1, timedelta(minutes=1)),
    Limit(5, timedelta(hours=1), kept=3),
    Limit(20, timedelta(days=1), kept=10),
)
"""Of the carriers, for one telephone; most of it is kept for fires."""
SHORTEST_SECRET = 16
_EARLY = timedelta(minutes=5)  # a token is renewed so long before it ends


@dataclass(frozen=True, slots=True)
class Codes:
    """The codes of a provider that mean something to us, by their beginnings; ``busy_for`` as long as it wants rest."""

    busy: tuple[str, ...] = ()
    final: tuple[str, ...] = ()
    busy_for: timedelta = timedelta(minutes=1)

    def failure(self, provider: str, code: str, reason: str) -> ChannelDown | ChannelRefused:
        """The error a code means."""
        text = f"{provider} {code}: {' '.join(reason.split())[:150]}"
        if code.startswith(self.busy):
            return ChannelBusy(text, self.busy_for)
        return ChannelRefused(text) if code.startswith(self.final) else ChannelDown(text)


class Token:
    """An access token: fetched when it is needed, renewed before it ends, forgotten when the provider refuses it."""

    def __init__(self, clock: Clock, fetch: Callable[[], Awaitable[tuple[str, timedelta]]]) -> None:
        self._clock = clock
        self._fetch = fetch
        self._turn = asyncio.Lock()
        self._token = ""
        self._good_until: Instant = 0
        self._fetched_at: Instant = 0

    async def get(self) -> str:
        """Give it. Raises ChannelError."""
        async with self._turn:
            now = self._clock.now()
            if not self._token or not self._fetched_at <= now < self._good_until:
                token, good_for = await self._fetch()
                self._token, self._fetched_at = token, now
                self._good_until = now + micros(max(good_for - _EARLY, good_for / 2))
            return self._token

    async def used(
        self, ask: Callable[[str], Awaitable[dict[str, Any]]], verdict: str, refused: Collection[str]
    ) -> dict[str, Any]:
        """Ask with the token; once more with a new one when the code in ``verdict`` refuses this one."""
        document: dict[str, Any] = {}
        for _ in range(2):
            token = await self.get()
            document = await ask(token)
            if text_of(document, verdict) not in refused:
                break
            self.forget(token)
        return document

    def forget(self, token: str) -> None:
        """The provider says that this token is not good any more."""
        if token == self._token:
            self._token = ""


def telephone(address: str) -> str:
    """Give a number as +86...; raises ChannelRefused for what is none."""
    try:
        number = canonical_phone(address)
    except ValueError as error:
        raise ChannelRefused("the address is no telephone number") from error
    if not number or ";" in number:
        raise ChannelRefused("the address is no telephone number that can be reached directly")
    return number


def line_of_telephone(address: str) -> str:
    """A number in one spelling, or what stands there."""
    try:
        return canonical_phone(address)
    except ValueError:
        return address


def at_home(number: str) -> str:
    """A number as it is dialled within China."""
    return number.removeprefix("+86")


def options_faults(options: Any, needed: Iterable[str], *, urls: Iterable[str] = ("url",)) -> list[Fault]:
    """What is missing in options, and which of their addresses are none."""
    faults = [Fault("", name, "is needed") for name in needed if not getattr(options, name)]
    for name in urls:
        parts = urlsplit(getattr(options, name))
        if getattr(options, name) and (parts.scheme not in {"http", "https"} or not parts.hostname):
            faults.append(Fault("", name, "is not an http(s) address"))
    secret = getattr(options, "callback_secret", "")
    if secret and (len(secret) < SHORTEST_SECRET or not secret.isalnum()):
        faults.append(Fault("", "callback_secret", f"must be {SHORTEST_SECRET} letters and digits at least"))
    return faults


def refuse(faults: Collection[Fault]) -> None:
    """Raise ConfigError when there are faults."""
    if faults:
        raise ConfigError(faults)


def secret_path(callback: Callback, secret: str) -> None:
    """Check the secret in a callback's path: all there is where a provider signs nothing. Raises Forged."""
    if not secret or not hmac.compare_digest(callback.rest.strip("/").encode(), secret.encode()):
        raise Forged("the path does not hold the callback's secret")


def body_json(callback: Callback) -> Any:
    """What a callback's body holds. Raises Unreadable."""
    return read_body(callback.body)


def read_body(body: bytes) -> Any:
    """What a body of JSON holds. Raises Unreadable."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable("the body is not JSON") from error


def objects(document: Any) -> list[Mapping[str, Any]]:
    """The objects of a list, or the one there is. Raises Unreadable for anything else."""
    found = document if isinstance(document, list) else [document]
    if not all(isinstance(each, dict) for each in found):
        raise Unreadable("the body is neither an object nor a list of them")
    return found


def text_of(document: Mapping[str, Any], name: str) -> str:
    """A field as text; empty when it is missing."""
    value = document.get(name)
    return "" if value is None else str(value)
