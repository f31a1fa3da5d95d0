"""Meokon wireless terminals, protocol V3.0 (2022-07-20): pressure gauges and hydrants with buffered records.

A frame is hex text on MQTT, raw bytes elsewhere; both are taken. All numbers are big-endian::

    A55A | cmd 1 (0) | total length 2 | id 12 ASCII | power 1 | rssi int8 | interval s 2 | records n 2 | type 1
    | alarm 1 | low 2 | high 2 | current 2 | UTC s of the newest record 4 | n records, oldest first, 2 each
    | CRC-16/MODBUS 2, over all before it | 55AA

Each record is a row, dated backwards from the newest. What the frame says of the terminal itself (battery, alarm
flags, current value) is said on the newest row only: it is not known of the time before. A terminal that was not
answered sends its records again with the next ones, so rows that were recorded already come back.

Fields: ``id``, ``time`` (unix s), ``pressure``, ``current``, ``low``, ``high`` (MPa), ``battery`` (%),
``external_power``, ``rssi`` (dBm), ``type``, ``alarm`` (the raw bits), and of hydrants only ``releasing``, ``tilt``,
``impact``.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from firesense.domain.decoded import BadFrame, Decoded
from firesense.domain.frame import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from firesense.domain.columns import Floats
    from firesense.domain.profile import Profile

_START, _END = b"\xa5\x5a", b"\x55\xaa"
_HEAD = struct.Struct(">2sBH12sBbHHBBhhhI")
_TAIL = struct.Struct(">H2s")

_UNITS = {"kPa": 0.1 * 1e-3, "MPa": 1e-3, "bar": 0.01 * 0.1}  # MPa in one count (table 2 of the protocol)
_TYPES = {0: _UNITS["kPa"], 1: _UNITS["MPa"], 2: _UNITS["bar"]}
_HYDRANT_TILT, _HYDRANT = 24, 34  # notes to table 3: bit 7 release of water, and for 24 bit 6 tilt, bit 5 impact

_NAN = float("nan")
_FIELDS = (
    "time", "pressure", "current", "low", "high", "battery", "external_power", "rssi", "type", "alarm",
    "releasing", "tilt", "impact",
)  # fmt: skip


class MeokonDecoder:
    """Reads frames of one sensor (types 0, 1 and 2, and hydrants where the profile says their unit).

    The protocol's table leaves out the unit of hydrants (types 24 and 34): the option ``hydrant_unit`` (kPa, MPa, bar)
    gives it.
    """

    OPTIONS: ClassVar[frozenset[str]] = frozenset({"hydrant_unit"})

    def __init__(self, profile: Profile) -> None:
        """Look at what the profile asks for. Raises ValueError for a field or a unit the dialect does not have."""
        unknown = set(profile.sources) - {*_FIELDS, "id"}
        if unknown:
            raise ValueError(f"this dialect has no {', '.join(sorted(unknown))}; it has id, {', '.join(_FIELDS)}")
        if profile.text_sources - {"id"}:
            raise ValueError("only id is text; all other fields are numbers")
        if "id" in set(profile.sources) - profile.text_sources:
            raise ValueError("id is text: it can name the device and nothing else")
        self._sources = profile.sources
        self._counts = dict(_TYPES)
        unit = profile.options.get("hydrant_unit")
        if unit is not None:
            if unit not in _UNITS:
                raise ValueError(f"hydrant_unit is one of {', '.join(_UNITS)}")
            self._counts[_HYDRANT_TILT] = self._counts[_HYDRANT] = _UNITS[str(unit)]

    def is_device(self, external_id: str) -> bool:  # noqa: ARG002 - the dialect has no service topics
        """Every topic carries frames."""
        return True

    def decode(self, payloads: Sequence[bytes]) -> Decoded:
        """Read a batch; rows of one frame stand together, oldest first."""
        tables: list[Floats] = []
        names: list[str] = []
        counts = np.zeros(len(payloads), dtype=np.intp)
        bad: list[BadFrame] = []
        for index, payload in enumerate(payloads):
            try:
                name, table = self._read(_unhex(payload))
            except _Unreadable as fault:
                bad.append(BadFrame(index, fault.reason, fault.detail))
                continue
            tables.append(table)
            names.extend([name] * table.shape[1])
            counts[index] = table.shape[1]
        every = np.concatenate(tables, axis=1) if tables else np.empty((len(_FIELDS), 0))
        return Decoded(
            {name: column for name, column in zip(_FIELDS, every, strict=True) if name in self._sources},
            {"id": names} if "id" in self._sources else {},
            np.repeat(np.arange(len(payloads)), counts),
            bad,
        )

    def salvage(self, payloads: Sequence[bytes]) -> Decoded:  # noqa: ARG002 - see the docstring
        """Read nothing: one checksum is over the whole frame, so no part of it can be believed by itself."""
        return self.decode(())

    def _read(self, frame: bytes) -> tuple[str, Floats]:
        """Give the terminal's id and a table with a row a field and a column a record."""
        if not frame.startswith(_START):
            raise _Unreadable(Reason.MALFORMED, "does not begin with A55A")
        if len(frame) < _HEAD.size + _TAIL.size:
            raise _Unreadable(Reason.MALFORMED, f"{len(frame)} bytes are too few")
        head = _HEAD.unpack_from(frame)
        command, length, raw_name, power, rssi, interval, n, kind, alarm, low, high, current, newest = head[1:]
        crc, end = _TAIL.unpack(frame[-_TAIL.size :])
        if length != len(frame) or end != _END:
            raise _Unreadable(Reason.MALFORMED, f"says {length} bytes, has {len(frame)}, ends in {end.hex()}")
        if crc != crc16(frame[: -_TAIL.size]):
            raise _Unreadable(Reason.MALFORMED, "wrong checksum")
        if command != 0 or kind not in self._counts:
            raise _Unreadable(Reason.WRONG_TYPE, f"command {command} of a terminal of type {kind} is not known")
        if length != _HEAD.size + 2 * n + _TAIL.size:
            raise _Unreadable(Reason.MALFORMED, f"{n} records do not fill {length} bytes")
        if n > 1 and interval == 0:
            raise _Unreadable(Reason.BAD_TIME, f"{n} records without the interval between them")
        if not raw_name.isascii():
            raise _Unreadable(Reason.MALFORMED, "the id is not ASCII")

        count = self._counts[kind]
        rows = max(n, 1)  # a frame without records still has its current value
        table = np.full((len(_FIELDS), rows), _NAN)
        table[0] = newest - interval * np.arange(rows - 1, -1, -1.0)
        table[1] = (np.frombuffer(frame, ">i2", n, _HEAD.size) if n else current) * count
        hydrant = kind in {_HYDRANT_TILT, _HYDRANT}
        table[2:, -1] = (
            current * count,
            low * count,
            high * count,
            (power & 0x1F) * 5,
            power >> 7,
            rssi,
            kind,
            alarm,
            alarm >> 7 & 1 if hydrant else _NAN,
            alarm >> 6 & 1 if kind == _HYDRANT_TILT else _NAN,
            alarm >> 5 & 1 if kind == _HYDRANT_TILT else _NAN,
        )
        return raw_name.decode("ascii").rstrip("\0 "), table


class _Unreadable(Exception):
    def __init__(self, reason: Reason, detail: str) -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(detail)


def _unhex(payload: bytes) -> bytes:
    if payload.startswith(_START):
        return payload
    try:
        return bytes.fromhex(payload.decode("ascii"))
    except UnicodeDecodeError:
        raise _Unreadable(Reason.MALFORMED, "neither a frame nor hex text") from None
    except ValueError:
        raise _Unreadable(Reason.MALFORMED, "not hex text, or half a byte of it") from None


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
        table.append(crc)
    return tuple(table)


_CRC_TABLE = _crc_table()


def crc16(data: bytes) -> int:
    """CRC-16/MODBUS (MODBUS over serial line V1.02, 6.2.2), its high byte first as Meokon sends it.

    MODBUS sends the low byte first; the terminals send the same two bytes the other way round.
    """
    crc = 0xFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc
