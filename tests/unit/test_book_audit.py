"""Whoever changes the audit with a database tool is found out, at the line that was changed."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from firesense.book import SqlBook
from firesense.domain.audit import Entry
from firesense.domain.deed import Actor
from tests.book_examples import NOON

TAMPERING = {
    "a name changed": ("UPDATE audit SET who = 'somebody' WHERE number = 3", 3, "changed"),
    "a detail changed": ("""UPDATE audit SET detail = '{"n":"9"}' WHERE number = 4""", 4, "changed"),
    "an instant changed": ("UPDATE audit SET at = at - 1 WHERE number = 1", 1, "changed"),
    "a line taken out": ("DELETE FROM audit WHERE number = 2", 2, "gone"),
    "the first line taken out": ("DELETE FROM audit WHERE number = 1", 1, "gone"),
    "the last line taken out": ("DELETE FROM audit WHERE number = 5", 5, "gone"),
    "all lines taken out": ("DELETE FROM audit", 1, "gone"),
    "a line added": (
        "INSERT INTO audit SELECT 6, at, who, origin, did, kind, target, detail, hash FROM audit WHERE number = 5",
        6,
        "changed",
    ),
    "two lines changed for each other": (
        """UPDATE audit SET number = CASE number WHEN 2 THEN -3 ELSE -2 END WHERE number IN (2, 3);
        UPDATE audit SET number = -number WHERE number < 0""",
        2,
        "changed",
    ),
    "a hash changed": ("UPDATE audit SET hash = 'beef' WHERE number = 3", 3, "changed"),
    "the head set back": ("UPDATE audit_end SET number = 4 WHERE \"end\" = 'head'", 5, "by hand"),
}


@pytest.mark.parametrize("how", TAMPERING)
def test_the_first_broken_line_is_named(tmp_path, how):
    statement, line, reason = TAMPERING[how]
    book = SqlBook(f"sqlite:///{tmp_path}/book.db")
    for n in range(5):
        book.write_down(Entry.of(Actor("wen"), NOON + n, "tried", "device", "smoke-1", n=str(n)))
    assert book.prove_audit().broken == 0
    with closing(sqlite3.connect(tmp_path / "book.db")) as raw:
        raw.executescript(statement)
        raw.commit()
    proof = book.prove_audit()
    assert proof.broken == line
    assert reason in proof.reason
    book.close()
