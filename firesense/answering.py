"""What comes back: reports of providers, keys pressed on telephones, answers to text messages, links and buttons.

Whatever answers a call goes through the desk, which knows what the answer means, with the channel as its origin.
Everything may come twice, late, or from somebody who has no business with it.
"""

from __future__ import annotations

from collections import OrderedDict
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from threading import Lock
from typing import TYPE_CHECKING

import structlog

from firesense.domain.alert import Case
from firesense.domain.deed import Actor
from firesense.domain.errors import Conflict, Forged, NotAllowed, NotFound, NotYet, Unreadable
from firesense.domain.escalation import CallState, ClimbState, Purpose, StepKind
from firesense.domain.instant import DAY, MINUTE
from firesense.escalate import standing
from firesense.notify.provider import line_of_telephone
from firesense.ports import Answered, Greeted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from firesense.desk import Desk
    from firesense.domain.alert import Alert
    from firesense.domain.callback import Callback, Heard, News
    from firesense.domain.escalation import Call
    from firesense.domain.instant import Instant
    from firesense.domain.place import Org
    from firesense.escalate import Target
    from firesense.notify.links import Links
    from firesense.ports import Book, Channel, Clock

_log = structlog.get_logger(__name__)

TAKE_KEY = "1"  # to be pressed on the telephone
_HEARD_FOR = DAY  # whoever presses a key or answers later than that means something else
_AWAITED = 10 * MINUTE  # our sending has come back by then, or never will
_AWAITED_MOST = 1000
_LINES_A_MINUTE = 10  # of the log, about what strangers send
_CELL = 80  # characters of theirs in a line


class Standing(StrEnum):
    """What a link can still do."""

    OPEN = "open"
    YOURS = "yours"  # its person has the alert already, or has come
    GONE = "gone"  # somebody else has it, has come, or has done something since
    OVER = "over"  # the alert is closed
    DEAD = "dead"  # no such link, or not any more


@dataclass(frozen=True, slots=True)
class Taking:
    """What a link leads to; no alert for a dead one. ``who`` has the alert or, called in by a whistle, has come.

    ``since`` is when they took it, or said that they come; None where nobody wrote that down.

    ``seal`` is for the browser that answered, and only given with that answer.
    """

    standing: Standing
    alert: Alert | None = None
    call: Call | None = None
    who: str = ""
    seal: str = ""
    since: Instant | None = None


@dataclass(slots=True)
class AnsweringStatus:
    """Callbacks since the start: taken, come before, forged, not understood, come before their call was known."""

    taken: int = 0
    repeated: int = 0
    forged: int = 0
    unreadable: int = 0
    early: int = 0


