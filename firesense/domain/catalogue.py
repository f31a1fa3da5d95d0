"""The metric catalogue: everything a reading can hold, with its one canonical unit.

Ranges are what a working sensor of that kind can plausibly say, not alarm limits: a value outside is dropped and the
reading marked. They are wide on purpose; limits that matter live in the rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Metric:
    """A number a device can say, in its canonical unit."""

    name: str
    unit: str
    low: float
    high: float
    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Signal:
    """A condition a device can assert; ``is_fire`` marks the device's own fire flags, which nobody may miss."""

    name: str
    en: str
    zh: str
    is_fire: bool = False


@dataclass(frozen=True, slots=True)
class DeviceClass:
    """A kind of device and all it can say."""

    name: str
    en: str
    zh: str
    metrics: Mapping[str, Metric]
    signals: Mapping[str, Signal]

    @property
    def fire_flags(self) -> tuple[str, ...]:
        """The names of its signals that say fire."""
        return tuple(signal.name for signal in self.signals.values() if signal.is_fire)


CIRCUITS = 8  # the largest common electrical-fire monitors watch eight loops
PROBES = 8

_COMMON_METRICS = (
    Metric("battery", "%", 0, 100, "Battery", "电池电量"),
    Metric("battery_voltage", "V", 0, 60, "Battery voltage", "电池电压"),
    Metric("rssi", "dBm", -200, 20, "Signal strength", "信号强度"),
    Metric("snr", "dB", -50, 60, "Signal-to-noise ratio", "信噪比"),
    Metric("link_quality", "1", 0, 255, "Link quality", "链路质量"),
)
_COMMON_SIGNALS = (
    Signal("test", "Test button", "测试按钮"),
    Signal("tamper", "Tamper", "防拆"),
    Signal("trouble", "Trouble", "设备故障"),
    Signal("low_battery", "Low battery", "电量低"),
)


def _class(name: str, en: str, zh: str, metrics: tuple[Metric, ...], signals: tuple[Signal, ...]) -> DeviceClass:
    return DeviceClass(
        name,
        en,
        zh,
        {metric.name: metric for metric in (*metrics, *_COMMON_METRICS)},
        {signal.name: signal for signal in (*signals, *_COMMON_SIGNALS)},
    )


CLASSES: Mapping[str, DeviceClass] = {
    device_class.name: device_class
    for device_class in (
        _class(
            "smoke",
            "Smoke detector",
            "独立式感烟火灾探测报警器",
            (
                Metric("smoke_density", "dB/m", 0, 20, "Smoke density", "烟雾浓度"),
                Metric("temperature", "degC", -50, 300, "Temperature", "温度"),
                Metric("humidity", "%RH", 0, 100, "Humidity", "湿度"),
                Metric("contamination", "%", 0, 200, "Chamber contamination", "迷宫污染度"),
            ),
            (
                Signal("fire", "Fire flag", "火警", is_fire=True),
                Signal("heat", "Over-temperature flag", "温度过高", is_fire=True),
                Signal("removed", "Removed from its base", "探测器被拆除"),
                Signal("muted", "Silenced at the device", "本机消音"),
                Signal("end_of_life", "End of life", "寿命到期"),
            ),
        ),
        _class(
            "water",
            "Fire-water gauge",
            "消防水监测终端",
            (
                Metric("pressure", "MPa", -0.1, 10, "Pressure", "压力"),
                Metric("level", "m", 0, 100, "Water level", "液位"),
                Metric("flow", "L/s", 0, 1000, "Flow", "流量"),
                Metric("temperature", "degC", -50, 120, "Temperature", "温度"),
            ),
            (
                Signal("pressure_low", "Low-pressure flag", "低压报警"),
                Signal("pressure_high", "High-pressure flag", "高压报警"),
                Signal("releasing", "Water being released", "放水"),
                Signal("tilt", "Tilted", "倾斜"),
                Signal("impact", "Struck", "撞击"),
                Signal("sensor_fault", "Sensor fault", "传感器异常"),
                Signal("leak", "Leak", "漏水"),
            ),
        ),
        _class(
            "electrical",
            "Electrical-fire monitor",
            "电气火灾监控探测器",
            (
                *(
                    Metric(f"residual_current_{n}", "mA", 0, 30_000, f"Residual current {n}", f"剩余电流{n}")
                    for n in range(1, CIRCUITS + 1)
                ),
                *(
                    Metric(f"cable_temperature_{n}", "degC", -50, 300, f"Cable temperature {n}", f"线缆温度{n}")
                    for n in range(1, PROBES + 1)
                ),
                Metric("arc_count", "1", 0, 100_000, "Arc half-cycles in 1 s", "故障电弧数"),
                *(Metric(f"voltage_{p}", "V", 0, 1000, f"Voltage {p.upper()}", f"{p.upper()}相电压") for p in "abc"),
                *(Metric(f"current_{p}", "A", 0, 10_000, f"Current {p.upper()}", f"{p.upper()}相电流") for p in "abc"),
                Metric("power", "kW", -10_000, 10_000, "Active power", "有功功率"),
                Metric("frequency", "Hz", 0, 100, "Frequency", "频率"),
            ),
            (
                Signal("residual_current_alarm", "Residual-current flag", "剩余电流报警"),
                Signal("cable_temperature_alarm", "Cable-temperature flag", "线缆温度报警"),
                Signal("arc", "Fault-arc flag", "故障电弧报警"),
                Signal("over_voltage", "Over-voltage", "过压"),
                Signal("under_voltage", "Under-voltage", "欠压"),
                Signal("over_current", "Over-current", "过流"),
                Signal("wiring_fault", "Wiring fault", "接线故障"),
            ),
        ),
        _class(
            "heater",
            "Intake heater",
            "取水口防冻加热器",
            (
                Metric("water_temperature", "degC", -50, 120, "Water temperature", "水温"),
                Metric("ambient_temperature", "degC", -70, 80, "Ambient temperature", "环境温度"),
                Metric("heater_current", "A", 0, 200, "Heater current", "加热电流"),
            ),
            (
                Signal("heater_on", "Heater on", "加热器开启"),
                Signal("power_lost", "Mains lost", "市电中断"),
            ),
        ),
    )
}

