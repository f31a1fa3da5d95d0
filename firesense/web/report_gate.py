"""How many reports came lately, and how many looks at receipts: what the open form stands behind."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from firesense.web.attempts import Attempts, address_key

if TYPE_CHECKING:
    from datetime import timedelta

    from firesense.domain.hazard import ReportLimits
    from firesense.domain.instant import Instant

_OF_USER = 60  # reports of one log-in for each such stretch: more than anybody finds on a round
_LOOKS = 60  # at receipts, for each stretch of the limits' ``within``: numbers cannot be guessed at that rate


class ReportGate:
    """Counts tries by address or log-in, reports by place, looks by address: in memory, for the console's loop alone.

    Somebody who is logged in has a count of their own and fills no place's: strangers cannot shut the form for them.
    """

    def __init__(self, limits: ReportLimits) -> None:
        self.limits = limits
        self._of_address = Attempts(limits.per_address, limits.within)
        self._of_user = Attempts(_OF_USER, limits.within)
        self._of_place = Attempts(limits.per_place, limits.within)
        self._looks = Attempts(_LOOKS, limits.within)

    def enter(self, address: str, who: str, now: Instant) -> int:
        """Count a try, whatever becomes of it; gives the seconds to wait when there were too many.

        ``who`` is the log-in, empty for somebody who has none.
        """
        tries, sender = (self._of_user, who) if who else (self._of_address, address_key(address))
        wait = tries.wait(sender, now)
        if not wait:
            tries.count(sender, now)
        return _seconds(wait)

    def count(self, place: str, now: Instant) -> int:
        """Count a stranger's report for a place; gives the seconds to wait when there were too many."""
        wait = self._of_place.wait(place, now)
        if not wait:
            self._of_place.count(place, now)
        return _seconds(wait)

    def look(self, address: str, now: Instant) -> int:
        """Count a look at a receipt; gives the seconds to wait when there were too many."""
        source = address_key(address)
        wait = self._looks.wait(source, now)
        if not wait:
            self._looks.count(source, now)
        return _seconds(wait)


class ReportGates:
    """The gate under the limits in force: when these change, another one that counts anew."""

    def __init__(self) -> None:
        self._gate: ReportGate | None = None

    def under(self, limits: ReportLimits) -> ReportGate:
        """Give the gate with these limits."""
        if self._gate is None or self._gate.limits != limits:
            self._gate = ReportGate(limits)
        return self._gate


def _seconds(wait: timedelta) -> int:
    return math.ceil(wait.total_seconds())
