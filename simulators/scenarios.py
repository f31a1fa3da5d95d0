"""Staged events with their truth: what happens to which device from when, and what a right system makes of it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulators.fleet import Device

FIRE_PUSHED_WITHIN = 15.0  # s, GB/T 45839-2025 5.10.4
DEFAULT_OFFSET = 10.0  # s after the start


@dataclass(frozen=True, slots=True)
class Scenario:
    """A kind of staged event.

    ``events`` are those of the physics. ``expected`` are the alert classes of which a right system
    raises at least one for the device, none when empty; ``forbidden`` those that it must not raise. It has
    ``unfolds`` seconds of the physics' time and then ``allowed`` seconds of real time for that.
    """

    name: str
    text: str
    device_class: str
    events: tuple[str, ...]
    expected: tuple[str, ...]
    forbidden: tuple[str, ...]
    unfolds: float
    allowed: float
    kind: str = ""
    profile: str = ""


@dataclass(frozen=True, slots=True)
class Staged:
    """A scenario for one device, or for a gateway; ``offset`` in real seconds after the start of the run."""

    scenario: Scenario
    device: Device
    offset: float


DEAD_GATEWAY = "dead_gateway"


def _nuisance(
    name: str,
    text: str,
    device_class: str,
    unfolds: float,
    events: tuple[str, ...] = (),
    *,
    kind: str = "",
    profile: str = "",
) -> Scenario:
    """Something that happens and that nobody is to be told of; the event is called like it unless said otherwise."""
    return Scenario(
        name, text, device_class, events or (name,), (), ("fire", "hazard"), unfolds, 900, kind=kind, profile=profile
    )


SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            "smouldering_fire",
            "A smouldering fire under a detector, in flames after twelve minutes.",
            "smoke",
            ("fire",),
            expected=("fire",),
            forbidden=("test",),
            unfolds=360,
            allowed=FIRE_PUSHED_WITHIN,
            profile="firesense-smoke",
        ),
        Scenario(
            "cooking",
            "A meal: three short peaks of smoke below the detector's threshold.",
            "smoke",
            ("cooking",),
            expected=(),
            forbidden=("fire",),
            unfolds=300,
            allowed=FIRE_PUSHED_WITHIN,
            kind="flat",
            profile="firesense-smoke",
        ),
        Scenario(
            "dust_drift",
            "Years of dust in two hours; the detector calls its own chamber dirty.",
            "smoke",
            ("dust",),
            expected=("fault",),
            forbidden=("fire",),
            unfolds=7200,
            allowed=300,
            profile="firesense-smoke",
        ),
        Scenario(
            "burst_main",
            "A main breaks: 0.05 MPa within seconds, and its hydrants follow.",
            "water",
            ("burst",),
            expected=("hazard",),
            forbidden=("fire",),
            unfolds=60,
            allowed=360,
            kind="main",
        ),
        Scenario(
            "slow_leak",
            "A main loses water for hours, slowly enough that no single reading looks wrong.",
            "water",
            ("leak",),
            expected=("hazard",),
            forbidden=("fire",),
            unfolds=4 * 3600,
            allowed=900,
            kind="main",
        ),
        Scenario(
            "freezing_night_failed_heater",
            "A cold spell over all intakes, and one heater that is switched on but draws no current.",
            "heater",
            ("failed", "cold"),
            expected=("hazard", "fault"),
            forbidden=("fire",),
            unfolds=4 * 3600,
            allowed=900,
        ),
        Scenario(
            "growing_leakage",
            "Wet insulation: residual current of one circuit doubles every two and a half minutes.",
            "electrical",
            ("leak",),
            expected=("hazard", "fire"),
            forbidden=("test",),
            unfolds=900,
            allowed=120,
        ),
        # -- what daily life does -----------------------------------------------------------------------------------
        _nuisance(
            "steam", "A bathroom door is opened: steam and some warmth.", "smoke", 600, profile="firesense-smoke"
        ),
        _nuisance("cigarette", "Somebody smokes under a detector.", "smoke", 480, profile="firesense-smoke"),
        _nuisance("welding", "Half an hour of welding, a puff a seam.", "smoke", 1800, profile="firesense-smoke"),
        _nuisance("harvest_dust", "Straw dust over a yard.", "smoke", 9600, ("harvest",), profile="firesense-smoke"),
        _nuisance("humid_week", "Fog and damp for a week.", "smoke", 7 * 86400, ("humid",), profile="firesense-smoke"),
        _nuisance("pump_test", "A fire pump is tested for ten minutes.", "water", 900, kind="main"),
        _nuisance("hydrant_use", "A street sweeper fills its tank at a hydrant.", "water", 1800, kind="hydrant"),
        _nuisance("motor_start", "A compressor starts every other minute.", "electrical", 3600, ("motor",)),
        _nuisance("no_probe", "A cable's probe is unplugged.", "electrical", 3600, ("unplugged",)),
        _nuisance("cold_snap", "A cold spell that the heaters can cope with.", "heater", 6 * 3600, ("cold",)),
        _nuisance("thaw", "A warm wind.", "heater", 6 * 3600),
        # -- what goes wrong ----------------------------------------------------------------------------------------
        Scenario(
            "arc",
            "A loose terminal arcs.",
            "electrical",
            ("arcing",),
            expected=("hazard",),
            forbidden=("fire",),
            unfolds=60,
            allowed=60,
        ),
        Scenario(
            "weak_heater",
            "A cold spell, and one element that is half burnt out.",
            "heater",
            ("weak", "cold"),
            expected=("hazard", "fault"),
            forbidden=("fire",),
            unfolds=6 * 3600,
            allowed=900,
        ),
        Scenario(
            "power_cut",
            "The mains of an intake are cut.",
            "heater",
            ("power_cut",),
            expected=("fault",),
            forbidden=("fire",),
            unfolds=60,
            allowed=600,
        ),
        Scenario(
            "dead_battery",
            "A battery runs down in two hours.",
            "smoke",
            ("flat_battery",),
            expected=("fault",),
            forbidden=("fire", "hazard"),
            unfolds=7200,
            allowed=1200,
            profile="firesense-smoke",
        ),
        Scenario(
            "removed",
            "A detector is taken off its base.",
            "smoke",
            ("removed",),
            expected=("fault",),
            forbidden=("fire", "hazard"),
            unfolds=60,
            allowed=120,
            profile="firesense-smoke",
        ),
        Scenario(
            "stuck_sensor",
            "A detector goes on saying what it said.",
            "smoke",
            ("stuck",),
            expected=("fault",),
            forbidden=("fire", "hazard"),
            unfolds=3 * 86400,
            allowed=7200,
            profile="firesense-smoke",
        ),
        _nuisance("drifting_sensor", "A thermistor drifts by 3 K a day.", "smoke", 2 * 86400, ("drift",)),
        Scenario(
            DEAD_GATEWAY,
            "A gateway loses power: all its devices fall silent at once, and that is one fault.",
            "",
            (),  # silence is not physics: the town keeps the frames back
            expected=("fault",),
            forbidden=("fire", "hazard"),
            unfolds=0,
            allowed=0,  # four periods of its slowest device
        ),
    )
}


def stage(spec: str, fleet: Sequence[Device], taken: Sequence[Staged] = ()) -> Staged:
    """Read ``NAME[@DEVICE][+OFFSET_S]``; without a device the first that fits and is not ``taken`` is it.

    The dead gateway is named by its own name or by that of any of its devices. Raises ValueError saying what is wrong.
    """
    match = re.fullmatch(r"(?P<name>\w+)(@(?P<device>[^+]+))?(\+(?P<offset>\d+(\.\d+)?))?", spec)
    if match is None or match["name"] not in SCENARIOS:
        message = f"{spec!r}: write NAME[@DEVICE][+SECONDS] with a name out of {', '.join(SCENARIOS)}"
        raise ValueError(message)
    scenario = SCENARIOS[match["name"]]
    used = {staged.device.id for staged in taken} | {
        staged.device.gateway for staged in taken if staged.scenario.name == DEAD_GATEWAY
    }
    wanted = match["device"]
    for device in fleet:
        if wanted is None:
            if not _fits(scenario, device) or device.id in used or device.gateway in used:
                continue
            if scenario.name == DEAD_GATEWAY and device.gateway in {staged.device.gateway for staged in taken}:
                continue
        elif wanted not in (device.id, device.gateway if scenario.name == DEAD_GATEWAY else device.id):
            continue
        elif scenario.device_class not in ("", device.device_class):
            message = (
                f"{spec!r}: {device.id} is of class {device.device_class}, this happens to {scenario.device_class}"
            )
            raise ValueError(message)
        return Staged(scenario, device, float(match["offset"] or DEFAULT_OFFSET))
    message = f"{spec!r}: the fleet has no {'device that fits' if wanted is None else wanted}"
    raise ValueError(message)


def _fits(scenario: Scenario, device: Device) -> bool:
    return (
        scenario.device_class in ("", device.device_class)
        and scenario.kind in ("", device.kind)
        and scenario.profile in ("", device.profile)
    )


def label(staged: Staged, fleet: Sequence[Device], started_at: int, speed: float) -> str:
    """Give the truth of a staged scenario as one line of JSON; ``started_at`` in microseconds since the epoch.

    ``device`` is empty and ``devices`` are many for a dead gateway. Times are ISO 8601 in UTC.
    """
    scenario = staged.scenario
    gateway = scenario.name == DEAD_GATEWAY
    struck = [d for d in fleet if d.gateway == staged.device.gateway] if gateway else [staged.device]
    allowed = 4.0 * max(device.period for device in struck) if gateway else scenario.allowed
    starts_at = started_at / 1e6 + staged.offset
    return json.dumps(
        {
            "scenario": scenario.name,
            "device": "" if gateway else staged.device.id,
            "devices": [device.id for device in struck],
            "gateway": staged.device.gateway,
            "place": staged.device.place,
            "starts_at": _iso(starts_at),
            "expected": scenario.expected,
            "forbidden": scenario.forbidden,
            "latest_at": _iso(starts_at + scenario.unfolds / speed + allowed),
        },
        ensure_ascii=False,
    )


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
