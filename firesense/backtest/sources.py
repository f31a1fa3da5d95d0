"""Where the frames of the past come from: a stretch of the journal (an exported file is read by ``journal``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from firesense.domain.frame import FrameBatch
    from firesense.domain.instant import Instant
    from firesense.ports import Journal

_MOST = 5000  # frames read at once


def offset_at(journal: Journal, at: Instant) -> int:
    """Find the first frame that was received at or after an instant, by halving; the head when there is none."""
    low, high = journal.tail, journal.head
    while low < high:
        middle = (low + high) // 2
        batch = journal.read(middle, 1)
        if batch is not None and int(batch.received_at[0]) < at:
            low = middle + 1
        else:
            high = middle
    return low


def from_journal(journal: Journal, start: int, end: int) -> Iterator[FrameBatch]:
    """Give the frames of [start, end) by offset."""
    while start < end and (batch := journal.read(start, min(_MOST, end - start))) is not None:
        yield batch
        start = batch.next_offset
