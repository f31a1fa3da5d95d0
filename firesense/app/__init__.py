"""Plugs everything in: settings -> adapters -> streets, and the order in which they start and stop."""

from firesense.app.plan import PlanKeeper, check, import_files, read_files
from firesense.app.plugs import RealClock, open_book, open_history, open_journal

__all__ = [
    "PlanKeeper",
    "RealClock",
    "check",
    "import_files",
    "open_book",
    "open_history",
    "open_journal",
    "read_files",
]
