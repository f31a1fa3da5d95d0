"""Devices and the registry that gives each one its slot in the columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Device:
    """One registered device.

    ``external_id`` is what its frames call it (a devEui, an IMEI, a friendly name), ``id`` what people call it.
    ``kind`` refines the class (a water gauge on a ``main``, ``hydrant`` or ``intake``); rules may ask for it.
    ``slot`` is its row in every column of its class: dense, given once, never given to another.
    """

    id: str
    device_class: str
    profile: str
    external_id: str
    place: str
    slot: int
    name: str = ""
    kind: str = ""
    gateway: str = ""
    tags: tuple[str, ...] = ()
    period: timedelta | None = None


class Registry:
    """All registered devices, as columns: finding a slot is one dict lookup, a device object is made when asked for.

    Immutable once built; a change of registration builds a new one.
    """

    def __init__(self, devices: Iterable[Device] = ()) -> None:
        """Index the devices. Raises ValueError when a slot or an id of a class is given twice."""
        self._by_class: dict[str, dict[int, Device]] = {}
        self._slots: dict[str, dict[str, int]] = {}
        self._by_id: dict[str, Device] = {}
        for device in devices:
            rows = self._by_class.setdefault(device.device_class, {})
            if device.slot in rows or device.id in self._by_id:
                message = f"device {device.id}: its slot {device.slot} or its id is given twice"
                raise ValueError(message)
            rows[device.slot] = device
            self._by_id[device.id] = device
            self._slots.setdefault(device.profile, {})[device.external_id] = device.slot

    def __len__(self) -> int:
        """Count the devices."""
        return len(self._by_id)

    def __iter__(self) -> Iterator[Device]:
        """Go through all devices."""
        return iter(self._by_id.values())

    def slots_of_profile(self, profile: str) -> dict[str, int]:
        """Map external id to slot for the devices of one profile; do not change it."""
        return self._slots.get(profile, {})

    def size(self, device_class: str) -> int:
        """One more than the highest slot of a class: the length its columns need."""
        return max(self._by_class.get(device_class, {}), default=-1) + 1

    def of_class(self, device_class: str) -> Iterable[Device]:
        """All devices of a class, in the order of their registration."""
        return self._by_class.get(device_class, {}).values()

    def at(self, device_class: str, slot: int) -> Device:
        """The device in a slot; raises KeyError when the slot is free."""
        return self._by_class[device_class][slot]

    def get(self, device_id: str) -> Device | None:
        """The device of that id, or None."""
        return self._by_id.get(device_id)
