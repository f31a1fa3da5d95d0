"""The reader: batches of frames in, tables of readings and refusals out. It holds nothing that must survive."""

from __future__ import annotations

from datetime import timedelta
from itertools import repeat
from typing import TYPE_CHECKING

import numpy as np

from firesense.domain.frame import Marks, Reason
from firesense.reader.lane import Lane, read_lane
from firesense.reader.strangers import Strangers
from firesense.reader.work import Work

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from firesense.domain.columns import Offsets
    from firesense.domain.device import Registry
    from firesense.domain.frame import FrameBatch
    from firesense.domain.profile import Profile
    from firesense.reader.work import Read

MAX_PAYLOAD = 262_144  # bytes; far above any sensor's frame, far below what would make one batch a burden
LATE_AFTER = timedelta(minutes=10)
FUTURE_TOLERANCE = timedelta(minutes=5)

_UNSURE = (Marks.DAMAGED | Marks.LOST).value

# What a topic means, as one number: a profile's place in the list << 32 | the device's slot, or one of these.
_NOT_CACHED = -1
_UNKNOWN_TOPIC = -2
_SERVICE_TOPIC = -3
_ASK_PAYLOAD = -4  # an unknown device, or one the payload names
_DONE = -5
_SLOT_BITS = 32
_FEWEST_CACHED = 65_536
_LONGEST_CACHED = 1024  # characters of a topic that is remembered: MQTT allows 64 KiB of them


class Reader:
    """Reads frames by a set of profiles and a registry; a change of either makes a new reader.

    Reading the same batch again, with this reader or another, gives the same readings again; only a frame that repeats
    one from before the batch may be recorded where it was a duplicate.
    """

    def __init__(
        self,
        profiles: Mapping[str, Profile],
        registry: Registry,
        *,
        max_payload: int = MAX_PAYLOAD,
        late_after: timedelta = LATE_AFTER,
        future_tolerance: timedelta = FUTURE_TOLERANCE,
        routes: dict[str, int] | None = None,
        only: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        """Compile the profiles. Raises ValueError for one that ``profiles`` would not have let through.

        ``routes`` is where it remembers what topics mean; readers of the same profiles and registry may share one.
        ``only`` names by device class the columns that are read; a frame that says nothing of them is nothing, neither
        recorded nor refused.
        """
        self._max_payload = max_payload
        self._lanes = [
            Lane(
                profiles[name],
                registry,
                late_after=late_after,
                future_tolerance=future_tolerance,
                only=None if only is None else only.get(profiles[name].device_class, ()),
            )
            for name in sorted(profiles)
        ]
        self._routes: dict[str, int] = {} if routes is None else routes
        self._most_routes = max(_FEWEST_CACHED, 4 * len(registry))

    def read(self, batch: FrameBatch) -> Read:
        """Read a batch that the journal has numbered. Never raises for what is in a frame."""
        work = Work(batch)
        codes = np.fromiter(map(self._routes.get, batch.topics, repeat(_NOT_CACHED)), np.int64, len(batch))
        for at in np.flatnonzero(codes == _NOT_CACHED).tolist():
            codes[at] = self._route(batch.topics[at])
        repeated = (batch.marks & (_UNSURE | Marks.REPEATED.value)) == Marks.REPEATED.value
        if repeated.any():
            work.duplicates.append(np.flatnonzero(repeated))
            codes[repeated] = _DONE
        if (batch.marks & _UNSURE).any():
            _refuse_unsure(work, codes)
        self._refuse_oversized(work, codes)
        if (codes < 0).any():
            self._read_cold(work, codes)
        lanes = codes >> _SLOT_BITS
        for number in np.unique(lanes[codes >= 0]).tolist():
            if self._lanes[number].idle:
                continue
            rows = np.flatnonzero(lanes == number)
            read_lane(work, self._lanes[number], rows, (codes[rows] & (2**_SLOT_BITS - 1)).astype(np.int32))
        return work.result()

    def _route(self, topic: str) -> int:
        """Find what a topic means, and remember it."""
        if (known := self._routes.get(topic)) is not None:  # from a frame before it in this batch
            return known
        if len(self._routes) >= self._most_routes:
            self._routes.clear()  # topics come from outside: their memory is bounded, and filled again in one batch
        code = self._resolve(topic)
        if len(topic) <= _LONGEST_CACHED:
            self._routes[topic] = code
        return code

    def _resolve(self, topic: str) -> int:
        code = _UNKNOWN_TOPIC
        for number, lane in enumerate(self._lanes):
            external_id = lane.match(topic)
            if external_id is None:
                continue
            slot = lane.slots.get(external_id)
            if slot is not None and not lane.device_source:
                return number << _SLOT_BITS | slot
            if lane.decoder.is_device(external_id):
                code = _ASK_PAYLOAD
            elif code == _UNKNOWN_TOPIC:
                code = _SERVICE_TOPIC
        return code

    def _refuse_oversized(self, work: Work, codes: Offsets) -> None:
        lengths = np.fromiter(map(len, work.batch.payloads), np.int64, len(codes))
        for at in np.flatnonzero((lengths > self._max_payload) & (codes != _DONE)).tolist():
            detail = f"{lengths[at]} bytes; {self._max_payload} are the most"
            work.refuse(at, Reason.OVERSIZED, detail, *self._first_match(work.batch.topics[at]))
            codes[at] = _DONE

    def _first_match(self, topic: str) -> tuple[str, str]:
        """Give profile and device of the first pattern the topic fits, for a refusal."""
        for lane in self._lanes:
            external_id = lane.match(topic)
            if external_id is not None:
                return lane.profile.id, external_id
        return "", ""

    def _read_cold(self, work: Work, codes: Offsets) -> None:
        """Deal with every frame whose topic does not name a registered device."""
        for at in np.flatnonzero(codes == _UNKNOWN_TOPIC).tolist():
            work.refuse(at, Reason.UNKNOWN_TOPIC, "no profile has a pattern for it")
        for at in np.flatnonzero(codes == _SERVICE_TOPIC).tolist():
            work.refuse(at, Reason.EMPTY, "a service topic of the dialect, not a reading")
        groups: dict[tuple[int, ...], list[int]] = {}
        for at in np.flatnonzero(codes == _ASK_PAYLOAD).tolist():
            topic = work.batch.topics[at]
            candidates = tuple(number for number, lane in enumerate(self._lanes) if lane.may_read(topic))
            groups.setdefault(candidates, []).append(at)
        for candidates, rows in groups.items():
            lanes = [lane for number in candidates if not (lane := self._lanes[number]).idle]
            if lanes:
                Strangers(work, lanes, np.array(rows)).read()


def _refuse_unsure(work: Work, codes: Offsets) -> None:
    """Refuse what the journal no longer vouches for; frames that are gone in a row are one refusal."""
    damaged = work.batch.marks & Marks.DAMAGED.value != 0
    for at in np.flatnonzero(damaged).tolist():
        work.refuse(at, Reason.DAMAGED, "kept for a person to look at: one wrong byte may be in it or near it")
    lost = np.flatnonzero(work.batch.marks & Marks.LOST.value)
    for run in np.split(lost, np.flatnonzero(np.diff(lost) != 1) + 1) if len(lost) else ():
        detail = f"{len(run)} frames in a row can no longer be read"
        work.refuse(int(run[0]), Reason.LOST, detail, more=len(run) - 1)
    codes[damaged] = _DONE
    codes[lost] = _DONE
