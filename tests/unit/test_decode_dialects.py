"""ChirpStack, zigbee2mqtt and Meokon: what each adds to its bytes."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firesense.decode import DECODERS
from firesense.decode.meokon import crc16
from firesense.domain.frame import Reason
from firesense.domain.profile import MetricSpec, Profile, SignalSpec, TimeFormat, TimeSpec
from firesense.profiles import load_profiles

ROOT = Path(__file__).parents[2]
VECTORS = ROOT.parent / "shared" / "data" / "chirpstack_vectors"

ONE = "a55a00002953485250323530393031323034d0000000010100000009c4025d68ffb887025d843e55aa"
TEN = (
    "a55a00003b53484d4b313930363030313334c8003c000a0102006401f4021a5d1966b6"
    "0219021a0216021802180213021e021c021d021d7e0355aa"
)


def _meokon(**options):
    return DECODERS["meokon"](
        Profile(
            "made-up",
            "water",
            "meokon",
            ("made/{device}",),
            timedelta(minutes=5),
            tuple(
                MetricSpec("pressure", source, "MPa")
                for source in ("pressure", "current", "low", "high", "battery", "rssi", "releasing", "tilt", "impact")
            ),
            (SignalSpec("pressure_high", "alarm", bit=1),),
            device_source="id",
            time=TimeSpec("time", TimeFormat.UNIX_S),
            options=options,
        )
    )


def _frame(records, *, kind=1, alarm=0, interval=60, newest=1_767_323_045, current=0):
    """Write a frame as the protocol's table says, independently of the decoder."""
    body = bytearray.fromhex("a55a00")
    body += (35 + 2 * len(records) + 4).to_bytes(2, "big") + b"TEST26010001" + bytes([0x34, 256 - 70])
    body += interval.to_bytes(2, "big") + len(records).to_bytes(2, "big") + bytes([kind, alarm])
    body += b"\0\x64\x01\xf4" + current.to_bytes(2, "big", signed=True) + newest.to_bytes(4, "big")
    for record in records:
        body += record.to_bytes(2, "big", signed=True)
    return bytes(body) + crc16(body).to_bytes(2, "big") + b"\x55\xaa"


def test_the_checksum_is_modbus():
    assert crc16(b"123456789") == 0x4B37  # the check value of CRC-16/MODBUS


def test_a_frame_of_ten_records_is_ten_rows_oldest_first():
    decoded = _meokon().decode([TEN.encode(), bytes.fromhex(ONE)])
    assert decoded.bad == []
    assert decoded.frame.tolist() == [0] * 10 + [1]
    records = [0.537, 0.538, 0.534, 0.536, 0.536, 0.531, 0.542, 0.540, 0.541, 0.541, 0.605]
    assert np.allclose(decoded.numbers["pressure"], records)
    times = [1_561_945_782 - 60 * back for back in range(9, -1, -1)]
    assert decoded.numbers["time"].tolist() == [*times, 0x68FFB887]
    assert np.isnan(decoded.numbers["battery"][:9]).all()
    assert decoded.numbers["battery"][9:].tolist() == [100, 100]
    assert decoded.numbers["rssi"][9:].tolist() == [-56, -48]
    assert decoded.numbers["alarm"][9:].tolist() == [2, 0]
    assert np.allclose(decoded.numbers["current"][9:], [0.538, 0.605])
    assert np.allclose(decoded.numbers["low"][9:], [0.1, 0])
    assert np.allclose(decoded.numbers["high"][9:], [0.5, 2.5])
    assert list(decoded.texts["id"]) == ["SHMK19060013"] * 10 + ["SHRP25090120"]


@given(st.lists(st.integers(-(2**15), 2**15 - 1), min_size=1, max_size=20))
def test_records_come_back_as_they_were_written(records):
    decoded = _meokon().decode([_frame(records), _frame(records).hex().encode()])
    assert decoded.bad == []
    assert np.allclose(decoded.numbers["pressure"], [record / 1000 for record in records * 2])


@pytest.mark.parametrize(("kind", "mpa"), [(0, 0.0605), (1, 0.605), (2, 0.605)])
def test_each_type_has_its_unit(kind, mpa):
    assert np.allclose(_meokon().decode([_frame([605], kind=kind)]).numbers["pressure"], mpa)


def test_a_frame_without_records_says_its_current_value():
    decoded = _meokon().decode([_frame([], current=-3)])
    assert np.allclose(decoded.numbers["pressure"], [-0.003])
    assert decoded.numbers["time"].tolist() == [1_767_323_045]


def test_hydrants_are_read_only_when_their_unit_is_known():
    frame = _frame([300], kind=24, alarm=0b1010_0000)
    assert _meokon().decode([frame]).bad[0].reason is Reason.WRONG_TYPE
    decoded = _meokon(hydrant_unit="MPa").decode([frame, _frame([300], kind=34, alarm=0x80), _frame([1], alarm=0x80)])
    assert decoded.numbers["releasing"][:2].tolist() == [1, 1]
    assert np.isnan(decoded.numbers["releasing"][2])  # there the bit is a third sensor's
    assert decoded.numbers["tilt"][0] == 0
    assert decoded.numbers["impact"][0] == 1
    assert np.isnan(decoded.numbers["tilt"][1])
    with pytest.raises(ValueError, match="hydrant_unit"):
        _meokon(hydrant_unit="psi")


