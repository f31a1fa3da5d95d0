"""The wire formats: one encoder a profile, whole columns at a time.

An encoder takes the population, the external ids, the positions of those ids in the population's columns and one
instant (microseconds since the epoch, what the devices' own clocks say), and gives one payload each, in that order.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from simulators.electrical import Panels
    from simulators.heater import Heaters
    from simulators.physics import Population, Rows
    from simulators.smoke import Detectors
    from simulators.water import Gauges


BEIJING = timezone(timedelta(hours=8))
TRUTH = ("false", "true")
LOW_BATTERY = 10  # per cent
APPLICATION = "3f1c0b52-0000-4000-8000-000000000001"  # of the LoRaWAN devices, made up

Encoder: TypeAlias = "Callable[[Any, Sequence[str], Rows, int], list[bytes]]"

TOPICS: dict[str, str] = {
    "firesense-smoke": "firesense/smoke/{device}/up",
    "firesense-water": "firesense/water/{device}/up",
    "firesense-electrical": "firesense/electrical/{device}/up",
    "firesense-heater": "firesense/heater/{device}/up",
    "zigbee2mqtt-smoke": "zigbee2mqtt/{device}",
    "sept-tg563a": f"application/{APPLICATION}/device/{{device}}/event/up",
    "meokon-pressure": "GIOT-GW/UL/{device}",
}


def _iso(at: int, zone: timezone) -> str:
    return datetime.fromtimestamp(at / 1e6, zone).isoformat(timespec="milliseconds")


def _common(population: Population, rows: Rows) -> tuple[list[int], list[int]]:
    """Battery in per cent and signal strength in dBm, as integers."""
    return population.battery[rows].astype(int).tolist(), population.rssi[rows].astype(int).tolist()


def firesense_smoke(detectors: Detectors, _ids: Sequence[str], rows: Rows, at: int) -> list[bytes]:
    """Flat JSON; time in Unix milliseconds."""
    battery, rssi = _common(detectors, rows)
    head = f'{{"ts":{at // 1000},"alarm":'
    columns = zip(
        detectors.alarm[rows].tolist(),
        detectors.density[rows].tolist(),
        detectors.temperature[rows].tolist(),
        battery,
        rssi,
        detectors.removed[rows].tolist(),
        detectors.dirty[rows].tolist(),
        strict=True,
    )
    return [
        f'{head}{alarm:d},"smoke":{density:.4f},"temp":{temperature:.1f},"bat":{bat},"rssi":{rssi},'
        f'"test":0,"tamper":{removed:d},"fault":{dirty:d}}}'.encode()
        for alarm, density, temperature, bat, rssi, removed, dirty in columns
    ]


def zigbee2mqtt_smoke(detectors: Detectors, _ids: Sequence[str], rows: Rows, _at: int) -> list[bytes]:
    """Flat JSON of a Zigbee detector; it knows no time."""
    battery = detectors.battery[rows].astype(int).tolist()
    columns = zip(
        detectors.alarm[rows].tolist(),
        detectors.temperature[rows].tolist(),
        battery,
        np.clip(2.5 * (detectors.rssi[rows] + 110), 1, 255).astype(int).tolist(),
        detectors.dirty[rows].tolist(),
        strict=True,
    )
    return [
        f'{{"battery":{bat},"battery_low":{TRUTH[bat < LOW_BATTERY]},"linkquality":{link},"smoke":{TRUTH[alarm]},'
        f'"tamper":false,"temperature":{temperature:.2f},"test":false,"trouble":{TRUTH[dirty]},'
        f'"voltage":{2400 + 7 * bat}}}'.encode()
        for alarm, temperature, bat, link, dirty in columns
    ]


def sept_tg563a(detectors: Detectors, ids: Sequence[str], rows: Rows, at: int) -> list[bytes]:
    """A ChirpStack v4 uplink with the codec's output in ``object``."""
    battery, rssi = _common(detectors, rows)
    when = _iso(at, UTC)
    columns = zip(
        ids,
        detectors.alarm[rows].tolist(),
        detectors.temperature[rows].tolist(),
        battery,
        rssi,
        detectors.dirty[rows].tolist(),
        strict=True,
    )
    return [
        f'{{"deduplicationId":"00000000-0000-4000-8000-{at % 0xFFFFFFFFFFFF:012x}","time":"{when}",'
        f'"deviceInfo":{{"tenantName":"firesense","applicationId":"{APPLICATION}","deviceProfileName":"TG563A",'
        f'"deviceName":"{eui}","devEui":"{eui}"}},"dr":5,"fPort":1,"confirmed":true,'
        f'"object":{{"smokeAlarm":{alarm:d},"temperature":{temperature:.0f},"mounted":1,'
        f'"batteryLow":{bat < LOW_BATTERY:d},"smokeChamberFailure":{dirty:d}}},'
        f'"rxInfo":[{{"gatewayId":"0016c001f1500812","rssi":{rssi},"snr":7.5}}]}}'.encode()
        for eui, alarm, temperature, bat, rssi, dirty in columns
    ]


