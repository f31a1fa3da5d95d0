"""Everything else, through apprise: ntfy, Bark, Gotify, Telegram and a hundred more."""

from __future__ import annotations

import asyncio
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import quote

from firesense.domain.errors import ChannelDown, ChannelRefused, ConfigError, Fault
from firesense.domain.message import Receipt

if TYPE_CHECKING:
    from firesense.domain.message import Message
    from firesense.ports import Clock

# apprise 2.2 takes the 200 these answer for success and does not look at the error code in the body.
_OURS = {"dingtalk": "dingtalk", "wecombot": "wecom", "feishu": "feishu", "lark": "feishu"}
_OUR_HOSTS = {"oapi.dingtalk.com": "dingtalk", "qyapi.weixin.qq.com": "wecom", "open.feishu.cn": "feishu"}
_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class AppriseOptions:
    """A person's address is apprise's URL of a service, key and all.

    With ``url`` there is one service for all: ``{address}`` in it becomes the person's address.
    """

    name: str
    url: str = field(default="", repr=False)


class AppriseChannel:
    """Lets apprise send, in a few threads. It says yes or no and not why: no is ChannelDown."""

    kind: ClassVar[str] = "apprise"

    def __init__(self, options: AppriseOptions, clock: Clock) -> None:  # noqa: ARG002 - made like every other channel
        """Raises ConfigError for an address apprise does not know, and for services that have an adapter of ours."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # its mail plug-in imports what Python 3.13 drops
            import apprise  # noqa: PLC0415 - 140 modules, 20 MB, a second: only for those who use it

            apprise.Apprise.instantiate("json://localhost")  # loads all plug-ins, here and not in a thread
        self._service = apprise.Apprise
        if options.url and (reason := self._objection(_filled(options.url, "address"))):
            raise ConfigError([Fault("", "url", reason)])
        self.name = options.name
        self._url = options.url
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix=f"apprise-{options.name}")

    async def send(self, message: Message) -> Receipt:
        """Have it sent; SENT when apprise says so."""
        url = _filled(self._url, message.call.address) if self._url else message.call.address
        if reason := self._objection(url):
            raise ChannelRefused(f"the address {reason}")
        loop = asyncio.get_running_loop()
        if not await loop.run_in_executor(self._threads, self._notify, url, message):
            raise ChannelDown("apprise could not send it")
        return Receipt()

    async def close(self) -> None:
        """Let go of the threads; what they are sending is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _objection(self, url: str) -> str:
        """Say why an address cannot be used; nothing when it can."""
        scheme, _, rest = url.partition("://")
        if ours := _OURS.get(scheme.lower()) or _OUR_HOSTS.get(rest.partition("/")[0].lower()):
            return f"is of a service that apprise believes when it refuses: use a channel of kind {ours} instead"
        if self._service.instantiate(url, suppress_exceptions=True) is None:
            return "is none that apprise knows"
        return ""

    def _notify(self, url: str, message: Message) -> bool:
        service = self._service()
        body = "\n".join(part for part in (message.body, message.link) if part)
        return bool(service.add(url) and service.notify(title=message.title, body=body))


def _filled(url: str, address: str) -> str:
    return url.replace("{address}", quote(address, safe=""))
