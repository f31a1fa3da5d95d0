"""Quiet windows, roll calls, and the columns that figures are counted from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from firesense.domain.alert import Alert
    from firesense.domain.audit import Entry
    from firesense.domain.deed import Actor
    from firesense.domain.escalation import Call, Step
    from firesense.domain.figures import AlertColumns, OpenAlert
    from firesense.domain.instant import Instant
    from firesense.domain.outcome import Raise
    from firesense.domain.quiet import Quiet, Tried
    from firesense.domain.rollcall import RollCall


class WindowPages(Protocol):
    """Quiet windows, roll calls, and the columns that figures are counted from."""

    def quiet_version(self) -> int:
        """A number that grows with every change of a window."""
        ...

    def quiets(self, since: Instant) -> list[Quiet]:
        """Windows that are not over yet, and those that lasted beyond ``since``, in the order they were set."""
        ...

    def start_quiet(self, quiet: Quiet, notice: Alert, actor: Actor) -> None:
        """Set a window, with the alert it is. Raises Conflict for one that is there."""
        ...

    def end_quiet(self, quiet_id: str, actor: Actor, at: Instant) -> Quiet:
        """End a window now; duty does what follows. Raises NotFound, or Conflict when it is over."""
        ...

    def extend_quiet(self, quiet_id: str, until: Instant, remind_at: Instant, actor: Actor, at: Instant) -> Quiet:
        """Let a window last until then. Raises NotFound, or Conflict when it is over."""
        ...

    def due_quiets(self, now: Instant) -> list[tuple[Quiet, Alert]]:
        """Windows about which something has to be done now, and those whose alert a person has closed."""
        ...

    def act_on_quiet(
        self, before: Quiet, after: Quiet, calls: Sequence[Call], steps: Sequence[Step], hold: Sequence[str] = ()
    ) -> bool:
        """Write what the time of a window brought, unless it was changed meanwhile: then False.

        The alerts ``hold`` wait for its end from now on. When it is over, what waited for that and still stands is
        called, and the alert of the window itself is closed.
        """
        ...

    def date_quiet(self, before: Quiet, after: Quiet, at: Instant) -> bool:
        """Give a window other times, unless it was changed meanwhile: then False. What it holds waits for its end."""
        ...

    def quiet(self, quiet_id: str) -> Quiet:
        """One window; raises NotFound."""
        ...

    def tried(self, quiet: Quiet) -> list[Tried]:
        """Devices heard in a walk test, in the order they were heard first."""
        ...

    def hold(self, waiting: Sequence[tuple[str, Quiet]], at: Instant) -> None:
        """Let open alerts, by id, wait for the end of a window before anybody is called; not of one that is over."""
        ...

    def alert_columns(self, start: Instant, end: Instant) -> AlertColumns:
        """Alerts raised from ``start`` up to ``end``, but for those that windows and roll calls are."""
        ...

    def open_alerts(self) -> list[OpenAlert]:
        """Say of every open alert what it says about its device."""
        ...

    def roll_call_seed(self) -> int:
        """A number nobody knows before, which this book keeps: the times of roll calls are drawn from it."""
        ...

    def plan_roll_calls(self, calls: Sequence[RollCall]) -> int:
        """Write roll calls to come; those whose id is known stay as they are. Counts the new ones."""
        ...

    def start_roll_call(self, call: RollCall, entry: Entry) -> RollCall | None:
        """Write one that somebody starts now, with an entry for the audit; unless one is under way at its post.

        Then gives that one. One of the plan that is still to come does not count.
        """
        ...

    def roll_call(self, roll_call_id: str) -> RollCall:
        """One roll call; raises NotFound."""
        ...

    def roll_calls(self, start: Instant, end: Instant) -> list[RollCall]:
        """Roll calls planned from ``start`` up to ``end``, in the order of that."""
        ...

    def due_roll_calls(self, now: Instant) -> list[tuple[RollCall, Alert | None]]:
        """Roll calls about which something has to be done now, with the alert that each is once it was asked."""
        ...

    def move_roll_call(
        self, before: RollCall, after: RollCall, deed: Raise | None = None, *, close_at: Instant | None = None
    ) -> bool:
        """Write what became of a roll call, unless it was changed or answered meanwhile: then False.

        ``deed`` raises its alert, ``close_at`` closes that.
        """
        ...
