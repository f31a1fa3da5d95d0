"""How long the stages of a street take: seconds and frames by stage, for the metrics."""

from __future__ import annotations

from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Pace:
    """Counts of one street since the start. One thread adds, any reads; a batch costs about a microsecond."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.frames: dict[str, int] = {}

    @contextmanager
    def stage(self, name: str, frames: int = 0) -> Iterator[None]:
        """Time a stage, and count the frames that went through it."""
        began = perf_counter()
        try:
            yield
        finally:
            self.add(name, perf_counter() - began, frames)

    def add(self, name: str, seconds: float, frames: int) -> None:
        """Add what was timed elsewhere."""
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds
        self.frames[name] = self.frames.get(name, 0) + frames
