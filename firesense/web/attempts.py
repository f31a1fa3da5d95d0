"""How often something was tried lately, by key, in bounded memory."""

from __future__ import annotations

from collections import OrderedDict, deque
from datetime import timedelta
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING

from firesense.domain.instant import micros

if TYPE_CHECKING:
    from firesense.domain.instant import Instant

_ZERO = timedelta()
_IPV6_NETWORK_BITS = 64  # one subscriber owns at least this much of the address (RFC 6177), so it counts as one


class Attempts:
    """At most ``most`` attempts per key in any stretch of ``per``; not for use from several threads.

    Only the ``keys`` keys used last are remembered: somebody who can speak from more addresses than that is a matter
    for the network, not for this counter.
    """

    def __init__(self, most: int, per: timedelta, keys: int = 10_000) -> None:
        self._most = most
        self._per = micros(per)
        self._keys = keys
        self._tried: OrderedDict[str, deque[Instant]] = OrderedDict()

    def __len__(self) -> int:
        """Count the keys remembered."""
        return len(self._tried)

    def wait(self, key: str, now: Instant) -> timedelta:
        """Say how long until this key may try again; zero when it may now."""
        tried = self._tried.get(key)
        if tried is None or len(tried) < self._most:
            return _ZERO
        return max(_ZERO, timedelta(microseconds=tried[0] + self._per - now))

    def count(self, key: str, now: Instant) -> None:
        """Remember an attempt."""
        tried = self._tried.setdefault(key, deque(maxlen=self._most))
        tried.append(now)
        self._tried.move_to_end(key)
        while len(self._tried) > self._keys:
            self._tried.popitem(last=False)

    def forgive(self, key: str) -> None:
        """Take the latest attempt of a key back: it was a good one."""
        tried = self._tried.get(key)
        if tried:
            tried.pop()


def address_key(address: str) -> str:
    """Name whoever speaks from an address: an IPv4 address, an IPv6 network, or the text itself if it is neither."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    if not isinstance(ip, IPv6Address):
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return f"{int(ip) >> (128 - _IPV6_NETWORK_BITS):x}::"
