"""Frames for tests."""

from __future__ import annotations

import numpy as np

from firesense.domain.frame import FrameBatch

T0 = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z


def batch_of(*frames, source="main", received_at=T0, marks=0, packet_ids=None):
    """Make a batch from (topic, payload) pairs, received one microsecond apart."""
    n = len(frames)
    return FrameBatch(
        source,
        [topic for topic, _ in frames],
        [payload if isinstance(payload, bytes) else payload.encode() for _, payload in frames],
        np.arange(received_at, received_at + n, dtype=np.int64),
        np.full(n, marks, dtype=np.uint8),
        np.asarray(packet_ids if packet_ids is not None else np.arange(1, n + 1), dtype=np.uint16),
    )


def same(left, right):
    """Whether two batches hold the same frames."""
    return (
        left.source == right.source
        and left.topics == right.topics
        and left.payloads == right.payloads
        and left.first_offset == right.first_offset
        and np.array_equal(left.received_at, right.received_at)
        and np.array_equal(left.marks, right.marks)
        and np.array_equal(left.packet_ids, right.packet_ids)
    )
