"""What people write about the way up, as shapes; docs/ladders.md explains it to them."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from firesense.domain.alert import AlertClass, Grade
from firesense.yamlfile import Duration, Written, duration


class WrittenRung(Written):
    """A step."""

    roles: tuple[str, ...] = Field(min_length=1)
    channels: tuple[str, ...] = Field(min_length=1)
    wait: Duration
    repeat: int = Field(default=0, ge=0, le=99)
    every: Duration | None = None


def _timer(value: object) -> object:
    return None if value == "never" else duration(value)


_Timer = Annotated[timedelta | None, BeforeValidator(_timer)]


class WrittenTimers(Written):
    """How long a case that somebody has may stand still; None is for ever, whether it was left out or is ``never``."""

    arrive: _Timer = None
    result: _Timer = None
    close: _Timer = None


class WrittenLadder(Written):
    """Rungs, how often they are climbed, and the timers."""

    rungs: list[WrittenRung] = Field(min_length=1)
    repeat: int | Literal["forever"] = 0
    timers: WrittenTimers = WrittenTimers()


class WrittenSelector(Written):
    """A line of ``choose``."""

    ladder: str
    alert_class: tuple[AlertClass, ...] = Field(default=(), alias="class")
    grade: tuple[Grade, ...] = ()
    places: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    seasons: tuple[str, ...] = ()
    hours: str = ""
    confirmed: bool = False
    start: int = Field(default=1, ge=1)


class WrittenDepartment(Written):
    """How one department is whistled for."""

    wait: Duration | None = None
    channels: tuple[str, ...] = ()
    then: str = ""


class WrittenWhistle(Written):
    """How departments are whistled for."""

    wait: Duration = timedelta(minutes=10)
    channels: tuple[str, ...] = ()
    departments: dict[str, WrittenDepartment] = Field(default_factory=dict)


class LadderFile(Written):
    """The whole file."""

    ladders: dict[str, WrittenLadder] = Field(min_length=1)
    choose: list[WrittenSelector] = Field(min_length=1)
    whistle: WrittenWhistle = WrittenWhistle()
