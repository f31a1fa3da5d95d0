"""What a channel can do besides sending. Asking a protocol costs as much as a call to the book: it is asked once."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from firesense.ports import Channel

_Kind = TypeVar("_Kind")
_known: dict[tuple[type, object], bool] = {}


def can(channel: Channel, kind: Callable[..., _Kind]) -> TypeGuard[_Kind]:
    """Whether a channel is of this kind (``Metered``, ``Receipted``, ``Asked``); one answer for each class."""
    asked = type(channel), kind
    if asked not in _known:
        _known[asked] = isinstance(channel, cast("type", kind))
    return _known[asked]
