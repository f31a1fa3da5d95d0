"""How the book is opened and the plan read, mending on the way what is damaged."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from firesense.app.mend import mend_files
from firesense.app.plan import PlanKeeper
from firesense.app.plugs import open_book
from firesense.domain.errors import BookError
from firesense.domain.instant import SECOND

if TYPE_CHECKING:
    from firesense.book import SqlBook
    from firesense.ports import Clock
    from firesense.settings import Settings


def open_plan(
    stack: ExitStack, settings: Settings, streets: frozenset[str], clock: Clock
) -> tuple[SqlBook, PlanKeeper, list[str]]:
    """Mend what is damaged, open the book, which ``stack`` closes, and read the plan; says what was mended, too.

    Of a large book some damage only shows when its devices are read: then it is mended, and read once more.
    """
    now = clock.now()
    mended = mend_files(settings, streets, now)
    with ExitStack() as opened:
        book = opened.enter_context(open_book(settings))
        try:
            keeper = PlanKeeper(settings, book, clock)
        except BookError:
            if "alerting" not in streets or not book.to_be_mended:
                raise
        else:
            stack.push(opened.pop_all())
            return book, keeper, mended
    mended += mend_files(settings, streets, now + SECOND)
    book = stack.enter_context(open_book(settings))
    return book, PlanKeeper(settings, book, clock), mended
