"""What people look at and do: alerts, cases, the audit, users and sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from firesense.domain.alert import Alert, Finding
    from firesense.domain.because import Because, Suppressed
    from firesense.domain.deed import Actor, Deed, Photo
    from firesense.domain.escalation import Call, Climb, Step
    from firesense.domain.instant import Instant
    from firesense.domain.outcome import Raise
    from firesense.ports.kept import Listing


class DeskPages(Protocol):
    """What people look at and do: alerts, cases, the audit, users and sessions."""

    def alert(self, alert_id: str) -> Alert:
        """One alert; raises NotFound."""
        ...

    def alerts(self, *, open_only: bool = True, most: int = 200, after: str = "") -> list[Alert]:
        """Alerts, the gravest class first; in a class those of strangers last; then the newest first.

        ``after`` is the id of an alert: those that follow it. Raises NotFound when there is no such alert.
        """
        ...

    def listing(self, *, open_only: bool = True, most: int = 200, after: str = "", calls: int = 3) -> Listing:
        """The same alerts with what a list says of each, its newest ``calls`` among it, all of one moment.

        In as many questions for a thousand alerts as for one. Raises NotFound when there is no alert ``after``.
        """
        ...

    def whistles(self, alert_id: str) -> list[Climb]:
        """The whistles of an alert, in the order they were blown."""
        ...

    def blow(self, climb: Climb, calls: Sequence[Call], steps: Sequence[Step], actor: Actor, at: Instant) -> None:
        """Write a whistle with its first calls, and a line of the audit.

        Raises NotFound, or Conflict when the alert is closed or has a whistle of that strand, or when one of the same
        person for the same department still waits.
        """
        ...

    def answer(
        self, alert_id: str, actor: Actor, at: Instant, strand: str = "", *, tell: Iterable[Call] = ()
    ) -> list[str]:
        """A department has come: every whistle its person was called by, or this one, is over; gives their strands.

        Of ``tell`` the calls of these whistles are written: whoever blew them hears of it. Raises NotFound, or Conflict
        when there is nothing to answer.
        """
        ...

    def climb(self, alert_id: str) -> Climb | None:
        """The climb of an alert, if it has one."""
        ...

    def calls(self, alert_id: str) -> list[Call]:
        """The calls of an alert, in the order they were written."""
        ...

    def story(self, alert_id: str) -> list[Step]:
        """What happened to an alert, in order."""
        ...

    def because(self, alert_id: str) -> Because | None:
        """Why an alert was raised, as it was known then; None when that was not kept."""
        ...

    def suppressed(self, alert_id: str) -> list[Suppressed]:
        """What was kept from people on account of an alert, counted, in the order it began."""
        ...

    def last_step(self) -> int:
        """The number of the newest step of any alert: it grows with every change a console should show."""
        ...

    def act(
        self,
        alert_id: str,
        deed: Deed,
        actor: Actor,
        at: Instant,
        *,
        calls: Iterable[Call] = (),
        steps: Iterable[Step] = (),
        also: Raise | None = None,
        tell: Iterable[Call] = (),
        may: Callable[[Alert], bool] = lambda _: True,
    ) -> Alert:
        """Do a deed to an alert and, if it is one on its whole incident, to those of them that allow it.

        Those of the incident that the actor ``may`` not act on stay as they are; the story says which. The alert after
        it is written with its climb, the calls that are moot by it, its story and the audit; so are
        ``calls``, more ``steps``, and the alert of ``also``. Nothing is written, and nobody called, when nothing had
        to be done, or the same people were sent with the same words within ten seconds (a button pressed twice). Who
        confirms a fire that is confirmed already calls nobody: the plan was run. Who acknowledges answers the whistles
        that called them, whoever has the alert; of ``tell`` the calls of those are written. Raises NotFound, Conflict.
        """
        ...

    def near(self, places: Collection[str], since: Instant, until: Instant, most: int = 50) -> list[Alert]:
        """Open alerts raised at one of these places in [since, until], the oldest first."""
        ...

    def incident(self, incident: str) -> list[Alert]:
        """The alerts of an incident, the oldest first; empty when there is none of that id."""
        ...

    def told_of(self, incident: str, person: str) -> frozenset[str]:
        """Which alerts of an incident a person was asked to see to, by calls that went out."""
        ...

    def merge(
        self, alert_ids: Collection[str], actor: Actor, at: Instant, *, may: Callable[[Alert], bool] = lambda _: True
    ) -> list[Alert]:
        """Make alerts, with the incidents they are in already, one incident. Gives all of it, the oldest first.

        Raises NotFound, NotAllowed when the actor ``may`` not act on all of it, or Conflict for fewer than two alerts,
        and for one that is closed.
        """
        ...

    def split(self, alert_id: str, actor: Actor, at: Instant) -> Alert:
        """Take an alert out of its incident; one that is left alone is none. Raises NotFound, Conflict."""
        ...

    def add_photo(self, photo: Photo, actor: Actor, most: int) -> None:
        """Keep that a photo belongs to an alert. Raises NotFound, or Conflict when the alert has ``most`` already."""
        ...

    def forget_cases(
        self, before: Instant, at: Instant, most: int = 200, *, hazards_before: Instant | None = None
    ) -> tuple[int, list[str]]:
        """Delete cases closed before an instant, with all that belongs to them, and say so in the audit.

        Hazards have an instant of their own, if one is given. Roll calls of before that instant go, too, uncounted.

        Gives how many went, at most ``most`` at a time, and the photos that belong to nothing any more.
        """
        ...

    def photos_shown(self, photos: Collection[str]) -> set[str]:
        """Of these photos, those that belong to an alert or a hazard."""
        ...

    def photos(self, alert_id: str) -> list[Photo]:
        """The photos of an alert, the oldest first."""
        ...

    def acknowledge(self, alert_id: str, who: str, at: Instant) -> Alert:
        """Take an open alert: calls not sent yet become moot, and its climb waits for as long as its ladder grants.

        Raises NotFound, or Conflict when it is closed or someone else has it.
        """
        ...

    def close_alert(self, alert_id: str, who: str, at: Instant, finding: Finding, note: str) -> Alert:
        """Close the case, reset a latched alarm.

        Raises NotFound, or Conflict when it is closed already, or is a hazard that has to be written off.
        """
        ...
