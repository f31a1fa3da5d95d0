"""Fail-over: when a channel fails, the same person is called over the next one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from firesense.domain.escalation import CallState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from firesense.domain.escalation import Call
    from firesense.domain.instant import Instant
    from firesense.domain.place import Org


def next_channel(
    call: Call, org: Org, kinds: Mapping[str, str], now: Instant, earlier: Iterable[Call] = ()
) -> Call | None:
    """Call the same person over the next channel, because this one failed; None when there is none left.

    The next one is the first of the person's addresses that was not used for the same call, one of another kind
    before others of the same: they often fail together. ``kinds`` maps the name of each channel there is to its
    technology, ``earlier`` are the calls already written for the alert.
    """
    person = org.people.get(call.person)
    if person is None:
        return None
    errand = call.key.removesuffix(call.channel)
    used = {one.channel for one in earlier if one.key == f"{errand}{one.channel}"} | {call.channel}
    left = [name for name, address in person.addresses.items() if address and name in kinds and name not in used]
    if not left:
        return None
    failed = {kinds.get(name) for name in used}
    name = next((name for name in left if kinds[name] not in failed), left[0])
    return replace(
        call,
        key=f"{errand}{name}",
        channel=name,
        address=person.addresses[name],
        created_at=now,
        due_at=now,
        state=CallState.QUEUED,
        attempts=0,
        receipt="",
        sent_at=None,
        ask_at=None,
        line="",
        instead_of=call.channel,
        tried_at=None,
    )
