"""What conditions mean: names and units checked against the catalogue, compiled to operations on whole columns.

Three-valued, after Kleene: what a reading does not say is unknown, and an expression that hangs on it is neither true
nor false. ``asserted(signal)`` is the way out: false unless the reading says the signal is there.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from firesense.domain.catalogue import UNITS, conversion
from firesense.rules.syntax import (
    Call,
    Chain,
    ExpressionError,
    Junction,
    Name,
    Negative,
    Node,
    Not,
    Number,
    Sum,
    parse,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from firesense.domain.catalogue import DeviceClass

    Columns = Mapping[str, np.ndarray[Any, Any]]
    # A column, or one value that stands for every row.
    Values = Any
    Evaluate = Callable[[Columns], Values]

RATE = "rate"  # the change of a rule's metric, of rules that have one
_FUNCTIONS: Mapping[str, Callable[..., Values]] = {"abs": np.abs, "min": np.minimum, "max": np.maximum}
_HOLDS: Mapping[str, Callable[[Values, Values], Values]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": lambda left, right: (left < right) | (left > right),  # NaN is not different, it is unknown
}
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_NO, _YES = np.False_, np.True_


@dataclass(frozen=True, slots=True)
class Quantity:
    """What a number measures. A difference of two temperatures is counted in K, without the offset of degC."""

    unit: str
    difference: bool = False


@dataclass(frozen=True, slots=True)
class Limit:
    """A condition that is one comparison of one metric with one number, in the metric's canonical unit."""

    metric: str
    operator: str
    value: float
    written: str


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """A compiled condition.

    ``true`` and ``false`` take columns by name, all of one length (metrics float64 with NaN, signals int8 with UNSAID;
    names that are missing are unknown in every row), and give a mask, or one bool for all rows. Where neither is
    true the answer is unknown. ``names`` are the columns it looks at; ``limit`` is there for the simplest shape.
    """

    text: str
    names: frozenset[str]
    true: Evaluate
    false: Evaluate
    limit: Limit | None


def compile_expression(text: str, device_class: DeviceClass, rate_of: str = "") -> Expression:
    """Compile a condition over the metrics and signals of a class.

    ``rate_of`` names the metric whose rate of change ``rate`` stands for. Raises ExpressionError with every fault.
    """
    tree = parse(text)
    meaning = _Meaning(device_class, rate_of)
    true, false = meaning.condition(tree)
    if meaning.faults:
        raise ExpressionError(meaning.faults)
    if not meaning.names:
        raise ExpressionError([(1, "this looks at nothing a device says")])
    if bool(np.any(true({}))):
        raise ExpressionError([(1, "this is true of a reading that says nothing")])
    return Expression(text, frozenset(meaning.names), true, false, meaning.limit(tree))


