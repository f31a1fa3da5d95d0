"""The story of an alert in words: what every line says besides its kind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from firesense.domain.escalation import StepKind
from firesense.domain.instant import moment
from firesense.notify.message import LOCAL
from firesense.text import say
from firesense.web.shown import cause_text, label, listed, person_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import tzinfo

    from firesense.domain.escalation import Step
    from firesense.domain.instant import Instant
    from firesense.domain.plan import Plan

_SILENT = frozenset({"round", "rule", "ladder", "key", "photo", "window"})  # for programs
_PLAIN = frozenset({"note", "device", "shown_by", "latitude", "longitude"})
_SECTIONS = {
    "role": "role",
    "ground": "ground",
    "reason": "web.reason",
    "why": "web.why",
    "kind": "quiet",
    "plan": "class",
    "finding": "finding",
    "condition": "condition",
    "state": "call.state",
    "purpose": "call.purpose",
    "flood": "web.flood",
    "grade": "grade",
    "source": "hazard.source",
    "passed": "hazard.detail.passed",
    "receipt": "receipt",
}
_FILLED = {  # the text, and its place to be filled
    "only_kind": ("web.only_kind", "kind"),
    "next": ("web.next_channel", "channels"),
    "instead_of": ("web.instead_of", "channel"),
    "bundled": ("web.bundled", "count"),
    "level": ("hazard.detail.level", "level"),
    "accuracy": ("web.detail.accuracy", "metres"),
    "incident": ("web.detail.incident", "id"),
    "left": ("web.detail.left", "ids"),
    "alert": ("web.detail.fault", "id"),
    "value": ("web.detail.value", "value"),
}
_PEOPLE = {
    "person": "web.detail.person",
    "to": "web.detail.person",
    "had_by": "web.detail.had_by",
    "said_by": "web.detail.said_by",
}
_OF_CHANNELS = frozenset({"next", "instead_of"})


@dataclass(frozen=True, slots=True)
class StepShown:
    """A line of the story."""

    at: Instant
    kind: StepKind
    word: str
    who: str
    details: tuple[str, ...]


def show_story(story: Sequence[Step], plan: Plan, language: str, zone: tzinfo = LOCAL) -> tuple[StepShown, ...]:
    """Put the lines of an alert's story into words; deadlines are told by the clocks of ``zone``."""
    whistles = {step.detail.get("strand", ""): step.detail for step in story if step.kind is StepKind.WHISTLED}
    return tuple(_shown(step, whistles, plan, language, zone) for step in story)


def whom_text(whistled: Mapping[str, str], language: str) -> str:
    """Whom a whistle calls in, by the detail of its line: the post, or which rung of the alert's own ladder it is."""
    roles = listed((label(language, "role", role) for role in whistled.get("whom", "").split(",")), language)
    rung = whistled.get("rung", "")
    return f"{say('web.rung', language, number=int(rung) + 1)} {roles}" if rung.isdecimal() else roles


def _shown(step: Step, whistles: Mapping[str, Mapping[str, str]], plan: Plan, language: str, zone: tzinfo) -> StepShown:
    said = dict(step.detail)
    if step.told_already:
        del said["reason"]  # its text says so
    details = []
    if strand := said.pop("strand", ""):
        whistled = whistles.get(strand, {})
        whom = whom_text(whistled, language)
        of_it = step.kind in {StepKind.WHISTLED, StepKind.ANSWERED}
        details.append(whom if of_it else say("whistle.of", language, whom=whom))
        # The rungs of a whistle are its own: among those of the ladder, which people count, they would mislead.
        for name in ("whom", "rung", "role" if said.get("role") == whistled.get("whom") else ""):
            said.pop(name, "")
    details += (_detail(name, value, plan, language, zone) for name, value in said.items() if value)
    return StepShown(step.at, step.kind, step.word, person_name(plan, step.who), tuple(filter(None, details)))


def _detail(name: str, value: str, plan: Plan, language: str, zone: tzinfo) -> str:
    if name in _SECTIONS:
        return label(language, _SECTIONS[name], value)
    if name in _PEOPLE:
        names = listed((person_name(plan, each) for each in value.split(",")), language)
        return say(_PEOPLE[name], language, who=names)
    match name:
        case "place" | "from_place":
            place = plan.org.places.get(value)
            text = place.name if place else value
            text = text if name == "place" else say("hazard.detail.from_place", language, place=text)
        case "cause":
            text = cause_text(plan, value, language)
        case "rung" if value.isdecimal():
            text = say("web.rung", language, number=int(value) + 1)
        case "channel" | "channels":
            text = _channels(value, language)
        case "until" | "until_at":
            text = _until(value, language, zone)
        case "from":
            text = say("hazard.detail.from", language, grade=label(language, "grade", value))
        case _ if name in _FILLED:
            key, gap = _FILLED[name]
            text = say(key, language, **{gap: _channels(value, language) if name in _OF_CHANNELS else value})
        case _:
            text = "" if name in _SILENT else value if name in _PLAIN else f"{name} {value}"
    return text


def _until(value: str, language: str, zone: tzinfo) -> str:
    """A hazard's date is in microseconds; until when a call is held back was written for programs."""
    if value.isdecimal():
        until = moment(int(value)).astimezone(zone).strftime("%Y-%m-%d %H:%M")
        return say("hazard.detail.until", language, until=until)
    return say("web.until", language, at=datetime.fromisoformat(value).astimezone(zone).strftime("%m-%d %H:%M:%S"))


def _channels(names: str, language: str) -> str:
    return ", ".join(label(language, "channel", channel) for channel in names.split(","))
