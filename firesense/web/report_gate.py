"""How many reports came lately, and how many looks at receipts: what the open form stands behind."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from firesense.web.attempts import Attempts, address_key

if TYPE_CHECKING:
    from datetime import timedelta

    from firesense.domain.hazard import ReportLimits
    from firesense.domain.instant import Instant

_LOOKS = 60  # at receipts, for each stretch of the limits' ``within``: numbers cannot be guessed at that rate


class ReportGate:
    """Counts reports by address and by place, and looks by address, in memory alone; for the console's loop alone."""

    def __init__(self, limits: ReportLimits) -> None:
        self.limits = limits
        self._of_address = Attempts(limits.per_address, limits.within)
        self._of_place = Attempts(limits.per_place, limits.within)
        self._looks = Attempts(_LOOKS, limits.within)

    def wait(self, address: str, now: Instant) -> int:
        """Say how many seconds an address has to wait before it may report again; 0 when it may now."""
        return _seconds(self._of_address.wait(address_key(address), now))

    def count(self, address: str, place: str, now: Instant) -> int:
        """Count a report; gives the seconds to wait when there were too many, and counts nothing then."""
        source = address_key(address)
        wait = max(self._of_address.wait(source, now), self._of_place.wait(place, now))
        if not wait:
            self._of_address.count(source, now)
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
