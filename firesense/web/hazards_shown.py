"""Hazards as people see them: the lists of problems (问题清单) and of responsibility (责任清单), and the places."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import datetime, time
from typing import TYPE_CHECKING

from firesense.domain.instant import DAY, HOUR, instant, moment
from firesense.domain.phone import without_phones
from firesense.hazards import of_rule, standings
from firesense.text import say
from firesense.web.shown import label, path_of, person_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, tzinfo

    from firesense.domain.deed import Actor
    from firesense.domain.hazard import Hazard
    from firesense.domain.instant import Instant
    from firesense.domain.plan import Plan
    from firesense.hazards import Standing
    from firesense.ports import Book

LISTED_MOST = 200
_LAST_SECOND = time(23, 59, 59)  # a day people name counts whole (民法典 art. 203), and is still that day when shown


@dataclass(frozen=True, slots=True)
class HazardShown:
    """A hazard in words. ``contact`` is how a resident can be reached, for those who may see it.

    ``left`` says how long there is until its present state has to be over, or how late it is.
    """

    hazard: Hazard
    places: tuple[str, ...]
    responsible: str
    reporter: str
    contact: str
    overdue: bool
    left: str


@dataclass(frozen=True, slots=True)
class PlaceShown:
    """A place and how it stands; ``depth`` is 0 for the root, ``days`` since it has been zero, or has not."""

    standing: Standing
    name: str
    kind: str
    depth: int
    days: int | None


def show_hazard(hazard: Hazard, plan: Plan, now: Instant, language: str, reader: Actor | None = None) -> HazardShown:
    """Put a hazard into words. How a resident can be reached is for a ``reader`` who may act at its place alone."""
    path = path_of(plan, hazard.place)
    names = [person_name(plan, hazard.responsible)] if hazard.responsible else []
    roles = [label(language, "role", hazard.role)] if hazard.role else []
    return HazardShown(
        hazard,
        tuple(place.name for place in path) or (hazard.place,),
        " ".join(roles + names),
        person_name(plan, hazard.reporter),
        hazard.contact if reader is not None and _acts_at(reader, [place.code for place in path]) else "",
        hazard.overdue(now),
        "" if hazard.until_at is None or not hazard.open else _left(hazard.until_at, now, language),
    )


def _left(until: Instant, now: Instant, language: str) -> str:
    """How long there is, or how late it is: in whole days, in hours on the last day and on the first one late."""
    key, span = ("hazard.left", until - now) if until >= now else ("hazard.late", now - until)
    if span >= DAY:
        return say(key, language, days=span // DAY)
    return say(f"{key}.hours", language, hours=span // HOUR) if span >= HOUR else say(f"{key}.hour", language)


def listed(
    book: Book,
    plan: Plan,
    now: Instant,
    language: str,
    *,
    place: str = "",
    open_only: bool = True,
    overdue: bool = False,
    after: str = "",
    most: int = LISTED_MOST,
    reader: Actor | None = None,
) -> tuple[list[HazardShown], str]:
    """List hazards, the newest first, with what the following page begins after; empty when there is none.

    The first page of what is open begins with the alerts of devices that nobody has accepted yet.
    """
    places = None if not place else below(plan, place)
    found = book.hazards(
        open_only=open_only, places=places, overdue_at=now if overdue else None, most=most + 1, after=after
    )
    waiting = [] if after or overdue else [of_rule(alert) for alert in book.waiting_hazards(most)]
    waiting = [hazard for hazard in waiting if places is None or hazard.place in places]
    following = found[most - 1].alert if len(found) > most else ""
    return [show_hazard(hazard, plan, now, language, reader) for hazard in [*waiting, *found[:most]]], following


def _acts_at(reader: Actor, path: Sequence[str]) -> bool:
    return reader.rights.may_act and (not reader.place or reader.place in path)


def responsibility(shown: Iterable[HazardShown]) -> list[tuple[str, list[HazardShown]]]:
    """Group what is to be put right by who has to do it: whoever is latest first, and of each what is due first."""
    by_whom: dict[tuple[str, str], list[HazardShown]] = {}
    for each in shown:
        if each.hazard.open and each.hazard.accepted_at is not None:
            # A post is another one at another place; a person or a department is the same everywhere.
            where = "" if each.hazard.responsible else " › ".join(each.places[-2:])
            by_whom.setdefault((each.responsible, where), []).append(each)
    groups = [
        (f"{whom} · {where}" if where else whom, sorted(theirs, key=lambda each: each.hazard.until_at or 0))
        for (whom, where), theirs in by_whom.items()
    ]
    return sorted(groups, key=lambda group: group[1][0].hazard.until_at or 0)


def show_places(book: Book, plan: Plan, now: Instant, zone: tzinfo, *, kind: str = "") -> list[PlaceShown]:
    """Say how every place stands, a place before those below it; counted in this month and this quarter."""
    month, quarter = period_starts(now, zone)
    found = {
        each.place: each
        for each in standings(book.hazard_columns(), plan.org, plan.hazards.index, now, (month, quarter))
    }
    shown: list[PlaceShown] = []
    for code, depth in _in_order(plan):
        place, standing = plan.org.places[code], found[code]
        if not kind or place.kind == kind:
            days = None if standing.since_at is None else (now - standing.since_at) // DAY
            shown.append(PlaceShown(standing, place.name, place.kind, 0 if kind else depth, days))
    if kind:
        shown.sort(key=lambda each: -each.standing.index)
    return shown


def period_starts(now: Instant, zone: tzinfo) -> tuple[Instant, Instant]:
    """When this month and this quarter began, by the wall clock."""
    local = moment(now).astimezone(zone)
    first = datetime(local.year, local.month, 1, tzinfo=zone)
    return instant(first), instant(first.replace(month=local.month - (local.month - 1) % 3))


def deadline_on(day: date, zone: tzinfo) -> Instant:
    """The instant of a day that people choose as a deadline: the last second of it, by the wall clock."""
    return instant(datetime.combine(day, _LAST_SECOND, zone))


def below(plan: Plan, place: str) -> set[str]:
    """The codes of a place and of all below it."""
    return {code for code in plan.org.places if any(each.code == place for each in plan.org.path(code))}


def _in_order(plan: Plan) -> list[tuple[str, int]]:
    """Every place with its depth, each followed by those below it."""
    below: dict[str, list[str]] = {}
    for place in plan.org.places.values():
        below.setdefault(place.parent, []).append(place.code)
    ordered: list[tuple[str, int]] = []
    waiting = [(code, 0) for code in reversed(below.get("", []))]
    while waiting:
        code, depth = waiting.pop()
        ordered.append((code, depth))
        waiting += [(child, depth + 1) for child in reversed(below.get(code, []))]
    return ordered


# -- as CSV -----------------------------------------------------------------------------------------------------------
def problems_csv(shown: Iterable[HazardShown], language: str, zone: tzinfo) -> str:
    """The list of problems: what was found where, how grave it is, and where it stands.

    Telephone numbers that people wrote into it are masked, here as in the list of responsibility: lists are passed on.
    """
    head = (
        "number",
        "place",
        "spot",
        "wrong",
        "grade",
        "source",
        "reported_at",
        "state",
        "until",
        "overdue",
        "listing",
    )
    return _csv(
        [say(f"hazard.column.{name}", language) for name in head],
        (
            [
                each.hazard.alert,
                " / ".join(each.places),
                without_phones(each.hazard.spot),
                without_phones(each.hazard.wrong),
                say(f"grade.{each.hazard.grade}", language),
                say(f"hazard.source.{each.hazard.source}", language),
                _wall(each.hazard.reported_at, zone),
                say(f"hazard.state.{each.hazard.state}", language),
                _wall(each.hazard.until_at, zone),
                say("hazard.yes", language) if each.overdue else "",
                each.hazard.listing,
            ]
            for each in shown
        ),
    )


def responsibility_csv(groups: Iterable[tuple[str, Sequence[HazardShown]]], language: str, zone: tzinfo) -> str:
    """The list of responsibility: who has to put what right by when."""
    head = ("responsible", "number", "place", "wrong", "remedy", "grade", "state", "deadline", "extensions", "failures")
    return _csv(
        [say(f"hazard.column.{name}", language) for name in (*head, "overdue")],
        (
            [
                whom,
                each.hazard.alert,
                " / ".join(each.places),
                without_phones(each.hazard.wrong),
                without_phones(each.hazard.remedy),
                say(f"grade.{each.hazard.grade}", language),
                say(f"hazard.state.{each.hazard.state}", language),
                _wall(each.hazard.deadline_at, zone),
                str(each.hazard.extensions),
                str(each.hazard.failures),
                say("hazard.yes", language) if each.overdue else "",
            ]
            for whom, theirs in groups
            for each in theirs
        ),
    )


def places_csv(shown: Iterable[PlaceShown], language: str) -> str:
    """How each place stands."""
    head = ("code", "name", "kind", "index", "open", "minor", "general", "major", "overdue_count")
    counted = ("opened_month", "closed_month", "opened_quarter", "closed_quarter", "zero", "zero_days")
    return _csv(
        [say(f"hazard.column.{name}", language) for name in (*head, *counted)],
        (
            [
                each.standing.place,
                each.name,
                label(language, "hazard.kind", each.kind),
                f"{each.standing.index:.1f}",
                *(str(count) for count in (each.standing.open, *each.standing.by_grade, each.standing.overdue)),
                *(str(each.standing.opened[0]), str(each.standing.closed[0])),
                *(str(each.standing.opened[1]), str(each.standing.closed[1])),
                say("hazard.yes", language) if each.standing.zero else "",
                "" if each.days is None else str(each.days),
            ]
            for each in shown
        ),
    )


def _csv(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table that opens in a spreadsheet: with a byte order mark, and no cell that is a formula."""
    out = io.StringIO()
    out.write("\N{ZERO WIDTH NO-BREAK SPACE}")
    table = csv.writer(out, lineterminator="\r\n")
    table.writerow(head)
    table.writerows([_harmless(cell) for cell in row] for row in rows)
    return out.getvalue()


def _harmless(cell: str) -> str:
    """A reporter chooses what stands in a cell, and a spreadsheet would run what begins like a formula."""
    return f"'{cell}" if cell[:1] in {"=", "+", "-", "@", "\t", "\r"} else cell


def _wall(at: Instant | None, zone: tzinfo) -> str:
    return "" if at is None else moment(at).astimezone(zone).strftime("%Y-%m-%d %H:%M")
