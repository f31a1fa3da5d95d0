"""Where in a YAML file a fault is: its line and column, down to the point inside a condition.

Only looked up when faults are shown, so reading good files costs nothing for it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable

    from firesense.domain.errors import Fault

_SYNTAX = re.compile(r"line (\d+), column (\d+)")  # the path of a fault in the YAML itself
_STEP = re.compile(r"\[(\d+)\]")
_HEADER = re.compile(r"[|>][^\n]*\n")  # of a block scalar: its text begins on the next line


def shown(faults: Iterable[Fault]) -> list[str]:
    """Write faults as compilers do, ``file:line:column: path: reason``, where the file says; else as they are."""
    roots: dict[str, tuple[yaml.Node, str] | None] = {}
    lines: list[str] = []
    for fault in faults:
        if found := _SYNTAX.fullmatch(fault.path):
            lines.append(f"{fault.file}:{found[1]}:{found[2]}: {fault.reason}")
            continue
        if fault.file not in roots:
            roots[fault.file] = _root(fault.file)
        root = roots[fault.file]
        if root is None:
            lines.append(str(fault))
        else:
            line, column = _place(*root, fault)
            lines.append(f"{fault.file}:{line}:{column}: " + (f"{fault.path}: " if fault.path else "") + fault.reason)
    return lines


def _root(file: str) -> tuple[yaml.Node, str] | None:
    """The tree of a file and its text; None for what is no YAML, or is not there any more."""
    if not file.endswith((".yaml", ".yml")):
        return None
    try:
        text = Path(file).read_text(encoding="utf-8")
        node = yaml.compose(text, yaml.SafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None
    return None if node is None else (node, text)


def _place(node: yaml.Node, text: str, fault: Fault) -> tuple[int, int]:
    """Line and column, from 1: of the value the path leads to, or of the last key on the way that is there."""
    mark, rest = node.start_mark, fault.path
    while rest:
        step = _STEP.match(rest)
        if step and isinstance(node, yaml.SequenceNode) and int(step[1]) < len(node.value):
            node, rest = node.value[int(step[1])], rest[step.end() :]
            mark = node.start_mark
        elif found := _of_mapping(node, rest.removeprefix(".")):
            key, node, rest = found
            mark = node.start_mark if isinstance(node, yaml.ScalarNode) else key.start_mark
        else:
            return mark.line + 1, mark.column + 1
    if fault.column and isinstance(node, yaml.ScalarNode):
        return _inside(node, text, fault.column)
    return mark.line + 1, mark.column + 1


def _of_mapping(node: yaml.Node, rest: str) -> tuple[yaml.Node, yaml.Node, str] | None:
    """Follow the longest key that ``rest`` begins with: keys may have dots in them."""
    fitting = [
        (key, value)
        for key, value in (node.value if isinstance(node, yaml.MappingNode) else ())
        if rest.startswith(str(key.value)) and rest[len(str(key.value)) :][:1] in {"", ".", "["}
    ]
    if not fitting:
        return None
    key, value = max(fitting, key=lambda pair: len(str(pair[0].value)))
    return key, value, rest[len(str(key.value)) :]


def _inside(node: yaml.ScalarNode, text: str, column: int) -> tuple[int, int]:
    """Find a column of a text in the file: YAML folds and indents, but leaves everything that is no space in order."""
    start, end = node.start_mark.index, node.end_mark.index
    if node.style in {"|", ">"}:
        header = _HEADER.match(text, start)
        start = header.end() if header else start
    elif node.style in {"'", '"'}:
        start += 1
    solid = sum(not char.isspace() for char in str(node.value)[: column - 1])
    for at in range(start, end):
        if not text[at].isspace():
            if solid == 0:
                return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
            solid -= 1
    return text.count("\n", 0, end) + 1, end - text.rfind("\n", 0, end)
