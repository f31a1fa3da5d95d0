"""When a reading happened: the device's own time where it can be believed, else the time it was received."""

from __future__ import annotations

from datetime import UTC, datetime
from operator import itemgetter
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from firesense.domain.instant import instant, micros
from firesense.domain.profile import TimeFormat
from firesense.domain.readings import Quality

if TYPE_CHECKING:
    from datetime import timedelta

    from firesense.domain.columns import Flags, Instants, Mask
    from firesense.domain.decoded import Decoded, Texts
    from firesense.domain.profile import Scalar, TimeSpec

EARLIEST = instant(datetime(2020, 1, 1, tzinfo=UTC))
"""No device we read was working before; an unset clock says 1970 or 2000."""

_FURTHEST = 9e15  # microseconds, in 2255: a float64 is exact up to here, and anything later is a wrong clock anyway
_SHORTEST = len("20260102T0304")  # a date alone is no instant
_UNIFORM_SHORTEST = len("2026-01-02T03:04:05Z")
_TO_MICROSECONDS = len("2026-01-02T03:04:05.678901")


class EventTimes:
    """The time policy of one profile."""

    def __init__(self, spec: TimeSpec | None, *, late_after: timedelta, future_tolerance: timedelta) -> None:
        """Look the zone up; raises ZoneInfoNotFoundError or ValueError when there is none of that name."""
        self._spec = spec
        self._zone = ZoneInfo(spec.zone) if spec is not None and spec.zone else None
        self._late_after = micros(late_after)
        self._future_tolerance = micros(future_tolerance)
        self.complaint = ""
        if spec is not None:
            zone = "" if spec.zone else ", and with its zone"
            self.complaint = f"{spec.source} is not a time as {spec.pattern or spec.format} writes it{zone}"

    def read(self, decoded: Decoded, received_at: Instants, quality: Flags) -> tuple[Instants, Mask | None]:
        """Give each row its event time and mark ``quality``; the mask says which rows' time cannot be read.

        All columns have one element for each row. A row without own time happened when it was received. So did one
        whose clock is wrong; of several records in one frame the newest did, and the others keep their distance to it.
        """
        if self._spec is None:
            quality |= Quality.OWN_TIME_MISSING.value
            return received_at.copy(), None
        own, missing, bad = self._own(self._spec, decoded)
        event_at = np.where(missing, received_at, own)
        wrong = (event_at < EARLIEST) | (event_at > received_at + self._future_tolerance)
        if wrong.any():
            newest = _newest(event_at, decoded)
            wrong = (newest < EARLIEST) | (newest > received_at + self._future_tolerance)
            event_at = np.where(wrong, received_at - (newest - event_at), event_at)
            quality[wrong] |= Quality.CLOCK_WRONG.value
        quality[missing] |= Quality.OWN_TIME_MISSING.value
        quality[event_at < received_at - self._late_after] |= Quality.LATE.value
        return event_at, bad

    def _own(self, spec: TimeSpec, decoded: Decoded) -> tuple[Instants, Mask, Mask | None]:
        """Give the devices' own times, which rows have none, and which cannot be read (None: all can)."""
        if spec.format in {TimeFormat.UNIX_S, TimeFormat.UNIX_MS}:
            column = decoded.numbers[spec.source]
            missing = np.isnan(column)
            scaled = np.where(missing, 0.0, column) * (1e6 if spec.format is TimeFormat.UNIX_S else 1e3)
            return np.rint(np.clip(scaled, -_FURTHEST, _FURTHEST)).astype(np.int64), missing, None
        texts = decoded.texts[spec.source]
        if spec.format is TimeFormat.ISO8601:
            uniform = _uniform_iso(texts)
            if uniform is not None:
                return uniform, np.zeros(len(uniform), dtype=np.bool_), None
        own = np.zeros(len(texts), dtype=np.int64)
        missing, bad = np.zeros(len(texts), dtype=np.bool_), np.zeros(len(texts), dtype=np.bool_)
        for row, text in enumerate(texts):
            at = self._written(spec, text)
            missing[row] = text is None
            bad[row] = at is None and text is not None
            own[row] = at or 0
        return own, missing, bad if bad.any() else None

    def _written(self, spec: TimeSpec, text: Scalar | None) -> int | None:
        """Read one written time; None when it is none, or names no zone and neither does the profile."""
        if not isinstance(text, str):
            return None
        try:
            if spec.format is TimeFormat.PATTERN:
                at = datetime.strptime(text, spec.pattern)  # noqa: DTZ007 - the profile's zone is given below
            elif len(text) < _SHORTEST:
                return None
            else:
                at = datetime.fromisoformat(text)
            return instant(at.replace(tzinfo=self._zone) if at.tzinfo is None else at)
        except (ValueError, OverflowError):
            return None


def _newest(event_at: Instants, decoded: Decoded) -> Instants:
    """Give each row the newest time of its frame."""
    frame = decoded.frame
    starts = np.flatnonzero(np.append(True, frame[1:] != frame[:-1]))
    return np.repeat(np.maximum.reduceat(event_at, starts), np.diff(np.append(starts, len(frame))))


def _uniform_iso(texts: Texts) -> Instants | None:
    """Read times that are all written alike, with the same offset: what a fleet of one model sends.

    None when they are not; then each is read by itself. NumPy reads the part before the offset, cut to microseconds
    as datetime cuts it.
    """
    try:
        written = [text for text in texts if isinstance(text, str)]
        length = len(written[0])
        offset = written[0][-1] if written[0].endswith("Z") else written[0][-6:]
        if (
            len(written) < len(texts)
            or length < _UNIFORM_SHORTEST
            or {length} != set(map(len, written))
            or {offset} != set(map(itemgetter(slice(-len(offset), None)), written))
        ):
            return None
        ahead = datetime.fromisoformat(f"2020-01-01T00:00:00{offset}").utcoffset()
        if ahead is None:
            return None
        bodies = list(map(itemgetter(slice(0, min(length - len(offset), _TO_MICROSECONDS))), written))
        together = "".join(bodies)
        if "Z" in together or "+" in together or together.count("-") != len(bodies) * len("--"):
            return None  # NumPy would warn of a second offset, and knows words for times that are no ISO 8601
        return np.array(bodies, dtype="datetime64[us]").astype(np.int64) - micros(ahead)
    except (TypeError, ValueError, IndexError):
        return None
