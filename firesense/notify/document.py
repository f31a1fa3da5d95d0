"""A message as a document for machines: what the MQTT and webhook channels carry. docs/channels.md describes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from firesense.domain.instant import iso

if TYPE_CHECKING:
    from firesense.domain.message import Message


def document(message: Message, reference: str = "") -> bytes:
    """JSON in UTF-8; ``key`` is the same every time the same call is made, so a receiver can drop what it has seen.

    With the ``reference`` it can say what became of it.
    """
    call, alert = message.call, message.alert
    content: dict[str, Any] = {
        "key": call.key,
        "purpose": call.purpose,
        "urgent": call.urgent,
        "title": message.title,
        "body": message.body,
        "link": message.link,
        "take": message.take.rpartition("/")[2],
        "bundled": message.bundled,
        "language": call.language,
        "person": call.person,
        "address": call.address,
        "role": call.role,
        "post_place": call.place,
        "rung": call.rung,
        "round": call.round,
        "attempt": call.attempts + 1,
        "alert": {
            "id": alert.id,
            "class": alert.alert_class,
            "grade": alert.grade,
            "condition": alert.condition,
            "case": alert.case,
            "rule": alert.rule,
            "device": alert.device,
            "device_class": alert.device_class,
            "place": alert.place,
            "metric": alert.metric,
            "value": alert.value,
            "late": alert.late,
            "event_at": iso(alert.event_at),
            "raised_at": iso(alert.raised_at),
            "incident": alert.incident,
        },
    }
    if reference:
        content["reference"] = reference
    return msgspec.json.encode(content)
