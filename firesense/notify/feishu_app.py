"""Cards of a Feishu (or Lark) app with a button to take the alert (open.feishu.cn, messages and card callbacks)."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from firesense.domain.callback import Heard, News
from firesense.domain.errors import ChannelRefused, Forged, Unreadable
from firesense.domain.escalation import CallState
from firesense.domain.instant import micros
from firesense.domain.limits import Limit
from firesense.domain.message import Receipt
from firesense.notify.answer_words import answer_words
from firesense.notify.exchange import PATIENCE, Exchange, read_json
from firesense.notify.provider import Codes, Token, objects, options_faults, read_body, refuse, text_of
from firesense.notify.robot import shortened
from firesense.notify.sealed import BLOCK, opened, unbase64
from firesense.text import say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from firesense.domain.callback import Callback
    from firesense.domain.escalation import Call
    from firesense.domain.instant import Instant
    from firesense.domain.message import Message
    from firesense.ports import Clock

_MOST_BYTES = 8_000
_EXPIRED = frozenset({"99991663", "99991661", "99991668"})
_CODES = Codes(busy=("99991400", "230020", "11232", "11233"), final=("230", "9499", "10003", "10014", "99992", "1000"))
_WINDOW = timedelta(hours=8)  # the provider sends an event again for so long when nobody takes it
_COLOURS = {"fire": "red", "hazard": "orange", "fault": "yellow", "test": "grey"}


@dataclass(frozen=True, slots=True)
class FeishuAppOptions:
    """An app: id and secret, and the verification token of its callbacks; without that token none are taken.

    With the ``encrypt_key`` of the app's callbacks only those are taken that are encrypted and signed with it.
    """

    name: str
    app_id: str
    app_secret: str = field(repr=False)
    verification_token: str = field(default="", repr=False)
    url: str = ""
    timeout: timedelta = PATIENCE
    ca_file: str = ""
    encrypt_key: str = field(default="", repr=False)


class FeishuAppChannel:
    """Sends a card to a person (open id ``ou_``, e-mail or user id) or a group (``oc_``): SENT once the code is 0.

    The same call made again within an hour is dropped by the provider, by its key.
    """

    kind: ClassVar[str] = "feishu-app"
    limits: ClassVar[tuple[Limit, ...]] = (Limit(5, timedelta(seconds=1), 1),)

    def __init__(self, options: FeishuAppOptions, clock: Clock) -> None:
        """Raises ConfigError for missing options, or a base address that is none."""
        needed = ("app_id", "app_secret", *(("verification_token",) if options.encrypt_key else ()))
        refuse(options_faults(options, needed))
        self.name = options.name
        self._options = options
        self._base = (options.url or "https://open.feishu.cn").rstrip("/")
        self._exchange = Exchange(clock, options.timeout, options.ca_file)
        self._token = Token(clock, self._fetch)

    def line(self, call: Call) -> str:
        """Each person, and each group, has a budget."""
        return call.address

    async def send(self, message: Message) -> Receipt:
        """Send the card."""
        address = message.call.address
        if not address or "/" in address or " " in address:
            raise ChannelRefused("the address is no open id, user id, e-mail or chat id")
        body = {
            "receive_id": address,
            "msg_type": "interactive",
            "content": msgspec.json.encode(_card(message)).decode(),
            "uuid": hashlib.sha256(message.call.key.encode()).hexdigest()[:40],
        }

        async def post(token: str) -> dict[str, Any]:
            url = f"{self._base}/open-apis/im/v1/messages?receive_id_type={_kind_of(address)}"
            headers = {"Authorization": f"Bearer {token}"}
            return read_json(*await self._exchange.ask("POST", url, msgspec.json.encode(body), headers))

        document = await self._token.used(post, "code", _EXPIRED)
        if (code := text_of(document, "code")) != "0":
            raise _CODES.failure(self.kind, code, text_of(document, "msg"))
        return Receipt(reference=text_of(document.get("data") or {}, "message_id"))

    def hear(self, callback: Callback, now: Instant) -> Heard:
        """Understand a pressed button, a card that was read, and the question whether this address is ours."""
        document = self._opened(callback)
        header = _object(document, "header")
        token = text_of(header, "token") or text_of(document, "token")
        expected = self._options.verification_token
        if not expected or not hmac.compare_digest(token.encode(errors="replace"), expected.encode()):
            raise Forged("the verification token is wrong")
        if document.get("type") == "url_verification":
            return Heard(answer=msgspec.json.encode({"challenge": text_of(document, "challenge")}))
        _in_time(text_of(header, "create_time"), now)
        event = _object(document, "event")
        once = text_of(header, "event_id")
        match text_of(header, "event_type"):
            case "card.action.trigger":
                value = _object(_object(event, "action"), "value")
                presser = text_of(_object(event, "operator"), "open_id")
                news = News(alert=text_of(value, "alert"), token=text_of(value, "token"), address=presser)
                return Heard((news,), b'{"toast":{"type":"success","content":"OK"}}', once)
            case "im.message.message_read_v1":
                read = event.get("message_id_list") or ()
                if not isinstance(read, list | tuple):
                    raise Unreadable("what was read is no list")
                return Heard(tuple(News(str(message), CallState.READ) for message in read), once=once)
            case _:
                return Heard(once=once)

    async def close(self) -> None:
        """Release the connections."""
        await self._exchange.close()

    def _opened(self, callback: Callback) -> Mapping[str, Any]:
        """What a callback holds, in the clear. Raises Unreadable, and Forged for one that the key did not close.

        The question whether this address is ours comes without a signature. Whatever else does is turned away with one
        and the same answer, so that nobody learns from it how far the opening went.
        """
        document = _first(callback.body)
        key = self._options.encrypt_key
        if not key:
            return document
        if _signed(callback, key):
            return _first(_unsealed(document, key))
        try:
            question = _first(_unsealed(document, key))
        except Unreadable:
            question = {}
        if question.get("type") != "url_verification":
            raise Forged("the signature is missing or wrong")
        return question

    async def _fetch(self) -> tuple[str, timedelta]:
        body = {"app_id": self._options.app_id, "app_secret": self._options.app_secret}
        url = f"{self._base}/open-apis/auth/v3/tenant_access_token/internal"
        document = read_json(*await self._exchange.ask("POST", url, msgspec.json.encode(body)))
        code, token = text_of(document, "code"), text_of(document, "tenant_access_token")
        if code != "0" or not token:
            raise _CODES.failure(self.kind, code, text_of(document, "msg"))
        return token, timedelta(seconds=int(document.get("expire") or 0))


def _card(message: Message) -> dict[str, Any]:
    language = message.call.language
    # Texts may hold tags of the provider, and a device may be called anything.
    body = shortened(message.body, _MOST_BYTES).replace("<", "＜")
    elements: list[dict[str, Any]] = [{"tag": "div", "text": {"tag": "plain_text", "content": body}}]
    buttons: list[dict[str, Any]] = []
    if message.take:
        value = {"alert": message.call.alert, "token": message.take.rpartition("/")[2]}
        label = {"tag": "plain_text", "content": answer_words("take.button", message.call)}
        buttons.append({"tag": "button", "type": "danger", "text": label, "value": value})
    if message.link:
        label = {"tag": "plain_text", "content": say("web.details_only", language)}
        buttons.append({"tag": "button", "type": "default", "text": label, "url": message.link})
    if buttons:
        elements.append({"tag": "action", "actions": buttons})
    return {
        "config": {"wide_screen_mode": True},
        "header": {
            "template": _COLOURS.get(message.alert.alert_class, "blue"),
            "title": {"tag": "plain_text", "content": message.title},
        },
        "elements": elements,
    }


def _kind_of(address: str) -> str:
    for beginning, kind in (("ou_", "open_id"), ("oc_", "chat_id"), ("on_", "union_id")):
        if address.startswith(beginning):
            return kind
    return "email" if "@" in address else "user_id"


def _first(body: bytes) -> Mapping[str, Any]:
    [document] = objects(read_body(body))[:1] or [{}]
    return document


def _signed(callback: Callback, key: str) -> bool:
    """Whether the signature over the body as it came is right."""
    given = {name: callback.headers.get(f"x-lark-{name}", "") for name in ("request-timestamp", "request-nonce")}
    signed = "".join(given.values()) + key
    expected = hashlib.sha256(signed.encode(errors="replace") + callback.body).hexdigest()
    return hmac.compare_digest(callback.headers.get("x-lark-signature", "").encode(errors="replace"), expected.encode())


def _unsealed(document: Mapping[str, Any], key: str) -> bytes:
    """Open what an encrypt key closed: the initialisation vector, and AES-256-CBC by the key's SHA-256."""
    sealed = unbase64(text_of(document, "encrypt"))
    return opened(hashlib.sha256(key.encode()).digest(), sealed[:BLOCK], sealed[BLOCK:], padded_to=BLOCK)


def _object(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object in another one, empty when it is missing. Raises Unreadable for what is none."""
    found = document.get(name) or {}
    if not isinstance(found, dict):
        raise Unreadable(f"{name} is no object")
    return found


def _in_time(text: str, now: Instant) -> None:
    """Refuse what was made too long ago, or in the future: somebody kept it. In milli- or microseconds."""
    if not text.isdecimal() or len(text) > len("1700000000000000"):
        raise Unreadable("the callback does not say when it was made")
    made_at = int(text) * (1 if len(text) >= len("1700000000000000") else 1000)
    if abs(now - made_at) > micros(_WINDOW):
        raise Forged("the callback was made too long ago")
