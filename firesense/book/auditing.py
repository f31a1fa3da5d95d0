"""Which open alerts nobody would hear of again, and putting their climbs right."""

from __future__ import annotations

from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from firesense.book import rows, tables
from firesense.book.sql import Chapter
from firesense.book.story import add_steps, queue_calls, read_alert
from firesense.domain.alert import Alert, Case
from firesense.domain.escalation import ClimbState, Timers
from firesense.escalate import AUDITED, adrift

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from firesense.domain.escalation import Call, Climb, Step
    from firesense.domain.instant import Instant

_ALERT, _CLIMB, _HAZARD = tables.alert.c, tables.climb.c, tables.hazard.c
_LIVE = _CLIMB.state.in_((ClimbState.CLIMBING, ClimbState.ACKNOWLEDGED))
# Wide enough for everything ``adrift`` finds; it has the last word.
_SUSPECT = sa.or_(
    _CLIMB.alert.is_(None),
    sa.and_(_LIVE, _CLIMB.due_at.is_(None), sa.or_(_ALERT.case == Case.OPEN, _CLIMB.timers != Timers())),
    sa.and_(_LIVE, _CLIMB.due_at < sa.bindparam("overdue_before")),
    sa.and_(_LIVE, _CLIMB.rank.not_in(rows.RANKS)),
    sa.and_(_LIVE, sa.or_(_CLIMB.rung < 0, _CLIMB.rung.in_(sa.bindparam("beyond", expanding=True)))),
    sa.and_(_CLIMB.strand == "", _CLIMB.state == ClimbState.CLIMBING, _ALERT.case != Case.OPEN),
    sa.and_(_CLIMB.strand == "", _CLIMB.state == ClimbState.ACKNOWLEDGED, _ALERT.case == Case.OPEN),
    sa.and_(_CLIMB.strand == "", _CLIMB.state == ClimbState.STOPPED),
    sa.and_(_CLIMB.state == ClimbState.EXHAUSTED, _CLIMB.repeat.is_(None)),
)
# Few, however many climbs there are: a ladder has some rungs, and there are some ladders.
_STANDS = sa.select(_CLIMB.rung, _CLIMB.rungs).where(_LIVE, _CLIMB.rung > 0).distinct()
_ADRIFT = (
    sa.select(*rows.ALERT, *rows.CLIMB, _CLIMB.rank)
    .outerjoin(tables.climb, _ALERT.id == _CLIMB.alert)
    .where(
        _ALERT.open,
        _ALERT.alert_class.in_(AUDITED),
        _ALERT.quiet == "",  # a window holds it, and releases it
        # A hazard case has its own dates.
        ~sa.exists().where(_HAZARD.alert == _ALERT.id, _HAZARD.open, _HAZARD.due_at.is_not(None)),
        _SUSPECT,
    )
    .order_by(_ALERT.rank, _ALERT.raised_at)
    .execution_options(yield_per=500)  # many that are fine may come before one that is lost
)


def _lost(suspects: Iterable[Any], overdue_before: Instant) -> Iterator[tuple[Alert, Climb | None]]:
    split = len(rows.ALERT)
    for row in suspects:
        alert, (*climb_row, rank) = Alert(*row[:split]), row[split:]
        climb = None if climb_row[0] is None else rows.climb_of(climb_row)
        if adrift(alert, climb, overdue_before) or (climb is not None and rank not in rows.RANKS):
            yield alert, climb


class Auditing(Chapter):
    """Climbs that lost their way."""

    def adrift(self, overdue_before: Instant, most: int) -> list[tuple[Alert, Climb | None]]:
        """Open fires and hazards without a next step or a reason for none, the gravest first. See the port."""
        with self._database.reading() as connection:
            beyond = [rung for rung, rungs in connection.execute(_STANDS) if rung >= len(rungs)]
            asked = {"overdue_before": overdue_before, "beyond": beyond}
            with closing(connection.execute(_ADRIFT, asked)) as suspects:
                return list(islice(_lost(suspects, overdue_before), most))

    def repair(
        self, alert: Alert, before: Climb | None, after: Climb, calls: Sequence[Call], steps: Sequence[Step]
    ) -> bool:
        """Write a climb anew with its rank, unless it or its case moved meanwhile: then False. See the port."""
        version = None if before is None else before.version
        mine = sa.and_(_CLIMB.alert == alert.id, _CLIMB.strand == after.strand)
        with self._database.writing() as connection:
            if connection.scalar(sa.select(_CLIMB.version).where(mine).with_for_update()) != version:
                return False
            if read_alert(connection, alert.id).case is not alert.case:
                return False  # without a climb there is no version that would tell
            connection.execute(sa.delete(tables.climb).where(mine))
            connection.execute(sa.insert(tables.climb), rows.climb_values(after) | {"rank": rows.rank(alert)})
            queue_calls(connection, calls)
            add_steps(connection, steps)
        return True
