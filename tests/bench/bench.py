"""``make bench``: what a frame costs, stage by stage and street by street, and what a million devices do to it.

Figures are printed and kept in bench-results/, never asserted. Quick by default: 1,000 and 100,000 devices; FULL=1 adds
10,000 and 1,000,000.
"""

from __future__ import annotations

import os

from measure import OTHER_CORE, Row, keep, machine, run_script, show

SIZES = (1_000, 10_000, 100_000, 1_000_000) if os.environ.get("FULL") else (1_000, 100_000)
FRAMES = int(os.environ.get("FRAMES") or (1_000_000 if os.environ.get("FULL") else 300_000))


def against_targets(rows: list[Row]) -> None:
    """Say what the figures mean."""
    by = {(row.what, row.devices, row.order): row for row in rows}
    print()
    for street in ("ingest + alerting", "record (HTTP sink)", "all streets"):
        for devices in SIZES:
            row, bad = by.get((street, devices, "random")), by.get((street, devices, "1% bad"))
            if row is not None and bad is not None:
                base = by.get((street, 100_000, "random"))
                share = f", {row.per_s / base.per_s:.0%} of 100,000 devices" if base and devices != 100_000 else ""
                print(f"{street}, {devices:,} devices: {row.per_s:,.0f} frames/s a core{share};"
                      f" 1 % bad frames cost {bad.cpu_us / row.cpu_us - 1:+.0%}")  # fmt: skip
    small, large = (by.get(("all streets", size, "random")) for size in (SIZES[0], SIZES[-1]))
    if small and large and small.peak_mib and large.peak_mib:
        a_device = (large.peak_mib - small.peak_mib) * 2**20 / (large.devices - small.devices)
        print(f"memory, all streets: {a_device:,.0f} bytes a device; {large.peak_mib:,.0f} MiB with {large.devices:,}")
    naive = by.get(("naive: all streets", 100_000, "random"))
    ours = by.get(("all streets", 100_000, "random"))
    if naive and ours:
        print(f"the naive baseline costs {naive.cpu_us / ours.cpu_us:.0f} times as much a frame")


def main() -> None:
    """Run everything, one process after the other."""
    print(f"{machine()}; processor time, one core; {FRAMES:,} frames an order")
    rows: list[Row] = []
    for devices in SIZES:
        for script, core in (("stages.py", 0), ("streets.py", OTHER_CORE)):
            fresh = run_script(script, devices, FRAMES, core=core)
            show(fresh)
            rows += fresh
    against_targets(rows)
    print(f"\nkept in {keep('bench', rows)}")


if __name__ == "__main__":
    main()
