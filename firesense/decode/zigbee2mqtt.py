"""zigbee2mqtt: flat JSON on ``zigbee2mqtt/FRIENDLY_NAME``, beside topics that are about devices and not from them."""

from __future__ import annotations

from firesense.decode.json import JsonDecoder

# zigbee2mqtt publishes or takes these below a device's name or its own; the name itself may contain slashes.
_SERVICE_LAST = frozenset({"availability", "set", "get"})
_SERVICE_FIRST = "bridge"


class Zigbee2MqttDecoder(JsonDecoder):
    """Reads device states."""

    def is_device(self, external_id: str) -> bool:
        """Whether the topic is a device's state and not availability, a command or the bridge's own."""
        first, *_, last = (*external_id.split("/"), external_id.rpartition("/")[2])
        return first != _SERVICE_FIRST and not ("/" in external_id and last in _SERVICE_LAST)
