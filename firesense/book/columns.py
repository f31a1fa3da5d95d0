"""Column types: how domain values are kept as text and whole numbers, the same in every database.

Instants and durations are microseconds in a BIGINT, words are their own text, mappings and sequences are JSON text.
"""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import BigInteger, Integer, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

from firesense.domain.because import Because
from firesense.domain.escalation import Hours, Rung, Timers
from firesense.domain.instant import micros
from firesense.domain.roster import Rotation

if TYPE_CHECKING:
    from collections.abc import Callable
    from enum import StrEnum

    from sqlalchemy.engine import Dialect

_MICROSECOND = timedelta(microseconds=1)

# SQLite numbers rows by itself only where the type is called INTEGER; it holds 64 bits there, too.
NUMBER = BigInteger().with_variant(Integer(), "sqlite")


class Unreadable(ValueError):
    """A value in the book is none that was ever written there: the file is damaged."""


class Kept(TypeDecorator[Any]):
    """A domain value that is written by one function and read by another; None stays NULL."""

    impl: type[TypeEngine[Any]] = Text
    cache_ok = True

    def __init__(self, write: Callable[[Any], Any], read: Callable[[Any], Any]) -> None:
        """Take the two functions; SQLAlchemy tells types apart by them."""
        super().__init__()
        self.write = write
        self.read = read

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002 # SQLAlchemy gives it
        """Write a value."""
        return None if value is None else self.write(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002 # SQLAlchemy gives it
        """Read a value. Raises Unreadable."""
        return self.understood(value)

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:  # noqa: ARG002 # SQLAlchemy gives it
        """Give the function that writes a value, without SQLAlchemy's two around it: it is called for each."""
        write = self.write
        return lambda value: None if value is None else write(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:  # noqa: ARG002 # SQLAlchemy gives them
        """Give the function that reads a value, as above."""
        return self.understood

    def understood(self, value: Any) -> Any:
        """Read a value as the database keeps it; None stays None. Raises Unreadable."""
        try:
            return None if value is None else self.read(value)
        except Exception as error:
            raise Unreadable(f"a value cannot be understood: {error}") from error


class KeptNumber(Kept):
    """The same, kept as a whole number."""

    impl = BigInteger
    cache_ok = True


def word(words: type[StrEnum]) -> Kept:
    """Make the type of a column that holds a member of one StrEnum."""
    return Kept(attrgetter("value"), {member.value: member for member in words}.__getitem__)


def _write(value: object) -> str:
    return msgspec.json.encode(value).decode()


_read_mapping = msgspec.json.Decoder(dict[str, str]).decode
_read_names = msgspec.json.Decoder(tuple[str, ...]).decode
_read_set = msgspec.json.Decoder(frozenset[str]).decode

MAPPING = Kept(lambda mapping: _write(dict(mapping)), _read_mapping)
NAMES = Kept(_write, lambda text: () if text == "[]" else _read_names(text))  # empty for most of 100,000 devices
NAME_SET = Kept(lambda names: _write(sorted(names)), _read_set)
DURATION = KeptNumber(micros, lambda count: count * _MICROSECOND)
BECAUSE = Kept(_write, msgspec.json.Decoder(Because).decode)
_encode = msgspec.json.Encoder(order="sorted").encode  # sets, too, in their order
ROTATIONS = Kept(lambda rotations: _encode(rotations).decode(), msgspec.json.Decoder(tuple[Rotation, ...]).decode)


class _Rung(msgspec.Struct, array_like=True):
    """A rung as it is kept; those written before there were repeats end after the wait. Times in microseconds."""

    roles: tuple[str, ...]
    channels: tuple[str, ...]
    wait: int
    repeat: int = 0
    every: int | None = None
    place: str = ""


_read_rungs = msgspec.json.Decoder(list[_Rung]).decode
_read_times = msgspec.json.Decoder(tuple[int | None, int | None, int | None]).decode
_read_hours = msgspec.json.Decoder(tuple[int, int]).decode


def _span(count: int | None) -> timedelta | None:
    return None if count is None else count * _MICROSECOND


def _count(span: timedelta | None) -> int | None:
    return None if span is None else micros(span)


def _write_rung(rung: Rung) -> _Rung:
    return _Rung(rung.roles, rung.channels, micros(rung.wait), rung.repeat, _count(rung.every), rung.place)


@lru_cache(1024)  # a hundred thousand climbs have copies of a few ladders
def _rungs(text: str) -> tuple[Rung, ...]:
    return tuple(
        Rung(kept.roles, kept.channels, kept.wait * _MICROSECOND, kept.repeat, _span(kept.every), kept.place)
        for kept in _read_rungs(text)
    )


RUNGS = Kept(lambda rungs: _write([_write_rung(rung) for rung in rungs]), _rungs)
# Three times in microseconds, null for ever: arrive, result, close.
TIMERS = Kept(
    lambda timers: _write([_count(timers.arrive), _count(timers.result), _count(timers.close)]),
    lambda text: Timers(*map(_span, _read_times(text))),
)
# Two times after midnight in microseconds.
HOURS = Kept(
    lambda hours: _write([micros(hours.first), micros(hours.last)]),
    lambda text: Hours(*(count * _MICROSECOND for count in _read_hours(text))),
)
