"""Where the streets stand, and all that comes of a stretch of the journal in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from firesense.book import deeds, quarantine, tables
from firesense.book.sql import Chapter
from firesense.domain.errors import BookError
from firesense.domain.outcome import Raise, Tally, TripAgain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.engine import Connection

    from firesense.domain.outcome import Clear, Hide, Outcome

_AT = tables.position.c
_POSITION = sa.select(_AT.offset).where(_AT.street == sa.bindparam("street"))
_POSITIONS = sa.select(_AT.street, _AT.offset)
_TALLY = sa.select(_AT.recorded, _AT.duplicate, _AT.quarantined).where(_AT.street == sa.bindparam("street"))
_MOVE = (
    sa.update(tables.position)
    .where(_AT.street == sa.bindparam("of"), _AT.offset <= sa.bindparam("to"))
    .values(
        offset=sa.bindparam("to"),
        recorded=_AT.recorded + sa.bindparam("more_recorded"),
        duplicate=_AT.duplicate + sa.bindparam("more_duplicate"),
        quarantined=_AT.quarantined + sa.bindparam("more_quarantined"),
        at=sa.bindparam("now"),
    )
)


class Streets(Chapter):
    """The streets' positions and what they write."""

    def position(self, street: str) -> int:
        """The next offset this street has to do; 0 when it never ran."""
        with self._database.reading() as connection:
            return _position(connection, street) or 0

    def positions(self) -> dict[str, int]:
        """All streets' positions."""
        with self._database.reading() as connection:
            return dict(connection.execute(_POSITIONS).all())

    def tally(self, street: str) -> Tally:
        """How the frames up to this street's position ended; all zero when it never ran."""
        with self._database.reading() as connection:
            row = connection.execute(_TALLY, {"street": street}).one_or_none()
        return Tally() if row is None else Tally(*row)

    def commit(self, outcome: Outcome) -> Mapping[str, str]:
        """Write all that came of a stretch of the journal, with the position after it.

        Raising an alert whose id is known, and quarantining an offset that is there, change nothing. An alarm that
        another street has raised meanwhile is not raised twice: of such alerts their ids are given, each with the one
        that stands. See the port. Raises BookError when the street has been further: two of one street are running,
        or one was restored from an old backup.
        """
        standing: dict[str, str] = {}
        with self._database.writing() as connection:
            _move(connection, outcome)
            done = (_position(connection, outcome.ahead_of) or 0) if outcome.ahead_of else None
            for deed in outcome.deeds:
                if done is None or _is_ahead(connection, deed, done):
                    deeds.do(connection, deed, outcome.at, standing)
            quarantine.keep(connection, outcome.refusals)
        return standing


def _is_ahead(connection: Connection, deed: Raise | TripAgain | Clear | Hide, done: int) -> bool:
    """Whether a deed says anything that whoever has done the frames before ``done`` has not said."""
    match deed:
        case Raise(alert):
            return alert.offset >= done
        case TripAgain(alert, offset=offset):
            return offset >= done and not deeds.is_firing(connection, alert)
        case _:
            return True


def _position(connection: Connection, street: str) -> int | None:
    return connection.scalar(_POSITION, {"street": street})


def _move(connection: Connection, outcome: Outcome) -> None:
    tally = outcome.tally
    counts = {
        "more_recorded": tally.recorded,
        "more_duplicate": tally.duplicate,
        "more_quarantined": tally.quarantined,
    }
    moved = connection.execute(_MOVE, {"of": outcome.street, "to": outcome.position, "now": outcome.at} | counts)
    if moved.rowcount:
        return
    stored = _position(connection, outcome.street)
    if stored is not None:
        raise BookError(f"{outcome.street} is at {stored} already, {outcome.position} is behind it")
    connection.execute(
        sa.insert(tables.position).values(
            street=outcome.street,
            offset=outcome.position,
            recorded=tally.recorded,
            duplicate=tally.duplicate,
            quarantined=tally.quarantined,
            at=outcome.at,
        )
    )
