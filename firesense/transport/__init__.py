"""Transports: connections to brokers behind ``ports.Transport``, by the protocol they speak."""

from __future__ import annotations

from typing import TYPE_CHECKING

from firesense.transport.mqtt5 import Mqtt5Transport
from firesense.transport.mqtt311 import Mqtt311Transport
from firesense.transport.options import MqttOptions, TlsOptions
from firesense.transport.replay import ReplayTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from firesense.ports import Clock, Transport

TRANSPORTS: Mapping[str, Callable[[MqttOptions, Clock], Transport]] = {
    "mqtt5": Mqtt5Transport,
    "mqtt311": Mqtt311Transport,
}

__all__ = ["TRANSPORTS", "Mqtt5Transport", "Mqtt311Transport", "MqttOptions", "ReplayTransport", "TlsOptions"]
