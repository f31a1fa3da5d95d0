"""Columns of a registry read like the sequences they stand for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firesense.domain.packed import Shared, Texts

PARTS = st.lists(st.lists(st.text(max_size=8), max_size=6), max_size=4)


@given(PARTS)
def test_columns_give_back_what_was_put_in(parts):
    expected = [text for part in parts for text in part]
    for column in (Shared(), Texts()):
        for part in parts:
            column.extend(part)
        assert len(column) == len(expected)
        assert list(column) == expected
        assert [column[row] for row in range(len(expected))] == expected
        assert column[1:3] == expected[1:3]
        if expected:
            assert column[-1] == expected[-1]
        with pytest.raises(IndexError):
            column[len(expected)]


def test_a_shared_value_is_read_once_and_held_once():
    read = []
    column = Shared(lambda written: read.append(written) or [written])
    column.extend(["a", "b", "a"])
    column.extend(["b", "c"])
    assert read == ["a", "b", "c"]
    assert list(column) == [["a"], ["b"], ["a"], ["b"], ["c"]]
    assert column[0] is column[2]
