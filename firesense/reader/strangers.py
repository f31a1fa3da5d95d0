"""Frames of devices nobody registered, and of those that only their payload names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from firesense.domain.frame import Reason
from firesense.reader.lane import distinct, read_lane

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from firesense.domain.columns import Rows
    from firesense.domain.decoded import Decoded
    from firesense.normalise import Normalised
    from firesense.reader.lane import Lane
    from firesense.reader.work import StrangerFire, Work


class Strangers:
    """Frames on topics that several profiles may share, none of whose devices is known by its topic."""

    def __init__(self, work: Work, lanes: Sequence[Lane], rows: Rows) -> None:
        self._work = work
        self._lanes = lanes
        self._rows = rows
        self._seen: dict[int, tuple[str, str]] = {}  # profile and device, of the first profile that can read it
        self._why: dict[int, tuple[Reason, str, str]] = {}  # what the first profile that cannot read it says
        self._fires: dict[int, StrangerFire] = {}
        self._doubtful: dict[int, StrangerFire] = {}  # by an unlisted value, or in a frame the profile cannot read
        self._denied: set[int] = set()  # frames another profile reads as no fire

    def read(self) -> None:
        """Read the frames whose payload names a registered device; refuse the others, and listen for fire."""
        for lane in self._lanes:
            if lane.device_source:
                self._read_known(lane)
        if not len(self._rows):
            return
        for lane in self._lanes:
            self._look(lane)
        for at in self._rows.tolist():
            self._refuse(at)

    def _read_known(self, lane: Lane) -> None:
        rows, work = self._rows, self._work
        decoded = lane.decoder.decode(work.payloads(rows))
        broken = rows[np.array([bad.at for bad in decoded.bad], dtype=np.intp)]
        names: dict[int, str] = {}
        for given, read in ((broken, lane.decoder.salvage(work.payloads(broken))), (rows, decoded)):
            names |= {int(given[index]): name for index, name in lane.named(read).items()}
        known = [at for at in rows.tolist() if names.get(at) in lane.slots]
        if known:
            slots = np.array([lane.slots[names[at]] for at in known], dtype=np.int32)
            read_lane(work, lane, np.array(known), slots, names)
            self._rows = np.setdiff1d(rows, known)

    def _look(self, lane: Lane) -> None:
        """See what a profile makes of the frames, whole ones and broken ones."""
        rows, work = self._rows, self._work
        decoded = lane.decoder.decode(work.payloads(rows))
        normalised = lane.normalise(work, decoded, rows, np.zeros(len(rows), dtype=np.int32))
        refused = decoded.bad + normalised.bad
        for index, reason, detail in refused:
            self._why.setdefault(int(rows[index]), (reason, detail, lane.profile.id))
        names = self._names(lane, decoded, rows)
        for at in rows[distinct(normalised.frame)].tolist():
            self._seen.setdefault(at, (lane.profile.id, names[at]))
        self._denied.update(rows[normalised.frame[lane.normaliser.denies_fire(normalised.readings)]].tolist())
        self._listen(lane, normalised, rows, names)
        broken = rows[work.broken(refused, rows)]
        if len(broken):
            decoded = lane.decoder.salvage(work.payloads(broken))
            normalised = lane.salvage(work, decoded, broken, np.zeros(len(broken), dtype=np.int32))
            self._listen(lane, normalised, broken, self._names(lane, decoded, broken), whole=False)

    def _names(self, lane: Lane, decoded: Decoded, rows: Rows) -> dict[int, str]:
        """Give the name of the device of each decoded frame, "" where it has none."""
        if lane.device_source:
            named = lane.named(decoded)
            return {int(rows[index]): named.get(index, "") for index in decoded.frame.tolist()}
        return {at: lane.match(self._work.batch.topics[at]) or "" for at in rows[distinct(decoded.frame)].tolist()}

    def _listen(
        self,
        lane: Lane,
        normalised: Normalised,
        rows: Rows,
        names: Mapping[int, str],
        *,
        whole: bool = True,
    ) -> None:
        readings, frame = normalised.readings, normalised.frame
        for row in np.flatnonzero(lane.normaliser.says_fire(readings)).tolist():
            guessed = normalised.guessed[row]
            if guessed and not whole:
                continue  # neither the frame nor the flag fits this profile: it is another model's
            at = int(rows[frame[row]])
            fires = self._fires if whole and not guessed else self._doubtful
            fires.setdefault(at, self._work.fire(at, lane.profile.id, names[at], int(readings.event_at[row])))

    def _refuse(self, at: int) -> None:
        work, topic = self._work, self._work.batch.topics[at]
        fire = self._fires.get(at) or (None if at in self._denied else self._doubtful.get(at))
        if fire is not None:
            work.strangers.append(fire)
        seen = (fire.profile, fire.external_id) if fire is not None else self._seen.get(at)
        if seen is not None:
            detail = "not registered" if seen[1] else "the payload does not name its device"
            if at not in self._seen:
                detail += f", and no profile can read all of it: {self._why[at][1]}"
            work.refuse(at, Reason.UNKNOWN_DEVICE, detail, *seen)
            return
        by_topic = next((name for lane in self._lanes if (name := lane.match(topic))), "")
        reason, detail, profile = self._why[at]
        if by_topic:
            work.refuse(at, Reason.UNKNOWN_DEVICE, f"and no profile can read it: {detail}", "", by_topic)
        else:
            work.refuse(at, reason, detail, profile)
