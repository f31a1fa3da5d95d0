"""What a link from a message leads to: a page to answer the call, and for whoever did, what comes next.

No log-in: the link proves that somebody was called, and does no more than answer, once. The browser that answered is
given a cookie for this link alone; with it, and only with it, the page goes on to arriving and to whistling.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Form, Path, Request
from fastapi.responses import RedirectResponse, Response

from firesense.answering import Answering, Standing, Taking
from firesense.domain.alert import Alert
from firesense.domain.errors import Conflict, NotAllowed
from firesense.domain.escalation import Call
from firesense.domain.message import Message
from firesense.domain.plan import Plan
from firesense.notify.answer_words import answer_words
from firesense.text import LANGUAGES, say
from firesense.web.desk_shown import departments
from firesense.web.parts import (
    LANGUAGE_COOKIE,
    TEMPLATES,
    AlertId,
    Parts,
    WithParts,
    address_of,
    language_of,
    page_context,
)
from firesense.web.shown import conflict_words, person_name
from firesense.web.whistles_shown import show_whistles, target_of

_STATUS = {Standing.OPEN: 200, Standing.YOURS: 200, Standing.GONE: 410, Standing.OVER: 410, Standing.DEAD: 404}
_REFUSED = 409
_QUIETLY = {"X-Robots-Tag": "noindex, nofollow", "Cache-Control": "no-store"}
_COOKIE = "firesense-answered"
_KEPT = 12 * 3600  # seconds: the time of links themselves is asked for every time

Token = Annotated[str, Path(max_length=64)]  # of any form: a link that was cut off is told that it is none
_Said = Annotated[str, Form(max_length=500)]


def link_pages(answering: Answering, plan_source: Callable[[], Plan], words: Callable[[Taking], Message]) -> APIRouter:
    """Make the routes below /take. ``words`` puts the alert of a link into words."""
    router, pages = APIRouter(), _Pages(answering, plan_source, words)

    @router.get("/take/{alert_id}/{token}")
    def look(request: Request, parts: WithParts, alert_id: AlertId, token: Token) -> Response:
        """Show what the link is about, with a button; nothing is done."""
        return pages.show(request, parts, answering.look(alert_id, token), _seal(request))

    @router.post("/take/{alert_id}/{token}")
    def take(request: Request, parts: WithParts, alert_id: AlertId, token: Token) -> Response:
        """Answer the call: take the alert, take it over, or say that the department comes."""
        taking = answering.take(alert_id, token, address_of(request))
        answer = pages.show(
            request, parts, taking, taking.seal or _seal(request), done=taking.standing is Standing.YOURS
        )
        if taking.seal:
            _keep(answer, taking.seal, _link(request), secure=parts.secure)
        return answer

    @router.post("/take/{alert_id}/{token}/arrive")
    def arrive(request: Request, parts: WithParts, alert_id: AlertId, token: Token) -> Response:
        """Say that whoever answered is on site."""
        origin = address_of(request)
        return pages.go_on(request, parts, lambda seal: answering.arrive(alert_id, token, seal, origin))

    @router.post("/take/{alert_id}/{token}/whistle")
    def whistle(
        request: Request, parts: WithParts, alert_id: AlertId, token: Token, whom: _Said = "", reason: _Said = ""
    ) -> Response:
        """Call a department in."""

        def blow(seal: str) -> None:
            answering.whistle(alert_id, token, seal, address_of(request), target_of(whom.strip()), reason)

        return pages.go_on(request, parts, blow, {"whom": whom, "reason": reason})

    return router


class _Pages:
    """The page of a link as it is now."""

    def __init__(
        self, answering: Answering, plan_source: Callable[[], Plan], words: Callable[[Taking], Message]
    ) -> None:
        self._answering = answering
        self._plan_source = plan_source
        self._words = words

    def show(
        self,
        request: Request,
        parts: Parts,
        taking: Taking,
        seal: str,
        *,
        done: bool = False,
        refused: str = "",
        typed: Mapping[str, str] | None = None,
    ) -> Response:
        """Show it; to the browser with the call's seal with what comes next."""
        plan, alert, language = self._plan_source(), taking.alert, _language(request, taking)
        call = None if taking.call is None else replace(taking.call, language=language)
        taking = replace(taking, call=call)
        holder = taking.who or (alert.acknowledged_by if alert is not None else "")

        def asked(key: str, **values: str) -> str:
            """Say it as the call asks to be answered; a link of no call is spoken of as if it were to take an alert."""
            return answer_words(key, call, **values) if call is not None else say(key, language, **values)

        further = None
        if alert is not None and call is not None and self._answering.may_go_on(taking, seal):
            further = _further(parts, alert, call, plan, language)
        context = page_context(
            request,
            language=language,
            standing=taking.standing.value,
            done=done,
            message=self._words(taking) if call is not None and alert is not None else None,
            action=_link(request),
            who=person_name(plan, call.person) if call is not None else "",
            holder=person_name(plan, holder) if holder else "",
            since=taking.since,
            alert=alert,
            closed_by=person_name(plan, alert.closed_by) if alert is not None and alert.closed_by else "",
            asked=asked,
            further=further,
            refused=refused,
            typed=typed or {"whom": "", "reason": ""},
        )
        status = _REFUSED if refused else _STATUS[taking.standing]
        return TEMPLATES.TemplateResponse(request, "take.html", context, status_code=status, headers=_QUIETLY)

    def go_on(
        self, request: Request, parts: Parts, act: Callable[[str], None], typed: Mapping[str, str] | None = None
    ) -> Response:
        """Do it and lead back to the page; what cannot be done is said there."""
        try:
            act(_seal(request))
        except NotAllowed:
            return self.show(request, parts, self._look(request), "")
        except Conflict as error:
            taking = self._look(request)
            language = _language(request, taking)
            values = conflict_words(error, self._plan_source(), parts.zone, language)
            said = say(error.key or "web.conflict", language, **values)
            return self.show(request, parts, taking, _seal(request), refused=said, typed=typed)
        return RedirectResponse(_link(request), 303)

    def _look(self, request: Request) -> Taking:
        return self._answering.look(request.path_params["alert_id"], request.path_params["token"])


def _further(parts: Parts, alert: Alert, call: Call, plan: Plan, language: str) -> dict[str, Any]:
    """What whoever answered may do next, and what became of it."""
    story, calls, whistles = parts.book.story(alert.id), parts.book.calls(alert.id), parts.book.whistles(alert.id)
    return {
        "arrived": alert.arrived_at is not None,
        "departments": departments(alert, plan, language, parts.clock.now()),
        "whistles": show_whistles(whistles, story, calls, plan, language, call.person),
    }


def _language(request: Request, taking: Taking) -> str:
    """What the reader chose, else the language of whoever was called; of a link of nobody, that of the browser."""
    if taking.call is None or request.cookies.get(LANGUAGE_COOKIE) in LANGUAGES:
        return language_of(request)
    return taking.call.language


def _link(request: Request) -> str:
    return f"/take/{request.path_params['alert_id']}/{request.path_params['token']}"


def _seal(request: Request) -> str:
    return request.cookies.get(_COOKIE, "")


def _keep(answer: Response, seal: str, link: str, *, secure: bool) -> None:
    # Lax: a chat leads back to the page as another site does, which is no reason to take forms from one.
    answer.set_cookie(_COOKIE, seal, max_age=_KEPT, path=link, secure=secure, httponly=True, samesite="lax")
