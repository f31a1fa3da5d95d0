"""An explanation as the command tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from firesense import explain
from firesense.web.story_shown import show_story

if TYPE_CHECKING:
    from firesense.domain.plan import Plan


def lines(it: explain.Explanation, plan: Plan, language: str) -> list[str]:
    """Tell it in lines, times in UTC."""
    return list(
        explain.lines(it, plan, language, details=[each.details for each in show_story(it.story, plan, language)])
    )
