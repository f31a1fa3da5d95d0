"""The tables, portable to any database SQLAlchemy knows; docs/book.md says what each one is for.

Columns are called what the domain calls the fields they keep. Those a table has beside them:

- ``number`` keeps the order in which rows were written;
- ``rank`` is 0 for what goes first (fire) and 1 for the rest, a call that is the first of a fire -1; an alert's is its
  place in the list (see rows.py);
- ``due_at`` of a climb and ``ready_at`` of a call are NULL unless somebody has to do something then, so looking for
  due work costs what is due, however much history there is.
"""

from firesense.book.tables.alerts import (
    LEFT_FIRING,
    alert,
    because,
    call,
    climb,
    flood,
    hazard,
    quiet,
    roll_call,
    seen,
    step,
    suppressed,
)
from firesense.book.tables.parts import metadata
from firesense.book.tables.registered import (
    configured,
    device,
    feed,
    holding,
    ladder,
    meta,
    person,
    place,
    post,
    removed,
    roster,
    roster_change,
    selector,
    slots,
)
from firesense.book.tables.streets import audit, audit_end, photo, position, quarantine, session, stranger, user

__all__ = [
    "LEFT_FIRING",
    "alert",
    "audit",
    "audit_end",
    "because",
    "call",
    "climb",
    "configured",
    "device",
    "feed",
    "flood",
    "hazard",
    "holding",
    "ladder",
    "meta",
    "metadata",
    "person",
    "photo",
    "place",
    "position",
    "post",
    "quarantine",
    "quiet",
    "removed",
    "roll_call",
    "roster",
    "roster_change",
    "seen",
    "selector",
    "session",
    "slots",
    "step",
    "stranger",
    "suppressed",
    "user",
]
