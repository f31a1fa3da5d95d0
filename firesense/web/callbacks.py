"""What comes from outside without a log-in: providers' callbacks, and the links people are sent.

None of it has a session or a CSRF token. A callback proves itself to its channel; a link is its own proof, and only
pressing the button on its page does anything: previews of links ask for the page, and nothing happens.
"""

from collections.abc import Callable
from contextlib import suppress

from anyio import sleep, to_thread
from fastapi import APIRouter, Request, Response

from firesense.answering import Answering, Taking
from firesense.domain.callback import Callback, Heard
from firesense.domain.errors import BookRefused, Forged, NotFound, NotYet, Unreadable
from firesense.domain.message import Message
from firesense.domain.plan import Plan
from firesense.web.link_pages import link_pages

_MOST_BODY = 64 * 1024  # bytes
_TRIES = 4  # to find the call a callback speaks of: our sending of it may come back any moment


async def _bounded(request: Request) -> bytes | None:
    """Read the body; None when it is larger than any provider's."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > _MOST_BODY:
            return None
    return bytes(body)


async def _heard(answering: Answering, channel: str, callback: Callback, wait: float) -> Heard:
    for _ in range(_TRIES - 1):
        with suppress(NotYet):
            return await to_thread.run_sync(answering.hear, channel, callback)
        await sleep(wait)
    return await to_thread.run_sync(answering.hear, channel, callback)


def _refused(error: NotYet | Forged | Unreadable | NotFound | BookRefused) -> Response:
    match error:
        case NotYet():
            return Response("The call is not known yet.\n", 503, {"Retry-After": "10"}, media_type="text/plain")
        case Forged():
            return Response("The sender is not proven.\n", 403, media_type="text/plain")
        case Unreadable() | BookRefused():  # it holds what no book can keep: the same again is no better
            return Response("Not understood.\n", 400, media_type="text/plain")
        case NotFound():
            return Response("No such channel.\n", 404, media_type="text/plain")


def callbacks(
    answering: Answering, plan_source: Callable[[], Plan], words: Callable[[Taking], Message], wait: float = 0.5
) -> APIRouter:
    """Make the routes /callbacks and /take. ``words`` puts the alert of a link into words.

    A callback that came before its call was known is tried again after ``wait`` seconds, some times.
    """
    router = APIRouter(include_in_schema=False)

    @router.post("/callbacks/{channel}")
    @router.post("/callbacks/{channel}/{rest:path}")
    async def take_callback(request: Request, channel: str, rest: str = "") -> Response:
        """Take a callback: 403 for a forged one, 400 for one that is not understood, 503 for one to come again."""
        body = await _bounded(request)
        if body is None:
            return Response("Too large.\n", 413, media_type="text/plain")
        callback = Callback(rest, dict(request.query_params), dict(request.headers), body)
        try:
            heard = await _heard(answering, channel, callback, wait)
        except (NotYet, Forged, Unreadable, NotFound, BookRefused) as error:
            return _refused(error)
        return Response(heard.answer, media_type=heard.media_type)

    @router.get("/callbacks/{channel}")
    def greet(request: Request, channel: str) -> Response:
        """Say whether the address is a channel's, to a provider that proves itself; nothing else comes of it."""
        callback = Callback("", dict(request.query_params), dict(request.headers), b"")
        try:
            return Response(answering.greet(channel, callback), media_type="text/plain")
        except (Forged, Unreadable, NotFound) as error:
            return _refused(error)

    router.include_router(link_pages(answering, plan_source, words))
    return router
