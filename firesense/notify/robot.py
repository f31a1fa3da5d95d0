"""What the group robots of DingTalk, WeCom and Feishu have in common.

An address is ``TOKEN``, ``TOKEN:SECRET`` for a robot that asks for signatures, and either with ``@MENTION`` (a mobile
number, or the provider's user id) to call one person of the group by name. All three providers answer 200 to messages
they throw away: only the code in the body counts, 0 is success and anything else is not.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

import msgspec

from firesense.domain.errors import ChannelBusy, ChannelDown, ChannelRefused, ConfigError, Fault
from firesense.domain.limits import Limit
from firesense.domain.message import Receipt
from firesense.notify.answer_words import answer_words
from firesense.notify.budget import Budget
from firesense.notify.exchange import PATIENCE, Exchange

if TYPE_CHECKING:
    from firesense.domain.escalation import Call
    from firesense.domain.instant import Instant
    from firesense.domain.message import Message
    from firesense.ports import Clock

_ADDRESS = re.compile(r"(?P<token>[\w-]+)(?::(?P<secret>[\w+=-]+))?(?:@(?P<mention>[\w.+-]+))?")


@dataclass(frozen=True, slots=True)
class RobotOptions:
    """Robots of one provider. ``secret`` signs for those whose address brings none of its own.

    ``url`` is another base address, for a gateway on the way. ``per_minute`` is the provider's limit for each robot.
    """

    name: str
    secret: str = field(default="", repr=False)
    url: str = ""
    per_minute: int = 20
    timeout: timedelta = PATIENCE
    ca_file: str = ""


@dataclass(frozen=True, slots=True)
class RobotAddress:
    """One robot, and who of its group is mentioned; both may be secrets."""

    token: str
    secret: str = field(repr=False)
    mention: str


class Robot:
    """Posts a text to a group and mentions the person."""

    kind: ClassVar[str]
    home: ClassVar[str]  # the provider's base address
    robots: ClassVar[str]  # the path of its robots
    verdict: ClassVar[str] = "errcode"  # the field of the answer that holds the code
    reason: ClassVar[str] = "errmsg"
    busy: ClassVar[frozenset[int]]  # codes for too many messages
    busy_for: ClassVar[timedelta]
    final: ClassVar[frozenset[int]]  # codes that trying again does not change; any other may pass

    def __init__(self, options: RobotOptions, clock: Clock) -> None:
        """Raises ConfigError for a base address that is none, or a limit below one."""
        base = options.url or self.home
        parts = urlsplit(base)
        faults = []
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            faults.append(Fault("", "url", "is not an http(s) address"))
        elif parts.query or self.robots in parts.path:
            faults.append(Fault("", "url", "is the address of one robot: its token belongs into people's addresses"))
        if options.per_minute < 1:
            faults.append(Fault("", "per_minute", "must be at least 1"))
        if faults:
            raise ConfigError(faults)
        self.name = options.name
        self.base = base.rstrip("/")
        self._options = options
        self._clock = clock
        self._budgets: dict[str, Budget] = {}
        self._exchange = Exchange(clock, options.timeout, options.ca_file)

    @property
    def limits(self) -> tuple[Limit, ...]:
        """Of each robot."""
        most = self._options.per_minute
        return (Limit(most, timedelta(minutes=1), most // 4),)

    def line(self, call: Call) -> str:
        """Each robot has a budget, whoever of its group is mentioned."""
        token = re.split("[:@]", call.address, maxsplit=1)[0]
        return hashlib.sha256(token.encode()).hexdigest()[:16]

    async def send(self, message: Message) -> Receipt:
        """Post it to the group; SENT once the robot says 0."""
        robot = self._address(message.call.address)
        budget = self._budgets.setdefault(robot.token, Budget(self._clock, self._options.per_minute))
        budget.spend(urgent=message.call.urgent)
        url, document = self.request(words(message), robot, self._clock.now())
        code, reason = self._read(await self._exchange.post(url, msgspec.json.encode(document), {}))
        if code == 0:
            return Receipt()
        reason = f"{self.kind} {code}: {reason}"
        if code in self.busy or self.is_busy(code, reason):
            budget.block(self.busy_for)
            raise ChannelBusy(reason, self.busy_for)
        if code in self.final:
            raise ChannelRefused(reason)
        raise ChannelDown(reason)

    async def close(self) -> None:
        """Release the connections."""
        await self._exchange.close()

    def request(self, text: str, robot: RobotAddress, now: Instant) -> tuple[str, dict[str, Any]]:
        """Where to post what, signed when there is a secret."""
        raise NotImplementedError

    def is_busy(self, code: int, reason: str) -> bool:  # noqa: ARG002 - for a provider whose code alone does not say
        """Whether this code means too many messages, beyond those listed in ``busy``."""
        return False

    def _address(self, text: str) -> RobotAddress:
        match = _ADDRESS.fullmatch(text)
        if match is None:
            raise ChannelRefused("the address is not TOKEN, TOKEN:SECRET or either with @MENTION")
        return RobotAddress(match["token"], match["secret"] or self._options.secret, match["mention"] or "")

    def _read(self, answer: bytes) -> tuple[int, str]:
        try:
            document = msgspec.json.decode(answer)
            code = document[self.verdict]
        except (msgspec.DecodeError, UnicodeDecodeError, TypeError, KeyError) as error:
            raise ChannelDown(f"the answer has no {self.verdict}") from error
        if type(code) is not int:
            raise ChannelDown(f"the answer has no {self.verdict}")
        return code, str(document.get(self.reason, ""))[:200]


def words_to_one(message: Message) -> str:
    """The message as one text to one person, with the link to take the alert."""
    if not message.take.startswith("http"):
        return words(message)
    return f"{words(message)}\n{answer_words('take.link', message.call, link=message.take)}"


def words(message: Message) -> str:
    """The message as one text, for a group: a link to take the alert is one person's and does not belong there."""
    return "\n".join(part for part in (message.title, message.body, message.link) if part)


def shortened(text: str, most: int) -> str:
    """The text in at most so many bytes of UTF-8, never through the middle of a character."""
    encoded = text.encode()
    return text if len(encoded) <= most else encoded[: most - 3].decode(errors="ignore") + "…"


def is_mobile(mention: str) -> bool:
    """Whether a mention is a mobile number, with or without its country."""
    return mention.removeprefix("+").isdigit()


def signature(key: str, text: str) -> str:
    """HMAC-SHA256 in base64."""
    return base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()).decode()
