"""How often a line may be used: a telephone number, a robot, an account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from firesense.domain.instant import micros

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import timedelta

    from firesense.domain.instant import Instant


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``most`` messages in any stretch of ``per``; the last ``kept`` of them only for what is urgent."""

    most: int
    per: timedelta
    kept: int = 0


def free_at(limits: Iterable[Limit], spent: Sequence[Instant], now: Instant, *, urgent: bool) -> Instant | None:
    """Say when the line may be used next, by when it was used, oldest first; None when it may be used now.

    What was used after ``now`` is left out: a clock that was put back must not lock anybody out.
    """
    latest: Instant | None = None
    for limit in limits:
        allowed = limit.most if urgent else limit.most - limit.kept
        used = [at for at in spent if now - micros(limit.per) < at <= now]
        if len(used) >= allowed:
            free = (used[len(used) - allowed] if allowed > 0 else now) + micros(limit.per)
            latest = free if latest is None else max(latest, free)
    return latest
