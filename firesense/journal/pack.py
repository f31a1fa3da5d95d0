"""One batch of frames <-> one blob: columns first, then all topics, then all payloads.

Layout, little-endian: count u32, length of the topics in bytes u32, received_at i64[count], payload lengths
u32[count], packet ids u16[count], marks u8[count], the topics in UTF-8 joined by U+0000 (which MQTT forbids inside a
topic), the payloads back to back.
"""

from __future__ import annotations

import struct

import numpy as np

from firesense.domain.frame import FrameBatch

_HEAD = struct.Struct("<II")
_PER_FRAME = 8 + 4 + 2 + 1


def pack(batch: FrameBatch) -> bytes:
    """Write a batch without its offsets and its source, which the journal keeps beside the blob."""
    topics = "\0".join(batch.topics).encode("utf-8", "replace")
    lengths = np.fromiter(map(len, batch.payloads), dtype="<u4", count=len(batch))
    return b"".join(
        (
            _HEAD.pack(len(batch), len(topics)),
            batch.received_at.astype("<i8", copy=False).tobytes(),
            lengths.tobytes(),
            batch.packet_ids.astype("<u2", copy=False).tobytes(),
            batch.marks.astype(np.uint8, copy=False).tobytes(),
            topics,
            *batch.payloads,
        )
    )


def unpack(blob: bytes, source: str, first_offset: int) -> FrameBatch:
    """Read what ``pack`` wrote; raises ValueError when the lengths do not add up."""
    if len(blob) < _HEAD.size:
        raise ValueError("shorter than its head")
    count, topic_bytes = _HEAD.unpack_from(blob)
    at = _HEAD.size
    payloads_at = at + count * _PER_FRAME + topic_bytes
    if len(blob) < payloads_at:
        raise ValueError("shorter than its columns")
    received_at = np.frombuffer(blob, "<i8", count, at)
    lengths = np.frombuffer(blob, "<u4", count, at + 8 * count)
    packet_ids = np.frombuffer(blob, "<u2", count, at + 12 * count)
    marks = np.frombuffer(blob, np.uint8, count, at + 14 * count)
    ends = (np.cumsum(lengths, dtype=np.int64) + payloads_at).tolist()
    if (ends[-1] if ends else payloads_at) != len(blob):
        raise ValueError("its payload lengths do not add up")
    topics = blob[at + count * _PER_FRAME : payloads_at].decode("utf-8", "replace").split("\0")
    payloads = [blob[start:end] for start, end in zip([payloads_at, *ends], ends, strict=False)]
    if len(topics) != count:
        raise ValueError("its topics do not match its count")
    return FrameBatch(source, topics, payloads, received_at, marks, packet_ids, first_offset)


def cut(batch: FrameBatch, start: int, stop: int) -> FrameBatch:
    """Frames ``start`` to ``stop`` (by position in the batch) of a batch, with their offsets."""
    return FrameBatch(
        batch.source,
        batch.topics[start:stop],
        batch.payloads[start:stop],
        batch.received_at[start:stop],
        batch.marks[start:stop],
        batch.packet_ids[start:stop],
        batch.first_offset + start,
    )


def join(batches: list[FrameBatch]) -> FrameBatch:
    """Neighbouring batches of one source as one."""
    if len(batches) == 1:
        return batches[0]
    topics: list[str] = []
    payloads: list[bytes] = []
    for batch in batches:
        topics += batch.topics
        payloads += batch.payloads
    return FrameBatch(
        batches[0].source,
        topics,
        payloads,
        np.concatenate([batch.received_at for batch in batches]),
        np.concatenate([batch.marks for batch in batches]),
        np.concatenate([batch.packet_ids for batch in batches]),
        batches[0].first_offset,
    )
