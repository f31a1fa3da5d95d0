"""Conditions, compiled: what is asked of whole columns at once.

Three-valued, after Kleene: what a reading does not say is unknown, and an expression that hangs on it is neither true
nor false. ``asserted(signal)`` is the way out: false unless the reading says the signal is there. What looks beyond the
reading in hand (``rise``, ``mean``, ``tag``, ...) is in looks.py, and is a column like any other here.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from firesense.rules.meaning import RATE, Limit, Meaning
from firesense.rules.syntax import ExpressionError, parse

if TYPE_CHECKING:
    from collections.abc import Collection

    from firesense.domain.catalogue import DeviceClass
    from firesense.rules.columnwise import Evaluate
    from firesense.rules.looks import Look

__all__ = ["RATE", "Expression", "Limit", "compile_expression"]

MOST_TRIED = 6  # tags and seasons that are tried in all combinations against a reading that says nothing


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """A compiled condition.

    ``true`` and ``false`` take columns by name, all of one length (metrics float64 with NaN, signals int8 with UNSAID;
    names that are missing are unknown in every row), and give a mask, or one bool for all rows. Where neither is
    true the answer is unknown. ``names`` are the columns it looks at, ``looks`` those of them that the engine has to
    work out, ``about`` the metrics and signals all of it is about; ``limit`` is there for the simplest shape.
    """

    text: str
    names: frozenset[str]
    true: Evaluate
    false: Evaluate
    limit: Limit | None
    looks: frozenset[Look] = frozenset()
    about: frozenset[str] = frozenset()


def compile_expression(
    text: str, device_class: DeviceClass, rate_of: str = "", seasons: Collection[str] | None = None
) -> Expression:
    """Compile a condition over the metrics and signals of a class.

    ``rate_of`` names the metric whose rate of change ``rate`` stands for, ``seasons`` are the periods of the calendars
    (None when they were checked before). Raises ExpressionError with every fault.
    """
    tree = parse(text)
    meaning = Meaning(device_class, rate_of, seasons)
    true, false = meaning.condition(tree)
    if meaning.faults:
        raise ExpressionError(meaning.faults)
    if not meaning.about:
        raise ExpressionError([(1, "this looks at nothing a device says")])
    still = sorted(look.name for look in meaning.looks if look.still)[:MOST_TRIED]
    for answers in product((np.False_, np.True_), repeat=len(still)):
        columns: dict[str, Any] = dict(zip(still, answers, strict=True))
        if bool(np.any(true(columns))):
            raise ExpressionError([(1, "this is true of a reading that says nothing")])
    return Expression(
        text,
        frozenset(meaning.names),
        true,
        false,
        meaning.limit(tree),
        frozenset(meaning.looks),
        frozenset(meaning.about),
    )
