"""The audit: who did what, when, from where, on what. Rows are only added, each sealed with a hash.

A row's hash is the SHA-256, in hex, of the hash of the row before (nothing for the first one ever) and the row as
canonical JSON: an array of number, at, who, origin, did, kind, target and detail, keys in order, UTF-8 without
spaces. Whoever changes, adds or takes out a row has to change every one after it, and the head, which
``firesense audit verify`` prints to be written down elsewhere.

Rows are numbered from 1 without gaps. The row of ``audit_end`` named ``head`` is locked by whoever adds one, so that
the chain does not fork, however many processes write; the one named ``tail`` is what is left of the rows that were
kept long enough: the chain begins with its hash.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from firesense.book import tables
from firesense.book.sql import Chapter, insert_new
from firesense.domain.audit import Entry, Proof, Sealed
from firesense.domain.deed import PLATFORM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from firesense.domain.instant import Instant

HEAD, TAIL = "head", "tail"
_AUDIT, _END = tables.audit.c, tables.audit_end.c
_AT_A_TIME = 1000
_FIELDS = (_AUDIT.at, _AUDIT.who, _AUDIT.origin, _AUDIT.did, _AUDIT.kind, _AUDIT.target, _AUDIT.detail)
_END_OF = sa.select(_END.number, _END.hash).where(_END.end == sa.bindparam("which"))
_FOLLOWING = (
    sa.select(_AUDIT.number, *_FIELDS, _AUDIT.hash)
    .where(_AUDIT.number > sa.bindparam("after"))
    .order_by(_AUDIT.number)
    .limit(sa.bindparam("most"))
)
_LAST_BEFORE = (
    sa.select(_AUDIT.number, _AUDIT.hash)
    .where(_AUDIT.number > sa.bindparam("after"), _AUDIT.at < sa.bindparam("before"))
    .order_by(_AUDIT.number.desc())
    .limit(1)
)
_FIRST_KEPT = sa.select(_AUDIT.number).where(_AUDIT.at >= sa.bindparam("before")).order_by(_AUDIT.number).limit(1)


class Audit(Chapter):
    """Who did what."""

    def write_down(self, *entries: Entry) -> None:
        """Add entries that have no deed in the book to go with."""
        with self._database.writing() as connection:
            add(connection, *entries)

    def audit(
        self, *, after: int = 0, most: int = 200, kind: str = "", target: str = "", who: str = ""
    ) -> list[Sealed]:
        """Rows after a number, the oldest first; of one kind, on one thing or by one person, if that is asked."""
        question = _FOLLOWING
        for column, wanted in ((_AUDIT.kind, kind), (_AUDIT.target, target), (_AUDIT.who, who)):
            if wanted:
                question = question.where(column == wanted)
        with self._database.reading() as connection:
            return [_sealed(row) for row in connection.execute(question, {"after": after, "most": most})]

    def prove_audit(self) -> Proof:
        """Follow the chain from its first row to its head, and say where it is broken first, if it is."""
        with self._database.reading() as connection:
            tail_number, before = _end(connection, TAIL)
            head_number, head = _end(connection, HEAD)
            number = tail_number
            for row in _rows(connection, after=tail_number):
                if row.number != number + 1:
                    return Proof(number - tail_number, tail_number + 1, head, number + 1, "the row is gone")
                if seal(before, row.number, row.entry) != row.hash:
                    return Proof(number - tail_number, tail_number + 1, head, row.number, "the row was changed")
                number, before = row.number, row.hash
        if number < head_number:
            return Proof(number - tail_number, tail_number + 1, head, number + 1, "the row is gone")
        if (number, before) != (head_number, head):
            return Proof(number - tail_number, tail_number + 1, head, head_number + 1, "the row was added by hand")
        return Proof(number - tail_number, tail_number + 1, head)

    def trim_audit(self, before: Instant, at: Instant) -> int:
        """Drop rows from before an instant, and say so in the audit itself; counts them.

        Only whole stretches from the tail on go: a row that is younger keeps all that follow it.
        """
        with self._database.writing() as connection:
            tail, _ = _end(connection, TAIL, to_change=True)
            first_kept = connection.scalar(_FIRST_KEPT, {"before": before})
            last = _LAST_BEFORE if first_kept is None else _LAST_BEFORE.where(_AUDIT.number < first_kept)
            found = connection.execute(last, {"after": tail, "before": before}).one_or_none()
            if found is None:
                return 0
            number, sealed = found
            gone = connection.execute(sa.delete(tables.audit).where(_AUDIT.number <= number)).rowcount
            _put_end(connection, TAIL, number, sealed)
            add(connection, Entry.of(PLATFORM, at, "trimmed", "audit", "", rows=str(gone), last=str(number)))
        return gone


def add(connection: Connection, *entries: Entry | None) -> None:
    """Seal entries and write them, in the transaction of what they tell of; None is nothing to tell."""
    wanted = [entry for entry in entries if entry is not None]
    if not wanted:
        return
    number, before = _end(connection, HEAD, to_change=True)
    lines = []
    for entry in wanted:
        number += 1
        before = seal(before, number, entry)
        lines.append(_values(entry) | {"number": number, "hash": before})
    connection.execute(sa.insert(tables.audit), lines)
    _put_end(connection, HEAD, number, before)


def seal(before: str, number: int, entry: Entry) -> str:
    """The hash of a row that follows one with the hash ``before``."""
    row = (number, *_values(entry).values())
    return sha256(before.encode() + msgspec.json.encode(row, order="sorted")).hexdigest()


def _values(entry: Entry) -> dict[str, object]:
    return {
        "at": entry.at,
        "who": entry.who,
        "origin": entry.origin,
        "did": entry.did,
        "kind": entry.kind,
        "target": entry.target,
        "detail": dict(entry.detail),
    }


def _sealed(row: Any) -> Sealed:
    number, *fields, sealed = row
    return Sealed(number, Entry(*fields), sealed)


def _rows(connection: Connection, after: int) -> Iterator[Sealed]:
    while found := connection.execute(_FOLLOWING, {"after": after, "most": _AT_A_TIME}).all():
        yield from map(_sealed, found)
        after = found[-1][0]


def _end(connection: Connection, which: str, *, to_change: bool = False) -> tuple[int, str]:
    """The number and hash of an end of the chain; the head's row is there for every writer to lock."""
    question = _END_OF.with_for_update() if to_change else _END_OF
    found = connection.execute(question, {"which": which}).one_or_none()
    if found is None and to_change:
        new = {"end": which, "number": 0, "hash": ""}
        connection.execute(insert_new(connection, tables.audit_end).on_conflict_do_nothing(), new)
        found = connection.execute(question, {"which": which}).one()
    return (0, "") if found is None else (int(found[0]), str(found[1]))


def _put_end(connection: Connection, which: str, number: int, sealed: str) -> None:
    connection.execute(sa.update(tables.audit_end).where(_END.end == which).values(number=number, hash=sealed))
