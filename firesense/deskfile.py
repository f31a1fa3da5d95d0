"""Reads ``config/desk.yaml``: causes of false alarms, and the plans for confirmed fires, checked against the org."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from firesense.domain.errors import ConfigError, Fault
from firesense.domain.practice import CAUSES, Practice, Response
from firesense.yamlfile import Written, read_shape

if TYPE_CHECKING:
    from pathlib import Path

    from firesense.domain.place import Org

_Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
_Words = Annotated[str, Field(min_length=1, max_length=60)]


class _Cause(Written):
    zh: _Words
    en: _Words


class _Response(Written):
    id: _Id
    roles: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


class _DeskFile(Written):
    causes: dict[_Id, _Cause] | None = Field(default=None, min_length=1)
    plans: tuple[_Response, ...] = ()


def load_practice(path: Path, org: Org) -> Practice:
    """Read the causes (those that are shipped, when the file has none) and the plans, in their order.

    Raises ConfigError with every fault: a plan that calls nobody, a post no place has, a person or place nobody knows,
    an id twice, no cause ``unknown``, which stands for what nobody has explained.
    """
    written, file = read_shape(path, _DeskFile), str(path)
    causes = {name: (cause.zh, cause.en) for name, cause in written.causes.items()} if written.causes else CAUSES
    faults = [] if "unknown" in causes else [Fault(file, "causes", "the cause 'unknown' is missing")]
    roles, seen = {role for _, role in org.posts}, set[str]()
    for i, plan in enumerate(written.plans):
        at = f"plans[{i}]"
        if plan.id in seen:
            faults.append(Fault(file, f"{at}.id", f"{plan.id!r} is given twice"))
        seen.add(plan.id)
        if not plan.roles and not plan.people:
            faults.append(Fault(file, at, "calls nobody: give roles or people"))
        faults += [
            Fault(file, f"{at}.{field}", f"there is no {what} {each!r}")
            for field, what, wanted, known in (
                ("roles", "place with a post", plan.roles, roles),
                ("people", "person", plan.people, org.people),
                ("places", "place", plan.places, org.places),
            )
            for each in wanted
            if each not in known
        ]
    if faults:
        raise ConfigError(faults)
    return Practice(
        causes,
        tuple(
            Response(plan.id, plan.roles, plan.people, frozenset(plan.places), frozenset(plan.tags))
            for plan in written.plans
        ),
    )
