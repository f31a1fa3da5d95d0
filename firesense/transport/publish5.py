"""Reads a PUBLISH packet by hand (MQTT 5.0 clause 3.3): for those the codec cannot be given or will not take."""

from __future__ import annotations

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_BOTH_QOS_BITS = 6


class Unreadable(Exception):
    """The peer does not speak MQTT 5 as agreed; the connection cannot go on."""


def varint(data: memoryview, at: int) -> tuple[int, int] | None:
    """Read a variable byte integer (clause 1.5.5): its value and where it ends; None when it is not all there.

    Raises Unreadable when it is longer than four bytes.
    """
    value = 0
    for place in range(4):
        if at + place >= len(data):
            return None
        byte = data[at + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:  # noqa: PLR2004 - the top bit says that more follows
            return value, at + place + 1
    raise Unreadable("a length of more than four bytes")


def body_of(packet: memoryview) -> tuple[int, int] | None:
    """Length of the fixed header and of what follows it; None when the header is not all there."""
    found = varint(packet, 1)
    return None if found is None else (found[1], found[0])


def salvage(head: int, body: memoryview, most: int, *, whole: bool) -> tuple[str, int, bytes]:
    """Topic, packet identifier (0 for QoS 0) and the first ``most`` bytes of the payload.

    Properties are passed over, bytes of the topic that are not UTF-8 become U+FFFD. ``whole`` says whether all of the
    body is there. Raises Unreadable when its lengths do not add up.
    """
    topic_end = 2 + int.from_bytes(body[:2], "big")
    identified = head & _BOTH_QOS_BITS
    properties_at = topic_end + (2 if identified else 0)
    if identified == _BOTH_QOS_BITS or len(body) < properties_at or topic_end == 2:  # noqa: PLR2004 - an empty topic
        raise Unreadable("a PUBLISH that cannot be read")
    packet_id = int.from_bytes(body[topic_end:properties_at], "big")
    properties = varint(body, properties_at)
    if identified and not packet_id:
        raise Unreadable("a PUBLISH without a packet identifier")
    if whole and (properties is None or sum(properties) > len(body)):
        raise Unreadable("a PUBLISH whose properties are longer than it is")
    payload_at = len(body) if properties is None else sum(properties)
    topic = str(body[2:topic_end], "utf-8", "replace").replace("\0", _REPLACEMENT)
    return topic, packet_id, bytes(body[payload_at : payload_at + most])
