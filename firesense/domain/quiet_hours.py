"""Hours of the local day in which people are left alone."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from firesense.domain.instant import instant, moment

if TYPE_CHECKING:
    from datetime import tzinfo

    from firesense.domain.instant import Instant

SPAN = r"^(([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9])?$"
"""How such hours are written: ``22:00-07:00``; they may pass midnight, and empty is never."""


def quiet_until(span: str, now: Instant, zone: tzinfo) -> Instant | None:
    """Say when the quiet hours end that it is in now; None outside of them, and for what is no span."""
    if not span or re.match(SPAN, span) is None:
        return None
    start, end = (time.fromisoformat(part) for part in span.split("-"))
    local = moment(now).astimezone(zone)
    of_day = local.time().replace(tzinfo=None)
    if start < end:
        within, day = start <= of_day < end, local.date()
    else:
        within, day = of_day >= start or of_day < end, local.date() + timedelta(days=of_day >= start)
    return instant(datetime.combine(day, end, zone)) if within else None
