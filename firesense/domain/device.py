"""Devices and the registry that gives each one its slot in the columns."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, fields
from itertools import combinations, groupby, islice
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from firesense.domain.packed import Shared, Texts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import timedelta

    from firesense.domain.columns import Slots
    from firesense.domain.instant import Instant


@dataclass(frozen=True, slots=True)
class Device:
    """One registered device.

    ``external_id`` is what its frames call it (a devEui, an IMEI, a friendly name), ``id`` what people call it.
    ``kind`` refines the class (a water gauge on a ``main``, ``hydrant`` or ``intake``); rules may ask for it.
    ``slot`` is its row in every column of its class: dense, given once, never given to another. ``installed_at`` is 0
    where nobody said.
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
    installed_at: Instant = 0


_FIELDS = tuple(field.name for field in fields(Device))
_VALUES = attrgetter(*_FIELDS)
_AT_ONCE = 10_000  # devices transposed into columns at a time


class _Class:
    """The devices of one class: a column for each field of a device, in the order of their registration."""

    def __init__(self, readers: Mapping[str, Callable[[Any], Any]]) -> None:
        own: dict[str, Any] = {"id": [], "external_id": [], "slot": array("i"), "name": Texts()}
        self.columns = {field: own[field] if field in own else Shared(readers.get(field)) for field in _FIELDS}
        self.slots: dict[str, int] = {}  # by id
        self.row_at = np.empty(0, dtype=np.int32)  # by slot, -1 where it is free

    def __len__(self) -> int:
        return len(self.columns["id"])

    def device(self, row: int) -> Device:
        return Device(*[column[row] for column in self.columns.values()])

    def close(self) -> None:
        """Index the slots. Raises ValueError for one that is given twice, or for an id that is."""
        slots = np.array(self.columns["slot"], dtype=np.int32)
        self.row_at = np.full(int(slots.max(initial=-1)) + 1, -1, dtype=np.int32)
        self.row_at[slots] = np.arange(len(slots), dtype=np.int32)
        if np.count_nonzero(self.row_at >= 0) < len(slots):
            raise ValueError("a slot is given to two devices of a class")
        if len(self.slots) < len(slots):
            raise ValueError("an id is given to two devices")


class Registry:
    """All registered devices, as columns: finding a slot is one dict lookup, a device object is made when asked for.

    Immutable once built; a change of registration builds a new one.
    """

    def __init__(self, devices: Iterable[Device] = ()) -> None:
        """Index the devices. Raises ValueError when a slot or an id of a class is given twice."""
        self._classes: dict[str, _Class] = {}
        self._slots: dict[str, dict[str, int]] = {}
        self._fill(map(_VALUES, devices), {})

    @classmethod
    def of_rows(
        cls, rows: Iterable[Sequence[Any]], readers: Mapping[str, Callable[[Any], Any]] | None = None
    ) -> Registry:
        """Build it of rows of the fields of a device, in their order; no device is made. Raises ValueError likewise.

        ``readers`` says by field how its value is made of what a row holds.
        """
        registry = cls()
        registry._fill(rows, readers or {})
        return registry

    def _fill(self, rows: Iterable[Sequence[Any]], readers: Mapping[str, Callable[[Any], Any]]) -> None:
        rows = iter(rows)
        while part := list(islice(rows, _AT_ONCE)):
            for device_class, alike in groupby(part, itemgetter(_FIELDS.index("device_class"))):
                given: dict[str, Sequence[Any]] = dict(zip(_FIELDS, zip(*alike, strict=True), strict=True))
                # Most devices are called by one name; it is held once, too.
                heard_as = [a if a == b else b for a, b in zip(given["id"], given["external_id"], strict=True)]
                given["external_id"] = heard_as
                known = self._classes.get(device_class)
                if known is None:
                    known = self._classes[device_class] = _Class(readers)
                for field, values in given.items():
                    known.columns[field].extend(values)
                known.slots.update(zip(given["id"], given["slot"], strict=True))
                slots_of = {profile: self._slots.setdefault(profile, {}) for profile in set(given["profile"])}
                for profile, external_id, slot in zip(given["profile"], heard_as, given["slot"], strict=True):
                    slots_of[profile][external_id] = slot
        for known in self._classes.values():
            known.close()
        for one, other in combinations(self._classes.values(), 2):
            if not one.slots.keys().isdisjoint(other.slots):
                raise ValueError("an id is given to devices of two classes")

    def __len__(self) -> int:
        """Count the devices."""
        return sum(map(len, self._classes.values()))

    def __iter__(self) -> Iterator[Device]:
        """Go through all devices."""
        for known in self._classes.values():
            yield from map(known.device, range(len(known)))

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that have devices."""
        return tuple(self._classes)

    def slots_of_profile(self, profile: str) -> dict[str, int]:
        """Map external id to slot for the devices of one profile; do not change it."""
        return self._slots.get(profile, {})

    def size(self, device_class: str) -> int:
        """One more than the highest slot of a class: the length its columns need."""
        known = self._classes.get(device_class)
        return len(known.row_at) if known else 0

    def slots(self, device_class: str) -> Slots:
        """The slots of a class, in the order of ``column``."""
        return np.array(self.column(device_class, "slot"), dtype=np.int32)

    def column(self, device_class: str, field: str) -> Sequence[Any]:
        """One field of all devices of a class, in the order of their registration; do not change it."""
        known = self._classes.get(device_class)
        return known.columns[field] if known else []

    def of_class(self, device_class: str) -> Iterator[Device]:
        """All devices of a class, in the order of their registration."""
        known = self._classes.get(device_class)
        return map(known.device, range(len(known))) if known else iter(())

    def behind(self, gateway: str) -> Iterator[Device]:
        """All devices behind a gateway; costs a look at every device's gateway, not a device object each."""
        for known in self._classes.values():
            for row, name in enumerate(known.columns["gateway"]):
                if name == gateway:
                    yield known.device(row)

    def at(self, device_class: str, slot: int) -> Device:
        """The device in a slot; raises KeyError when the slot is free."""
        known = self._classes.get(device_class)
        row = int(known.row_at[slot]) if known and 0 <= slot < len(known.row_at) else -1
        if known is None or row < 0:
            raise KeyError(slot)
        return known.device(row)

    def get(self, device_id: str) -> Device | None:
        """The device of that id, or None."""
        for known in self._classes.values():
            slot = known.slots.get(device_id)
            if slot is not None:
                return known.device(int(known.row_at[slot]))
        return None
