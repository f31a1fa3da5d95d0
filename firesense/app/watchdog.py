"""What systemd is told (sd_notify(3)): that the daemon is ready, alive, stopping. Without systemd it says nothing."""

from __future__ import annotations

import os
import socket
from datetime import timedelta


def tell_systemd(state: str) -> None:
    """Send one line of the protocol to the socket systemd named, if there is one."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):  # an abstract socket
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.connect(address)
        line.sendall(state.encode())


def watchdog_interval() -> timedelta | None:
    """How often systemd wants to hear WATCHDOG=1: half of what it would wait; None when it does not wait."""
    wait = os.environ.get("WATCHDOG_USEC", "")
    if not wait.isdigit() or os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    return timedelta(microseconds=int(wait)) / 2
