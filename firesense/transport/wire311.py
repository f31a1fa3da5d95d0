"""One thread that keeps an MQTT 3.1.1 session alive with paho, and decides itself when to read.

paho's own loop would read on whatever happens; here the socket is left alone while there is no room, so that memory is
bounded and the broker sees that we are slow. Everything the thread has to say goes through one callable into the
event loop.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
import struct
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

import paho.mqtt.client as paho
from paho.mqtt import MQTTException
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from firesense.domain.frame import Marks
from firesense.transport.filters import Filters
from firesense.transport.health import backoff
from firesense.transport.listener311 import Staged

if TYPE_CHECKING:
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode

    from firesense.transport.listener311 import Listener
    from firesense.transport.options import MqttOptions

_TURN = 200  # frames read at most before acknowledgements are looked at
_STAGED = 2000  # frames the event loop may be behind
_STAGED_BYTES = 4 * 1024 * 1024
_LOOK = 1.0  # seconds between looks at the keep-alive
_PATIENCE = 2.0  # seconds for the last bytes to leave
_DISCONNECT = b"\xe0\x00"
_NOT_YET = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
_MALFORMED = (ValueError, IndexError, struct.error, MQTTException)


class _ClosingSocket(ssl.SSLSocket):
    """Closes itself when the handshake fails: paho forgets the socket then."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - as the standard library has it
        """See ``ssl.SSLSocket``."""
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


