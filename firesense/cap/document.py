"""A bulletin -> its CAP 1.2 document, in Chinese and English."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from firesense.cap.bulletins import Kind, beijing, bulletins, denies, named
from firesense.domain.alert import AlertClass, Finding, Grade
from firesense.domain.catalogue import CLASSES
from firesense.domain.errors import NotFound
from firesense.domain.hazard import REPORTED_RULE
from firesense.domain.rule import RuleKind
from firesense.text import LANGUAGES, TEXTS, say

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from firesense.cap.bulletins import Bulletin
    from firesense.domain.alert import Alert
    from firesense.domain.escalation import Step
    from firesense.domain.place import Place
    from firesense.domain.plan import Plan

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
_DIVISION = re.compile(r"[0-9]{6}")  # GB/T 2260: province, prefecture, county
_UNIT_UNKNOWN = "00000000"  # DDDUUUXX of GB/T 35965.1: nobody gave us an institution's code
_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, production 2
_HEADLINE_MOST = 160  # CAP 1.2 3.2.2: what many devices show of it
_LINE_MOST = 1000  # characters: own bound, names and texts come from people
_LANGUAGE_TAGS = {"zh": "zh-CN", "en": "en"}

_CATEGORIES: Mapping[AlertClass, Sequence[str]] = {
    AlertClass.FIRE: ("Fire",),
    AlertClass.HAZARD: ("Fire", "Infra"),
    AlertClass.FAULT: ("Infra",),
    AlertClass.TEST: ("Fire",),
}
_RESPONSES = {AlertClass.FIRE: "Assess", AlertClass.HAZARD: "Monitor", AlertClass.FAULT: "Monitor"}
_URGENCIES = {AlertClass.FIRE: "Immediate", AlertClass.HAZARD: "Expected", AlertClass.FAULT: "Future"}
_SEVERITIES: Mapping[AlertClass, Mapping[Grade, str]] = {
    AlertClass.FIRE: dict.fromkeys(Grade, "Severe"),
    AlertClass.HAZARD: {Grade.MINOR: "Minor", Grade.GENERAL: "Moderate", Grade.MAJOR: "Severe"},
    AlertClass.FAULT: {Grade.MINOR: "Minor", Grade.GENERAL: "Minor", Grade.MAJOR: "Moderate"},
    AlertClass.TEST: dict.fromkeys(Grade, "Unknown"),
}


def cap_document(
    alert: Alert,
    story: Iterable[Step],
    plan: Plan,
    *,
    number: int | None = None,
    sender: str = "",
    exercise: bool = False,
) -> bytes:
    """Write one CAP message of an alert as XML in UTF-8: the newest, or that of this number (from 0).

    ``story`` is the alert's, in order. ``plan`` gives the names of device and places, and the limit of the rule as long
    as it is the one that raised the alert. ``sender`` is the GB/T 35965.1 code of who sends (14 digits); by default the
    division code of the org's root with zeros behind it. An ``exercise`` is marked so in every headline. Addresses,
    names and notes of people stay out of it. Raises NotFound when there is no message of that number.
    """
    written = bulletins(alert, story, sender or _sender(plan))
    if number is None:
        number = len(written) - 1
    if not 0 <= number < len(written):
        raise NotFound(f"alert {alert.id} has CAP messages 0 to {len(written) - 1}")
    return _Writer(alert, written[number], plan, exercise).document()


def _sender(plan: Plan) -> str:
    root = plan.org.root
    return _division(root.code if root else "") + _UNIT_UNKNOWN


def _division(code: str) -> str:
    found = _DIVISION.match(code)
    return found.group() if found else "000000"


@dataclass(slots=True)
class _Writer:
    alert: Alert
    bulletin: Bulletin
    plan: Plan
    exercise: bool

    def document(self) -> bytes:
        """The elements in the order of the schema."""
        bulletin = self.bulletin
        root = Element("alert", {"xmlns": NAMESPACE})
        _add(root, "identifier", bulletin.identifier)
        _add(root, "sender", bulletin.identifier.partition("_")[0])
        _add(root, "sent", beijing(bulletin.sent_at))
        _add(root, "status", self._status)
        _add(root, "msgType", bulletin.kind.message_type)
        _add(root, "source", "firesense")
        _add(root, "scope", "Restricted")
        _add(root, "restriction", " / ".join(say("cap.restriction", language) for language in LANGUAGES))
        if self._status != "Actual":
            note = f"cap.note.{self._status.lower()}"
            _add(root, "note", " / ".join(say(note, language) for language in LANGUAGES))
        if bulletin.references:
            _add(root, "references", " ".join(bulletin.references))
        _add(root, "incidents", named(self.alert.id))
        for language in LANGUAGES:
            self._info(root, language)
        indent(root)
        written: bytes = tostring(root, encoding="UTF-8", xml_declaration=True)
        return written + b"\n"

    def _info(self, root: Element, language: str) -> None:
        alert_class, over = self.alert.alert_class, self._over
        info = SubElement(root, "info")
        _add(info, "language", _LANGUAGE_TAGS[language])
        for category in _CATEGORIES[alert_class]:
            _add(info, "category", category)
        _add(info, "event", self._event(language))
        _add(info, "responseType", self._response)
        _add(info, "urgency", "Past" if over else _URGENCIES.get(alert_class, "Unknown"))
        _add(info, "severity", self._severity)
        _add(info, "certainty", self._certainty)
        _add(info, "effective", beijing(self.bulletin.sent_at))
        _add(info, "onset", beijing(self.alert.event_at))
        if (root_place := self.plan.org.root) is not None:
            _add(info, "senderName", root_place.name)
        _add(info, "headline", self._headline(language), most=_HEADLINE_MOST)
        _add(info, "description", self._description(language), most=None)
        _add(info, "instruction", say("cap.do.over" if over else f"cap.do.{alert_class}", language))
        for name, value in self._parameters():
            _pair(info, "parameter", name, value)
        self._area(info, language)

    # -- what it says -----------------------------------------------------------------------------------------------
    @property
    def _status(self) -> str:
        if self.exercise:
            return "Exercise"
        return "Test" if self.alert.alert_class is AlertClass.TEST else "Actual"

    @property
    def _over(self) -> bool:
        return self.bulletin.kind in {Kind.ALL_CLEAR, Kind.CANCEL}

    @property
    def _response(self) -> str:
        if self.bulletin.kind is Kind.ALL_CLEAR:
            return "AllClear"
        return "None" if self._over else _RESPONSES.get(self.alert.alert_class, "None")

    @property
    def _severity(self) -> str:
        alert_class = self.alert.alert_class
        several = any(rule.id == self.alert.rule and rule.kind is RuleKind.COINCIDENCE for rule in self.plan.rules)
        if several and alert_class is AlertClass.FIRE:
            return "Extreme"
        return _SEVERITIES[alert_class][self.alert.grade]

    @property
    def _certainty(self) -> str:
        if self.bulletin.kind is Kind.CANCEL or denies(self.bulletin.finding, self.alert.alert_class):
            return "Unlikely"
        match self.alert.alert_class:
            case AlertClass.FIRE:  # a detector says so; that it burns is known when someone has seen it
                return "Observed" if self.bulletin.finding is Finding.FIRE else "Likely"
            case AlertClass.TEST:
                return "Unknown"
            case _:
                return "Observed"

    def _event(self, language: str) -> str:
        text = say(f"class.{self.alert.alert_class}", language)
        if self.alert.alert_class is AlertClass.HAZARD:
            text = say("call.mark.hazard", language, grade=say(f"grade.{self.alert.grade}", language))
        return text

    def _headline(self, language: str) -> str:
        mark, bulletin = self._event(language), self.bulletin
        match bulletin.kind:
            case Kind.UPDATE:
                at = {"round": bulletin.round + 1, "rung": bulletin.rung + 1}
                mark = say("cap.mark.climbed", language, mark=mark, **at)
            case Kind.VERIFIED:
                mark = say("cap.mark.verified", language, mark=mark)
            case Kind.CANCEL:
                mark = say("cap.mark.cancelled", language, mark=mark)
            case Kind.ALL_CLEAR:
                mark = say("cap.mark.closed", language, mark=mark)
        if self.exercise:
            mark = say("cap.mark.exercise", language, mark=mark)
        place = self._places[-1].name if self._places else self.alert.place
        if not self.alert.device:  # somebody reported it
            return say("call.title.place", language, mark=mark, place=place)
        return say("call.title", language, mark=mark, place=place, device=self.alert.device)

    def _description(self, language: str) -> str:
        alert, bulletin = self.alert, self.bulletin
        device = self.plan.registry.get(alert.device)
        lines = [
            say("call.what", language, what=self._what(language)),
            say("call.place", language, place=self._area_description(language)),
        ]
        if alert.device:
            lines.append(
                say("call.device", language, device=f"{alert.device} {device.name}" if device else alert.device)
            )
        lines.append(say("call.time", language, time=beijing(alert.event_at)))
        if bulletin.kind is Kind.UPDATE:
            roles = ", ".join(_label("role", role, language) for role in bulletin.roles)
            lines.append(say("cap.climbed", language, round=bulletin.round + 1, rung=bulletin.rung + 1, roles=roles))
        if bulletin.kind is Kind.VERIFIED and bulletin.finding:
            lines.append(say("cap.verified", language, finding=_label("finding", bulletin.finding, language)))
        if self._over:
            finding = bulletin.finding
            lines.append(say("cap.closed", language, finding=_label("finding", finding, language) if finding else "-"))
        return "\n".join(_line(line) for line in lines)

    def _what(self, language: str) -> str:
        """What there is. People's own words name whom they please: of what was reported, only the grade is told."""
        alert = self.alert
        if alert.rule == REPORTED_RULE:
            return say("cap.reported", language, grade=say(f"grade.{alert.grade}", language))
        return alert.text.get(language) or alert.text.get("zh") or alert.rule

    def _parameters(self) -> Iterable[tuple[str, str]]:
        alert, bulletin = self.alert, self.bulletin
        known = CLASSES.get(alert.device_class)
        metric = known.metrics.get(alert.metric) if known else None
        value = bulletin.value if bulletin.value is not None and math.isfinite(bulletin.value) else None
        rule = next((r for r in self.plan.rules if (r.id, r.version) == (alert.rule, alert.rule_version)), None)
        given = {
            "alert": alert.id,
            "message": str(bulletin.number),
            "device": alert.device,
            "deviceClass": alert.device_class,
            "metric": alert.metric if value is not None else "",
            "value": "" if value is None else f"{value:g}",
            "unit": metric.unit if metric and value is not None else "",
            "rule": alert.rule,
            "threshold": rule.when if rule else "",
            "grade": alert.grade.value,
            "late": "true" if alert.late else "",
            "rung": str(bulletin.rung + 1),
            "round": str(bulletin.round + 1),
            "finding": bulletin.finding.value if bulletin.finding else "",
        }
        return ((f"firesense:{name}", value) for name, value in given.items() if value)

    # -- where ------------------------------------------------------------------------------------------------------
    @property
    def _places(self) -> list[Place]:
        """From the root to where the alert belongs; empty for a place nobody knows."""
        return list(self.plan.org.path(self.alert.place))[::-1]

    def _area_description(self, language: str) -> str:
        names = " / ".join(place.name for place in self._places)
        return names or self.alert.place or say("cap.nowhere", language)

    def _area(self, info: Element, language: str) -> None:
        area = SubElement(info, "area")
        _add(area, "areaDesc", self._area_description(language))
        if _DIVISION.match(self.alert.place):
            _pair(area, "geocode", "行政区划代码", _division(self.alert.place))
        if self.alert.place:
            _pair(area, "geocode", "网格编码", self.alert.place)


def _add(parent: Element, name: str, text: str, *, most: int | None = _LINE_MOST) -> None:
    SubElement(parent, name).text = _fit(text) if most is None else _line(text, most)


def _pair(parent: Element, name: str, value_name: str, value: str) -> None:
    element = SubElement(parent, name)
    _add(element, "valueName", value_name)
    _add(element, "value", value)


def _fit(text: str) -> str:
    """Leave out what XML cannot say: control characters and halves of characters."""
    return _UNFIT.sub("\ufffd", text)


def _line(text: str, most: int = _LINE_MOST) -> str:
    one = " ".join(_fit(text).split())
    return one if len(one) <= most else one[: most - 1] + "…"


def _label(section: str, name: str, language: str) -> str:
    key = f"{section}.{name}"
    return say(key, language) if key in TEXTS else name
