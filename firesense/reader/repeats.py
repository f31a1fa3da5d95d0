"""Frames that say again what the device said last: recognised by their bytes, for devices that write their own time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from firesense.domain.columns import Mask, Offsets, Slots


class Repeats:
    """The last frame of each device of one profile: a hash of its bytes and its offset, in columns by slot.

    Only a cache: after a restart a repeated frame is recorded once more, which changes nothing in the history. A frame
    is never a repeat of itself, so a stretch of the journal that is read again gives the same readings again.
    """

    def __init__(self, slots: int) -> None:
        self._last = np.zeros(slots, dtype=np.int64)
        self._offset = np.full(slots, np.iinfo(np.int64).max)  # nothing comes after a frame that never was

    def find(self, slots: Slots, payloads: Sequence[bytes], offsets: Offsets) -> Mask:
        """Say which frames have the same bytes as their device's frame before; remember all. Offsets must rise.

        The frames must carry a time of their own, or two that say the same would be one.
        """
        hashes = np.fromiter(map(hash, payloads), np.int64, len(payloads))
        order = np.argsort(slots, kind="stable")
        device, said = slots[order], hashes[order]
        again = np.zeros(len(order), dtype=np.bool_)
        again[1:] = (device[1:] == device[:-1]) & (said[1:] == said[:-1])
        first = np.ones(len(order), dtype=np.bool_)
        first[1:] = device[1:] != device[:-1]
        known = device[first]
        again[first] = (self._last[known] == said[first]) & (self._offset[known] < offsets[order[first]])
        last = np.roll(first, -1)
        self._last[device[last]] = said[last]
        self._offset[device[last]] = offsets[order[last]]
        repeated = np.empty(len(order), dtype=np.bool_)
        repeated[order] = again
        return repeated
