"""ChirpStack v4 uplink events: the JSON of the integration, with the codec's output in ``object``.

Sources are paths in the whole event: ``object.temperature``, ``rxInfo.0.rssi``, ``time``. An event whose ``object``
holds nothing the profile names is refused as empty: no codec, a codec of another device, or a message about the
device and not from its sensor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from firesense.decode.json import JsonDecoder
from firesense.domain.frame import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from firesense.domain.decoded import Decoded
    from firesense.domain.profile import Profile

_DETAIL = "the codec's object says nothing the profile names; is a codec set for the device in ChirpStack?"


class ChirpStackDecoder(JsonDecoder):
    """Reads uplink events."""

    def __init__(self, profile: Profile) -> None:
        """Compile the struct. Raises ValueError when the profile reads nothing from the codec's ``object``."""
        super().__init__(profile)
        self._from_codec = [source for source in profile.sources if source.startswith("object.")]
        if not self._from_codec:
            raise ValueError("no source begins with `object.`: nothing is read from the codec")

    def decode(self, payloads: Sequence[bytes]) -> Decoded:
        """Read a batch of events."""
        decoded = super().decode(payloads)
        said = np.zeros(len(decoded), dtype=np.bool_)
        for source in self._from_codec:
            if source in decoded.numbers:
                said |= ~np.isnan(decoded.numbers[source])
            else:
                said |= np.array([value is not None for value in decoded.texts[source]], dtype=np.bool_)
        return decoded.refuse(~said, Reason.EMPTY, _DETAIL)
