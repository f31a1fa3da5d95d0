"""Whether the streets of this process move, and what systemd is told of it (sd_notify(3)).

Without systemd nothing is told.
"""

from __future__ import annotations

import os
import socket
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from firesense.ingest import IngestStatus


class Turns:
    """A counter for a loop that has none of its own."""

    def __init__(self) -> None:
        self._count = 0

    def add(self) -> None:
        """Count a turn."""
        self._count += 1

    def __call__(self) -> int:
        """How many turns there were."""
        return self._count


class IngestTurns:
    """Ingest moves when it appends; with nothing to append it moves as well, for it is its own loop that asks."""

    def __init__(self, status: IngestStatus) -> None:
        self._status = status
        self._asked = 0

    def __call__(self) -> int:
        """A number that stays the same only while frames wait to be appended."""
        if not self._status.busy:
            self._asked += 1
        return self._status.turns + self._asked


class Pulse:
    """Watches a counter of each street that grows with every turn of its loop; times are monotonic seconds."""

    def __init__(self, turns: Mapping[str, Callable[[], int]], now: float) -> None:
        self._turns = turns
        self._seen = {name: (count(), now) for name, count in turns.items()}

    def look(self, now: float) -> None:
        """See which streets have moved since the last look."""
        for name, count in self._turns.items():
            if (turns := count()) != self._seen[name][0]:
                self._seen[name] = (turns, now)

    def moved_since(self, then: float) -> bool:
        """Whether every street has moved after that moment."""
        return all(at > then for _, at in self._seen.values())

    def still(self, now: float) -> dict[str, float]:
        """For how many seconds each street has not moved."""
        return {name: now - at for name, (_, at) in self._seen.items()}


def tell_systemd(state: str) -> None:
    """Send one line of the protocol to the socket systemd named, if there is one."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):  # an abstract socket
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.connect(address)
        line.sendall(state.encode())


def watchdog_interval() -> timedelta | None:
    """How often systemd wants to hear WATCHDOG=1: half of what it would wait; None when it does not wait."""
    wait = os.environ.get("WATCHDOG_USEC", "")
    if not wait.isdigit() or os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    return timedelta(microseconds=int(wait)) / 2
