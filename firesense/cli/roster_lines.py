"""Who is on duty, what is missing and what is handed over, as lines of a terminal in the language of the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from firesense.cli.terminal import plain
from firesense.domain.instant import moment
from firesense.domain.roster import ChangeKind
from firesense.text import name_of, say

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import tzinfo

    from firesense.domain.alert import Alert
    from firesense.domain.instant import Instant
    from firesense.domain.place import Org
    from firesense.domain.roster import Change
    from firesense.rosters import Coverage, Emptied, Handover, Lonely
    from firesense.settings import Settings


def wall(at: Instant, zone: tzinfo) -> str:
    """Write an instant as clocks on the wall show it, to the minute."""
    return moment(at).astimezone(zone).strftime("%Y-%m-%d %H:%M")


class Lines:
    """Says it all for one org."""

    def __init__(self, org: Org, settings: Settings) -> None:
        """``settings`` have the language and the time zone."""
        self._org = org
        self._language = settings.language
        self._zone = ZoneInfo(settings.zone)

    def duties(self, start: Instant, end: Instant, place: str = "") -> Iterator[str]:
        """Who is on duty, post by post; with a place, there and below."""
        for post in self._org.posts.values():
            if place and not any(above.code == place for above in self._org.path(post.place)):
                continue
            yield f"{self._where(post.place)}  {self._role(post.role)}  {plain(post.role)}"
            for span in self._org.changes(post, start, end):
                yield f"  {self._span(span.begins_at, span.ends_at)}  {self._names(span.people)}"

    def change(self, change: Change) -> str:
        """What is changed for a while, with the id that takes it back."""
        kind = "leave" if change.kind is ChangeKind.LEAVE else "stands-in" if change.person else "besides"
        people = {"person": self._named(change.person), "stand_in": self._named(change.stand_in)}
        what = self._say(f"change.{kind}", **people)
        span = self._span(change.begins_at, change.ends_at)
        return "  ".join(part for part in (change.id, span, what, plain(change.roster), plain(change.note)) if part)

    def revoked(self, change: Change) -> str:
        """What was taken back."""
        return self._say("change.revoked", line=self.change(change))

    def empty(self, one: Emptied | Lonely) -> str:
        """When nobody is on duty at a post."""
        return self._say(
            "empty",
            span=self._span(one.begins_at, one.ends_at),
            where=self._where(one.post.place),
            role=self._role(one.post.role),
        )

    def coverage(self, found: Coverage, days: int) -> Iterator[str]:
        """What is missing, and at last how much of each."""
        for hole in found.holes:
            classes = self._list(name_of("class", one, self._language) for one in hole.alert_classes)
            span = self._span(hole.begins_at, hole.ends_at)
            yield self._say("hole", span=span, where=self._where(hole.place, below=hole.below), classes=classes)
        for one in found.empty:
            yield self.empty(one)
        for post in found.vacant:
            yield self._say("vacant", where=self._where(post.place), role=self._role(post.role))
        for person in found.unreachable:
            yield self._say("unreachable", name=plain(person.name), id=person.id)
        for person in found.idle:
            yield self._say("idle", name=plain(person.name), id=person.id)
        for one in found.alone:
            yield self._say(
                "alone",
                span=self._span(one.begins_at, one.ends_at),
                where=self._where(one.post.place),
                role=self._role(one.post.role),
                name=self._names((one.person,)),
            )
        missing = self._say(
            "missing",
            vacant=len(found.vacant),
            unreachable=len(found.unreachable),
            idle=len(found.idle),
            alone=len({one.post for one in found.alone}),
            empty=len(found.empty),
        )
        yield self._say("sum", places=len(self._org.places), days=days, holes=len(found.holes), missing=missing)

    def handover(self, report: Handover, now: Instant) -> Iterator[str]:
        """What the next shift of a place has to know."""
        where, at = self._where(report.place.code), wall(now, self._zone)
        yield self._say("handover", where=where, at=at, open=len(report.alerts), waiting=report.waiting)
        for post, present, following in report.posts:
            role, names = self._role(post.role), self._names(present.people)
            if following is None:
                yield self._say("on.always", role=role, names=names)
                continue
            yield self._say("on", role=role, names=names, until=wall(present.ends_at, self._zone))
            yield self._say("then", names=self._names(following.people))
        for alert in report.alerts:
            yield self._alert(alert)

    def _alert(self, alert: Alert) -> str:
        place = self._org.places.get(alert.place)
        has = self._say("with", who=self._names((alert.acknowledged_by,))) if alert.acknowledged_by else ""
        return self._say(
            "alert",
            id=alert.id,
            at=wall(alert.raised_at, self._zone),
            kind=name_of("class", alert.alert_class, self._language),
            place=plain(place.name if place else alert.place),
            text=plain(alert.text.get(self._language) or alert.text.get("zh") or alert.rule),
            has=has or self._say("with.nobody"),
        )

    # -- words ------------------------------------------------------------------------------------------------------
    def _say(self, key: str, **values: object) -> str:
        return say(f"roster.{key}", self._language, **values)

    def _span(self, begins_at: Instant, ends_at: Instant) -> str:
        return self._say("span", begins=wall(begins_at, self._zone), ends=wall(ends_at, self._zone))

    def _where(self, code: str, *, below: bool = False) -> str:
        name = plain(self._org.places[code].name)
        return self._say("place", name=name, code=code, below=self._say("below") if below else "")

    def _role(self, role: str) -> str:
        return plain(name_of("role", role, self._language))

    def _list(self, words: Iterable[str]) -> str:
        return self._say("and").join(words)

    def _named(self, person: str) -> str:
        known = self._org.people.get(person)
        return self._say("place", name=plain(known.name), code=person, below="") if known else plain(person)

    def _names(self, people: Iterable[str]) -> str:
        known = self._org.people
        return self._list(plain(known[one].name if one in known else one) for one in people) or self._say("nobody")
