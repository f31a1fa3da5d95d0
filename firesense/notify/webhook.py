"""A signed POST to a system of somebody else's.

A person's address may come from an import, so where we connect is decided here: only to listed hosts, to the address
their name resolved to when we looked, and to private networks only when that is allowed.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import httpx2

from firesense.domain.errors import ChannelDown, ChannelRefused, ConfigError, Fault
from firesense.domain.message import Receipt
from firesense.notify.document import document
from firesense.notify.exchange import PATIENCE, Exchange

if TYPE_CHECKING:
    from datetime import timedelta

    from firesense.domain.message import Message
    from firesense.ports import Clock

_SHORTEST_SECRET = 16  # characters
_SCHEMES = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class WebhookOptions:
    """Where to post. With ``url`` everything goes there; without, each person's address is the URL.

    ``hosts`` are the only hosts posted to (the host of ``url`` is always one of them). Plain http and private,
    loopback or shared networks need ``allow_private``.
    """

    name: str
    secret: str = field(repr=False)
    url: str = ""
    hosts: tuple[str, ...] = ()
    allow_private: bool = False
    timeout: timedelta = PATIENCE
    ca_file: str = ""


class WebhookChannel:
    """POSTs the call as JSON with ``Firesense-Timestamp`` and ``Firesense-Signature``: see docs/channels.md."""

    kind: ClassVar[str] = "webhook"

    def __init__(self, options: WebhookOptions, clock: Clock) -> None:
        """Raises ConfigError for a secret that is too short, or when there is no host to post to."""
        faults = []
        host = _host(options.url) if options.url else ""
        if len(options.secret) < _SHORTEST_SECRET:
            faults.append(Fault("", "secret", f"must have at least {_SHORTEST_SECRET} characters"))
        if options.url and not host:
            faults.append(Fault("", "url", "is not an http(s) address"))
        if not options.url and not options.hosts:
            faults.append(Fault("", "hosts", "say which hosts people's addresses may name"))
        if faults:
            raise ConfigError(faults)
        self.name = options.name
        self._options = options
        self._hosts = {name.lower() for name in options.hosts} | ({host} if host else set())
        self._clock = clock
        self._exchange = Exchange(clock, options.timeout, options.ca_file)

    async def send(self, message: Message) -> Receipt:
        """Post it; SENT for any 2xx answer."""
        text = self._options.url or message.call.address
        url = self._allowed(text)
        port = url.port or _SCHEMES[url.scheme]
        address = await self._resolved(url.host, port)
        body = document(message)
        stamp = str(self._clock.now() // 1_000_000)
        signed = hmac.new(self._options.secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
        headers = {
            "Host": url.netloc.decode("ascii"),
            "Firesense-Call": hashlib.sha256(message.call.key.encode()).hexdigest(),
            "Firesense-Timestamp": stamp,
            "Firesense-Signature": f"v1={signed}",
        }
        await self._exchange.post(str(url.copy_with(host=address)), body, headers, {"sni_hostname": url.host})
        return Receipt()

    async def close(self) -> None:
        """Release the connections."""
        await self._exchange.close()

    def _allowed(self, text: str) -> httpx2.URL:
        try:
            url = httpx2.URL(text)
        except httpx2.InvalidURL as error:
            raise ChannelRefused("the address is not a URL") from error
        if url.scheme not in _SCHEMES or url.userinfo:
            raise ChannelRefused("the address is not a plain http(s) URL")
        if url.scheme == "http" and not self._options.allow_private:
            raise ChannelRefused("plain http is not allowed")
        if url.host.lower() not in self._hosts:
            raise ChannelRefused(f"host {url.host} is not on the list")
        return url

    async def _resolved(self, host: str, port: int) -> str:
        """The one address to connect to; looking again could give another one."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise ChannelDown(f"host {host} does not resolve") from error
        for _, _, _, _, target in found:
            if _reachable(str(target[0]), allow_private=self._options.allow_private):
                return str(target[0])
        raise ChannelRefused(f"host {host} is at an address that is not allowed")


def _host(text: str) -> str:
    try:
        url = httpx2.URL(text)
    except httpx2.InvalidURL:
        return ""
    return url.host.lower() if url.scheme in _SCHEMES else ""


def _reachable(text: str, *, allow_private: bool) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    # Link-local is where clouds keep their machines' credentials: never, private or not.
    if address.is_multicast or address.is_unspecified or address.is_link_local:
        return False
    return address.is_global or allow_private
