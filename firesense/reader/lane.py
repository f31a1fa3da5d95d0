"""One profile, ready to read, and the frames of its registered devices."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from firesense.decode import DECODERS
from firesense.domain.readings import Quality
from firesense.normalise import Normaliser
from firesense.reader.repeats import Repeats
from firesense.reader.topics import patterns

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import timedelta

    from firesense.domain.columns import Instants, Rows, Slots
    from firesense.domain.decoded import BadFrame, Decoded
    from firesense.domain.device import Registry
    from firesense.domain.profile import Profile
    from firesense.normalise import Normalised
    from firesense.reader.work import Work

_OWN_TIME = (Quality.OWN_TIME_MISSING | Quality.CLOCK_WRONG).value


class Lane:
    """One profile, ready to read: its patterns, decoder, normaliser, devices, and the last frame of each."""

    def __init__(
        self,
        profile: Profile,
        registry: Registry,
        *,
        late_after: timedelta,
        future_tolerance: timedelta,
        only: Collection[str] | None = None,
    ) -> None:
        """``only`` are the columns to read; the rest of a frame is skipped, and a repeated one is read again."""
        self.idle = False  # nothing of its frames is to be read
        if only is not None:
            metrics = tuple(spec for spec in profile.metrics if spec.metric in only)
            signals = tuple(spec for spec in profile.signals if spec.signal in only)
            self.idle = not (metrics or signals)
            if not self.idle:
                profile = replace(profile, metrics=metrics, signals=signals)
        self.profile = profile
        self.patterns = patterns(profile)
        self.device_source = profile.device_source
        self.decoder = DECODERS[profile.dialect](profile)
        self.normaliser = Normaliser(
            profile, late_after=late_after, future_tolerance=future_tolerance, refuse_empty=only is None
        )
        self.slots = registry.slots_of_profile(profile.id)
        again = only is None and profile.time is not None
        self.repeats = Repeats(registry.size(profile.device_class)) if again else None

    def match(self, topic: str) -> str | None:
        """Give the device a topic names ("" where the payload does), or None when it is not of this profile."""
        for pattern in self.patterns:
            external_id = pattern.match(topic)
            if external_id is not None:
                return external_id
        return None

    def may_read(self, topic: str) -> bool:
        """Whether frames on a topic may be readings of this profile."""
        external_id = self.match(topic)
        return external_id is not None and self.decoder.is_device(external_id)

    def named(self, decoded: Decoded) -> dict[int, str]:
        """Say which device each payload names, where the payload does."""
        names = zip(decoded.frame.tolist(), decoded.texts[self.device_source], strict=True)
        return {at: str(name) for at, name in names if name is not None}

    def normalise(self, work: Work, decoded: Decoded, rows: Rows, slots: Slots) -> Normalised:
        """Make readings of the decoded frames in these rows of a batch; ``slots`` are their devices."""
        received_at: Instants = work.batch.received_at[rows]
        return self.normaliser.normalise(decoded, slots, received_at, work.offsets[rows], work.quality[rows])

    def salvage(self, work: Work, decoded: Decoded, rows: Rows, slots: Slots) -> Normalised:
        """Make readings of what could be read of refused frames, as far as they say fire."""
        received_at: Instants = work.batch.received_at[rows]
        return self.normaliser.salvage(decoded, slots, received_at, work.offsets[rows], work.quality[rows])


def read_lane(work: Work, lane: Lane, rows: Rows, slots: Slots, names: Mapping[int, str] | None = None) -> None:
    """Read the frames of one profile whose devices are known; ``names`` where their payloads name them."""
    payloads = work.payloads(rows)
    decoded = lane.decoder.decode(payloads)
    readings, frame, bad, _ = lane.normalise(work, decoded, rows, slots)
    if refused := decoded.bad + bad:
        _refuse_unreadable(work, lane, rows, slots, refused, names)
    kept = distinct(frame)
    if lane.repeats is not None and len(kept):
        own_time = np.zeros(len(rows), dtype=np.bool_)
        own_time[frame[readings.quality & _OWN_TIME == 0]] = True
        dated = np.flatnonzero(own_time)
        said = [payloads[index] for index in dated.tolist()]
        again = dated[lane.repeats.find(slots[dated], said, work.offsets[rows[dated]])]
        if len(again):
            work.duplicates.append(rows[again])
            readings = readings.take(~np.isin(frame, again))
            kept = np.setdiff1d(kept, again)
    if len(kept):
        work.tables.append(readings)
        work.recorded += len(kept)


def _refuse_unreadable(
    work: Work, lane: Lane, rows: Rows, slots: Slots, refused: Sequence[BadFrame], names: Mapping[int, str] | None
) -> None:
    """Refuse frames of registered devices, and hand on a fire flag in them: somebody must be called all the same."""
    for index, reason, detail in refused:
        at = int(rows[index])
        external_id = names[at] if names is not None else lane.match(work.batch.topics[at]) or ""
        work.refuse(at, reason, detail, lane.profile.id, external_id)
    broken = work.broken(refused, rows)
    if len(broken):
        decoded = lane.decoder.salvage(work.payloads(rows[broken]))
        readings = lane.salvage(work, decoded, rows[broken], slots[broken]).readings
        if len(readings):
            work.salvaged.append(readings)


def distinct(frame: Rows) -> Rows:
    """Give each frame once; rows of one frame stand together."""
    first = np.append(True, frame[1:] != frame[:-1])[: len(frame)]
    return np.compress(first, frame)
