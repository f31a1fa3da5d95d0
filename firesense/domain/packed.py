"""Columns of a registry that hold a million values in little room; each is read like the sequence it stands for."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


class _Codes(dict[Any, int]):
    """A number for each different value, given when it is first met."""

    def __init__(self, values: list[Any], read: Callable[[Any], Any] | None) -> None:
        super().__init__()
        self._values = values
        self._read = read

    def __missing__(self, written: Any) -> int:
        code = self[written] = len(self._values)
        self._values.append(written if self._read is None else self._read(written))
        return code


class Shared(Sequence[Any]):
    """What many have in common (a place, a gateway, tags): each different value once, and a number for each row."""

    def __init__(self, read: Callable[[Any], Any] | None = None) -> None:
        """``read`` makes a value of what is written; it is asked once for each different one."""
        self._values: list[Any] = []
        self._codes = _Codes(self._values, read)
        self._rows = array("i")

    def extend(self, written: Iterable[Any]) -> None:
        """Append values as they are written."""
        self._rows.extend(map(self._codes.__getitem__, written))

    @overload
    def __getitem__(self, row: int) -> Any: ...
    @overload
    def __getitem__(self, row: slice) -> Sequence[Any]: ...
    def __getitem__(self, row: int | slice) -> Any:
        """Give one value, or a list of them."""
        if isinstance(row, slice):
            return [self._values[code] for code in self._rows[row]]
        return self._values[self._rows[row]]

    def __iter__(self) -> Iterator[Any]:
        """Go through all values."""
        return map(self._values.__getitem__, self._rows)

    def __len__(self) -> int:
        """Count the rows."""
        return len(self._rows)


class Texts(Sequence[str]):
    """Texts that are seldom asked for, one after the other as UTF-8."""

    def __init__(self) -> None:
        """Begin with none."""
        self._bytes = bytearray()
        self._ends = array("q", [0])

    def extend(self, texts: Iterable[str]) -> None:
        """Append texts."""
        encoded = [text.encode() for text in texts]
        self._bytes += b"".join(encoded)
        ends = accumulate(map(len, encoded), initial=self._ends[-1])
        next(ends)
        self._ends.extend(ends)

    @overload
    def __getitem__(self, row: int) -> str: ...
    @overload
    def __getitem__(self, row: slice) -> Sequence[str]: ...
    def __getitem__(self, row: int | slice) -> str | Sequence[str]:
        """Give one text, or a list of them."""
        if isinstance(row, slice):
            return [self[at] for at in range(*row.indices(len(self)))]
        row = range(len(self))[row]
        return self._bytes[self._ends[row] : self._ends[row + 1]].decode()

    def __iter__(self) -> Iterator[str]:
        """Go through all texts."""
        return (self._bytes[start:end].decode() for start, end in pairwise(self._ends))

    def __len__(self) -> int:
        """Count the texts."""
        return len(self._ends) - 1
