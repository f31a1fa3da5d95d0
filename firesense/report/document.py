"""A report as what it says, apart from how it is drawn: tables and charts in order. HTML, PDF and the page draw it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a table; ``link`` is the code of the place it leads to, ``number`` has it stand on the right."""

    text: str
    link: str = ""
    number: bool = True


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table with its heading, and a remark below it. The first column says what a row is."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """The values of one kind in a chart, one a bar; ``tone`` is the class it is coloured as."""

    name: str
    values: tuple[int, ...]
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Bars:
    """A chart of bars, the series on top of each other; ``across`` has the bars lie, for long names."""

    title: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    across: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What is said: a title, where and when, and the blocks in order."""

    language: str
    title: str
    facts: tuple[tuple[str, str], ...]
    blocks: Sequence[Sheet | Bars]
    notes: tuple[str, ...] = ()
    path: tuple[tuple[str, str], ...] = field(default_factory=tuple)  # code and name, from the root to the place
