"""What comes of calls after they were sent: reports, answers, and whose budget they spent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from firesense.book import rows, tables
from firesense.book.settling import hurry_on
from firesense.book.sql import Chapter, insert_new
from firesense.book.story import add_steps, queue_calls
from firesense.domain.alert import Alert
from firesense.domain.escalation import TOLD, Call, CallState, Step, StepKind
from firesense.domain.instant import DAY, iso

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

    from firesense.domain.instant import Instant

_CALL, _SEEN = tables.call.c, tables.seen.c
_WITH_ALERT = sa.select(*rows.CALL, *rows.ALERT).join(tables.alert, tables.alert.c.id == _CALL.alert)
_WITH = _WITH_ALERT.where(
    _CALL.channel == sa.bindparam("channel"), _CALL.receipt == sa.bindparam("reference"), _CALL.state.in_(TOLD)
).order_by(_CALL.number)
_ON_LINE = sa.and_(
    _CALL.channel == sa.bindparam("channel"), _CALL.line == sa.bindparam("line"), _CALL.sent_at > sa.bindparam("since")
)
_TO = _WITH_ALERT.where(_ON_LINE).order_by(_CALL.sent_at.desc(), _CALL.number.desc()).limit(100)
# One message is one use of the line, however many calls it told.
_SPENT = (
    sa.select(_CALL.sent_at, sa.func.max(sa.case((_CALL.urgent, 1), else_=0)))
    .where(_ON_LINE)
    .group_by(_CALL.sent_at, _CALL.receipt)
    .order_by(_CALL.sent_at)
)
_FOUND = sa.select(*rows.CALL).where(_CALL.key == sa.bindparam("key")).with_for_update()
_REMEMBERED = 7 * DAY


class Receipts(Chapter):
    """Calls that were sent, or have to wait."""

    def postpone(
        self, calls: Sequence[Call], until: Instant, reason: str, at: Instant, instead: Sequence[Call] = ()
    ) -> None:
        """Put leased calls back until then; the story says why, once for each reason. See the port."""
        with self._database.writing() as connection:
            for call in calls:
                found = connection.execute(_FOUND, {"key": call.key}).one_or_none()
                if found is None:
                    continue
                before = Call(*found)
                if before.state is CallState.SENT:
                    _write(connection, before, {"ask_at": until, "ready_at": until})
                elif before.state in rows.PENDING:
                    _write(connection, before, _held(until, reason))
                    if before.receipt != reason:
                        detail = {"channel": call.channel, "reason": reason, "until": iso(until)}
                        others = [one.channel for one in instead if _stands_for(one, call)]
                        if others:
                            detail["next"] = ",".join(others)
                        add_steps(connection, [Step(call.alert, at, StepKind.WAITS, call.person, detail)])
            queue_calls(connection, instead, news=True)  # nobody was told yet

    def report(self, call: Call, at: Instant, instead: Sequence[Call] = (), *, silent: bool = False) -> bool:
        """Write what is said later of a call that was sent; says whether that is news. See the port."""
        with self._database.writing() as connection:
            found = connection.execute(_FOUND, {"key": call.key}).one_or_none()
            if found is None:
                return False
            before = Call(*found)
            detail = {"channel": call.channel, "purpose": call.purpose.value}
            if instead:
                detail["next"] = ",".join(other.channel for other in instead)
            if silent:
                if before.state is not CallState.SENT or before.ask_at is None:
                    return False
                _write(connection, before, {"ask_at": None, "ready_at": None})
                step = Step(call.alert, at, StepKind.SILENT, call.person, detail)
            else:
                if not _is_news(before.state, call.state):
                    return False
                values: dict[str, object] = {"state": call.state, "ask_at": None, "ready_at": None}
                detail["state"] = call.state.value
                kind = StepKind.SENT
                if call.state is CallState.FAILED:
                    values["receipt"] = detail["reason"] = call.receipt
                    _remember(connection, _failed(call.channel, before.receipt), at)
                    kind = StepKind.FAILED
                _write(connection, before, values)
                step = Step(call.alert, at, kind, call.person, detail)
            add_steps(connection, [step])
            queue_calls(connection, instead, news=True)
            if call.state is CallState.FAILED and not silent:
                hurry_on(connection, [(call, at)])
        return True

    def calls_with(self, channel: str, reference: str) -> list[tuple[Call, Alert]]:
        """Give the sent calls of a channel that have this reference."""
        if not reference:
            return []
        with self._database.reading() as connection:
            return _pairs(connection, _WITH, {"channel": channel, "reference": reference})

    def failed_with(self, channel: str, reference: str) -> bool:
        """Say whether a call with this reference was reported FAILED, in the last week."""
        return self.was_seen(_failed(channel, reference))

    def calls_to(self, channel: str, line: str, since: Instant) -> list[tuple[Call, Alert]]:
        """Give what was sent to a line since then, newest first, at most a hundred."""
        with self._database.reading() as connection:
            return _pairs(connection, _TO, {"channel": channel, "line": line, "since": since})

    def spent(self, channel: str, line: str, since: Instant) -> list[tuple[Instant, bool]]:
        """When this line of a channel was used since then, oldest first, and whether that was urgent."""
        with self._database.reading() as connection:
            found = connection.execute(_SPENT, {"channel": channel, "line": line, "since": since})
            return [(at, bool(urgent)) for at, urgent in found]

    def was_seen(self, name: str) -> bool:
        """Say whether somebody came with this name already, in the last week."""
        with self._database.reading() as connection:
            return connection.scalar(sa.select(_SEEN.at).where(_SEEN.name == name)) is not None

    def first_time(self, name: str, at: Instant) -> bool:
        """Say whether nobody came with this name before, and remember it for a week."""
        with self._database.writing() as connection:
            return _remember(connection, name, at)


def _failed(channel: str, reference: str) -> str:
    return f"failed:{channel}:{reference}"


def _held(until: Instant, reason: str) -> dict[str, object]:
    return {"due_at": until, "ready_at": until, "receipt": reason, "tried_at": None}


def _stands_for(other: Call, call: Call) -> bool:
    return (other.alert, other.person, other.instead_of) == (call.alert, call.person, call.channel)


def _is_news(before: CallState, reported: CallState) -> bool:
    """What arrived did not fail, whatever is said afterwards; and nothing is said of what was never sent."""
    if before not in TOLD:
        return False
    if reported is CallState.FAILED:
        return before is CallState.SENT
    return reported in TOLD and TOLD.index(reported) > TOLD.index(before)


def _write(connection: Connection, call: Call, values: dict[str, object]) -> None:
    connection.execute(sa.update(tables.call).where(_CALL.key == call.key).values(values))


def _pairs(connection: Connection, query: sa.Select[Any], values: dict[str, object]) -> list[tuple[Call, Alert]]:
    split = len(rows.CALL)
    return [(Call(*row[:split]), Alert(*row[split:])) for row in connection.execute(query, values)]


def _remember(connection: Connection, name: str, at: Instant) -> bool:
    """Remember a name for a week, and forget what is older; says whether it is new."""
    connection.execute(sa.delete(tables.seen).where(_SEEN.at < at - _REMEMBERED))
    new = insert_new(connection, tables.seen).on_conflict_do_nothing()
    return connection.execute(new, {"name": name, "at": at}).rowcount > 0
