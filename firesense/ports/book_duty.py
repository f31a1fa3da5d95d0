"""What is due, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from firesense.domain.alert import Alert
    from firesense.domain.escalation import Call, Climb, Move, Settled, Step
    from firesense.domain.instant import Instant
    from firesense.ports.kept import Flood


class DutyPages(Protocol):
    """What is due, and what came of it."""

    def due_climbs(self, now: Instant, most: int) -> list[tuple[Alert, Climb]]:
        """Climbs whose time has come, fire first, then the longest due."""
        ...

    def climbs_after(self, at: Instant) -> list[Climb]:
        """Climbs that are due later than that, but those whose alert a quiet window holds: they wait for its end."""
        ...

    def advance(self, before: Climb, after: Climb, calls: Sequence[Call], steps: Sequence[Step]) -> bool:
        """Move a climb with its calls, unless someone moved it meanwhile (its version differs): then False."""
        ...

    def advance_all(self, moves: Sequence[Move]) -> int:
        """Move many climbs in one transaction, but those that someone moved meanwhile; counts those that moved."""
        ...

    def earlier_calls(self, climbs: Sequence[Climb]) -> dict[tuple[str, str], list[Call]]:
        """The calls of these climbs in their present round and the one before, by alert and strand."""
        ...

    def adrift(self, overdue_before: Instant, most: int) -> list[tuple[Alert, Climb | None]]:
        """Open fires and hazards of which nobody would hear again, the gravest first, each with what climb it has.

        That is: no climb, one that nobody will look at, or one that was due before then; not what a quiet window holds,
        a hazard that has its own dates, or what has a stated reason (firesense/escalate/auditing.py). Costs a look at
        what is open.
        """
        ...

    def repair(
        self, alert: Alert, before: Climb | None, after: Climb, calls: Sequence[Call], steps: Sequence[Step]
    ) -> bool:
        """Write a climb anew, with its calls, unless somebody moved it or its case meanwhile: then False."""
        ...

    def lease_calls(
        self, now: Instant, until: Instant, most: int, *, owner: str = "", without: Collection[str] = ()
    ) -> list[tuple[Call, Alert]]:
        """Take due calls for ``owner``, urgent first; nobody else gets them before ``until``. Some become moot here.

        Of the urgent ones the first calls of a fire go before those for fires that people were called to before.

        An owner is a duty with its data folder: the same after a restart, another one on another machine.

        Calls of the channels in ``without`` (they are busy) stay where they are, so that they hold up nobody else's.
        """
        ...

    def lease_like(
        self, call: Call, now: Instant, until: Instant, most: int, *, owner: str = ""
    ) -> list[tuple[Call, Alert]]:
        """Take what else is due for the same person on the same channel and may wait: it is told at once."""
        ...

    def release_calls(self, now: Instant, beyond: Instant, *, owner: str = "") -> int:
        """Make due now what ``owner`` has leased, and all that is due after ``beyond``: nobody can have meant that.

        Counts them. For a duty that starts, since the one before it is gone, and for a clock that was put back. What
        other owners have leased is theirs until its time is over.
        """
        ...

    def settle(self, call: Call, at: Instant, instead: Sequence[Call] = (), bundled: int = 1) -> None:
        """Write what came of a leased call: its state, attempts, receipt and next due time; and a step of the story.

        ``instead`` are calls over other channels, because this one failed: they are written with it. ``bundled`` is
        how many calls were told in the same message. When every call of a climb's last act was given up, the climb is
        due at once. Raises NotFound for a call that was never written.
        """
        ...

    def settle_all(self, outcomes: Sequence[Settled]) -> list[Call]:
        """Write what came of many leased calls, a few hundred in one transaction; gives those never written.

        After a BookError what was written stays, and all may be given again: writing an outcome twice is writing it
        once. Raises BookRefused when one of them can never be written.
        """
        ...

    def postpone(
        self, calls: Sequence[Call], until: Instant, reason: str, at: Instant, instead: Sequence[Call] = ()
    ) -> None:
        """Put leased calls back until then; the story says why, once for each reason (quiet, budget, bundle, flood).

        Calls that were sent are asked after then. ``instead`` are calls over other channels, for those that cannot
        wait so long: they are written with it.
        """
        ...

    def report(self, call: Call, at: Instant, instead: Sequence[Call] = (), *, silent: bool = False) -> bool:
        """Write what is said later of a call that was sent: DELIVERED, READ, or FAILED; says whether that is news.

        ``silent``: nothing was said in time; the call stays SENT and is not asked after any more. ``instead`` are calls
        over other channels because of that, written only when it is news.
        """
        ...

    def calls_with(self, channel: str, reference: str) -> list[tuple[Call, Alert]]:
        """Give the sent calls of a channel that have this reference: several when they were told in one message."""
        ...

    def failed_with(self, channel: str, reference: str) -> bool:
        """Say whether a call with this reference was reported FAILED, in the last week."""
        ...

    def calls_to(self, channel: str, line: str, since: Instant) -> list[tuple[Call, Alert]]:
        """Give what was sent to a line since then, newest first, at most a hundred."""
        ...

    def spent(self, channel: str, line: str, since: Instant) -> list[tuple[Instant, bool]]:
        """When this line of a channel was used since then, oldest first, and whether that was urgent."""
        ...

    def was_seen(self, name: str) -> bool:
        """Say whether somebody came with this name already, in the last week."""
        ...

    def first_time(self, name: str, at: Instant) -> bool:
        """Say whether nobody came with this name before, and remember it for a week."""
        ...

    def load(self, person: str, since: Instant, now: Instant) -> int:
        """Count the alerts a person was to be told of since then, but for what somebody ordered (tests, dispatches).

        What was made later than ``now``, by a clock that has been put back since, does not count.
        """
        ...

    def floods(self) -> list[Flood]:
        """Give the floods there are now."""
        ...

    def begin_flood(self, person: str, alert: str, at: Instant) -> bool:
        """A flood begins for a person with this alert, whose story says so; says whether there was none."""
        ...

    def bundle_in_flood(self, person: str, count: int) -> None:
        """So many more calls were told in a bundle because of the flood."""
        ...

    def end_flood(self, person: str, at: Instant) -> bool:
        """End the flood of a person, in the story of the alert it began with; says whether there was one."""
        ...

    def next_due_at(self) -> Instant | None:
        """When the next climb, call or hazard is due; None when nothing is."""
        ...
