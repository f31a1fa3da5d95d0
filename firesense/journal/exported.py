"""Reads exported frames: NDJSON as ``ndjson`` writes it, plain or gzip, with every line that cannot be used."""

from __future__ import annotations

import binascii
import gzip
import re
import zlib
from base64 import b64decode
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from firesense.domain.errors import ConfigError, Fault
from firesense.domain.frame import FrameBatch, Marks
from firesense.domain.instant import instant

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from firesense.domain.instant import Instant

_MOST_FAULTS = 1000  # listed; a file of another kind has nothing else
_MARKS = {mark.name.lower(): mark for mark in Marks if mark.name}
_GZIP = b"\x1f\x8b"


class _Line(msgspec.Struct):
    received_at: str
    topic: str
    source: str = ""
    marks: list[str] = []
    payload: str | None = None
    payload_base64: str | None = None


class _Frame(NamedTuple):
    at: Instant
    topic: str
    payload: bytes
    marks: int
    source: str


_decode = msgspec.json.Decoder(_Line).decode


def frames(path: Path, most: int = 5000) -> Iterator[FrameBatch]:
    """Give the frames of a file in batches of one source; their offsets are their numbers in the file, from 0.

    A line that goes back in time is taken to have been received with the one before it. The file is read to its end:
    then ConfigError is raised when any line could not be used, with each of them (what was given so far is not to be
    relied on); from the first such line on no more batches are given.
    """
    faults: list[Fault] = []
    waiting: list[_Frame] = []
    first = 0
    newest: Instant = 0
    for frame in _frames(path, faults):
        if faults:
            continue
        if waiting and (len(waiting) >= most or frame.source != waiting[0].source):
            yield _batch(waiting, first)
            first += len(waiting)
            waiting = []
        newest = max(newest + 1, frame.at)
        waiting.append(frame._replace(at=newest))
    if faults:
        raise ConfigError(faults)
    if waiting:
        yield _batch(waiting, first)


def _batch(members: list[_Frame], first: int) -> FrameBatch:
    n = len(members)
    return FrameBatch(
        members[0].source,
        [frame.topic for frame in members],
        [frame.payload for frame in members],
        np.fromiter((frame.at for frame in members), np.int64, n),
        np.fromiter((frame.marks for frame in members), np.uint8, n),
        np.zeros(n, np.uint16),
        first,
    )


def _frames(path: Path, faults: list[Fault]) -> Iterator[_Frame]:
    """Read frame by frame; what cannot be read is added to ``faults``."""
    number = 0
    try:
        with path.open("rb") as raw:
            zipped = raw.read(2) == _GZIP
        with gzip.open(path) if zipped else path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    yield _frame(line)
                except (ValueError, msgspec.MsgspecError) as error:
                    if len(faults) < _MOST_FAULTS:
                        faults.append(Fault(str(path), _place(number, error), _reason(error)))
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        faults.append(Fault(str(path), f"line {number + 1}", f"the compressed file is damaged here: {error}"))
    except OSError as error:
        faults.append(Fault(str(path), "", error.strerror or str(error)))


def _frame(line: bytes) -> _Frame:
    read = _decode(line)
    at = instant(datetime.fromisoformat(read.received_at))
    if (read.payload is None) == (read.payload_base64 is None):
        raise ValueError("has either payload or payload_base64")
    if unknown := [name for name in read.marks if name not in _MARKS]:
        raise ValueError(f"there is no mark {unknown[0]!r}")
    payload = read.payload.encode() if read.payload is not None else _binary(read.payload_base64 or "")
    return _Frame(at, read.topic, payload, int(sum(_MARKS[name] for name in read.marks)), read.source)


def _binary(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"payload_base64: {error}") from error


def _place(number: int, error: Exception) -> str:
    byte = re.search(r"\(byte (\d+)\)", str(error))
    return f"line {number}, column {int(byte[1]) + 1}" if byte else f"line {number}"


def _reason(error: Exception) -> str:
    return re.sub(r" \(byte \d+\)", "", str(error))
