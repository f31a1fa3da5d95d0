"""What an officer may do about an alert now, in the order it is needed, and whom there is to choose from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from firesense.casework import of_a_device
from firesense.domain.alert import AlertClass, Case, Condition, Finding
from firesense.domain.escalation import ASKING, Purpose
from firesense.text import say
from firesense.web.shown import label, person_name, show_alert

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from firesense.domain.alert import Alert
    from firesense.domain.deed import Photo
    from firesense.domain.escalation import Call
    from firesense.domain.instant import Instant
    from firesense.domain.place import Person, Place
    from firesense.domain.plan import Plan

_FOUND = (Finding.FIRE, Finding.FALSE_ALARM, Finding.FAULT, Finding.TEST)  # GB/T 45839-2025 5.12.2, and tests

# What comes next of a case, then what may come, the likeliest first.
_NEXT = {
    Case.OPEN: (
        "dispatch",
        "whistle",
        "arrive",
        "verify",
        "hand-on",
    ),  # taking it stands above, where nobody has to scroll
    Case.ACKNOWLEDGED: ("dispatch", "whistle", "arrive", "verify", "hand-on"),
    Case.DISPATCHED: ("arrive", "whistle", "verify", "dispatch", "hand-on"),
    Case.ON_SITE: ("verify", "whistle", "dispatch", "hand-on"),
    Case.VERIFIED: ("close", "whistle", "verify", "dispatch", "hand-on"),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """Something to choose: what the form sends, and what people read."""

    value: str
    text: str


@dataclass(frozen=True, slots=True)
class Companion:
    """An alert of the same incident, or one that may be."""

    id: str
    what: str
    where: str
    device: str
    raised_at: Instant
    fire: bool


@dataclass(frozen=True, slots=True)
class PhotoShown:
    """A photo with the name of whoever took it."""

    photo: Photo
    name: str


@dataclass(frozen=True, slots=True)
class DeskShown:
    """The desk of one alert: the names of its deeds in order, and the choices their forms offer."""

    deeds: tuple[str, ...]
    posts: tuple[Choice, ...]
    people: tuple[Choice, ...]
    causes: tuple[Choice, ...]
    incident: tuple[Companion, ...]
    companions: tuple[Companion, ...]
    arrivals: tuple[Choice, ...]
    still_firing: bool


def found_on_site(alert: Alert) -> tuple[Finding, ...]:
    """What an alert may turn out to be; a hazard may be put right, too."""
    return (*_FOUND, Finding.PUT_RIGHT) if alert.alert_class is AlertClass.HAZARD else _FOUND


def deeds_of(alert: Alert, who: str) -> tuple[str, ...]:
    """Name what ``who`` may do about an alert but take it, what comes next first; of a closed one photos may come."""
    if not alert.open:
        return ("photo",)
    names = list(_NEXT[alert.case])
    if alert.acknowledged_by not in {"", who}:
        names.remove("hand-on")
        names.insert(1, "take-over")
    names.append("photo")
    if alert.silenced_at is None:
        names.append("silence")
    if alert.condition is Condition.LATCHED:
        names.append("reset")
    if "close" not in names:
        names.append("close")
    return tuple(names)


def show_desk(
    alert: Alert,
    who: str,
    plan: Plan,
    language: str,
    now: Instant,
    *,
    mates: Sequence[Alert],
    near: Iterable[Alert],
    calls: Iterable[Call] = (),
) -> DeskShown:
    """Put the desk of an alert into words; ``calls`` are those about it."""
    posts: list[Choice] = []
    people: dict[str, Choice] = {}
    for role, place, holders in _on_duty(alert, plan, now):
        name = label(language, "role", role)
        names = "、".join(person.name for person in holders)
        posts.append(Choice(f"{role}@{place.code}", f"{name} · {place.name} · {names}"))
        for person in holders:
            people.setdefault(person.id, Choice(person.id, f"{person.name} · {name}"))
    return DeskShown(
        deeds=deeds_of(alert, who),
        posts=tuple(posts),
        people=tuple(choice for person, choice in people.items() if person != alert.acknowledged_by),
        causes=tuple(Choice(name, en if language == "en" else zh) for name, (zh, en) in plan.practice.causes.items()),
        incident=tuple(_companion(each, plan, language) for each in mates if each.id != alert.id),
        companions=tuple(_companion(each, plan, language) for each in near),
        arrivals=_arrivals(alert, who, plan, language, calls),
        still_firing=any(
            each.open and each.condition is Condition.FIRING and of_a_device(each)
            for each in (alert, *mates)
            if each.alert_class is alert.alert_class
        ),
    )


def departments(alert: Alert, plan: Plan, language: str, now: Instant) -> tuple[Choice, ...]:
    """Give the posts around an alert that somebody holds now, without saying who."""
    return tuple(
        Choice(f"{role}@{place.code}", f"{label(language, 'role', role)} · {place.name}")
        for role, place, _ in _on_duty(alert, plan, now)
    )


def _on_duty(alert: Alert, plan: Plan, now: Instant) -> Iterator[tuple[str, Place, tuple[Person, ...]]]:
    """Find who holds posts at the place of an alert and above: of each role the nearest."""
    seen: set[str] = set()
    for place in plan.org.path(alert.place):
        for (code, role), post in plan.org.posts.items():
            holders = plan.org.on_duty(post, now) if code == place.code and role not in seen else ()
            if holders:
                seen.add(role)
                yield role, place, holders


def _arrivals(alert: Alert, who: str, plan: Plan, language: str, calls: Iterable[Call]) -> tuple[Choice, ...]:
    """Who may be on site: whoever writes it down, then those who were sent, whoever has it, those who were called."""
    sent = [call.person for call in calls if call.purpose is Purpose.DISPATCH]
    called = [call.person for call in calls if call.purpose in (*ASKING, Purpose.HANDED_ON, Purpose.PLAN)]
    others = dict.fromkeys((*sent, alert.acknowledged_by, *called))
    myself = Choice("", say("web.arrived_i", language, who=person_name(plan, who)))
    known = (Choice(each, person_name(plan, each)) for each in others if each not in {"", who})
    return (myself, *known)


def show_photos(photos: Iterable[Photo], plan: Plan) -> tuple[PhotoShown, ...]:
    """Put the photos of an alert into words."""
    return tuple(PhotoShown(photo, person_name(plan, photo.who)) for photo in photos)


def _companion(alert: Alert, plan: Plan, language: str) -> Companion:
    shown = show_alert(alert, None, (), plan, language)
    fire = alert.alert_class is AlertClass.FIRE
    return Companion(alert.id, shown.what, shown.places[-1], shown.device_name, alert.raised_at, fire)
