"""How people here work: why alarms are false, and who is called when a fire is confirmed."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 -- the defaults are made of it when the program runs
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Response:
    """The plan (预案) for a confirmed fire: who is called at once, over every channel.

    Of several the first that fits is run: ``places`` fits the alert's place and everything below each code, ``tags``
    the tags of the place and of those above it; empty sets fit everything. ``roles`` are looked up from the alert's
    place upwards, ``people`` are ids.
    """

    id: str
    roles: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    places: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()


# GB/T 45839-2025 5.12.2 asks for the disposition, not for causes: the list is our own default.
CAUSES: Mapping[str, tuple[str, str]] = {
    "cooking": ("做饭油烟", "cooking"),
    "steam": ("水汽", "steam"),
    "smoking": ("吸烟", "cigarette"),
    "dust": ("灰尘", "dust"),
    "insects": ("昆虫", "insects"),
    "welding": ("动火作业", "welding or cutting"),
    "incense": ("祭祀焚香、烟花", "incense, firecrackers"),
    "farm-smoke": ("农事烟雾", "smoke of farm work"),
    "weather": ("潮湿、温差等天气原因", "damp, cold or heat"),
    "device": ("设备自身原因", "the device itself"),
    "drill": ("演练", "drill"),
    "mischief": ("人为误触或恶意", "mischief"),
    "unknown": ("原因不明", "unknown"),
}


@dataclass(frozen=True, slots=True)
class Practice:
    """``causes`` maps the id of each cause of a false alarm to its Chinese and English words, in their order."""

    causes: Mapping[str, tuple[str, str]] = field(default_factory=lambda: CAUSES)
    responses: tuple[Response, ...] = ()
