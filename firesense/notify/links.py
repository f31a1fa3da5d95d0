"""Proof that somebody was called: the link, and the code to answer with, by which a call is answered without a log-in.

Nothing of it is stored: both are made of the call's key with a secret of the house, so whoever brings one back was
given it. They die with the call's time, and with the alert.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import timedelta
from typing import TYPE_CHECKING

from firesense.domain.escalation import ASKING
from firesense.domain.instant import micros

if TYPE_CHECKING:
    from collections.abc import Iterable

    from firesense.domain.escalation import Call
    from firesense.domain.instant import Instant

_TOKEN_BYTES = 10  # 80 bits: nobody guesses that over a network
_SEAL_BYTES = 15
_CODE_DIGITS = 6  # only good from the telephone that was called
_LEAST_SECRET = 16


class Links:
    """Makes and recognises links and codes. ``url`` is how people reach the console; empty: there are no links."""

    def __init__(self, secret: bytes, url: str = "", lifetime: timedelta = timedelta(hours=12)) -> None:
        """Raises ValueError for a secret of less than 16 bytes."""
        if len(secret) < _LEAST_SECRET:
            raise ValueError("the secret of links must have at least 16 bytes")
        self._secret = secret
        self._url = url.rstrip("/")
        self._lifetime = micros(lifetime)

    def token(self, call: Call) -> str:
        """The call's own 16 letters and digits."""
        digest = hmac.digest(self._secret, f"take\0{call.key}\0{call.created_at}".encode(), hashlib.sha256)
        return base64.b32encode(digest[:_TOKEN_BYTES]).decode().lower()

    def link(self, call: Call) -> str:
        """Where the call can be answered, without a host when there is none; empty for one that asks for no answer."""
        if call.purpose not in ASKING:
            return ""
        return f"{self._url}/take/{call.alert}/{self.token(call)}"

    def code(self, call: Call) -> str:
        """Six digits to answer a text message with; empty for a call that asks for no answer."""
        if call.purpose not in ASKING:
            return ""
        digest = hmac.digest(self._secret, f"code\0{call.key}\0{call.created_at}".encode(), hashlib.sha256)
        return f"{int.from_bytes(digest[:8], 'big') % 10**_CODE_DIGITS:0{_CODE_DIGITS}}"

    def seal(self, call: Call) -> str:
        """What the browser keeps that answered the call: by this, and not by the link, it may go on."""
        digest = hmac.digest(self._secret, f"seal\0{call.key}\0{call.created_at}".encode(), hashlib.sha256)
        return base64.b32encode(digest[:_SEAL_BYTES]).decode().lower()

    def is_seal(self, seal: str, call: Call) -> bool:
        """Whether this is the call's seal."""
        return _same(self.seal(call), seal)

    def of_token(self, token: str, calls: Iterable[Call], now: Instant) -> Call | None:
        """The call whose token this is, if its time is not over."""
        asking = (call for call in calls if call.purpose in ASKING)
        return next(
            (call for call in asking if _same(self.token(call), token.lower()) and self._alive(call, now)), None
        )

    def of_code(self, text: str, calls: Iterable[Call], now: Instant) -> Call | None:
        """The call whose code stands in an answer, if its time is not over. ``calls`` went to whoever answered."""
        said = "".join(filter(str.isdecimal, text))
        return next(
            (call for call in calls if (code := self.code(call)) and code in said and self._alive(call, now)), None
        )

    def _alive(self, call: Call, now: Instant) -> bool:
        return now - call.created_at <= self._lifetime


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
