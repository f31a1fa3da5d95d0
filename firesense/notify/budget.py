"""How many messages a service takes in a minute, and how long it wants to be left alone."""

from __future__ import annotations

from collections import deque
from datetime import timedelta
from typing import TYPE_CHECKING

from firesense.domain.errors import ChannelBusy
from firesense.domain.instant import MINUTE, micros

if TYPE_CHECKING:
    from firesense.domain.instant import Instant
    from firesense.ports import Clock


class Budget:
    """A window of one minute. The last quarter of it is kept for what is urgent, so that fire never queues behind."""

    def __init__(self, clock: Clock, per_minute: int) -> None:
        self._clock = clock
        self._most = per_minute
        self._calm = per_minute - per_minute // 4
        self._spent: deque[Instant] = deque()
        self._blocked: tuple[Instant, Instant] = (0, 0)

    def spend(self, *, urgent: bool) -> None:
        """Take a place in this minute; raises ChannelBusy, saying when the next one comes free, when there is none."""
        now = self._clock.now()
        since, until = self._blocked
        if since <= now < until:  # a clock put back must not lock us out
            raise ChannelBusy("the service limits our rate", timedelta(microseconds=until - now))
        while self._spent and not now - MINUTE < self._spent[0] <= now:  # nor here
            self._spent.popleft()
        most = self._most if urgent else self._calm
        if len(self._spent) >= most:
            free_at = self._spent[len(self._spent) - most] + MINUTE
            raise ChannelBusy("this minute's messages are used up", timedelta(microseconds=free_at - now))
        self._spent.append(now)

    def block(self, duration: timedelta) -> None:
        """Leave the service alone for so long: it said so."""
        now = self._clock.now()
        self._blocked = now, now + micros(duration)
