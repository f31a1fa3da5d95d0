"""One MQTT 5 connection, from CONNECT to its end: the only module that knows the codec.

Bytes are read into one buffer and parsed where they lie; PUBLISH packets go straight into the columns of the inbox.
The codec raises IndexError for a packet that is not all there, ValueError for a malformed one, and panics (a
BaseException) over a string that is not UTF-8.
"""

from __future__ import annotations

import asyncio
import sys
from math import inf
from typing import TYPE_CHECKING, cast

import mqtt5
import numpy as np
import structlog
from mqtt5 import PublishPacket, read

from firesense.domain.frame import Marks
from firesense.transport.filters import Filters
from firesense.transport.publish5 import Unreadable, body_of, salvage

if TYPE_CHECKING:
    from firesense.transport.health import Health
    from firesense.transport.inbox import Inbox
    from firesense.transport.options import MqttOptions

log = structlog.get_logger(__name__)

_READ = 256 * 1024  # bytes asked of the socket at once
_HEADERS = 64 * 1024  # of a frame's bytes: topic and properties, beside the payload
_ROOM = 64 * 1024  # with less than this behind it, what is left moves to the front
_PUBLISH = 0x30
_PUBACK = 0x40
_PUBREC = 0x50
_PUBCOMP = 0x70
_SUBSCRIBE_ID = 1
_PATIENCE = 2.0  # seconds for the last bytes to leave
_MARKS = bytes((flags & 1) * Marks.RETAINED | (flags >> 3) * Marks.REDELIVERED for flags in range(16))


class LinkDown(Exception):
    """The connection ended, or never came to be; says why."""


