"""Answers over MQTT: whoever was sent a call as JSON takes its alert by sending back the token it held.

Or says what became of the call, by the reference it held: a loudspeaker that it has spoken. The broker says who may
publish where; token and reference prove that the call was received. A connection of its own, because the one that
publishes is only there while there is something to publish.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from typing import TYPE_CHECKING, Annotated, Any, Literal

import aiomqtt
import msgspec
import structlog

from firesense.domain.callback import Callback, Heard, News
from firesense.domain.errors import BookError, ChannelError, NotYet, Unreadable
from firesense.domain.escalation import CallState
from firesense.domain.message import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from firesense.notify.mqtt import MqttOptions

_log = structlog.get_logger(__name__)

_WAITS = (1, 2, 5, 10, 30)  # seconds, after the first, second, ... failure
_MOST_BYTES = 4096
_MOST_REASON = 200  # characters
_AGAIN = (0.2, 1.0, 5.0)  # seconds: what was said before our own sending came back
_AGAIN_MOST = 100
_REFERENCE_BYTES = 10  # 80 bits, as a token's


class _Taking(msgspec.Struct):
    alert: str
    take: str


class _Report(msgspec.Struct):
    reference: Annotated[str, msgspec.Meta(pattern=rf"^[0-9a-f]{{{2 * _REFERENCE_BYTES}}}\Z")]
    state: Literal["delivered", "read", "failed"]
    reason: str = ""


def new_reference() -> str:
    """What names one sending of a call, and that nobody knows who was not sent it."""
    return secrets.token_hex(_REFERENCE_BYTES)


def kept(reference: str) -> str:
    """What the book keeps of a reference, and shows: enough to know it again, and nothing to report with.

    So whoever may look at calls cannot say what became of them.
    """
    return hashlib.sha256(reference.encode()).hexdigest()[: 2 * _REFERENCE_BYTES]


def understood(callback: Callback, *, may_take: bool = True) -> Heard:
    """Understand ``{"alert": ID, "take": TOKEN}`` and ``{"reference": REFERENCE, "state": STATE, "reason": TEXT}``.

    Raises Unreadable.
    """
    try:
        answer = msgspec.json.decode(callback.body, type=dict[str, Any])
        if may_take and "take" in answer:
            taking = msgspec.convert(answer, _Taking)
            return Heard((News(alert=taking.alert, token=taking.take),))
        report = msgspec.convert(answer, _Report)
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable("the answer is not understood") from error
    return Heard((News(kept(report.reference), CallState(report.state), printable(report.reason[:_MOST_REASON])),))


async def listen(
    name: str, options: MqttOptions, version: aiomqtt.ProtocolVersion, hear: Callable[[Callback], object]
) -> None:
    """Hear answers until cancelled; a broker that is away is tried again. ``hear`` is called in a thread."""
    failures = 0
    async with asyncio.TaskGroup() as later:
        early: set[asyncio.Task[None]] = set()
        while True:
            try:
                async with aiomqtt.Client(
                    options.host,
                    options.port,
                    username=options.username or None,
                    password=options.password or None,
                    identifier=f"{options.client_id}-answers" if options.client_id else None,
                    protocol=version,
                    tls_context=options.tls,
                    timeout=options.timeout.total_seconds(),
                ) as client:
                    await client.subscribe(options.answers, qos=1)
                    failures = 0
                    async for message in client.messages:
                        payload = message.payload
                        if len(payload) > _MOST_BYTES:
                            continue
                        callback = Callback(str(message.topic), {}, {}, payload, by_broker=True)
                        if await asyncio.to_thread(_came_early, name, callback, hear) and len(early) < _AGAIN_MOST:
                            again = later.create_task(_again(name, callback, hear))
                            early.add(again)
                            again.add_done_callback(early.discard)
            except aiomqtt.MqttError as error:
                wait = _WAITS[min(failures, len(_WAITS) - 1)]
                failures += 1
                _log.warning("answers over MQTT are not heard", channel=name, reason=str(error), again_in=wait)
                await asyncio.sleep(wait)


async def _again(name: str, callback: Callback, hear: Callable[[Callback], object]) -> None:
    for wait in _AGAIN:
        await asyncio.sleep(wait)
        if not await asyncio.to_thread(_came_early, name, callback, hear):
            return


def _came_early(name: str, callback: Callback, hear: Callable[[Callback], object]) -> bool:
    """Have it heard; says whether it is to be said again, because its call is not known yet."""
    try:
        hear(callback)
    except NotYet:
        return True
    except ChannelError as error:  # whoever heard it has counted it and said so, as often as strangers may have it said
        _log.debug("an answer over MQTT came to nothing", channel=name, reason=str(error))
    except BookError as error:
        _log.warning("an answer over MQTT came to nothing", channel=name, reason=str(error))
    except Exception:  # noqa: BLE001 -- whatever one message does, those after it must be heard
        _log.exception("an answer over MQTT could not be taken", channel=name)
    return False