@pytest.mark.parametrize("payload", [TEN.encode(), ONE.encode(), bytes.fromhex(ONE), bytes.fromhex(TEN)])
def test_every_strict_prefix_of_a_frame_is_refused(payload):
    prefixes = [payload[:length] for length in range(len(payload))]
    decoded = _meokon().decode(prefixes)
    assert len(decoded) == 0
    assert [bad.at for bad in decoded.bad] == list(range(len(prefixes)))
    assert {bad.reason for bad in decoded.bad} == {Reason.MALFORMED}


def test_nothing_is_salvaged_of_a_frame_whose_checksum_is_wrong():
    decoded = _meokon().salvage([ONE.replace("34d0", "34d1").encode()])
    assert (len(decoded), decoded.bad) == (0, [])


def test_every_flipped_bit_is_refused():
    frame = bytes.fromhex(ONE)
    flipped = []
    for at in range(len(frame) * 8):
        broken = bytearray(frame)
        broken[at // 8] ^= 1 << at % 8
        flipped.append(bytes(broken))
    decoded = _meokon().decode(flipped)
    assert len(decoded) == 0
    assert len(decoded.bad) == len(flipped)


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (_frame([1, 2], interval=0), Reason.BAD_TIME),
        (_frame([1], kind=7), Reason.WRONG_TYPE),
        (_frame([1]) + b"\0", Reason.MALFORMED),
        (b"", Reason.MALFORMED),
        (b"online", Reason.MALFORMED),
        ("在线".encode(), Reason.MALFORMED),
    ],
)
def test_frames_that_cannot_be_used_say_why(frame, reason):
    assert _meokon().decode([frame]).bad[0].reason is reason


def test_a_field_the_dialect_does_not_have_is_not_compiled():
    with pytest.raises(ValueError, match="has no level"):
        DECODERS["meokon"](Profile("x", "water", "meokon", (), timedelta(1), (MetricSpec("level", "level", "m"),), ()))


@pytest.mark.parametrize(
    ("name", "is_device"),
    [
        ("kitchen", True),
        ("hall/smoke", True),
        ("availability", True),  # a friendly name may be any word
        ("kitchen/availability", False),
        ("hall/smoke/set", False),
        ("hall/smoke/get", False),
        ("bridge/state", False),
        ("bridge", False),
    ],
)
def test_zigbee2mqtt_service_topics_name_no_device(name, is_device):
    profile = Profile("z", "smoke", "zigbee2mqtt", (), timedelta(1), (), (SignalSpec("fire", "smoke"),))
    assert DECODERS["zigbee2mqtt"](profile).is_device(name) is is_device


def test_chirpstack_needs_something_from_the_codec():
    profile = load_profiles(ROOT / "device_profiles")["yobiiq-sd1001"]
    decoded = DECODERS["chirpstack"](profile).decode(
        [
            b'{"object":{"smokeAlarm":"Normal"}}',
            b'{"rxInfo":[{"rssi":-70}],"data":"AQ=="}',
            b'{"object":null}',
            b'{"object":{"batteryLevelInPercentage":50}}',
        ]
    )
    assert decoded.frame.tolist() == [0, 3]
    assert [(bad.at, bad.reason) for bad in decoded.bad] == [(1, Reason.EMPTY), (2, Reason.EMPTY)]
    empty = Profile("x", "smoke", "chirpstack", (), timedelta(1), (MetricSpec("rssi", "rxInfo.0.rssi", "dBm"),), ())
    with pytest.raises(ValueError, match="object"):
        DECODERS["chirpstack"](empty)


# What each file of captured codec outputs is for; None: the device is no fire sensor, and no profile is for it.
_OF_FILE = {
    "decentlab__test_decode_dl-ctd10": "decentlab-dl-ctd10",
    "decentlab__test_decode_dl-pr21": "decentlab-dl-pr21",
    "dragino__test_decode_lht65n": "dragino-lht65n",
    "elsys__test_decode_elsys": "elsys-freeze-watch",
    "milesight__test_decode_em300-th": "milesight-em300-th",
    "milesight__test_decode_em500-pt100": "milesight-em300-th",
    "sept-s__test_decode_tg563a": "sept-tg563a-status",
    "yobiiq__test_decode_sd1001": "yobiiq-sd1001",
    "vutility__test_decode_hotdrop": None,
}


@pytest.mark.parametrize("path", sorted(VECTORS.glob("*.json")), ids=lambda path: path.stem)
def test_captured_codec_outputs_are_read(path):
    text = re.sub(r"\b0x([0-9a-fA-F]+)\b", lambda found: str(int(found[1], 16)), path.read_text(encoding="utf-8"))
    events = [
        json.dumps({"time": "2026-01-02T03:04:05Z", "object": case["expected"]["data"]}).encode()
        for case in json.loads(text)
    ]
    profiles = load_profiles(ROOT / "device_profiles").values()
    readers = {
        profile.id: DECODERS["chirpstack"](profile).decode(events)
        for profile in profiles
        if profile.dialect == "chirpstack"
    }
    own = _OF_FILE[path.stem]
    if own is None:
        assert all(len(decoded) == 0 for decoded in readers.values())
        return
    decoded = readers[own]
    assert len(decoded) > 0
    assert {bad.reason for bad in decoded.bad} <= {Reason.EMPTY}
