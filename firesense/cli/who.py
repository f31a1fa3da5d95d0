"""Who sits at the command line: whoever may read the book may do everything, and the audit says from where."""

from __future__ import annotations

import os
import pwd
import socket

from firesense.domain.deed import Actor, Rights


def actor(name: str = "") -> Actor:
    """Give the person who acts: the name given, else that of the account; the origin is account and machine."""
    try:
        account = pwd.getpwuid(os.getuid()).pw_name  # not what $LOGNAME says: that is whatever its owner likes
    except KeyError:  # a container may have a number without a name
        account = "unknown"
    return Actor(name or account, f"cli {account}@{socket.gethostname()}", Rights.ADMIN)
