"""What the streets write, and what of their frames could not be used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from firesense.domain.alert import Alert
    from firesense.domain.frame import Refusal
    from firesense.domain.instant import Instant
    from firesense.domain.outcome import Outcome, Tally
    from firesense.ports.kept import Counts, Stranger


class StreetPages(Protocol):
    """What the streets write, and what of their frames could not be used."""

    def position(self, street: str) -> int:
        """The next offset this street has to do; 0 when it never ran."""
        ...

    def positions(self) -> dict[str, int]:
        """All streets' positions: the journal keeps everything from the smallest one on."""
        ...

    def commit(self, outcome: Outcome) -> Mapping[str, str]:
        """Write all that came of a stretch of the journal, with the position after it.

        Raising an alert whose id is known, and quarantining an offset that is there, change nothing. An alarm that
        another street has raised meanwhile (open, of the same rule, device and place, and not over for ``QUIET``; of a
        stranger, which is never over, raised so lately or still climbing) is not raised twice: of such alerts their ids
        are given, each with the one that stands. So is the id of an alert that was known and over, and is raised by a
        later frame of the same instant, with the one it was raised under: the clock of its device stands still.
        Nothing is raised, nor trips again, of a frame that the street this one runs ahead of has done meanwhile: what
        it made of it stands, even if it is over.
        """
        ...

    def left_firing(self, rules: Collection[str], most: int = 10_000) -> list[Alert]:
        """Alerts of these rules that people closed while they were firing, and that are not over yet, newest first.

        Costs by how many there are, and not by the alerts that are closed.
        """
        ...

    def tally(self, street: str) -> Tally:
        """How the frames up to this street's position ended."""
        ...

    def quarantine(self, *, reason: str = "", most: int = 1000, replayed: bool = False) -> list[Refusal]:
        """Frames that could not be used and (unless asked for) were not replayed, oldest first."""
        ...

    def trim_quarantine(self, most: int, most_bytes: int, most_strangers: int) -> int:
        """Keep the quarantine within its limits; counts the frames that are from now on only counted.

        Replayed frames go first, the oldest of them first. Then, of frames refused for the same reason on the same
        topic, wherever there are most of them, the older half becomes a number: the ``more`` of the next one kept.
        """
        ...

    def counts(self) -> Counts:
        """Count what is waiting; costs what is waiting, not what is over."""
        ...

    def mark_replayed(self, offsets: Collection[int], at: Instant) -> None:
        """These frames have been put back into the journal."""
        ...

    def strangers(self) -> list[Stranger]:
        """Unregistered devices that were heard, newest first."""
        ...
