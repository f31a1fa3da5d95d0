"""The journal: every frame as it came, in order, durable. The spine of the house and its only spool."""

from firesense.journal.mending import Mended, mend
from firesense.journal.sqlite import SqliteJournal

__all__ = ["Mended", "SqliteJournal", "mend"]
