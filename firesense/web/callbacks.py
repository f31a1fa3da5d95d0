"""What comes from outside without a log-in: providers' callbacks, and the links people are sent.

None of it has a session or a CSRF token. A callback proves itself to its channel; a link is its own proof, and only
pressing the button on its page does anything: previews of links ask for the page, and nothing happens.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Annotated

from anyio import sleep, to_thread
from fastapi import APIRouter, Path, Request, Response

from firesense.answering import Answering, Standing, Taking
from firesense.domain.callback import Callback, Heard
from firesense.domain.errors import Forged, NotFound, NotYet, Unreadable
from firesense.domain.message import Message
from firesense.domain.plan import Plan
from firesense.notify.answer_words import answer_words
from firesense.text import say
from firesense.web.parts import TEMPLATES, AlertId, page_context
from firesense.web.shown import person_name

_STATUS = {Standing.OPEN: 200, Standing.YOURS: 200, Standing.GONE: 410, Standing.OVER: 410, Standing.DEAD: 404}
_MOST_BODY = 64 * 1024  # bytes
_TRIES = 4  # to find the call a callback speaks of: our sending of it may come back any moment
_QUIETLY = {"X-Robots-Tag": "noindex, nofollow", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}

Token = Annotated[str, Path(pattern="^[a-zA-Z2-7]{16}$")]


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


def _refused(error: NotYet | Forged | Unreadable | NotFound) -> Response:
    match error:
        case NotYet():
            return Response("The call is not known yet.\n", 503, {"Retry-After": "10"}, media_type="text/plain")
        case Forged():
            return Response("The sender is not proven.\n", 403, media_type="text/plain")
        case Unreadable():
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
        except (NotYet, Forged, Unreadable, NotFound) as error:
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

    def page(request: Request, alert_id: str, token: str, taking: Taking, *, done: bool = False) -> Response:
        plan = plan_source()
        language = taking.call.language if taking.call is not None else "zh"
        message = words(taking) if taking.call is not None and taking.alert is not None else None
        holder = taking.who or (taking.alert.acknowledged_by if taking.alert is not None else "")

        def asked(key: str, **values: str) -> str:
            """Say it as the call asks to be answered; a link of no call is spoken of as if it were to take an alert."""
            return answer_words(key, taking.call, **values) if taking.call is not None else say(key, language, **values)

        context = page_context(
            request,
            language=language,
            standing=taking.standing.value,
            done=done,
            message=message,
            action=f"/take/{alert_id}/{token}",
            who=person_name(plan, taking.call.person) if taking.call is not None else "",
            holder=person_name(plan, holder) if holder else "",
            asked=asked,
        )
        status = _STATUS[taking.standing]
        return TEMPLATES.TemplateResponse(request, "take.html", context, status_code=status, headers=_QUIETLY)

    @router.get("/take/{alert_id}/{token}")
    def look(request: Request, alert_id: AlertId, token: Token) -> Response:
        """Show what the link is about, with a button."""
        return page(request, alert_id, token, answering.look(alert_id, token))

    @router.post("/take/{alert_id}/{token}")
    def take(request: Request, alert_id: AlertId, token: Token) -> Response:
        """Answer the call: take the alert, take it over, or say that the department comes."""
        origin = request.client.host if request.client else ""
        taking = answering.take(alert_id, token, origin)
        return page(request, alert_id, token, taking, done=taking.standing is Standing.YOURS)

    return router
