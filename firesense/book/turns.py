"""Whose turn it is to write: one thread at a time, people before the streets."""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Turns:
    """A lock that is handed over to whoever has waited longest, and to people first.

    One of the threading module goes to whoever comes first once it is free, and that is the thread that had it: a
    street with many transactions to write would keep an officer waiting for all of them. Between two people a street
    that waits has its turn, or a crowd at the desk would hold up a fire.
    """

    def __init__(self) -> None:
        self._lock = Lock()  # of what is below
        self._taken = False
        self._people: deque[Lock] = deque()
        self._streets: deque[Lock] = deque()

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return len(self._people) + len(self._streets)

    @contextmanager
    def turn(self, *, person: bool = False) -> Iterator[None]:
        """Wait for the turn, and hand it over at the end."""
        self._wait(self._people if person else self._streets)
        try:
            yield
        finally:
            self._hand_over(after_a_person=person)

    def _wait(self, mates: deque[Lock]) -> None:
        with self._lock:
            if not self._taken:
                self._taken = True
                return
            mine = Lock()
            mine.acquire()
            mates.append(mine)
        mine.acquire()  # until it is handed over

    def _hand_over(self, *, after_a_person: bool) -> None:
        with self._lock:
            first, second = (self._streets, self._people) if after_a_person else (self._people, self._streets)
            if first or second:
                (first or second).popleft().release()
            else:
                self._taken = False
