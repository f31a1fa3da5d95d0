"""Cases: what people look at, take and close."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import sqlalchemy as sa

from firesense import casework
from firesense.book import audit, deeds, rows, tables
from firesense.book.hazards import refuse_while_a_hazard
from firesense.book.rollcalls import refuse_whoever_is_not_asked
from firesense.book.sql import Chapter
from firesense.book.story import add_steps, drop_calls, move_case, queue_calls, read_alert, write_alert
from firesense.book.whistles import answer_whistles
from firesense.domain.alert import Alert, Finding
from firesense.domain.audit import Entry
from firesense.domain.deed import Acknowledge, Actor, Close, Dispatch, Reset, Verify
from firesense.domain.errors import Conflict
from firesense.domain.escalation import Step, StepKind
from firesense.domain.instant import SECOND
from firesense.escalate import stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy.engine import Connection

    from firesense.casework import Moved
    from firesense.domain.deed import Deed
    from firesense.domain.escalation import Call
    from firesense.domain.instant import Instant
    from firesense.domain.outcome import Raise

_ALERT = tables.alert.c
_MATES = (
    sa.select(*rows.ALERT)
    # the second term is implied, and said for the partial index
    .where(_ALERT.incident == sa.bindparam("incident"), _ALERT.incident != "", _ALERT.open)
    .where(_ALERT.id != sa.bindparam("id"))
    .order_by(_ALERT.raised_at, _ALERT.id)
    .with_for_update()
)
_ONE_PRESS = 10 * SECOND  # who is sent again so soon, with the same words, was sent by a button pressed twice
_SENT_SINCE = sa.select(tables.step.c.detail).where(
    tables.step.c.alert == sa.bindparam("id"),
    tables.step.c.kind == StepKind.DISPATCHED,
    tables.step.c.at > sa.bindparam("since"),
)


class Cases(Chapter):
    """Alerts, and what people do about them."""

    def alert(self, alert_id: str) -> Alert:
        """One alert; raises NotFound."""
        with self._database.reading() as connection:
            return read_alert(connection, alert_id)

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
        to be done. Of ``tell`` the calls of whistles that are answered by it are written. See the port. Raises
        NotFound, Conflict.
        """
        with self._database.writing(person=True) as connection:
            alert = read_alert(connection, alert_id, to_change=True)
            if isinstance(deed, Acknowledge):
                answered = answer_whistles(connection, alert_id, actor.name, at, tell=tell)
                if answered:
                    said = {"strand": ", ".join(answered)}
                    audit.add(connection, Entry.of(actor, at, StepKind.ANSWERED.value, "alert", alert_id, **said))
                if answered and alert.acknowledged_by not in {"", actor.name}:
                    return alert  # whoever was called in has come; the alert stays with whoever has it
            refuse_whoever_is_not_asked(connection, alert, deed, actor.name)
            moved = casework.move(alert, deed, actor.name, at)
            if not moved.steps:
                return alert
            mates = [mate for mate in _mates(connection, alert) if casework.reaches(deed, alert, mate)]
            moved = moved.leaving([mate for mate in mates if not may(mate)])
            if _sent_just_now(connection, alert, deed, moved):
                return alert
            if isinstance(deed, Verify) and deed.finding is alert.finding is Finding.FIRE:
                calls, steps = (), ()  # the plan for it was run when it was confirmed first
            if isinstance(deed, Close):
                refuse_while_a_hazard(connection, alert_id)
                casework.ask_before_closing(filter(may, mates), deed)
            _write(connection, alert, moved, deed, at)
            done = [moved, *_act_on_mates(connection, filter(may, mates), deed, actor, at)]
            queue_calls(connection, calls)
            add_steps(connection, steps)
            if also is not None:
                _raise_also(connection, moved.alert, also, at)
            audit.add(connection, *(_entry(actor, each.steps[-1]) for each in done))
            return moved.alert

    def acknowledge(self, alert_id: str, who: str, at: Instant) -> Alert:
        """Take an open alert. Who has it already keeps it. Raises NotFound, Conflict."""
        return self.act(alert_id, Acknowledge(), Actor(who), at)

    def close_alert(self, alert_id: str, who: str, at: Instant, finding: Finding, note: str) -> Alert:
        """Close the case, reset a latched alarm; one that still fires may be closed, too: a person says so.

        Raises NotFound, or Conflict when it is closed already, or is a hazard that has to be written off.
        """
        return self.act(alert_id, Close(finding, note=note, though_firing=True), Actor(who), at)


def _write(connection: Connection, before: Alert, moved: Moved, deed: Deed, at: Instant) -> None:
    after = moved.alert
    if isinstance(deed, Reset) and before.acknowledged_by:
        drop_calls(connection, after.id)  # it is about the alarm: the case stands where it stood
    else:
        move_case(connection, after.id, stage(after), at)
    add_steps(connection, moved.steps)
    write_alert(connection, after)


def _act_on_mates(connection: Connection, mates: Iterable[Alert], deed: Deed, actor: Actor, at: Instant) -> list[Moved]:
    """Do a deed to the others of an incident as well; gives what it came to where something had to be done."""
    done: list[Moved] = []
    for mate in mates:
        with suppress(Conflict):  # somebody else has it, or it is a hazard yet: it stays as it is
            if isinstance(deed, Close):
                refuse_while_a_hazard(connection, mate.id)
            refuse_whoever_is_not_asked(connection, mate, deed, actor.name)
            moved = casework.move(mate, deed, actor.name, at)
            _write(connection, mate, moved, deed, at)
            done += [moved] if moved.steps else []
    return done


def _sent_just_now(connection: Connection, alert: Alert, deed: Deed, moved: Moved) -> bool:
    """Whether the same people were sent with the same words a moment ago, and the alert was not reopened since."""
    if not isinstance(deed, Dispatch) or alert.dispatched_at is None:
        return False
    step = moved.steps[-1]
    found = connection.scalars(_SENT_SINCE, {"id": alert.id, "since": step.at - _ONE_PRESS})
    return any(detail == step.detail for detail in found)


def _entry(actor: Actor, step: Step) -> Entry:
    return Entry.of(actor, step.at, step.kind.value, "alert", step.alert, **step.detail)


def _mates(connection: Connection, alert: Alert) -> list[Alert]:
    """The others of an incident that are open, kept from changing until the transaction ends."""
    if not alert.incident:
        return []
    found = connection.execute(_MATES, {"incident": alert.incident, "id": alert.id})
    return [Alert(*row) for row in found]


def _raise_also(connection: Connection, of: Alert, also: Raise, at: Instant) -> None:
    """Raise a case that comes of what was found; the one its device has already trips again instead."""
    standing: dict[str, str] = {}
    deeds.do(connection, also, at, standing)
    case = standing.get(also.alert.id, also.alert.id)
    add_steps(connection, [Step(of.id, at, StepKind.FAULT_CASE, detail={"alert": case})])
