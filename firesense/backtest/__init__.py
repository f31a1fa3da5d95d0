"""Rules tried on the past: what would have been raised, cleared, and who would have been called (docs/backtest.md)."""

from __future__ import annotations

from firesense.backtest.difference import Difference, compare
from firesense.backtest.report import document, summary
from firesense.backtest.run import Backtest, Tried
from firesense.backtest.sources import from_history, from_journal, offset_at

__all__ = [
    "Backtest",
    "Difference",
    "Tried",
    "compare",
    "document",
    "from_history",
    "from_journal",
    "offset_at",
    "summary",
]