class Wire311(threading.Thread):
    """Connects, reads, acknowledges, reconnects, until ``end``."""

    def __init__(self, options: MqttOptions, tls: ssl.SSLContext | None, listener: Listener, call: Any) -> None:
        super().__init__(name=f"transport {options.name}", daemon=True)
        self._options = options
        self._tls = tls
        self._listener = listener
        self._call = call
        self._epoch = 0
        self._staged = Staged()
        self._acknowledgements: deque[tuple[int, list[int]]] = deque()
        self._room = threading.Event()
        self._room.set()
        self._taken = True
        self._ending = threading.Event()
        self._woken, self._waker = socket.socketpair()
        self._woken.settimeout(0)
        self._waker.settimeout(0)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._filters = Filters(options.qos)
        self._reason = ""

    # -- from the event loop ----------------------------------------------------------------------------------------
    def acknowledge(self, epoch: int, packet_ids: list[int]) -> None:
        """Send PUBACK for these, if that connection is still there."""
        self._acknowledgements.append((epoch, packet_ids))
        self._wake()

    def pause(self) -> None:
        """Read no more for now."""
        self._room.clear()

    def resume(self) -> None:
        """Read on."""
        self._room.set()
        self._wake()

    def taken(self) -> None:
        """Say that what was handed over is with the inbox."""
        self._taken = True
        self._wake()

    def end(self) -> None:
        """Send what is acknowledged, disconnect, end; the thread can be joined then."""
        self._ending.set()
        self._room.set()
        self._wake()

    def _wake(self) -> None:
        # A full pipe wakes as well; a closed one belongs to a thread that has ended.
        with contextlib.suppress(BlockingIOError, OSError):
            self._waker.send(b"!")

    # -- the thread -------------------------------------------------------------------------------------------------
    def run(self) -> None:
        """Keep a connection until ``end``."""
        try:
            self._stay_connected()
        except Exception as error:  # noqa: BLE001 - whoever receives has to hear of it, or waits forever
            self._call(self._listener.failed, error)
        finally:
            self._selector.close()
            self._woken.close()
            self._waker.close()

    def _stay_connected(self) -> None:
        options = self._options
        failures = 0
        while not self._ending.is_set():
            self._room.wait()
            began = time.monotonic()
            reason = self._one_connection()
            self._hand_over()
            while self._staged.payloads and not self._ending.is_set():
                self._selector.select(_LOOK)
                self._drain()
                self._hand_over()
            self._call(self._listener.closed, reason)
            if time.monotonic() - began > options.backoff_limit.total_seconds():
                failures = 0
            self._ending.wait(backoff(failures, options.backoff_first, options.backoff_limit))
            failures += 1

    def _one_connection(self) -> str:
        self._epoch += 1
        self._reason = ""
        client = self._client()
        seconds = int(self._options.keep_alive.total_seconds())
        try:
            client.connect(self._options.host, self._options.port, seconds)
            self._serve(client)
        except TimeoutError:
            return f"no answer from {self._options.host}:{self._options.port}"
        except OSError as error:
            return str(error) or type(error).__name__
        except _MALFORMED as error:
            return f"protocol error: {error}"
        finally:
            self._watch(None, 0)
            if (sock := client.socket()) is not None:
                sock.close()
        return self._reason or "the broker closed the connection"

    def _client(self) -> paho.Client:
        options = self._options
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            options.client_id,
            clean_session=False,
            protocol=paho.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.connect_timeout = options.connect_timeout.total_seconds()
        if options.username:
            client.username_pw_set(options.username, options.password or None)
        if self._tls is not None:
            self._tls.sslsocket_class = _ClosingSocket
            client.tls_set_context(self._tls)
            client.tls_insecure_set(not self._tls.check_hostname)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        return client

    def _serve(self, client: paho.Client) -> None:
        """Read while there is room, write what there is to write, until the connection or the thread ends."""
        while (sock := client.socket()) is not None:
            if self._ending.is_set():
                self._say_goodbye(client)
                return
            read = self._room.is_set() and self._staged.bytes < _STAGED_BYTES and len(self._staged.payloads) < _STAGED
            wanted = selectors.EVENT_READ * read | selectors.EVENT_WRITE * client.want_write()
            self._watch(sock, wanted)
            buffered = read and isinstance(sock, ssl.SSLSocket) and sock.pending() > 0
            ready = {key.fileobj: events for key, events in self._selector.select(0 if buffered else _LOOK)}
            if self._woken in ready:
                self._drain()
            if ready.get(sock, 0) & selectors.EVENT_READ or buffered:
                self._read(client)
            self._acknowledge(client)
            if client.want_write():
                client.loop_write()
            client.loop_misc()
            if again := self._filters.due(time.monotonic()):
                self._subscribe(client, again)
            self._hand_over()

    def _watch(self, sock: Any, wanted: int) -> None:
        """Have the selector watch this socket for these events and nothing else but the waker."""
        for key in list(self._selector.get_map().values()):
            if key.fileobj is self._woken:
                continue
            if key.fileobj is sock and key.events == wanted:
                return
            self._selector.unregister(key.fileobj)
        if sock is not None and wanted:
            self._selector.register(sock, wanted)

    def _read(self, client: paho.Client) -> None:
        for _ in range(_TURN):
            before = len(self._staged.payloads)
            if client.loop_read() != MQTTErrorCode.MQTT_ERR_SUCCESS or len(self._staged.payloads) == before:
                return

    def _acknowledge(self, client: paho.Client) -> None:
        while self._acknowledgements:
            epoch, packet_ids = self._acknowledgements.popleft()
            if epoch == self._epoch:
                for packet_id in packet_ids:
                    client.ack(packet_id, 1)

    def _say_goodbye(self, client: paho.Client) -> None:
        """Send what is acknowledged and DISCONNECT, wait for the broker to hang up; paho would not wait.

        Hanging up ourselves with bytes unread would reset the connection, and the broker would lose acknowledgements
        it has not read yet.
        """
        self._acknowledge(client)
        deadline = time.monotonic() + _PATIENCE
        said = False
        while (sock := client.socket()) is not None and time.monotonic() < deadline:
            with contextlib.suppress(*_NOT_YET):
                if not said and not client.want_write():
                    sock.send(_DISCONNECT)
                    said = True
                if said and not sock.recv(65_536):
                    break
            self._watch(sock, selectors.EVENT_READ if said else selectors.EVENT_WRITE)
            self._selector.select(deadline - time.monotonic())
            self._drain()
            if not said:
                client.loop_write()
        self._reason = "stopped"

    def _hand_over(self) -> None:
        if self._staged.payloads and self._taken:
            staged, self._staged = self._staged, Staged()
            self._taken = False
            self._call(self._listener.arrived, self._epoch, staged)

    def _drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._woken.recv(4096):
                pass

    # -- from paho --------------------------------------------------------------------------------------------------
    def _on_connect(
        self,
        client: paho.Client,
        _data: Any,
        flags: paho.ConnectFlags,
        code: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if code.is_failure:
            self._reason = f"the broker refused the connection: {str(code).lower()}"
            return
        self._call(self._listener.opened, self._epoch, flags.session_present)
        if flags.session_present and self._filters.all_granted:
            self._call(self._listener.granted, "")  # subscribing anew would bring all retained frames again
        else:
            self._subscribe(client, self._options.subscriptions)

    def _subscribe(self, client: paho.Client, filters: tuple[str, ...]) -> None:
        self._filters.ask(filters, time.monotonic())
        client.subscribe([(topic_filter, self._options.qos) for topic_filter in filters])

    def _on_subscribe(
        self, _client: paho.Client, _data: Any, _mid: int, codes: list[ReasonCode], _properties: Properties | None
    ) -> None:
        self._call(self._listener.granted, self._filters.answer([code.value for code in codes]))

    def _on_message(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        staged = self._staged
        payload = bytes(message.payload)
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = "\N{REPLACEMENT CHARACTER}"  # no profile knows it: into the quarantine, with its payload
        staged.topics.append(topic)
        staged.payloads.append(payload)
        staged.bytes += len(payload)
        staged.marks.append(message.retain * Marks.RETAINED | message.dup * Marks.REDELIVERED)
        staged.packet_ids.append(message.mid if message.qos else 0)

    def _on_disconnect(
        self,
        _client: paho.Client,
        _data: Any,
        _flags: paho.DisconnectFlags,
        code: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self._reason = self._reason or f"the connection was lost: {str(code).lower()}"
