"""What a decoder makes of payloads: wire fields as columns, before units, ranges or time have been looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from firesense.domain.columns import Floats, Mask, Rows
    from firesense.domain.frame import Reason
    from firesense.domain.profile import Scalar

    Texts = Sequence[Scalar | None]


class BadFrame(NamedTuple):
    """A payload that cannot be used: its position in what was given, why, and what a person should know of it."""

    at: int
    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """n rows of wire fields.

    Every source of the profile is in ``numbers`` (NaN for what is missing or null), or if it is one of its
    ``text_sources`` in ``texts`` (values as they were sent, with None). ``frame`` says which payload a row came from;
    it never falls. A payload in ``bad`` has no row. A number is infinite only where something was salvaged: a value is
    there, and it is no number.
    """

    numbers: dict[str, Floats]
    texts: dict[str, Texts]
    frame: Rows
    bad: list[BadFrame]

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.frame)

    def refuse(self, rows: Mask, reason: Reason, detail: str) -> Decoded:
        """Turn the rows of a mask into bad frames."""
        if not rows.any():
            return self
        kept = np.flatnonzero(~rows)
        return Decoded(
            {name: column[kept] for name, column in self.numbers.items()},
            {name: [column[row] for row in kept.tolist()] for name, column in self.texts.items()},
            self.frame[kept],
            self.bad + [BadFrame(at, reason, detail) for at in self.frame[rows].tolist()],
        )
