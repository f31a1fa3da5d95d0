"""One pass over the past with any number of rule sets: frames are read once, and every set hears them.

The clock is the journal's. Frames are heard in steps of ten seconds of it: what readings raise has the instant of its
frame, ladders are climbed to the second, and only what time alone raises (a hold or a silence that runs out) is told
at the end of its step. When nothing at all was received for a long time, it was we who were deaf.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from firesense.domain.instant import SECOND, Instant, micros
from firesense.domain.quiet import NO_WINDOWS
from firesense.rehearsal import Rehearsal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from firesense.domain.frame import FrameBatch
    from firesense.domain.plan import Plan
    from firesense.domain.quiet import Quiets
    from firesense.domain.readings import Readings
    from firesense.reader import Read, Reader
    from firesense.rehearsal import Course

DEAF_AFTER = timedelta(minutes=15)  # own default: the shortest gap in all frames that is taken for an outage of ours
STEP = 10 * SECOND  # of the journal's time: finer costs more passes over the rules


@dataclass(slots=True)
class Tried:
    """One rule set and what it raised from ``start`` on."""

    name: str
    rehearsal: Rehearsal
    start: Instant

    @property
    def courses(self) -> list[Course]:
        """The alerts, in the order they were raised; those of the warming-up before ``start`` are left out."""
        return [course for course in self.rehearsal.courses if course.alert.raised_at >= self.start]


@dataclass(slots=True)
class Backtest:
    """A pass that is set up. Rule state is empty at first: give it frames from before ``start`` to warm up.

    ``plans`` maps a name to each plan that is tried; they differ in their rules (or ladders), not in profiles and
    devices, because the frames are read once, by ``reader``.
    """

    plans: Mapping[str, Plan]
    reader: Reader
    kinds: Mapping[str, str]
    start: Instant = 0
    taken_after: timedelta | None = None
    windows: Quiets = NO_WINDOWS
    on_progress: Callable[[int, Instant], None] = lambda frames, at: None  # noqa: ARG005 -- nobody looks
    frames: int = 0
    refused: int = 0
    duplicates: int = 0
    first_at: Instant = 0
    last_at: Instant = 0
    tried: list[Tried] = field(default_factory=list)

    def run(self, batches: Iterable[FrameBatch]) -> None:
        """Go over the frames, which must come in the order they were received."""
        for batch in batches:
            if not self.tried:
                self._begin(int(batch.received_at[0]))
            read = self.reader.read(batch)
            self._hear(read, batch)
            self.frames += len(batch)
            self.refused += len(read.refusals)
            self.duplicates += read.duplicates
            self.on_progress(self.frames, self.last_at)

    def _begin(self, at: Instant) -> None:
        self.first_at = self.last_at = at
        self.start = max(self.start, at)
        for name, plan in self.plans.items():
            self.tried.append(Tried(name, Rehearsal(plan, self.kinds, at, self.taken_after, self.windows), self.start))

    def _hear(self, read: Read, batch: FrameBatch) -> None:
        """Give a batch to every set, step by step."""
        steps = np.unique(batch.received_at // STEP)
        tables = [(table, table.received_at // STEP) for table in read.judged]
        received = dict(zip(batch.offsets.tolist(), batch.received_at.tolist(), strict=True)) if read.strangers else {}
        for step in steps.tolist():
            now = min((step + 1) * STEP, int(batch.received_at[-1]))
            self._pass(step * STEP)
            heard: list[Readings] = []
            for table, theirs in tables:
                rows = np.flatnonzero(theirs == step)
                if len(rows):
                    heard.append(table if len(rows) == len(table) else table.take(rows))
            for tried in self.tried:
                tried.rehearsal.hear(heard, now)
                for fire in read.strangers:
                    if received[fire.offset] // STEP == step:
                        device_class = tried.rehearsal.plan.profiles[fire.profile].device_class
                        tried.rehearsal.hear_stranger(
                            fire.external_id, device_class, fire.topic, fire.event_at, fire.offset, now
                        )
                tried.rehearsal.wind(now, offset=batch.next_offset)
            self.last_at = now

    def _pass(self, until: Instant) -> None:
        """Let time pass in which nothing was received."""
        deaf = until - self.last_at > micros(DEAF_AFTER)
        instants: Sequence[Instant] = range(self.last_at + STEP, until, STEP)
        for tried in self.tried:
            for now in instants:
                tried.rehearsal.wind(now, listening=not deaf)
            if deaf:
                tried.rehearsal.deaf_until(until)
