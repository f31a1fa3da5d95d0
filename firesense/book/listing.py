"""The list of alerts: a part of it with all that is said of each, in a few questions however long it is."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from firesense.book import rows, tables
from firesense.book.sql import Chapter
from firesense.book.story import newest_step
from firesense.domain.alert import Alert, AlertClass
from firesense.domain.errors import NotFound
from firesense.domain.escalation import OF_THE_CLIMB, UNANSWERED, Step, StepKind, rungs_told_already
from firesense.ports import CallLine, CallsListed, Listing

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy.engine import Connection

    from firesense.domain.escalation import Climb

_ALERT, _CLIMB, _CALL = tables.alert.c, tables.climb.c, tables.call.c
_LIST = sa.select(*rows.ALERT).order_by(_ALERT.rank, _ALERT.raised_at.desc(), _ALERT.id).limit(sa.bindparam("most"))
_LEFT = (
    sa.select(*rows.ALERT)
    .where(tables.LEFT_FIRING, _ALERT.rule.in_(sa.bindparam("rules", expanding=True)))
    .order_by(_ALERT.raised_at.desc())
    .limit(sa.bindparam("most"))
)
_PLACE = sa.select(_ALERT.rank, _ALERT.raised_at, _ALERT.id).where(_ALERT.id == sa.bindparam("after"))
_FOLLOWS = sa.and_(
    _ALERT.rank >= sa.bindparam("rank"),  # said for the index: the rest implies it
    sa.or_(
        _ALERT.rank > sa.bindparam("rank"),
        _ALERT.raised_at < sa.bindparam("raised_at"),
        sa.and_(_ALERT.raised_at == sa.bindparam("raised_at"), _ALERT.id > sa.bindparam("id")),
    ),
)
# By rank, which says the class: the index of open alerts has it.
_COUNTS = sa.select(_ALERT.rank, sa.func.count()).where(_ALERT.open).group_by(_ALERT.rank)
_THESE: sa.BindParameter[Any] = sa.bindparam("alerts", expanding=True)
_CLIMBS = sa.select(*rows.CLIMB).where(_CLIMB.alert.in_(_THESE), _CLIMB.strand == "")
_NUMBERED = (
    sa.select(
        _CALL.number,
        sa.func.row_number().over(partition_by=_CALL.alert, order_by=_CALL.number.desc()).label("place"),
        sa.func.count().over(partition_by=_CALL.alert).label("count"),
    )
    .where(_CALL.alert.in_(_THESE))
    .subquery("numbered")
)
_CALLS = (
    sa.select(
        _CALL.alert,
        _NUMBERED.c.count,
        _CALL.person,
        _CALL.role,
        _CALL.channel,
        _CALL.state,
        _CALL.attempts,
        _CALL.created_at,
        _CALL.due_at,
        _CALL.sent_at,
    )
    .join(_NUMBERED, _NUMBERED.c.number == _CALL.number)
    .where(_NUMBERED.c.place <= sa.bindparam("newest"))
    .order_by(_CALL.number)
)
_RUNGS = (
    sa.select(_CALL.alert, sa.func.min(_CALL.round), _CALL.rung)
    .where(_CALL.alert.in_(_THESE), _CALL.purpose.in_(OF_THE_CLIMB))
    .group_by(_CALL.alert, _CALL.rung)
)
_EMPTY = sa.select(*rows.STEP).where(tables.step.c.alert.in_(_THESE), tables.step.c.kind == StepKind.EMPTY)
_WHISTLES = (
    sa.select(_CLIMB.alert, sa.func.count())
    .where(_CLIMB.alert.in_(_THESE), _CLIMB.strand != "", _CLIMB.state.in_(UNANSWERED))
    .group_by(_CLIMB.alert)
)


class Listings(Chapter):
    """Alerts as they are listed."""

    def alerts(self, *, open_only: bool = True, most: int = 200, after: str = "") -> list[Alert]:
        """Alerts, the gravest class first; in a class those of strangers last; then the newest first.

        ``after`` is the id of an alert: those that follow it. Raises NotFound when there is no such alert.
        """
        with self._database.reading() as connection:
            return _alerts(connection, open_only=open_only, most=most, after=after)

    def left_firing(self, rules: Collection[str], most: int = 10_000) -> list[Alert]:
        """Alerts of these rules that people closed while they were firing, and that are not over yet, newest first."""
        with self._database.reading() as connection:
            return [Alert(*row) for row in connection.execute(_LEFT, {"rules": rules, "most": most})]

    def listing(self, *, open_only: bool = True, most: int = 200, after: str = "", calls: int = 3) -> Listing:
        """The same alerts with what a list says of each; see the port. Raises NotFound."""
        with self._database.reading() as connection:
            alerts = _alerts(connection, open_only=open_only, most=most, after=after)
            these = [alert.id for alert in alerts]
            climbs = _climbs(connection, these)
            return Listing(
                newest_step(connection),
                alerts,
                climbs,
                _calls(connection, these, calls, climbs),
                {rows.class_of(rank): 0 for rank in rows.LIST_RANKS} | _counts(connection),
                _whistles(connection, these),
            )


def _alerts(connection: Connection, *, open_only: bool, most: int, after: str) -> list[Alert]:
    question, values = _LIST, {"most": most}
    if after:
        place = connection.execute(_PLACE, {"after": after}).one_or_none()
        if place is None:
            raise NotFound(f"there is no alert {after}")
        question, values = question.where(_FOLLOWS), values | place._asdict()
    if open_only:
        question = question.where(_ALERT.open)
    return [Alert(*row) for row in connection.execute(question, values)]


def _counts(connection: Connection) -> dict[AlertClass, int]:
    counts: defaultdict[AlertClass, int] = defaultdict(int)
    for rank, count in connection.execute(_COUNTS):
        counts[rows.class_of(rank)] += count
    return counts


def _climbs(connection: Connection, alerts: Collection[str]) -> dict[str, Climb]:
    found = connection.execute(_CLIMBS, {"alerts": alerts})
    return {climb.alert: climb for climb in map(rows.climb_of, found)}


def _whistles(connection: Connection, alerts: Collection[str]) -> dict[str, int]:
    return {alert: waiting for alert, waiting in connection.execute(_WHISTLES, {"alerts": alerts})}  # noqa: C416 # rows are no pairs to mypy


def _calls(
    connection: Connection, alerts: Collection[str], newest: int, climbs: Mapping[str, Climb]
) -> Mapping[str, CallsListed]:
    lines: defaultdict[str, list[CallLine]] = defaultdict(list)
    counts: dict[str, int] = {}
    for alert, count, *line in connection.execute(_CALLS, {"alerts": alerts, "newest": newest}):
        counts[alert] = count
        lines[alert].append(CallLine(*line))
    rungs: defaultdict[str, set[tuple[int, int]]] = defaultdict(set)
    for alert, *called in connection.execute(_RUNGS, {"alerts": alerts}):
        rungs[alert].add((called[0], called[1]))
    told = _told(connection, [alert for alert in rungs if _passed_over(rungs[alert], climbs.get(alert))])
    return {
        alert: CallsListed(
            tuple(lines[alert]), count, frozenset(rungs[alert]), frozenset(rungs_told_already(told[alert]))
        )
        for alert, count in counts.items()
    }


def _passed_over(called: Collection[tuple[int, int]], climb: Climb | None) -> bool:
    """Whether a rung was passed over where the climb has been; of most alerts none was, and nothing is to be read."""
    reached = {rung for _, rung in called}
    return climb is not None and any(rung not in reached for rung in range(climb.rung or len(climb.ladder.rungs)))


def _told(connection: Connection, alerts: Collection[str]) -> Mapping[str, list[Step]]:
    steps: defaultdict[str, list[Step]] = defaultdict(list)
    for row in connection.execute(_EMPTY, {"alerts": alerts}) if alerts else ():
        steps[row.alert].append(Step(*row))
    return steps
