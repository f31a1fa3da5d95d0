"""Whoever sits at the command line is who the system says, whatever the environment says."""

from __future__ import annotations

import os
import pwd

from firesense.cli.who import actor


def test_the_account_is_that_of_the_process(monkeypatch):
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody-else")
    account = pwd.getpwuid(os.getuid()).pw_name
    assert actor().name == account
    assert actor("li-na").origin.startswith(f"cli {account}@")
