"""What alerting did, written down: alerts raised, tripped again, cleared."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import sqlalchemy as sa
import structlog

from firesense.book import rows, tables
from firesense.book.sql import Prepared, insert_if_new, insert_new
from firesense.book.story import (
    add_steps,
    drop_calls,
    end_climb,
    end_whistles,
    move_case,
    queue_calls,
    read_alert,
    write_alert,
)
from firesense.domain.alert import QUIET, AlertClass, Case, Condition, Finding, alert_id
from firesense.domain.errors import NotFound
from firesense.domain.escalation import TOLD, Call, CallState, ClimbState, Purpose, Step, StepKind
from firesense.domain.outcome import Clear, Hide, Raise, TripAgain

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from firesense.domain.alert import Alert
    from firesense.domain.instant import Instant

_log = structlog.get_logger(__name__)

_TOLD = (
    sa.select(*rows.CALL)
    .where(
        tables.call.c.alert == sa.bindparam("id"),
        tables.call.c.purpose.in_((Purpose.ALERT, Purpose.UNDONE, Purpose.WHISTLE)),
        tables.call.c.state.in_(TOLD),
    )
    .order_by(tables.call.c.number)
)
# Nobody has it, and people are being called to it as it is.
_CALLING = sa.exists().where(
    tables.climb.c.alert == tables.alert.c.id,
    tables.climb.c.strand == "",
    tables.climb.c.state == ClimbState.CLIMBING,
)
_SAME = (
    sa.select(tables.alert.c.id)
    .where(
        tables.alert.c.device == sa.bindparam("device"),
        tables.alert.c.rule == sa.bindparam("rule"),
        tables.alert.c.place == sa.bindparam("place"),
        tables.alert.c.alert_class == sa.bindparam("alert_class"),  # a test is not the fire that comes after it
        tables.alert.c.open,
        sa.or_(
            sa.and_(
                tables.alert.c.condition == Condition.FIRING,
                sa.or_(tables.alert.c.event_at > sa.bindparam("since"), _CALLING),
            ),
            tables.alert.c.cleared_at > sa.bindparam("lately"),
        ),
        tables.alert.c.id != sa.bindparam("id"),
    )
    .limit(1)
)
_RAISE = Prepared(lambda dialect: insert_if_new(dialect, tables.alert), rows.ALERT_NAMES)
_BEGIN = Prepared(lambda _: sa.insert(tables.climb), (*rows.CLIMB_NAMES, "rank"))
_OVER = sa.select(tables.quiet.c.over_at).where(tables.quiet.c.id == sa.bindparam("id"))
# What was said last of a resolved alarm: that it cleared by itself, or that a person reset it.
_LAST_OVER = (
    sa.select(tables.step.c.kind)
    .where(tables.step.c.alert == sa.bindparam("id"), tables.step.c.kind.in_((StepKind.CLEARED, StepKind.RESET)))
    .order_by(tables.step.c.number.desc())
    .limit(1)
)
_START_AGAIN = (
    sa.update(tables.climb)
    .where(tables.climb.c.alert == sa.bindparam("id"), tables.climb.c.strand == "")
    .values(
        state=ClimbState.CLIMBING,
        rung=0,
        tries=0,
        round=tables.climb.c.round + 1,
        first_round=tables.climb.c.round + 1,
        due_at=sa.bindparam("now"),
        version=tables.climb.c.version + 1,
    )
)


def do(connection: Connection, deed: Raise | TripAgain | Clear | Hide, now: Instant, standing: dict[str, str]) -> None:
    """Write one deed. One that speaks of an alert nobody raised is logged and left: the rest must not wait for it.

    ``standing`` gets the alerts that another street has raised meanwhile under another id, with that id: alerting and
    the scout see the same fire in different frames. What comes of them later in the stretch comes of the one that
    stands; that one is not over with what was over before it.
    """
    try:
        match deed:
            case Raise():
                _raise(connection, deed, now, standing)
            case TripAgain():
                _trip_again(connection, replace(deed, alert=standing.get(deed.alert, deed.alert)), now)
            case Hide():
                _suppress(connection, standing.get(deed.alert, deed.alert), "hidden", deed.rule, deed.device, deed.at)
            case Clear() if deed.alert in standing:
                known = read_alert(connection, standing[deed.alert])
                if deed.at >= known.event_at:
                    _clear(connection, replace(deed, alert=known.id), now)
            case Clear():
                _clear(connection, deed, now)
    except NotFound:
        _log.error("a deed on an alert that is not in the book", alert=deed.alert, deed=type(deed).__name__)


def is_firing(connection: Connection, alert_id: str) -> bool:
    """Whether an open alert fires, as far as the book knows."""
    asked = sa.select(tables.alert.c.condition).where(tables.alert.c.id == alert_id, tables.alert.c.open)
    return connection.scalar(asked) is Condition.FIRING


def _raise(connection: Connection, deed: Raise, now: Instant, standing: dict[str, str]) -> None:
    alert = deed.alert
    same = {name: getattr(alert, name) for name in ("device", "rule", "place", "alert_class", "id")}
    same["lately"] = alert.event_at - QUIET
    # A stranger never says that it is over: what it is raised for after a quiet while is another fire, unless nobody
    # has taken the one before.
    same["since"] = same["lately"] if alert.of_stranger else 0
    if alert.device and (known := connection.scalar(_SAME, same)) is not None:
        standing[alert.id] = known
        _trip_again(connection, TripAgain(known, alert.event_at, alert.value), now)
        return
    kept, climb = alert, deed.climb
    if alert.quiet and alert.alert_class is not AlertClass.TEST and connection.scalar(_OVER, {"id": alert.quiet}):
        kept = replace(alert, quiet="")  # it is written after its window was over, or ended: nothing holds it
        climb = None if climb is None else replace(climb, due_at=now)
    if not _RAISE.run(connection, [rows.alert_values(kept).values()]):
        before = read_alert(connection, alert.id)
        if before.cleared_at is not None and alert.offset > before.offset:
            # It was over, and a later frame says the same instant: the clock of its device stands still.
            again = _renamed(deed, alert_id(alert.rule, f"{alert.id}@{alert.offset}", alert.event_at))
            _raise(connection, again, now, standing)
            standing[alert.id] = standing.get(again.alert.id, again.alert.id)
        return
    if deed.because is not None:
        connection.execute(sa.insert(tables.because), {"alert": deed.alert.id, "told": deed.because})
    if climb is not None:
        _BEGIN.run(connection, [(*rows.climb_values(climb).values(), rows.rank(deed.alert))])
    queue_calls(connection, deed.calls, news=True)
    add_steps(connection, deed.steps)
    if alert.quiet:
        _suppress(connection, alert.quiet, "quiet", alert.rule, alert.device, alert.event_at)


def _renamed(deed: Raise, name: str) -> Raise:
    """The same alert under another name."""
    before = deed.alert.id
    calls = (replace(call, alert=name, key=name + call.key.removeprefix(before)) for call in deed.calls)
    return replace(
        deed,
        alert=replace(deed.alert, id=name),
        climb=None if deed.climb is None else replace(deed.climb, alert=name),
        calls=tuple(calls),
        steps=tuple(replace(step, alert=name) for step in deed.steps),
    )


def _suppress(connection: Connection, alert: str, why: str, what: str, device: str, at: Instant) -> None:
    """Count what was kept from people. Raises NotFound when there is no such alert."""
    read_alert(connection, alert)
    put = insert_new(connection, tables.suppressed).values(
        alert=alert, why=why, what=what, device=device, count=1, first_at=at, last_at=at
    )
    more = {"count": tables.suppressed.c.count + 1, "last_at": put.excluded.last_at}
    connection.execute(put.on_conflict_do_update(index_elements=["alert", "why", "what", "device"], set_=more))


def _trip_again(connection: Connection, deed: TripAgain, now: Instant) -> None:
    alert = read_alert(connection, deed.alert, to_change=True)
    again = replace(alert, trips=alert.trips + 1)
    reopened = _is_news(connection, alert, deed.at)
    if alert.open or reopened:
        again = replace(again, condition=Condition.FIRING, value=deed.value, cleared_at=None)
    if reopened:
        # Whoever is responsible must hear of it once more; what was said before stays in the story.
        again = replace(again, case=Case.OPEN, acknowledged_at=None, acknowledged_by="")
        again = replace(again, closed_at=None, closed_by="", finding=None, note="", cause="")
        again = replace(again, dispatched_at=None, arrived_at=None, verified_at=None, verified_by="", silenced_at=None)
        connection.execute(_START_AGAIN, {"id": alert.id, "now": now})
    elif _ends_silence(alert, deed.at):
        again = replace(again, silenced_at=None)
        move_case(connection, alert.id, again.case, now)  # it waited for its closing only
    write_alert(connection, again)
    add_steps(connection, [Step(alert.id, now, StepKind.TRIPPED_AGAIN, detail=_value(deed.value))])


def _is_news(connection: Connection, alert: Alert, at: Instant) -> bool:
    """Whether a trip is news to whoever spoke on an alert last: it was closed or, a fire, verified, silenced or reset.

    A fire that was over and trips again is news, however long its frame was on its way: whoever spoke had not heard of
    it. One that still fires may be told once more by the other street, so that has to be a later trip. While somebody
    is on the way and has not said what it is, a detector that chatters is one alarm.
    """
    if alert.alert_class is not AlertClass.FIRE:
        return alert.closed_at is not None and at > alert.closed_at
    spoken = (alert.verified_at, alert.silenced_at) if alert.closed_at is None else (alert.closed_at,)
    said_at = min((at for at in spoken if at is not None), default=None)
    if alert.condition is Condition.FIRING:
        return said_at is not None and at > said_at
    if said_at is None and alert.condition is Condition.RESOLVED:
        return bool(connection.scalar(_LAST_OVER, {"id": alert.id}) == StepKind.RESET)
    return said_at is not None


def _ends_silence(alert: Alert, at: Instant) -> bool:
    """Whether a trip is later than the silence of an open alert: whoever silenced it had not heard of it."""
    if not alert.open or alert.silenced_at is None:
        return False
    return alert.condition is not Condition.FIRING or at > alert.silenced_at


def _value(value: float | None) -> dict[str, str]:
    return {} if value is None else {"value": f"{value:g}"}


def _clear(connection: Connection, deed: Clear, now: Instant) -> None:
    alert = read_alert(connection, deed.alert, to_change=True)
    if not alert.open:  # a person had the last word; what the device says now is kept, and nobody is told
        write_alert(connection, replace(alert, condition=Condition.RESOLVED, cleared_at=deed.at))
        add_steps(connection, [Step(alert.id, now, StepKind.CLEARED)])
        return
    cleared = replace(alert, condition=deed.condition, cleared_at=deed.at)
    steps = [Step(alert.id, now, StepKind.CLEARED, detail={"condition": deed.condition.value})]
    if deed.condition is Condition.RESOLVED:
        end_climb(connection, alert.id, ClimbState.STOPPED, [ClimbState.CLIMBING])
        drop_calls(connection, alert.id)
        if not alert.acknowledged_by:
            end_whistles(connection, alert.id)
            cleared = replace(cleared, case=Case.CLOSED, closed_at=now, finding=Finding.CLEARED_ITSELF)
            steps.append(Step(alert.id, now, StepKind.CLOSED, detail={"finding": Finding.CLEARED_ITSELF.value}))
    write_alert(connection, cleared)
    told = [Call(*row) for row in connection.execute(_TOLD, {"id": alert.id})]
    queue_calls(connection, [cleared_call(call, alert, now) for call in told])
    add_steps(connection, steps)


def cleared_call(told: Call, alert: Alert, now: Instant) -> Call:
    """Tell whoever was told, by the same channel, that it is over; once each time it tripped."""
    return replace(
        told,
        key=f"{alert.id}/{Purpose.CLEARED.value}/{alert.trips}/{told.person}/{told.channel}",
        purpose=Purpose.CLEARED,
        created_at=now,
        due_at=now,
        urgent=False,
        state=CallState.QUEUED,
        attempts=0,
        receipt="",
        sent_at=None,
        ask_at=None,
        instead_of="",
    )
