"""How each place stands: the hazards counted, and the hazard index with its formula in the open. Columns, pure.

A hazard that is open gives its place, and every place above it,

    points = weight of its grade x (1 + its age / full_age) x overdue, if it is x vulnerable, if its place is

where the age counts up to three times ``full_age``, and a place is vulnerable by a tag of its own or of a place above
it. The index of a place is 100 x points / (points + middle): 0 without open hazards, 50 at ``middle`` points, never
100. One more hazard never lowers it, nor does waiting; closing one never raises it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from firesense.domain.alert import Grade
from firesense.domain.hazard import HazardColumns
from firesense.domain.instant import micros

if TYPE_CHECKING:
    from collections.abc import Sequence

    from firesense.domain.columns import Floats, Instants, Slots
    from firesense.domain.hazard import IndexWeights
    from firesense.domain.instant import Instant
    from firesense.domain.place import Org

_OLDEST = 3.0  # times full_age: what was left for years must not hide what came up since
_GRADES = {grade: number for number, grade in enumerate(Grade)}


@dataclass(frozen=True, slots=True)
class Standing:
    """One place with all below it.

    ``index`` is 0 to 100, ``by_grade`` counts the open ones as the grades are ordered. ``opened`` and ``closed`` are
    counts since each start that was asked for. ``zero`` says whether nothing is open (清零), and ``since_at`` since
    when that has been so, or has not; None where there never was a hazard.
    """

    place: str
    index: float
    points: float
    by_grade: tuple[int, int, int]
    overdue: int
    opened: tuple[int, ...]
    closed: tuple[int, ...]
    since_at: Instant | None

    @property
    def open(self) -> int:
        """How many are open."""
        return sum(self.by_grade)

    @property
    def zero(self) -> bool:
        """Whether none is open."""
        return not self.open


def standings(
    hazards: HazardColumns, org: Org, weights: IndexWeights, now: Instant, starts: Sequence[Instant] = ()
) -> list[Standing]:
    """Say how every place of the org stands, in its order; ``starts`` are the beginnings of the periods to count in.

    Hazards at a place nobody knows (any more) are the root's.
    """
    tree = _Tree(org)
    at = tree.rows_of(hazards.places)
    still = hazards.closed_at == HazardColumns.NEVER
    late = still & (hazards.until_at < now)
    grade = np.array([_GRADES[one] for one in hazards.grades], dtype=np.int32)
    points = tree.summed(at, _points(hazards, grade, late, tree.tagged(weights.tags)[at], weights, now) * still)
    by_grade = [tree.counted(at, still & (grade == number)) for number in _GRADES.values()]
    overdue = tree.counted(at, late)
    opened = [tree.counted(at, hazards.reported_at >= start) for start in starts]
    closed = [tree.counted(at, ~still & (hazards.closed_at >= start)) for start in starts]
    since = tree.since(at, hazards.reported_at, hazards.closed_at)
    index = 100.0 * points / (points + weights.middle)
    return [
        Standing(
            code,
            float(index[row]),
            float(points[row]),
            (int(by_grade[0][row]), int(by_grade[1][row]), int(by_grade[2][row])),
            int(overdue[row]),
            tuple(int(count[row]) for count in opened),
            tuple(int(count[row]) for count in closed),
            None if since[row] == HazardColumns.NEVER else int(since[row]),
        )
        for row, code in enumerate(tree.codes)
    ]


def _points(
    hazards: HazardColumns, grade: Slots, late: np.ndarray, vulnerable: np.ndarray, weights: IndexWeights, now: Instant
) -> Floats:
    weight = np.array([weights.grades.get(one, 0.0) for one in _GRADES], dtype=np.float64)[grade]
    age = np.clip((now - hazards.reported_at) / micros(weights.full_age), 0.0, _OLDEST)
    points: Floats = weight * (1.0 + age) * np.where(late, weights.overdue, 1.0)
    return points * np.where(vulnerable, weights.vulnerable, 1.0)


class _Tree:
    """The org as columns: the parent of each row, and the rows by depth, so that sums go up a level at a time."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self.codes = list(org.places)
        self._row = {code: row for row, code in enumerate(self.codes)}
        root = org.root
        self._root = self._row[root.code] if root else 0
        self._parent = np.array([self._row.get(org.places[code].parent, -1) for code in self.codes], dtype=np.int64)
        depth = np.array([sum(1 for _ in org.path(code)) for code in self.codes], dtype=np.int64)
        self._levels = [np.flatnonzero(depth == level) for level in range(int(depth.max(initial=1)), 1, -1)]

    def rows_of(self, places: Sequence[str]) -> Instants:
        """The row of each place; the root's for one that is not known."""
        return np.array([self._row.get(code, self._root) for code in places], dtype=np.int64)

    def tagged(self, tags: frozenset[str]) -> np.ndarray:
        """Whether each place, or one above it, has one of these tags."""
        own = np.array([not tags.isdisjoint(place.tags) for place in self._org.places.values()], dtype=bool)
        for rows in reversed(self._levels):
            own[rows] |= own[self._parent[rows]]
        return own

    def summed(self, at: Instants, values: Floats) -> Floats:
        """Sum values by place, those of all places below it with it."""
        sums: Floats = np.bincount(at, weights=values, minlength=len(self.codes)).astype(np.float64)
        for rows in self._levels:
            np.add.at(sums, self._parent[rows], sums[rows])
        return sums

    def counted(self, at: Instants, which: np.ndarray) -> Instants:
        """Count hazards by place, those of all places below it with it."""
        return np.rint(self.summed(at, which.astype(np.float64))).astype(np.int64)

    def since(self, at: Instants, opened_at: Instants, closed_at: Instants) -> Instants:
        """Since when each place has had something open all the time or, if nothing is, has had nothing open."""
        over = closed_at != HazardColumns.NEVER
        time = np.concatenate([opened_at, closed_at[over]])
        step = np.concatenate([np.ones(len(at), dtype=np.int64), -np.ones(int(over.sum()), dtype=np.int64)])
        order = np.lexsort((step, time))  # what ends at the instant another one begins leaves a zero between
        time, step, above = time[order], step[order], np.concatenate([at, at[over]])[order]
        # Each event counts at its place, at the place above, and so on to the root: one number for its row and turn.
        turns, found_in = np.arange(len(time), dtype=np.int64), []
        while len(turns):
            found_in.append(above * len(time) + turns)
            above = self._parent[above]
            above, turns = above[above >= 0], turns[above >= 0]
        found = np.full(len(self.codes), HazardColumns.NEVER, dtype=np.int64)
        if not found_in:
            return found
        row, turn = np.divmod(np.sort(np.concatenate(found_in)), len(time))
        time, step = time[turn], step[turn]
        running = np.cumsum(step)
        begins = np.flatnonzero(np.r_[True, row[1:] != row[:-1]])
        ends = np.r_[begins[1:], len(row)]
        before = np.where(begins > 0, running[begins - 1], 0)
        level = running - np.repeat(before, ends - begins)
        zero = np.where(level == 0, np.arange(len(row)), -1)
        last = np.maximum(np.maximum.reduceat(zero, begins), begins - 1)
        after = np.where(
            last + 1 < ends, last + 1, last
        )  # the event that ended the last zero, or began the present one
        found[row[begins]] = time[after]
        return found
