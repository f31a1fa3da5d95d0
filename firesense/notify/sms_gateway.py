"""Text messages over a gateway of somebody's own, by HTTP: for closed networks, modems, and carriers' old interfaces.

Every gateway is different, so its address, what is sent, and what its yes looks like are written in the settings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar, Literal
from urllib.parse import quote, urlencode

import msgspec

from firesense.domain.callback import Heard, News
from firesense.domain.errors import ChannelDown, ChannelRefused, Fault, Unreadable
from firesense.domain.escalation import CallState
from firesense.domain.limits import Limit
from firesense.domain.message import Receipt
from firesense.notify.exchange import PATIENCE, Exchange
from firesense.notify.provider import (
    at_home,
    body_json,
    line_of_telephone,
    objects,
    options_faults,
    refuse,
    secret_path,
    telephone,
    text_of,
)
from firesense.notify.room import pattern_faults, short_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from firesense.domain.callback import Callback
    from firesense.domain.escalation import Call
    from firesense.domain.instant import Instant
    from firesense.domain.message import Message
    from firesense.ports import Clock

_ONE_PART, _OF_SEVERAL = 70, 67  # UCS-2 characters (3GPP TS 23.040)
_STATES = {"delivered": CallState.DELIVERED, "read": CallState.READ, "failed": CallState.FAILED}


@dataclass(frozen=True, slots=True)
class SmsGatewayOptions:
    """A gateway. ``fields`` are sent as ``send`` says: query, form or json; {phone}, {text}, {id} are filled in.

    ``success`` and ``refusal`` are patterns (regular expressions) for the answer's body: the first has to be found in a
    yes, the second in a no that trying again does not change. ``reference`` finds the gateway's number of the message,
    in its first group. ``parts`` is how many text messages one may take. ``text`` is a text of your own.
    """

    name: str
    url: str
    send: Literal["query", "form", "json"] = "form"
    fields: Mapping[str, str] = field(default_factory=lambda: {"phone": "{phone}", "text": "{text}"}, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    success: str = ""
    refusal: str = ""
    reference: str = ""
    parts: int = 1
    text: str = ""
    charset: str = "utf-8"
    per_day: int = 50
    callback_secret: str = field(default="", repr=False)
    receipt_within: timedelta | None = None
    timeout: timedelta = PATIENCE
    ca_file: str = ""


class SmsGatewayChannel:
    """Sends a text message: SENT once the answer is 2xx and holds what the settings call success."""

    kind: ClassVar[str] = "sms-gateway"

    def __init__(self, options: SmsGatewayOptions, clock: Clock) -> None:
        """Raises ConfigError for an address that is none, fields without the text, or patterns that are none."""
        faults = options_faults(options, ("url", "success"))
        everything = "".join(options.fields.values())
        faults += [
            Fault("", "fields", f"must hold {{{name}}} somewhere")
            for name in ("phone", "text")
            if f"{{{name}}}" not in everything
        ]
        for name in ("success", "refusal", "reference"):
            try:
                re.compile(getattr(options, name))
            except re.error as error:
                faults.append(Fault("", name, f"is no regular expression: {error}"))
        if options.text and (reason := pattern_faults(options.text)):
            faults.append(Fault("", "text", reason))
        refuse(faults)
        self.name = options.name
        self.receipt_within = options.receipt_within
        self.limits = (Limit(options.per_day, timedelta(days=1), options.per_day // 4),)
        self._options = options
        self._exchange = Exchange(clock, options.timeout, options.ca_file)

    def line(self, call: Call) -> str:
        """Each telephone has a budget."""
        return line_of_telephone(call.address)

    async def send(self, message: Message) -> Receipt:
        """Send it."""
        options = self._options
        most = _ONE_PART if options.parts == 1 else _OF_SEVERAL * options.parts
        given = {
            "{phone}": at_home(telephone(message.call.address)),
            "{text}": short_text(message, options.text, most),
            "{id}": message.call.key,
        }
        fields = {name: _filled(value, given) for name, value in options.fields.items()}
        url, content, headers = options.url, b"", dict(options.headers)
        match options.send:
            case "query":
                url += ("&" if "?" in url else "?") + urlencode(fields, encoding=options.charset, quote_via=quote)
            case "form":
                content = urlencode(fields, encoding=options.charset).encode()
                headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
            case "json":
                content = msgspec.json.encode(fields)
        status, body = await self._exchange.ask("GET" if options.send == "query" else "POST", url, content, headers)
        return self._judge(status, body.decode(options.charset, errors="replace"))

    def hear(self, callback: Callback, now: Instant) -> Heard:  # noqa: ARG002 - what comes need not say when it was made
        """Understand reports (``reference``, ``state``) and answers (``phone``, ``text``), one object or a list."""
        secret_path(callback, self._options.callback_secret)
        news = []
        for each in objects(body_json(callback)):
            if text := text_of(each, "text"):
                news.append(News(address=text_of(each, "phone"), text=text))
            elif (state := _STATES.get(text_of(each, "state"))) is not None:
                news.append(News(text_of(each, "reference"), state, text_of(each, "reason")))
            else:
                raise Unreadable("neither a report nor an answer")
        return Heard(tuple(news))

    async def close(self) -> None:
        """Release the connections."""
        await self._exchange.close()

    def _judge(self, status: int, answer: str) -> Receipt:
        options = self._options
        said = f"HTTP {status}: {' '.join(answer.split())[:100]}"
        if options.refusal and re.search(options.refusal, answer):
            raise ChannelRefused(said)
        if not 200 <= status < 300 or not re.search(options.success, answer):  # noqa: PLR2004 - RFC 9110 15.3
            raise ChannelDown(said)
        found = re.search(options.reference, answer) if options.reference else None
        return Receipt(reference=found[1] if found is not None and found.re.groups else "")


def _filled(pattern: str, given: Mapping[str, str]) -> str:
    """Fill in one go: what is filled in is not looked at again."""
    return re.sub("|".join(map(re.escape, given)), lambda found: given[found[0]], pattern)
