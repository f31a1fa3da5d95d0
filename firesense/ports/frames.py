"""Where frames come from and are kept: transports, the journal, and the clock they are dated by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import timedelta

    from firesense.domain.columns import Snapshot
    from firesense.domain.frame import FrameBatch
    from firesense.domain.instant import Instant


class Clock(Protocol):
    """Where now comes from; only ``app`` and ``cli`` know a real one."""

    def now(self) -> Instant:
        """Microseconds since the epoch."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Delivery:
    """Frames a transport gave, and the connection they came on: acknowledgements belong to it."""

    batch: FrameBatch
    epoch: int


class Transport(Protocol):
    """A connection to one broker that looks after itself: it reconnects with backoff and jitter until stopped."""

    @property
    def name(self) -> str:
        """The source written on its frames."""
        ...

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted the connection and the subscriptions."""
        ...

    @property
    def trouble(self) -> str:
        """Why it is not connected, as far as that is known; empty when all is well."""
        ...

    async def start(self) -> None:
        """Begin to connect in the background; returns at once. Raises ConfigError for options that can never work."""
        ...

    async def receive(self) -> Delivery:
        """Wait for frames; a batch closes at its size or a few milliseconds after its first frame.

        Bounded: while nobody receives, reading from the socket pauses.
        """
        ...

    def acknowledge(self, delivery: Delivery) -> None:
        """Tell the broker that these frames are durable. Does nothing when their connection is gone."""
        ...

    async def stop(self) -> None:
        """Stop reading, send what is acknowledged, disconnect without ending the session."""
        ...


class Journal(Protocol):
    """The spine: frames in the order they were received, durable, numbered without gaps from 0.

    Safe to use from several threads and from several processes; one appends, any number read.
    """

    @property
    def head(self) -> int:
        """The offset the next frame will get."""
        ...

    @property
    def tail(self) -> int:
        """The first offset still kept; equals head when empty."""
        ...

    def append(self, batch: FrameBatch) -> FrameBatch:
        """Write a batch; on return it survives a crash of process and machine, and carries its offsets.

        Raises JournalError when nothing was written (disk full, for one), JournalFull at a limit of its settings; the
        batch may be given again.
        """
        ...

    def read(self, offset: int, most: int) -> FrameBatch | None:
        """Frames from exactly this offset on, at most ``most``, of one source; None at the head.

        Small batches that were appended one by one come back as one. An offset before the tail starts at the tail.
        Damage stops nobody: frames that may be wrong are marked DAMAGED, those that are gone LOST (without a source).
        """
        ...

    def received_at(self, offset: int) -> Instant | None:
        """About when the frame at this offset was received; None when there is none."""
        ...

    def wait(self, offset: int, timeout: timedelta) -> bool:
        """Block until the head is beyond this offset, or the time is up; says whether it is."""
        ...

    def note(self, name: str, at: Instant) -> None:
        """Remember an instant under a name, for other processes: when ingest last heard its broker, for one."""
        ...

    def noted(self) -> dict[str, Instant]:
        """All noted instants by name."""
        ...

    def forget(self, names: Collection[str]) -> None:
        """Drop what is noted under these names, for every process; unknown ones do not matter."""
        ...

    def trim(self, before: int, older_than: Instant, most_bytes: int) -> int:
        """Drop old frames below ``before`` (no reader's position is passed), and count what was dropped.

        Dropped are those received before ``older_than``, and the oldest until ``most_bytes`` are left.
        """
        ...

    def close(self) -> None:
        """Release the files."""
        ...


class Snapshots(Protocol):
    """Where rule state is kept between starts."""

    def save(self, offset: int, state: Snapshot) -> None:
        """Replace what is kept. Raises OSError."""
        ...

    def load(self) -> tuple[int, Snapshot] | None:
        """What is kept, with its offset; None when there is nothing usable."""
        ...
