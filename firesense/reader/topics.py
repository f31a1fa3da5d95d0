"""Topic patterns: how a profile says which topics are its, and where in them the device is named."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from firesense.domain.profile import Profile

ONE_LEVEL = "{device}"
SOME_LEVELS = "{device*}"

_LEVELS = {"+": "[^/]+", ONE_LEVEL: "([^/]+)", SOME_LEVELS: "(.+)"}


class TopicPattern:
    """One pattern: levels divided by ``/``, of which ``+`` is any one, and ``{device}`` or ``{device*}`` the device."""

    def __init__(self, pattern: str, *, names_device: bool = True) -> None:
        """Compile it. Raises ValueError when it is no pattern, or does not name the device once as it should.

        ``names_device`` is False where the payload names the device, and then no level may.
        """
        levels = pattern.split("/")
        for level in levels:
            if level not in _LEVELS and (not level or any(mark in level for mark in "+#{}$\0")):
                message = f"{level!r} is no level: use a word, +, {ONE_LEVEL} or {SOME_LEVELS}"
                raise ValueError(message)
        named = levels.count(ONE_LEVEL) + levels.count(SOME_LEVELS)
        if named != names_device:
            raise ValueError(
                f"names the device {named} times, not once"
                if names_device
                else "names the device, and so does the payload"
            )
        self.pattern = pattern
        self._start = "/".join(itertools.takewhile(lambda level: level not in _LEVELS, levels))
        self._names_device = names_device
        # DOTALL: a topic may hold any character, a line end too.
        self._regex = re.compile("/".join(_LEVELS.get(level) or re.escape(level) for level in levels), re.DOTALL)

    def match(self, topic: str) -> str | None:
        """Give the device the topic names ("" where it names none), or None when it is not of this pattern."""
        if not topic.startswith(self._start):  # five times as quick as the regex, and most patterns end here
            return None
        found = self._regex.fullmatch(topic)
        if found is None:
            return None
        return found[1] if self._names_device else ""

    def topic(self, device: str) -> str:
        """Write a topic of this pattern for a device; each ``+`` becomes an ``x``."""
        filled = (("x" if level == "+" else level) for level in self.pattern.split("/"))
        return "/".join(filled).replace(SOME_LEVELS, device).replace(ONE_LEVEL, device)

    def subscription(self) -> str:
        """Give the narrowest MQTT topic filter that has all topics of this pattern."""
        before, some, _ = self.pattern.partition(SOME_LEVELS)
        return before.replace(ONE_LEVEL, "+") + ("#" if some else "")


def patterns(profile: Profile) -> tuple[TopicPattern, ...]:
    """Compile the patterns of a profile; raises ValueError for the first that is none."""
    return tuple(TopicPattern(topic, names_device=not profile.device_source) for topic in profile.topics)


def subscriptions(profiles: Iterable[Profile]) -> tuple[str, ...]:
    """Give the MQTT topic filters that bring every topic of these profiles, once each, sorted."""
    return tuple(sorted({pattern.subscription() for profile in profiles for pattern in patterns(profile)}))
