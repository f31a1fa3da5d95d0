"""A call put into words: short, in the person's language, the most important first."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote
from zoneinfo import ZoneInfo

from firesense.domain.alert import AlertClass
from firesense.domain.catalogue import CLASSES
from firesense.domain.escalation import Purpose
from firesense.domain.instant import moment
from firesense.domain.message import Message
from firesense.domain.quiet import QUIET_RULES
from firesense.domain.rollcall import ROLL_CALL
from firesense.text import LANGUAGES, name_of, opening, say

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from firesense.domain.alert import Alert
    from firesense.domain.escalation import Call
    from firesense.domain.instant import Instant
    from firesense.domain.plan import Plan
    from firesense.notify.links import Links

LOCAL = ZoneInfo("Asia/Shanghai")
_MOST_LINES = 20  # of a bundle; the console has them all
_MOST_NAME = 60  # characters; names come from people
_OF_HAZARDS = (Purpose.ASSIGNED, Purpose.REMINDER, Purpose.OVERDUE)
_OF_DEEDS = (Purpose.HANDED_ON, Purpose.DISPATCH, Purpose.PLAN)
_NOTICE_MARKS = {
    "": "notice",
    "whistle.on": "unanswered",
    "whistle.ended": "unanswered",
    "whistle.nobody": "unheard",
    "whistle.came": "came",
}
_MARKED = (*_OF_HAZARDS, *_OF_DEEDS, Purpose.UNDONE, Purpose.WHISTLE, Purpose.HANDOVER)


def compose(
    call: Call,
    alert: Alert,
    plan: Plan,
    *,
    console_url: str = "",
    zone: tzinfo = LOCAL,
    links: Links | None = None,
) -> Message:
    """Put a call into words.

    ``plan`` gives the names of device and places; what it does not know is called by its id. ``console_url`` is where
    people reach the console, without a slash at the end; empty leaves the link out. Times are shown in ``zone``.
    ``links`` gives the call a link and a code to be answered with.
    """
    language = call.language
    path = [_short(place.name) for place in plan.org.path(alert.place)]
    device = plan.registry.get(alert.device)
    device_name = _short(f"{alert.device} {device.name}" if device is not None else alert.device)
    mark, place = _mark(call, alert), path[0] if path else _short(alert.place)
    title = say("call.title", language, mark=mark, place=place, device=_short(alert.device))
    if not alert.device:  # somebody reported it
        title = say("call.title.place", language, mark=mark, place=place)
    what = " ".join((alert.text.get(language) or alert.text.get("zh") or alert.rule).split())
    value, local = _value(alert, language), _local(alert.event_at, zone)
    lines = [
        _besides(call, alert, plan, zone),
        say("call.test", language)
        if alert.alert_class is AlertClass.TEST and call.purpose is not Purpose.WINDOW and alert.rule != ROLL_CALL
        else "",
        say("call.what", language, what=what),
        say("call.place", language, place=" / ".join(reversed(path)) or _short(alert.place)),
        say("call.device", language, device=device_name) if alert.device else "",
        value,
        say("call.time", language, time=local),
        say("call.received", language, time=_local(alert.raised_at, zone)) if alert.late else "",
        say("call.incident", language, incident=alert.incident)
        if alert.incident and alert.incident != alert.id
        else "",
        say("call.cleared-at", language, time=_local(alert.cleared_at, zone))
        if call.purpose is Purpose.CLEARED and alert.cleared_at is not None
        else "",
        say("call.rung", language, rung=call.rung + 1, round=call.round + 1)
        if call.purpose in {Purpose.ALERT, Purpose.UNDONE} and (call.rung, call.round) != (0, 0)
        else "",
    ]
    link = f"{console_url}/alerts/{alert.id}" if console_url else ""
    if link and call.purpose is Purpose.HANDOVER:
        link = f"{console_url}/rosters/handover?place={quote(call.place)}"
    take, code = (links.link(call), links.code(call)) if links is not None else ("", "")
    facts = {
        "id": alert.id,
        "title": title,
        "mark": mark,
        "place": place,
        "path": " ".join(reversed(path)) or _short(alert.place),
        "device": device_name,
        # Where there is room for one thing only, it is what became of a whistle.
        "what": _of_whistle(call, plan).rstrip("。.") if _noticed(call).startswith("whistle") else _itself(what),
        "value": value,
        "date": local[:10],
        "clock": local[11:16],
        "code": code,
        "link": link,
        "take": take,
        "note": _note(call),
        "by": _name(call.detail.get("by", ""), plan),
        "until": _day_and_clock(int(call.detail["until_at"]), zone, language) if "until_at" in call.detail else "",
    }
    return Message(call, alert, title, "\n".join(line for line in lines if line), link, take, code, facts=facts)


def compose_bundle(
    pairs: Sequence[tuple[Call, Alert]], plan: Plan, *, console_url: str = "", zone: tzinfo = LOCAL
) -> Message:
    """Put several calls for one person on one channel into one message: how many of what, then a line for each.

    The message carries the first call, with a key of its own that is the same whenever the same calls are bundled.
    """
    first, alert = pairs[0]
    language = first.language
    marks = Counter(_mark(call, about) for call, about in pairs)
    title = say(
        "call.bundle",
        language,
        count=len(pairs),
        marks=say("call.bundle.and", language).join(f"{mark} {count}" for mark, count in marks.most_common()),
    )
    lines = [
        f"{_local(about.raised_at, zone)[11:]} {compose(call, about, plan, zone=zone).title}"
        for call, about in pairs[:_MOST_LINES]
    ]
    if len(pairs) > _MOST_LINES:
        lines.append(say("call.bundle.more", language, count=len(pairs) - _MOST_LINES))
    digest = hashlib.sha256("\n".join(sorted(call.key for call, _ in pairs)).encode()).hexdigest()[:32]
    return Message(
        replace(first, key=f"bundle:{digest}"), alert, title, "\n".join(lines), console_url, bundled=len(pairs)
    )


def _mark(call: Call, alert: Alert) -> str:
    language = call.language
    if call.purpose is Purpose.NOTICE and (about := _noticed(call)) != "undone":
        return say(f"call.mark.{_NOTICE_MARKS.get(about, about)}", language)
    if call.purpose is Purpose.TESTED:
        return say("quiet.walk-test", language)
    if call.purpose is Purpose.WINDOW:
        what = f"quiet.{alert.rule}" if alert.rule in QUIET_RULES else "class.test"
        return f"{say(what, language)} · {say(f'call.window.{call.rung}', language)}"
    if call.purpose is Purpose.CLEARED:
        return say(f"call.cleared.{alert.alert_class}", language)
    mark = say("call.mark.roll-call" if alert.rule == ROLL_CALL else f"class.{alert.alert_class}", language)
    if alert.alert_class is AlertClass.HAZARD:
        mark = say("call.mark.hazard", language, grade=say(f"grade.{alert.grade}", language))
    purpose = Purpose.UNDONE if call.purpose is Purpose.NOTICE else call.purpose
    if purpose in _MARKED:
        return say(f"call.mark.{purpose}", language, mark=mark)
    return say("call.mark.late", language, mark=mark) if alert.late else mark


def _besides(call: Call, alert: Alert, plan: Plan, zone: tzinfo) -> str:
    """Say first what else is to be done, or why somebody is called who is not simply told of the alert."""
    language = call.language
    match call.purpose:
        case Purpose.WHISTLE:
            return say("call.whistle", language, who=_name(call.detail.get("by", ""), plan), reason=_note(call))
        case Purpose.UNDONE:
            why, who = call.detail.get("why", "nobody-on-site"), _name(call.detail.get("who", ""), plan)
            return say(f"call.undone.{why}", language, who=who, time=_taken(call, alert, zone))
        case Purpose.NOTICE:
            return _notice(call, alert, plan, zone)
        case Purpose.ASSIGNED | Purpose.REMINDER | Purpose.OVERDUE:
            said = say(f"call.{call.purpose}", language, until=_local(int(call.detail.get("until_at", "0")), zone))
            return _with_note(said, call)
        case Purpose.HANDED_ON | Purpose.DISPATCH | Purpose.PLAN | Purpose.HANDOVER:
            return _work(call, plan)
        case _:
            return ""


def _itself(what: str) -> str:
    """What an alert says, without the first alert of its event: where every character counts, that is on its page."""
    for language in LANGUAGES:
        what = what.partition(opening("alert.first-out", language))[0]
    return what


def _noticed(call: Call) -> str:
    """What a notice is about; empty when nobody has taken the alert, and for what is no notice."""
    detail = call.detail
    if call.purpose is not Purpose.NOTICE:
        return ""
    if "tester" in detail:
        return "no-tester"
    if "repaired" in detail:
        return "repaired"
    if call.strand:
        return f"whistle.{detail.get('whistle', 'ended')}"
    return "undone" if "why" in detail else ""


def _notice(call: Call, alert: Alert, plan: Plan, zone: tzinfo) -> str:
    """Say what somebody is told of who need not come: the operator, or whoever blew a whistle."""
    language, detail = call.language, call.detail
    about = _noticed(call)
    if about.startswith("whistle"):
        by = _name(detail.get("by", ""), plan)
        return _of_whistle(call, plan) + say("call.notice.whistle", language, by=by, reason=_note(call))
    who = _name(detail.get("tester", "") or detail.get("who", ""), plan)
    return say(f"call.notice.{about}" if about else "call.notice", language, who=who, time=_taken(call, alert, zone))


def _of_whistle(call: Call, plan: Plan) -> str:
    """What became of a whistle, for which posts."""
    language, detail = call.language, call.detail
    comma = say("call.bundle.and", language)
    whom = comma.join(name_of("role", role, language) for role in detail.get("whom", "").split(","))
    to = comma.join(_name(each, plan) for each in detail.get("to", "").split(","))
    return say(f"call.notice.{_noticed(call)}", language, who=_name(detail.get("who", ""), plan), whom=whom, to=to)


def _taken(call: Call, alert: Alert, zone: tzinfo) -> str:
    """When whoever had the alert when the call was made took it."""
    taken_at = call.detail.get("taken_at", "") or str(alert.acknowledged_at or "")
    return _local(int(taken_at), zone) if taken_at else ""


def _work(call: Call, plan: Plan) -> str:
    """Say whose work somebody is given, or how much of it there is for who comes on duty."""
    language = call.language
    if call.purpose is Purpose.HANDOVER:
        there = plan.org.places.get(call.place)
        counts = {key: call.detail.get(key, "1") for key in ("open", "waiting")}
        return say("call.hand-over", language, place=_short(there.name if there else call.place), **counts)
    return _with_note(say(f"call.{call.purpose}", language, who=_name(call.detail.get("by", ""), plan)), call)


def _with_note(said: str, call: Call) -> str:
    note = _note(call)
    return f"{said}{say('call.deed.note', call.language, note=note)}" if note else said


def _note(call: Call) -> str:
    """What somebody typed for whoever is called: an order, or why they are called."""
    return " ".join((call.detail.get("note") or call.detail.get("reason", "")).split())


def _day_and_clock(at: Instant, zone: tzinfo, language: str) -> str:
    """A deadline in short; the last minute of a day is that day."""
    local = moment(at).astimezone(zone)
    clock = f"{local:%H:%M}"
    day = say("call.day", language, month=local.month, day=local.day)
    return day if clock == "23:59" else f"{day} {clock}"


def _name(who: str, plan: Plan) -> str:
    person = plan.org.people.get(who)
    return _short(person.name if person is not None else who)


def _value(alert: Alert, language: str) -> str:
    device_class = CLASSES.get(alert.device_class)
    metric = device_class.metrics.get(alert.metric) if device_class is not None else None
    if metric is None or alert.value is None or not math.isfinite(alert.value):
        return ""
    label = metric.en if language == "en" else metric.zh
    unit = "" if metric.unit == "1" else f" {metric.unit.replace('degC', '°C')}"
    return say("call.value", language, label=label, value=f"{alert.value:.4g}", unit=unit)


def _local(at: Instant, zone: tzinfo) -> str:
    return moment(at).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def _short(name: str) -> str:
    one_line = " ".join(name.split())
    return one_line if len(one_line) <= _MOST_NAME else one_line[: _MOST_NAME - 1] + "…"
