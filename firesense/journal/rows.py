"""Rows of the journal as batches of frames, and what stands in for those that are damaged.

A batch whose checksum differs, but whose lengths add up, is given with every frame marked DAMAGED. Of everything else
that is missing, the places are given: frames without topic and payload, marked LOST. So a reader always gets past it.
"""

from __future__ import annotations

import sqlite3
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import structlog

from firesense.domain.frame import FrameBatch, Marks
from firesense.journal.pack import cut, unpack
from firesense.salvage import is_damage, readable_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from firesense.domain.instant import Instant

NO_BODY, NO_CRC = b"", -1  # a row that stands for frames of which nothing is left
_MOST_TOLD = 1000
_HOLDER = "SELECT max(first) FROM batch WHERE first <= ?"
_COLUMNS = ("first", "count", "source", "received_at", "crc", "body")
_log = structlog.get_logger(__name__)


class Rows:
    """Reads the table of batches; ``damaged`` holds the offsets at which it met damage (the first of them)."""

    def __init__(self) -> None:
        self.damaged: set[int] = set()

    def batches(self, connection: sqlite3.Connection, offset: int, end: int) -> Iterator[FrameBatch]:
        """The frames of [offset, end) in order, none left out; ``end`` is not beyond the head.

        Raises sqlite3.Error for what is no damage.
        """
        at = offset
        received_at: Instant = 0
        for first, count, source, received_at, crc, body in readable_rows(
            connection, "batch", _COLUMNS, "first", _holder(connection, at) - 1
        ):
            if first >= end:
                break
            if first > at:
                yield self._lost(at, first, received_at)
                at = first
            last = min(first + count, end)
            if at < last:
                yield self._part(at, last, first, count, source, received_at, crc, body)
                at = last
            if at >= end:
                return
        if at < end:
            yield self._lost(at, end, received_at)

    def _part(
        self, at: int, last: int, first: int, count: int, source: str, received_at: Instant, crc: int, body: bytes
    ) -> FrameBatch:
        """The frames from ``at`` to ``last`` of one row."""
        sound = zlib.crc32(body) == crc
        try:
            batch = unpack(body, source, first)
        except ValueError:
            return self._lost(at, last, received_at)
        if len(batch) != count:
            return self._lost(at, last, received_at)
        if not sound:
            self._say(first)
            batch = replace(
                batch,
                received_at=_instants(count, received_at),
                marks=np.full(count, Marks.DAMAGED, dtype=np.uint8),
                packet_ids=np.zeros(count, dtype=np.uint16),
            )
        whole = at == first and last == first + count
        return batch if whole else cut(batch, at - first, last - first)

    def _lost(self, first: int, last: int, received_at: Instant) -> FrameBatch:
        self._say(first)
        n = last - first
        return FrameBatch(
            "",
            [""] * n,
            [b""] * n,
            _instants(n, received_at),
            np.full(n, Marks.LOST, dtype=np.uint8),
            np.zeros(n, dtype=np.uint16),
            first,
        )

    def _say(self, offset: int) -> None:
        if offset not in self.damaged and len(self.damaged) < _MOST_TOLD:
            self.damaged.add(offset)
            _log.error("journal.damage_skipped", offset=offset)


def _holder(connection: sqlite3.Connection, offset: int) -> int:
    """The first offset of the batch that holds this one, as far as it can be seen."""
    try:
        found = connection.execute(_HOLDER, (offset,)).fetchone()[0]
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        return offset
    return offset if found is None else int(found)


def _instants(n: int, last: Instant) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.arange(last - n + 1, last + 1, dtype=np.int64)
