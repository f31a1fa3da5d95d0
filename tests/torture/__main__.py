"""``python -m tests.torture --runs 1000 --seed 1``: one run after the other, seed by seed, until all are done."""

from __future__ import annotations

import argparse
import faulthandler
import json
import signal
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.torture.plan import draw
from tests.torture.run import Run, report


def main() -> int:
    """Do the runs; the exit code says whether all were as they must be."""
    parser = argparse.ArgumentParser(prog="torture", description="Kill the daemon and count what is left.")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1, help="of the first run; the others follow")
    parser.add_argument("--seconds", type=float, default=12.0, help="how long each is tortured")
    parser.add_argument("--faults", type=int, default=6, help="in each run, half of them kills at least")
    parser.add_argument("--full", action="store_true", help="stop the daemon for 20 s instead of 2")
    parser.add_argument("--book", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--folder", type=Path, help="where failed runs are kept (default: a new one in /tmp)")
    parser.add_argument("--only", default="", help="store=victoriametrics, for one: skip runs that are drawn otherwise")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers and mounts are cleared away
    faulthandler.register(signal.SIGUSR1, all_threads=True)  # where it hangs, if it does
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="torture-"))
    name, _, value = asked.only.partition("=")
    total: Counter[str] = Counter()
    failed: list[int] = []
    for seed in range(asked.seed, asked.seed + asked.runs):
        plan = draw(seed, seconds=asked.seconds, faults=asked.faults, full=asked.full, book=asked.book)
        if name and str(getattr(plan, name)) != value:
            continue
        result = Run(plan, folder / f"seed-{seed}").go()
        tell(report(result))
        total.update(runs=1, faults=len(plan.faults), **result.counts)
        if result.wrong:
            failed.append(seed)
    tell(json.dumps({"failed": failed} | {name: round(count, 1) for name, count in total.items()}))
    return 1 if failed else 0


def tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