class Link(asyncio.BufferedProtocol):
    """A connection and what it knows: what was read but not parsed, what has to be answered, when it last heard.

    ``released`` belongs to the session: QoS 2 identifiers that were answered with PUBREC and wait for PUBREL.
    """

    def __init__(self, options: MqttOptions, inbox: Inbox, health: Health, released: set[int], epoch: int) -> None:
        self.epoch = epoch
        self._options = options
        self._inbox = inbox
        self._health = health
        self._released = released
        self._raw = bytearray(options.max_packet + _HEADERS + _READ)
        self._view = memoryview(self._raw)
        self._start = 0
        self._end = 0
        self._skip = 0
        self._exactly_once: set[int] = set()
        self._filters = Filters(options.qos)
        self._answer_by = inf  # when the subscriptions must have been answered
        self._keep_alive = options.keep_alive.total_seconds()
        self._heard_at = 0.0
        self._tick: asyncio.TimerHandle | None = None
        self._paused = False
        self._reason = ""
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._accepted: asyncio.Future[mqtt5.ConnAckPacket] = self._loop.create_future()
        self.closed: asyncio.Future[str] = self._loop.create_future()

    # -- from the session -------------------------------------------------------------------------------------------
    async def open(self) -> None:
        """Log in and ask for the subscriptions. Raises LinkDown with the broker's reason when it will not have us.

        The answer to the subscriptions may come behind many frames that waited for us; ``_watch`` sees to it.
        """
        options = self._options
        self._send(
            mqtt5.ConnectPacket(
                options.client_id,
                username=options.username or None,
                password=options.password.encode() if options.password else None,
                clean_start=False,
                keep_alive=int(self._keep_alive),
                session_expiry_interval=int(options.session_expiry.total_seconds()),
                receive_max=options.receive_maximum,
            ).write()
        )
        await asyncio.wait((self._accepted, self.closed), return_when=asyncio.FIRST_COMPLETED)
        if not self._accepted.done():
            raise LinkDown(self.closed.result())
        answer = self._accepted.result()
        if answer.reason_code != mqtt5.ConnAckReasonCode.SUCCESS:
            raise LinkDown(_because("the broker refused the connection", answer.reason_code.name, answer.reason_str))
        if not answer.session_present:
            self._released.clear()
        self._health.opened(session_present=answer.session_present)
        self._keep_alive = answer.server_keep_alive or self._keep_alive
        if answer.session_expiry_interval not in {None, int(options.session_expiry.total_seconds())}:
            log.warning("session_expiry_shortened", transport=options.name, seconds=answer.session_expiry_interval)
        self._watch()
        self._subscribe(options.subscriptions)

    def acknowledge(self, packet_ids: np.ndarray[tuple[int], np.dtype[np.uint16]]) -> None:
        """Send PUBACK (PUBREC for QoS 2) for all of these but 0, in their order, in one write."""
        packet_ids = packet_ids[packet_ids != 0]
        if not len(packet_ids):
            return
        answers = np.empty((len(packet_ids), 4), np.uint8)
        answers[:, 0] = _PUBACK
        answers[:, 1] = 2  # the bytes that follow; without a reason code it is a success: MQTT 5.0 clause 3.4.2.1
        answers[:, 2] = packet_ids >> 8
        answers[:, 3] = packet_ids & 0xFF
        if self._exactly_once:
            for row, packet_id in enumerate(packet_ids.tolist()):
                if packet_id in self._exactly_once:
                    answers[row, 0] = _PUBREC
                    self._exactly_once.discard(packet_id)
                    self._released.add(packet_id)
        self._send(answers.tobytes())

    def resume(self) -> None:
        """Read on: there is room again."""
        if self._paused and self._transport is not None:
            self._paused = False
            self._heard_at = self._loop.time()
            if self._answer_by < inf:
                self._answer_by = self._heard_at + self._options.connect_timeout.total_seconds()
            self._transport.resume_reading()

    def close(self) -> None:
        """Send what is to be sent and DISCONNECT, wait for the broker to hang up; the session stays.

        Hanging up ourselves with bytes unread would reset the connection, and the broker would lose acknowledgements
        it has not read yet.
        """
        self._send(mqtt5.DisconnectPacket().write())
        self._reason = "stopped"
        self._skip = sys.maxsize
        self.resume()
        if self._transport is not None:
            self._loop.call_later(_PATIENCE, self._transport.abort)

    def abort(self, reason: str) -> None:
        """Drop the connection and what was still to be sent."""
        self._reason = self._reason or reason
        if self._transport is not None:
            self._transport.abort()

    # -- from the event loop ----------------------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._heard_at = self._loop.time()

    def connection_lost(self, exc: Exception | None) -> None:
        """Say why to whoever waits."""
        if self._tick is not None:
            self._tick.cancel()
        self._transport = None
        if not self.closed.done():
            self.closed.set_result(self._reason or (str(exc) if exc else "the broker closed the connection"))

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - the free part is what there is
        """Lend the free part of the buffer; never empty."""
        return self._view[self._end :]

    def buffer_updated(self, nbytes: int) -> None:
        """Parse every whole packet; stop reading when too much waits."""
        self._heard_at = self._loop.time()
        self._end += nbytes
        try:
            self._parse()
        except Unreadable as error:
            self._protocol_error(str(error))
        self._inbox.stamp()
        if self._start == self._end:
            self._start = self._end = 0
        elif len(self._raw) - self._end < _ROOM:
            left = self._end - self._start
            self._view[:left] = self._view[self._start : self._end]
            self._start, self._end = 0, left
        if self._inbox.full and not self._paused and not self._reason and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    # -- parsing ----------------------------------------------------------------------------------------------------
    def _parse(self) -> None:
        if self._skip:
            skipped = min(self._skip, self._end - self._start)
            self._skip -= skipped
            self._start += skipped
        raw, view, start, end = self._raw, self._view, self._start, self._end
        run = self._inbox.run
        topics, payloads = run.topics.append, run.payloads.append
        marks, packet_ids = run.marks.append, run.packet_ids.append
        while start < end:
            head = raw[start]
            try:
                packet, size = read(view[start:end])
            except IndexError:
                start += self._cut(start)
                break
            except BaseException as error:
                if not isinstance(error, ValueError) and type(error).__name__ != "PanicException":
                    raise
                start += self._mend(start, error)
                continue
            start += size
            if not isinstance(packet, PublishPacket):
                self._control(packet)
            elif head & 4 and not self._first_time(packet.packet_id):
                continue
            elif not packet.topic:
                raise Unreadable("a topic alias, though none was allowed")
            else:
                topics(packet.topic)
                payloads(packet.payload)
                marks(_MARKS[head & 15])
                packet_ids(packet.packet_id or 0)
        self._start = start

    def _first_time(self, packet_id: int | None) -> bool:
        """Whether a QoS 2 frame is new; an answered one is answered again and is no frame."""
        if packet_id is None:
            raise Unreadable("a PUBLISH without a packet identifier")
        if packet_id in self._released:
            self._send(_with_id(_PUBREC, packet_id))
            return False
        self._exactly_once.add(packet_id)
        return True

    def _take_by_hand(self, start: int, body: memoryview, mark: Marks) -> None:
        """Take the PUBLISH that starts there without the codec; its body is what is there of it, without the header."""
        head = self._raw[start]
        topic, packet_id, payload = salvage(head, body, self._options.max_packet, whole=mark != Marks.CUT)
        if head & 4 and not self._first_time(packet_id):
            return
        run = self._inbox.run
        run.topics.append(topic)
        run.payloads.append(payload)
        run.marks.append(_MARKS[head & 15] | mark)
        run.packet_ids.append(packet_id)

    def _cut(self, start: int) -> int:
        """Take the beginning of a frame that is too long, if one starts there; the rest is skipped as it comes.

        Returns the bytes that are done with: 0 when the packet may still come whole.
        """
        packet = self._view[start : self._end]
        found = body_of(packet)
        if found is None:
            return 0
        header, length = found
        if length <= self._options.max_packet + _HEADERS:
            return 0
        if packet[0] & 0xF0 != _PUBLISH:
            raise Unreadable(f"a packet of {length} bytes that is no frame")
        if len(packet) - header < self._options.max_packet + _HEADERS:
            return 0
        self._take_by_hand(start, packet[header:], Marks.CUT)
        self._health.cut += 1
        self._skip = header + length - len(packet)
        return len(packet)

    def _mend(self, start: int, error: BaseException) -> int:
        """Take a frame whose properties or topic are malformed without them; returns its length.

        The standard says to disconnect, but the broker would send the same frame first when we are back, and one
        device's bad property would keep every alarm from coming through.
        """
        packet = self._view[start : self._end]
        found = body_of(packet)
        if found is None or packet[0] & 0xF0 != _PUBLISH or sum(found) > len(packet):
            raise Unreadable(str(error)) from error
        self._take_by_hand(start, packet[found[0] : sum(found)], Marks(0))
        self._health.mended += 1
        log.warning("frame_mended", transport=self._options.name, fault=str(error))
        return sum(found)

    # -- everything but frames --------------------------------------------------------------------------------------
    def _control(self, packet: mqtt5.Packet) -> None:
        match packet:
            case mqtt5.PubRelPacket():
                self._released.discard(packet.packet_id)
                self._send(_with_id(_PUBCOMP, packet.packet_id))
            case mqtt5.PingRespPacket():
                pass
            case mqtt5.ConnAckPacket() if not self._accepted.done():
                self._accepted.set_result(packet)
            case mqtt5.SubAckPacket() if len(packet.reason_codes) == len(self._filters.asked):
                codes = packet.reason_codes
                self._answer_by = inf
                self._health.up(self._filters.answer([int(code) for code in codes], [code.name for code in codes]))
            case mqtt5.DisconnectPacket():
                self._end_with(_because("the broker disconnected", packet.reason_code.name, packet.reason_str))
            case _:
                raise Unreadable(f"unexpected {type(packet).__name__}")

    def _subscribe(self, filters: tuple[str, ...]) -> None:
        # Retained frames come with a new subscription only; live ones must not look retained (clause 3.8.3.1).
        self._filters.ask(filters, self._loop.time())
        self._answer_by = self._loop.time() + self._options.connect_timeout.total_seconds()
        asked = [
            mqtt5.TopicFilter(
                topic_filter,
                max_qos=mqtt5.QoS(self._options.qos),
                retain_as_published=False,
                retain_handling=mqtt5.RetainHandling.SEND_IF_SUBSCRIPTION_NOT_EXISTS,
            )
            for topic_filter in filters
        ]
        self._send(mqtt5.SubscribePacket(_SUBSCRIBE_ID, asked).write())

    def _watch(self) -> None:
        """Ping twice in a keep-alive, so that a whole one of silence means that nobody is there."""
        now = self._loop.time()
        if not self._paused and now - self._heard_at > self._keep_alive:
            self.abort(f"nothing heard from the broker for {self._keep_alive:g} s")
            return
        if not self._paused and now > self._answer_by:
            self.abort("the broker did not answer the subscriptions")
            return
        self._send(mqtt5.PingReqPacket().write())
        if again := self._filters.due(now):
            self._subscribe(again)
        self._tick = self._loop.call_later(self._keep_alive / 2, self._watch)

    def _protocol_error(self, reason: str) -> None:
        self._send(mqtt5.DisconnectPacket(reason_code=mqtt5.DisconnectReasonCode.MALFORMED_PACKET).write())
        self._end_with(f"protocol error: {reason}")

    def _end_with(self, reason: str) -> None:
        self._reason = self._reason or reason
        self._start = self._end
        if self._transport is not None:
            self._transport.close()
            self._loop.call_later(_PATIENCE, self._transport.abort)

    def _send(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)


def _with_id(kind: int, packet_id: int) -> bytes:
    return bytes((kind, 2, packet_id >> 8, packet_id & 0xFF))


def _because(what: str, code: str, text: str | None) -> str:
    said = code.lower().replace("_", " ")
    return f"{what}: {said} ({text})" if text else f"{what}: {said}"
