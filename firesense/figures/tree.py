"""The org tree laid out in a row: a place with all below it is one stretch of it."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from firesense.domain.columns import Slots
    from firesense.domain.place import Org


class Tree:
    """Rows of places. A place nobody knows is in the row of the root."""

    def __init__(self, org: Org) -> None:
        """Lay it out; the places below one keep the order of the org."""
        self._children: dict[str, list[str]] = {}
        for place in org.places.values():
            self._children.setdefault(place.parent, []).append(place.code)
        self._first: dict[str, int] = {}
        self._after: dict[str, int] = {}
        self._depth: dict[str, int] = {}
        root = org.root.code if org.root else ""
        way = [(root, 0, False)]  # a stack: a tree may be deeper than Python likes to recur
        while way:
            code, depth, done = way.pop()
            if done:
                self._after[code] = len(self._first)
                continue
            self._first[code], self._depth[code] = len(self._first), depth
            way.append((code, depth, True))
            way += [(child, depth + 1, False) for child in reversed(self._children.get(code, ())) if child != code]

    def rows_of(self, places: Sequence[str]) -> Slots:
        """The row of each place."""
        return np.fromiter(map(self._first.get, places, repeat(0)), np.int32, len(places))

    def span(self, code: str) -> tuple[int, int]:
        """The rows of a place and all below it: from the first up to the second. Raises KeyError."""
        return self._first[code], self._after[code]

    def depth(self, code: str) -> int:
        """How far below the root it is."""
        return self._depth[code]

    def has_children(self, code: str) -> bool:
        """Whether there are places below."""
        return bool(self._children.get(code))

    def below(self, code: str, *, deep: bool) -> Iterator[str]:
        """The place, then those directly below it; with ``deep`` all below it, in the order of the tree."""
        if not deep:
            yield code
            yield from self._children.get(code, ())
            return
        first, after = self.span(code)
        places = list(self._first)
        yield from places[first:after]