def firesense_water(gauges: Gauges, _ids: Sequence[str], rows: Rows, at: int) -> list[bytes]:
    """Nested JSON; ISO 8601 time with the zone."""
    head = f'{{"time":"{_iso(at, BEIJING)}","data":{{"pressure_kpa":'
    columns = zip(
        (1000 * gauges.pressure[rows]).tolist(),
        gauges.flow[rows].tolist(),
        gauges.cell[rows].tolist(),
        gauges.low[rows].tolist(),
        gauges.high[rows].tolist(),
        gauges.rssi[rows].astype(int).tolist(),
        strict=True,
    )
    return [
        f'{head}{pressure:.1f},"flow_lps":{flow:.2f},"battery_v":{cell:.2f}}},"status":{{"low":{TRUTH[low]},'
        f'"high":{TRUTH[high]},"release":false,"tilt":false,"impact":false}},"signal":{{"rssi":{rssi}}}}}'.encode()
        for pressure, flow, cell, low, high, rssi in columns
    ]


def crc16_modbus(data: bytes) -> int:
    """CRC-16 with polynomial 0xA001, starting at 0xFFFF."""
    crc = 0xFFFF
    for byte in data:
        crc = (crc >> 8) ^ _CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc


def _crc_of(byte: int) -> int:
    for _ in range(8):
        byte = (byte >> 1) ^ 0xA001 if byte & 1 else byte >> 1
    return byte


_CRC_TABLE = [_crc_of(byte) for byte in range(256)]


def meokon_frame(
    device: str, *, battery: int, rssi: int, interval: int, flags: int, at: int, values: list[int]
) -> bytes:
    """Give the binary frame of a pressure gauge: ``values`` in kPa, oldest first, the newest at ``at`` (Unix seconds).

    Big-endian; ``battery`` in per cent (said in steps of five), ``interval`` in seconds, ``flags`` bit 0 low, 1 high.
    """
    count = len(values)
    body = struct.pack(
        ">2sBH12sBbHHBBHHHI",
        b"\xa5\x5a",
        0,
        39 + 2 * count,
        device.encode("ascii"),
        0x20 | battery // 5,  # on battery
        rssi,
        interval,
        count,
        1,  # MPa, in thousandths
        flags,
        100,
        600,
        values[-1],
        at,
    ) + struct.pack(f">{count}H", *values)
    return body + struct.pack(">H", crc16_modbus(body)) + b"\x55\xaa"


def meokon_pressure(gauges: Gauges, ids: Sequence[str], rows: Rows, at: int, interval: int = 60) -> list[bytes]:
    """Hexadecimal text of a binary frame: the last five pressures ``interval`` seconds apart, one when that is 0."""
    battery, rssi = _common(gauges, rows)
    past = gauges.kept[rows] if interval else gauges.kept[rows, :0]
    values = np.rint(1000 * np.column_stack([past, gauges.pressure[rows]])).astype(int).tolist()
    flags = (gauges.low[rows] + 2 * gauges.high[rows]).tolist()
    return [
        meokon_frame(
            device, battery=bat, rssi=signal, interval=interval, flags=flag, at=at // 1_000_000, values=pressures
        )
        .hex()
        .encode()
        for device, bat, signal, flag, pressures in zip(ids, battery, rssi, flags, values, strict=True)
    ]


def firesense_electrical(panels: Panels, _ids: Sequence[str], rows: Rows, at: int) -> list[bytes]:
    """JSON with lists; time in Unix seconds."""
    head = f'{{"ts":{at / 1e6:.3f},"residual_ma":'
    columns = zip(
        np.round(panels.residual[rows], 1).tolist(),
        np.round(panels.temperature[rows], 1).tolist(),
        panels.arcs[rows].tolist(),
        np.round(panels.voltage[rows], 1).tolist(),
        np.round(panels.current[rows], 2).tolist(),
        panels.alarm[rows].tolist(),
        strict=True,
    )
    return [
        f'{head}{residual},"temp_c":{temperature},"arc":{arcs},"u":{voltage},"i":{current},"alarm":{alarm},"fault":0}}'.encode()
        for residual, temperature, arcs, voltage, current, alarm in columns
    ]


def firesense_heater(heaters: Heaters, _ids: Sequence[str], rows: Rows, at: int) -> list[bytes]:
    """Nested JSON; time in Unix milliseconds."""
    head = f'{{"ts":{at // 1000},"water_c":'
    columns = zip(
        heaters.water[rows].tolist(),
        heaters.ambient[rows].tolist(),
        heaters.on[rows].tolist(),
        heaters.current[rows].tolist(),
        heaters.mains[rows].tolist(),
        heaters.battery[rows].astype(int).tolist(),
        strict=True,
    )
    return [
        f'{head}{water:.2f},"ambient_c":{ambient:.2f},"heater":{{"on":{TRUTH[on]},"current_a":{current:.2f}}},'
        f'"mains":{TRUTH[mains]},"bat":{bat}}}'.encode()
        for water, ambient, on, current, mains, bat in columns
    ]


ENCODERS: dict[str, Encoder] = {
    "firesense-smoke": firesense_smoke,
    "zigbee2mqtt-smoke": zigbee2mqtt_smoke,
    "sept-tg563a": sept_tg563a,
    "firesense-water": firesense_water,
    "meokon-pressure": meokon_pressure,
    "firesense-electrical": firesense_electrical,
    "firesense-heater": firesense_heater,
}
