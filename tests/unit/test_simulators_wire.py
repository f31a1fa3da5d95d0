"""What the simulators put on the wire: the devices' formats, and the MQTT around them."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest

from simulators.fleet import make_fleet
from simulators.packets import Broker, connect, length, receive_maximum, take
from simulators.town import Town
from simulators.wire import crc16_modbus, meokon_frame

STAMP = 1_767_225_600_123_000  # 2026-01-01T00:00:00.123Z


def one_of(profile, **options):
    """Topic and payload of the first device of a profile, and the town it is in."""
    fleet = make_fleet(60, 7)
    town = Town(fleet, 7, **options)
    town.advance(600)
    row = next(n for n, device in enumerate(fleet) if device.profile == profile)
    ((_, payload),) = town.frames(np.array([row]), STAMP)
    return town.topics[row], payload, fleet[row]


def test_house_smoke_frame():
    topic, payload, device = one_of("firesense-smoke")
    frame = json.loads(payload)
    assert topic == f"firesense/smoke/{device.external_id}/up"
    assert set(frame) == {"ts", "alarm", "smoke", "temp", "bat", "rssi", "test", "tamper", "fault"}
    assert frame["ts"] == STAMP // 1000
    assert frame["alarm"] == 0
    assert 0 < frame["smoke"] < 0.1


def test_house_water_frame():
    topic, payload, device = one_of("firesense-water")
    frame = json.loads(payload)
    assert topic == f"firesense/water/{device.external_id}/up"
    assert frame["time"] == "2026-01-01T08:00:00.123+08:00"
    assert 160 < frame["data"]["pressure_kpa"] < 450
    assert set(frame["data"]) == {"pressure_kpa", "flow_lps", "battery_v"}
    assert frame["status"] == dict.fromkeys(("low", "high", "release", "tilt", "impact"), False)
    assert isinstance(frame["signal"]["rssi"], int)


def test_house_electrical_frame():
    topic, payload, device = one_of("firesense-electrical")
    frame = json.loads(payload)
    assert topic == f"firesense/electrical/{device.external_id}/up"
    assert frame["ts"] == pytest.approx(STAMP / 1e6)
    assert [len(frame[name]) for name in ("residual_ma", "temp_c", "u", "i")] == [4, 4, 3, 3]
    assert (frame["arc"], frame["alarm"], frame["fault"]) == (0, 0, 0)
    assert all(t == -200 or 10 < t < 80 for t in frame["temp_c"])


def test_house_heater_frame():
    topic, payload, device = one_of("firesense-heater")
    frame = json.loads(payload)
    assert topic == f"firesense/heater/{device.external_id}/up"
    assert set(frame) == {"ts", "water_c", "ambient_c", "heater", "mains", "bat"}
    assert (frame["heater"]["current_a"] > 0) is frame["heater"]["on"]
    assert frame["mains"] is True


def test_zigbee_frame_has_no_time_and_a_name_with_a_slash():
    topic, payload, device = one_of("zigbee2mqtt-smoke")
    frame = json.loads(payload)
    assert topic == f"zigbee2mqtt/{device.external_id}"
    assert "/" in device.external_id
    assert not {"ts", "time", "last_seen"} & set(frame)
    assert [frame[name] for name in ("smoke", "test", "tamper", "battery_low", "trouble")] == [False] * 5
    assert 1 <= frame["linkquality"] <= 255


def test_chirpstack_frame():
    topic, payload, device = one_of("sept-tg563a")
    frame = json.loads(payload)
    assert topic.startswith("application/")
    assert topic.endswith(f"/device/{device.external_id}/event/up")
    assert frame["time"] == "2026-01-01T00:00:00.123+00:00"
    assert frame["deviceInfo"]["devEui"] == device.external_id
    assert frame["object"]["smokeAlarm"] == 0
    assert isinstance(frame["object"]["temperature"], int)
    assert {"rssi", "snr"} <= set(frame["rxInfo"][0])


def test_meokon_frame_holds_its_history_oldest_first():
    topic, payload, device = one_of("meokon-pressure")
    frame = bytes.fromhex(payload.decode())
    assert topic == f"GIOT-GW/UL/{device.external_id}"
    assert frame[5:17].decode() == device.external_id
    assert struct.unpack(">H", frame[3:5])[0] == len(frame)
    assert (frame[:2], frame[-2:]) == (b"\xa5\x5a", b"\x55\xaa")
    interval, count = struct.unpack(">HH", frame[19:23])
    assert (interval, count) == (60, 5)
    assert struct.unpack(">I", frame[31:35])[0] == STAMP // 1_000_000
    assert struct.unpack(">H", frame[-4:-2])[0] == crc16_modbus(frame[:-4])
    assert all(160 < value < 450 for value in struct.unpack(">5H", frame[35:-4]))
    _, alone, _ = one_of("meokon-pressure", batches=False)
    assert struct.unpack(">H", bytes.fromhex(alone.decode())[21:23])[0] == 1


def test_meokon_frame_is_laid_out_like_a_real_one():
    real = bytes.fromhex(
        "a55a00003b53484d4b313930363030313334c8003c000a0102006401f4021a5d1966b6"
        "0219021a0216021802180213021e021c021d021d7e0355aa"
    )
    assert struct.unpack(">H", real[-4:-2])[0] == crc16_modbus(real[:-4])
    values = [537, 538, 534, 536, 536, 531, 542, 540, 541, 541]
    ours = meokon_frame("SHMK19060013", battery=100, rssi=-56, interval=60, flags=2, at=1561945782, values=values)
    assert ours[:23] == real[:23]
    assert ours[24] == real[24]  # the alarm; 23 is the unit, 25 to 30 limits and the value now
    assert ours[31:-4] == real[31:-4]


# -- MQTT packets ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "coded"), [(0, "00"), (127, "7f"), (128, "8001"), (16383, "ff7f"), (268435455, "ffffff7f")]
)
def test_lengths_are_coded_as_the_standard_says(n, coded):
    assert length(n) == bytes.fromhex(coded)


def test_packets_are_taken_out_whole_however_they_arrive():
    stream = bytes.fromhex("20020000" + "40020001" + "4004000210" + "00" + "e000") + b"\x30" + length(200) + bytes(200)
    for size in (1, 3, 7, len(stream)):
        buffer, packets = bytearray(), []
        for start in range(0, len(stream), size):
            buffer += stream[start : start + size]
            packets += take(buffer)
        assert [kind for kind, _ in packets] == [0x20, 0x40, 0x40, 0xE0, 0x30]
        assert len(packets[-1][1]) == 200
        assert not buffer


def test_receive_maximum_is_found_among_other_properties():
    properties = bytes.fromhex("22000a" + "260001610001" + "62" + "210014")
    assert receive_maximum(bytes([len(properties)]) + properties) == 20
    assert receive_maximum(b"\x00") == 65535


def test_connect_carries_what_it_must():
    plain = connect(Broker("h", 1, 4), "me")
    assert plain == bytes.fromhex("100e00044d5154540402003c00026d65")
    secret = connect(Broker("h", 1, 5, "u", "p"), "me")
    assert secret == bytes.fromhex("101500044d51545405c2003c0000026d65000175000170")
