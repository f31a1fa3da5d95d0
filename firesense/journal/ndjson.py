"""Frames as lines of JSON, to look at and to carry elsewhere.

One line a frame: ``offset``, ``source``, ``received_at`` (RFC 3339), ``topic``, ``marks``, and ``payload`` as text
when it is UTF-8, else ``payload_base64``.
"""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING

from firesense.domain.frame import Marks
from firesense.domain.instant import iso

if TYPE_CHECKING:
    from collections.abc import Iterator

    from firesense.domain.frame import FrameBatch


def lines(batch: FrameBatch) -> Iterator[str]:
    """Write each frame of a batch as one line, without the line end."""
    for i, (topic, payload) in enumerate(zip(batch.topics, batch.payloads, strict=True)):
        frame: dict[str, object] = {
            "offset": batch.first_offset + i,
            "source": batch.source,
            "received_at": iso(int(batch.received_at[i])),
            "topic": topic.encode("utf-8", "replace").decode(),
        }
        if batch.marks[i]:
            frame["marks"] = [mark.name.lower() for mark in Marks(int(batch.marks[i])) if mark.name]
        try:
            frame["payload"] = payload.decode("utf-8")
        except UnicodeDecodeError:
            frame["payload_base64"] = b64encode(payload).decode("ascii")
        yield json.dumps(frame, ensure_ascii=False)
