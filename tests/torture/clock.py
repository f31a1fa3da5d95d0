"""``firesense`` with a clock that can be stepped from outside: ``python -m tests.torture.clock OFFSET_FILE run ...``.

The daemon asks one class for the time; here it is another one, which adds what the file says (seconds, as text). So
the code that runs is the daemon's own, and the daemon needs no switch that could be left on.
"""

from __future__ import annotations

import sys
from pathlib import Path
from time import time_ns

from firesense.app import house
from firesense.app.plugs import RealClock
from firesense.cli import main


class SteppedClock(RealClock):
    """The machine's clock plus the offset in the file, read anew at most every 50 ms."""

    def __init__(self) -> None:
        self._read_at = 0
        self._offset = 0

    def now(self) -> int:
        now = time_ns()
        if now - self._read_at > 50_000_000:
            self._read_at = now
            self._offset = int(float(OFFSET.read_text(encoding="ascii") or 0) * 1_000_000)
        return now // 1000 + self._offset


if __name__ == "__main__":
    OFFSET = Path(sys.argv[1])
    house.RealClock = SteppedClock
    sys.exit(main(sys.argv[2:]))
