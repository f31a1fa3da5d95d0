"""What a condition may ask besides the reading in hand: a device's past, where it belongs, and the time of the year.

Every such question is a ``Look``; its answers are one more column of the table, under the look's name. Rules that ask
the same share the column, and the state behind it.

=================================  =========================================================  =====================
written                            is                                                         known
=================================  =========================================================  =====================
``rate(x, 10m)``, ``(.., 1h)``     change of x a minute (an hour), by a line                  see slope.py
``rise(x, 10m)``                   how far x is above its lowest of the window                from the 2nd reading
``fall(x, 10m)``                   how far x is below its highest of the window               from the 2nd reading
``mean(x, 1h)``                    mean of x, every eighth of the window counting the same    after half the window
``lowest(x, 1h)``                  least x                                                    after half the window
``highest(x, 1h)``                 greatest x                                                 after half the window
``usual(x, 30d)``                  what x has slowly settled at                               after half the window
``hourly(x, 30d)``                 the same, at this hour of the day                          see hourly.py
``last(x, 1h)``                    x as it was said last, at most so long ago                 at every reading
``until(x, 0 degC, 2h)``           how long until the line of the window meets that value     as rate
``unchanged(x)``                   how long x has been the same (metric or signal)            where x is said
``since(s)``                       how long ago signal s was asserted, 0 while it is          once it was
``count(condition, 24h)``          at how many readings of the window it was true             where it has an answer
``times(condition, 24h)``          how often it became true within the window                 where it has an answer
``tag(word)``                      whether the device, its place or one above has the tag     always
``season(word)``                   whether it is that time of the year, there (calendars)     always
``night()``, ``holiday()``         whether it is night, or a day off, in local time           always
``age()``                          how long ago the device was installed                      where the register says it
``implausible()``, ``unprobed()``  whether a value was dropped: out of range, or no probe     always
=================================  =========================================================  =====================
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from firesense.domain.instant import MINUTE, SECOND, micros
from firesense.rules.syntax import SECONDS, Call, Name, Node, Number, Word

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from firesense.domain.catalogue import DeviceClass
    from firesense.rules.columnwise import Evaluate


SHORTEST, LONGEST = timedelta(seconds=1), timedelta(days=366)
TIME = "s"  # the unit of lengths of time


class Shape(NamedTuple):
    """What a function that looks beyond the reading takes, and what it measures."""

    takes: str  # as it is shown in faults
    subject: str  # metric, signal, either, condition, word, nothing
    measures: str  # same, difference, time, number, truth
    window: int  # the argument that is the window, 0 for none


SHAPES: Mapping[str, Shape] = {
    "rate": Shape("a metric, a window such as 10m, and per what length of time (1m)", "metric", "difference", 1),
    "rise": Shape("a metric and a window such as 10m", "metric", "difference", 1),
    "fall": Shape("a metric and a window such as 10m", "metric", "difference", 1),
    "mean": Shape("a metric and a window such as 1h", "metric", "same", 1),
    "lowest": Shape("a metric and a window such as 1h", "metric", "same", 1),
    "highest": Shape("a metric and a window such as 1h", "metric", "same", 1),
    "usual": Shape("a metric and a window such as 30d", "metric", "same", 1),
    "hourly": Shape("a metric and a window such as 30d", "metric", "same", 1),
    "last": Shape("a metric and a window such as 1h", "metric", "same", 1),
    "until": Shape("a metric, a value of it, and a window such as 2h", "metric", "time", 2),
    "unchanged": Shape("a metric or a signal", "either", "time", 0),
    "since": Shape("a signal", "signal", "time", 0),
    "count": Shape("a condition and a window such as 24h", "condition", "number", 1),
    "times": Shape("a condition and a window such as 24h", "condition", "number", 1),
    "tag": Shape("a tag", "word", "truth", 0),
    "season": Shape("the name of a period of the calendars", "word", "truth", 0),
    "night": Shape("nothing", "nothing", "truth", 0),
    "holiday": Shape("nothing", "nothing", "truth", 0),
    "age": Shape("nothing", "nothing", "time", 0),
    "implausible": Shape("nothing", "nothing", "truth", 0),
    "unprobed": Shape("nothing", "nothing", "truth", 0),
}


@dataclass(frozen=True, slots=True)
class Look:
    """One such question; two that are equal are the same column.

    ``window`` and, of ``rate``, ``extra`` are microseconds; of ``until``, ``extra`` is the value in the metric's unit.
    """

    function: str
    subject: str = ""
    window: int = 0
    extra: float = 0.0
    true: Evaluate | None = field(default=None, compare=False)  # of count and times
    false: Evaluate | None = field(default=None, compare=False)

    @property
    def name(self) -> str:
        """The name of its column: no metric and no signal has brackets in its name."""
        window = f"{self.window // SECOND}s" if self.window else ""
        extra = f"{self.extra:g}" if self.extra else ""
        return f"{self.function}({','.join(part for part in (self.subject, window, extra) if part)})"

    @property
    def still(self) -> bool:
        """Whether the answer is known whatever the device says: where it belongs, how old it is, what time it is."""
        return SHAPES[self.function].measures == "truth" or self.function == "age"


class LookReader:
    """Turns calls into looks; what is wrong with them goes to ``fault``."""

    def __init__(
        self,
        device_class: DeviceClass,
        seasons: Collection[str] | None,
        *,
        fault: Callable[[Node, str], None],
        number: Callable[[Number, str], float],
        condition: Callable[[Node], tuple[Evaluate, Evaluate]],
    ) -> None:
        """``number`` gives a number in the unit of a metric, ``condition`` compiles one of the reading in hand."""
        self._class = device_class
        self._seasons = seasons
        self._fault = fault
        self._number = number
        self._condition = condition

    def read(self, node: Call) -> Look | None:
        """Make the look of a call of one of the functions of ``SHAPES``; None when it has faults."""
        shape = SHAPES[node.function]
        least = (shape.subject != "nothing") + shape.window
        most = least + (node.function == "rate")
        if not least <= len(node.arguments) <= most:
            self._fault(node, f"{node.function}() takes {shape.takes}")
            return None
        if shape.subject == "nothing":
            return Look(node.function)
        subject = node.arguments[0]
        known = self._subject(node, subject, shape)
        window = self._length(node.arguments[shape.window]) if shape.window else 0
        if not known or window is None:
            return None
        if shape.subject == "condition":
            return Look(node.function, str(subject), window, 0, *self._condition(subject))
        return self._with_extra(node, str(subject), window)

    def _with_extra(self, node: Call, subject: str, window: int) -> Look | None:
        if node.function == "rate":
            per = self._length(node.arguments[2]) if len(node.arguments) > 2 else MINUTE  # noqa: PLR2004 -- its third
            return None if per is None else Look("rate", subject, window, per)
        if node.function == "until":
            value = node.arguments[1]
            if not isinstance(value, Number):
                self._fault(value, f"until() takes {SHAPES['until'].takes}")
                return None
            return Look("until", subject, window, self._number(value, subject))
        return Look(node.function, subject, window)

    def _subject(self, node: Call, subject: Node, shape: Shape) -> bool:
        """Check what a function is asked about."""
        metrics, signals = self._class.metrics, self._class.signals
        if shape.subject == "condition":
            return True
        if shape.subject == "word":
            if not isinstance(subject, Word):
                self._fault(subject, f"{node.function}() takes {shape.takes}")
                return False
            if node.function == "season" and self._seasons is not None and subject.word not in self._seasons:
                there = ", ".join(sorted(self._seasons)) or "none"
                self._fault(subject, f"the calendars have no period {subject.word}; there is {there}")
                return False
            return True
        fits = {"metric": metrics, "signal": signals, "either": {**metrics, **signals}}[shape.subject]
        if isinstance(subject, Name) and subject.name in fits:
            return True
        if isinstance(subject, Name) and subject.name not in metrics and subject.name not in signals:
            self._fault(subject, f"{self._class.name} has no {subject.name}; it has {', '.join(sorted(fits))}")
        else:
            self._fault(subject, f"{node.function}() takes {shape.takes}")
        return False

    def _length(self, node: Node) -> int | None:
        """Read a length of time in microseconds."""
        if not isinstance(node, Number) or node.unit not in SECONDS:
            self._fault(node, f"{node} is no length of time, such as 30s, 10m, 24h, 7d")
            return None
        length = timedelta(seconds=node.value * SECONDS[node.unit])
        if not SHORTEST <= length <= LONGEST:
            self._fault(node, "a length of time here is between 1s and 366d")
            return None
        return micros(length)