class Answering:
    """Takes callbacks and links; safe to use from several threads."""

    def __init__(
        self,
        book: Book,
        desk: Desk,
        clock: Clock,
        channels: Mapping[str, Channel],
        links: Links,
        org: Callable[[], Org],
        instead: Callable[[Call], Call | None] | None = None,
    ) -> None:
        """``instead`` finds the same person's next channel when a provider says that a call failed."""
        self.status = AnsweringStatus()
        self._book = book
        self._desk = desk
        self._clock = clock
        self._channels = channels
        self._links = links
        self._org = org
        self._instead = instead
        self._awaited: OrderedDict[tuple[str, str], Instant] = OrderedDict()
        self._lock = Lock()
        self._minute: Instant = 0
        self._lines = 0

    def greet(self, name: str, callback: Callback) -> bytes:
        """Answer a provider that asks whether the address of its callbacks is ours; nothing comes of it.

        Raises NotFound when no channel of that name is asked, Forged and Unreadable.
        """
        channel = self._channels.get(name)
        if channel is None or not isinstance(channel, Greeted):
            raise NotFound(f"no channel {name} is asked")
        with self._counted(name):
            return channel.greet(callback, self._clock.now())

    def hear(self, name: str, callback: Callback) -> Heard:
        """Take a callback for the channel of that name, and give what it said, with the answer its sender waits for.

        Raises NotFound when no such channel takes any, Forged, Unreadable, NotYet and BookError (it has to come again).
        """
        channel, now = self._channels.get(name), self._clock.now()
        if channel is None or not isinstance(channel, Answered):
            raise NotFound(f"no channel {name} takes callbacks")
        with self._counted(name):
            heard = channel.hear(callback, now)
        once = f"callback:{name}:{heard.once}" if heard.once else ""
        if once and self._book.was_seen(once):
            self.status.repeated += 1
            return heard
        early = [news.reference for news in heard.news if not self._take(name, news) and self._await(name, news, now)]
        if early:
            self.status.early += 1
            self._warn("a callback came before its call was known", channel=name, reference=early[0])
            raise NotYet("the call is not known")
        # Only now: what broke off in the middle comes again, and saying it twice does no harm.
        if once:
            self._book.first_time(once, now)
        self.status.taken += 1
        return heard

    @contextmanager
    def _counted(self, name: str) -> Iterator[None]:
        """Count what is forged or not understood, and say so."""
        try:
            yield
        except Forged as error:
            self.status.forged += 1
            self._warn("a callback was forged", channel=name, reason=str(error))
            raise
        except Unreadable as error:
            self.status.unreadable += 1
            self._warn("a callback is not understood", channel=name, reason=str(error))
            raise

    def pressed(self, call: Call, key: str) -> None:
        """Somebody who was called pressed a key on the telephone. Raises BookError."""
        if key.strip("#* ") == TAKE_KEY:
            self._answer(call, call.person, call.channel)

    # -- links ------------------------------------------------------------------------------------------------------
    def look(self, alert_id: str, token: str) -> Taking:
        """Say what a link leads to. Looking changes nothing: previews and scanners look, too. Raises BookError."""
        try:
            alert = self._book.alert(alert_id)
        except NotFound:
            return Taking(Standing.DEAD)
        call = self._links.of_token(token, self._book.calls(alert_id), self._clock.now())
        if call is None:
            return Taking(Standing.DEAD)
        if not alert.open:
            return Taking(Standing.OVER, alert, call)
        answered = self._who_answered(alert, call)
        if answered is not None and answered[0]:
            who, since = answered
            return Taking(Standing.YOURS if who == call.person else Standing.GONE, alert, call, who, since=since)
        if answered is not None or self._book.was_seen(_link(call)):
            return Taking(Standing.DEAD)
        return Taking(Standing.OPEN, alert, call)

    def _who_answered(self, alert: Alert, call: Call) -> tuple[str, Instant | None] | None:
        """Who has done already what the call asks for, if anybody knows, and when; None while it is to be done."""
        has_it = alert.acknowledged_by, alert.acknowledged_at
        match call.purpose:
            case Purpose.WHISTLE:
                whistles = self._book.whistles(alert.id)
                if any(each.strand == call.strand and each.state is not ClimbState.STOPPED for each in whistles):
                    return None
                story = reversed(self._book.story(alert.id))
                came = (step for step in story if step.kind is StepKind.ANSWERED)
                return next(
                    ((step.who, step.at) for step in came if step.detail.get("strand") == call.strand), ("", None)
                )
            case Purpose.UNDONE:
                told = call.detail.get("who", ""), call.detail.get("why", "")
                stands_still = (alert.acknowledged_by, standing(alert)) == told and call.person != told[0]
                return None if stands_still or alert.case is Case.OPEN else has_it
            case _:
                return None if alert.case is Case.OPEN and not alert.acknowledged_by else has_it

    def take(self, alert_id: str, token: str, origin: str) -> Taking:
        """Answer the call of a link, once; gives what it has become. Raises BookError."""
        taking = self.look(alert_id, token)
        if taking.standing is Standing.OPEN and taking.call is not None:
            self._answer(taking.call, taking.call.person, _by_link(taking.call, origin), "link")
            become = self.look(alert_id, token)
            yours = become.standing is Standing.YOURS
            return replace(become, seal=self._links.seal(taking.call)) if yours else become
        return taking

    # A link is passed on in a chat, so it does no more than answer, once. Going on is for the browser that answered,
    # as long as the link lives and the alert is with whoever was called.
    def may_go_on(self, taking: Taking, seal: str) -> bool:
        """Whether this seal is that of whoever answered the call, and there is something left to do."""
        call = taking.call if taking.standing is Standing.YOURS else None
        return call is not None and self._links.is_seal(seal, call)

    def arrive(self, alert_id: str, token: str, seal: str, origin: str) -> None:
        """Whoever answered says that they are on site. Raises NotAllowed, Conflict, BookError."""
        call = self._going_on(alert_id, token, seal)
        self._desk.arrive_called(call, Actor(call.person, f"link {_by_link(call, origin)}"))

    def whistle(self, alert_id: str, token: str, seal: str, origin: str, target: Target, reason: str) -> None:
        """Whoever answered calls a department in. Raises NotAllowed, Conflict, BookError."""
        call = self._going_on(alert_id, token, seal)
        self._desk.whistle(alert_id, Actor(call.person, f"link {_by_link(call, origin)}"), target, reason)

    def _going_on(self, alert_id: str, token: str, seal: str) -> Call:
        taking = self.look(alert_id, token)
        if taking.call is None or not self.may_go_on(taking, seal):
            raise NotAllowed("not the browser that answered, or nothing is left to do")
        return taking.call

    # -- news -------------------------------------------------------------------------------------------------------
    def _take(self, name: str, news: News) -> bool:
        """Take it; says whether the call it speaks of is known."""
        if news.reference:
            return self._of_reference(name, news)
        if news.token:
            self._of_button(name, news)
        elif news.address:
            self._of_answer(name, news)
        return True

    def _await(self, name: str, news: News, now: Instant) -> bool:
        """Whether a reference nobody knows may be known soon: a key can be pressed before our sending came back."""
        with self._lock:
            first_at = self._awaited.setdefault((name, news.reference), now)
            if len(self._awaited) > _AWAITED_MOST:
                self._awaited.popitem(last=False)
        return abs(now - first_at) < _AWAITED

    def _of_reference(self, name: str, news: News) -> bool:
        now = self._clock.now()
        pairs = self._book.calls_with(name, news.reference)
        for call, _ in pairs:
            if news.state is not None:
                failed = news.state is CallState.FAILED
                told = replace(call, state=news.state, receipt=news.reason if failed else call.receipt)
                other = self._instead(call) if failed and self._instead is not None else None
                self._book.report(told, now, () if other is None else (other,))
        # A key is an answer to one alert; who was told of twenty has to look at them.
        if len(pairs) == 1 and news.pressed:
            [(call, _)] = pairs
            if now - (call.sent_at or now) <= _HEARD_FOR:
                self.pressed(call, news.pressed)
        return bool(pairs) or self._book.failed_with(name, news.reference)

    def _of_button(self, name: str, news: News) -> None:
        call = self._links.of_token(news.token, self._book.calls(news.alert), self._clock.now())
        if call is None or call.channel != name or self._book.was_seen(_link(call)):
            self._warn("a button of no call was pressed", channel=name, alert=news.alert)
            return
        # In a group it may be somebody else than who was called by name.
        people = self._org().people.values() if news.address else ()
        presser = next((each.id for each in people if each.addresses.get(name) == news.address), call.person)
        self._answer(call, presser, name)

    def _of_answer(self, name: str, news: News) -> None:
        now = self._clock.now()
        line = line_of_telephone(news.address)
        calls = [call for call, _ in self._book.calls_to(name, line, now - _HEARD_FOR)]
        call = self._links.of_code(news.text, calls, now)
        if call is None:
            self._warn("an answer holds no code of ours", channel=name)
            return
        self._answer(call, call.person, name)

    def _answer(self, call: Call, who: str, way: str, by: str = "channel") -> None:
        """Let somebody answer a call; each does that once: what was said of it before says nothing anew."""
        if self._book.was_seen(_link(call)):
            return
        try:
            self._desk.answer_call(call, Actor(who, f"{by} {way}"))
        except (Conflict, NotAllowed) as error:
            _log.info("an answer came too late", alert=call.alert, who=who, by=f"{by} {way}", reason=str(error))
        self._book.first_time(_link(call), self._clock.now())

    def _warn(self, event: str, **fields: str) -> None:
        """Log what anybody can bring about: so many lines a minute, and no long ones."""
        minute = self._clock.now() // MINUTE
        with self._lock:
            if minute != self._minute:
                self._minute, self._lines = minute, 0
            self._lines += 1
            lines = self._lines
        if lines <= _LINES_A_MINUTE:
            cut = {name: said[:_CELL] for name, said in fields.items()}
            _log.warning(event, **cut, more_is_only_counted=lines == _LINES_A_MINUTE)


def _link(call: Call) -> str:
    return f"link:{call.key}"


def _by_link(call: Call, origin: str) -> str:
    return f"{call.channel} {origin}".strip()
