"""What the bench measures with: processor time and memory of processes, and the table it all goes into.

Processor time is the figure that counts: a shared machine stretches the wall's time, not that.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).parents[2]
RESULTS = Path(os.environ.get("RESULTS") or ROOT / "bench-results")
MEASURED_CORE, OTHER_CORE = 0, 1


@dataclass
class Row:
    """One figure. ``cpu_us`` is processor time a frame, in microseconds; frames/s on one core is its inverse."""

    what: str
    devices: int
    order: str
    frames: int
    cpu_us: float
    wall_per_s: float | None = None
    peak_mib: float | None = None
    note: str = ""

    @property
    def per_s(self) -> float:
        """Frames a second on one core."""
        return 1e6 / self.cpu_us if self.cpu_us else 0.0


def pin(core: int, process: psutil.Process | None = None) -> None:
    """Keep a process (this one) on one core from now on, if the machine has it."""
    process = process or psutil.Process()
    if core in range(os.cpu_count() or 1):
        process.cpu_affinity([core])


def environment() -> dict[str, str]:
    """The environment of a measured process: without what would make NumPy's BLAS pretend another processor."""
    left_out = {"OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"}
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    return kept | {"PYTHONPATH": str(ROOT)}


def run_script(name: str, *arguments: object, core: int = MEASURED_CORE) -> list[Row]:
    """Run one of the scripts beside this one in a process of its own; it prints its rows as JSON."""
    command = [sys.executable, str(Path(__file__).with_name(name)), *map(str, arguments)]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        pin(core, psutil.Process(process.pid))
        said, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"{name} ended with {process.returncode}")
    return [Row(**row) for row in json.loads(said)]


def give(rows: Iterable[Row]) -> None:
    """Hand rows to whoever runs this script."""
    print(json.dumps([asdict(row) for row in rows]))


def spent(process: psutil.Process) -> float:
    """Processor seconds a process has used, in user and in system mode."""
    times = process.cpu_times()
    return float(times.user + times.system)


def peak_mib(pid: int) -> float:
    """The most memory a process has held."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def machine() -> str:
    """The machine in a line."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = psutil.virtual_memory().total / 2**30
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}"


def show(rows: Iterable[Row]) -> None:
    """Print rows as one table."""
    print(
        f"{'what':<38} {'devices':>9} {'order':<9} {'us/frame':>9} {'frames/s':>10} {'wall/s':>9} {'CPU s/M':>8}"
        f" {'peak MiB':>9}  note"
    )
    for row in rows:
        wall = f"{row.wall_per_s:,.0f}" if row.wall_per_s else ""
        peak = f"{row.peak_mib:,.0f}" if row.peak_mib else ""
        cost = (f"{row.cpu_us:.2f}", f"{row.per_s:,.0f}", f"{row.cpu_us:.2f}") if row.cpu_us else ("", "", "")
        print(
            f"{row.what:<38} {row.devices:>9,} {row.order:<9} {cost[0]:>9} {cost[1]:>10} {wall:>9} {cost[2]:>8}"
            f" {peak:>9}  {row.note}"
        )


def keep(name: str, rows: Iterable[object]) -> Path:
    """Write the figures down with machine and date."""
    RESULTS.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    file = RESULTS / f"{name}-{now:%Y%m%dT%H%M%S}.json"
    content = {"machine": machine(), "at": now.isoformat(timespec="seconds"), "rows": list(rows)}
    file.write_text(json.dumps(content, indent=1, default=asdict), encoding="utf-8")
    return file
