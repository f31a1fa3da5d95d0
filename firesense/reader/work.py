"""One batch on its way through the reader, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from firesense.domain.frame import Marks, Reason, Refusal
from firesense.domain.readings import Quality

if TYPE_CHECKING:
    from collections.abc import Sequence

    from firesense.domain.columns import Flags, Mask, Offsets, Rows
    from firesense.domain.decoded import BadFrame
    from firesense.domain.frame import FrameBatch
    from firesense.domain.instant import Instant
    from firesense.domain.readings import Readings

LONGEST_NAME = 128  # characters; of a device's id or a topic where people read it. Any device's own id is far shorter


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


class Work:
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
        """Give the payloads of some rows, which rise."""
        if len(rows) == len(self.batch):
            return self.batch.payloads
        payloads = self.batch.payloads
        return [payloads[at] for at in rows.tolist()]

    def broken(self, refused: Sequence[BadFrame], rows: Rows) -> Rows:
        """Pick the refused frames that may hold a fire flag; what was put back was heard when it came first."""
        found: Rows = np.array(sorted({at for at, reason, _ in refused if reason is not Reason.EMPTY}), dtype=np.intp)
        fresh: Mask = self.quality[rows[found]] & Quality.REPLAYED.value == 0
        return found[fresh]

    def refuse(
        self, at: int, reason: Reason, detail: str, profile: str = "", external_id: str = "", *, more: int = 0
    ) -> None:
        """Put one frame into quarantine."""
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

    def fire(self, at: int, profile: str, external_id: str, event_at: Instant) -> StrangerFire:
        """Tell of one frame that an unregistered device says fire in it."""
        topic, received_at = _short(self.batch.topics[at]), int(self.batch.received_at[at])
        return StrangerFire(_short(external_id), topic, profile, event_at, received_at, int(self.offsets[at]))

    def result(self) -> Read:
        """Say what came of the batch."""
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
