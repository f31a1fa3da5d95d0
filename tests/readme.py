"""What the READMEs hold for tests: their fenced blocks, by language."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
READMES = ("README.md", "README.zh-CN.md")
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(name):
    """All fenced blocks in order, as (language, text)."""
    return _BLOCK.findall((ROOT / name).read_text(encoding="utf-8"))


def file_of(text):
    """The file a block of YAML says it is, in its first line."""
    return text.partition("\n")[0].removeprefix("# ")


def histories(settings):
    """Every way to keep history that the README's settings show: the one in force, then those commented out."""
    return [line.removeprefix("# ") for line in settings.splitlines() if line.removeprefix("# ").startswith("history:")]
