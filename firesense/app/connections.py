"""The open connections of the console: how many there may be, and how long each may keep us waiting.

A visitor costs a file descriptor before saying who he is, and descriptors are what the book and the journal need, too.
uvicorn knows neither a limit nor a patience of its own, so both are kept here:

- when there are as many connections as may be (in all, or of one address), whoever has said nothing for longest goes,
  and the newcomer, who is likelier to ask something, gets the place;
- who does not come to the point, or does not take the answer, is cut off.
"""

from __future__ import annotations

import math
import resource
from collections import Counter, defaultdict
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

import h11
import structlog
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.h11_impl import H11Protocol

from firesense.web.attempts import address_key

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterable

    from uvicorn import Config

MOST = 512
MOST_OF_ADDRESS = 64  # an office behind one address: a browser opens six at most
# New connections taken in one turn of the loop; those of about four turns are open before any of them can be refused.
BACKLOG = 32
_DESCRIPTORS_SHARE = 3  # of the descriptors this process may have, a third: the stores and the broker come first
_SAY_AGAIN = 60.0  # seconds between two lines of the log about the same trouble

_log = structlog.get_logger(__name__)


class Phase(Enum):
    """What a connection is doing."""

    ASKING = "no request is complete to its last header"
    SENDING = "its body is on the way"
    ANSWERED = "it waits for us"
    TAKING = "it does not read what we send, as far as the kernel's buffers do not hold it"
    LEAVING = "it is closed, with something still to be read"


# Seconds. Who waits for us may wait: an event stream, for hours.
_PATIENCE = {Phase.ASKING: 10.0, Phase.SENDING: 30.0, Phase.TAKING: 30.0, Phase.LEAVING: 10.0}


@dataclass(slots=True)
class _Stay:
    """Since when a connection is in one phase of one request."""

    address: str
    phase: Phase
    request: object
    since: float


class Connections:
    """All connections of one server, on its loop. ``look`` is to be called every now and then."""

    def __init__(self, most: int = MOST, most_of_address: int = MOST_OF_ADDRESS) -> None:
        descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._most = most if descriptors == resource.RLIM_INFINITY else min(most, descriptors // _DESCRIPTORS_SHARE)
        self._most_of_address = most_of_address
        self._stays: dict[Connection, _Stay] = {}  # the oldest first
        self._of_address: defaultdict[str, dict[Connection, None]] = defaultdict(dict)
        self._proxies: Any = ()
        self._now = 0.0
        self._turned_away = 0
        self._accept_failed = 0
        self._said_at: dict[str, float] = {}

    def __len__(self) -> int:
        """Count the connections."""
        return len(self._stays)

    def doing(self) -> Counter[Phase]:
        """Count them by what they are doing."""
        return Counter(connection.phase for connection in list(self._stays))

    def protocol(self, *, config: Config, **given: Any) -> Connection:
        """Make the protocol of a new connection; uvicorn's ``http`` option takes this for a class."""
        if self._proxies == ():
            self._proxies = ProxyHeadersMiddleware(config.loaded_app, config.forwarded_allow_ips).trusted_hosts
        return Connection(self, config=config, **given)

    def arrived(self, newcomer: Connection, host: str) -> None:
        """Take in a connection. A proxy's count only in all: whom it forwards for, we do not know yet."""
        address = address_key(host)
        forwards = host in self._proxies
        mates = self._of_address[address]
        self._stays[newcomer] = _Stay(address, Phase.ASKING, None, self._now)
        mates[newcomer] = None
        if not forwards and len(mates) > self._most_of_address:
            self._make_room(mates)
        elif len(self._stays) > self._most:
            self._make_room(self._stays)

    def gone(self, connection: Connection) -> None:
        """Forget a connection."""
        stay = self._stays.pop(connection, None)
        if stay is not None:
            mates = self._of_address[stay.address]
            mates.pop(connection, None)
            if not mates:
                del self._of_address[stay.address]

    def look(self, now: float) -> None:
        """Cut off who has been at one thing for too long; ``now`` is monotonic, in seconds."""
        self._now = now
        for connection, stay in list(self._stays.items()):
            phase, request = connection.phase, connection.cycle
            if phase is not stay.phase or request is not stay.request:
                stay.phase, stay.request, stay.since = phase, request, now
            elif now - stay.since >= _PATIENCE.get(phase, math.inf):
                self._cut_off(connection)
        if self._turned_away and self._may_say("full"):
            _log.warning("console.full", most=self._most, most_of_address=self._most_of_address, cut=self._turned_away)
            self._turned_away = 0

    def cut_off_all(self) -> None:
        """Cut everybody off."""
        for connection in list(self._stays):
            self._cut_off(connection)

    def heard_trouble(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Handle what the loop has to say: of connections that cannot be taken, once a minute instead of at each."""
        error = context.get("exception")
        if not isinstance(error, OSError) or "accept" not in str(context.get("message")):
            loop.default_exception_handler(context)
            return
        self._accept_failed += 1
        if self._may_say("accept"):
            _log.error("console.deaf", error=str(error), times=self._accept_failed)
            self._accept_failed = 0

    def _make_room(self, among: Iterable[Connection]) -> None:
        """Cut off the one that has waited longest with nothing asked, or whoever came last."""
        cut = None
        for cut in among:
            if cut.phase is not Phase.ANSWERED:
                break
        if cut is not None:
            self._turned_away += 1
            self._cut_off(cut)

    def _cut_off(self, connection: Connection) -> None:
        self.gone(connection)
        connection.transport.abort()  # close() would wait for the other side to take what is left

    def _may_say(self, what: str) -> bool:
        if self._now - self._said_at.get(what, -math.inf) < _SAY_AGAIN:
            return False
        self._said_at[what] = self._now
        return True


class Connection(H11Protocol):
    """uvicorn's connection, which here tells that it is there, and what it is doing."""

    def __init__(self, connections: Connections, *, config: Config, **given: Any) -> None:
        super().__init__(config, **given)
        self._all = connections

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn does
        """Begin."""
        super().connection_made(transport)
        self._all.arrived(self, self.client[0] if self.client else "")

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._all.gone(self)
        super().connection_lost(exc)

    @property
    def phase(self) -> Phase:
        """What is being waited for."""
        if self.transport.is_closing():
            return Phase.LEAVING
        if self.flow.write_paused:
            return Phase.TAKING
        if self.conn.their_state is h11.IDLE:
            return Phase.ASKING
        return Phase.SENDING if self.conn.their_state is h11.SEND_BODY else Phase.ANSWERED
