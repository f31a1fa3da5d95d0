"""Rule state on disk, with the journal offset it belongs to: what makes a restart a short replay."""

from __future__ import annotations

import os
import zlib
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import structlog

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

_log = structlog.get_logger(__name__)


class SnapshotFile:
    """One snapshot in one file, replaced whole: a crash leaves the old one or the new one."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def save(self, offset: int, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Write the state that holds before the frame at ``offset``. Raises OSError when the disk refuses."""
        buffer = BytesIO()
        columns: dict[str, Any] = {f"state/{name}": column for name, column in state.items()}
        np.savez(buffer, **columns, offset=np.int64(offset))
        body = buffer.getvalue()
        fresh = self._path.with_suffix(".new")
        with fresh.open("wb") as file:
            file.write(zlib.crc32(body).to_bytes(4, "little") + body)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)

    def load(self) -> tuple[int, dict[str, NDArray[np.generic]]] | None:
        """Read (offset, state); None when there is none or it is damaged: then the rules start afresh."""
        try:
            written = self._path.read_bytes()
        except FileNotFoundError:
            return None
        crc, body = written[:4], written[4:]
        if zlib.crc32(body).to_bytes(4, "little") != crc:
            _log.warning("snapshot.damaged", file=str(self._path))
            return None
        with np.load(BytesIO(body), allow_pickle=False) as columns:
            state = {name.removeprefix("state/"): columns[name] for name in columns.files if name.startswith("state/")}
            return int(columns["offset"]), state
