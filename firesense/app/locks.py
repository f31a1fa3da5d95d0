"""One process a street and data folder: a second one says so and does not start.

And the name of a data folder: whoever starts on it knows by it what the process before has left undone.
"""

from __future__ import annotations

import fcntl
import os
import secrets
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


def lasting_name(data: Path) -> str:
    """Name this data folder, the same name ever after. Only for whoever is the sole owner of a street that asks."""
    file = data / "name"
    known = file.read_text(encoding="ascii").strip() if file.exists() else ""
    if known:
        return known
    name = secrets.token_hex(8)
    new = file.with_suffix(".new")
    with new.open("w", encoding="ascii") as written:
        written.write(name)
        written.flush()
        os.fsync(written.fileno())
    new.replace(file)  # whole or not at all
    return name
