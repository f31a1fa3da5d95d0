"""Answers over MQTT: whoever was sent a call as JSON takes its alert by sending back the token it held.

The broker says who may publish where; the token proves that the call was received. A connection of its own, because
the one that publishes is only there while there is something to publish.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiomqtt
import msgspec
import structlog

from firesense.domain.callback import Callback, Heard, News
from firesense.domain.errors import BookError, ChannelError, Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable

    from firesense.notify.mqtt import MqttOptions

_log = structlog.get_logger(__name__)

_WAITS = (1, 2, 5, 10, 30)  # seconds, after the first, second, ... failure
_MOST_BYTES = 4096


class _Answer(msgspec.Struct):
    alert: str
    take: str


def understood(callback: Callback) -> Heard:
    """Understand ``{"alert": ID, "take": TOKEN}``. Raises Unreadable."""
    try:
        answer = msgspec.json.decode(callback.body, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable("the answer is not understood") from error
    return Heard((News(alert=answer.alert, token=answer.take),))


async def listen(
    name: str, options: MqttOptions, version: aiomqtt.ProtocolVersion, hear: Callable[[Callback], object]
) -> None:
    """Hear answers until cancelled; a broker that is away is tried again. ``hear`` is called in a thread."""
    failures = 0
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
                    if len(payload) <= _MOST_BYTES:
                        await asyncio.to_thread(_heard, name, Callback(str(message.topic), {}, {}, payload), hear)
        except aiomqtt.MqttError as error:
            wait = _WAITS[min(failures, len(_WAITS) - 1)]
            failures += 1
            _log.warning("answers over MQTT are not heard", channel=name, reason=str(error), again_in=wait)
            await asyncio.sleep(wait)


def _heard(name: str, callback: Callback, hear: Callable[[Callback], object]) -> None:
    try:
        hear(callback)
    except ChannelError as error:  # whoever heard it has counted it and said so, as often as strangers may have it said
        _log.debug("an answer over MQTT came to nothing", channel=name, reason=str(error))
    except BookError as error:
        _log.warning("an answer over MQTT came to nothing", channel=name, reason=str(error))
    except Exception:  # noqa: BLE001 -- whatever one message does, those after it must be heard
        _log.exception("an answer over MQTT could not be taken", channel=name)
