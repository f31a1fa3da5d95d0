"""Messages of a WeCom app of the organisation's own to its members (developer.work.weixin.qq.com, app messages).

Unlike the group robot it reaches one person, and says which members it did not reach.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import quote

import msgspec

from firesense.domain.callback import Heard, News
from firesense.domain.errors import ChannelRefused, Forged, Unreadable
from firesense.domain.limits import Limit
from firesense.domain.message import Receipt
from firesense.notify.answer_words import answer_words
from firesense.notify.exchange import PATIENCE, Exchange, read_json
from firesense.notify.provider import Codes, Token, options_faults, refuse, text_of
from firesense.notify.robot import shortened, words_to_one
from firesense.notify.room import cut
from firesense.notify.wecom_callback import Seal, button_answer, fields_of, key_faults
from firesense.text import say

if TYPE_CHECKING:
    from typing import Any

    from firesense.domain.callback import Callback
    from firesense.domain.escalation import Call
    from firesense.domain.instant import Instant
    from firesense.domain.message import Message
    from firesense.ports import Clock

_MOST_BYTES = 2048  # of a text; what is longer is cut by the provider
_MOST_TITLE, _MOST_TEXT = 36, 160  # characters on a card
_EXPIRED = frozenset({"40014", "41001", "42001"})  # the token: invalid, missing, expired
_CODES = Codes(
    busy=("45009", "45033", "45047", "-1"),
    final=("40001", "40013", "40003", "40056", "48002", "60011", "60020", "301002", "81013", "86"),
)


@dataclass(frozen=True, slots=True)
class WeComAppOptions:
    """An app: the organisation's id, the app's number and secret. ``url`` is another base address, for a gateway.

    ``token`` and ``encoding_aes_key`` are those of its received messages; with them it sends cards with a button.
    """

    name: str
    corp_id: str
    agent_id: int
    secret: str = field(repr=False)
    url: str = ""
    timeout: timedelta = PATIENCE
    ca_file: str = ""
    token: str = field(default="", repr=False)
    encoding_aes_key: str = field(default="", repr=False)


class WeComAppChannel:
    """Sends a text, or a card with a button to take the alert, to one member; the address is the member's user id.

    SENT once the provider says 0 and does not name the member among those it did not reach.
    """

    kind: ClassVar[str] = "wecom-app"
    # For one member; beyond it messages are dropped while the provider says yes, so it is kept well clear of.
    limits: ClassVar[tuple[Limit, ...]] = (Limit(25, timedelta(minutes=1), 8), Limit(800, timedelta(hours=1), 200))

    def __init__(self, options: WeComAppOptions, clock: Clock) -> None:
        """Raises ConfigError for missing options, or a base address that is none."""
        faults = options_faults(options, ("corp_id", "agent_id", "secret"))
        refuse([*faults, *key_faults(options.token, options.encoding_aes_key)])
        self._seal = Seal(options.token, options.encoding_aes_key, options.corp_id) if options.token else None
        self.name = options.name
        self._options = options
        self._base = (options.url or "https://qyapi.weixin.qq.com").rstrip("/")
        self._exchange = Exchange(clock, options.timeout, options.ca_file)
        self._token = Token(clock, self._fetch)

    def line(self, call: Call) -> str:
        """Each member has a budget."""
        return call.address

    async def send(self, message: Message) -> Receipt:
        """Send it; a token the provider does not know any more is renewed once."""
        member = message.call.address
        if not member or "|" in member or member == "@all":
            raise ChannelRefused("the address is not one member's user id")
        body: dict[str, Any] = {"touser": member, "agentid": self._options.agent_id, "enable_duplicate_check": 0}
        # Not every client and every app may have cards: what was not taken as one is told as a text.
        if self._seal is not None and message.take and not message.call.attempts:
            body |= {"msgtype": "template_card", "template_card": _card(message)}
        else:
            body |= {"msgtype": "text", "text": {"content": shortened(words_to_one(message), _MOST_BYTES)}}

        async def post(token: str) -> dict[str, Any]:
            url = f"{self._base}/cgi-bin/message/send?access_token={quote(token)}"
            return read_json(*await self._exchange.ask("POST", url, msgspec.json.encode(body)))

        document = await self._token.used(post, "errcode", _EXPIRED)
        code = text_of(document, "errcode")
        if code != "0":
            raise _CODES.failure(self.kind, code, text_of(document, "errmsg"))
        unreached = (text_of(document, "invaliduser") + "|" + text_of(document, "unlicenseduser")).lower().split("|")
        if member.lower() in unreached:
            raise ChannelRefused(f"{self.kind}: the member is not known, or may not see the app")
        return Receipt(reference=text_of(document, "msgid"))

    def greet(self, callback: Callback, now: Instant) -> bytes:
        """Give back the number that was encrypted for us: then the address is ours.

        Callbacks are signed and encrypted the same way, but are XML: one that somebody kept is not opened for them.
        """
        echo = self._proven().opened(callback.query, callback.query.get("echostr", ""), now)
        if not echo.isalnum():
            raise Unreadable("what was encrypted is no number to give back")
        return echo

    def hear(self, callback: Callback, now: Instant) -> Heard:
        """Understand a pressed button; everything else members do in the app is none of ours."""
        seal = self._proven()
        event = fields_of(seal.opened(callback.query, fields_of(callback.body).get("Encrypt", ""), now))
        if event.get("Event") != "template_card_event":
            return Heard(answer=b"")
        member, key = event.get("FromUserName", ""), event.get("EventKey", "").split("/")
        if not member or len(key) != len(("alert", "token", "language")):
            raise Unreadable("the button is none of ours")
        alert, token, language = key
        answer = button_answer(member, self._options.corp_id, say("take.heard", language), now)
        once = "/".join((member, event.get("TaskId", ""), event.get("CreateTime", "")))
        news = News(alert=alert, token=token, address=member)
        return Heard((news,), seal.closed(answer, now), once, "text/xml")

    def _proven(self) -> Seal:
        if self._seal is None:
            raise Forged("this channel takes no callbacks")
        return self._seal

    async def close(self) -> None:
        """Release the connections."""
        await self._exchange.close()

    async def _fetch(self) -> tuple[str, timedelta]:
        options = self._options
        url = f"{self._base}/cgi-bin/gettoken?corpid={quote(options.corp_id)}&corpsecret={quote(options.secret)}"
        document = read_json(*await self._exchange.ask("GET", url))
        code, token = text_of(document, "errcode"), text_of(document, "access_token")
        if code != "0" or not token:
            raise _CODES.failure(self.kind, code, text_of(document, "errmsg"))
        return token, timedelta(seconds=int(document.get("expires_in") or 0))


def _card(message: Message) -> dict[str, Any]:
    """A card with a button; the provider cuts what is longer, so that is done here, with a sign that it was."""
    call = message.call
    button = {
        "text": answer_words("take.button", call),
        "style": 2,  # red
        "key": f"{call.alert}/{message.take.rpartition('/')[2]}/{call.language}",
    }
    card: dict[str, Any] = {
        "card_type": "button_interaction",
        "main_title": {"title": cut(message.title, _MOST_TITLE)},
        "sub_title_text": cut(message.body, _MOST_TEXT),
        "task_id": hashlib.sha256(call.key.encode()).hexdigest(),
        "button_list": [button],
    }
    if message.link:
        card["card_action"] = {"type": 1, "url": message.link}
    return card
