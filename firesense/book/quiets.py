"""Quiet windows: set, ended, extended, and what their time brings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from firesense.book import audit, rows, tables
from firesense.book.sql import Chapter, insert_new
from firesense.book.story import add_steps, drop_calls, queue_calls, write_alert
from firesense.domain.alert import Alert, AlertClass, Case, Condition, Finding
from firesense.domain.audit import Entry
from firesense.domain.errors import Conflict, NotFound
from firesense.domain.escalation import ClimbState, Step, StepKind
from firesense.domain.instant import iso
from firesense.domain.quiet import Quiet, Tried
from firesense.quieting import held_step

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.engine import Connection

    from firesense.domain.deed import Actor
    from firesense.domain.escalation import Call
    from firesense.domain.instant import Instant

_QUIET, _ALERT, _CLIMB, _STEP = tables.quiet.c, tables.alert.c, tables.climb.c, tables.step.c
_CHANGES = "quiets"
_VERSION = sa.select(tables.meta.c.value).where(tables.meta.c.key == _CHANGES)
_SINCE = (
    sa.select(*rows.QUIET)
    .where(sa.or_(_QUIET.ends_at > sa.bindparam("since"), _QUIET.due_at.is_not(None)))
    .order_by(_QUIET.set_at, _QUIET.id)
)
_DUE = (
    sa.select(*rows.QUIET, *rows.ALERT)
    .join(tables.alert, _ALERT.id == _QUIET.id)
    .where(_QUIET.due_at.is_not(None), sa.or_(_QUIET.due_at <= sa.bindparam("now"), ~_ALERT.open))
    .order_by(_QUIET.due_at)
)
_ONE = sa.select(*rows.QUIET).where(_QUIET.id == sa.bindparam("id"))
_TO_HOLD = sa.select(*rows.ALERT).where(_ALERT.id.in_(sa.bindparam("ids", expanding=True)), _ALERT.open)
_HELD = sa.select(*rows.ALERT).where(_ALERT.open, _ALERT.quiet == sa.bindparam("id"))
_TRIED_BY = (StepKind.RAISED, StepKind.TRIPPED_AGAIN)
_TRIED_CLASSES = (AlertClass.FIRE, AlertClass.TEST)
_TRIED = (
    sa.select(_ALERT.device, _ALERT.rule, _ALERT.event_at, _STEP.at, _STEP.kind)
    .join(tables.step, _STEP.alert == _ALERT.id)
    .where(
        sa.or_(
            sa.and_(_ALERT.rank.in_(rows.TEST_RANKS), _ALERT.raised_at >= sa.bindparam("set_at")),
            sa.and_(_ALERT.open, _ALERT.alert_class.in_(_TRIED_CLASSES)),
        ),
        _STEP.kind.in_(_TRIED_BY),
        sa.or_(
            _ALERT.quiet == sa.bindparam("id"),
            sa.and_(
                _STEP.kind == StepKind.TRIPPED_AGAIN,
                _STEP.at >= sa.bindparam("starts_at"),
                _STEP.at < sa.bindparam("ends_at"),
            ),
        ),
    )
    .order_by(_STEP.number)
)
_WAIT = (
    sa.update(tables.climb)
    .where(_CLIMB.alert == sa.bindparam("of"), _CLIMB.strand == "", _CLIMB.state == ClimbState.CLIMBING)
    .values(due_at=sa.bindparam("until"), version=_CLIMB.version + 1)
)
_AT_ONCE = 500  # parameters of one question


class QuietWindows(Chapter):
    """What was asked to be quiet."""

    def quiet_version(self) -> int:
        """A number that grows with every change of a window."""
        with self._database.reading() as connection:
            return int(connection.scalar(_VERSION) or 0)

    def quiets(self, since: Instant) -> list[Quiet]:
        """Windows that are not over yet, and those that lasted beyond ``since``, in the order they were set."""
        with self._database.reading() as connection:
            return [Quiet(*row) for row in connection.execute(_SINCE, {"since": since})]

    def start_quiet(self, quiet: Quiet, notice: Alert, actor: Actor) -> None:
        """Set a window, with the alert it is. Raises Conflict for one that is there."""
        with self._database.writing() as connection:
            new = insert_new(connection, tables.alert).on_conflict_do_nothing().values(rows.alert_values(notice))
            if not connection.execute(new).rowcount:
                raise Conflict(f"there is a window {quiet.id} already", "conflict.quiet.twice")
            connection.execute(sa.insert(tables.quiet), rows.quiet_values(quiet))
            detail = {"rule": notice.rule, "why": quiet.why}
            add_steps(connection, [Step(quiet.id, quiet.set_at, StepKind.RAISED, quiet.who, detail)])
            about = {"what": quiet.subject, "rule": quiet.rule, "until": iso(quiet.ends_at), "why": quiet.why}
            audit.add(connection, Entry.of(actor, quiet.set_at, quiet.kind.value, "quiet", quiet.id, **about))
            _changed(connection)

    def end_quiet(self, quiet_id: str, actor: Actor, at: Instant) -> Quiet:
        """End a window now; duty does what follows. Raises NotFound, or Conflict when it is over."""
        with self._database.writing() as connection:
            quiet = _lasting(connection, quiet_id, at)
            audit.add(connection, Entry.of(actor, at, "ended", "quiet", quiet_id))
            return _put(connection, replace(quiet, ends_at=at, ended_by=actor.name))

    def extend_quiet(self, quiet_id: str, until: Instant, remind_at: Instant, actor: Actor, at: Instant) -> Quiet:
        """Let a window last until then. Raises NotFound, or Conflict when it is over."""
        with self._database.writing() as connection:
            quiet = _lasting(connection, quiet_id, at)
            quiet = replace(quiet, ends_at=until, remind_at=remind_at, reminded_at=None)
            _hold(connection, quiet, _alerts(connection, _HELD, id=quiet_id), at, told=False)
            add_steps(connection, [Step(quiet_id, at, StepKind.EXTENDED, actor.name, {"until": iso(until)})])
            audit.add(connection, Entry.of(actor, at, "extended", "quiet", quiet_id, until=iso(until)))
            return _put(connection, quiet)

    def due_quiets(self, now: Instant) -> list[tuple[Quiet, Alert]]:
        """Windows about which something has to be done now, and those whose alert a person has closed."""
        with self._database.reading() as connection:
            found = connection.execute(_DUE, {"now": now}).all()
        split = len(rows.QUIET)
        return [(Quiet(*row[:split]), Alert(*row[split:])) for row in found]

    def act_on_quiet(
        self, before: Quiet, after: Quiet, calls: Sequence[Call], steps: Sequence[Step], hold: Sequence[str] = ()
    ) -> bool:
        """Write what the time of a window brought, unless it was changed meanwhile: then False.

        The alerts ``hold`` wait for its end from now on. When it is over, what waited for that and still stands is
        called, and the alert of the window itself is closed.
        """
        with self._database.writing() as connection:
            if _one(connection, before.id) != before:
                return False
            if after.announced_at is not None:
                for start in range(0, len(hold), _AT_ONCE):
                    alerts = _alerts(connection, _TO_HOLD, ids=hold[start : start + _AT_ONCE])
                    _hold(connection, after, alerts, after.announced_at)
            queue_calls(connection, calls)
            add_steps(connection, steps)
            if after.over_at is not None:
                _release(connection, after, after.over_at)
            _put(connection, after)
        return True

    def date_quiet(self, before: Quiet, after: Quiet, at: Instant) -> bool:
        """Give a window other times, unless it was changed meanwhile: then False. What it holds waits for its end."""
        with self._database.writing() as connection:
            if _one(connection, before.id) != before:
                return False
            _hold(connection, after, _alerts(connection, _HELD, id=before.id), at, told=False)
            _put(connection, after)
        return True

    def quiet(self, quiet_id: str) -> Quiet:
        """One window; raises NotFound."""
        with self._database.reading() as connection:
            row = connection.execute(_ONE, {"id": quiet_id}).one_or_none()
        if row is None:
            raise NotFound(f"there is no window {quiet_id}")
        return Quiet(*row)

    def tried(self, quiet: Quiet) -> list[Tried]:
        """Devices heard in a walk test, in the order they were heard first."""
        window = {"set_at": quiet.set_at, "id": quiet.id, "starts_at": quiet.starts_at, "ends_at": quiet.ends_at}
        found: dict[str, Tried] = {}
        with self._database.reading() as connection:
            for device, rule, event_at, at, kind in connection.execute(_TRIED, window):
                heard_at = event_at if kind is StepKind.RAISED else at
                before = found.get(device, Tried(device, rule, heard_at, 0))
                found[device] = replace(before, times=before.times + 1)
        return list(found.values())

    def hold(self, waiting: Sequence[tuple[str, Quiet]], at: Instant) -> None:
        """Let open alerts, by id, wait for the end of a window before anybody is called."""
        with self._database.writing() as connection:
            for alert_id, quiet in waiting:
                current = _one(connection, quiet.id)
                if current.over_at is None:  # or nobody would release it
                    _hold(connection, current, _alerts(connection, _TO_HOLD, ids=[alert_id]), at)


def _lasting(connection: Connection, quiet_id: str, at: Instant) -> Quiet:
    quiet = _one(connection, quiet_id)
    if quiet.over_at is not None or quiet.ended_by or quiet.ends_at <= at:
        raise Conflict(f"window {quiet_id} is over", "conflict.quiet.over")
    return quiet


def _one(connection: Connection, quiet_id: str) -> Quiet:
    row = connection.execute(_ONE.with_for_update(), {"id": quiet_id}).one_or_none()
    if row is None:
        raise NotFound(f"there is no window {quiet_id}")
    return Quiet(*row)


def _alerts(connection: Connection, question: sa.Select[Any], **values: object) -> list[Alert]:
    return [Alert(*row) for row in connection.execute(question, values)]


def _put(connection: Connection, quiet: Quiet) -> Quiet:
    put = sa.update(tables.quiet).where(_QUIET.id == quiet.id).values(rows.quiet_values(quiet))
    connection.execute(put)
    _changed(connection)
    return quiet


def _hold(connection: Connection, quiet: Quiet, alerts: Iterable[Alert], at: Instant, *, told: bool = True) -> None:
    for alert in alerts:
        write_alert(connection, replace(alert, quiet=quiet.id))
        connection.execute(_WAIT, {"of": alert.id, "until": quiet.ends_at})
        drop_calls(connection, alert.id)
        if told:
            add_steps(connection, [held_step(alert.id, quiet, at)])


def _release(connection: Connection, quiet: Quiet, at: Instant) -> None:
    for alert in _alerts(connection, _HELD, id=quiet.id):
        if not quiet.holds(alert.alert_class):
            continue  # a test stays what it was
        write_alert(connection, replace(alert, quiet=""))
        connection.execute(_WAIT, {"of": alert.id, "until": at})
        add_steps(connection, [Step(alert.id, at, StepKind.RELEASED, detail={"window": quiet.id})])
    notice = _alerts(connection, _TO_HOLD, ids=[quiet.id])
    for alert in notice:
        over = replace(alert, condition=Condition.RESOLVED, cleared_at=at, case=Case.CLOSED, closed_at=at)
        write_alert(connection, replace(over, closed_by=quiet.ended_by, finding=Finding.TEST))
        add_steps(connection, [Step(alert.id, at, StepKind.CLOSED, quiet.ended_by)])


def _changed(connection: Connection) -> None:
    put = insert_new(connection, tables.meta).values(key=_CHANGES, value=1)
    grown = put.on_conflict_do_update(index_elements=["key"], set_={"value": tables.meta.c.value + 1})
    connection.execute(grown)
