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