class _Meaning:
    """Checks a tree and turns it into closures; gathers faults instead of stopping at the first."""

    def __init__(self, device_class: DeviceClass, rate_of: str) -> None:
        self._class = device_class
        self._rate_of = rate_of
        self.faults: list[tuple[int, str]] = []
        self.names: set[str] = set()

    def _fault(self, node: Node, reason: str) -> None:
        self.faults.append((node.column, reason))

    # -- conditions -------------------------------------------------------------------------------------------------
    def condition(self, node: Node) -> tuple[Evaluate, Evaluate]:
        """Give what finds the rows where the node is true, and what finds those where it is false."""
        match node:
            case Not():
                true, false = self.condition(node.term)
                return false, true
            case Junction():
                pairs = [self.condition(term) for term in node.terms]
                trues, falses = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
                return (_all(trues), _any(falses)) if node.operator == "and" else (_any(trues), _all(falses))
            case Chain():
                return self._chain(node)
            case Call(function="asserted"):
                return self._asserted(node)
            case Name():
                return self._signal(node)
            case _:
                self._fault(node, "this is a number, not a condition")
                return _nothing, _nothing

    def _signal(self, node: Name) -> tuple[Evaluate, Evaluate]:
        name = node.name
        if name in self._class.signals:
            self.names.add(name)
            return (lambda columns: _equals(columns, name, 1)), (lambda columns: _equals(columns, name, 0))
        if name in self._class.metrics or (name == RATE and self._rate_of):
            self._fault(node, f"{name} is a number: compare it with something")
        else:
            self._unknown(node)
        return _nothing, _nothing

    def _asserted(self, node: Call) -> tuple[Evaluate, Evaluate]:
        if len(node.arguments) != 1 or not isinstance(node.arguments[0], Name):
            self._fault(node, "asserted() takes one signal")
            return _nothing, _nothing
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
            return _nothing, _nothing
        values = [self._values(term, quantity) for term in node.terms]
        links = list(zip(node.operators, values, values[1:], strict=False))
        return (
            _all([_compare(_HOLDS[sign], left, right) for sign, left, right in links]),
            _any([_compare(_HOLDS[_OPPOSITE[sign]], left, right) for sign, left, right in links]),
        )

    # -- numbers ----------------------------------------------------------------------------------------------------
    def _quantity(self, node: Node) -> Quantity | None:
        """Find what a term measures; None for plain numbers, which measure what they are compared with."""
        match node:
            case Name():
                return self._named(node)
            case Negative():
                return self._quantity(node.term)
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

    def _values(self, node: Node, wanted: Quantity) -> Evaluate:
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
            case Call() if node.function != "asserted":
                return self._function(node, wanted)
        self._fault(node, "a condition stands where a number belongs")
        return _nothing

    def _number(self, node: Number, wanted: Quantity) -> float:
        if not node.unit:
            if wanted.unit != "1":
                self._fault(node, f"{node.value:g} needs a unit, such as {wanted.unit}")
            return node.value
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
        elif quantity.unit != wanted.unit:
            self._fault(node, f"{name} is measured in {quantity.unit}, not in {wanted.unit}")
        elif quantity.difference != wanted.difference and _has_offset(quantity.unit):
            self._fault(node, f"a difference and a value in {quantity.unit} cannot be compared")
        self.names.add(name)
        return lambda columns: columns.get(name, np.nan)

    def _sum(self, node: Sum, wanted: Quantity) -> Evaluate:
        """Compile a sum. Where zero is a convention (degC), values and differences are kept apart."""
        left = right = wanted
        if _has_offset(wanted.unit):
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
            self._fault(node, f"there is no function {node.function}; there are abs, min, max and asserted")
            return _nothing
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
        """Find the limit of a condition that is one comparison of a name with a number."""
        match tree:
            case Chain(terms=(Name() as name, Number() as number), operators=(sign,)):
                pass
            case Chain(terms=(Number() as number, Name() as name), operators=(sign,)):
                sign = _MIRRORED[sign]
            case _:
                return None
        quantity = self._named(name)
        if quantity is None:
            return None
        return Limit(name.name, sign, self._number(number, quantity), str(number))


def _has_offset(unit: str) -> bool:
    return any(canonical == unit and offset for canonical, _, offset in UNITS.values())


def _nothing(_: Columns) -> Values:
    return _NO


def _equals(columns: Columns, name: str, value: int) -> Values:
    column = columns.get(name)
    return _NO if column is None else column == value


def _compare(holds: Callable[[Values, Values], Values], left: Evaluate, right: Evaluate) -> Evaluate:
    return lambda columns: np.asarray(holds(left(columns), right(columns)))[()]


def _all(parts: list[Evaluate]) -> Evaluate:
    if len(parts) == 1:
        return parts[0]
    return lambda columns: reduce(operator.and_, (part(columns) for part in parts))


def _any(parts: list[Evaluate]) -> Evaluate:
    if len(parts) == 1:
        return parts[0]
    return lambda columns: reduce(operator.or_, (part(columns) for part in parts))


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
