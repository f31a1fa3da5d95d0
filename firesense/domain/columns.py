"""Names for the column types, so that signatures can be read."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Instants = NDArray[np.int64]
Offsets = NDArray[np.int64]
Slots = NDArray[np.int32]
Tristate = NDArray[np.int8]
Flags = NDArray[np.uint16]
Mask = NDArray[np.bool_]
Rows = NDArray[np.intp]
Snapshot = dict[str, NDArray[Any]]  # named arrays: the state of the rules
