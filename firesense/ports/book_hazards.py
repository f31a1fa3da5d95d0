"""Hazards as cases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from firesense.domain.alert import Alert
    from firesense.domain.audit import Entry, Proof, Sealed
    from firesense.domain.deed import Actor
    from firesense.domain.escalation import Step
    from firesense.domain.hazard import Dealt, Hazard, HazardColumns
    from firesense.domain.instant import Instant
    from firesense.domain.outcome import Raise
    from firesense.ports.kept import User


class HazardPages(Protocol):
    """Hazards as cases."""

    def hazard(self, alert_id: str) -> Hazard:
        """The hazard of an alert; raises NotFound when there is none, or nobody has accepted it yet."""
        ...

    def hazards(
        self,
        *,
        open_only: bool = True,
        places: Collection[str] | None = None,
        overdue_at: Instant | None = None,
        most: int = 200,
        after: str = "",
    ) -> list[Hazard]:
        """Hazards, the newest first: at these places only, or those that were overdue at an instant.

        ``after`` is the alert of a hazard: those that follow it. Raises NotFound when there is no such hazard.
        """
        ...

    def waiting_hazards(self, most: int = 200) -> list[Alert]:
        """Open alerts of class hazard that nobody has accepted yet, the newest first."""
        ...

    def hazard_columns(self) -> HazardColumns:
        """All hazards but rejected reports as columns, with the alerts that nobody has accepted yet."""
        ...

    def report_hazard(self, deed: Raise, hazard: Hazard, actor: Actor, steps: Sequence[Step] = ()) -> Hazard:
        """Raise the alert of a reported hazard with its case; what was reported already stays as it is."""
        ...

    def deal_with_hazard(
        self, alert_id: str, deed: Callable[[Alert, Hazard | None], Dealt], actor: Actor | None = None
    ) -> Dealt:
        """Do something to a hazard as it is now, alone: nobody changes it between the reading and the writing.

        ``deed`` gets the alert and its hazard (None when nobody has accepted it yet) and gives what they are after;
        what it raises is passed on, and nothing is written then. Once it is accepted the climb waits for its terms;
        closing the alert ends it. What an ``actor`` did is in the audit. Raises NotFound.
        """
        ...

    def due_hazards(self, now: Instant, most: int) -> list[tuple[Alert, Hazard]]:
        """Hazards about which something is due, the longest due first."""
        ...

    def undated_hazards(self, most: int) -> list[str]:
        """The alerts of open hazards that have lost a date, the oldest first: nothing would ever be due about them."""
        ...

    def write_down(self, *entries: Entry) -> None:
        """Add entries to the audit that have no deed in the book to go with."""
        ...

    def audit(
        self, *, after: int = 0, most: int = 200, kind: str = "", target: str = "", who: str = ""
    ) -> list[Sealed]:
        """Rows of the audit after a number, the oldest first; of one kind, on one thing, by one person, if asked."""
        ...

    def prove_audit(self) -> Proof:
        """Follow the chain of the audit from its first row to its head, and say where it is broken first, if it is."""
        ...

    def trim_audit(self, before: Instant, at: Instant) -> int:
        """Drop rows of the audit from before an instant; what is left can still be proved. Counts them."""
        ...

    def user(self, name: str) -> User | None:
        """The user of that name."""
        ...

    def users(self) -> list[User]:
        """Everyone who may log in, by name."""
        ...

    def put_user(self, user: User, *, staying: str = "", entry: Entry | None = None) -> None:
        """Add a user or replace the one of that name.

        Another password ends the user's sessions, but for the one whose token has the hash ``staying``.
        """
        ...

    def remove_user(self, name: str, *, entry: Entry | None = None) -> None:
        """Forget a user and end the user's sessions. Raises NotFound."""
        ...

    def open_session(self, token_hash: str, user: str, expires_at: Instant, *, entry: Entry | None = None) -> None:
        """Remember a log-in by the hash of its token."""
        ...

    def session_user(self, token_hash: str, now: Instant) -> User | None:
        """Whose session this is, if it has not expired."""
        ...

    def end_session(self, token_hash: str) -> None:
        """Forget a log-in."""
        ...
