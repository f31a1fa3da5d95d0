"""Work notices of a DingTalk app of the organisation's own (open.dingtalk.com, asynchronous work notices).

The provider takes a notice at once and delivers it later; asked, it says who got it and who read it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import quote

import msgspec

from firesense.domain.errors import ChannelRefused
from firesense.domain.escalation import CallState
from firesense.domain.limits import Limit
from firesense.domain.message import Receipt
from firesense.notify.exchange import PATIENCE, Exchange, read_json
from firesense.notify.provider import Codes, Token, options_faults, refuse, text_of
from firesense.notify.robot import shortened, words_to_one

if TYPE_CHECKING:
    from typing import Any

    from firesense.domain.escalation import Call
    from firesense.domain.message import Message
    from firesense.ports import Clock

_MOST_BYTES = 2048
_EXPIRED = frozenset({"40014", "42001", "40001"})
_CODES = Codes(
    busy=("90018", "90002", "90006", "143103", "143104", "-1"),
    final=("40089", "40035", "33001", "33002", "33012", "60011", "60121", "400", "88", "50002"),
)


@dataclass(frozen=True, slots=True)
class DingTalkWorkOptions:
    """An app: key, secret and agent id. ``receipt_within``: a notice nobody got by then counts as lost."""

    name: str
    app_key: str
    app_secret: str = field(repr=False)
    agent_id: int = 0
    url: str = ""
    receipt_within: timedelta | None = timedelta(minutes=2)
    ask_every: timedelta | None = timedelta(seconds=20)
    timeout: timedelta = PATIENCE
    ca_file: str = ""


class DingTalkWorkChannel:
    """Sends a work notice to one employee (the address is the user id) and asks what came of it."""

    kind: ClassVar[str] = "dingtalk-work"
    limits: ClassVar[tuple[Limit, ...]] = (Limit(500, timedelta(days=1), 100),)

    def __init__(self, options: DingTalkWorkOptions, clock: Clock) -> None:
        """Raises ConfigError for missing options, or a base address that is none."""
        refuse(options_faults(options, ("app_key", "app_secret", "agent_id")))
        self.name = options.name
        self.receipt_within = options.receipt_within
        self.ask_every = options.ask_every
        self._options = options
        self._base = (options.url or "https://oapi.dingtalk.com").rstrip("/")
        self._exchange = Exchange(clock, options.timeout, options.ca_file)
        self._token = Token(clock, self._fetch)

    def line(self, call: Call) -> str:
        """Each employee has a budget."""
        return call.address

    async def send(self, message: Message) -> Receipt:
        """Hand the notice over; the same words twice in a day are dropped by the provider, so each tells its try."""
        call = message.call
        if not call.address or "," in call.address:
            raise ChannelRefused("the address is not one employee's user id")
        text = shortened(words_to_one(message), _MOST_BYTES - 40)
        content = f"{text}\n({call.alert} · {call.round + 1}.{call.rung + 1}.{call.attempts + 1})"
        document = await self._call(
            "asyncsend_v2",
            {
                "agent_id": self._options.agent_id,
                "userid_list": call.address,
                "msg": {"msgtype": "text", "text": {"content": content}},
            },
        )
        return Receipt(reference=text_of(document, "task_id"))

    async def ask(self, call: Call) -> Receipt | None:
        """Ask who got the notice and who read it."""
        document = await self._call("getsendresult", {"agent_id": self._options.agent_id, "task_id": call.receipt})
        result = document.get("send_result") or {}
        for name, state in (
            ("read_user_id_list", CallState.READ),
            ("unread_user_id_list", CallState.DELIVERED),
            ("invalid_user_id_list", CallState.FAILED),
            ("forbidden_user_id_list", CallState.FAILED),
            ("failed_user_id_list", CallState.FAILED),
        ):
            if call.address in map(str, result.get(name) or ()):
                return Receipt(state, call.receipt, reason=name if state is CallState.FAILED else "")
        return None

    async def close(self) -> None:
        """Release the connections."""
        await self._exchange.close()

    async def _call(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        async def post(token: str) -> dict[str, Any]:
            url = f"{self._base}/topapi/message/corpconversation/{name}?access_token={quote(token)}"
            return read_json(*await self._exchange.ask("POST", url, msgspec.json.encode(body)))

        document = await self._token.used(post, "errcode", _EXPIRED)
        if (code := text_of(document, "errcode")) != "0":
            raise _CODES.failure(self.kind, code, text_of(document, "sub_msg") or text_of(document, "errmsg"))
        return document

    async def _fetch(self) -> tuple[str, timedelta]:
        options = self._options
        url = f"{self._base}/gettoken?appkey={quote(options.app_key)}&appsecret={quote(options.app_secret)}"
        document = read_json(*await self._exchange.ask("GET", url))
        code, token = text_of(document, "errcode"), text_of(document, "access_token")
        if code != "0" or not token:
            raise _CODES.failure(self.kind, code, text_of(document, "errmsg"))
        return token, timedelta(seconds=int(document.get("expires_in") or 0))