# What a profile may write after a number: unit -> (canonical unit, factor, offset); canonical = raw * factor + offset.
# Exact by definition (SI, ISO 80000), except mmHg and psi, which are the conventional values.
UNITS: Mapping[str, tuple[str, float, float]] = {
    "%": ("%", 1, 0),
    "ratio": ("%", 100, 0),
    "%RH": ("%RH", 1, 0),
    "1": ("1", 1, 0),
    "dB": ("dB", 1, 0),
    "dBm": ("dBm", 1, 0),
    "degC": ("degC", 1, 0),
    "K": ("degC", 1, -273.15),
    "degF": ("degC", 5 / 9, -160 / 9),
    "MPa": ("MPa", 1, 0),
    "kPa": ("MPa", 1e-3, 0),
    "Pa": ("MPa", 1e-6, 0),
    "bar": ("MPa", 0.1, 0),
    "mbar": ("MPa", 1e-4, 0),
    "psi": ("MPa", 0.006894757, 0),
    "m": ("m", 1, 0),
    "cm": ("m", 0.01, 0),
    "mm": ("m", 1e-3, 0),
    "L/s": ("L/s", 1, 0),
    "L/min": ("L/s", 1 / 60, 0),
    "m3/h": ("L/s", 1 / 3.6, 0),
    "mA": ("mA", 1, 0),
    "A": ("A", 1, 0),
    "V": ("V", 1, 0),
    "mV": ("V", 1e-3, 0),
    "kV": ("V", 1e3, 0),
    "W": ("kW", 1e-3, 0),
    "kW": ("kW", 1, 0),
    "Hz": ("Hz", 1, 0),
    "dB/m": ("dB/m", 1, 0),
    "1/m": ("dB/m", 10, 0),  # optical density per metre: 10 * log10, so 1/m x 10 = dB/m
}
_CURRENT_CROSSINGS: Mapping[tuple[str, str], float] = {("A", "mA"): 1e3, ("mA", "A"): 1e-3}


def conversion(unit: str, canonical: str) -> tuple[float, float] | None:
    """Find (factor, offset) from a unit to a canonical one, or None when they measure different things."""
    if (factor := _CURRENT_CROSSINGS.get((unit, canonical))) is not None:
        return factor, 0.0
    known = UNITS.get(unit)
    if known is None or known[0] != canonical:
        return None
    return known[1], known[2]
