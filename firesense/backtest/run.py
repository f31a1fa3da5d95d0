"""One pass over the past with any number of rule sets: frames are read once, and every set hears them.

The clock is the journal's. Frames are heard in steps of ten seconds of it: what readings raise has the instant of its
frame, ladders are climbed to the second, and only what time alone raises (a hold or a silence that runs out) is told
at the end of its step. When nothing at all was received for a long time, it was we who were deaf.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

import numpy as np

from firesense.domain.instant import SECOND, Instant, micros
from firesense.domain.quiet import NO_WINDOWS
from firesense.rehearsal import Rehearsal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from firesense.domain.columns import Instants
    from firesense.domain.frame import FrameBatch
    from firesense.domain.plan import Plan
    from firesense.domain.quiet import Quiets
    from firesense.domain.readings import Readings
    from firesense.reader import Read, Reader, StrangerFire
    from firesense.rehearsal import Course

DEAF_AFTER = timedelta(minutes=15)  # own default: the shortest gap in all frames that is taken for an outage of ours
_SIDES: tuple[Literal["left"], Literal["right"]] = ("left", "right")
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
            self._hear(read.judged, batch.received_at, batch.next_offset, self._strangers(read, batch))
            self.frames += len(batch)
            self.refused += len(read.refusals)
            self.duplicates += read.duplicates
            self.on_progress(self.frames, self.last_at)

    def replay(self, stretches: Iterable[Sequence[Readings]]) -> None:
        """Go over readings that were kept, in stretches of time: all of one are before those of the next."""
        for tables in stretches:
            if not tables:
                continue
            received_at = np.sort(np.concatenate([table.received_at for table in tables]))
            if not self.tried:
                self._begin(int(received_at[0]))
            self._hear(tables, received_at, max(int(table.offsets[-1]) for table in tables) + 1, {})
            self.frames += len(received_at)
            self.on_progress(self.frames, self.last_at)

    def _strangers(self, read: Read, batch: FrameBatch) -> Mapping[int, list[StrangerFire]]:
        """The fire flags of devices nobody registered, by the step they were received in."""
        if not read.strangers:
            return {}
        received = dict(zip(batch.offsets.tolist(), batch.received_at.tolist(), strict=True))
        found: dict[int, list[StrangerFire]] = {}
        for fire in read.strangers:
            found.setdefault(received[fire.offset] // STEP, []).append(fire)
        return found

    def _begin(self, at: Instant) -> None:
        self.first_at = self.last_at = at
        self.start = max(self.start, at)
        for name, plan in self.plans.items():
            self.tried.append(Tried(name, Rehearsal(plan, self.kinds, at, self.taken_after, self.windows), self.start))

    def _hear(
        self,
        tables: Sequence[Readings],
        received_at: Instants,
        next_offset: int,
        strangers: Mapping[int, list[StrangerFire]],
    ) -> None:
        """Give tables, whose rows are in the order they were received, to every set, step by step."""
        steps = np.unique(received_at // STEP)
        cut = [
            (table, *(np.searchsorted(table.received_at // STEP, steps, side=side).tolist() for side in _SIDES))
            for table in tables
        ]
        for number, step in enumerate(steps.tolist()):
            now = min((step + 1) * STEP, int(received_at[-1]))
            self._pass(step * STEP)
            heard: list[Readings] = []
            for table, firsts, lasts in cut:
                first, last = firsts[number], lasts[number]
                if first < last:
                    heard.append(table if last - first == len(table) else table.take(np.arange(first, last)))
            for tried in self.tried:
                tried.rehearsal.hear(heard, now)
                for fire in strangers.get(step, ()):
                    device_class = tried.rehearsal.plan.profiles[fire.profile].device_class
                    tried.rehearsal.hear_stranger(
                        fire.external_id, device_class, fire.topic, fire.event_at, fire.offset, now
                    )
                tried.rehearsal.wind(now, offset=next_offset)
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
