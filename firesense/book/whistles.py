"""Whistles: departments that were called in, and whether they came."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from firesense.book import audit, rows, tables
from firesense.book.sql import Chapter
from firesense.book.story import add_steps, queue_calls, read_alert
from firesense.domain.audit import Entry
from firesense.domain.errors import Conflict
from firesense.domain.escalation import UNANSWERED, CallState, ClimbState, Purpose, Step, StepKind
from firesense.domain.instant import iso

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.engine import Connection

    from firesense.domain.deed import Actor
    from firesense.domain.escalation import Call, Climb
    from firesense.domain.instant import Instant

_CLIMB, _CALL = tables.climb.c, tables.call.c
_OF_ALERT = (
    sa.select(*rows.CLIMB).where(_CLIMB.alert == sa.bindparam("id"), _CLIMB.strand != "").order_by(_CLIMB.strand)
)
_ON_THE_WAY = _OF_ALERT.where(_CLIMB.state.in_(UNANSWERED)).with_for_update()
_CALLED = sa.select(_CALL.strand, _CALL.person).where(
    _CALL.alert == sa.bindparam("id"), _CALL.purpose == Purpose.WHISTLE
)
_BLOWN = (
    sa.select(tables.step.c.at, tables.step.c.detail)
    .where(tables.step.c.alert == sa.bindparam("id"), tables.step.c.kind == StepKind.WHISTLED)
    .order_by(tables.step.c.number)
)
_END = (
    sa.update(tables.climb)
    .where(_CLIMB.alert == sa.bindparam("id"), _CLIMB.strand == sa.bindparam("of_strand"))
    .values(state=ClimbState.STOPPED, due_at=None, version=_CLIMB.version + 1)
)
_DROP = (
    sa.update(tables.call)
    .where(
        _CALL.alert == sa.bindparam("id"),
        _CALL.strand == sa.bindparam("of_strand"),
        _CALL.purpose == Purpose.WHISTLE,
        _CALL.state.in_(rows.PENDING),
    )
    .values(state=CallState.MOOT, ready_at=None)
)


class Whistles(Chapter):
    """Who was called in."""

    def whistles(self, alert_id: str) -> list[Climb]:
        """Give the whistles of an alert, in the order they were blown."""
        with self._database.reading() as connection:
            found = [rows.climb_of(row) for row in connection.execute(_OF_ALERT, {"id": alert_id})]
        return sorted(found, key=lambda climb: (len(climb.strand), climb.strand))

    def blow(self, climb: Climb, calls: Sequence[Call], steps: Sequence[Step], actor: Actor, at: Instant) -> None:
        """Write a whistle with its first calls.

        Raises NotFound, or Conflict: the alert is closed, the strand is taken, or the same person's whistle for the
        same department still waits.
        """
        with self._database.writing(person=True) as connection:
            alert = read_alert(connection, climb.alert, to_change=True)
            if not alert.open:
                raise Conflict(f"alert {alert.id} is closed", "conflict.whistle-closed")
            for other in [rows.climb_of(row) for row in connection.execute(_OF_ALERT, {"id": alert.id})]:
                if other.state is ClimbState.CLIMBING and (other.by, other.ladder) == (climb.by, climb.ladder):
                    raise _on_its_way(connection, other, at)
                if other.strand == climb.strand:
                    raise Conflict(f"alert {alert.id} has a whistle {climb.strand}", "conflict.whistle-meanwhile")
            connection.execute(sa.insert(tables.climb), rows.climb_values(climb) | {"rank": rows.rank(alert)})
            queue_calls(connection, calls)
            add_steps(connection, steps)
            said = {"whom": climb.ladder.id, "reason": climb.reason, "strand": climb.strand}
            audit.add(connection, Entry.of(actor, at, StepKind.WHISTLED.value, "alert", alert.id, **said))

    def answer(
        self, alert_id: str, actor: Actor, at: Instant, strand: str = "", *, tell: Iterable[Call] = ()
    ) -> list[str]:
        """Write that a department has come: every whistle its person was called by or, if given, this one.

        Of ``tell`` the calls of those whistles are written. Gives the strands that are over by it. Raises NotFound, or
        Conflict when there is nothing to answer.
        """
        with self._database.writing(person=True) as connection:
            read_alert(connection, alert_id, to_change=True)
            answered = answer_whistles(connection, alert_id, actor.name, at, strand, tell)
            if not answered:
                raise Conflict(f"nobody whistled for {actor.name} at {alert_id}", "conflict.no-whistle")
            said = {"strand": ", ".join(answered)}
            audit.add(connection, Entry.of(actor, at, StepKind.ANSWERED.value, "alert", alert_id, **said))
        return answered


def _on_its_way(connection: Connection, whistle: Climb, now: Instant) -> Conflict:
    """Say that a whistle for the same is not answered yet: which one, since and until when, and what can be done."""
    blown = connection.execute(_BLOWN, {"id": whistle.alert})
    blown_at = next((at for at, detail in blown if detail.get("strand") == whistle.strand), now)
    due_at = now if whistle.due_at is None else whistle.due_at
    return Conflict(
        f"whistle {whistle.strand} for the same, blown {iso(blown_at)}, is not answered yet: they have until"
        f" {iso(due_at)}; wait, call in a rung further up, or telephone them",
        "conflict.whistle-twice",
        strand=whistle.strand,
        earlier=whistle.reason,
        blown_at=blown_at,
        due_at=due_at,
    )


def answer_whistles(
    connection: Connection, alert_id: str, who: str, at: Instant, strand: str = "", tell: Iterable[Call] = ()
) -> list[str]:
    """End the whistles that called this person or, if given, this one; gives those that were still unanswered.

    Of ``tell`` the calls of these are written.
    """
    waiting = [rows.climb_of(row).strand for row in connection.execute(_ON_THE_WAY, {"id": alert_id})]
    called = connection.execute(_CALLED, {"id": alert_id}) if waiting and not strand else ()
    mine = {name for name, person in called if person == who} or {strand}
    answered = [name for name in waiting if name in mine]
    for name in answered:
        one = {"id": alert_id, "of_strand": name}
        connection.execute(_END, one)
        connection.execute(_DROP, one)
    queue_calls(connection, [call for call in tell if call.strand in answered])
    add_steps(connection, [Step(alert_id, at, StepKind.ANSWERED, who, {"strand": name}) for name in answered])
    return answered
