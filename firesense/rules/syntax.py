"""The grammar of conditions: text -> tree.

::

    or      = and { "or" and }
    and     = not { "and" not }
    not     = "not" not | chain
    chain   = sum { ("<" | "<=" | ">" | ">=" | "==" | "!=") sum }      0.10 MPa <= pressure < 0.14 MPa
    sum     = term { ("+" | "-") term }
    term    = "-" term | number [unit] | length of time | name | name "(" [ or { "," or } ] ")" | "(" or ")"
            | ("tag" | "season") "(" word ")"

What names and units mean is checked afterwards (expression.py); the tree keeps the column of everything for that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

from firesense.domain.catalogue import UNITS

LONGEST = 1000  # characters; a condition that needs more should be two rules
DEEPEST = 30
KEYWORDS = frozenset({"and", "or", "not"})
COMPARISONS = frozenset({"<", "<=", ">", ">=", "==", "!="})
WORDED = frozenset({"tag", "season"})  # what they take is a word of the user's own, not a name of the catalogue
SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class ExpressionError(ValueError):
    """A condition that cannot be used: every fault found, as (column from 1, reason)."""

    def __init__(self, faults: list[tuple[int, str]]) -> None:
        """Keep the faults in the order of their columns."""
        self.faults = tuple(sorted(set(faults)))
        super().__init__("; ".join(f"column {column}: {reason}" for column, reason in self.faults))


@dataclass(frozen=True, slots=True)
class Number:
    """A number with its unit as it was written, which is "" for none."""

    column: int
    value: float
    unit: str
    written: str = ""

    def __str__(self) -> str:
        """Write it as a person would."""
        return self.written or f"{self.value:g} {self.unit}".strip()


@dataclass(frozen=True, slots=True)
class Name:
    """A metric or a signal."""

    column: int
    name: str

    def __str__(self) -> str:
        """Write it as it was."""
        return self.name


@dataclass(frozen=True, slots=True)
class Word:
    """A word that is in no catalogue: a tag or a season."""

    column: int
    word: str

    def __str__(self) -> str:
        """Write it as it was."""
        return self.word


@dataclass(frozen=True, slots=True)
class Negative:
    """Minus one term."""

    column: int
    term: Node

    def __str__(self) -> str:
        """Write it one way, whatever the spaces were."""
        return f"-{self.term}"


@dataclass(frozen=True, slots=True)
class Sum:
    """Two terms added or subtracted."""

    column: int
    operator: str
    left: Node
    right: Node

    def __str__(self) -> str:
        """Write it one way, whatever the spaces and parentheses were."""
        return f"({self.left} {self.operator} {self.right})"


@dataclass(frozen=True, slots=True)
class Call:
    """A function of terms."""

    column: int
    function: str
    arguments: tuple[Node, ...]

    def __str__(self) -> str:
        """Write it one way, whatever the spaces were."""
        return f"{self.function}({', '.join(map(str, self.arguments))})"


@dataclass(frozen=True, slots=True)
class Chain:
    """a < b <= c: true when every link is."""

    column: int
    terms: tuple[Node, ...]
    operators: tuple[str, ...]

    def __str__(self) -> str:
        """Write it one way, whatever the spaces were."""
        links = zip(self.operators, self.terms[1:], strict=True)
        return str(self.terms[0]) + "".join(f" {sign} {term}" for sign, term in links)


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    column: int
    term: Node

    def __str__(self) -> str:
        """Write it one way, whatever the parentheses were."""
        return f"not ({self.term})"


@dataclass(frozen=True, slots=True)
class Junction:
    """Terms joined by ``and`` or by ``or``."""

    column: int
    operator: str
    terms: tuple[Node, ...]

    def __str__(self) -> str:
        """Write it one way, whatever the parentheses were."""
        return f" {self.operator} ".join(f"({term})" for term in self.terms)


Node = Number | Name | Word | Negative | Sum | Call | Chain | Not | Junction


@dataclass(frozen=True, slots=True)
class _Token:
    column: int
    kind: str  # number, name, word, sign, end
    text: str
    value: float = 0.0
    unit: str = ""


_SPACE = re.compile(r"\s*")
_NUMBER = re.compile(r"(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_NAME = re.compile(r"[A-Za-z_]\w*")
_OWN_WORD = re.compile(r"\s*\(\s*(\w[\w-]*)\s*\)")
_LENGTH = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[smhd])){2,}(?!\w)")  # 1h30m; one part alone is a number with a unit
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhd])")
_SIGN = re.compile(r"<=|>=|==|!=|[<>()+,-]")
_UNIT = re.compile(
    "(?:"
    + "|".join(re.escape(unit) for unit in sorted({*UNITS, *SECONDS}, key=len, reverse=True) if unit != "1")
    + r")(?![\w/%])"
)
_WORD = re.compile(r"[^\s()<>=!,+-]+")


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    while True:
        at = _end(_SPACE, text, at)
        column = at + 1
        if at == len(text):
            return [*tokens, _Token(column, "end", "the end")]
        if found := _LENGTH.match(text, at):
            seconds = sum(float(number) * SECONDS[unit] for number, unit in _PART.findall(found.group()))
            tokens.append(_Token(column, "number", found.group(), seconds, "s"))
            at = found.end()
        elif found := _NUMBER.match(text, at):
            value, at = float(found.group()), found.end()
            unit, at = _unit(text, at)
            tokens.append(_Token(column, "number", found.group(), value, unit))
        elif found := _NAME.match(text, at):
            tokens.append(_Token(column, "name", found.group()))
            at = found.end()
            if found.group() in WORDED and (word := _OWN_WORD.match(text, at)):
                tokens.append(_Token(text.index("(", at) + 1, "sign", "("))
                tokens.append(_Token(word.start(1) + 1, "word", word.group(1)))
                at = word.end() - 1  # the parenthesis is still to come
        elif found := _SIGN.match(text, at):
            tokens.append(_Token(column, "sign", found.group()))
            at = found.end()
        else:
            hint = ": write == to compare" if text[at] == "=" else ""
            raise ExpressionError([(column, f"{text[at]!r} means nothing here{hint}")])


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def _unit(text: str, at: int) -> tuple[str, int]:
    """Read the unit that may follow a number: (unit or "", where to go on)."""
    start = _end(_SPACE, text, at)
    if found := _UNIT.match(text, start):
        return found.group(), found.end()
    word = _WORD.match(text, start)
    if word is None or word.group() in KEYWORDS:
        return "", at
    raise ExpressionError(
        [(start + 1, f"{word.group()!r} is no unit; there are {', '.join(sorted({*UNITS, *SECONDS}))}")]
    )


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def parse(self) -> Node:
        node = self._or()
        if self._next.kind != "end":
            self._refuse(f"{self._next.text!r} is too much")
        return node

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _take(self) -> _Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _is(self, *texts: str) -> bool:
        return self._next.kind in {"name", "sign"} and self._next.text in texts

    def _refuse(self, reason: str) -> NoReturn:
        raise ExpressionError([(self._next.column, reason)])

    def _expect(self, text: str) -> None:
        if not self._is(text):
            self._refuse(f"{text!r} is missing before {self._next.text!r}")
        self._take()

    def _or(self) -> Node:
        column, terms = self._next.column, [self._and()]
        while self._is("or"):
            self._take()
            terms.append(self._and())
        return terms[0] if len(terms) == 1 else Junction(column, "or", tuple(terms))

    def _and(self) -> Node:
        column, terms = self._next.column, [self._not()]
        while self._is("and"):
            self._take()
            terms.append(self._not())
        return terms[0] if len(terms) == 1 else Junction(column, "and", tuple(terms))

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            self._refuse("this is nested too deeply")

    def _not(self) -> Node:
        if not self._is("not"):
            return self._chain()
        self._deeper()
        node = Not(self._take().column, self._not())
        self._depth -= 1
        return node

    def _chain(self) -> Node:
        column, terms, operators = self._next.column, [self._sum()], []
        while self._is(*COMPARISONS):
            operators.append(self._take().text)
            terms.append(self._sum())
        return Chain(column, tuple(terms), tuple(operators)) if operators else terms[0]

    def _sum(self) -> Node:
        column, node, depth = self._next.column, self._term(), self._depth
        while self._is("+", "-"):
            self._deeper()
            node = Sum(column, self._take().text, node, self._term())
        self._depth = depth
        return node

    def _term(self) -> Node:
        token = self._take()
        if token.kind == "number":
            compound = token.text if _LENGTH.fullmatch(token.text) else ""
            return Number(token.column, token.value, token.unit, compound)
        if token.kind == "word":
            return Word(token.column, token.text)
        if token.kind == "name" and token.text not in KEYWORDS:
            return (
                Call(token.column, token.text, self._arguments()) if self._is("(") else Name(token.column, token.text)
            )
        self._deeper()
        node: Node
        if token.text == "-":
            node = Negative(token.column, self._term())
        elif token.text == "(":
            node = self._or()
            self._expect(")")
        else:
            self._at -= 1
            self._refuse(f"{token.text!r} where a metric, a signal or a number belongs")
        self._depth -= 1
        return node

    def _arguments(self) -> tuple[Node, ...]:
        self._take()
        self._deeper()
        arguments = [] if self._is(")") else [self._or()]
        while self._is(","):
            self._take()
            arguments.append(self._or())
        self._expect(")")
        self._depth -= 1
        return tuple(arguments)


def parse(text: str) -> Node:
    """Read a condition. Raises ExpressionError with the first thing that is not in the grammar."""
    if len(text) > LONGEST:
        raise ExpressionError([(LONGEST + 1, f"longer than {LONGEST} characters")])
    if not text.strip():
        raise ExpressionError([(1, "there is no condition")])
    return _Parser(_tokens(text)).parse()
