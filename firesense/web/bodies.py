"""How much of a request is read: whoever sends more is told so like everybody whose request is not understood."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request

from firesense.web.answers import problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_TOO_LARGE = 413


class Bodies:
    """Refuses bodies of more than ``most`` bytes: at once when they say so, else when they turn out to be.

    ``larger`` says how many bytes a path takes that may have more; 0 for all others.
    """

    def __init__(self, app: ASGIApp, *, most: int, larger: Callable[[str], int] = lambda _path: 0) -> None:
        self._app = app
        self._most = most
        self._larger = larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, as long as it is not too long."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        said = Headers(scope=scope).get("content-length", "")
        most = max(self._most, self._larger(scope["path"]))
        if said.isdecimal() and (len(said) > len(str(most)) or int(said) > most):
            key = "web.problem.large_photos" if self._larger(scope["path"]) else ""
            await problem(Request(scope), _TOO_LARGE, key)(scope, receive, send)
            return
        got = 0

        async def counted() -> Message:
            nonlocal got
            message = await receive()
            got += len(message.get("body", b""))
            if got > most:
                raise HTTPException(_TOO_LARGE)
            return message

        await self._app(scope, counted, send)
