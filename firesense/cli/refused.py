"""What cannot be done, said at the terminal as the console says it: in the settings' language, by the local clock."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from firesense.domain.errors import Conflict
from firesense.text import say
from firesense.web.shown import conflict_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from firesense.domain.plan import Plan
    from firesense.settings import Settings


@contextmanager
def refused_in_words(settings: Settings, plan: Plan) -> Iterator[None]:
    """Put why something is refused into words, where the catalogue has some. Raises Conflict."""
    try:
        yield
    except Conflict as error:
        if not error.key:
            raise
        words = conflict_words(error, plan, ZoneInfo(settings.zone), settings.language)
        raise Conflict(say(error.key, settings.language, **words)) from error
