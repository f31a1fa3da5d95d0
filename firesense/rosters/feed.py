"""Duties as a calendar (iCalendar, RFC 5545) that a telephone can subscribe to: of a person, or of a post."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from icalendar import Calendar, Event

from firesense.domain.instant import DAY, moment
from firesense.text import name_of, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from firesense.domain.instant import Instant
    from firesense.domain.place import Org, Post
    from firesense.domain.roster import Span
    from firesense.ports import Feed

BEHIND, AHEAD = 7 * DAY, 92 * DAY
_REFRESHED = timedelta(hours=1)


def calendar_of(org: Org, feed: Feed, now: Instant, language: str = "zh") -> bytes:
    """Make the calendar of a feed, from a week ago to three months ahead. No numbers or addresses are in it.

    Who holds a post always has no event for it; a person on duty for several days on end has one.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//firesense//rosters//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", _title(org, feed, language))
    calendar.add("refresh-interval", _REFRESHED, parameters={"value": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    for post in org.posts.values():
        if not feed.person and (post.place, post.role) != (feed.place, feed.role):
            continue
        for span in _duties(org, post, feed.person, now - BEHIND, now + AHEAD):
            event = Event()
            # a duty that began before the window has another uid in every copy, were it named by its beginning
            named = span.ends_at if span.begins_at == now - BEHIND else span.begins_at
            event.add("uid", f"{named}-{post.role}-{post.place}-{feed.person}@firesense")
            event.add("dtstamp", moment(now))
            event.add("dtstart", moment(span.begins_at))
            event.add("dtend", moment(span.ends_at))
            names = "、".join(org.people[one].name for one in span.people if one in org.people)
            place = org.places[post.place]
            key = "roster.event.person" if feed.person else "roster.event.post"
            event.add(
                "summary", say(key, language, place=place.name, role=name_of("role", post.role, language), names=names)
            )
            event.add("location", place.address or place.name)
            calendar.add_component(event)
    return bytes(calendar.to_ical())


def _title(org: Org, feed: Feed, language: str) -> str:
    if feed.person:
        person = org.people.get(feed.person)
        return say("roster.calendar", language, what=person.name if person else feed.person)
    place = org.places.get(feed.place)
    what = f"{place.name if place else feed.place} {name_of('role', feed.role, language)}"
    return say("roster.calendar", language, what=what)


def _duties(org: Org, post: Post, person: str, start: Instant, end: Instant) -> Iterator[Span]:
    """The spans of a post that are an event: of the person, joined where only the others change."""
    if not post.rosters and not org.rosters.changes:
        return
    spans = [span for span in org.changes(post, start, end) if (person in span.people if person else span.people)]
    joined: list[Span] = []
    for span in spans:
        last = joined[-1] if joined else None
        if person and last is not None and last.ends_at == span.begins_at:
            joined[-1] = type(span)(last.begins_at, span.ends_at, last.people)
        else:
            joined.append(span)
    for span in joined:
        if (span.begins_at, span.ends_at) != (start, end):
            yield span
