"""The reader: batches of frames in, tables of readings and refusals out. It holds nothing that must survive."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import blake2b
from itertools import repeat
from typing import TYPE_CHECKING

import numpy as np

from firesense.decode import DECODERS
from firesense.domain.frame import Marks, Reason, Refusal
from firesense.domain.readings import Quality
from firesense.normalise import Normaliser
from firesense.reader.repeats import Repeats
from firesense.reader.topics import patterns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from firesense.domain.columns import Flags, Instants, Mask, Offsets, Rows, Slots
    from firesense.domain.decoded import BadFrame, Decoded
    from firesense.domain.device import Registry
    from firesense.domain.frame import FrameBatch
    from firesense.domain.instant import Instant
    from firesense.domain.profile import Profile
    from firesense.domain.readings import Readings
    from firesense.normalise import Normalised

MAX_PAYLOAD = 262_144  # bytes; far above any sensor's frame, far below what would make one batch a burden
LATE_AFTER = timedelta(minutes=10)
FUTURE_TOLERANCE = timedelta(minutes=5)
LONGEST_NAME = 128  # characters; of a device's id or a topic where people read it. Any device's own id is far shorter

_UNSURE = (Marks.DAMAGED | Marks.LOST).value
_OWN_TIME = (Quality.OWN_TIME_MISSING | Quality.CLOCK_WRONG).value

# What a topic means, as one number: a profile's place in the list << 32 | the device's slot, or one of these.
_NOT_CACHED = -1
_UNKNOWN_TOPIC = -2
_SERVICE_TOPIC = -3
_ASK_PAYLOAD = -4  # an unknown device, or one the payload names
_DONE = -5
_SLOT_BITS = 32
_FEWEST_CACHED = 65_536
_LONGEST_CACHED = 1024  # characters of a topic that is remembered: MQTT allows 64 KiB of them


@dataclass(frozen=True, slots=True)
class StrangerFire:
    """A fire flag from a device nobody registered: it must reach the root post all the same.

    ``external_id`` and ``topic`` have at most LONGEST_NAME characters.
    """

    external_id: str
    topic: str
    profile: str
    event_at: Instant
    received_at: Instant
    offset: int


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """What came of a batch: every frame is in exactly one of tables, refusals and duplicates.

    Each of ``tables`` is of one profile, its rows in the order of their frames; ``recorded`` counts the frames in them.
    Frames in a row that the journal has lost are one refusal (see its ``more``). A frame in ``strangers`` or
    ``salvaged`` is in ``refusals`` too: ``salvaged`` has the signals that could be read of refused frames of registered
    devices that say fire, for whoever judges and not for the history. ``refusals`` are in the order of their offsets;
    the ids in them have at most LONGEST_NAME characters.
    """

    tables: list[Readings] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    duplicate_offsets: Offsets = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    strangers: list[StrangerFire] = field(default_factory=list)
    recorded: int = 0
    salvaged: list[Readings] = field(default_factory=list)

    @property
    def judged(self) -> list[Readings]:
        """All that rules are to be asked of, in this order: a whole frame has the last word on its device."""
        return self.salvaged + self.tables

    @property
    def duplicates(self) -> int:
        """How many frames had been read before."""
        return len(self.duplicate_offsets)


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
    ) -> None:
        """Compile the profiles. Raises ValueError for one that ``profiles`` would not have let through."""
        self._max_payload = max_payload
        self._lanes = [
            _Lane(profiles[name], registry, late_after=late_after, future_tolerance=future_tolerance)
            for name in sorted(profiles)
        ]
        self._routes: dict[str, int] = {}
        self._most_routes = max(_FEWEST_CACHED, 4 * len(registry))

    def read(self, batch: FrameBatch) -> Read:
        """Read a batch that the journal has numbered. Never raises for what is in a frame."""
        work = _Work(batch)
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
            rows = np.flatnonzero(lanes == number)
            _read_lane(work, self._lanes[number], rows, (codes[rows] & (2**_SLOT_BITS - 1)).astype(np.int32))
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

    def _refuse_oversized(self, work: _Work, codes: Offsets) -> None:
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

    def _read_cold(self, work: _Work, codes: Offsets) -> None:
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
            lanes = [self._lanes[number] for number in candidates]
            _Strangers(work, lanes, np.array(rows)).read()


class _Lane:
    """One profile, ready to read: its patterns, decoder, normaliser, devices, and the last frame of each."""

    def __init__(
        self, profile: Profile, registry: Registry, *, late_after: timedelta, future_tolerance: timedelta
    ) -> None:
        self.profile = profile
        self.patterns = patterns(profile)
        self.device_source = profile.device_source
        self.decoder = DECODERS[profile.dialect](profile)
        self.normaliser = Normaliser(profile, late_after=late_after, future_tolerance=future_tolerance)
        self.slots = registry.slots_of_profile(profile.id)
        self.repeats = Repeats(registry.size(profile.device_class)) if profile.time is not None else None

    def match(self, topic: str) -> str | None:
        for pattern in self.patterns:
            external_id = pattern.match(topic)
            if external_id is not None:
                return external_id
        return None

    def may_read(self, topic: str) -> bool:
        external_id = self.match(topic)
        return external_id is not None and self.decoder.is_device(external_id)

    def named(self, decoded: Decoded) -> dict[int, str]:
        """Say which device each payload names, where the payload does."""
        names = zip(decoded.frame.tolist(), decoded.texts[self.device_source], strict=True)
        return {at: str(name) for at, name in names if name is not None}


class _Work:
    """One batch on its way through the reader."""

    def __init__(self, batch: FrameBatch) -> None:
        self.batch = batch
        self.offsets = batch.offsets
        retained = (batch.marks & Marks.RETAINED.value != 0) * np.uint16(Quality.RETAINED)
        replayed = (batch.marks & Marks.REPLAYED.value != 0) * np.uint16(Quality.REPLAYED)
        self.quality: Flags = retained | replayed
        self.tables: list[Readings] = []
        self.refusals: list[Refusal] = []
        self.duplicates: list[Rows] = []
        self.strangers: list[StrangerFire] = []
        self.salvaged: list[Readings] = []
        self.recorded = 0

    def payloads(self, rows: Rows) -> Sequence[bytes]:
        if len(rows) == len(self.batch):
            return self.batch.payloads
        payloads = self.batch.payloads
        return [payloads[at] for at in rows.tolist()]

    def normalise(self, lane: _Lane, decoded: Decoded, rows: Rows, slots: Slots) -> Normalised:
        received_at: Instants = self.batch.received_at[rows]
        return lane.normaliser.normalise(decoded, slots, received_at, self.offsets[rows], self.quality[rows])

    def salvage(self, lane: _Lane, decoded: Decoded, rows: Rows, slots: Slots) -> Normalised:
        received_at: Instants = self.batch.received_at[rows]
        return lane.normaliser.salvage(decoded, slots, received_at, self.offsets[rows], self.quality[rows])

    def broken(self, refused: Sequence[BadFrame], rows: Rows) -> Rows:
        """Pick the refused frames that may hold a fire flag; what was put back was heard when it came first."""
        found: Rows = np.array(sorted({at for at, reason, _ in refused if reason is not Reason.EMPTY}), dtype=np.intp)
        fresh: Mask = self.quality[rows[found]] & Quality.REPLAYED.value == 0
        return found[fresh]

    def refuse(
        self, at: int, reason: Reason, detail: str, profile: str = "", external_id: str = "", *, more: int = 0
    ) -> None:
        batch = self.batch
        self.refusals.append(
            Refusal(
                int(self.offsets[at]),
                batch.source,
                batch.topics[at],
                batch.payloads[at],
                int(batch.received_at[at]),
                reason,
                detail,
                profile,
                _short(external_id),
                more,
            )
        )

    def fire(self, at: int, lane: _Lane, external_id: str, event_at: Instant) -> StrangerFire:
        topic, received_at = _short(self.batch.topics[at]), int(self.batch.received_at[at])
        return StrangerFire(_short(external_id), topic, lane.profile.id, event_at, received_at, int(self.offsets[at]))

    def result(self) -> Read:
        repeated = np.sort(np.concatenate(self.duplicates)) if self.duplicates else np.empty(0, dtype=np.intp)
        return Read(
            self.tables,
            sorted(self.refusals, key=lambda refusal: refusal.offset),
            self.offsets[repeated],
            self.strangers,
            self.recorded,
            self.salvaged,
        )


def _short(name: str) -> str:
    """Cut a name that people will read; two that differ stay different."""
    if len(name) <= LONGEST_NAME:
        return name
    digest = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return f"{name[: LONGEST_NAME - len(digest) - 1]}…{digest}"


def _refuse_unsure(work: _Work, codes: Offsets) -> None:
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


def _read_lane(work: _Work, lane: _Lane, rows: Rows, slots: Slots, names: Mapping[int, str] | None = None) -> None:
    """Read the frames of one profile whose devices are known; ``names`` where their payloads name them."""
    payloads = work.payloads(rows)
    decoded = lane.decoder.decode(payloads)
    readings, frame, bad, _ = work.normalise(lane, decoded, rows, slots)
    if refused := decoded.bad + bad:
        _refuse_unreadable(work, lane, rows, slots, refused, names)
    kept = _distinct(frame)
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
    work: _Work, lane: _Lane, rows: Rows, slots: Slots, refused: Sequence[BadFrame], names: Mapping[int, str] | None
) -> None:
    """Refuse frames of registered devices, and hand on a fire flag in them: somebody must be called all the same."""
    for index, reason, detail in refused:
        at = int(rows[index])
        external_id = names[at] if names is not None else lane.match(work.batch.topics[at]) or ""
        work.refuse(at, reason, detail, lane.profile.id, external_id)
    broken = work.broken(refused, rows)
    if len(broken):
        decoded = lane.decoder.salvage(work.payloads(rows[broken]))
        readings = work.salvage(lane, decoded, rows[broken], slots[broken]).readings
        if len(readings):
            work.salvaged.append(readings)


def _distinct(frame: Rows) -> Rows:
    """Give each frame once; rows of one frame stand together."""
    first = np.append(True, frame[1:] != frame[:-1])[: len(frame)]
    return np.compress(first, frame)


class _Strangers:
    """Frames on topics that several profiles may share, none of whose devices is known by its topic."""

    def __init__(self, work: _Work, lanes: Sequence[_Lane], rows: Rows) -> None:
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

    def _read_known(self, lane: _Lane) -> None:
        rows, work = self._rows, self._work
        decoded = lane.decoder.decode(work.payloads(rows))
        broken = rows[np.array([bad.at for bad in decoded.bad], dtype=np.intp)]
        names: dict[int, str] = {}
        for given, read in ((broken, lane.decoder.salvage(work.payloads(broken))), (rows, decoded)):
            names |= {int(given[index]): name for index, name in lane.named(read).items()}
        known = [at for at in rows.tolist() if names.get(at) in lane.slots]
        if known:
            slots = np.array([lane.slots[names[at]] for at in known], dtype=np.int32)
            _read_lane(work, lane, np.array(known), slots, names)
            self._rows = np.setdiff1d(rows, known)

    def _look(self, lane: _Lane) -> None:
        """See what a profile makes of the frames, whole ones and broken ones."""
        rows, work = self._rows, self._work
        decoded = lane.decoder.decode(work.payloads(rows))
        normalised = work.normalise(lane, decoded, rows, np.zeros(len(rows), dtype=np.int32))
        refused = decoded.bad + normalised.bad
        for index, reason, detail in refused:
            self._why.setdefault(int(rows[index]), (reason, detail, lane.profile.id))
        names = self._names(lane, decoded, rows)
        for at in rows[_distinct(normalised.frame)].tolist():
            self._seen.setdefault(at, (lane.profile.id, names[at]))
        self._denied.update(rows[normalised.frame[lane.normaliser.denies_fire(normalised.readings)]].tolist())
        self._listen(lane, normalised, rows, names)
        broken = rows[work.broken(refused, rows)]
        if len(broken):
            decoded = lane.decoder.salvage(work.payloads(broken))
            normalised = work.salvage(lane, decoded, broken, np.zeros(len(broken), dtype=np.int32))
            self._listen(lane, normalised, broken, self._names(lane, decoded, broken), whole=False)

    def _names(self, lane: _Lane, decoded: Decoded, rows: Rows) -> dict[int, str]:
        """Give the name of the device of each decoded frame, "" where it has none."""
        if lane.device_source:
            named = lane.named(decoded)
            return {int(rows[index]): named.get(index, "") for index in decoded.frame.tolist()}
        return {at: lane.match(self._work.batch.topics[at]) or "" for at in rows[_distinct(decoded.frame)].tolist()}

    def _listen(
        self,
        lane: _Lane,
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
            fires.setdefault(at, self._work.fire(at, lane, names[at], int(readings.event_at[row])))

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
