"""Addresses as they may stand in a log."""

from __future__ import annotations

_SHOWN_BEFORE = 3
_SHOWN_AFTER = 2
_SHORTEST = 8


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
