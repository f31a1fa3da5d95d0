"""Watches the staged fire through the book, tells it line by line, and can play the person who takes it."""

from __future__ import annotations

import sys
from datetime import datetime
from enum import Enum, auto
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from firesense.app import RealClock
from firesense.desk import Desk
from firesense.domain.alert import AlertClass, Finding
from firesense.domain.deed import Actor
from firesense.domain.escalation import TOLD, ClimbState
from firesense.domain.instant import MINUTE, SECOND

if TYPE_CHECKING:
    from firesense.domain.alert import Alert
    from firesense.domain.escalation import Step
    from firesense.ports import Book, History

STATION = "station-duty"  # how far the fire climbs before the demo's person takes it
_LISTEN = 8 * SECOND  # how long after the acknowledgement nobody may be called
_ZONE = ZoneInfo("Asia/Shanghai")


class _Act(Enum):
    QUIET = auto()  # no fire yet
    CLIMBING = auto()
    TAKEN = auto()
    OVER = auto()


class Story:
    """One fire, from the reading in the history to the acknowledgement that stops the climb."""

    def __init__(self, book: Book, history: History) -> None:
        self._book = book
        self._history = history
        self._clock = RealClock()
        self._act = _Act.QUIET
        self._alert: Alert | None = None
        self._told = 0
        self._calls_when_taken = 0
        self.ended_well = False

    def turn(self, *, act: bool) -> bool:
        """Look, tell what is new, and (when ``act``) do what the scenario asks; says whether it is over."""
        if self._alert is None:
            self._alert = next((a for a in self._book.alerts() if a.alert_class is AlertClass.FIRE), None)
            if self._alert is None:
                return False
            self._act = _Act.CLIMBING
            self._show_reading(self._alert)
        alert = self._book.alert(self._alert.id)
        self._tell_steps(alert)
        if not act:
            return False
        if self._act is _Act.CLIMBING and self._station_called(alert):
            who = "yang-min"
            Desk(self._book, self._clock).acknowledge(alert.id, Actor(who, "demo"))
            self._act = _Act.TAKEN
            self._calls_when_taken = len(self._book.calls(alert.id))
        elif self._act is _Act.TAKEN and self._clock.now() - (alert.acknowledged_at or 0) > _LISTEN:
            self._act = _Act.OVER
            climb = self._book.climb(alert.id)
            stopped = climb is not None and climb.state is ClimbState.ACKNOWLEDGED
            silent = len(self._book.calls(alert.id)) == self._calls_when_taken
            # The staged detector alarms on; the demo ends here.
            by = Actor(alert.acknowledged_by, "demo")
            Desk(self._book, self._clock).close(alert.id, by, Finding.FIRE, though_firing=True)
            self._tell_steps(alert)
            self.ended_well = stopped and silent
            _say("the acknowledgement stopped the climb" if self.ended_well else "THE CLIMB WENT ON")
        return self._act is _Act.OVER

    def _station_called(self, alert: Alert) -> bool:
        return any(call.role == STATION and call.state in TOLD for call in self._book.calls(alert.id))

    def _show_reading(self, alert: Alert) -> None:
        device = self._book.registry().get(alert.device)
        if device is None:
            return
        until = self._clock.now() + SECOND
        series = self._history.raw(device, "smoke_density", alert.event_at - 10 * MINUTE, until)
        shown = " ".join(f"{value:.2f}" for value in series.values[-8:])
        _say(f"history   {device.id} smoke density, dB/m: {shown}")

    def _tell_steps(self, alert: Alert) -> None:
        story = self._book.story(alert.id)
        for step in story[self._told :]:
            _say(_line(alert, step))
        self._told = len(story)


def _line(alert: Alert, step: Step) -> str:
    detail = " ".join(f"{key}={value}" for key, value in step.detail.items())
    return f"{step.kind:<13} {alert.id} {step.who or '-'} {detail}"


def _say(text: str) -> None:
    clock = datetime.now(_ZONE).strftime("%H:%M:%S")
    sys.stdout.write(f"{clock}  {text}\n")
    sys.stdout.flush()
