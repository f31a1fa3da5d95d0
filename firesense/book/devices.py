"""Devices: who is registered, and the slots they keep for ever."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

import sqlalchemy as sa

from firesense.book import audit, rows, tables
from firesense.book.columns import Kept
from firesense.book.people import plan_changed
from firesense.book.sql import Chapter, insert_new
from firesense.domain.device import Device, Registry
from firesense.domain.errors import Conflict, NotFound

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from sqlalchemy.engine import Connection

    from firesense.domain.audit import Entry

_DEVICE, _REMOVED = tables.device.c, tables.removed.c
# As they are kept: what of a million devices has to be read is read once for each different value.
_READERS = {column.name: column.type.understood for column in rows.DEVICE if isinstance(column.type, Kept)}
_KEPT = [sa.type_coerce(column, sa.Text) if column.name in _READERS else column for column in rows.DEVICE]
_ALL = sa.select(*_KEPT).order_by(_DEVICE.device_class, _DEVICE.slot)
_OF_IDS = sa.select(*rows.DEVICE).where(_DEVICE.id.in_(sa.bindparam("ids", expanding=True)))
_HEARD_AS = sa.select(*rows.DEVICE).where(
    _DEVICE.profile == sa.bindparam("profile"), _DEVICE.external_id.in_(sa.bindparam("external_ids", expanding=True))
)
_WRITTEN = tuple(column.name for column in rows.DEVICE if column.name not in {"id", "slot"})
_AT_ONCE = 500  # parameters of one question
_AT_A_TIME = 10_000  # rows of the registry: there may be a million


class Devices(Chapter):
    """The registry."""

    def registry(self) -> Registry:
        """All devices, by class in the order of their registration."""
        with self._database.reading() as connection, _nothing_collected():
            found = connection.execute(_ALL).partitions(_AT_A_TIME)
            return Registry.of_rows(chain.from_iterable(found), _READERS)

    def register(self, devices: Iterable[Device], *, entry: Entry | None = None) -> int:
        """Add devices, or change those whose id is known; slots are given here. Counts what changed.

        A device keeps its slot while it keeps its class. Raises Conflict when two devices of one profile would have
        one external id: a frame could not say whose it is. See the port.
        """
        wanted = {device.id: device for device in devices}
        with self._database.writing() as connection:
            near = _near(connection, list(wanted.values()))
            known = {device_id: near[device_id] for device_id in wanted if device_id in near}
            given = dict(connection.execute(sa.select(tables.slots.c.device_class, tables.slots.c.given)).all())
            changed = {}
            for device in wanted.values():
                before = known.get(device.id)
                if before is not None and before.device_class == device.device_class:
                    slot = before.slot
                else:
                    slot = given.get(device.device_class, 0)
                    given[device.device_class] = slot + 1
                after = replace(device, slot=slot)
                if after != before:
                    changed[device.id] = after
            _refuse_doubles(near | changed)
            _remembered(connection, wanted)
            if changed:
                _write(connection, changed, known)
                put = insert_new(connection, tables.slots)
                put = put.on_conflict_do_update(index_elements=["device_class"], set_={"given": put.excluded.given})
                connection.execute(put, [{"device_class": name, "given": count} for name, count in given.items()])
                plan_changed(connection)
                audit.add(connection, *_told(entry, changed, known))
        return len(changed)

    def unregister(self, device_ids: Collection[str], entry: Entry) -> list[Device]:
        """Take devices out of the register; their slots stay given. See the port."""
        wanted = list(dict.fromkeys(device_ids))
        found: dict[str, Device] = {}
        with self._database.writing() as connection:
            for start in range(0, len(wanted), _AT_ONCE):
                rows_found = connection.execute(_OF_IDS, {"ids": wanted[start : start + _AT_ONCE]})
                found |= {row.id: Device(*row) for row in rows_found}
            if missing := [device_id for device_id in wanted if device_id not in found]:
                raise NotFound(f"not registered: {', '.join(missing)}")
            gone = [{"gone": device_id} for device_id in wanted]
            if gone:
                connection.execute(sa.delete(tables.device).where(_DEVICE.id == sa.bindparam("gone")), gone)
                connection.execute(
                    sa.insert(tables.removed), [{"device": device_id, "at": entry.at} for device_id in wanted]
                )
                plan_changed(connection)
            audit.add(connection, *(_parting(entry, found[device_id]) for device_id in wanted))
        return [found[device_id] for device_id in wanted]

    def removed(self) -> frozenset[str]:
        """The ids of devices that were taken out of the register and not registered again."""
        with self._database.reading() as connection:
            return frozenset(connection.scalars(sa.select(_REMOVED.device)))


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Let the collector of cycles rest: it would look through the growing registry again and again, and find none.

    It takes half the time of reading a million devices.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _near(connection: Connection, wanted: list[Device]) -> dict[str, Device]:
    """Find the registered devices that have an id, or an external id in its profile, in common with the wanted ones."""
    near: dict[str, Device] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        part = wanted[start : start + _AT_ONCE]
        queries = [_OF_IDS.params(ids=[device.id for device in part])]
        for profile in {device.profile for device in part}:
            heard_as = [device.external_id for device in part if device.profile == profile]
            queries.append(_HEARD_AS.params(profile=profile, external_ids=heard_as))
        for query in queries:
            near |= {row.id: Device(*row) for row in connection.execute(query)}
    return near


def _refuse_doubles(devices: dict[str, Device]) -> None:
    heard: dict[tuple[str, str], str] = {}
    for device in devices.values():
        other = heard.setdefault((device.profile, device.external_id), device.id)
        if other != device.id:
            raise Conflict(f"{device.external_id} of {device.profile} is both {other} and {device.id}")


def _told(entry: Entry | None, changed: Mapping[str, Device], known: Mapping[str, Device]) -> Iterator[Entry | None]:
    """The entry and, where it names no device, one for each that is new or changed, with the names of its fields."""
    yield entry
    if entry is None or entry.target:
        return
    for device_id, device in changed.items():
        before = known.get(device_id)
        if before is None:
            yield replace(entry, target=device_id, detail={})
        else:
            fields = [name for name in _WRITTEN if getattr(before, name) != getattr(device, name)]
            yield replace(entry, did="changed", target=device_id, detail={"fields": ", ".join(fields)})


def _parting(entry: Entry, device: Device) -> Entry:
    about = {"profile": device.profile, "external_id": device.external_id, "place": device.place}
    return replace(entry, target=device.id, detail={**about, **entry.detail})


def _remembered(connection: Connection, wanted: Collection[str]) -> None:
    """Whoever registers a device again wants it to stay."""
    if back := [device_id for device_id in connection.scalars(sa.select(_REMOVED.device)) if device_id in wanted]:
        connection.execute(
            sa.delete(tables.removed).where(_REMOVED.device == sa.bindparam("back")),
            [{"back": device_id} for device_id in back],
        )


def _write(connection: Connection, changed: dict[str, Device], known: dict[str, Device]) -> None:
    """Write over rows whole: two devices may have changed places in one of the unique keys."""
    gone = [{"gone": device_id} for device_id in changed if device_id in known]
    if gone:
        connection.execute(sa.delete(tables.device).where(_DEVICE.id == sa.bindparam("gone")), gone)
    connection.execute(sa.insert(tables.device), [rows.values(device) for device in changed.values()])
