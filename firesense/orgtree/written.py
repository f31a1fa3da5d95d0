"""The org file in YAML: the tree as people write it, and as it is written for them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import yaml
from pydantic import BeforeValidator, Field

from firesense.domain.phone import canonical_phone
from firesense.domain.roster import EVERY_WEEKDAY, Days
from firesense.orgtree.checking import LONG_AGO
from firesense.orgtree.draft import Draft, Row, Where
from firesense.orgtree.words import WEEKDAYS
from firesense.yamlfile import Written, read_shape

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from firesense.domain.place import Org, Place, Post
    from firesense.domain.roster import Roster, Rotation


def _words(value: object) -> object:
    """YAML makes days of 2026-01-05 and numbers of 13900010001; both are words here."""
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _phone(value: object) -> object:
    written = _words(value)
    return canonical_phone(written) if isinstance(written, str) else written


_Word = Annotated[str, BeforeValidator(_words)]
_Words = Annotated[tuple[str, ...], BeforeValidator(lambda value: (value,) if isinstance(value, str) else value)]


class _Person(Written):
    name: str = ""
    phone: Annotated[str, BeforeValidator(_phone)] = ""
    language: str = ""
    quiet: _Word = ""
    addresses: dict[str, str] = Field(default_factory=dict)


class _Rotation(Written):
    teams: tuple[_Words, ...] = ()
    start: _Word = ""
    turn: str = ""
    begins: _Word = Field(default="", alias="from")
    ends: _Word = Field(default="", alias="to")
    weekdays: _Words = ()
    days: str = ""
    until: _Word = ""


class _Roster(Written):
    name: str = ""
    rotations: list[_Rotation] = Field(min_length=1)


class _Post(Written):
    holders: tuple[str, ...] = ()
    rosters: tuple[str, ...] = ()


def _post(value: object) -> object:
    return value if isinstance(value, Mapping) else {"holders": value}


class _Place(Written):
    code: _Word = ""
    name: str = ""
    kind: str = ""
    tags: tuple[str, ...] = ()
    address: str = ""
    scheme: str | None = None
    posts: dict[str, Annotated[_Post, BeforeValidator(_post)]] = Field(default_factory=dict)
    places: tuple[_Place, ...] = ()


class _OrgFile(Written):
    people: dict[str, _Person]
    rosters: dict[str, _Roster] = Field(default_factory=dict)
    root: _Place


def read_yaml_org(path: Path) -> Draft:
    """Read a tree. Raises ConfigError when it is not YAML, or not in the shape of one."""
    written = read_shape(path, _OrgFile)
    file = str(path)
    draft = Draft()
    for key, person in written.people.items():
        draft.people.append(Row(Where(file, f"people.{key}"), {"id": key} | person.model_dump()))
    for key, roster in written.rosters.items():
        for number, rotation in enumerate(roster.rotations):
            values = {"roster": key, "name": roster.name} | rotation.model_dump(by_alias=True)
            draft.rotations.append(Row(Where(file, f"rosters.{key}.rotations[{number}]"), values))
    for at, parent, place, scheme in _walk(written.root, "root", "", ""):
        where = Where(file, at)
        values = place.model_dump(exclude={"places", "posts"}) | {"parent": parent, "scheme": scheme}
        draft.places.append(Row(where, values))
        for role, post in place.posts.items():
            at_post = Where(file, f"{at}.posts.{role}")
            draft.posts.append(Row(at_post, {"place": place.code, "role": role} | post.model_dump()))
    return draft


def _walk(place: _Place, at: str, parent: str, scheme: str) -> Iterator[tuple[str, str, _Place, str]]:
    """A place with its parent and the scheme of its code, which is its parent's unless it says so; then those below."""
    mine = scheme if place.scheme is None else place.scheme
    yield at, parent, place, mine
    for number, child in enumerate(place.places):
        yield from _walk(child, f"{at}.places[{number}]", place.code, mine)


# -- writing ----------------------------------------------------------------------------------------------------------
class _Dumper(yaml.SafeDumper):
    """Writes short lists on one line, and words that YAML would misread in quotes."""


def _short_lists(dumper: yaml.SafeDumper, items: list[Any]) -> yaml.Node:
    flat = all(isinstance(item, str) for item in items)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=flat)


_Dumper.add_representer(list, _short_lists)


def yaml_org(org: Org) -> str:
    """Write an org as a tree that reads back as the same org."""
    tree: dict[str, Any] = {
        "people": {
            person.id: _said(
                name=person.name,
                phone=person.phone,
                language="" if person.language == "zh" else person.language,
                quiet=person.quiet,
                addresses=dict(person.addresses),
            )
            for person in org.people.values()
        }
    }
    if org.rosters.by_id:
        tree["rosters"] = {roster.id: _roster(roster) for roster in org.rosters.by_id.values()}
    children: dict[str, list[Place]] = {}
    posts: dict[str, list[Post]] = {}
    for place in org.places.values():
        children.setdefault(place.parent, []).append(place)
    for post in org.posts.values():
        posts.setdefault(post.place, []).append(post)
    for root in children.get("", [])[:1]:
        tree["root"] = _place(root, children, posts, "")
    return yaml.dump(tree, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=120)


def _said(**values: object) -> dict[str, object]:
    """What is not empty."""
    return {name.rstrip("_"): value for name, value in values.items() if value}


def _place(place: Place, children: Mapping[str, list[Place]], posts: Mapping[str, list[Post]], above: str) -> Any:
    written = _said(code=place.code, name=place.name, kind=place.kind, tags=list(place.tags), address=place.address)
    if place.scheme != above:
        written["scheme"] = place.scheme
    if held := posts.get(place.code):
        written["posts"] = {
            post.role: _said(holders=list(post.holders), rosters=list(post.rosters))
            if post.rosters
            else list(post.holders)
            for post in held
        }
    if below := children.get(place.code):
        written["places"] = [_place(child, children, posts, place.scheme) for child in below]
    return written


def _roster(roster: Roster) -> Any:
    return _said(name=roster.name) | {"rotations": [_rotation(rotation) for rotation in roster.rotations]}


def _rotation(rotation: Rotation) -> Any:
    teams = [team[0] if len(team) == 1 else list(team) for team in rotation.teams]
    return {"teams": teams} | rotation_words(rotation)


def rotation_words(rotation: Rotation) -> dict[str, Any]:
    """A rotation but for its teams, in words; what goes without saying is left out."""
    return _said(
        start="" if rotation.start == LONG_AGO else rotation.start.isoformat(),
        turn=f"{rotation.turn}{'w' if rotation.in_weeks else 'd'}" if len(rotation.teams) > 1 else "",
        from_=rotation.begins.strftime("%H:%M"),
        to="" if rotation.ends == rotation.begins else rotation.ends.strftime("%H:%M"),
        weekdays=[] if rotation.weekdays == EVERY_WEEKDAY else [WEEKDAYS[day] for day in sorted(rotation.weekdays)],
        days="" if rotation.days is Days.EVERY else str(rotation.days),
        until=rotation.until.isoformat() if rotation.until else "",
    )
