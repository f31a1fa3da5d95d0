"""Frames that say again what the device said last: recognised by their bytes, for devices that write their own time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from firesense.domain.columns import Mask, Slots


class Repeats:
    """The last frame of each device of one profile, as a hash in a column by slot.

    Only a cache: after a restart a repeated frame is recorded once more, which changes nothing in the history.
    """

    def __init__(self, slots: int) -> None:
        self._last = np.zeros(slots, dtype=np.int64)

    def find(self, slots: Slots, payloads: Sequence[bytes]) -> Mask:
        """Say which frames, in the order they came, have the same bytes as their device's frame before; remember all.

        The frames must carry a time of their own, or two that say the same would be one.
        """
        hashes = np.fromiter(map(hash, payloads), np.int64, len(payloads))
        order = np.argsort(slots, kind="stable")
        by_device, ordered = slots[order], hashes[order]
        before = np.empty_like(ordered)
        before[1:] = ordered[:-1]
        first = np.append(True, by_device[1:] != by_device[:-1])[: len(by_device)]
        before[first] = self._last[by_device[first]]
        last = np.append(first[1:], True)[: len(by_device)]
        self._last[by_device[last]] = ordered[last]
        repeated = np.empty(len(slots), dtype=np.bool_)
        repeated[order] = before == ordered
        return repeated
