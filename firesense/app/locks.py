"""One process a street and data folder: a second one says so and does not start."""

from __future__ import annotations

import fcntl
import os
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from firesense.domain.errors import FiresenseError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


@contextmanager
def sole_owner(data: Path, streets: Iterable[str]) -> Iterator[None]:
    """Hold the lock of every street while the block runs; a killed process leaves none behind.

    Raises FiresenseError naming the process that has one of them.
    """
    data.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        for street in sorted(streets):
            file = held.enter_context((data / f"{street}.lock").open("a+", encoding="ascii"))
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                owner = file.read().strip() or "another one"
                raise FiresenseError(f"{street} runs already on {data}: process {owner}") from None
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
        yield
