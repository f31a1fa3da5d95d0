"""Bytes to wire fields: one module a dialect, all of them in one dict.

A decoder is made once for a profile: ``DECODERS[profile.dialect](profile)``. Making one raises ValueError when the
profile asks for fields the dialect cannot give.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

from firesense.decode.chirpstack import ChirpStackDecoder
from firesense.decode.json import JsonDecoder
from firesense.decode.meokon import MeokonDecoder
from firesense.decode.zigbee2mqtt import Zigbee2MqttDecoder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from firesense.domain.decoded import Decoded
    from firesense.domain.profile import Profile

__all__ = ["DECODERS", "Decoder"]


class Decoder(Protocol):
    """Reads payloads of one profile."""

    OPTIONS: ClassVar[frozenset[str]]
    """The profile options it knows."""

    def __init__(self, profile: Profile) -> None: ...

    def decode(self, payloads: Sequence[bytes]) -> Decoded:
        """Read a batch; a payload that cannot be read costs that payload, and nothing is raised."""
        ...

    def salvage(self, payloads: Sequence[bytes]) -> Decoded:
        """Read what can be read of payloads that ``decode`` refused, each source by itself.

        What cannot be read is missing; a payload nothing can be read of has no row, and none is in ``bad``. Costs far
        more than ``decode``.
        """
        ...

    def is_device(self, external_id: str) -> bool:
        """Whether a topic that names this device can carry readings; service topics of the dialect do not."""
        ...


DECODERS: Mapping[str, type[Decoder]] = {
    "json": JsonDecoder,
    "chirpstack": ChirpStackDecoder,
    "zigbee2mqtt": Zigbee2MqttDecoder,
    "meokon": MeokonDecoder,
}
