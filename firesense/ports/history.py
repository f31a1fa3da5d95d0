"""The time-series store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from firesense.domain.columns import Floats, Instants
    from firesense.domain.device import Device, Registry
    from firesense.domain.instant import Instant
    from firesense.domain.readings import Readings


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Values of one column of one device, in time order."""

    at: Instants
    values: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """A series averaged over equal windows: their starts, means, extremes and counts; empty windows are left out."""

    at: Instants
    mean: Floats
    low: Floats
    high: Floats
    count: Instants


class History(Protocol):
    """The time-series store behind one documented schema (docs/history-schema.md).

    Writing is idempotent: the same device, column and instant is one point, the last write wins.
    """

    @property
    def connections(self) -> int:
        """How many connections were made for writing: a new one may lead to a store that was restarted meanwhile.

        Always 0 for a store that is a file.
        """
        ...

    def write(self, tables: Sequence[Readings], registry: Registry) -> dict[int, str]:
        """Write readings; returns the store's reason for each journal offset whose points it refused.

        Raises HistoryDown when trying again can help (nothing may be assumed of the batch then), and HistoryRefused
        when the store refuses everything whatever it is given (no such database, wrong token).
        """
        ...

    def raw(self, device: Device, column: str, start: Instant, end: Instant, most: int = 10_000) -> Series:
        """Points of a metric or signal in [start, end), oldest first, at most ``most`` of them."""
        ...

    def windows(self, device: Device, column: str, start: Instant, end: Instant, every: timedelta) -> Windows:
        """The same, averaged over windows that start at multiples of ``every`` since the epoch."""
        ...

    def close(self) -> None:
        """Release connections and files."""
        ...
