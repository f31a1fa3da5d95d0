"""The table of clauses names tests that are there, and no test of a clause is missing from it."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTS = "tests/scenario/test_gb45839.py"


def rows():
    text = (ROOT / "docs/gb45839.md").read_text(encoding="utf-8")
    return [line.strip("|").split("|") for line in text.splitlines() if re.match(r"\| 5\.", line)]


def named_in(file):
    return set(re.findall(r"^(?:async )?def (test_\w+)", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE))


def test_every_test_the_table_names_is_there_and_every_one_there_is_named():
    named: dict[str, set[str]] = {TESTS: set()}
    for row in rows():
        file = TESTS
        for word in re.findall(r"`([^`]+)`", row[3]):
            if word.endswith(".py"):
                file = word
            else:
                named.setdefault(file, set()).add(word)
    assert named[TESTS] == named_in(TESTS)
    for file, words in named.items():
        assert words <= named_in(file), file


def test_a_test_stands_in_the_row_of_a_clause_it_is_named_after():
    table = rows()
    for test in named_in(TESTS):
        clauses = re.findall(r"5_\d+_\d+", test)
        assert clauses, test
        for clause in clauses:
            own = [row for row in table if clause.replace("_", ".") in re.split(r"[ ,]+", row[0])]
            assert own, clause
            assert any(test in row[3] for row in own), (test, clause)


def test_no_row_claims_all_without_a_test():
    for row in rows():
        assert len(row) == 5, row[0]
        assert row[3].strip() or row[4].strip(), row[0]
