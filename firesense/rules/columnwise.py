"""Comparisons and junctions of whole columns: each takes columns by name and gives a mask, or one bool for all rows.

A column that is not there is unknown in every row: nothing is true of it, and nothing false.
"""

from __future__ import annotations

import operator
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Columns = Mapping[str, np.ndarray[Any, Any]]
    # A column, or one value that stands for every row.
    Values = Any
    Evaluate = Callable[[Columns], Values]

_NO = np.False_
HOLDS: Mapping[str, Callable[[Values, Values], Values]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": lambda left, right: (left < right) | (left > right),  # NaN is not different, it is unknown
}


def nothing(_: Columns) -> Values:
    """Be true nowhere."""
    return _NO


def equals(columns: Columns, name: str, value: int) -> Values:
    """Compare a signal, or an answer that is yes or no, with 1 or 0."""
    column = columns.get(name)
    return _NO if column is None else column == value


def compare(holds: Callable[[Values, Values], Values], left: Evaluate, right: Evaluate) -> Evaluate:
    """Compare two numbers in every row; NaN fails every comparison."""
    return lambda columns: np.asarray(holds(left(columns), right(columns)))[()]


def every(parts: list[Evaluate]) -> Evaluate:
    """Be true where all of the parts are."""
    if len(parts) == 1:
        return parts[0]
    return lambda columns: reduce(operator.and_, (part(columns) for part in parts))


def either(parts: list[Evaluate]) -> Evaluate:
    """Be true where at least one of the parts is."""
    if len(parts) == 1:
        return parts[0]
    return lambda columns: reduce(operator.or_, (part(columns) for part in parts))
