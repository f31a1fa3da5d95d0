"""Whom people mean: by id, or by a name that only one has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from firesense.domain.errors import Conflict, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from firesense.domain.place import Org


class _Named(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...


def person_called(org: Org, said: str) -> str:
    """The id of a person by id or name; raises NotFound, Conflict when several are called that."""
    return _called(org.people, said, "nobody is called")


def roster_called(org: Org, said: str) -> str:
    """The same for a roster."""
    return _called(org.rosters.by_id, said, "there is no roster")


def _called(known: Mapping[str, _Named], said: str, nothing: str) -> str:
    said = said.strip()
    if said in known:
        return said
    found = [one.id for one in known.values() if said and one.name == said]
    if not found:
        raise NotFound(f"{nothing} {said!r}")
    if len(found) > 1:
        ids = ", ".join(found)
        raise Conflict(f"{said!r} may be {ids}", "conflict.roster.several", who=said, ids=ids)
    return found[0]
