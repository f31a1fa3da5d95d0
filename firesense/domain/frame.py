"""Frames: messages off the wire, in batches, and what becomes of those that cannot be used."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag, StrEnum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from firesense.domain.columns import Instants, Offsets
    from firesense.domain.instant import Instant

NOT_JOURNALED = -1


class Marks(IntFlag):
    """What the transport knows of a frame, one bit each."""

    RETAINED = 1  # the broker kept it from before we subscribed: state, not news
    REDELIVERED = 2  # the broker says it may have given it before (MQTT DUP)
    REPEATED = 4  # redelivered, and the journal already holds it: a duplicate
    REPLAYED = 8  # put back from the quarantine
    CUT = 16  # longer than the transport takes: only the beginning of the payload was kept
    DAMAGED = 32  # its batch no longer has its checksum: some byte of it may not be what was received
    LOST = 64  # the journal has lost its bytes: it only holds the frame's place


@dataclass(frozen=True, slots=True, eq=False)
class FrameBatch:
    """n frames as parallel columns, in the order they arrived.

    ``received_at`` rises strictly inside a batch, so a device that sends no time of its own still gets one instant a
    frame. ``packet_ids`` is the MQTT packet identifier, 0 for QoS 0. ``first_offset`` is the journal offset of the
    first frame (the others follow without gaps), NOT_JOURNALED before the journal has it.
    """

    source: str
    topics: list[str]
    payloads: list[bytes]
    received_at: Instants
    marks: np.ndarray[tuple[int], np.dtype[np.uint8]]
    packet_ids: np.ndarray[tuple[int], np.dtype[np.uint16]]
    first_offset: int = NOT_JOURNALED

    def __len__(self) -> int:
        """Count the frames."""
        return len(self.payloads)

    @property
    def next_offset(self) -> int:
        """The offset after the last frame: where a reader that has done this batch goes on."""
        return self.first_offset + len(self.payloads)

    @property
    def offsets(self) -> Offsets:
        """The journal offset of each frame."""
        return np.arange(self.first_offset, self.next_offset, dtype=np.int64)


class Reason(StrEnum):
    """Why a frame is in quarantine; the word is stored, the text for people is in the catalogue."""

    UNKNOWN_TOPIC = "unknown-topic"
    UNKNOWN_DEVICE = "unknown-device"
    MALFORMED = "malformed"  # truncated, wrong checksum, not the dialect at all
    NOT_UTF8 = "not-utf8"
    WRONG_TYPE = "wrong-type"
    NOT_FINITE = "not-finite"  # NaN or Infinity where a number belongs
    OVERSIZED = "oversized"
    BAD_TIME = "bad-time"  # a time that cannot be read, or has no zone where the profile names none
    EMPTY = "empty"  # decodes, but says nothing the profile knows
    SINK_REFUSED = "sink-refused"  # readable, but the history store does not take its points
    DAMAGED = "damaged"  # the journal's checksum says that a byte near it is not what was received
    LOST = "lost"  # the journal has lost its bytes


@dataclass(frozen=True, slots=True)
class Refusal:
    """One frame that could not be used: kept with its bytes and its reason, replayable after a fix.

    ``more`` counts the frames like it that are not kept: those lost with it (they follow its offset), or dropped
    where the quarantine was full.
    """

    offset: int
    source: str
    topic: str
    payload: bytes
    received_at: Instant
    reason: Reason
    detail: str
    profile: str = ""
    external_id: str = ""
    more: int = 0
