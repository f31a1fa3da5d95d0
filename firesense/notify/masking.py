"""Addresses as they may stand in a log, and people as they may stand in what is given away."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_SHOWN_BEFORE = 3
_SHOWN_AFTER = 2
_SHORTEST = 8
HIDDEN = "**"  # instead of what may say anything


def masked(address: str) -> str:
    """Show enough to tell addresses apart and not enough to use one: ``138**78``, ``l**@example.com``."""
    if "://" in address:
        scheme, _, rest = address.partition("://")
        return f"{scheme}://{rest.partition('/')[0].rpartition('@')[2]}/…"
    user, at, domain = address.rpartition("@")
    if at and "." in domain:
        return f"{user[:1]}**@{domain}"
    if len(address) < _SHORTEST:
        return f"{address[:1]}**"
    return f"{address[:_SHOWN_BEFORE]}**{address[-_SHOWN_AFTER:]}"


class Pseudonyms:
    """Calls people by numbers: the same person by the same one wherever the same org is behind it.

    ``p1``, ``p2``, ... are the people of the org in its order; ``x1``, ``x2``, ... is everybody else, in the order in
    which they come. ``also`` are other names of people of the org, such as those of users.
    """

    def __init__(self, people: Iterable[str], also: Mapping[str, str] | None = None) -> None:
        self._known = {person: f"p{number}" for number, person in enumerate(people, start=1)}
        self._known |= {name: self._known[who] for name, who in (also or {}).items() if who in self._known}
        self._others: dict[str, str] = {}

    def __contains__(self, name: object) -> bool:
        """Whether that is a person of the org."""
        return name in self._known

    def of(self, name: str) -> str:
        """The number of one; of several between commas, the number of each. Nobody is nobody."""
        return ",".join(self._of(one) for one in name.split(","))

    def _of(self, name: str) -> str:
        if not name:
            return ""
        return self._known.get(name) or self._others.setdefault(name, f"x{len(self._others) + 1}")
