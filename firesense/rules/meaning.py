"""What a condition means: names and units checked against the catalogue, turned into operations on whole columns."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from firesense.domain.catalogue import UNITS, conversion
from firesense.rules.columnwise import HOLDS, compare, either, equals, every, nothing
from firesense.rules.looks import SHAPES, TIME, Look, LookReader
from firesense.rules.syntax import SECONDS, Call, Chain, Junction, Name, Negative, Node, Not, Number, Sum

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from firesense.domain.catalogue import DeviceClass
    from firesense.rules.columnwise import Evaluate, Values

RATE = "rate"  # the change of a rule's metric, of rules that have one
_FUNCTIONS: Mapping[str, Callable[..., Values]] = {"abs": np.abs, "min": np.minimum, "max": np.maximum}
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
OF_ITSELF = {"implausible", "unprobed", "age"}  # looks at the device, though at no column of what it says


@dataclass(frozen=True, slots=True)
class Quantity:
    """What a number measures. A difference of two temperatures is counted in K, without the offset of degC."""

    unit: str
    difference: bool = False


@dataclass(frozen=True, slots=True)
class Limit:
    """A condition that is one comparison with one number, in the metric's canonical unit (or seconds).

    ``metric`` is what is compared: a metric, ``rate``, or the name of a look.
    """

    metric: str
    operator: str
    value: float
    written: str


class Meaning:
    """Checks a tree and turns it into closures; gathers faults instead of stopping at the first."""

    def __init__(self, device_class: DeviceClass, rate_of: str, seasons: Collection[str] | None) -> None:
        self._class = device_class
        self._rate_of = rate_of
        self.faults: list[tuple[int, str]] = []
        self.names: set[str] = set()
        self.about: set[str] = set()
        self.looks: set[Look] = set()
        self._inside = False  # of count() or times(), which look at every reading by itself
        self._reader = LookReader(
            device_class, seasons, fault=self._fault, number=self._in_unit_of, condition=self._counted
        )

    def _fault(self, node: Node, reason: str) -> None:
        self.faults.append((node.column, reason))

    # -- conditions -------------------------------------------------------------------------------------------------
    def condition(self, node: Node) -> tuple[Evaluate, Evaluate]:  # noqa: PLR0911 -- one for each shape
        """Give what finds the rows where the node is true, and what finds those where it is false."""
        match node:
            case Not():
                true, false = self.condition(node.term)
                return false, true
            case Junction():
                pairs = [self.condition(term) for term in node.terms]
                trues, falses = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
                return (every(trues), either(falses)) if node.operator == "and" else (either(trues), every(falses))
            case Chain():
                return self._chain(node)
            case Call(function="asserted"):
                return self._asserted(node)
            case Call() if _is_truth(node):
                name = self._look(node)
                return (lambda columns: equals(columns, name, 1)), (lambda columns: equals(columns, name, 0))
            case Name():
                return self._signal(node)
            case _:
                self._fault(node, "this is a number, not a condition")
                return nothing, nothing

    def _signal(self, node: Name) -> tuple[Evaluate, Evaluate]:
        name = node.name
        if name in self._class.signals:
            self.names.add(name)
            self.about.add(name)
            return (lambda columns: equals(columns, name, 1)), (lambda columns: equals(columns, name, 0))
        if name in self._class.metrics or (name == RATE and self._rate_of):
            self._fault(node, f"{name} is a number: compare it with something")
        else:
            self._unknown(node)
        return nothing, nothing

    def _asserted(self, node: Call) -> tuple[Evaluate, Evaluate]:
        if len(node.arguments) != 1 or not isinstance(node.arguments[0], Name):
            self._fault(node, "asserted() takes one signal")
            return nothing, nothing
        true, _ = self._signal(node.arguments[0])
        return true, (lambda columns: ~true(columns))

    def _chain(self, node: Chain) -> tuple[Evaluate, Evaluate]:
        quantity = next((found for term in node.terms if (found := self._quantity(term))), None)
        if quantity is None:
            names = list(_names(node))
            for name in names:
                self._column(name, Quantity(""))
            if not names:
                self._fault(node, "this compares numbers with numbers")
            return nothing, nothing
        values = [self._values(term, quantity) for term in node.terms]
        links = list(zip(node.operators, values, values[1:], strict=False))
        return (
            every([compare(HOLDS[sign], left, right) for sign, left, right in links]),
            either([compare(HOLDS[_OPPOSITE[sign]], left, right) for sign, left, right in links]),
        )

    # -- numbers ----------------------------------------------------------------------------------------------------
    def _quantity(self, node: Node) -> Quantity | None:  # noqa: PLR0911 -- one for each shape
        """Find what a term measures; None for plain numbers, which measure what they are compared with."""
        match node:
            case Name():
                return self._named(node)
            case Negative():
                return self._quantity(node.term)
            case Call() if node.function in SHAPES:
                return self._measured(node)
            case Call():
                return next((found for term in node.arguments if (found := self._quantity(term))), None)
            case Sum():
                found = self._quantity(node.left) or self._quantity(node.right)
                if found is None:
                    return None
                differences = self._is_difference(node.left), self._is_difference(node.right)
                return Quantity(
                    found.unit, difference=all(differences) or (node.operator == "-" and not any(differences))
                )
        return None

    def _is_difference(self, node: Node) -> bool:
        """Tell 5 K, by which a temperature rises, from 5 degC, which it has; for other units it does not matter."""
        if (quantity := self._quantity(node)) is not None:
            return quantity.difference
        while isinstance(node, Negative):
            node = node.term
        return not (isinstance(node, Number) and node.unit in {"degC", "degF"})

    def _named(self, node: Name) -> Quantity | None:
        if node.name == RATE and self._rate_of:
            return Quantity(self._class.metrics[self._rate_of].unit, difference=True)
        if (metric := self._class.metrics.get(node.name)) is not None:
            return Quantity(metric.unit)
        return None

    def _measured(self, node: Call) -> Quantity | None:
        """Find what a look measures."""
        measures = SHAPES[node.function].measures
        if measures == "time":
            return Quantity(TIME)
        if measures == "number":
            return Quantity("1")
        subject = node.arguments[0] if node.arguments else None
        metric = self._class.metrics.get(subject.name) if isinstance(subject, Name) else None
        if measures == "truth" or metric is None:
            return None
        return Quantity(metric.unit, difference=measures == "difference")

    def _values(self, node: Node, wanted: Quantity) -> Evaluate:  # noqa: PLR0911 -- one for each shape
        match node:
            case Number():
                value = self._number(node, wanted)
                return lambda _: value
            case Name():
                return self._column(node, wanted)
            case Negative():
                term = self._values(node.term, wanted)
                return lambda columns: -term(columns)
            case Sum():
                return self._sum(node, wanted)
            case Call() if node.function in SHAPES and not _is_truth(node):
                return self._looked_up(node, wanted)
            case Call() if node.function not in SHAPES and node.function != "asserted":
                return self._function(node, wanted)
        self._fault(node, "a condition stands where a number belongs")
        return nothing

    def _number(self, node: Number, wanted: Quantity) -> float:
        if not node.unit:
            if wanted.unit != "1":
                self._fault(node, f"{node.value:g} needs a unit, such as {wanted.unit}")
            return node.value
        if wanted.unit == TIME:
            if node.unit not in SECONDS:
                self._fault(node, f"{node.unit} is no length of time; there are {', '.join(SECONDS)}")
            return node.value * SECONDS.get(node.unit, 1.0)
        found = conversion(node.unit, wanted.unit)
        if found is None:
            self._fault(node, f"{node.unit} does not measure what is measured in {wanted.unit}")
            return node.value
        factor, offset = found
        return node.value * factor + (0 if wanted.difference else offset)

    def _column(self, node: Name, wanted: Quantity) -> Evaluate:
        name, quantity = node.name, self._named(node)
        if quantity is None:
            if name in self._class.signals:
                self._fault(node, f"{name} is a signal: it cannot be compared")
            else:
                self._unknown(node)
        else:
            self._fit(node, quantity, wanted)
        self.names.add(name)
        self.about.add(name)
        return lambda columns: columns.get(name, np.nan)

    def _fit(self, node: Name | Call, found: Quantity, wanted: Quantity) -> None:
        if found.unit != wanted.unit:
            self._fault(node, f"{node} is measured in {found.unit}, not in {wanted.unit}")
        elif found.difference != wanted.difference and _has_offset(found.unit):
            self._fault(node, f"a difference and a value in {found.unit} cannot be compared")

    def _looked_up(self, node: Call, wanted: Quantity) -> Evaluate:
        quantity = self._measured(node)
        if quantity is not None:
            self._fit(node, quantity, wanted)
        name = self._look(node)
        return lambda columns: columns.get(name, np.nan)

    def _look(self, node: Call) -> str:
        """Note what a call looks at, and give the name of its column."""
        if self._inside and not _is_truth(node):
            self._fault(node, f"{node.function}() cannot stand inside count() or times()")
        look = self._reader.read(node)
        if look is None:
            return ""
        self.looks.add(look)
        self.names.add(look.name)
        if look.subject in self._class.metrics or look.subject in self._class.signals or look.function in OF_ITSELF:
            self.about.add(look.subject or look.name)
        return look.name

    def _counted(self, node: Node) -> tuple[Evaluate, Evaluate]:
        """Compile the condition inside count() or times(); its columns are no business of the rule itself."""
        names, inside = self.names.copy(), self._inside
        self._inside = True
        found = self.condition(node)
        self.names, self._inside = names, inside
        return found

    def _in_unit_of(self, node: Number, metric: str) -> float:
        return self._number(node, Quantity(self._class.metrics[metric].unit))

    def _sum(self, node: Sum, wanted: Quantity) -> Evaluate:
        """Compile a sum. Where zero is a convention (degC), values and differences are kept apart."""
        left = right = wanted
        if _has_offset(wanted.unit):
            if (quantity := self._quantity(node)) and quantity.difference != wanted.difference:
                self._fault(node, f"a difference and a value in {wanted.unit} cannot be compared")
            left = Quantity(wanted.unit, difference=self._is_difference(node.left))
            right = Quantity(wanted.unit, difference=self._is_difference(node.right))
            if node.operator == "+" and not left.difference and not right.difference:
                self._fault(node, "two temperatures cannot be added: write a difference in K")
            if node.operator == "-" and left.difference and not right.difference:
                self._fault(node, "a temperature cannot be taken from a difference")
        first, second = self._values(node.left, left), self._values(node.right, right)
        combine = operator.add if node.operator == "+" else operator.sub
        return lambda columns: combine(first(columns), second(columns))

    def _function(self, node: Call, wanted: Quantity) -> Evaluate:
        if node.function not in _FUNCTIONS:
            there = ", ".join(["abs", "min", "max", "asserted", *SHAPES])
            self._fault(node, f"there is no function {node.function}; there are {there}")
            return nothing
        least, most = (1, 1) if node.function == "abs" else (2, 8)
        if not least <= len(node.arguments) <= most:
            self._fault(node, f"{node.function}() takes {'one number' if most == 1 else '2 to 8 numbers'}")
        function = _FUNCTIONS[node.function]
        arguments = [self._values(term, wanted) for term in node.arguments]
        if node.function == "abs":
            return lambda columns: function(arguments[0](columns))
        return lambda columns: reduce(function, (argument(columns) for argument in arguments))

    def _unknown(self, node: Name) -> None:
        if node.name == RATE:
            self._fault(node, "rate is for rules of kind rate, which name their metric")
            return
        known = sorted({*self._class.metrics, *self._class.signals})
        self._fault(node, f"{self._class.name} has no {node.name}; it has {', '.join(known)}")

    def limit(self, tree: Node) -> Limit | None:
        """Find the limit of a condition that is one comparison of a name, or of one look, with a number."""
        match tree:
            case Chain(terms=(Name() | Call() as subject, Number() as number), operators=(sign,)):
                pass
            case Chain(terms=(Number() as number, Name() | Call() as subject), operators=(sign,)):
                sign = _MIRRORED[sign]
            case _:
                return None
        if isinstance(subject, Call) and subject.function not in SHAPES:
            return None
        quantity = self._quantity(subject)
        if quantity is None:
            return None
        return Limit(str(subject), sign, self._number(number, quantity), str(number))


def _is_truth(node: Call) -> bool:
    return node.function in SHAPES and SHAPES[node.function].measures == "truth"


def _has_offset(unit: str) -> bool:
    return any(canonical == unit and offset for canonical, _, offset in UNITS.values())


def _names(node: Node) -> Iterator[Name]:
    match node:
        case Name():
            yield node
        case Negative() | Not():
            yield from _names(node.term)
        case Sum():
            yield from _names(node.left)
            yield from _names(node.right)
        case Call():
            for argument in node.arguments:
                yield from _names(argument)
        case Chain() | Junction():
            for term in node.terms:
                yield from _names(term)
